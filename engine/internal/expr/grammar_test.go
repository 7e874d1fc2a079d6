package expr_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/expr"
)

func TestPureTemplateKeepsTheValuesType(t *testing.T) {
	t.Parallel()
	e := sample(t)
	bundle, _ := e.modules[1].(connector.Bundle)
	check(t, e, []evaluation{
		{"{{1.n}}", int64(5)}, {"{{1.f}}", 2.5}, {"{{1.t}}", true}, {"{{1.null}}", nil}, {"{{1.empty}}", ""},
		{"{{1.date}}", time.Date(2026, 1, 31, 11, 22, 33, 444_000_000, time.UTC)},
		{"{{1.list}}", arr("a", "b", "c")}, {"{{1.raw}}", []byte{0xff, 0xfe}}, {"{{`1`}}", bundle},
		{"{{ 1.n }}", int64(5)}, {"{{\n\t1.n\u00a0}}", int64(5)}, {"{{1.missing}}", nil}, {"{{9.x}}", nil}, {"{{`9`}}", nil},
		{"{{ignore}}", expr.Ignore}, {"{{erase}}", expr.Erase}, {"{{if(1.no; 1; ignore)}}", expr.Ignore}, {"{{ifempty(1.empty; erase)}}", expr.Erase},
		{"", ""}, {"plain", "plain"}, {"{{}}", nil}, {"{{  }}", nil},
	})
}

func TestMixedTemplateConvertsToText(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{
		{"{{1.n}}{{1.n}}", "55"}, {" {{1.n}}", " 5"}, {"[{{1.null}}{{1.missing}}{{ignore}}{{erase}}{{}}]", "[]"},
		{"<{{1.t}} {{1.no}}>", "<true false>"}, {"<{{1.date}}>", "<2026-01-31T11:22:33.444Z>"}, {"<{{1.list}}>", "<a, b, c>"},
		{"<{{1.none}}>", "<>"}, {"<{{1.mixed}}>", `<1, two, true, , {"k":"v"}, [1,"x"]>`},
		{"<{{1.coll}}>", `<{"z":1,"a":"two","d.d":"dotted","inner":{"x":[{"url":"u1"},{"url":"u2"}]}}>`},
		{"<{{1.buf}}>", "<žluť>"}, {"<{{1.raw}}>", badData}, {"<{{1.f}}>", "<2.5>"},
		{`{"a":"{{1.a}}"}`, `{"a":"x"}`}, {"}} {{1.n}} }} {", "}} 5 }} {"}, {"{{1.n}}}}", "5}}"}, {`{{{1.n}}}`, "{5}"}, {`{"x":{{1.n}}}`, `{"x":5}`},
		{"{ {1.n}} {", "{ {1.n}} {"},
	})
}

func TestNumbersPrintAsInJavaScript(t *testing.T) {
	t.Parallel()
	e := sample(t)
	tenth, fifth := 0.1, 0.2
	for want, v := range map[string]any{
		"0": math.Copysign(0, -1), "1e+21": 1e21, "100000000000000000000": 1e20, "0.000001": 1e-6, "1e-7": 1e-7, "1.5e-10": 1.5e-10,
		"NaN": math.NaN(), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1), "9223372036854775807": int64(math.MaxInt64),
		"-9223372036854775808": int64(math.MinInt64), "1.7976931348623157e+308": math.MaxFloat64, "5e-324": math.SmallestNonzeroFloat64,
		"0.30000000000000004": tenth + fifth, "123456789.123": 123456789.123, "-1.5": -1.5, "1e+100": 1e100, "1.2e+22": 1.2e22,
	} {
		e.modules[2] = obj("v", v)
		got, err := compile(t, "x{{2.v}}").Eval(e)
		require.NoError(t, err)
		require.Equal(t, "x"+want, got)
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	e := sample(t)
	e.modules[7] = obj("data", obj("choices", arr(obj("message", obj("content", "hi")), obj("message", obj("content", "second")))), "urls", arr("u1", "u2"),
		"größe", "XL", "a$b_c", int64(1), "über", obj("@attr", "q"))
	check(t, e, []evaluation{
		{"{{1.`Customer Name`}}", "Ada"}, {"{{1.`0`}}", "col0"}, {"{{1.`User's Name`}}", "Bob"}, {"{{`1`.a}}", "x"},
		{"{{7.data.choices[].message.content}}", "hi"}, {"{{7.data.choices[2].message.content}}", "second"}, {"{{7.data.choices[3].message.content}}", nil},
		{"{{7.data.choices[0].message.content}}", nil}, {"{{7.urls[]}}", "u1"}, {"{{7.urls[2]}}", "u2"}, {"{{7.urls[ 2 ]}}", "u2"}, {"{{7.urls[99999]}}", nil},
		{"{{1.none[]}}", nil}, {"{{1.a[1]}}", nil}, {"{{1.a.b.c}}", nil}, {"{{1.list.a}}", nil}, {"{{7.größe}}", "XL"}, {"{{7.a$b_c}}", int64(1)}, {"{{7.über.@attr}}", "q"},
		{"{{1.deep[2][1]}}", int64(2)}, {"{{1.coll.inner.x[2].url}}", "u2"}, {"{{1.coll.`d.d`}}", "dotted"}, {"{{1.coll.d.d}}", nil},
		{"{{var.scenario.name}}", "Orders"}, {"{{var.input.name}}", "Ada"}, {"{{var.nothing.x}}", nil}, {"{{executionId}}", "exec-1"},
	})
}

