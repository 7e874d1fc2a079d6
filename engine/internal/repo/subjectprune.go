package repo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/store"
)

// pruneLease is how long a line of the directory stays with whoever looks whether anybody needs it.
const pruneLease = time.Hour

// PruneSubjects looks at up to limit lines of the directory that have not been used for SubjectTime, those of all tenants:
// one whose person no record names is removed, and the person's keys are destroyed; another one is kept for that time again. It
// also completes erasures that were cut off. It returns how many lines it has taken. What is wrong with one keeps none of the
// others: the first error is returned.
//
// Whoever writes a record that names the person sees that the line is due, notes its use before, and looks at the line
// once more in the same write. So a line is removed, or gets another record, but never both.
func (r *Repo) PruneSubjects(ctx context.Context, limit int) (int, error) {
	now := r.now().UTC()
	lines, err := r.store.Claim(ctx, identifierKind, now, now.Add(pruneLease), limit)
	if err != nil || len(lines) == 0 {
		return 0, err
	}
	kinds, err := r.SealedKinds(ctx)
	if err != nil {
		return 0, err
	}
	var failed error
	for i := range lines {
		if err := r.prune(ctx, kinds, &lines[i], now); err != nil && failed == nil {
			failed = err // the lease brings it back
		}
		if ctx.Err() != nil {
			return i, cmp.Or(failed, ctx.Err())
		}
	}
	return len(lines), failed
}

// prune looks at a line of the directory that was claimed.
func (r *Repo) prune(ctx context.Context, kinds []store.Kind, line *store.Record, now time.Time) error {
	if line.State == identifierErased {
		if shredder, ok := r.vault.(crypto.Shredder); ok {
			_, err := r.Bury(ctx, shredder, line.Tenant, line.Parent)
			return err
		}
	}
	named, err := r.named(ctx, kinds, line.Tenant, line.Parent)
	if err != nil {
		return err
	}
	change := store.Change{Delete: line}
	if named {
		line.Due = now.Add(SubjectTime)
		change = store.Change{Touch: line}
	}
	switch err := r.store.Apply(ctx, change); {
	case errors.Is(err, store.ErrConflict): // it has just been used
	case err != nil:
		return fmt.Errorf("write %s: %w", identifierKind, err)
	case !named:
		return r.forget(ctx, line) // a crash before this leaves keys that seal nothing
	}
	return nil
}

// forget destroys the keys of a person whom nothing names. The subject never comes back, so no mark of it has to stay.
func (r *Repo) forget(ctx context.Context, line *store.Record) error {
	at := crypto.Scope{Tenant: line.Tenant, Subject: line.Parent}
	switch vault := r.vault.(type) {
	case crypto.Forgetter:
		return vault.Forget(ctx, at)
	case crypto.Shredder:
		_, err := vault.Shred(ctx, at)
		return err
	}
	return nil
}

// named says whether any record but lines of the directory names a subject. One that cannot be read counts: nobody knows.
func (r *Repo) named(ctx context.Context, kinds []store.Kind, tenant, subject string) (bool, error) {
	for _, kind := range kinds {
		if kind == identifierKind {
			continue
		}
		q := ofSubject(kind, tenant, subject)
		q.Limit = 1
		for _, err := range r.store.Find(ctx, q) {
			if err != nil && !errors.Is(err, store.ErrCorrupt) {
				return false, fmt.Errorf("read %s: %w", kind, err)
			}
			return true, nil
		}
	}
	return false, nil
}

func ofSubject(kind store.Kind, tenant, subject string) store.Query {
	return store.Query{Kind: kind, Tenant: tenant, Subject: subject, Visibility: store.Everything, KeysOnly: true}
}

// SubjectRecords yields the records of a tenant that name one of some subjects, without their bodies, the newest of each kind
// first. Lines of the directory are left out. The loop may go on behind a record that the store cannot read.
func (r *Repo) SubjectRecords(ctx context.Context, tenant string, subjects []string) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		kinds, err := r.SealedKinds(ctx)
		if err != nil {
			yield(store.Record{}, err)
			return
		}
		for _, kind := range kinds {
			if kind == identifierKind {
				continue
			}
			var all []store.Record
			for _, subject := range subjects {
				for rec, err := range r.store.Find(ctx, ofSubject(kind, tenant, subject)) {
					switch {
					case err == nil:
						all = append(all, rec)
					case !yield(rec, err) || !errors.Is(err, store.ErrCorrupt):
						return
					}
				}
			}
			slices.SortFunc(all, func(a, b store.Record) int { // IDs of some kinds sort like nothing that means anything
				return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.ID, a.ID))
			})
			all = slices.CompactFunc(all, func(a, b store.Record) bool { return a.ID == b.ID }) // one may name two of them
			for _, rec := range all {
				if !yield(rec, nil) {
					return
				}
			}
		}
	}
}
