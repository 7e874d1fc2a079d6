package rss_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/apps/rss"
	"github.com/ebbkit/ebb/connector/connectortest"
)

// A paper is a feed that changes.
type paper struct {
	body   atomic.Value
	etag   atomic.Value
	served atomic.Int64 // answers with a body
	url    string
}

func newPaper(t *testing.T) *paper {
	t.Helper()
	p := &paper{}
	p.etag.Store("")
	p.url = handle(t, func(w http.ResponseWriter, r *http.Request) {
		etag := p.etag.Load().(string)
		if etag != "" {
			w.Header().Set("ETag", etag)
			if r.Header.Get("If-None-Match") == etag {
				w.WriteHeader(http.StatusNotModified)
				return
			}
		}
		p.served.Add(1)
		_, _ = w.Write([]byte(p.body.Load().(string)))
	}).URL
	return p
}

// print puts articles into the feed, newest first, each "title" or "title@date".
func (p *paper) print(articles ...string) {
	var text strings.Builder
	text.WriteString(`<rss version="2.0"><channel>`)
	for _, a := range articles {
		title, date, _ := strings.Cut(a, "@")
		fmt.Fprintf(&text, "<item><title>%s</title><guid>id-%s</guid><pubDate>%s</pubDate></item>", title, title, date)
	}
	text.WriteString(`</channel></rss>`)
	p.body.Store(text.String())
}

// poll polls once.
func (p *paper) poll(t *testing.T, cursor []byte, most, take int) connectortest.Result {
	t.Helper()
	return connectortest.Run(t, module(t, rss.Config{}, "TriggerNewArticle"), connectortest.Call{
		Params: connector.NewBundle("url", p.url, "maxResults", most, "gzip", true, "include", []any{}, "username", "", "password", ""),
		Cursor: cursor, Limit: take,
	})
}

func TestWatchGivesEachArticleOnceOldestFirst(t *testing.T) {
	t.Parallel()
	p := newPaper(t)
	p.print("c", "b", "a")
	first := p.poll(t, nil, 10, 0)
	require.Equal(t, []string{"a", "b", "c"}, titles(t, first))
	second := p.poll(t, first.Cursor, 10, 0)
	require.Empty(t, titles(t, second))
	p.print("e", "d", "c", "b")
	third := p.poll(t, second.Cursor, 10, 0)
	require.Equal(t, []string{"d", "e"}, titles(t, third))
	p.print("a", "e") // one that was gone is back
	require.Empty(t, titles(t, p.poll(t, third.Cursor, 10, 0)))
}

func TestFirstPollTakesTheNewestAndLaterOnesLeaveTheRest(t *testing.T) {
	t.Parallel()
	p := newPaper(t)
	p.print("d", "c", "b", "a")
	first := p.poll(t, nil, 2, 0)
	require.Equal(t, []string{"c", "d"}, titles(t, first))
	p.etag.Store(`"x"`)
	p.print("h", "g", "f", "e", "d", "c", "b", "a")
	second := p.poll(t, first.Cursor, 2, 0)
	require.Equal(t, []string{"e", "f"}, titles(t, second))
	third := p.poll(t, second.Cursor, 3, 0)
	require.Equal(t, []string{"g", "h"}, titles(t, third), "the server says that nothing changed, but two were left")
	require.Empty(t, titles(t, p.poll(t, third.Cursor, 3, 0)))
	require.Equal(t, int64(3), p.served.Load(), "the last poll was answered without a body")
	require.Equal(t, []string{"a", "b"}, titles(t, p.poll(t, nil, 0, 2)))
}

func TestCursorCoversWhatWasTakenAndNoMore(t *testing.T) {
	t.Parallel()
	p := newPaper(t)
	p.etag.Store(`"x"`)
	p.print("c", "b", "a")
	first := p.poll(t, nil, 10, 1)
	require.Equal(t, []string{"a"}, titles(t, first))
	second := p.poll(t, first.Cursor, 10, 1)
	require.Equal(t, []string{"b"}, titles(t, second))
	require.Equal(t, []string{"c"}, titles(t, p.poll(t, second.Cursor, 10, 0)))

	items, next := module(t, rss.Config{}, "TriggerNewArticle").(connector.Trigger).Poll(t.Context(), &connector.Call{Cursor: first.Cursor})
	require.Equal(t, first.Cursor, next(), "nothing was taken")
	for _, err := range items {
		require.Error(t, err)
	}
}

