package markdown_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/apps/markdown"
	"github.com/ebbkit/ebb/connector/connectortest"
)

const (
	compile   = 0
	decompile = 1
)

func run(t testing.TB, config markdown.Config, module int, namesAndValues ...any) connectortest.Result {
	t.Helper()
	return connectortest.Run(t, markdown.New(config).Modules()[module], connectortest.Call{Input: connector.NewBundle(namesAndValues...)})
}

func data(t testing.TB, module int, namesAndValues ...any) string {
	t.Helper()
	result := run(t, markdown.Config{}, module, namesAndValues...)
	require.NoError(t, result.Err)
	text, ok := result.Bundles[0].Get("data").(string)
	require.True(t, ok)
	return text
}

func TestConnectorConforms(t *testing.T) {
	t.Parallel()
	call := connectortest.Call{Input: connector.NewBundle("data", "# Title\n\n* <b>one</b>\n* two", "gfm", true, "sanitize", true)}
	connectortest.Conform(t, markdown.New(markdown.Config{}),
		connectortest.Sample{Module: "Compile", Call: call}, connectortest.Sample{Module: "Decompile", Call: call})
	connectortest.Conform(t, markdown.New(markdown.Config{}))
}

func TestMarkdownBecomesHTML(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text    string
		gfm, sanitize bool
		want          string
	}{
		{"empty", "", false, false, ""},
		{"paragraphs", "a *b* **c** `d`\n\ne", false, false, "<p>a <em>b</em> <strong>c</strong> <code>d</code></p>\n<p>e</p>\n"},
		{"heading and list", "# Über\n\n1. a\n2. b", false, false, "<h1>Über</h1>\n<ol>\n<li>a</li>\n<li>b</li>\n</ol>\n"},
		{"table without flavor", "|a|\n|-|\n|b|", false, false, "<p>|a|\n|-|\n|b|</p>\n"},
		{"table", "|a|\n|-:|\n|b|", true, false, "<table>\n<thead>\n<tr>\n<th align=\"right\">a</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td align=\"right\">b</td>\n</tr>\n</tbody>\n</table>\n"},
		{"flavor", "~~a~~ https://example.com\n- [x] b", true, false, "<p><del>a</del> <a href=\"https://example.com\">https://example.com</a></p>\n<ul>\n<li><input checked=\"\" disabled=\"\" type=\"checkbox\"> b</li>\n</ul>\n"},
		{"HTML stays", "a <b onclick=\"x()\">c</b>\n\n<script>x()</script>", false, false, "<p>a <b onclick=\"x()\">c</b></p>\n<script>x()</script>"},
		{"HTML is sanitized", "a <b onclick=\"x()\">c</b>\n\n<script>x()</script>\n\n[d](javascript:x()) [e](https://example.com) <iframe src=x>", false, true,
			"<p>a <b>c</b></p>\n\n<p>d <a href=\"https://example.com\">e</a> "},
		{"what Markdown makes stays", "- [x] a\n\n```go\nb\n```\n\n|c|\n|-:|\n|d|", true, true, "<ul>\n<li><input checked=\"\" disabled=\"\" type=\"checkbox\"> a</li>\n</ul>\n<pre><code class=\"language-go\">b\n</code></pre>\n<table>\n<thead>\n<tr>\n<th align=\"right\">c</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td align=\"right\">d</td>\n</tr>\n</tbody>\n</table>\n"},
		{"a wide rule", strings.Repeat("-", 300), false, false, "<hr>\n"},
	} {
		got := data(t, compile, "data", c.text, "gfm", c.gfm, "sanitize", c.sanitize)
		if c.sanitize && c.name == "HTML is sanitized" {
			require.Contains(t, got, c.want, c.name)
			require.NotContains(t, got, "script", c.name)
			require.NotContains(t, got, "iframe", c.name)
			continue
		}
		require.Equal(t, c.want, got, c.name)
	}
}

func TestNothingThatRunsPassesTheSanitizer(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"<img src=x onerror=alert(1)>", "<svg onload=alert(1)>", "[a](JaVaScRiPt:alert(1))", "[a](data:text/html;base64,PHNjcmlwdD4=)",
		"<a href=\"&#106;avascript:alert(1)\">x</a>", "<style>*{background:url(javascript:alert(1))}</style>", "<form action=x><button>",
		"<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>", "![a](javascript:alert(1))", "<object data=x>", "<base href=//x>",
	} {
		got := strings.ToLower(data(t, compile, "data", text, "gfm", true, "sanitize", true))
		for _, bad := range []string{"<script", "javascript:", "onerror", "onload", "data:text", "<style", "<form", "<object", "<svg", "<base"} {
			if strings.Contains(got, bad) {
				require.NotContains(t, strings.ReplaceAll(got, "&lt;", ""), bad, text)
			}
		}
	}
}

