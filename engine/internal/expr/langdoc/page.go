package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/expr"
)

// A page is written from top to bottom. The first problem ends up in err; what follows it does nothing.
type page struct {
	out      strings.Builder
	language *expr.Language
	run      run
	err      error
}

// text writes paragraphs.
func (p *page) text(paragraphs ...string) {
	for _, paragraph := range paragraphs {
		p.out.WriteString(paragraph + "\n\n")
	}
}

func (p *page) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

// table writes rows of cells, of which the first row is the head.
func (p *page) table(rows [][]string) {
	for i, row := range rows {
		for _, cell := range row {
			p.out.WriteString("| " + strings.ReplaceAll(cell, "|", `\|`) + " ")
		}
		p.out.WriteString("|\n")
		if i == 0 {
			p.out.WriteString(strings.Repeat("| --- ", len(row)) + "|\n")
		}
	}
	p.out.WriteString("\n")
}

// code writes a code span, which may hold backquotes.
func code(s string) string {
	s = strings.ReplaceAll(s, "\n", " ")
	if strings.Contains(s, "`") {
		return "`` " + s + " ``"
	}
	return "`" + s + "`"
}

// results is a table of templates and what they give.
func (p *page) results(templates ...string) {
	rows := [][]string{{"Template", "Value"}}
	for _, template := range templates {
		rows = append(rows, []string{code(template), p.eval(template)})
	}
	p.table(rows)
}

// eval gives a template's value as a cell.
func (p *page) eval(template string) string {
	tpl, err := p.language.Compile(template, nil)
	if err != nil {
		p.fail("%s: %w", template, err)
		return ""
	}
	v, err := tpl.Eval(p.run)
	var failure *expr.RuntimeError
	if errors.As(err, &failure) {
		return failure.Type
	}
	return shown(v)
}

// shown writes a value so that its type can be seen: text in quotes, and arrays and collections as JSON.
func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return code("null")
	case string:
		return code(strings.ReplaceAll(string(connector.AppendQuoted(nil, v)), "\u00a0", `\u00a0`))
	case expr.Special:
		return "*" + v.String() + "*"
	case time.Time:
		return code(v.UTC().Format("2006-01-02T15:04:05.000Z")) + " (date)"
	case []byte:
		return "buffer, length " + strconv.Itoa(len(v))
	case []any:
		if octets, ok := lone(v).([]byte); ok && !utf8.Valid(octets) {
			return "array of the buffer" // which has no JSON
		}
		return code(asJSON(v))
	case connector.Bundle:
		return code(asJSON(v))
	}
	text, err := connector.AppendText(nil, v)
	if err != nil {
		return err.Error()
	}
	return code(string(text))
}

// lone is the element of an array that has one.
func lone(array []any) any {
	if len(array) != 1 {
		return nil
	}
	return array[0]
}

// asJSON is the JSON that the language itself makes of a value.
func asJSON(v any) string {
	language, err := expr.New(expr.Options{})
	if err != nil {
		return err.Error()
	}
	tpl, err := language.Compile("{{toString(`1`)}}", nil)
	if err != nil {
		return err.Error()
	}
	text, err := tpl.Eval(only{run{}, connector.NewBundle("v", v)})
	if err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(strings.TrimPrefix(text.(string), `{"v":`), "}") //nolint:forcetypeassert // toString gives text
}

// only is an environment of one bundle.
type only struct {
	run
	bundle connector.Bundle
}

func (o only) Module(int) (any, bool) { return o.bundle, true }
