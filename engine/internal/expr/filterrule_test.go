package expr_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine/internal/expr"
)

// rule is one condition and whether it holds; a rule that could not compare is false with a warning.
type rule struct {
	a    any
	o    string
	b    any
	want bool
}

// holds checks conditions in the sample environment, none of which may warn.
func holds(t *testing.T, rules ...rule) {
	t.Helper()
	for _, r := range rules {
		got, warnings := match(t, r)
		require.Empty(t, warnings, "%v", r)
		require.Equal(t, r.want, got, "%v", r)
	}
}

func match(t *testing.T, r rule) (bool, []expr.Warning) {
	t.Helper()
	f, err := language(t, expr.Options{}).CompileFilter([][]expr.Rule{{{A: r.a, Operator: r.o, B: r.b}}}, nil)
	require.NoError(t, err, "%v", r)
	got, warnings, err := f.Match(sample(t))
	require.NoError(t, err, "%v", r)
	return got, warnings
}

func TestFilterSidesAreTemplates(t *testing.T) {
	t.Parallel()
	holds(t, rule{"<{{1.a}}>", "text:equal", "{{\"<\" + 1.a}}>", true}, rule{"{{1.n + 1}}", "number:equal", "{{2 * 3}}", true})
}

func TestExistLooksAtTheLeftSideOnly(t *testing.T) {
	t.Parallel()
	f, err := language(t, expr.Options{}).CompileFilter([][]expr.Rule{{{A: "{{1.a}}", Operator: "exist", B: "{{nosuch(1"}}}, nil)
	require.NoError(t, err)
	got, _, err := f.Match(sample(t))
	require.NoError(t, err)
	require.True(t, got)
}

func TestFilterHasEveryOperatorOfMake(t *testing.T) {
	t.Parallel()
	var want []string
	for _, test := range []string{"equal", "contain", "startwith", "endwith", "pattern"} {
		want = append(want, "text:"+test, "text:"+test+":ci", "text:not"+test, "text:not"+test+":ci")
	}
	for _, family := range []string{"number", "date", "time", "semver", "array"} {
		for _, test := range []string{"equal", "notequal", "greater", "less", "greaterorequal", "lessorequal"} {
			want = append(want, family+":"+test)
		}
	}
	want = append(want, "exist", "notexist", "boolean:equal", "boolean:notequal", "array:contain", "array:contain:ci", "array:notcontain", "array:notcontain:ci")
	require.ElementsMatch(t, want, expr.Operators())
}

func TestFilterArrayOrderIsThatOfTheLength(t *testing.T) {
	t.Parallel()
	holds(t, rule{"{{1.list}}", "array:equal", "3", true}, rule{"{{1.list}}", "array:greater", "2", true}, rule{"{{1.none}}", "array:less", "1", true}, rule{"{{1.a}}", "array:equal", "1", true})
}

func TestFilterWithoutOperatorComparesText(t *testing.T) {
	t.Parallel()
	holds(t, rule{"{{1.n}}", "", "5", true}, rule{"{{1.a}}", "", "X", false})
}

func TestFilterTextOperatorsAreCaseSensitiveWithoutCI(t *testing.T) {
	t.Parallel()
	for _, test := range []string{"equal", "contain", "startwith", "endwith", "pattern"} {
		holds(t, rule{"{{1.a}}", "text:" + test, "X", false}, rule{"{{1.a}}", "text:" + test + ":ci", "X", true}, rule{"{{1.a}}", "text:not" + test, "X", true}, rule{"{{1.a}}", "text:not" + test + ":ci", "X", false})
	}
}

func TestFilterPatternSearchesAnywhereAsECMAScriptDoes(t *testing.T) {
	t.Parallel()
	holds(t, rule{"order 12 paid", "text:pattern", `\d+`, true}, rule{"order 12", "text:pattern", `^\d+`, false}, rule{"aa", "text:pattern", `(?<c>.)\k<c>`, true}, rule{"a\n", "text:pattern", "a$", false})
}

func TestFilterDatesCompareInstants(t *testing.T) {
	t.Parallel()
	holds(t, rule{"2026-01-31T12:00:00+01:00", "date:equal", "2026-01-31T11:00:00Z", true}, rule{"{{1.date}}", "date:less", "{{1.later}}", true},
		rule{"2026-01-31", "date:equal", "2026-01-30T23:00:00Z", true}) // in Europe/Prague
}

func TestFilterTimesCompareTheTimeOfDayInTheScenariosZone(t *testing.T) {
	t.Parallel()
	holds(t, rule{"{{1.date}}", "time:equal", "12:22:33.444", true}, rule{"9:05", "time:less", "10:00", true}, rule{"{{1.later}}", "time:equal", "{{1.date}}", true})
}

func TestFilterVersionsCompareAsSemver(t *testing.T) {
	t.Parallel()
	holds(t, rule{"1.10.0", "semver:greater", "1.9.9", true}, rule{"1.0.0-beta", "semver:less", "1.0.0", true})
}

func TestFilterRuleThatCannotConvertIsFalseWithAWarning(t *testing.T) {
	t.Parallel()
	for _, r := range []rule{
		{a: "{{1.a}}", o: "number:equal", b: "5"}, {a: "{{1.a}}", o: "number:notequal", b: "5"}, {a: "{{1.null}}", o: "number:equal", b: "0"}, {a: "soon", o: "date:less", b: "{{now}}"},
		{a: "{{1.coll}}", o: "text:notequal", b: "x"}, {a: "noon", o: "time:less", b: "9:00"}, {a: "one", o: "semver:less", b: "1"},
	} {
		got, warnings := match(t, r)
		require.False(t, got, "%v", r)
		require.Len(t, warnings, 1, "%v", r)
	}
}

func TestFilterTextTakesNullAsEmptyText(t *testing.T) {
	t.Parallel()
	holds(t, rule{"{{1.null}}", "text:equal", "", true}, rule{"{{1.missing}}", "text:notequal", "x", true}, rule{"{{1.null}}", "text:contain", "x", false})
}

func TestFilterExistHoldsForEmptyTextAndNotForNull(t *testing.T) {
	t.Parallel()
	holds(t, rule{"{{1.empty}}", "exist", nil, true}, rule{"{{1.no}}", "exist", nil, true}, rule{"{{1.zero}}", "exist", nil, true}, rule{"{{1.none}}", "exist", nil, true},
		rule{"{{1.null}}", "exist", nil, false}, rule{"{{1.missing}}", "exist", nil, false}, rule{"{{1.null}}", "notexist", nil, true}, rule{"{{1.empty}}", "notexist", nil, false})
}

// Data stores are searched with the same operators over values that are no templates.
func TestConditionsOfDataStoresTakeValuesAsTheyAre(t *testing.T) {
	t.Parallel()
	o, err := expr.ParseOperator("text:equal")
	require.NoError(t, err)
	got, compared, err := language(t, expr.Options{}).Compare(o, "{{1.a}}", "{{1.a}}", time.UTC)
	require.NoError(t, err)
	require.True(t, compared)
	require.True(t, got)
}
