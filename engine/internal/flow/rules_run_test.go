package flow_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/flow"
)

var (
	startAsking = flow.Start{Ask: true}
	startHooked = flow.Start{Bundles: []connector.Bundle{{}}, Now: began}
)

const poller = `{"id":1,"module":"app:Poll","version":1,"mapper":{}},`

// batch is what a trigger gives in one poll.
func batch(items ...string) []connector.Bundle {
	bundles := []connector.Bundle{}
	for _, item := range items {
		bundles = append(bundles, connector.NewBundle("item", item))
	}
	return bundles
}

func TestTriggerIsAskedAnewInEachCycle(t *testing.T) {
	t.Parallel()
	p := perform(t, poller+act(2, "{{1.item}}", ""), flow.Start{Ask: true, Cycles: 2}, batch("a", "b"), batch("c"), batch("d"))
	require.Equal(t, []string{`2 {"v":"a"}`, `2 {"v":"b"}`, `2 {"v":"c"}`}, p.acts)
	require.Equal(t, []int{2, 3}, p.ended, "each cycle ends by itself")
}

func TestRunEndsWhenTheTriggerGivesNothing(t *testing.T) {
	t.Parallel()
	p := perform(t, poller+act(2, "{{1.item}}", ""), flow.Start{Ask: true, Cycles: 10}, batch("a"), batch(), batch("never"))
	require.Equal(t, []string{`2 {"v":"a"}`}, p.acts)
	require.Len(t, p.ended, 2)
	require.Nil(t, p.Failed)
}

func TestFirstCycleTakesTheBundlesThatWereGiven(t *testing.T) {
	t.Parallel()
	p := perform(t, poller+act(2, "{{1.item}}", ""), flow.Start{Bundles: batch("given"), Cycles: 3}, batch("asked"))
	require.Equal(t, []string{`2 {"v":"given"}`, `2 {"v":"asked"}`}, p.acts)
}

func TestScenarioWithoutATriggerRunsAllOfItsCycles(t *testing.T) {
	t.Parallel()
	p := perform(t, `{"id":1,"module":"app:Act","version":1,"mapper":{"v":"x"}}`, flow.Start{Ask: true, Cycles: 3})
	require.Equal(t, []string{`1 {"v":"x"}`, `1 {"v":"x"}`, `1 {"v":"x"}`}, p.acts)

	none := perform(t, list(1, "x", 0), flow.Start{Ask: true, Cycles: 3})
	require.Equal(t, int64(3), none.Operations, "a search is no trigger")

	routed := perform(t, router(1, "", act(2, "y", "")), flow.Start{Ask: true, Cycles: 2})
	require.Equal(t, []string{`2 {"v":"y"}`, `2 {"v":"y"}`}, routed.acts)
}

func TestEachEventHasACycleOfItsOwn(t *testing.T) {
	t.Parallel()
	p := perform(t, `{"id":1,"module":"app:Hook","version":1,"mapper":{}},`+
		chain(act(2, "{{1.item}} {{1.__IMTINDEX__}}/{{1.__IMTLENGTH__}}", ""), array(3, 1, "{{1.item}}", ""), act(4, "{{length(3.array)}}", "")),
		flow.Start{Bundles: batch("a", "b"), Instant: true, Cycles: 1})
	require.Equal(t, []string{`2 {"v":"a 1/1"}`, `4 {"v":1}`, `2 {"v":"b 1/1"}`, `4 {"v":1}`}, p.acts)
	require.Equal(t, []int{2, 4}, p.ended)

	together := perform(t, `{"id":1,"module":"app:Hook","version":1,"mapper":{}},`+act(2, "{{1.item}}", ""),
		flow.Start{Bundles: batch("a", "b"), Cycles: 7})
	require.Equal(t, []int{2}, together.ended, "a hook cannot be asked for more")

	none := perform(t, `{"id":1,"module":"app:Hook","version":1,"mapper":{}},`+act(2, "", ""), flow.Start{Instant: true})
	require.Zero(t, none.Operations)
}