func TestDatesOrderArticlesButDoNotTellThemApart(t *testing.T) {
	t.Parallel()
	const monday, tuesday = "Mon, 05 Jan 2026 10:00:00 GMT", "Tue, 06 Jan 2026 10:00:00 GMT"
	p := newPaper(t)
	p.print("a@"+monday, "b@"+tuesday, "c@"+monday, "d@never", "e")
	first := p.poll(t, nil, 10, 0)
	require.Equal(t, []string{"e", "d", "c", "a", "b"}, titles(t, first))
	p.print("a@"+tuesday, "f@"+monday, "b@"+tuesday, "c@"+monday)
	require.Equal(t, []string{"f"}, titles(t, p.poll(t, first.Cursor, 10, 0)), "new in spite of its date, and a changed date makes nothing new")
}

func TestArticleThatStandsTwiceIsGivenOnce(t *testing.T) {
	t.Parallel()
	p := newPaper(t)
	p.print("b", "a", "b", "a")
	require.Equal(t, []string{"a", "b"}, titles(t, p.poll(t, nil, 10, 0)))
}

func TestPollThatFailsMovesNothing(t *testing.T) {
	t.Parallel()
	p := newPaper(t)
	p.print("a")
	first := p.poll(t, nil, 10, 0)
	p.body.Store("<html>")
	broken := p.poll(t, first.Cursor, 10, 0)
	require.Equal(t, connector.DataError, connector.TypeOf(broken.Err))
	require.Empty(t, broken.Bundles)
	p.print("b", "a")
	require.Equal(t, []string{"b"}, titles(t, p.poll(t, first.Cursor, 10, 0)))
	for _, cursor := range []string{"", "x", `{"v":2}`, `[]`} {
		require.Equal(t, connector.DataError, connector.TypeOf(p.poll(t, []byte(cursor), 10, 0).Err), cursor)
	}
}

func TestCursorStaysSmallAndSaysNothingOfTheArticles(t *testing.T) {
	t.Parallel()
	p := newPaper(t)
	var cursor []byte
	for round := range 30 {
		var articles []string
		for i := range 100 {
			articles = append(articles, fmt.Sprintf("hidden-%d-%d", round, i))
		}
		slices.Reverse(articles)
		p.print(articles...)
		result := p.poll(t, cursor, 0, 0)
		require.Len(t, titles(t, result), 100)
		cursor = result.Cursor
	}
	require.Less(t, len(cursor), 16_000, "1000 articles are remembered, not 3000")
	require.NotContains(t, string(cursor), "hidden")
	require.Empty(t, titles(t, p.poll(t, cursor, 0, 0)))
}

func TestWatchOfAnotherAddressAsksAnew(t *testing.T) {
	t.Parallel()
	p, other := newPaper(t), newPaper(t)
	p.etag.Store(`"x"`)
	other.etag.Store(`"x"`)
	p.print("a")
	other.print("b", "a")
	first := p.poll(t, nil, 10, 0)
	require.Equal(t, []string{"b"}, titles(t, other.poll(t, first.Cursor, 10, 0)))
}

func FuzzCursor(f *testing.F) {
	f.Add([]byte(`{"v":1,"seen":["a"],"feed":"b","etag":"c"}`))
	f.Add([]byte(`{"v":1}`))
	f.Add([]byte(`null`))
	watch := module(f, rss.Config{}, "TriggerNewArticle")
	body := []byte(`<rss version="2.0"><channel><item><title>a</title></item></channel></rss>`)
	f.Fuzz(func(t *testing.T, cursor []byte) {
		call := connectortest.Call{Params: connector.NewBundle("url", "https://feeds.example/"), Cursor: cursor, HTTP: answering("text/xml", body)}
		result := connectortest.Run(t, watch, call)
		if result.Err != nil {
			return
		}
		call.Cursor = result.Cursor
		again := connectortest.Run(t, watch, call)
		require.NoError(t, again.Err)
		require.Empty(t, again.Bundles)
	})
}
