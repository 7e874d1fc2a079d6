package connector_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
	"github.com/ebbkit/ebb/crypto/secret"
)

type line struct {
	SKU      string  `json:"sku" required:"true"`
	Quantity int     `json:"quantity" min:"1"`
	Price    float64 `json:"price"`
}

type orderIn struct {
	Common
	Number   int64            `json:"number"`
	Small    int8             `json:"small"`
	Unsigned uint16           `json:"unsigned"`
	Huge     uint64           `json:"huge"`
	Ratio    float32          `json:"ratio"`
	Paid     bool             `json:"paid"`
	When     time.Time        `json:"when"`
	Maybe    *string          `json:"maybe"`
	Body     []byte           `json:"body"`
	Digest   [2]byte          `json:"digest"`
	Token    secret.Value     `json:"token"`
	Tags     []string         `json:"tags"`
	Pair     [2]int           `json:"pair"`
	Lines    []line           `json:"lines"`
	Main     *line            `json:"main"`
	Any      any              `json:"any"`
	Raw      connector.Bundle `json:"raw"`
	Counts   map[string]int   `json:"counts"`
	Address  netip.Addr       `json:"address"`
	Exact    json.Number      `json:"exact"`
	UUID     uuid.UUID        `json:"uuid"`
	Method   string           `json:"method" enum:"get,post" default:"get"`
	Timeout  int              `json:"timeout" min:"1" max:"300" default:"40"`
	Hour     string           `json:"hour" type:"time"`
	Natural  int              `json:"natural" type:"uinteger"`
	Level    level            `json:"level"`
	Untagged string
	ignored  string
}

type Common struct {
	ID string `json:"id"`
}

type level string

// decode runs a typed action and returns what its function was given.
func decode[In any](t *testing.T, call connector.Call) (In, error) {
	t.Helper()
	var got In
	module := connector.NewAction(connector.Info{Name: "Take"},
		func(_ context.Context, _ *connector.Call, in In) (connector.Bundle, error) {
			got = in
			return connector.Bundle{}, nil
		})
	require.NoError(t, module.Info().Problem)
	if call.Location == nil {
		call.Location = time.UTC
	}
	_, err := module.Do(t.Context(), &call)
	return got, err
}

func input(namesAndValues ...any) connector.Call {
	return connector.Call{Input: connector.NewBundle(namesAndValues...)}
}

