package sqlite

import (
	"context"
	"errors"
	"iter"

	driver "zombiezen.com/go/sqlite"

	"github.com/ebbkit/ebb/store"
)

const (
	// A search reads page by page, the first ones small, and holds no connection while the loop's body runs.
	firstPage = 32
	maxPage   = 512
	// maxPageBytes ends a page early when its bodies are large.
	maxPageBytes = 1 << 20
	// maxNarrow is how many matches a search by category and instant may collect and sort at its beginning. When there
	// are more, it walks the IDs instead: so many matches lie dense there.
	maxNarrow = 16384
)

// A hit is what one step of a loop over Find gets.
type hit struct {
	store.Record
	err error
}

// Find yields the records that match; see [store.Store].
func (s *Store) Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		if err := q.Validate(); err != nil {
			yield(store.Record{}, err)
			return
		}
		f := &search{store: s, query: q, after: q.After}
		left, size := q.Limit, firstPage
		for {
			ask := size
			if q.Limit > 0 {
				ask = min(ask, left)
			}
			page, more, err := f.next(ctx, ask)
			for i := range page {
				if !yield(page[i].Record, page[i].err) {
					return
				}
			}
			if err != nil {
				yield(store.Record{}, explain(ctx, err))
				return
			}
			if left -= len(page); !more || q.Limit > 0 && left == 0 {
				return
			}
			size = min(size*4, maxPage)
		}
	}
}

// A search is one loop over Find: the query, how far it has come, and how it goes on.
type search struct {
	store *Store
	query store.Query
	// after is the last ID that was dealt with, empty at the beginning.
	after string
	how   way
	// pending are the IDs that were collected and not yet read.
	pending []ident
	// page is the statement for a page, once it is known.
	page *selection
}

// A way is how a search goes on.
type way int

const (
	undecided way = iota
	// paging: one statement reads a page.
	paging
	// listed: pending has all that matched at the beginning.
	listed
	// careful: some page of the file cannot be read, so pending gets IDs from an index, and each record is read by
	// itself.
	careful
)

// next returns up to size hits, and whether there may be more.
func (f *search) next(ctx context.Context, size int) (page []hit, more bool, err error) {
	if err := f.store.begin(ctx); err != nil {
		return nil, false, err
	}
	defer f.store.calls.Done()
	sql := (*f.store.kinds.Load())[f.query.Kind]
	if sql == nil {
		return nil, false, nil
	}
	rd, err := f.store.readers.take(ctx)
	if err != nil {
		return nil, false, err
	}
	defer f.store.readers.put(rd)
	if done := ctx.Done(); done != nil {
		rd.conn.SetInterrupt(done)
		defer rd.conn.SetInterrupt(nil)
	}
	if f.how == undecided {
		err := f.decide(rd, sql)
		if primary(err) == driver.ResultCorrupt {
			f.how, f.pending, err = careful, nil, nil
		}
		if err != nil {
			return nil, false, err
		}
	}
	if f.how == paging {
		page, more, err = f.readPage(rd, sql, size)
		if primary(err) == driver.ResultCorrupt {
			f.how, more, err = careful, true, nil
		}
		return page, more, err
	}
	if f.how == careful && len(f.pending) == 0 {
		if f.pending, err = f.ids(rd, idsBehind(sql, f.query, f.after)); err != nil || len(f.pending) == 0 {
			return nil, false, err
		}
	}
	return f.readEach(rd, sql, size)
}

// decide finds out whether an index by instant leaves so few matches that they are best collected at once.
func (f *search) decide(rd *reader, sql *kindSQL) error {
	f.how = paging
	if count := narrowCount(sql, f.query); count != nil {
		stmt, err := count.prepare(rd.conn, f.store.terms.Load())
		if err != nil {
			return err
		}
		if _, err := stmt.Step(); err != nil {
			return err
		}
		matches := stmt.ColumnInt64(0)
		if err := stmt.Reset(); err != nil {
			return err
		}
		if matches <= maxNarrow {
			if f.how = listed; matches > 0 {
				f.pending, err = f.ids(rd, narrowIDs(sql, f.query))
			}
			return err
		}
	}
	f.page = pageOf(sql, f.query)
	return nil
}

// ids returns the IDs that a statement selects.
func (f *search) ids(rd *reader, sel *selection) ([]ident, error) {
	stmt, err := sel.prepare(rd.conn, f.store.terms.Load())
	if err != nil {
		return nil, err
	}
	var ids []ident
	for {
		more, err := stmt.Step()
		if err != nil || !more {
			return ids, err
		}
		// An ID of another form is no place to go on from; its record is found by nobody.
		if id, err := columnIdent(stmt, 0); err == nil {
			ids = append(ids, id)
		}
	}
}

// readPage reads the next page with one statement.
func (f *search) readPage(rd *reader, sql *kindSQL, size int) (page []hit, more bool, err error) {
	stmt, err := f.page.from(f.after).limited(size).prepare(rd.conn, f.store.terms.Load())
	if err != nil {
		return nil, false, err
	}
	if size == maxPage { // the pages before it were full
		page = make([]hit, 0, size)
	}
	bytes := 0
	for bytes < maxPageBytes {
		found, err := stmt.Step()
		if err != nil {
			return page, false, err
		}
		if !found {
			return page, len(page) == size, stmt.Reset()
		}
		r, err := readRow(stmt, sql.kind, f.store.terms.Load(), !f.query.KeysOnly, &rd.scratch)
		if _, e := columnIdent(stmt, colID); e != nil {
			// There is no going on behind such a row. The index knows the way round it.
			f.how = careful
			return append(page, hit{store.Record{Key: store.Key{Kind: sql.kind}}, unreadable(store.Key{Kind: sql.kind}, e)}), true, stmt.Reset()
		}
		if err != nil {
			err = unreadable(r.Key, err)
		}
		f.after = r.ID
		page = append(page, hit{r.Record, err})
		bytes += len(r.Body)
	}
	return page, true, stmt.Reset()
}

// readEach reads records one by one from what was collected.
func (f *search) readEach(rd *reader, sql *kindSQL, size int) (page []hit, more bool, err error) {
	bytes, looked := 0, 0
	for ; looked < len(f.pending) && len(page) < size && bytes < maxPageBytes; looked++ {
		r, found, err := f.store.fetch(rd, sql, f.pending[looked], !f.query.KeysOnly)
		if err != nil && !errors.Is(err, store.ErrCorrupt) {
			return page, false, err
		}
		f.after = f.pending[looked].String()
		// What was written since may not match any more.
		if err != nil || found && f.query.Matches(r) {
			page = append(page, hit{r, err})
			bytes += len(r.Body)
		}
	}
	f.pending = f.pending[looked:]
	return page, len(f.pending) > 0 || f.how == careful, nil
}
