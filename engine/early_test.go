package engine_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

// computing is a scenario that computes its answer.
const computing = `{
  "name": "Computing",
  "flow": [
    {"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 7}, "mapper": {}},
    {"id": 2, "module": "util:SetVariable2", "version": 1, "mapper": {"name": "who", "scope": "roundtrip", "value": "{{upper(1.name)}}"}},
    {"id": 3, "module": "gateway:WebhookRespond", "version": 1, "mapper": {"status": "201", "body": "{{2.who}}"}}
  ]
}`

// answering has an effect before its answer, or behind it.
const (
	doThenAnswer = `{
  "name": "Do, then answer",
  "flow": [
    {"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 7}, "mapper": {}},
    {"id": 2, "module": "bank:Do", "version": 1, "mapper": {"name": "{{1.name}}"}},
    {"id": 3, "module": "gateway:WebhookRespond", "version": 1, "mapper": {"status": "201", "body": "{{2.name}}"}}
  ]
}`
	answerThenDo = `{
  "name": "Answer, then do",
  "flow": [
    {"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 7}, "mapper": {}},
    {"id": 2, "module": "gateway:WebhookRespond", "version": 1, "mapper": {"status": "201", "body": "{{1.name}}"}},
    {"id": 3, "module": "bank:Do", "version": 1, "mapper": {"name": "{{1.name}}"}}
  ]
}`
)

// ledger is a store that notes which kinds each write puts and touches, and can refuse them.
type ledger struct {
	store.Store

	mu     sync.Mutex
	writes [][]string
	refuse error
}

func (l *ledger) Apply(ctx context.Context, changes ...store.Change) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuse != nil {
		return l.refuse
	}
	var write []string
	for _, c := range changes {
		switch {
		case c.Put != nil:
			write = append(write, "put "+string(c.Put.Kind)+" "+c.Put.State)
		case c.Touch != nil:
			write = append(write, "touch "+string(c.Touch.Kind)+" "+c.Touch.State)
		case c.Delete != nil:
			write = append(write, "delete "+string(c.Delete.Kind))
		}
	}
	l.writes = append(l.writes, write)
	return l.Store.Apply(ctx, changes...)
}

func (l *ledger) reset(refuse error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writes, l.refuse = nil, refuse
}

func (l *ledger) all() [][]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([][]string(nil), l.writes...)
}

func deployed(t testing.TB, l *ledger, text string, pay func(context.Context, *connector.Call) error) (*engine.Engine, *engine.Scenario) {
	t.Helper()
	e, err := engine.New(engine.Config{Store: l, Vault: crypto.NewKeyring(), Connectors: []connector.Connector{bank{pay: pay}}})
	require.NoError(t, err)
	scenario, err := e.Deploy(t.Context(), parse(t, text), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	return e, scenario
}

func TestComputedAnswerTakesOneWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{Store: memory.New()}
		e, scenario := deployed(t, l, computing, nil)
		serve(t, e)
		synctest.Wait()
		l.reset(nil)
		status, body := post(t, e, scenario.Hook, "application/json", `{"name":"Ada"}`)
		require.Equal(t, http.StatusCreated, status)
		require.Equal(t, "ADA", body)
		synctest.Wait()
		require.Equal(t, [][]string{{"put activity success", "put execution success", "put delivery done"}}, l.all())
		require.Len(t, executions(t, e, scenario.ID), 1)
	})
}

// Nobody is answered before what came in is written, and what could not be written is done again by the caller.
func TestAnswerThatCannotBeWrittenIsNotGiven(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		status int
	}{
		"the disk is full": {errors.New("full"), http.StatusServiceUnavailable},
		"too large":        {store.ErrTooLarge, http.StatusRequestEntityTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := &ledger{Store: memory.New()}
				e, scenario := deployed(t, l, computing, nil)
				serve(t, e)
				synctest.Wait()
				l.reset(c.err)
				status, _ := post(t, e, scenario.Hook, "application/json", `{"name":"Ada"}`)
				require.Equal(t, c.status, status)
				l.reset(nil)
				status, _ = post(t, e, scenario.Hook, "application/json", `{"name":"Ada"}`)
				require.Equal(t, http.StatusCreated, status)
				time.Sleep(time.Hour)
				require.Len(t, executions(t, e, scenario.ID), 1)
			})
		})
	}
}

