package connector_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
)

func TestDateTextIsUnderstoodInManyForms(t *testing.T) {
	t.Parallel()
	prague := zoneOf(t, "Europe/Prague")
	for text, want := range map[string]string{
		"2016-06-20T17:26:44.356Z": "2016-06-20T17:26:44.356Z", "2016-06-20 19:26:44+02:00": "2016-06-20T17:26:44Z", "2016-06-20 17:26:44": "2016-06-20T15:26:44Z", "2016-06-20 17:26": "2016-06-20T15:26:00Z", "2016-06-20": "2016-06-19T22:00:00Z",
		"2016/06/20 17:26:44": "2016-06-20T15:26:44Z", "2016/06/20": "2016-06-19T22:00:00Z", "06/20/2016 17:26:44": "2016-06-20T15:26:44Z", "6/20/2016": "2016-06-19T22:00:00Z", "06/20/2016 5:26 PM": "2016-06-20T15:26:00Z", "20.6.2016 17:26:44": "2016-06-20T15:26:44Z", "20. 6. 2016": "2016-06-19T22:00:00Z",
		"20160620": "2016-06-19T22:00:00Z", "20160620T172644Z": "2016-06-20T17:26:44Z", "20160620T1726+0200": "2016-06-20T15:26:00Z", "2016-06-20t17:26z": "2016-06-20T17:26:00Z", "2016-06-20 12:00 AM": "2016-06-19T22:00:00Z", "2016-06-20 24:00": "2016-06-20T22:00:00Z", "  2016-06-20  ": "2016-06-19T22:00:00Z",
		"Mon, 20 Jun 2016 17:26:44 +0200": "2016-06-20T15:26:44Z", "20 June 2016": "2016-06-19T22:00:00Z", "June 20, 2016 5 pm UTC": "2016-06-20T17:00:00Z", "Mon Jun 20 2016 17:26:44 GMT+0200 (CEST)": "2016-06-20T15:26:44Z", "20-Jun-2016": "2016-06-19T22:00:00Z", "Mon, 20 Jun 2016 17:26:44 EST": "2016-06-20T22:26:44Z",
		"2024-02-29": "2024-02-28T23:00:00Z", "2016-06-20T17:26:44.123456789Z": "2016-06-20T17:26:44.123456789Z", "2016-06-20T17:26:44,5Z": "2016-06-20T17:26:44.5Z", "2026-03-29 02:30": "2026-03-29T01:30:00Z", "2026-10-25 02:30": "2026-10-25T00:30:00Z", "2016-06-20T17:26:44-0530": "2016-06-20T22:56:44Z", "2016-06-20 17:26 +02": "2016-06-20T15:26:00Z",
	} {
		got, err := connector.ParseDate(text, prague)
		require.NoError(t, err, text)
		parsed, err := time.Parse(time.RFC3339Nano, want)
		require.NoError(t, err)
		require.Equal(t, parsed, got, text)
	}
	for _, text := range []string{
		"", "x", "2016", "2016-06", "06/2016", "2016-13-01", "2016-02-30", "2023-02-29", "2016-06-20T25:00", "2016-06-20T10:60", "2016-06-20 10", "2016-06-20x", "20-06-2016", "1.2", "1700000000", "12:30", "June 2016", "Foo 20, 2016", "2016-06-20 10:00 XYZ", "2016-06-20T", "2016-06-20 13:00 PM",
		"+12345-01-01", "2016-06-20 10:00 +2", "0000-00-00", "99999999", "2016-06-20T24:01", "now", "2016-6", "20 Jun 16", "2016-06-20T10:00:00 +99:00",
	} {
		_, err := connector.ParseDate(text, prague)
		require.ErrorIs(t, err, connector.ErrDate, text)
	}
	_, err := connector.ParseDate("+012345-01-01", nil)
	require.NoError(t, err)
}

