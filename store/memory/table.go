package memory

import (
	"math"
	"slices"
	"time"

	"github.com/ebbkit/ebb/store"
)

// An entry is one key's place in the table. Its record is never changed, only replaced, so that a reader may go on with
// one after it has let go of the lock.
type entry struct {
	record *store.Record
}

// A table holds the records of one kind and the orders that find them. An order is there for each way in that a query or
// a claim has; all of them hold the same entries.
type table struct {
	entries  map[string]*entry
	ids      order
	due      order            // active, Due set; by Due
	created  map[string]order // active, by category; by Created
	passive  map[string]order // passive, by category; by Passive
	parents  map[string]order // Parent set
	subjects map[string]order
	tenants  map[string]order // Tenant not empty
}

func newTable() *table {
	return &table{
		entries:  map[string]*entry{},
		created:  map[string]order{},
		passive:  map[string]order{},
		parents:  map[string]order{},
		subjects: map[string]order{},
		tenants:  map[string]order{},
	}
}

// set replaces what the table has under the ID of before or after. Before is nil when the record is new, after when it
// goes.
func (t *table) set(before, after *store.Record) {
	var e *entry
	if before == nil {
		e = &entry{}
		t.entries[after.ID] = e
		t.ids.insert(item{0, after.ID, e})
	} else {
		e = t.entries[before.ID]
	}
	e.record = after
	if after == nil {
		delete(t.entries, before.ID)
		t.ids.remove(item{0, before.ID, e})
	}
	t.place(e, before, after)
}

// place moves the entry in the orders that depend on the record's fields.
func (t *table) place(e *entry, before, after *store.Record) {
	was, is := placesOf(before), placesOf(after)
	if was.due != is.due {
		if was.due.in {
			t.due.remove(item{was.due.at, before.ID, e})
		}
		if is.due.in {
			t.due.insert(item{is.due.at, after.ID, e})
		}
	}
	move(t.created, e, before, after, was.created, is.created)
	move(t.passive, e, before, after, was.passive, is.passive)
	move(t.parents, e, before, after, was.parent, is.parent)
	move(t.tenants, e, before, after, was.tenant, is.tenant)
	if before != nil && after != nil && slices.Equal(before.Subjects, after.Subjects) {
		return
	}
	if before != nil {
		for _, s := range before.Subjects {
			out(t.subjects, s, item{0, before.ID, e})
		}
	}
	if after != nil {
		for _, s := range after.Subjects {
			into(t.subjects, s, item{0, after.ID, e})
		}
	}
}

// A place says whether a record stands in an order, in which one of a group, and at what instant.
type place struct {
	in    bool
	group string
	at    int64
}

type places struct{ due, created, passive, parent, tenant place }

func placesOf(r *store.Record) (p places) {
	if r == nil {
		return p
	}
	if r.Passive.IsZero() {
		p.created = place{true, r.Category, r.Created.UnixNano()}
		if !r.Due.IsZero() {
			p.due = place{true, "", r.Due.UnixNano()}
		}
	} else {
		p.passive = place{true, r.Category, r.Passive.UnixNano()}
	}
	p.parent = place{r.Parent != "", r.Parent, 0}
	p.tenant = place{r.Tenant != "", r.Tenant, 0}
	return p
}

func move(orders map[string]order, e *entry, before, after *store.Record, was, is place) {
	if was == is {
		return
	}
	if was.in {
		out(orders, was.group, item{was.at, before.ID, e})
	}
	if is.in {
		into(orders, is.group, item{is.at, after.ID, e})
	}
}

func into(orders map[string]order, group string, it item) {
	o := orders[group]
	o.insert(it)
	orders[group] = o
}

func out(orders map[string]order, group string, it item) {
	o := orders[group]
	if o.remove(it); o.empty() {
		delete(orders, group)
		return
	}
	orders[group] = o
}

// claimable returns the entries that are due at now, earliest first, up to limit.
func (t *table) claimable(now time.Time, limit int) []*entry {
	var due []*entry
	last := now.UnixNano()
	t.due.ascend(item{at: math.MinInt64}, func(it item) bool {
		if it.at > last || len(due) == limit {
			return false
		}
		due = append(due, it.entry)
		return true
	})
	return due
}
