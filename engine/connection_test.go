package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/transport"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/secret"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

// An identity is a service and its token endpoint. A refresh token is good for one use; the second one, as services do it
// that look for stolen tokens, ends the whole authorisation.
type identity struct {
	*httptest.Server
	mu               sync.Mutex
	access, refresh  string
	grants, requests int
	// meanwhile is called while the token endpoint works.
	meanwhile func()
}

func newIdentity(t *testing.T) *identity {
	t.Helper()
	i := &identity{access: "access-1", refresh: "refresh-needle-0"}
	i.Server = httptest.NewServer(i)
	t.Cleanup(i.Close)
	return i
}

func (i *identity) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/token" && i.meanwhile != nil {
		i.meanwhile()
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if r.URL.Path != "/token" {
		i.requests++
		if r.Header.Get("Authorization") != "Bearer "+i.access {
			w.WriteHeader(http.StatusUnauthorized)
		}
		return
	}
	if r.FormValue("refresh_token") != i.refresh {
		i.access, i.refresh = "", ""
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":"invalid_grant"}`)
		return
	}
	i.grants++
	i.access, i.refresh = fmt.Sprintf("access-needle-%d", i.grants), fmt.Sprintf("refresh-needle-%d", i.grants)
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": i.access, "refresh_token": i.refresh, "expires_in": 3600})
}

// account is the connection by which people have authorised the engine, with a token that has expired.
func (i *identity) account(token string) connector.Connection {
	return connector.Connection{
		Name: "my account", Type: "oauth2",
		Fields: connector.NewBundle("tokenUri", i.URL+"/token", "clientId", "ebb", "expires", time.Now().Add(-time.Hour)),
		Secrets: map[string]secret.Value{
			"accessToken": secret.NewString("expired-needle"), "refreshToken": secret.NewString(token), "clientSecret": secret.NewString("client-needle"),
		},
	}
}

// asking is a scenario that sends a request with an account.
func (i *identity) asking() string {
	return `{"name":"Ask","flow":[{"id":1,"module":"http:ActionSendDataOAuth","version":3,"parameters":{"account":33477,"handleErrors":true},
	  "mapper":{"url":"` + i.URL + `","method":"get"}}]}`
}

var mine = map[string]string{"33477": "my account"}

// process makes an engine on a store that it shares with others.
func process(t *testing.T, records store.Store, vault crypto.Vault, logger *zap.Logger) *engine.Engine {
	t.Helper()
	return start(t, engine.Config{
		Store: records, Vault: vault, Logger: logger, Network: transport.Policy{Allow: transport.Loopback()},
	})
}

func TestTokenIsRenewedOnceForAllRunsAndProcesses(t *testing.T) {
	t.Parallel()
	service := newIdentity(t)
	records, vault := memory.New(), crypto.NewKeyring()
	core, logs := observer.New(zapcore.DebugLevel)
	engines := []*engine.Engine{process(t, records, vault, zap.New(core)), process(t, records, vault, zap.New(core))}
	require.NoError(t, engines[0].SaveConnection(t.Context(), service.account("refresh-needle-0")))
	scenario, err := engines[0].Deploy(t.Context(), parse(t, service.asking()), engine.DeployOptions{Connections: mine})
	require.NoError(t, err)
	var runs sync.WaitGroup
	for n := range 24 {
		runs.Go(func() {
			x, err := engines[n%2].Run(t.Context(), scenario.ID, connector.Bundle{})
			if err != nil || x.Failure != nil {
				t.Errorf("run %d: %v %v", n, err, x)
			}
		})
	}
	runs.Wait()
	require.Equal(t, 1, service.grants)

	// The service takes the token back: 401, and once more it is renewed once.
	service.mu.Lock()
	service.access = "another"
	service.mu.Unlock()
	for n := range 24 {
		runs.Go(func() {
			x, err := engines[n%2].Run(t.Context(), scenario.ID, connector.Bundle{})
			if err != nil || x.Failure != nil {
				t.Errorf("run %d: %v %v", n, err, x)
			}
		})
	}
	runs.Wait()
	require.Equal(t, 2, service.grants)

	// A process that comes later has the token that was stored, sealed, and no record or log holds it in the clear.
	later := process(t, records, vault, nil)
	x, err := later.Run(t.Context(), scenario.ID, connector.Bundle{})
	require.NoError(t, err)
	require.Nil(t, x.Failure)
	require.Equal(t, 2, service.grants)
	for connection, err := range later.Connections(t.Context()) {
		require.NoError(t, err)
		expires, _ := connection.Fields.Get("expires").(time.Time)
		require.Greater(t, time.Until(expires), 50*time.Minute)
	}
	for _, kind := range []store.Kind{"connection", "execution", "activity", "scenario"} {
		for record, err := range records.Find(t.Context(), store.Query{Kind: kind}) {
			require.NoError(t, err)
			require.NotContains(t, string(record.Body), "needle")
		}
	}
	require.NotEmpty(t, logs.All())
	for _, entry := range logs.All() {
		require.NotContains(t, entry.Message+fmt.Sprint(entry.ContextMap()), "needle")
	}
}

