package expr

import "time"

// weeks says how weeks are counted: the weekday they begin with, and the January day that the first one always has.
type weeks struct{ first, always int }

var (
	usWeeks  = weeks{first: 0, always: 1}
	isoWeeks = weeks{first: 1, always: 4}
)

// offset is the number of days from January 1 to the beginning of week 1; -6 to 3.
func (w weeks) offset(year int) int {
	day := int(time.Date(year, 1, w.always, 0, 0, 0, 0, time.UTC).Weekday())
	return w.always - 1 - (7+day-w.first)%7
}

// in gives the number of weeks in a year.
func (w weeks) in(year int) int {
	return (daysInYear(year) - w.offset(year) + w.offset(year+1)) / 7
}

// day gives the year and the day of the year of a weekday, counted from the first day of the week.
func (w weeks) day(year, week, weekday int) (int, int) {
	day := 1 + 7*(week-1) + weekday + w.offset(year)
	switch length := daysInYear(year); {
	case day <= 0:
		return year - 1, daysInYear(year-1) + day
	case day > length:
		return year + 1, day - length
	}
	return year, day
}

// weekOf gives the week that a date is in and the year that the week belongs to.
func weekOf(t time.Time, w weeks) (year, week int) {
	year = t.Year()
	week = (t.YearDay() - w.offset(year) - 1 + 7) / 7 // rounded down, because what is divided is never negative
	switch {
	case week < 1:
		return year - 1, w.in(year - 1)
	case week > w.in(year):
		return year + 1, 1
	}
	return year, week
}

func daysInYear(year int) int {
	return time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC).YearDay()
}
