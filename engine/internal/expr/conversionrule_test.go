package expr_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/expr"
)

// taking is a language with a function for every type, which gives what it got.
func taking(t *testing.T) *expr.Language {
	t.Helper()
	var functions []expr.Function
	for name, to := range map[string]connector.FieldType{
		"asText": connector.TypeText, "asNumber": connector.TypeNumber, "asBoolean": connector.TypeBoolean, "asDate": connector.TypeDate, "asTime": connector.TypeTime, "asBuffer": connector.TypeBuffer, "asArray": connector.TypeArray, "asCollection": connector.TypeCollection,
	} {
		functions = append(functions, expr.Function{
			Name: name, Family: "custom", Parameters: []expr.Parameter{{Name: "value", Type: to}},
			Call: func(c *expr.Call) (any, error) { return c.Args[0], nil },
		})
	}
	return language(t, expr.Options{Functions: functions})
}

// converts checks what values become for a parameter of a type, in Europe/Prague.
func converts(t *testing.T, table []evaluation) {
	t.Helper()
	l := taking(t)
	for _, c := range table {
		tpl, err := l.Compile("{{"+c.template+"}}", nil)
		require.NoError(t, err, c.template)
		got, err := tpl.Eval(sample(t))
		if kind, ok := c.want.(fails); ok {
			var failure *expr.RuntimeError
			require.ErrorAs(t, err, &failure, "%s gave %v", c.template, got)
			require.Equal(t, string(kind), failure.Type, c.template)
			require.Contains(t, failure.Message, "argument 1 (value)", c.template)
			continue
		}
		require.NoError(t, err, c.template)
		require.Equal(t, c.want, got, c.template)
	}
}

func TestWhatIsNoArrayBecomesAnArrayOfOne(t *testing.T) {
	t.Parallel()
	converts(t, []evaluation{{"asArray(1.a)", arr("x")}, {"asArray(1.n)", arr(int64(5))}, {"asArray(1.list)", arr("a", "b", "c")}, {"asArray(1.none)", arr()}})
}

func TestNothingButACollectionBecomesACollection(t *testing.T) {
	t.Parallel()
	converts(t, []evaluation{{"asCollection(get(1.pairs; 1))", obj("key", "one", "value", int64(1))}, {"asCollection(1.list)", invalid}, {"asCollection(1.a)", invalid}, {`asCollection("{}")`, invalid}})
}

func TestEveryNumberIsTrueWhereABooleanIsDeclared(t *testing.T) {
	t.Parallel()
	converts(t, []evaluation{{"asBoolean(0)", true}, {"asBoolean(5)", true}, {"asBoolean(1.no)", false}, {"asBoolean(1.list)", true}})
}

func TestTextIsFalseWhenItSaysSoOrIsEmpty(t *testing.T) {
	t.Parallel()
	converts(t, []evaluation{{`asBoolean("false")`, false}, {`asBoolean("")`, false}, {`asBoolean("no")`, true}, {`asBoolean("False")`, true}})
}

func TestOnlyTextThatSpellsANumberBecomesOne(t *testing.T) {
	t.Parallel()
	converts(t, []evaluation{{`asNumber("42")`, int64(42)}, {`asNumber(" 2.5 ")`, 2.5}, {`asNumber("x")`, invalid}, {`asNumber("")`, invalid}, {"asNumber(1.t)", invalid}, {"asNumber(1.date)", invalid}, {"asNumber(1.list)", invalid}})
}

func TestTextComesFromEverythingButCollections(t *testing.T) {
	t.Parallel()
	converts(t, []evaluation{
		{"asText(1.t)", "true"}, {"asText(1.f)", "2.5"}, {"asText(1.date)", "2026-01-31T11:22:33.444Z"}, {"asText(1.buf)", "žluť"}, {"asText(1.raw)", badData}, {"asText(1.list)", "a, b, c"}, {"asText(1.coll)", invalid}, {"asText(1.people)", `{"name":"Ann","type":"work","age":40}, {"name":"bob","type":"home","age":30}, {"name":"Cyd","type":"work","age":50}, {"type":"none"}`},
	})
}

func TestDatesComeFromTheUsualFormsInTheScenariosZone(t *testing.T) {
	t.Parallel()
	converts(t, []evaluation{
		{`asDate("2026-01-31T12:00:00Z")`, day(t, "2026-01-31T12:00:00Z")}, {`asDate("2026-01-31 12:00")`, day(t, "2026-01-31T11:00:00Z")}, {`asDate("2026/01/31")`, day(t, "2026-01-30T23:00:00Z")}, {`asDate("01/31/2026")`, day(t, "2026-01-30T23:00:00Z")}, {`asDate("31.1.2026 5:00 PM")`, day(t, "2026-01-31T16:00:00Z")},
		{`asDate("2026-01-31 12:00:00 +05:00")`, day(t, "2026-01-31T07:00:00Z")}, {`asDate("2026-01")`, invalid}, {`asDate("12:00")`, invalid}, {"asDate(1.n)", invalid}, {"asDate(1.t)", invalid},
	})
}

func TestTimesOfDayComeFromText(t *testing.T) {
	t.Parallel()
	converts(t, []evaluation{{`asTime("9:05:06")`, "09:05:06"}, {`asTime("9:05 PM")`, "21:05:00"}, {"asTime(1.date)", "12:22:33.444"}, {`asTime("25:00")`, invalid}, {"asTime(1.n)", invalid}})
}

func TestBuffersComeFromTextAsUTF8(t *testing.T) {
	t.Parallel()
	converts(t, []evaluation{{"asBuffer(žluť)", []byte("žluť")}, {"asBuffer(1.n)", []byte("5")}, {"asBuffer(1.t)", []byte("true")}, {"asBuffer(1.raw)", []byte{0xff, 0xfe}}, {"asBuffer(1.list)", invalid}, {"asBuffer(1.coll)", invalid}})
}

func TestArgumentsAreConvertedBeforeTheFunctionIsCalled(t *testing.T) {
	t.Parallel()
	called := false
	f, err := expr.FunctionOf("take", func(a, b int) int { called = true; return a + b })
	require.NoError(t, err)
	tpl, err := language(t, expr.Options{Functions: []expr.Function{f}}).Compile("{{take(1; 1.a)}}", nil)
	require.NoError(t, err)
	_, err = tpl.Eval(sample(t))
	var failure *expr.RuntimeError
	require.ErrorAs(t, err, &failure)
	require.Equal(t, expr.BundleValidationError, failure.Type)
	require.Equal(t, "take", failure.Function)
	require.Contains(t, failure.Message, "argument 2")
	require.False(t, called)
}

func TestArgumentsThatAreLeftEmptyGetTheirDefaults(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{{"{{formatNumber(1.f; ; ; )}}", "3"}, {"{{formatDate(1.date; ; UTC)}}", "2026-01-31T11:22:33.444+00:00"}, {"{{sha256(abc; ; )}}", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}, {"{{sort(1.nums; ; )}}", arr(int64(1), int64(2), int64(3))}})
}