func TestRefusedRenewalEndsTheRunAndChangesNothing(t *testing.T) {
	t.Parallel()
	service := newIdentity(t)
	records, vault := memory.New(), crypto.NewKeyring()
	e := process(t, records, vault, nil)
	require.NoError(t, e.SaveConnection(t.Context(), service.account("stolen-needle")))
	scenario, err := e.Deploy(t.Context(), parse(t, service.asking()), engine.DeployOptions{Connections: mine})
	require.NoError(t, err)
	for range 2 { // the second run may try at once
		began := time.Now()
		x, err := e.Run(t.Context(), scenario.ID, connector.Bundle{})
		require.NoError(t, err)
		require.Equal(t, connector.InvalidAccessTokenError, x.Failure.Type)
		require.Contains(t, x.Failure.Message, `connection "my account"`)
		require.Contains(t, x.Failure.Message, "authorise the account again")
		require.NotContains(t, x.Failure.Message, "needle")
		require.Less(t, time.Since(began), 20*time.Second)
	}
	require.Zero(t, service.requests)

	// People authorise it again.
	service.refresh = "refresh-needle-0"
	require.NoError(t, e.SaveConnection(t.Context(), service.account("refresh-needle-0")))
	x, err := e.Run(t.Context(), scenario.ID, connector.Bundle{})
	require.NoError(t, err)
	require.Nil(t, x.Failure)
}

func TestConnectionThatIsSavedWhileItIsRenewedWins(t *testing.T) {
	t.Parallel()
	service := newIdentity(t)
	e := process(t, memory.New(), crypto.NewKeyring(), nil)
	require.NoError(t, e.SaveConnection(t.Context(), service.account("refresh-needle-0")))
	scenario, err := e.Deploy(t.Context(), parse(t, service.asking()), engine.DeployOptions{Connections: mine})
	require.NoError(t, err)
	saved := service.account("unused-needle")
	saved.Fields.Delete("expires")
	saved.Secrets["accessToken"] = secret.NewString("of-people")
	service.meanwhile = func() {
		if err := e.SaveConnection(context.Background(), saved); err != nil {
			t.Error(err)
		}
	}
	x, err := e.Run(t.Context(), scenario.ID, connector.Bundle{})
	require.NoError(t, err)
	require.NotNil(t, x.Failure, "the service knows nothing of this token, and its refresh token is not good")
	service.meanwhile = nil
	service.mu.Lock()
	service.access = "of-people"
	service.mu.Unlock()
	x, err = e.Run(t.Context(), scenario.ID, connector.Bundle{})
	require.NoError(t, err)
	require.Nil(t, x.Failure)
}

// lock is an app with a module that renews its connections as the test says.
type lock struct {
	turn func(ctx context.Context, call *connector.Call) error
}

func (lock) Name() string                  { return "lock" }
func (l lock) Modules() []connector.Module { return []connector.Module{turning{l.action()}} }

func (l lock) action() connector.Action {
	return connector.NewAction(connector.Info{Name: "Turn"}, func(ctx context.Context, call *connector.Call, in connector.Bundle) (connector.Bundle, error) {
		return in, l.turn(ctx, call)
	})
}

type turning struct{ connector.Action }

// Connections implements connector.Connected.
func (turning) Connections(params connector.Bundle) []connector.Need {
	needs := []connector.Need{{Param: "keychain", Type: "key"}}
	if params.Get("door") != nil {
		needs = append(needs, connector.Need{Param: "door", Type: "door"})
	}
	return needs
}

