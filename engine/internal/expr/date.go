package expr

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ebbkit/ebb/connector"
)

// maxMillis is how far a date may be from 1970, in milliseconds, as in JavaScript: a hundred million days.
const maxMillis = 8.64e15

// maxFormat limits a format, and a text that is read by one: reading looks for each token in the rest of the text.
const maxFormat = 16 << 10

func errFormat() *RuntimeError {
	return overLimit("argument 2 (format): longer than %d bytes", maxFormat)
}

const isoFormat = "YYYY-MM-DDTHH:mm:ss.SSSZ"

func dateFunctions() []Function {
	date := Parameter{Name: "date", Type: connector.TypeDate}
	zone := Parameter{Name: "timezone", Type: connector.TypeText, Optional: true}
	calculate := func(name string, amount Parameter, f func(c *Call, t time.Time) (time.Time, error)) Function {
		return Function{
			Name: name, Family: "date", Result: connector.TypeDate, Parameters: []Parameter{date, amount},
			Call: func(c *Call) (any, error) {
				t, err := f(c, c.date(0).In(c.Location()))
				if err != nil {
					return nil, err
				}
				return checkDate(t)
			},
		}
	}
	adding := func(unit string, add func(t time.Time, n float64) time.Time) Function {
		return calculate("add"+unit, Parameter{Name: "number", Type: connector.TypeNumber}, func(c *Call, t time.Time) (time.Time, error) {
			n := c.number(1)
			if math.IsNaN(n) || math.Abs(n) > maxMillis {
				return t, errDateRange()
			}
			return add(t, n), nil
		})
	}
	setting := func(unit string, set func(t time.Time, n int) time.Time) Function {
		return calculate("set"+unit, Parameter{Name: "number", Type: connector.TypeNumber}, func(c *Call, t time.Time) (time.Time, error) {
			n := c.whole(1, 0)
			if abs(n) > 1e9 {
				return t, errDateRange()
			}
			return set(t, n), nil
		})
	}
	return []Function{
		{
			Name: "formatDate", Family: "date", Result: connector.TypeText,
			Parameters: []Parameter{date, {Name: "format", Type: connector.TypeText, Optional: true}, zone},
			prepare:    prepareFormat,
			Call:       formatDate,
		},
		{
			Name: "parseDate", Family: "date", Result: connector.TypeDate,
			Parameters: []Parameter{{Name: "text", Type: connector.TypeAny}, {Name: "format", Type: connector.TypeText, Optional: true}, zone},
			prepare:    prepareFormat,
			Call:       parseDateFunction,
		},
		adding("Seconds", func(t time.Time, n float64) time.Time { return addMillis(t, n*1e3) }),
		adding("Minutes", func(t time.Time, n float64) time.Time { return addMillis(t, n*60e3) }),
		adding("Hours", func(t time.Time, n float64) time.Time { return addMillis(t, n*3600e3) }),
		adding("Days", func(t time.Time, n float64) time.Time { return addDays(t, wholeDays(n)) }),
		adding("Months", func(t time.Time, n float64) time.Time { return addMonths(t, wholeDays(n)) }),
		adding("Years", func(t time.Time, n float64) time.Time { return addMonths(t, wholeDays(n*12)) }),
		setting("Second", func(t time.Time, n int) time.Time { return addMillis(t, float64(n-t.Second())*1e3) }),
		setting("Minute", func(t time.Time, n int) time.Time { return addMillis(t, float64(n-t.Minute())*60e3) }),
		setting("Hour", withHour),
		setting("Date", func(t time.Time, n int) time.Time { return addDays(t, n-t.Day()) }),
		setting("Year", func(t time.Time, n int) time.Time { return addMonths(t, (n-t.Year())*12) }),
		calculate("setDay", Parameter{Name: "number or name", Type: connector.TypeAny, sums: true}, func(c *Call, t time.Time) (time.Time, error) {
			n, err := c.unit(weekdayNames[:])
			return addDays(t, n-1-int(t.Weekday())), err
		}),
		calculate("setMonth", Parameter{Name: "number or name", Type: connector.TypeAny, sums: true}, func(c *Call, t time.Time) (time.Time, error) {
			n, err := c.unit(monthNames[:])
			return addMonths(t, n-int(t.Month())), err
		}),
	}
}

func errDateRange() *RuntimeError {
	return invalid("the date would be out of range")
}

func checkDate(t time.Time) (any, error) {
	// UnixMilli is not defined beyond years that an int64 can count in milliseconds, so the year is looked at first.
	if abs(t.Year()) > 275_760 || math.Abs(float64(t.UnixMilli())) > maxMillis {
		return nil, errDateRange()
	}
	return t.UTC(), nil
}