func TestTypedInputIsConverted(t *testing.T) {
	t.Parallel()
	text := "here"
	when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, c := range map[string]struct {
		value any
		check func(in orderIn) (want, got any)
	}{
		"id":             {"a", func(in orderIn) (any, any) { return "a", in.ID }},
		"id from int":    {1, func(in orderIn) (any, any) { return "1", in.ID }},
		"id from float":  {1e21, func(in orderIn) (any, any) { return "1e+21", in.ID }},
		"id from bool":   {true, func(in orderIn) (any, any) { return "true", in.ID }},
		"id from date":   {when, func(in orderIn) (any, any) { return "2026-01-02T03:04:05.000Z", in.ID }},
		"id from buffer": {[]byte("b"), func(in orderIn) (any, any) { return "b", in.ID }},
		"id from array": {[]any{1, nil, "a", connector.NewBundle("b", 1), []any{true}}, func(in orderIn) (any, any) {
			return `1, , a, {"b":1}, [true]`, in.ID
		}},
		"id from null":      {nil, func(in orderIn) (any, any) { return "", in.ID }},
		"number":            {1 << 60, func(in orderIn) (any, any) { return int64(1 << 60), in.Number }},
		"number from text":  {" -12 ", func(in orderIn) (any, any) { return int64(-12), in.Number }},
		"number from 1e3":   {"1e3", func(in orderIn) (any, any) { return int64(1000), in.Number }},
		"number from float": {12.0, func(in orderIn) (any, any) { return int64(12), in.Number }},
		"number from empty": {"", func(in orderIn) (any, any) { return int64(0), in.Number }},
		"small":             {-128, func(in orderIn) (any, any) { return int8(-128), in.Small }},
		"unsigned":          {"65535", func(in orderIn) (any, any) { return uint16(65535), in.Unsigned }},
		"huge":              {uint64(1) << 63, func(in orderIn) (any, any) { return uint64(1) << 63, in.Huge }},
		"huge from text":    {"9223372036854775808", func(in orderIn) (any, any) { return uint64(1) << 63, in.Huge }},
		"ratio":             {0.5, func(in orderIn) (any, any) { return float32(0.5), in.Ratio }},
		"ratio from int":    {2, func(in orderIn) (any, any) { return float32(2), in.Ratio }},
		"ratio from text":   {".5", func(in orderIn) (any, any) { return float32(0.5), in.Ratio }},
		"paid":              {true, func(in orderIn) (any, any) { return true, in.Paid }},
		"paid from 0":       {0, func(in orderIn) (any, any) { return true, in.Paid }},
		"paid from false":   {"false", func(in orderIn) (any, any) { return false, in.Paid }},
		"paid from empty":   {"", func(in orderIn) (any, any) { return false, in.Paid }},
		"paid from no":      {"no", func(in orderIn) (any, any) { return true, in.Paid }},
		"paid from null":    {nil, func(in orderIn) (any, any) { return false, in.Paid }},
		"paid from date":    {when, func(in orderIn) (any, any) { return true, in.Paid }},
		"when":              {when, func(in orderIn) (any, any) { return when, in.When }},
		"when from text":    {"2026-01-02 03:04:05", func(in orderIn) (any, any) { return when, in.When }},
		"when from empty":   {"", func(in orderIn) (any, any) { return time.Time{}, in.When }},
		"maybe":             {"here", func(in orderIn) (any, any) { return &text, in.Maybe }},
		"maybe null":        {nil, func(in orderIn) (any, any) { return (*string)(nil), in.Maybe }},
		"body":              {[]byte{1}, func(in orderIn) (any, any) { return []byte{1}, in.Body }},
		"body from text":    {"é", func(in orderIn) (any, any) { return []byte("é"), in.Body }},
		"body from number":  {1.5, func(in orderIn) (any, any) { return []byte("1.5"), in.Body }},
		"digest":            {[]byte{1, 2}, func(in orderIn) (any, any) { return [2]byte{1, 2}, in.Digest }},
		"token":             {"s", func(in orderIn) (any, any) { return true, in.Token.Equal(secret.NewString("s")) }},
		"tags":              {[]any{"a", 1}, func(in orderIn) (any, any) { return []string{"a", "1"}, in.Tags }},
		"tags from text":    {"a", func(in orderIn) (any, any) { return []string{"a"}, in.Tags }},
		"tags from empty":   {"", func(in orderIn) (any, any) { return []string(nil), in.Tags }},
		"tags with null":    {[]any{nil}, func(in orderIn) (any, any) { return []string{""}, in.Tags }},
		"tags none":         {[]any{}, func(in orderIn) (any, any) { return []string{}, in.Tags }},
		"pair":              {[]any{1, "2"}, func(in orderIn) (any, any) { return [2]int{1, 2}, in.Pair }},
		"any":               {[]any{1}, func(in orderIn) (any, any) { return []any{int64(1)}, in.Any }},
		"any null":          {nil, func(in orderIn) (any, any) { return nil, in.Any }},
		"any empty":         {"", func(in orderIn) (any, any) { return "", in.Any }},
		"raw":               {connector.NewBundle("a", 1), func(in orderIn) (any, any) { return connector.NewBundle("a", 1), in.Raw }},
		"counts":            {connector.NewBundle("a", "1"), func(in orderIn) (any, any) { return map[string]int{"a": 1}, in.Counts }},
		"address":           {"::1", func(in orderIn) (any, any) { return netip.IPv6Loopback(), in.Address }},
		"exact":             {1.5, func(in orderIn) (any, any) { return json.Number("1.5"), in.Exact }},
		"method":            {"post", func(in orderIn) (any, any) { return "post", in.Method }},
		"method empty":      {"", func(in orderIn) (any, any) { return "get", in.Method }},
		"timeout":           {"300", func(in orderIn) (any, any) { return 300, in.Timeout }},
		"timeout empty":     {"", func(in orderIn) (any, any) { return 40, in.Timeout }},
		"hour":              {"9:05", func(in orderIn) (any, any) { return "09:05:00", in.Hour }},
		"natural":           {0, func(in orderIn) (any, any) { return 0, in.Natural }},
		"level":             {"high", func(in orderIn) (any, any) { return level("high"), in.Level }},
		"Untagged":          {"x", func(in orderIn) (any, any) { return "x", in.Untagged }},
		"unknown is left":   {"x", func(in orderIn) (any, any) { return 40, in.Timeout }},
		"ignored":           {"x", func(in orderIn) (any, any) { return "", in.ignored }},
		"main":              {connector.NewBundle("sku", "s"), func(in orderIn) (any, any) { return &line{SKU: "s"}, in.Main }},
		"lines from one":    {connector.NewBundle("sku", "s"), func(in orderIn) (any, any) { return []line{{SKU: "s"}}, in.Lines }},
		"lines":             {[]any{connector.NewBundle("sku", 1, "quantity", "2", "price", "3.5")}, func(in orderIn) (any, any) { return []line{{"1", 2, 3.5}}, in.Lines }},
		"lines with null":   {[]any{nil}, func(in orderIn) (any, any) { return []line{{}}, in.Lines }},
		"raw from empty":    {"", func(in orderIn) (any, any) { return connector.Bundle{}, in.Raw }},
		"address from null": {nil, func(in orderIn) (any, any) { return netip.Addr{}, in.Address }},
		"uuid": {"018f3c5e-0000-7000-8000-000000000001", func(in orderIn) (any, any) {
			return "018f3c5e-0000-7000-8000-000000000001", in.UUID.String()
		}},
		"uuid from empty":      {"", func(in orderIn) (any, any) { return uuid.UUID{}, in.UUID }},
		"exact from text":      {"12", func(in orderIn) (any, any) { return json.Number("12"), in.Exact }},
		"counts with an empty": {connector.NewBundle("a", ""), func(in orderIn) (any, any) { return map[string]int{"a": 0}, in.Counts }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			field, _, _ := strings.Cut(name, " ")
			in, err := decode[orderIn](t, input(field, c.value))
			require.NoError(t, err)
			want, got := c.check(in)
			require.Equal(t, want, got)
			// The conversion of bundles must agree: what it gives is decoded to the same.
			fields, err := connector.FieldsOf[orderIn]()
			require.NoError(t, err)
			converted, err := connector.Convert(fields, connector.NewBundle(field, c.value), time.UTC)
			require.NoError(t, err)
			in, err = decode[orderIn](t, connector.Call{Input: converted})
			require.NoError(t, err)
			want, got = c.check(in)
			require.Equal(t, want, got)
		})
	}
}

