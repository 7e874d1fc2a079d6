package expr

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ebbkit/ebb/connector"

	"github.com/ebbkit/ebb/connector/pattern"
)

// An Operator is a filter's operator, such as text:contain:ci or number:greater. The zero Operator is text:equal.
type Operator struct {
	name   string
	family family
	test   test
	negate bool
	fold   bool // :ci, without regard to case
}

type family uint8

const (
	textFamily family = iota
	existFamily
	numberFamily
	dateFamily
	timeFamily
	semverFamily
	booleanFamily
	arrayFamily
)

type test uint8

const (
	testEqual test = iota
	testLess
	testGreater
	testContain
	testStart
	testEnd
	testPattern
)

// operators are Make's, all of them.
var operators = func() map[string]Operator {
	all := map[string]Operator{}
	add := func(name string, o Operator) {
		o.name = name
		all[name] = o
	}
	add("exist", Operator{family: existFamily})
	add("notexist", Operator{family: existFamily, negate: true})
	for name, t := range map[string]test{"equal": testEqual, "contain": testContain, "startwith": testStart, "endwith": testEnd, "pattern": testPattern} {
		for _, fold := range []bool{false, true} {
			suffix := ""
			if fold {
				suffix = ":ci"
			}
			add("text:"+name+suffix, Operator{test: t, fold: fold})
			add("text:not"+name+suffix, Operator{test: t, fold: fold, negate: true})
		}
	}
	for prefix, f := range map[string]family{"number": numberFamily, "date": dateFamily, "time": timeFamily, "semver": semverFamily, "array": arrayFamily} {
		add(prefix+":equal", Operator{family: f})
		add(prefix+":notequal", Operator{family: f, negate: true})
		add(prefix+":less", Operator{family: f, test: testLess})
		add(prefix+":greater", Operator{family: f, test: testGreater})
		add(prefix+":lessorequal", Operator{family: f, test: testGreater, negate: true})
		add(prefix+":greaterorequal", Operator{family: f, test: testLess, negate: true})
	}
	add("boolean:equal", Operator{family: booleanFamily})
	add("boolean:notequal", Operator{family: booleanFamily, negate: true})
	for _, fold := range []bool{false, true} {
		suffix := ""
		if fold {
			suffix = ":ci"
		}
		add("array:contain"+suffix, Operator{family: arrayFamily, test: testContain, fold: fold})
		add("array:notcontain"+suffix, Operator{family: arrayFamily, test: testContain, fold: fold, negate: true})
	}
	return all
}()

// ParseOperator gives the operator of a name; an empty name is text:equal. The error for an unknown name says which one
// was probably meant.
func ParseOperator(name string) (Operator, error) {
	if name == "" {
		name = "text:equal"
	}
	if o, ok := operators[name]; ok {
		return o, nil
	}
	text := fmt.Sprintf("unknown operator %q", shorten(name))
	if meant := MeantOperator(name); meant != "" {
		text += "; did you mean " + meant + "?"
	}
	return Operator{}, &Error{Column: 1, Message: text}
}

