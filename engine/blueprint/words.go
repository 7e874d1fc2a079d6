package blueprint

import (
	"encoding/json"
	"strings"
)

// onlyIf says what a filter lets through.
func onlyIf(f *Filter) string {
	name := f.Name
	if name != "" {
		name += ": "
	}
	switch {
	case f.conditionsUnread():
		return "only if " + name + "conditions that cannot be read"
	case !f.filters():
		return "always, as " + f.Name
	default:
		return "only if " + name + inWords(f.Conditions)
	}
}

// inWords reads conditions aloud: groups with "or" between them, the conditions of a group with "and".
func inWords(groups [][]Condition) string {
	var parts []string
	for _, group := range groups {
		var all []string
		for _, c := range group {
			all = append(all, conditionInWords(c))
		}
		part := strings.Join(all, " and ")
		if part == "" {
			part = "anything"
		}
		if len(all) > 1 && len(groups) > 1 {
			part = "(" + part + ")"
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return "never"
	}
	return strings.Join(parts, " or ")
}

// comparison says, by operator without its family, what stands between two operands.
var comparison = map[string]map[string]string{
	"text": {
		"equal": "is", "notequal": "is not", "contain": "contains", "notcontain": "does not contain", "startwith": "starts with",
		"notstartwith": "does not start with", "endwith": "ends with", "notendwith": "does not end with", "pattern": "matches",
		"notpattern": "does not match",
	},
	"number":  {"equal": "=", "notequal": "≠", "greater": ">", "less": "<", "greaterorequal": "≥", "lessorequal": "≤"},
	"semver":  {"equal": "=", "notequal": "≠", "greater": ">", "less": "<", "greaterorequal": "≥", "lessorequal": "≤"},
	"boolean": {"equal": "is", "notequal": "is not"},
	"array": {
		"contain": "has the item", "notcontain": "does not have the item", "equal": "has this many items:", "notequal": "has not this many items:",
		"greater": "has more items than", "less": "has fewer items than", "greaterorequal": "has at least this many items:",
		"lessorequal": "has at most this many items:",
	},
	"date": dateWords, "time": dateWords,
}

var dateWords = map[string]string{
	"equal": "is", "notequal": "is not", "greater": "is later than", "less": "is earlier than", "greaterorequal": "is not earlier than",
	"lessorequal": "is not later than",
}

func conditionInWords(c Condition) string {
	switch c.O {
	case "exist":
		return operand(c.A) + " exists"
	case "notexist":
		return operand(c.A) + " does not exist"
	case "":
		c.O = "text:equal"
	}
	name, anyCase := strings.CutSuffix(c.O, ":ci")
	family, test, _ := strings.Cut(name, ":")
	words := comparison[family][test]
	if words == "" {
		words = c.O
	}
	text := operand(c.A) + " " + words + " " + operand(c.B)
	if anyCase {
		text += " in any case"
	}
	return text
}

// operand shows a side of a condition: a mapping without its braces, a constant in quotes.
func operand(value any) string {
	switch v := value.(type) {
	case nil:
		return "nothing"
	case string:
		if inner, ok := onlyIsland(v); ok {
			return inner
		}
		if _, err := json.Number(v).Float64(); err == nil {
			return v
		}
		return `"` + v + `"`
	default:
		text, err := json.Marshal(v)
		if err != nil {
			return typeName(v)
		}
		return string(text)
	}
}

// onlyIsland returns what stands between the braces of a text that is one mapping and nothing else.
func onlyIsland(text string) (string, bool) {
	inner, ok := strings.CutPrefix(text, "{{")
	if !ok {
		return "", false
	}
	inner, ok = strings.CutSuffix(inner, "}}")
	return strings.TrimSpace(inner), ok && !strings.Contains(inner, "}}")
}
