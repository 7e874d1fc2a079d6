package expr_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine/internal/expr"
)

// fuzzEnv makes an environment of whatever the fuzzer thinks of.
func fuzzEnv(a string, n int64, f float64) *env {
	e := newEnv()
	e.now = time.UnixMilli(n)
	e.random = math.Abs(f - math.Trunc(f))
	if math.IsNaN(e.random) {
		e.random = 0
	}
	list := make([]any, 0, 8)
	for part := range strings.SplitSeq(a, " ") {
		list = append(list, part, n, f)
		if len(list) > 60 {
			break
		}
	}
	e.modules[1] = obj("a", a, "n", n, "f", f, "t", n > 0, "null", nil, "date", time.UnixMilli(n), "buf", []byte(a), "list", list, "coll", obj("a", a, "n", n, "list", list))
	return e
}

func FuzzCompileAndEval(f *testing.F) {
	for _, seed := range []string{
		"", "plain", "{{1.a}}", "{{}}", "{{1.", "{{\"", "{{`1`}}", "a{{1.n + 1.f * 2}}b", "{{if(1.t; 1.a; ignore)}}", "{{formatDate(1.date; YYYY-MM-DD)}}", "{{parseDate(1.a; \"DD.MM.YYYY\")}}", "{{replace(1.a; \"/(.)\\1/gi\"; \"$1$&\")}}", "{{map(1.list[]; a; b; c)}}",
		"{{sort(1.list; desc ci)}}", "{{switch(1.n; 1; 2; 3)}}", "{{!!-1.n % 3 >= 2 & 1 | 0}}", "{{{{{1.a}}}}}", "{{ifempty(1.null; Don't; )}}", "{{substring(1.a; 1; 1.n)}}", "{{get(1.coll; \"list.2\")}}", "{{flatten(1.list; 1.n)}}", "{{addMonths(1.date; 1.n)}}", "{{formatNumber(1.f; 2; ,; .)}}",
		"{{sha256(1.a; base64; key)}}", "{{toCollection(toArray(1.coll); key; value)}}", "{{stripHTML(1.a)}}", "{{decodeURL(1.a)}}", "{{trunc(1.f; 1.n)}}", "{{1.list[2]}}{{1.list[]}}{{1.list[0]}}", "{{'it''s' + \"\"\"\" + nbsp}}", "{{12:30}}{{1+2}}{{2026-01-31}}", "{{replaceEmojiCharacters(1.a; x)}}", "{{distinct(1.list)}}",
		"{{setDay(1.date; 1.n)}}", "{{toBinary(1.a; base64)}}", "{{ascii(1.a; true)}}", "{{median(1.list)}}", "{{remove(1.list; 1.n; null)}}", "{{parseNumber(1.a; ,)}}", "{{var.scenario.name}}{{executionId}}{{timestamp}}",
	} {
		f.Add(seed, "some text 42 žluť😀", int64(1_700_000_000_000), 2.5)
	}
	f.Add("{{trunc(1.f; 1.n)}}", "", int64(math.MinInt64), math.Inf(1))
	f.Add("{{formatDate(1.date; \"LLLL gggg-ww x\")}}", "a", int64(-8_640_000_000_000_000), math.NaN())
	l := language(f, expr.Options{MaxTextBytes: 1 << 16, MaxItems: 1 << 12, MaxMatchTime: 100 * time.Millisecond})
	f.Fuzz(func(t *testing.T, template, a string, n int64, number float64) {
		tpl, err := l.Compile(template, nil)
		if err != nil {
			var problems expr.Errors
			require.ErrorAs(t, err, &problems)
			for _, p := range problems {
				require.Positive(t, p.Column)
				require.LessOrEqual(t, p.Column, utf8.RuneCountInString(template)+1)
			}
			return
		}
		e := fuzzEnv(a, n, number)
		v, err := tpl.Eval(e)
		if err != nil {
			var failure *expr.RuntimeError
			require.ErrorAs(t, err, &failure)
			require.NotEmpty(t, failure.Type)
			return
		}
		if known, ok := tpl.Constant(); ok {
			require.Equal(t, known, v)
		}
	})
}

