package web_test

import (
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
	"github.com/ebbkit/ebb/connector/transport"
	"github.com/ebbkit/ebb/connector/web"
)

// selfSigned makes a certificate that vouches for itself, and its key, in PEM.
func selfSigned(t *testing.T, until time.Time) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ada"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until, IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	encoded, err := x509.MarshalECPrivateKey(private)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: encoded}))
}

// mutual serves under the certificate and lets in only who shows it, too.
func mutual(t *testing.T, certificate, key string, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	pair, err := tls.X509KeyPair([]byte(certificate), []byte(key))
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(handler)
	trusted := x509.NewCertPool()
	require.True(t, trusted.AppendCertsFromPEM([]byte(certificate)))
	server.TLS = &tls.Config{
		Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: trusted, MaxVersion: tls.VersionTLS12,
	}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func TestMutualTLS(t *testing.T) {
	t.Parallel()
	certificate, key := selfSigned(t, time.Now().Add(time.Hour))
	server := mutual(t, certificate, key, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.TLS.PeerCertificates[0].Subject.CommonName)
	})
	c := account(web.ClientCertificate, connector.NewBundle("cert", certificate, "ca", []byte(certificate)), "key", key)
	for _, d := range doors(web.ClientCertificate) {
		require.Equal(t, "ada", text(t, d.run(t, c, "url", server.URL)), d.module)
	}
	mapper := []any{"url", server.URL, "useMtls", true, "clientCert", certificate, "clientKey", key, "ca", certificate}
	require.Equal(t, "ada", text(t, call(t, "ActionSendData", mapper...)), "from the mapper")

	old, oldKey := selfSigned(t, time.Now().Add(-time.Hour))
	expired := account(web.ClientCertificate, connector.NewBundle("cert", old, "ca", certificate), "key", oldKey)
	for _, d := range doors(web.ClientCertificate) {
		err := d.run(t, expired, "url", server.URL).Err
		require.Equal(t, connector.InvalidAccessTokenError, connector.TypeOf(err))
		require.ErrorContains(t, err, "has expired")
	}
	wrong := account(web.ClientCertificate, connector.NewBundle("cert", certificate), "key", oldKey)
	require.Equal(t, connector.InvalidConfigurationError, connector.TypeOf(doors(web.ClientCertificate)[0].run(t, wrong, "url", server.URL).Err))
}

func TestCertificatesOfServersAreCheckedAsAsked(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(server.Close)
	own := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	other, _ := selfSigned(t, time.Now().Add(time.Hour))

	require.Equal(t, connector.ConnectionError, connector.TypeOf(call(t, "ActionSendData", "url", server.URL).Err))
	require.Equal(t, "ok", text(t, call(t, "ActionSendData", "url", server.URL, "ca", own)))
	require.Equal(t, connector.ConnectionError, connector.TypeOf(call(t, "ActionSendData", "url", server.URL, "ca", other).Err))
	require.Equal(t, "ok", text(t, call(t, "ActionSendData", "url", server.URL, "rejectUnauthorized", false)))
	for _, d := range doors(web.Authority) {
		require.Equal(t, "ok", text(t, d.run(t, account(web.Authority, connector.NewBundle("ca", own)), "url", server.URL)))
		require.Equal(t, connector.ConnectionError, connector.TypeOf(d.run(t, account(web.Authority, connector.NewBundle("ca", other)), "url", server.URL).Err))
	}
	strict := transport.New(transport.Policy{Allow: transport.Loopback()})
	t.Cleanup(strict.Close)
	err := connectortest.Run(t, module(t, "ActionSendData"), connectortest.Call{
		Client: strict.ClientFor, Input: connector.NewBundle("url", server.URL, "rejectUnauthorized", false),
	}).Err
	require.Equal(t, connector.InvalidConfigurationError, connector.TypeOf(err))
	require.ErrorContains(t, err, "unchecked")
}

