package text_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
)

func TestParseCSVGivesABundlePerRow(t *testing.T) {
	t.Parallel()
	none := connector.Bundle{}
	tests := map[string]struct {
		params connector.Bundle
		csv    any
		want   string
	}{
		"rows":                     {none, "a,b\nc,d\n", `{"col1":"a","col2":"b"} {"col1":"c","col2":"d"}`},
		"as exported":              {connector.NewBundle("colCount", "2", "csvContainsHeaders", true, "delimiterType", ",", "relax", false, "csvHeaders", "", "delimiter", ""), "h,i\na,b", `{"col1":"a","col2":"b"}`},
		"CRLF and no last end":     {none, "a,b\r\nc,d", `{"col1":"a","col2":"b"} {"col1":"c","col2":"d"}`},
		"CR":                       {none, "a\rb\r", `{"col1":"a"} {"col1":"b"}`},
		"empty lines":              {none, "\n\na\n\r\n\nb\n\n", `{"col1":"a"} {"col1":"b"}`},
		"empty fields":             {none, ",\n\"\"\n", `{"col1":"","col2":""} {"col1":""}`},
		"quotes":                   {none, "\"a,b\",\"c\"\"d\"\"\",\"e\r\nf\"\n", `{"col1":"a,b","col2":"c\"d\"","col3":"e\r\nf"}`},
		"blanks stay":              {none, " a , b \n", `{"col1":" a ","col2":" b "}`},
		"a tab":                    {connector.NewBundle("delimiterType", "\t"), "a\tb,c\n", `{"col1":"a","col2":"b,c"}`},
		"a tab, escaped":           {connector.NewBundle("delimiterType", `\t`), "a\tb\n", `{"col1":"a","col2":"b"}`},
		"another delimiter":        {connector.NewBundle("delimiterType", "other", "delimiter", ";"), "a;b,c\n", `{"col1":"a","col2":"b,c"}`},
		"a delimiter of two bytes": {connector.NewBundle("delimiterType", "other", "delimiter", "§"), "a§\"b§\"§Âc\n", `{"col1":"a","col2":"b§","col3":"Âc"}`},
		"short rows":               {connector.NewBundle("colCount", 3), "a\nb,c,d,e\n", `{"col1":"a","col2":null,"col3":null} {"col1":"b","col2":"c","col3":"d","col4":"e"}`},
		"headers only":             {connector.NewBundle("csvContainsHeaders", true), "a,b\n", ``},
		"named columns":            {connector.NewBundle("csvHeaders", `"First, name",b,,col1,b,z`), "1,2,3,4,5\n", `{"col1":"1","col2":"2","col3":"3","col4":"4","col5":"5","First, name":"1","b":"2"}`},
		"a byte order mark":        {none, "\ufeff\"a\"\n", `{"col1":"a"}`},
		"unicode":                  {none, "ž😀,ü\n", `{"col1":"ž😀","col2":"ü"}`},
		"a buffer":                 {none, []byte("a,b"), `{"col1":"a","col2":"b"}`},
		"one value":                {none, 12, `{"col1":"12"}`},
		"quotes inside, relaxed":   {connector.NewBundle("relax", true), "a\"b\"c,\"d\"e\",\"f\"\"\"\n", `{"col1":"a\"b\"c","col2":"d\"e","col3":"f\""}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := connectortest.Run(t, module(t, "ParseCSV"), connectortest.Call{
				Params: test.params, Input: connector.NewBundle("csv", test.csv),
			})
			require.NoError(t, result.Err)
			require.Equal(t, test.want, line(t, result.Bundles))
		})
	}
}

func TestParseCSVNamesTheRowThatIsWrong(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ csv, message string }{
		"a quote inside":          {"a\nnee\"dle\n", "row 2"},
		"a quote behind":          {"\"a\"needle\n", "row 1"},
		"a quote that stays open": {"a\n\nb\n\"needle,x\n", "row 3"},
		"too many columns":        {"a\n" + strings.Repeat(",", 16384) + "needle", "row 2: more than 16384 columns"},
	} {
		result := connectortest.Run(t, module(t, "ParseCSV"), connectortest.Call{Input: connector.NewBundle("csv", test.csv)})
		require.Equal(t, connector.DataError, connector.TypeOf(result.Err), name)
		require.ErrorContains(t, result.Err, test.message)
		require.NotContains(t, result.Err.Error(), "needle")
	}
	result := connectortest.Run(t, module(t, "ParseCSV"), connectortest.Call{
		Params: connector.NewBundle("relax", true), Input: connector.NewBundle("csv", `"a`),
	})
	require.Equal(t, connector.DataError, connector.TypeOf(result.Err))
}

