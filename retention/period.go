package retention

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	maxMonths = 12_000  // a thousand years
	maxDays   = 366_000 // likewise
)

// A Period is a length of time as rules about keeping data state it: calendar months, days, and a time on top. The
// zero Period is no time at all; where a field of this package gives it another meaning, the field says so.
//
// In text a period is its parts: "6 months", "30 days", "1 month 12h30m0s". See [ParsePeriod].
type Period struct {
	// Months are calendar months.
	Months int
	// Days are 24 hours each, as all days are in UTC.
	Days int
	// Time is what comes on top: hours and less.
	Time time.Duration
}

// Add returns the instant at which a period that starts at t is over, in UTC. It adds the months first, then the days,
// then the time. A month ends on the day with the same number, or on the last day of its month where there is none:
// one month from 31 January ends on 28 or 29 February, as Regulation (EEC, Euratom) 1182/71, article 3(2)(c), says
// for deadlines in months. (time.Time.AddDate goes on into March, which is late.) The time of day stays.
//
// Add is not monotonic where days are missing: one month from 30 January 15:00 and one month from 31 January 10:00 both
// end on the same day, the earlier one later.
func (p Period) Add(t time.Time) time.Time {
	t = t.UTC().Round(0)
	if p.Months != 0 {
		first := firstOfMonth(t, p.Months)
		t = first.AddDate(0, 0, min(t.Day(), daysIn(first))-1).Add(sinceMidnight(t))
	}
	return t.AddDate(0, 0, p.Days).Add(p.Time)
}

// Shortest returns the least time that p can last, whenever it starts: February counts as one month like any other. Of
// periods longer than 292 years it returns the longest Duration.
func (p Period) Shortest() time.Duration {
	start := time.Date(2096, 1, 1, 0, 0, 0, 0, time.UTC)
	shortest := p.Add(start).Sub(start)
	if p.Months == 0 {
		return shortest
	}
	// Eight years that have a leap day at one end only, as around the turn of most centuries.
	for t := start; t.Year() < 2104; t = t.AddDate(0, 0, 1) {
		shortest = min(shortest, p.Add(t).Sub(t))
	}
	return shortest
}

// latest returns the last instant whose Add is not after end. Earlier instants may still be over after end, see Add;
// later ones never are over by then. That makes it the right bound for a search whose hits are looked at again.
func (p Period) latest(end time.Time) time.Time {
	t := end.UTC().Round(0).Add(-p.Time).AddDate(0, 0, -p.Days)
	if p.Months == 0 {
		return t
	}
	first := firstOfMonth(t, -p.Months)
	day, last := t.Day(), daysIn(first)
	switch {
	case day > last: // that month is too short to reach this day at all, so the whole of its last day is over
		return first.AddDate(0, 1, 0).Add(-1)
	case day == daysIn(t): // every day from this one on ends on this one
		day = last
	}
	return first.AddDate(0, 0, day-1).Add(sinceMidnight(t))
}

func firstOfMonth(t time.Time, monthsOn int) time.Time {
	return time.Date(t.Year(), t.Month()+time.Month(monthsOn), 1, 0, 0, 0, 0, time.UTC)
}

