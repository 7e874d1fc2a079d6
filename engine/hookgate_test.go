package engine_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto/secret"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

func prefixes(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// hooked deploys a scenario whose hook has options.
func hooked(t testing.TB, e *engine.Engine, options engine.HookOptions) *engine.Hook {
	t.Helper()
	scenario, err := e.Deploy(t.Context(), parse(t, silentHook), engine.DeployOptions{Activate: true, Hook: options})
	require.NoError(t, err)
	return scenario.Hook
}

// call sends a request to a hook; change makes it what it is to be.
func call(t testing.TB, e *engine.Engine, hook *engine.Hook, change func(r *http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, hook.Path(), strings.NewReader(`{"name":"Ada"}`))
	request.Header.Set("Content-Type", "application/json")
	change(request)
	answer := httptest.NewRecorder()
	e.Hooks().ServeHTTP(answer, request)
	return answer
}

func TestHookTakesTheMethodsThatItIsTo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		methods []string
		method  string
		status  int
		allow   string
	}{
		{nil, "GET", 200, ""},
		{nil, "HEAD", 200, ""},
		{nil, "POST", 200, ""},
		{nil, "PUT", 200, ""},
		{nil, "PATCH", 200, ""},
		{nil, "DELETE", 200, ""},
		{nil, "PROPFIND", 200, ""},
		{nil, "OPTIONS", 204, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"},
		{nil, "TRACE", 405, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"},
		{nil, "CONNECT", 405, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"},
		{[]string{"post"}, "POST", 200, ""},
		{[]string{"POST"}, "GET", 405, "POST, OPTIONS"},
		{[]string{"POST"}, "post", 405, "POST, OPTIONS"},
		{[]string{"POST"}, "OPTIONS", 204, "POST, OPTIONS"},
		{[]string{"GET"}, "HEAD", 200, ""},
		{[]string{"GET", "OPTIONS"}, "OPTIONS", 200, ""},
		{[]string{"GET", "OPTIONS"}, "PUT", 405, "GET, OPTIONS, HEAD"},
	} {
		e := start(t, engine.Config{})
		hook := hooked(t, e, engine.HookOptions{Methods: c.methods})
		answer := call(t, e, hook, func(r *http.Request) { r.Method = c.method })
		require.Equal(t, c.status, answer.Code, "%s to %v", c.method, c.methods)
		require.Equal(t, c.allow, answer.Header().Get("Allow"), "%s to %v", c.method, c.methods)
		runs, err := e.Tick(t.Context())
		require.NoError(t, err)
		require.Equal(t, c.status == 200, runs == 1, "%s to %v", c.method, c.methods)
	}
}

func TestHookLetsInWhoItIsTo(t *testing.T) {
	t.Parallel()
	proxies := prefixes("10.0.0.0/8", "2001:db8:1::/48")
	for name, c := range map[string]struct {
		proxies   []netip.Prefix
		allowed   []netip.Prefix
		remote    string
		forwarded []string
		status    int
	}{
		"nobody is kept out":              {nil, nil, "203.0.113.9:1", nil, 200},
		"an address that is allowed":      {nil, prefixes("203.0.113.0/24"), "203.0.113.9:1", nil, 200},
		"one of several":                  {nil, prefixes("198.51.100.1/32", "203.0.113.0/24"), "203.0.113.9:1", nil, 200},
		"another":                         {nil, prefixes("203.0.113.0/24"), "203.0.112.9:1", nil, 403},
		"IPv6":                            {nil, prefixes("2001:db8::/32"), "[2001:db8::1]:1", nil, 200},
		"IPv6 with a zone":                {nil, prefixes("fe80::/10"), "[fe80::1%eth0]:1", nil, 200},
		"IPv4 in IPv6":                    {nil, prefixes("203.0.113.0/24"), "[::ffff:203.0.113.9]:1", nil, 200},
		"a rule for IPv4 in IPv6":         {nil, prefixes("::ffff:203.0.113.0/120"), "203.0.113.9:1", nil, 200},
		"no address":                      {nil, prefixes("0.0.0.0/0", "::/0"), "@", nil, 403},
		"no address, nobody kept out":     {nil, nil, "@", nil, 200},
		"a header that nobody believes":   {nil, prefixes("203.0.113.0/24"), "198.51.100.1:1", []string{"203.0.113.9"}, 403},
		"a header of a stranger":          {proxies, prefixes("203.0.113.0/24"), "198.51.100.1:1", []string{"203.0.113.9"}, 403},
		"a header of the proxy":           {proxies, prefixes("203.0.113.0/24"), "10.1.2.3:1", []string{"203.0.113.9"}, 200},
		"a lie before the proxy's word":   {proxies, prefixes("203.0.113.0/24"), "10.1.2.3:1", []string{"203.0.113.9, 198.51.100.1"}, 403},
		"a lie in a line of its own":      {proxies, prefixes("203.0.113.0/24"), "10.1.2.3:1", []string{"203.0.113.9", "198.51.100.1"}, 403},
		"the truth behind a lie":          {proxies, prefixes("203.0.113.0/24"), "10.1.2.3:1", []string{"198.51.100.1", "203.0.113.9"}, 200},
		"two proxies":                     {proxies, prefixes("203.0.113.0/24"), "10.1.2.3:1", []string{"203.0.113.9, 10.9.9.9,2001:db8:1::7"}, 200},
		"a proxy that calls for itself":   {proxies, prefixes("10.0.0.0/8"), "10.1.2.3:1", nil, 200},
		"proxies all the way":             {proxies, prefixes("10.0.0.0/8"), "10.1.2.3:1", []string{"10.4.4.4"}, 200},
		"a word that is no address":       {proxies, prefixes("0.0.0.0/0"), "10.1.2.3:1", []string{"203.0.113.9, unknown"}, 403},
		"an empty word":                   {proxies, prefixes("0.0.0.0/0"), "10.1.2.3:1", []string{"203.0.113.9,"}, 403},
		"an address with a port":          {proxies, prefixes("203.0.113.0/24"), "10.1.2.3:1", []string{"203.0.113.9:4711"}, 200},
		"an IPv6 address with a port":     {proxies, prefixes("2001:db8::/32"), "10.1.2.3:1", []string{"[2001:db8::5]:4711"}, 200},
		"an IPv6 address in brackets":     {proxies, prefixes("2001:db8::/32"), "10.1.2.3:1", []string{"[2001:db8::5]"}, 200},
		"a name":                          {proxies, prefixes("0.0.0.0/0"), "10.1.2.3:1", []string{"localhost"}, 403},
		"a header that goes on and on":    {proxies, prefixes("203.0.113.0/24"), "10.1.2.3:1", []string{strings.Repeat("203.0.113.9,", 50_000) + "198.51.100.1"}, 403},
		"a proxy in its IPv4-mapped form": {prefixes("::ffff:10.0.0.0/104"), prefixes("203.0.113.0/24"), "10.1.2.3:1", []string{"203.0.113.9"}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := start(t, engine.Config{TrustedProxies: c.proxies})
			hook := hooked(t, e, engine.HookOptions{AllowFrom: c.allowed})
			answer := call(t, e, hook, func(r *http.Request) {
				r.RemoteAddr = c.remote
				for _, line := range c.forwarded {
					r.Header.Add("X-Forwarded-For", line)
				}
				r.Header.Set("Forwarded", "for=203.0.113.9")
				r.Header.Set("X-Real-Ip", "203.0.113.9")
			})
			require.Equal(t, c.status, answer.Code)
		})
	}
}

func TestHookAsksForAKey(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	long := strings.Repeat("k", 512)
	hook := hooked(t, e, engine.HookOptions{APIKeys: []secret.Value{secret.NewString("first key"), secret.NewString(long)}, Headers: true})
	require.Equal(t, 2, hook.APIKeys)
	require.Empty(t, hook.Options.APIKeys, "they are never shown again")
	for key, status := range map[string]int{
		"first key": 200, long: 200, "": 401, "first ke": 401, "first key2": 401, "First key": 401, long + "k": 401, long[1:]: 401,
	} {
		answer := call(t, e, hook, func(r *http.Request) {
			if key != "" {
				r.Header.Set("x-make-apikey", key)
			}
		})
		require.Equal(t, status, answer.Code)
		require.Equal(t, status == 401, answer.Header().Get("WWW-Authenticate") != "")
		require.NotContains(t, answer.Body.String(), "first")
	}
	_, err := e.Tick(t.Context())
	require.NoError(t, err)
	scenario, err := e.Scenario(t.Context(), "Silent")
	require.NoError(t, err)
	all := executions(t, e, scenario.ID)
	require.Len(t, all, 2)
	for _, x := range all {
		text, err := x.Trace[0].Out[0].MarshalJSON()
		require.NoError(t, err)
		require.NotContains(t, string(text), "first key", "the key is the hook's affair, not the scenario's")
	}
}

func TestKeysStayUntilTheyAreTakenAway(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	status := func(hook *engine.Hook, key string) int {
		return call(t, e, hook, func(r *http.Request) { r.Header.Set("X-Make-ApiKey", key) }).Code
	}
	hook := hooked(t, e, engine.HookOptions{APIKeys: []secret.Value{secret.NewString("one")}})
	again := hooked(t, e, engine.HookOptions{Method: true})
	require.Equal(t, hook.Token, again.Token)
	require.Equal(t, 1, again.APIKeys)
	require.Equal(t, 200, status(again, "one"))
	require.Equal(t, 401, status(again, "two"))
	again = hooked(t, e, engine.HookOptions{APIKeys: []secret.Value{secret.NewString("two")}})
	require.Equal(t, 401, status(again, "one"), "a key that was replaced is worth nothing at once")
	require.Equal(t, 200, status(again, "two"))
	again = hooked(t, e, engine.HookOptions{NoAPIKeys: true})
	require.Zero(t, again.APIKeys)
	require.Equal(t, 200, status(again, ""))
}

func TestKeysOfOneHookOpenNoOther(t *testing.T) {
	t.Parallel()
	records := memory.New()
	e := start(t, engine.Config{Store: records})
	hook := hooked(t, e, engine.HookOptions{APIKeys: []secret.Value{secret.NewString("shared secret")}})
	other, err := e.Deploy(t.Context(), parse(t, silentHook), engine.DeployOptions{
		Name: "other", Activate: true, Hook: engine.HookOptions{APIKeys: []secret.Value{secret.NewString("another")}},
	})
	require.NoError(t, err)
	key := func(r *http.Request) { r.Header.Set("X-Make-Apikey", "shared secret") }
	require.Equal(t, 200, call(t, e, hook, key).Code)
	require.Equal(t, 401, call(t, e, other.Hook, key).Code)
	for record, err := range records.Find(t.Context(), store.Query{Kind: "hook", AllTenants: true}) {
		require.NoError(t, err)
		require.NotContains(t, string(record.Body), "shared secret")
	}
}

func TestStrangersDoNotUseUpTheHook(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{MaxHookRequests: 2})
	hook := hooked(t, e, engine.HookOptions{APIKeys: []secret.Value{secret.NewString("key")}, AllowFrom: prefixes("192.0.2.0/24"), Methods: []string{"POST"}})
	for range 5 {
		require.Equal(t, 403, call(t, e, hook, func(r *http.Request) { r.RemoteAddr = "198.51.100.1:1" }).Code)
		require.Equal(t, 405, call(t, e, hook, func(r *http.Request) { r.Method = http.MethodGet }).Code)
		require.Equal(t, 401, call(t, e, hook, func(*http.Request) {}).Code)
	}
	key := func(r *http.Request) { r.Header.Set("X-Make-Apikey", "key") }
	require.Equal(t, 200, call(t, e, hook, key).Code)
	require.Equal(t, 200, call(t, e, hook, key).Code)
	require.Equal(t, 429, call(t, e, hook, key).Code)
}

func TestHookOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	_, err := e.Deploy(t.Context(), parse(t, silentHook), engine.DeployOptions{Hook: engine.HookOptions{
		Methods: []string{"POST", "GET POST", ""}, AllowFrom: []netip.Prefix{{}}, Stringify: true, Structure: "x", NoAPIKeys: true,
		APIKeys:         []secret.Value{secret.NewString("fine"), secret.NewString(""), secret.NewString(" needle"), secret.NewString("needle\n"), secret.NewString("nädle"), secret.NewString(strings.Repeat("k", 513)), {}},
		ResponseTimeout: -1,
	}})
	require.ErrorIs(t, err, engine.ErrInvalid)
	for _, field := range []string{"Methods[1]", "Methods[2]", "AllowFrom[0]", "Structure", "NoAPIKeys", "APIKeys[1]", "APIKeys[2]", "APIKeys[3]", "APIKeys[4]", "APIKeys[5]", "APIKeys[6]", "ResponseTimeout"} {
		require.ErrorContains(t, err, "DeployOptions.Hook."+field)
	}
	require.NotContains(t, err.Error(), "Methods[0]")
	require.NotContains(t, err.Error(), "APIKeys[0]")
	require.NotContains(t, err.Error(), "needle")
	_, err = e.Scenario(t.Context(), "Silent")
	require.ErrorIs(t, err, engine.ErrNotFound, "nothing has changed")
	_, err = engine.New(engine.Config{TrustedProxies: []netip.Prefix{{}}})
	require.ErrorIs(t, err, engine.ErrInvalid)
}

