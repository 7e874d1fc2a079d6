package transport_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/transport"
	"github.com/ebbkit/ebb/crypto/secret"
)

func client(t *testing.T, g *transport.Guard, config connector.ClientConfig) *http.Client {
	t.Helper()
	c, err := g.ClientFor(config)
	require.NoError(t, err)
	return c
}

func TestClientCertificateIsShownToTheServerThatAsks(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	server := ca.serveTLS(t, tls.RequireAndVerifyClientCert, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, who(r)) })
	g := guard(t, transport.Policy{RootCAs: ca.pool()})
	certificate, key := ca.valid(t, "ada")
	config := connector.ClientConfig{Certificate: certificate, Key: key}
	for range 2 {
		_, name, err := get(t, client(t, g, config), server.URL)
		require.NoError(t, err)
		require.Equal(t, "ada", name)
	}
	other, otherKey := ca.valid(t, "bob")
	_, name, err := get(t, client(t, g, connector.ClientConfig{Certificate: other, Key: otherKey}), server.URL)
	require.NoError(t, err)
	require.Equal(t, "bob", name, "the connection of ada is not used again")

	_, _, err = get(t, g.Client(), server.URL+"/?key=needle")
	requireTyped(t, connector.ConnectionError, err, "refuses the TLS connection") // TLS 1.2 does not say why
	stranger, strangerKey := newAuthority(t).valid(t, "eve")
	_, _, err = get(t, client(t, g, connector.ClientConfig{Certificate: stranger, Key: strangerKey}), server.URL)
	requireTyped(t, connector.InvalidAccessTokenError, err, "client certificate that it accepts")
}

func TestClientCertificateIsNotShownBehindARedirect(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	var mu sync.Mutex
	var names []string
	saw := func(r *http.Request, server string) {
		mu.Lock()
		defer mu.Unlock()
		names = append(names, server+" "+who(r))
	}
	other := ca.serveTLS(t, tls.RequestClientCert, func(_ http.ResponseWriter, r *http.Request) { saw(r, "other") })
	home := ca.serveTLS(t, tls.RequestClientCert, func(w http.ResponseWriter, r *http.Request) {
		saw(r, "home")
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/same", http.StatusFound)
			return
		}
		http.Redirect(w, r, other.URL, http.StatusFound)
	})
	certificate, key := ca.valid(t, "ada")
	_, _, err := get(t, client(t, guard(t, transport.Policy{RootCAs: ca.pool()}), connector.ClientConfig{Certificate: certificate, Key: key}), home.URL)
	require.NoError(t, err)
	require.Equal(t, []string{"home ada", "home ada", "other nobody"}, names)
}

func TestCertificatesThatCannotBeUsedAreRefusedBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	g := guard(t, transport.Policy{})
	certificate, key := ca.valid(t, "ada")
	_, otherKey := ca.valid(t, "bob")
	expired, expiredKey := ca.issue(t, "old", time.Now().Add(-2*time.Hour), time.Now().Add(-time.Minute))
	early, earlyKey := ca.issue(t, "new", time.Now().Add(time.Minute), time.Now().Add(time.Hour))
	destroyed := secret.NewString("x")
	destroyed.Destroy()
	for name, c := range map[string]struct {
		config connector.ClientConfig
		want   connector.ErrorType
		says   string
	}{
		"no key":             {connector.ClientConfig{Certificate: certificate}, connector.InvalidConfigurationError, "no pair"},
		"no certificate":     {connector.ClientConfig{Key: key}, connector.InvalidConfigurationError, "no pair"},
		"another's key":      {connector.ClientConfig{Certificate: certificate, Key: otherKey}, connector.InvalidConfigurationError, "no pair"},
		"no PEM":             {connector.ClientConfig{Certificate: []byte("needle"), Key: key}, connector.InvalidConfigurationError, "no pair"},
		"key destroyed":      {connector.ClientConfig{Certificate: certificate, Key: destroyed}, connector.InvalidConfigurationError, "destroyed"},
		"expired":            {connector.ClientConfig{Certificate: expired, Key: expiredKey}, connector.InvalidAccessTokenError, "has expired"},
		"not yet":            {connector.ClientConfig{Certificate: early, Key: earlyKey}, connector.InvalidAccessTokenError, "not valid yet"},
		"authority":          {connector.ClientConfig{Authorities: []byte("needle")}, connector.InvalidConfigurationError, "authority"},
		"unverified":         {connector.ClientConfig{Unverified: true}, connector.InvalidConfigurationError, "unchecked"},
		"proxy of no scheme": {connector.ClientConfig{Proxy: "needle.test:3128"}, connector.InvalidConfigurationError, "a scheme, a host and a port"},
		"socks":              {connector.ClientConfig{Proxy: "socks5://needle.test:1080"}, connector.InvalidConfigurationError, "proxies that speak HTTP"},
		"proxy and user":     {connector.ClientConfig{Proxy: "http://needle:needle@proxy.test:1"}, connector.InvalidConfigurationError, "a scheme, a host and a port"},
		"proxy and path":     {connector.ClientConfig{Proxy: "http://proxy.test:1/needle"}, connector.InvalidConfigurationError, "a scheme, a host and a port"},
		"proxy destroyed":    {connector.ClientConfig{Proxy: "http://proxy.test:1", ProxyPassword: destroyed}, connector.InvalidConfigurationError, "destroyed"},
	} {
		for range 2 { // the second time nothing is remembered either
			_, err := g.ClientFor(c.config)
			require.Equal(t, c.want, connector.TypeOf(err), name)
			require.ErrorContains(t, err, c.says, name)
			require.NotContains(t, err.Error(), "needle", name)
		}
	}
}