// Operators lists the names of all operators in alphabetical order.
func Operators() []string {
	names := make([]string, 0, len(operators))
	for name := range operators {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// String returns the operator's name.
func (o Operator) String() string {
	if o.name == "" {
		return "text:equal"
	}
	return o.name
}

func (o Operator) unary() bool { return o.family == existFamily }

// flags are those of the operator's regular expression.
func (o Operator) flags() string {
	if o.fold {
		return "i"
	}
	return ""
}

// MeantOperator guesses which operator was meant by a name that is none, from how other products spell operators, then by
// similarity. It returns "" when nothing comes near.
func MeantOperator(name string) string {
	lower := strings.ToLower(name)
	prefix, rest, ok := strings.Cut(lower, ":")
	if !ok {
		prefix, rest = "text", lower
	}
	switch prefix {
	case "string", "str":
		prefix = "text"
	case "numeric", "num", "int", "integer":
		prefix = "number"
	case "bool":
		prefix = "boolean"
	case "datetime":
		prefix = "date"
	case "list":
		prefix = "array"
	}
	rest, suffix := strings.TrimSuffix(rest, ":ci"), ""
	if strings.HasSuffix(lower, ":ci") {
		suffix = ":ci"
	}
	not := ""
	for _, negation := range []string{"doesnot", "isnot", "not", "!"} {
		if trimmed, found := strings.CutPrefix(rest, negation); found && trimmed != "" {
			not, rest = "not", trimmed
			break
		}
	}
	switch strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == ' ' {
			return -1
		}
		return r
	}, rest) {
	case "exists", "exist", "present", "defined", "empty", "isempty", "blank", "isblank", "null", "isnull":
		if empty := strings.Contains(rest, "empty") || strings.Contains(rest, "blank") || strings.Contains(rest, "null"); empty == (not == "") {
			return "notexist"
		}
		return "exist"
	case "equals", "eq", "is", "=", "==", "===", "equalto", "equal":
		rest = "equal"
	case "ne", "neq":
		rest, not = "equal", "not"
	case "contains", "includes", "include", "has":
		rest = "contain"
	case "startswith", "startwith", "beginswith", "beginwith", "starts":
		rest = "startwith"
	case "endswith", "endwith", "ends":
		rest = "endwith"
	case "matches", "match", "regex", "regexp", "matchespattern":
		rest = "pattern"
	case "gt", ">", "greaterthan", "more", "after", "later":
		rest = "greater"
	case "lt", "<", "lessthan", "smaller", "before", "earlier":
		rest = "less"
	case "gte", ">=", "ge", "greaterequal", "greaterthanorequal", "greaterthanorequalto", "atleast":
		rest = "greaterorequal"
	case "lte", "<=", "le", "lessequal", "lessthanorequal", "lessthanorequalto", "atmost":
		rest = "lessorequal"
	}
	candidates := []string{prefix + ":" + not + rest + suffix, prefix + ":" + not + rest}
	if prefix == "text" {
		candidates = append(candidates, "number:"+not+rest) // text has no order
	}
	for _, candidate := range candidates {
		if _, ok := operators[candidate]; ok {
			return candidate
		}
	}
	return nearest(name, Operators())
}

// failedOperand is an operand that could not be converted to what its operator compares; without a side there is none.
type failedOperand struct {
	side     string
	value    any
	expected string
}

// compareOperands applies an operator. What cannot be converted makes the rule false, negated or not.
func (l *Language) compareOperands(o Operator, re *pattern.Pattern, a, b any, env Env) (bool, failedOperand, error) {
	var holds bool
	var failed failedOperand
	var err error
	switch o.family {
	case existFamily:
		holds = !isNull(a)
	case textFamily:
		holds, failed, err = l.compareText(o, re, a, b)
	case booleanFamily:
		holds = truthOf(a) == truthOf(b)
	case arrayFamily:
		holds, failed, err = compareArray(o, a, b)
	default:
		holds, failed = compareOrdered(o, a, b, env)
	}
	if failed.side != "" || err != nil {
		return false, failed, err
	}
	return holds != o.negate, failed, nil
}

// truthOf is the conversion to boolean, for which null is false.
func truthOf(v any) bool {
	converted, err := coerce(v, connector.TypeBoolean, nil, defaultMaxTextBytes)
	return err == nil && converted == true
}

// operandText gives the text of an operand of a text operator, where null is empty text.
func operandText(v any) (text string, failed bool) {
	switch v := v.(type) {
	case string:
		return v, false
	case nil, Special:
		return "", false
	}
	converted, err := coerce(v, connector.TypeText, nil, defaultMaxTextBytes)
	text, ok := converted.(string)
	return text, err != nil || !ok
}

