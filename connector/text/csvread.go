package text

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ebbkit/ebb/connector"
)

type parseCSVInput struct {
	CSV string `json:"csv" label:"CSV" required:"true"`

	ColCount           int64  `json:"colCount" label:"Number of columns" min:"0" param:"true"`
	CSVContainsHeaders bool   `json:"csvContainsHeaders" label:"CSV contains headers" param:"true"`
	CSVHeaders         string `json:"csvHeaders" label:"CSV headers" param:"true"`
	Relax              bool   `json:"relax" label:"Preserve quotes inside unquoted field" param:"true"`
	DelimiterType      string `json:"delimiterType" label:"Delimiter" default:"," param:"true"`
	Delimiter          string `json:"delimiter" label:"Delimiter character" param:"true"`
}

// maxColumns is how many columns a row may have, or may be said to have. A row of commas takes a hundred times its length.
const maxColumns = 16384

// parseCSV reads a CSV text (RFC 4180) and gives a bundle per row, as it is read: the fields "col1", "col2" and so on, all
// of them texts. Rows end with LF, CRLF or CR; empty lines are no rows. A row that has fewer columns than the parameter
// "colCount" has null in the others; one that has more has them all. More than 16384 columns are a DataError.
//
// With "csvContainsHeaders" the first row is left out. With "csvHeaders", which is a CSV text of one row itself, each column
// is found under its name there, too. "relax" lets quotes stand inside fields; otherwise they are a DataError, as is a quote
// that is not closed. Errors name the row and never what stands there.
func parseCSV() connector.Search {
	return connector.NewSearch(connector.Info{
		Name:        "ParseCSV",
		Version:     1,
		Label:       "Parse CSV",
		Description: "Reads a CSV text row by row.",
		Pure:        true,
	}, func(ctx context.Context, _ *connector.Call, in parseCSVInput) iter.Seq2[connector.Bundle, error] {
		return func(yield func(connector.Bundle, error) bool) {
			if err := in.rows(ctx, func(b connector.Bundle) bool { return yield(b, nil) }); err != nil {
				yield(connector.Bundle{}, err)
			}
		}
	})
}

// rows gives the bundles until take wants no more.
func (in *parseCSVInput) rows(ctx context.Context, take func(connector.Bundle) bool) error {
	comma, err := delimiter(in.DelimiterType, in.Delimiter)
	if err != nil {
		return err
	}
	if in.ColCount > maxColumns {
		return connector.Errorf(connector.InvalidConfigurationError, "parameter colCount: at most %d", maxColumns)
	}
	columns := columnNames{count: int(in.ColCount)}
	if in.CSVHeaders != "" {
		headers := csvReader{text: in.CSVHeaders, comma: comma, relax: true}
		row, err := headers.next()
		if err != nil {
			return err
		}
		columns.headers = slices.Clone(row)
	}
	r := csvReader{text: strings.TrimPrefix(in.CSV, "\ufeff"), comma: comma, relax: in.Relax}
	skip := in.CSVContainsHeaders
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		row, err := r.next()
		if err != nil || row == nil {
			return err
		}
		if skip {
			skip = false
			continue
		}
		if !take(columns.bundle(row)) {
			return nil
		}
	}
}

// delimiter returns what separates the fields of a row.
func delimiter(kind, other string) (string, error) {
	switch kind {
	case "", "comma":
		return ",", nil
	case `\t`, "tab":
		return "\t", nil
	case "other":
		kind = other
	}
	r, size := utf8.DecodeRuneInString(kind)
	if size == 0 || size < len(kind) || r == '"' || r == '\n' || r == '\r' || r == utf8.RuneError {
		return "", connector.Errorf(connector.InvalidConfigurationError,
			"parameter delimiter: expected one character that is neither a quote nor a line end")
	}
	return kind, nil
}

// columnNames makes bundles of rows.
type columnNames struct {
	count   int
	headers []string

	width int      // how many columns names is made for
	names []string // col1 and so on, and behind them the headers that no other field has
	named []int    // which column each of these headers stands over
	room  []any
}

func (c *columnNames) bundle(row []string) connector.Bundle {
	if width := max(len(row), c.count); width != c.width {
		c.name(width)
	}
	values := c.room[:0]
	for i := range c.width {
		var value any
		if i < len(row) {
			value = row[i]
		}
		values = append(values, value)
	}
	for _, i := range c.named {
		values = append(values, values[i])
	}
	c.room = values
	return connector.BundleOf(c.names, values)
}

