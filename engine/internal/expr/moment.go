package expr

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The format of dates is that of moment.js 2.30 with its English locale, which is what Make documents for formatDate and
// parseDate.

// momentTokens are moment's formatting tokens that begin with a letter, the longest first.
func momentTokens(first byte) []string {
	if first > 'z' {
		return nil
	}
	return tokensByLetter[first]
}

var tokensByLetter = ['z' + 1][]string{
	'Y': {"YYYYYY", "YYYYY", "YYYY", "YY", "Y"},
	'y': {"yyyy", "yyy", "yy", "y"},
	'N': {"NNNNN", "NNNN", "NNN", "NN", "N"},
	'Q': {"Qo", "Q"},
	'M': {"MMMM", "MMM", "MM", "Mo", "M"},
	'D': {"DDDD", "DDDo", "DDD", "DD", "Do", "D"},
	'd': {"dddd", "ddd", "dd", "do", "d"},
	'e': {"e"},
	'E': {"E"},
	'w': {"wo", "ww", "w"},
	'W': {"Wo", "WW", "W"},
	'g': {"ggggg", "gggg", "gg"},
	'G': {"GGGGG", "GGGG", "GG"},
	'H': {"Hmmss", "Hmm", "HH", "H"},
	'h': {"hmmss", "hmm", "hh", "h"},
	'k': {"kk", "k"},
	'a': {"a"},
	'A': {"A"},
	'm': {"mm", "m"},
	's': {"ss", "s"},
	'S': {"SSSSSSSSS", "SSSSSSSS", "SSSSSSS", "SSSSSS", "SSSSS", "SSSS", "SSS", "SS", "S"},
	'x': {"x"},
	'X': {"X"},
	'z': {"zz", "z"},
	'Z': {"ZZ", "Z"},
	'L': {"LTS", "LT", "LLLL", "LLL", "LL", "L"},
	'l': {"llll", "lll", "ll", "l"},
}

