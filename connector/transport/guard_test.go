package transport_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/transport"
)

// guard makes a Guard that may reach 127.0.0.1, and nothing else that is special.
func guard(t *testing.T, policy transport.Policy) *transport.Guard {
	t.Helper()
	policy.Allow = append(policy.Allow, netip.MustParsePrefix("127.0.0.1/32"))
	g := transport.New(policy)
	t.Cleanup(g.Close)
	return g
}

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// get returns the body of a GET, and the first error of request or body.
func get(t *testing.T, client *http.Client, target string, headers ...string) (*http.Response, string, error) {
	t.Helper()
	return do(t.Context(), client, target, headers...)
}

func do(ctx context.Context, client *http.Client, target string, headers ...string) (*http.Response, string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return nil, "", err
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, string(body), err
}

// requireTyped checks the type of an error, and that its message gives nothing away.
func requireTyped(t *testing.T, kind connector.ErrorType, err error, contains string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, kind, connector.TypeOf(err), "%v", err)
	shown := connector.AsError(err)
	require.Contains(t, shown.Message, contains)
	require.NotContains(t, shown.Message, "needle")
}

func TestLoopbackIsClosedUnlessThePolicyOpensIt(t *testing.T) {
	t.Parallel()
	var reached atomic.Bool
	server := serve(t, func(http.ResponseWriter, *http.Request) { reached.Store(true) })
	closed := transport.New(transport.Policy{})
	t.Cleanup(closed.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	require.NoError(t, err)
	for _, target := range []string{
		server.URL, "http://localhost:" + port, "http://127.1.2.3:" + port, "http://[::ffff:127.0.0.1]:" + port,
		"http://[::1]:" + port, "http://0.0.0.0:" + port, "http://user:needle@127.0.0.1:" + port + "/?key=needle",
	} {
		_, _, err := get(t, closed.Client(), target)
		requireTyped(t, connector.DataError, err, "is not allowed")
		require.ErrorIs(t, err, transport.ErrAddress)
	}
	require.False(t, reached.Load())

	_, _, err = get(t, guard(t, transport.Policy{}).Client(), server.URL)
	require.NoError(t, err)
	require.True(t, reached.Load())
}

func TestEachAddressIsCheckedAgainWhenANameResolvesAnew(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "outside") })
	g := guard(t, transport.Policy{Resolver: resolver(t, map[string][][]string{
		"rebind.test": {{"127.0.0.1"}, {"169.254.169.254"}},
	})})
	target := strings.Replace(server.URL, "127.0.0.1", "rebind.test", 1)
	_, body, err := get(t, g.Client(), target)
	require.NoError(t, err)
	require.Equal(t, "outside", body)

	g.Close() // forget the open connection, so that the name is looked up again
	_, _, err = get(t, g.Client(), target)
	requireTyped(t, connector.DataError, err, `host "rebind.test": its address is not allowed`)
}

func TestAllAddressesOfANameAreChecked(t *testing.T) {
	t.Parallel()
	server := serve(t, func(http.ResponseWriter, *http.Request) {})
	g := guard(t, transport.Policy{Resolver: resolver(t, map[string][][]string{
		"mixed.test":    {{"fd00::1", "10.0.0.1", "127.0.0.1", "::1"}},
		"internal.test": {{"fd00::1", "::1", "10.0.0.1", "169.254.169.254"}},
	})})
	_, _, err := get(t, g.Client(), strings.Replace(server.URL, "127.0.0.1", "mixed.test", 1))
	require.NoError(t, err, "the one address that is allowed is used")
	_, _, err = get(t, g.Client(), strings.Replace(server.URL, "127.0.0.1", "internal.test", 1))
	requireTyped(t, connector.DataError, err, "is not allowed")
}