func TestTypedInputThatCannotBeConvertedNamesTheField(t *testing.T) {
	t.Parallel()
	const needle = "needle-7"
	for name, c := range map[string]struct {
		value any
		want  string
	}{
		"id":        {connector.NewBundle("a", needle), "field id: expected text, received collection"},
		"id a":      {[]byte{0xff}, "field id: expected text, received buffer"},
		"number":    {needle, "field number: expected integer, received text"},
		"number a":  {1.5, "field number: expected integer, received number"},
		"number b":  {true, "field number: expected integer, received boolean"},
		"number c":  {[]any{1}, "field number: expected integer, received array"},
		"number d":  {"0x10", "field number: expected integer, received text"},
		"number e":  {"1_000", "field number: expected integer, received text"},
		"number f":  {"9223372036854775808", "field number: expected integer, received text"},
		"small":     {128, "field small: does not fit into 8 bits"},
		"unsigned":  {-1, "field unsigned: expected uinteger, received number"},
		"unsigned ": {65536, "field unsigned: does not fit into 16 bits"},
		"huge":      {1e20, "field huge: expected uinteger, received number"},
		"ratio":     {"NaN", "field ratio: expected number, received text"},
		"ratio a":   {"Infinity", "field ratio: expected number, received text"},
		"ratio b":   {1e300, "field ratio: expected number, received number"},
		"when":      {needle, "field when: expected date, received text"},
		"when a":    {1767322800, "field when: expected date, received number"},
		"when b":    {"2026-02-30", "field when: expected date, received text"},
		"body":      {[]any{1}, "field body: expected buffer, received array"},
		"digest":    {[]byte{1}, "field digest: is not of length 2"},
		"token":     {connector.Bundle{}, "field token: expected password, received collection"},
		"pair":      {1, "field pair: is not of length 2"},
		"tags":      {[]any{"a", connector.Bundle{}}, "field tags[2]: expected text, received collection"},
		"lines":     {needle, "field lines[1]: expected collection, received text"},
		"lines a": {
			[]any{connector.NewBundle("sku", "a", "quantity", 0), connector.NewBundle("price", needle)},
			"field lines[1].quantity: is less than 1; field lines[2].sku: is required; " +
				"field lines[2].price: expected number, received text",
		},
		"main":     {connector.NewBundle("sku", ""), "field main.sku: is required"},
		"raw":      {[]any{}, "field raw: expected collection, received array"},
		"counts":   {connector.NewBundle("a", needle), "field counts.a: expected integer, received text"},
		"address":  {needle, "field address: is no netip.Addr"},
		"exact":    {needle, "field exact: expected number, received text"},
		"method":   {needle, "field method: is none of get, post"},
		"timeout":  {0, "field timeout: is less than 1"},
		"timeout ": {301, "field timeout: is more than 300"},
		"hour":     {needle, "field hour: expected time, received text"},
		"hour a":   {"24:00", "field hour: expected time, received text"},
		"natural":  {-1, "field natural: expected uinteger, received number"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			field, _, _ := strings.Cut(name, " ")
			_, err := decode[orderIn](t, input(field, c.value))
			var typed *connector.Error
			require.ErrorAs(t, err, &typed)
			require.Equal(t, connector.BundleValidationError, typed.Type)
			require.Equal(t, c.want, typed.Message)
			require.NotContains(t, typed.Message, needle)
		})
	}
}

func TestAllProblemsOfABundleAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := decode[line](t, input("quantity", "x", "price", true))
	require.EqualError(t, err, "field sku: is required; field quantity: expected integer, received text; "+
		"field price: expected number, received boolean")

	many := make([]any, 1000)
	for i := range many {
		many[i] = "x"
	}
	_, err = decode[struct {
		N []int `json:"n"`
	}](t, input("n", many))
	require.ErrorContains(t, err, "field n[20]: expected integer, received text; and more")
	require.Less(t, len(err.Error()), 2000)
}

func TestInputLiesOverParams(t *testing.T) {
	t.Parallel()
	call := connector.Call{
		Params: connector.NewBundle("sku", "from params", "quantity", 1, "price", 1),
		Input:  connector.NewBundle("quantity", 2, "price", nil),
	}
	in, err := decode[line](t, call)
	require.NoError(t, err)
	require.Equal(t, line{SKU: "from params", Quantity: 2}, in)

	b, err := decode[connector.Bundle](t, call)
	require.NoError(t, err)
	require.True(t, connector.Equal(connector.NewBundle("sku", "from params", "quantity", 2, "price", nil), b))
	require.Equal(t, 3, call.Params.Len())
	require.Equal(t, int64(1), call.Params.Get("quantity"), "the parameters were changed")

	table, err := decode[map[string]any](t, call)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"sku": "from params", "quantity": int64(2), "price": nil}, table)

	anything, err := decode[any](t, call)
	require.NoError(t, err)
	require.IsType(t, connector.Bundle{}, anything)

	pointer, err := decode[*line](t, call)
	require.NoError(t, err)
	require.Equal(t, &line{SKU: "from params", Quantity: 2}, pointer)
}

