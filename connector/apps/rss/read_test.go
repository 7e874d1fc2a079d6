package rss_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/apps/rss"
	"github.com/ebbkit/ebb/connector/connectortest"
)

func TestEveryDialectIsRead(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"rss20.xml":  {"Third & last", "Second", "First"},
		"rss091.xml": {"Café"},
		"rdf.xml":    {"A", "B"},
		"atom.xml":   {"A <b>bold</b> entry"},
		"feed.json":  {"One", ""},
	} {
		require.Equal(t, want, titles(t, readAll(t, serve(t, "text/plain", file(t, name)).URL)), name)
	}
}

func TestArticleHasTheFieldsOfMake(t *testing.T) {
	t.Parallel()
	server := serve(t, "application/rss+xml", file(t, "rss20.xml"))
	result := readAll(t, server.URL+"/feed/")
	require.NoError(t, result.Err)
	require.Len(t, result.Bundles, 3)
	require.JSONEq(t, `{
	  "title": "Third & last", "description": "<p>At length</p>", "summary": "<p>In short</p>", "author": "Ada Lovelace",
	  "url": "`+server.URL+`/articles/3", "dateUpdated": "2024-10-02T13:00:00.000Z", "dateCreated": "2024-10-02T13:00:00.000Z",
	  "comments": "`+server.URL+`/articles/3#comments", "image": {"url": "https://example.com/3.png"}, "categories": ["One", "Two"],
	  "source": {"title": "Other", "url": "https://other.example/feed"},
	  "enclosures": [{"url": "https://example.com/3.mp3", "type": "audio/mpeg", "length": 1234},
	                 {"url": "`+server.URL+`/feed/3.pdf", "type": "application/pdf"}],
	  "rssFields": {
	    "title": "Third & last", "link": "/articles/3", "description": "<p>In short</p>", "content:encoded": "<p>At length</p>",
	    "author": "ada@example.com (Ada Lovelace)", "guid": "urn:3", "pubdate": "Wed, 02 Oct 2024 15:00:00 +0200",
	    "comments": "/articles/3#comments", "category": ["One", "Two"], "source": "Other",
	    "enclosure": [{"props": {"url": "https://example.com/3.mp3", "length": "1234", "type": "audio/mpeg"}, "value": ""},
	                  {"props": {"url": "3.pdf", "length": "unknown", "type": "application/pdf"}, "value": ""}],
	    "media:thumbnail": {"props": {"url": "https://example.com/3.png"}, "value": ""},
	    "itunes:duration": "12:30",
	    "x:score": {"props": {"scale": "10"}, "value": "", "x:part": ["7", "8"]},
	    "linkedintext": "Read this"}}`, text(t, result.Bundles[0]))
	require.JSONEq(t, `{"title": "First", "url": "https://example.com/articles/1", "categories": [], "enclosures": [],
	  "rssFields": {"title": "First", "guid": "https://example.com/articles/1", "pubdate": "not a date"}}`, text(t, result.Bundles[2]))

	entry := readAll(t, serve(t, "application/atom+xml", file(t, "atom.xml")).URL).Bundles[0]
	require.JSONEq(t, `{
	  "title": "A <b>bold</b> entry", "description": "<p>Long</p>", "summary": "Short", "author": "Ada",
	  "url": "https://example.com/entry/1", "dateUpdated": "2024-10-02T13:00:00.000Z", "dateCreated": "2024-10-01T08:00:00.000Z",
	  "image": {"url": "https://example.com/1.png"}, "categories": ["Go"],
	  "source": {"title": "Elsewhere", "url": "https://other.example/"},
	  "enclosures": [{"url": "https://example.com/1.zip", "type": "application/zip", "length": 42}],
	  "rssFields": {"media:thumbnail": {"props": {"url": "https://example.com/1.png"}, "value": ""}}}`, text(t, entry))
}

func TestFilterAndMaximumChooseArticles(t *testing.T) {
	t.Parallel()
	server := serve(t, "application/rss+xml", file(t, "rss20.xml"))
	at := time.Date(2024, 10, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		input []any
		want  []string
	}{
		"maximum":       {[]any{"maxResults", "2"}, []string{"Third & last", "Second"}},
		"no maximum":    {[]any{"maxResults", 0}, []string{"Third & last", "Second", "First"}},
		"from":          {[]any{"filterDateFrom", at.Add(time.Second)}, []string{"Third & last"}},
		"from included": {[]any{"filterDateFrom", at}, []string{"Third & last", "Second"}},
		"to included":   {[]any{"filterDateTo", at}, []string{"Second"}},
		"to as text":    {[]any{"filterDateTo", "2024-10-01T11:59:59Z"}, []string{}},
		"both":          {[]any{"filterDateFrom", at, "filterDateTo", at, "maxResults", 5}, []string{"Second"}},
		"empty texts":   {[]any{"filterDateFrom", "", "filterDateTo", "", "username", "", "maxResults", ""}, []string{"Third & last", "Second", "First"}},
	} {
		require.Equal(t, c.want, titles(t, readAll(t, server.URL, c.input...)), name)
	}
}