func TestRunHasOneCycleUnlessItIsToldOtherwise(t *testing.T) {
	t.Parallel()
	p := perform(t, poller+act(2, "{{1.item}}", ""), startAsking, batch("a"), batch("b"))
	require.Equal(t, []string{`2 {"v":"a"}`}, p.acts)
}

func TestAggregatorsWorkWithinOneCycle(t *testing.T) {
	t.Parallel()
	p := perform(t, poller+chain(texts(2, 1, "{{1.item}}", ""), act(3, "{{2.text}}", "")),
		flow.Start{Ask: true, Cycles: 2}, batch("a", "b"), batch("c"))
	require.Equal(t, []string{`3 {"v":"a,b"}`, `3 {"v":"c"}`}, p.acts)
}

func TestRoundtripVariablesEndWithTheCycleAndExecutionVariablesStay(t *testing.T) {
	t.Parallel()
	p := perform(t, poller+chain(
		`{"id":2,"module":"util:GetVariables","version":1,"mapper":{"variables":["short","long"]}}`,
		act(3, "{{1.item}}: {{2.short}} {{2.long}}", ""),
		`{"id":4,"module":"util:SetVariable2","version":1,"mapper":{"name":"short","scope":"roundtrip","value":"s{{1.item}}"}}`,
		`{"id":5,"module":"util:SetVariable2","version":1,"mapper":{"name":"long","scope":"execution","value":"l{{1.item}}"}}`),
		flow.Start{Ask: true, Cycles: 2}, batch("a", "b"), batch("c"))
	require.Equal(t, []string{`3 {"v":"a:  "}`, `3 {"v":"b: sa la"}`, `3 {"v":"c:  lb"}`}, p.acts)
}

func TestFailureEndsAllCycles(t *testing.T) {
	t.Parallel()
	p := perform(t, poller+chain(act(2, "{{1.item}}", ""), failing(3, "{{if(1.item = \"b\"; \"broken\"; )}}", "")),
		flow.Start{Ask: true, Cycles: 5}, batch("a"), batch("b"), batch("c"))
	require.Len(t, p.acts, 4)
	require.Equal(t, connector.DataError, p.Failed.Type)
	require.True(t, p.RolledBack)
	require.Equal(t, []int{2}, p.ended, "what the first cycle did stays")
}

// cycling is a host whose cycles end as it likes.
type cycling struct {
	live
	failure *flow.Failure
	err     error
}

func (c *cycling) EndCycle(context.Context) (*flow.Failure, error) { return c.failure, c.err }

func TestEndOfACycleMayFail(t *testing.T) {
	t.Parallel()
	program := compile(t, []byte(`{"name":"t","flow":[{"id":1,"module":"app:Hook","version":1,"mapper":{}}]}`))
	outcome, err := program.Run(t.Context(), &cycling{failure: &flow.Failure{Type: connector.InconsistencyError}}, startHooked)
	require.NoError(t, err)
	require.Equal(t, connector.InconsistencyError, outcome.Failed.Type)
	require.False(t, outcome.RolledBack)

	gone := errors.New("gone")
	_, err = program.Run(t.Context(), &cycling{err: gone}, startHooked)
	require.ErrorIs(t, err, gone)
}

func TestFirstModuleWithoutBundlesEndsTheRunWell(t *testing.T) {
	t.Parallel()
	p := perform(t, poller+act(2, "x", ""), startAsking, batch())
	require.Empty(t, p.acts)
	require.Nil(t, p.Failed)
	require.Equal(t, int64(1), p.Operations)
}

func TestEachBundleGoesToTheEndBeforeTheNext(t *testing.T) {
	t.Parallel()
	p := hooked(t, chain(list(2, "x", 2), list(3, "{{2.item}}-", 2), act(4, "{{3.item}}", "")))
	require.Equal(t, []string{`4 {"v":"x1-1"}`, `4 {"v":"x1-2"}`, `4 {"v":"x2-1"}`, `4 {"v":"x2-2"}`}, p.acts)
	require.Equal(t, int64(1+1+2+4), p.Operations, "a module runs once for each bundle that reaches it")
}

