package connector_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
)

func TestJSONIsWrittenAsJavaScriptDoes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value any
		want  string
	}{
		{nil, `null`},
		{true, `true`},
		{int64(math.MaxInt64), `9223372036854775807`},
		{int64(math.MinInt64), `-9223372036854775808`},
		{0.0, `0`},
		{math.Copysign(0, -1), `0`},
		{1.0, `1`},
		{0.1, `0.1`},
		{-1.5, `-1.5`},
		{1e20, `100000000000000000000`},
		{1e21, `1e+21`},
		{1.5e300, `1.5e+300`},
		{1e-6, `0.000001`},
		{1e-7, `1e-7`},
		{1.25e-9, `1.25e-9`},
		{5e-324, `5e-324`},
		{math.MaxFloat64, `1.7976931348623157e+308`},
		{math.NaN(), `null`},
		{math.Inf(-1), `null`},
		{"", `""`},
		{"a<b>&c\u2028", "\"a<b>&c\u2028\""},
		{"\"\\/\b\f\n\r\t\x00\x1f\x7f", `"\"\\/\b\f\n\r\t\u0000\u001f` + "\x7f\""},
		{"héé€😀", `"héé€😀"`},
		{"a\xffb\xc3", "\"a\uFFFDb\uFFFD\""},
		{[]byte("text"), `"text"`},
		{[]byte{0xff, 0xfe}, `"//4="`},
		{time.Date(2026, 1, 2, 3, 4, 5, 6_789_000, time.FixedZone("", 3600)), `"2026-01-02T02:04:05.006Z"`},
		{time.Date(12345, 1, 2, 3, 4, 5, 0, time.UTC), `"+012345-01-02T03:04:05.000Z"`},
		{time.Date(-1, 1, 2, 3, 4, 5, 0, time.UTC), `"-000001-01-02T03:04:05.000Z"`},
		{time.Date(123456, 1, 2, 3, 4, 5, 0, time.UTC), `"+123456-01-02T03:04:05.000Z"`},
		{[]any{}, `[]`},
		{[]any{nil, int64(1), "a"}, `[null,1,"a"]`},
		{connector.Bundle{}, `{}`},
		{connector.NewBundle("z", 1, "a", connector.NewBundle("b", []any{1})), `{"z":1,"a":{"b":[1]}}`},
		{map[string]int{"b": 1, "a": 2}, `{"a":2,"b":1}`},
	} {
		got, err := connector.AppendJSON([]byte("before "), c.value)
		require.NoError(t, err)
		require.Equal(t, "before "+c.want, string(got))
	}
}

func TestBundleInsideAStructIsJSON(t *testing.T) {
	t.Parallel()
	type message struct {
		Data connector.Bundle `json:"data"`
		Rest string           `json:"rest"`
	}
	out, err := json.Marshal(message{connector.NewBundle("b", 1, "a", 0.5), "x"})
	require.NoError(t, err)
	require.Equal(t, `{"data":{"b":1,"a":0.5},"rest":"x"}`, string(out))
	var back message
	require.NoError(t, json.Unmarshal(out, &back))
	require.True(t, connector.Equal(connector.NewBundle("b", 1, "a", 0.5), back.Data))

	require.NoError(t, json.Unmarshal([]byte(`{"data":null}`), &back))
	require.Equal(t, 2, back.Data.Len(), "null leaves it as it is")
	require.ErrorIs(t, json.Unmarshal([]byte(`{"data":[1]}`), &back), connector.ErrJSON)
}

func TestJSONOfForeignValuesFails(t *testing.T) {
	t.Parallel()
	_, err := connector.AppendJSON(nil, func() {})
	require.ErrorIs(t, err, connector.ErrUnsupported)
	ring := []any{nil}
	ring[0] = ring
	_, err = connector.AppendJSON(nil, ring)
	require.ErrorIs(t, err, connector.ErrDepth)
}

func TestParseJSONReadsValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want any
	}{
		{` null `, nil},
		{"\t\r\n true", true},
		{`false`, false},
		{`0`, int64(0)},
		{`-0`, int64(0)},
		{`-12`, int64(-12)},
		{`999999999999999999`, int64(999999999999999999)},
		{`9223372036854775807`, int64(math.MaxInt64)},
		{`-9223372036854775808`, int64(math.MinInt64)},
		{`9223372036854775808`, 9223372036854775808.0},
		{`1.0`, 1.0},
		{`-0.5e+1`, -5.0},
		{`1E2`, 100.0},
		{`1e-400`, 0.0},
		{`""`, ""},
		{`"a\"\\\/\b\f\n\r\t\u00e9"`, "a\"\\/\b\f\n\r\té"},
		{`"\ud83d\ude00!"`, "😀!"},
		{`"\ud83d"`, "\uFFFD"},
		{`"\ude00\ud83dx"`, "\uFFFD\uFFFDx"},
		{`"\ud83d\u0041"`, "\uFFFDA"},
		{"\"a\xffb\"", "a\uFFFDb"},
		{"\"\\n\xff\"", "\n\uFFFD"},
		{"\xef\xbb\xbf1", int64(1)},
		{`[]`, []any{}},
		{`[ 1 , [ "a" ] , { } ]`, []any{int64(1), []any{"a"}, connector.Bundle{}}},
		{`{"z":1,"a":{"b":[true]},"":null}`, connector.NewBundle("z", 1, "a", connector.NewBundle("b", []any{true}), "", nil)},
		{`{"a":1,"b":2,"a":3}`, connector.NewBundle("a", 3, "b", 2)},
		{`{"a":{"a":1},"a":2}`, connector.NewBundle("a", 2)},
	} {
		got, err := connector.ParseJSON([]byte(c.text))
		require.NoError(t, err, c.text)
		require.True(t, connector.Equal(c.want, got), "%s: %#v", c.text, got)
	}
}

func TestParseJSONRefusesWhatIsNoJSON(t *testing.T) {
	t.Parallel()
	for text, message := range map[string]string{
		``:                 `expected a value at byte 1, but the text ends`,
		`  `:               `expected a value at byte 3, but the text ends`,
		`nul`:              `expected a value at byte 1`,
		`True`:             `expected a value at byte 1`,
		`'a'`:              `expected a value at byte 1`,
		`1 2`:              `expected the end at byte 3`,
		`01`:               `expected the end at byte 2`,
		`+1`:               `expected a value at byte 1`,
		`.5`:               `expected a value at byte 1`,
		`-`:                `expected a digit at byte 2, but the text ends`,
		`1.`:               `expected a digit at byte 3, but the text ends`,
		`1.e1`:             `expected a digit at byte 3`,
		`1e`:               `expected a digit at byte 3, but the text ends`,
		`1e400`:            `expected a number that a float64 can hold at byte 1`,
		`NaN`:              `expected a value at byte 1`,
		`[1,]`:             `expected a value at byte 4`,
		`[1`:               `expected "," or "]" at byte 3, but the text ends`,
		`[1 2]`:            `expected "," or "]" at byte 4`,
		`{`:                `expected a name in quotes at byte 2, but the text ends`,
		`{a:1}`:            `expected a name in quotes at byte 2`,
		`{"a" 1}`:          `expected ":" at byte 6`,
		`{"a":1,}`:         `expected a name in quotes at byte 8`,
		`{"a":1 "b":2}`:    `expected "," or "}" at byte 8`,
		`"a`:               `expected the closing quote at byte 3, but the text ends`,
		`"\`:               `expected the closing quote at byte 3, but the text ends`,
		`"\n`:              `expected the closing quote at byte 4, but the text ends`,
		`"\x"`:             `expected a known escape at byte 3`,
		`"\u12"`:           `expected four hexadecimal digits at byte 3`,
		`"\u+123"`:         `expected four hexadecimal digits at byte 3`,
		`"\u1_23"`:         `expected four hexadecimal digits at byte 3`,
		"\"a\nb\"":         `expected an escape for a control character at byte 3`,
		"\"\\n\n\"":        `expected an escape for a control character at byte 4`,
		"1\x00":            `expected the end at byte 2`,
		"{\"a\":1}\ufeff{": `expected the end at byte 8`,
	} {
		_, err := connector.ParseJSON([]byte(text))
		require.ErrorIs(t, err, connector.ErrJSON, "%q", text)
		require.Equal(t, "connector: invalid JSON: "+message, err.Error(), "%q", text)
	}
}

