package transport_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/transport"
	"github.com/ebbkit/ebb/crypto/secret"
)

// BenchmarkClientFor is what a request with a proxy costs beside the request: finding the client that it shares.
func BenchmarkClientFor(b *testing.B) {
	g := transport.New(transport.Policy{})
	defer g.Close()
	config := connector.ClientConfig{Proxy: "http://proxy.example:3128", ProxyUser: "ada", ProxyPassword: secret.NewString("x")}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.ClientFor(config); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRequest sends a request over loopback: the Guard's client beside one without rules.
func BenchmarkRequest(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	defer server.Close()
	g := transport.New(transport.Policy{Allow: transport.Loopback()})
	defer g.Close()
	for name, client := range map[string]*http.Client{"guarded": g.Client(), "plain": {Timeout: time.Minute}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := do(b.Context(), client, server.URL); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