func key(name, kind, text string) connector.Connection {
	return connector.Connection{Name: name, Type: kind, Secrets: map[string]secret.Value{"key": secret.NewString(text)}}
}

func reveal(t testing.TB, c *connector.Connection) string {
	t.Helper()
	text, err := c.Secrets["key"].Reveal()
	require.NoError(t, err)
	return text
}

const turn = `{"name":"Turn","flow":[{"id":1,"module":"lock:Turn","version":1,"parameters":{"keychain":"a"},"mapper":{}}]}`

func TestModuleGetsEachConnectionThatItsParametersName(t *testing.T) {
	t.Parallel()
	var got string
	e := start(t, engine.Config{Connectors: []connector.Connector{lock{func(_ context.Context, call *connector.Call) error {
		got = call.Connections["keychain"].Name + " " + reveal(t, call.Connections["keychain"])
		if door := call.Connections["door"]; door != nil {
			got += " " + door.Name
		}
		require.Nil(t, call.Connection)
		return nil
	}}}})
	bp := parse(t, `{"name":"Turn","flow":[{"id":1,"module":"lock:Turn","version":1,"parameters":{"keychain":11,"door":12},"mapper":{}},
	  {"id":2,"module":"lock:Turn","version":1,"parameters":{"door":13},"mapper":{}}]}`)
	names := map[string]string{"11": "a", "12": "b", "13": "c"}
	_, err := e.Deploy(t.Context(), bp, engine.DeployOptions{Connections: names})
	var refused *engine.CheckError
	require.ErrorAs(t, err, &refused)
	messages := []string{}
	for _, problem := range refused.Problems {
		if problem.Code == blueprint.CodeNoConnection {
			messages = append(messages, fmt.Sprint(problem.Module, " ", problem.Message))
		}
	}
	require.Len(t, messages, 4, "all at once")
	require.Contains(t, messages[2], "parameter keychain", "what was not filled in")

	require.NoError(t, e.SaveConnection(t.Context(), key("a", "key", "gold")))
	require.NoError(t, e.SaveConnection(t.Context(), key("b", "key", "x")))
	_, err = e.Deploy(t.Context(), parse(t, strings.Replace(turn, `"a"`, `"a","door":"b"`, 1)), engine.DeployOptions{})
	require.ErrorContains(t, err, `connection "b" is of type "key", and the module needs "door"`)
	require.NoError(t, e.SaveConnection(t.Context(), key("b", "door", "x")))
	scenario, err := e.Deploy(t.Context(), parse(t, strings.Replace(turn, `"a"`, `11,"door":12`, 1)), engine.DeployOptions{Connections: names})
	require.NoError(t, err)
	x, err := e.Run(t.Context(), scenario.ID, connector.Bundle{})
	require.NoError(t, err)
	require.Nil(t, x.Failure)
	require.Equal(t, "a gold b", got)
}

// outage is a store whose writes can be made to fail.
type outage struct {
	*memory.Store
	fails atomic.Bool
}

func (b *outage) Apply(ctx context.Context, changes ...store.Change) error {
	if b.fails.Load() && len(changes) > 0 {
		return errors.New("the store is out")
	}
	return b.Store.Apply(ctx, changes...)
}

func TestRenewalOfADeadProcessIsTakenOverWhenItsLeaseIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		records, vault := &outage{Store: memory.New()}, crypto.NewKeyring()
		renewals := 0
		app := lock{func(ctx context.Context, call *connector.Call) error {
			_, err := call.Renew(ctx, call.Connections["keychain"], func(_ context.Context, c *connector.Connection) error {
				renewals++
				records.fails.Store(true) // as if the process had died here
				c.Secrets["key"] = secret.NewString(fmt.Sprint("renewed ", renewals))
				return nil
			})
			return err
		}}
		config := engine.Config{Store: records, Vault: vault, Connectors: []connector.Connector{app}}
		dead := start(t, config)
		config.Store = records.Store
		alive := start(t, config)
		require.NoError(t, dead.SaveConnection(t.Context(), key("a", "key", "old")))
		scenario, err := dead.Deploy(t.Context(), parse(t, turn), engine.DeployOptions{})
		require.NoError(t, err)
		_, err = dead.Run(t.Context(), scenario.ID, connector.Bundle{})
		require.Error(t, err)
		require.Equal(t, 1, renewals)

		began := time.Now()
		x, err := alive.Run(t.Context(), scenario.ID, connector.Bundle{})
		require.NoError(t, err)
		require.Nil(t, x.Failure)
		require.Equal(t, 2, renewals)
		waited := time.Since(began)
		require.Greater(t, waited, 30*time.Second, "the first might still have been at work")
		require.Less(t, waited, time.Minute)
	})
}

func TestRenewalsWaitForEachOtherAndForNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		records, vault := memory.New(), crypto.NewKeyring()
		var renewals, renewed atomic.Int64
		app := lock{func(ctx context.Context, call *connector.Call) error {
			c, err := call.Renew(ctx, call.Connections["keychain"], func(ctx context.Context, c *connector.Connection) error {
				renewals.Add(1)
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(5 * time.Second):
				}
				c.Secrets["key"] = secret.NewString("new")
				return nil
			})
			if err == nil && reveal(t, c) == "new" {
				renewed.Add(1)
			}
			return err
		}}
		config := engine.Config{Store: records, Vault: vault, Connectors: []connector.Connector{app}}
		engines := []*engine.Engine{start(t, config), start(t, config)}
		ids := map[string]string{}
		for _, name := range []string{"a", "b"} {
			require.NoError(t, engines[0].SaveConnection(t.Context(), key(name, "key", "old")))
			scenario, err := engines[0].Deploy(t.Context(), parse(t, strings.ReplaceAll(turn, `"a"`, `"`+name+`"`)), engine.DeployOptions{Name: name})
			require.NoError(t, err)
			ids[name] = scenario.ID
		}
		began := time.Now()
		var runs sync.WaitGroup
		for n := range 8 {
			runs.Go(func() {
				x, err := engines[n%2].Run(t.Context(), ids[[]string{"a", "b"}[n/4]], connector.Bundle{})
				if err != nil || x.Failure != nil {
					t.Errorf("%v %v", err, x)
				}
			})
		}
		runs.Wait()
		require.EqualValues(t, 2, renewals.Load(), "one of each connection")
		require.EqualValues(t, 8, renewed.Load())
		require.Less(t, time.Since(began), 6*time.Second, "the two at the same time")

		// Who waits goes when its context ends. Who renews goes on for a moment, and what comes of it is stored.
		require.NoError(t, engines[0].SaveConnection(t.Context(), key("a", "key", "older")))
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		runs.Go(func() {
			_, err := engines[1].Run(ctx, ids["a"], connector.Bundle{})
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v", err)
			}
		})
		_, err := engines[0].Run(ctx, ids["a"], connector.Bundle{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		runs.Wait()
		require.EqualValues(t, 3, renewals.Load())
		x, err := engines[1].Run(t.Context(), ids["a"], connector.Bundle{})
		require.NoError(t, err)
		require.Nil(t, x.Failure)
		require.EqualValues(t, 4, renewals.Load(), "the app renews what it gets, and that is new already")

		// When a moment is not enough, the next one may try at once.
		require.NoError(t, engines[0].SaveConnection(t.Context(), key("a", "key", "oldest")))
		short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err = engines[0].Run(short, ids["a"], connector.Bundle{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		began = time.Now()
		x, err = engines[1].Run(t.Context(), ids["a"], connector.Bundle{})
		require.NoError(t, err)
		require.Nil(t, x.Failure)
		require.Less(t, time.Since(began), 6*time.Second)
	})
}

func TestRenewalThatFailsStoresNothing(t *testing.T) {
	t.Parallel()
	refusal := connector.Errorf(connector.InvalidAccessTokenError, "no more")
	var e *engine.Engine
	var first string
	app := lock{func(ctx context.Context, call *connector.Call) error {
		stale := call.Connections["keychain"]
		first = reveal(t, stale)
		_, err := call.Renew(ctx, stale, func(_ context.Context, c *connector.Connection) error {
			c.Secrets["key"] = secret.NewString("half done")
			return refusal
		})
		require.ErrorIs(t, err, refusal)
		require.Equal(t, "gold", reveal(t, stale))
		c, err := call.Renew(ctx, stale, func(_ context.Context, c *connector.Connection) error {
			require.Equal(t, "gold", reveal(t, c))
			c.Secrets["key"] = secret.NewString("silver")
			c.Fields.Set("expires", 7)
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, "silver", reveal(t, c))
		again, err := call.Renew(ctx, stale, func(context.Context, *connector.Connection) error { return errors.New("is not called") })
		require.NoError(t, err)
		require.True(t, again.Equal(c), "somebody has renewed it already")
		require.NoError(t, e.DeleteConnection(ctx, "a"))
		_, err = call.Renew(ctx, c, func(context.Context, *connector.Connection) error { return errors.New("is not called") })
		require.Equal(t, connector.AccountValidationError, connector.TypeOf(err))
		return nil
	}}
	e = start(t, engine.Config{Connectors: []connector.Connector{app}})
	require.NoError(t, e.SaveConnection(t.Context(), key("a", "key", "gold")))
	scenario, err := e.Deploy(t.Context(), parse(t, turn), engine.DeployOptions{})
	require.NoError(t, err)
	x, err := e.Run(t.Context(), scenario.ID, connector.Bundle{})
	require.NoError(t, err)
	require.Nil(t, x.Failure)
	require.Equal(t, "gold", first)
}

func TestCookiesLastForOneRun(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.URL.Path+" "+r.Header.Get("Cookie"))
		http.SetCookie(w, &http.Cookie{Name: "session", Value: strings.TrimPrefix(r.URL.Path, "/")})
	}))
	t.Cleanup(server.Close)
	ask := func(id int, path string, share bool) string {
		return fmt.Sprintf(`{"id":%d,"module":"http:ActionSendData","version":3,"parameters":{},"mapper":{"url":"%s/%s","method":"get","shareCookies":%t}}`,
			id, server.URL, path, share)
	}
	e := start(t, engine.Config{Network: transport.Policy{Allow: transport.Loopback()}})
	scenario, err := e.Deploy(t.Context(), parse(t, `{"name":"Cookies","flow":[`+strings.Join([]string{
		ask(1, "one", true), ask(2, "two", false), ask(3, "three", true),
		fmt.Sprintf(`{"id":4,"module":"http:MakeRequest","version":4,"parameters":{},"mapper":{"url":"%s/four","method":"get","shareCookies":true}}`, server.URL),
	}, ",")+`]}`), engine.DeployOptions{})
	require.NoError(t, err)
	for range 2 {
		seen = nil
		x, err := e.Run(t.Context(), scenario.ID, connector.Bundle{})
		require.NoError(t, err)
		require.Nil(t, x.Failure)
		require.Equal(t, []string{"/one ", "/two ", "/three session=one", "/four session=three"}, seen)
	}
}

