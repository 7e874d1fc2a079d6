package gateway_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
	"github.com/ebbkit/ebb/connector/gateway"
)

func module(t testing.TB, name string) connector.Module {
	t.Helper()
	return connectortest.Module(t, gateway.New(), name)
}

// line writes bundles as JSON: the order of fields counts.
func line(t testing.TB, bundles []connector.Bundle) string {
	t.Helper()
	var out []string
	for _, b := range bundles {
		text, err := b.MarshalJSON()
		require.NoError(t, err)
		out = append(out, string(text))
	}
	return strings.Join(out, " ")
}

// post makes a request; an empty content type leaves the header out.
func post(target, contentType, body string) *http.Request {
	request := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	return request
}

func receive(t testing.TB, params connector.Bundle, request *http.Request) connectortest.Result {
	t.Helper()
	return connectortest.Run(t, module(t, "CustomWebHook"), connectortest.Call{Params: params, Request: request})
}

// exported are the parameters as real exports have them.
var exported = connector.NewBundle("hook", 33562, "maxResults", 1)

func TestConnectorIsSound(t *testing.T) {
	t.Parallel()
	require.NoError(t, connector.Check(gateway.New()))
	require.Equal(t, "gateway", gateway.New().Name())
	for _, m := range gateway.New().Modules() {
		require.False(t, m.Info().Pure, m.Info().Name)
		require.NotEqual(t, "CustomWebhook", m.Info().Name, "the name of no real module")
	}
	hook := module(t, "CustomWebHook").Info()
	require.Empty(t, hook.Input)
	require.Len(t, hook.Params, 6)
}

