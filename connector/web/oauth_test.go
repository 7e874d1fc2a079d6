package web_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
	"github.com/ebbkit/ebb/connector/web"
)

// now is the instant of the calls in these tests.
var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// An issuer is a token endpoint and a service that accepts the last access token that it has issued.
type issuer struct {
	*httptest.Server
	mu       sync.Mutex
	accepted string
	issued   int
	forms    []url.Values
	users    []string
	calls    int
	// answer replaces what the token endpoint says, rotates says that it gives new refresh tokens.
	answer  func(w http.ResponseWriter, form url.Values)
	rotates bool
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	s := &issuer{accepted: "first"}
	s.Server = serve(t, s.serve)
	return s
}

func (s *issuer) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.URL.Path != "/token" {
		s.calls++
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ") + r.URL.Query().Get("access_token")
		if token != s.accepted {
			w.WriteHeader(http.StatusUnauthorized)
		}
		body, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, r.Method+" "+string(body))
		return
	}
	_ = r.ParseForm()
	s.forms = append(s.forms, r.PostForm)
	user, password, _ := r.BasicAuth()
	s.users = append(s.users, user+":"+password)
	if s.answer != nil {
		s.answer(w, r.PostForm)
		return
	}
	s.issued++
	s.accepted = "issued-" + strconv.Itoa(s.issued)
	given := map[string]any{"access_token": s.accepted, "token_type": "Bearer", "expires_in": 3600}
	if s.rotates {
		given["refresh_token"] = "refresh-" + strconv.Itoa(s.issued)
	}
	_ = json.NewEncoder(w).Encode(given)
}

// authorized is a connection that people have authorised.
func (s *issuer) authorized(fields ...any) *connector.Connection {
	b := connector.NewBundle(append([]any{"tokenUri", s.URL + "/token", "clientId", "me & you"}, fields...)...)
	return account(web.OAuth2, b, "accessToken", "first", "refreshToken", "refresh-0", "clientSecret", "s3cret/needle")
}

func secretOf(t *testing.T, c *connector.Connection, name string) string {
	t.Helper()
	text, err := c.Secrets[name].Reveal()
	require.NoError(t, err)
	return text
}

func TestValidAccessTokenIsUsedAsItIs(t *testing.T) {
	t.Parallel()
	s := newIssuer(t)
	for _, d := range doors(web.OAuth2) {
		for name, c := range map[string]*connector.Connection{
			"no end":   s.authorized(),
			"an hour":  s.authorized("expires", now.Add(time.Hour)),
			"query":    s.authorized("tokenPlacement", "qs"),
			"no grant": account(web.OAuth2, connector.Bundle{}, "accessToken", "first"),
		} {
			result := d.call(t, connectortest.Call{Connections: map[string]*connector.Connection{d.param: c}, Now: now}, "url", s.URL)
			require.Equal(t, "GET ", text(t, result), name)
			require.Empty(t, result.Renewed)
		}
	}
	require.Empty(t, s.forms)
}

func TestExpiredAccessTokenIsRenewedBeforeTheRequest(t *testing.T) {
	t.Parallel()
	for _, d := range doors(web.OAuth2) {
		for name, expires := range map[string]time.Time{"past": now.Add(-time.Hour), "in a moment": now.Add(10 * time.Second)} {
			s := newIssuer(t)
			s.accepted, s.rotates = "", true
			call := connectortest.Call{Connections: map[string]*connector.Connection{d.param: s.authorized("expires", expires)}, Now: now}
			result := d.call(t, call, "url", s.URL)
			require.Equal(t, "GET ", text(t, result), name)
			require.Equal(t, 1, s.calls, "the old token was not tried")
			require.Len(t, result.Renewed, 1)
			c := result.Renewed[0]
			require.Equal(t, "issued-1", secretOf(t, c, "accessToken"))
			require.Equal(t, "refresh-1", secretOf(t, c, "refreshToken"))
			require.Equal(t, "s3cret/needle", secretOf(t, c, "clientSecret"))
			require.Equal(t, now.Add(time.Hour), c.Fields.Get("expires"))
			require.Equal(t, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"refresh-0"}}, s.forms[0])
			require.Equal(t, url.QueryEscape("me & you")+":"+url.QueryEscape("s3cret/needle"), s.users[0])
			require.Equal(t, "first", secretOf(t, call.Connections[d.param], "accessToken"), "what the call was given is as it was")
		}
	}
}