func TestWrongEncodingsAreFoundOut(t *testing.T) {
	t.Parallel()
	feed := func(declaration, title string) string {
		return declaration + `<rss version="2.0"><channel><item><title>` + title + `</title></item></channel></rss>`
	}
	encoded := func(text string, err error) string {
		require.NoError(t, err)
		return text
	}
	for name, c := range map[string]struct{ kind, body, want string }{
		"declared as it is":       {"text/xml", encoded(charmap.ISO8859_2.NewEncoder().String(feed(`<?xml version="1.0" encoding="iso-8859-2"?>`, "Łódź"))), "Łódź"},
		"only the server says":    {"text/xml; charset=windows-1251", encoded(charmap.Windows1251.NewEncoder().String(feed("", "Привет"))), "Привет"},
		"the document wins":       {"text/xml; charset=iso-8859-1", encoded(charmap.Windows1251.NewEncoder().String(feed(`<?xml version="1.0" encoding='windows-1251'?>`, "Привет"))), "Привет"},
		"says Latin, is UTF-8":    {"text/xml; charset=iso-8859-1", feed(`<?xml version="1.0" encoding="ISO-8859-1"?>`, "Grüße"), "Grüße"},
		"says UTF-8, is Latin":    {"text/xml; charset=utf-8", encoded(charmap.Windows1252.NewEncoder().String(feed(`<?xml version="1.0" encoding="utf-8"?>`, "Grüße – €"))), "Grüße – €"},
		"unknown label":           {"text/xml", encoded(charmap.Windows1252.NewEncoder().String(feed(`<?xml version="1.0" encoding="klingon"?>`, "Grüße"))), "Grüße"},
		"cut in a character":      {"text/xml", feed("", "Grüße aus Köln\xc3"), "Grüße aus Köln\ufffd"},
		"UTF-8 with a mark":       {"text/xml", "\xef\xbb\xbf" + feed(`<?xml version="1.0" encoding="utf-16"?>`, "Grüße"), "Grüße"},
		"UTF-16 with a mark":      {"text/xml", encoded(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(feed(`<?xml version="1.0" encoding="utf-16"?>`, "Grüße"))), "Grüße"},
		"UTF-16 without a mark":   {"text/xml", encoded(unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewEncoder().String(feed(`<?xml version="1.0" encoding="utf-16"?>`, "Grüße"))), "Grüße"},
		"ISO-2022-JP":             {"text/xml", encoded(japanese.ISO2022JP.NewEncoder().String(feed(`<?xml version="1.0" encoding="iso-2022-jp"?>`, "日本"))), "日本"},
		"control characters":      {"text/xml", feed("", "a\x00b\x0bc\x1bd"), "abcd"},
		"blanks before":           {"text/xml", "\n \t" + feed(`<?xml version="1.0" encoding="utf-8"?>`, "x"), "x"},
		"a root far behind":       {"text/xml", feed(`<?xml version="1.0"?><!-- `+strings.Repeat("long ", 2000)+`-->`, "x"), "x"},
		"entities of HTML":        {"text/xml", feed("", "a&nbsp;b &mdash; c &unknown; d & e"), "a\u00a0b — c &unknown; d & e"},
		"a type that is nonsense": {";;;", feed("", "x"), "x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, []string{c.want}, titles(t, readAll(t, serve(t, c.kind, c.body).URL)))
		})
	}
}

func TestBrokenDatesAreLeftOut(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]any{
		"Wed, 02 Oct 2002 15:00:00 GMT":   "2002-10-02T15:00:00.000Z",
		"Wed, 02 Oct 2002 08:00:00 EST":   "2002-10-02T13:00:00.000Z",
		"Wed, 02 Oct 2002 15:00 +0200":    "2002-10-02T13:00:00.000Z",
		"2002-10-02T15:00:00+02:00":       "2002-10-02T13:00:00.000Z",
		"2002-10-02 15:00:00":             "2002-10-02T15:00:00.000Z",
		"Thu, 02 Oct 2002 15:00:00 +0000": "2002-10-02T15:00:00.000Z", // it was a Wednesday
		"yesterday":                       nil,
		"":                                nil,
		"Wed, 99 Oct 2002 15:00:00 GMT":   nil,
	} {
		server := serve(t, "text/xml", `<rss version="2.0"><channel><item><title>x</title><pubDate>`+given+`</pubDate></item></channel></rss>`)
		result := readAll(t, server.URL)
		require.NoError(t, result.Err)
		if want == nil {
			require.Nil(t, result.Bundles[0].Get("dateCreated"), given)
			continue
		}
		require.Equal(t, `"`+want.(string)+`"`, text(t, result.Bundles[0].Get("dateCreated")), given)
	}
}