func (c *columnNames) name(width int) {
	c.width, c.names, c.named = width, c.names[:0], c.named[:0]
	for i := range width {
		c.names = append(c.names, "col"+strconv.Itoa(i+1))
	}
	taken := map[string]bool{"": true}
	for _, name := range c.names {
		taken[name] = true
	}
	for i, header := range c.headers[:min(len(c.headers), width)] {
		if !taken[header] {
			taken[header] = true
			c.names, c.named = append(c.names, header), append(c.named, i)
		}
	}
}

// csvReader reads rows of a text.
type csvReader struct {
	text, comma string
	relax       bool

	at     int
	number int
	fields []string
	buf    []byte
}

// shareUpTo is the size of a text whose fields may all point into it. Of a larger one each row gets a copy, because one
// small field that lives long would keep all of it in memory.
const shareUpTo = 16 << 10

// next returns the fields of the next row, which are valid until the next call, or nil at the end of the text.
func (r *csvReader) next() ([]string, error) {
	for r.at < len(r.text) && (r.text[r.at] == '\n' || r.text[r.at] == '\r') {
		r.at++
	}
	if r.at >= len(r.text) {
		return nil, nil
	}
	r.number++
	r.fields = r.fields[:0]
	for {
		field, err := r.field()
		if err != nil {
			return nil, err
		}
		if len(r.fields) == maxColumns {
			return nil, r.problem("more than " + strconv.Itoa(maxColumns) + " columns")
		}
		r.fields = append(r.fields, field)
		if r.at < len(r.text) && strings.HasPrefix(r.text[r.at:], r.comma) {
			r.at += len(r.comma)
			continue
		}
		r.lineEnd()
		break
	}
	if len(r.text) > shareUpTo {
		r.detach()
	}
	return r.fields, nil
}

// lineEnd goes behind the end of a row.
func (r *csvReader) lineEnd() {
	if strings.HasPrefix(r.text[r.at:], "\r\n") {
		r.at += 2
	} else if r.at < len(r.text) {
		r.at++
	}
}

// detach makes the fields of a row parts of one text of their own.
func (r *csvReader) detach() {
	r.buf = r.buf[:0]
	for _, field := range r.fields {
		r.buf = append(r.buf, field...)
	}
	row := string(r.buf)
	for i, field := range r.fields {
		r.fields[i], row = row[:len(field)], row[len(field):]
	}
}

// field reads up to the delimiter or the end of the row.
func (r *csvReader) field() (string, error) {
	if r.at < len(r.text) && r.text[r.at] == '"' {
		return r.quoted()
	}
	from := r.at
	for r.at < len(r.text) {
		switch c := r.text[r.at]; {
		case c == '\n' || c == '\r':
			return r.text[from:r.at], nil
		case c == r.comma[0] && strings.HasPrefix(r.text[r.at:], r.comma):
			return r.text[from:r.at], nil
		case c == '"' && !r.relax:
			return "", r.problem("a quote inside a field that has none around it")
		}
		r.at++
	}
	return r.text[from:], nil
}

// quoted reads a field in quotes, in which a quote stands twice.
func (r *csvReader) quoted() (string, error) {
	r.at++
	from := r.at
	var out []byte // nil as long as the field is what stands in the text
	for {
		i := strings.IndexByte(r.text[r.at:], '"')
		if i < 0 {
			return "", r.problem("a quote that is not closed")
		}
		end := r.at + i
		r.at = end + 1
		if r.ends() {
			if out == nil {
				return r.text[from:end], nil
			}
			return string(append(out, r.text[from:end]...)), nil
		}
		twice := r.text[r.at] == '"'
		if !twice && !r.relax {
			return "", r.problem("a quote inside a field that is not doubled")
		}
		out = append(out, r.text[from:r.at]...)
		if twice {
			r.at++
		}
		from = r.at
	}
}

// ends says whether a field may end here.
func (r *csvReader) ends() bool {
	return r.at >= len(r.text) || r.text[r.at] == '\n' || r.text[r.at] == '\r' || strings.HasPrefix(r.text[r.at:], r.comma)
}

func (r *csvReader) problem(what string) error {
	return connector.Errorf(connector.DataError, "invalid CSV: row %d: %s", r.number, what)
}