func TestOptionsOfAHookCanBeRead(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	require.NoError(t, e.SaveStructure(t.Context(), connector.Structure{Name: "order", Fields: []connector.Field{{Name: "id", Type: connector.TypeNumber}}}))
	hooked(t, e, engine.HookOptions{
		Headers: true, Method: true, Structure: "order", Methods: []string{"post"}, AllowFrom: prefixes("192.0.2.7/24"),
		APIKeys: []secret.Value{secret.NewString("key")}, ResponseTimeout: 3 * time.Minute,
	})
	scenario, err := e.Scenario(t.Context(), "Silent")
	require.NoError(t, err)
	require.Equal(t, engine.HookOptions{
		Headers: true, Method: true, Structure: "order", Methods: []string{"POST"}, AllowFrom: prefixes("192.0.2.0/24"),
		ResponseTimeout: 3 * time.Minute,
	}, scenario.Hook.Options)
	require.Equal(t, 1, scenario.Hook.APIKeys)
}

func TestHookChecksRequestsAgainstItsStructure(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	options := engine.DeployOptions{Activate: true, Hook: engine.HookOptions{Structure: "12"}, Structures: map[string]string{"12": "person"}}
	_, err := e.Deploy(t.Context(), parse(t, silentHook), options)
	require.ErrorIs(t, err, engine.ErrNotFound)
	require.ErrorContains(t, err, `DeployOptions.Hook.Structure: engine: not found: data structure "person"`)
	person := connector.Structure{Name: "person", Strict: true, Fields: []connector.Field{
		{Name: "name", Type: connector.TypeText, Required: true}, {Name: "age", Type: connector.TypeInteger},
	}}
	require.NoError(t, e.SaveStructure(t.Context(), person))
	scenario, err := e.Deploy(t.Context(), parse(t, silentHook), options)
	require.NoError(t, err)

	status, body := post(t, e, scenario.Hook, "application/json", `{"age":"36","name":"Ada"}`)
	require.Equal(t, http.StatusOK, status, body)
	status, body = post(t, e, scenario.Hook, "application/json", `{"age":"needle","email":"needle"}`)
	require.Equal(t, http.StatusBadRequest, status)
	require.Equal(t, "field name: is required; field age: expected integer, received text; field email: is not part of the data structure: leave it out\n", body)
	_, err = e.Tick(t.Context())
	require.NoError(t, err)
	all := executions(t, e, scenario.ID)
	require.Len(t, all, 1, "what was refused is stored nowhere")
	require.True(t, connector.Equal(connector.NewBundle("name", "Ada", "age", 36), all[0].Trace[0].Out[0]))

	person.Strict = false
	require.NoError(t, e.SaveStructure(t.Context(), person))
	status, _ = post(t, e, scenario.Hook, "application/json", `{"name":"Ada","email":"ada@example.com"}`)
	require.Equal(t, http.StatusOK, status, "a change counts at once")
	require.NoError(t, e.DeleteStructure(t.Context(), "person"))
	status, body = post(t, e, scenario.Hook, "application/json", `{"name":"Ada"}`)
	require.Equal(t, http.StatusInternalServerError, status, "what cannot be checked is not let in")
	require.NotContains(t, body, "person")
}