func TestWhatIsNoFeedIsADataError(t *testing.T) {
	t.Parallel()
	const secret = "hidden-words"
	for name, body := range map[string]string{
		"empty":              "",
		"blank":              "  \n ",
		"a page":             "<!DOCTYPE html><html><head><title>" + secret + "</title></head><body><p>" + secret + "</body></html>",
		"plain text":         secret,
		"another document":   "<" + secret + "><item/></" + secret + ">",
		"cut off":            `<rss version="2.0"><channel><item><title>` + secret,
		"no root":            "<?xml version='1.0'?><!-- " + secret + " -->",
		"JSON that is none":  `{"items": [` + secret,
		"JSON of other kind": `["` + secret + `"]`,
		"binary":             "\x89PNG\r\n\x1a\n" + secret,
		"false gzip":         "\x1f\x8b" + secret,
		"broken gzip":        "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + secret,
		"cut gzip":           "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x4b",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := readAll(t, serve(t, "application/rss+xml", body).URL)
			require.Error(t, result.Err)
			require.Equal(t, connector.DataError, connector.TypeOf(result.Err), result.Err)
			require.NotContains(t, result.Err.Error(), secret)
			require.Empty(t, result.Bundles)
		})
	}
}

func TestFeedsThatAreTooMuchAreRefused(t *testing.T) {
	t.Parallel()
	laughs := `<!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">
	  <!ENTITY file SYSTEM "file:///etc/passwd">]><rss version="2.0"><channel><item><title>&c; &file;</title></item></channel></rss>`
	result := readAll(t, serve(t, "text/xml", laughs).URL)
	require.Equal(t, []string{"&c; &file;"}, titles(t, result))

	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, err := w.Write(bytes.Repeat([]byte(" "), 10_000_000))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	for name, c := range map[string]struct {
		body string
		want connector.ErrorType
		part string
	}{
		"long":              {strings.Repeat(" ", 200_001), connector.MaxFileSizeExceededError, "longer than 200000 bytes"},
		"bomb":              {zipped.String(), connector.MaxFileSizeExceededError, "longer than 200000 bytes"},
		"many articles":     {`<rss version="2.0"><channel>` + strings.Repeat("<item/>", 51) + `</channel></rss>`, connector.DataError, "more than 50 articles"},
		"many JSON items":   {`{"version":"https://jsonfeed.org/version/1","items":[{}` + strings.Repeat(",{}", 50) + `]}`, connector.DataError, "more than 50 articles"},
		"deep":              {`<rss version="2.0"><channel>` + strings.Repeat("<a>", 60_000), connector.DataError, "nested deeper"},
		"deep in extension": {`<rss version="2.0" xmlns:x="x"><channel><item>` + strings.Repeat("<x:a>", 30_000), connector.DataError, "nested deeper"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := readAll(t, serve(t, "text/xml", c.body).URL)
			require.Equal(t, c.want, connector.TypeOf(result.Err), result.Err)
			require.ErrorContains(t, result.Err, c.part)
		})
	}
	many := `<rss version="2.0"><channel><item>` + strings.Repeat(`<a b=""/>`, 300_000) + `</item></channel></rss>`
	result = connectortest.Run(t, module(t, rss.Config{}, "ActionReadArticles"),
		connectortest.Call{Input: connector.NewBundle("url", serve(t, "text/xml", many).URL)})
	require.ErrorContains(t, result.Err, "more than 500000 elements")
	pieces := `<rss version="2.0" xmlns:x="x"><channel><x:a>` + strings.Repeat(`piece of text<b/>`, 400_000) + `</x:a></channel></rss>`
	result = connectortest.Run(t, module(t, rss.Config{}, "ActionReadArticles"),
		connectortest.Call{Input: connector.NewBundle("url", serve(t, "text/xml", pieces).URL)})
	require.ErrorContains(t, result.Err, "in too many pieces")
}