func FuzzLiteralGivesItsText(f *testing.F) {
	for _, seed := range []string{"", `"`, `""`, "'", "}}", "{{", `\n`, "`", "žluť😀", "\x00\xff", "a\"}}b"} {
		f.Add(seed)
	}
	l := language(f, expr.Options{})
	f.Fuzz(func(t *testing.T, text string) {
		for _, quote := range []string{`"`, "'"} {
			literal := quote + strings.ReplaceAll(text, quote, quote+quote) + quote
			tpl, err := l.Compile("{{"+literal+"}}", nil)
			require.NoError(t, err)
			got, err := tpl.Eval(nil)
			require.NoError(t, err)
			require.Equal(t, text, got)
			tpl, err = l.Compile("<{{lower(x)+ "+literal+" }}>", nil)
			require.NoError(t, err)
			got, err = tpl.Eval(nil)
			require.NoError(t, err)
			require.Equal(t, "<x"+text+">", got)
		}
		// A field's name in backquotes may be anything but a backquote.
		name := strings.ReplaceAll(text, "`", "")
		tpl, err := l.Compile("{{1.`"+name+"`}}", nil)
		require.NoError(t, err)
		e := newEnv()
		e.modules[1] = obj(name, "found")
		got, err := tpl.Eval(e)
		require.NoError(t, err)
		require.Equal(t, "found", got)
	})
}

func FuzzCollectionsBecomeValidJSON(f *testing.F) {
	f.Add("name", "text \"quoted\" \\ \n\t\u2028 žluť", 1.5, int64(-3))
	f.Add("", "\x00\xff\x1f", math.MaxFloat64, int64(math.MinInt64))
	f.Add("a", "b", 5e-324, int64(0))
	tpl := compile(f, "{{toString(1)}}{{toString(`1`)}}")
	f.Fuzz(func(t *testing.T, name, text string, number float64, n int64) {
		e := newEnv()
		e.modules[1] = obj(name, arr(text, number, n, true, nil))
		got, err := tpl.Eval(e)
		require.NoError(t, err)
		var back map[string][]any
		require.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(got.(string), "1")), &back), got)
		items := back[strings.ToValidUTF8(name, "\uFFFD")]
		if len(items) == 0 { // json joins what ToValidUTF8 counts as one
			return
		}
		if utf8.ValidString(text) {
			require.Equal(t, text, items[0])
		}
		if !math.IsNaN(number) && !math.IsInf(number, 0) {
			require.Zero(t, number-items[1].(float64)) // -0 is 0 in JavaScript's JSON
		}
		require.Zero(t, float64(n)-items[2].(float64))
	})
}