func daysIn(t time.Time) int {
	return time.Date(t.Year(), t.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

func sinceMidnight(t time.Time) time.Duration {
	return t.Sub(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC))
}

// IsZero reports whether p is no time at all.
func (p Period) IsZero() bool { return p == Period{} }

// String returns the period in words, such as "6 months" or "1 month 2 days 12h0m0s", and "0 days" for the zero Period.
func (p Period) String() string {
	var parts []string
	if p.Months != 0 {
		parts = append(parts, count(p.Months, "month"))
	}
	if p.Days != 0 || p.Months == 0 && p.Time == 0 {
		parts = append(parts, count(p.Days, "day"))
	}
	if p.Time != 0 {
		parts = append(parts, p.Time.String())
	}
	return strings.Join(parts, " ")
}

func count(n int, unit string) string {
	if n == 1 || n == -1 {
		return fmt.Sprintf("%d %s", n, unit)
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

// MarshalText returns [Period.String].
func (p Period) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText sets p to what [ParsePeriod] reads.
func (p *Period) UnmarshalText(text []byte) error {
	q, err := ParsePeriod(string(text))
	if err != nil {
		return err
	}
	*p = q
	return nil
}

// ParsePeriod reads a period such as "30d", "6 months", "1 year 2 weeks" or "1 day 12h30m": numbers with units, added
// up. Years (12 months: y, year, years), months (mo, month, months), weeks (7 days: w, week, weeks) and days (d, day,
// days) are whole numbers; h, m, s, ms, us and ns are what [time.ParseDuration] knows, so m is a minute. It reads what
// [Period.String] writes. A period is never negative nor longer than a thousand years; errors wrap ErrPeriod.
func ParsePeriod(text string) (Period, error) {
	var p Period
	rest := strings.TrimSpace(text)
	if rest == "" {
		return Period{}, fmt.Errorf("%w %q: want a number and a unit, such as 30 days", ErrPeriod, text)
	}
	for rest != "" {
		number, tail := cut(rest, func(r rune) bool { return r == '.' || '0' <= r && r <= '9' })
		unit, tail := cut(strings.TrimLeft(tail, " "), func(r rune) bool {
			return 'a' <= r && r <= 'z' || r == 'µ' || r == 'μ'
		})
		if number == "" || unit == "" {
			return Period{}, fmt.Errorf("%w %q: at %.20q: want a number and a unit, such as 30 days", ErrPeriod, text, rest)
		}
		if err := p.grow(number, unit); err != nil {
			return Period{}, fmt.Errorf("%w %q: %w", ErrPeriod, text, err)
		}
		rest = strings.TrimLeft(tail, " ")
	}
	return p, nil
}

// cut splits s behind its first runes of which in is true.
func cut(s string, in func(rune) bool) (head, tail string) {
	for i, r := range s {
		if !in(r) {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

func (p *Period) grow(number, unit string) error {
	size, field, limit := 0, &p.Days, maxDays
	switch unit {
	case "y", "year", "years":
		size, field, limit = 12, &p.Months, maxMonths
	case "mo", "month", "months":
		size, field, limit = 1, &p.Months, maxMonths
	case "w", "week", "weeks":
		size = 7
	case "d", "day", "days":
		size = 1
	default:
		d, err := time.ParseDuration(number + unit)
		if err != nil {
			return fmt.Errorf("%q is neither a number of years, months, weeks, days nor a time", number+" "+unit)
		}
		if p.Time += d; p.Time < 0 {
			return errTooLong
		}
		return nil
	}
	n, err := strconv.Atoi(number)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return errTooLong
	case err != nil:
		return fmt.Errorf("%q is no whole number of %s", number, unit)
	case n > (limit-*field)/size:
		return errTooLong
	}
	*field += n * size
	return nil
}

// check returns what is wrong with a period that a policy names, if anything.
func (p Period) check() error {
	switch {
	case p.Months < 0 || p.Days < 0 || p.Time < 0:
		return fmt.Errorf("is negative (%v): name a period that is not", p)
	case p.Months > maxMonths || p.Days > maxDays:
		return fmt.Errorf("is %v: name at most a thousand years, or leave it out", p)
	}
	return nil
}

// mayExceed reports whether there is a day from which p lasts longer than q. The days looked at span common years, leap
// years and a century without a leap day.
func (p Period) mayExceed(q Period) bool {
	const day = 24 * time.Hour
	if p.Months*31+p.Days+int(p.Time/day)+1 <= q.Months*28+q.Days+int(q.Time/day) {
		return false // the usual case: far apart
	}
	end := time.Date(2105, 1, 1, 0, 0, 0, 0, time.UTC)
	for t := time.Date(2095, 1, 1, 0, 0, 0, 0, time.UTC); t.Before(end); t = t.AddDate(0, 0, 1) {
		if p.Add(t).After(q.Add(t)) {
			return true
		}
	}
	return false
}
