package engine_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/transport"
	"github.com/ebbkit/ebb/crypto/secret"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

// A parrot is a service that repeats what it hears, wherever it can.
type parrot struct {
	*httptest.Server
	other *httptest.Server
}

// renewed is the access token that a parrot gives.
const renewed = `fresh n33dle/token+"of&the service`

func newParrot(t *testing.T) *parrot {
	t.Helper()
	p := &parrot{}
	p.Server, p.other = httptest.NewServer(p), httptest.NewServer(p)
	t.Cleanup(p.Close)
	t.Cleanup(p.other.Close)
	return p
}

func (p *parrot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	heard := r.Method + " " + r.URL.String() + " " + r.Form.Encode()
	for name, values := range r.Header {
		heard += " " + name + ": " + strings.Join(values, ", ")
	}
	if user, password, ok := r.BasicAuth(); ok {
		heard += " " + user + ":" + password
		if plain, err := url.QueryUnescape(password); err == nil {
			heard += " " + plain
		}
	}
	switch r.URL.Path {
	case "/redirect":
		http.Redirect(w, r, p.other.URL+"/500?heard="+url.QueryEscape(heard), http.StatusFound)
		return
	case "/hangup":
		panic(http.ErrAbortHandler)
	case "/token":
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": renewed, "refresh_token": careless + " next", "expires_in": 3600})
		return
	}
	for _, name := range []string{"X-Heard", "Www-Authenticate", "Retry-After", "Location"} {
		w.Header().Set(name, heard)
	}
	http.SetCookie(w, &http.Cookie{Name: "heard", Value: url.QueryEscape(heard)})
	status := http.StatusOK
	_, _ = fmt.Sscanf(r.URL.Path, "/%d", &status)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": heard, "bytes": []byte(heard), "error_description": url.QueryEscape(heard), "list": []string{heard}})
}

// accounts are all kinds of connections that hold secrets, with the parameters by which a request uses them.
func (p *parrot) accounts() map[string]account {
	return map[string]account{
		"API key in a header": {"apikeyauth", `"authenticationType":"apiKey","apiKeyKeychain":"mine"`, connector.NewBundle("name", "X-Key"), []string{"key"}},
		"API key in the query": {"apikeyauth", `"authenticationType":"apiKey","apiKeyKeychain":"mine"`,
			connector.NewBundle("name", "key", "placement", "qs"), []string{"key"}},
		"API key with a prefix": {"apikeyauth", `"authenticationType":"apiKey","apiKeyKeychain":"mine"`, connector.NewBundle("prefix", "Token"), []string{"key"}},
		"basic":                 {"basicauth", `"authenticationType":"basicAuth","basicAuthKeychain":"mine"`, connector.NewBundle("authUser", "ada"), []string{"authPass"}},
		"OAuth": {"oauth2", `"authenticationType":"oAuth","oAuthAccount":"mine"`,
			connector.NewBundle("tokenUri", p.URL+"/token", "clientId", "ebb", "tokenPlacement", "both"), []string{"accessToken", "refreshToken", "clientSecret"}},
		"OAuth that is renewed": {"oauth2", `"authenticationType":"oAuth","oAuthAccount":"mine"`,
			connector.NewBundle("tokenUri", p.URL+"/token", "clientId", "ebb", "flowType", "clientCredentials"), []string{"clientSecret"}},
		"OAuth that is refused": {"oauth2", `"authenticationType":"oAuth","oAuthAccount":"mine"`,
			connector.NewBundle("tokenUri", p.URL+"/400", "clientId", "ebb", "clientAuthentication", "body"), []string{"refreshToken", "clientSecret"}},
		"client certificate": {"clientcertauth", `"tlsType":"mTls","tlsKeychain":"mine"`, connector.NewBundle("cert", "-----BEGIN CERTIFICATE-----"), []string{"key"}},
		"proxy":              {"proxy", `"proxyKeychain":"mine"`, connector.NewBundle("host", "127.0.0.1", "port", p.port(), "authUser", "ada"), []string{"authPass"}},
	}
}