func TestDatesWithoutAZoneAreInTheZoneOfTheScenario(t *testing.T) {
	t.Parallel()
	call := input("when", "2026-07-01 12:00")
	call.Location = time.FixedZone("", 2*3600)
	in, err := decode[orderIn](t, call)
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC), in.When)
}

func TestTypesMayContainThemselves(t *testing.T) {
	t.Parallel()
	type node struct {
		Name     string `json:"name"`
		Children []node `json:"children"`
		Parent   *node  `json:"parent"`
	}
	in, err := decode[node](t, input("name", "a", "children", []any{connector.NewBundle("name", "b", "children",
		connector.NewBundle("name", "c"))}))
	require.NoError(t, err)
	require.Equal(t, "c", in.Children[0].Children[0].Name)

	fields, err := connector.FieldsOf[node]()
	require.NoError(t, err)
	require.Empty(t, fields[1].Fields[0].Fields)

	// A bundle that contains itself is refused, not followed for ever.
	ring := connector.NewBundle("name", "a", "children", []any{nil})
	ring.Get("children").([]any)[0] = ring
	_, err = decode[node](t, connector.Call{Input: ring})
	require.ErrorContains(t, err, "nested too deep")
}

func TestTypedOutputBecomesABundle(t *testing.T) {
	t.Parallel()
	type out struct {
		B string            `json:"b"`
		A []line            `json:"a,omitempty"`
		M map[string]any    `json:"m,omitempty"`
		P *time.Time        `json:"p,omitempty"`
		R *connector.Bundle `json:"r,omitempty"`
	}
	run := func(t *testing.T, module connector.Action) (connector.Bundle, error) {
		t.Helper()
		return module.Do(t.Context(), &connector.Call{Location: time.UTC})
	}
	b, err := run(t, connector.NewAction(connector.Info{Name: "A"},
		func(context.Context, *connector.Call, struct{}) (out, error) {
			return out{B: "x", A: []line{{"s", 1, 0.5}}, M: map[string]any{"z": 1, "y": []string{"q"}}}, nil
		}))
	require.NoError(t, err)
	require.Equal(t, `{"b":"x","a":[{"sku":"s","quantity":1,"price":0.5}],"m":{"y":["q"],"z":1}}`, show(t, b))

	b, err = run(t, connector.NewAction(connector.Info{Name: "A"},
		func(context.Context, *connector.Call, struct{}) (*out, error) { return nil, nil }))
	require.NoError(t, err)
	require.Zero(t, b.Len())

	_, err = run(t, connector.NewAction(connector.Info{Name: "A"},
		func(context.Context, *connector.Call, struct{}) (any, error) { return []int{1}, nil }))
	require.Equal(t, connector.UnexpectedError, connector.TypeOf(err))

	_, err = run(t, connector.NewAction(connector.Info{Name: "A"},
		func(context.Context, *connector.Call, struct{}) (out, error) {
			return out{M: map[string]any{"x": func() {}}}, nil
		}))
	require.ErrorIs(t, err, connector.ErrUnsupported)
	require.Equal(t, connector.UnexpectedError, connector.TypeOf(err))

	wrong := errors.New("wrong")
	_, err = run(t, connector.NewAction(connector.Info{Name: "A"},
		func(context.Context, *connector.Call, struct{}) (out, error) { return out{B: "x"}, wrong }))
	require.ErrorIs(t, err, wrong)
}

