package html_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/apps/html"
	"github.com/ebbkit/ebb/connector/connectortest"
)

func module(t testing.TB, name string) connector.Module {
	t.Helper()
	return connectortest.Module(t, html.New(html.Config{MaxBytes: 2 << 20}), name)
}

func run(t testing.TB, name string, namesAndValues ...any) connectortest.Result {
	t.Helper()
	values := connector.NewBundle(namesAndValues...)
	return connectortest.Run(t, module(t, name), connectortest.Call{Input: values, Params: values})
}

// field are the values of one field of all bundles.
func field(t testing.TB, result connectortest.Result, name string) []any {
	t.Helper()
	require.NoError(t, result.Err)
	all := []any{}
	for _, b := range result.Bundles {
		all = append(all, b.Get(name))
	}
	return all
}

func TestConnectorConforms(t *testing.T) {
	t.Parallel()
	page := connectortest.Call{Input: connector.NewBundle("html", "<a href=x>y</a><table><tr><td>a", "text", "ada@example.com", "type", "")}
	connectortest.Conform(t, html.New(html.Config{}),
		connectortest.Sample{Module: "HTMLToText", Call: page}, connectortest.Sample{Module: "HTMLParser", Call: page},
		connectortest.Sample{Module: "HTMLTableParser2", Call: page}, connectortest.Sample{Module: "GetElementsFromText", Call: page},
		connectortest.Sample{Module: "GetElements", Call: page})
	connectortest.Conform(t, html.New(html.Config{}))
}

func TestHTMLBecomesTheTextThatPeopleRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                       "",
		"a":                                      "a",
		" a  b\n\tc ":                            "a b c",
		"<p>a</p><p>b</p>":                       "a\n\nb",
		"<div>a</div><div>b</div>":               "a\nb",
		"a<br>b<br><br>c":                        "a\nb\n\nc",
		"a<b>b</b>c <i> d</i> e":                 "abc d e",
		"<h1>Tide &amp; time</h1>x":              "Tide & time\n\nx",
		"a&nbsp;b&euro;c &lt;d&gt;":              "a b€c <d>",
		"<ul><li>a<li>b</ul>c":                   " * a\n * b\n\nc",
		"<ol start=9><li>a<li>b</ol>":            " 9. a\n 10. b",
		"<ul><li>a<ul><li>b<li>c</ul><li>d</ul>": " * a\n\n    * b\n    * c\n\n * d",
		"<ul><li><p>a</p><p>b</p></ul>":          " * a\n\n   b",
		"<blockquote>a<p>b</blockquote>c":        "> a\n>\n> b\n\nc",
		"<pre>  a\n    b\n\nc</pre>":             "  a\n    b\n\nc",
		"<a href='https://example.com'>there</a>, here":                             "there [https://example.com], here",
		"<a href='https://example.com'>https://example.com</a>":                     "https://example.com",
		"<a href='mailto:ada@example.com'>ada@example.com</a>":                      "ada@example.com",
		"<a href='#top'>up</a> <a name=x>here</a> <a href='javascript:x()'>run</a>": "up here run",
		"<img src='https://example.com/a.png' alt='A tide'>":                        "A tide [https://example.com/a.png]",
		"<img src='data:image/png;base64,AAAA' alt='A tide'>":                       "A tide",
		"<table><tr><th>a<th>b<tr><td>c<td>d</table>e":                              "a\tb\nc\td\n\ne",
		"a<hr>b": "a\n\n----------------------------------------\n\nb",
		"<head><title>no</title></head><style>no</style><script>no</script>yes<!-- no -->": "yes",
		"<p></p><p> </p><p>a</p><ul><li></ul>":                                             "a",
		"<li>a":                                                                            "a",
	} {
		result := run(t, "HTMLToText", "html", text)
		require.NoError(t, result.Err)
		require.Equal(t, want, result.Bundles[0].Get("text"), text)
	}
}

func TestNewlinesAndHeadingsAreAsTheScenarioWants(t *testing.T) {
	t.Parallel()
	const text = "<h2>Über <a href='https://example.com/x'>uns</a></h2><p>a</p>"
	for _, c := range []struct {
		newline any
		upper   bool
		want    string
	}{
		{"lf", true, "ÜBER UNS [https://example.com/x]\n\na"},
		{"crlf", false, "Über uns [https://example.com/x]\r\n\r\na"},
		{"cr", false, "Über uns [https://example.com/x]\r\ra"},
		{"", false, "Über uns [https://example.com/x]\n\na"},
		{nil, false, "Über uns [https://example.com/x]\n\na"},
	} {
		require.Equal(t, []any{c.want}, field(t, run(t, "HTMLToText", "html", text, "newline", c.newline, "uppercaseHeadings", c.upper), "text"))
	}
	require.Error(t, run(t, "HTMLToText", "html", text, "newline", "vt").Err)
}

