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
	calculate := func(name, doc, example, result string, amount Parameter, f func(c *Call, t time.Time) (time.Time, error)) Function {
		return Function{
			Name: name, Family: "date", Result: connector.TypeDate, Parameters: []Parameter{date, amount}, Doc: doc,
			Examples: []Example{{example, result}},
			Call: func(c *Call) (any, error) {
				t, err := f(c, c.date(0).In(c.Location()))
				if err != nil {
					return nil, err
				}
				return checkDate(t)
			},
		}
	}
	adding := func(unit, example, result string, add func(t time.Time, n float64) time.Time) Function {
		return calculate("add"+unit, addDoc(unit), example, result, Parameter{Name: "number", Type: connector.TypeNumber},
			func(c *Call, t time.Time) (time.Time, error) {
				n := c.number(1)
				if math.IsNaN(n) || math.Abs(n) > maxMillis {
					return t, errDateRange()
				}
				return add(t, n), nil
			})
	}
	setting := func(unit, doc, example, result string, set func(t time.Time, n int) time.Time) Function {
		return calculate("set"+unit, doc, example, result, Parameter{Name: "number", Type: connector.TypeNumber},
			func(c *Call, t time.Time) (time.Time, error) {
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
			Doc: "Writes a date in a format of moment.js tokens, in English, in a time zone, which is the scenario's unless an IANA name is given. " +
				"Text in [brackets] and characters that are no tokens stand for themselves. Without a format it is " + isoFormat + ".",
			Examples: []Example{{`formatDate("2018-10-01T07:32:00Z"; "DD.MM.YYYY HH:mm"; "UTC")`, "01.10.2018 07:32"}},
			prepare:  prepareFormat,
			Call:     formatDate,
		},
		{
			Name: "parseDate", Family: "date", Result: connector.TypeDate,
			Parameters: []Parameter{{Name: "text", Type: connector.TypeAny}, {Name: "format", Type: connector.TypeText, Optional: true}, zone},
			Doc: "Reads a date from text in a format of moment.js tokens. What stands between the fields is not compared, and fields that are " +
				"missing are the first of their unit, or today's. Text without an offset is in the given time zone, or the scenario's. Without a format the " +
				"usual forms of a date are recognized.",
			Examples: []Example{{`parseDate("2016-12-28 04:03 PM"; "YYYY-MM-DD hh:mm A"; "UTC")`, "2016-12-28T16:03:00.000Z"}, {`parseDate("1482940986"; "X")`, "2016-12-28T16:03:06.000Z"}},
			prepare:  prepareFormat,
			Call:     parseDateFunction,
		},
		adding("Seconds", `addSeconds("2016-12-08T15:55:57.536Z"; 2)`, "2016-12-08T15:55:59.536Z", func(t time.Time, n float64) time.Time { return addMillis(t, n*1e3) }),
		adding("Minutes", `addMinutes("2016-12-08T15:55:57.536Z"; 2)`, "2016-12-08T15:57:57.536Z", func(t time.Time, n float64) time.Time { return addMillis(t, n*60e3) }),
		adding("Hours", `addHours("2016-12-08T15:55:57.536Z"; -2)`, "2016-12-08T13:55:57.536Z", func(t time.Time, n float64) time.Time { return addMillis(t, n*3600e3) }),
		adding("Days", `addDays("2016-12-08T15:55:57.536Z"; 2)`, "2016-12-10T15:55:57.536Z", func(t time.Time, n float64) time.Time { return addDays(t, wholeDays(n)) }),
		adding("Months", `addMonths("2016-08-31T15:55:57.536Z"; 1)`, "2016-09-30T15:55:57.536Z", func(t time.Time, n float64) time.Time { return addMonths(t, wholeDays(n)) }),
		adding("Years", `addYears("2016-02-29T15:55:57.536Z"; 1)`, "2017-02-28T15:55:57.536Z", func(t time.Time, n float64) time.Time { return addMonths(t, wholeDays(n*12)) }),
		setting("Second", "Returns the date with another second; numbers beyond 0 to 59 go over into the neighbouring minutes.",
			`setSecond("2015-10-07T11:36:39.138Z"; 10)`, "2015-10-07T11:36:10.138Z", func(t time.Time, n int) time.Time { return addMillis(t, float64(n-t.Second())*1e3) }),
		setting("Minute", "Returns the date with another minute; numbers beyond 0 to 59 go over into the neighbouring hours.",
			`setMinute("2015-10-07T11:36:39.138Z"; 61)`, "2015-10-07T12:01:39.138Z", func(t time.Time, n int) time.Time { return addMillis(t, float64(n-t.Minute())*60e3) }),
		setting("Hour", "Returns the date with another hour; numbers beyond 0 to 23 go over into the neighbouring days.",
			`setHour("2015-08-07T11:36:39.138Z"; 6)`, "2015-08-07T06:36:39.138Z", withHour),
		setting("Date", "Returns the date with another day of the month; numbers beyond its days go over into the neighbouring months.",
			`setDate("2015-08-07T11:36:39.138Z"; 32)`, "2015-09-01T11:36:39.138Z", func(t time.Time, n int) time.Time { return addDays(t, n-t.Day()) }),
		setting("Year", "Returns the date with another year; February 29 becomes February 28 where there is none.",
			`setYear("2015-08-07T11:36:39.138Z"; 2017)`, "2017-08-07T11:36:39.138Z", func(t time.Time, n int) time.Time { return addMonths(t, (n-t.Year())*12) }),
		calculate("setDay", "Returns the date with another weekday of its week, which runs from Sunday to Saturday: 1 to 7 with Sunday as 1, or an "+
			"English name. Other numbers go over into the neighbouring weeks.",
			`setDay("2018-06-27T11:36:39.138Z"; Monday)`, "2018-06-25T11:36:39.138Z", Parameter{Name: "number or name", Type: connector.TypeAny, sums: true},
			func(c *Call, t time.Time) (time.Time, error) {
				n, err := c.unit(weekdayNames[:])
				return addDays(t, n-1-int(t.Weekday())), err
			}),
		calculate("setMonth", "Returns the date with another month: 1 to 12, or an English name. Other numbers go over into the neighbouring years; "+
			"the day is at most the month's last.",
			`setMonth("2015-08-07T11:36:39.138Z"; 5)`, "2015-05-07T11:36:39.138Z", Parameter{Name: "number or name", Type: connector.TypeAny, sums: true},
			func(c *Call, t time.Time) (time.Time, error) {
				n, err := c.unit(monthNames[:])
				return addMonths(t, n-int(t.Month())), err
			}),
	}
}

func addDoc(unit string) string {
	doc := "Returns the date so many " + map[string]string{
		"Seconds": "seconds", "Minutes": "minutes", "Hours": "hours", "Days": "days", "Months": "months", "Years": "years",
	}[unit] + " later, or earlier if the number is negative"
	switch unit {
	case "Days":
		return doc + ", at the same time of day in the scenario's zone. Decimals are rounded."
	case "Months", "Years":
		return doc + ", at the same time of day in the scenario's zone, on the month's last day where it has no such day. Decimals are rounded to months."
	}
	return doc + "."
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
