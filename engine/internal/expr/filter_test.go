package expr_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine/internal/expr"
)

func TestFilterOperators(t *testing.T) {
	t.Parallel()
	l := language(t, expr.Options{})
	e := sample(t)
	e.modules[2] = obj("dates", arr(day(t, "2026-01-31T11:22:33.444Z")), "nan", "x")
	const yes, no, warned = "true", "false", "warning"
	seen := map[string]bool{}
	for _, c := range []struct{ a, o, b, want string }{
		{"{{1.a}}", "", "x", yes}, {"{{1.a}}", "text:equal", "X", no}, {"{{1.a}}", "text:equal:ci", "X", yes}, {"{{1.null}}", "text:equal", "", yes}, {"{{1.n}}", "text:equal", "5", yes}, {"{{1.coll}}", "text:equal", "x", warned}, {"x", "text:equal", "{{1.coll}}", warned}, {"{{1.list}}", "text:equal", "a, b, c", yes}, {"{{1.raw}}", "text:equal", "", warned},
		{"{{1.a}}", "text:notequal", "y", yes}, {"{{1.a}}", "text:notequal:ci", "X", no}, {"{{1.null}}", "text:notequal", "x", yes}, {"{{1.coll}}", "text:notequal", "x", warned},
		{"žluť", "text:contain", "lu", yes}, {"žluť", "text:contain", "LU", no}, {"žluť", "text:contain:ci", "LUŤ", yes}, {"{{1.null}}", "text:contain", "", yes}, {"abc", "text:notcontain", "x", yes}, {"abc", "text:notcontain:ci", "B", no},
		{"abc", "text:startwith", "ab", yes}, {"abc", "text:startwith", "AB", no}, {"abc", "text:startwith:ci", "AB", yes}, {"abc", "text:notstartwith", "b", yes}, {"abc", "text:notstartwith:ci", "A", no}, {"{{1.null}}", "text:startwith", "a", no},
		{"abc", "text:endwith", "bc", yes}, {"abc", "text:endwith:ci", "BC", yes}, {"abc", "text:notendwith", "x", yes}, {"abc", "text:notendwith:ci", "C", no},
		{"order 12", "text:pattern", `\d{2}$`, yes}, {"order", "text:pattern", `\d`, no}, {"ORDER", "text:pattern", "order", no}, {"ORDER", "text:pattern:ci", "order", yes}, {"abc", "text:notpattern", "^b", yes}, {"abc", "text:notpattern:ci", "^A", no}, {"price 5", "text:pattern", "(?<=price )5", yes}, {"{{1.null}}", "text:pattern", "^$", yes}, {"abc", "text:pattern", "{{1.a + \"|\" + 1.n}}|c", yes}, {"abc", "text:pattern", "{{1.empty}}({{1.a}}", warned}, {"abc", "text:pattern", "{{1.coll}}", warned},
		{"{{1.empty}}", "exist", "", yes}, {"{{1.null}}", "exist", "", no}, {"{{1.missing}}", "exist", "", no}, {"{{1.no}}", "exist", "", yes}, {"{{ignore}}", "exist", "", no}, {"{{1.missing}}", "notexist", "", yes}, {"{{1.empty}}", "notexist", "", no},
		{"{{1.n}}", "number:equal", "5", yes}, {"{{1.n}}", "number:equal", "{{5}}", yes}, {"5.0", "number:equal", "5", yes}, {"{{1.n}}", "number:notequal", "5", no}, {"{{1.n}}", "number:greater", "4.9", yes}, {"{{1.n}}", "number:less", "5", no}, {"{{1.n}}", "number:greaterorequal", "5", yes}, {"{{1.n}}", "number:lessorequal", "4", no}, {"10", "number:greater", "9", yes},
		{"{{1.null}}", "number:equal", "0", warned}, {"{{1.null}}", "number:notequal", "0", warned}, {"{{1.a}}", "number:less", "5", warned}, {"{{1.n}}", "number:less", "x", warned}, {"", "number:lessorequal", "5", warned}, {"{{0 / 0}}", "number:notequal", "1", warned},
		{"{{1.date}}", "date:equal", "2026-01-31T11:22:33.444Z", yes}, {"{{1.date}}", "date:notequal", "{{1.later}}", yes}, {"{{1.date}}", "date:less", "{{1.later}}", yes}, {"{{1.date}}", "date:greater", "2026-01-31", yes}, {"2026-01-31", "date:greaterorequal", "01/31/2026", yes}, {"2026-01-31", "date:lessorequal", "30.1.2026", no}, {"tomorrow", "date:less", "{{now}}", warned}, {"{{1.n}}", "date:less", "{{now}}", warned}, {"{{1.null}}", "date:notequal", "{{now}}", warned},
		{"{{1.date}}", "time:equal", "12:22:33.444", yes}, {"{{1.date}}", "time:notequal", "12:22", yes}, {"9:00", "time:less", "10:00", yes}, {"9:00 PM", "time:greater", "20:59:59", yes}, {"9:00", "time:greaterorequal", "9:00:00", yes}, {"09:00", "time:lessorequal", "8:59", no}, {"2026-01-31 10:00", "time:equal", "10:00", yes}, {"late", "time:less", "10:00", warned}, {"{{1.n}}", "time:less", "10:00", warned},
		{"1.10.0", "semver:greater", "1.9.9", yes}, {"v1.2", "semver:equal", "1.2.0", yes}, {"1.0.0-alpha.2", "semver:less", "1.0.0-alpha.10", yes}, {"1.0.0-beta", "semver:less", "1.0.0", yes}, {"1.0.0+a", "semver:equal", "1.0.0+b", yes}, {"1.0.0", "semver:notequal", "1.0.1", yes}, {"1.0.0-1", "semver:lessorequal", "1.0.0-a", yes}, {"2", "semver:greaterorequal", "1.99", yes}, {"1.0.0-a.b", "semver:greater", "1.0.0-a", yes}, {"x", "semver:equal", "1.0.0", warned}, {"1.0.0", "semver:equal", "1.0.0-", warned}, {"1.2.3.4", "semver:equal", "1", warned}, {"{{1.null}}", "semver:equal", "1", warned},
		{"{{1.t}}", "boolean:equal", "true", yes}, {"{{1.no}}", "boolean:equal", "false", yes}, {"{{1.zero}}", "boolean:equal", "true", yes}, {"{{1.null}}", "boolean:equal", "false", yes}, {"{{1.t}}", "boolean:notequal", "{{false}}", yes}, {"{{1.list}}", "boolean:notequal", "true", no}, {"", "boolean:equal", "{{false}}", yes},
		{"{{1.list}}", "array:contain", "b", yes}, {"{{1.list}}", "array:contain", "B", no}, {"{{1.list}}", "array:contain:ci", "B", yes}, {"{{1.nums}}", "array:contain", "3", yes}, {"{{1.list}}", "array:notcontain", "x", yes}, {"{{1.list}}", "array:notcontain:ci", "C", no}, {"{{1.null}}", "array:contain", "x", no}, {"{{1.null}}", "array:notcontain", "x", yes}, {"{{1.a}}", "array:contain", "x", yes}, {"{{1.people}}", "array:contain", "{{get(1.people; 2)}}", yes}, {"{{2.dates}}", "array:contain", "{{1.date}}", yes}, {"{{1.mixed}}", "array:contain", "{{null}}", yes}, {"{{1.people}}", "array:contain", "x", no},
		{"{{1.list}}", "array:equal", "3", yes}, {"{{1.list}}", "array:notequal", "{{3}}", no}, {"{{1.list}}", "array:greater", "2", yes}, {"{{1.none}}", "array:less", "1", yes}, {"{{1.null}}", "array:equal", "0", yes}, {"{{1.list}}", "array:greaterorequal", "4", no}, {"{{1.list}}", "array:lessorequal", "3", yes}, {"{{1.list}}", "array:equal", "x", warned}, {"{{1.list}}", "array:equal", "{{1.null}}", warned},
	} {
		name := c.o
		if name == "" {
			name = "text:equal"
		}
		seen[name] = true
		f, err := l.CompileFilter([][]expr.Rule{{{A: c.a, Operator: c.o, B: c.b}}}, nil)
		require.NoError(t, err, "%v", c)
		holds, warnings, err := f.Match(e)
		require.NoError(t, err, "%v", c)
		if c.want == warned {
			require.False(t, holds, "%v", c)
			require.Len(t, warnings, 1, "%v", c)
			require.Equal(t, name, warnings[0].Operator)
			require.NotEmpty(t, warnings[0].Got)
			require.Contains(t, warnings[0].String(), name)
			continue
		}
		require.Empty(t, warnings, "%v", c)
		require.Equal(t, c.want == yes, holds, "%v", c)
	}
	for _, name := range expr.Operators() {
		require.True(t, seen[name], "%s has no case", name)
	}
	require.Len(t, expr.Operators(), 2+20+6*5+2+4)
}

