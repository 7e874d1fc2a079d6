package expr_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine/internal/expr"
)

func TestIslandEndsAtTheFirstBracesOutsideLiterals(t *testing.T) {
	t.Parallel()
	e := sample(t)
	e.modules[2] = obj("}}", "braces")
	check(t, e, []evaluation{{`{{"}}"}}`, "}}"}, {`{{'}}' + 1.a}}!`, "}}x!"}, {"{{2.`}}`}}", "braces"}, {"{{1.a}}}}", "x}}"}})
}

func TestNullIsNothingBetweenText(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{"<{{1.null}}>", "<>"}, {"<{{1.missing}}>", "<>"}, {"<{{9.field}}>", "<>"}, {"<{{ignore}}{{erase}}>", "<>"}, {"<{{1.none}}>", "<>"}})
}

func TestDatesBetweenTextAreISOInUTCWithMilliseconds(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{"<{{1.date}}>", "<2026-01-31T11:22:33.444Z>"}, {"{{now}}{{emptystring}}", "2026-07-15T10:20:30.456Z"}})
}

func TestArraysBetweenTextAreJoinedWithCommaAndBlank(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{"<{{1.list}}>", "<a, b, c>"}, {"<{{1.mixed}}>", `<1, two, true, , {"k":"v"}, [1,"x"]>`}, {"{{toString(1.list)}}", "a, b, c"}})
}

func TestCollectionsBetweenTextAreJSONInTheOrderOfTheirFields(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{"<{{get(1.pairs; 1)}}>", `<{"key":"one","value":1}>`}, {"{{toString(pick(1.coll; z; a))}}", `{"z":1,"a":"two"}`}})
}

func TestBuffersBetweenTextAreUTF8OrADataError(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{"<{{1.buf}}>", "<žluť>"}, {"<{{1.raw}}>", badData}})
}

func TestNamesThatAreNoWordsNeedBackquotes(t *testing.T) {
	t.Parallel()
	e := sample(t)
	e.modules[2] = obj("a-b", "hyphen", "sru:data", "colon", "1st", "digit", "user address", obj("city", "Brno"), "now", "a field")
	check(t, e, []evaluation{{"{{2.`a-b`}}", "hyphen"}, {"{{2.`sru:data`}}", "colon"}, {"{{2.`1st`}}", "digit"}, {"{{2.`user address`.city}}", "Brno"}, {"{{2.now}}", "a field"}})
}

func TestBackquotedIDIsTheWholeBundleAndABareOneANumber(t *testing.T) {
	t.Parallel()
	e := sample(t)
	check(t, e, []evaluation{{"{{`1`}}", e.modules[1]}, {"{{1}}", int64(1)}, {"{{`9`}}", nil}})
}

func TestEmptyBracketsAreTheFirstItem(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{"{{1.coll.inner.x[].url}}", "u1"}, {"{{1.list[]}}", "a"}, {"<{{1.list[]}}>", "<a>"}, {"{{1.none[]}}", nil}, {"{{1.none[].deeper}}", nil}, {"{{upper(1.list[])}}", "A"}})
}

func TestFunctionsThatTakeArraysGetTheWholeOneFromEmptyBrackets(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{
		{`{{map(1.people[]; "name")}}`, arr("Ann", "bob", "Cyd")}, {"{{length(1.list[])}}", int64(3)}, {"{{contains(1.list[]; b)}}", true}, {"{{get(1.list[]; -1)}}", "c"}, {"{{keys(1.list[])}}", arr("0", "1", "2")}, {"{{length(toArray(1.list[]))}}", int64(3)},
		{`{{map(1.people[]; "name"; "name"; 1.list[])}}`, arr()}, {"{{length(pick(1.coll; keys(1.coll)))}}", int64(4)}, {"{{join(1.people[].name; -)}}", "Ann"},
	})
}

func TestPositionZeroIsNullAndIsReported(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{"{{1.list[0]}}", nil}, {"{{1.people[0].name}}", nil}, {"{{get(1.list; 0)}}", nil}})
	require.True(t, compile(t, "{{1.people[0].name}}").References()[0].ZeroIndex)
	require.False(t, compile(t, "{{1.people[1].name}}").References()[0].ZeroIndex)
}

func TestComputedPositionsGoThroughGet(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{"{{get(1.list; 1 + 1)}}", "b"}, {"{{get(1.people; \"2.name\")}}", "bob"}, {"{{get(1.list; -1)}}", "c"}, {"{{get(1.coll; \"inner.x.2.url\")}}", "u2"}})
	_, err := language(t, expr.Options{}).Compile("{{1.list[-1]}}", nil)
	require.ErrorContains(t, err, "use get()")
}

func TestSemicolonsSeparateArgumentsAndCommasAreText(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{"{{join(1.list; ,)}}", "a,b,c"}, {`{{replace("a,b"; ","; ";")}}`, "a;b"}, {"{{ifempty(1.null; a, b)}}", "a, b"}})
	// The dialect of app definitions has commas instead, which scenarios do not know.
	_, err := language(t, expr.Options{}).Compile("{{join(1.list, 1.a)}}", nil)
	require.ErrorContains(t, err, `separated by ";"`)
}

