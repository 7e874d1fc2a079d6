package connector

import (
	"errors"
	"strings"
	"time"
)

// ErrDate says that a text is no date.
var ErrDate = errors.New("connector: not a date")

// ParseDate reads a date without being told its format, in the notations that Make takes where a date is expected
// (https://help.make.com/type-coercion), and those of RFC 2822, ISO 8601 and JavaScript's own dates:
//
//	2026-11-21   2026/11/21   2026.11.21   20261121   +002026-11-21
//	11/21/2026 (month first)   21.11.2026 (day first)   21. 11. 2026
//	21 November 2026   21-Nov-2026   November 21, 2026   Sat, 21 Nov 2026   Sat Nov 21 2026
//
// Behind it may stand, after a T, a comma or blanks, a time: 9:05, 09:05:07, 09:05:07.123, or 0905 and 090507 behind a T;
// with AM or PM behind a time of 12 hours, which may be a lone hour then. 24:00 is the next day's midnight. Behind that
// may stand a time zone: Z, UT, UTC, GMT, a zone of North America such as EST, an offset as in +02:00, +0200, +02 and
// GMT+0200, and then a comment in parentheses. Without one the date is in the given zone, nil for UTC: where clocks are
// put forward or back it is what [LocalDate] says.
//
// Months and days may have one digit, years have four. Dates that do not exist, such as 30 February, are refused with
// [ErrDate]. The result is in UTC.
func ParseDate(text string, zone *time.Location) (time.Time, error) {
	s := &dateScanner{text: trimSpace(text)}
	year, month, day, ok := s.numericDate()
	if !ok {
		s.pos = 0
		if year, month, day, ok = s.namedDate(); !ok {
			return time.Time{}, ErrDate
		}
	}
	// A date that does not exist is another one in the calendar.
	if midnight := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC); int(midnight.Month()) != month ||
		midnight.Day() != day {
		return time.Time{}, ErrDate
	}
	var clock time.Duration
	if !s.done() {
		compact := s.text[s.pos] == 'T' || s.text[s.pos] == 't'
		if compact {
			s.pos++
		} else {
			comma := s.mark(',')
			if !s.blanks() && !comma {
				return time.Time{}, ErrDate
			}
		}
		if clock, ok = s.clock(compact); !ok {
			return time.Time{}, ErrDate
		}
	}
	s.blanks()
	if !s.done() {
		if zone, ok = s.zone(); !ok || !s.done() {
			return time.Time{}, ErrDate
		}
	}
	// The clock's fields rather than a sum, because a day with a change of clocks is not 24 hours long.
	return LocalDate(year, month, day, int(clock/time.Hour), int(clock/time.Minute%60), int(clock/time.Second%60),
		int(clock%time.Second), zone).UTC(), nil
}

// numericDate reads YYYY-MM-DD, YYYY/MM/DD, YYYY.MM.DD, YYYYMMDD, MM/DD/YYYY, D.M.YYYY, and the signed six-digit years
// of ISO 8601.
func (s *dateScanner) numericDate() (year, month, day int, ok bool) {
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

func (s *dateScanner) monthDay(year int, mark byte) (int, int, int, bool) {
	month, _, ok := s.digits(1, 2)
	if !ok || !s.mark(mark) {
		return 0, 0, 0, false
	}
	day, _, ok := s.digits(1, 2)
	return year, month, day, ok
}

// namedDate reads dates with the month's English name: "Tue, 20 Jun 2016", "June 20, 2016", "Tue Jun 20 2016".
func (s *dateScanner) namedDate() (year, month, day int, ok bool) {
	word := s.word()
	if word != "" && isWeekday(word) {
		s.mark(',')
		s.blanks()
		word = s.word()
	}
	if word != "" {
		if month = monthOf(word); month == 0 {
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
		if month = monthOf(s.word()); month == 0 {
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
func (s *dateScanner) clock(compact bool) (time.Duration, bool) {
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
func (s *dateScanner) fraction() (int, bool) {
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
func (s *dateScanner) zone() (*time.Location, bool) {
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
	if seconds == 0 {
		return time.UTC, true
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

// monthOf gives the month that a word names in English, by at least three letters; 0 when there is none.
func monthOf(word string) int {
	for m := time.January; m <= time.December; m++ {
		if begins(m.String(), word) {
			return int(m)
		}
	}
	return 0
}

func isWeekday(word string) bool {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if begins(d.String(), word) {
			return true
		}
	}
	return false
}

// begins says whether a name begins with the three or more letters of a word.
func begins(name, word string) bool {
	return len(word) >= 3 && len(word) <= len(name) && strings.EqualFold(word, name[:len(word)])
}

// LocalDate is time.Date with an answer of its own where clocks change, that of moment.js, on which Make's dates rest: a
// time that a zone skips is as much later as the clocks are put forward, and of a time that there is twice it is the
// first. Days and clock fields may be out of range. A nil zone is UTC. The result is in the zone.
func LocalDate(year, month, day, hour, minute, second, nanosecond int, zone *time.Location) time.Time {
	wall := time.Date(year, time.Month(month), day, hour, minute, second, nanosecond, time.UTC)
	if zone == nil || zone == time.UTC {
		return wall
	}
	_, before := wall.Add(-24 * time.Hour).In(zone).Zone()
	_, after := wall.Add(24 * time.Hour).In(zone).Zone()
	first := wall.Add(-time.Duration(before) * time.Second).In(zone)
	if _, offset := first.Zone(); before == after || offset == before {
		return first
	}
	later := wall.Add(-time.Duration(after) * time.Second).In(zone)
	if _, offset := later.Zone(); offset == after {
		return later
	}
	return first
}
