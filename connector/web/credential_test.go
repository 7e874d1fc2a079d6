package web_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
	"github.com/ebbkit/ebb/connector/web"
	"github.com/ebbkit/ebb/crypto/secret"
)

// account makes a connection of a type. Secrets are names and texts.
func account(kind string, fields connector.Bundle, secrets ...string) *connector.Connection {
	return &connector.Connection{Name: "account", Type: kind, Fields: fields, Secrets: hidden(secrets...)}
}

// hidden makes secrets of names and texts.
func hidden(namesAndTexts ...string) map[string]secret.Value {
	secrets := map[string]secret.Value{}
	for i := 0; i < len(namesAndTexts); i += 2 {
		secrets[namesAndTexts[i]] = secret.NewString(namesAndTexts[i+1])
	}
	return secrets
}

// A door is a module with the parameters and the connection that let its requests in.
type door struct {
	module, param, kind string
	params              []any
}

// doors are the modules that act with a connection of a type.
func doors(kind string) []door {
	all := []door{
		{"ActionSendDataBasicAuth", "key", web.BasicAuth, nil},
		{"ActionSendDataAPIKeyAuth", "auth", web.APIKey, nil},
		{"ActionSendDataOAuth", "account", web.OAuth2, nil},
		{"ActionSendDataClientCertAuth", "key", web.ClientCertificate, nil},
	}
	for _, name := range []string{"MakeRequest", "DownloadFile"} {
		all = append(all,
			door{name, "basicAuthKeychain", web.BasicAuth, []any{"authenticationType", "basicAuth"}},
			door{name, "apiKeyKeychain", web.APIKey, []any{"authenticationType", "apiKey"}},
			door{name, "oAuthAccount", web.OAuth2, []any{"authenticationType", "oAuth"}},
			door{name, "mTlsKeychain", web.ClientCertificate, []any{"tlsType", "mTls"}},
			door{name, "caKeychain", web.Authority, []any{"tlsType", "tls"}},
			door{name, "proxyKeychain", web.Proxy, nil},
		)
	}
	var list []door
	for _, d := range all {
		if d.kind == kind {
			list = append(list, d)
		}
	}
	return list
}

// run calls the module with a connection.
func (d door) run(t *testing.T, c *connector.Connection, input ...any) connectortest.Result {
	t.Helper()
	return d.call(t, connectortest.Call{Connections: map[string]*connector.Connection{d.param: c}}, input...)
}

func (d door) call(t *testing.T, call connectortest.Call, input ...any) connectortest.Result {
	t.Helper()
	call.Params, call.Input = connector.NewBundle(d.params...), connector.NewBundle(input...)
	call.Params.Set(d.param, 7)
	return connectortest.Run(t, module(t, d.module), call)
}

// text is the data of a response as text, whatever module has received it.
func text(t *testing.T, result connectortest.Result) string {
	t.Helper()
	return textOf(t, output(t, result).Get("data"))
}

// header serves the value of a header of the request.
func headerServer(t *testing.T, name string) *httptest.Server {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get(name)+r.URL.Query().Get("q"))
	})
}

func TestBasicAuthComesFromTheConnection(t *testing.T) {
	t.Parallel()
	server := headerServer(t, "Authorization")
	for _, d := range doors(web.BasicAuth) {
		got := text(t, d.run(t, account(web.BasicAuth, connector.NewBundle("authUser", "ada"), "authPass", "p:ä w"),
			"url", server.URL, "headers", pairs("Authorization", "of the scenario")))
		require.Equal(t, "Basic "+base64.StdEncoding.EncodeToString([]byte("ada:p:ä w")), got, d.module)
	}
}

