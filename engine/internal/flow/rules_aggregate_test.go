package flow_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/engine/internal/flow"
)

func TestAggregatorWorksForEachOperationOfItsSource(t *testing.T) {
	t.Parallel()
	p := hooked(t, chain(list(2, "x", 2), list(3, "{{2.item}}-", 2), texts(4, 3, "{{3.item}}", ""), act(5, "{{4.text}}", "")))
	require.Equal(t, []string{`5 {"v":"x1-1,x1-2"}`, `5 {"v":"x2-1,x2-2"}`}, p.acts)
	require.Equal(t, int64(1+1+2+2+2), p.Operations, "an aggregator counts once for each bundle that it gives")
}

func TestAggregatorSourceMustLieUpstream(t *testing.T) {
	t.Parallel()
	for name, flow := range map[string]string{
		"behind it":       chain(texts(2, 3, "", ""), list(3, "x", 1)),
		"nowhere":         texts(2, 77, "", ""),
		"on another path": router(2, "", list(3, "x", 1), texts(4, 3, "", "")),
		"a router":        router(2, "", texts(4, 2, "", "")),
		"not said":        `{"id":2,"module":"util:TextAggregator","version":1,"mapper":{"value":"x"}}`,
	} {
		require.NotEmpty(t, problemsOf(t, flow), name)
	}
}

// problemsOf are those of modules behind a hook, by code.
func problemsOf(t *testing.T, behind string) []string {
	t.Helper()
	bp, err := blueprint.Parse([]byte(`{"name":"t","flow":[{"id":1,"module":"app:Hook","version":1,"mapper":{}},` + behind + `]}`))
	require.NoError(t, err)
	program, problems := flow.Compile(bp, language(t), modules(t))
	var codes []string
	for _, p := range problems {
		codes = append(codes, p.Code)
	}
	require.Equal(t, problems == nil, program != nil)
	return codes
}

func TestWhatLiesBetweenSourceAndAggregatorIsOutOfSightBehindIt(t *testing.T) {
	t.Parallel()
	p := hooked(t, chain(list(2, "x", 1), list(3, "y", 1), act(4, "z", ""), texts(5, 3, "{{2.item}}{{3.item}}{{4.v}}", ""),
		act(6, "{{1.a}} {{2.item}} {{3.item}}{{4.v}} {{5.text}}", "")), "a", "hook")
	require.Equal(t, []string{`4 {"v":"z"}`, `6 {"v":"hook x1  x1y1z"}`}, p.acts)
}

func TestAggregatorThatNothingReachesGivesAnEmptyBundle(t *testing.T) {
	t.Parallel()
	never := where("{{1.x}}", "exist", "")
	p := hooked(t, chain(list(2, "x", 2), array(3, 2, "{{2.item}}", never), act(4, "{{length(3.array)}}", "")))
	require.Equal(t, []string{`4 {"v":0}`}, p.acts)

	none := hooked(t, chain(list(2, "x", 0), array(3, 2, "{{2.item}}", ""), act(4, "{{length(3.array)}}", "")))
	require.Equal(t, []string{`4 {"v":0}`}, none.acts, "also when its source gave nothing")
}

func TestAggregatorMayStopWhenNothingReachesIt(t *testing.T) {
	t.Parallel()
	stop := `,"flags":{"stopIfEmpty":true}`
	p := hooked(t, chain(list(2, "x", 0), array(3, 2, "{{2.item}}", stop), act(4, "{{length(3.array)}}", "")))
	require.Empty(t, p.acts)

	some := hooked(t, chain(list(2, "x", 1), array(3, 2, "{{2.item}}", stop), act(4, "{{length(3.array)}}", "")))
	require.Equal(t, []string{`4 {"v":1}`}, some.acts)
}

