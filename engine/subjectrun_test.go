package engine_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

// What a Resume directive gives in place of a module that failed names people where the module would have named them.
func TestSubstituteNamesPeople(t *testing.T) {
	t.Parallel()
	records := memory.New()
	down := bank{pay: func(context.Context, *connector.Call) error {
		return connector.Errorf(connector.ConnectionError, "down")
	}}
	e := start(t, engine.Config{Store: records, Connectors: []connector.Connector{down}})
	s, err := e.Deploy(t.Context(), parse(t, `{"name": "Substitute", "flow": [
	  {"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 7}, "mapper": {}},
	  {"id": 2, "module": "bank:Do", "version": 1, "mapper": {},
	   "onerror": [{"id": 3, "module": "builtin:Resume", "version": 1, "mapper": {"buyer": "ada@example.com"}}]},
	  {"id": 4, "module": "util:ComposeTransformer", "version": 1, "parameters": {}, "mapper": {"value": "{{2.buyer}}"}}]}`),
		engine.DeployOptions{Activate: true, Subjects: []string{"2.buyer"}})
	require.NoError(t, err)
	status, body := post(t, e, s.Hook, "application/json", `{}`)
	require.Equal(t, http.StatusOK, status, body)
	tick(t, e)
	require.Equal(t, engine.StatusSuccess, executions(t, e, s.ID)[0].Status)
	require.Len(t, recordsOf(t, e, "ada@example.com")["execution"], 1)
	_, err = e.ShredSubject(t.Context(), "ada@example.com")
	require.NoError(t, err)
	require.True(t, executions(t, e, s.ID)[0].Erased)
}

// A delivery that has waited, and does not fit its scenario any more, still is about the person whom it names.
func TestDeliveryThatDoesNotFitNamesItsPeople(t *testing.T) {
	t.Parallel()
	records := memory.New()
	called := func(kind string) string {
		return `{"name": "Called", "flow": [
		  {"id": 1, "module": "scenario-service:StartSubscenario", "version": 2, "mapper": {}},
		  {"id": 2, "module": "util:ComposeTransformer", "version": 1, "parameters": {}, "mapper": {"value": "{{1.email}}"}}],
		  "interface": {"input": [{"name": "email", "type": "` + kind + `", "required": true}]}}`
	}
	options := engine.DeployOptions{Activate: true, Subjects: []string{"1.email"}}
	var e *engine.Engine
	redeploy := bank{pay: func(ctx context.Context, _ *connector.Call) error {
		_, err := e.Deploy(ctx, parse(t, called("number")), options)
		return err
	}}
	e = start(t, engine.Config{Store: records, Connectors: []connector.Connector{redeploy}})
	callee, err := e.Deploy(t.Context(), parse(t, called("text")), options)
	require.NoError(t, err)
	caller, err := e.Deploy(t.Context(), parse(t, `{"name": "Caller", "flow": [
	  {"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 7}, "mapper": {}},
	  {"id": 2, "module": "scenario-service:CallSubscenario", "version": 2, "parameters": {"scenario": "Called", "shouldWaitForExecutionEnd": false},
	   "mapper": {"data": {"email": "{{1.email}}"}}},
	  {"id": 3, "module": "bank:Do", "version": 1, "mapper": {}}]}`), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	status, body := post(t, e, caller.Hook, "application/json", `{"email":"ada@example.com"}`)
	require.Equal(t, http.StatusOK, status, body)
	tick(t, e)
	require.Equal(t, engine.StatusSuccess, executions(t, e, caller.ID)[0].Status, executions(t, e, caller.ID)[0].Failure)
	failed := executions(t, e, callee.ID)
	require.Len(t, failed, 1)
	require.Equal(t, engine.StatusError, failed[0].Status)

	found := recordsOf(t, e, "ada@example.com")["execution"]
	require.Len(t, found, 2, "also that of the caller, whose module was given her address")
	_, err = e.ShredSubject(t.Context(), "ada@example.com")
	require.NoError(t, err)
	require.True(t, executions(t, e, callee.ID)[0].Erased)
	require.True(t, executions(t, e, caller.ID)[0].Erased)
}

// A run that has not been written is not lost when somebody else touches the line of a person whom only a later module names.
func TestRunThatBeginsEarlyLooksAgainForThoseOfLaterModules(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		records := memory.New()
		e := start(t, engine.Config{Store: records, Poll: time.Hour})
		s, err := e.Deploy(t.Context(), parse(t, greeting), engine.DeployOptions{Activate: true, Subjects: []string{"2.greeting"}})
		require.NoError(t, err)
		serve(t, e)
		synctest.Wait()
		for range 3 {
			status, body := post(t, e, s.Hook, "application/json", `{"name":"Ada"}`)
			require.Equal(t, http.StatusCreated, status, body)
			line := find(t, records, "identifier")[0]
			require.NoError(t, records.Apply(t.Context(), store.Change{Touch: &line}))
		}
		require.Len(t, recordsOf(t, e, "Hello Ada")["execution"], 3)
	})
}