func TestAPIKeyStandsWhereTheConnectionSays(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode([]string{r.Header.Get("X-Api-Key"), r.Header.Get("Authorization"), r.URL.RawQuery})
	})
	for name, c := range map[string]struct {
		fields connector.Bundle
		want   []string
	}{
		"header":            {connector.NewBundle("name", "x-API-key", "placement", "header"), []string{"k/1 2", "", "a=1"}},
		"header by default": {connector.NewBundle("name", "X-Api-Key"), []string{"k/1 2", "", "a=1"}},
		"no name":           {connector.NewBundle("prefix", "Bearer"), []string{"", "Bearer k/1 2", "a=1"}},
		"prefix and blank":  {connector.NewBundle("name", "Authorization", "prefix", "Token "), []string{"", "Token k/1 2", "a=1"}},
		"query":             {connector.NewBundle("name", "api key", "placement", "qs"), []string{"", "", "a=1&api%20key=k%2F1%202"}},
		"query that stands": {connector.NewBundle("name", "a", "placement", "query"), []string{"", "", "a=k%2F1%202"}},
	} {
		for _, d := range doors(web.APIKey) {
			got := text(t, d.run(t, account(web.APIKey, c.fields, "key", "k/1 2"), "url", server.URL+"/?a=1"))
			var parts []string
			require.NoError(t, json.Unmarshal([]byte(got), &parts))
			require.Equal(t, c.want, parts, "%s of %s", name, d.module)
		}
	}
}

func TestConnectionsThatCannotBeUsedAreRefused(t *testing.T) {
	t.Parallel()
	server := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the request was sent") })
	for name, c := range map[string]*connector.Connection{
		"no key":               account(web.APIKey, connector.NewBundle("name", "X")),
		"empty key":            account(web.APIKey, connector.NewBundle("name", "X"), "key", ""),
		"two lines":            account(web.APIKey, connector.NewBundle("name", "X"), "key", "needle\r\nX-Evil: 1"),
		"no header name":       account(web.APIKey, connector.NewBundle("name", "X Y"), "key", "needle"),
		"host":                 account(web.APIKey, connector.NewBundle("name", "Host"), "key", "needle"),
		"query without a name": account(web.APIKey, connector.NewBundle("placement", "qs"), "key", "needle"),
		"elsewhere":            account(web.APIKey, connector.NewBundle("name", "X", "placement", "cookie"), "key", "needle"),
		"no password":          account(web.BasicAuth, connector.NewBundle("authUser", "ada")),
		"user with a colon":    account(web.BasicAuth, connector.NewBundle("authUser", "a:b"), "authPass", "needle"),
		"token of two lines":   account(web.OAuth2, connector.Bundle{}, "accessToken", "needle\nx"),
		"token elsewhere":      account(web.OAuth2, connector.NewBundle("tokenPlacement", "cookie"), "accessToken", "needle"),
		"unknown flow":         account(web.OAuth2, connector.NewBundle("flowType", "implicit"), "clientSecret", "needle"),
		"no token endpoint":    account(web.OAuth2, connector.NewBundle("flowType", "clientCredentials"), "clientSecret", "needle"),
		"odd client":           account(web.OAuth2, connector.NewBundle("flowType", "clientCredentials", "tokenUri", server.URL, "clientAuthentication", "jwt")),
		"no certificate":       account(web.ClientCertificate, connector.Bundle{}, "key", "needle"),
		"no private key":       account(web.ClientCertificate, connector.NewBundle("cert", "needle")),
		"no authority":         account(web.Authority, connector.Bundle{}),
		"no proxy":             account(web.Proxy, connector.NewBundle("port", "8080")),
		"no port":              account(web.Proxy, connector.NewBundle("host", "proxy.test")),
		"empty password":       account(web.Proxy, connector.NewBundle("host", "proxy.test", "port", 1), "authPass", ""),
	} {
		for _, d := range doors(c.Type) {
			err := d.run(t, c, "url", server.URL).Err
			require.Equal(t, connector.AccountValidationError, connector.TypeOf(err), "%s of %s: %v", name, d.module, err)
			require.NotContains(t, err.Error(), "needle")
			require.ErrorContains(t, err, `connection "account"`)
		}
	}
	destroyed := account(web.APIKey, connector.NewBundle("name", "X"), "key", "needle")
	destroyed.Secrets["key"].Destroy()
	require.Equal(t, connector.AccountValidationError, connector.TypeOf(doors(web.APIKey)[0].run(t, destroyed, "url", server.URL).Err))
}