func TestWebhookReadsRequests(t *testing.T) {
	t.Parallel()
	const form, json = "application/x-www-form-urlencoded", "application/json"
	tests := map[string]struct{ target, contentType, body, want string }{
		"query string":             {"/?name=Ada+L.&city=K%C3%B6ln&flag", "", "", `{"name":"Ada L.","city":"Köln","flag":""}`},
		"nothing":                  {"/", "", "", `{}`},
		"form":                     {"/", form, "name=Ada&probe=m1-form", `{"name":"Ada","probe":"m1-form"}`},
		"form with a charset":      {"/", form + "; charset=UTF-8", "a=%E2%82%AC", `{"a":"€"}`},
		"a name that stands twice": {"/", form, "box=a&x=1&box=b&box=a", `{"box":["a","b","a"],"x":"1"}`},
		"brackets are no syntax":   {"/", form, "user[name]=Ada&list[]=1&list[]=2", `{"user[name]":"Ada","list[]":["1","2"]}`},
		"a form without names":     {"/", form, "&&=1&=&a=1&", `{"a":"1"}`},
		"a semicolon is a letter":  {"/?a=1;b=2", "", "", `{"a":"1;b=2"}`},
		"values keep equal signs":  {"/?a=b=c", "", "", `{"a":"b=c"}`},
		"object":                   {"/", json, `{"z":1,"a":{"b":[1.5,null,"ü"]}}`, `{"z":1,"a":{"b":[1.5,null,"ü"]}}`},
		"array, a bundle each":     {"/", json, `[{"id":1},{"id":2},3]`, `{"id":1} {"id":2} {"value":3}`},
		"empty array":              {"/", json, `[]`, ``},
		"text in JSON":             {"/", json, `"ok"`, `{"value":"ok"}`},
		"null":                     {"/", json, `null`, `{"value":null}`},
		"empty JSON body":          {"/", json, ``, `{}`},
		"JSON in Latin-1":          {"/", json + "; charset=ISO-8859-1", "{\"a\":\"\xfc\x80\"}", `{"a":"ü€"}`},
		"JSON in UTF-16":           {"/", json + "; charset=utf-16", "\xff\xfe{\x00}\x00", `{}`},
		"JSON in UTF-16, unmarked": {"/", json + "; charset=utf-16", "\x00{\x00\"\xd8\x3d\xde\x00\x00\"\x00:\x001\x00}", `{"😀":1}`},
		"JSON in little endian":    {"/", json + "; charset=UTF-16LE", "7\x00", `{"value":7}`},
		"JSON in big endian":       {"/", json + "; charset=UTF-16BE", "\x007", `{"value":7}`},
		"JSON with a mark":         {"/", json, "\ufeff{}", `{}`},
		"form in Latin-1":          {"/", form + "; charset=windows-1252", "a=%FC&b=\x93", `{"a":"ü","b":"“"}`},
		"text in Latin-1":          {"/", "text/plain; charset=latin1", "\xfc", `{"value":"ü"}`},
		"text in another charset":  {"/", "text/plain; charset=koi8-r", "\xfc", `{"value":"/A=="}`},
		"an image with a charset":  {"/", "image/png; charset=latin1", "\xfc", `{"value":"/A=="}`},
		"JSON of a vendor":         {"/", "application/vnd.api+json; charset=utf-8", `{"a":1}`, `{"a":1}`},
		"JSON in capitals":         {"/", "Application/JSON", `{"a":1}`, `{"a":1}`},
		"JSON, malformed type":     {"/", "application/json; charset", `{"a":1}`, `{"a":1}`},
		"JSON, type given twice":   {"/", "application/json; a=1; a=2", `{"a":1}`, `{"a":1}`},
		"plain text":               {"/", "text/plain", "probe=m3", `{"value":"probe=m3"}`},
		"XML":                      {"/?id=7", "application/xml", "<a>ü</a>", `{"value":"<a>ü</a>","id":"7"}`},
		"no type":                  {"/", "", "anything", `{"value":"anything"}`},
		"a type that is none":      {"/", ";;;", "anything", `{"value":"anything"}`},
		"the query string wins": {
			"/?b=query&c=new", json, `{"a":1,"b":2}`, `{"a":1,"b":"query","c":"new"}`,
		},
		"the query string wins over forms": {"/?b=query", form, `a=1&b=2&b=3`, `{"a":"1","b":"query"}`},
		"the query string joins every element": {
			"/?k=v", json, `[{"id":1},"x",{"k":2}]`, `{"id":1,"k":"v"} {"value":"x","k":"v"} {"k":"v"}`,
		},
		"what only the hook may add": {
			"/?__IMTMETHOD__=GET&x=1", json, `{"__IMTHEADERS__":[],"a":1}`, `{"a":1,"x":"1"}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := receive(t, exported, post(test.target, test.contentType, test.body))
			require.NoError(t, result.Err)
			require.Equal(t, test.want, line(t, result.Bundles))
		})
	}
}

func TestWebhookKeepsOctets(t *testing.T) {
	t.Parallel()
	for contentType, body := range map[string]string{
		"application/octet-stream": "plain", "image/png": "\x89PNG\r\n\x1a\n", "": "\xff\xfe", "text/plain": "\xff", "application/pdf": "%PDF",
	} {
		result := receive(t, exported, post("/", contentType, body))
		require.NoError(t, result.Err)
		require.Equal(t, []byte(body), result.Bundles[0].Get("value"), contentType)
	}
}

func TestWebhookPassesJSONThrough(t *testing.T) {
	t.Parallel()
	params := connector.NewBundle("stringify", true)
	for _, body := range []string{`{"a": 1,  "b":[2]}`, `[1,2]`, `{malformed`, `"x"`} {
		result := receive(t, params, post("/?q=1", "application/json", body))
		require.NoError(t, result.Err)
		require.Len(t, result.Bundles, 1)
		require.Equal(t, body, result.Bundles[0].Get("value"))
		require.Equal(t, "1", result.Bundles[0].Get("q"))
	}
	result := receive(t, params, post("/", "application/x-www-form-urlencoded", "a=1"))
	require.Equal(t, `{"a":"1"}`, line(t, result.Bundles), "a form is no JSON")
}

func TestWebhookAddsHeadersAndMethod(t *testing.T) {
	t.Parallel()
	request := httptest.NewRequest(http.MethodPut, "http://hook.example.org/x", strings.NewReader(`{"a":1,"__IMTMETHOD__":"forged"}`))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Signature", "sha256=00")
	request.Header.Add("X-Twice", "one")
	request.Header.Add("X-Twice", "two \xff")
	request.Header.Set("x-make-apikey", "needle")
	result := receive(t, connector.NewBundle("headers", "true", "method", true), request)
	require.NoError(t, result.Err)
	require.Equal(t, `{"a":1,"__IMTHEADERS__":[{"name":"content-type","value":"application/json"},`+
		`{"name":"host","value":"hook.example.org"},{"name":"x-signature","value":"sha256=00"},`+
		`{"name":"x-twice","value":"one"},{"name":"x-twice","value":"two `+"\ufffd"+`"}],"__IMTMETHOD__":"PUT"}`,
		line(t, result.Bundles))
}

// part is one part of a multipart form.
type part struct{ name, file, mime, content string }

func multipartOf(t testing.TB, parts ...part) *http.Request {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, p := range parts {
		header := textproto.MIMEHeader{}
		disposition := fmt.Sprintf(`form-data; name="%s"`, p.name)
		if p.file != "" {
			disposition += fmt.Sprintf(`; filename="%s"`, p.file)
		}
		header.Set("Content-Disposition", disposition)
		if p.mime != "" {
			header.Set("Content-Type", p.mime)
		}
		out, err := w.CreatePart(header)
		require.NoError(t, err)
		_, err = out.Write([]byte(p.content))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return post("/", w.FormDataContentType(), body.String())
}

func TestWebhookReadsFiles(t *testing.T) {
	t.Parallel()
	result := receive(t, exported, multipartOf(t,
		part{name: "name", content: "Ada Ü"},
		part{name: "photo", file: "Straße 1.png", mime: "image/png", content: "\x89PNG"},
		part{name: "box", content: "a"}, part{name: "box", content: "b"},
		part{name: "empty", file: "empty.txt"},
		part{name: "raw", content: "\xff"},
		part{name: "latin", mime: "text/plain; charset=iso-8859-1", content: "\xfc"},
		part{name: "", content: "nameless"},
	))
	require.NoError(t, result.Err)
	require.Len(t, result.Bundles, 1)
	require.Equal(t, `{"name":"Ada Ü","photo":{"name":"Straße 1.png","mime":"image/png","data":"iVBORw=="},"box":["a","b"],`+
		`"empty":{"name":"empty.txt","mime":"application/octet-stream","data":""},"raw":"/w==","latin":"ü"}`, line(t, result.Bundles))
	photo, _ := result.Bundles[0].Get("photo").(connector.Bundle)
	require.Equal(t, []byte("\x89PNG"), photo.Get("data"))
	empty, _ := result.Bundles[0].Get("empty").(connector.Bundle)
	require.Equal(t, []byte{}, empty.Get("data"))
}

func TestWebhookReadsManyFilesOfOneName(t *testing.T) {
	t.Parallel()
	result := receive(t, exported, multipartOf(t,
		part{name: "file", file: "1.txt", mime: "text/plain", content: "one"},
		part{name: "file", file: "2.txt", mime: "text/plain", content: "two"},
		part{name: "mixed", file: "3.txt", mime: "text/plain", content: "three"}, part{name: "mixed", content: "text"},
	))
	require.NoError(t, result.Err)
	const one = `{"name":"1.txt","mime":"text/plain","data":"one"}`
	require.Equal(t, `{"file":{"name":"1.txt","mime":"text/plain","data":"one","files":[`+one+
		`,{"name":"2.txt","mime":"text/plain","data":"two"}]},"mixed":[{"name":"3.txt","mime":"text/plain","data":"three"},"text"]}`,
		line(t, result.Bundles))
}

func TestWebhookRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	const form, json = "application/x-www-form-urlencoded", "application/json"
	pairs := func(n int) string { return strings.TrimSuffix(strings.Repeat("needle=1&", n), "&") }
	manyNames := func(n int) string {
		query := url.Values{}
		for i := range n {
			query.Set(fmt.Sprintf("p%d", i), "needle")
		}
		return query.Encode()
	}
	tests := map[string]struct {
		request *http.Request
		message string
	}{
		"an escape in a form":      {post("/", form, "a=needle%zz"), "form: a %-escape is malformed"},
		"an escape in a name":      {post("/", form, "needle%=1"), "form: a %-escape is malformed"},
		"a form that is not UTF-8": {post("/", form, "needle=%ff"), "form: is not valid text in its charset"},
		"an escape in a query":     {&http.Request{Method: http.MethodGet, URL: &url.URL{RawQuery: "needle=%"}}, "query string: a %-escape is malformed"},
		"JSON cut off":             {post("/", json, `{"needle":`), "byte 11"},
		"JSON that is a form":      {post("/", json, `needle=1`), "byte 1"},
		"JSON of blanks":           {post("/", json, ` `), "byte 2"},
		"JSON nested too deep":     {post("/", json, strings.Repeat(`{"a":`, 5000)), "nested"},
		"JSON that is UTF-16":      {post("/", json, "\xff\xfe{\x00}\x00"), "byte 1"},
		"JSON that is half UTF-16": {post("/", json+"; charset=utf-16le", "{\x00\"\x00\x00"), "byte 2"},
		"a surrogate alone":        {post("/", json+"; charset=utf-16le", "\x00\xd8"), "byte 1"},
		"JSON in a charset":        {post("/", json+"; charset=koi8-r", `{"needle":1}`), "JSON: the charset is not supported: send UTF-8"},
		"a form in a charset":      {post("/", form+"; charset=koi8-r", `needle=1`), "form: the charset is not supported: send UTF-8"},
		"too many elements":        {post("/", json, "["+strings.Repeat("1,", gateway.MaxBundles)+"1]"), "more than 10000 elements"},
		"too many fields":          {post("/", form, pairs(gateway.MaxFields+1)), "more than 1000 fields"},
		"too many parameters":      {post("/?"+pairs(gateway.MaxFields+1), "", ""), "more than 1000 fields"},
		"too much together":        {post("/?"+manyNames(1000), json, "["+strings.Repeat("1,", 100)+"1]"), "too many elements"},
		"no boundary":              {post("/", "multipart/form-data", "--x\r\n"), "no boundary"},
		"no such boundary":         {post("/", "multipart/form-data; boundary=x", "--y\r\n\r\n"), "malformed"},
		"a form cut off":           {post("/", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"needle\"\r\n\r\nneedle"), "too early"},
		"a header cut off":         {post("/", "multipart/form-data; boundary=x", "--x\r\nContent-Dispo"), "malformed"},
		"too many parts":           {multipartOf(t, make([]part, gateway.MaxParts+1)...), "more than 1000 parts"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := receive(t, exported, test.request)
			require.Equal(t, connector.DataError, connector.TypeOf(result.Err))
			require.ErrorContains(t, result.Err, test.message)
			require.NotContains(t, result.Err.Error(), "needle")
			require.Empty(t, result.Bundles)
		})
	}
}

func TestWebhookTakesAsMuchAsItsLimits(t *testing.T) {
	t.Parallel()
	result := receive(t, exported, post("/", "application/json", "["+strings.Repeat("1,", gateway.MaxBundles-1)+"1]"))
	require.NoError(t, result.Err)
	require.Len(t, result.Bundles, gateway.MaxBundles)
	result = receive(t, exported, post("/", "application/x-www-form-urlencoded", strings.Repeat("a=1&", gateway.MaxFields)))
	require.NoError(t, result.Err)
	require.Len(t, result.Bundles[0].Get("a"), gateway.MaxFields)
	result = receive(t, exported, multipartOf(t, make([]part, gateway.MaxParts)...))
	require.NoError(t, result.Err)
}

// What says that a body is too long or too slow must reach the engine as it is: it answers 413 and 408.
func TestWebhookLeavesLimitsOfTheServerToTheServer(t *testing.T) {
	t.Parallel()
	types := []string{"application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"}
	for _, contentType := range types {
		const head = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"
		body := head + strings.Repeat("a", 4096)

		request := post("/", contentType, body)
		request.Body = http.MaxBytesReader(httptest.NewRecorder(), request.Body, 1024)
		var tooLong *http.MaxBytesError
		require.ErrorAs(t, receive(t, exported, request).Err, &tooLong, contentType)

		for _, slow := range []error{os.ErrDeadlineExceeded, context.DeadlineExceeded, context.Canceled} {
			request = post("/", contentType, "")
			request.Body = io.NopCloser(io.MultiReader(strings.NewReader(head), iotest.ErrReader(slow)))
			require.ErrorIs(t, receive(t, exported, request).Err, slow, contentType)
		}

		request = post("/", contentType, "")
		request.Body = io.NopCloser(io.MultiReader(strings.NewReader(head), iotest.ErrReader(io.ErrUnexpectedEOF)))
		require.Equal(t, connector.DataError, connector.TypeOf(receive(t, exported, request).Err), contentType)
	}
}

func TestWebhookReadsARequestWithoutABody(t *testing.T) {
	t.Parallel()
	for _, contentType := range []string{"", "application/json", "multipart/form-data; boundary=x"} {
		request := &http.Request{Method: http.MethodGet, URL: &url.URL{RawQuery: "a=1"}, Header: http.Header{}}
		request.Header.Set("Content-Type", contentType)
		result := receive(t, exported, request)
		require.NoError(t, result.Err, contentType)
		require.Equal(t, `{"a":"1"}`, line(t, result.Bundles), contentType)
	}
}

func FuzzWebhook(f *testing.F) {
	for _, seed := range []struct{ contentType, query, body string }{
		{"application/json", "a=1", `{"a":{"b":[1,"x"]},"__IMTHEADERS__":1}`},
		{"application/json", "", `[{"a":1},2,[]]`},
		{"application/vnd.api+json", "%", `{"a":`},
		{"application/x-www-form-urlencoded", "a=1&a=2", "a=%20&b=+&c&=&%zz"},
		{"multipart/form-data; boundary=x", "", "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--x\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\nv\r\n--x--\r\n"},
		{"multipart/form-data; boundary=\"", "", "--\r\n"},
		{"text/plain", "é", "\xff\x00"},
		{"; charset", "a[]=1", ""},
	} {
		f.Add(seed.contentType, seed.query, seed.body, true)
		f.Add(seed.contentType, seed.query, seed.body, false)
	}
	hook := module(f, "CustomWebHook").(connector.Receiver)
	f.Fuzz(func(t *testing.T, contentType, query, body string, all bool) {
		request := &http.Request{
			Method: http.MethodPost, URL: &url.URL{RawQuery: query}, Header: http.Header{"Content-Type": {contentType}},
			Body: io.NopCloser(strings.NewReader(body)),
		}
		call := &connector.Call{Params: connector.NewBundle("headers", all, "method", all, "stringify", all), Location: time.UTC}
		bundles, err := hook.Receive(t.Context(), call, request)
		if err != nil {
			require.Equal(t, connector.DataError, connector.TypeOf(err))
			return
		}
		require.LessOrEqual(t, len(bundles), gateway.MaxBundles)
		for _, b := range bundles {
			method, ok := b.Lookup("__IMTMETHOD__")
			require.Equal(t, all, ok)
			if all {
				require.Equal(t, http.MethodPost, method)
				require.IsType(t, []any{}, b.Get("__IMTHEADERS__"))
			}
			// All that a hook lets in can be stored, and comes out as it was.
			wire, err := connector.AppendBundle(nil, b)
			require.NoError(t, err)
			again, rest, err := connector.DecodeBundle(wire)
			require.NoError(t, err)
			require.Empty(t, rest)
			require.True(t, connector.Equal(b, again))
		}
	})
}

func BenchmarkWebhookJSON(b *testing.B) {
	hook := module(b, "CustomWebHook").(connector.Receiver)
	const order = `{"id":4711,"customer":{"name":"Ada","email":"ada@example.org"},"lines":[{"sku":"A-1","quantity":2,"price":9.5},{"sku":"B-2","quantity":1,"price":20}]}`
	call := &connector.Call{Params: exported, Location: time.UTC}
	request := post("/?source=shop", "application/json", "")
	b.SetBytes(int64(len(order)))
	b.ReportAllocs()
	for b.Loop() {
		request.Body = io.NopCloser(strings.NewReader(order))
		if _, err := hook.Receive(b.Context(), call, request); err != nil {
			b.Fatal(err)
		}
	}
}
