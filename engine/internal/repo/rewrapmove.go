package repo

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/store"
)

// EntryKind is the kind of entries of data stores.
const EntryKind = entryKind

// EntryField is the field of the scopes by which keys of entries become tokens, see crypto.Reblinder.
const EntryField = "key"

// IdentifierKind is the kind of identifiers of people.
const IdentifierKind = identifierKind

// MovedKinds are the kinds that Move is for, and FieldOf says which field's index key their IDs follow from.
func MovedKinds() []store.Kind { return []store.Kind{EntryKind, IdentifierKind} }

// FieldOf returns the field of the scopes by which the values of a kind of MovedKinds become tokens.
func FieldOf(kind store.Kind) string {
	if kind == IdentifierKind {
		return IdentifierField
	}
	return EntryField
}

// Move brings all records of one of MovedKinds, of all tenants, behind an ID, to the IDs that follow from the newest index
// keys. A record moves in one write and is there all the time; a record of how often any has moved is part of that write, so
// that who lists them can tell. Everything but ID and Version stays; the body is sealed anew for its new place. What is under
// keys that were destroyed stays: nobody looks for it.
//
// Every process must look values up by both tokens meanwhile, and store new ones under the newest alone, see
// crypto.Reblinder. It goes on behind records that cannot be moved, and ends with the first error of the store or of the keys.
func (r *Repo) Move(ctx context.Context, kind store.Kind, after string) iter.Seq2[Pass, error] {
	// One step at a time is written, because each counts the moves.
	return r.pass(ctx, kind, after, 1, r.move)
}

// A move is a record at its old place and at its new one.
type move struct{ from, to *store.Record }

func (r *Repo) move(ctx context.Context, s *step) error {
	var moves, again []move
	places := make(map[string]struct{}, len(s.records))
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
		if to == nil {
			continue
		}
		if _, taken := places[to.ID]; taken {
			again = append(again, move{rec, to})
			continue
		}
		places[to.ID] = struct{}{}
		moves = append(moves, move{rec, to})
	}
	if err := r.apply(ctx, s, moves); err != nil {
		return err
	}
	for _, m := range again { // one conflicts with who has the place now, see moveAgain
		if err := r.apply(ctx, s, []move{m}); err != nil {
			return err
		}
	}
	return nil
}

// newPlace returns a record as it is at the ID that follows from the newest index key, or nil when that is where it is.
func (r *Repo) newPlace(ctx context.Context, rec *store.Record) (*store.Record, error) {
	body, err := r.vault.Open(ctx, scope(rec), rec.Body)
	if errors.Is(err, crypto.ErrShredded) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer clear(body)
	ids, err := r.placesOf(ctx, rec, body)
	if err != nil || ids[0] == rec.ID {
		return nil, err
	}
	to := *rec
	to.ID, to.Version = ids[0], 0
	to.Body, err = r.vault.Seal(ctx, scope(&to), body)
	return &to, err
}

// placesOf returns the IDs that a record may have by what it says.
func (r *Repo) placesOf(ctx context.Context, rec *store.Record, body []byte) ([]string, error) {
	if rec.Kind == identifierKind {
		var row Identifier
		if err := row.decode(body); err != nil {
			return nil, err
		}
		return r.identifierIDs(ctx, rec.Tenant, row.Value)
	}
	var entry Entry
	if err := entry.decode(body); err != nil {
		return nil, err
	}
	return r.entryIDs(ctx, rec.Tenant, rec.Parent, entry.Key)
}

// apply moves records. Where somebody else has written meanwhile, it looks again.
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
		return fmt.Errorf("move %s: %w", moves[0].from.Kind, err)
	case len(moves) > 1:
		half := len(moves) / 2
		if err := r.apply(ctx, s, moves[:half]); err != nil {
			return err
		}
		return r.apply(ctx, s, moves[half:])
	}
	return r.moveAgain(ctx, s, moves[0], version)
}

// moveAgain moves one record after a conflict. One that stands still while another one has its new place would be there
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
				err = fmt.Errorf("%w: another %s has its place", store.ErrConflict, now.Kind)
				s.Broken = append(s.Broken, Broken{Kind: now.Kind, ID: now.ID, Tenant: now.Tenant, Err: err})
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