func TestConstructorsDescribeTheirTypes(t *testing.T) {
	t.Parallel()
	module := connector.NewAction(connector.Info{Name: "A"},
		func(_ context.Context, _ *connector.Call, in line) (Common, error) { return Common{}, nil })
	info := module.Info()
	require.NoError(t, info.Problem)
	require.Equal(t, []string{"sku", "quantity", "price"}, fieldNames(info.Input))
	require.Equal(t, []string{"id"}, fieldNames(info.Output))

	given := []connector.Field{{Name: "x", Type: connector.TypeText}}
	// Design-time parameters are told apart by their tag; triggers have nothing else.
	type mixed struct {
		Store string `json:"store" param:"true"`
		Key   string `json:"key"`
	}
	info = connector.NewAction(connector.Info{Name: "A"},
		func(_ context.Context, _ *connector.Call, in mixed) (Common, error) { return Common{}, nil }).Info()
	require.Equal(t, []string{"store"}, fieldNames(info.Params))
	require.Equal(t, []string{"key"}, fieldNames(info.Input))
	info = connector.NewReceiver(connector.Info{Name: "R"},
		func(context.Context, *connector.Call, mixed, *http.Request) ([]Common, error) { return nil, nil }).Info()
	require.Equal(t, []string{"store", "key"}, fieldNames(info.Params))
	require.Empty(t, info.Input)

	info = connector.NewAction(connector.Info{Name: "A", Input: given, Output: []connector.Field{}},
		func(_ context.Context, _ *connector.Call, in line) (Common, error) { return Common{}, nil }).Info()
	require.Equal(t, given, info.Input)
	require.Empty(t, info.Output)
}

func fieldNames(fields []connector.Field) []string {
	list := make([]string, len(fields))
	for i, f := range fields {
		list[i] = f.Name
	}
	return list
}

func TestModulesOfUnsupportedTypesSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	type badIn struct {
		F func()         `json:"f"`
		D time.Duration  `json:"d"`
		I errorInterface `json:"i"`
		N int            `json:"n" min:"x"`
	}
	type badOut struct {
		C chan int `json:"c"`
	}
	called := false
	module := connector.NewAction(connector.Info{Name: "Bad"},
		func(context.Context, *connector.Call, badIn) (badOut, error) {
			called = true
			return badOut{}, nil
		})
	problem := module.Info().Problem
	require.ErrorIs(t, problem, connector.ErrUnsupported)
	require.ErrorIs(t, problem, connector.ErrTag)
	for _, part := range []string{"field f of", "field d of", "field i of", "field n of", "field c of"} {
		require.ErrorContains(t, problem, part)
	}
	require.ErrorIs(t, connector.CheckModule(module), connector.ErrUnsupported)
	_, err := module.Do(t.Context(), &connector.Call{})
	require.ErrorIs(t, err, connector.ErrUnsupported)
	require.False(t, called)

	for _, err := range []error{
		connector.NewAction(connector.Info{}, func(context.Context, *connector.Call, string) (Common, error) {
			return Common{}, nil
		}).Info().Problem,
		connector.NewSearch(connector.Info{}, func(context.Context, *connector.Call, Common) iter.Seq2[[]int, error] {
			return nil
		}).Info().Problem,
		connector.NewAggregator(connector.Info{}, func(
			context.Context, *connector.Call, map[int]string, iter.Seq2[Common, error],
		) (Common, error) {
			return Common{}, nil
		}).Info().Problem,
	} {
		require.ErrorIs(t, err, connector.ErrUnsupported)
	}
}

type errorInterface interface{ Error() string }

