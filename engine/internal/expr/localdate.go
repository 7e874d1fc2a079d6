package expr

import "time"

// localDate is time.Date with moment's answers where clocks change: a time that a zone skips is as much later as the
// clocks are put forward, and of a time that there is twice it is the first. Days and clock fields may be out of range.
func localDate(year, month, day, hour, minute, second, nanos int, loc *time.Location) time.Time {
	wall := time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC)
	if loc == time.UTC {
		return wall
	}
	_, before := wall.Add(-24 * time.Hour).In(loc).Zone()
	_, after := wall.Add(24 * time.Hour).In(loc).Zone()
	first := wall.Add(-time.Duration(before) * time.Second).In(loc)
	if _, offset := first.Zone(); before == after || offset == before {
		return first
	}
	later := wall.Add(-time.Duration(after) * time.Second).In(loc)
	if _, offset := later.Zone(); offset == after {
		return later
	}
	return first
}