func TestServersThatFailAreToldApart(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]connector.ErrorType{
		400: connector.DataError, 404: connector.DataError, 401: connector.InvalidAccessTokenError,
		403: connector.InvalidAccessTokenError, 429: connector.RateLimitError, 500: connector.ConnectionError,
		503: connector.ConnectionError, 304: connector.DataError,
	} {
		server := handle(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(status)
		})
		result := readAll(t, server.URL)
		shown := connector.AsError(result.Err)
		require.Equal(t, want, shown.Type, status)
		require.Equal(t, int64(status), shown.Detail.Get("statusCode"))
		require.Equal(t, 2*time.Minute, shown.After)
	}
	gone := handle(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	require.Equal(t, connector.ConnectionError, connector.TypeOf(readAll(t, gone.URL).Err))
	cut := handle(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`<rss version="2.0">`))
	})
	require.Equal(t, connector.ConnectionError, connector.TypeOf(readAll(t, cut.URL).Err))
}

func TestSlowServerIsATimeout(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	server := handle(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`<rss version="2.0"><channel>`))
		w.(http.Flusher).Flush()
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	})
	defer close(stop)
	result := connectortest.Run(t, module(t, rss.Config{Timeout: 50 * time.Millisecond}, "ActionReadArticles"),
		connectortest.Call{Input: connector.NewBundle("url", server.URL)})
	require.Equal(t, connector.ModuleTimeoutError, connector.TypeOf(result.Err), result.Err)
}

func TestAddressesThatAreNoneAreRefusedWithoutBeingQuoted(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"hidden-words", "ftp://hidden-words/feed", "http://", "file:///hidden-words", "http://hidden-words\x7f/", "https:hidden-words"} {
		result := readAll(t, url)
		require.Equal(t, connector.DataError, connector.TypeOf(result.Err), url)
		require.NotContains(t, result.Err.Error(), "hidden-words")
	}
}

func TestRequestSaysWhatTheScenarioWants(t *testing.T) {
	t.Parallel()
	server := handle(t, func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		_, _ = fmt.Fprintf(w, `<rss version="2.0"><channel><item><title>%s %s %s %s %s</title></item></channel></rss>`,
			r.URL.Path, r.Header.Get("Accept-Encoding"), r.UserAgent(), user, password)
	})
	feed := strings.Replace(server.URL, "http://", "feed://", 1)
	require.Equal(t, []string{"/a gzip ebb"}, titles(t, readAll(t, server.URL+"/a")))
	require.Equal(t, []string{"/a identity ebb ada secret"},
		titles(t, readAll(t, " "+feed+"/a ", "gzip", false, "username", "ada", "password", "secret")))
	require.Equal(t, []string{"/a gzip ebb"}, titles(t, readAll(t, "feed:"+server.URL+"/a", "include", []any{"itunes"})))
}

func TestFeedThatIsCompressedUnaskedIsRead(t *testing.T) {
	t.Parallel()
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, err := w.Write([]byte(file(t, "rdf.xml")))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	for _, header := range []string{"gzip", ""} {
		server := handle(t, func(w http.ResponseWriter, _ *http.Request) {
			if header != "" {
				w.Header().Set("Content-Encoding", header)
			}
			_, _ = w.Write(zipped.Bytes())
		})
		for _, ask := range []bool{true, false} {
			require.Equal(t, []string{"A", "B"}, titles(t, readAll(t, server.URL, "gzip", ask)))
		}
	}
}

func FuzzFeed(f *testing.F) {
	for _, name := range []string{"rss20.xml", "atom.xml", "rdf.xml", "rss091.xml", "feed.json"} {
		f.Add("text/xml", []byte(file(f, name)))
	}
	f.Add("text/xml; charset=utf-16", []byte("\xff\xfe<\x00r\x00s\x00s\x00>\x00"))
	f.Add("", []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xffbroken"))
	f.Add("x", []byte(`<feed><entry><a:b c:d="e"><f/></a:b></entry></feed>`))
	read := module(f, small, "ActionReadArticles")
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		result := connectortest.Run(t, read, connectortest.Call{
			Input: connector.NewBundle("url", "https://feeds.example/feed"), HTTP: answering(kind, body),
		})
		if result.Err != nil {
			require.NotEqual(t, connector.RuntimeError, connector.TypeOf(result.Err), result.Err)
			return
		}
		for _, b := range result.Bundles {
			_, err := connector.Convert(read.Info().Output, b, nil)
			require.NoError(t, err)
		}
	})
}

func BenchmarkFeed(b *testing.B) {
	article := `<item><title>An article</title><link>https://example.com/x</link><description>` + strings.Repeat("words ", 100) +
		`</description><guid>x</guid><pubDate>Wed, 02 Oct 2002 15:00:00 GMT</pubDate></item>`
	body := []byte(`<rss version="2.0"><channel>` + strings.Repeat(article, 100) + `</channel></rss>`)
	read := module(b, rss.Config{}, "ActionReadArticles")
	call := connectortest.Call{Input: connector.NewBundle("url", "https://feeds.example/feed"), HTTP: answering("text/xml", body)}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		require.Len(b, connectortest.Run(b, read, call).Bundles, 100)
	}
}
