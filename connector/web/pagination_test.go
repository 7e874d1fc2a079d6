package web_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
	"github.com/ebbkit/ebb/connector/web"
)

// paged calls MakeRequest and returns the data of its bundles as JSON.
func paged(t *testing.T, input ...any) ([]string, connectortest.Result) {
	t.Helper()
	result := call(t, "MakeRequest", append([]any{"method", "get", "parseResponse", true}, input...)...)
	pages := []string{}
	for _, b := range result.Bundles {
		text, err := connector.AppendJSON(nil, b.Get("data"))
		require.NoError(t, err)
		pages = append(pages, string(text))
	}
	return pages, result
}

// number is a parameter of the query as a number, or otherwise.
func number(r *http.Request, name string, otherwise int) int {
	if n, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil {
		return n
	}
	return otherwise
}

// shelf serves the numbers from 1 to total, by offset or by page.
func shelf(t *testing.T, total int, queries *[]string) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		*queries = append(*queries, r.URL.RawQuery)
		size := number(r, "limit", number(r, "size", 2))
		from := number(r, "offset", (number(r, "page", 1)-number(r, "base", 1))*size)
		items := []int{}
		for n := from + 1; n <= total && len(items) < size; n++ {
			items = append(items, n)
		}
		var out any = items
		if r.URL.Query().Has("wrapped") {
			out = map[string]any{"meta": map[string]any{"tags": []int{}}, "items": items, "other": []int{9}}
		}
		_ = json.NewEncoder(w).Encode(out)
	}).URL
}

func TestPagesByOffsetAndByNumberEndWhereTheItemsDo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		total   int
		input   []any
		query   string
		pages   []string
		queries []string
	}{
		"offset, last page is not full": {5, []any{"paginationType", "offsetBased", "limit", 2}, "",
			[]string{"[1,2]", "[3,4]", "[5]"}, []string{"offset=0&limit=2", "offset=2&limit=2", "offset=4&limit=2"}},
		"offset, last page is full": {4, []any{"paginationType", "offsetBased", "limit", 2}, "",
			[]string{"[1,2]", "[3,4]"}, []string{"offset=0&limit=2", "offset=2&limit=2", "offset=4&limit=2"}},
		"offset without a limit": {3, []any{"paginationType", "offsetBased", "startOffset", 1}, "",
			[]string{"[2,3]"}, []string{"offset=1", "offset=3"}},
		"own names": {3, []any{"paginationType", "pageBased", "pageParameter", "page", "limitParameter", "size", "limit", 2}, "",
			[]string{"[1,2]", "[3]"}, []string{"page=1&size=2", "page=2&size=2"}},
		"page from 0": {3, []any{"paginationType", "pageBased", "startPage", 0}, "base=0",
			[]string{"[1,2]", "[3]"}, []string{"base=0&page=0", "base=0&page=1", "base=0&page=2"}},
		"what the URL says is replaced": {2, []any{"paginationType", "pageBased"}, "page=7&a=1",
			[]string{"[1,2]"}, []string{"a=1&page=1", "a=1&page=2"}},
		"nothing there": {0, []any{"paginationType", "pageBased"}, "", []string{"[]"}, []string{"page=1"}},
		"limit of pages": {9, []any{"paginationType", "pageBased", "maxPages", 2}, "",
			[]string{"[1,2]", "[3,4]"}, []string{"page=1", "page=2"}},
		"items by their path": {3, []any{"paginationType", "pageBased", "itemsPath", "items"}, "wrapped=1",
			[]string{`{"items":[1,2],"meta":{"tags":[]},"other":[9]}`, `{"items":[3],"meta":{"tags":[]},"other":[9]}`},
			[]string{"wrapped=1&page=1", "wrapped=1&page=2", "wrapped=1&page=3"}},
		"no pagination": {3, nil, "", []string{"[1,2]"}, []string{""}},
	} {
		queries := []string{}
		pages, result := paged(t, append([]any{"url", shelf(t, c.total, &queries) + "/?" + c.query}, c.input...)...)
		require.NoError(t, result.Err, name)
		require.Equal(t, c.pages, pages, name)
		require.Equal(t, c.queries, queries, name)
	}
	queries := []string{}
	_, result := paged(t, "url", shelf(t, 3, &queries)+"/?wrapped=1", "paginationType", "pageBased")
	require.Equal(t, connector.DataError, connector.TypeOf(result.Err))
	require.ErrorContains(t, result.Err, "itemsPath")
}

