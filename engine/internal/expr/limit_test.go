package expr_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine/internal/expr"
)

func TestDeepNestingIsRefusedWithAClearError(t *testing.T) {
	t.Parallel()
	l := language(t, expr.Options{})
	for name, build := range map[string]func(n int) string{
		"parentheses": func(n int) string { return "{{" + strings.Repeat("(", n) + "1.a" + strings.Repeat(")", n) + "}}" },
		"calls":       func(n int) string { return "{{" + strings.Repeat("lower(", n) + "1.a" + strings.Repeat(")", n) + "}}" },
		"nots":        func(n int) string { return "{{" + strings.Repeat("!", n) + "1.a}}" },
		"minuses":     func(n int) string { return "{{" + strings.Repeat("- ", n) + "1.zero}}" },
		"lazy calls": func(n int) string {
			return "{{" + strings.Repeat("if(1.t; ", n) + "1.a" + strings.Repeat(")", n) + "}}"
		},
		"unclosed": func(n int) string { return "{{" + strings.Repeat("lower(", n) + "}}" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := l.Compile(build(10_000), nil)
			require.ErrorContains(t, err, "nested deeper than 1000 levels")
			_, err = l.Compile(build(1<<20/4), nil)
			require.ErrorContains(t, err, "nested deeper than 1000 levels")
			if name == "unclosed" {
				return
			}
			tpl, err := l.Compile(build(1000), nil)
			require.NoError(t, err)
			_, err = tpl.Eval(sample(t))
			require.NoError(t, err)
		})
	}
}

func TestMegabyteTemplatesCompileInLinearTime(t *testing.T) {
	t.Parallel()
	l := language(t, expr.Options{})
	e := sample(t)
	for name, pattern := range map[string][3]string{
		"text":          {"", "lorem ipsum { } ", ""},
		"islands":       {"", "a{{1.n}}", ""},
		"empty islands": {"", "{{}}", ""},
		"calls":         {"", `{{replace(1.a; "x"; "y")}}`, ""},
		"sum":           {"{{0", " + 1.n", "}}"},
		"numbers":       {"{{0", "+1", "}}"},
		"concatenation": {`{{""`, ` + "ab"`, "}}"},
		"or":            {"{{1.no", " | 1.no", "}}"},
		"equalities":    {"{{1.a", " = 1", "}}"},
		"arguments":     {"{{sum(1", "; 1.n", ")}}"},
		"barewords":     {"{{add(emptyarray; x", "; some bare words / 1", ")}}"},
		"calculations":  {"{{add(emptyarray; 1", "; 1 + 2 - 3", ")}}"},
		"one bareword":  {"{{ifempty(1.null; ", "word ", ")}}"},
		"long path":     {"{{1.a", ".b", "}}"},
		"brackets":      {"{{1.a", "[]", "}}"},
		"literal":       {`{{"`, `""`, `"}}`},
		"backquotes":    {"{{1.`", "x", "`}}"},
		"braces":        {"", "{", ""},
		"many braces":   {"", "}", "{{1.a}}"},
		"apostrophes":   {"{{ifempty(1.null; a", "'a", ")}}"},
		"spaces":        {"{{1.a", " ", "}}"},
		"unicode":       {"{{ifempty(1.null; ", "ž", ")}}"},
		"ends of calls": {"", "{{lower(1.a)}}{{", ""},
		"bad islands":   {"", "{{1 + }}", ""},
		"bad literals":  {"", `{{"`, ""},
		"bad calls":     {"", "{{nosuchfunction(1.a)}}", ""},
		"switch":        {"{{switch(1.n", "; 1; 2", ")}}"},
		"prefix":        {"{{", "1 + 1 - (", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := (1<<20 - len(pattern[0]) - len(pattern[2])) / len(pattern[1])
			started := time.Now()
			tpl, err := l.Compile(pattern[0]+strings.Repeat(pattern[1], n)+pattern[2], nil)
			if err == nil {
				_, err = tpl.Eval(e)
			}
			_ = err // some of them are wrong, which is as good
			// Generous, because the race detector and other tests run beside; what is quadratic takes minutes.
			require.Less(t, time.Since(started), 20*time.Second)
		})
	}
}

