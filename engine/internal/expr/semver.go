package expr

import "strings"

// A version is a semantic version as semver.org 2.0.0 orders it. Minor and patch number may be missing, a v may stand
// before it, and build metadata does not count.
type version struct {
	core [3]string // digits without leading zeros
	pre  []string
}

func parseVersion(s string) (version, bool) {
	var v version
	s = strings.TrimLeft(trimSpace(s), "=vV ")
	s, _, _ = strings.Cut(s, "+")
	s, pre, hasPre := strings.Cut(s, "-")
	parts := strings.Split(s, ".")
	if len(parts) > 3 {
		return v, false
	}
	for i := range v.core {
		v.core[i] = ""
		if i < len(parts) {
			if !allDigits(parts[i]) {
				return v, false
			}
			v.core[i] = strings.TrimLeft(parts[i], "0")
		}
	}
	if hasPre {
		v.pre = strings.Split(pre, ".")
		for _, identifier := range v.pre {
			if identifier == "" {
				return v, false
			}
		}
	}
	return v, true
}

func allDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// compareDigits compares whole numbers of any length without leading zeros.
func compareDigits(a, b string) int {
	if len(a) != len(b) {
		return order(int64(len(a)), int64(len(b)))
	}
	return strings.Compare(a, b)
}

func (v version) compare(w version) int {
	for i := range v.core {
		if c := compareDigits(v.core[i], w.core[i]); c != 0 {
			return c
		}
	}
	// A version without a pre-release is the greater one.
	if len(v.pre) == 0 || len(w.pre) == 0 {
		return order(int64(len(w.pre)), int64(len(v.pre)))
	}
	for i := range min(len(v.pre), len(w.pre)) {
		if c := compareIdentifiers(v.pre[i], w.pre[i]); c != 0 {
			return c
		}
	}
	return order(int64(len(v.pre)), int64(len(w.pre)))
}

// compareIdentifiers puts numbers before words.
func compareIdentifiers(a, b string) int {
	x, y := allDigits(a), allDigits(b)
	switch {
	case x && y:
		return compareDigits(strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0"))
	case x:
		return -1
	case y:
		return 1
	}
	return strings.Compare(a, b)
}

func compareVersions(o Operator, a, b any) (bool, failedOperand) {
	x, ok := operandVersion(a)
	if !ok {
		return false, failedOperand{"a", a, "version"}
	}
	y, ok := operandVersion(b)
	if !ok {
		return false, failedOperand{"b", b, "version"}
	}
	return holds(o.test, x.compare(y)), failedOperand{}
}

func operandVersion(v any) (version, bool) {
	switch v.(type) {
	case string, int64, float64:
		text, failed := operandText(v)
		if failed {
			return version{}, false
		}
		return parseVersion(text)
	}
	return version{}, false
}