func TestTrailingBracketsGiveTheArrayWhereOneIsDeclared(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{
		{`{{map(1.people[]; "name")}}`, arr("Ann", "bob", "Cyd")}, {`{{join(1.list[]; "-")}}`, "a-b-c"}, {"{{sum(1.nums[])}}", int64(6)},
		{"{{first(1.list[])}}", "a"}, {"{{length(1.list[])}}", int64(3)}, {"{{contains(1.list[]; c)}}", true}, {"{{get(1.list[]; 2)}}", "b"}, {"{{keys(1.list[])}}", arr("0", "1", "2")}, {"{{1.list[]}}", "a"}, {"{{upper(1.list[])}}", "A"},
		{`{{join(1.people[].name; "-")}}`, "Ann"}, {"{{ifempty(1.list[]; 1)}}", "a"}, {"{{sort(1.nums[])}}", arr(int64(1), int64(2), int64(3))},
	})
}

func TestLiterals(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{
		{`{{"a""b"}}`, `a"b`}, {`{{""""}}`, `"`}, {`{{""}}`, ""}, {`{{"\n"}}`, `\n`}, {`{{"}}"}}`, "}}"}, {`{{'it''s'}}`, "it's"}, {`{{'"'}}`, `"`}, {`{{"'"}}`, "'"},
		{"{{\"two\nlines\"}}", "two\nlines"}, {`{{"{""a"":1}"}}`, `{"a":1}`}, {"{{\"`\"}}", "`"}, {`x{{"}}" + '}}'}}y`, "x}}}}y"}, {"{{1.`}}`}}", nil},
		{`{{replace(1.a; "x"; newline)}}`, "\n"}, {`{{1}}`, int64(1)}, {"{{1.5}}", 1.5}, {"{{.5}}", 0.5}, {"{{1e3}}", int64(1000)}, {"{{1e3 * 2}}", int64(2000)}, {"{{2*1.5E+2}}", int64(300)}, {"{{5e-1 + 1}}", 1.5}, {"{{ifempty(1.null; 1e3 * 2)}}", int64(2000)}, {"{{1e3x * 2}}", "1e3x * 2"}, {"{{-7}}", int64(-7)},
		{"{{9223372036854775807}}", int64(math.MaxInt64)}, {"{{-9223372036854775808}}", int64(math.MinInt64)}, {"{{9223372036854775808}}", 9223372036854775808.0},
	})
}

func TestKeywords(t *testing.T) {
	t.Parallel()
	e := sample(t)
	check(t, e, []evaluation{
		{"{{null}}", nil}, {"{{true}}", true}, {"{{false}}", false}, {"{{emptystring}}", ""}, {"{{emptyarray}}", arr()}, {"{{space}}", " "}, {"{{nbsp}}", "\u00a0"},
		{"{{tab}}", "\t"}, {"{{newline}}", "\n"}, {"{{carriagereturn}}", "\r"}, {"{{pi}}", math.Pi}, {"{{random}}", 0.5},
		{"{{uuid}}", "2f1a3f0c-6c1d-4f6e-9a58-0d6c8e7b1a11"}, {"{{now}}", time.Date(2026, 7, 15, 10, 20, 30, 456_000_000, time.UTC)}, {"{{timestamp}}", int64(1784110830)},
		{"{{now + \"\"}}", "2026-07-15T10:20:30.456Z"}, {`{{"now"}}`, "now"}, {"{{1.`now`}}", nil}, {"{{length(split(1.spaced; space))}}", int64(5)},
		{"{{True}}", "True"}, {"{{((random + 0.1) * 300) * (random + 0.1)}}", int64(108)},
	})
}