func TestParseCSVRefusesBadParameters(t *testing.T) {
	t.Parallel()
	for name, params := range map[string]connector.Bundle{
		"no delimiter":     connector.NewBundle("delimiterType", "other"),
		"two delimiters":   connector.NewBundle("delimiterType", "other", "delimiter", ";;"),
		"a quote":          connector.NewBundle("delimiterType", "other", "delimiter", `"`),
		"a line end":       connector.NewBundle("delimiterType", "other", "delimiter", "\n"),
		"too many columns": connector.NewBundle("colCount", 1<<30),
	} {
		result := connectortest.Run(t, module(t, "ParseCSV"), connectortest.Call{Params: params, Input: connector.NewBundle("csv", "a")})
		require.Equal(t, connector.InvalidConfigurationError, connector.TypeOf(result.Err), name)
	}
	for name, input := range map[string]connector.Bundle{
		"nothing": {}, "an empty text": connector.NewBundle("csv", ""), "a collection": connector.NewBundle("csv", connector.NewBundle("a", 1)),
	} {
		result := connectortest.Run(t, module(t, "ParseCSV"), connectortest.Call{Input: input})
		require.Equal(t, connector.BundleValidationError, connector.TypeOf(result.Err), name)
	}
}

// Not parallel: it looks at what the whole process allocates.
func TestParseCSVReadsAsItGives(t *testing.T) {
	csv := strings.Repeat("0123456789,0123456789,0123456789\n", 1<<20)
	call := &connector.Call{Input: connector.NewBundle("csv", csv), Location: time.UTC}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	rows := 0
	for bundle, err := range module(t, "ParseCSV").(connector.Search).Search(t.Context(), call) {
		require.NoError(t, err)
		require.Equal(t, 3, bundle.Len())
		if rows++; rows == 10 {
			break
		}
	}
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20), "of %d bytes of text", len(csv))
}

func TestParseCSVEndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	result := connectortest.RunContext(ctx, t, module(t, "ParseCSV"), connectortest.Call{Input: connector.NewBundle("csv", "a\nb\n")})
	require.ErrorIs(t, result.Err, context.Canceled)
}

func TestCreateCSVWritesARowPerBundle(t *testing.T) {
	t.Parallel()
	when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	people := []connector.Bundle{connector.NewBundle("Full Name", "Ada \"the\" Countess", "n", 1.50), connector.NewBundle("Full Name", "ü,\n😀", "n", nil)}
	tests := map[string]struct {
		params connector.Bundle
		rows   []connector.Bundle
		want   string
	}{
		"headers":           {connector.Bundle{}, people, "\"Full Name\",\"n\"\n\"Ada \"\"the\"\" Countess\",\"1.5\"\n\"ü,\n😀\",\"\"\n"},
		"no headers":        {connector.NewBundle("includeHeaders", false), people[:1], "\"Ada \"\"the\"\" Countess\",\"1.5\"\n"},
		"no bundles":        {connector.Bundle{}, nil, ""},
		"other ends":        {connector.NewBundle("newline", "crlf", "delimiterType", "other", "delimiter", ";"), people[:1], "\"Full Name\";\"n\"\r\n\"Ada \"\"the\"\" Countess\";\"1.5\"\r\n"},
		"values":            {connector.NewBundle("includeHeaders", false), []connector.Bundle{connector.NewBundle("a", true, "b", when, "c", []any{1, "x"}, "d", connector.NewBundle("k", "v"), "e", []byte("y"))}, `"true","2026-01-02T03:04:05.000Z","1, x","{""k"":""v""}","y"` + "\n"},
		"a column missing":  {connector.Bundle{}, []connector.Bundle{connector.NewBundle("a", 1, "b", 2), connector.NewBundle("b", 3), connector.NewBundle("b", 4, "a", 5)}, "\"a\",\"b\"\n\"1\",\"2\"\n\"\",\"3\"\n\"5\",\"4\"\n"},
		"columns come late": {connector.Bundle{}, []connector.Bundle{connector.NewBundle("a", "x\n\"y"), connector.NewBundle("b", 2), connector.NewBundle("c", 3, "a", 1)}, "\"a\",\"b\",\"c\"\n\"x\n\"\"y\",\"\",\"\"\n\"\",\"2\",\"\"\n\"1\",\"\",\"3\"\n"},
		"fields come late":  {connector.NewBundle("includeHeaders", false), []connector.Bundle{{}, connector.NewBundle("a", 1, "b", 2)}, "\"\",\"\"\n\"1\",\"2\"\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, name := range []string{"CreateCSV", "AggregateToCSV", "CreateCSVAdvanced"} {
				result := connectortest.Run(t, module(t, name), connectortest.Call{Params: test.params, Bundles: test.rows})
				require.NoError(t, result.Err)
				require.Equal(t, test.want, result.Bundles[0].Get("csv"))
			}
		})
	}
}