func TestRefusedAccessTokenIsRenewedOnceAndTheRequestSentAgain(t *testing.T) {
	t.Parallel()
	for _, d := range doors(web.OAuth2) {
		s := newIssuer(t)
		s.accepted = "another"
		result := d.call(t, connectortest.Call{Connections: map[string]*connector.Connection{d.param: s.authorized()}, Now: now},
			"url", s.URL, "method", "post", "bodyType", "raw", "data", "body", "contentType", map[bool]string{true: "custom"}[d.module == "MakeRequest"], "rawBodyContent", "body")
		if d.module == "DownloadFile" {
			require.Equal(t, "GET ", text(t, result))
		} else {
			require.Equal(t, "POST body", text(t, result), "the body is sent whole again")
		}
		require.Len(t, result.Renewed, 1)
		require.Equal(t, "refresh-0", secretOf(t, result.Renewed[0], "refreshToken"), "the service gave no other")
		require.Equal(t, 2, s.calls)

		// A service that accepts no token at all is asked twice and no more.
		s = newIssuer(t)
		s.answer = func(w http.ResponseWriter, _ url.Values) { _, _ = io.WriteString(w, `{"access_token":"useless"}`) }
		s.accepted = "another"
		result = d.run(t, s.authorized("expires", now.Add(time.Hour)), "url", s.URL)
		require.Equal(t, int64(401), output(t, result).Get("statusCode"))
		require.Equal(t, 2, s.calls)
		require.Len(t, s.forms, 1)
		require.Nil(t, result.Renewed[0].Fields.Get("expires"), "the service did not say when")

		// So is one that refuses a token that was just issued, because the old one had expired.
		result = d.call(t, connectortest.Call{Connections: map[string]*connector.Connection{d.param: s.authorized("expires", now)}, Now: now}, "url", s.URL)
		require.Equal(t, int64(401), output(t, result).Get("statusCode"))
		require.Len(t, s.forms, 2)

		// Without a refresh token there is nothing to be done about it.
		result = d.run(t, account(web.OAuth2, connector.Bundle{}, "accessToken", "first"), "url", s.URL)
		require.Equal(t, int64(401), output(t, result).Get("statusCode"))
		require.Len(t, s.forms, 2)
	}
}

func TestClientCredentialsNeedNothingSavedBeforehand(t *testing.T) {
	t.Parallel()
	for _, d := range doors(web.OAuth2) {
		s := newIssuer(t)
		c := account(web.OAuth2, connector.NewBundle("flowType", "clientCredentials", "tokenUri", s.URL+"/token", "clientId", "me",
			"clientAuthentication", "body", "scope", []any{"read", "write"}, "scopeSeparator", ",",
			"tokenParams", connector.NewBundle("audience", "https://api.example", "n", 1)), "clientSecret", "s3cret")
		result := d.run(t, c, "url", s.URL)
		require.Equal(t, "GET ", text(t, result))
		require.Equal(t, url.Values{
			"grant_type": {"client_credentials"}, "scope": {"read,write"}, "audience": {"https://api.example"},
			"client_id": {"me"}, "client_secret": {"s3cret"},
		}, s.forms[0])
		require.Equal(t, ":", s.users[0])
		require.Equal(t, "issued-1", secretOf(t, result.Renewed[0], "accessToken"))

		// The token that was stored is good for the next call, until the service takes it back.
		again := d.run(t, result.Renewed[0], "url", s.URL)
		require.Equal(t, "GET ", text(t, again))
		require.Empty(t, again.Renewed)
		s.accepted = "another"
		require.Equal(t, "GET ", text(t, d.run(t, result.Renewed[0], "url", s.URL)))
	}
	s := newIssuer(t)
	public := account(web.OAuth2, connector.NewBundle("tokenUri", s.URL+"/token", "clientId", "app"), "refreshToken", "refresh-0")
	require.Equal(t, "GET ", text(t, doors(web.OAuth2)[0].run(t, public, "url", s.URL)))
	require.Equal(t, "app", s.forms[0].Get("client_id"), "a client without a secret says who it is")
}

