package web

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto/secret"
)

// expiryMargin is how long before its end an access token counts as expired, so that it is still valid when it arrives.
const expiryMargin = 30 * time.Second

// maxTokenBytes limits the answer of a token endpoint.
const maxTokenBytes = 1 << 20

// The grants by which access tokens are had (RFC 6749, sections 4.1 and 4.4).
const (
	authorizationCode = "authorizationCode"
	clientCredentials = "clientCredentials"
)

// A token is the OAuth 2 connection of an operation.
type token struct {
	connection *connector.Connection
	expires    time.Time // zero: not known
	missing    bool
}

// oauth reads a connection of type OAuth2.
func (o *operation) oauth(c *connector.Connection) error {
	o.token = &token{connection: c}
	o.token.expires, _ = c.Fields.Get("expires").(time.Time)
	for name, value := range c.Secrets {
		text, err := value.Reveal()
		if err != nil {
			return connector.Errorf(connector.AccountValidationError, "connection %q: secret %s: %w", c.Name, name, err)
		}
		o.hide(text)
	}
	access, _ := c.Secrets["accessToken"].Reveal()
	if access == "" {
		o.token.missing = true
		return nil
	}
	if !isFieldValue(access) {
		return unusable(c, "its access token cannot stand in a header")
	}
	scheme := textField(c, "headerTokenName")
	if scheme == "" {
		scheme = "Bearer"
	}
	name := textField(c, "tokenName")
	if name == "" {
		name = "access_token"
	}
	placement := textField(c, "tokenPlacement")
	o.credential = credential{}
	switch placement {
	case "", "header", "both":
		o.credential.header, o.credential.headerValue = "Authorization", scheme+" "+access
	}
	switch placement {
	case "qs", "both":
		o.credential.query, o.credential.queryValue = name, access
	case "", "header":
	default:
		return unusable(c, "its field tokenPlacement is none of header, qs and both")
	}
	return nil
}

// expired says whether there is no access token, or none that will be valid when it arrives.
func (t *token) expired(now time.Time) bool {
	return t.missing || !t.expires.IsZero() && !now.Add(expiryMargin).Before(t.expires)
}

// renewable says whether there is a way to another access token.
func (t *token) renewable() bool {
	return textField(t.connection, "flowType") == clientCredentials || !empty(t.connection.Secrets["refreshToken"])
}

func empty(value secret.Value) bool {
	length := 0
	err := value.Use(func(b []byte) { length = len(b) })
	return err != nil || length == 0
}

// renew gets an access token and stores it.
func (o *operation) renew(ctx context.Context) error {
	c, err := o.call.Renew(ctx, o.token.connection, func(ctx context.Context, c *connector.Connection) error {
		return o.grant(ctx, c)
	})
	if err != nil {
		return err
	}
	if err := o.oauth(c); err != nil {
		return err
	}
	if o.token.missing {
		return unusable(c, "it has no access token")
	}
	return nil
}

// grant asks the token endpoint for an access token: by the refresh token (RFC 6749, section 6), or by the credentials of
// the client (section 4.4).
func (o *operation) grant(ctx context.Context, c *connector.Connection) error {
	form := url.Values{}
	if params, ok := c.Fields.Get("tokenParams").(connector.Bundle); ok {
		for name, value := range params.All() {
			if text, ok := value.(string); ok {
				form.Set(name, text)
			}
		}
	}
	switch textField(c, "flowType") {
	case clientCredentials:
		form.Set("grant_type", "client_credentials")
		if scope := scopeOf(c); scope != "" {
			form.Set("scope", scope)
		}
	case "", authorizationCode:
		refresh, err := c.Secrets["refreshToken"].Reveal()
		if err != nil || refresh == "" {
			return connector.Errorf(connector.InvalidAccessTokenError,
				"connection %q: its access token has expired and it has no refresh token: authorise the account again", c.Name)
		}
		form.Set("grant_type", "refresh_token")
		form.Set("refresh_token", refresh)
	default:
		return unusable(c, "its field flowType is neither authorizationCode nor clientCredentials")
	}
	sent, err := tokenRequest(ctx, c, form)
	if err != nil {
		return err
	}
	sent.Header.Set("User-Agent", o.config.UserAgent)
	client, err := o.call.Client(connector.ClientConfig{
		Proxy: o.client.Proxy, ProxyUser: o.client.ProxyUser, ProxyPassword: o.client.ProxyPassword,
	})
	if err != nil {
		return err
	}
	alone := *client
	// A redirect would take the refresh token or the client's secret to who knows where.
	alone.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	received, err := alone.Do(sent)
	if err != nil {
		shown := connector.AsError(err)
		return connector.Errorf(shown.Type, "connection %q cannot be renewed: %s", c.Name, shown.Message)
	}
	defer func() { _ = received.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(received.Body, maxTokenBytes))
	if err != nil {
		shown := connector.AsError(err)
		return connector.Errorf(shown.Type, "connection %q cannot be renewed: %s", c.Name, shown.Message)
	}
	return o.take(c, received, body)
}

