package web_test

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
	"github.com/ebbkit/ebb/connector/web"
)

// module finds a module of the connector by its name.
func module(t testing.TB, name string) connector.Module {
	t.Helper()
	return connectortest.Module(t, web.New(web.Config{MaxResponseBytes: 100_000}), name)
}

// call runs a module with a mapper and with parameters that have other names.
func call(t *testing.T, name string, namesAndValues ...any) connectortest.Result {
	t.Helper()
	return connectortest.Run(t, module(t, name), connectortest.Call{Input: connector.NewBundle(namesAndValues...)})
}

// output is the one bundle of a call that went well.
func output(t *testing.T, result connectortest.Result) connector.Bundle {
	t.Helper()
	require.NoError(t, result.Err)
	require.Len(t, result.Bundles, 1)
	return result.Bundles[0]
}

// A seen is what the echo server got.
type seen struct {
	Method, URI, Host, Body string
	Header                  http.Header
}

// echo serves what it gets, as JSON.
func echo(t *testing.T) *httptest.Server {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_ = json.NewEncoder(w).Encode(seen{r.Method, r.RequestURI, r.Host, string(body), r.Header})
	})
}

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// echoed reads what an echo server has answered.
func echoed(t *testing.T, result connectortest.Result) seen {
	t.Helper()
	text, err := connector.AppendJSON(nil, output(t, result).Get("data"))
	require.NoError(t, err)
	var s seen
	require.NoError(t, json.Unmarshal(text, &s))
	return s
}

func pairs(namesAndValues ...string) []any {
	var list []any
	for i := 0; i < len(namesAndValues); i += 2 {
		list = append(list, connector.NewBundle("name", namesAndValues[i], "value", namesAndValues[i+1]))
	}
	return list
}

func TestConnectorIsSound(t *testing.T) {
	t.Parallel()
	require.NoError(t, connector.Check(web.New(web.Config{})))
}

func TestSendDataSendsWhatTheMapperSays(t *testing.T) {
	t.Parallel()
	server := echo(t)
	got := echoed(t, call(t, "ActionSendData",
		"url", server.URL+"/a b/ü?x=1", "method", "POST", "parseResponse", true,
		"headers", pairs("X-One", "1", "x-one", "2", "Content-Type", "text/x-mine", "Host", "other.example"),
		"qs", pairs("q", "a b&c=d/é", "filter[x]", "", "many", "1", "many", "2"),
		"bodyType", "raw", "contentType", "text/plain", "data", "body é", "authUser", "ada", "authPass", "p:w"))
	require.Equal(t, "POST", got.Method)
	require.Equal(t, "/a%20b/%C3%BC?x=1&q=a%20b%26c%3Dd%2F%C3%A9&filter%5Bx%5D=&many%5B0%5D=1&many%5B1%5D=2", got.URI)
	require.Equal(t, []string{"1", "2"}, got.Header["X-One"])
	require.Equal(t, "text/x-mine", got.Header.Get("Content-Type"))
	require.Equal(t, "other.example", got.Host)
	require.Equal(t, "Basic YWRhOnA6dw==", got.Header.Get("Authorization"))
	require.Equal(t, "gzip", got.Header.Get("Accept-Encoding"))
	require.Equal(t, "ebb", got.Header.Get("User-Agent"))
	require.Equal(t, "body é", got.Body)
}

func TestSendDataTakesTheEmptyFieldsOfBlueprints(t *testing.T) {
	t.Parallel()
	server := echo(t)
	result := connectortest.Run(t, module(t, "ActionSendData"), connectortest.Call{
		Params: connector.NewBundle("handleErrors", true, "useNewZLibDeCompress", "true"),
		Input: connector.NewBundle(
			"ca", "", "qs", []any{}, "url", server.URL, "gzip", true, "method", "get", "headers", []any{}, "timeout", "",
			"useMtls", false, "authPass", "", "authUser", "", "bodyType", "", "serializeUrl", false, "shareCookies", false,
			"parseResponse", true, "followRedirect", true, "useQuerystring", false, "followAllRedirects", false,
			"rejectUnauthorized", true, "contentType", "", "data", "", "unknown", "x"),
	})
	got := echoed(t, result)
	require.Equal(t, "GET", got.Method)
	require.Equal(t, "/", got.URI)
	require.Empty(t, got.Header.Get("Content-Type"))
}

