package engine_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/store/memory"
)

// ticket is a scenario with counters of all three kinds.
const ticket = `{
  "name": "Ticket",
  "flow": [
    {"id": 1, "module": "builtin:BasicFeeder", "version": 1, "mapper": {"array": ["a", "b"]}},
    {"id": 2, "module": "util:FunctionIncrement", "version": 1, "parameters": {"reset": "scenario"}, "mapper": {}},
    {"id": 3, "module": "util:FunctionIncrement", "version": 1, "parameters": {"reset": "execution"}, "mapper": {}},
    {"id": 4, "module": "util:FunctionIncrement", "version": 1, "parameters": {"reset": "run"}, "mapper": {}},
    {"id": 5, "module": "util:ComposeTransformer", "version": 1, "mapper": {"value": "{{2.i}} {{3.i}} {{4.i}}"}}
  ],
  "metadata": {"version": 1}
}`

// tickets runs the scenario once and returns what it counted.
func tickets(t *testing.T, x *engine.Execution, err error) []string {
	t.Helper()
	require.NoError(t, err)
	require.Equal(t, engine.StatusSuccess, x.Status)
	var all []string
	for _, step := range x.Trace {
		if step.Module == 5 {
			for _, out := range step.Out {
				all = append(all, out.Get("value").(string))
			}
		}
	}
	return all
}

func TestCounterOutlivesRunsAndProcesses(t *testing.T) {
	t.Parallel()
	records, vault := memory.New(), crypto.NewKeyring()
	first := process(t, records, vault, nil)
	scenario, err := first.Deploy(t.Context(), parse(t, ticket), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	run := func(e *engine.Engine, id string) []string {
		x, err := e.Run(t.Context(), id, connector.Bundle{})
		return tickets(t, x, err)
	}
	require.Equal(t, []string{"1 1 1", "2 2 2"}, run(first, scenario.ID))
	require.Equal(t, []string{"3 1 1", "4 2 2"}, run(first, scenario.ID))
	second := process(t, records, vault, nil)
	require.Equal(t, []string{"5 1 1", "6 2 2"}, run(second, scenario.ID))
	require.Equal(t, []string{"7 1 1", "8 2 2"}, run(first, scenario.ID))

	again, err := first.Deploy(t.Context(), parse(t, ticket), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	require.Equal(t, []string{"9 1 1", "10 2 2"}, run(first, again.ID), "deploying anew keeps it")
	other, err := first.Deploy(t.Context(), parse(t, ticket), engine.DeployOptions{Name: "Other", Activate: true})
	require.NoError(t, err)
	require.Equal(t, []string{"1 1 1", "2 2 2"}, run(first, other.ID), "another scenario counts for itself")
	tenant := first.For("others")
	theirs, err := tenant.Deploy(t.Context(), parse(t, ticket), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	require.Equal(t, []string{"1 1 1", "2 2 2"}, run(tenant, theirs.ID), "and so does another tenant")
}

func TestTriedRunLeavesNoState(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	for range 2 {
		x, err := e.Try(t.Context(), parse(t, ticket), engine.TryOptions{})
		require.Equal(t, []string{"1 1 1", "2 2 2"}, tickets(t, x, err))
	}
}

func TestParallelRunsGetDifferentNumbers(t *testing.T) {
	t.Parallel()
	records, vault := memory.New(), crypto.NewKeyring()
	processes := []*engine.Engine{process(t, records, vault, nil), process(t, records, vault, nil)}
	scenario, err := processes[0].Deploy(t.Context(), parse(t, ticket), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	const runs = 20
	var mu sync.Mutex
	seen := map[int64]bool{}
	var work sync.WaitGroup
	for i := range runs {
		work.Go(func() {
			x, err := processes[i%2].Run(t.Context(), scenario.ID, connector.Bundle{})
			if err != nil {
				return // the numbers will be missing
			}
			mu.Lock()
			defer mu.Unlock()
			for _, step := range x.Trace {
				if step.Module == 2 {
					number, _ := step.Out[0].Get("i").(int64)
					seen[number] = true
				}
			}
		})
	}
	work.Wait()
	require.Len(t, seen, 2*runs)
	require.True(t, seen[2*runs])
}

// lender lends the state of its module to the test.
type lender struct{ lend chan connector.State }

func (lender) Name() string { return "lender" }

func (l lender) Modules() []connector.Module {
	return []connector.Module{connector.NewAction(connector.Info{Name: "Lend"},
		func(ctx context.Context, call *connector.Call, _ connector.Bundle) (connector.Bundle, error) {
			l.lend <- call.State
			<-l.lend // given back
			return connector.NewBundle("module", call.Module), nil
		})}
}

func TestStatesConform(t *testing.T) {
	t.Parallel()
	for name, tried := range map[string]bool{"stored": false, "tried": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := lender{make(chan connector.State)}
			e := start(t, engine.Config{Connectors: []connector.Connector{l}})
			n := 0
			connectortest.ConformState(t, func(t *testing.T) connector.State {
				n++
				bp := parse(t, fmt.Sprintf(`{"name": "Lender %d", "flow": [{"id": 7, "module": "lender:Lend", "version": 1, "mapper": {}}]}`, n))
				ended := make(chan error, 1)
				go func() {
					var x *engine.Execution
					var err error
					if tried {
						x, err = e.Try(context.Background(), bp, engine.TryOptions{})
					} else if _, err = e.Deploy(context.Background(), bp, engine.DeployOptions{Activate: true}); err == nil {
						var s *engine.Scenario
						if s, err = e.Scenario(context.Background(), bp.Name); err == nil {
							x, err = e.Run(context.Background(), s.ID, connector.Bundle{})
						}
					}
					if err == nil && x.Trace[0].Out[0].Get("module") != int64(7) {
						err = fmt.Errorf("the module does not know its number")
					}
					ended <- err
				}()
				state := <-l.lend
				t.Cleanup(func() {
					l.lend <- nil
					require.NoError(t, <-ended)
				})
				return state
			})
		})
	}
}