// tokenRequest makes the request to the token endpoint, with the client's own credentials (RFC 6749, section 2.3.1).
func tokenRequest(ctx context.Context, c *connector.Connection, form url.Values) (*http.Request, error) {
	id := textField(c, "clientId")
	password, err := c.Secrets["clientSecret"].Reveal()
	if err != nil {
		return nil, connector.Errorf(connector.AccountValidationError, "connection %q: secret clientSecret: %w", c.Name, err)
	}
	inBody := false
	switch textField(c, "clientAuthentication") {
	case "", "header":
	case "body":
		inBody = true
	default:
		return nil, unusable(c, "its field clientAuthentication is neither header nor body")
	}
	if inBody || password == "" {
		form.Set("client_id", id)
		if password != "" {
			form.Set("client_secret", password)
		}
	}
	sent, err := http.NewRequestWithContext(ctx, http.MethodPost, textField(c, "tokenUri"), strings.NewReader(form.Encode()))
	if err != nil || sent.URL.Host == "" {
		return nil, unusable(c, "its field tokenUri is no address of a token endpoint")
	}
	if !inBody && password != "" {
		sent.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(password))
	}
	sent.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	sent.Header.Set("Accept", "application/json")
	return sent, nil
}

// scopeOf is the scope of a connection, a text or an array of them.
func scopeOf(c *connector.Connection) string {
	list, ok := c.Fields.Get("scope").([]any)
	if !ok {
		return textField(c, "scope")
	}
	separator := textField(c, "scopeSeparator")
	if separator == "" {
		separator = " "
	}
	var scopes []string
	for _, scope := range list {
		if text, ok := scope.(string); ok {
			scopes = append(scopes, text)
		}
	}
	return strings.Join(scopes, separator)
}

// take puts what the token endpoint has given into the connection (RFC 6749, sections 5.1 and 5.2).
func (o *operation) take(c *connector.Connection, received *http.Response, body []byte) error {
	var answer struct {
		AccessToken  string      `json:"access_token"`
		RefreshToken string      `json:"refresh_token"`
		ExpiresIn    json.Number `json:"expires_in"`
		Error        string      `json:"error"`
	}
	// What is no JSON leaves everything empty; an odd field beside a token is no reason to refuse the token.
	_ = json.Unmarshal(body, &answer)
	if received.StatusCode/100 != 2 || answer.Error != "" {
		return refused(c, received, answer.Error, o.call.Now)
	}
	if answer.AccessToken == "" {
		return connector.Errorf(connector.AccountValidationError,
			"connection %q cannot be renewed: host %q gives no access token in JSON", c.Name, received.Request.URL.Hostname())
	}
	c.Secrets["accessToken"] = secret.NewString(answer.AccessToken)
	if answer.RefreshToken != "" { // it may be another one, and the old one is then of no use
		c.Secrets["refreshToken"] = secret.NewString(answer.RefreshToken)
	}
	c.Fields.Delete("expires")
	if seconds, err := strconv.ParseFloat(answer.ExpiresIn.String(), 64); err == nil && seconds > 0 && seconds < 1e9 {
		c.Fields.Set("expires", o.call.Now.Add(time.Duration(seconds)*time.Second).UTC().Truncate(time.Millisecond))
	}
	return nil
}

// refused makes an error of what a token endpoint says. Its own words are left out: they may hold what was sent.
func refused(c *connector.Connection, received *http.Response, code string, now time.Time) error {
	kind, what := connector.AccountValidationError, "answered "+strconv.Itoa(received.StatusCode)
	var after time.Duration
	switch {
	case received.StatusCode == http.StatusTooManyRequests:
		kind, after = connector.RateLimitError, retryAfter(received.Header, now)
	case received.StatusCode >= http.StatusInternalServerError:
		kind = connector.ConnectionError
	}
	switch code {
	case "invalid_grant": // the token has expired, was taken back, or has been used before
		kind, what = connector.InvalidAccessTokenError, "does not accept it any more (invalid_grant): authorise the account again"
	case "invalid_request", "invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "access_denied":
		kind, what = connector.AccountValidationError, "refuses it ("+code+")"
	case "temporarily_unavailable", "server_error", "slow_down":
		kind = connector.ConnectionError
	}
	return &connector.Error{
		Type: kind, After: after,
		Message: "connection " + strconv.Quote(c.Name) + " cannot be renewed: host " + strconv.Quote(received.Request.URL.Hostname()) + " " + what,
	}
}
