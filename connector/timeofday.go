package connector

import "time"

// timeOfDay gives the time of day of a text such as 9:05, 21:05:06.5 or 9:05 PM, of a date in the zone, and of the text
// of a date, because that is how JSON writes one.
func timeOfDay(value any, zone *time.Location) (string, bool) {
	switch value := value.(type) {
	case time.Time:
		return clockIn(value, zone), true
	case string:
		s := dateScanner{text: trimSpace(value)}
		if clock, ok := s.clock(false); ok && s.done() && clock < 24*time.Hour {
			return formatClock(time.Time{}.Add(clock)), true
		}
		if date, err := ParseDate(value, zone); err == nil {
			return clockIn(date, zone), true
		}
	}
	return "", false
}

func clockIn(date time.Time, zone *time.Location) string {
	if zone == nil {
		zone = time.UTC
	}
	return formatClock(date.In(zone))
}

// formatClock writes HH:mm:ss, with milliseconds where there are any, so that texts of times have their order.
func formatClock(t time.Time) string {
	if t.Nanosecond() < int(time.Millisecond) {
		return t.Format("15:04:05")
	}
	return t.Format("15:04:05.000")
}
