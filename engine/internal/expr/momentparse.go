package expr

import (
	"strconv"
	"strings"
	"time"

	"github.com/ebbkit/ebb/connector"
)

// dateFields is what parsing by a format has found so far. Fields that were not found are missing.
type dateFields struct {
	year, month, day, dayOfYear          int
	hour, minute, second, ms             int
	weekYear, week, weekday              int // with the weeks of usWeeks, the weekday from 0
	isoYear, isoWeek, isoWeekday         int // with isoWeeks, the weekday from 1
	localWeekday                         int
	offset                               int // seconds east of Greenwich
	hasOffset, hasHalf, afternoon, found bool
	wrong                                bool // a name that is none
	instant                              time.Time
	hasInstant                           bool
}

const (
	missing  = -1 << 62
	maxField = 1_000_000
)

// parseMoment reads a date as moment.js does when it is not strict: what stands between the fields is skipped, fields
// at the end may be missing, and what is missing is the beginning of the period that was given, or today where no year,
// month or day was.
func parseMoment(text string, format dateFormat, now time.Time, loc *time.Location) (time.Time, bool) {
	f := &dateFields{
		year: missing, month: missing, day: missing, dayOfYear: missing, hour: missing, minute: missing, second: missing, ms: missing,
		weekYear: missing, week: missing, weekday: missing, isoYear: missing, isoWeek: missing, isoWeekday: missing, localWeekday: missing,
	}
	f.scan(text, format)
	if !f.found || f.wrong {
		return time.Time{}, false
	}
	if f.hasInstant {
		return f.instant, true
	}
	return f.resolve(now.In(loc), loc)
}

// scan matches the format's tokens with the text one after the other.
func (f *dateFields) scan(text string, format dateFormat) {
	for _, piece := range format {
		if piece.token == "" {
			if i := strings.Index(text, piece.literal); i >= 0 {
				text = text[i+len(piece.literal):]
			}
			continue
		}
		from, to, ok := findToken(text, piece.token)
		if !ok {
			continue
		}
		if piece.token[0] != 'z' {
			f.found = true
		}
		f.set(piece.token, text[from:to])
		text = text[to:]
	}
}

// set keeps what a token matched.
func (f *dateFields) set(token, s string) {
	n, _ := strconv.Atoi(strings.TrimRight(s, "stndrhSTNDRH"))
	n = min(max(n, -maxField), maxField) // beyond every field's range, and far from overflow
	switch token {
	case "Y", "YYYYY", "YYYYYY", "y", "yy", "yyy", "yyyy":
		f.year = n
	case "YYYY":
		if f.year = n; len(s) == 2 {
			f.year = century(n)
		}
	case "YY":
		f.year = century(n)
	case "Q":
		f.month = (n-1)*3 + 1
	case "M", "MM":
		f.month = n
	case "MMM", "MMMM":
		f.month = prefixIndex(monthNames[:], s, 3) + 1
		f.wrong = f.wrong || f.month == 0
	case "D", "DD", "Do":
		f.day = n
	case "DDD", "DDDD":
		f.dayOfYear = n
	case "d":
		f.weekday = n
	case "dd", "ddd", "dddd":
		f.weekday = prefixIndex(weekdayNames[:], s, 2)
		f.wrong = f.wrong || f.weekday < 0
	case "e":
		f.localWeekday = n
	case "E":
		f.isoWeekday = n
	case "w", "ww":
		f.week = n
	case "W", "WW":
		f.isoWeek = n
	case "gg":
		f.weekYear = century(n)
	case "gggg", "ggggg":
		f.weekYear = n
	case "GG":
		f.isoYear = century(n)
	case "GGGG", "GGGGG":
		f.isoYear = n
	case "A", "a":
		f.hasHalf, f.afternoon = true, s[0]|0x20 == 'p'
	case "H", "HH", "h", "hh":
		f.hour = n
	case "k", "kk":
		if f.hour = n; n == 24 {
			f.hour = 0
		}
	case "Hmm", "hmm":
		f.hour, f.minute = n/100, n%100
	case "Hmmss", "hmmss":
		f.hour, f.minute, f.second = n/10000, n/100%100, n%100
	case "m", "mm":
		f.minute = n
	case "s", "ss":
		f.second = n
	case "x":
		f.setInstant(s, 1)
	case "X":
		f.setInstant(s, 1000)
	case "Z", "ZZ":
		f.setOffset(s)
	case "z", "zz":
		// The names that dates without a format have.
		if t, err := connector.ParseDate("1970-01-01 00:00 "+s, nil); err == nil {
			f.hasOffset, f.offset = true, -int(t.Unix())
		}
	default: // S to SSSSSSSSS
		digits := (s + "00")[:3]
		f.ms, _ = strconv.Atoi(digits)
	}
}