func TestCreateCSVRefusesWhatHasNoText(t *testing.T) {
	t.Parallel()
	result := connectortest.Run(t, module(t, "CreateCSV"), connectortest.Call{
		Bundles: []connector.Bundle{connector.NewBundle("a", 1), connector.NewBundle("a", []byte{0xff})},
	})
	require.Equal(t, connector.DataError, connector.TypeOf(result.Err))
	require.ErrorContains(t, result.Err, "row 2, field a")
	for _, params := range []connector.Bundle{connector.NewBundle("newline", "x"), connector.NewBundle("delimiterType", "other")} {
		result := connectortest.Run(t, module(t, "CreateCSV"), connectortest.Call{Params: params})
		require.Equal(t, connector.InvalidConfigurationError, connector.TypeOf(result.Err))
	}
}

// FuzzCSV checks that no text can crash the parser, and that what it reads is the same when it is written and read again.
func FuzzCSV(f *testing.F) {
	for _, seed := range []string{"a,b\nc,d", "\"a\"\"b\"\r\n", "a\rb", "\"", "a\"b", ",,,\n", "\ufeffa", "\"a\nb\",c", "é;😀\n", "\"a\"b,c\n"} {
		f.Add(seed, ",", true)
		f.Add(seed, ";", false)
		f.Add(seed, "é", true)
	}
	parse, create := module(f, "ParseCSV").(connector.Search), module(f, "CreateCSV").(connector.Aggregator)
	f.Fuzz(func(t *testing.T, csv, delimiter string, relax bool) {
		read := func(csv string, relax bool) ([]connector.Bundle, error) {
			var rows []connector.Bundle
			call := &connector.Call{
				Params: connector.NewBundle("delimiterType", "other", "delimiter", delimiter, "relax", relax),
				Input:  connector.NewBundle("csv", csv), Location: time.UTC,
			}
			for row, err := range parse.Search(t.Context(), call) {
				if err != nil {
					return nil, err
				}
				rows = append(rows, row)
			}
			return rows, nil
		}
		rows, err := read(csv, relax)
		if err != nil {
			return
		}
		width := 0
		for _, row := range rows {
			width = max(width, row.Len())
		}
		written, err := create.Aggregate(t.Context(), &connector.Call{
			Params:   connector.NewBundle("delimiterType", "other", "delimiter", delimiter, "includeHeaders", false),
			Location: time.UTC,
		}, func(yield func(connector.Bundle, error) bool) {
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
		})
		require.NoError(t, err)
		if len(rows) == 0 {
			require.Empty(t, written.Get("csv"))
			return
		}
		again, err := read(written.Get("csv").(string), false)
		require.NoError(t, err)
		require.Len(t, again, len(rows))
		for i, row := range again {
			require.Equal(t, width, row.Len())
			for name, value := range row.All() {
				want, _ := rows[i].Get(name).(string)
				require.Equal(t, want, value)
			}
		}
	})
}

func BenchmarkParseCSV(b *testing.B) {
	var csv strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&csv, "%d,Ada Lovelace,\"12 St James's Square, London\",ada@example.com,%d.50\n", i, i)
	}
	parse := module(b, "ParseCSV").(connector.Search)
	call := &connector.Call{Input: connector.NewBundle("csv", csv.String()), Location: time.UTC}
	b.SetBytes(int64(csv.Len()))
	b.ReportAllocs()
	for b.Loop() {
		rows := 0
		for range parse.Search(b.Context(), call) {
			rows++
		}
		require.Equal(b, 10_000, rows)
	}
}

func BenchmarkCreateCSV(b *testing.B) {
	create := module(b, "CreateCSV").(connector.Aggregator)
	row := connector.NewBundle("id", 17, "name", "Ada Lovelace", "address", "12 St James's Square, London", "amount", 12.5)
	b.ReportAllocs()
	for b.Loop() {
		out, err := create.Aggregate(b.Context(), &connector.Call{Location: time.UTC}, func(yield func(connector.Bundle, error) bool) {
			for range 10_000 {
				if !yield(row, nil) {
					return
				}
			}
		})
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(out.Get("csv").(string))))
	}
}
