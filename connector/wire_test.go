package connector_test

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
)

var update = flag.Bool("update", false, "add encodings of new values to testdata/wire/v1.txt; those there stay")

// wireValues are values whose encodings stand in testdata/wire/v1.txt. Add to the end; change nothing.
func wireValues() []struct {
	name  string
	value any
} {
	return []struct {
		name  string
		value any
	}{
		{"null", nil},
		{"false", false},
		{"true", true},
		{"int-zero", int64(0)},
		{"int-minus-one", int64(-1)},
		{"int-largest", int64(math.MaxInt64)},
		{"int-smallest", int64(math.MinInt64)},
		{"float-zero", 0.0},
		{"float-minus-zero", math.Copysign(0, -1)},
		{"float-third", 1.0 / 3},
		{"float-infinity", math.Inf(1)},
		{"float-nan", math.NaN()},
		{"text-empty", ""},
		{"text-unicode", "h\u00e9 \U0001f600 \x00"},
		{"text-long", strings.Repeat("ab", 100)},
		{"text-no-utf8", "\xff\xfe"},
		{"buffer-empty", []byte{}},
		{"buffer", []byte{0, 1, 255}},
		{"date-epoch", time.Unix(0, 0).UTC()},
		{"date-nanosecond", time.Date(2026, 1, 2, 3, 4, 5, 999_999_999, time.UTC)},
		{"date-before-1970", time.Date(1815, 12, 10, 0, 0, 0, 1, time.UTC)},
		{"date-zero", time.Time{}},
		{"array-empty", []any{}},
		{"array", []any{nil, int64(1), "a", []any{[]byte("b")}}},
		{"bundle-empty", connector.Bundle{}},
		{"bundle", connector.NewBundle("zebra", 1, "ant", 0.5, "", nil)},
		{"bundle-nested", connector.NewBundle("a", connector.NewBundle("b", []any{connector.NewBundle("c", true)}))},
		{"rows", []any{
			connector.NewBundle("id", 1, "name", "Ada"), connector.NewBundle("id", 2, "name", "Grace"), "between",
			connector.NewBundle("id", 3, "name", nil), connector.NewBundle("name", "other order", "id", 4),
			connector.Bundle{}, connector.NewBundle("id", 5, "name", connector.NewBundle("first", "Mary")),
		}},
	}
}

func TestWireVectorsDecodeForEver(t *testing.T) {
	t.Parallel()
	const path = "testdata/wire/v1.txt"
	known := map[string]string{}
	if text, err := os.ReadFile(path); err == nil {
		for lines := bufio.NewScanner(strings.NewReader(string(text))); lines.Scan(); {
			name, encoding, ok := strings.Cut(lines.Text(), " ")
			require.True(t, ok)
			known[name] = encoding
		}
	}
	var added strings.Builder
	for _, v := range wireValues() {
		encoded, err := connector.AppendValue(nil, v.value)
		require.NoError(t, err)
		want, ok := known[v.name]
		if !ok && *update {
			fmt.Fprintf(&added, "%s %x\n", v.name, encoded)
			continue
		}
		require.True(t, ok, "%s has no vector: run with -update", v.name)
		require.Equal(t, want, hex.EncodeToString(encoded), v.name)
		old, err := hex.DecodeString(want)
		require.NoError(t, err)
		got, rest, err := connector.DecodeValue(old)
		require.NoError(t, err, v.name)
		require.Empty(t, rest)
		require.True(t, connector.Equal(v.value, got), v.name)
		delete(known, v.name)
	}
	if added.Len() > 0 {
		require.NoError(t, os.MkdirAll("testdata/wire", 0o755))
		file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		require.NoError(t, err)
		_, err = file.WriteString(added.String())
		require.NoError(t, err)
		require.NoError(t, file.Close())
		return
	}
	require.Empty(t, known, "vectors without a value to compare them with")
}

func TestWireKeepsWhatJSONLoses(t *testing.T) {
	t.Parallel()
	b := connector.NewBundle(
		"integer", int64(1<<53+1), "float", 1.0, "text", "a", "buffer", []byte("a"), "nan", math.NaN(),
		"when", time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC))
	encoded, err := connector.AppendBundle([]byte("in front"), b)
	require.NoError(t, err)
	encoded = append(encoded, "behind"...)
	back, rest, err := connector.DecodeBundle(encoded[len("in front"):])
	require.NoError(t, err)
	require.Equal(t, "behind", string(rest))
	require.True(t, connector.Equal(b, back))
	require.IsType(t, 1.0, back.Get("float"))
	require.IsType(t, []byte{}, back.Get("buffer"))

	clear(encoded)
	require.True(t, connector.Equal(b, back), "the bundle shares memory with what it was read from")
}

func TestWireKeepsNegativeZeroAndNaNBits(t *testing.T) {
	t.Parallel()
	for _, f := range []float64{math.Copysign(0, -1), math.Float64frombits(0x7ff8000000000001)} {
		encoded, err := connector.AppendValue(nil, f)
		require.NoError(t, err)
		back, _, err := connector.DecodeValue(encoded)
		require.NoError(t, err)
		require.Equal(t, math.Float64bits(f), math.Float64bits(back.(float64)))
	}
}

func TestWireNormalizesForeignValues(t *testing.T) {
	t.Parallel()
	encoded, err := connector.AppendValue(nil, map[string]int{"b": 1, "a": 2})
	require.NoError(t, err)
	back, _, err := connector.DecodeBundle(encoded)
	require.NoError(t, err)
	require.True(t, connector.Equal(connector.NewBundle("a", 2, "b", 1), back))

	_, err = connector.AppendValue(nil, func() {})
	require.ErrorIs(t, err, connector.ErrUnsupported)
	ring := []any{nil}
	ring[0] = ring
	_, err = connector.AppendValue(nil, ring)
	require.ErrorIs(t, err, connector.ErrDepth)
}