func TestHTMLBecomesMarkdown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		gfm        bool
		want       string
	}{
		{"empty", "", false, ""},
		{"text", "<h1>Über</h1><p>a <b>b</b> <i>c</i> <a href='https://example.com/x'>d</a><br>e", false, "# Über\n\na **b** *c* [d](https://example.com/x)  \ne"},
		{"list", "<ul><li>a<li>b</ul>", false, "- a\n- b"},
		{"code", "<pre><code class=language-go>x := 1\n</code></pre>", false, "```go\nx := 1\n```"},
		{"what Markdown would take for its own", "<p>1. *a* [b] # c</p>", false, "1\\. \\*a* \\[b] # c"},
		{"table", "<table><tr><th>a<th>b<tr><td>c<td>d</table><del>e</del>", true, "| a | b |\n|---|---|\n| c | d |\n\n~~e~~"},
		{"no script", "<script>x()</script><style>a{}</style><p>a", false, "a"},
	} {
		require.Equal(t, c.want, data(t, decompile, "data", c.text, "gfm", c.gfm), c.name)
	}
}

func TestTextsThatAreTooMuchAreRefused(t *testing.T) {
	t.Parallel()
	for part, text := range map[string]string{
		"longer than": strings.Repeat(" ", 1<<20+1), "nested deeper": strings.Repeat(">", 1<<19), "nested deeper than": strings.Repeat("- ", 1<<19),
		"marks in one paragraph": strings.Repeat("a**b_c", 20_000), "many marks in one": strings.Repeat("[a](", 20_000),
		"too many marks": strings.Repeat("[a]: b\n", 20_000),
	} {
		result := run(t, markdown.Config{}, compile, "data", text)
		require.Equal(t, connector.DataError, connector.TypeOf(result.Err), part)
		require.ErrorContains(t, result.Err, part)
	}
	for part, text := range map[string]string{"longer than": strings.Repeat(" ", 1<<20+1), "nested too deep": strings.Repeat("<div>", 5000),
		"brackets that do not close": strings.Repeat("[a ", 100_000), "nested quotes and lists": strings.Repeat("<blockquote>", 300) + strings.Repeat("a<br>", 50_000),
	} {
		result := run(t, markdown.Config{}, decompile, "data", text)
		require.Equal(t, connector.DataError, connector.TypeOf(result.Err), part)
		require.ErrorContains(t, result.Err, part)
	}
}

// widening is code that opens with one more backtick each time and never closes.
func widening() string {
	var b strings.Builder
	for i := range 200 {
		b.WriteString("a" + strings.Repeat("`", i+1))
	}
	return b.String()
}

func TestHostileTextsEnd(t *testing.T) {
	t.Parallel()
	const n = 500
	for name, text := range map[string]string{
		"brackets": strings.Repeat("[", n), "images": strings.Repeat("![", n), "links": strings.Repeat("[a](", n), "emphasis": strings.Repeat("*a _b ", n),
		"stars": strings.Repeat("*", n), "backticks": strings.Repeat("`a``b```", n), "quotes": strings.Repeat("> a\n>", n), "entities": strings.Repeat("&a", n),
		"html": strings.Repeat("<a ", n), "tables": strings.Repeat("|a", n) + "\n" + strings.Repeat("|-", n), "autolinks": strings.Repeat("www.", n),
		"strikes": strings.Repeat("~a~~", n), "references": strings.Repeat("[a]: b\n", n), "lists": strings.Repeat("- a\n  ", n), "tabs": strings.Repeat("\t", n),
		"references in text": strings.Repeat("[a][", n), "comments": strings.Repeat("a <!-- ", n), "instructions": strings.Repeat("a <? ", n),
		"sections": strings.Repeat("a <![CDATA[ ", n), "declarations": strings.Repeat("a <!A ", n), "attributes": strings.Repeat("a <b c=\"", n),
		"titles": strings.Repeat("[a](b \"", n), "widening backticks": widening(), "escapes": strings.Repeat("\\", n), "headings": strings.Repeat("a\n=\n", n),
		"underscores": strings.Repeat("a**b_c", n), "brackets that close": strings.Repeat("[", n/2) + strings.Repeat("]", n/2), "mails": strings.Repeat("a@", n),
	} {
		for _, gfm := range []bool{true, false} {
			require.NoError(t, run(t, markdown.Config{}, compile, "data", text, "gfm", gfm, "sanitize", true).Err, name)
		}
	}
}