type account struct {
	kind, params string
	fields       connector.Bundle
	secrets      []string
}

func (p *parrot) port() string {
	at, _ := url.Parse(p.URL)
	return at.Port()
}

func TestNoSinkHasASecretThatAServiceRepeats(t *testing.T) {
	t.Parallel()
	service := newParrot(t)
	for name, account := range service.accounts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, path := range []string{"/200", "/400", "/401", "/429", "/500", "/redirect", "/hangup"} {
				service.check(t, &account, path)
			}
		})
	}
}

// check runs a scenario that asks for a path, in all ways, and looks into everything that is left of it.
func (p *parrot) check(t *testing.T, account *account, path string) {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	records := memory.New()
	e := start(t, engine.Config{
		Store: records, Vault: plainVault{}, Logger: zap.New(core), Network: transport.Policy{Allow: transport.Loopback()},
	})
	serve(t, e)
	saved := connector.Connection{Name: "mine", Type: account.kind, Fields: account.fields, Secrets: map[string]secret.Value{}}
	for _, name := range account.secrets {
		saved.Secrets[name] = secret.NewString(careless)
	}
	require.NoError(t, e.SaveConnection(t.Context(), saved))
	scenario, err := e.Deploy(t.Context(), parse(t, `{"name":"Ask","flow":[
	  {"id":1,"module":"gateway:CustomWebHook","version":1,"parameters":{"hook":7},"mapper":{}},
	  {"id":2,"module":"http:MakeRequest","version":4,"parameters":{`+account.params+`},
	   "mapper":{"url":"`+p.URL+path+`","method":"get","stopOnHttpError":true,"parseResponse":true}},
	  {"id":3,"module":"json:ParseJSON","version":1,"parameters":{},"mapper":{"json":"no JSON: {{2.data.error}}"}},
	  {"id":4,"module":"gateway:WebhookRespond","version":1,"mapper":{"status":"200","body":"done"}}]}`), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	x, err := e.Run(t.Context(), scenario.ID, connector.NewBundle("from", "people"))
	require.NoError(t, err)
	require.NotNil(t, x.Failure, path)
	_, answer := post(t, e, scenario.Hook, "application/json", `{"from":"a program"}`)
	require.Equal(t, "Scenario failed to complete.", strings.TrimSpace(answer))

	told := []string{allTold(t, x), answer}
	kept := 0
	for x, err := range e.Executions(t.Context(), scenario.ID, engine.Query{}) {
		require.NoError(t, err)
		told = append(told, allTold(t, x))
		kept++
	}
	require.NotZero(t, kept)
	for line, err := range e.Activity(t.Context(), "", engine.Query{}) {
		require.NoError(t, err)
		told = append(told, allTold(t, line))
	}
	for connection, err := range e.Connections(t.Context()) {
		require.NoError(t, err)
		told = append(told, fmt.Sprintf("%+v", connection))
	}
	for _, entry := range logs.All() {
		told = append(told, fmt.Sprintf("%+v %+v", entry.Entry, entry.ContextMap()))
	}
	// The vault seals nothing, so that what is stored can be read, but for the connection itself.
	for _, kind := range []store.Kind{"execution", "activity", "delivery", "scenario", "state", "entry"} {
		for record, err := range records.Find(t.Context(), store.Query{Kind: kind}) {
			require.NoError(t, err)
			told = append(told, fmt.Sprintf("%s %+v %s", kind, record.Key, record.Body))
		}
	}
	for _, text := range told {
		requireNoSecret(t, text, careless, renewed)
	}
}

func TestParrotIsHeardWhereNobodyMasks(t *testing.T) {
	t.Parallel()
	service := newParrot(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, service.URL+"/401", http.NoBody)
	require.NoError(t, err)
	request.SetBasicAuth("ada", careless)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	var mask secret.Mask
	mask.Add(secret.NewString(careless))
	for _, text := range []string{response.Header.Get("X-Heard"), response.Header.Get("Set-Cookie")} {
		require.NotEqual(t, text, mask.Text(text))
	}
}
