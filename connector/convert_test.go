package connector_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto/secret"
)

type (
	text   string
	number int16
	octet  byte
	flags  []bool
)

type Base struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
}

type shown struct {
	Base
	*Extra
	Kind    string         `json:"kind"` // hides Base.Kind
	Count   uint8          `json:"count,omitempty"`
	Price   float32        `json:"price"`
	When    *time.Time     `json:"when"`
	Tags    []text         `json:"tags,omitempty"`
	Any     any            `json:"any"`
	Plain   int            // keeps its Go name
	Skipped int            `json:"-"`
	Since   time.Time      `json:"since,omitzero"`
	Nested  map[string]int `json:"nested"`
	hidden  int
}

type Extra struct {
	Note string `json:"note"`
}

func TestNormalizeMakesWhatBundlesHold(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 2*3600)
	now := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	one := 1
	pointer := &one
	address := netip.MustParseAddr("192.0.2.1")
	id := uuid.MustParse("018f3c5e-0000-7000-8000-000000000001")
	for name, c := range map[string]struct{ in, out any }{
		"null":                {nil, nil},
		"int":                 {1, int64(1)},
		"int8":                {int8(-1), int64(-1)},
		"uint64":              {uint64(math.MaxInt64), int64(math.MaxInt64)},
		"uint64 too large":    {uint64(math.MaxUint64), float64(math.MaxUint64)},
		"float32":             {float32(0.1), 0.1},
		"float32 infinity":    {float32(math.Inf(1)), math.Inf(1)},
		"json.Number":         {json.Number("12"), int64(12)},
		"json.Number decimal": {json.Number("1.50"), 1.5},
		"json.Number large":   {json.Number("9223372036854775808"), 9223372036854775808.0},
		"named string":        {text("a"), "a"},
		"named int":           {number(7), int64(7)},
		"named slice":         {flags{true}, []any{true}},
		"nil slice":           {flags(nil), nil},
		"nil map":             {map[string]int(nil), nil},
		"nil pointer":         {(*int)(nil), nil},
		"nil bytes":           {[]byte(nil), nil},
		"pointer to pointer":  {&pointer, int64(1)},
		"time":                {now.In(zone), now},
		"bytes":               {[]byte("a"), []byte("a")},
		"array of bytes":      {[2]byte{1, 2}, []byte{1, 2}},
		"named bytes":         {[]octet{1, 2}, []byte{1, 2}},
		"array":               {[2]string{"a", "b"}, []any{"a", "b"}},
		"empty slice":         {[]string{}, []any{}},
		"map": {map[string]any{"b": 1, "a": []any{uint(2)}},
			connector.NewBundle("a", []any{int64(2)}, "b", int64(1))},
		"map with ints":     {map[int]string{10: "x", 9: "y"}, connector.NewBundle("10", "x", "9", "y")},
		"map with texts":    {map[netip.Addr]int{address: 1}, connector.NewBundle("192.0.2.1", 1)},
		"text marshaler":    {address, "192.0.2.1"},
		"uuid":              {id, id.String()},
		"json marshaler":    {big.NewInt(5), int64(5)},
		"raw json":          {json.RawMessage(`{"b":1,"a":2}`), connector.NewBundle("b", 1, "a", 2)},
		"any in a map":      {map[string]any{"x": map[string]any{"y": number(1)}}, connector.NewBundle("x", connector.NewBundle("y", 1))},
		"bundle":            {connector.NewBundle("a", 1), connector.NewBundle("a", 1)},
		"slice of bundles":  {[]connector.Bundle{connector.NewBundle("a", 1)}, []any{connector.NewBundle("a", 1)}},
		"pointer to struct": {&Extra{"n"}, connector.NewBundle("note", "n")},
		"struct": {
			shown{Base: Base{"1", "base"}, Kind: "outer", Price: 1.1, Any: Extra{"x"}, Skipped: 1, hidden: 1},
			connector.NewBundle("id", "1", "kind", "outer", "price", 1.1, "when", nil,
				"any", connector.NewBundle("note", "x"), "Plain", 0, "nested", nil),
		},
		"full struct": {
			shown{Extra: &Extra{"n"}, Count: 2, When: &now, Tags: []text{"a"}, Since: now.In(zone), Nested: map[string]int{"z": 1}},
			connector.NewBundle("id", "", "note", "n", "kind", "", "count", 2, "price", 0.0, "when", now,
				"tags", []any{"a"}, "any", nil, "Plain", 0, "since", now, "nested", connector.NewBundle("z", 1)),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := connector.Normalize(c.in)
			require.NoError(t, err)
			require.True(t, connector.Equal(c.out, got), "expected %v, got %v (%T)", show(t, c.out), show(t, got), got)
		})
	}
}