func TestRequestsAndTokensGoThroughTheProxyOfTheConnection(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	issuer.accepted = ""
	tunnels := 0
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		tunnels++
		if r.Header.Get("Proxy-Authorization") != "Basic YWRhOm5lZWRsZQ==" {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		there, err := net.Dial("tcp", r.RequestURI)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer there.Close()
		conn, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(there, buffered) }()
		_, _ = io.Copy(conn, there)
	})
	host, port, err := net.SplitHostPort(proxy.Listener.Addr().String())
	require.NoError(t, err)
	number, err := strconv.Atoi(port)
	require.NoError(t, err)
	fields := connector.NewBundle("host", host, "port", number, "authUser", "ada")
	for _, d := range doors(web.Proxy) {
		issuer.mu.Lock()
		issuer.accepted = ""
		issuer.mu.Unlock()
		d.params = []any{"authenticationType", "oAuth", "oAuthAccount", 8}
		result := d.call(t, connectortest.Call{Now: now, Connections: map[string]*connector.Connection{
			"proxyKeychain": account(web.Proxy, fields, "authPass", "needle"), "oAuthAccount": issuer.authorized("expires", now),
		}}, "url", issuer.URL)
		require.Equal(t, "GET ", text(t, result))
		require.Equal(t, 1, tunnels, "the token and the request share a tunnel")
		tunnels = 0

		d.params = nil
		err := d.run(t, account(web.Proxy, fields, "authPass", "wrong"), "url", issuer.URL).Err
		require.Equal(t, connector.InvalidAccessTokenError, connector.TypeOf(err))
		err = d.run(t, account(web.Proxy, fields, "authPass", "needle"), "url", "http://10.0.0.1/").Err
		require.Equal(t, connector.DataError, connector.TypeOf(err))
		require.NotContains(t, err.Error(), "needle")
		tunnels = 0
	}
}

func TestCookiesAreSharedByModulesThatWantIt(t *testing.T) {
	t.Parallel()
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login" {
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "needle", Path: "/"})
		}
		_, _ = io.WriteString(w, r.Header.Get("Cookie"))
	}
	server := serve(t, handler)
	guard := transport.New(transport.Policy{Allow: transport.Loopback()})
	t.Cleanup(guard.Close)
	jar := guard.Jar()
	ask := func(name, target string, share bool, more ...any) string {
		input := connector.NewBundle(append([]any{"url", target, "shareCookies", share}, more...)...)
		return text(t, connectortest.Run(t, module(t, name), connectortest.Call{Cookies: jar, Input: input}))
	}
	names := []string{"ActionSendData", "MakeRequest", "ActionGetFile", "DownloadFile"}
	require.Empty(t, ask("ActionSendData", server.URL+"/login", false), "it keeps none")
	for _, name := range names {
		require.Empty(t, ask(name, server.URL, true))
	}
	require.Empty(t, ask("MakeRequest", server.URL+"/login", true))
	for _, name := range names {
		require.Equal(t, "session=needle", ask(name, server.URL, true), name)
		require.Empty(t, ask(name, server.URL, false), name)
	}
	require.Equal(t, "own=1; session=needle", ask("ActionSendData", server.URL, true, "headers", pairs("Cookie", "own=1")))
	require.Empty(t, ask("ActionSendData", strings.Replace(server.URL, "127.0.0.1", "localhost", 1), true), "another host")
}

func TestBodiesThatLieAreErrors(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	packed := gzip.NewWriter(&bomb)
	_, _ = packed.Write(make([]byte, 5<<20))
	require.NoError(t, packed.Close())
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		case "/torn":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes()[:20])
		case "/no-gzip":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, "needle")
		case "/short":
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "needle")
		}
	})
	for path, want := range map[string]connector.ErrorType{
		"/bomb": connector.MaxFileSizeExceededError, "/torn": connector.ConnectionError,
		"/no-gzip": connector.ConnectionError, "/short": connector.ConnectionError,
	} {
		for _, name := range []string{"ActionSendData", "MakeRequest", "ActionGetFile", "DownloadFile"} {
			err := call(t, name, "url", server.URL+path).Err
			require.Equal(t, want, connector.TypeOf(err), "%s of %s: %v", path, name, err)
			require.NotContains(t, err.Error(), "needle")
		}
	}
}

