package engine_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/store/memory"
)

// members opens a data store whose entries name people by key and by two fields.
func members(t testing.TB, e *engine.Engine) connector.DataStore {
	t.Helper()
	options := engine.DataStoreOptions{Subjects: []string{"contact.email", "friends"}, SubjectKey: true}
	require.NoError(t, e.SaveDataStore(t.Context(), "members", options))
	saved, err := e.DataStoreOptions(t.Context(), "members")
	require.NoError(t, err)
	require.Equal(t, options, saved)
	s, err := e.DataStore(t.Context(), "members")
	require.NoError(t, err)
	return s
}

func write(t testing.TB, s connector.DataStore, key string, data connector.Bundle) error {
	t.Helper()
	return s.Change(t.Context(), key, func(connector.Bundle, bool) (connector.Bundle, error) { return data, nil })
}

func keysOf(t testing.TB, s connector.DataStore) (keys []string) {
	t.Helper()
	for entry, err := range s.All(t.Context()) {
		require.NoError(t, err)
		keys = append(keys, entry.Key)
	}
	return keys
}

func TestEntryOfAnErasedPersonReadsAsNotThere(t *testing.T) {
	t.Parallel()
	records := memory.New()
	e := shopEngine(t, records)
	s := members(t, e)
	contact := func(email string) connector.Bundle {
		return connector.NewBundle("contact", connector.NewBundle("email", email), "note", "private")
	}
	require.NoError(t, write(t, s, "ada@example.com", contact("Ada@example.com")))
	require.NoError(t, write(t, s, "bob@example.com", connector.NewBundle("note", "private")))
	require.NoError(t, write(t, s, "cy@example.com", connector.NewBundle("friends", []any{"ada@example.com"})))
	found := recordsOf(t, e, "ada@example.com")["entry"]
	require.Len(t, found, 2)
	require.Equal(t, []bool{false, true}, []bool{found[0].Alone, found[1].Alone})
	nowhere(t, records, "ada@example.com", "bob@example.com", "private")

	_, err := e.ShredSubject(t.Context(), "ada@example.com")
	require.NoError(t, err)
	nowhere(t, records, "ada@example.com", "bob@example.com", "private")
	_, ok, err := s.Get(t.Context(), "ada@example.com")
	require.NoError(t, err)
	require.False(t, ok)
	require.Equal(t, []string{"bob@example.com", "cy@example.com"}, keysOf(t, s))
	count, err := s.Count(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 2, count)

	for _, refused := range []error{
		write(t, s, "ada@example.com", connector.Bundle{}),
		write(t, s, "bob@example.com", contact("ada@example.com")),
		write(t, s, "di@example.com", connector.NewBundle("friends", []any{"bob@example.com", " ADA@example.com"})),
	} {
		require.ErrorIs(t, refused, engine.ErrErased)
		require.Equal(t, connector.DataError, connector.TypeOf(refused))
		require.NotContains(t, refused.Error(), "ada")
	}
	bob, ok, err := s.Get(t.Context(), "bob@example.com")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "private", bob.Get("note"), "it is as it was")

	require.NoError(t, e.AllowSubject(t.Context(), "ada@example.com", "she asked"))
	require.NoError(t, write(t, s, "ada@example.com", connector.NewBundle("note", "new")), "its place can be taken")
	ada, ok, err := s.Get(t.Context(), "ada@example.com")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "new", ada.Get("note"))
	require.Len(t, find(t, records, "entry"), 3, "in the place of the old one")

	_, err = e.ShredSubject(t.Context(), "ada@example.com")
	require.NoError(t, err)
	deleted, err := s.Delete(t.Context(), "ada@example.com")
	require.NoError(t, err)
	require.False(t, deleted)
	require.Len(t, find(t, records, "entry"), 2, "what cannot be read is deleted all the same")
	all, err := s.DeleteAll(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 2, all)
	require.Empty(t, find(t, records, "entry"))
}

