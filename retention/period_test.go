package retention_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/retention"
)

func at(t testing.TB, text string) time.Time {
	t.Helper()
	instant, err := time.Parse(time.RFC3339Nano, text)
	require.NoError(t, err)
	return instant
}

func TestMonthsEndOnTheSameDayOrTheLastOne(t *testing.T) {
	t.Parallel()
	month := func(n int) retention.Period { return retention.Period{Months: n} }
	for name, c := range map[string]struct {
		from   string
		period retention.Period
		want   string
	}{
		"plain":                        {"2026-01-15T10:20:30.000000001Z", month(1), "2026-02-15T10:20:30.000000001Z"},
		"31 January":                   {"2026-01-31T23:59:59.999999999Z", month(1), "2026-02-28T23:59:59.999999999Z"},
		"31 January of a leap year":    {"2028-01-31T00:00:00Z", month(1), "2028-02-29T00:00:00Z"},
		"a century is no leap year":    {"2100-01-31T00:00:00Z", month(1), "2100-02-28T00:00:00Z"},
		"29 February plus a year":      {"2028-02-29T12:00:00Z", month(12), "2029-02-28T12:00:00Z"},
		"31 August plus six":           {"2026-08-31T00:00:00Z", month(6), "2027-02-28T00:00:00Z"},
		"over the year's end":          {"2026-12-31T05:00:00Z", month(2), "2027-02-28T05:00:00Z"},
		"back":                         {"2026-03-31T05:00:00Z", month(-1), "2026-02-28T05:00:00Z"},
		"months, then days, then time": {"2026-01-31T00:00:00Z", retention.Period{Months: 1, Days: 1, Time: time.Hour}, "2026-03-01T01:00:00Z"},
		"days":                         {"2026-01-31T07:00:00Z", retention.Period{Days: 30}, "2026-03-02T07:00:00Z"},
		"zero":                         {"2026-01-31T07:00:00Z", retention.Period{}, "2026-01-31T07:00:00Z"},
		"another zone counts in UTC":   {"2026-01-31T23:30:00-05:00", month(1), "2026-03-01T04:30:00Z"},
		"a zone with daylight saving":  {"2026-03-28T12:00:00+01:00", retention.Period{Days: 1}, "2026-03-29T11:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := c.period.Add(at(t, c.from))
			require.Equal(t, at(t, c.want).UTC(), got)
		})
	}
}

// The published deadlines are dates; the *_rolled ones move weekends, which is a matter of calendars that no period has.
func TestDeadlinesMatchThePublishedOnes(t *testing.T) {
	t.Parallel()
	var file struct {
		Tests []struct {
			Received string `json:"received"`
			Month    string `json:"art12_3_raw"`
			Extended string `json:"extended_raw"`
			Days60   string `json:"erasure_60d"`
			Passive  string `json:"passive_6m"`
		} `json:"tests"`
	}
	require.NoError(t, json.Unmarshal(vector(t, "own", "deadlines.json"), &file))
	require.Len(t, file.Tests, 8)
	policy := retention.Default()
	for _, c := range file.Tests {
		received := at(t, c.Received+"T00:00:00Z")
		date := func(p retention.Period) string { return p.Add(received).Format(time.DateOnly) }
		require.Equal(t, c.Month, date(policy.Removal), "a month from %s", c.Received)
		require.Equal(t, c.Extended, date(retention.Period{Months: 3}), "three months from %s", c.Received)
		require.Equal(t, c.Days60, date(policy.Irrevocable), "60 days from %s", c.Received)
		require.Equal(t, c.Passive, date(policy.Rules[retention.Activity].Passive), "six months from %s", c.Received)
	}
}

// vector reads a file of the test vectors, which lie beside the repository.
func vector(t *testing.T, path ...string) []byte {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	file := filepath.Join(append([]string{filepath.Dir(dir), "shared", "vectors"}, path...)...)
	data, err := os.ReadFile(file)
	if os.IsNotExist(err) && os.Getenv("CI") != "true" {
		t.Skipf("no test vectors: %v", err)
	}
	require.NoError(t, err)
	return data
}

