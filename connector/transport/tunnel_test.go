package transport_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/transport"
	"github.com/ebbkit/ebb/crypto/secret"
)

// A proxy opens tunnels and remembers what it was asked.
type proxy struct {
	mu     sync.Mutex
	asked  []string
	user   string
	answer func(target string) string // status and more, in place of a tunnel; empty: a tunnel
	to     string                     // where tunnels lead, whatever was asked; empty: there
}

func (p *proxy) requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.asked...)
}

// ServeHTTP implements http.Handler.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.Method+" "+r.RequestURI)
	p.mu.Unlock()
	conn, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	if p.user != "" && r.Header.Get("Proxy-Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte(p.user)) {
		_, _ = io.WriteString(conn, "HTTP/1.1 407 Proxy Authentication Required\r\nX: needle\r\n\r\n")
		return
	}
	if p.answer != nil {
		if answer := p.answer(r.RequestURI); answer != "" {
			_, _ = io.WriteString(conn, answer)
			return
		}
	}
	target := r.RequestURI
	if p.to != "" {
		target = p.to
	}
	there, err := net.Dial("tcp", target)
	if err != nil {
		_, _ = io.WriteString(conn, "HTTP/1.1 502 Bad Gateway\r\n\r\n")
		return
	}
	defer there.Close()
	_, _ = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() {
		_, _ = io.Copy(there, buffered)
		_ = there.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(conn, there)
}

func TestProxyIsAskedForTheAddressThatWasChecked(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	handler := func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host) }
	plain, secure := serve(t, handler), ca.serveTLS(t, tls.NoClientCert, handler)
	names := resolver(t, map[string][][]string{
		"plain.test": {{"127.0.0.1"}}, "secure.test": {{"10.0.0.1", "127.0.0.1"}}, "inside.test": {{"10.0.0.1", "169.254.169.254"}},
	})
	g := guard(t, transport.Policy{RootCAs: ca.pool(), Resolver: names})
	p := &proxy{user: "ada:needle"}
	through := client(t, g, connector.ClientConfig{
		Proxy: serve(t, p.ServeHTTP).URL, ProxyUser: "ada", ProxyPassword: secret.NewString("needle"),
	})
	for name, server := range map[string]string{"plain.test": plain.URL, "secure.test": secure.URL} {
		target := strings.Replace(server, "127.0.0.1", name, 1)
		_, host, err := get(t, through, target)
		require.NoError(t, err, name)
		require.Equal(t, strings.TrimPrefix(strings.TrimPrefix(target, "http://"), "https://"), host, "the server gets the name")
	}
	asked := p.requests()
	require.Len(t, asked, 2)
	for _, request := range asked {
		require.Contains(t, request, "CONNECT 127.0.0.1:", "the proxy gets the address")
	}
	for _, target := range []string{
		"http://inside.test/?key=needle", "https://inside.test/", "http://10.0.0.1/", "http://[::1]:80/", "http://[::ffff:10.0.0.1]/",
	} {
		_, _, err := get(t, through, target)
		require.ErrorIs(t, err, transport.ErrAddress, target)
		requireTyped(t, connector.DataError, err, "is not allowed")
	}
	_, _, err := get(t, through, "http://nowhere.test/")
	requireTyped(t, connector.ConnectionError, err, "no host of this name")
	require.Len(t, p.requests(), 2, "the proxy was not asked")
}

func TestRedirectsThroughAProxyAreChecked(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", http.StatusFound)
	})
	p := &proxy{}
	through := client(t, guard(t, transport.Policy{}), connector.ClientConfig{Proxy: serve(t, p.ServeHTTP).URL})
	_, _, err := get(t, through, server.URL)
	require.ErrorIs(t, err, transport.ErrAddress)
	require.Len(t, p.requests(), 1)
}

func TestNamesAreCheckedAnewForEveryTunnel(t *testing.T) {
	t.Parallel()
	server := serve(t, func(http.ResponseWriter, *http.Request) {})
	g := guard(t, transport.Policy{Resolver: resolver(t, map[string][][]string{"rebind.test": {{"127.0.0.1"}, {"169.254.169.254"}}})})
	p := &proxy{}
	through := client(t, g, connector.ClientConfig{Proxy: serve(t, p.ServeHTTP).URL})
	target := strings.Replace(server.URL, "127.0.0.1", "rebind.test", 1)
	_, _, err := get(t, through, target)
	require.NoError(t, err)
	g.Close() // forget the open connection
	_, _, err = get(t, through, target)
	require.ErrorIs(t, err, transport.ErrAddress)
	require.Len(t, p.requests(), 1)
}

func TestProxyItselfMustBeAllowed(t *testing.T) {
	t.Parallel()
	p := &proxy{}
	server := serve(t, p.ServeHTTP)
	closed := transport.New(transport.Policy{})
	t.Cleanup(closed.Close)
	_, _, err := get(t, client(t, closed, connector.ClientConfig{Proxy: server.URL}), "http://1.1.1.1/?key=needle")
	require.ErrorIs(t, err, transport.ErrAddress)
	requireTyped(t, connector.DataError, err, "proxy: ")
	require.Empty(t, p.requests())
}

