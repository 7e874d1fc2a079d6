package rss_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/apps/rss"
	"github.com/ebbkit/ebb/connector/connectortest"
)

// small has limits that tests can reach.
var small = rss.Config{MaxBytes: 200_000, MaxArticles: 50}

// module finds a module by its name.
func module(t testing.TB, config rss.Config, name string) connector.Module {
	t.Helper()
	return connectortest.Module(t, rss.New(config), name)
}

// serve serves a feed.
func serve(t testing.TB, contentType, body string) *httptest.Server {
	t.Helper()
	return handle(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write([]byte(body))
	})
}

func handle(t testing.TB, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// readAll reads a feed with ActionReadArticles.
func readAll(t testing.TB, url string, namesAndValues ...any) connectortest.Result {
	t.Helper()
	input := connector.NewBundle(append([]any{"url", url}, namesAndValues...)...)
	return connectortest.Run(t, module(t, small, "ActionReadArticles"), connectortest.Call{Input: input})
}

// titles are the titles of articles.
func titles(t testing.TB, result connectortest.Result) []string {
	t.Helper()
	require.NoError(t, result.Err)
	all := []string{}
	for _, b := range result.Bundles {
		title, _ := b.Get("title").(string)
		all = append(all, title)
	}
	return all
}

// file reads a feed from testdata.
func file(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return string(text)
}

// text is the JSON of a value.
func text(t testing.TB, value any) string {
	t.Helper()
	out, err := connector.AppendJSON(nil, value)
	require.NoError(t, err)
	return string(out)
}

func TestConnectorConforms(t *testing.T) {
	t.Parallel()
	server := serve(t, "application/rss+xml", file(t, "rss20.xml"))
	connectortest.Conform(t, rss.New(rss.Config{}),
		connectortest.Sample{Module: "TriggerNewArticle", Call: connectortest.Call{Params: connector.NewBundle("url", server.URL, "maxResults", 2)}},
		connectortest.Sample{Module: "ActionReadArticles", Call: connectortest.Call{Input: connector.NewBundle("url", server.URL)}},
	)
	connectortest.Conform(t, rss.New(rss.Config{}))
}

// answering is a client that knows one answer and needs no network.
func answering(contentType string, body []byte) *http.Client {
	return &http.Client{Transport: answer{contentType, body}}
}

type answer struct {
	contentType string
	body        []byte
}

func (a answer) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Request: r, Header: http.Header{"Content-Type": {a.contentType}},
		Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)),
	}, nil
}
