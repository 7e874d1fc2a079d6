package engine_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine"
)

// silentHook is a scenario that takes deliveries and answers none.
const silentHook = `{
  "name": "Silent",
  "flow": [
    {"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 7}, "mapper": {}},
    {"id": 2, "module": "util:SetVariable2", "version": 1, "mapper": {"name": "seen", "scope": "roundtrip", "value": "{{1.name}}"}}
  ]
}`

func TestHookWithoutAnswerSaysAccepted(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	scenario, err := e.Deploy(t.Context(), parse(t, silentHook), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	// Nobody serves yet: the delivery waits, its caller does not.
	status, body := post(t, e, scenario.Hook, "application/json", `{"name":"Ada"}`)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "Accepted", body)
	require.Empty(t, executions(t, e, scenario.ID))
	runs, err := e.Tick(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, runs)
	require.Len(t, executions(t, e, scenario.ID), 1)
}

func TestCallersMistakesAreToldToTheCaller(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{MaxBodyBytes: 1000, MaxHookRequests: 9, MaxQueued: 3})
	scenario, err := e.Deploy(t.Context(), parse(t, silentHook), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	for _, c := range []struct {
		name, contentType, body string
		hook                    *engine.Hook
		status                  int
	}{
		{"no such hook", "text/plain", "x", &engine.Hook{Token: "nonsense"}, http.StatusNotFound},
		{"no hook at all", "text/plain", "x", &engine.Hook{}, http.StatusNotFound},
		{"a body of the limit", "text/plain", strings.Repeat("x", 1000), scenario.Hook, http.StatusOK},
		{"a body beyond it", "text/plain", strings.Repeat("x", 1001), scenario.Hook, http.StatusRequestEntityTooLarge},
		{"half a JSON text", "application/json", `{"name":`, scenario.Hook, http.StatusBadRequest},
		{"JSON nested without end", "application/json", strings.Repeat("[", 900), scenario.Hook, http.StatusBadRequest},
		{"a form that is none", "application/x-www-form-urlencoded", "a=%zz", scenario.Hook, http.StatusBadRequest},
		{"parts without a boundary", "multipart/form-data", "x", scenario.Hook, http.StatusBadRequest},
		{"more deliveries than may wait", "application/json", `[{"n":1},{"n":2},{"n":3}]`, scenario.Hook, http.StatusBadRequest},
		{"one more that may wait", "application/json", `{}`, scenario.Hook, http.StatusOK},
	} {
		status, body := post(t, e, c.hook, c.contentType, c.body)
		require.Equal(t, c.status, status, "%s: %s", c.name, body)
	}
	require.NoError(t, e.Pause(t.Context(), scenario.ID))
	status, _ := post(t, e, scenario.Hook, "application/json", `{}`)
	require.Equal(t, http.StatusGone, status)
	status, _ = post(t, e, scenario.Hook, "application/json", `{}`)
	require.Equal(t, http.StatusTooManyRequests, status, "one more than the window allows")
	runs, err := e.Tick(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, runs, "what was accepted is claimed")
	require.Empty(t, executions(t, e, scenario.ID), "and waits while the scenario is paused")
	require.NoError(t, e.Activate(t.Context(), scenario.ID))
	_, err = e.Tick(t.Context())
	require.NoError(t, err)
	require.Len(t, executions(t, e, scenario.ID), 2)
}

func TestSlowRequestIsToldSo(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{BodyTimeout: 50 * time.Millisecond})
	scenario, err := e.Deploy(t.Context(), parse(t, silentHook), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	server := httptest.NewServer(http.StripPrefix("/hooks", e.Hooks()))
	t.Cleanup(server.Close)
	connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer connection.Close()
	_, err = fmt.Fprintf(connection, "POST /hooks%s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf", scenario.Hook.Path())
	require.NoError(t, err)
	answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusRequestTimeout, answer.StatusCode)
}

func TestCutOffRequestIsTheCallersMistake(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	scenario, err := e.Deploy(t.Context(), parse(t, silentHook), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, scenario.Hook.Path(), io.MultiReader(strings.NewReader("half"), broken{}))
	answer := httptest.NewRecorder()
	e.Hooks().ServeHTTP(answer, request)
	require.Equal(t, http.StatusBadRequest, answer.Code)
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestCallerWaitsForTheResponseTimeoutAndNoLonger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, err := engine.New(engine.Config{ResponseTimeout: 7 * time.Second})
		require.NoError(t, err)
		scenario, err := e.Deploy(t.Context(), parse(t, greeting), engine.DeployOptions{Activate: true})
		require.NoError(t, err)
		before := time.Now()
		status, body := post(t, e, scenario.Hook, "application/json", `{"name":"Ada"}`) // and nobody serves
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "Accepted", body)
		require.Equal(t, 7*time.Second, time.Since(before))
		runs, err := e.Tick(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, runs, "the run is not lost")
		require.NoError(t, e.Close())
	})
}

func TestHookMaySayHowLongItsCallersWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, err := engine.New(engine.Config{ResponseTimeout: 7 * time.Second})
		require.NoError(t, err)
		for _, served := range []bool{false, true} {
			scenario, err := e.Deploy(t.Context(), parse(t, strings.Replace(slow, `"5"`, `"200"`, 1)),
				engine.DeployOptions{Activate: true, Hook: engine.HookOptions{ResponseTimeout: 3 * time.Minute}})
			require.NoError(t, err)
			if served {
				serve(t, e)
				synctest.Wait()
			}
			before := time.Now()
			status, body := post(t, e, scenario.Hook, "application/json", `{"name":"Ada"}`)
			require.Equal(t, http.StatusOK, status)
			require.Equal(t, "Accepted", body)
			require.Equal(t, 3*time.Minute, time.Since(before))
		}
		time.Sleep(time.Hour)
	})
}

func TestFailureBeforeTheAnswerIsTold(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	scenario, err := e.Deploy(t.Context(), parse(t, strings.Replace(greeting, `"value": "Hello {{1.name}}"`, `"value": "{{parseDate(1.name; \"YYYY\")}}"`, 1)), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	serve(t, e)
	status, body := post(t, e, scenario.Hook, "application/json", `{"name":"needle"}`)
	require.Equal(t, http.StatusInternalServerError, status)
	require.Equal(t, "Scenario failed to complete.", body)
}

func TestEachBundleOfARequestIsARun(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	scenario, err := e.Deploy(t.Context(), parse(t, silentHook), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	status, _ := post(t, e, scenario.Hook, "application/json", `[{"name":"a"},{"name":"b"},{"name":"c"}]`)
	require.Equal(t, http.StatusOK, status)
	runs, err := e.Tick(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, runs)
	var names []any
	for _, x := range executions(t, e, scenario.ID) {
		names = append(names, x.Trace[0].Out[0].Get("name"))
	}
	require.ElementsMatch(t, []any{"a", "b", "c"}, names)
}

func TestAnswersCannotBeRunAsPages(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	for _, c := range []struct{ name, headers, contentType, policy string }{
		{"nothing said", `[]`, "text/plain; charset=utf-8", ""},
		{"a page", `[{"key":"content-type","value":"text/html"}]`, "text/html", "sandbox"},
		{"a page with a policy of its own", `[{"key":"Content-Type","value":"text/html"},{"key":"Content-Security-Policy","value":"default-src 'self'"}]`, "text/html", "default-src 'self'"},
		{"a type that is none", `[{"key":"Content-Type","value":"text/html; ;;"}]`, "text/html; ;;", "sandbox"},
	} {
		text := strings.Replace(greeting, `[{"key": "X-Name", "value": "{{1.name}}"}]`, c.headers, 1)
		scenario, err := e.Deploy(t.Context(), parse(t, text), engine.DeployOptions{Name: c.name, Activate: true})
		require.NoError(t, err)
		stop := serve(t, e)
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, scenario.Hook.Path(), strings.NewReader(`{"name":"<script>"}`))
		request.Header.Set("Content-Type", "application/json")
		answer := httptest.NewRecorder()
		e.Hooks().ServeHTTP(answer, request)
		stop()
		require.Equal(t, "nosniff", answer.Header().Get("X-Content-Type-Options"), c.name)
		require.Equal(t, c.contentType, answer.Header().Get("Content-Type"), c.name)
		require.Equal(t, c.policy, answer.Header().Get("Content-Security-Policy"), c.name)
	}
}

func TestHookOptionsReachTheReceiver(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	scenario, err := e.Deploy(t.Context(), parse(t, silentHook), engine.DeployOptions{Activate: true, Hook: engine.HookOptions{Headers: true, Method: true, Stringify: true}})
	require.NoError(t, err)
	status, _ := post(t, e, scenario.Hook, "application/json", `{"name": "Ada"}`)
	require.Equal(t, http.StatusOK, status)
	_, err = e.Tick(t.Context())
	require.NoError(t, err)
	out := executions(t, e, scenario.ID)[0].Trace[0].Out[0]
	require.Equal(t, `{"name": "Ada"}`, out.Get("value"))
	require.Equal(t, http.MethodPost, out.Get("__IMTMETHOD__"))
	require.Contains(t, out.Get("__IMTHEADERS__"), connector.NewBundle("name", "content-type", "value", "application/json"))
}