func TestModuleThatStoresAnErasedPersonFails(t *testing.T) {
	t.Parallel()
	records := memory.New()
	e := shopEngine(t, records)
	members(t, e)
	s, err := e.Deploy(t.Context(), parse(t, `{"name": "Join", "flow": [
	  {"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 7}, "mapper": {}},
	  {"id": 2, "module": "datastore:AddRecord", "version": 1, "parameters": {"datastore": "members"},
	   "mapper": {"key": "{{1.email}}", "overwrite": true, "data": {"note": "private"}}}]}`), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	join := func(want engine.Status) {
		status, _ := post(t, e, s.Hook, "application/json", `{"email":"ada@example.com"}`)
		require.Equal(t, http.StatusOK, status)
		tick(t, e)
		x := executions(t, e, s.ID)[0]
		require.Equal(t, want, x.Status, x.Failure)
		if want == engine.StatusError {
			require.Equal(t, connector.DataError, x.Failure.Type)
			require.NotContains(t, x.Failure.Message, "ada")
		}
	}
	join(engine.StatusSuccess)
	_, err = e.ShredSubject(t.Context(), "ada@example.com")
	require.NoError(t, err)
	join(engine.StatusError)
	require.NoError(t, e.AllowSubject(t.Context(), "ada@example.com", "she asked"))
	join(engine.StatusSuccess)
}

// A run that is answered before its delivery is written names people, too, and is of no account when one of them was erased.
func TestRunThatBeginsEarlyNamesItsPeople(t *testing.T) {
	t.Parallel()
	records := memory.New()
	e := shopEngine(t, records)
	s, err := e.Deploy(t.Context(), parse(t, greeting), engine.DeployOptions{Activate: true, Subjects: []string{"1.name", "2.greeting"}})
	require.NoError(t, err)
	greet := func(name string) int {
		defer serve(t, e)() // the run has ended when this returns
		status, body := post(t, e, s.Hook, "application/json", fmt.Sprintf(`{"name":%q}`, name))
		if status == http.StatusUnprocessableEntity {
			require.NotContains(t, body, name)
		}
		return status
	}
	require.Equal(t, http.StatusCreated, greet("ada"))
	require.Equal(t, http.StatusCreated, greet("bob"))
	require.Len(t, recordsOf(t, e, "ada")["delivery"], 1)
	require.Len(t, recordsOf(t, e, "hello ada")["execution"], 1)
	require.False(t, recordsOf(t, e, "ada")["execution"][0].Alone)
	_, err = e.ShredSubject(t.Context(), "ada")
	require.NoError(t, err)
	require.Equal(t, http.StatusUnprocessableEntity, greet("ada"))
	require.Equal(t, http.StatusCreated, greet("bob"))
	require.NoError(t, e.AllowSubject(t.Context(), "ada", "she asked"))
	require.Equal(t, http.StatusCreated, greet("ada"))
	require.Len(t, find(t, records, "delivery"), 4)
}

// Another process has met a person whom this one erases and lets come back: it neither takes the erased nor refuses the other.
func TestProcessesDoNotGoByWhatTheyRemember(t *testing.T) {
	t.Parallel()
	records := memory.New()
	h := newSafe(t)
	h.records = records
	engines := []*engine.Engine{h.engine(t), h.engine(t)}
	s, err := engines[0].Deploy(t.Context(), parse(t, greeting), engine.DeployOptions{Activate: true, Subjects: []string{"1.name", "1.friends"}})
	require.NoError(t, err)
	serve(t, engines[1])
	greet := func() int {
		status, _ := post(t, engines[1], s.Hook, "application/json", `{"name":"ada","friends":["bob"]}`)
		return status
	}
	for range 3 {
		require.Equal(t, http.StatusCreated, greet())
		_, err := engines[0].ShredSubject(t.Context(), "ada")
		require.NoError(t, err)
		require.Equal(t, http.StatusUnprocessableEntity, greet())
		require.NoError(t, engines[0].AllowSubject(t.Context(), "ada", "she asked"))
	}
	require.Equal(t, http.StatusCreated, greet())
	_, err = engines[0].ShredSubject(t.Context(), "ada")
	require.NoError(t, err)
	require.NoError(t, engines[0].AllowSubject(t.Context(), "ada", "she asked"))
	require.Equal(t, http.StatusCreated, greet(), "also when it has not heard of either")
	require.Len(t, find(t, records, "delivery"), 5)
}

// A person is erased while a run about the person is under way: nothing about the person is kept of it.
func TestPersonIsErasedWhileARunIsUnderWay(t *testing.T) {
	t.Parallel()
	for name, people := range map[string][]string{"alone": {"ada@example.com"}, "with another": {"ada@example.com", "bob@example.com"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			records := memory.New()
			var e *engine.Engine
			var done effects
			e = start(t, engine.Config{Store: records, Connectors: []connector.Connector{bank{pay: func(ctx context.Context, _ *connector.Call) error {
				if done.Add(1) > 1 {
					return nil
				}
				_, err := e.ShredSubject(ctx, "ada@example.com")
				return err
			}}}})
			s := deployShop(t, e)
			order(t, e, s, http.StatusOK, people...)
			tick(t, e)
			tick(t, e)
			require.EqualValues(t, 1, done.Load())
			list := executions(t, e, s.ID)
			require.Len(t, list, 1)
			require.Equal(t, engine.StatusSuccess, list[0].Status)
			require.Empty(t, list[0].Trace)
			require.Empty(t, find(t, records, "execution")[0].Subjects)
			require.True(t, find(t, records, "delivery")[0].Due.IsZero())
		})
	}
}

func TestScenariosThatAreCalledAreAboutThePeopleOfTheirCallers(t *testing.T) {
	t.Parallel()
	for _, wait := range []string{"true", "false"} {
		t.Run("wait "+wait, func(t *testing.T) {
			t.Parallel()
			records := memory.New()
			e := shopEngine(t, records)
			callee, err := e.Deploy(t.Context(), parse(t, callable), engine.DeployOptions{Activate: true, Subjects: []string{"1.name"}})
			require.NoError(t, err)
			options := greetingIs4711
			options.Subjects = []string{"1.email"}
			caller, err := e.Deploy(t.Context(), parse(t, calling(wait, `{"name": "{{1.name}}"}`)), options)
			require.NoError(t, err)
			call := func(email, name string) {
				status, _ := post(t, e, caller.Hook, "application/json", fmt.Sprintf(`{"email":%q,"name":%q}`, email, name))
				require.Equal(t, http.StatusOK, status)
				tick(t, e)
				tick(t, e)
			}
			done := make(chan struct{})
			go func() { defer close(done); call("ada@example.com", "bob") }()
			stop := serve(t, e)
			<-done
			stop()
			tick(t, e)
			require.Len(t, executions(t, e, callee.ID), 1)
			parents := func(who string) map[string]int {
				found := map[string]int{}
				for _, rec := range recordsOf(t, e, who)["execution"] {
					found[rec.Parent]++
				}
				return found
			}
			require.Equal(t, map[string]int{callee.ID: 1, caller.ID: 1}, parents("ada@example.com"))
			require.Equal(t, map[string]int{callee.ID: 1, caller.ID: 1}, parents("bob"), "the caller speaks of him, too")
			if wait == "true" {
				return
			}
			for _, rec := range recordsOf(t, e, "ada@example.com")["delivery"] {
				require.Contains(t, []string{callee.ID, caller.ID}, rec.Parent)
			}
			require.Len(t, recordsOf(t, e, "ada@example.com")["delivery"], 2)
		})
	}
}