func TestFilterIsAnOrOfAnds(t *testing.T) {
	t.Parallel()
	l := language(t, expr.Options{})
	yes, no := expr.Rule{A: true, Operator: "boolean:equal", B: true}, expr.Rule{A: true, Operator: "boolean:equal", B: false}
	for _, c := range []struct {
		conditions [][]expr.Rule
		want       bool
	}{
		{nil, true}, {[][]expr.Rule{}, true}, {[][]expr.Rule{{}}, true}, {[][]expr.Rule{{yes, no}}, false}, {[][]expr.Rule{{yes, yes}}, true}, {[][]expr.Rule{{no}, {yes}}, true}, {[][]expr.Rule{{no}, {yes, no}}, false},
	} {
		f, err := l.CompileFilter(c.conditions, nil)
		require.NoError(t, err)
		holds, warnings, err := f.Match(nil)
		require.NoError(t, err)
		require.Empty(t, warnings)
		require.Equal(t, c.want, holds)
	}
}

func TestFilterWarningsNameOperatorAndTypeButNoValue(t *testing.T) {
	t.Parallel()
	e := newEnv()
	e.modules[1] = obj("s", "s3cr3t")
	f, err := language(t, expr.Options{}).CompileFilter([][]expr.Rule{{{A: 1, Operator: "exist"}, {A: "{{1.s}}", Operator: "number:greater", B: "5"}}, {{A: "{{1.s}}", Operator: "text:equal", B: "s3cr3t"}}}, nil)
	require.NoError(t, err)
	holds, warnings, err := f.Match(e)
	require.NoError(t, err)
	require.True(t, holds)
	require.Equal(t, []expr.Warning{{Group: 0, Index: 1, Side: "a", Operator: "number:greater", Got: "text", Expected: "number"}}, warnings)
	require.NotContains(t, warnings[0].String(), "s3cr3t")
}