const site = `<body><nav><a href="/a" class="x first">A</a><a href="/b" title="To B">B <b>bold</b></a><a>none</a></nav>
<main id="m"><p class="x">one</p><p>two <span class="x">three</span></p><img src="i.png" alt="I"><iframe src="https://example.com/f"></iframe>
<ul><li>1<li>2<li>3</ul><area href="/c"></main></body>`

func TestElementsOfPagesAreFound(t *testing.T) {
	t.Parallel()
	require.Equal(t, []any{"/a", "/b", "/c"}, field(t, run(t, "HTMLParser", "html", site, "type", "link"), "value"))
	require.Equal(t, []any{"i.png"}, field(t, run(t, "HTMLParser", "html", site, "type", "image"), "src"))
	require.Equal(t, []any{"https://example.com/f"}, field(t, run(t, "HTMLParser", "html", site, "type", "iframe"), "value"))
	require.Equal(t, []any{"A", "B bold", ""}[:2], field(t, run(t, "HTMLParser", "html", site, "type", "selector", "selector", "nav a[href]"), "text"))
	link := run(t, "GetElements", "html", site).Bundles[1]
	text, err := link.MarshalJSON()
	require.NoError(t, err)
	require.JSONEq(t, `{"i": 2, "value": "/b", "tag": "a", "text": "B bold", "html": "<a href=\"/b\" title=\"To B\">B <b>bold</b></a>",
	  "href": "/b", "title": "To B", "attributes": {"href": "/b", "title": "To B"}}`, string(text))
}

func TestSelectorsAreThoseOfCSS(t *testing.T) {
	t.Parallel()
	for selector, want := range map[string][]any{
		"p":                             {"one", "two three"},
		"#m > p":                        {"one", "two three"},
		"body .x":                       {"A", "one", "three"},
		"main .x":                       {"one", "three"},
		"main p .x, nav .first":         {"A", "three"},
		"p + p":                         {"two three"},
		"p ~ ul li":                     {"1", "2", "3"},
		"ul li:nth-child(2n + 1)":       {"1", "3"},
		"li:last-child":                 {"3"},
		"p:has(.x)":                     {"two three"},
		"p:not(.x, .y)":                 {"two three"},
		"p:contains('one')":             {"one"},
		"a[title='To B']>b":             {"bold"},
		"a[title=\"a, b > c\"]":         {},
		"body main p span":              {"three"},
		"nav+main>p:first-child~p span": {"three"},
		"p p":                           {},
	} {
		require.Equal(t, want, field(t, run(t, "GetElements", "html", site, "selector", selector), "text"), selector)
	}
	for _, bad := range []string{"hidden(", "a[", "> a", "a >", ",", "a,,b", "a::before", "a:has(b c)", "a:has(b:has(c))", "p:matches(.*)", "a:not(b > c)", strings.Repeat("a", 1025), "a:hidden"} {
		result := run(t, "GetElements", "html", site, "selector", bad)
		require.Equal(t, connector.DataError, connector.TypeOf(result.Err), bad)
		require.NotContains(t, result.Err.Error(), "hidden")
	}
	require.Equal(t, connector.BundleValidationError, connector.TypeOf(run(t, "HTMLParser", "html", site, "type", "selector").Err))
}

func TestThingsInTextsAreFound(t *testing.T) {
	t.Parallel()
	for kind, c := range map[string]struct {
		text string
		want []any
	}{
		"email":   {"Write to Ada.L+x@mail.example.com, <grace@example.co.uk> or jörg@müller.example. Not a@b, @c.de or d@.e.", []any{"Ada.L+x@mail.example.com", "grace@example.co.uk", "jörg@müller.example"}},
		"url":     {"See https://example.com/a_(b)?c=d&e=f#g, (http://x.example/y) and www.example.org. Not example.net, ttps://x", []any{"https://example.com/a_(b)?c=d&e=f#g", "http://x.example/y", "www.example.org"}},
		"phone":   {"Call +49 (0)30 123456-78 or 030/1234567, (555) 123-4567, 0041 44 668 18 00. Not 12345 or 1.5", []any{"+49 (0)30 123456-78", "030/1234567", "(555) 123-4567", "0041 44 668 18 00"}},
		"number":  {"-3, 4.5, 1.234,56 and x7; v1.2", []any{"-3", "4.5", "1.234,56", "7", "1.2"}},
		"hashtag": {"#tide and #2026go, not #1, a#b or https://x/#y &#x27;", []any{"#tide", "#2026go"}},
		"mention": {"@ada and @grace_h. not ada@example.com", []any{"@ada", "@grace_h"}},
	} {
		require.Equal(t, c.want, field(t, run(t, "GetElementsFromText", "type", kind, "text", c.text), "value"), kind)
		require.Equal(t, c.want, field(t, run(t, "GetElements", "type", kind, "text", c.text), "value"), kind)
	}
}

func TestNothingFoundGoesOnOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"HTMLParser", "GetElementsFromText", "GetElements", "HTMLTableParser2"} {
		require.Empty(t, field(t, run(t, name, "html", "<p>", "text", "x"), "i"), name)
		result := run(t, name, "html", "<p>", "text", "x", "continueWhenNoRes", true)
		require.NoError(t, result.Err)
		require.Len(t, result.Bundles, 1, name)
		require.Nil(t, result.Bundles[0].Get("value"), name)
	}
}

func TestRowsOfTablesAreRead(t *testing.T) {
	t.Parallel()
	const tables = `<table><tr><td>no</table><table><thead><tr><th>Name<th>Age<th></thead><tbody><tr><td>Ada <b>L</b><td>36<td>x<td>y
	  <tr><td><table><tr><td>in</table></tbody></table>`
	result := run(t, "HTMLTableParser2", "html", tables, "table", 2)
	require.NoError(t, result.Err)
	require.Len(t, result.Bundles, 2)
	text, err := result.Bundles[0].MarshalJSON()
	require.NoError(t, err)
	require.Equal(t, `{"i":1,"columns":["Ada L","36","x","y"],"Name":"Ada L","Age":"36","col3":"x","col4":"y"}`, string(text))
	require.Equal(t, "in", result.Bundles[1].Get("Name"))
	require.Equal(t, []any{"no"}, field(t, run(t, "HTMLTableParser2", "html", tables, "headers", false), "col1"))
	require.Empty(t, field(t, run(t, "HTMLTableParser2", "html", tables, "table", 9), "i"))
}

func TestTextsThatAreTooMuchAreRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"HTMLToText", "HTMLParser", "HTMLTableParser2", "GetElementsFromText", "GetElements"} {
		result := run(t, name, "html", strings.Repeat(" ", 2<<20+1), "text", strings.Repeat(" ", 2<<20+1))
		require.Equal(t, connector.DataError, connector.TypeOf(result.Err), name)
		require.ErrorContains(t, result.Err, "longer than", name)
	}
	require.ErrorContains(t, run(t, "HTMLToText", "html", strings.Repeat("<div>", 1000)).Err, "nested too deep")
}

func TestSearchesEndWithTheirContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	wide := strings.Repeat("<p>", 100_000)
	for _, c := range []struct{ name, selector string }{{"GetElements", "p:nth-last-child(2n+1) ~ p:nth-last-child(3n+1)"}} {
		result := connectortest.RunContext(ctx, t, module(t, c.name), connectortest.Call{Input: connector.NewBundle("html", wide, "selector", c.selector)})
		require.ErrorIs(t, result.Err, context.DeadlineExceeded)
	}
}

func TestChainsDoNotCostThePowerOfTheDepth(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("<div>", 500) + "x"
	require.Empty(t, field(t, run(t, "GetElements", "html", deep, "selector", ".x"+strings.Repeat(" *", 30)), "i"))
	require.Len(t, field(t, run(t, "GetElements", "html", deep, "selector", strings.Repeat("div ", 100)), "i"), 401)
}

func FuzzToText(f *testing.F) {
	f.Add(site, true)
	f.Add("<ul><li><blockquote><pre>a\nb</pre><table><td>c<td>d", false)
	f.Fuzz(func(t *testing.T, text string, upper bool) {
		result := run(t, "HTMLToText", "html", text, "uppercaseHeadings", upper)
		if result.Err != nil {
			require.Equal(t, connector.DataError, connector.TypeOf(result.Err))
			return
		}
		out, ok := result.Bundles[0].Get("text").(string)
		require.True(t, ok)
		require.Equal(t, strings.Trim(out, "\n"), out, "breaks are between words only")
	})
}

func FuzzSelector(f *testing.F) {
	f.Add("p:nth-child(2n+1) > a[href], b ~ c")
	f.Add(`a[title="x, y"]:not(.z)`)
	f.Fuzz(func(t *testing.T, selector string) {
		result := run(t, "GetElements", "html", site, "type", "selector", "selector", selector)
		if result.Err != nil {
			require.Contains(t, []connector.ErrorType{connector.DataError, connector.BundleValidationError}, connector.TypeOf(result.Err))
		}
	})
}

func BenchmarkToText(b *testing.B) {
	text := strings.Repeat("<h2>Heading</h2><p>Some <b>text</b> with <a href='https://example.com'>a link</a>.<ul><li>one<li>two</ul>", 50)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		run(b, "HTMLToText", "html", text)
	}
}

func Example() {
	modules := html.New(html.Config{}).Modules()
	call := &connector.Call{Input: connector.NewBundle("html", "<h1>Tides</h1><ul><li>06:12<li>12:25</ul>", "uppercaseHeadings", true)}
	text, err := modules[0].(connector.Action).Do(context.Background(), call)
	fmt.Printf("%s\n%v\n", text.Get("text"), err)
	// Output:
	// TIDES
	//
	//  * 06:12
	//  * 12:25
	// <nil>
}
