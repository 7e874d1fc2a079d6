package engine_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
)

// greeting is a scenario that answers its hook.
const greeting = `{
  "name": "Greeting",
  "flow": [
    {"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 7, "maxResults": 1}, "mapper": {}},
    {"id": 2, "module": "util:SetVariable2", "version": 1, "mapper": {"name": "greeting", "scope": "roundtrip", "value": "Hello {{1.name}}"}},
    {"id": 3, "module": "gateway:WebhookRespond", "version": 1, "mapper": {"status": "201", "body": "{{2.greeting}}", "headers": [{"key": "X-Name", "value": "{{1.name}}"}]}}
  ],
  "metadata": {"version": 1}
}`

func parse(t testing.TB, text string) *blueprint.Blueprint {
	t.Helper()
	bp, err := blueprint.Parse([]byte(text))
	require.NoError(t, err)
	return bp
}

func start(t testing.TB, config engine.Config) *engine.Engine {
	t.Helper()
	e, err := engine.New(config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

// serve lets an engine work until the test ends, or until stop is called.
func serve(t testing.TB, e *engine.Engine) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Serve(ctx) }()
	var ended bool
	stop = func() {
		if !ended {
			ended = true
			cancel()
			require.NoError(t, <-done)
		}
	}
	t.Cleanup(stop)
	return stop
}

// post sends a body to a hook and returns status and answer.
func post(t testing.TB, e *engine.Engine, hook *engine.Hook, contentType, body string) (int, string) {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, hook.Path(), strings.NewReader(body))
	request.Header.Set("Content-Type", contentType)
	answer := httptest.NewRecorder()
	e.Hooks().ServeHTTP(answer, request)
	text, err := io.ReadAll(answer.Result().Body)
	require.NoError(t, err)
	return answer.Code, string(text)
}

func executions(t testing.TB, e *engine.Engine, scenario string) []*engine.Execution {
	t.Helper()
	var all []*engine.Execution
	for x, err := range e.Executions(t.Context(), scenario, engine.Query{}) {
		require.NoError(t, err)
		all = append(all, x)
	}
	return all
}

func TestHookIsAnsweredByItsScenario(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	scenario, err := e.Deploy(t.Context(), parse(t, greeting), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	stop := serve(t, e)
	status, body := post(t, e, scenario.Hook, "application/json", `{"name":"Ada"}`)
	require.Equal(t, http.StatusCreated, status)
	require.Equal(t, "Hello Ada", body)
	stop()
	all := executions(t, e, scenario.ID)
	require.Len(t, all, 1)
	require.Equal(t, engine.StatusSuccess, all[0].Status)
	require.EqualValues(t, 3, all[0].Operations)
	require.Len(t, all[0].Trace, 3)
	require.Equal(t, connector.NewBundle("greeting", "Hello Ada"), all[0].Trace[1].Out[0])
}