func FuzzDatesSurviveFormatAndParse(f *testing.F) {
	for _, ms := range []int64{0, 1_700_000_000_123, 1_774_746_000_000, 1_774_749_600_000, 1_792_889_999_999, 951_782_400_000, 4_102_444_800_000, -1, -62_135_596_800_000} {
		for zone := range uint8(6) {
			f.Add(ms, zone)
		}
	}
	l := language(f, expr.Options{})
	tpls := make([]*expr.Template, 0, 4)
	for _, format := range []string{"YYYYYY-MM-DD HH:mm:ss.SSS Z", "x", "GGGGG-[W]WW-E HH:mm:ss.SSS ZZ", "YYYYYY DDDD hh:mm:ss.SSS A Z", "dddd, MMMM Do YYYYYY, H:m:s.SSS ZZ"} {
		tpl, err := l.Compile(`{{parseDate(formatDate(1.date; "`+format+`"; 1.zone); "`+format+`"; 1.zone)}}`, nil)
		require.NoError(f, err)
		tpls = append(tpls, tpl)
	}
	zones := []string{"UTC", "Europe/Prague", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"}
	f.Fuzz(func(t *testing.T, ms int64, zone uint8) {
		at := time.UnixMilli(ms % 8_000_000_000_000_000)
		name := zones[int(zone)%len(zones)]
		if at.Year() < 1950 {
			name = "UTC" // earlier offsets have seconds, which no token writes
		}
		for i, tpl := range tpls {
			if i == 2 && (at.Year() < 0 || at.Year() > 99_998) {
				continue // GGGGG reads at most six characters with a sign
			}
			e := newEnv()
			e.modules[1] = obj("date", at, "zone", name)
			got, err := tpl.Eval(e)
			require.NoError(t, err, "%d %v %s", i, at, name)
			require.Equal(t, at.UTC(), got, "%d %s", i, name)
		}
	})
}

func FuzzParseDate(f *testing.F) {
	for _, seed := range [][2]string{
		{"2026-01-31", "YYYY-MM-DD"}, {"31.1.2026 5 PM", "D.M.YYYY h A"}, {"Sat", "ddd"}, {"2026-W05", "GGGG-[W]WW"}, {"", ""}, {"99999999999999999999", "Y"}, {"-1.5", "X"}, {"+", "x"}, {"Z", "ZZ"}, {"[", "[[]"}, {"\\", "\\"}, {"366", "DDDD"}, {"žluť", "MMMM"}, {"24:00", "HH:mm"},
	} {
		f.Add(seed[0], seed[1])
	}
	l := language(f, expr.Options{})
	parse, err := l.Compile("{{parseDate(1.text; 1.format; \"America/New_York\")}}", nil)
	require.NoError(f, err)
	format, err := l.Compile("{{formatDate(now; 1.format)}}", nil)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, text, pattern string) {
		e := newEnv()
		e.modules[1] = obj("text", text, "format", pattern)
		if v, err := parse.Eval(e); err == nil {
			require.LessOrEqual(t, math.Abs(float64(v.(time.Time).UnixMilli())), 8.64e15)
		}
		if _, err := format.Eval(e); err != nil {
			require.ErrorIs(t, err, expr.ErrLimit)
		}
	})
}

func FuzzFilter(f *testing.F) {
	for _, o := range expr.Operators() {
		f.Add("{{1.a}}", o, "{{1.n}}", "text", int64(5), 2.5)
	}
	f.Add("{{1.list}}", "array:contain", "text", "text", int64(5), 2.5)
	f.Add("1.0.0-a.1+b", "semver:less", "v2", "", int64(0), 0.0)
	l := language(f, expr.Options{MaxTextBytes: 1 << 16, MaxMatchTime: 100 * time.Millisecond})
	f.Fuzz(func(t *testing.T, a, o, b, text string, n int64, number float64) {
		filter, err := l.CompileFilter([][]expr.Rule{{{A: a, Operator: o, B: b}}}, nil)
		if err != nil {
			var problem *expr.FilterError
			require.ErrorAs(t, err, &problem)
			return
		}
		holds, warnings, err := filter.Match(fuzzEnv(text, n, number))
		if err != nil {
			var failure *expr.RuntimeError
			require.ErrorAs(t, err, &failure)
			return
		}
		require.LessOrEqual(t, len(warnings), 1)
		require.False(t, holds && len(warnings) > 0)
		// Of an operator and its opposite exactly one holds, or neither with a warning.
		if o == "" {
			o = "text:equal"
		}
		opposite := strings.Replace(o, ":not", ":", 1)
		switch {
		case o == "exist":
			opposite = "notexist"
		case o == "notexist":
			opposite = "exist"
		case opposite == o:
			opposite = strings.Replace(o, ":", ":not", 1)
		}
		other, err := l.CompileFilter([][]expr.Rule{{{A: a, Operator: opposite, B: b}}}, nil)
		if err != nil || strings.Contains(a+b, "random") {
			return
		}
		reverse, reverseWarnings, err := other.Match(fuzzEnv(text, n, number))
		if errors.Is(err, expr.ErrLimit) {
			return
		}
		require.NoError(t, err)
		require.Len(t, reverseWarnings, len(warnings))
		require.Equal(t, len(warnings) == 0, holds != reverse)
	})
}