func TestQueryAndURLAreEncodedAsAsked(t *testing.T) {
	t.Parallel()
	server := echo(t)
	many := pairs("a", "1", "a", "2")
	for name, c := range map[string]struct {
		input []any
		want  string
	}{
		"repeated names":      {[]any{"qs", many, "useQuerystring", true}, "/?a=1&a=2"},
		"repeated as arrays":  {[]any{"qs", many}, "/?a%5B0%5D=1&a%5B1%5D=2"},
		"percent is kept":     {[]any{"url", server.URL + "/a%20b"}, "/a%20b"},
		"percent is encoded":  {[]any{"url", server.URL + "/a%20b", "serializeUrl", true}, "/a%2520b"},
		"blanks around":       {[]any{"url", " " + server.URL + "/x "}, "/x"},
		"own query":           {[]any{"url", server.URL + "/?b=%26", "qs", many[:1]}, "/?b=%26&a=1"},
		"fragment":            {[]any{"url", server.URL + "/x#y"}, "/x"},
		"characters of JSON":  {[]any{"url", server.URL + `/?q={"a":[1]}`}, "/?q=%7B%22a%22:[1]%7D"},
		"one name, no arrays": {[]any{"qs", pairs("a", "1")}, "/?a=1"},
	} {
		input := append([]any{"url", server.URL + "/", "method", "get", "parseResponse", true}, c.input...)
		require.Equal(t, c.want, echoed(t, call(t, "ActionSendData", input...)).URI, name)
	}
}

func TestBodiesAreBuiltByTheirType(t *testing.T) {
	t.Parallel()
	server := echo(t)
	when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, c := range map[string]struct {
		input      []any
		kind, body string
	}{
		"raw text":        {[]any{"bodyType", "raw", "contentType", "application/json", "data", `{"a":1}`}, "application/json", `{"a":1}`},
		"raw collection":  {[]any{"bodyType", "raw", "contentType", "application/json", "data", connector.NewBundle("b", 1, "a", nil)}, "application/json", `{"b":1,"a":null}`},
		"raw array":       {[]any{"bodyType", "raw", "data", []any{1, "x"}}, "", `[1,"x"]`},
		"raw buffer":      {[]any{"bodyType", "raw", "data", []byte("bytes")}, "", "bytes"},
		"raw number":      {[]any{"bodyType", "raw", "data", 1.5}, "", "1.5"},
		"raw date":        {[]any{"bodyType", "raw", "data", when}, "", "2026-01-02T03:04:05.000Z"},
		"raw custom":      {[]any{"bodyType", "raw", "contentType", "custom", "data", "x", "headers", pairs("Content-Type", "a/b")}, "a/b", "x"},
		"raw nothing":     {[]any{"bodyType", "raw", "contentType", "application/json"}, "", ""},
		"without a type":  {[]any{"data", "not sent"}, "", ""},
		"form":            {[]any{"bodyType", "x_www_form_urlencoded", "formFields", []any{connector.NewBundle("key", "b c", "value", "1&2"), connector.NewBundle("key", "a", "value", nil)}}, "application/x-www-form-urlencoded", "b+c=1%262&a="},
		"form of nothing": {[]any{"bodyType", "x_www_form_urlencoded"}, "application/x-www-form-urlencoded", ""},
	} {
		input := append([]any{"url", server.URL, "method", "post", "parseResponse", true}, c.input...)
		got := echoed(t, call(t, "ActionSendData", input...))
		require.Equal(t, c.kind, got.Header.Get("Content-Type"), name)
		require.Equal(t, c.body, got.Body, name)
	}
}