func TestRedirectsAreChecked(t *testing.T) {
	t.Parallel()
	var hops atomic.Int64
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/loop" {
			hops.Add(1)
		}
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusFound)
	})
	client := guard(t, transport.Policy{MaxRedirects: 3}).Client()
	for to, want := range map[string]error{
		"http://10.0.0.1/?key=needle":                 transport.ErrAddress,
		"http://169.254.169.254/latest/meta-data":     transport.ErrAddress,
		"http://[::ffff:a9fe:a9fe]/":                  transport.ErrAddress,
		"file:///etc/passwd":                          transport.ErrRedirect,
		"gopher://127.0.0.1/":                         transport.ErrRedirect,
		"/loop?to=" + url.QueryEscape("/loop?to=%2F"): nil,
	} {
		_, _, err := get(t, client, server.URL+"/?to="+url.QueryEscape(to))
		if want != nil {
			require.ErrorIs(t, err, want, to)
			requireTyped(t, connector.DataError, err, "")
		}
	}
	loop := serve(t, func(w http.ResponseWriter, r *http.Request) {
		hops.Add(1)
		http.Redirect(w, r, "/again", http.StatusFound)
	})
	hops.Store(0)
	_, _, err := get(t, client, loop.URL)
	require.ErrorIs(t, err, transport.ErrRedirect)
	requireTyped(t, connector.DataError, err, "more than 3")
	require.Equal(t, int64(4), hops.Load(), "one request and three redirects")

	// A client that forgets to limit redirects is limited all the same.
	careless := *client
	careless.CheckRedirect = func(*http.Request, []*http.Request) error { return nil }
	hops.Store(0)
	_, _, err = get(t, &careless, loop.URL)
	require.ErrorIs(t, err, transport.ErrRedirect)
	require.Equal(t, int64(4), hops.Load())
}

func TestCredentialsStayWithTheirHost(t *testing.T) {
	t.Parallel()
	var got http.Header
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		host, _, _ := net.SplitHostPort(r.Host)
		http.SetCookie(w, &http.Cookie{Name: "theirs", Value: host})
		if back := r.URL.Query().Get("back"); back != "" {
			http.Redirect(w, r, back, http.StatusFound)
		}
	})
	others := strings.Replace(other.URL, "127.0.0.1", "other.test", 1)
	var home http.Header
	var server *httptest.Server
	server = serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/home":
			home = r.Header.Clone()
		case "/same":
			http.Redirect(w, r, "/home", http.StatusFound)
		case "/back":
			http.Redirect(w, r, others+"/?back="+url.QueryEscape(server.URL+"/home"), http.StatusFound)
		default:
			to := others
			if r.URL.Path == "/port" { // the same host on another port
				to = other.URL
			}
			http.Redirect(w, r, to+"/taken", http.StatusTemporaryRedirect)
		}
	})
	g := guard(t, transport.Policy{Resolver: resolver(t, map[string][][]string{"other.test": {{"127.0.0.1"}}})})
	headers := []string{
		"Authorization", "Bearer needle", "Cookie", "session=needle", "X-Api-Key", "needle", "Accept", "text/plain",
		"Proxy-Authorization", "needle", "User-Agent", "test",
	}
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	withJar := *g.Client()
	withJar.Jar = jar
	careless := *g.Client()
	careless.CheckRedirect = func(request *http.Request, _ []*http.Request) error {
		request.Header.Set("X-Api-Key", "needle")
		return nil
	}
	for name, client := range map[string]*http.Client{"client": g.Client(), "jar": &withJar, "careless": &careless} {
		for _, path := range []string{"/cross", "/port"} {
			_, _, err := get(t, client, server.URL+path+"?key=needle", headers...)
			require.NoError(t, err)
			require.Equal(t, "text/plain", got.Get("Accept"))
			require.Equal(t, "test", got.Get("User-Agent"))
			for header, values := range got {
				require.NotContains(t, strings.Join(values, " "), "needle", "%s: %s", name, header)
			}
		}
		_, _, err := get(t, client, server.URL+"/back", headers...)
		require.NoError(t, err)
		require.Empty(t, home.Get("Authorization"), "%s: what left once does not come back", name)
		require.Empty(t, home.Get("X-Api-Key"))
	}
	_, _, err = get(t, &withJar, server.URL+"/cross", headers...)
	require.NoError(t, err)
	require.Equal(t, "theirs=other.test", got.Get("Cookie"), "a jar's cookie for the other host is the other host's")

	_, _, err = get(t, g.Client(), server.URL+"/same", headers...)
	require.NoError(t, err)
	require.Equal(t, "Bearer needle", home.Get("Authorization"))
	require.Equal(t, "needle", home.Get("X-Api-Key"))
	require.Equal(t, "session=needle", home.Get("Cookie"))
}

func TestOnlyHTTPIsSpoken(t *testing.T) {
	t.Parallel()
	client := guard(t, transport.Policy{}).Client()
	for _, target := range []string{"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "unix:///run/x"} {
		_, _, err := get(t, client, target)
		requireTyped(t, connector.DataError, err, "only http and https")
	}
}