func TestGroupsComeInTheOrderOfTheirFirstBundle(t *testing.T) {
	t.Parallel()
	items := []any{}
	for _, key := range []any{"b", int64(1), "b", "1", nil, 1.0, true, nil} {
		items = append(items, connector.NewBundle("key", key))
	}
	feeder := `{"id":2,"module":"builtin:BasicFeeder","version":1,"mapper":{"array":"{{1.items}}"}}`
	p := hooked(t, chain(feeder, texts(3, 2, "{{2.__IMTINDEX__}}", `,"flags":{"groupBy":"{{2.key}}"}`),
		act(4, "{{3.__IMTKEY__}}: {{3.text}} ({{3.__IMTINDEX__}}/{{3.__IMTLENGTH__}})", "")), "items", items)
	require.Equal(t, []string{
		`4 {"v":"b: 1,3 (1/5)"}`, `4 {"v":"1: 2,6 (2/5)"}`, `4 {"v":"1: 4 (3/5)"}`, `4 {"v":": 5,8 (4/5)"}`, `4 {"v":"true: 7 (5/5)"}`,
	}, p.acts, "values that differ in type are different keys")

	none := hooked(t, chain(feeder, array(3, 2, "", `,"flags":{"groupBy":"{{2.key}}"}`), act(4, "{{length(3.array)}}[{{3.__IMTKEY__}}]", "")))
	require.Equal(t, []string{`4 {"v":"0[]"}`}, none.acts, "one empty bundle")

	stop := hooked(t, chain(feeder, array(3, 2, "", `,"flags":{"groupBy":"{{2.key}}","stopIfEmpty":true}`), act(4, "x", "")))
	require.Empty(t, stop.acts)
}

func TestArrayAggregatorMakesItsItemsOfItsMapper(t *testing.T) {
	t.Parallel()
	p := hooked(t, chain(list(2, "x", 2),
		`{"id":3,"module":"builtin:BasicAggregator","version":1,"parameters":{"feeder":2,"target":"9.attendees"},
		  "mapper":{"name":"{{2.item}}","properties":{"deep":["{{2.item}}"]}}}`,
		act(4, "{{3.array}}", "")))
	require.Equal(t, []string{`4 {"v":[{"name":"x1","properties":{"deep":["x1"]}},{"name":"x2","properties":{"deep":["x2"]}}]}`}, p.acts)

	whole := hooked(t, chain(list(2, "x", 1),
		`{"id":3,"module":"builtin:BasicAggregator","version":1,"parameters":{"feeder":2},"mapper":{"__IMTTARGET__":"{{2.item}}"}}`,
		act(4, "{{3.array}}", "")))
	require.Equal(t, []string{`4 {"v":["x1"]}`}, whole.acts)
}

func TestTextAggregatorJoinsItsRows(t *testing.T) {
	t.Parallel()
	p := hooked(t, chain(list(2, "x", 3), texts(3, 2, "{{2.item}}", ""), act(4, "{{3.text}}", "")))
	require.Equal(t, []string{`4 {"v":"x1,x2,x3"}`}, p.acts)
}

func TestAggregatorsNestAndMayBeSourcesThemselves(t *testing.T) {
	t.Parallel()
	p := hooked(t, chain(list(2, "x", 2), list(3, "{{2.item}}", 2), texts(4, 3, "{{3.item}}", ""),
		array(5, 2, "{{4.text}}", ""), act(6, "{{map(5.array; \"v\")}}", "")))
	require.Equal(t, []string{`6 {"v":["x11,x12","x21,x22"]}`}, p.acts)

	source := hooked(t, chain(list(2, "x", 3), texts(3, 2, "{{2.item}}", `,"flags":{"groupBy":"{{2.__IMTINDEX__ % 2}}"}`),
		act(4, "{{3.text}}", ""), texts(5, 3, "<{{3.text}}>", ""), act(6, "{{5.text}}", "")))
	require.Equal(t, []string{`4 {"v":"x1,x3"}`, `4 {"v":"x2"}`, `6 {"v":"<x1,x3>,<x2>"}`}, source.acts)
}

func TestAggregatorsOnSeveralRoutesMayHaveOneSource(t *testing.T) {
	t.Parallel()
	p := hooked(t, chain(list(2, "x", 2), router(3, "",
		chain(texts(4, 2, "{{2.item}}", ""), act(5, "one {{4.text}}", "")),
		chain(act(6, "{{2.item}}", ""), texts(7, 2, "{{2.item}}", ""), act(8, "two {{7.text}}", "")))))
	require.Equal(t, []string{`6 {"v":"x1"}`, `6 {"v":"x2"}`, `5 {"v":"one x1,x2"}`, `8 {"v":"two x1,x2"}`}, p.acts)
}

func TestFailedOperationOfASourceMakesNoAggregate(t *testing.T) {
	t.Parallel()
	p := hooked(t, chain(failing(2, "broken", ignore), array(3, 2, "x", ""), act(4, "{{length(3.array)}}", "")))
	require.Equal(t, []string{`2 {"fail":"broken"}`}, p.acts)

	resumed := hooked(t, chain(failing(2, "broken", resume("instead")), array(3, 2, "{{2.v}}", ""), act(4, "{{map(3.array; \"v\")}}", "")))
	require.Equal(t, []string{`2 {"fail":"broken"}`, `4 {"v":["instead"]}`}, resumed.acts)
}