func TestBarewords(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{
		{"{{formatDate(1.date; MM/DD/YYYY)}}", "01/31/2026"}, {"{{formatDate(1.date; YYYY-MM-01)}}", "2026-01-01"}, {"{{join(1.list; ,)}}", "a,b,c"}, {"{{join(1.list; -)}}", "a-b-c"},
		{"{{ifempty(1.null;  Hello World  )}}", "Hello World"}, {"{{split(a+b; +)}}", arr("a", "b")}, {"{{length(split(1.a; space))}}", int64(1)},
		{"{{parseDate(2016-12-28; YYYY-MM-DD; UTC)}}", time.Date(2016, 12, 28, 0, 0, 0, 0, time.UTC)},
		{"{{addDays(2016-12-08T15:55:57.536Z; -2)}}", time.Date(2016, 12, 6, 15, 55, 57, 536_000_000, time.UTC)},
		{"{{toString(toBinary(TWFrZQ==; base64))}}", "Make"}, {"{{if(1 = 1; a; b)}}", "a"}, {"{{if(1=2; a; b)}}", "b"}, {"{{if(2 > 1; yes; no)}}", "yes"},
		{"{{ifempty(1.null; 1 + 2)}}", int64(3)}, {"{{ifempty(1.null; 1+2)}}", "1+2"}, {"{{ifempty(1.null; 2026-01-31)}}", "2026-01-31"}, {"{{round(7/2)}}", int64(4)}, {"{{get(1.list; 1+1)}}", "b"},
		{"{{ifempty(1.null; Don't)}}", "Don't"}, {"{{ifempty(1.null; 10 Downing Street)}}", "10 Downing Street"}, {"{{ifempty(1.null; v1.2.3)}}", "v1.2.3"}, {"{{ifempty(1.null; 1.2.3)}}", "1.2.3"},
		{"{{replace(a.b.c; .; )}}", "abc"}, {"{{ifempty(1.null; 007)}}", int64(7)}, {"{{replace(x007; 007; y)}}", "xy"}, {"{{ifempty(1.null; -)}}", "-"},
		{"{{1+2}}", int64(3)}, {"{{Hello, World}}", "Hello, World"}, {"{{DATASTORE_ID}}", "DATASTORE_ID"}, {"{{parameters.to}}", "parameters.to"}, {"{{12:30}}", "12:30"},
		{"{{1.a = x}}", true}, {"{{if(1.a = x; equal; differs)}}", "equal"}, {"{{ifempty(1.null; žluť 😀)}}", "žluť 😀"}, {"{{ifempty(1.null; a}b)}}", "a}b"}, {"{{ifempty(1.null; this and that)}}", "this and that"},
		{"{{ifempty(1.null; snow)}}", "snow"}, {"{{ifempty(1.null; nullable)}}", "nullable"}, {"{{ifempty(1.null; a.now)}}", "a.now"}, {"{{sum(1; 1+1)}}", int64(3)}, {"{{if(1 = 1 and 2 = 3; a; b)}}", "b"}, {"{{1 or 0}}", true}, {"{{and}}", "and"}, {"{{ifempty(1.null; and)}}", "and"}, {"{{ifempty(1.null; 10 and counting)}}", "10 and counting"},
	})
}

func TestEmptyArgumentsAreNull(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{
		{`{{replace("banana"; "a"; )}}`, "bnn"}, {"{{if(1.no; 1; )}}", nil}, {"{{if(1.no;1)}}", nil}, {`{{ifempty( ; "x")}}`, "x"}, {"{{join(1.list; )}}", "abc"}, {"{{switch(1; ; 2; 3)}}", int64(3)},
	})
}