func TestDatesAreReadInMakesNotations(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", -5*3600)
	day := time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC) // midnight in the zone
	for text, want := range map[string]time.Time{
		"2026-03-04":                       day,
		"2026-3-4":                         day,
		"2026/03/04":                       day,
		"03/04/2026":                       day,
		"3/4/2026":                         day,
		"04.03.2026":                       day,
		"4.3.2026":                         day,
		"  2026-03-04 ":                    day,
		"2026-03-04 07:08":                 day.Add(7*time.Hour + 8*time.Minute),
		"2026-03-04T07:08:09":              day.Add(7*time.Hour + 8*time.Minute + 9*time.Second),
		"2026-03-04 7:08:09.5":             day.Add(7*time.Hour + 8*time.Minute + 9500*time.Millisecond),
		"2026-03-04T07:08:09,123456789123": day.Add(7*time.Hour + 8*time.Minute + 9*time.Second + 123456789),
		"3/4/2026 7:08 AM":                 day.Add(7*time.Hour + 8*time.Minute),
		"3/4/2026 7:08pm":                  day.Add(19*time.Hour + 8*time.Minute),
		"3/4/2026 12:00 AM":                day,
		"3/4/2026 12:30 PM":                day.Add(12*time.Hour + 30*time.Minute),
		"2026-03-04T07:08:09Z":             time.Date(2026, 3, 4, 7, 8, 9, 0, time.UTC),
		"2026-03-04 07:08 UTC":             time.Date(2026, 3, 4, 7, 8, 0, 0, time.UTC),
		"2026-03-04T07:08:09+02:00":        time.Date(2026, 3, 4, 5, 8, 9, 0, time.UTC),
		"2026-03-04T07:08:09-0230":         time.Date(2026, 3, 4, 9, 38, 9, 0, time.UTC),
		"2026-03-04 07:08 +02":             time.Date(2026, 3, 4, 5, 8, 0, 0, time.UTC),
		"2024-02-29":                       time.Date(2024, 2, 29, 5, 0, 0, 0, time.UTC),
		"0001-01-01T00:00:00Z":             {},
	} {
		got, err := connector.ParseDate(text, zone)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	utc, err := connector.ParseDate("2026-03-04", nil)
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC), utc)
}

func TestTextsThatAreNoDates(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "now", "2026", "2026-03", "03-04-2026", "26-03-04", "2026-13-01", "2026-00-01", "2026-02-29", "2026-04-31",
		"31/12/2026", "4.13.2026", "2026-03/04", "2026-03-04X", "2026-03-04T", "2026-03-04 7",
		"2026-03-04 24:01", "2026-03-04 07:60", "2026-03-04 07:08:60", "2026-03-04 07:08:09.", "2026-03-04 13:00 PM",
		"2026-03-04 0:00 AM", "2026-03-04 07:08 XM", "2026-03-04 07:08+", "2026-03-04 07:08 +2", "2026-03-04 07:08 +24:00",
		"2026-03-04 07:08 +02:60", "2026-03-04 07:08Zulu", "2026-03-04 07:08 Europe/Prague", "1767322800", "-2026-03-04",
		"12026-03-04",
	} {
		_, err := connector.ParseDate(text, nil)
		require.ErrorIs(t, err, connector.ErrDate, text)
	}
}

func FuzzParseDate(f *testing.F) {
	f.Add("2026-03-04T07:08:09.123+02:00")
	f.Add("3/4/2026 7:08 PM")
	f.Add("4.3.2026 07:08 UTC")
	f.Fuzz(func(t *testing.T, text string) {
		date, err := connector.ParseDate(text, nil)
		if err != nil {
			require.ErrorIs(t, err, connector.ErrDate)
			return
		}
		again, err := connector.ParseDate(date.Format("2006-01-02T15:04:05.999999999Z07:00"), nil)
		if date.Year() < 0 || date.Year() > 9999 {
			return // a zone has moved it out of the years that have four digits
		}
		require.NoError(t, err)
		require.Equal(t, date, again)
	})
}
