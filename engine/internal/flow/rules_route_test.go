package flow_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNothingBehindARouterRuns(t *testing.T) {
	t.Parallel()
	p := hooked(t, chain(router(2, "", act(3, "in the route", "")), act(4, "behind the router", "")))
	require.Equal(t, []string{`3 {"v":"in the route"}`}, p.acts)
}

func TestRoutesRunOneAfterTheOtherAndEachToItsEnd(t *testing.T) {
	t.Parallel()
	p := hooked(t, chain(list(2, "x", 2), router(3, "",
		chain(act(4, "a{{2.item}}", ""), act(5, "b{{2.item}}", "")),
		act(6, "c{{2.item}}", ""))))
	require.Equal(t, []string{
		`4 {"v":"ax1"}`, `5 {"v":"bx1"}`, `6 {"v":"cx1"}`,
		`4 {"v":"ax2"}`, `5 {"v":"bx2"}`, `6 {"v":"cx2"}`,
	}, p.acts)
}

func TestFallbackRouteRunsLastAndOnlyWhenNoOtherDid(t *testing.T) {
	t.Parallel()
	p := hooked(t, chain(list(2, "x", 2), router(3, `,"parameters":{"else":0}`,
		act(4, "fallback {{2.item}}", ""),
		act(5, "{{2.item}}", where("{{2.item}}", "text:equal", "x1")))))
	require.Equal(t, []string{`5 {"v":"x1"}`, `4 {"v":"fallback x2"}`}, p.acts)
}

func TestConditionsOnTheFallbackRouteCountBesides(t *testing.T) {
	t.Parallel()
	p := hooked(t, chain(list(2, "x", 3), router(3, `,"parameters":{"else":1}`,
		act(4, "{{2.item}}", where("{{2.item}}", "text:equal", "x1")),
		act(5, "fallback {{2.item}}", where("{{2.item}}", "text:equal", "x3")))))
	require.Equal(t, []string{`4 {"v":"x1"}`, `5 {"v":"fallback x3"}`}, p.acts)
}

func TestFallbackThatIsNoRouteIsNone(t *testing.T) {
	t.Parallel()
	for _, index := range []string{"7", "-1", `"x"`, "null"} {
		p := hooked(t, router(3, `,"parameters":{"else":`+index+`}`,
			act(4, "a", where("{{1.a}}", "exist", "")), act(5, "b", "")))
		require.Equal(t, []string{`5 {"v":"b"}`}, p.acts, index)
	}
}

func TestDisabledRouteIsSkipped(t *testing.T) {
	t.Parallel()
	p := hooked(t, `{"id":2,"module":"builtin:BasicRouter","version":1,"mapper":null,"routes":[
	  {"flow":[`+act(3, "off", "")+`],"disabled":true},{"flow":[`+act(4, "on", "")+`]},{"flow":[]}]}`)
	require.Equal(t, []string{`4 {"v":"on"}`}, p.acts)

	p = hooked(t, `{"id":2,"module":"builtin:BasicRouter","version":1,"mapper":null,"parameters":{"else":0},"routes":[
	  {"flow":[`+act(3, "a fallback that is off", "")+`],"disabled":true}]}`)
	require.Empty(t, p.acts)
}

func TestFilterOfARouterGuardsAllOfItsRoutes(t *testing.T) {
	t.Parallel()
	p := hooked(t, chain(list(2, "x", 2),
		router(3, where("{{2.item}}", "text:equal", "x2"), act(4, "{{2.item}}", ""), act(5, "{{2.item}}", ""))))
	require.Equal(t, []string{`4 {"v":"x2"}`, `5 {"v":"x2"}`}, p.acts)

	nested := hooked(t, chain(list(2, "x", 2), router(3, "",
		router(4, where("{{2.item}}", "text:equal", "x1"), act(5, "{{2.item}}", "")),
		act(6, "all {{2.item}}", ""))))
	require.Equal(t, []string{`5 {"v":"x1"}`, `6 {"v":"all x1"}`, `6 {"v":"all x2"}`}, nested.acts)
}

func TestFilterWithoutConditionsIsALabel(t *testing.T) {
	t.Parallel()
	for _, filter := range []string{
		`,"filter":{"name":"x","conditions":[]}`, `,"filter":{"name":"x"}`, `,"filter":{"name":"x","conditions":[[]]}`, `,"filter":null`,
	} {
		require.Equal(t, []string{`2 {"v":"a"}`}, hooked(t, act(2, "a", filter)).acts, filter)
	}
}

