package connector

import (
	"errors"
	"strings"
	"time"
)

// ErrDate says that a text is no date.
var ErrDate = errors.New("connector: not a date")

// ParseDate reads a date in the notations that Make takes where a date is expected
// (https://help.make.com/type-coercion):
//
//	2026-11-21   2026/11/21   11/21/2026 (month first)   21.11.2026 (day first)
//
// Behind it may stand, after a T or blanks, a time: 9:05, 09:05:07, 09:05:07.123, with AM or PM behind a 12-hour time;
// and behind that a time zone: Z, UTC, GMT, +02:00, +0200 or +02. Without one the date is in the given zone, nil for
// UTC. Months and days may have one digit, years have four. Dates that do not exist, such as 30 February, are refused
// with [ErrDate]. The result is in UTC.
func ParseDate(text string, zone *time.Location) (time.Time, error) {
	if zone == nil {
		zone = time.UTC
	}
	s := scanner{rest: strings.TrimSpace(text)}
	year, month, day, ok := s.date()
	if !ok {
		return time.Time{}, ErrDate
	}
	var hour, minute, second, nanosecond int
	if s.rest != "" {
		if !s.take("T") && !s.take("t") && !s.blanks() {
			return time.Time{}, ErrDate
		}
		s.blanks()
		if hour, minute, second, nanosecond, ok = s.clock(); !ok {
			return time.Time{}, ErrDate
		}
		if zone, ok = s.zone(zone); !ok || s.rest != "" {
			return time.Time{}, ErrDate
		}
	}
	// In UTC first: there a date moves only when it does not exist.
	if midnight := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC); midnight.Day() != day ||
		int(midnight.Month()) != month {
		return time.Time{}, ErrDate
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, nanosecond, zone).UTC(), nil
}

// isTimeOfDay says whether a text is H:mm or H:mm:ss.
func isTimeOfDay(text string) bool {
	s := scanner{rest: text}
	hour, minute, second, ok := s.hms()
	return ok && s.rest == "" && hour < 24 && minute < 60 && second < 60
}

// A scanner takes pieces off the front of a text.
type scanner struct{ rest string }

func (s *scanner) take(prefix string) bool {
	rest, ok := strings.CutPrefix(s.rest, prefix)
	s.rest = rest
	return ok
}

func (s *scanner) blanks() bool {
	before := len(s.rest)
	s.rest = strings.TrimLeft(s.rest, " ")
	return len(s.rest) < before
}

// digits takes a number of at least and at most so many digits.
func (s *scanner) digits(least, most int) (number, count int, ok bool) {
	for count < most && count < len(s.rest) && s.rest[count] >= '0' && s.rest[count] <= '9' {
		number = number*10 + int(s.rest[count]-'0')
		count++
	}
	s.rest = s.rest[count:]
	return number, count, count >= least
}

func (s *scanner) date() (year, month, day int, ok bool) {
	first, count, ok := s.digits(1, 4)
	if !ok || s.rest == "" {
		return 0, 0, 0, false
	}
	separator := s.rest[:1]
	s.rest = s.rest[1:]
	second, _, ok := s.digits(1, 2)
	if !ok || !s.take(separator) {
		return 0, 0, 0, false
	}
	if count == 4 {
		third, _, ok := s.digits(1, 2)
		return first, second, third, ok && (separator == "-" || separator == "/")
	}
	third, _, ok := s.digits(4, 4)
	switch separator {
	case "/":
		return third, first, second, ok && count <= 2
	case ".":
		return third, second, first, ok && count <= 2
	}
	return 0, 0, 0, false
}

// hms takes hours and minutes, and seconds if there are any.
func (s *scanner) hms() (hour, minute, second int, ok bool) {
	if hour, _, ok = s.digits(1, 2); !ok || !s.take(":") {
		return 0, 0, 0, false
	}
	if minute, _, ok = s.digits(2, 2); ok && s.take(":") {
		second, _, ok = s.digits(2, 2)
	}
	return hour, minute, second, ok
}

// clock takes a time of day with all that may follow it but a zone.
func (s *scanner) clock() (hour, minute, second, nanosecond int, ok bool) {
	before := s.rest
	if hour, minute, second, ok = s.hms(); !ok {
		return 0, 0, 0, 0, false
	}
	withSeconds := strings.Count(before[:len(before)-len(s.rest)], ":") == 2
	if withSeconds && (s.take(".") || s.take(",")) {
		fraction, count, ok := s.digits(1, 9)
		if !ok {
			return 0, 0, 0, 0, false
		}
		for ; count < 9; count++ {
			fraction *= 10
		}
		nanosecond = fraction
		s.rest = strings.TrimLeft(s.rest, "0123456789")
	}
	s.blanks()
	if len(s.rest) >= 2 && (s.rest[1] == 'M' || s.rest[1] == 'm') {
		half := s.rest[0] | 0x20
		if half != 'a' && half != 'p' || hour < 1 || hour > 12 {
			return 0, 0, 0, 0, false
		}
		hour %= 12
		if half == 'p' {
			hour += 12
		}
		s.rest = s.rest[2:]
		s.blanks()
	}
	return hour, minute, second, nanosecond, hour < 24 && minute < 60 && second < 60
}

// zone takes what says how far from UTC the time is.
func (s *scanner) zone(otherwise *time.Location) (*time.Location, bool) {
	switch {
	case s.rest == "":
		return otherwise, true
	case s.take("Z"), s.take("z"), s.take("UTC"), s.take("GMT"):
		return time.UTC, true
	}
	sign := 1
	if s.take("-") {
		sign = -1
	} else if !s.take("+") {
		return nil, false
	}
	hours, _, ok := s.digits(2, 2)
	if !ok || hours > 23 {
		return nil, false
	}
	minutes := 0
	if s.rest != "" {
		s.take(":")
		if minutes, _, ok = s.digits(2, 2); !ok || minutes > 59 {
			return nil, false
		}
	}
	return time.FixedZone("", sign*(hours*3600+minutes*60)), true
}