func TestDeepValuesAreRefused(t *testing.T) {
	t.Parallel()
	var list any = arr()
	var object any = obj()
	for range 20_000 {
		list = arr(list)
		object = obj("o", object)
	}
	e := newEnv()
	e.modules[1] = obj("list", list, "object", object)
	l := language(t, expr.Options{})
	for _, template := range []string{"x{{1.list}}", "{{toString(1.object)}}", "{{distinct(1.list)}}", "{{join(1.list)}}", "{{1.list = 1.list}}", "{{1.object != 1.object}}", "{{equal(1.list; 1.list)}}", "{{switch(1.list; 1.list; 2)}}", "{{contains(1.list; get(1.list; 1))}}"} {
		tpl, err := l.Compile(template, nil)
		require.NoError(t, err)
		_, err = tpl.Eval(e)
		require.ErrorIs(t, err, expr.ErrLimit, template)
	}
	got, err := compile(t, "{{length(flatten(1.list; 99999))}}").Eval(e)
	require.NoError(t, err)
	require.Equal(t, int64(1), got)
}

// Each level holds the one below twice, so that what is a hundred arrays in memory has 2^100 items.
func TestValuesThatShareTheirPartsEndAtALimit(t *testing.T) {
	t.Parallel()
	var list, empty, object any = arr("x"), arr(), obj()
	for range 100 {
		list, empty, object = arr(list, list), arr(empty, empty), obj("a", object, "b", object)
	}
	e := newEnv()
	e.modules[1] = obj("list", list, "empty", empty, "object", object)
	l := language(t, expr.Options{})
	for _, template := range []string{
		"{{1.list = 1.list}}", "{{1.object = 1.object}}", "{{equal(1.empty; 1.empty)}}", "{{switch(1.list; 1.list; 1)}}", "{{contains(1.list; get(1.list; 1))}}", "{{flatten(1.empty; 999)}}", "{{flatten(1.list; 999)}}",
		"{{distinct(1.list)}}", "{{toString(1.object)}}",
	} {
		tpl, err := l.Compile(template, nil)
		require.NoError(t, err)
		_, err = tpl.Eval(e)
		require.ErrorIs(t, err, expr.ErrLimit, template)
		var failure *expr.RuntimeError
		require.ErrorAs(t, err, &failure)
		require.Positive(t, failure.Column, template)
	}
	f, err := l.CompileFilter([][]expr.Rule{{{A: "{{1.list}}", Operator: "array:contain", B: "{{get(1.list; 1)}}"}}}, nil)
	require.NoError(t, err)
	_, _, err = f.Match(e)
	require.ErrorIs(t, err, expr.ErrLimit)
}

func TestLiteralTextBeyondTheLimitIsAnError(t *testing.T) {
	t.Parallel()
	tpl, err := language(t, expr.Options{MaxTextBytes: 10}).Compile("longer than ten bytes", nil)
	require.NoError(t, err)
	_, err = tpl.Eval(newEnv())
	require.ErrorIs(t, err, expr.ErrLimit)
}

func TestTemplatesAreSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	tpl := compile(t, `{{upper(1.a)}} {{formatDate(1.date; "YYYY"; "Asia/Tokyo")}} {{replace(1.a; "/" + 1.a + "/"; "y")}} {{1.n + 1}}{{if(1.t; join(1.list; "-"))}}`)
	f, err := language(t, expr.Options{}).CompileFilter([][]expr.Rule{{{A: "{{1.a}}", Operator: "text:pattern", B: "{{1.a}}"}}}, nil)
	require.NoError(t, err)
	e := sample(t)
	done := make(chan error, 8)
	for range cap(done) {
		go func() {
			for range 200 {
				got, err := tpl.Eval(e)
				if err != nil || got != "X 2026 y 6a-b-c" {
					done <- err
					return
				}
				if holds, _, err := f.Match(e); err != nil || !holds {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range cap(done) {
		require.NoError(t, <-done)
	}
}
