package repo

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/ebbkit/ebb/store"
)

// EntryKind is the kind of entries of data stores.
const EntryKind = entryKind

// EntryField is the field of the scopes by which keys of entries become tokens, see crypto.Reblinder.
const EntryField = "key"

// MoveEntries brings all entries of data stores, of all tenants, behind an ID, to the IDs that follow from the newest index
// keys. An entry moves in one write and is there all the time; a record of how often entries moved is part of that write, so
// that who lists entries can tell. Everything but ID and Version stays; the body is sealed anew for its new place. The kind is that of entries, whatever is given.
//
// Every process must look entries up by both tokens meanwhile, and store new ones under the newest alone, see
// crypto.Reblinder. It goes on behind entries that cannot be moved, and ends with the first error of the store or of the keys.
func (r *Repo) MoveEntries(ctx context.Context, _ store.Kind, after string) iter.Seq2[Pass, error] {
	// One step at a time is written, because each counts the moves.
	return r.pass(ctx, EntryKind, after, 1, r.move)
}

// A move is an entry at its old place and at its new one.
type move struct{ from, to *store.Record }

func (r *Repo) move(ctx context.Context, s *step) error {
	var moves []move
	for i := range s.records {
		rec := &s.records[i]
		var to *store.Record
		err := r.settled(ctx, rec, func(rec *store.Record) (err error) {
			to, err = r.newPlace(ctx, rec)
			return err
		})
		if err := s.failed(rec, err); err != nil {
			return err
		}
		if to != nil {
			moves = append(moves, move{rec, to})
		}
	}
	return r.apply(ctx, s, moves)
}

// newPlace returns an entry as it is at the ID that follows from the newest index key, or nil when that is where it is.
func (r *Repo) newPlace(ctx context.Context, rec *store.Record) (*store.Record, error) {
	body, err := r.vault.Open(ctx, scope(rec), rec.Body)
	if err != nil {
		return nil, err
	}
	defer clear(body)
	var entry Entry
	if err := entry.decode(body); err != nil {
		return nil, err
	}
	ids, err := r.entryIDs(ctx, rec.Tenant, rec.Parent, entry.Key)
	if err != nil || ids[0] == rec.ID {
		return nil, err
	}
	to := *rec
	to.ID, to.Version = ids[0], 0
	to.Body, err = r.vault.Seal(ctx, scope(&to), body)
	return &to, err
}

// apply moves entries. Where somebody else has written meanwhile, it looks again.
func (r *Repo) apply(ctx context.Context, s *step, moves []move) error {
	if len(moves) == 0 {
		return nil
	}
	version, created, err := r.moves(ctx)
	if err != nil {
		return err
	}
	if created.IsZero() {
		created = r.now()
	}
	changes := make([]store.Change, 0, 2*len(moves)+1)
	for _, m := range moves {
		changes = append(changes, store.Change{Put: m.to}, store.Change{Delete: m.from})
	}
	changes = append(changes, store.Change{Put: rotationRecord(movesKey, version, created)})
	err = r.store.Apply(ctx, changes...)
	switch {
	case err == nil:
		s.Changed += int64(len(moves))
		return nil
	case !errors.Is(err, store.ErrConflict):
		return fmt.Errorf("move entries: %w", err)
	case len(moves) > 1:
		half := len(moves) / 2
		if err := r.apply(ctx, s, moves[:half]); err != nil {
			return err
		}
		return r.apply(ctx, s, moves[half:])
	}
	return r.moveAgain(ctx, s, moves[0], version)
}

// moveAgain moves one entry after a conflict. An entry that stands still while another one has its new place would be there
// twice: that is reported, and both stay.
func (r *Repo) moveAgain(ctx context.Context, s *step, m move, counted int64) error {
	now, err := r.store.Get(ctx, m.from.Key)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil && !errors.Is(err, store.ErrCorrupt) {
		return fmt.Errorf("read %s: %w", m.from.Kind, err)
	}
	if err == nil && now.Version == m.from.Version {
		version, _, failed := r.moves(ctx)
		if failed != nil {
			return failed
		}
		if version == counted {
			if _, taken := r.store.Get(ctx, m.to.Key); taken == nil {
				err = fmt.Errorf("%w: another entry has its place", store.ErrConflict)
				s.Broken = append(s.Broken, Broken{Kind: entryKind, ID: now.ID, Tenant: now.Tenant, Err: err})
				return nil
			}
		}
	}
	*m.from = now
	var to *store.Record
	if err == nil {
		to, err = r.newPlace(ctx, m.from)
	}
	if err := s.failed(m.from, err); err != nil || to == nil {
		return err
	}
	return r.apply(ctx, s, []move{{m.from, to}})
}