func TestOperators(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{
		{"{{1 + 2 * 3}}", int64(7)}, {"{{(1 + 2) * 3}}", int64(9)}, {"{{10 - 2 - 3}}", int64(5)}, {"{{7 / 2}}", 3.5}, {"{{6 / 2}}", int64(3)}, {"{{7 % 3}}", int64(1)}, {"{{-7 % 3}}", int64(-1)},
		{"{{2 * 3 % 4}}", int64(2)}, {"{{1.n + 1}}", int64(6)}, {"{{2.5 * 2}}", int64(5)}, {"{{9007199254740993 + 0}}", int64(9007199254740993)}, {"{{9223372036854775807 + 1}}", 9223372036854775808.0},
		{"{{9223372036854775807 * 2}}", 18446744073709551614.0}, {"{{-9223372036854775808 / -1}}", 9223372036854775808.0}, {"{{-9223372036854775808 % -1}}", int64(0)}, {"{{0 - 9223372036854775807 - 2}}", -9223372036854775809.0},
		{"{{1 / 0}}", math.Inf(1)}, {"{{5.5 % 2}}", 1.5},
		{`{{"a" + 1}}`, "a1"}, {`{{1 + "a"}}`, "1a"}, {`{{1 + 2 + "a"}}`, "3a"}, {`{{"a" + 1 + 2}}`, "a12"}, {`{{"5" - 2}}`, int64(3)}, {`{{"a" + null}}`, "a"}, {"{{null + 5}}", int64(5)}, {"{{null + null}}", nil},
		{`{{"3" + "4" - 1}}`, int64(33)}, {`{{"a" + true}}`, "atrue"}, {`{{"<" + 1.list + ">"}}`, "<a, b, c>"}, {`{{"<" + 1.date}}`, "<2026-01-31T11:22:33.444Z"}, {`{{"x" + 1.raw}}`, badData},
		{`{{"abc" * 2}}`, invalid}, {"{{1.list * 2}}", invalid}, {"{{1.coll - 1}}", invalid}, {"{{-1.a}}", invalid}, {"{{-1.numtext}}", int64(-42)}, {"{{+1.numtext}}", int64(42)}, {"{{1.missing * 2}}", int64(0)}, {"{{true + true}}", int64(2)},
		{"{{1.later - 1.date}}", int64(2 * 86_400_000)}, {"{{round((1.later - 1.date) / 1000 / 60 / 60 / 24)}}", int64(2)}, {`{{1.date - "2026-01-31T11:22:33.000Z"}}`, int64(444)},
		{"{{1.n = 5}}", true}, {`{{1.n = "5"}}`, false}, {"{{1.n == 5.0}}", true}, {"{{1.n === 5}}", true}, {"{{1.n != 5}}", false}, {"{{1.n !== 6}}", true}, {"{{null = 1.missing}}", true}, {`{{1.empty = null}}`, false},
		{"{{1.date = 1.date}}", true}, {"{{1.list = 1.list}}", true}, {"{{1.coll = 1.people}}", false}, {"{{true = 1}}", false}, {`{{"é" = "e"}}`, false},
		{"{{2 < 10}}", true}, {`{{"2" < "10"}}`, false}, {`{{"2" < 10}}`, true}, {"{{2 >= 2}}", true}, {"{{2 <= 1}}", false}, {`{{"a" < 1}}`, false}, {`{{"a" > 1}}`, false}, {"{{1.date < 1.later}}", true}, {`{{1.date > "2026-01-01"}}`, true},
		{"{{null < 1}}", true}, {`{{"Z" < "a"}}`, true}, {"{{\"\uffff\" > \"😀\"}}", true}, {"{{9007199254740993 > 9007199254740992}}", true}, {"{{1 < 2 = true}}", true},
		{"{{true & false}}", false}, {"{{true && 1}}", true}, {"{{1.no | 1.t}}", true}, {"{{1.no || 0}}", false}, {"{{1.t and 1.no}}", false}, {"{{1.no or 1.t}}", true}, {"{{1 = 1 & 2 = 3 | 4 = 4}}", true},
		{"{{!1.t}}", false}, {"{{!!1.n}}", true}, {"{{!1.missing}}", true}, {"{{!1.none}}", false}, {"{{!1 = 2}}", false}, {"{{!(1 = 2)}}", true}, {"{{1.t & !1.no}}", true}, {`{{1.no & ("a" * 2)}}`, false}, {`{{1.t | ("a" * 2)}}`, true},
		{"{{\"a\" + 1.n * 2 + \"b\"}}", "a10b"}, {"{{1.list[1]+1.list[2]}}", "ab"}, {"{{1.n-1}}", int64(4)}, {"{{1.n -1}}", int64(4)}, {"{{2*-3}}", int64(-6)}, {"{{2 - -3}}", int64(5)},
	})
}