func TestQuotesAreDoubledAndBackslashesAreText(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{
		{`{{"{""a"":1}"}}`, `{"a":1}`}, {`{{""""}}`, `"`}, {`{{'it''s'}}`, "it's"}, {`{{"\n"}}`, `\n`}, {`{{"\"}}`, `\`}, {"{{replace(\"a\" + newline + \"b\"; newline; \"\\n\")}}", `a\nb`}, {"{{\"two\nlines\"}}", "two\nlines"},
	})
}

func TestNumbersThatStandAloneMakeACalculation(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{
		{"{{ifempty(1.null; 1 + 2)}}", int64(3)}, {"{{ifempty(1.null; 1e3 * 2)}}", int64(2000)}, {"{{1e3 * 2}}", int64(2000)}, {"{{ifempty(1.null; 2016-12-28)}}", "2016-12-28"}, {"{{ifempty(1.null; MM/DD/YYYY)}}", "MM/DD/YYYY"}, {"{{12:30}}", "12:30"},
	})
}

func TestEqualityIsStrict(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{`{{1.n = "5"}}`, false}, {"{{1.n = 5.0}}", true}, {"{{1.empty = null}}", false}, {"{{true = 1}}", false}, {"{{1.null = 1.missing}}", true}, {`{{1.date = "2026-01-31T11:22:33.444Z"}}`, false}, {"{{1.coll = 1.coll}}", true}})
}

func TestPlusConcatenatesWhenEitherSideIsText(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{`{{"a" + 1}}`, "a1"}, {`{{1 + "a"}}`, "1a"}, {"{{1.n + 1.n}}", int64(10)}, {"{{1.n + 1.a + 1.n}}", "5x5"}, {"{{1.n + 1.n + 1.a}}", "10x"}, {`{{"1" + "2" - 2}}`, int64(10)}})
}

func TestOperatorsHaveTheirOtherSpellings(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{
		{"{{1.n == 5}}", true}, {"{{1.n === 5}}", true}, {"{{1.n !== 5}}", false}, {"{{1.t and 1.no}}", false}, {"{{1.t && 1.t}}", true}, {"{{1.no or 1.t}}", true}, {"{{1.no || 1.no}}", false}, {"{{!1.no}}", true},
	})
}

func TestPrecedenceIsJavaScripts(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{
		{"{{1 + 2 * 3 % 4}}", int64(3)}, {"{{-1.n + 1}}", int64(-4)}, {"{{1 + 1 < 3 = true}}", true}, {"{{false & false | true}}", true}, {"{{true | false & false}}", true}, {"{{1 = 2 | 3 > 2 & 1 != 2}}", true}, {"{{10 - 2 - 3}}", int64(5)}, {"{{!1.no = true}}", true},
	})
}

func TestKeywordsAreWordsOnlyOutsideQuotesAndBackquotes(t *testing.T) {
	t.Parallel()
	e := sample(t)
	e.modules[2] = obj("space", "a field")
	check(t, e, []evaluation{{`{{"now"}}`, "now"}, {"{{2.`space`}}", "a field"}, {"{{length(space)}}", int64(1)}, {"{{ifempty(1.null; nowhere)}}", "nowhere"}})
	for _, name := range expr.Keywords() {
		_, err := compile(t, "{{"+name+"}}").Eval(e)
		require.NoError(t, err)
	}
	require.Len(t, expr.Keywords(), 18)
}

func TestTimestampIsInWholeSecondsAndRandomBelowOne(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{"{{timestamp}}", int64(1784110830)}, {"{{random >= 0 & random < 1}}", true}, {`{{timestamp = parseNumber(formatDate(now; "X"))}}`, true}})
}

func TestIgnoreAndEraseSurviveOnlyAsTheWholeValue(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{
		{"{{ignore}}", expr.Ignore}, {"{{erase}}", expr.Erase}, {"{{if(1.t; ignore; 1)}}", expr.Ignore}, {"{{ifempty(1.empty; erase)}}", expr.Erase}, {"<{{ignore}}>", "<>"}, {"{{ignore + 1}}", int64(1)}, {"{{ignore = null}}", true}, {"{{upper(erase)}}", ""},
	})
}

func TestObjectsAndArraysCannotBeWritten(t *testing.T) {
	t.Parallel()
	for _, template := range []string{`{{ {"a": 1} }}`, "{{[1.a]}}", `{{set(1.coll; "a"; 1)}}`} {
		_, err := language(t, expr.Options{}).Compile(template, nil)
		require.Error(t, err, template)
	}
}

func TestFunctionsThatMakeDoesNotHaveAreRefusedWithAdvice(t *testing.T) {
	t.Parallel()
	for name, advice := range map[string]string{
		"stringify": "json:TransformToJSON", "escapeJSON": "", "json": "json:CreateJSON", "toJSON": "json:TransformToJSON", "parseJSON": "json:ParseJSON", "urlEncode": "encodeURL", "multiply": "a * b", "divide": "a / b",
		"subtract": "a - b", "filter": "map", "dateDiff": "milliseconds", "empty": "ifempty", "exists": "exist", "greaterOrEqual": "",
	} {
		_, err := language(t, expr.Options{}).Compile("{{"+name+"(1.a)}}", nil)
		require.ErrorContains(t, err, "unknown function", name)
		require.ErrorContains(t, err, advice, name)
	}
	// Of products that look like Make.
	for name := range strings.FieldsSeq("isBlank in ifin case mergeCollections arrayDifference arrayElement div ln log power prod sqrt sub concat left right removeAccents pascal addWeekDays dayOfWeek endOfMonth dateDifference startOfDay endOfDay") {
		_, err := language(t, expr.Options{}).Compile("{{"+name+"(1.a)}}", nil)
		require.ErrorContains(t, err, "unknown function", name)
	}
}
