package expr

import (
	"fmt"
	"slices"
	"strings"
)

// hints answer for names that people and generators often write and that Make does not have.
var hints = map[string]string{
	"multiply":  "write a * b",
	"divide":    "write a / b",
	"subtract":  "write a - b",
	"concat":    "write a + b, or use join",
	"empty":     "write x = emptystring, or use ifempty",
	"isempty":   "write x = emptystring, or use ifempty",
	"exists":    "use the operator exist of a filter, or x != null",
	"not":       "write !x",
	"equals":    "write a = b, or use equal",
	"filter":    "use map with its third and fourth argument",
	"dateDiff":  "subtract the dates, which gives milliseconds",
	"json":      "use the module json:CreateJSON",
	"toJSON":    "use the module json:TransformToJSON",
	"stringify": "use the module json:TransformToJSON",
	"parseJSON": "use the module json:ParseJSON",
	"urlEncode": "did you mean encodeURL?",
	"urlDecode": "did you mean decodeURL?",
	"set":       "objects cannot be changed in an expression",
}

// unknownFunction says that there is no such function, and what there is instead.
func (l *Language) unknownFunction(name string) string {
	text := fmt.Sprintf("unknown function %q", shorten(name))
	if isKeyword(name) {
		return text + "; the keyword has no parentheses"
	}
	if hint, ok := hints[name]; ok {
		return text + "; " + hint
	}
	names := make([]string, 0, len(l.functions))
	for known := range l.functions {
		names = append(names, known)
	}
	if best := nearest(name, names); best != "" {
		return text + "; did you mean " + best + "?"
	}
	return text
}

// nearest gives the candidate that a name was probably meant to be: the one with the fewest changed letters, if these are
// at most two and less than half of the name; "" when there is none. Case does not count.
func nearest(name string, candidates []string) string {
	if len(name) > 64 {
		return ""
	}
	slices.Sort(candidates)
	best, bestDistance := "", 3
	lower := strings.ToLower(name)
	for _, candidate := range candidates {
		if d := distance(lower, strings.ToLower(candidate)); d < bestDistance && 2*d < max(len(name), 2) {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete, change or swap with their neighbour (Damerau-Levenshtein, restricted).
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(row[j-1]+1, last[j]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
