package engine_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/store/memory"
)

// callable is a scenario that others call: it declares what it takes and what it returns.
const callable = `{
  "name": "Greeting",
  "flow": [
    {"id": 1, "module": "scenario-service:StartSubscenario", "version": 2, "parameters": {}, "mapper": {}},
    {"id": 2, "module": "scenario-service:ReturnData", "version": 2, "mapper": {"text": "Hello {{1.name}}, {{var.input.age}}", "age": "{{1.age + 1}}"}},
    {"id": 3, "module": "bank:Do", "version": 1, "mapper": {}}
  ],
  "interface": {
    "input": [{"name": "name", "type": "text", "required": true}, {"name": "age", "type": "number", "default": 30}],
    "output": [{"name": "age", "type": "number"}, {"name": "text", "type": "text"}]
  }
}`

func calling(wait, data string) string {
	return `{
  "name": "Calling",
  "flow": [
    {"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 7}, "mapper": {}},
    {"id": 2, "module": "scenario-service:CallSubscenario", "version": 2,
     "parameters": {"scenario": 4711, "shouldWaitForExecutionEnd": ` + wait + `}, "mapper": {"data": ` + data + `}},
    {"id": 3, "module": "gateway:WebhookRespond", "version": 1, "mapper": {"status": "200", "body": "{{2.text}} {{2.age}}"}}
  ]
}`
}

var greetingIs4711 = engine.DeployOptions{Activate: true, Scenarios: map[string]string{"4711": "Greeting"}}

func TestScenarioTakesInputsAndReturnsOutputs(t *testing.T) {
	t.Parallel()
	var done effects
	e := start(t, engine.Config{Connectors: []connector.Connector{bank{pay: func(context.Context, *connector.Call) error {
		done.Add(1)
		return nil
	}}}})
	scenario, err := e.Deploy(t.Context(), parse(t, callable), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	x, err := e.Run(t.Context(), scenario.ID, connector.NewBundle("name", "Ada", "age", "36"))
	require.NoError(t, err)
	require.Nil(t, x.Failure)
	want := connector.NewBundle("age", int64(37), "text", "Hello Ada, 36")
	require.Equal(t, want, x.Output)
	require.Zero(t, done.Load(), "what stands behind the return")
	kept := executions(t, e, scenario.ID)
	require.Len(t, kept, 1)
	require.Equal(t, want, kept[0].Output)

	x, err = e.Run(t.Context(), scenario.ID, connector.NewBundle("name", "Ada"))
	require.NoError(t, err)
	require.Equal(t, "Hello Ada, 30", x.Output.Get("text"), "the default of an input")

	_, err = e.Run(t.Context(), scenario.ID, connector.NewBundle("age", "old"))
	require.Equal(t, connector.BundleValidationError, connector.TypeOf(err))
	require.ErrorContains(t, err, "name")
	require.ErrorContains(t, err, "age")
	require.NotContains(t, err.Error(), "old")
}

func TestOutputsThatDoNotFitFailTheRun(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	scenario, err := e.Deploy(t.Context(), parse(t, `{
  "name": "Odd",
  "flow": [{"id": 2, "module": "scenario-service:ReturnData", "version": 1, "mapper": {"count": "many"}}],
  "interface": {"output": [{"name": "count", "type": "number"}]}
}`), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	x, err := e.Run(t.Context(), scenario.ID, connector.Bundle{})
	require.NoError(t, err)
	require.Equal(t, engine.StatusError, x.Status)
	require.Equal(t, connector.BundleValidationError, x.Failure.Type)
	require.Contains(t, x.Failure.Message, "count")
}

func TestCallerWaitsForTheOutputs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, err := engine.New(engine.Config{Connectors: []connector.Connector{bank{}}})
		require.NoError(t, err)
		callee, err := e.Deploy(t.Context(), parse(t, callable), engine.DeployOptions{Activate: true})
		require.NoError(t, err)
		caller, err := e.Deploy(t.Context(), parse(t, calling("true", `{"name": "{{1.name}}", "age": "{{1.age}}"}`)), greetingIs4711)
		require.NoError(t, err)
		serve(t, e)
		synctest.Wait()
		status, body := post(t, e, caller.Hook, "application/json", `{"name":"Ada","age":36}`)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "Hello Ada, 36 37", body)
		time.Sleep(time.Second)
		called := executions(t, e, callee.ID)
		require.Len(t, called, 1)
		require.Equal(t, engine.StatusSuccess, called[0].Status)
		require.Len(t, executions(t, e, caller.ID), 1)
	})
}

