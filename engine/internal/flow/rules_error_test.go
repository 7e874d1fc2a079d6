package flow_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/blueprint"
)

// two is a list of two bundles, a module that fails for the first with that error route, and one behind it.
func two(handler string) string {
	return chain(list(2, "x", 2), failing(3, `{{if(2.item = "x1"; "broken"; )}}`, handler), act(4, "{{2.item}}: {{3.v}}", ""))
}

func TestFailureWithoutAnErrorRouteEndsTheRunAndRollsBack(t *testing.T) {
	t.Parallel()
	p := hooked(t, two(""))
	require.Equal(t, []string{`3 {"fail":"broken"}`}, p.acts)
	require.Equal(t, 3, p.Failed.Module)
	require.Equal(t, "app:Act", p.Failed.Name)
	require.True(t, p.RolledBack)
}

func TestIgnoreDropsTheBundleAndGoesOn(t *testing.T) {
	t.Parallel()
	p := hooked(t, two(ignore))
	require.Equal(t, []string{`3 {"fail":"broken"}`, `3 {"fail":null}`, `4 {"v":"x2: "}`}, p.acts)
	require.Nil(t, p.Failed)
}

func TestResumeGoesOnWithASubstitute(t *testing.T) {
	t.Parallel()
	p := hooked(t, two(resume("instead of {{2.item}}: {{3.error.message}}")))
	require.Equal(t, []string{`3 {"fail":"broken"}`, `4 {"v":"x1: instead of x1: broken"}`, `3 {"fail":null}`, `4 {"v":"x2: "}`}, p.acts)
	require.Nil(t, p.Failed)
}

func TestResumeThatCannotBeEvaluatedEndsTheRun(t *testing.T) {
	t.Parallel()
	p := hooked(t, two(resume(`{{parseDate("x"; "YYYY")}}`)))
	require.Equal(t, 93, p.Failed.Module)
}

func TestCommitKeepsWhatWasDoneAndStops(t *testing.T) {
	t.Parallel()
	p := hooked(t, two(commit))
	require.Equal(t, []string{`3 {"fail":"broken"}`}, p.acts)
	require.Nil(t, p.Failed)
	require.False(t, p.RolledBack)
}

func TestRollbackEndsTheRunWithTheFailure(t *testing.T) {
	t.Parallel()
	p := hooked(t, two(chain(act(5, "before", ""), rollback)))
	require.Equal(t, []string{`3 {"fail":"broken"}`, `5 {"v":"before"}`}, p.acts)
	require.Equal(t, 3, p.Failed.Module, "the module that failed, not the directive")
	require.Equal(t, connector.DataError, p.Failed.Type)
	require.True(t, p.RolledBack)
}

func TestBreakIsRefused(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{blueprint.CodeUnsupported},
		problemsOf(t, failing(2, "x", `{"id":3,"module":"builtin:Break","version":1,"mapper":{"retry":true}}`)))
}

func TestErrorRouteSeesTheFailureAndWhatTheModuleSaw(t *testing.T) {
	t.Parallel()
	p := hooked(t, chain(list(2, "x", 1), failing(3, "broken",
		chain(act(4, "{{1.a}} {{2.item}}: {{3.error.type}}, {{3.error.message}}, {{3.error.detail.code}}", ""), ignore)),
		act(5, "{{3.error.message}}", "")), "a", "hook")
	require.Equal(t, []string{`3 {"fail":"broken"}`, `4 {"v":"hook x1: DataError, broken, 7"}`}, p.acts)

	none := hooked(t, chain(failing(3, "", chain(act(4, "x", ""), ignore)), act(5, "[{{3.error.message}}]", "")))
	require.Equal(t, []string{`3 {"fail":""}`, `5 {"v":"[]"}`}, none.acts, "a module that did not fail has no error")
}

