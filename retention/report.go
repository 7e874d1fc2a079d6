package retention

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Report says what a sweep did and what it found. It holds counts and instants, nothing of any record, and can be
// logged or encoded to JSON as it is.
type Report struct {
	// At is the instant as of which the sweep judged all records.
	At time.Time `json:"at"`
	// Categories has the counts of each category that the sweep met or had something to do in.
	Categories map[Category]Counts `json:"categories"`
	// Counted says that the sweep also looked at all that is left. Otherwise Next, and of the counts Active, Passive and
	// Uncovered, say too little.
	Counted bool `json:"counted"`
	// Next is the earliest instant after At at which a record that is left leaves active use or is due to be deleted.
	// Zero: none.
	Next time.Time `json:"next,omitzero"`
	// Unreadable is how many records the store could not read. They are in no category's counts, and stay. The sweep's
	// error names the first of each kind.
	Unreadable int64 `json:"unreadable"`
	// Freed is by how many bytes the store's files shrank, if it is a store.Compacter.
	Freed int64 `json:"freed_bytes"`
}

// Counts are numbers of records of one category.
type Counts struct {
	// Passivated left active use in this sweep.
	Passivated int64 `json:"passivated"`
	// Deleted are gone for good since this sweep: passive ones, and active ones whose passive time was over as well.
	Deleted int64 `json:"deleted"`
	// Skipped were due, but somebody wrote them in the meantime: another sweep, which then counts them, or a user of the
	// record. The next sweep looks at them again.
	Skipped int64 `json:"skipped"`
	// Failed were due, but the store refused the change. The next sweep tries again.
	Failed int64 `json:"failed"`
	// Overdue is the earliest instant at which one of the Failed was due. Zero: none. Report.At minus Overdue is how late
	// this policy is.
	Overdue time.Time `json:"overdue,omitzero"`

	// Active and Passive are what is left after the sweep.
	Active  int64 `json:"active"`
	Passive int64 `json:"passive"`
	// Uncovered are those of the records left that never expire because the policy has no rule for their category.
	Uncovered int64 `json:"uncovered"`
}

func (c Counts) plus(d Counts) Counts {
	c.Passivated += d.Passivated
	c.Deleted += d.Deleted
	c.Skipped += d.Skipped
	c.Failed += d.Failed
	c.Overdue = earlier(c.Overdue, d.Overdue)
	c.Active += d.Active
	c.Passive += d.Passive
	c.Uncovered += d.Uncovered
	return c
}

// earlier returns the earlier of two instants, of which zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Total returns the sum over all categories; its Overdue is the earliest.
func (r Report) Total() Counts {
	var sum Counts
	for _, c := range r.Categories {
		sum = sum.plus(c)
	}
	return sum
}

// add counts n on top of what the report has for a category.
func (r *Report) add(c Category, n Counts) {
	r.Categories[c] = r.Categories[c].plus(n)
}

// clone returns a report that shares nothing with r.
func (r Report) clone() Report {
	r.Categories = maps.Clone(r.Categories)
	return r
}

// String returns the report as a small table for people: a line per category, and the sum. Columns about what went
// wrong appear only when something did; columns about what is left, when the report is Counted.
func (r Report) String() string {
	total := r.Total()
	type column struct {
		title string
		of    func(Counts) int64
		width int
	}
	columns := []column{
		{"passivated", func(c Counts) int64 { return c.Passivated }, 0},
		{"deleted", func(c Counts) int64 { return c.Deleted }, 0},
	}
	if total.Skipped > 0 {
		columns = append(columns, column{"skipped", func(c Counts) int64 { return c.Skipped }, 0})
	}
	if total.Failed > 0 {
		columns = append(columns, column{"failed", func(c Counts) int64 { return c.Failed }, 0})
	}
	if r.Counted {
		columns = append(columns,
			column{"left active", func(c Counts) int64 { return c.Active }, 0},
			column{"left passive", func(c Counts) int64 { return c.Passive }, 0})
	}
	if total.Uncovered > 0 {
		columns = append(columns, column{"without a rule", func(c Counts) int64 { return c.Uncovered }, 0})
	}

	names := slices.Sorted(maps.Keys(r.Categories))
	width := len("category")
	for _, name := range names {
		width = max(width, len(label(name)))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "sweep as of %s\n", r.At.Format(time.RFC3339))
	fmt.Fprintf(&b, "%-*s", width, "category")
	for i, col := range columns {
		columns[i].width = max(len(col.title), len(strconv.FormatInt(col.of(total), 10)))
		fmt.Fprintf(&b, "  %*s", columns[i].width, col.title)
	}
	line := func(name string, c Counts) {
		fmt.Fprintf(&b, "\n%-*s", width, name)
		for _, col := range columns {
			fmt.Fprintf(&b, "  %*d", col.width, col.of(c))
		}
	}
	for _, name := range names {
		line(label(name), r.Categories[name])
	}
	line("total", total)
	if !total.Overdue.IsZero() {
		fmt.Fprintf(&b, "\noverdue since %s", total.Overdue.Format(time.RFC3339))
	}
	if r.Unreadable > 0 {
		fmt.Fprintf(&b, "\nunreadable records: %d", r.Unreadable)
	}
	if r.Freed > 0 {
		fmt.Fprintf(&b, "\nfreed %d bytes", r.Freed)
	}
	if !r.Next.IsZero() {
		fmt.Fprintf(&b, "\nnext due %s", r.Next.Format(time.RFC3339))
	}
	return b.String()
}

// label returns the category as it is when that is plain, and quoted otherwise, so that no name breaks the table.
func label(c Category) string {
	plain := c != "" && !strings.ContainsFunc(string(c), func(r rune) bool { return r <= ' ' || r > '~' })
	if plain {
		return string(c)
	}
	return strconv.QuoteToASCII(string(c))
}