func TestCallThatDoesNotWaitIsRunAllTheSame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, err := engine.New(engine.Config{Connectors: []connector.Connector{bank{}}})
		require.NoError(t, err)
		callee, err := e.Deploy(t.Context(), parse(t, callable), engine.DeployOptions{Activate: true})
		require.NoError(t, err)
		caller, err := e.Deploy(t.Context(), parse(t, calling("false", `{"name": "{{1.name}}"}`)), greetingIs4711)
		require.NoError(t, err)
		x, err := e.Run(t.Context(), caller.ID, connector.NewBundle("name", "Ada"))
		require.NoError(t, err)
		require.Equal(t, engine.StatusSuccess, x.Status)
		require.Empty(t, executions(t, e, callee.ID), "nobody serves yet")
		runs, err := e.Tick(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, runs)
		called := executions(t, e, callee.ID)
		require.Len(t, called, 1)
		require.Equal(t, "Hello Ada, 30", called[0].Output.Get("text"))
	})
}

func TestCallsThatCannotBeDoneSayWhy(t *testing.T) {
	t.Parallel()
	hook := `{"name": "Hook", "flow": [{"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 7}, "mapper": {}}]}`
	for name, c := range map[string]struct {
		callee   string
		activate bool
		data     string
		kind     connector.ErrorType
		message  string
	}{
		"not there":  {"", true, `{}`, connector.InvalidConfigurationError, `there is no scenario "Greeting"`},
		"not active": {callable, false, `{}`, connector.InvalidConfigurationError, `not active`},
		"a hook":     {hook, true, `{}`, connector.InvalidConfigurationError, `starts by its hook`},
		"bad inputs": {callable, true, `{"age": 3}`, connector.BundleValidationError, `name`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := start(t, engine.Config{Connectors: []connector.Connector{bank{}}})
			if c.callee != "" {
				_, err := e.Deploy(t.Context(), parse(t, c.callee), engine.DeployOptions{Name: "Greeting", Activate: c.activate})
				require.NoError(t, err)
			}
			caller, err := e.Deploy(t.Context(), parse(t, calling("true", c.data)), greetingIs4711)
			require.NoError(t, err)
			warned := false
			for _, p := range caller.Problems {
				warned = warned || p.Code == blueprint.CodeNoScenario && p.Severity == blueprint.SeverityWarning && p.Module == 2
			}
			require.Equal(t, c.callee == "", warned)
			x, err := e.Run(t.Context(), caller.ID, connector.Bundle{})
			require.NoError(t, err)
			require.NotNil(t, x.Failure)
			require.Equal(t, c.kind, x.Failure.Type)
			require.Contains(t, x.Failure.Message, c.message)
		})
	}
}

// The failure of a scenario that was called is the failure of the module that called it, and its route may handle it.
func TestFailureOfTheCalledIsThatOfTheCall(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{Connectors: []connector.Connector{bank{pay: func(context.Context, *connector.Call) error {
		return connector.Errorf(connector.OutOfSpaceError, "the vault is full")
	}}}})
	callee, err := e.Deploy(t.Context(), parse(t, `{"name": "Greeting", "flow": [
    {"id": 1, "module": "scenario-service:StartSubscenario", "version": 2, "mapper": {}},
    {"id": 2, "module": "bank:Do", "version": 1, "mapper": {}}]}`), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	caller, err := e.Deploy(t.Context(), parse(t, calling("true", `{}`)), greetingIs4711)
	require.NoError(t, err)
	x, err := e.Run(t.Context(), caller.ID, connector.Bundle{})
	require.NoError(t, err)
	require.Equal(t, &engine.Failure{Module: 2, Type: connector.OutOfSpaceError, Message: `scenario "Greeting" failed: the vault is full`}, x.Failure)
	require.Equal(t, engine.StatusError, executions(t, e, callee.ID)[0].Status)
}

func TestCallsHaveALimitOfDepth(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{MaxCallDepth: 3})
	caller, err := e.Deploy(t.Context(), parse(t, `{"name": "Endless", "flow": [
    {"id": 1, "module": "scenario-service:StartSubscenario", "version": 2, "mapper": {}},
    {"id": 2, "module": "scenario-service:CallSubscenario", "version": 2,
     "parameters": {"scenario": "Endless", "shouldWaitForExecutionEnd": true}, "mapper": {"data": {}}}]}`), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	x, err := e.Run(t.Context(), caller.ID, connector.Bundle{})
	require.NoError(t, err)
	require.Equal(t, connector.RuntimeError, x.Failure.Type)
	require.Contains(t, x.Failure.Message, "more than 3 deep")
	require.Len(t, executions(t, e, caller.ID), 4)
}