func TestClientCertificateExpiresThoughItWasUsedBefore(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	g := guard(t, transport.Policy{})
	certificate, key := ca.issue(t, "soon", time.Now().Add(-time.Hour), time.Now().Add(1500*time.Millisecond).Truncate(time.Second))
	config := connector.ClientConfig{Certificate: certificate, Key: key}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		if _, err := g.ClientFor(config); err != nil {
			require.Equal(t, connector.InvalidAccessTokenError, connector.TypeOf(err))
			return
		}
	}
	t.Fatal("the certificate has expired and is used")
}

func TestAuthoritiesOfAConnectionTakeThePlaceOfTheHosts(t *testing.T) {
	t.Parallel()
	ours, theirs := newAuthority(t), newAuthority(t)
	handler := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }
	private, public := theirs.serveTLS(t, tls.NoClientCert, handler), ours.serveTLS(t, tls.NoClientCert, handler)
	g := guard(t, transport.Policy{RootCAs: ours.pool()})
	special := client(t, g, connector.ClientConfig{Authorities: theirs.pem()})
	_, body, err := get(t, special, private.URL)
	require.NoError(t, err)
	require.Equal(t, "ok", body)
	_, _, err = get(t, special, public.URL)
	requireTyped(t, connector.ConnectionError, err, "certificate is not valid")
	_, _, err = get(t, g.Client(), private.URL)
	requireTyped(t, connector.ConnectionError, err, "certificate is not valid")
}

func TestUncheckedCertificatesAreForHostsThatAllowThem(t *testing.T) {
	t.Parallel()
	server := newAuthority(t).serveTLS(t, tls.NoClientCert, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	g := guard(t, transport.Policy{AllowUnverified: true})
	_, body, err := get(t, client(t, g, connector.ClientConfig{Unverified: true}), server.URL)
	require.NoError(t, err)
	require.Equal(t, "ok", body)
	_, _, err = get(t, g.Client(), server.URL)
	requireTyped(t, connector.ConnectionError, err, "certificate is not valid")
}

func TestClientsOfOtherConfigurationsKeepThePolicy(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, "http://10.0.0.1/", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		default:
			_, _ = w.Write(make([]byte, 2000))
		}
	})
	g := guard(t, transport.Policy{MaxResponseBytes: 1000, MaxRedirects: 3})
	certificate, key := ca.valid(t, "ada")
	c := client(t, g, connector.ClientConfig{Certificate: certificate, Key: key})
	_, _, err := get(t, c, "http://10.0.0.1/")
	require.ErrorIs(t, err, transport.ErrAddress)
	_, _, err = get(t, c, server.URL+"/away")
	require.ErrorIs(t, err, transport.ErrAddress)
	_, _, err = get(t, c, server.URL+"/loop")
	require.ErrorIs(t, err, transport.ErrRedirect)
	_, _, err = get(t, c, server.URL)
	requireTyped(t, connector.MaxFileSizeExceededError, err, "longer than 1000")
	require.Same(t, g.Client(), client(t, g, connector.ClientConfig{}))
}

func TestManyConfigurationsDoNotPileUp(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	server := ca.serveTLS(t, tls.NoClientCert, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	g := guard(t, transport.Policy{})
	first := client(t, g, connector.ClientConfig{Authorities: ca.pem()})
	require.Same(t, first, client(t, g, connector.ClientConfig{Authorities: ca.pem()}))
	for i := range 100 {
		c := client(t, g, connector.ClientConfig{Authorities: append(ca.pem(), fmt.Appendf(nil, "\n%d", i)...)})
		if i%40 == 0 {
			_, _, err := get(t, c, server.URL)
			require.NoError(t, err)
		}
	}
	require.NotSame(t, first, client(t, g, connector.ClientConfig{Authorities: ca.pem()}), "it has made room for others")
	_, body, err := get(t, first, server.URL)
	require.NoError(t, err)
	require.Equal(t, "ok", body, "who has one still may use it")
}

func TestManyGoroutinesShareTheClientsOfConfigurations(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	server := ca.serveTLS(t, tls.RequireAndVerifyClientCert, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, who(r)) })
	g := guard(t, transport.Policy{RootCAs: ca.pool()})
	var calls sync.WaitGroup
	for i := range 4 {
		name := strings.Repeat("x", i+1)
		certificate, key := ca.valid(t, name)
		for range 4 {
			calls.Go(func() {
				c, err := g.ClientFor(connector.ClientConfig{Certificate: certificate, Key: key})
				if err != nil {
					t.Error(err)
					return
				}
				if _, got, err := do(t.Context(), c, server.URL); err != nil || got != name {
					t.Errorf("%s: %s %v", name, got, err)
				}
			})
		}
	}
	calls.Wait()
}