// joining is a scenario that names nobody itself, but writes an entry that does, and reads one.
const joining = `{"name": "Join", "flow": [
  {"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 7}, "mapper": {}},
  {"id": 2, "module": "datastore:AddRecord", "version": 1, "parameters": {"datastore": "members"},
   "mapper": {"key": "{{1.email}}", "overwrite": true, "data": {"note": "private"}}}]}`

const reading = `{"name": "Read", "flow": [
  {"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 7}, "mapper": {}},
  {"id": 2, "module": "datastore:GetRecord", "version": 1, "parameters": {"datastore": "members"}, "mapper": {"key": "{{1.email}}"}}]}`

// A run that writes or gets the entry of a person is about that person, whatever its scenario says.
func TestRunsAreAboutThePeopleOfTheirEntries(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"write": joining, "read": reading} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			records := memory.New()
			e := shopEngine(t, records)
			require.NoError(t, write(t, members(t, e), "ada@example.com", connector.NewBundle("note", "private")))
			s, err := e.Deploy(t.Context(), parse(t, text), engine.DeployOptions{Activate: true})
			require.NoError(t, err)
			for range 2 {
				status, body := post(t, e, s.Hook, "application/json", `{"email":"ada@example.com"}`)
				require.Equal(t, http.StatusOK, status, body)
				tick(t, e)
			}
			found := recordsOf(t, e, "ada@example.com")["execution"]
			require.Len(t, found, 2)
			require.True(t, found[0].Alone)
			_, err = e.ShredSubject(t.Context(), "ada@example.com")
			require.NoError(t, err)
			for _, x := range executions(t, e, s.ID) {
				require.True(t, x.Erased)
				require.Equal(t, engine.StatusSuccess, x.Status)
			}
		})
	}
}

// What a module is refused because the person was erased is not kept in the trace of its run.
func TestRunThatMeetsAnErasedPersonKeepsNoTrace(t *testing.T) {
	t.Parallel()
	records := memory.New()
	e := shopEngine(t, records)
	s := members(t, e)
	require.NoError(t, write(t, s, "ada@example.com", connector.Bundle{}))
	require.NoError(t, write(t, s, "club", connector.NewBundle("friends", []any{"ada@example.com", "bob@example.com"})))
	_, err := e.ShredSubject(t.Context(), "ada@example.com")
	require.NoError(t, err)
	for text, key := range map[string]string{joining: "ada@example.com", reading: "club"} {
		d, err := e.Deploy(t.Context(), parse(t, text), engine.DeployOptions{Activate: true})
		require.NoError(t, err)
		status, body := post(t, e, d.Hook, "application/json", `{"email":"`+key+`"}`)
		require.Equal(t, http.StatusOK, status, body)
		tick(t, e)
		x := executions(t, e, d.ID)[0]
		require.Empty(t, x.Trace)
		require.True(t, x.Truncated)
		require.Len(t, x.Warnings, 1)
		require.Contains(t, x.Warnings[0].Message, "erased")
		if x.Failure != nil {
			require.Empty(t, x.Failure.Message)
		}
	}
}

// Numbers that two people may share, because they were rounded, name nobody: they are refused.
func TestRoundedNumberIsRefused(t *testing.T) {
	t.Parallel()
	records := memory.New()
	e := shopEngine(t, records)
	s, err := e.Deploy(t.Context(), parse(t, doing), engine.DeployOptions{Activate: true, Subjects: []string{"1.id"}})
	require.NoError(t, err)
	for id, want := range map[string]int{
		"9007199254740993": http.StatusOK, "9223372036854775807": http.StatusOK, "42.5": http.StatusOK, `"9223372036854775808"`: http.StatusOK,
		"9223372036854775808": http.StatusBadRequest, "9223372036854775809": http.StatusBadRequest, "-1e300": http.StatusBadRequest,
	} {
		status, body := post(t, e, s.Hook, "application/json", `{"id":`+id+`}`)
		require.Equal(t, want, status, id)
		require.NotContains(t, body, "9223")
	}
	require.Len(t, find(t, records, "identifier"), 4)
	_, err = e.Run(t.Context(), s.ID, connector.NewBundle("id", 1e300))
	require.ErrorIs(t, err, engine.ErrInvalid)
}