func TestParseJSONLimitsDepthAndNothingElse(t *testing.T) {
	t.Parallel()
	nested := func(depth int) []byte {
		return []byte(strings.Repeat(`[{"a":`, depth/2) + "1" + strings.Repeat(`}]`, depth/2))
	}
	value, err := connector.ParseJSON(nested(connector.MaxDepth))
	require.NoError(t, err)
	out, err := connector.AppendJSON(nil, value)
	require.NoError(t, err)
	require.Equal(t, string(nested(connector.MaxDepth)), string(out))

	_, err = connector.ParseJSON(nested(connector.MaxDepth + 2))
	require.ErrorIs(t, err, connector.ErrDepth)
	_, err = connector.ParseJSON(bytes.Repeat([]byte("["), 10<<20))
	require.ErrorIs(t, err, connector.ErrDepth)

	// An object of a hundred thousand fields takes no quadratic time: this would run for minutes.
	var wide strings.Builder
	wide.WriteString("{")
	for i := range 100_000 {
		fmt.Fprintf(&wide, `"field %d":%d,`, i, i)
	}
	wide.WriteString(`"field 7":"again"}`)
	value, err = connector.ParseJSON([]byte(wide.String()))
	require.NoError(t, err)
	require.Equal(t, 100_000, value.(connector.Bundle).Len())
	require.Equal(t, "again", value.(connector.Bundle).Get("field 7"))
}

func TestParsedTextsDoNotFollowTheirSource(t *testing.T) {
	t.Parallel()
	for _, size := range []int{10, 100_000} {
		source := []byte(`{"name":"` + strings.Repeat("a", size) + `"}`)
		value, err := connector.ParseJSON(source)
		require.NoError(t, err)
		clear(source)
		require.Equal(t, strings.Repeat("a", size), value.(connector.Bundle).Get("name"))
	}
}

func FuzzParseJSON(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,2.5,"x",null,true,{"b":{}}],"a":"\ud83d\ude00\n"}`, `[]`, `"\ud83d"`, `-0`, `1e400`, `{"a":}`, "\xef\xbb\xbf{}",
		`[[[[[[[[]]]]]]]]`, "\"\xff\"", ` { } `,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		value, err := connector.ParseJSON(text)
		plain := bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
		if err != nil {
			ours := errors.Is(err, connector.ErrDepth) || strings.Contains(err.Error(), "that a float64 can hold")
			require.True(t, ours || !json.Valid(plain), "refuses valid JSON %q: %v", text, err)
			return
		}
		require.True(t, json.Valid(plain), "takes invalid JSON %q", text)
		out, err := connector.AppendJSON(nil, value)
		require.NoError(t, err)
		require.True(t, json.Valid(out) && utf8.Valid(out))
		again, err := connector.ParseJSON(out)
		require.NoError(t, err)
		back, err := connector.AppendJSON(nil, again)
		require.NoError(t, err)
		require.Equal(t, string(out), string(back))
		// encoding/json must understand the text as the same, but for the order of fields.
		var want, got any
		require.NoError(t, json.Unmarshal(plain, &want))
		require.NoError(t, json.Unmarshal(out, &got))
		require.Equal(t, want, got)
	})
}

// order is a bundle like those that scenarios move: some nested, some numbers, some dates.
func order(lines int) connector.Bundle {
	list := make([]any, lines)
	for i := range list {
		list[i] = connector.NewBundle("sku", fmt.Sprintf("A-%04d", i), "quantity", i%5+1, "price", 9.99,
			"taxable", i%2 == 0, "note", nil)
	}
	return connector.NewBundle(
		"id", "018f3c5e-0000-7000-8000-000000000001", "number", 100234, "total", 1234.5, "paid", true,
		"created", "2026-01-02T03:04:05.678Z",
		"customer", connector.NewBundle("name", "Ada Lovelace", "email", "ada@example.com", "city", "London"),
		"lines", list)
}

func BenchmarkParseJSON(b *testing.B) {
	for _, lines := range []int{1, 10, 1000} {
		text, err := order(lines).MarshalJSON()
		require.NoError(b, err)
		b.Run(fmt.Sprintf("bundle/%d", lines), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := connector.ParseJSON(text); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("map/%d", lines), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				var value any
				if err := json.Unmarshal(text, &value); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	for _, lines := range []int{1, 10, 1000} {
		value := order(lines)
		text, err := value.MarshalJSON()
		require.NoError(b, err)
		var plain any
		require.NoError(b, json.Unmarshal(text, &plain))
		b.Run(fmt.Sprintf("bundle/%d", lines), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			var room []byte
			for b.Loop() {
				if room, err = connector.AppendJSON(room[:0], value); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("map/%d", lines), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := json.Marshal(plain); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