func TestSecretsDoNotFollowARedirectToAnotherOrigin(t *testing.T) {
	t.Parallel()
	var elsewhere string
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		for name, values := range r.Header {
			elsewhere += name + ": " + strings.Join(values, ",") + "\n"
		}
		elsewhere += r.URL.String() + string(body)
		w.WriteHeader(http.StatusUnauthorized)
	})
	var home int
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		home++
		http.Redirect(w, r, other.URL, http.StatusFound)
	})
	for _, c := range []*connector.Connection{
		account(web.APIKey, connector.NewBundle("name", "X-Key"), "key", "needle5ecret"),
		account(web.APIKey, connector.NewBundle("name", "key", "placement", "qs"), "key", "needle5ecret"),
		account(web.BasicAuth, connector.NewBundle("authUser", "ada"), "authPass", "needle5ecret"),
		account(web.OAuth2, connector.NewBundle("tokenPlacement", "both", "tokenUri", other.URL), "accessToken", "needle5ecret", "refreshToken", "needle5ecret"),
	} {
		for _, d := range doors(c.Type) {
			elsewhere, home = "", 0
			result := d.run(t, c, "url", server.URL)
			require.Equal(t, int64(401), output(t, result).Get("statusCode"))
			require.NotEmpty(t, elsewhere)
			require.Equal(t, 1, home, "a stranger's 401 does not renew the token")
			require.Empty(t, result.Renewed)
			for _, form := range []string{"needle5ecret", base64.StdEncoding.EncodeToString([]byte("ada:needle5ecret"))} {
				require.NotContains(t, elsewhere, form, "%s with %s", d.module, c.Type)
			}
		}
	}
}

func TestSecretsStayOutOfErrorsThatServicesSendBack(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Echo", r.Header.Get("X-Key"))
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]any{
			"headers": r.Header, "url": r.URL.String(), "list": []string{"was " + r.Header.Get("X-Key") + r.Header.Get("Authorization")}, "n": 1,
		})
	})
	const needle = `n"eedle&5 ecret/`
	quoted, _ := json.Marshal(needle)
	for _, c := range []*connector.Connection{
		account(web.APIKey, connector.NewBundle("name", "X-Key"), "key", needle),
		account(web.APIKey, connector.NewBundle("name", "key", "placement", "qs"), "key", needle),
		account(web.BasicAuth, connector.NewBundle("authUser", "ada"), "authPass", needle),
		account(web.OAuth2, connector.NewBundle("tokenPlacement", "both"), "accessToken", needle, "refreshToken", "unused-"+needle, "clientSecret", "x"),
	} {
		for _, d := range doors(c.Type) {
			for _, parse := range []bool{true, false} {
				call := connectortest.Call{Connections: map[string]*connector.Connection{d.param: c}}
				if !strings.HasPrefix(d.module, "ActionSendData") {
					call.Params = connector.Bundle{}
				}
				d := d
				d.params = append([]any{"handleErrors", true}, d.params...)
				err := d.call(t, call, "url", server.URL, "stopOnHttpError", true, "parseResponse", parse).Err
				shown := connector.AsError(err)
				require.Equal(t, connector.DataError, shown.Type)
				require.Equal(t, int64(400), shown.Detail.Get("statusCode"))
				detail, jsonErr := shown.Detail.MarshalJSON()
				require.NoError(t, jsonErr)
				seen := shown.Message + string(detail)
				if data, ok := shown.Detail.Get("data").([]byte); ok {
					seen += string(data)
				}
				require.Contains(t, seen, secret.Masked)
				for _, form := range []string{
					needle, strings.Trim(string(quoted), `"`), url.QueryEscape(needle), url.PathEscape(needle),
					"n%22eedle%265%20ecret%2F", base64.StdEncoding.EncodeToString([]byte("ada:" + needle)),
				} {
					require.NotContains(t, seen, form, "%s with %s", d.module, c.Type)
				}
			}
		}
	}
}

