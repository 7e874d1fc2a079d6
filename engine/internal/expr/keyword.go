package expr

import "math"

// fixedKeyword gives the value of a keyword that always has the same one.
func fixedKeyword(name string) (any, bool) {
	switch name {
	case "null":
		return nil, true
	case "true":
		return true, true
	case "false":
		return false, true
	case "emptystring":
		return "", true
	case "emptyarray":
		return []any{}, true
	case "space":
		return " ", true
	case "nbsp":
		return "\u00a0", true
	case "tab":
		return "\t", true
	case "newline":
		return "\n", true
	case "carriagereturn":
		return "\r", true
	case "ignore":
		return Ignore, true
	case "erase":
		return Erase, true
	case "pi":
		return math.Pi, true
	}
	return nil, false
}

// isLive says whether a keyword's value comes from the environment.
func isLive(name string) bool {
	switch name {
	case "now", "timestamp", "random", "uuid", "executionId":
		return true
	}
	return false
}

func isKeyword(name string) bool {
	_, fixed := fixedKeyword(name)
	return fixed || isLive(name)
}
