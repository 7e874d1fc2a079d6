package sqlite

import (
	"context"
	"errors"
	"time"

	driver "zombiezen.com/go/sqlite"

	"github.com/ebbkit/ebb/store"
)

// Claim leases what is due; see [store.Store]. It shares a commit with the calls beside it.
func (s *Store) Claim(ctx context.Context, kind store.Kind, now, until time.Time, limit int) ([]store.Record, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.calls.Done()
	if err := store.ValidateClaim(kind, now, until, limit); err != nil {
		return nil, err
	}
	c := &claiming{kind: kind, now: now, until: time.Unix(0, until.UnixNano()).UTC(), limit: limit}
	if err := s.writer.queue.do(ctx, c, 0, false); err != nil {
		return nil, err
	}
	return c.leased, nil
}

// Claiming is the task of one Claim.
type claiming struct {
	kind       store.Kind
	now, until time.Time
	limit      int
	// careful says that some page of the file cannot be read, so that rows have to be read one by one.
	careful bool
	// stuck says that the damaged rows cannot even be written.
	stuck bool

	leased []store.Record
}

func (c *claiming) do(w *writer) (outcome, broken error) {
	c.leased = nil
	table := w.known(c.kind)
	if table == nil {
		return nil, nil
	}
	read := c.due
	if c.careful {
		read = c.dueOneByOne
	}
	due, damaged, err := read(w, table)
	if err != nil {
		// The driver commits no transaction that has come across a page that cannot be read. The next attempt goes round
		// it.
		c.careful = primary(err) == driver.ResultCorrupt
		return nil, err
	}
	if len(due) == 0 && len(damaged) > 0 {
		return c.leaseDamaged(table, damaged)
	}
	lease, err := table.get(&table.lease, "UPDATE {records} SET version = ?, due = ?, sum = ? WHERE n = ?")
	if err != nil {
		return nil, err
	}
	for i := range due {
		r := &due[i]
		r.Due = c.until
		r.Version++
		lease.BindInt64(1, r.Version)
		lease.BindInt64(2, c.until.UnixNano())
		lease.BindInt64(3, rowSum(fieldSum(&r.Record, r.Version, &w.scratch), r.bodySum))
		lease.BindInt64(4, r.n)
		if err := exec(lease); err != nil {
			return nil, err
		}
		c.leased = append(c.leased, r.Record)
	}
	return nil, nil
}

// A damage is a row that is due and cannot be read, and why.
type damage struct {
	n   int64
	why error
}

// due reads what the claim takes, and the damaged rows that it came across.
func (c *claiming) due(w *writer, table *statements) (due []row, damaged []damage, err error) {
	stmt, err := table.get(&table.due, `SELECT {columns}, {body} FROM {records} AS r INDEXED BY {byDue}
		WHERE r.due <= ? AND r.passive IS NULL ORDER BY r.due`)
	if err != nil {
		return nil, nil, err
	}
	stmt.BindInt64(1, c.now.UnixNano())
	for len(due) < c.limit && len(damaged) < maxDamaged {
		more, err := stmt.Step()
		if err != nil {
			return nil, nil, err
		}
		if !more {
			break
		}
		if r, err := readRow(stmt, c.kind, w.terms, true, &w.scratch); err != nil {
			damaged = append(damaged, damage{r.n, unreadable(r.Key, err)})
		} else {
			due = append(due, r)
		}
	}
	return due, damaged, stmt.Reset()
}

// maxDamaged bounds how many damaged rows one claim passes by.
const maxDamaged = 1000

// dueOneByOne does what due does, but asks only the index what is due, and reads each row by itself, through a connection
// whose transactions need not be committed. It sees what the writer's transaction sees at its beginning.
func (c *claiming) dueOneByOne(w *writer, table *statements) (due []row, damaged []damage, err error) {
	conn, err := w.aside()
	if err != nil {
		return nil, nil, err
	}
	numbers, err := conn.Prepare(table.sql.sql(`SELECT r.n FROM {records} AS r INDEXED BY {byDue}
		WHERE r.due <= ? AND r.passive IS NULL ORDER BY r.due`))
	if err != nil {
		return nil, nil, err
	}
	numbers.BindInt64(1, c.now.UnixNano())
	var candidates []int64
	for {
		more, err := numbers.Step()
		if err != nil {
			return nil, nil, err
		}
		if !more {
			break
		}
		candidates = append(candidates, numbers.ColumnInt64(0))
	}
	for _, n := range candidates {
		if len(due) == c.limit || len(damaged) == maxDamaged {
			break
		}
		at, err := conn.Prepare(table.sql.sql("SELECT {columns}, {body} FROM {records} AS r WHERE r.n = ?"))
		if err != nil {
			return nil, nil, err
		}
		at.BindInt64(1, n)
		found, err := at.Step()
		switch {
		case primary(err) == driver.ResultCorrupt || err == nil && !found:
			key := store.Key{Kind: c.kind, ID: c.identAt(conn, table, n)}
			damaged = append(damaged, damage{n, unreadable(key, errors.Join(corruption("a row that is due"), err))})
			continue
		case err != nil:
			return nil, nil, err
		}
		if r, err := readRow(at, c.kind, w.terms, true, &w.scratch); err != nil {
			damaged = append(damaged, damage{n, unreadable(r.Key, err)})
		} else {
			due = append(due, r)
		}
		if err := at.Reset(); err != nil {
			return nil, nil, err
		}
	}
	return due, damaged, nil
}

// identAt returns the ID of a row of which not even that may be readable.
func (c *claiming) identAt(conn *driver.Conn, table *statements, n int64) string {
	stmt, err := conn.Prepare(table.sql.sql("SELECT id FROM {records} WHERE n = ?"))
	if err != nil {
		return ""
	}
	stmt.BindInt64(1, n)
	found, err := stmt.Step()
	if err != nil || !found {
		return ""
	}
	u, err := columnIdent(stmt, 0)
	if err := errors.Join(err, stmt.Reset()); err != nil {
		return ""
	}
	return u.String()
}

// leaseDamaged moves the damaged rows out of the way until the lease ends, as far as they can be written, and names them.
func (c *claiming) leaseDamaged(table *statements, damaged []damage) (outcome, broken error) {
	var why []error
	for _, d := range damaged {
		why = append(why, d.why)
	}
	if c.stuck {
		return errors.Join(why...), nil
	}
	stmt, err := table.get(&table.leaseDamaged, "UPDATE {records} SET due = ?, version = version + 1 WHERE n = ?")
	if err != nil {
		return nil, err
	}
	for _, d := range damaged {
		stmt.BindInt64(1, c.until.UnixNano())
		stmt.BindInt64(2, d.n)
		if err := exec(stmt); err != nil {
			c.stuck = primary(err) == driver.ResultCorrupt
			return nil, err
		}
	}
	return errors.Join(why...), nil
}