func TestProxiesOfTheEnvironmentAreIgnored(t *testing.T) { // not parallel: it sets the environment
	var proxied atomic.Bool
	proxy := serve(t, func(http.ResponseWriter, *http.Request) { proxied.Store(true) })
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	t.Setenv("REQUEST_METHOD", "")
	g := guard(t, transport.Policy{Resolver: resolver(t, map[string][][]string{"internal.test": {{"10.0.0.1"}}})})
	_, _, err := get(t, g.Client(), "http://internal.test/")
	requireTyped(t, connector.DataError, err, "is not allowed")
	require.False(t, proxied.Load())
}

func TestResponsesAreLimited(t *testing.T) {
	t.Parallel()
	const limit = 1000
	stop := make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/exact":
			_, _ = io.WriteString(w, strings.Repeat("a", limit))
		case "/declared":
			w.Header().Set("Content-Length", fmt.Sprint(limit+1))
			if r.Method != http.MethodHead {
				w.(http.Flusher).Flush()
				<-stop
			}
		case "/endless":
			for {
				if _, err := io.WriteString(w, strings.Repeat("a", 100)); err != nil {
					return
				}
				w.(http.Flusher).Flush()
			}
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			packed := gzip.NewWriter(w)
			zeros := make([]byte, 1<<20)
			for range 64 {
				if _, err := packed.Write(zeros); err != nil {
					return
				}
			}
			_ = packed.Close()
		case "/header":
			w.Header().Set("X-Long", strings.Repeat("a", 100_000))
		}
	})
	t.Cleanup(func() { close(stop) })
	client := guard(t, transport.Policy{MaxResponseBytes: limit, MaxHeaderBytes: 10_000}).Client()
	_, body, err := get(t, client, server.URL+"/exact")
	require.NoError(t, err)
	require.Len(t, body, limit)
	for _, path := range []string{"/declared", "/endless", "/bomb"} {
		_, body, err := get(t, client, server.URL+path)
		requireTyped(t, connector.MaxFileSizeExceededError, err, "longer than 1000 bytes")
		require.LessOrEqual(t, len(body), limit)
	}
	_, _, err = get(t, client, server.URL+"/header")
	requireTyped(t, connector.ConnectionError, err, "")

	request, err := http.NewRequestWithContext(t.Context(), http.MethodHead, server.URL+"/declared", http.NoBody)
	require.NoError(t, err)
	response, err := client.Do(request)
	require.NoError(t, err, "a HEAD has no body to limit")
	require.NoError(t, response.Body.Close())
}

// speak serves raw bytes to every connection.
func speak(t *testing.T, say func(conn net.Conn)) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = http.ReadRequest(bufio.NewReader(conn))
				say(conn)
			}()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return "http://" + listener.Addr().String()
}

func TestServersThatLieOrDawdleAreErrors(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	trickle := func(conn net.Conn, head, each string) {
		_, _ = io.WriteString(conn, head)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				if _, err := io.WriteString(conn, each); err != nil {
					return
				}
			}
		}
	}
	client := guard(t, transport.Policy{Timeout: 200 * time.Millisecond}).Client()
	for name, c := range map[string]struct {
		say  func(conn net.Conn)
		want connector.ErrorType
	}{
		"shorter than declared": {func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nneedle")
		}, connector.ConnectionError},
		"chunk cut short": {func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nneedle")
		}, connector.ConnectionError},
		"no HTTP": {func(conn net.Conn) { _, _ = io.WriteString(conn, "needle needle needle\r\n\r\n") }, connector.ConnectionError},
		"nothing": {func(net.Conn) {}, connector.ConnectionError},
		"broken gzip": {func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 6\r\n\r\nneedle")
		}, connector.ConnectionError},
		"silent":         {func(net.Conn) { <-stop }, connector.ModuleTimeoutError},
		"slow header":    {func(conn net.Conn) { trickle(conn, "HTTP/1.1 200 OK\r\nX-Slow: ", "a") }, connector.ModuleTimeoutError},
		"slow body":      {func(conn net.Conn) { trickle(conn, "HTTP/1.1 200 OK\r\n\r\n", "a") }, connector.ModuleTimeoutError},
		"early hints":    {func(conn net.Conn) { trickle(conn, "", "HTTP/1.1 103 Early Hints\r\n\r\n") }, ""},
		"long redirects": {func(conn net.Conn) { trickle(conn, "HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", "a") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := get(t, client, speak(t, c.say)+"/?key=needle")
			want := c.want
			if want == "" {
				want = connector.TypeOf(err) // whichever limit is met first
			}
			requireTyped(t, want, err, "")
		})
	}
}