func TestLargeBundlesOfOneShapeDecode(t *testing.T) {
	t.Parallel()
	rows := []any{many(200), many(200), many(199)}
	encoded, err := connector.AppendValue(nil, rows)
	require.NoError(t, err)
	back, _, err := connector.DecodeValue(encoded)
	require.NoError(t, err)
	require.True(t, connector.Equal(rows, back))
	second := back.([]any)[1].(connector.Bundle)
	second.Set("new", 1)
	second.Delete("0")
	require.Equal(t, int64(199), second.Get("199"))
	require.Equal(t, int64(0), back.([]any)[0].(connector.Bundle).Get("0"))
}

func TestDamagedWireDataIsRefused(t *testing.T) {
	t.Parallel()
	long := func(n uint64) string { return string(binary.AppendUvarint(nil, n)) }
	for name, data := range map[string]string{
		"empty":                         "",
		"version 0":                     "\x00\x00",
		"version 2":                     "\x02\x00",
		"no value":                      "\x01",
		"unknown tag":                   "\x01\x0b",
		"tag 255":                       "\x01\xff",
		"same names without an array":   "\x01\x0a",
		"same names first in an array":  "\x01\x08\x01\x0a",
		"same names after a text":       "\x01\x08\x02\x05\x00\x0a",
		"same names after no names":     "\x01\x08\x02\x09\x00\x0a",
		"same names inside a bundle":    "\x01\x08\x02\x09\x01\x01a\x00\x09\x01\x01b\x0a",
		"int cut":                       "\x01\x03\x80",
		"int too long":                  "\x01\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
		"int in too many bytes":         "\x01\x03\x80\x00",
		"float cut":                     "\x01\x04\x00\x00\x00\x00\x00\x00\x00",
		"text cut":                      "\x01\x05\x02a",
		"text of all memory":            "\x01\x05" + long(math.MaxUint64),
		"text of half of all memory":    "\x01\x05" + long(math.MaxInt64),
		"length in too many bytes":      "\x01\x05\x81\x00a",
		"buffer cut":                    "\x01\x06\x01",
		"date cut":                      "\x01\x07\x00",
		"date with a whole second more": "\x01\x07\x00" + long(1e9),
		"array cut":                     "\x01\x08\x02\x00",
		"array of all memory":           "\x01\x08" + long(math.MaxUint64),
		"array of more than there is":   "\x01\x08" + long(1<<40),
		"bundle cut":                    "\x01\x09\x01\x01a",
		"bundle of all memory":          "\x01\x09" + long(math.MaxUint64),
		"a name twice":                  "\x01\x09\x02\x01a\x00\x01a\x00",
		"names cut":                     "\x01\x09\x01\x02a",
		"too deep":                      "\x01" + strings.Repeat("\x08\x01", connector.MaxDepth+2) + "\x00",
	} {
		_, _, err := connector.DecodeValue([]byte(data))
		require.ErrorIs(t, err, connector.ErrWire, name)
		_, _, err = connector.DecodeBundle([]byte(data))
		require.ErrorIs(t, err, connector.ErrWire, name)
	}
	_, _, err := connector.DecodeBundle([]byte("\x01\x05\x01a"))
	require.ErrorIs(t, err, connector.ErrWire, "a text is no bundle")
}

// Every count in hostile data claims as much as there could be; memory must stay in proportion to the data.
func TestHostileWireDataDoesNotAllocate(t *testing.T) { // not parallel: it reads the allocation counter of the process
	claim := []byte{1}
	const size = 64 << 10
	for range connector.MaxDepth - 1 {
		claim = binary.AppendUvarint(append(claim, 8), size/2)
	}
	claim = append(claim, make([]byte, size-len(claim))...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _, err := connector.DecodeValue(claim)
	runtime.ReadMemStats(&after)
	require.ErrorIs(t, err, connector.ErrWire)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64*size))
}

func FuzzDecodeValue(f *testing.F) {
	for _, v := range wireValues() {
		encoded, err := connector.AppendValue(nil, v.value)
		require.NoError(f, err)
		f.Add(encoded)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		value, rest, err := connector.DecodeValue(data)
		if err != nil {
			require.ErrorIs(t, err, connector.ErrWire)
			return
		}
		used := data[:len(data)-len(rest)]
		again, err := connector.AppendValue(nil, value)
		require.NoError(t, err)
		// The one freedom of the format is to repeat names where they could be left out.
		require.LessOrEqual(t, len(again), len(used))
		back, rest, err := connector.DecodeValue(again)
		require.NoError(t, err)
		require.Empty(t, rest)
		require.True(t, connector.Equal(value, back))
		for cut := 0; cut < len(used); cut += max(1, len(used)/8) {
			_, _, err := connector.DecodeValue(used[:cut])
			require.Error(t, err)
		}
	})
}

func BenchmarkWire(b *testing.B) {
	for _, lines := range []int{1, 10, 1000} {
		value := order(lines)
		encoded, err := connector.AppendBundle(nil, value)
		require.NoError(b, err)
		text, err := connector.AppendJSON(nil, value)
		require.NoError(b, err)
		b.Run(fmt.Sprintf("append/%d", lines), func(b *testing.B) {
			b.ReportAllocs()
			var room []byte
			for b.Loop() {
				if room, err = connector.AppendBundle(room[:0], value); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(encoded)), "bytes")
			b.ReportMetric(float64(len(text)), "json-bytes")
		})
		b.Run(fmt.Sprintf("decode/%d", lines), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := connector.DecodeBundle(encoded); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
