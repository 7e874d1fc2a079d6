package expr

import (
	"maps"
	"math"
	"slices"
)

// fixedKeywords are those that always have the same value.
var fixedKeywords = map[string]any{
	"null": nil, "true": true, "false": false, "emptystring": "", "emptyarray": []any{}, "space": " ", "nbsp": "\u00a0", "tab": "\t",
	"newline": "\n", "carriagereturn": "\r", "ignore": Ignore, "erase": Erase, "pi": math.Pi,
}

func fixedKeyword(name string) (any, bool) {
	v, ok := fixedKeywords[name]
	return v, ok
}

// liveKeywords are those whose value comes from the environment.
var liveKeywords = [...]string{"executionId", "now", "random", "timestamp", "uuid"}

func isLive(name string) bool { return slices.Contains(liveKeywords[:], name) }

func isKeyword(name string) bool {
	_, fixed := fixedKeyword(name)
	return fixed || isLive(name)
}

// Keywords lists all keywords in alphabetical order.
func Keywords() []string {
	return slices.Sorted(slices.Values(slices.AppendSeq(liveKeywords[:len(liveKeywords):len(liveKeywords)], maps.Keys(fixedKeywords))))
}
