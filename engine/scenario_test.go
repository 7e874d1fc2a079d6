package engine_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/secret"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/store/memory"
)

func TestBlueprintIsRefusedWithAllThatIsWrong(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	const wrong = `{"name": "Wrong", "flow": [
	  {"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 7}, "mapper": {}},
	  {"id": 2, "module": "util:SetVariabel2", "version": 1, "mapper": {"name": "a", "scope": "roundtrip", "value": "x"}},
	  {"id": 3, "module": "slack:CreateMessage", "version": 4, "mapper": {"text": "{{lowr(1.name)}} and {{1.a +}}"},
	   "filter": {"name": "f", "conditions": [[{"a": "{{1.a}}", "o": "text:startswith", "b": "x"}]]}},
	  {"id": 3, "module": "builtin:BasicAggregator", "version": 1, "parameters": {"feeder": 9}, "mapper": {}}
	]}`
	_, err := e.Deploy(t.Context(), parse(t, wrong), engine.DeployOptions{})
	var refused *engine.CheckError
	require.ErrorAs(t, err, &refused)
	text := err.Error()
	for _, part := range []string{
		"module 2: module: ", `did you mean "util:SetVariable2"`,
		"module 3: filter.conditions[0][0].o", "text:startwith",
		"module 3: mapper.text, column 3", "lower",
		"module 3: mapper.text, column 29",
		"duplicate-id",
		"module 3: parameters.feeder",
		`no connector has the module "slack:CreateMessage"`,
	} {
		require.Contains(t, text, part)
	}
	_, err = e.Scenario(t.Context(), "Wrong")
	require.ErrorIs(t, err, engine.ErrNotFound)
}

func TestDeployingAgainKeepsHookAndExecutions(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	first, err := e.Deploy(t.Context(), parse(t, silentHook), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	status, _ := post(t, e, first.Hook, "application/json", `{"name":"Ada"}`)
	require.Equal(t, http.StatusOK, status)
	_, err = e.Deploy(t.Context(), parse(t, `{"name":"Silent","flow":[{"id":1,"module":"nothing:AtAll","version":1}]}`), engine.DeployOptions{})
	require.Error(t, err)
	second, err := e.Deploy(t.Context(), parse(t, strings.Replace(silentHook, `"value": "{{1.name}}"`, `"value": "new"`, 1)), engine.DeployOptions{})
	require.NoError(t, err)
	require.Equal(t, first.ID, second.ID)
	require.Equal(t, first.Hook, second.Hook)
	require.True(t, second.Active)
	require.EqualValues(t, 2, second.Deployment)
	_, err = e.Tick(t.Context())
	require.NoError(t, err)
	x := executions(t, e, first.ID)[0]
	require.EqualValues(t, 2, x.Deployment)
	require.Equal(t, "new", x.Trace[1].Out[0].Get("seen"))
	found, err := e.Scenario(t.Context(), "Silent")
	require.NoError(t, err)
	require.Equal(t, second.Hook, found.Hook)
	byID, err := e.Scenario(t.Context(), found.ID)
	require.NoError(t, err)
	require.Equal(t, "Silent", byID.Name)
}

func TestNewScenarioIsPaused(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	scenario, err := e.Deploy(t.Context(), parse(t, silentHook), engine.DeployOptions{})
	require.NoError(t, err)
	require.False(t, scenario.Active)
	status, _ := post(t, e, scenario.Hook, "application/json", `{}`)
	require.Equal(t, http.StatusGone, status)
}

func TestScenarioWithoutNameIsRefused(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	_, err := e.Deploy(t.Context(), &blueprint.Blueprint{}, engine.DeployOptions{})
	require.ErrorIs(t, err, engine.ErrInvalid)
}

func TestTenantsDoNotSeeEachOther(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	acme, umbrella := e.For("acme"), e.For("umbrella")
	a, err := acme.Deploy(t.Context(), parse(t, silentHook), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	u, err := umbrella.Deploy(t.Context(), parse(t, silentHook), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	require.NotEqual(t, a.ID, u.ID)
	for _, hook := range []*engine.Hook{a.Hook, a.Hook, u.Hook} {
		status, _ := post(t, e, hook, "application/json", `{"name":"x"}`)
		require.Equal(t, http.StatusOK, status)
	}
	runs, err := e.Tick(t.Context()) // work is done for all of them
	require.NoError(t, err)
	require.Equal(t, 3, runs)
	require.Len(t, executions(t, acme, a.ID), 2)
	require.Len(t, executions(t, umbrella, u.ID), 1)
	require.Empty(t, executions(t, umbrella, a.ID))
	_, err = umbrella.Execution(t.Context(), executions(t, acme, a.ID)[0].ID)
	require.ErrorIs(t, err, engine.ErrNotFound)
	_, err = umbrella.Scenario(t.Context(), a.ID)
	require.ErrorIs(t, err, engine.ErrNotFound)
	require.ErrorIs(t, umbrella.Pause(t.Context(), a.ID), engine.ErrNotFound)

	for name, view := range map[string]*engine.Engine{"acme": acme, "umbrella": umbrella} {
		data, err := view.DataStore(t.Context(), "people")
		require.NoError(t, err)
		require.NoError(t, data.Change(t.Context(), "key", func(connector.Bundle, bool) (connector.Bundle, error) {
			return connector.NewBundle("tenant", name), nil
		}))
	}
	data, err := acme.DataStore(t.Context(), "people")
	require.NoError(t, err)
	got, ok, err := data.Get(t.Context(), "key")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "acme", got.Get("tenant"))
	count, err := data.Count(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, count)
}

func TestConnectionIsOpenedForItsModuleAndForNobodyElse(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{Connectors: []connector.Connector{bank{}}})
	bp := parse(t, `{"name":"Pay","flow":[{"id":1,"module":"bank:Pay","version":1,"parameters":{"__IMTCONN__":4711},"mapper":{"amount":"12"}}]}`)
	_, err := e.Deploy(t.Context(), bp, engine.DeployOptions{})
	var refused *engine.CheckError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, blueprint.CodeNoConnection, refused.Problems[len(refused.Problems)-1].Code)

	require.NoError(t, e.SaveConnection(t.Context(), connector.Connection{
		Name: "house bank", Type: "bank", Fields: connector.NewBundle("user", "ada"),
		Secrets: map[string]secret.Value{"token": secret.NewString("needle")},
	}))
	scenario, err := e.Deploy(t.Context(), bp, engine.DeployOptions{Connections: map[string]string{"4711": "house bank"}})
	require.NoError(t, err)
	x, err := e.Run(t.Context(), scenario.ID, connector.Bundle{})
	require.NoError(t, err)
	require.Nil(t, x.Failure)
	require.Equal(t, connector.NewBundle("paid", "12 by ada with 6 bytes"), x.Trace[0].Out[0])
	for connection, err := range e.Connections(t.Context()) {
		require.NoError(t, err)
		require.Equal(t, "house bank", connection.Name)
		require.NotContains(t, fmt.Sprintf("%+v", connection), "needle")
		require.Len(t, connection.Fingerprints["token"], 16)
	}
	require.NoError(t, e.DeleteConnection(t.Context(), "house bank"))
	require.ErrorIs(t, e.DeleteConnection(t.Context(), "house bank"), engine.ErrNotFound)
	x, err = e.Run(t.Context(), scenario.ID, connector.Bundle{})
	require.NoError(t, err)
	require.Equal(t, connector.AccountValidationError, x.Failure.Type)
}

func TestConfigReportsAllThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	_, err := engine.New(engine.Config{Workers: -1, Lease: -1, MaxTraceBytes: 1 << 30})
	for _, field := range []string{"Workers", "Lease", "MaxTraceBytes"} {
		require.ErrorContains(t, err, "Config."+field)
	}
	_, err = engine.New(engine.Config{Connectors: []connector.Connector{bank{}, nil, bank{}}})
	require.ErrorIs(t, err, engine.ErrInvalid)
	require.ErrorContains(t, err, "nil")
	require.ErrorContains(t, err, `module bank:Pay twice`)
}

func TestClosedEngineSaysSo(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	scenario, err := e.Deploy(t.Context(), parse(t, silentHook), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	require.NoError(t, e.Close())
	status, _ := post(t, e, scenario.Hook, "application/json", `{}`)
	require.Equal(t, http.StatusServiceUnavailable, status)
	_, err = e.Deploy(t.Context(), parse(t, silentHook), engine.DeployOptions{})
	require.ErrorIs(t, err, engine.ErrClosed)
	require.ErrorIs(t, e.Serve(t.Context()), engine.ErrClosed)
	_, err = e.Tick(t.Context())
	require.ErrorIs(t, err, engine.ErrClosed)
}

func TestOneServeAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, err := engine.New(engine.Config{})
		require.NoError(t, err)
		stop := serve(t, e)
		synctest.Wait()
		require.ErrorIs(t, e.Serve(t.Context()), engine.ErrServing)
		stop()
		require.NoError(t, e.Serve(canceled(t)))
		require.NoError(t, e.Close())
	})
}

// A scenario that cannot be compiled any more is remembered as such, with what is wrong with it.
func TestProblemsOfAScenarioAreForItsTenantAlone(t *testing.T) {
	t.Parallel()
	records, vault := memory.New(), crypto.NewKeyring()
	old := start(t, engine.Config{Store: records, Vault: vault, Connectors: []connector.Connector{bank{}}})
	scenario, err := old.For("acme").Deploy(t.Context(), parse(t, doing), engine.DeployOptions{})
	require.NoError(t, err)
	e := start(t, engine.Config{Store: records, Vault: vault})
	_, err = e.For("acme").Run(t.Context(), scenario.ID, connector.Bundle{})
	var refused *engine.CheckError
	require.ErrorAs(t, err, &refused)
	_, err = e.For("others").Run(t.Context(), scenario.ID, connector.Bundle{})
	require.ErrorIs(t, err, engine.ErrNotFound)
	require.NotErrorAs(t, err, &refused)
}

func TestScenarioIsFoundByNameAndByID(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	scenario, err := e.Deploy(t.Context(), parse(t, silentHook), engine.DeployOptions{})
	require.NoError(t, err)
	for _, handle := range []string{scenario.Name, scenario.ID} {
		require.NoError(t, e.Activate(t.Context(), handle))
		found, err := e.Scenario(t.Context(), handle)
		require.NoError(t, err)
		require.True(t, found.Active)
		_, err = e.Run(t.Context(), handle, connector.NewBundle("name", "Ada"))
		require.NoError(t, err)
		require.NoError(t, e.Pause(t.Context(), handle))
		found, err = e.Scenario(t.Context(), handle)
		require.NoError(t, err)
		require.False(t, found.Active)
	}
	for _, handle := range []string{scenario.Name, scenario.ID} {
		require.Len(t, executions(t, e, handle), 2)
		logged := 0
		for _, err := range e.Activity(t.Context(), handle, engine.Query{}) {
			require.NoError(t, err)
			logged++
		}
		require.Equal(t, 2, logged)
	}
	for _, handle := range []string{"Nobody", "00000000-0000-0000-0000-000000000000"} {
		_, err = e.Run(t.Context(), handle, connector.Bundle{})
		require.ErrorIs(t, err, engine.ErrNotFound)
		require.ErrorContains(t, err, handle)
		require.ErrorIs(t, e.Pause(t.Context(), handle), engine.ErrNotFound)
	}
}
