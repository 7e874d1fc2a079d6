package text

import (
	"bytes"
	"context"
	"iter"

	"github.com/ebbkit/ebb/connector"
)

type createCSVParams struct {
	// The engine reads the feeder: it says whose bundles are one group.
	Feeder         any    `json:"feeder" label:"Source module"`
	Type           any    `json:"type" label:"Data structure"`
	IncludeHeaders bool   `json:"includeHeaders" label:"Include headers in the first row" default:"true"`
	DelimiterType  string `json:"delimiterType" label:"Delimiter" default:","`
	Delimiter      string `json:"delimiter" label:"Delimiter character"`
	Newline        string `json:"newline" label:"Newline"`
}

// createCSV writes a row per bundle (RFC 4180), with every field in quotes and a line end behind every row. The columns are
// the fields of the mapper, in the order in which they first come; a bundle that lacks one has an empty field. Values become
// text as connector.AppendText writes them, null an empty text and collections their JSON. No bundles give an empty text,
// since nobody knows the columns then.
//
// The parameter "newline" is LF unless it says "crlf" or "cr".
func createCSV(name, label string) connector.Aggregator {
	return connector.NewAggregator(connector.Info{
		Name:        name,
		Version:     1,
		Label:       label,
		Description: "Writes bundles as rows of a CSV text.",
		Pure:        true,
		Output:      []connector.Field{{Name: "csv", Type: connector.TypeText, Label: "CSV"}},
	}, func(
		_ context.Context, _ *connector.Call, params createCSVParams, bundles iter.Seq2[connector.Bundle, error],
	) (connector.Bundle, error) {
		comma, err := delimiter(params.DelimiterType, params.Delimiter)
		if err != nil {
			return connector.Bundle{}, err
		}
		newline, err := lineEnd(params.Newline)
		if err != nil {
			return connector.Bundle{}, err
		}
		w := csvWriter{comma: comma, newline: newline, columns: map[string]int{}}
		for bundle, err := range bundles {
			if err == nil {
				err = w.row(bundle)
			}
			if err != nil {
				return connector.Bundle{}, err
			}
		}
		text, err := w.text(params.IncludeHeaders)
		if err != nil {
			return connector.Bundle{}, err
		}
		return connector.NewBundle("csv", text), nil
	})
}

func lineEnd(newline string) (string, error) {
	switch newline {
	case "", "\n", `\n`, "lf":
		return "\n", nil
	case "\r\n", `\r\n`, "crlf":
		return "\r\n", nil
	case "\r", `\r`, "cr":
		return "\r", nil
	}
	return "", connector.Errorf(connector.InvalidConfigurationError, `parameter newline: expected "lf", "crlf" or "cr"`)
}

// csvWriter writes rows whose columns are not known beforehand.
type csvWriter struct {
	comma, newline string

	columns map[string]int
	names   []string
	values  []any
	rows    []byte
	// widths says from which row on, counted from 0, rows have how many columns.
	widths []csvWidth
	count  int
}

type csvWidth struct{ from, columns int }

func (w *csvWriter) row(b connector.Bundle) error {
	clear(w.values)
	next := 0 // bundles of one mapper have their fields in one order
	for name, value := range b.All() {
		i := next
		if i >= len(w.names) || w.names[i] != name {
			i = w.column(name)
		}
		w.values[i] = value
		next = i + 1
	}
	if n := len(w.widths); n == 0 || w.widths[n-1].columns < len(w.names) {
		w.widths = append(w.widths, csvWidth{w.count, len(w.names)})
	}
	w.count++
	for i, value := range w.values {
		if i > 0 {
			w.rows = append(w.rows, w.comma...)
		}
		if err := w.field(value); err != nil {
			return connector.Errorf(connector.DataError, "row %d, field %s: %w", w.count, w.names[i], err)
		}
	}
	w.rows = append(w.rows, w.newline...)
	if len(w.rows) > connector.MaxEncodedBytes {
		return tooLong()
	}
	return nil
}

// column returns the place of a column, behind all others if it is new.
func (w *csvWriter) column(name string) int {
	i, known := w.columns[name]
	if !known {
		i = len(w.names)
		w.columns[name] = i
		w.names, w.values = append(w.names, name), append(w.values, nil)
	}
	return i
}

func (w *csvWriter) field(value any) error {
	w.rows = append(w.rows, '"')
	from := len(w.rows)
	var err error
	if _, nested := value.(connector.Bundle); nested {
		w.rows, err = connector.AppendJSON(w.rows, value)
	} else {
		w.rows, err = connector.AppendText(w.rows, value)
	}
	if err != nil {
		return err
	}
	if bytes.IndexByte(w.rows[from:], '"') >= 0 {
		w.rows = append(w.rows[:from], bytes.ReplaceAll(w.rows[from:], []byte{'"'}, []byte(`""`))...)
	}
	w.rows = append(w.rows, '"')
	return nil
}

// text returns all rows with as many columns as there are in the end.
func (w *csvWriter) text(headers bool) (string, error) {
	var out bytes.Buffer
	if headers && w.count > 0 {
		head := csvWriter{comma: w.comma, newline: w.newline, columns: map[string]int{}}
		var names connector.Bundle
		for _, name := range w.names {
			names.Set(name, name)
		}
		if err := head.row(names); err != nil {
			return "", err
		}
		out.Write(head.rows)
	}
	if len(w.widths) > 1 {
		w.widen(&out)
	} else {
		out.Write(w.rows)
	}
	if out.Len() > connector.MaxEncodedBytes {
		return "", tooLong()
	}
	return out.String(), nil
}

// widen copies the rows and adds empty fields to those that were written before all columns were known. A row ends at the
// first line end outside of quotes.
func (w *csvWriter) widen(out *bytes.Buffer) {
	rows, missing, width := w.rows, 0, 0
	for n := range w.count {
		if width < len(w.widths) && w.widths[width].from == n {
			missing = len(w.names) - w.widths[width].columns
			width++
		}
		if missing == 0 {
			break
		}
		end, inside := 0, false
		for ; inside || !bytes.HasPrefix(rows[end:], []byte(w.newline)); end++ {
			inside = inside != (rows[end] == '"')
		}
		out.Write(rows[:end])
		for i := range missing {
			if i > 0 || end > 0 {
				out.WriteString(w.comma)
			}
			out.WriteString(`""`)
		}
		out.WriteString(w.newline)
		rows = rows[end+len(w.newline):]
	}
	out.Write(rows)
}
