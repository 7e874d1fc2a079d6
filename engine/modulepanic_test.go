package engine_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/store/memory"
)

// touchy is an app whose module panics over parameters that it did not expect: in one method or the other, or in none.
type touchy struct{ asked, bound bool }

func (touchy) Name() string { return "touchy" }

func (a touchy) Modules() []connector.Module {
	do := connector.NewAction(connector.Info{Name: "Do", Pure: !a.asked}, func(context.Context, *connector.Call, connector.Bundle) (connector.Bundle, error) {
		return connector.Bundle{}, nil
	})
	switch {
	case a.asked:
		return []connector.Module{asked{do}}
	case a.bound:
		return []connector.Module{bound{do}}
	}
	return []connector.Module{do}
}

type asked struct{ connector.Action }

func (asked) Connections(connector.Bundle) []connector.Need { panic(errors.New("needle")) }

type bound struct{ connector.Action }

func (bound) Bind(connector.Bundle, []string, []connector.Known) func(context.Context, *connector.Call, []any) (connector.Bundle, error) {
	panic(errors.New("needle"))
}

const touching = `{"name": "Touching", "flow": [
  {"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 7}, "mapper": {}},
  {"id": 2, "module": "touchy:Do", "version": 1, "parameters": {"kind": 7}, "mapper": {"name": "{{1.name}}"}}]}`

func TestModuleThatPanicsOverItsParametersIsAProblemOfTheBlueprint(t *testing.T) {
	t.Parallel()
	for name, app := range map[string]touchy{"asked for its connections": {asked: true}, "bound to its mapper": {bound: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := start(t, engine.Config{Connectors: []connector.Connector{app}})
			_, err := e.Deploy(t.Context(), parse(t, touching), engine.DeployOptions{})
			var refused *engine.CheckError
			require.ErrorAs(t, err, &refused)
			var found []blueprint.Problem
			for _, problem := range refused.Problems {
				if problem.Severity == blueprint.SeverityError {
					found = append(found, problem)
				}
			}
			require.Len(t, found, 1)
			require.Equal(t, 2, found[0].Module)
			require.Contains(t, found[0].Message, "panicked")
			require.NotContains(t, found[0].Message, "needle")
		})
	}
}

// A new version of a connector meets blueprints that were deployed with the old one, in workers that no caller protects.
func TestModuleThatPanicsOverItsParametersDoesNotEndTheProcess(t *testing.T) {
	t.Parallel()
	records, vault := memory.New(), crypto.NewKeyring()
	old := start(t, engine.Config{Store: records, Vault: vault, Connectors: []connector.Connector{touchy{}}})
	scenario, err := old.Deploy(t.Context(), parse(t, touching), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	status, _ := post(t, old, scenario.Hook, "application/json", `{"name":"Ada"}`)
	require.Equal(t, 200, status)
	e := start(t, engine.Config{Store: records, Vault: vault, Connectors: []connector.Connector{touchy{asked: true}}})
	runs, err := e.Tick(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, runs)
	all := executions(t, e, scenario.ID)
	require.Len(t, all, 1)
	require.Equal(t, 2, all[0].Failure.Module)
	require.Equal(t, connector.UnexpectedError, all[0].Failure.Type)
}
