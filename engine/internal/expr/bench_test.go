package expr_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine/internal/expr"
)

// slots is an environment as an interpreter has it: bundles in a slice.
type slots struct {
	env
	bundles []any
}

func (s *slots) Module(slot int) (any, bool) {
	if slot >= len(s.bundles) {
		return nil, false
	}
	return s.bundles[slot], true
}

func benchEnv(b *testing.B) *slots {
	b.Helper()
	e := sample(b)
	return &slots{env: *e, bundles: []any{nil, e.modules[1]}}
}

func benchmark(b *testing.B, template string) {
	b.Helper()
	tpl, err := language(b, expr.Options{}).Compile(template, nil)
	require.NoError(b, err)
	e := benchEnv(b)
	_, err = tpl.Eval(e)
	require.NoError(b, err)
	b.ReportAllocs()
	b.SetBytes(int64(len(template)))
	for b.Loop() {
		if _, err := tpl.Eval(e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPath(b *testing.B)     { benchmark(b, "{{1.a}}") }
func BenchmarkDeepPath(b *testing.B) { benchmark(b, "{{1.coll.inner.x[2].url}}") }
func BenchmarkConstant(b *testing.B) { benchmark(b, "plain text") }
func BenchmarkSum(b *testing.B)      { benchmark(b, "{{1.n * 2 + 1}}") }
func BenchmarkIf(b *testing.B)       { benchmark(b, `{{if(1.n > 3 & 1.t; 1.a; "other")}}`) }
func BenchmarkThreeFunctionsMixed(b *testing.B) {
	benchmark(b, `Dear {{capitalize(1.a)}}, your order of {{formatDate(1.date; "DD.MM.YYYY HH:mm")}} costs {{formatNumber(1.f; 2)}}.`)
}
func BenchmarkConcatenation(b *testing.B) { benchmark(b, `{{"a" + 1.a + "b" + 1.n + "c"}}`) }
func BenchmarkReplaceRegexp(b *testing.B) { benchmark(b, `{{replace(1.spaced; "/\s+/g"; "-")}}`) }
func BenchmarkMegabyteText(b *testing.B) {
	benchmark(b, strings.Repeat("lorem ipsum dolor sit amet, ", 1<<20/28)+"{{1.a}}")
}

func BenchmarkFilterRule(b *testing.B) {
	f, err := language(b, expr.Options{}).CompileFilter([][]expr.Rule{{{A: "{{1.n}}", Operator: "number:greater", B: "3"}, {A: "{{1.a}}", Operator: "text:equal", B: "x"}}}, nil)
	require.NoError(b, err)
	e := benchEnv(b)
	b.ReportAllocs()
	for b.Loop() {
		if holds, _, err := f.Match(e); err != nil || !holds {
			b.Fatal(err)
		}
	}
}

func BenchmarkFilterPattern(b *testing.B) {
	f, err := language(b, expr.Options{}).CompileFilter([][]expr.Rule{{{A: "{{1.spaced}}", Operator: "text:pattern:ci", B: `^\s*HI`}}}, nil)
	require.NoError(b, err)
	e := benchEnv(b)
	b.ReportAllocs()
	for b.Loop() {
		if holds, _, err := f.Match(e); err != nil || !holds {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	l := language(b, expr.Options{})
	const template = `Dear {{capitalize(1.a)}}, your order of {{formatDate(1.date; "DD.MM.YYYY HH:mm")}} costs {{formatNumber(1.f; 2)}}.`
	b.ReportAllocs()
	b.SetBytes(int64(len(template)))
	for b.Loop() {
		if _, err := l.Compile(template, nil); err != nil {
			b.Fatal(err)
		}
	}
}