func TestSearchYieldsUntilItsErrorOrTheEndOfTheLoop(t *testing.T) {
	t.Parallel()
	yielded := 0
	wrong := connector.Errorf(connector.DataError, "the third is wrong")
	module := connector.NewSearch(connector.Info{Name: "S"},
		func(_ context.Context, _ *connector.Call, in line) iter.Seq2[line, error] {
			return func(yield func(line, error) bool) {
				for yielded = 1; yielded <= 5; yielded++ {
					var err error
					if yielded == 3 {
						err = wrong
					}
					if !yield(line{SKU: in.SKU, Quantity: yielded}, err) {
						return
					}
				}
			}
		})
	call := connectortest.Call{Input: connector.NewBundle("sku", "s")}
	result := connectortest.Run(t, module, call)
	require.ErrorIs(t, result.Err, wrong)
	require.Len(t, result.Bundles, 2)
	require.Equal(t, 3, yielded)

	call.Limit = 1
	result = connectortest.Run(t, module, call)
	require.NoError(t, result.Err)
	require.Equal(t, `{"sku":"s","quantity":1,"price":0}`, show(t, result.Bundles[0]))
	require.Equal(t, 1, yielded)

	result = connectortest.Run(t, module, connectortest.Call{})
	require.Equal(t, connector.BundleValidationError, connector.TypeOf(result.Err))
}

func TestTriggerReturnsTheCursorOfWhatWasTaken(t *testing.T) {
	t.Parallel()
	module := connector.NewTrigger(connector.Info{Name: "T"},
		func(_ context.Context, call *connector.Call, in struct {
			Limit int `json:"limit" default:"10"`
		},
		) (iter.Seq2[line, error], func() []byte) {
			last := len(call.Cursor)
			return func(yield func(line, error) bool) {
				for range in.Limit {
					last++
					if !yield(line{Quantity: last}, nil) {
						return
					}
				}
			}, func() []byte { return make([]byte, last) }
		})
	result := connectortest.Run(t, module, connectortest.Call{Limit: 3})
	require.NoError(t, result.Err)
	require.Len(t, result.Bundles, 3)
	require.Len(t, result.Cursor, 3)
	result = connectortest.Run(t, module, connectortest.Call{
		Params: connector.NewBundle("limit", 2), Cursor: result.Cursor,
	})
	require.Equal(t, int64(4), result.Bundles[0].Get("quantity"))
	require.Len(t, result.Cursor, 5)

	// A call that cannot begin leaves the cursor where it was.
	call := connector.Call{Params: connector.NewBundle("limit", "x"), Cursor: []byte("c")}
	items, next := module.Poll(t.Context(), &call)
	for _, err := range items {
		require.Equal(t, connector.BundleValidationError, connector.TypeOf(err))
	}
	require.Equal(t, []byte("c"), next())
}

func TestReceiverMakesABundleOfEachResult(t *testing.T) {
	t.Parallel()
	module := connector.NewReceiver(connector.Info{Name: "R"},
		func(_ context.Context, _ *connector.Call, in line, r *http.Request) ([]line, error) {
			return []line{{SKU: r.URL.Query().Get("sku")}, in}, nil
		})
	result := connectortest.Run(t, module, connectortest.Call{
		Params: connector.NewBundle("sku", "param"), Request: httptest.NewRequest(http.MethodPost, "/?sku=query", nil),
	})
	require.NoError(t, result.Err)
	require.Equal(t, "query", result.Bundles[0].Get("sku"))
	require.Equal(t, "param", result.Bundles[1].Get("sku"))
}

