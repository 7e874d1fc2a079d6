package expr_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine/internal/expr"
)

func TestIfEvaluatesOnlyWhatItGives(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{`{{if(1.t; 1; "a" * 2)}}`, int64(1)}, {`{{if(1.zero; "a" * 2; 2)}}`, int64(2)}, {"{{if(1.no; 1)}}", nil}, {`{{ifempty(1.a; "a" * 2)}}`, "x"}, {`{{switch(1; 1; "one"; 2; "a" * 2)}}`, "one"}})
}

func TestIfemptyTakesZeroAndFalseAsValues(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{"{{ifempty(1.zero; 9)}}", int64(0)}, {"{{ifempty(1.no; 9)}}", false}, {"{{ifempty(1.empty; 9)}}", int64(9)}, {"{{ifempty(1.null; 9)}}", int64(9)}, {"{{ifempty(1.none; 9)}}", int64(9)}, {"{{ifempty(\" \"; 9)}}", " "}})
}

func TestSwitchComparesStrictlyAndGivesNullWithoutElse(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{`{{switch("5"; 5; "number")}}`, nil}, {`{{switch(5; 5; "number")}}`, "number"}, {`{{switch(5; 4; "four"; "else")}}`, "else"}})
}

func TestPickAndOmitKeepTheOrderOfFields(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{"{{pick(1.coll; a; z)}}", obj("z", int64(1), "a", "two")}, {"{{omit(1.coll; inner; d.d)}}", obj("z", int64(1), "a", "two")}, {"{{keys(1.coll)}}", arr("z", "a", "d.d", "inner")}})
}

func TestStatisticsTakeAnArrayOrManyValues(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{
		{"{{sum(1.nums)}}", int64(6)}, {"{{sum(1; 2; 3)}}", int64(6)}, {"{{average(1.nums)}}", int64(2)}, {"{{min(1.nums)}}", int64(1)}, {"{{max(1; 5; 3)}}", int64(5)}, {"{{median(1.nums)}}", int64(2)}, {"{{stdevS(1; 2; 3; 4; 5)}}", 1.5811388300841898}, {"{{stdevP(1; 2; 3; 4; 5)}}", math.Sqrt2},
	})
}

func TestRoundIsHalfUpAndTruncCutsDecimals(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{"{{round(2.5)}}", int64(3)}, {"{{round(-2.5)}}", int64(-2)}, {"{{trunc(3.789; 2)}}", 3.78}, {"{{trunc(123.45; -1)}}", int64(120)}, {"{{ceil(1.2)}}", int64(2)}, {"{{floor(1.9)}}", int64(1)}, {"{{abs(-5)}}", int64(5)}})
	_, err := language(t, expr.Options{}).Compile("{{round(1.f; 2)}}", nil)
	require.ErrorContains(t, err, "too many arguments")
}

func TestNumbersAreWrittenAndReadTheEuropeanWayUnlessToldOtherwise(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{
		{"{{formatNumber(1234567.891; 2)}}", "1.234.567,89"}, {`{{formatNumber(1234.5; 2; "."; ",")}}`, "1,234.50"}, {"{{formatNumber(1234.5;2;;)}}", "1.234,50"}, {`{{formatNumber(1234.5; 1; ","; "")}}`, "1234,5"},
		{`{{parseNumber("1,234.50")}}`, 1234.5}, {`{{parseNumber("1.234,50"; ",")}}`, 1234.5},
	})
}

func TestLengthCountsWhatTheValueConsistsOf(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{"{{length(1.emoji)}}", int64(4)}, {"{{length(1.buf)}}", int64(6)}, {"{{length(1.list)}}", int64(3)}, {"{{length(1.null)}}", int64(0)}})
}

func TestCapitalizeChangesTheFirstCharacterAndStartcaseEveryWord(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{"{{capitalize(hello WORLD)}}", "Hello WORLD"}, {"{{startcase(hello WORLD)}}", "Hello World"}, {"{{ascii(ěščř; true)}}", "escr"}, {"{{ascii(ěščř)}}", ""}})
}

func TestReplaceTakesEveryOccurrenceOfATextAndTheFirstOfAPatternWithoutG(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{"{{replace(banana; a; o)}}", "bonono"}, {`{{replace("a1b2"; "/\d/"; "#")}}`, "a#b2"}, {`{{replace("a1b2"; "/\d/g"; "#")}}`, "a#b#"}, {`{{replace("aAa"; "/a/gi"; "b")}}`, "bbb"}})
}

func TestReplacementStandsForMatchesAndGroupsAndNamedGroupsAreRefused(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{`{{replace("ab"; "/(a)(b)/"; "$2$1")}}`, "ba"}, {`{{replace("7"; "/\d/"; "<$&>")}}`, "<7>"}, {`{{replace("x"; "/" + 1.a + "(?<n>y)?/"; "z")}}`, invalid}})
	_, err := language(t, expr.Options{}).Compile(`{{replace(1.a; "/(?<n>a)/"; "x")}}`, nil)
	require.ErrorContains(t, err, "named groups")
}

