package expr_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/expr"
)

// What the examples give stands on the reference page, which has a test of its own.
func TestEveryFunctionIsDocumented(t *testing.T) {
	t.Parallel()
	l := language(t, expr.Options{Functions: customs(t)})
	for _, f := range l.Functions() {
		require.NotEmpty(t, f.Family, f.Name)
		if f.Family == "custom" || f.Family == "host" {
			continue
		}
		require.GreaterOrEqual(t, len(f.Note.Doc), 40, f.Name)
		require.True(t, strings.HasSuffix(f.Note.Doc, "."), f.Name)
		require.NotEmpty(t, f.Note.Source, f.Name)
		require.GreaterOrEqual(t, len(f.Note.Examples), 2, f.Name)
		for _, example := range f.Note.Examples {
			require.Contains(t, example, f.Name+"(")
			_, err := l.Compile("{{"+example+"}}", nil)
			require.NoError(t, err, example)
		}
	}
}

func TestEveryFunctionIsTested(t *testing.T) {
	t.Parallel()
	covered := map[string]bool{}
	for name := range functionTables(t) {
		covered[name] = true
	}
	require.Len(t, covered, len(language(t, expr.Options{}).Functions()))
	for _, f := range language(t, expr.Options{}).Functions() {
		require.True(t, covered[f.Name], "%s has no table", f.Name)
	}
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	for name, table := range functionTables(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.GreaterOrEqual(t, len(table), 5)
			for _, c := range table {
				require.Contains(t, c.template, name+"(")
			}
			check(t, sample(t), table)
		})
	}
}

