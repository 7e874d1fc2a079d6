package expr

import (
	"strings"
	"time"
)

// parseDateText reads a date without being told its format. Day, month and year must be there; time and zone may be. A
// date without a zone is one in loc.
func parseDateText(text string, loc *time.Location) (time.Time, bool) {
	s := &fieldScanner{text: trimSpace(text)}
	year, month, day, ok := s.numericDate()
	if !ok {
		s.pos = 0
		if year, month, day, ok = s.namedDate(); !ok {
			return time.Time{}, false
		}
	}
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return time.Time{}, false
	}
	var clock time.Duration
	if !s.done() {
		compact := s.text[s.pos] == 'T' || s.text[s.pos] == 't'
		if compact {
			s.pos++
		} else {
			comma := s.mark(',')
			if !s.blanks() && !comma {
				return time.Time{}, false
			}
		}
		if clock, ok = s.clock(compact); !ok {
			return time.Time{}, false
		}
	}
	s.blanks()
	zone := loc
	if zone == nil {
		zone = time.UTC
	}
	if !s.done() {
		if zone, ok = s.zone(); !ok || !s.done() {
			return time.Time{}, false
		}
	}
	// The clock's fields rather than a sum, because a day with a change of clocks is not 24 hours long.
	return localDate(year, month, day, int(clock/time.Hour), int(clock/time.Minute%60), int(clock/time.Second%60),
		int(clock%time.Second), zone).UTC(), true
}

// numericDate reads YYYY-MM-DD, YYYY/MM/DD, YYYY.MM.DD, YYYYMMDD, MM/DD/YYYY, D.M.YYYY, and the signed six-digit years
// of ISO 8601.
func (s *fieldScanner) numericDate() (year, month, day int, ok bool) {
	negative := s.mark('-')
	if negative || s.mark('+') {
		year, _, ok = s.digits(6, 6)
		if !ok || !s.mark('-') {
			return 0, 0, 0, false
		}
		if negative {
			year = -year
		}
		return s.monthDay(year, '-')
	}
	first, count, ok := s.digits(1, 8)
	if !ok {
		return 0, 0, 0, false
	}
	if count == 8 {
		return first / 10000, first / 100 % 100, first % 100, true
	}
	if s.done() {
		return 0, 0, 0, false
	}
	mark := s.text[s.pos]
	if mark != '-' && mark != '/' && mark != '.' {
		return 0, 0, 0, false
	}
	s.pos++
	if count == 4 {
		return s.monthDay(first, mark)
	}
	if count > 2 || mark == '-' {
		return 0, 0, 0, false
	}
	if mark == '.' {
		s.blanks()
	}
	second, _, ok := s.digits(1, 2)
	if !ok || !s.mark(mark) {
		return 0, 0, 0, false
	}
	if mark == '.' {
		s.blanks()
	}
	year, _, ok = s.digits(4, 4)
	if mark == '/' {
		return year, first, second, ok
	}
	return year, second, first, ok
}

func (s *fieldScanner) monthDay(year int, mark byte) (int, int, int, bool) {
	month, _, ok := s.digits(1, 2)
	if !ok || !s.mark(mark) {
		return 0, 0, 0, false
	}
	day, _, ok := s.digits(1, 2)
	return year, month, day, ok
}

// namedDate reads dates with the month's English name: "Tue, 20 Jun 2016", "June 20, 2016", "Tue Jun 20 2016".
func (s *fieldScanner) namedDate() (year, month, day int, ok bool) {
	word := s.word()
	if word != "" && nameIndex(weekdayNames[:], word, 3) >= 0 {
		s.mark(',')
		s.blanks()
		word = s.word()
	}
	if word != "" {
		if month = nameIndex(monthNames[:], word, 3) + 1; month == 0 {
			return 0, 0, 0, false
		}
		s.mark('.')
		s.blanks()
		if day, _, ok = s.digits(1, 2); !ok {
			return 0, 0, 0, false
		}
		s.mark(',')
	} else {
		if day, _, ok = s.digits(1, 2); !ok {
			return 0, 0, 0, false
		}
		s.mark('.')
		if !s.blanks() && !s.mark('-') {
			return 0, 0, 0, false
		}
		if month = nameIndex(monthNames[:], s.word(), 3) + 1; month == 0 {
			return 0, 0, 0, false
		}
		s.mark(',')
		s.mark('-')
	}
	s.blanks()
	year, _, ok = s.digits(4, 4)
	return year, month, day, ok
}

