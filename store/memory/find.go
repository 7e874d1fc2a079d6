package memory

import (
	"cmp"
	"context"
	"iter"
	"math"
	"slices"

	"github.com/ebbkit/ebb/store"
)

const (
	// maxLook is how many entries one hold of the lock looks at, maxPage how many records it takes along: writers never
	// wait for a whole search.
	maxLook = 1024
	maxPage = 256
	// maxNarrow is how many entries a search by category and instant may collect and sort. Above it the search walks the
	// IDs instead: so many matches lie dense there.
	maxNarrow = 16384
)

// Find yields the records that match; see [store.Store]. It follows one order of the table page by page and holds no
// lock while the loop's body runs.
func (s *Store) Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		if err := q.Validate(); err != nil {
			yield(store.Record{}, err)
			return
		}
		search := search{store: s, query: q, after: q.After}
		left := q.Limit
		for more := true; more; {
			var page []*store.Record
			var err error
			if page, more, err = search.next(ctx); err != nil {
				yield(store.Record{}, err)
				return
			}
			for _, r := range page {
				if !yield(copied(r, !q.KeysOnly), nil) {
					return
				}
				if left--; left == 0 {
					return
				}
			}
		}
	}
}

// A search is one loop over Find: the query, how far it has come, and how it finds its way.
type search struct {
	store *Store
	query store.Query
	after string
	begun bool
	// narrow holds the IDs of all that matched at the beginning, when an order by instant left only few.
	narrow   []string
	narrowed bool
}

// next returns the next records that match, and whether there may be more.
func (f *search) next(ctx context.Context) (page []*store.Record, more bool, err error) {
	f.store.mu.RLock()
	defer f.store.mu.RUnlock()

	if err := f.store.usable(ctx); err != nil {
		return nil, false, err
	}
	t := f.store.tables[f.query.Kind]
	if t == nil {
		return nil, false, nil
	}
	if !f.begun {
		f.begun = true
		f.narrow, f.narrowed = t.narrow(f.query)
	}
	if f.narrowed {
		return f.fromNarrow(t)
	}
	looked := 0
	see := func(it item) bool {
		f.after = it.id
		looked++
		if f.query.Matches(*it.record) {
			page = append(page, it.record)
		}
		more = looked == maxLook || len(page) == maxPage
		return !more
	}
	o := t.orderFor(f.query)
	switch {
	case !f.query.Reverse:
		o.ascend(item{id: f.after}, see)
	case f.after == "":
		o.descend(item{at: math.MaxInt64}, see)
	default:
		o.descend(item{id: f.after}, see)
	}
	return page, more, nil
}

func (f *search) fromNarrow(t *table) (page []*store.Record, more bool, err error) {
	n := min(len(f.narrow), maxPage)
	for _, id := range f.narrow[:n] {
		// What was written since may not match any more.
		if e := t.entries[id]; e != nil && f.query.Matches(*e.record) {
			page = append(page, e.record)
		}
	}
	f.narrow = f.narrow[n:]
	return page, len(f.narrow) > 0, nil
}

// orderFor returns the shortest order by ID that has all records that match.
func (t *table) orderFor(q store.Query) order {
	switch {
	case q.Subject != "":
		return t.subjects[q.Subject]
	case q.Parent != "":
		return t.parents[q.Parent]
	case q.Tenant != "":
		return t.tenants[q.Tenant]
	}
	return t.ids
}

// narrow returns the IDs of the records that match, sorted as the query wants them, when an order by instant shows that
// there are only few; false when that is not so.
func (t *table) narrow(q store.Query) ([]string, bool) {
	if q.Subject != "" || q.Parent != "" || q.Category == "" {
		return nil, false
	}
	var o order
	end := int64(math.MaxInt64)
	switch q.Visibility {
	case store.Active:
		o = t.created[q.Category]
		if !q.CreatedBefore.IsZero() {
			end = q.CreatedBefore.UnixNano()
		}
	case store.Passive:
		o = t.passive[q.Category]
		if !q.PassiveBefore.IsZero() {
			end = q.PassiveBefore.UnixNano()
		}
	default:
		return nil, false
	}
	var ids []string
	looked, few := 0, true
	o.ascend(item{at: math.MinInt64}, func(it item) bool {
		if it.at >= end {
			return false
		}
		if looked++; looked > maxNarrow {
			few = false
			return false
		}
		ahead := q.After == "" || !q.Reverse && it.id > q.After || q.Reverse && it.id < q.After
		if ahead && q.Matches(*it.record) {
			ids = append(ids, it.id)
		}
		return true
	})
	if !few {
		return nil, false
	}
	slices.SortFunc(ids, func(a, b string) int {
		if q.Reverse {
			a, b = b, a
		}
		return cmp.Compare(a, b)
	})
	return ids, true
}