func TestBundlesKnowTheirPlaceAmongThoseOfTheirOperation(t *testing.T) {
	t.Parallel()
	p := hooked(t, chain(list(2, "x", 2), act(3, "{{2.__IMTINDEX__}} of {{2.__IMTLENGTH__}}", "")))
	require.Equal(t, []string{`3 {"v":"1 of 2"}`, `3 {"v":"2 of 2"}`}, p.acts)
}

func TestWholeBundleOfManyCarriesItsPlace(t *testing.T) {
	t.Parallel()
	p := hooked(t, chain(list(2, "x", 2), act(3, "{{`2`}}", ""), act(4, "{{`3`}}", "")))
	require.Equal(t, []string{
		`3 {"v":{"item":"x1","__IMTINDEX__":1,"__IMTLENGTH__":2}}`,
		`4 {"v":{"v":{"item":"x1","__IMTINDEX__":1,"__IMTLENGTH__":2}}}`,
		`3 {"v":{"item":"x2","__IMTINDEX__":2,"__IMTLENGTH__":2}}`,
		`4 {"v":{"v":{"item":"x2","__IMTINDEX__":2,"__IMTLENGTH__":2}}}`,
	}, p.acts, "an action gives one bundle, so its bundle has no place")
}

func TestPlacesOfManyBundlesThatAreMadeAsTheyAreNeeded(t *testing.T) {
	t.Parallel()
	const count = 2500
	p := hooked(t, chain(
		fmt.Sprintf(`{"id":2,"module":"builtin:BasicRepeater","version":1,"mapper":{"start":1,"repeats":%d,"step":1}}`, count),
		act(3, "{{2.i}} {{2.__IMTINDEX__}}/{{2.__IMTLENGTH__}}", where("{{2.i % 1000}}", "number:equal", "0"))))
	require.Equal(t, []string{`3 {"v":"1000 1000/2500"}`, `3 {"v":"2000 2000/2500"}`}, p.acts)
}

func TestIteratorSpreadsCollectionsAndWrapsEverythingElse(t *testing.T) {
	t.Parallel()
	p := hooked(t, chain(`{"id":2,"module":"builtin:BasicFeeder","version":1,"mapper":{"array":"{{1.list}}"}}`,
		act(3, "{{2.name}}|{{2.value}}", "")), "list", []any{connector.NewBundle("name", "Ada"), "text", int64(7)})
	require.Equal(t, []string{`3 {"v":"Ada|"}`, `3 {"v":"|text"}`, `3 {"v":"|7"}`}, p.acts)

	one := hooked(t, chain(`{"id":2,"module":"builtin:BasicFeeder","version":1,"mapper":{"array":"{{1.list}}"}}`, act(3, "{{2.value}}", "")), "list", "no array")
	require.Equal(t, []string{`3 {"v":"no array"}`}, one.acts)
}

func TestRepeaterCountsAndAFailureWithCommitLeavesTheLoop(t *testing.T) {
	t.Parallel()
	p := hooked(t, chain(`{"id":2,"module":"builtin:BasicRepeater","version":1,"mapper":{"start":"10","repeats":"10000","step":"5"}}`,
		act(3, "{{2.i}}", ""), failing(4, "{{if(2.i >= 20; \"enough\"; )}}", commit)))
	require.Equal(t, []string{`3 {"v":10}`, `4 {"fail":null}`, `3 {"v":15}`, `4 {"fail":null}`, `3 {"v":20}`, `4 {"fail":"enough"}`}, p.acts)
	require.Nil(t, p.Failed)
}