// clock reads H:mm[:ss[.fraction]] with an optional AM or PM, and HHmm[ss] where compact allows it. 24:00 is the next
// day's midnight.
func (s *fieldScanner) clock(compact bool) (time.Duration, bool) {
	hour, count, ok := s.digits(1, 6)
	if !ok {
		return 0, false
	}
	minute, second, nanos := 0, 0, 0
	switch {
	case count <= 2 && s.mark(':'):
		if minute, _, ok = s.digits(2, 2); !ok {
			return 0, false
		}
		if s.mark(':') {
			if second, _, ok = s.digits(2, 2); !ok {
				return 0, false
			}
			if s.mark('.') || s.mark(',') {
				if nanos, ok = s.fraction(); !ok {
					return 0, false
				}
			}
		}
	case compact && count == 4:
		hour, minute = hour/100, hour%100
	case compact && count == 6:
		hour, minute, second = hour/10000, hour/100%100, hour%100
	case count <= 2:
		// A lone hour needs AM or PM.
		rest := *s
		rest.blanks()
		if !rest.keyword("am") && !rest.keyword("pm") {
			return 0, false
		}
	default:
		return 0, false
	}
	start := s.pos
	s.blanks()
	switch am := s.keyword("am"); {
	case am, s.keyword("pm"):
		if hour < 1 || hour > 12 {
			return 0, false
		}
		hour %= 12
		if !am {
			hour += 12
		}
	default:
		s.pos = start
	}
	if minute > 59 || second > 59 || hour > 24 || hour == 24 && (minute > 0 || second > 0 || nanos > 0) {
		return 0, false
	}
	return time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second +
		time.Duration(nanos), true
}

// fraction reads the digits behind a second's point, of which nine count.
func (s *fieldScanner) fraction() (int, bool) {
	value, count, ok := s.digits(1, 9)
	if !ok {
		return 0, false
	}
	for ; count < 9; count++ {
		value *= 10
	}
	for s.pos < len(s.text) && s.text[s.pos] >= '0' && s.text[s.pos] <= '9' {
		s.pos++
	}
	return value, true
}

// zone reads Z, UTC, GMT, one of the zones of RFC 2822, or an offset such as +02:00, +0200 or +02, and drops a comment
// in parentheses behind it, as JavaScript's own dates have.
func (s *fieldScanner) zone() (*time.Location, bool) {
	seconds := 0
	if word := s.word(); word != "" {
		offset, ok := zoneOffsets(word)
		if !ok {
			return nil, false
		}
		seconds = offset
	}
	if !s.done() && (s.text[s.pos] == '+' || s.text[s.pos] == '-') {
		sign := 1
		if s.text[s.pos] == '-' {
			sign = -1
		}
		s.pos++
		hours, _, ok := s.digits(2, 2)
		if !ok {
			return nil, false
		}
		colon := s.mark(':')
		minutes, _, ok := s.digits(2, 2)
		if colon && !ok || hours > 23 || minutes > 59 {
			return nil, false
		}
		seconds = sign * (hours*3600 + minutes*60)
	}
	s.blanks()
	if !s.done() && s.text[s.pos] == '(' && strings.HasSuffix(s.text, ")") {
		s.pos = len(s.text)
	}
	return time.FixedZone("", seconds), true
}

// zoneOffsets gives the seconds east of Greenwich of the zone names of RFC 2822.
func zoneOffsets(name string) (int, bool) {
	switch strings.ToUpper(name) {
	case "Z", "UT", "UTC", "GMT":
		return 0, true
	case "EDT":
		return -4 * 3600, true
	case "EST", "CDT":
		return -5 * 3600, true
	case "CST", "MDT":
		return -6 * 3600, true
	case "MST", "PDT":
		return -7 * 3600, true
	case "PST":
		return -8 * 3600, true
	}
	return 0, false
}

// parseTimeText reads a time of day.
func parseTimeText(text string) (time.Duration, bool) {
	s := &fieldScanner{text: trimSpace(text)}
	d, ok := s.clock(false)
	if !ok || !s.done() || d >= 24*time.Hour {
		return 0, false
	}
	return d, true
}

var (
	monthNames = [...]string{"January", "February", "March", "April", "May", "June", "July", "August", "September",
		"October", "November", "December"}
	weekdayNames = [...]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
)

// nameIndex finds the English name that a word is, or begins with at least the given letters of; -1 when there is none.
func nameIndex(names []string, word string, letters int) int {
	if len(word) < letters {
		return -1
	}
	for i, name := range names {
		if len(word) <= len(name) && strings.EqualFold(word, name[:len(word)]) {
			return i
		}
	}
	return -1
}

// daysIn gives the days of a month, 1 to 12.
func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
