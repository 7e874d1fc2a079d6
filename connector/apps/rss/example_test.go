package rss_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/apps/rss"
)

func Example() {
	feed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<rss version="2.0"><channel>
		  <item><title>Tides</title><link>https://example.com/tides</link></item>
		  <item><title>Moons</title><link>https://example.com/moons</link></item></channel></rss>`)
	}))
	defer feed.Close()
	read := rss.New(rss.Config{}).Modules()[0].(connector.Search)
	call := &connector.Call{Input: connector.NewBundle("url", feed.URL, "maxResults", 5), HTTP: http.DefaultClient}
	for article, err := range read.Search(context.Background(), call) {
		fmt.Println(article.Get("title"), article.Get("url"), err)
	}
	// Output:
	// Tides https://example.com/tides <nil>
	// Moons https://example.com/moons <nil>
}