// A run of a called scenario may take longer than a module may.
func TestTimeOfAModuleIsNotThatOfACalledScenario(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, err := engine.New(engine.Config{MaxModuleTime: 10 * time.Second, Connectors: []connector.Connector{bank{pay: func(ctx context.Context, _ *connector.Call) error {
			time.Sleep(8 * time.Second)
			return errors.Join(ctx.Err())
		}}}})
		require.NoError(t, err)
		_, err = e.Deploy(t.Context(), parse(t, `{"name": "Greeting", "flow": [
    {"id": 1, "module": "scenario-service:StartSubscenario", "version": 2, "mapper": {}},
    {"id": 2, "module": "bank:Do", "version": 1, "mapper": {}},
    {"id": 3, "module": "bank:Do", "version": 1, "mapper": {}}]}`), engine.DeployOptions{Activate: true})
		require.NoError(t, err)
		caller, err := e.Deploy(t.Context(), parse(t, calling("true", `{}`)), greetingIs4711)
		require.NoError(t, err)
		x, err := e.Run(t.Context(), caller.ID, connector.Bundle{})
		require.NoError(t, err)
		require.Nil(t, x.Failure)
		require.Equal(t, 16*time.Second, x.Ended.Sub(x.Started))
		require.NoError(t, e.Close())
	})
}

// A scenario without a trigger has as many cycles as its settings say.
func TestRunHasTheCyclesOfItsSettings(t *testing.T) {
	t.Parallel()
	var done effects
	e := start(t, engine.Config{Connectors: []connector.Connector{bank{pay: func(context.Context, *connector.Call) error {
		done.Add(1)
		return nil
	}}}})
	scenario, err := e.Deploy(t.Context(), parse(t, `{"name": "Cycles", "flow": [
    {"id": 1, "module": "bank:Do", "version": 1, "mapper": {}}], "metadata": {"scenario": {"roundtrips": 3, "autoCommit": true}}}`), engine.DeployOptions{})
	require.NoError(t, err)
	x, err := e.Run(t.Context(), scenario.ID, connector.Bundle{})
	require.NoError(t, err)
	require.EqualValues(t, 3, x.Operations)
	require.EqualValues(t, 3, done.Load())
}

// passing is a scenario that calls another one with what it was called with itself.
func passing(name, callee, wait, settings string) string {
	return `{"name": "` + name + `", "flow": [
    {"id": 1, "module": "scenario-service:StartSubscenario", "version": 2, "mapper": {}},
    {"id": 2, "module": "scenario-service:CallSubscenario", "version": 2,
     "parameters": {"scenario": "` + callee + `", "shouldWaitForExecutionEnd": ` + wait + `}, "mapper": {"data": {"name": "{{1.name}}"}}}],
  "interface": {"input": [{"name": "name", "type": "text"}]}, "metadata": {"scenario": {` + settings + `}}}`
}

// What is confidential stays so in the scenarios that it is passed on to, whoever waits for whom.
func TestScenariosThatAConfidentialOneCallsKeepNothingEither(t *testing.T) {
	t.Parallel()
	for _, wait := range []string{"true", "false"} {
		t.Run("wait "+wait, func(t *testing.T) {
			t.Parallel()
			l := &ledger{Store: memory.New()}
			e := start(t, engine.Config{Store: l, Vault: crypto.NewKeyring(), Connectors: []connector.Connector{bank{}}})
			callee, err := e.Deploy(t.Context(), parse(t, callable), engine.DeployOptions{Activate: true})
			require.NoError(t, err)
			between, err := e.Deploy(t.Context(), parse(t, passing("Between", "Greeting", wait, "")), engine.DeployOptions{Activate: true})
			require.NoError(t, err)
			caller, err := e.Deploy(t.Context(), parse(t, passing("Secret", "Between", wait, `"confidential": true`)), engine.DeployOptions{Activate: true})
			require.NoError(t, err)
			l.reset(nil)
			_, err = e.Run(t.Context(), caller.ID, connector.NewBundle("name", "Ada"))
			require.NoError(t, err)
			_, err = e.Tick(t.Context())
			require.NoError(t, err)
			for _, scenario := range []*engine.Scenario{caller, between, callee} {
				require.Empty(t, executions(t, e, scenario.ID), scenario.Name)
				lines := 0
				for x, err := range e.Activity(t.Context(), scenario.ID, engine.Query{}) {
					require.NoError(t, err)
					require.Equal(t, engine.StatusSuccess, x.Status)
					lines++
				}
				require.Equal(t, 1, lines, scenario.Name)
			}
			deliveries := 0
			for _, write := range l.all() {
				for _, change := range write {
					require.NotContains(t, change, "execution")
					switch change {
					case "put delivery accepted":
						deliveries++
					case "delete delivery":
						deliveries--
					}
				}
			}
			require.Zero(t, deliveries, "deliveries that stay")

			_, err = e.Run(t.Context(), between.ID, connector.NewBundle("name", "Ada"))
			require.NoError(t, err)
			_, err = e.Tick(t.Context())
			require.NoError(t, err)
			require.Len(t, executions(t, e, callee.ID), 1, "what was passed on by a scenario that is not confidential")
		})
	}
}

