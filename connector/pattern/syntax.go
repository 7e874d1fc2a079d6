package pattern

import "strings"

// isECMAScript says whether a regular expression has only what ECMAScript 2025 has (ECMA-262, 22.2.1), as far as the
// library does not say so itself: it takes the groups of .NET as well, such as (?i), (?>…), (?#…) and (?'name'…), and
// pays no regard to the stricter grammar that the flag u brings.
func isECMAScript(source string, unicode bool) bool {
	class := false
	for i := 0; i < len(source); i++ {
		switch c := source[i]; {
		case c == '\\':
			i++
			if i == len(source) || unicode && !isUnicodeEscape(source[i], class) {
				return false
			}
			if unicode && i+1 < len(source) && source[i+1] == '{' && strings.IndexByte("pPu", source[i]) >= 0 {
				i += max(strings.IndexByte(source[i:], '}'), 0)
			}
		case class:
			class = c != ']'
		case c == '[':
			class = true
		case c == '(':
			if rest, special := strings.CutPrefix(source[i+1:], "?"); special && !isGroup(rest) {
				return false
			}
		case c == ']' || c == '}':
			if unicode {
				return false
			}
		case c == '{' && unicode:
			end := strings.IndexByte(source[i:], '}')
			if end < 0 || !isRepetition(source[i+1:i+end]) {
				return false
			}
			i += end
		}
	}
	return true
}

// isGroup looks at what follows the question mark of a group.
func isGroup(rest string) bool {
	if rest == "" {
		return false
	}
	switch rest[0] {
	case ':', '=', '!', '<': // the library knows which names and look-behinds are wrong
		return true
	}
	// Modifiers: of i, m and s each at most once, and one at least, before or behind a minus.
	modifiers, _, ok := strings.Cut(rest, ":")
	if !ok || len(modifiers) > len("ims-") {
		return false
	}
	seen := ""
	minus := false
	for _, c := range modifiers {
		switch {
		case c == '-' && !minus:
			minus = true
		case strings.ContainsRune("ims", c) && !strings.ContainsRune(seen, c):
			seen += string(c)
		default:
			return false
		}
	}
	return seen != ""
}

// isUnicodeEscape says what may stand behind a backslash when the flag u is given.
func isUnicodeEscape(c byte, class bool) bool {
	switch c {
	case '-':
		return class
	case 'B', 'k':
		return !class
	}
	return strings.IndexByte("dDsSwWbfnrtvcxupP0123456789^$\\.*+?()[]{}|/", c) >= 0
}

// isRepetition says whether the text between braces is n, n, or n,m.
func isRepetition(s string) bool {
	low, high, two := strings.Cut(s, ",")
	return allDigits(low) && (!two || high == "" || allDigits(high))
}

func allDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