func TestTruthIsJavaScripts(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{
		{"{{if(1.null; 1; 0)}}", int64(0)}, {"{{if(1.no; 1; 0)}}", int64(0)}, {"{{if(1.zero; 1; 0)}}", int64(0)}, {"{{if(1.empty; 1; 0)}}", int64(0)}, {"{{if(0 / 0; 1; 0)}}", int64(0)},
		{"{{if(1.none; 1; 0)}}", int64(1)}, {`{{if("false"; 1; 0)}}`, int64(1)}, {"{{if(-1; 1; 0)}}", int64(1)}, {"{{if(ignore; 1; 0)}}", int64(0)},
	})
}

func TestCompileErrorsNameColumnAndWhatWasExpected(t *testing.T) {
	t.Parallel()
	l := language(t, expr.Options{})
	for _, c := range []struct {
		template string
		column   int
		contains string
	}{
		{"{{1.a", 1, `expected "}}"`}, {"žluť {{1.a.", 12, "a field's name"}, {`{{"abc}}`, 3, "closing quote"}, {"{{1.`abc}}", 5, "closing backquote"}, {"{{`abc`}}", 3, "module's number"},
		{"{{lower(1.a}}", 12, `")"`}, {"{{(1 + 2}}", 9, `")"`}, {"{{1 + }}", 7, "expected a value"}, {"{{1.a 1.b}}", 7, "an operator"}, {"{{add(2.data.x, 1)}}", 15, `separated by ";"`},
		{"{{nosuch(1)}}", 3, `unknown function "nosuch"`}, {"x{{lengthh(1.a)}}", 4, "did you mean length?"}, {"{{toJSON(1)}}", 3, "json:"}, {"{{multiply(1; 2)}}", 3, "a * b"}, {"{{now()}}", 3, "no parentheses"},
		{"{{lower()}}", 3, "too few arguments for lower(text)"}, {"{{lower(1.a; 2)}}", 14, "too many arguments for lower(text)"}, {"{{1.a[x]}}", 7, "use get()"}, {"{{1.a[-1]}}", 7, "use get()"},
		{"{{99999999999999999999.a}}", 3, "too large"}, {"{{1.a[99999999999999999999]}}", 6, "too large"}, {`{{replace(1.a; "/(/"; "x")}}`, 3, "regular expression is not valid"},
		{`{{replace(1.a; "/(?<n>a)/"; "x")}}`, 3, "named groups"}, {"{{1.a = in progress}}", 12, "needs quotes"}, {"{{ifempty(1.a; no space left)}}", 19, "needs quotes"}, {"{{[1.a]}}", 3, "expected a value"}, {`{{1.a}} {{[{"a":1}]}}`, 11, "expected a value"},
		{"{{5abc + 1.a}}", 3, "neither a number nor a path"}, {"{{1.a; 2}}", 6, "an operator"}, {"{{1.a)}}", 6, "an operator"}, {"{{1.a = \"\" \xc5" + strings.Repeat("\x85", 60) + "}}", 12, "found"}, {"{{1.a x" + strings.Repeat("\u0301", 60) + "}}", 7, "needs quotes"}, {"{{€}}", 0, ""},
	} {
		_, err := l.Compile(c.template, nil)
		if c.column == 0 {
			require.NoError(t, err, c.template)
			continue
		}
		var problem *expr.Error
		require.ErrorAs(t, err, &problem, c.template)
		require.Equal(t, c.column, problem.Column, "%s: %v", c.template, err)
		require.Contains(t, err.Error(), c.contains, c.template)
	}
}

func TestAllProblemsOfATemplateAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := language(t, expr.Options{}).Compile(`{{nosuch(lengthh(1.a))}} {{1 + }} {{lower(1.a)}} {{upper()}}`, nil)
	var problems expr.Errors
	require.ErrorAs(t, err, &problems)
	require.Len(t, problems, 4)
	columns := make([]int, 0, 4)
	for _, p := range problems {
		columns = append(columns, p.Column)
	}
	require.Equal(t, []int{3, 10, 32, 52}, columns)
	require.ErrorIs(t, err, problems[3])

	_, err = language(t, expr.Options{}).Compile(strings.Repeat("{{nosuch(1)}}", 1000), nil)
	require.ErrorAs(t, err, &problems)
	require.Len(t, problems, 20)

	_, err = language(t, expr.Options{}).Compile("{{substring(nosuch(1))}}", nil)
	require.EqualError(t, err, `column 3: too few arguments for substring(text; start; [end]); column 13: unknown function "nosuch"`)
}