// Connections are opened before any module works, and what is missing there no error route handles.
func TestRunWithoutItsConnectionDoesNotBegin(t *testing.T) {
	t.Parallel()
	var done effects
	e := start(t, engine.Config{Connectors: []connector.Connector{bank{pay: func(context.Context, *connector.Call) error {
		done.Add(1)
		return nil
	}}}})
	require.NoError(t, e.SaveConnection(t.Context(), connector.Connection{
		Name: "house bank", Type: "bank", Fields: connector.NewBundle("user", "ada"),
		Secrets: map[string]secret.Value{"token": secret.NewString("needle")},
	}))
	scenario, err := e.Deploy(t.Context(), parse(t, `{"name": "Paying", "flow": [
    {"id": 1, "module": "bank:Do", "version": 1, "mapper": {"name": "first"}},
    {"id": 2, "module": "bank:Pay", "version": 1, "parameters": {"__IMTCONN__": "house bank"}, "mapper": {"amount": "1"},
     "onerror": [{"id": 3, "module": "builtin:Ignore", "version": 1, "mapper": {}}]}]}`), engine.DeployOptions{})
	require.NoError(t, err)
	x, err := e.Run(t.Context(), scenario.ID, connector.Bundle{})
	require.NoError(t, err)
	require.Nil(t, x.Failure)
	require.NoError(t, e.DeleteConnection(t.Context(), "house bank"))
	x, err = e.Run(t.Context(), scenario.ID, connector.Bundle{})
	require.NoError(t, err)
	require.Equal(t, engine.StatusError, x.Status)
	require.Equal(t, 2, x.Failure.Module)
	require.Equal(t, connector.AccountValidationError, x.Failure.Type)
	require.Contains(t, x.Failure.Message, `there is no connection "house bank"`)
	require.Zero(t, x.Operations)
	require.EqualValues(t, 1, done.Load())
}