func TestXMLIsParsedWhenItIsAsked(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.URL.Query().Get("type"))
		_, _ = io.WriteString(w, r.URL.Query().Get("body"))
	})
	item := connector.NewBundle("a", connector.NewBundle("b", []any{int64(1), "é"}))
	for name, c := range map[string]struct {
		kind, body string
		parse      bool
		want       any
	}{
		"text/xml":            {"text/xml", "<a><b>1</b><b>é</b></a>", true, item},
		"application/xml":     {"application/xml", "<a><b>1</b><b>é</b></a>", true, item},
		"of another type":     {"application/atom+xml; charset=utf-8", "<a><b>1</b><b>é</b></a>", true, item},
		"charset of the type": {"application/xml; charset=iso-8859-1", "<?xml version='1.0' encoding='utf-8'?><a><b>1</b><b>\xe9</b></a>", true, item},
		"charset of its own":  {"application/xml", "<?xml version='1.0' encoding='iso-8859-1'?><a><b>1</b><b>\xe9</b></a>", true, item},
		"not asked":           {"application/xml", "<a/>", false, "<a/>"},
		"html":                {"text/html", "<a/>", true, "<a/>"},
		"plain":               {"text/plain", "<a/>", true, "<a/>"},
		"json with a mark":    {"application/json", "\ufeff{}", true, connector.Bundle{}},
		"json in UTF-16":      {"application/json; charset=utf-16le", "{\x00}\x00", true, connector.Bundle{}},
	} {
		query := url.Values{"type": {c.kind}, "body": {c.body}}
		for _, m := range []string{"ActionSendData", "MakeRequest"} {
			got := output(t, call(t, m, "url", server.URL+"/?"+query.Encode(), "parseResponse", c.parse)).Get("data")
			require.True(t, connector.Equal(c.want, got), "%s: %#v", name, got)
		}
	}
	for _, body := range []string{"<needle", "", "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"} {
		query := url.Values{"type": {"text/xml"}, "body": {body}}
		err := call(t, "ActionSendData", "url", server.URL+"/?"+query.Encode(), "parseResponse", true).Err
		if body == "" {
			require.NoError(t, err)
			continue
		}
		require.Equal(t, connector.DataError, connector.TypeOf(err))
		require.NotContains(t, err.Error(), "needle")
	}
}

func TestTargetsAreResolvedToTheirEnd(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/end" {
			http.Redirect(w, r, "/end?a=1", http.StatusFound)
			return
		}
		_, _ = w.Write(make([]byte, 200_000)) // more than the limit of bodies: nobody reads it
	})
	b := output(t, call(t, "ActionResolveTargetURL", "url", server.URL+"/begin"))
	require.Equal(t, server.URL+"/end?a=1", b.Get("url"))
	require.Equal(t, int64(200), b.Get("statusCode"))
}

func TestBlueprintsWrittenByHandAreUnderstood(t *testing.T) {
	t.Parallel()
	server := echo(t)
	var plain []connector.Module
	for _, m := range web.New(web.Config{}).Modules() {
		if info := m.Info(); info.Name == "MakeARequest" || info.Name == "MakeRequest" && info.Version == 1 {
			plain = append(plain, m)
		}
	}
	require.Len(t, plain, 2)
	for _, m := range plain {
		for body, want := range map[any]string{`{"a":1}`: "application/json", "text": "text/plain", "": ""} {
			got := echoed(t, connectortest.Run(t, m, connectortest.Call{Input: connector.NewBundle(
				"url", server.URL, "method", "POST", "body", body, "queryParameters", pairs("q", "1"), "headers", pairs("X-A", "1"))}))
			require.Equal(t, want, got.Header.Get("Content-Type"), body)
			require.Equal(t, body, got.Body)
			require.Equal(t, "/?q=1", got.URI)
			require.Equal(t, "1", got.Header.Get("X-A"))
		}
		got := echoed(t, connectortest.Run(t, m, connectortest.Call{Input: connector.NewBundle("url", server.URL, "method", "post", "body", connector.NewBundle("a", 1))}))
		require.Equal(t, `{"a":1}`, got.Body)
		raw := connectortest.Run(t, m, connectortest.Call{Input: connector.NewBundle("url", server.URL, "parseResponse", false)})
		require.IsType(t, "", output(t, raw).Get("data"))
		require.Equal(t, connector.BundleValidationError, connector.TypeOf(connectortest.Run(t, m, connectortest.Call{}).Err))
	}
}