func TestRefusedRenewalsAreTyped(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		want   connector.ErrorType
		says   string
	}{
		"grant":            {400, `{"error":"invalid_grant","error_description":"needle refresh-0"}`, connector.InvalidAccessTokenError, "invalid_grant"},
		"grant with 200":   {200, `{"error":"invalid_grant"}`, connector.InvalidAccessTokenError, "authorise the account again"},
		"client":           {401, `{"error":"invalid_client"}`, connector.AccountValidationError, "invalid_client"},
		"scope":            {400, `{"error":"invalid_scope"}`, connector.AccountValidationError, "invalid_scope"},
		"unknown":          {400, `{"error":"needle"}`, connector.AccountValidationError, "answered 400"},
		"text":             {403, `needle`, connector.AccountValidationError, "answered 403"},
		"redirect":         {302, ``, connector.AccountValidationError, "answered 302"},
		"no token":         {200, `{"token":"needle"}`, connector.AccountValidationError, "no access token in JSON"},
		"no JSON":          {200, `access_token=needle`, connector.AccountValidationError, "no access token in JSON"},
		"cut off":          {200, `{"access_token":"needle`, connector.AccountValidationError, "no access token in JSON"},
		"endless":          {200, `{"access_token":"` + strings.Repeat("needle", 400_000) + `"}`, connector.AccountValidationError, "no access token in JSON"},
		"too often":        {429, ``, connector.RateLimitError, "answered 429"},
		"down":             {503, `{"error":"server_error"}`, connector.ConnectionError, "answered 503"},
		"temporarily down": {400, `{"error":"temporarily_unavailable"}`, connector.ConnectionError, "answered 400"},
		"token of lines":   {200, `{"access_token":"needle\nneedle"}`, connector.AccountValidationError, "cannot stand in a header"},
	} {
		s := newIssuer(t)
		s.answer = func(w http.ResponseWriter, _ url.Values) {
			w.Header().Set("Retry-After", "7")
			w.Header().Set("Location", s.URL+"/elsewhere")
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}
		for _, d := range doors(web.OAuth2) {
			result := d.call(t, connectortest.Call{
				Connections: map[string]*connector.Connection{d.param: s.authorized("expires", now)}, Now: now,
			}, "url", s.URL)
			require.Equal(t, c.want, connector.TypeOf(result.Err), "%s: %v", name, result.Err)
			require.ErrorContains(t, result.Err, c.says)
			for _, secret := range []string{"needle", "refresh-0", "first"} {
				require.NotContains(t, result.Err.Error(), secret, name)
			}
			require.Zero(t, s.calls, name)
			if c.status == http.StatusTooManyRequests {
				require.Equal(t, 7*time.Second, connector.AsError(result.Err).After)
			}
		}
	}
	d := doors(web.OAuth2)[0]
	gone := account(web.OAuth2, connector.NewBundle("expires", now), "accessToken", "first")
	err := d.call(t, connectortest.Call{Connections: map[string]*connector.Connection{d.param: gone}, Now: now}, "url", "http://127.0.0.1:1/").Err
	require.Equal(t, connector.InvalidAccessTokenError, connector.TypeOf(err))
	require.ErrorContains(t, err, "no refresh token")

	// The token endpoint is under the address rules of the host.
	inside := account(web.OAuth2, connector.NewBundle("tokenUri", "http://169.254.169.254/token?needle"), "refreshToken", "needle")
	err = d.run(t, inside, "url", "http://127.0.0.1:1/").Err
	require.Equal(t, connector.DataError, connector.TypeOf(err))
	require.ErrorContains(t, err, "is not allowed")
	require.NotContains(t, err.Error(), "needle")
}

func TestTokenThatExpiresBetweenTwoPagesIsRenewed(t *testing.T) {
	t.Parallel()
	s := newIssuer(t)
	pages := 0
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+s.accepted {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		pages++
		if pages == 2 {
			s.accepted = "another"
		}
		_, _ = io.WriteString(w, `[`+strings.Repeat(`1,`, 3-pages/3)+`1]`)
	})
	d := door{"MakeRequest", "oAuthAccount", web.OAuth2, []any{"authenticationType", "oAuth"}}
	result := d.run(t, s.authorized(), "url", server.URL, "paginationType", "pageBased", "limit", 4)
	require.NoError(t, result.Err)
	require.Len(t, result.Bundles, 3)
	require.Len(t, result.Renewed, 1)
}