// naiveAdd counts months and days one by one on a calendar of its own.
func naiveAdd(p retention.Period, t time.Time) time.Time {
	t = t.UTC()
	year, month, day := t.Date()
	clock := t.Sub(time.Date(year, month, day, 0, 0, 0, 0, time.UTC))
	length := func() int {
		switch month {
		case time.April, time.June, time.September, time.November:
			return 30
		case time.February:
			if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
				return 29
			}
			return 28
		}
		return 31
	}
	for range p.Months {
		if month++; month > time.December {
			year, month = year+1, time.January
		}
	}
	if day > length() {
		day = length()
	}
	for range p.Days {
		if day++; day > length() {
			day = 1
			if month++; month > time.December {
				year, month = year+1, time.January
			}
		}
	}
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Add(clock).Add(p.Time)
}

func TestPeriodsAgreeWithCountingOnACalendar(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		p := retention.Period{Months: random.IntN(30), Days: random.IntN(400), Time: time.Duration(random.Int64N(int64(100 * time.Hour)))}
		from := time.Unix(random.Int64N(9_000_000_000), random.Int64N(1_000_000_000))
		require.Equal(t, naiveAdd(p, from), p.Add(from), "%v from %v", p, from)
	}
}

func TestPeriodsReadAsText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]retention.Period{
		"30d":                {Days: 30},
		"30 days":            {Days: 30},
		"1 day":              {Days: 1},
		"6 months":           {Months: 6},
		"6mo":                {Months: 6},
		"2y 1mo 3w":          {Months: 25, Days: 21},
		"1 year 2 weeks":     {Months: 12, Days: 14},
		"12h":                {Time: 12 * time.Hour},
		"1.5h":               {Time: 90 * time.Minute},
		"1 day 12h30m":       {Days: 1, Time: 12*time.Hour + 30*time.Minute},
		" 1 month 2d 3h4m5s": {Months: 1, Days: 2, Time: 3*time.Hour + 4*time.Minute + 5*time.Second},
		"15 µs":              {Time: 15 * time.Microsecond},
		"0 days":             {},
		"1d1d":               {Days: 2},
	} {
		got, err := retention.ParsePeriod(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}

func TestWhatIsNoPeriodIsRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	for text, reason := range map[string]string{
		"":                                "want a number and a unit",
		"  ":                              "want a number and a unit",
		"30":                              "want a number and a unit",
		"days":                            "want a number and a unit",
		"30 days,":                        "want a number and a unit",
		"-3 days":                         "want a number and a unit",
		"1.5 months":                      "no whole number of months",
		"3 fortnights":                    "neither a number of years, months, weeks, days nor a time",
		"1.2.3h":                          "neither a number of years, months, weeks, days nor a time",
		"1001 years":                      "longer than a thousand years",
		"366001 days":                     "longer than a thousand years",
		"99999999999999999999d":           "longer than a thousand years",
		"2000000h 2000000h":               "longer than a thousand years",
		strings.Repeat("366000 days ", 2): "longer than a thousand years",
	} {
		_, err := retention.ParsePeriod(text)
		require.ErrorIs(t, err, retention.ErrPeriod, text)
		require.ErrorContains(t, err, reason, text)
	}
}

func TestPeriodsKeepTheirTextInJSON(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(retention.Default())
	require.NoError(t, err)
	require.Contains(t, string(data), `"passive":"6 months"`)
	var back retention.Policy
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, retention.Default(), back)

	require.ErrorIs(t, json.Unmarshal([]byte(`{"removal":"soon"}`), &back), retention.ErrPeriod)
}

func FuzzParsePeriod(f *testing.F) {
	for _, seed := range []string{"30d", "6 months", "1y2mo3w4d5h6m7.5s", "0 days", "-1 day", "µ", "9999999999999999999 d", "1 month 1.5", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := retention.ParsePeriod(text)
		if err != nil {
			require.ErrorIs(t, err, retention.ErrPeriod)
			return
		}
		require.True(t, p.Months >= 0 && p.Days >= 0 && p.Time >= 0, "%+v", p)
		again, err := retention.ParsePeriod(p.String())
		require.NoError(t, err)
		require.Equal(t, p, again)
	})
}

func BenchmarkPeriodAdd(b *testing.B) {
	b.ReportAllocs()
	from := time.Date(2026, 8, 31, 10, 0, 0, 0, time.UTC)
	for b.Loop() {
		retention.Period{Months: 6}.Add(from)
	}
}