func TestMultipartFormsCarryFieldsAndFiles(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var parts []string
		reader, err := r.MultipartReader()
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		for {
			part, err := reader.NextPart()
			if err != nil {
				break
			}
			data, _ := io.ReadAll(part)
			parts = append(parts, part.FormName()+"|"+part.FileName()+"|"+part.Header.Get("Content-Type")+"|"+string(data))
		}
		_, _ = io.WriteString(w, strings.Join(parts, "\n"))
	})
	want := "note|||é\nfile|a \"b\".txt|text/plain; charset=utf-8|\x00\xff\nraw|x|application/octet-stream|text\nempty|||"
	v3 := []any{
		connector.NewBundle("key", "note", "fieldType", "text", "value", "é"),
		connector.NewBundle("key", "file", "fieldType", "file", "data", []byte{0, 255}, "fileName", `a "b".txt`),
		connector.NewBundle("key", "raw", "fieldType", "file", "value", "text", "fileName", "x"),
		connector.NewBundle("key", "empty", "fieldType", "text"),
	}
	decoded := strings.NewReplacer("%22", `"`)
	for name, input := range map[string][]any{
		"formDataFields": {"bodyType", "multipart_form_data", "formDataFields", v3},
		"formFields":     {"bodyType", "multipart_form_data", "formFields", v3},
	} {
		input = append([]any{"url", server.URL, "method", "post"}, input...)
		data := output(t, call(t, "ActionSendData", input...)).Get("data")
		require.Equal(t, want, decoded.Replace(textOf(t, data)), name)
	}
	v4 := []any{
		connector.NewBundle("name", "note", "multipartFieldType", "text", "value", "é"),
		connector.NewBundle("name", "file", "multipartFieldType", "file", "data", []byte{0, 255}, "fileName", `a "b".txt`),
		connector.NewBundle("name", "raw", "multipartFieldType", "file", "data", "text", "fileName", "x"),
		connector.NewBundle("name", "empty", "multipartFieldType", "text"),
	}
	data := output(t, call(t, "MakeRequest", "url", server.URL, "method", "post", "contentType", "multipart",
		"multipartBodyContent", v4)).Get("data")
	require.Equal(t, want, decoded.Replace(textOf(t, data)))
}

func textOf(t *testing.T, data any) string {
	t.Helper()
	switch data := data.(type) {
	case string:
		return data
	case []byte:
		return string(data)
	}
	t.Fatalf("%T is no text", data)
	return ""
}

