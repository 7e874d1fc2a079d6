package transport

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/ebbkit/ebb/connector"
)

// guarded is the Guard as a RoundTripper. What must hold whatever the client above does is done here.
type guarded struct {
	guard *Guard
	// home sends requests to where they were made for, abroad those that a redirect has led to another scheme, host or port.
	home, abroad *http.Transport
}

// RoundTrip sends one request: no redirects, no cookies.
func (g *guarded) RoundTrip(request *http.Request) (*http.Response, error) {
	host := request.URL.Hostname()
	if err := g.admit(request); err != nil {
		if request.Body != nil {
			_ = request.Body.Close()
		}
		return nil, err
	}
	sent, through := request, g.home
	if crossed(request) {
		through = g.abroad
		sent = request.Clone(request.Context())
		cookies := foreignCookies(sent)
		keepHarmless(sent.Header)
		if cookies != "" {
			sent.Header.Set("Cookie", cookies)
		}
	}
	response, err := through.RoundTrip(sent)
	if err != nil {
		return nil, failure(request.Context(), host, err)
	}
	response.Request = request
	if request.Method != http.MethodHead && response.ContentLength > g.guard.policy.MaxResponseBytes {
		_ = response.Body.Close()
		return nil, tooLong(host, g.guard.policy.MaxResponseBytes)
	}
	response.Body = &body{from: response.Body, request: request, limit: g.guard.policy.MaxResponseBytes}
	return response, nil
}

// admit refuses what no client setting may allow.
func (g *guarded) admit(request *http.Request) error {
	if request.URL.Scheme != "http" && request.URL.Scheme != "https" {
		if request.Response != nil {
			return connector.Errorf(connector.DataError, "%w: it leads to something that is not HTTP", ErrRedirect)
		}
		return connector.Errorf(connector.DataError, "only http and https are supported")
	}
	redirects := 0
	for r := request; r.Response != nil && r.Response.Request != nil; r = r.Response.Request {
		redirects++
	}
	if redirects > g.guard.policy.MaxRedirects {
		return tooMany(g.guard.policy.MaxRedirects)
	}
	return nil
}

// checkRedirect is what the client asks before it follows a redirect.
func (g *Guard) checkRedirect(request *http.Request, via []*http.Request) error {
	if len(via) > g.policy.MaxRedirects {
		return tooMany(g.policy.MaxRedirects)
	}
	if crossed(request) {
		keepHarmless(request.Header)
	}
	return nil
}

func keepHarmless(header http.Header) {
	for name := range header {
		if !slices.Contains(harmless, name) {
			delete(header, name)
		}
	}
}

// foreignCookies returns the cookies that a jar has added for the host of a redirect: all but those of the first
// request.
func foreignCookies(request *http.Request) string {
	first := request
	for first.Response != nil && first.Response.Request != nil {
		first = first.Response.Request
	}
	var old, cookies []string
	for _, line := range first.Header["Cookie"] {
		old = append(old, strings.Split(line, "; ")...)
	}
	for _, line := range request.Header["Cookie"] {
		for pair := range strings.SplitSeq(line, "; ") {
			if !slices.Contains(old, pair) {
				cookies = append(cookies, pair)
			}
		}
	}
	return strings.Join(cookies, "; ")
}

func tooMany(limit int) error {
	return connector.Errorf(connector.DataError, "%w: more than %d of them", ErrRedirect, limit)
}

// harmless are the headers that say how to talk and not who talks. Only they follow a redirect to another host: besides
// Authorization and Cookie, services use headers of their own for keys.
var harmless = []string{
	"Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language", "Cache-Control",
	"Content-Encoding", "Content-Language", "Content-Type", "Range", "User-Agent",
}

// crossed says whether a chain of redirects has ever left the scheme, host and port that it began with.
func crossed(request *http.Request) bool {
	for r := request; r.Response != nil && r.Response.Request != nil; r = r.Response.Request {
		if origin(r.URL) != origin(r.Response.Request.URL) {
			return true
		}
	}
	return false
}

type place struct{ scheme, host, port string }

func origin(u *url.URL) place {
	at := place{u.Scheme, u.Hostname(), u.Port()}
	if at.port == "" {
		at.port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return at
}

// A body is the body of a response that stops at a limit.
type body struct {
	from    io.ReadCloser
	request *http.Request
	limit   int64
	read    int64
	failed  error
}

// Read reads on, and fails for good when the limit is passed.
func (b *body) Read(into []byte) (int, error) {
	if b.failed != nil {
		return 0, b.failed
	}
	// One byte more than allowed, to tell the longest body that is allowed from one that is too long.
	if room := b.limit - b.read + 1; int64(len(into)) > room {
		into = into[:room]
	}
	n, err := b.from.Read(into)
	b.read += int64(n)
	host := b.request.URL.Hostname()
	switch {
	case b.read > b.limit:
		n -= int(b.read - b.limit)
		b.failed = tooLong(host, b.limit)
		return n, b.failed
	case err != nil && err != io.EOF:
		b.failed = failure(b.request.Context(), host, err)
		return n, b.failed
	}
	return n, err
}

// Close closes the body.
func (b *body) Close() error { return b.from.Close() }
