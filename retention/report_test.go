package retention_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/retention"
)

func TestReportReadsAsATable(t *testing.T) {
	t.Parallel()
	report := retention.Report{
		At: start,
		Categories: map[retention.Category]retention.Counts{
			"gateway_log": {Passivated: 1200, Deleted: 3, Skipped: 2, Failed: 1, Overdue: start.AddDate(0, 0, -1), Active: 10, Passive: 1200},
			"a\tb":        {Active: 1, Uncovered: 1},
			"":            {Passive: 1_000_000_000_000_000, Uncovered: 1_000_000_000_000_000},
		},
		Counted: true, Next: start.AddDate(0, 0, 1), Unreadable: 4, Freed: 8192,
	}
	require.Equal(t, `sweep as of 2026-01-31T12:00:00Z
category     passivated  deleted  skipped  failed  left active      left passive    without a rule
""                    0        0        0       0            0  1000000000000000  1000000000000000
"a\tb"                0        0        0       0            1                 0                 1
gateway_log        1200        3        2       1           10              1200                 0
total              1200        3        2       1           11  1000000000001200  1000000000000001
overdue since 2026-01-30T12:00:00Z
unreadable records: 4
freed 8192 bytes
next due 2026-02-01T12:00:00Z`, report.String())

	require.Equal(t, `sweep as of 2026-01-31T12:00:00Z
category  passivated  deleted
total              0        0`, retention.Report{At: start}.String())
}

func TestReportGoesThroughJSON(t *testing.T) {
	t.Parallel()
	report := retention.Report{
		At:         start,
		Categories: map[retention.Category]retention.Counts{"activity": {Passivated: 2, Passive: 2}},
		Counted:    true,
		Next:       start.AddDate(0, 0, 1),
	}
	data, err := json.Marshal(report)
	require.NoError(t, err)
	require.JSONEq(t, `{"at":"2026-01-31T12:00:00Z","categories":{"activity":{"passivated":2,"deleted":0,"skipped":0,"failed":0,
		"active":0,"passive":2,"uncovered":0}},"counted":true,"next":"2026-02-01T12:00:00Z","unreadable":0,"freed_bytes":0}`, string(data))
	var back retention.Report
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, report, back)
}