func TestProxyMaySpeakTLS(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	server := ca.serveTLS(t, tls.RequireAndVerifyClientCert, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, who(r)) })
	p := &proxy{}
	front := ca.serveTLS(t, tls.RequestClientCert, p.ServeHTTP)
	certificate, key := ca.valid(t, "ada")
	through := client(t, guard(t, transport.Policy{RootCAs: ca.pool()}), connector.ClientConfig{
		Proxy: front.URL, Certificate: certificate, Key: key,
	})
	_, name, err := get(t, through, server.URL)
	require.NoError(t, err)
	require.Equal(t, "ada", name, "TLS goes through TLS")
	_, _, err = get(t, client(t, guard(t, transport.Policy{}), connector.ClientConfig{Proxy: front.URL}), server.URL)
	requireTyped(t, connector.ConnectionError, err, "proxy: ")
}

func TestProxyThatCannotReachOneAddressIsAskedForTheNext(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	g := transport.New(transport.Policy{Allow: transport.Loopback(), Resolver: resolver(t, map[string][][]string{
		"two.test": {{"127.0.0.9", "127.0.0.1"}}, "none.test": {{"127.0.0.9"}},
	})})
	t.Cleanup(g.Close)
	p := &proxy{answer: func(target string) string {
		if strings.HasPrefix(target, "127.0.0.9:") {
			return "HTTP/1.1 502 Bad Gateway\r\n\r\n"
		}
		return ""
	}}
	through := client(t, g, connector.ClientConfig{Proxy: serve(t, p.ServeHTTP).URL})
	_, body, err := get(t, through, strings.Replace(server.URL, "127.0.0.1", "two.test", 1))
	require.NoError(t, err)
	require.Equal(t, "ok", body)
	_, _, err = get(t, through, strings.Replace(server.URL, "127.0.0.1", "none.test", 1))
	requireTyped(t, connector.ConnectionError, err, `host "none.test": the proxy cannot reach it`)
}

func TestProxiesThatRefuseLieOrDawdleAreErrors(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	for name, c := range map[string]struct {
		say  string
		want connector.ErrorType
		says string
	}{
		"password":       {"HTTP/1.1 407 No\r\nX: needle\r\n\r\n", connector.InvalidAccessTokenError, "refuses the user and password"},
		"too often":      {"HTTP/1.1 429 No\r\n\r\n", connector.RateLimitError, "asked less often"},
		"forbidden":      {"HTTP/1.1 403 needle\r\n\r\n", connector.ConnectionError, "does not open tunnels"},
		"bad gateway":    {"HTTP/1.1 502 needle\r\n\r\n", connector.ConnectionError, "cannot reach it"},
		"redirect":       {"HTTP/1.1 302 Found\r\nLocation: http://needle/\r\n\r\n", connector.ConnectionError, "cannot reach it"},
		"speaks for it":  {"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nneedle", connector.ConnectionError, "speaks where only the host may"},
		"no HTTP":        {"needle\r\n\r\n", connector.ConnectionError, "proxy: "},
		"hangs up":       {"", connector.ConnectionError, "ended early"},
		"endless header": {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("needle", 10_000), connector.ConnectionError, "proxy: "},
		"silence":        {"silence", connector.ModuleTimeoutError, "proxy: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := speak(t, func(conn net.Conn) {
				if c.say == "silence" {
					<-stop
					return
				}
				_, _ = io.WriteString(conn, c.say)
			})
			through := client(t, guard(t, transport.Policy{DialTimeout: 200 * time.Millisecond, MaxHeaderBytes: 10_000}), connector.ClientConfig{Proxy: address})
			_, _, err := get(t, through, "http://1.1.1.1/?key=needle")
			requireTyped(t, c.want, err, c.says)
		})
	}
}

func TestContextEndsATunnel(t *testing.T) {
	t.Parallel()
	waiting, stop := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(stop) })
	address := speak(t, func(net.Conn) {
		close(waiting)
		<-stop
	})
	through := client(t, guard(t, transport.Policy{}), connector.ClientConfig{Proxy: address})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-waiting
		cancel()
	}()
	_, _, err := do(ctx, through, "http://1.1.1.1/")
	require.ErrorIs(t, err, context.Canceled)
}

// TestProxyCannotTurnACheckedAddressIntoAnother says what TLS is for: a proxy that leads elsewhere shows itself.
func TestProxyCannotTurnACheckedAddressIntoAnother(t *testing.T) {
	t.Parallel()
	ca, theirs := newAuthority(t), newAuthority(t)
	handler := func(http.ResponseWriter, *http.Request) { t.Error("the request was sent") }
	impostor := theirs.serveTLS(t, tls.NoClientCert, handler)
	at, err := url.Parse(impostor.URL)
	require.NoError(t, err)
	p := &proxy{to: at.Host}
	through := client(t, guard(t, transport.Policy{RootCAs: ca.pool()}), connector.ClientConfig{Proxy: serve(t, p.ServeHTTP).URL})
	_, _, err = get(t, through, fmt.Sprintf("https://127.0.0.1:%d/", 1))
	requireTyped(t, connector.ConnectionError, err, "certificate is not valid")
}