// functionTables has for every function its normal use, empty input, wrong types, characters beyond ASCII and bounds.
func functionTables(t *testing.T) map[string][]evaluation {
	t.Helper()
	long := strings.Repeat("9", 30)
	return map[string][]evaluation{
		// general
		"if": {
			{"{{if(1.t; 1; 2)}}", int64(1)}, {"{{if(1.no; 1; 2)}}", int64(2)}, {"{{if(; 1; 2)}}", int64(2)}, {"{{if(1.no; 1)}}", nil}, {`{{if(1.t; "ž"; "a" * 2)}}`, "ž"}, {`{{if("a" * 2; 1; 2)}}`, invalid}, {"{{if(1.list; 1.list; 2)}}", arr("a", "b", "c")},
		},
		"ifempty": {
			{"{{ifempty(1.a; 2)}}", "x"}, {"{{ifempty(1.empty; 2)}}", int64(2)}, {"{{ifempty(1.null; 2)}}", int64(2)}, {"{{ifempty(1.none; 2)}}", int64(2)}, {"{{ifempty(1.zero; 2)}}", int64(0)}, {"{{ifempty(1.no; 2)}}", false},
			{"{{ifempty(ignore; žluť)}}", "žluť"}, {"{{ifempty(1.a; 1.a * 2)}}", "x"}, {"{{ifempty(1.spaced; 2)}}", "  hi  "}, {"{{ifempty(; )}}", nil},
		},
		"switch": {
			{"{{switch(1.a; x; 1; y; 2)}}", int64(1)}, {"{{switch(1.n; 5; five)}}", "five"}, {`{{switch("5"; 5; five)}}`, nil}, {"{{switch(q; x; 1; y; 2; 3)}}", int64(3)}, {"{{switch(1.null; ; empty; else)}}", "empty"}, {`{{switch("ž"; "z"; 1; "ž"; 2)}}`, int64(2)},
			{"{{switch(1.a; x; ; 9)}}", nil}, {"{{switch(1.a * 2; x; 1)}}", invalid},
		},
		"get": {
			{"{{get(1.list; 1)}}", "a"}, {"{{get(1.list; -1)}}", "c"}, {"{{get(1.list; 0)}}", nil}, {"{{get(1.list; 4)}}", nil}, {"{{get(1.list; -4)}}", nil}, {"{{get(1.coll; inner.x.2.url)}}", "u2"}, {`{{get(1.coll; "inner.x[1].url")}}`, "u1"}, {`{{get(1.coll; "inner.x[].url")}}`, "u1"},
			{"{{get(1.coll; d.d)}}", "dotted"}, {"{{get(1.coll; `1`)}}", invalid}, {"{{get(`1`; 0)}}", "col0"}, {`{{get(1; "x")}}`, nil}, {"{{get(1.null; 1)}}", nil}, {"{{get(1.list; )}}", nil}, {"{{get(1.list; 1.5)}}", nil}, {"{{get(1.list; 1.t)}}", invalid}, {"{{get(1.list; " + long + ")}}", nil},
			{"{{get(1.list; \"x\")}}", nil}, {"{{get(1.a; 1)}}", nil}, {"{{get(get(1.coll; inner); \"`x`.1.url\")}}", "u1"}, {"{{get(1.coll; \".a\")}}", nil}, {"{{get(1.people; \"-1.type\")}}", "none"},
		},
		"pick": {
			{"{{pick(1.coll; z; a)}}", obj("z", int64(1), "a", "two")}, {"{{pick(1.coll; a; z)}}", obj("z", int64(1), "a", "two")}, {"{{pick(1.coll; nothing)}}", connector.Bundle{}}, {`{{pick(1.coll; split("a,z"; ","))}}`, obj("z", int64(1), "a", "two")},
			{"{{pick(1.list; a)}}", invalid}, {"{{pick(1.null; a)}}", invalid}, {"{{pick(`1`; \"Customer Name\")}}", obj("Customer Name", "Ada")}, {"{{pick(1.coll; )}}", connector.Bundle{}},
		},
		"omit": {
			{"{{omit(1.coll; inner; d.d)}}", obj("z", int64(1), "a", "two")}, {"{{omit(1.coll; z; a; inner; d.d)}}", connector.Bundle{}}, {"{{omit(1.list; a)}}", invalid}, {"{{omit(1.null; a)}}", invalid}, {`{{omit(get(1.people; 1); žluť; split("type,age"; ","))}}`, obj("name", "Ann")},
		},
		"equal": {
			{"{{equal(1.n; 5)}}", true}, {`{{equal(1.n; "5")}}`, false}, {"{{equal(1.null; )}}", true}, {"{{equal(ž; ž)}}", true}, {"{{equal(1.coll; 1.coll)}}", true}, {"{{equal(1.list; 1.nums)}}", false}, {"{{equal(1.empty; 1.null)}}", false},
		},
		// math
		"sum": {
			{"{{sum(1; 2; 3)}}", int64(6)}, {"{{sum(1.nums)}}", int64(6)}, {"{{sum(1.nums; 1.nums)}}", int64(12)}, {"{{sum(1.null)}}", int64(0)}, {`{{sum("4"; "x"; 1.t)}}`, int64(4)}, {"{{sum(0.5; 0.25)}}", 0.75}, {"{{sum(9223372036854775807; 1)}}", 9223372036854775808.0},
		},
		"average": {
			{"{{average(1; 2)}}", 1.5}, {"{{average(1.nums)}}", int64(2)}, {"{{average(1.none)}}", nil}, {"{{average(1.null)}}", nil}, {`{{average("2"; "ž"; 4)}}`, int64(3)}, {"{{average(9223372036854775807; 9223372036854775807)}}", 9223372036854775807.0},
		},
		"min": {
			{"{{min(3; 1; 2)}}", int64(1)}, {"{{min(1.nums)}}", int64(1)}, {"{{min(1.none)}}", nil}, {`{{min("ž"; "-1.5"; 2)}}`, -1.5}, {"{{min(9007199254740993; 9007199254740992)}}", int64(9007199254740992)},
		},
		"max": {
			{"{{max(3; 1; 2)}}", int64(3)}, {"{{max(1.nums; 10)}}", int64(10)}, {"{{max(1.none)}}", nil}, {`{{max("ž"; "7"; 2)}}`, int64(7)}, {"{{max(1.coll)}}", nil}, {"{{max(-1; -2)}}", int64(-1)},
		},
		"median": {
			{"{{median(3; 5; 7)}}", int64(5)}, {"{{median(2; 8; 3; 5)}}", int64(4)}, {"{{median(1.none)}}", nil}, {"{{median(1)}}", int64(1)}, {"{{median(ž)}}", nil}, {"{{median(1; 2)}}", 1.5},
		},
		"stdevS": {
			{"{{stdevS(1; 2; 3; 4; 5)}}", 1.5811388300841898}, {"{{stdevS(1)}}", nil}, {"{{stdevS(1.none)}}", nil}, {"{{stdevS(2; 2)}}", int64(0)}, {"{{stdevS(1; ž; 3)}}", math.Sqrt2},
		},
		"stdevP": {
			{"{{stdevP(1; 2; 3; 4; 5)}}", math.Sqrt2}, {"{{stdevP(1)}}", int64(0)}, {"{{stdevP(1.none)}}", nil}, {"{{stdevP(1; ž; 3)}}", int64(1)}, {"{{stdevP(1.null)}}", nil},
		},
		"abs": {
			{"{{abs(-5)}}", int64(5)}, {"{{abs(3.7)}}", 3.7}, {`{{abs("-2.5")}}`, 2.5}, {"{{abs(1.null)}}", invalid}, {"{{abs(ž)}}", invalid}, {"{{abs(-9223372036854775808)}}", 9223372036854775808.0}, {"{{abs(0)}}", int64(0)}, {"{{abs(1.list)}}", invalid},
		},
		"ceil": {
			{"{{ceil(1.2)}}", int64(2)}, {"{{ceil(-1.2)}}", int64(-1)}, {"{{ceil(4)}}", int64(4)}, {"{{ceil(1.null)}}", invalid}, {"{{ceil(ž)}}", invalid}, {"{{ceil(1.infinite)}}", 1e308}, {`{{ceil("0.1")}}`, int64(1)},
		},
		"floor": {
			{"{{floor(1.9)}}", int64(1)}, {"{{floor(-1.2)}}", int64(-2)}, {"{{floor(4)}}", int64(4)}, {"{{floor(1.null)}}", invalid}, {"{{floor(ž)}}", invalid}, {"{{floor(1.coll)}}", invalid},
		},
		"round": {
			{"{{round(1.5)}}", int64(2)}, {"{{round(2.5)}}", int64(3)}, {"{{round(-2.5)}}", int64(-2)}, {"{{round(-2.6)}}", int64(-3)}, {"{{round(0.49999999999999994)}}", int64(0)}, {"{{round(1.null)}}", invalid}, {"{{round(1.empty)}}", invalid}, {"{{round(ž)}}", invalid},
			{"{{round(4503599627370497)}}", int64(4503599627370497)}, {"{{round(1.f)}}", int64(3)},
		},
		"trunc": {
			{"{{trunc(3.789)}}", int64(3)}, {"{{trunc(3.789; 2)}}", 3.78}, {"{{trunc(123.45; -1)}}", int64(120)}, {"{{trunc(123.456; -2)}}", int64(100)}, {"{{trunc(-3.789; 1)}}", -3.7}, {"{{trunc(4.35; 2)}}", 4.35}, {"{{trunc(99.9; -3)}}", int64(0)}, {"{{trunc(129; -1)}}", int64(120)}, {"{{trunc(129; -30)}}", int64(0)},
			{"{{trunc(1.null)}}", invalid}, {"{{trunc(ž)}}", invalid}, {"{{trunc(1.infinite; 2)}}", 1e308}, {"{{trunc(-129; -1)}}", int64(-120)}, {"{{trunc(1.5; 9999999)}}", 1.5},
		},
		"parseNumber": {
			{`{{parseNumber("1.756,456"; ",")}}`, 1756.456}, {`{{parseNumber("1 756.5")}}`, 1756.5}, {`{{parseNumber("1,234.50"; ".")}}`, 1234.5}, {`{{parseNumber("1 756,5"; ,)}}`, 1756.5}, {"{{parseNumber(\"1\u00a0756,5\"; \",\")}}", 1756.5}, {"{{parseNumber(\"1'234\")}}", int64(1234)},
			{"{{parseNumber(1.empty)}}", invalid}, {"{{parseNumber(1.null)}}", invalid}, {"{{parseNumber(ž)}}", invalid}, {`{{parseNumber("1"; ";")}}`, invalid}, {`{{parseNumber("-0.5e3")}}`, int64(-500)}, {"{{parseNumber(1.n)}}", int64(5)}, {`{{parseNumber("9007199254740993")}}`, int64(9007199254740993)},
		},
		"formatNumber": {
			{"{{formatNumber(123456789; 3)}}", "123.456.789,000"}, {`{{formatNumber(1234.5; 2; "."; ",")}}`, "1,234.50"}, {"{{formatNumber(1234.5; 2; ,; .)}}", "1.234,50"}, {"{{formatNumber(1234.5)}}", "1.235"}, {"{{formatNumber(-1234.5; 0)}}", "-1.235"}, {"{{formatNumber(999; 2)}}", "999,00"},
			{"{{formatNumber(0; 2)}}", "0,00"}, {"{{formatNumber(1.005; 2)}}", "1,00"}, {"{{formatNumber(2.5; 0)}}", "3"}, {"{{formatNumber(-0.001; 2)}}", "0,00"}, {`{{formatNumber(1234567; 0; "."; "")}}`, "1234567"}, {"{{formatNumber(1234.5; 2; ; )}}", "1.234,50"}, {"{{formatNumber(1234.5;2;;)}}", "1.234,50"}, {`{{formatNumber(1234.5; 2; "."; )}}`, "1.234.50"}, {`{{formatNumber(1234; 1; "·"; "’")}}`, "1’234·0"},
			{"{{formatNumber(1.null; 2)}}", invalid}, {"{{formatNumber(ž; 2)}}", invalid}, {"{{formatNumber(1; -1)}}", invalid}, {"{{formatNumber(1; 101)}}", invalid}, {"{{formatNumber(0 / 0; 1)}}", invalid}, {"{{formatNumber(1e21; 0)}}", "1.000.000.000.000.000.000.000"}, {"{{formatNumber(12345678901234567; 1)}}", "12.345.678.901.234.567,0"},
		},
		// text
		"lower":      {{"{{lower(HeLLo)}}", "hello"}, {"{{lower(1.empty)}}", ""}, {"{{lower(1.null)}}", ""}, {"{{lower(1.coll)}}", invalid}, {"{{lower(ŽLUŤ)}}", "žluť"}, {"{{lower(ΟΔΟΣ)}}", "οδος"}, {"{{lower(İ)}}", "i\u0307"}, {"{{lower(1.list)}}", "a, b, c"}, {"{{lower(ΣΑΣ Σ)}}", "σας σ"}, {"{{lower(1.n)}}", "5"}},
		"upper":      {{"{{upper(Hello)}}", "HELLO"}, {"{{upper(1.empty)}}", ""}, {"{{upper(1.coll)}}", invalid}, {"{{upper(straße)}}", "STRASSE"}, {"{{upper(ﬁn žluť)}}", "FIN ŽLUŤ"}, {"{{upper(1.t)}}", "TRUE"}},
		"capitalize": {{"{{capitalize(make it)}}", "Make it"}, {"{{capitalize(1.empty)}}", ""}, {"{{capitalize(žluť)}}", "Žluť"}, {"{{capitalize(mAKE)}}", "MAKE"}, {"{{capitalize(1.coll)}}", invalid}, {"{{capitalize(\"😀a\")}}", "😀a"}},
		"startcase":  {{"{{startcase(hello WORLD)}}", "Hello World"}, {"{{startcase(1.empty)}}", ""}, {"{{startcase(žluť ŽLUŤ)}}", "Žluť Žluť"}, {"{{startcase(\"  a  b\")}}", "  A  B"}, {"{{startcase(1.coll)}}", invalid}, {"{{startcase(o'neil)}}", "O'neil"}},
		"trim":       {{"{{trim(1.spaced)}}", "hi"}, {"{{trim(1.empty)}}", ""}, {"{{trim(\"\u00a0\ufeffx\u2003\n\")}}", "x"}, {"{{trim(1.coll)}}", invalid}, {"{{trim(\"  \")}}", ""}, {"{{trim(a b)}}", "a b"}, {"{{trim(1.null)}}", ""}},
		"length":     {{"{{length(hello)}}", int64(5)}, {"{{length(1.empty)}}", int64(0)}, {"{{length(1.null)}}", int64(0)}, {"{{length(1.list)}}", int64(3)}, {"{{length(1.buf)}}", int64(6)}, {"{{length(žluť)}}", int64(4)}, {"{{length(1.emoji)}}", int64(4)}, {"{{length(1.coll)}}", int64(4)}, {"{{length(1.numtext)}}", int64(2)}, {"{{length(12345)}}", int64(5)}},
		"ascii":      {{"{{ascii(ěMščařžkýáeíé)}}", "Make"}, {"{{ascii(ěščřž; true)}}", "escrz"}, {"{{ascii(1.empty)}}", ""}, {"{{ascii(1.coll)}}", invalid}, {"{{ascii(Øre Łódź straße Việt; true)}}", "Ore Lodz strasse Viet"}, {"{{ascii(\"a😀b\"; true)}}", "ab"}, {"{{ascii(é; false)}}", ""}, {"{{ascii(é; )}}", ""}},
		"substring": {
			{"{{substring(Hello; 0; 3)}}", "Hel"}, {"{{substring(Hello; 1; 3)}}", "el"}, {"{{substring(Hello; 2)}}", "llo"}, {"{{substring(Hello; 3; 1)}}", "el"}, {"{{substring(Hello; -5; 2)}}", "He"}, {"{{substring(Hello; 3; 99)}}", "lo"}, {"{{substring(Hello; 9; 12)}}", ""}, {"{{substring(1.empty; 0; 1)}}", ""},
			{"{{substring(žluť; 1; 3)}}", "lu"}, {"{{substring(1.emoji; 1; 3)}}", "😀"}, {"{{substring(1.emoji; 0; 2)}}", "a\ufffd"}, {"{{substring(1.emoji; 2; 4)}}", "\ufffdb"}, {"{{substring(1.emoji; 2; 2)}}", ""}, {"{{substring(1.emoji; 2; 3)}}", "\ufffd"}, {"{{substring(Hello; x; 3)}}", invalid}, {"{{substring(1.coll; 0; 1)}}", invalid}, {"{{substring(Hello; ; 1)}}", invalid}, {"{{substring(Hello; 0.9; 2.9)}}", "He"},
		},
		"indexOf": {
			{"{{indexOf(Hello; l)}}", int64(2)}, {"{{indexOf(Hello; x)}}", int64(-1)}, {"{{indexOf(Hello; l; 3)}}", int64(3)}, {"{{indexOf(Hello; H; 1)}}", int64(-1)}, {"{{indexOf(Hello; )}}", int64(0)}, {"{{indexOf(1.empty; x)}}", int64(-1)}, {"{{indexOf(1.emoji; b)}}", int64(3)}, {"{{indexOf(1.emoji; b; 2)}}", int64(3)}, {"{{indexOf(žluť; ť)}}", int64(3)}, {"{{indexOf(1.coll; x)}}", invalid}, {"{{indexOf(Hello; l; 99)}}", int64(-1)}, {"{{indexOf(We love Make; e; 7)}}", int64(11)},
		},
		"split": {
			{`{{split("a,b,,c"; ",")}}`, arr("a", "b", "", "c")}, {`{{split("John, George, Paul"; ,)}}`, arr("John", " George", " Paul")}, {"{{split(1.empty; ,)}}", arr()}, {"{{split(1.null; ,)}}", arr()}, {"{{split(žlť; )}}", arr("ž", "l", "ť")}, {"{{split(abc; x)}}", arr("abc")}, {"{{split(1.coll; x)}}", invalid}, {"{{split(a😀b; 😀)}}", arr("a", "b")}, {"{{split(a b; space)}}", arr("a", "b")},
		},
		"replace": {
			{"{{replace(Hello World; Hello; Hi)}}", "Hi World"}, {"{{replace(banana; a; o)}}", "bonono"}, {"{{replace(a.b.c; .; -)}}", "a-b-c"}, {`{{replace("a1b22"; "/\d+/"; "#")}}`, "a#b22"}, {`{{replace("a1b22"; "/\d+/g"; "#")}}`, "a#b#"}, {`{{replace("Phone number is 777"; "/\d+/g"; "+420$&")}}`, "Phone number is +420777"},
			{`{{replace("Phone number is 777"; "/ is (\d)/"; "+42$1")}}`, "Phone number+42777"}, {`{{replace("abc"; "/(b)/"; "[$1$2$10$$$x]")}}`, "a[b$2b0$$x]c"}, {`{{replace("AbC"; "/b/i"; "x")}}`, "AxC"}, {"{{replace(\"a\nb\"; \"/^b/m\"; \"x\")}}", "a\nx"}, {"{{replace(\"a\nb\"; \"/a.b/s\"; \"x\")}}", "x"}, {`{{replace("price: 5"; "/(?<=: )\d/"; "9")}}`, "price: 9"}, {`{{replace("aa bb"; "/(\w)\1/g"; "$1")}}`, "a b"},
			{`{{replace("žluťoučký"; "/[^\x00-\x7f]/g"; "_")}}`, "_lu_ou_k_"}, {`{{replace("x"; "y"; "z")}}`, "x"}, {"{{replace(1.empty; x; y)}}", ""}, {"{{replace(abc; ; x)}}", "abc"}, {"{{replace(1.null; x; y)}}", ""}, {"{{replace(1.coll; x; y)}}", invalid}, {"{{replace(/home/ann; /home/ann; x)}}", "x"}, {`{{replace("aXb"; "X"; "<$&$$>")}}`, "a<X$>b"},
			{`{{replace("abc"; 1.empty + "/(/"; "x")}}`, invalid}, {`{{replace("abc"; 1.missing + "/(?<n>a)/"; "x")}}`, invalid}, {`{{replace("aaa"; "/x*/g"; "-")}}`, "-a-a-a-"}, {"{{replace(\"a\" + newline + \"b\"; newline; \"\\n\")}}", `a\nb`}, {`{{replace("😀x"; "/./"; "y")}}`, "yx"},
		},
		"replaceEmojiCharacters": {
			{"{{replaceEmojiCharacters(\"Hi 👋🏽!\"; \"*\")}}", "Hi *!"}, {"{{replaceEmojiCharacters(1.empty; x)}}", ""}, {"{{replaceEmojiCharacters(\"👨‍👩‍👧 🇨🇿 1️⃣ ❤️ ☀\"; \"*\")}}", "* * * * ☀"}, {"{{replaceEmojiCharacters(\"žluť 12 © #\"; \"*\")}}", "žluť 12 © #"}, {"{{replaceEmojiCharacters(1.emoji)}}", "ab"}, {"{{replaceEmojiCharacters(1.coll; x)}}", invalid}, {"{{replaceEmojiCharacters(\"🏴󠁧󠁢󠁥󠁮󠁧󠁿🏳️‍🌈✅\"; \"*\")}}", "***"},
		},
		"toString": {
			{"{{toString(1.coll)}}", `{"z":1,"a":"two","d.d":"dotted","inner":{"x":[{"url":"u1"},{"url":"u2"}]}}`}, {"{{toString(1.list)}}", "a, b, c"}, {"{{toString(1.null)}}", ""}, {"{{toString(1.buf)}}", "žluť"}, {"{{toString(1.raw)}}", badData}, {"{{toString(1.raw; hex)}}", "fffe"}, {"{{toString(1.raw; base64)}}", "//4="}, {"{{toString(1.raw; latin1)}}", "ÿþ"}, {"{{toString(1.raw; x)}}", invalid},
			{"{{toString(1.n)}}", "5"}, {"{{toString(1.date)}}", "2026-01-31T11:22:33.444Z"}, {"{{toString(true)}}", "true"},
		},
		"contains": {
			{"{{contains(Hello World; Hello)}}", true}, {"{{contains(Hello World; hello)}}", false}, {"{{contains(1.list; b)}}", true}, {"{{contains(1.list; B)}}", false}, {"{{contains(1.nums; 3)}}", true}, {`{{contains(1.nums; "3")}}`, false}, {"{{contains(1.none; x)}}", false}, {"{{contains(1.null; x)}}", false}, {"{{contains(žluť; uť)}}", true}, {"{{contains(1.coll; x)}}", invalid}, {"{{contains(abc; 1.coll)}}", invalid}, {"{{contains(abc; )}}", true}, {"{{contains(12345; 234)}}", true},
		},
		// encoding
		"toBinary": {
			{"{{toBinary(Make)}}", []byte("Make")}, {`{{toBinary("4d616B65"; "hex")}}`, []byte("Make")}, {`{{toBinary("TWFrZQ=="; "base64")}}`, []byte("Make")}, {`{{toBinary("_-8"; "base64")}}`, []byte{0xff, 0xef}}, {`{{toBinary("ÿ"; "latin1")}}`, []byte{0xff}}, {`{{toBinary("ž"; "latin1")}}`, badData}, {`{{toBinary("xyz"; "hex")}}`, badData}, {`{{toBinary("a"; "base64")}}`, badData}, {`{{toBinary("a"; "rot13")}}`, invalid},
			{"{{toBinary(1.empty)}}", []byte{}}, {"{{toBinary(1.raw)}}", []byte{0xff, 0xfe}}, {"{{toBinary(1.n)}}", []byte("5")},
		},
		"base64":         {{"{{base64(Make)}}", "TWFrZQ=="}, {"{{base64(1.empty)}}", ""}, {"{{base64(1.raw)}}", "//4="}, {"{{base64(žluť)}}", "xb5sdcWl"}, {"{{base64(1.null)}}", ""}, {"{{base64(1.n)}}", "NQ=="}},
		"encodeURL":      {{"{{encodeURL(a b&c)}}", "a%20b%26c"}, {"{{encodeURL(1.empty)}}", ""}, {"{{encodeURL(žluť)}}", "%C5%BElu%C5%A5"}, {"{{encodeURL(\"-_.!~*'()\")}}", "-_.!~*'()"}, {"{{encodeURL(1.coll)}}", invalid}, {"{{encodeURL(\"/?+\")}}", "%2F%3F%2B"}},
		"decodeURL":      {{"{{decodeURL(a%20b%26c)}}", "a b&c"}, {"{{decodeURL(1.empty)}}", ""}, {"{{decodeURL(%C5%BElu%C5%A5)}}", "žluť"}, {`{{decodeURL("%zz")}}`, badData}, {`{{decodeURL("%4")}}`, badData}, {"{{decodeURL(%ff)}}", badData}, {"{{decodeURL(a+b)}}", "a+b"}, {"{{decodeURL(1.coll)}}", invalid}},
		"escapeHTML":     {{`{{escapeHTML("<b>Hello</b>")}}`, "&lt;b&gt;Hello&lt;/b&gt;"}, {"{{escapeHTML(1.empty)}}", ""}, {"{{escapeHTML(a&b)}}", "a&amp;b"}, {"{{escapeHTML(žluť)}}", "žluť"}, {"{{escapeHTML(1.coll)}}", invalid}, {`{{escapeHTML("&amp;")}}`, "&amp;amp;"}},
		"escapeMarkdown": {{`{{escapeMarkdown("# Header")}}`, "&#35; Header"}, {"{{escapeMarkdown(1.empty)}}", ""}, {`{{escapeMarkdown("*a*_b_")}}`, "&#42;a&#42;&#95;b&#95;"}, {"{{escapeMarkdown(žluť)}}", "žluť"}, {"{{escapeMarkdown(1.coll)}}", invalid}, {"{{escapeMarkdown(\"~|\")}}", "&#126;&#124;"}},
		"stripHTML": {
			{`{{stripHTML("<b>Hello</b>")}}`, "Hello"}, {"{{stripHTML(1.empty)}}", ""}, {`{{stripHTML("a<br/>b<BR>c")}}`, "a\nb\nc"}, {`{{stripHTML("<style>p{}</style>x<script>if(a<b){}</script>y")}}`, "xy"}, {`{{stripHTML("1 < 2 & 3 > 2")}}`, "1 < 2 & 3 > 2"}, {`{{stripHTML("<a title=""x>y"">z</a><!-- <b> -->!")}}`, "z!"}, {`{{stripHTML("<p>žluť<")}}`, "žluť<"}, {`{{stripHTML("a<b")}}`, "a"}, {"{{stripHTML(1.coll)}}", invalid}, {`{{stripHTML("x<script>never closed")}}`, "x"}, {`{{stripHTML("x<!-- open")}}`, "x"},
		},
		"md5":  {{"{{md5(Make)}}", "529a05ca6c1263aab080ec4f20754411"}, {"{{md5(1.empty)}}", "d41d8cd98f00b204e9800998ecf8427e"}, {"{{md5(1.null)}}", "d41d8cd98f00b204e9800998ecf8427e"}, {"{{md5(žluť)}}", "d5e6cd01a2dff41bed36a7aa6ea3e6c3"}, {"{{md5(1.buf)}}", "d5e6cd01a2dff41bed36a7aa6ea3e6c3"}},
		"sha1": {{"{{sha1(abc)}}", "a9993e364706816aba3e25717850c26c9cd0d89d"}, {"{{sha1(1.empty)}}", "da39a3ee5e6b4b0d3255bfef95601890afd80709"}, {"{{sha1(abc; base64)}}", "qZk+NkcGgWq6PiVxeFDCbJzQ2J0="}, {"{{sha1(abc; x)}}", invalid}, {`{{sha1("The quick brown fox jumps over the lazy dog"; "hex"; "key")}}`, "de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9"}, {"{{length(sha1(abc; latin1))}}", int64(20)}},
		"sha256": {
			{"{{sha256(abc)}}", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}, {"{{sha256(1.null)}}", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}, {`{{sha256("The quick brown fox jumps over the lazy dog"; ; "key")}}`, "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"},
			{`{{sha256("The quick brown fox jumps over the lazy dog"; "hex"; "6b6579"; "hex")}}`, "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"}, {`{{sha256("The quick brown fox jumps over the lazy dog"; "hex"; "a2V5"; "base64")}}`, "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"},
			{`{{sha256("The quick brown fox jumps over the lazy dog"; "hex"; toBinary("key"); "binary")}}`, "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"}, {`{{sha256("a"; "hex"; "key"; "binary")}}`, invalid}, {`{{sha256("a"; "hex"; "key"; "rot13")}}`, invalid}, {`{{sha256("a"; "hex"; "zz"; "hex")}}`, badData},
		},
		"sha512": {{"{{sha512(abc)}}", "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"}, {"{{length(sha512(1.empty))}}", int64(128)}, {"{{length(sha512(žluť; base64))}}", int64(88)}, {"{{sha512(abc; x)}}", invalid}, {"{{length(sha512(abc; hex; key))}}", int64(128)}},
		// date
		"formatDate": {
			{"{{formatDate(1.date; DD.MM.YYYY HH:mm)}}", "31.01.2026 12:22"}, {"{{formatDate(1.date; YYYY-MM-DD hh:mm A; UTC)}}", "2026-01-31 11:22 AM"}, {"{{formatDate(1.date)}}", "2026-01-31T12:22:33.444+01:00"}, {"{{formatDate(1.date; x)}}", "1769858553444"}, {"{{formatDate(1.date; X)}}", "1769858553"}, {`{{formatDate("2026-01-31"; "YYYY")}}`, "2026"}, {"{{formatDate(1.null; YYYY)}}", invalid}, {"{{formatDate(1.empty; YYYY)}}", invalid}, {"{{formatDate(1.n; YYYY)}}", invalid},
			{"{{formatDate(1.date; YYYY; Nowhere/Land)}}", invalid}, {"{{formatDate(1.date; YYYY; Local)}}", invalid}, {"{{formatDate(1.date; YYYY; \"../etc\")}}", invalid}, {"{{formatDate(1.date; [žluť] YYYY)}}", "žluť 2026"}, {"{{formatDate(1.date; HH; America/New_York)}}", "06"}, {"{{formatDate(1.date; HH z; )}}", "12 CET"}, {"{{formatDate(now; MMMM Do, YYYY h:mm A)}}", "July 15th, 2026 12:20 PM"},
		},
		"parseDate": {
			{"{{parseDate(2016-12-28 16:03; YYYY-MM-DD HH:mm)}}", day(t, "2016-12-28T15:03:00Z")}, {"{{parseDate(2016-12-28 16:03; YYYY-MM-DD HH:mm; UTC)}}", day(t, "2016-12-28T16:03:00Z")}, {"{{parseDate(1482940986; X)}}", day(t, "2016-12-28T16:03:06Z")}, {"{{parseDate(1482940986123; x)}}", day(t, "2016-12-28T16:03:06.123Z")}, {"{{parseDate(1.date; X)}}", day(t, "2026-01-31T11:22:33.444Z")},
			{"{{parseDate(hello; YYYY)}}", invalid}, {"{{parseDate(1.null; YYYY)}}", invalid}, {"{{parseDate(1.empty; YYYY)}}", invalid}, {"{{parseDate(2026-02-30; YYYY-MM-DD)}}", invalid}, {"{{parseDate(1.coll; YYYY)}}", invalid}, {"{{parseDate(2026-01-31; YYYY-MM-DD; x/y)}}", invalid}, {"{{parseDate(žluť 5 ledna; D)}}", day(t, "2026-07-04T22:00:00Z")}, {"{{parseDate(2026-01-31T00:00:00Z)}}", day(t, "2026-01-31T00:00:00Z")}, {"{{parseDate(nonsense)}}", invalid}, {"{{parseDate(99999999999999999999; x)}}", invalid},
		},
		"addSeconds": {{"{{addSeconds(1.date; 2)}}", day(t, "2026-01-31T11:22:35.444Z")}, {"{{addSeconds(1.date; -0.5)}}", day(t, "2026-01-31T11:22:32.944Z")}, {"{{addSeconds(1.null; 1)}}", invalid}, {"{{addSeconds(1.date; )}}", invalid}, {"{{addSeconds(1.date; ž)}}", invalid}, {"{{addSeconds(1.date; 1e300)}}", invalid}},
		"addMinutes": {{"{{addMinutes(1.date; 40)}}", day(t, "2026-01-31T12:02:33.444Z")}, {"{{addMinutes(1.date; -1440)}}", day(t, "2026-01-30T11:22:33.444Z")}, {"{{addMinutes(x; 1)}}", invalid}, {"{{addMinutes(1.date; 1.null)}}", invalid}, {"{{addMinutes(1.date; 1e15)}}", invalid}},
		"addHours":   {{"{{addHours(1.date; -2)}}", day(t, "2026-01-31T09:22:33.444Z")}, {"{{addHours(1.date; -24.2)}}", day(t, "2026-01-30T11:10:33.444Z")}, {"{{addHours(\"2026-03-29T00:30:00Z\"; 1)}}", day(t, "2026-03-29T01:30:00Z")}, {"{{addHours(1.null; 1)}}", invalid}, {"{{addHours(1.date; ž)}}", invalid}, {"{{addHours(1.date; 0)}}", day(t, "2026-01-31T11:22:33.444Z")}},
		"addDays":    {{"{{addDays(1.date; 2)}}", day(t, "2026-02-02T11:22:33.444Z")}, {"{{addDays(\"2026-03-28T11:00:00Z\"; 1)}}", day(t, "2026-03-29T10:00:00Z")}, {"{{addDays(\"2026-03-28T01:30:00Z\"; 1)}}", day(t, "2026-03-29T01:30:00Z")}, {"{{addDays(1.date; -31)}}", day(t, "2025-12-31T11:22:33.444Z")}, {"{{addDays(1.null; 1)}}", invalid}, {"{{addDays(1.date; 1.5)}}", day(t, "2026-02-02T11:22:33.444Z")}, {"{{addDays(1.date; 1e9)}}", invalid}, {"{{addDays(1.date; 1e300)}}", invalid}},
		"addMonths":  {{"{{addMonths(1.date; 1)}}", day(t, "2026-02-28T11:22:33.444Z")}, {"{{addMonths(1.date; -1)}}", day(t, "2025-12-31T11:22:33.444Z")}, {"{{addMonths(1.date; 25)}}", day(t, "2028-02-29T11:22:33.444Z")}, {"{{addMonths(1.date; 6)}}", day(t, "2026-07-31T10:22:33.444Z")}, {"{{addMonths(1.null; 1)}}", invalid}, {"{{addMonths(1.date; 1e9)}}", invalid}, {"{{formatDate(addDays(addMonths(formatDate(now; \"YYYY-MM-01\"); 1); -1); \"YYYY-MM-DD\")}}", "2026-07-31"}},
		"addYears":   {{"{{addYears(1.date; 1)}}", day(t, "2027-01-31T11:22:33.444Z")}, {"{{addYears(\"2024-02-29T12:00:00Z\"; 1)}}", day(t, "2025-02-28T12:00:00Z")}, {"{{addYears(1.date; -2026)}}", time.Date(0, 1, 31, 11, 24, 49, 444_000_000, time.UTC)}, {"{{addYears(1.null; 1)}}", invalid}, {"{{addYears(1.date; 1e7)}}", invalid}, {"{{addYears(1.date; 0.5)}}", day(t, "2026-07-31T10:22:33.444Z")}},
		"setSecond":  {{"{{setSecond(1.date; 10)}}", day(t, "2026-01-31T11:22:10.444Z")}, {"{{setSecond(1.date; 61)}}", day(t, "2026-01-31T11:23:01.444Z")}, {"{{setSecond(1.date; -1)}}", day(t, "2026-01-31T11:21:59.444Z")}, {"{{setSecond(1.null; 1)}}", invalid}, {"{{setSecond(1.date; ž)}}", invalid}},
		"setMinute":  {{"{{setMinute(1.date; 10)}}", day(t, "2026-01-31T11:10:33.444Z")}, {"{{setMinute(1.date; 61)}}", day(t, "2026-01-31T12:01:33.444Z")}, {"{{setMinute(1.date; -1)}}", day(t, "2026-01-31T10:59:33.444Z")}, {"{{setMinute(1.null; 1)}}", invalid}, {"{{setMinute(1.date; 1e12)}}", invalid}},
		"setHour":    {{"{{setHour(1.date; 6)}}", day(t, "2026-01-31T05:22:33.444Z")}, {"{{setHour(1.date; 24)}}", day(t, "2026-01-31T23:22:33.444Z")}, {"{{setHour(1.date; -1)}}", day(t, "2026-01-30T22:22:33.444Z")}, {"{{setHour(1.null; 1)}}", invalid}, {"{{setHour(\"2026-03-29T10:30:00Z\"; 2)}}", day(t, "2026-03-29T01:30:00Z")}, {"{{setHour(1.date; 12)}}", day(t, "2026-01-31T11:22:33.444Z")}},
		"setDate":    {{"{{setDate(1.date; 5)}}", day(t, "2026-01-05T11:22:33.444Z")}, {"{{setDate(1.date; 32)}}", day(t, "2026-02-01T11:22:33.444Z")}, {"{{setDate(1.date; 0)}}", day(t, "2025-12-31T11:22:33.444Z")}, {"{{setDate(1.null; 1)}}", invalid}, {"{{setDate(1.date; ž)}}", invalid}},
		"setDay":     {{"{{setDay(\"2018-06-27T11:36:39.138Z\"; Monday)}}", day(t, "2018-06-25T11:36:39.138Z")}, {"{{setDay(\"2018-06-27T11:36:39.138Z\"; 1)}}", day(t, "2018-06-24T11:36:39.138Z")}, {"{{setDay(\"2018-06-27T11:36:39.138Z\"; 7)}}", day(t, "2018-06-30T11:36:39.138Z")}, {"{{setDay(\"2018-06-27T11:36:39.138Z\"; sat)}}", day(t, "2018-06-30T11:36:39.138Z")}, {"{{setDay(\"2018-06-27T11:36:39.138Z\"; 8)}}", day(t, "2018-07-01T11:36:39.138Z")}, {"{{setDay(1.date; pondělí)}}", invalid}, {"{{setDay(1.date; )}}", invalid}, {"{{setDay(1.null; 1)}}", invalid}},
		"setMonth":   {{"{{setMonth(\"2015-08-07T11:36:39.138Z\"; 5)}}", day(t, "2015-05-07T11:36:39.138Z")}, {"{{setMonth(\"2015-08-07T11:36:39.138Z\"; January)}}", day(t, "2015-01-07T12:36:39.138Z")}, {"{{setMonth(\"2015-08-31T11:00:00Z\"; feb)}}", day(t, "2015-02-28T12:00:00Z")}, {"{{setMonth(\"2015-08-07T11:36:39.138Z\"; 13)}}", day(t, "2016-01-07T12:36:39.138Z")}, {"{{setMonth(1.date; leden)}}", invalid}, {"{{setMonth(1.date; 1.null)}}", invalid}, {"{{setMonth(1.date; 1e10)}}", invalid}},
		"setYear":    {{"{{setYear(1.date; 2017)}}", day(t, "2017-01-31T11:22:33.444Z")}, {"{{setYear(\"2024-02-29T12:00:00Z\"; 2023)}}", day(t, "2023-02-28T12:00:00Z")}, {"{{setYear(1.date; 300000)}}", invalid}, {"{{setYear(1.null; 1)}}", invalid}, {"{{setYear(1.date; ž)}}", invalid}},
		// array
		"add":    {{"{{add(1.list; d; e)}}", arr("a", "b", "c", "d", "e")}, {"{{add(1.null; x)}}", arr("x")}, {"{{add(1.list; )}}", arr("a", "b", "c", nil)}, {"{{add(1.a; ž)}}", arr("x", "ž")}, {"{{length(add(1.list; 1.nums))}}", int64(4)}},
		"remove": {{"{{remove(1.list; b)}}", arr("a", "c")}, {"{{remove(1.nums; 1; 3)}}", arr(int64(2))}, {`{{remove(1.nums; "1")}}`, arr(int64(3), int64(1), int64(2))}, {"{{remove(1.null; x)}}", arr()}, {"{{remove(1.list; 1.coll)}}", invalid}, {"{{length(remove(1.mixed; null))}}", int64(5)}, {"{{remove(split(\"ž,z\"; \",\"); ž)}}", arr("z")}},
		"merge":  {{"{{merge(1.list; 1.nums)}}", arr("a", "b", "c", int64(3), int64(1), int64(2))}, {"{{merge(1.null; 1.list)}}", arr("a", "b", "c")}, {"{{merge(1.none)}}", arr()}, {"{{merge(1.a; ž)}}", arr("x", "ž")}, {"{{merge(1.none; ; 1.none)}}", arr()}},
		"join":   {{"{{join(1.list; -)}}", "a-b-c"}, {"{{join(1.list)}}", "a,b,c"}, {"{{join(1.none; -)}}", ""}, {"{{join(1.null; -)}}", ""}, {"{{join(1.mixed; |)}}", `1|two|true||{"k":"v"}|[1,"x"]`}, {"{{join(1.list; ž)}}", "ažbžc"}, {"{{join(1.a; -)}}", "x"}, {"{{join(add(1.list; 1.raw); -)}}", badData}},
		"first":  {{"{{first(1.list)}}", "a"}, {"{{first(1.none)}}", nil}, {"{{first(1.null)}}", nil}, {"{{first(ž)}}", "ž"}, {"{{first(1.nums)}}", int64(3)}},
		"last":   {{"{{last(1.list)}}", "c"}, {"{{last(1.none)}}", nil}, {"{{last(1.null)}}", nil}, {"{{last(ž)}}", "ž"}, {"{{last(1.nums)}}", int64(2)}},
		"reverse": {
			{"{{reverse(1.list)}}", arr("c", "b", "a")}, {"{{reverse(1.none)}}", arr()}, {"{{reverse(1.null)}}", arr()}, {"{{reverse(ž)}}", arr("ž")}, {"{{reverse(reverse(1.list))}}", arr("a", "b", "c")},
		},
		"shuffle": {{"{{length(shuffle(1.list))}}", int64(3)}, {"{{shuffle(1.none)}}", arr()}, {"{{shuffle(1.null)}}", arr()}, {"{{shuffle(ž)}}", arr("ž")}, {"{{sort(shuffle(1.nums))}}", arr(int64(1), int64(2), int64(3))}, {"{{shuffle(1.list)}}", arr("a", "c", "b")}},
		"slice":   {{"{{slice(1.list; 1)}}", arr("b", "c")}, {"{{slice(1.list; 0; 2)}}", arr("a", "b")}, {"{{slice(1.list; -2; -1)}}", arr("b")}, {"{{slice(1.list; 2; 1)}}", arr()}, {"{{slice(1.list; 5)}}", arr()}, {"{{slice(1.null; 0)}}", arr()}, {"{{slice(1.list; ž)}}", invalid}, {"{{slice(1.list; -99; 99)}}", arr("a", "b", "c")}},
		"flatten": {{"{{flatten(1.deep)}}", arr(int64(1), int64(2), arr(int64(3), arr(int64(4))))}, {"{{flatten(1.deep; 2)}}", arr(int64(1), int64(2), int64(3), arr(int64(4)))}, {"{{flatten(1.deep; 99)}}", arr(int64(1), int64(2), int64(3), int64(4))}, {"{{flatten(1.none)}}", arr()}, {"{{flatten(1.null)}}", arr()}, {"{{flatten(1.a)}}", arr("x")}, {"{{flatten(1.deep; 0) = 1.deep}}", true}, {"{{flatten(1.deep; ž)}}", invalid}},
		"keys":    {{"{{keys(1.coll)}}", arr("z", "a", "d.d", "inner")}, {"{{keys(1.list)}}", arr("0", "1", "2")}, {"{{keys(1.null)}}", arr()}, {"{{keys(1.a)}}", invalid}, {"{{keys(get(1.pairs; 1))}}", arr("key", "value")}},
		"distinct": {
			{`{{distinct(split("a,b,a"; ","))}}`, arr("a", "b")}, {"{{map(distinct(1.people; type); type)}}", arr("work", "home", "none")}, {"{{distinct(1.null)}}", arr()}, {`{{length(distinct(add(emptyarray; 1; "1"; 1.n; 5)))}}`, int64(3)}, {"{{length(distinct(merge(1.people; 1.people)))}}", int64(4)}, {`{{distinct(split("ž,z,ž"; ","))}}`, arr("ž", "z")}, {"{{length(distinct(add(emptyarray; 1.raw; 1.raw)))}}", int64(1)},
		},
		"deduplicate": {{`{{deduplicate(split("b,a,b"; ","))}}`, arr("b", "a")}, {"{{deduplicate(1.none)}}", arr()}, {"{{deduplicate(1.null)}}", arr()}, {"{{deduplicate(ž)}}", arr("ž")}, {"{{length(deduplicate(merge(1.nums; 1.nums)))}}", int64(3)}},
		"map": {
			{"{{map(1.people; name)}}", arr("Ann", "bob", "Cyd")}, {"{{map(1.people; name; type; work)}}", arr("Ann", "Cyd")}, {`{{map(1.people; "name"; "type"; "work,home")}}`, arr("Ann", "bob", "Cyd")}, {"{{map(1.people; name; age; 40)}}", arr("Ann")}, {`{{map(1.people; "name"; "type"; split("home,none"; ","))}}`, arr("bob")}, {"{{map(1.none; name)}}", arr()}, {"{{map(1.null; name)}}", arr()}, {"{{map(1.list; name)}}", arr()},
			{`{{map(1.coll; "inner.x.2.url")}}`, arr("u2")}, {"{{map(1.people; žluť)}}", arr()}, {"{{map(1.people; name; nothing; x)}}", arr()}, {"{{map(1.people; name; type; )}}", arr()},
		},
		"sort": {
			{"{{sort(1.nums)}}", arr(int64(1), int64(2), int64(3))}, {"{{sort(1.nums; desc)}}", arr(int64(3), int64(2), int64(1))}, {"{{map(sort(1.people; name); name)}}", arr("Ann", "Cyd", "bob")}, {"{{map(sort(1.people; asc ci; name); name)}}", arr("Ann", "bob", "Cyd")}, {"{{map(sort(1.people; desc; age); name)}}", arr("Cyd", "Ann", "bob")}, {"{{sort(1.null)}}", arr()}, {"{{sort(1.list; sideways; name)}}", invalid},
			{`{{sort(split("ž,z,a"; ","))}}`, arr("a", "z", "ž")}, {"{{get(sort(1.mixed); -1)}}", nil}, {"{{get(sort(1.mixed; desc); -1)}}", nil}, {"{{sort(add(emptyarray; 10; 9; 1.f))}}", arr(2.5, int64(9), int64(10))}, {"{{sort(add(emptyarray; 1.later; 1.date)) = add(emptyarray; 1.date; 1.later)}}", true}, {"{{sort(add(emptyarray; true; false))}}", arr(false, true)},
		},
		"toArray": {{"{{toArray(get(1.pairs; 1))}}", arr(obj("key", "key", "value", "one"), obj("key", "value", "value", int64(1)))}, {"{{toArray(1.list)}}", arr(obj("key", "0", "value", "a"), obj("key", "1", "value", "b"), obj("key", "2", "value", "c"))}, {"{{toArray(1.null)}}", arr()}, {"{{toArray(1.a)}}", invalid}, {"{{length(toArray(1.coll))}}", int64(4)}},
		"toCollection": {
			{"{{toCollection(1.pairs; key; value)}}", obj("one", int64(3), "two", int64(2))}, {"{{toCollection(1.none; key; value)}}", connector.Bundle{}}, {"{{toCollection(1.null; key; value)}}", connector.Bundle{}}, {"{{toCollection(1.list; key; value)}}", invalid}, {"{{toCollection(toArray(get(1.pairs; 2)); key; value)}}", obj("key", "two", "value", int64(2))}, {"{{toCollection(1.people; žluť; name)}}", obj("", nil)},
		},
	}
}