func TestVariableIsAFieldOfTheModuleThatSetsIt(t *testing.T) {
	t.Parallel()
	p := hooked(t, chain(
		`{"id":2,"module":"util:SetVariable2","version":1,"mapper":{"name":"x","scope":"roundtrip","value":"a"}}`,
		`{"id":3,"module":"util:SetVariables","version":1,"mapper":{"variables":[{"name":"y","value":"{{2.x}}b"},{"name":"z","value":"c"}],"scope":"execution"}}`,
		`{"id":4,"module":"util:GetVariable2","version":1,"mapper":{"name":"{{\"z\"}}"}}`,
		`{"id":5,"module":"util:GetVariables","version":1,"mapper":{"variables":["x","y","unset"]}}`,
		act(6, "{{2.x}} {{3.y}} {{4.z}} {{5.x}}{{5.y}}[{{5.unset}}]", "")))
	require.Equal(t, []string{`6 {"v":"a ab c aab[]"}`}, p.acts)
}

func TestVariablesAreSeenWhereverTheyAreReadLater(t *testing.T) {
	t.Parallel()
	p := hooked(t, router(2, "",
		chain(list(3, "x", 2), `{"id":4,"module":"util:SetVariable2","version":1,"mapper":{"name":"last","value":"{{3.item}}"}}`),
		chain(`{"id":5,"module":"util:GetVariable2","version":1,"mapper":{"name":"last"}}`, act(6, "{{5.last}}", ""))))
	require.Equal(t, []string{`6 {"v":"x2"}`}, p.acts)
}

func TestExpressionsSeeTheVariablesOfTheSystem(t *testing.T) {
	t.Parallel()
	variables := func(root string) (any, bool) {
		switch root {
		case "var":
			return connector.NewBundle("scenario", connector.NewBundle("name", "mine"), "input", connector.NewBundle("who", "Ada")), true
		case "executionId":
			return "e1", true
		}
		return nil, false
	}
	p := perform(t, `{"id":1,"module":"app:Hook","version":1,"mapper":{}},`+act(2, "{{var.scenario.name}} {{executionId}} {{var.input.who}}", ""),
		flow.Start{Bundles: []connector.Bundle{{}}, Variables: variables})
	require.Equal(t, []string{`2 {"v":"mine e1 Ada"}`}, p.acts)
}

func TestModuleThatReturnsEndsTheRun(t *testing.T) {
	t.Parallel()
	giveBack := func(id int, v string) string {
		return fmt.Sprintf(`{"id":%d,"module":"app:Return","version":1,"mapper":{"out":%q}}`, id, v)
	}
	p := hooked(t, chain(list(2, "x", 3), router(3, "",
		act(4, "{{2.item}}", ""),
		`{"id":5,"module":"app:Return","version":1,"mapper":{"out":"{{2.item}}"}`+where("{{2.item}}", "text:equal", "x2")+`}`,
		act(6, "after {{2.item}}", "")), array(7, 2, "", "")))
	require.Equal(t, []string{`4 {"v":"x1"}`, `6 {"v":"after x1"}`, `4 {"v":"x2"}`}, p.acts, "neither later routes nor later bundles")
	require.True(t, p.Returned)
	require.Equal(t, `{"out":"x2"}`, text(p.Output))
	require.Nil(t, p.Failed)
	require.False(t, p.RolledBack, "what was done stays done")

	twice := hooked(t, chain(giveBack(2, "first"), giveBack(3, "second")))
	require.Equal(t, `{"out":"first"}`, text(twice.Output), "only the first one that is reached counts")

	none := hooked(t, act(2, "x", ""))
	require.False(t, none.Returned)
	require.Zero(t, none.Output.Len())

	handled := hooked(t, chain(failing(2, "broken", giveBack(3, "{{2.error.message}}")), act(4, "never", "")))
	require.Equal(t, `{"out":"broken"}`, text(handled.Output))
	require.Nil(t, handled.Failed)

	cycles := perform(t, poller+giveBack(2, "{{1.item}}"), flow.Start{Ask: true, Cycles: 3}, batch("a"), batch("b"))
	require.Equal(t, `{"out":"a"}`, text(cycles.Output))
	require.Equal(t, int64(2), cycles.Operations, "no cycle follows")
}