func TestPositionsInTextCountFromZeroAndEndsAreNotIncluded(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{"{{substring(Hello; 0; 2)}}", "He"}, {"{{indexOf(Hello; H)}}", int64(0)}, {"{{indexOf(Hello; z)}}", int64(-1)}, {"{{indexOf(Hello; l; 3)}}", int64(3)}, {"{{contains(Hello; ell)}}", true}, {"{{contains(Hello; ELL)}}", false}})
}

func TestBase64IsReadThroughToBinary(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{`{{toString(toBinary("TWFrZQ=="; "base64"))}}`, "Make"}, {"{{base64(Make)}}", "TWFrZQ=="}, {`{{toString(toBinary("4d61"; "hex"))}}`, "Ma"}})
}

func TestTextIsEscapedForURLsHTMLAndMarkdown(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{`{{encodeURL("a b&c")}}`, "a%20b%26c"}, {"{{decodeURL(a%20b)}}", "a b"}, {`{{escapeHTML("<b>")}}`, "&lt;b&gt;"}, {`{{escapeMarkdown("# x")}}`, "&#35; x"}, {`{{stripHTML("<b>x</b>")}}`, "x"}, {`{{replaceEmojiCharacters("a😀"; "!")}}`, "a!"}})
}

func TestHashesWithAKeyAreHMACs(t *testing.T) {
	t.Parallel()
	const fox = "The quick brown fox jumps over the lazy dog"
	check(t, sample(t), []evaluation{
		{`{{md5("` + fox + `")}}`, "9e107d9d372bb6826bd81d3542a419d6"}, {`{{sha1("` + fox + `"; "hex"; "key")}}`, "de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9"}, {`{{sha256("` + fox + `"; ; "key")}}`, "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"},
		{`{{sha256("x"; "hex"; "key"; "binary")}}`, invalid}, {`{{length(sha512("x"; "base64"))}}`, int64(88)},
	})
}

func TestDateFormatsKeepTextInBracketsAndWhatIsNoToken(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{"{{formatDate(1.date; [day] D)}}", "day 31"}, {"{{formatDate(1.date; YYYY-MM-DDTHH:mm)}}", "2026-01-31T12:22"}, {"{{formatDate(1.date; [[x]] YYYY)}}", "[x] 2026"}})
}

func TestTextThatDoesNotFitAFormatIsAValidationErrorThatNamesIt(t *testing.T) {
	t.Parallel()
	_, err := compile(t, `{{parseDate("hello"; "DD.MM.YYYY")}}`).Eval(sample(t))
	require.ErrorContains(t, err, "DD.MM.YYYY")
	check(t, sample(t), []evaluation{{`{{parseDate("hello"; "DD.MM.YYYY")}}`, invalid}, {`{{parseDate("31/1/2026"; "DD.MM.YYYY"; "UTC")}}`, day(t, "2026-01-31T00:00:00Z")}})
}

func TestUnknownTimeZonesAreRefusedAndTheScenariosIsTheDefault(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{
		{"{{formatDate(1.date; HH:mm)}}", "12:22"}, {"{{formatDate(1.date; HH:mm; UTC)}}", "11:22"}, {"{{formatDate(1.date; HH:mm; Europe/Nowhere)}}", invalid}, {"{{formatDate(1.date; HH:mm; +01:00)}}", invalid},
		{`{{parseDate("2026-01-31 12:00"; "YYYY-MM-DD HH:mm")}}`, day(t, "2026-01-31T11:00:00Z")}, {`{{parseDate("2026-01-31 12:00"; "YYYY-MM-DD HH:mm"; "UTC")}}`, day(t, "2026-01-31T12:00:00Z")}, {`{{parseDate("2026-01-31 12:00"; "YYYY-MM-DD HH:mm"; "Mars")}}`, invalid},
	})
}

func TestAddingMonthsOrYearsEndsAtTheMonthsLastDay(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{`{{addMonths("2026-01-31T12:00:00Z"; 1)}}`, day(t, "2026-02-28T12:00:00Z")}, {`{{addYears("2024-02-29T12:00:00Z"; 1)}}`, day(t, "2025-02-28T12:00:00Z")}, {`{{setMonth("2026-01-31T12:00:00Z"; 2)}}`, day(t, "2026-02-28T12:00:00Z")}})
}

func TestSettingBeyondAUnitGoesOverIntoItsNeighbours(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{`{{setMinute("2026-01-31T11:22:00Z"; 61)}}`, day(t, "2026-01-31T12:01:00Z")}, {`{{setDate("2026-01-31T11:00:00Z"; 32)}}`, day(t, "2026-02-01T11:00:00Z")}, {`{{setMonth("2026-01-15T11:00:00Z"; 13)}}`, day(t, "2027-01-15T11:00:00Z")}})
}