func TestFilterOfTheFirstModuleIsIgnored(t *testing.T) {
	t.Parallel()
	p := hooked(t, act(2, "a", ""))
	require.Len(t, p.acts, 1)
	first := perform(t, chain(`{"id":1,"module":"builtin:BasicFeeder","version":1,"mapper":{"array":[1]}`+where("{{1.x}}", "exist", "")+`}`,
		act(2, "{{1.value}}", "")), startAsking)
	require.Equal(t, []string{`2 {"v":1}`}, first.acts)
}

func TestConditionsOnARouteObjectAreIgnored(t *testing.T) {
	t.Parallel()
	p := hooked(t, `{"id":2,"module":"builtin:BasicRouter","version":1,"mapper":null,"routes":[
	  {"label":"x","filter":{"conditions":[[{"a":"1","o":"text:equal","b":"2"}]]},"flow":[`+act(3, "a", "")+`]}]}`)
	require.Equal(t, []string{`3 {"v":"a"}`}, p.acts)
}

func TestFilteredBundleStopsWithoutAFailure(t *testing.T) {
	t.Parallel()
	p := hooked(t, chain(list(2, "x", 3), act(3, "{{2.item}}", where("{{2.item}}", "text:notequal", "x2")), act(4, "{{2.item}}", "")))
	require.Equal(t, []string{`3 {"v":"x1"}`, `4 {"v":"x1"}`, `3 {"v":"x3"}`, `4 {"v":"x3"}`}, p.acts)
	require.Nil(t, p.Failed)
}

func TestRoutesDoNotSeeEachOther(t *testing.T) {
	t.Parallel()
	p := hooked(t, router(2, "",
		chain(act(3, "a", ""), `{"id":5,"module":"util:SetVariable2","version":1,"mapper":{"name":"x","value":"{{3.v}}"}}`),
		chain(`{"id":6,"module":"util:GetVariable2","version":1,"mapper":{"name":"x"}}`, act(4, "see {{3.v}}, read {{6.x}}", ""))))
	require.Equal(t, []string{`3 {"v":"a"}`, `4 {"v":"see , read a"}`}, p.acts)
}

func TestReferenceToWhatDidNotRunIsNull(t *testing.T) {
	t.Parallel()
	p := hooked(t, chain(act(2, "{{3.v}}", ""), act(3, "{{77.x.y[3]}}", "")))
	require.Equal(t, []string{`2 {"v":null}`, `3 {"v":null}`}, p.acts)
}

// ifElse has branches, written as in a blueprint.
func ifElse(id int, branches string) string {
	return `{"id":` + string(rune('0'+id)) + `,"module":"builtin:BasicIfElse","version":1,"mapper":null,"branches":[` + branches + `]}`
}

// branch is one branch with a condition on the hook's field a.
func branch(equals string, merge bool, flow string) string {
	merges := "false"
	if merge {
		merges = "true"
	}
	kind := `"type":"else"`
	if equals != "" {
		kind = `"type":"condition","conditions":[[{"a":"{{1.a}}","o":"text:contain","b":"` + equals + `"}]]`
	}
	return `{` + kind + `,"merge":` + merges + `,"flow":[` + flow + `]}`
}

func TestOnlyTheFirstBranchWhoseConditionsHoldRuns(t *testing.T) {
	t.Parallel()
	branches := branch("x", false, act(3, "x", "")) + "," + branch("y", false, act(4, "y", "")) + "," + branch("", false, act(5, "else", ""))
	for a, want := range map[string]string{"x": `3 {"v":"x"}`, "xy": `3 {"v":"x"}`, "y": `4 {"v":"y"}`, "z": `5 {"v":"else"}`} {
		require.Equal(t, []string{want}, hooked(t, ifElse(2, branches), "a", a).acts, a)
	}
}

func TestElseBranchRunsLastWhereverItStands(t *testing.T) {
	t.Parallel()
	branches := branch("", false, act(5, "else", "")) + "," + branch("x", false, act(3, "x", ""))
	require.Equal(t, []string{`3 {"v":"x"}`}, hooked(t, ifElse(2, branches), "a", "x").acts)
	require.Equal(t, []string{`5 {"v":"else"}`}, hooked(t, ifElse(2, branches), "a", "z").acts)
}

