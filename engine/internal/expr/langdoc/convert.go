package main

import (
	"time"

	"github.com/ebbkit/ebb/connector"
)

// conversions shows what every type becomes where another one is declared.
func (p *page) conversions() {
	p.text("## Conversions", "A field, and an argument of a function, gets a value of the type that it declares. Null stays null. What cannot be converted is a BundleValidationError, here –.")
	at := time.Date(2026, time.January, 31, 11, 22, 33, 0, time.UTC)
	values := []struct {
		kind  string
		value any
	}{
		{"boolean", true}, {"boolean", false}, {"number", int64(0)}, {"number", 2.5}, {"text", "false"}, {"text", ""}, {"text", "12"}, {"text", "2026-01-31"}, {"text", "9:05 PM"}, {"text", "hello"}, {"date", at}, {"buffer", []byte("hi")},
		{"buffer", []byte{0xff}}, {"array", []any{int64(1), "a"}}, {"collection", connector.NewBundle("a", 1)},
	}
	types := []connector.FieldType{
		connector.TypeText, connector.TypeNumber, connector.TypeInteger, connector.TypeBoolean, connector.TypeDate, connector.TypeTime, connector.TypeBuffer, connector.TypeArray, connector.TypeCollection,
	}
	head := []string{"From", "Value"}
	for _, to := range types {
		head = append(head, "to "+string(to))
	}
	rows := [][]string{head}
	for _, v := range values {
		row := []string{v.kind, shown(v.value)}
		for _, to := range types {
			converted, err := connector.Coerce(v.value, to, time.UTC)
			switch {
			case err == nil:
				row = append(row, shown(converted))
			case connector.TypeOf(err) == connector.DataError:
				row = append(row, "DataError")
			default:
				row = append(row, "–")
			}
		}
		rows = append(rows, row)
	}
	p.table(rows)
	p.text("Integers have no fraction, unsigned ones no sign either. Dates are read in all usual forms: ISO 8601, `YYYY-MM-DD HH:mm:ss`, `MM/DD/YYYY`, `D.M.YYYY`, `20 June 2016` and the like, with an offset or in the scenario's time zone.")
}