func TestModulesWithConnectionsConform(t *testing.T) {
	t.Parallel()
	input := connector.NewBundle("url", "https://service.example/")
	var samples []connectortest.Sample
	for kind, c := range map[string]*connector.Connection{
		web.APIKey:            account(web.APIKey, connector.NewBundle("name", "X-Key"), "key", ""),
		web.BasicAuth:         account(web.BasicAuth, connector.NewBundle("authUser", "ada"), "authPass", ""),
		web.OAuth2:            account(web.OAuth2, connector.NewBundle("tokenUri", "https://id.example/token", "clientId", "me"), "accessToken", "", "refreshToken", "", "clientSecret", ""),
		web.ClientCertificate: account(web.ClientCertificate, connector.NewBundle("cert", "PEM"), "key", ""),
		web.Authority:         account(web.Authority, connector.NewBundle("ca", "PEM")),
		web.Proxy:             account(web.Proxy, connector.NewBundle("host", "proxy.example", "port", 3128), "authPass", ""),
	} {
		for _, d := range doors(kind) {
			for _, errors := range []bool{false, true} {
				params, in := connector.NewBundle(d.params...), input.Clone()
				params.Set(d.param, 7)
				params.Set("handleErrors", errors)
				in.Set("stopOnHttpError", errors)
				samples = append(samples, connectortest.Sample{Module: d.module, Call: connectortest.Call{
					Params: params, Input: in, Connections: map[string]*connector.Connection{d.param: c},
				}})
			}
		}
	}
	connectortest.Conform(t, web.New(web.Config{}), samples...)
}

func TestModulesNameTheConnectionsThatTheyNeed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		module string
		params []any
		want   []connector.Need
	}{
		"none":             {"ActionSendData", nil, nil},
		"v3":               {"ActionSendDataAPIKeyAuth", nil, []connector.Need{{Param: "auth", Type: web.APIKey}}},
		"certificate":      {"ActionSendDataClientCertAuth", []any{"key", 3}, []connector.Need{{Param: "key", Type: web.ClientCertificate}}},
		"certificate none": {"ActionSendDataClientCertAuth", nil, []connector.Need{{Param: "auth", Type: web.ClientCertificate}}},
		"noAuth":           {"MakeRequest", []any{"authenticationType", "noAuth", "tlsType", "", "proxyKeychain", "", "apiKeyKeychain", 7}, nil},
		"all": {"MakeRequest", []any{"authenticationType", "apiKey", "tlsType", "mTls", "proxyKeychain", 3, "apiKeyKeychain", 1, "clientCertKeychain", 2}, []connector.Need{
			{Param: "apiKeyKeychain", Type: web.APIKey}, {Param: "clientCertKeychain", Type: web.ClientCertificate}, {Param: "proxyKeychain", Type: web.Proxy},
		}},
		"authority":       {"DownloadFile", []any{"tlsType", "tls"}, []connector.Need{{Param: "tlsKeychain", Type: web.Authority}}},
		"oAuth":           {"MakeRequest", []any{"authenticationType", "oAuth"}, []connector.Need{{Param: "oAuthAccount", Type: web.OAuth2}}},
		"oAuth otherwise": {"MakeRequest", []any{"authenticationType", "oAuth", "__IMTCONN__", 9}, []connector.Need{{Param: "__IMTCONN__", Type: web.OAuth2}}},
	} {
		require.Equal(t, c.want, module(t, c.module).(connector.Connected).Connections(connector.NewBundle(c.params...)), name)
	}
}