func TestFilterErrorsNameRuleAndSide(t *testing.T) {
	t.Parallel()
	_, err := language(t, expr.Options{}).CompileFilter([][]expr.Rule{
		{{A: "{{nosuch(1)}}", Operator: "text:equal", B: "{{1.a"}},
		{{A: "x", Operator: "number:gte", B: "1"}, {A: "x", Operator: "text:pattern", B: "("}},
	}, nil)
	joined, ok := err.(interface{ Unwrap() []error })
	require.True(t, ok)
	type place struct {
		group, index int
		side         string
	}
	var places []place
	for _, problem := range joined.Unwrap() {
		var failure *expr.FilterError
		require.ErrorAs(t, problem, &failure)
		places = append(places, place{failure.Group, failure.Index, failure.Side})
	}
	require.Equal(t, []place{{0, 0, "a"}, {0, 0, "b"}, {1, 0, "o"}, {1, 1, "b"}}, places)
	require.Contains(t, err.Error(), "did you mean number:greaterorequal?")
	var problem *expr.Error
	require.ErrorAs(t, err, &problem)
}

func TestUnknownOperatorsSuggestTheRightOne(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"text:startswith": "text:startwith", "text:endswith:ci": "text:endwith:ci", "number:gte": "number:greaterorequal", "number:greaterequal": "number:greaterorequal", "string:equal": "text:equal", "text:isempty": "notexist", "text:isnotempty": "exist", "text:notEqual": "text:notequal", "contains": "text:contain", "equal": "text:equal",
		"exists": "exist", "notexists": "notexist", "text:doesnotcontain": "text:notcontain", "number:<": "number:less", "number:!=": "number:notequal", "date:after": "date:greater", "text:matches": "text:pattern", "boolean:eq": "boolean:equal", "text:gt": "number:greater", "txet:equal": "text:equal", "array:length": "", "zzzzzz": "", "text:neq": "text:notequal", "number:is_not": "",
	} {
		_, err := expr.ParseOperator(name)
		require.Error(t, err, name)
		if want == "" {
			continue
		}
		require.Contains(t, err.Error(), "did you mean "+want+"?", name)
	}
	o, err := expr.ParseOperator("")
	require.NoError(t, err)
	require.Equal(t, "text:equal", o.String())
	require.Equal(t, "text:equal", expr.Operator{}.String())
}