func TestBigReplacementStopsAtTheTextLimit(t *testing.T) {
	t.Parallel()
	l := language(t, expr.Options{MaxTextBytes: 1000, MaxItems: 100})
	e := newEnv()
	e.modules[1] = obj("s", strings.Repeat("a", 900), "list", make([]any, 60))
	for _, template := range []string{
		"{{1.s + 1.s}}", "{{1.s}}{{1.s}}", "{{replace(1.s; a; bb)}}", `{{replace(1.s; "/a/g"; "bb")}}`, "{{encodeURL(replace(1.s; a; ž))}}", "{{base64(1.s)}}", "{{join(split(1.s; ); xx)}}", "{{merge(1.list; 1.list)}}",
		"{{escapeHTML(replace(1.s; a; <))}}", "{{split(1.s; )}}", "{{escapeMarkdown(replace(1.s; a; #))}}", "{{toString(toBinary(1.s); hex)}}", `{{replace("aaa"; a; 1.s)}}`, "{{flatten(add(emptyarray; 1.list; 1.list))}}", "x" + strings.Repeat("{{1.s}}", 2), "{{toString(add(emptyarray; 1.s; 1.s))}}",
		`{{replaceEmojiCharacters("😀😀"; 1.s)}}`, "{{formatDate(now; replace(1.s; a; LLLL))}}", strings.Repeat("x", 1001) + "{{1.s}}",
	} {
		tpl, err := l.Compile(template, nil)
		require.NoError(t, err, template)
		_, err = tpl.Eval(e)
		require.ErrorIs(t, err, expr.ErrLimit, template)
		var failure *expr.RuntimeError
		require.ErrorAs(t, err, &failure)
		require.Equal(t, expr.RuntimeErrorType, failure.Type)
	}
}

