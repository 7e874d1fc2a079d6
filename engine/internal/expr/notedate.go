package expr

func dateNotes() map[string]Note {
	const (
		local   = " It calculates in the scenario's time zone, so that the time of day stays the same when clocks change."
		clamped = " On a day that the month does not have it is the month's last." + local
		beyond  = " Numbers beyond its range go over into the neighbouring "
		moment  = "; moment.js 2.30, English locale"
	)
	return map[string]Note{
		"formatDate": {"Writes a date in a format of tokens, in English, in a time zone: the scenario's unless an IANA name such as Europe/Prague is given. Text in [brackets] and characters that are no " +
			"tokens stand for themselves. Without a format it writes " + isoFormat + ". A zone that does not exist is a BundleValidationError.", sourceDate + moment,
			[]string{`formatDate(1.created; "DD.MM.YYYY HH:mm")`, `formatDate(1.created; "dddd, MMMM Do YYYY"; "America/New_York")`, `formatDate(1.created; "[week] W")`, `formatDate(1.created)`}},
		"parseDate": {"Reads a date from text in a format of tokens. What stands between the fields is not compared. Fields that are missing are the first of their unit, or today's where no year, month or " +
			"day is given. Text without an offset is in the time zone, the scenario's by default. Without a format all the usual forms are read. Text that does not fit is a BundleValidationError that names the format. " +
			"A date comes back as it is.", sourceDate + moment,
			[]string{`parseDate("31.1.2026 16:03"; "D.M.YYYY HH:mm")`, `parseDate("2016-12-28 04:03 PM"; "YYYY-MM-DD hh:mm A"; "Europe/Prague")`, `parseDate("1482940986"; "X")`, `parseDate("soon"; "YYYY")`}},
		"addSeconds": {"Gives the date so many seconds later, or earlier if the number is negative. Fractions count to the millisecond.", sourceDate, []string{`addSeconds(1.created; 2)`, `addSeconds(1.created; -0.5)`}},
		"addMinutes": {"Gives the date so many minutes later, or earlier if the number is negative.", sourceDate, []string{`addMinutes(1.created; 40)`, `addMinutes("2026-01-31"; -1)`}},
		"addHours":   {"Gives the date so many hours later, or earlier if the number is negative. Hours are real ones, also when clocks change.", sourceDate, []string{`addHours(1.created; -12)`, `addHours(1.created; 0.5)`}},
		"addDays":    {"Gives the date so many days later, or earlier if the number is negative. Fractions are rounded." + local, sourceDate, []string{`addDays(1.created; 1)`, `addDays("2026-03-01"; -1)`}},
		"addMonths":  {"Gives the date so many months later, or earlier if the number is negative." + clamped, sourceDate + moment, []string{`addMonths(1.created; 1)`, `addMonths("2026-03-31"; -1)`}},
		"addYears":   {"Gives the date so many years later, or earlier if the number is negative." + clamped, sourceDate + moment, []string{`addYears("2024-02-29"; 1)`, `addYears(1.created; -10)`}},
		"setSecond":  {"Gives the date with another second, 0 to 59." + beyond + "minutes.", sourceDate, []string{`setSecond(1.created; 0)`, `setSecond(1.created; 61)`}},
		"setMinute":  {"Gives the date with another minute, 0 to 59." + beyond + "hours.", sourceDate, []string{`setMinute(1.created; 30)`, `setMinute(1.created; 61)`}},
		"setHour":    {"Gives the date with another hour, 0 to 23." + beyond + "days." + local, sourceDate, []string{`setHour(1.created; 6)`, `setHour(1.created; 24)`}},
		"setDate":    {"Gives the date with another day of the month." + beyond + "months." + local, sourceDate, []string{`setDate(1.created; 1)`, `setDate(1.created; 32)`}},
		"setDay": {"Gives the date with another weekday of its week, which runs from Sunday to Saturday: 1 to 7 with Sunday as 1, or an English name, of which three letters will do." + beyond + "weeks.", sourceDate,
			[]string{`setDay(1.created; "Monday")`, `setDay(1.created; 1)`, `setDay(1.created; 8)`}},
		"setMonth": {"Gives the date with another month: 1 to 12, or an English name, of which three letters will do." + beyond + "years." + clamped, sourceDate, []string{`setMonth(1.created; 5)`, `setMonth(1.created; "feb")`, `setMonth(1.created; 13)`}},
		"setYear":  {"Gives the date with another year." + clamped, sourceDate, []string{`setYear(1.created; 2017)`, `setYear("2024-02-29"; 2023)`}},
	}
}
