package web_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/web"
)

// instant answers every request without a network.
type instant struct{}

func (instant) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(`{"id":1,"name":"Ada"}`)),
	}, nil
}

// BenchmarkMakeRequest is what the module costs beside the network: with an API key, and the response parsed.
func BenchmarkMakeRequest(b *testing.B) {
	m := module(b, "MakeRequest").(connector.Search)
	info := m.Info()
	params, err := connector.Convert(info.Params, connector.NewBundle("authenticationType", "apiKey", "apiKeyKeychain", 7), nil)
	if err != nil {
		b.Fatal(err)
	}
	input, err := connector.Convert(info.Input, connector.NewBundle("url", "https://service.example/people", "method", "get", "parseResponse", true), nil)
	if err != nil {
		b.Fatal(err)
	}
	c := &connector.Connection{Name: "key", Type: web.APIKey, Fields: connector.NewBundle("name", "X-Key"), Secrets: hidden("key", "correct horse")}
	call := &connector.Call{
		Params: params, Input: input, HTTP: &http.Client{Transport: instant{}},
		Connections: map[string]*connector.Connection{"apiKeyKeychain": c},
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range m.Search(b.Context(), call) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