func TestReferencesAreListed(t *testing.T) {
	t.Parallel()
	tpl := compile(t, "{{1.a.`b c`[2].d}} {{upper(`3`)}} {{var.scenario.name + now}} {{7.x[0]}} {{parameters.to}}")
	require.Equal(t, []expr.Reference{
		{Kind: expr.ModuleReference, Module: 1, Path: []string{"a", "b c", "d"}, Column: 3},
		{Kind: expr.FunctionReference, Name: "upper", Column: 22},
		{Kind: expr.ModuleReference, Module: 3, Column: 28},
		{Kind: expr.VariableReference, Name: "var", Path: []string{"scenario", "name"}, Column: 37},
		{Kind: expr.KeywordReference, Name: "now", Column: 57},
		{Kind: expr.ModuleReference, Module: 7, Path: []string{"x"}, ZeroIndex: true, Column: 65},
		{Kind: expr.BarewordReference, Name: "parameters.to", Column: 76},
	}, tpl.References())
}

func TestSlotsReplaceModuleIDs(t *testing.T) {
	t.Parallel()
	slots := func(module int) int {
		if module == 40 {
			return 1
		}
		return -1
	}
	tpl, err := language(t, expr.Options{}).Compile("{{40.n}}/{{1.n}}", slots)
	require.NoError(t, err)
	got, err := tpl.Eval(sample(t))
	require.NoError(t, err)
	require.Equal(t, "5/", got)
	require.Equal(t, 40, tpl.References()[0].Module)
}

func TestConstantTemplatesAreKnownBeforehand(t *testing.T) {
	t.Parallel()
	for template, want := range map[string]any{
		"": "", "text": "text", "{{true}}": true, `{{"a" + newline + 1}}`: "a\n1", "a{{1 + 2}}b": "a3b", "{{!(1 = 2) & true}}": true, "{{ignore}}": expr.Ignore, "{{-5}}": int64(-5), "{{Hello}}": "Hello", "{{}}": nil,
	} {
		got, ok := compile(t, template).Constant()
		require.True(t, ok, template)
		require.Equal(t, want, got, template)
	}
	for _, template := range []string{"{{1.a}}", "{{now}}", "x{{random}}", "{{uuid}}", `{{"a" * 2}}`, "{{executionId}}", `{{1.a & false}}`} {
		_, ok := compile(t, template).Constant()
		require.False(t, ok, template)
	}
}

func TestNilEnvHasNothing(t *testing.T) {
	t.Parallel()
	got, err := compile(t, "[{{1.a}}{{executionId}}{{var.x.y}}] {{formatDate(now; YYYY)}} {{random}}").Eval(nil)
	require.NoError(t, err)
	require.Equal(t, "[] 1970 0", got)
	got, err = compile(t, "{{1.a}}").Eval(nil)
	require.NoError(t, err)
	require.Nil(t, got)
}

func TestErrorsNeverShowValues(t *testing.T) {
	t.Parallel()
	e := newEnv()
	secret := "s3cr3t-value"
	e.modules[1] = obj("s", secret, "o", obj(secret, secret), "b", []byte("\xff"+secret))
	l := language(t, expr.Options{MaxTextBytes: 40})
	for _, template := range []string{
		"{{1.s * 2}}", "{{round(1.s)}}", "{{formatDate(1.s; YYYY)}}", "{{formatDate(now; YYYY; 1.s)}}", "{{parseDate(1.s; MMM)}}", "{{upper(1.o)}}", "x{{1.b}}", "{{decodeURL(1.s + \"%zz\")}}",
		"{{toBinary(1.s; hex)}}", "{{toBinary(1.s; 1.s)}}", "{{sha256(1.s; 1.s)}}", "{{sort(1.o; 1.s; 1.s)}}", "{{parseNumber(1.s)}}", "{{setMonth(now; 1.s)}}", "{{replace(\"a\"; \"/(\" + 1.s + \"/\"; \"\")}}", "{{toCollection(1.s; k; v)}}", "{{1.s + 1.s + 1.s + 1.s}}",
	} {
		tpl, err := l.Compile(template, nil)
		require.NoError(t, err, template)
		_, err = tpl.Eval(e)
		require.Error(t, err, template)
		require.NotContains(t, err.Error(), secret, template)
		var failure *expr.RuntimeError
		require.ErrorAs(t, err, &failure)
		require.Positive(t, failure.Column, template)
	}
}