func TestEffectWaitsForTheDelivery(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"before the answer": doThenAnswer, "behind the answer": answerThenDo} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := &ledger{Store: memory.New()}
				var seen [][]string
				var done effects
				e, scenario := deployed(t, l, text, func(context.Context, *connector.Call) error {
					seen = l.all()
					done.Add(1)
					return nil
				})
				serve(t, e)
				synctest.Wait()
				l.reset(errors.New("full"))
				status, _ := post(t, e, scenario.Hook, "application/json", `{"name":"Ada"}`)
				require.Equal(t, http.StatusServiceUnavailable, status)
				synctest.Wait()
				require.Zero(t, done.Load(), "an effect without a record of its delivery")
				l.reset(nil)
				status, body := post(t, e, scenario.Hook, "application/json", `{"name":"Ada"}`)
				require.Equal(t, http.StatusCreated, status)
				require.Equal(t, "Ada", body)
				synctest.Wait()
				require.Equal(t, [][]string{{"put delivery running"}}, seen)
				require.EqualValues(t, 1, done.Load())
				time.Sleep(time.Hour)
				require.Len(t, executions(t, e, scenario.ID), 1)
			})
		})
	}
}

// The key of an idempotent operation is that of its delivery: the caller's next try has another one.
func TestIdempotentEffectWaitsForTheDeliveryThatItsKeyIsOf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{Store: memory.New()}
		keys := map[string]bool{}
		e, err := engine.New(engine.Config{Store: l, Vault: crypto.NewKeyring(), Connectors: []connector.Connector{bank{pay: func(_ context.Context, call *connector.Call) error {
			keys[call.Key] = true
			return nil
		}}}})
		require.NoError(t, err)
		scenario, err := e.Deploy(t.Context(), parse(t, strings.Replace(doThenAnswer, "bank:Do", "bank:DoOnce", 1)), engine.DeployOptions{Activate: true})
		require.NoError(t, err)
		serve(t, e)
		synctest.Wait()
		l.reset(errors.New("full"))
		status, _ := post(t, e, scenario.Hook, "application/json", `{"name":"Ada"}`)
		require.Equal(t, http.StatusServiceUnavailable, status)
		l.reset(nil)
		status, _ = post(t, e, scenario.Hook, "application/json", `{"name":"Ada"}`)
		require.Equal(t, http.StatusCreated, status)
		require.Len(t, keys, 1)
	})
}

// slow is a scenario whose run takes a while before it has any effect.
const slow = `{
  "name": "Slow",
  "flow": [
    {"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 7}, "mapper": {}},
    {"id": 2, "module": "util:FunctionSleep", "version": 1, "mapper": {"duration": "5"}},
    {"id": 3, "module": "gateway:WebhookRespond", "version": 1, "mapper": {"status": "201", "body": "{{1.name}}"}}
  ]
}`

// postBeside posts in a goroutine of its own and gives the status.
func postBeside(t testing.TB, e *engine.Engine, hook *engine.Hook) <-chan int {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, hook.Path(), strings.NewReader("name=Ada"))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status := make(chan int, 1)
	go func() {
		answer := httptest.NewRecorder()
		e.Hooks().ServeHTTP(answer, request)
		status <- answer.Code
	}()
	return status
}

func TestDeliveryOfASlowRunIsWrittenMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{Store: memory.New()}
		e, scenario := deployed(t, l, slow, nil)
		serve(t, e)
		synctest.Wait()
		l.reset(nil)
		answered := postBeside(t, e, scenario.Hook)
		time.Sleep(time.Second)
		require.Equal(t, [][]string{{"put delivery running"}}, l.all())
		require.Equal(t, http.StatusCreated, <-answered)
		time.Sleep(time.Second) // ends of runs that may be had twice are gathered
		require.Len(t, executions(t, e, scenario.ID), 1)
	})
}

// A run that was told to stop before its delivery was written is written as one that is still to be done.
func TestRunThatIsStoppedEarlyStartsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{Store: memory.New()}
		e, err := engine.New(engine.Config{Store: l, Vault: crypto.NewKeyring(), DrainTimeout: time.Millisecond})
		require.NoError(t, err)
		scenario, err := e.Deploy(t.Context(), parse(t, slow), engine.DeployOptions{Activate: true})
		require.NoError(t, err)
		stop := serve(t, e)
		synctest.Wait()
		answered := postBeside(t, e, scenario.Hook)
		time.Sleep(time.Millisecond)
		l.reset(nil)
		stop()
		require.Equal(t, [][]string{{"put delivery accepted"}}, l.all())
		serve(t, e)
		require.Equal(t, http.StatusCreated, <-answered)
		time.Sleep(time.Second)
		require.Len(t, executions(t, e, scenario.ID), 1)
	})
}

func TestConfidentialAnswerLeavesOnlyItsLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{Store: memory.New()}
		e, scenario := deployed(t, l, computing[:len(computing)-1]+`, "metadata": {"scenario": {"confidential": true, "autoCommit": true}}}`, nil)
		serve(t, e)
		synctest.Wait()
		l.reset(nil)
		status, body := post(t, e, scenario.Hook, "application/json", `{"name":"Ada"}`)
		require.Equal(t, http.StatusCreated, status)
		require.Equal(t, "ADA", body)
		synctest.Wait()
		require.Equal(t, [][]string{{"put activity success"}}, l.all())
	})
}
