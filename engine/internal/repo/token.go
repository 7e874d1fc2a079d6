package repo

import (
	"context"
	"errors"
	"fmt"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/store"
)

// Some records are found by a value that the store must not see: their IDs are blind tokens of it. Whoever sees the store
// cannot guess values and find them confirmed. While index keys are rotated, such a record may stand under the ID that follows
// from an older one.

// ErrNoBlinder says that the vault cannot derive the tokens by which entries of data stores, and people, are found.
var ErrNoBlinder = errors.New("the vault is no crypto.Blinder, which data stores and subjects need")

// Blinds says whether the vault can derive tokens.
func (r *Repo) Blinds() bool {
	_, ok := r.vault.(crypto.Blinder)
	return ok
}

// tokenIDs returns the IDs that the record of a value may have: the one that a new record gets, then those that follow from
// other versions of the index key.
func (r *Repo) tokenIDs(ctx context.Context, at crypto.Scope, value string) ([]string, error) {
	var tokens [][]byte
	var err error
	switch vault := r.vault.(type) {
	case crypto.Reblinder:
		tokens, err = vault.Blinds(ctx, at, []byte(value))
	case crypto.Blinder:
		tokens = make([][]byte, 1)
		tokens[0], err = vault.Blind(ctx, at, []byte(value))
	default:
		return nil, ErrNoBlinder
	}
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(tokens))
	for i, token := range tokens {
		ids[i] = customID(token)
	}
	return ids, nil
}

// firstID is the first of tokenIDs, for values whose index key is never rotated.
func (r *Repo) firstID(ctx context.Context, at crypto.Scope, value string) (string, error) {
	vault, ok := r.vault.(crypto.Blinder)
	if !ok {
		return "", ErrNoBlinder
	}
	token, err := vault.Blind(ctx, at, []byte(value))
	if err != nil {
		return "", err
	}
	return customID(token), nil
}

// seek reads the document that stands under one of the IDs of a value. With store.ErrNotFound it returns one to be filled in, under
// the first ID, and the places of the value: what has to be so when it is created. With ErrErased it returns what the store sees of
// one whose keys are destroyed, and the places all the same.
func (r *Repo) seek(ctx context.Context, ids []string, at func(id string) Document) (Document, places, error) {
	var p places
	var erased Document
	var missing error
	// Records move from older IDs to the newest, so that is where to look last: one that moves meanwhile is not missed.
	for i := len(ids) - 1; i >= 0; i-- {
		doc := at(ids[i])
		err := r.Get(ctx, doc)
		switch {
		case errors.Is(err, ErrErased):
			erased, missing = doc, err
		case !errors.Is(err, store.ErrNotFound):
			return doc, places{}, err
		case missing == nil:
			missing = err
		}
		switch {
		case i == 0:
			p.first = doc
		case doc.envelope().Version != 0: // taken by one that cannot be read any more, or whose time is over
			p.left = append(p.left, doc)
		default:
			p.absent = append(p.absent, ids[i])
		}
	}
	if erased != nil {
		return erased, p, missing
	}
	return p.first, p, missing
}

// The places of a value are what is under its IDs but the document that is to be created.
type places struct {
	// first is what is to be created, in the place of what may be there.
	first Document
	// absent are the IDs under which there must be nothing.
	absent []string
	// left is what nobody reads any more, and what has to go: nothing moves it, so the new one must not stand in its place.
	left []Document
}

// clear demands, or does, what has to be so when doc is created.
func (r *Repo) clear(doc Document, p places) []Change {
	changes := r.absent(doc, p.absent...)
	for _, left := range p.left {
		changes = append(changes, r.Delete(left))
	}
	return changes
}

// absent demands that there is nothing under the IDs, which are of the kind of doc.
func (r *Repo) absent(doc Document, ids ...string) []Change {
	changes := make([]Change, len(ids))
	for i, id := range ids {
		missing := &store.Record{Key: store.Key{Kind: doc.kind(), ID: id}, Tenant: doc.envelope().Tenant}
		changes[i] = Change{doc: doc, change: func(context.Context) (store.Change, error) {
			return store.Change{Check: missing}, nil
		}}
	}
	return changes
}

// Check demands that a document is in the version that was read, or not there for Version 0.
func (r *Repo) Check(doc Document) Change {
	return Change{doc: doc, change: func(context.Context) (store.Change, error) {
		rec := record(doc)
		return store.Change{Check: &store.Record{Key: rec.Key, Tenant: rec.Tenant, Version: rec.Version}}, nil
	}}
}

func blinding(err error, what string) error { return fmt.Errorf("blind %s: %w", what, err) }
