package main

import (
	"errors"
	"strings"
	"time"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/expr"
)

// tokenWords say what the tokens of date formats are.
var tokenWords = map[string]string{
	"a": "am or pm", "A": "AM or PM", "d": "weekday, Sunday is 0", "dd": "weekday, two letters", "ddd": "weekday, three letters", "dddd": "weekday", "do": "weekday, Sunday is 0, with its ending",
	"D": "day of the month", "DD": "day of the month, two digits", "Do": "day of the month with its ending", "DDD": "day of the year", "DDDD": "day of the year, three digits", "DDDo": "day of the year with its ending",
	"e": "weekday, Sunday is 0", "E": "weekday of ISO 8601, Monday is 1", "gg": "year of the week, two digits", "gggg": "year of the week", "ggggg": "year of the week, five digits",
	"GG": "year of the ISO week, two digits", "GGGG": "year of the ISO week", "GGGGG": "year of the ISO week, five digits", "h": "hour, 1 to 12", "hh": "hour, 1 to 12, two digits", "hmm": "hour, 1 to 12, and minute", "hmmss": "hour, 1 to 12, minute and second",
	"H": "hour, 0 to 23", "HH": "hour, 0 to 23, two digits", "Hmm": "hour, 0 to 23, and minute", "Hmmss": "hour, 0 to 23, minute and second", "k": "hour, 1 to 24", "kk": "hour, 1 to 24, two digits",
	"l": "date in digits, short", "ll": "date, month in three letters", "lll": "the same with the time", "llll": "the same with the weekday", "L": "date in digits", "LL": "date", "LLL": "date and time", "LLLL": "date and time with the weekday", "LT": "time", "LTS": "time with seconds",
	"m": "minute", "mm": "minute, two digits", "M": "month", "MM": "month, two digits", "Mo": "month with its ending", "MMM": "month, three letters", "MMMM": "month",
	"N": "era", "NN": "era", "NNN": "era", "NNNN": "era in full", "NNNNN": "era", "Q": "quarter", "Qo": "quarter with its ending", "s": "second", "ss": "second, two digits",
	"S": "tenths of a second", "SS": "hundredths of a second", "SSS": "milliseconds", "SSSS": "milliseconds with a zero behind", "SSSSS": "milliseconds with two zeros behind", "SSSSSS": "milliseconds with three zeros behind", "SSSSSSS": "milliseconds with four zeros behind",
	"SSSSSSSS": "milliseconds with five zeros behind", "SSSSSSSSS": "milliseconds with six zeros behind", "w": "week, the first has January 1", "ww": "week, two digits", "wo": "week with its ending", "W": "ISO week, the first has January 4", "WW": "ISO week, two digits", "Wo": "ISO week with its ending",
	"x": "milliseconds since 1970", "X": "seconds since 1970; decimals are read", "y": "year of the era", "yy": "year of the era, two digits", "yyy": "year of the era, three digits", "yyyy": "year of the era, four digits",
	"Y": "year, with a sign beyond four digits", "YY": "year, two digits; 69 to 99 are read as 1969 to 1999", "YYYY": "year, four digits; two are read as by YY", "YYYYY": "year, five digits", "YYYYYY": "year, six digits and a sign",
	"z": "short name of the time zone", "zz": "short name of the time zone", "Z": "offset with a colon", "ZZ": "offset without a colon",
}

// tokens shows every token, what it writes, and whether it can be read.
func (p *page) tokens() {
	p.text("## Tokens of dates", "formatDate writes and parseDate reads dates in formats of these tokens, those of moment.js with its English words. Text in brackets is written as it is: "+code(`[at] HH:mm`)+". "+
		"The column on the right shows 2026-01-31T11:22:33.444Z in Europe/Prague.")
	prague, err := time.LoadLocation("Europe/Prague")
	if err != nil {
		p.fail("tokens: %w", err)
		return
	}
	written := 0
	rows := [][]string{{"Token", "Meaning", "Is read", "Writes"}}
	for _, token := range expr.DateTokens() {
		words := tokenWords[token]
		if words == "" {
			p.fail("the token %s has no words", token)
		}
		written++
		text := p.format(token, prague)
		read := "yes"
		if !p.reads(token, text, prague) {
			read = "no"
		}
		rows = append(rows, []string{code(token), words, read, code(text)})
	}
	p.table(rows)
	if written != len(tokenWords) {
		p.fail("there are words for %d tokens, but %d tokens", len(tokenWords), written)
	}
}

func (p *page) format(token string, zone *time.Location) string {
	tpl, err := p.language.Compile(`{{formatDate(1.created; "`+token+`")}}`, nil)
	if err != nil {
		p.fail("%s: %w", token, err)
		return ""
	}
	v, err := tpl.Eval(run{zone: zone})
	text, ok := v.(string)
	if !ok {
		p.fail("%s: %w", token, err)
	}
	return text
}

// reads says whether a token can read what it wrote.
func (p *page) reads(token, text string, zone *time.Location) bool {
	if strings.HasPrefix(token, "z") {
		return true // the names of zones that dates without a format have
	}
	tpl, err := p.language.Compile("{{parseDate(1.text; 1.format)}}", nil)
	if err != nil {
		p.fail("%s: %w", token, err)
		return false
	}
	_, err = tpl.Eval(only{run{zone: zone}, connector.NewBundle("text", text, "format", token)})
	var failure *expr.RuntimeError
	return !errors.As(err, &failure)
}
