package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto/secret"
)

// A request is what all modules have in common.
type request struct {
	method       string
	url          string
	encode       bool // also encode what is encoded already
	query        []pair
	arrays       bool   // write names that stand more than once with indexes
	page         []pair // parameters of the query that go in place of those of their names
	headers      []pair
	body         content
	user         string
	password     secret.Value
	timeout      int  // seconds
	headOnly     bool // leave the body of the response unread
	compressed   bool
	follow       bool
	followWrites bool // follow redirects of methods other than GET and HEAD too
}

// A response is what came back, read to its end.
type response struct {
	url    *url.URL // where it came from, behind all redirects
	abroad bool     // that is another scheme, host or port than was asked
	status int
	header http.Header
	body   []byte
}

var methods = []string{"get", "head", "post", "put", "patch", "delete", "options"}

// exchange sends a request and reads the response.
func (o *operation) exchange(ctx context.Context, r *request) (*response, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(r.timeout)*time.Second)
	defer cancel()
	sent, err := r.build(ctx, o.config)
	if err != nil {
		return nil, err
	}
	o.credential.apply(sent)
	client, err := o.httpClient(r)
	if err != nil {
		return nil, err
	}
	received, err := client.Do(sent)
	if err != nil {
		return nil, connector.AsError(err)
	}
	defer func() { _ = received.Body.Close() }()
	from := received.Request.URL
	answer := &response{url: from, abroad: !sameOrigin(sent.URL, from), status: received.StatusCode, header: received.Header}
	if r.headOnly {
		return answer, nil
	}
	if answer.body, err = io.ReadAll(io.LimitReader(received.Body, o.config.MaxResponseBytes+1)); err != nil {
		return nil, connector.AsError(err)
	}
	if int64(len(answer.body)) > o.config.MaxResponseBytes {
		return nil, connector.Errorf(connector.MaxFileSizeExceededError, "host %q: its answer is longer than %d bytes",
			from.Hostname(), o.config.MaxResponseBytes)
	}
	return answer, nil
}

// sameOrigin says whether two URLs have the same scheme, host and port.
func sameOrigin(a, b *url.URL) bool {
	port := func(u *url.URL) string {
		if p := u.Port(); p != "" || u.Scheme == "" {
			return p
		}
		return map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

// httpClient is the client for a request: that of the call, unless the connections ask for another, with the cookies of the
// run and the scenario's wishes about redirects.
func (o *operation) httpClient(r *request) (*http.Client, error) {
	c := &o.client
	given := o.call.HTTP
	if len(c.Certificate) > 0 || len(c.Authorities) > 0 || c.Unverified || c.Proxy != "" {
		var err error
		if given, err = o.call.Client(*c); err != nil {
			return nil, err
		}
	}
	client := r.client(given)
	if o.cookies {
		client.Jar = o.call.Cookies
	}
	return client, nil
}

// client is a client with the scenario's wishes about redirects.
func (r *request) client(given *http.Client) *http.Client {
	client := *given
	check := client.CheckRedirect
	client.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		first := via[0].Method
		switch {
		case !r.follow, !r.followWrites && first != http.MethodGet && first != http.MethodHead:
			return http.ErrUseLastResponse
		case check != nil:
			return check(next, via)
		case len(via) > 10:
			return errors.New("stopped after 10 redirects")
		}
		return nil
	}
	return &client
}

// build makes the request of net/http.
func (r *request) build(ctx context.Context, config Config) (*http.Request, error) {
	method := strings.ToLower(r.method)
	if !slices.Contains(methods, method) {
		return nil, connector.Errorf(connector.BundleValidationError,
			"field method: is none of %s", strings.Join(methods, ", "))
	}
	target, err := r.target()
	if err != nil {
		return nil, err
	}
	var body io.Reader = http.NoBody
	if len(r.body.data) > 0 {
		body = bytes.NewReader(r.body.data)
	}
	sent, err := http.NewRequestWithContext(ctx, strings.ToUpper(method), target, body)
	if err != nil {
		return nil, connector.Errorf(connector.DataError, "field url: is no address that a request can be sent to")
	}
	sent.Header.Set("User-Agent", config.UserAgent)
	if r.body.kind != "" && r.body.data != nil {
		sent.Header.Set("Content-Type", r.body.kind)
	}
	if err := r.setHeaders(sent); err != nil {
		return nil, err
	}
	return sent, nil
}

// setHeaders adds the headers of the scenario, which win over ours. Content-Length is computed and cannot be given.
func (r *request) setHeaders(sent *http.Request) error {
	seen := map[string]bool{}
	for i, h := range r.headers {
		value := strings.Trim(h.Value, " \t\r\n")
		if !isToken(h.Name) || !isFieldValue(value) {
			return connector.Errorf(connector.DataError,
				"field headers[%d]: has characters that HTTP does not allow", i+1)
		}
		name := http.CanonicalHeaderKey(h.Name)
		if name == "Host" {
			sent.Host = value
			continue
		}
		if !seen[name] {
			sent.Header.Del(name)
			seen[name] = true
		}
		sent.Header.Add(name, value)
	}
	if r.user != "" || !r.password.IsZero() {
		password, err := r.password.Reveal()
		if err != nil {
			return connector.Errorf(connector.InvalidConfigurationError, "field authPass: %w", err)
		}
		sent.SetBasicAuth(r.user, password)
	}
	// The transport decompresses what it has asked for itself, and nothing else.
	sent.Header.Del("Accept-Encoding")
	if !r.compressed {
		sent.Header.Set("Accept-Encoding", "identity")
	}
	return nil
}

// isToken says whether a text may be the name of a header (RFC 9110, section 5.6.2).
func isToken(text string) bool {
	for i := range len(text) {
		c := text[i]
		if c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0 {
			continue
		}
		return false
	}
	return text != ""
}

// isFieldValue says whether a text may be the value of a header (RFC 9110, section 5.5).
func isFieldValue(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