func TestPagesByURLFollowTheBodyOrTheLinkHeader(t *testing.T) {
	t.Parallel()
	var queries []string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		queries = append(queries, r.URL.RawQuery)
		n := number(r, "n", 1)
		next := fmt.Sprintf("/x?n=%d&key=a%%2Fb", n+1)
		if n >= 3 {
			next = ""
		}
		switch {
		case r.URL.Query().Has("link") || r.URL.Path == "/x" && r.Header.Get("X-Link") != "":
			w.Header().Add("Link", `</first>; rel="first", </last>;rel=last`)
			if next != "" {
				w.Header().Add("Link", `<`+next+`>; title="a;b"; rel="prefetch NEXT"`)
			}
			_, _ = io.WriteString(w, strconv.Itoa(n))
		default:
			_ = json.NewEncoder(w).Encode(map[string]any{"n": n, "links": []any{map[string]any{"next": next}}})
		}
	})
	pages, result := paged(t, "url", server.URL+"/?a=1", "queryParameters", pairs("q", "z"), "paginationType", "urlBased", "nextUrlPath", "links.1.next")
	require.NoError(t, result.Err)
	require.Len(t, pages, 3)
	require.Equal(t, []string{"a=1&q=z", "n=2&key=a%2Fb", "n=3&key=a%2Fb"}, queries)

	queries = nil
	pages, result = paged(t, "url", server.URL+"/?link=1", "headers", pairs("X-Link", "1"), "paginationType", "urlBased")
	require.NoError(t, result.Err)
	require.Equal(t, []string{"1", "2", "3"}, unquoted(pages))
	require.Equal(t, []string{"link=1", "n=2&key=a%2Fb", "n=3&key=a%2Fb"}, queries)
}

func unquoted(texts []string) []string {
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = strings.Trim(text, `"`)
	}
	return out
}

func TestPagesByTokenEndWithoutOne(t *testing.T) {
	t.Parallel()
	var queries []string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		queries = append(queries, r.URL.RawQuery)
		next := map[string]any{"": 12, "12": "b/ c", "b/ c": nil}[r.URL.Query().Get("cursor")]
		_ = json.NewEncoder(w).Encode(map[string]any{"meta": map[string]any{"next": next}})
	})
	pages, result := paged(t, "url", server.URL, "paginationType", "tokenBased", "nextTokenPath", "meta.next", "parseResponse", false)
	require.NoError(t, result.Err)
	require.Len(t, pages, 3)
	require.Equal(t, []string{"", "cursor=12", "cursor=b%2F%20c"}, queries)
}

func TestPagesStopAtStatusesThatAreErrors(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("page") == "2" {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = io.WriteString(w, `[1]`)
	})
	pages, result := paged(t, "url", server.URL, "paginationType", "pageBased")
	require.NoError(t, result.Err)
	require.Len(t, pages, 2)
	require.Equal(t, int64(500), result.Bundles[1].Get("statusCode"))
	pages, result = paged(t, "url", server.URL, "paginationType", "pageBased", "stopOnHttpError", true)
	require.Equal(t, connector.ConnectionError, connector.TypeOf(result.Err))
	require.Len(t, pages, 1)
}

func TestServicesThatLeadAstrayAreNotFollowed(t *testing.T) {
	t.Parallel()
	other := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the credentials went elsewhere") })
	var next string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "a=1")
		_ = json.NewEncoder(w).Encode(map[string]any{"next": next})
	})
	d := door{"MakeRequest", "apiKeyKeychain", web.APIKey, []any{"authenticationType", "apiKey"}}
	for to, says := range map[string]string{
		other.URL: "another scheme, host or port", strings.Replace(server.URL, "http:", "https:", 1): "another scheme",
		"//evil.example/needle": "another scheme", "file:///etc/needle": "another scheme", "/x": "leads to itself", "http://%zz/needle": "is an address",
		"javascript:needle": "another scheme",
	} {
		next = to
		result := d.run(t, account(web.APIKey, connector.NewBundle("name", "X"), "key", "needle"), "url", server.URL, "paginationType", "urlBased", "nextUrlPath", "next")
		require.Equal(t, connector.DataError, connector.TypeOf(result.Err), "%s: %v", to, result.Err)
		if says != "is an address" {
			require.ErrorContains(t, result.Err, says)
		}
		require.NotContains(t, result.Err.Error(), "needle")
	}
	next = "same"
	_, result := paged(t, "url", server.URL, "paginationType", "tokenBased", "nextTokenPath", "next")
	require.ErrorContains(t, result.Err, "leads to itself")
	asked := 0
	endless := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = io.WriteString(w, `{"next":`+strconv.Itoa(asked)+`}`)
	})
	pages, result := paged(t, "url", endless.URL, "paginationType", "tokenBased", "nextTokenPath", "next")
	require.NoError(t, result.Err)
	require.Len(t, pages, 50, "the default limit")
	require.Equal(t, 50, asked)
}

func TestPagesAreFetchedOnlyWhenTheyAreWanted(t *testing.T) {
	t.Parallel()
	queries := []string{}
	result := connectortest.Run(t, module(t, "MakeRequest"), connectortest.Call{
		Limit: 2, Input: connector.NewBundle("url", shelf(t, 100, &queries), "paginationType", "pageBased"),
	})
	require.NoError(t, result.Err)
	require.Len(t, result.Bundles, 2)
	require.Len(t, queries, 2)
}