func (f *dateFields) setInstant(s string, unit float64) {
	n, err := strconv.ParseFloat(s, 64)
	if n *= unit; err != nil || n < -maxMillis || n > maxMillis {
		f.wrong = true
		return
	}
	f.hasInstant, f.instant = true, time.UnixMilli(int64(n)).UTC()
}

func (f *dateFields) setOffset(s string) {
	f.hasOffset, f.offset = true, 0
	if s[0]|0x20 == 'z' {
		return
	}
	digits := strings.ReplaceAll(s[1:], ":", "")
	n, _ := strconv.Atoi(digits)
	if len(digits) == 2 {
		n *= 100
	}
	f.offset = n/100*3600 + n%100*60
	if s[0] == '-' {
		f.offset = -f.offset
	}
}

// century is moment's reading of two digits: 69 to 99 belong to the twentieth.
func century(n int) int {
	if n > 68 {
		return 1900 + n
	}
	return 2000 + n
}

// prefixIndex finds the name whose first letters a word begins with, as moment does.
func prefixIndex(names []string, word string, letters int) int {
	for i, name := range names {
		if len(word) >= letters && strings.EqualFold(word[:letters], name[:letters]) {
			return i
		}
	}
	return -1
}

// resolve makes a date of the fields; now is in loc.
func (f *dateFields) resolve(now time.Time, loc *time.Location) (time.Time, bool) {
	if f.hasHalf && f.hour != missing {
		if f.afternoon && f.hour < 12 {
			f.hour += 12
		} else if !f.afternoon && f.hour == 12 {
			f.hour = 0
		}
	}
	if f.month == missing && f.day == missing && !f.resolveWeek(now) {
		return time.Time{}, false
	}
	if f.dayOfYear != missing {
		year := given(f.year, now.Year())
		if f.dayOfYear < 1 || f.dayOfYear > daysInYear(year) {
			return time.Time{}, false
		}
		day := time.Date(year, 1, f.dayOfYear, 0, 0, 0, 0, time.UTC)
		f.month, f.day = int(day.Month()), day.Day()
	}
	f.complete(now)
	switch {
	case f.month < 1 || f.month > 12, f.day < 1 || abs(f.year) > 275_760 || f.day > daysIn(f.year, f.month),
		f.hour > 24, f.minute > 59, f.second > 59, f.hour == 24 && f.minute+f.second+f.ms > 0:
		return time.Time{}, false
	}
	if f.weekday != missing && f.weekday != int(time.Date(f.year, time.Month(f.month), f.day, 0, 0, 0, 0, time.UTC).Weekday()) {
		return time.Time{}, false
	}
	if f.hasOffset {
		loc = time.FixedZone("", f.offset)
	}
	return connector.LocalDate(f.year, f.month, f.day, f.hour, f.minute, f.second, f.ms*1e6, loc).UTC(), true
}

func given(n, otherwise int) int {
	if n == missing {
		return otherwise
	}
	return n
}

// complete fills in what was not given: from today down to the first unit that was, then each unit's first value.
func (f *dateFields) complete(now time.Time) {
	if f.year == missing {
		f.year = now.Year()
		if f.month == missing {
			f.month = int(now.Month())
			if f.day == missing {
				f.day = now.Day()
			}
		}
	}
	f.month, f.day = given(f.month, 1), given(f.day, 1)
	f.hour, f.minute, f.second, f.ms = given(f.hour, 0), given(f.minute, 0), given(f.second, 0), given(f.ms, 0)
}

// resolveWeek makes a day of the year of a week and a weekday.
func (f *dateFields) resolveWeek(now time.Time) bool {
	var w weeks
	var year, week, weekday int
	switch {
	case f.isoYear != missing || f.isoWeek != missing || f.isoWeekday != missing:
		w = isoWeeks
		current, _ := weekOf(now, w)
		year, week, weekday = given(f.isoYear, given(f.year, current)), given(f.isoWeek, 1), given(f.isoWeekday, 1)-1
	case f.weekYear != missing || f.week != missing || f.weekday != missing || f.localWeekday != missing:
		w = usWeeks
		currentYear, currentWeek := weekOf(now, w)
		year, week = given(f.weekYear, given(f.year, currentYear)), given(f.week, currentWeek)
		weekday = given(f.weekday, given(f.localWeekday, 0))
	default:
		return true
	}
	if abs(year) > 275_760 || week < 1 || week > w.in(year) || weekday < 0 || weekday > 6 {
		return false
	}
	f.year, f.dayOfYear = w.day(year, week, weekday)
	return true
}