func TestManyCallersAtOnceAreLetInOneByOne(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{MaxHookRequests: 100_000})
	require.NoError(t, e.SaveStructure(t.Context(), connector.Structure{Name: "n", Strict: true, Fields: []connector.Field{{Name: "n", Type: connector.TypeInteger}}}))
	hook := hooked(t, e, engine.HookOptions{Structure: "n", APIKeys: []secret.Value{secret.NewString("key")}, AllowFrom: prefixes("192.0.2.0/24")})
	var work sync.WaitGroup
	for i := range 8 {
		work.Go(func() {
			for j := range 20 {
				request := httptest.NewRequestWithContext(context.Background(), http.MethodPost, hook.Path()+"?n="+fmt.Sprint(i*20+j), http.NoBody)
				want := http.StatusUnauthorized
				if j%2 == 0 {
					request.Header.Set("X-Make-Apikey", "key")
					want = http.StatusOK
				}
				answer := httptest.NewRecorder()
				e.Hooks().ServeHTTP(answer, request)
				if answer.Code != want {
					t.Errorf("%d instead of %d", answer.Code, want)
				}
			}
		})
	}
	work.Wait()
	runs, err := e.Tick(t.Context())
	require.NoError(t, err)
	require.Equal(t, 80, runs)
}

func TestMisspelledWebhookIsCorrected(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	_, err := e.Deploy(t.Context(), parse(t, strings.Replace(silentHook, "CustomWebHook", "CustomWebhook", 1)), engine.DeployOptions{})
	require.ErrorContains(t, err, "gateway:CustomWebHook")
	_, unknown := e.Check(parse(t, strings.Replace(silentHook, "CustomWebHook", "CustomMailHook", 1)))
	require.Equal(t, []string{"gateway:CustomMailHook"}, unknown)
}
