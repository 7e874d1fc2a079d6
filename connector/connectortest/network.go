package connectortest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto/secret"
)

// The networks that Conform calls modules with. None of them opens a connection.

// needle is what all secrets of a connection are in Conform, unless it looks for them.
const needle = "needle5ecret"

// connection makes the account that a module asks for, with a secret under every name that connectors use.
func connection(kind string) *connector.Connection {
	if kind == "" {
		return nil
	}
	c := &connector.Connection{
		Name: "sample", Type: kind,
		Fields:  connector.NewBundle("host", "service.example", "user", "ada", "url", "https://service.example/"),
		Secrets: map[string]secret.Value{},
	}
	for _, name := range []string{
		"password", "pass", "authPass", "token", "accessToken", "refreshToken", "apiKey", "key", "secret", "clientSecret",
		"privateKey",
	} {
		c.Secrets[name] = secret.NewString(needle)
	}
	return c
}

type roundTripper = http.RoundTripper

func client(transport roundTripper) *http.Client { return &http.Client{Transport: transport} }

// answer answers every request the same way.
type answer struct {
	status int
	body   string
}

func (a answer) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := drain(r); err != nil {
		return nil, err
	}
	return response(r, a.status, a.body), nil
}

// echo sends back all that it gets, in plain view.
type echo struct{ status int }

func (e echo) RoundTrip(r *http.Request) (*http.Response, error) {
	var text bytes.Buffer
	text.WriteString(`{"error":"` + strings.ReplaceAll(r.Method+" "+r.URL.String(), `"`, "'"))
	for name, values := range r.Header {
		text.WriteString(" " + name + "=" + strings.ReplaceAll(strings.Join(values, ","), `"`, "'"))
	}
	if user, password, ok := r.BasicAuth(); ok {
		text.WriteString(" " + user + ":" + password)
	}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		text.Write(bytes.ReplaceAll(body, []byte(`"`), []byte("'")))
	}
	text.WriteString(`"}`)
	return response(r, e.status, text.String()), drain(r)
}

// broken fails with the request in the error, as careless transports do.
type broken struct{}

func (broken) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := drain(r); err != nil {
		return nil, err
	}
	return nil, errors.New(r.Method + " " + r.URL.String() + ": connection reset")
}

// silent never answers.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	_ = drain(r)
	return nil, r.Context().Err()
}

func silentDial(ctx context.Context, _, _ string) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func noDial(context.Context, string, string) (net.Conn, error) {
	return nil, connector.Errorf(connector.ConnectionError, "there is nobody to connect to")
}

// effects answers, and remembers that it was asked.
type effects struct {
	asked atomic.Bool
	// changing is the method of a request that asks for a change (RFC 9110, section 9.2.1).
	changing atomic.Pointer[string]
}

func (e *effects) RoundTrip(r *http.Request) (*http.Response, error) {
	e.asked.Store(true)
	switch r.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions:
	default:
		e.changing.Store(&r.Method)
	}
	return answer{status: 200, body: "{}"}.RoundTrip(r)
}

func (e *effects) dial(ctx context.Context, network, address string) (net.Conn, error) {
	e.asked.Store(true)
	return noDial(ctx, network, address)
}

func (e *effects) happened() bool { return e.asked.Load() }

func drain(r *http.Request) error {
	if r.Body == nil {
		return nil
	}
	_, err := io.Copy(io.Discard, r.Body)
	return errors.Join(err, r.Body.Close())
}

func response(r *http.Request, status int, body string) *http.Response {
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// request copies a request, so that each call can read its body.
func request(r *http.Request) *http.Request {
	if r == nil {
		return nil
	}
	copied := r.Clone(r.Context())
	if r.Body != nil {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		copied.Body = io.NopCloser(bytes.NewReader(body))
	}
	return copied
}