func TestFailureMayComeFromTheMapperOrTheFilter(t *testing.T) {
	t.Parallel()
	bad := `{{parseDate(\"x\"; \"YYYY\")}}`
	handler := chain(act(3, "{{2.error.type}}", ""), ignore)
	p := hooked(t, `{"id":2,"module":"app:Act","version":1,"mapper":{"v":"`+bad+`"},"onerror":[`+handler+`]}`)
	require.Equal(t, []string{`3 {"v":"BundleValidationError"}`}, p.acts)
	p = hooked(t, `{"id":2,"module":"app:Act","version":1,"mapper":{},
	  "filter":{"name":"f","conditions":[[{"a":"`+bad+`","o":"exist"}]]},"onerror":[`+handler+`]}`)
	require.Equal(t, []string{`3 {"v":"BundleValidationError"}`}, p.acts)
}

func TestErrorRouteWithoutADirectiveIgnores(t *testing.T) {
	t.Parallel()
	p := hooked(t, two(act(5, "handled", "")))
	require.Equal(t, []string{`3 {"fail":"broken"}`, `5 {"v":"handled"}`, `3 {"fail":null}`, `4 {"v":"x2: "}`}, p.acts)
	require.Nil(t, p.Failed)
}

func TestErrorRouteMayHoldWhateverAFlowHolds(t *testing.T) {
	t.Parallel()
	p := hooked(t, two(router(5, "", act(6, "a", where("{{2.item}}", "text:equal", "no")), chain(act(7, "b", ""), ignore))))
	require.Equal(t, []string{`3 {"fail":"broken"}`, `7 {"v":"b"}`, `3 {"fail":null}`, `4 {"v":"x2: "}`}, p.acts)

	many := hooked(t, two(chain(list(5, "y", 2), texts(6, 5, "{{5.item}}", ""), resume("{{6.text}}"))))
	require.Equal(t, `4 {"v":"x1: y1,y2"}`, many.acts[1])
}

func TestFilterThatBlocksTheErrorRouteLeavesTheFailureUnhandled(t *testing.T) {
	t.Parallel()
	never := where("{{1.x}}", "exist", "")
	for name, handler := range map[string]string{
		"in front of it":      act(5, "no", never),
		"in front of a route": router(5, "", act(6, "no", never), act(7, "no", never)),
		"of a directive":      `{"id":90,"module":"builtin:Ignore","version":1` + never + `}`,
	} {
		p := hooked(t, two(handler))
		require.Equal(t, []string{`3 {"fail":"broken"}`}, p.acts, name)
		require.Equal(t, 3, p.Failed.Module, name)
	}
}

func TestFailureOnTheErrorRouteEndsTheRun(t *testing.T) {
	t.Parallel()
	p := hooked(t, two(chain(failing(5, "worse", ""), ignore)))
	require.Equal(t, 5, p.Failed.Module)
	require.Equal(t, "worse", p.Failed.Message)
}

func TestErrorRoutesNest(t *testing.T) {
	t.Parallel()
	inner := func(directive string) string {
		return chain(failing(5, "worse", chain(act(6, "{{3.error.message}} {{5.error.message}}", ""), directive)), act(7, "behind", ""))
	}
	ignored := hooked(t, two(inner(ignore)))
	require.Equal(t, []string{
		`3 {"fail":"broken"}`, `5 {"fail":"worse"}`, `6 {"v":"broken worse"}`, `3 {"fail":null}`, `4 {"v":"x2: "}`,
	}, ignored.acts)

	resumed := hooked(t, two(inner(`{"id":94,"module":"builtin:Resume","version":1,"mapper":{"v":"inner"}}`)+","+resume("{{5.v}}")))
	require.Equal(t, []string{`5 {"fail":"worse"}`, `6 {"v":"broken worse"}`, `7 {"v":"behind"}`, `4 {"v":"x1: inner"}`}, resumed.acts[1:5])

	rolled := hooked(t, two(inner(rollback)))
	require.Equal(t, 5, rolled.Failed.Module, "the inner failure is the one that is rolled back")

	blocked := hooked(t, two(failing(5, "worse", act(6, "no", where("{{1.x}}", "exist", "")))))
	require.Equal(t, 5, blocked.Failed.Module)
}

func TestDirectivesCostNoOperations(t *testing.T) {
	t.Parallel()
	for _, directive := range []string{ignore, commit, rollback, resume("x")} {
		require.Equal(t, int64(2), hooked(t, failing(2, "broken", directive)).Operations)
	}
}

