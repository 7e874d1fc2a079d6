package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	driver "zombiezen.com/go/sqlite"

	"github.com/ebbkit/ebb/store"
)

// A reader is a connection that only reads. It sees what was committed when its statement began.
type reader struct {
	conn    *driver.Conn
	scratch []byte
}

// Readers are a fixed number of places for readers, each of which is opened when it is first needed. Whoever takes one
// out has it to himself, and puts it back before any code that is not the store's runs.
type readers struct {
	path   string
	places chan *reader
}

func newReaders(path string) *readers {
	r := &readers{path: path, places: make(chan *reader, min(max(4, 2*runtime.GOMAXPROCS(0)), 16))}
	for range cap(r.places) {
		r.places <- nil
	}
	return r
}

func (r *readers) take(ctx context.Context) (*reader, error) {
	var rd *reader
	select {
	case rd = <-r.places:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if rd != nil {
		return rd, nil
	}
	conn, err := connect(r.path, driver.OpenReadOnly)
	if err != nil {
		r.places <- nil
		return nil, err
	}
	return &reader{conn: conn}, nil
}

func (r *readers) put(rd *reader) { r.places <- rd }

// takeAll takes every place, so that nobody reads until putAll.
func (r *readers) takeAll(ctx context.Context) ([]*reader, error) {
	var all []*reader
	for range cap(r.places) {
		select {
		case rd := <-r.places:
			all = append(all, rd)
		case <-ctx.Done():
			r.putAll(all)
			return nil, ctx.Err()
		}
	}
	return all, nil
}

func (r *readers) putAll(all []*reader) {
	for _, rd := range all {
		r.places <- rd
	}
}

// close closes the connections. Nobody may call take any more.
func (r *readers) close() error {
	var errs []error
	for range cap(r.places) {
		if rd := <-r.places; rd != nil {
			errs = append(errs, rd.conn.Close())
		}
	}
	return errors.Join(errs...)
}

// Get returns the record with this key, active or passive; see [store.Store].
func (s *Store) Get(ctx context.Context, key store.Key) (store.Record, error) {
	if err := s.begin(ctx); err != nil {
		return store.Record{}, err
	}
	defer s.calls.Done()
	if err := key.Validate(); err != nil {
		return store.Record{}, err
	}
	if sql := (*s.kinds.Load())[key.Kind]; sql != nil {
		rd, err := s.readers.take(ctx)
		if err != nil {
			return store.Record{}, explain(ctx, err)
		}
		defer s.readers.put(rd)
		r, found, err := s.fetch(rd, sql, parse(key.ID), true)
		if err != nil {
			return store.Record{}, explain(ctx, err)
		}
		if found {
			return r, nil
		}
	}
	return store.Record{}, fmt.Errorf("%w: %s %s", store.ErrNotFound, key.Kind, key.ID)
}

// fetch reads one record by its ID. With an error that wraps ErrCorrupt it returns what could be read, if anything.
func (s *Store) fetch(rd *reader, sql *kindSQL, id ident, body bool) (r store.Record, found bool, err error) {
	stmt, err := rd.conn.Prepare(sql.byIdent(body))
	if err != nil {
		return r, false, err
	}
	r.Key = store.Key{Kind: sql.kind, ID: id.String()}
	stmt.BindBytes(1, id[:])
	found, err = stmt.Step()
	if primary(err) == driver.ResultCorrupt {
		return r, true, unreadable(r.Key, err)
	}
	if err != nil || !found {
		return r, false, err
	}
	stored, err := readRow(stmt, sql.kind, s.terms.Load(), body, &rd.scratch)
	if err != nil {
		err = unreadable(r.Key, err)
	}
	return stored.Record, true, errors.Join(err, stmt.Reset())
}