// DateTokens lists the tokens of date formats in alphabetical order, the shorter ones first.
func DateTokens() []string {
	var all []string
	for _, tokens := range tokensByLetter {
		all = append(all, tokens...)
	}
	slices.SortFunc(all, func(a, b string) int {
		if c := strings.Compare(strings.ToLower(a[:1]), strings.ToLower(b[:1])); c != 0 {
			return c
		}
		if c := strings.Compare(a[:1], b[:1]); c != 0 {
			return c
		}
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return all
}

// longFormat gives what a localized token stands for.
func longFormat(token string) string {
	switch token {
	case "LT":
		return "h:mm A"
	case "LTS":
		return "h:mm:ss A"
	case "L":
		return "MM/DD/YYYY"
	case "LL":
		return "MMMM D, YYYY"
	case "LLL":
		return "MMMM D, YYYY h:mm A"
	case "LLLL":
		return "dddd, MMMM D, YYYY h:mm A"
	case "l":
		return "M/D/YYYY"
	case "ll":
		return "MMM D, YYYY"
	case "lll":
		return "MMM D, YYYY h:mm A"
	case "llll":
		return "ddd, MMM D, YYYY h:mm A"
	}
	return ""
}

// nextToken takes the first token or literal off a format. Literals are [text in brackets], which go to the last closing
// bracket before the next opening one, a token or character behind a backslash, and any character that begins no token.
func nextToken(format string) (token, literal, rest string) {
	switch format[0] {
	case '[':
		within := format[1:]
		if next := strings.IndexByte(within, '['); next >= 0 {
			within = within[:next]
		}
		if end := strings.LastIndexByte(within, ']'); end >= 0 {
			return "", within[:end], format[end+2:]
		}
	case '\\':
		if len(format) == 1 || format[1] == '\\' {
			return "", "", format[min(2, len(format)):]
		}
		literal = firstToken(format[1:])
		if literal == "" {
			_, size := utf8.DecodeRuneInString(format[1:])
			literal = format[1 : 1+size]
		}
		return "", literal, format[1+len(literal):]
	}
	if token = firstToken(format); token != "" {
		return token, "", format[len(token):]
	}
	_, size := utf8.DecodeRuneInString(format)
	return "", format[:size], format[size:]
}

func firstToken(format string) string {
	for _, token := range momentTokens(format[0]) {
		if strings.HasPrefix(format, token) {
			return token
		}
	}
	return ""
}

// A formatPiece is a token, or literal text when the token is empty.
type formatPiece struct{ token, literal string }

// A dateFormat is a format taken apart, with localized tokens replaced by what they stand for.
type dateFormat []formatPiece

func parseFormat(format string) dateFormat {
	var pieces dateFormat
	for format != "" {
		var piece formatPiece
		piece.token, piece.literal, format = nextToken(format)
		if long := longFormat(piece.token); long != "" {
			pieces = append(pieces, parseFormat(long)...)
		} else {
			pieces = append(pieces, piece)
		}
	}
	return pieces
}

// localFields are a date's fields in its zone, worked out once for all tokens.
type localFields struct {
	time.Time
	year, day, hour, minute, second int
	month                           time.Month
}

// append appends a date, which is in the zone that it is to be written in.
func (f dateFormat) append(dst []byte, t time.Time) []byte {
	l := localFields{Time: t}
	l.year, l.month, l.day = t.Date()
	l.hour, l.minute, l.second = t.Clock()
	for i := range f {
		if f[i].token == "" {
			dst = append(dst, f[i].literal...)
		} else {
			dst = l.appendToken(dst, f[i].token)
		}
	}
	return dst
}

func (l *localFields) appendToken(dst []byte, token string) []byte {
	switch token[0] {
	case 'H', 'h', 'k', 'm', 's':
		return l.appendClock(dst, token)
	case 'w', 'W', 'g', 'G':
		return appendWeek(dst, l.Time, token)
	case 'S':
		return appendFraction(dst, l.Time, len(token))
	case 'Y', 'y', 'N':
		return appendYear(dst, l.year, token)
	}
	number := -1
	switch token {
	case "Q", "Qo":
		number = (int(l.month)-1)/3 + 1
	case "M", "Mo":
		number = int(l.month)
	case "MM":
		return appendTwo(dst, int(l.month))
	case "MMM":
		return append(dst, monthNames[l.month-1][:3]...)
	case "MMMM":
		return append(dst, monthNames[l.month-1]...)
	case "D", "Do":
		number = l.day
	case "DD":
		return appendTwo(dst, l.day)
	case "DDD", "DDDo":
		number = l.YearDay()
	case "DDDD":
		return appendPadded(dst, l.YearDay(), 3)
	case "d", "do", "e":
		number = int(l.Weekday())
	case "dd":
		return append(dst, weekdayNames[l.Weekday()][:2]...)
	case "ddd":
		return append(dst, weekdayNames[l.Weekday()][:3]...)
	case "dddd":
		return append(dst, weekdayNames[l.Weekday()]...)
	case "E":
		number = (int(l.Weekday())+6)%7 + 1
	case "A":
		return append(dst, l.half("AM", "PM")...)
	case "a":
		return append(dst, l.half("am", "pm")...)
	case "x":
		return strconv.AppendInt(dst, l.UnixMilli(), 10)
	case "X":
		return strconv.AppendInt(dst, l.Unix(), 10)
	case "z", "zz":
		name, _ := l.Zone()
		return append(dst, name...)
	case "Z":
		return appendOffset(dst, l.Time, ":")
	case "ZZ":
		return appendOffset(dst, l.Time, "")
	}
	if strings.HasSuffix(token, "o") {
		return appendOrdinal(dst, number)
	}
	return strconv.AppendInt(dst, int64(number), 10)
}

func appendYear(dst []byte, year int, token string) []byte {
	switch token {
	case "YYYY":
		return appendSigned(dst, year, 4, false)
	case "YY":
		return appendSigned(dst, year%100, 2, false)
	case "Y":
		return appendSigned(dst, year, 4, year > 9999)
	case "YYYYY":
		return appendSigned(dst, year, 5, false)
	case "YYYYYY":
		return appendSigned(dst, year, 6, true)
	case "NNNN":
		return append(dst, era(year, "Anno Domini", "Before Christ")...)
	}
	if token[0] == 'N' {
		return append(dst, era(year, "AD", "BC")...)
	}
	return appendPadded(dst, eraYear(year), len(token)) // y to yyyy
}

// appendTwo appends a number from 0 to 99 with two digits.
func appendTwo(dst []byte, n int) []byte {
	return append(dst, "0123456789"[n/10], "0123456789"[n%10])
}

func (l *localFields) appendClock(dst []byte, token string) []byte {
	hour, number := l.hour, 0
	if token[0] == 'h' {
		hour = (hour+11)%12 + 1
	}
	switch token {
	case "HH", "hh":
		return appendTwo(dst, hour)
	case "mm":
		return appendTwo(dst, l.minute)
	case "ss":
		return appendTwo(dst, l.second)
	case "kk":
		return appendTwo(dst, (hour+23)%24+1)
	case "H", "h":
		number = hour
	case "k":
		number = (hour+23)%24 + 1
	case "m":
		number = l.minute
	case "s":
		number = l.second
	default: // Hmm, hmm, Hmmss and hmmss
		dst = appendTwo(strconv.AppendInt(dst, int64(hour), 10), l.minute)
		if strings.HasSuffix(token, "ss") {
			dst = appendTwo(dst, l.second)
		}
		return dst
	}
	return strconv.AppendInt(dst, int64(number), 10)
}

func appendWeek(dst []byte, t time.Time, token string) []byte {
	year, week := weekOf(t, usWeeks)
	if token[0] == 'W' || token[0] == 'G' {
		year, week = weekOf(t, isoWeeks)
	}
	switch token {
	case "w", "W":
		return strconv.AppendInt(dst, int64(week), 10)
	case "wo", "Wo":
		return appendOrdinal(dst, week)
	case "ww", "WW":
		return appendPadded(dst, week, 2)
	case "gg", "GG":
		return appendSigned(dst, year%100, 2, false)
	}
	return appendSigned(dst, year, len(token), false)
}

// appendFraction writes the first digits of a second's fraction, of which a date has three.
func appendFraction(dst []byte, t time.Time, digits int) []byte {
	ms := t.Nanosecond() / 1e6
	switch digits {
	case 1:
		return append(dst, "0123456789"[ms/100])
	case 2:
		return appendPadded(dst, ms/10, 2)
	}
	dst = appendPadded(dst, ms, 3)
	return append(dst, "000000"[:digits-3]...)
}

func appendOffset(dst []byte, t time.Time, separator string) []byte {
	_, seconds := t.Zone()
	sign := byte('+')
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	minutes := (seconds + 30) / 60
	dst = appendPadded(append(dst, sign), minutes/60, 2)
	return appendPadded(append(dst, separator...), minutes%60, 2)
}

func appendSigned(dst []byte, n, width int, plus bool) []byte {
	switch {
	case n < 0:
		dst = append(dst, '-')
	case plus:
		dst = append(dst, '+')
	}
	return appendPadded(dst, abs(n), width)
}

func appendOrdinal(dst []byte, n int) []byte {
	suffix := "th"
	if n%100/10 != 1 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return append(strconv.AppendInt(dst, int64(n), 10), suffix...)
}

func (l *localFields) half(am, pm string) string {
	if l.hour < 12 {
		return am
	}
	return pm
}

func era(year int, after, before string) string {
	if year > 0 {
		return after
	}
	return before
}

func eraYear(year int) int {
	if year > 0 {
		return year
	}
	return 1 - year
}

func abs(n int) int { return max(n, -n) }

var (
	monthNames = [...]string{"January", "February", "March", "April", "May", "June", "July", "August", "September",
		"October", "November", "December"}
	weekdayNames = [...]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
)

// daysIn gives the days of a month, 1 to 12.
func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