func TestRegularExpressionsHaveATimeLimit(t *testing.T) {
	t.Parallel()
	l := language(t, expr.Options{MaxMatchTime: 50 * time.Millisecond})
	e := newEnv()
	e.modules[1] = obj("s", strings.Repeat("a", 40)+"!")
	tpl, err := l.Compile(`{{replace(1.s; "/(a+)+$/"; "x")}}`, nil)
	require.NoError(t, err)
	started := time.Now()
	_, err = tpl.Eval(e)
	require.ErrorIs(t, err, expr.ErrLimit)
	require.Less(t, time.Since(started), 5*time.Second)
	require.NotContains(t, err.Error(), "aaa")

	filter, err := l.CompileFilter([][]expr.Rule{{{A: "{{1.s}}", Operator: "text:pattern", B: "^(a+)+$"}}}, nil)
	require.NoError(t, err)
	_, _, err = filter.Match(e)
	require.ErrorIs(t, err, expr.ErrLimit)
}

func TestPatternsFromValuesAreKeptWithinBounds(t *testing.T) {
	t.Parallel()
	l := language(t, expr.Options{})
	tpl, err := l.Compile(`{{replace("x1y"; 1.p; "")}}`, nil)
	require.NoError(t, err)
	for i := range 1000 {
		e := newEnv()
		e.modules[1] = obj("p", fmt.Sprintf("/x1y|%d/", i))
		got, err := tpl.Eval(e)
		require.NoError(t, err)
		require.Empty(t, got)
	}
}