func TestWeeksBeginOnSundayForSetDay(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{`{{setDay("2026-07-15T12:00:00Z"; 1)}}`, day(t, "2026-07-12T12:00:00Z")}, {`{{setDay("2026-07-15T12:00:00Z"; 7)}}`, day(t, "2026-07-18T12:00:00Z")}, {`{{setDay("2026-07-15T12:00:00Z"; "monday")}}`, day(t, "2026-07-13T12:00:00Z")}})
}

func TestDatesAreCalculatedInTheScenariosZone(t *testing.T) {
	t.Parallel()
	// Clocks in Prague go forward on March 29 and back on October 25.
	check(t, sample(t), []evaluation{{`{{setMonth("2015-08-07T11:36:39.138Z"; january)}}`, day(t, "2015-01-07T12:36:39.138Z")}, {`{{addDays("2026-03-28T11:00:00Z"; 1)}}`, day(t, "2026-03-29T10:00:00Z")}, {`{{addHours("2026-03-29T00:30:00Z"; 1)}}`, day(t, "2026-03-29T01:30:00Z")}})
}

func TestDateMinusDateIsMilliseconds(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{"{{1.later - 1.date}}", int64(172_800_000)}, {"{{round((1.later - 1.date) / 1000 / 60 / 60 / 24)}}", int64(2)}, {`{{parseDate(1769858553444; "x")}}`, day(t, "2026-01-31T11:22:33.444Z")}})
}

func TestNowIsADateAndThereIsNoStartOfDay(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{"{{now}}", time.Date(2026, 7, 15, 10, 20, 30, 456_000_000, time.UTC)}, {"{{formatDate(now; YYYY)}}", "2026"}})
	_, err := language(t, expr.Options{}).Compile("{{startOfDay(now)}}", nil)
	require.ErrorContains(t, err, "unknown function")
}

func TestSliceCountsFromZeroAndGetFromOne(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{"{{slice(1.list; 0; 1)}}", arr("a")}, {"{{get(1.list; 1)}}", "a"}, {"{{first(1.list)}}", "a"}, {"{{last(1.list)}}", "c"}, {"{{slice(1.list; 1)}}", arr("b", "c")}})
}

func TestRemoveTakesPrimitiveValuesOnly(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{"{{remove(1.list; a; c)}}", arr("b")}, {"{{remove(1.people; get(1.people; 1))}}", invalid}, {"{{remove(1.list; 1.list)}}", invalid}})
}

func TestArraysAreMergedFlattenedAndFreedOfDoubles(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{
		{"{{add(1.list; d)}}", arr("a", "b", "c", "d")}, {"{{merge(1.list; 1.list)}}", arr("a", "b", "c", "a", "b", "c")}, {"{{deduplicate(merge(1.list; 1.list))}}", arr("a", "b", "c")}, {"{{map(distinct(1.people; type); name)}}", arr("Ann", "bob")}, {"{{flatten(1.deep; 1)}}", arr(int64(1), int64(2), arr(int64(3), arr(int64(4))))},
		{"{{reverse(1.list)}}", arr("c", "b", "a")}, {"{{join(1.list; +)}}", "a+b+c"},
	})
}

func TestMapTakesRawNamesDottedPathsAndAListOfWantedValues(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{
		{`{{map(1.people; "name"; "type"; "work")}}`, arr("Ann", "Cyd")}, {`{{map(1.people; "name"; "type"; "work,home")}}`, arr("Ann", "bob", "Cyd")}, {`{{map(1.people; "Name")}}`, arr()}, {`{{map(add(emptyarray; 1.coll); "inner.x.2.url")}}`, arr("u2")},
	})
}

func TestSortTakesAnOrderAKeyOrBoth(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{
		{`{{map(sort(1.people; "desc"; "age"); "name")}}`, arr("Cyd", "Ann", "bob")}, {`{{map(sort(1.people; "age"); "name")}}`, arr("bob", "Ann", "Cyd")}, {`{{sort(split("b,a,C"; ","))}}`, arr("C", "a", "b")}, {`{{sort(split("b,a,C"; ","); "asc ci")}}`, arr("a", "b", "C")},
	})
}

func TestToArrayGivesKeysAndValuesAndToCollectionTakesThem(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{
		{"{{toArray(get(1.pairs; 1))}}", arr(obj("key", "key", "value", "one"), obj("key", "value", "value", int64(1)))}, {"{{toCollection(toArray(1.coll); key; value) = 1.coll}}", true}, {"{{toCollection(1.pairs; key; value)}}", obj("one", int64(3), "two", int64(2))},
	})
}