func TestHostilePagesEnd(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"bold": strings.Repeat("<b>a</b>", 2_000), "rows": "<table>" + strings.Repeat("<tr><td>a", 4_000), "cells": "<table><tr>" + strings.Repeat("<td>a", 4_000),
		"items": "<ul>" + strings.Repeat("<li>a", 2_000), "marks": strings.Repeat("*_[`#", 500), "breaks": strings.Repeat("<br>", 4_000),
		"nested lists": strings.Repeat("<ul><li>", 200), "nested quotes": strings.Repeat("<blockquote>a", 100), "code": "<pre>" + strings.Repeat("```\n", 2_000),
		"crossed": strings.Repeat("<b><i>a</b></i>", 4_000), "paragraphs": strings.Repeat("<p>a", 4_000), "blanks": strings.Repeat(" ", 1<<16),
		"brackets": strings.Repeat("[a ", 2_000), "quoted lines": strings.Repeat("<blockquote>", 30) + strings.Repeat("a<br>", 1_000),
		"wide span": "<table><tr><td colspan=100000000 rowspan=1000000000>a<td>b</table>",
	} {
		for _, gfm := range []bool{true, false} {
			require.NoError(t, run(t, markdown.Config{}, decompile, "data", text, "gfm", gfm).Err, name)
		}
	}
}

func TestCompileEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, module := range markdown.New(markdown.Config{}).Modules() {
		result := connectortest.RunContext(ctx, t, module, connectortest.Call{Input: connector.NewBundle("data", "x")})
		require.ErrorIs(t, result.Err, context.Canceled)
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add("# a\n\n* b\n* c\n\n> d `e` **f**", true)
	f.Add("<p>a<table><tr><td>b", false)
	f.Add("|a|b|\n|-|-|\n|c|d|\n\n~~e~~ ![f](g)", true)
	f.Fuzz(func(t *testing.T, text string, gfm bool) {
		config := markdown.Config{MaxBytes: 5000}
		compiled := run(t, config, compile, "data", text, "gfm", gfm, "sanitize", true)
		if compiled.Err != nil {
			require.Equal(t, connector.DataError, connector.TypeOf(compiled.Err))
			return
		}
		html, _ := compiled.Bundles[0].Get("data").(string)
		require.NotContains(t, strings.ToLower(html), "<script")
		back := run(t, markdown.Config{MaxBytes: 1 << 20}, decompile, "data", html, "gfm", gfm)
		if back.Err != nil {
			require.Equal(t, connector.DataError, connector.TypeOf(back.Err))
		}
	})
}

func BenchmarkCompile(b *testing.B) {
	text := strings.Repeat("# Heading\n\nSome *text* with [a link](https://example.com) and `code`.\n\n* one\n* two\n\n", 50)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		data(b, compile, "data", text, "gfm", true)
	}
}

func Example() {
	modules := markdown.New(markdown.Config{}).Modules()
	call := &connector.Call{Input: connector.NewBundle("data", "**Tides** <script>no</script>", "gfm", true, "sanitize", true)}
	html, err := modules[compile].(connector.Action).Do(context.Background(), call)
	fmt.Println(html.Get("data"), err)
	call = &connector.Call{Input: connector.NewBundle("data", "<h2>Tides</h2><p>High at <b>06:12</b>")}
	text, err := modules[decompile].(connector.Action).Do(context.Background(), call)
	fmt.Println(text.Get("data"), err)
	// Output:
	// <p><strong>Tides</strong> </p>
	//  <nil>
	// ## Tides
	//
	// High at **06:12** <nil>
}

func TestSpansThatWouldBecomeMillionsOfCellsAreTakenAway(t *testing.T) {
	t.Parallel()
	const table = "<table><tr><th colspan=%s>a<th rowspan=2>b<tr><td>c<td>d</table>"
	require.Contains(t, data(t, decompile, "data", fmt.Sprintf(table, "2"), "gfm", true), "| a |   | b |")
	for _, wide := range []string{"100000000", "99999999999999999999999", " 1000001 "} {
		require.Contains(t, data(t, decompile, "data", fmt.Sprintf(table, wide), "gfm", true), "| a | b |", wide)
	}
}