func show(t *testing.T, value any) string {
	t.Helper()
	out, err := connector.AppendJSON(nil, value)
	require.NoError(t, err)
	return string(out)
}

// TestStructsLookAsInEncodingJSON compares the fields of structs with those that encoding/json writes.
func TestStructsLookAsInEncodingJSON(t *testing.T) {
	t.Parallel()
	type A struct{ X, Y, Z int }
	type B struct{ X, Y int }
	type tagged struct {
		W int `json:"Y"`
	}
	type inner struct{ Deep int }
	type Middle struct{ inner }
	for _, value := range []any{
		struct {
			A
			B
		}{},
		struct {
			A
			tagged
		}{},
		struct {
			*A
			X string
		}{&A{}, "x"},
		struct{ Middle }{},
		struct {
			A `json:"named"`
			Middle
			Deep string
		}{},
		struct {
			E string `json:",omitempty"`
			F string `json:"f,omitempty"`
			G []int  `json:",omitzero"`
		}{},
	} {
		want, err := json.Marshal(value)
		require.NoError(t, err)
		require.JSONEq(t, string(want), show(t, value), "%T", value)
		require.Equal(t, string(want), show(t, value), "%T", value)
	}
}

type broken struct{}

func (broken) MarshalText() ([]byte, error) { return nil, errors.New("broken on purpose") }

type recursive struct {
	Next *recursive `json:"next"`
}

func TestNormalizeRefusesWhatHasNoPlaceInABundle(t *testing.T) {
	t.Parallel()
	type withSecret struct {
		Key secret.Value `json:"key"`
	}
	for name, value := range map[string]any{
		"function":         func() {},
		"channel":          make(chan int),
		"complex":          complex(1, 1),
		"duration":         time.Second,
		"secret":           secret.NewString("needle"),
		"secret in struct": withSecret{secret.NewString("needle")},
		"secret in map":    map[string]any{"k": secret.NewString("needle")},
		"pointer to it":    &withSecret{secret.NewString("needle")},
		"function inside":  []any{func() {}},
		"map of functions": map[string]func(){"a": nil},
		"map by floats":    map[float64]int{1: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := connector.Normalize(value)
			require.ErrorIs(t, err, connector.ErrUnsupported)
			require.Nil(t, got)
			require.NotContains(t, err.Error(), "needle")
		})
	}
	_, err := connector.Normalize(broken{})
	require.ErrorContains(t, err, "broken on purpose")
	_, err = connector.Normalize(json.Number("1_0"))
	require.Error(t, err)
}

func TestNormalizeEndsOnCycles(t *testing.T) {
	t.Parallel()
	ring := &recursive{}
	ring.Next = ring
	list := []any{nil}
	list[0] = list
	table := map[string]any{}
	table["self"] = table
	type pointer *pointer
	var p pointer
	p = &p
	for _, value := range []any{ring, list, table, p} {
		_, err := connector.Normalize(value)
		require.ErrorIs(t, err, connector.ErrDepth, "%T", value)
	}
}

func TestNormalizeDoesNotCopyWhatIsNormal(t *testing.T) {
	t.Parallel()
	list := []any{"a", []any{int64(1)}, connector.NewBundle("a", 1)}
	got, err := connector.Normalize(list)
	require.NoError(t, err)
	list[0] = "changed"
	require.Equal(t, "changed", got.([]any)[0])
}