func TestValuesAreComparedWithoutTemplates(t *testing.T) {
	t.Parallel()
	l := language(t, expr.Options{})
	for _, c := range []struct {
		operator        string
		a, b            any
		holds, compared bool
	}{
		{"number:greater", int64(5), "4", true, true}, {"number:greater", "x", "4", false, false}, {"text:pattern", "abc", "^a", true, true},
		{"text:pattern", "abc", "(", false, false}, {"time:equal", day(t, "2026-01-31T11:00:00Z"), "12:00", true, true}, {"notexist", nil, nil, true, true},
	} {
		o, err := expr.ParseOperator(c.operator)
		require.NoError(t, err)
		holds, compared, err := l.Compare(o, c.a, c.b, sample(t).loc)
		require.NoError(t, err)
		require.Equal(t, c.holds, holds, "%v", c)
		require.Equal(t, c.compared, compared, "%v", c)
	}
	require.Equal(t, "text:contain", expr.MeantOperator("text:contains"))
}

func TestFilterOperandsMayBeArraysOfTemplates(t *testing.T) {
	t.Parallel()
	l := language(t, expr.Options{})
	e := sample(t)
	for _, c := range []struct {
		a    any
		o    string
		b    any
		want bool
	}{
		{arr("{{1.a}}", "y"), "array:contain", "x", true}, {arr("{{1.a}}", "y"), "array:equal", "{{2}}", true}, {arr("plain"), "array:contain", "plain", true},
		{arr(arr("{{1.n}}")), "array:contain", arr("{{5}}"), true}, {arr(obj("k", "<{{1.a}}>")), "array:contain", obj("k", "<x>"), true}, {arr(), "array:contain", "x", false},
		{arr("{{ignore}}", int64(7)), "array:contain", int64(7), true}, {arr("{{1.list}}"), "array:contain", "{{1.list}}", true},
	} {
		f, err := l.CompileFilter([][]expr.Rule{{{A: c.a, Operator: c.o, B: c.b}}}, nil)
		require.NoError(t, err)
		holds, warnings, err := f.Match(e)
		require.NoError(t, err)
		require.Empty(t, warnings)
		require.Equal(t, c.want, holds, "%v", c)
	}
	f, err := l.CompileFilter([][]expr.Rule{{{A: arr("{{3.x}}", obj("k", "{{4.y}}")), Operator: "array:contain", B: "x"}}}, nil)
	require.NoError(t, err)
	require.Len(t, f.References(), 2)
	_, err = l.CompileFilter([][]expr.Rule{{{A: arr("{{nosuch(1)}}", "{{1.a"), Operator: "array:contain", B: "x"}}}, nil)
	var problems expr.Errors
	require.ErrorAs(t, err, &problems)
	require.Len(t, problems, 2)
	f, err = l.CompileFilter([][]expr.Rule{{{A: arr("{{1.a * 2}}", "x"), Operator: "array:contain", B: "x"}}}, nil)
	require.NoError(t, err)
	_, _, err = f.Match(e)
	require.ErrorContains(t, err, "cannot be calculated with")
	deep := any("{{1.a}}")
	for range 5000 {
		deep = arr(deep)
	}
	_, err = l.CompileFilter([][]expr.Rule{{{A: deep, Operator: "exist"}}}, nil)
	require.ErrorContains(t, err, "nested deeper")
}

func TestFilterPassesOnErrorsOfItsTemplates(t *testing.T) {
	t.Parallel()
	e := newEnv()
	e.modules[1] = obj("a", "x")
	l := language(t, expr.Options{})
	for _, rule := range []expr.Rule{{A: "{{1.a * 2}}", Operator: "exist"}, {A: "x", Operator: "text:equal", B: "{{round(1.a)}}"}} {
		f, err := l.CompileFilter([][]expr.Rule{{rule}}, nil)
		require.NoError(t, err)
		_, _, err = f.Match(e)
		var failure *expr.RuntimeError
		require.ErrorAs(t, err, &failure)
	}
}

func TestFilterReferencesAreListed(t *testing.T) {
	t.Parallel()
	f, err := language(t, expr.Options{}).CompileFilter([][]expr.Rule{{{A: "{{1.a}}", Operator: "exist", B: "{{9.never}}"}}, {{A: "x", B: "{{2.b}}"}}}, nil)
	require.NoError(t, err)
	require.Equal(t, []expr.FilterReference{
		{Group: 0, Index: 0, Side: "a", Reference: expr.Reference{Kind: expr.ModuleReference, Module: 1, Path: []string{"a"}, Column: 3}},
		{Group: 1, Index: 0, Side: "b", Reference: expr.Reference{Kind: expr.ModuleReference, Module: 2, Path: []string{"b"}, Column: 3}},
	}, f.References())
}