// A delivery that was accepted leaves a record, even when the scenario takes something else by the time of its run.
func TestDeliveryThatFitsNoMoreLeavesAnExecution(t *testing.T) {
	t.Parallel()
	for _, confidential := range []bool{false, true} {
		e := start(t, engine.Config{Connectors: []connector.Connector{bank{}}})
		callee, err := e.Deploy(t.Context(), parse(t, callable), engine.DeployOptions{Activate: true})
		require.NoError(t, err)
		caller, err := e.Deploy(t.Context(), parse(t, calling("false", `{"name": "Ada"}`)), greetingIs4711)
		require.NoError(t, err)
		_, err = e.Run(t.Context(), caller.ID, connector.Bundle{})
		require.NoError(t, err)
		changed := parse(t, strings.Replace(callable, `"input": [{"name": "name"`,
			`"x": [], "input": [{"name": "zip", "type": "text", "required": true}, {"name": "name"`, 1))
		if confidential {
			changed = parse(t, strings.Replace(callable, `"interface": {
    "input": [{"name": "name"`, `"metadata": {"scenario": {"confidential": true}}, "interface": {
    "input": [{"name": "zip", "type": "text", "required": true}, {"name": "name"`, 1))
		}
		_, err = e.Deploy(t.Context(), changed, engine.DeployOptions{Activate: true})
		require.NoError(t, err)
		runs, err := e.Tick(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, runs)
		lines := 0
		for x, err := range e.Activity(t.Context(), callee.ID, engine.Query{}) {
			require.NoError(t, err)
			require.Equal(t, connector.BundleValidationError, x.Failure.Type)
			lines++
		}
		require.Equal(t, 1, lines)
		kept := executions(t, e, callee.ID)
		if confidential {
			require.Empty(t, kept)
			continue
		}
		require.Len(t, kept, 1)
		require.Equal(t, engine.StatusError, kept[0].Status)
		require.Contains(t, kept[0].Failure.Message, "zip")
		require.NotContains(t, kept[0].Failure.Message, "Ada")
	}
}

// A module may use what its call gives it from goroutines of its own.
func TestModuleMayAskFromManyGoroutines(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{Connectors: []connector.Connector{bank{pay: func(ctx context.Context, call *connector.Call) error {
		var group sync.WaitGroup
		var problems [8]error
		for i := range problems {
			group.Go(func() {
				_, missing := call.Structure(ctx, strconv.Itoa(i))
				_, failed := call.Scenario(ctx, "Greeting", connector.NewBundle("name", "Ada"), i%2 == 0)
				problems[i] = errors.Join(missing, failed, call.Respond(ctx, connector.Response{Status: http.StatusOK}))
			})
		}
		group.Wait()
		return errors.Join(problems[:]...)
	}}}})
	callee, err := e.Deploy(t.Context(), parse(t, callable), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	caller, err := e.Deploy(t.Context(), parse(t, doing[:len(doing)-1]+`, "metadata": {"scenario": {"autoCommit": false}}}`), engine.DeployOptions{})
	require.NoError(t, err)
	x, err := e.Run(t.Context(), caller.ID, connector.NewBundle("name", "Ada"))
	require.NoError(t, err)
	require.Nil(t, x.Failure)
	require.Len(t, executions(t, e, callee.ID), 4)
}
