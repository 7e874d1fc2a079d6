package engine_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine"
)

// repeating is a scenario that does many operations.
const repeating = `{
  "name": "Repeating",
  "flow": [
    {"id": 1, "module": "builtin:BasicRepeater", "version": 1, "mapper": {"start": "1", "repeats": "100", "step": "1"}},
    {"id": 2, "module": "util:ComposeTransformer", "version": 1, "mapper": {"value": "number {{1.i}}"}}
  ]
}`

// gathering makes one long text of a thousand short ones.
const gathering = `{"name": "Gather", "flow": [
  {"id": 2, "module": "builtin:BasicRepeater", "version": 1, "mapper": {"start": 1, "repeats": 1000, "step": 1}},
  {"id": 3, "module": "util:TextAggregator", "version": 1, "parameters": {"feeder": 2}, "mapper": {"value": "{{2.i}}"},
   "onerror": [{"id": 4, "module": "builtin:Ignore", "version": 1}]}]}`

func TestRunEndsAtItsLimits(t *testing.T) {
	t.Parallel()
	hang := func(ctx context.Context, _ *connector.Call) error {
		<-ctx.Done()
		return ctx.Err()
	}
	for _, c := range []struct {
		name   string
		config engine.Config
		text   string
		want   connector.ErrorType
		module int
	}{
		{"operations", engine.Config{MaxOperations: 50}, repeating, connector.OperationsLimitExceededError, 1},
		{"the bytes of a bundle", engine.Config{MaxBundleBytes: 100}, gathering, connector.DataSizeLimitExceededError, 3},
		{"the time of a module", engine.Config{MaxModuleTime: time.Second, Connectors: []connector.Connector{bank{pay: hang}}}, doing, connector.ModuleTimeoutError, 2},
		{"the time of a run", engine.Config{MaxRunTime: time.Second, Connectors: []connector.Connector{bank{pay: hang}}}, doing, connector.ScenarioTimeoutError, 0},
		{"a module that panics", engine.Config{Connectors: []connector.Connector{bank{pay: func(context.Context, *connector.Call) error { panic("needle") }}}}, doing, connector.UnexpectedError, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e, err := engine.New(c.config)
				require.NoError(t, err)
				scenario, err := e.Deploy(t.Context(), parse(t, c.text), engine.DeployOptions{})
				require.NoError(t, err)
				x, err := e.Run(t.Context(), scenario.ID, connector.Bundle{})
				require.NoError(t, err)
				require.Equal(t, engine.StatusError, x.Status)
				require.Equal(t, c.want, x.Failure.Type)
				require.NotContains(t, x.Failure.Message, "needle")
				kept, err := e.Execution(t.Context(), x.ID)
				require.NoError(t, err)
				require.Equal(t, x.Failure, kept.Failure)
				require.NoError(t, e.Close())
			})
		})
	}
}

func TestTraceEndsAtItsLimit(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{MaxTraceBytes: 1000})
	scenario, err := e.Deploy(t.Context(), parse(t, repeating), engine.DeployOptions{})
	require.NoError(t, err)
	x, err := e.Run(t.Context(), scenario.ID, connector.Bundle{})
	require.NoError(t, err)
	require.Equal(t, engine.StatusSuccess, x.Status)
	require.EqualValues(t, 101, x.Operations)
	require.True(t, x.Truncated)
	require.NotEmpty(t, x.Trace)
	require.Less(t, len(x.Trace), 50)
}

func TestRunThatIsCanceledLeavesNoRecord(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	scenario, err := e.Deploy(t.Context(), parse(t, repeating), engine.DeployOptions{})
	require.NoError(t, err)
	_, err = e.Run(canceled(t), scenario.ID, connector.Bundle{})
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, executions(t, e, scenario.ID))
}

func TestWarningsStandInTheExecution(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	text := strings.Replace(silentHook, `"mapper": {"name": "seen"`, `"filter": {"name": "f", "conditions": [[{"a": "{{1.name}}", "o": "number:greater", "b": "5"}]]}, "mapper": {"name": "seen"`, 1)
	scenario, err := e.Deploy(t.Context(), parse(t, text), engine.DeployOptions{})
	require.NoError(t, err)
	x, err := e.Run(t.Context(), scenario.ID, connector.NewBundle("name", "needle"))
	require.NoError(t, err)
	require.Equal(t, engine.StatusSuccess, x.Status)
	require.Len(t, x.Trace, 1)
	require.Len(t, x.Warnings, 1)
	require.Equal(t, 2, x.Warnings[0].Module)
	require.Contains(t, x.Warnings[0].Message, "number:greater")
	require.NotContains(t, x.Warnings[0].Message, "needle")
}