func TestRouterHasNoErrorRoute(t *testing.T) {
	t.Parallel()
	p := hooked(t, router(2, `,"onerror":[`+ignore+`]`, failing(3, "broken", "")))
	require.Equal(t, 3, p.Failed.Module)
}

func TestIgnoreOnOneRouteLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	p := hooked(t, router(2, "", chain(failing(3, "broken", ignore), act(4, "never", "")), act(5, "next route", "")))
	require.Equal(t, []string{`3 {"fail":"broken"}`, `5 {"v":"next route"}`}, p.acts)
}

func TestDirectiveOutsideAnErrorRouteDoesNothing(t *testing.T) {
	t.Parallel()
	p := hooked(t, chain(act(2, "a", ""), rollback))
	require.Nil(t, p.Failed)
}

// gathering fails for each of three bundles and gathers the failures by an aggregator whose source lies outside of the
// error route.
func gathering(behind string) string {
	return chain(list(2, "x", 3), failing(3, "broken {{2.item}}", chain(texts(5, 2, "{{3.error.message}}", ""), behind)), act(4, "never", ""))
}

func TestAggregatorOnAnErrorRouteGathersTheFailures(t *testing.T) {
	t.Parallel()
	p := hooked(t, gathering(act(6, "{{5.text}}", "")))
	require.Equal(t, []string{
		`3 {"fail":"broken x1"}`, `3 {"fail":"broken x2"}`, `3 {"fail":"broken x3"}`, `6 {"v":"broken x1,broken x2,broken x3"}`,
	}, p.acts)
	require.Nil(t, p.Failed, "what the aggregator has taken is handled")

	none := hooked(t, chain(list(2, "x", 2), failing(3, "", chain(texts(5, 2, "", ""), act(6, "no failure", "")))))
	require.Equal(t, []string{`3 {"fail":""}`, `3 {"fail":""}`}, none.acts, "no error route was taken, so none goes on")
}

func TestDirectivesBehindGatheredFailuresMeanTheLastOne(t *testing.T) {
	t.Parallel()
	rolled := hooked(t, gathering(rollback))
	require.Equal(t, "broken x3", rolled.Failed.Message)
	require.True(t, rolled.RolledBack)

	committed := hooked(t, chain(gathering(commit), act(8, "never", "")))
	require.Nil(t, committed.Failed)
	require.Len(t, committed.acts, 3)

	for _, directive := range []string{ignore, resume("there is nothing to resume")} {
		p := hooked(t, gathering(chain(act(6, "{{5.text}}", ""), directive)))
		require.Nil(t, p.Failed)
		require.Len(t, p.acts, 4)
	}
}

func TestAggregatorOnTheErrorRouteOfItsSourceMakesItsBundleAtOnce(t *testing.T) {
	t.Parallel()
	p := hooked(t, chain(list(2, "x", 2), failing(3, `{{if(2.item = "x1"; "broken"; )}}`,
		chain(list(5, "{{3.error.message}}", 2), texts(6, 3, "{{5.item}}", ""), act(7, "{{6.text}}", ""), resume("{{6.text}}"))),
		act(4, "{{2.item}}: {{3.v}}", "")))
	require.Equal(t, []string{
		`3 {"fail":"broken"}`, `7 {"v":"broken1,broken2"}`, `4 {"v":"x1: broken1,broken2"}`, `3 {"fail":null}`, `4 {"v":"x2: "}`,
	}, p.acts)
}

func TestSearchThatFailsMidwayKeepsWhatItGave(t *testing.T) {
	t.Parallel()
	p := hooked(t, chain(`{"id":2,"module":"app:Half","version":1,"mapper":{"count":2},"onerror":[`+resume("instead")+`]}`,
		act(3, "{{2.v}}", ""), texts(4, 2, "{{2.v}}", ""), act(5, "{{4.text}}", "")))
	require.Equal(t, []string{`3 {"v":"1"}`, `3 {"v":"2"}`, `3 {"v":"instead"}`, `5 {"v":"1,2,instead"}`}, p.acts)
}