func (l *Language) compareText(o Operator, re *pattern.Pattern, a, b any) (bool, failedOperand, error) {
	x, failed := operandText(a)
	if failed {
		return false, failedOperand{"a", a, "text"}, nil
	}
	if o.test == testPattern && re != nil {
		holds, err := matches(re, x)
		return holds, failedOperand{}, err
	}
	y, failed := operandText(b)
	if failed {
		return false, failedOperand{"b", b, "text"}, nil
	}
	if o.test == testPattern {
		re, failure := l.pattern(y, o.flags())
		if failure != nil {
			return false, failedOperand{"b", b, "regular expression"}, nil
		}
		holds, err := matches(re, x)
		return holds, failedOperand{}, err
	}
	if o.fold {
		x, y = toLower(x), toLower(y)
	}
	switch o.test {
	case testContain:
		return strings.Contains(x, y), failedOperand{}, nil
	case testStart:
		return strings.HasPrefix(x, y), failedOperand{}, nil
	case testEnd:
		return strings.HasSuffix(x, y), failedOperand{}, nil
	}
	return x == y, failedOperand{}, nil
}

// compareArray looks into an array, or compares its length.
func compareArray(o Operator, a, b any) (bool, failedOperand, error) {
	items, ok := a.([]any)
	if !ok && !isNull(a) {
		items = []any{a}
	}
	if o.test == testContain {
		var all equation
		for _, item := range items {
			if same, err := sameItem(&all, item, b, o.fold); err != nil || same {
				return same, failedOperand{}, err
			}
		}
		return false, failedOperand{}, nil
	}
	n, err := coerceNumber(b)
	if err != nil {
		return false, failedOperand{"b", b, "number"}, nil
	}
	return holds(o.test, compareNumbers(int64(len(items)), n)), failedOperand{}, nil
}

// sameItem compares an array's item with what a filter looks for, which may well be the text of a number or date.
func sameItem(all *equation, item, wanted any, fold bool) (bool, error) {
	if same, err := all.equal(item, wanted); err != nil || same {
		return same, err
	}
	for _, v := range [...]any{item, wanted} {
		switch v.(type) {
		case nil, Special, []any, connector.Bundle:
			return false, nil
		}
	}
	x, failedX := operandText(item)
	y, failedY := operandText(wanted)
	if failedX || failedY {
		return false, nil
	}
	if fold {
		x, y = toLower(x), toLower(y)
	}
	return x == y, nil
}

// compareOrdered compares numbers, dates, times of day and versions.
func compareOrdered(o Operator, a, b any, env Env) (bool, failedOperand) {
	var loc *time.Location
	if env != nil {
		loc = env.Location()
	}
	if o.family == timeFamily {
		return compareTimes(o, a, b, loc)
	}
	convert, expected := coerceNumber, "number"
	switch o.family {
	case dateFamily:
		expected = "date"
		convert = func(v any) (any, error) {
			v, err := coerce(v, connector.TypeDate, loc, defaultMaxTextBytes)
			if t, ok := v.(time.Time); ok {
				return t.UnixMilli(), nil
			}
			return nil, err
		}
	case semverFamily:
		return compareVersions(o, a, b)
	}
	x, err := convert(a)
	if err != nil {
		return false, failedOperand{"a", a, expected}
	}
	y, err := convert(b)
	if err != nil {
		return false, failedOperand{"b", b, expected}
	}
	result := compareNumbers(x, y)
	if result == 2 {
		// NaN is a number that compares with nothing.
		if f, ok := x.(float64); ok && f != f {
			return false, failedOperand{"a", a, expected}
		}
		return false, failedOperand{"b", b, expected}
	}
	return holds(o.test, result), failedOperand{}
}

// compareTimes compares times of day, whose texts have their order.
func compareTimes(o Operator, a, b any, loc *time.Location) (bool, failedOperand) {
	x, err := coerce(a, connector.TypeTime, loc, defaultMaxTextBytes)
	if err != nil {
		return false, failedOperand{"a", a, "time"}
	}
	y, err := coerce(b, connector.TypeTime, loc, defaultMaxTextBytes)
	if err != nil {
		return false, failedOperand{"b", b, "time"}
	}
	return holds(o.test, strings.Compare(x.(string), y.(string))), failedOperand{} //nolint:forcetypeassert // a time is text
}

func holds(t test, result int) bool {
	switch t {
	case testLess:
		return result < 0
	case testGreater:
		return result > 0
	}
	return result == 0
}