func TestExecutionsAreReadPageByPage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, err := engine.New(engine.Config{})
		require.NoError(t, err)
		scenario, err := e.Deploy(t.Context(), parse(t, silentHook), engine.DeployOptions{})
		require.NoError(t, err)
		var ids []string
		for range 5 {
			time.Sleep(time.Second)
			x, err := e.Run(t.Context(), scenario.ID, connector.NewBundle("name", "Ada"))
			require.NoError(t, err)
			ids = append([]string{x.ID}, ids...)
		}
		var read []string
		after := ""
		for {
			before := len(read)
			for x, err := range e.Executions(t.Context(), scenario.ID, engine.Query{After: after, Limit: 2, Status: engine.StatusSuccess}) {
				require.NoError(t, err)
				read, after = append(read, x.ID), x.ID
			}
			if len(read) == before {
				break
			}
		}
		require.Equal(t, ids, read, "newest first")
		for range e.Executions(t.Context(), scenario.ID, engine.Query{Status: engine.StatusError}) {
			require.Fail(t, "none failed")
		}
		require.NoError(t, e.Close())
	})
}

// Records leave every read at the instant at which their time is over, sweeper or not.
func TestRecordsAreOutOfSightWhenTheirTimeIsOver(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	now := began
	e := start(t, engine.Config{Now: func() time.Time { return now }})
	scenario, err := e.Deploy(t.Context(), parse(t, silentHook), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	status, _ := post(t, e, scenario.Hook, "application/json", `{"name":"Ada"}`)
	require.Equal(t, http.StatusOK, status)
	activity := func() (n int) {
		for _, err := range e.Activity(t.Context(), scenario.ID, engine.Query{}) {
			require.NoError(t, err)
			n++
		}
		return n
	}
	_, err = e.Tick(t.Context())
	require.NoError(t, err)
	for _, c := range []struct {
		after                  time.Duration
		executions, activities int
	}{
		{30*24*time.Hour - 1, 1, 1},
		{30 * 24 * time.Hour, 1, 0},
		{60*24*time.Hour - 1, 1, 0},
		{60 * 24 * time.Hour, 0, 0},
	} {
		now = began.Add(c.after)
		require.Len(t, executions(t, e, scenario.ID), c.executions, "after %v", c.after)
		require.Equal(t, c.activities, activity(), "after %v", c.after)
	}
	now = began.Add(60 * 24 * time.Hour)
	report, err := e.Sweep(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 3, report.Total().Passivated, "delivery, activity and detail: %v", report)
	now = time.Date(2026, 10, 2, 12, 0, 0, 0, time.UTC)
	report, err = e.Sweep(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 3, report.Total().Deleted, "%v", report)
}

// A delivery that is due when its time is over never runs.
func TestExpiredDeliveryDoesNotRun(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	e := start(t, engine.Config{Now: func() time.Time { return now }})
	scenario, err := e.Deploy(t.Context(), parse(t, silentHook), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	status, _ := post(t, e, scenario.Hook, "application/json", `{"name":"Ada"}`)
	require.Equal(t, http.StatusOK, status)
	now = now.AddDate(0, 0, 30)
	_, err = e.Tick(t.Context())
	require.NoError(t, err)
	require.Empty(t, executions(t, e, scenario.ID))
}

func TestConfidentialScenarioKeepsNoBundles(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{Connectors: []connector.Connector{bank{pay: func(context.Context, *connector.Call) error {
		return connector.Errorf(connector.DataError, "needle")
	}}}})
	scenario, err := e.Deploy(t.Context(), parse(t, strings.Replace(doing, `"flow"`, `"metadata": {"scenario": {"confidential": true}}, "flow"`, 1)), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	status, _ := post(t, e, scenario.Hook, "application/json", `{"name":"needle"}`)
	require.Equal(t, http.StatusOK, status)
	_, err = e.Tick(t.Context())
	require.NoError(t, err)
	require.Empty(t, executions(t, e, scenario.ID))
	logged := 0
	for x, err := range e.Activity(t.Context(), scenario.ID, engine.Query{}) {
		require.NoError(t, err)
		require.Equal(t, engine.StatusError, x.Status)
		require.Equal(t, connector.DataError, x.Failure.Type)
		require.Empty(t, x.Failure.Message)
		logged++
	}
	require.Equal(t, 1, logged)
}

// A cycle need not have an operation in it, and a blueprint may ask for any number of cycles.
func TestCyclesWithoutOperationsEndWithTheRun(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{MaxRunTime: time.Nanosecond})
	scenario, err := e.Deploy(t.Context(), parse(t, `{"name": "Idle", "flow": [{"id": 1, "module": "builtin:BasicRouter", "version": 1, "routes": [
  {"flow": [{"id": 2, "module": "util:ComposeTransformer", "version": 1, "mapper": {"value": "x"},
    "filter": {"name": "", "conditions": [[{"a": "1", "o": "text:equal", "b": "2"}]]}}]}]}],
  "metadata": {"scenario": {"roundtrips": 1000}}}`), engine.DeployOptions{})
	require.NoError(t, err)
	x, err := e.Run(t.Context(), scenario.ID, connector.Bundle{})
	require.NoError(t, err)
	require.NotNil(t, x.Failure, "the run was over before its first cycle")
	require.Equal(t, connector.ScenarioTimeoutError, x.Failure.Type)
}