func TestContextsEndRequests(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{}, 2)
	stop := make(chan struct{})
	server := serve(t, func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-stop
	})
	t.Cleanup(func() { close(stop) })
	client := guard(t, transport.Policy{}).Client()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	_, _, err := do(ctx, client, server.URL)
	require.ErrorIs(t, err, context.Canceled)

	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, _, err = do(ctx, client, server.URL)
	requireTyped(t, connector.ModuleTimeoutError, err, "did not answer in time")
}

func TestFailuresOfTheNetworkAreTyped(t *testing.T) {
	t.Parallel()
	g := guard(t, transport.Policy{Resolver: resolver(t, nil), DialTimeout: 100 * time.Millisecond})
	_, _, err := get(t, g.Client(), "https://user:needle@absent.test/path?key=needle")
	requireTyped(t, connector.ConnectionError, err, `host "absent.test": there is no host of this name`)

	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	_, _, err = get(t, g.Client(), "http://"+address+"/?key=needle")
	requireTyped(t, connector.ConnectionError, err, `host "127.0.0.1"`)

	g = guard(t, transport.Policy{Resolver: &net.Resolver{
		PreferGo: true,
		Dial:     func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("needle") },
	}})
	_, _, err = get(t, g.Client(), "http://unknown.test/")
	requireTyped(t, connector.ConnectionError, err, "cannot be resolved now")
}

func TestTLSIsVerified(t *testing.T) {
	t.Parallel()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) })
	start := func(max uint16) *httptest.Server {
		server := httptest.NewUnstartedServer(handler)
		server.EnableHTTP2 = true
		server.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: max}
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.StartTLS()
		t.Cleanup(server.Close)
		return server
	}
	server := start(tls.VersionTLS13)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	trusting := guard(t, transport.Policy{RootCAs: roots, Resolver: resolver(t, map[string][][]string{
		"other.test": {{"127.0.0.1"}},
	})}).Client()

	_, proto, err := get(t, trusting, server.URL)
	require.NoError(t, err)
	require.Equal(t, "HTTP/2.0", proto)

	_, _, err = get(t, guard(t, transport.Policy{}).Client(), server.URL+"/?key=needle")
	requireTyped(t, connector.ConnectionError, err, "certificate is not valid")
	_, _, err = get(t, trusting, strings.Replace(server.URL, "127.0.0.1", "other.test", 1))
	requireTyped(t, connector.ConnectionError, err, "certificate is not valid")
	_, _, err = get(t, trusting, start(tls.VersionTLS11).URL)
	requireTyped(t, connector.ConnectionError, err, "")

	plain := serve(t, handler)
	_, _, err = get(t, trusting, strings.Replace(plain.URL, "http:", "https:", 1))
	requireTyped(t, connector.ConnectionError, err, "does not speak TLS")
}

func TestDialKeepsTheSameRules(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	g := guard(t, transport.Policy{Resolver: resolver(t, map[string][][]string{"internal.test": {{"10.0.0.1"}}})})
	conn, err := g.Dial(t.Context(), "tcp", listener.Addr().String())
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	for network, address := range map[string]string{
		"tcp": "10.0.0.1:21", "tcp4": "internal.test:25", "tcp6": "[::1]:25", "udp": "10.0.0.1:53",
		"unix": "/var/run/docker.sock:1", "ip4:icmp": "10.0.0.1:0", "udp4": "no port",
	} {
		_, err := g.Dial(t.Context(), network, address)
		requireTyped(t, connector.DataError, err, "")
	}
}

func TestBodyOfTheClientStaysReadableToItsEnd(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("ab", 5000)) })
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
	require.NoError(t, err)
	response, err := guard(t, transport.Policy{MaxResponseBytes: 10_000}).Client().Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	var read strings.Builder
	one := make([]byte, 1)
	for {
		n, err := response.Body.Read(one)
		read.Write(one[:n])
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
	}
	require.Equal(t, strings.Repeat("ab", 5000), read.String())
}