func TestSendDataReturnsTheResponse(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Add("Set-Cookie", "a=1; path=/")
		w.Header().Add("Set-Cookie", "b=2")
		w.Header().Set("X-Count", "7")
		w.Header()["Date"] = nil
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"z":1,"a":[true]}`)
	})
	b := output(t, call(t, "ActionSendData", "url", server.URL, "method", "get", "parseResponse", true))
	text, err := b.MarshalJSON()
	require.NoError(t, err)
	require.Equal(t, `{"statusCode":201,"headers":[{"name":"content-length","value":"18"},`+
		`{"name":"content-type","value":"application/json"},{"name":"set-cookie","value":"a=1; path=/"},`+
		`{"name":"set-cookie","value":"b=2"},{"name":"x-count","value":"7"}],`+
		`"cookieHeaders":["a=1; path=/","b=2"],"data":{"z":1,"a":[true]},"fileSize":18}`, string(text))

	bare := serve(t, func(http.ResponseWriter, *http.Request) {})
	for _, name := range []string{"ActionSendData", "ActionGetFile"} {
		require.Equal(t, []any{}, output(t, call(t, name, "url", bare.URL, "method", "get")).Get("cookieHeaders"), name)
	}
}

func TestMakeRequestReturnsHeadersAsACollection(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Vary", "Accept")
		w.Header().Add("Vary", "Cookie")
		w.Header().Set("Content-Type", "text/plain")
		w.Header()["Date"] = nil
		_, _ = io.WriteString(w, "ok")
	})
	b := output(t, call(t, "MakeRequest", "url", server.URL, "method", "get"))
	text, err := b.MarshalJSON()
	require.NoError(t, err)
	require.Equal(t, `{"data":"ok","headers":{"content-length":"2","content-type":"text/plain","set-cookie":["a=1"],`+
		`"vary":"Accept, Cookie"},"statusCode":200}`, string(text))
}

func TestMakeRequestBuildsItsBodies(t *testing.T) {
	t.Parallel()
	server := echo(t)
	for name, c := range map[string]struct {
		input      []any
		kind, body string
	}{
		"json string":    {[]any{"contentType", "json", "inputMethod", "jsonString", "jsonStringBodyContent", `{"a": 1}`}, "application/json", `{"a": 1}`},
		"data structure": {[]any{"contentType", "json", "inputMethod", "dataStructure", "dataStructureBodyContent", connector.NewBundle("b", "x")}, "application/json", `{"b":"x"}`},
		"url encoded":    {[]any{"contentType", "urlEncoded", "urlEncodedBodyContent", pairs("grant_type", "a b")}, "application/x-www-form-urlencoded", "grant_type=a+b"},
		"custom":         {[]any{"contentType", "custom", "contentTypeValue", "application/xml", "rawBodyContent", "<a/>"}, "application/xml", "<a/>"},
		"header wins":    {[]any{"contentType", "json", "jsonStringBodyContent", "1", "headers", pairs("content-type", "application/vnd.api+json")}, "application/vnd.api+json", "1"},
	} {
		input := append([]any{
			"url", server.URL, "method", "put", "parseResponse", true, "queryParameters", pairs("a", "1", "a", "2"),
		}, c.input...)
		got := echoed(t, call(t, "MakeRequest", input...))
		require.Equal(t, c.kind, got.Header.Get("Content-Type"), name)
		require.Equal(t, c.body, got.Body, name)
		require.Equal(t, "/?a=1&a=2", got.URI)
	}
}

func TestResponsesAreParsedByTheirType(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = nil
		if kind := r.URL.Query().Get("type"); kind != "" {
			w.Header().Set("Content-Type", kind)
		}
		_, _ = io.WriteString(w, r.URL.Query().Get("body"))
	})
	for name, c := range map[string]struct {
		kind, body string
		parse      bool
		want       any
	}{
		"json":                   {"application/json", `{"a":1}`, true, connector.NewBundle("a", 1)},
		"json array":             {"application/vnd.api+json; charset=utf-8", `[1]`, true, []any{int64(1)}},
		"json text":              {"text/json", `"a"`, true, "a"},
		"json that is not asked": {"application/json", `{"a":1}`, false, `{"a":1}`},
		"json without a type":    {"", `{"a":1}`, true, connector.NewBundle("a", 1)},
		"json as text":           {"text/plain", `[1]`, true, []any{int64(1)}},
		"number as text":         {"text/plain", `1`, true, "1"},
		"text":                   {"text/plain", "a", true, "a"},
		"xml":                    {"application/xml", "<a/>", false, "<a/>"},
		"html":                   {"text/html; charset=UTF-8", "<p>é</p>", false, "<p>é</p>"},
		"latin 1":                {"text/html; charset=ISO-8859-1", "\xe9", false, "é"},
		"another charset":        {"text/html; charset=shift_jis", "\x83\x65", false, []byte("\x83\x65")},
		"text that is no UTF-8":  {"text/plain", "\xff\xfe", false, []byte("\xff\xfe")},
		"image":                  {"image/png", "abc", true, []byte("abc")},
		"bytes without a type":   {"", "\x00\xff", true, []byte("\x00\xff")},
		"broken type":            {"application/json;;;=", "a", true, "a"},
		"empty json":             {"application/json", "", true, ""},
		"empty":                  {"", "", true, ""},
	} {
		query := url.Values{"type": {c.kind}, "body": {c.body}}
		for _, m := range []string{"ActionSendData", "MakeRequest"} {
			b := output(t, call(t, m, "url", server.URL+"/?"+query.Encode(), "method", "get", "parseResponse", c.parse))
			require.True(t, connector.Equal(c.want, b.Get("data")), "%s: %#v", name, b.Get("data"))
		}
	}
	query := url.Values{"type": {"application/json"}, "body": {`{"needle":`}}
	result := call(t, "ActionSendData", "url", server.URL+"/?"+query.Encode(), "method", "get", "parseResponse", true)
	require.Equal(t, connector.DataError, connector.TypeOf(result.Err))
	require.NotContains(t, result.Err.Error(), "needle")
}

func TestStatusesAreErrorsOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	retry := ""
	status := 0
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if retry != "" {
			w.Header().Set("Retry-After", retry)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if status != http.StatusNotModified && status != http.StatusNoContent {
			_, _ = io.WriteString(w, `{"error":"needle"}`)
		}
	})
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		status int
		retry  string
		want   connector.ErrorType
		after  time.Duration
	}{
		{200, "", "", 0},
		{204, "", "", 0},
		{304, "", "", 0},
		{400, "", connector.DataError, 0},
		{401, "", connector.InvalidAccessTokenError, 0},
		{403, "", connector.InvalidAccessTokenError, 0},
		{404, "", connector.DataError, 0},
		{408, "", connector.ConnectionError, 0},
		{422, "", connector.DataError, 0},
		{429, "", connector.RateLimitError, 0},
		{429, "120", connector.RateLimitError, 2 * time.Minute},
		{429, now.Add(time.Hour).Format(http.TimeFormat), connector.RateLimitError, time.Hour},
		{429, now.Add(-time.Hour).Format(http.TimeFormat), connector.RateLimitError, 0},
		{429, "soon", connector.RateLimitError, 0},
		{429, "99999999999999999999", connector.RateLimitError, 0},
		{500, "", connector.ConnectionError, 0},
		{503, "5", connector.ConnectionError, 5 * time.Second},
		{507, "", connector.OutOfSpaceError, 0},
		{599, "", connector.ConnectionError, 0},
	} {
		status, retry = c.status, c.retry
		for m, option := range map[string]string{"ActionSendData": "handleErrors", "MakeRequest": "stopOnHttpError"} {
			run := connectortest.Call{
				Params: connector.NewBundle(option, true), Now: now,
				Input: connector.NewBundle("url", server.URL+"/?key=needle", "method", "get", "parseResponse", true),
			}
			if m == "MakeRequest" { // where the option is one of the mapper
				run.Params, run.Input = connector.Bundle{}, run.Input.Clone()
				run.Input.Set(option, true)
			}
			result := connectortest.Run(t, module(t, m), run)
			if c.want == "" {
				require.Equal(t, int64(c.status), output(t, result).Get("statusCode"))
				continue
			}
			var typed *connector.Error
			require.ErrorAs(t, result.Err, &typed)
			require.Equal(t, c.want, typed.Type, c.status)
			require.Equal(t, c.after, typed.After, c.retry)
			require.NotContains(t, typed.Message, "needle")
			require.Contains(t, typed.Message, "127.0.0.1")
			require.Equal(t, int64(c.status), typed.Detail.Get("statusCode"))
			require.Equal(t, "needle", typed.Detail.Get("data").(connector.Bundle).Get("error"))
			require.NotNil(t, typed.Detail.Get("headers"))

			run.Params = connector.Bundle{}
			run.Input.Delete(option)
			require.Equal(t, int64(c.status), output(t, connectortest.Run(t, module(t, m), run)).Get("statusCode"))
		}
	}
}

func TestRedirectsAreFollowedAsAsked(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			code := http.StatusFound
			if r.URL.Query().Get("keep") != "" {
				code = http.StatusTemporaryRedirect
			}
			http.Redirect(w, r, "/there", code)
			return
		}
		body, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, r.Method+" "+r.URL.Path+" "+string(body))
	})
	for name, c := range map[string]struct {
		module string
		input  []any
		status int
		data   string
	}{
		"get":                {"ActionSendData", []any{"method", "get"}, 200, "GET /there "},
		"get not":            {"ActionSendData", []any{"method", "get", "followRedirect", false}, 302, ""},
		"post":               {"ActionSendData", []any{"method", "post", "bodyType", "raw", "data", "x"}, 302, ""},
		"post all":           {"ActionSendData", []any{"method", "post", "bodyType", "raw", "data", "x", "followAllRedirects", true}, 200, "GET /there "},
		"all implies get":    {"ActionSendData", []any{"method", "get", "followRedirect", false, "followAllRedirects", true}, 200, "GET /there "},
		"v4 post":            {"MakeRequest", []any{"method", "post", "contentType", "json", "jsonStringBodyContent", "1"}, 200, "GET /there "},
		"v4 post that stays": {"MakeRequest", []any{"url", server.URL + "/?keep=1", "method", "post", "contentType", "json", "jsonStringBodyContent", "1"}, 200, "POST /there 1"},
		"v4 not":             {"MakeRequest", []any{"method", "get", "allowRedirects", false}, 302, ""},
	} {
		b := output(t, call(t, c.module, append([]any{"url", server.URL}, c.input...)...))
		require.Equal(t, int64(c.status), b.Get("statusCode"), name)
		if c.status == 200 {
			require.Equal(t, c.data, b.Get("data"), name)
		}
	}
	loop := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) })
	result := call(t, "ActionSendData", "url", loop.URL+"/?key=needle", "method", "get")
	require.Equal(t, connector.DataError, connector.TypeOf(result.Err))
	require.NotContains(t, result.Err.Error(), "needle")

	// A client without rules of its own is limited too.
	result = connectortest.Run(t, module(t, "ActionSendData"), connectortest.Call{
		HTTP: &http.Client{}, Input: connector.NewBundle("url", loop.URL+"/?key=needle", "method", "get"),
	})
	require.ErrorContains(t, result.Err, "after 10 redirects")
	require.NotContains(t, result.Err.Error(), "needle")
}

func TestCompressedContentIsAskedForAndUnpacked(t *testing.T) {
	t.Parallel()
	asked := ""
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.Header.Get("Accept-Encoding")
		if !strings.Contains(asked, "gzip") {
			_, _ = io.WriteString(w, "plain")
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Type", "text/plain")
		packed := gzip.NewWriter(w)
		_, _ = io.WriteString(packed, "packed")
		_ = packed.Close()
	})
	for m, option := range map[string]string{"ActionSendData": "gzip", "MakeRequest": "requestCompressedContent"} {
		b := output(t, call(t, m, "url", server.URL, "method", "get", option, true, "headers", pairs("Accept-Encoding", "br")))
		require.Equal(t, "packed", b.Get("data"))
		require.Equal(t, "gzip", asked)
		b = output(t, call(t, m, "url", server.URL, "method", "get", option, false))
		require.Equal(t, "plain", b.Get("data"))
		require.Equal(t, "identity", asked)
	}
}

func TestLimitsOfSizeAndTimeHold(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/exact":
			_, _ = w.Write(make([]byte, 100_000))
		case "/long":
			_, _ = w.Write(make([]byte, 100_001))
		default:
			<-stop
		}
	})
	t.Cleanup(func() { close(stop) })
	for _, m := range []string{"ActionSendData", "MakeRequest", "ActionGetFile"} {
		require.NoError(t, call(t, m, "url", server.URL+"/exact").Err)
		result := call(t, m, "url", server.URL+"/long")
		require.Equal(t, connector.MaxFileSizeExceededError, connector.TypeOf(result.Err))
	}
	result := call(t, "ActionSendData", "url", server.URL+"/slow?key=needle", "timeout", 1)
	require.Equal(t, connector.ModuleTimeoutError, connector.TypeOf(result.Err))
	require.NotContains(t, result.Err.Error(), "needle")
	for _, timeout := range []any{0, 301, "soon"} {
		result = call(t, "MakeRequest", "url", server.URL, "timeout", timeout)
		require.Equal(t, connector.BundleValidationError, connector.TypeOf(result.Err))
	}
}

func TestOptionsThatCannotBeHonouredAreRefused(t *testing.T) {
	t.Parallel()
	server := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the request was sent") })
	for _, c := range []struct {
		module, field string
		value         any
		says          string
	}{
		{"ActionSendData", "useMtls", true, "clientCert and clientKey"},
		{"ActionSendData", "ca", "-----BEGIN CERTIFICATE-----", "no certificate in PEM"},
		{"MakeRequest", "authenticationType", "oAuth", "parameter oAuthAccount"},
		{"MakeRequest", "authenticationType", "apiKey", "parameter apiKeyKeychain"},
		{"MakeRequest", "authenticationType", "basicAuth", "parameter basicAuthKeychain"},
		{"MakeRequest", "authenticationType", "digest", "none of noAuth, apiKey"},
		{"MakeRequest", "tlsType", "mTls", "parameter tlsKeychain"},
		{"MakeRequest", "tlsType", "tls", "parameter tlsKeychain"},
		{"MakeRequest", "tlsType", "ssl", "neither mTls nor tls"},
		{"MakeRequest", "proxyKeychain", 12, "parameter proxyKeychain"},
		{"MakeRequest", "paginationType", "tokenBased", "field nextTokenPath"},
		{"DownloadFile", "authenticationType", "apiKey", "parameter apiKeyKeychain"},
		{"ActionSendDataAPIKeyAuth", "auth", 7, "parameter auth"},
		{"ActionSendDataBasicAuth", "key", 7, "parameter key"},
		{"ActionSendDataOAuth", "account", 7, "parameter account"},
		{"ActionSendDataClientCertAuth", "key", 7, "parameter key"},
	} {
		m := module(t, c.module)
		run := connectortest.Call{Input: connector.NewBundle("url", server.URL)}
		part := &run.Input
		for _, f := range m.Info().Params {
			if f.Name == c.field {
				part = &run.Params
			}
		}
		part.Set(c.field, c.value)
		result := connectortest.Run(t, m, run)
		require.Equal(t, connector.InvalidConfigurationError, connector.TypeOf(result.Err), "%s: %v", c.field, result.Err)
		require.ErrorContains(t, result.Err, c.says)
	}
}

func TestBadInputIsRefusedBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	server := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the request was sent") })
	for name, c := range map[string]struct {
		input []any
		want  connector.ErrorType
	}{
		"no url":           {nil, connector.BundleValidationError},
		"empty url":        {[]any{"url", ""}, connector.BundleValidationError},
		"no scheme":        {[]any{"url", "needle.example/x"}, connector.DataError},
		"no host":          {[]any{"url", "http:///needle"}, connector.DataError},
		"other scheme":     {[]any{"url", "ftp://needle.example/"}, connector.DataError},
		"bad escape":       {[]any{"url", "http://127.0.0.1/%zzneedle"}, connector.DataError},
		"bad port":         {[]any{"url", "http://127.0.0.1:needle/"}, connector.DataError},
		"no utf-8":         {[]any{"url", "http://127.0.0.1/\xff"}, connector.DataError},
		"method":           {[]any{"url", server.URL, "method", "trace"}, connector.BundleValidationError},
		"header name":      {[]any{"url", server.URL, "headers", pairs("X needle", "1")}, connector.DataError},
		"no header name":   {[]any{"url", server.URL, "headers", pairs("", "1")}, connector.BundleValidationError},
		"header injection": {[]any{"url", server.URL, "headers", pairs("X-A", "1\r\nX-B: needle")}, connector.DataError},
		"body type":        {[]any{"url", server.URL, "bodyType", "collection", "contentType", "hologram"}, connector.BundleValidationError},
	} {
		for _, m := range []string{"ActionSendData", "MakeRequest"} {
			result := call(t, m, c.input...)
			require.Equal(t, c.want, connector.TypeOf(result.Err), "%s: %v", name, result.Err)
			require.NotContains(t, result.Err.Error(), "needle", name)
		}
	}
	result := call(t, "ActionSendData", "url", "http://10.0.0.1/?key=needle", "method", "get")
	require.Equal(t, connector.DataError, connector.TypeOf(result.Err), "%v", result.Err)
	require.NotContains(t, result.Err.Error(), "needle")
}

func TestGetFileReturnsNameAndBytes(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if disposition := r.URL.Query().Get("d"); disposition != "" {
			w.Header().Set("Content-Disposition", disposition)
		}
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/files/behind.pdf", http.StatusFound)
			return
		}
		if r.URL.Path == "/absent" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "text")
	})
	for target, want := range map[string]string{
		"/a/b%20c.txt": "b c.txt",
		"/":            "file",
		"":             "file",
		"/a/":          "a",
		"/a/..":        "file",
		"/moved":       "behind.pdf",
		"/x?d=" + url.QueryEscape(`attachment; filename="report 1.csv"`):            "report 1.csv",
		"/x?d=" + url.QueryEscape(`attachment; filename*=UTF-8''%c3%a9t%c3%a9.txt`): "été.txt",
		"/x?d=" + url.QueryEscape(`attachment; filename="../../etc/passwd"`):        "passwd",
		"/x?d=" + url.QueryEscape(`attachment; filename="C:\\temp\\evil.exe"`):      "evil.exe",
		"/x?d=" + url.QueryEscape(`attachment; filename=".."`):                      "x",
		"/x?d=" + url.QueryEscape(`attachment; filename*=UTF-8''a%00%0Ab`):          "ab",
		"/x?d=" + url.QueryEscape(`attachment`):                                     "x",
		"/x?d=" + url.QueryEscape(`;;;`):                                            "x",
		"/%FF":                                                                      "file",
	} {
		b := output(t, call(t, "ActionGetFile", "url", server.URL+target))
		require.Equal(t, []byte("text"), b.Get("data"), target)
		require.Equal(t, want, b.Get("fileName"), target)
		require.Equal(t, int64(4), b.Get("fileSize"))
		require.Equal(t, int64(200), b.Get("statusCode"))
	}
	require.Equal(t, int64(404), output(t, call(t, "ActionGetFile", "url", server.URL+"/absent")).Get("statusCode"))
	result := connectortest.Run(t, module(t, "ActionGetFile"), connectortest.Call{
		Params: connector.NewBundle("handleErrors", true), Input: connector.NewBundle("url", server.URL+"/absent"),
	})
	require.Equal(t, connector.DataError, connector.TypeOf(result.Err))
}

func TestRequestsThatOnlyReadMayBeRepeated(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ActionSendData", "MakeRequest"} {
		m := module(t, name)
		require.False(t, m.Info().ReadOnly)
		require.False(t, m.Info().Pure)
		for method, want := range map[any]bool{
			"get": true, "HEAD": true, "options": true, "": true, nil: true, "post": false, "PUT": false, "delete": false,
			"patch": false, 7: false,
		} {
			repeatable := m.(connector.Repeatable)
			require.Equal(t, want, repeatable.Repeatable(&connector.Call{Input: connector.NewBundle("method", method)}), method)
		}
		require.False(t, m.(connector.Repeatable).Repeatable(&connector.Call{Params: connector.NewBundle("method", "post")}))
	}
	require.True(t, module(t, "ActionGetFile").Info().ReadOnly)
}