// prepareFormat takes a format apart that is known when the call is compiled.
func prepareFormat(args []node) any {
	if len(args) > 1 {
		known, ok := args[1].(constant)
		if !ok {
			return nil
		}
		if format, ok := known.value.(string); ok && format != "" {
			return parseFormat(format)
		}
	}
	return nil
}

// format gives the second argument, a format.
func (c *Call) format() dateFormat {
	if known, ok := c.prepared.(dateFormat); ok {
		return known
	}
	if format := c.text(1); format != "" {
		return parseFormat(format)
	}
	return parseFormat(isoFormat)
}

func formatDate(c *Call) (any, error) {
	loc, err := c.zone(2)
	if err != nil {
		return nil, err
	}
	if len(c.text(1)) > maxFormat {
		return nil, errFormat()
	}
	base := len(c.memory.text)
	text := c.format().append(c.memory.text, c.date(0).In(loc))
	c.memory.text = text[:base]
	if err := c.checkText(len(text) - base); err != nil {
		return nil, err
	}
	return string(text[base:]), nil
}

func parseDateFunction(c *Call) (any, error) {
	loc, err := c.zone(2)
	if err != nil {
		return nil, err
	}
	if t, ok := c.Args[0].(time.Time); ok {
		return t, nil
	}
	if isNull(c.Args[0]) {
		return nil, invalid("argument 1 (text) is empty, expected a date")
	}
	converted, err := coerce(c.Args[0], connector.TypeText, loc, c.lang.maxText)
	if err != nil {
		return nil, err
	}
	text, _ := converted.(string)
	format := c.text(1)
	if format == "" {
		return coerce(text, connector.TypeDate, loc, c.lang.maxText)
	}
	if len(format) > maxFormat {
		return nil, errFormat()
	}
	if len(text) > maxFormat {
		return nil, invalid("argument 1 (text): longer than %d bytes", maxFormat)
	}
	if t, ok := parseMoment(text, c.format(), c.Now(), loc); ok {
		return checkDate(t)
	}
	return nil, invalid("the text is no date of the format %q", shorten(format))
}

func addMillis(t time.Time, ms float64) time.Time {
	if math.Abs(ms) > 2*maxMillis {
		return time.Unix(1<<50, 0) // out of range, which the caller reports
	}
	return time.UnixMilli(t.UnixMilli() + int64(math.Trunc(ms))).In(t.Location())
}

// wholeDays rounds a number of days or months, halves away from zero, and keeps it where dates can be calculated.
func wholeDays(n float64) int { return int(math.Round(max(min(n, 1e9), -1e9))) }

// addMonths keeps the day within the month that it comes to.
func addMonths(t time.Time, months int) time.Time {
	if months == 0 {
		return t
	}
	year, month, day := t.Date()
	first := time.Date(year, month+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
	day = min(day, daysIn(first.Year(), int(first.Month())))
	hour, minute, second := t.Clock()
	return connector.LocalDate(first.Year(), int(first.Month()), day, hour, minute, second, t.Nanosecond(), t.Location())
}

func addDays(t time.Time, days int) time.Time {
	if days == 0 {
		return t
	}
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	return connector.LocalDate(year, int(month), day+days, hour, minute, second, t.Nanosecond(), t.Location())
}

func withHour(t time.Time, hour int) time.Time {
	if hour == t.Hour() {
		return t
	}
	year, month, day := t.Date()
	_, minute, second := t.Clock()
	return connector.LocalDate(year, int(month), day, hour, minute, second, t.Nanosecond(), t.Location())
}

// unit gives the second argument as a number counted from 1, or the place of the English name that it is.
func (c *Call) unit(names []string) (int, error) {
	v := c.Args[1]
	if s, ok := v.(string); ok {
		if i := nameIndex(names, trimSpace(s)); i >= 0 {
			return i + 1, nil
		}
	}
	if isNull(v) {
		return 0, invalid("argument 2 (number or name) is empty")
	}
	n, err := coerceNumber(v)
	if err != nil {
		return 0, invalid("argument 2 (number or name): expected a number or an English name")
	}
	f := toFloat(n)
	if math.IsNaN(f) || math.Abs(f) > 1e9 {
		return 0, errDateRange()
	}
	return int(f), nil
}

// nameIndex finds the English name that a word is, or begins with at least three letters of; -1 when there is none.
func nameIndex(names []string, word string) int {
	return slices.IndexFunc(names, func(name string) bool {
		return len(word) >= 3 && len(word) <= len(name) && strings.EqualFold(word, name[:len(word)])
	})
}