func TestBranchThatIsOffOrEmptyIsNeverTaken(t *testing.T) {
	t.Parallel()
	for name, off := range map[string]string{
		"disabled":           `{"type":"condition","disabled":true,"conditions":[[{"a":"1","o":"text:equal","b":"1"}]],"flow":[` + act(3, "off", "") + `]}`,
		"without conditions": `{"type":"condition","conditions":[],"flow":[` + act(3, "off", "") + `]}`,
		"without modules":    `{"type":"condition","conditions":[[{"a":"1","o":"text:equal","b":"1"}]],"flow":[]}`,
	} {
		p := hooked(t, ifElse(2, off+","+branch("", false, act(4, "else", ""))))
		require.Equal(t, []string{`4 {"v":"else"}`}, p.acts, name)
	}
}

func TestIfElseMayStandInABranch(t *testing.T) {
	t.Parallel()
	inner := ifElse(3, branch("xy", false, act(4, "both", ""))+","+branch("", false, act(5, "x only", "")))
	outer := ifElse(2, branch("x", false, inner)+","+branch("", false, act(6, "none", "")))
	require.Equal(t, []string{`4 {"v":"both"}`}, hooked(t, outer, "a", "xy").acts)
	require.Equal(t, []string{`5 {"v":"x only"}`}, hooked(t, outer, "a", "x").acts)
	require.Equal(t, []string{`6 {"v":"none"}`}, hooked(t, outer, "a", "z").acts)
}

// merged is an if-else with two merging branches and one that does not, a merge, and a module behind it.
func merged(filters string) string {
	return chain(
		ifElse(2, branch("x", true, act(3, "x", ""))+","+branch("stop", false, act(4, "stop", ""))+","+branch("y", true, act(5, "y", ""))),
		`{"id":6,"module":"builtin:BasicMerge","version":1,"mapper":null,"filters":`+filters+`,
		  "outputs":[{"name":"from","mappings":["{{3.v}}","{{5.v}}"]},{"name":"second","mappings":["","yes"]}]}`,
		act(7, "{{6.from}}/{{6.second}}/{{3.v}}{{5.v}}", ""))
}

func TestMergeGivesWhatIsMappedForTheBranchThatRan(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{`3 {"v":"x"}`, `7 {"v":"x//"}`}, hooked(t, merged("[]"), "a", "x").acts)
	require.Equal(t, []string{`5 {"v":"y"}`, `7 {"v":"y/yes/"}`}, hooked(t, merged("[null,null]"), "a", "y").acts)
}

func TestBranchThatDoesNotMergeEndsThere(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{`4 {"v":"stop"}`}, hooked(t, merged("[]"), "a", "stop").acts)
}

func TestMergeGivesNothingWhenNoBranchRan(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{`7 {"v":"//"}`}, hooked(t, merged("[]"), "a", "none").acts)
}

func TestFilterOfAMergeGatesItsBranch(t *testing.T) {
	t.Parallel()
	never := `{"name":"f","conditions":[[{"a":"1","o":"text:equal","b":"2"}]]}`
	require.Equal(t, []string{`3 {"v":"x"}`}, hooked(t, merged("["+never+",null]"), "a", "x").acts)
	require.Equal(t, []string{`5 {"v":"y"}`, `7 {"v":"y/yes/"}`}, hooked(t, merged("["+never+",null]"), "a", "y").acts)
}

func TestIfElseAndMergeCountAsOperationsRoutersAndFiltersDoNot(t *testing.T) {
	t.Parallel()
	require.Equal(t, int64(5), hooked(t, merged("[]"), "a", "x").Operations, "hook, if-else, act, merge, act")
	require.Equal(t, int64(2), hooked(t, router(2, where("{{1.a}}", "exist", ""), act(3, "", "")), "a", "x").Operations, "hook, act")
}

func TestModulesOutsideTheFlowNeverRun(t *testing.T) {
	t.Parallel()
	program := compile(t, []byte(`{"name":"t","flow":[{"id":1,"module":"app:Hook","version":1,"mapper":{}}],
	  "metadata":{"designer":{"orphans":[[`+act(2, "orphan", "")+`]]}}}`))
	s := &stage{}
	_, err := program.Run(t.Context(), s, startHooked)
	require.NoError(t, err)
	require.Empty(t, s.acts)
}