func TestAggregatorGetsParamsAndItems(t *testing.T) {
	t.Parallel()
	type params struct {
		Separator string `json:"separator" required:"true"`
	}
	module := connector.NewAggregator(connector.Info{Name: "G"},
		func(_ context.Context, _ *connector.Call, p params, items iter.Seq2[line, error]) (Common, error) {
			var all []string
			for item, err := range items {
				if err != nil {
					return Common{}, err
				}
				all = append(all, item.SKU)
			}
			return Common{ID: strings.Join(all, p.Separator)}, nil
		})
	require.Equal(t, []string{"separator"}, fieldNames(module.Info().Params))
	call := connectortest.Call{
		Params:  connector.NewBundle("separator", "-"),
		Bundles: []connector.Bundle{connector.NewBundle("sku", 1), connector.NewBundle("sku", "b")},
	}
	result := connectortest.Run(t, module, call)
	require.NoError(t, result.Err)
	require.Equal(t, "1-b", result.Bundles[0].Get("id"))

	call.Bundles = append(call.Bundles, connector.Bundle{}, connector.NewBundle("sku", "never"))
	require.EqualError(t, connectortest.Run(t, module, call).Err, "field sku: is required")
	require.EqualError(t, connectortest.Run(t, module, connectortest.Call{}).Err, "field separator: is required")

	call = connectortest.Call{Params: call.Params}
	require.Empty(t, connectortest.Run(t, module, call).Bundles[0].Get("id"), "no items are a group too")
}

// FuzzTypedInput takes whatever JSON may bring: a call succeeds or says which fields are wrong, and what the conversion
// of bundles lets through is decoded.
func FuzzTypedInput(f *testing.F) {
	for _, seed := range []string{
		`{"id":[1,{"a":[]}],"number":"1e3","when":"2026-01-02","lines":{"sku":1},"digest":"ab","pair":[1,2]}`,
		`{"huge":18446744073709551615,"ratio":1e300,"token":{},"counts":{"a":null},"address":"::1","uuid":"","hour":"9:05"}`,
		`{"lines":[null,[],""],"main":[],"raw":"","any":{},"tags":[[]],"method":"post","timeout":"","natural":-1}`,
	} {
		f.Add([]byte(seed))
	}
	fields, err := connector.FieldsOf[orderIn]()
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, text []byte) {
		value, err := connector.ParseJSON(text)
		b, ok := value.(connector.Bundle)
		if err != nil || !ok {
			return
		}
		_, err = decode[orderIn](t, connector.Call{Input: b})
		if err != nil {
			require.Equal(t, connector.BundleValidationError, connector.TypeOf(err))
		}
		converted, convertErr := connector.Convert(fields, b, nil)
		if convertErr != nil {
			require.Error(t, err, "the conversion refuses what is decoded: %v", convertErr)
			return
		}
		again, convertErr := connector.Convert(fields, converted, nil)
		require.NoError(t, convertErr)
		require.True(t, connector.Equal(converted, again))
	})
}

type benchIn struct {
	ID       string    `json:"id"`
	Number   int64     `json:"number"`
	Total    float64   `json:"total"`
	Paid     bool      `json:"paid"`
	Created  time.Time `json:"created"`
	Customer struct {
		Name  string `json:"name"`
		Email string `json:"email"`
		City  string `json:"city"`
	} `json:"customer"`
	Lines []benchLine `json:"lines"`
}

type benchLine struct {
	SKU      string  `json:"sku"`
	Quantity int     `json:"quantity"`
	Price    float64 `json:"price"`
	Taxable  bool    `json:"taxable"`
	Note     *string `json:"note"`
}

// BenchmarkTypedAction measures a call of a typed module, input and output, against the way over JSON.
func BenchmarkTypedAction(b *testing.B) {
	do := func(_ context.Context, _ *connector.Call, in benchIn) (benchIn, error) { return in, nil }
	call := &connector.Call{Input: order(10), Location: time.UTC}
	b.Run("typed", func(b *testing.B) {
		module := connector.NewAction(connector.Info{Name: "A"}, do)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := module.Do(b.Context(), call); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			text, err := json.Marshal(call.Input)
			if err != nil {
				b.Fatal(err)
			}
			var in benchIn
			if err = json.Unmarshal(text, &in); err != nil {
				b.Fatal(err)
			}
			out, _ := do(b.Context(), call, in)
			if text, err = json.Marshal(out); err != nil {
				b.Fatal(err)
			}
			if _, err = connector.ParseJSON(text); err != nil {
				b.Fatal(err)
			}
		}
	})
}
