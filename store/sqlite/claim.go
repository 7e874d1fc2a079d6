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

	leased []store.Record
}

func (c *claiming) do(w *writer) (outcome, broken error) {
	c.leased = nil
	table := w.known(c.kind)
	if table == nil {
		return nil, nil
	}
	due, damaged, err := c.due(w, table)
	if primary(err) == driver.ResultCorrupt {
		// Some page cannot be read. Row by row, the others can.
		due, damaged, err = c.dueOneByOne(w, table)
	}
	if err != nil {
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

// A damage is a row that is due and cannot be read, and why. Without a number its row is beyond reach.
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

// dueOneByOne does what due does, but asks only the index what is due, and reads each row by itself.
func (c *claiming) dueOneByOne(w *writer, table *statements) (due []row, damaged []damage, err error) {
	numbers, err := table.get(&table.dueNumbers, `SELECT r.n FROM {records} AS r INDEXED BY {byDue}
		WHERE r.due <= ? AND r.passive IS NULL ORDER BY r.due`)
	if err != nil {
		return nil, nil, err
	}
	at, err := table.get(&table.at, "SELECT {columns}, {body} FROM {records} AS r WHERE r.n = ?")
	if err != nil {
		return nil, nil, err
	}
	numbers.BindInt64(1, c.now.UnixNano())
	for len(due) < c.limit && len(damaged) < maxDamaged {
		more, err := numbers.Step()
		if err != nil {
			return nil, nil, err
		}
		if !more {
			break
		}
		at.BindInt64(1, numbers.ColumnInt64(0))
		found, err := at.Step()
		if primary(err) == driver.ResultCorrupt || err == nil && !found {
			damaged = append(damaged, damage{why: unreadable(store.Key{Kind: c.kind}, errors.Join(corruption("a row that is due"), err))})
			continue
		}
		if err != nil {
			return nil, nil, errors.Join(err, numbers.Reset())
		}
		if r, err := readRow(at, c.kind, w.terms, true, &w.scratch); err != nil {
			damaged = append(damaged, damage{r.n, unreadable(r.Key, err)})
		} else {
			due = append(due, r)
		}
		if err := at.Reset(); err != nil {
			return nil, nil, err
		}
	}
	return due, damaged, numbers.Reset()
}

// leaseDamaged moves the damaged rows out of the way until the lease ends, and names them.
func (c *claiming) leaseDamaged(table *statements, damaged []damage) (outcome, broken error) {
	var why []error
	for _, d := range damaged {
		why = append(why, d.why)
		if d.n == 0 {
			continue
		}
		stmt, err := table.conn.Prepare(table.sql.sql("UPDATE {records} SET due = ?, version = version + 1 WHERE n = ?"))
		if err != nil {
			return nil, err
		}
		stmt.BindInt64(1, c.until.UnixNano())
		stmt.BindInt64(2, d.n)
		if err := exec(stmt); err != nil && primary(err) != driver.ResultCorrupt {
			return nil, err
		}
	}
	return errors.Join(why...), nil
}
