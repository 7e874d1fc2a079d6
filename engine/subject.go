package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/store"
)

// ShredSubject destroys the keys of one of the tenant's people, named by an identifier as data names the person, see
// DeployOptions.Subjects and DataStoreOptions. It is a few small writes, however many records there are.
//
// What is about that person alone cannot be read from then on: here at once, in other processes after
// crypto.HierarchyConfig.KeyTime, from backups when the receipt says. Executions are still listed, with Execution.Erased;
// entries of data stores read as if they were not there. Records that name several people are under the tenant's keys, and
// stay as they are: SubjectRecords finds them. Everything else that is stored stays until its time is over. And whatever names the
// person anew is refused everywhere with ErrErased, until AllowSubject.
//
// ErrNotFound when nothing names the person, ErrInvalid when the identifier is empty or longer than MaxIdentifierBytes in its
// normal form, ErrNoShredder when the vault cannot do it. Any other error may leave it half done: then nothing new is taken, and
// another call does the rest, or Serve within an hour, or the first Tick of an engine. One who is erased already is no error, and
// has the same receipt. What the host itself has sealed under keys of people of its own, with Vault, is not concerned.
func (e *Engine) ShredSubject(ctx context.Context, identifier string) (crypto.Receipt, error) {
	normal, shredder, err := e.person(identifier)
	if err != nil {
		return crypto.Receipt{}, fmt.Errorf("shred a subject: %w", err)
	}
	subject, err := e.repo.MarkErased(ctx, e.tenant, normal)
	if errors.Is(err, store.ErrNotFound) {
		err = errNobody
	}
	if err != nil {
		return crypto.Receipt{}, fmt.Errorf("shred a subject: %w", err)
	}
	e.people.forget(e.tenant, []repo.Person{{ID: subject}})
	receipt, err := e.repo.Bury(ctx, shredder, e.tenant, subject)
	if err != nil {
		return crypto.Receipt{}, fmt.Errorf("shred subject %s: %w", subject, err)
	}
	return receipt, nil
}

// AllowSubject lets a person come back who was erased with ShredSubject: what names the person is taken again, by processes that
// have just refused it after a second at the latest. The person is another subject from then on, with keys that open nothing
// old. The reason is required, and kept sealed with what is remembered of the erasure.
//
// ErrNotFound when nobody was erased whom the identifier names. ErrInvalid when the reason is empty, and for identifiers, and
// ErrNoShredder, as in ShredSubject. Who may come back already is no error. An erasure that is half done is completed first.
func (e *Engine) AllowSubject(ctx context.Context, identifier, reason string) error {
	if reason == "" {
		return fmt.Errorf("allow a subject: %w: the reason is empty: say why the person may come back", ErrInvalid)
	}
	normal, shredder, err := e.person(identifier)
	if err != nil {
		return fmt.Errorf("allow a subject: %w", err)
	}
	switch err = e.repo.NotErased(ctx, e.tenant, []string{normal}); {
	case errors.Is(err, ErrErased):
		var subject string
		if subject, err = e.repo.MarkErased(ctx, e.tenant, normal); err == nil {
			_, err = e.repo.Bury(ctx, shredder, e.tenant, subject)
		}
	}
	if err == nil {
		err = e.repo.AllowPerson(ctx, e.tenant, normal, reason)
	}
	if errors.Is(err, store.ErrNotFound) {
		err = fmt.Errorf("%w: nobody was erased whom the identifier names", ErrNotFound)
	}
	if err != nil {
		return fmt.Errorf("allow a subject: %w", err)
	}
	return nil
}

// errNobody says that an identifier leads to nobody.
var errNobody = fmt.Errorf("%w: nothing names the person", ErrNotFound)

// person is what the calls about one person begin with.
func (e *Engine) person(identifier string) (normal string, shredder crypto.Shredder, err error) {
	if err := e.open(); err != nil {
		return "", nil, err
	}
	shredder, ok := e.cfg.Vault.(crypto.Shredder)
	if !ok {
		return "", nil, ErrNoShredder
	}
	normal, err = e.identified(identifier)
	return normal, shredder, err
}

// identified is the normal form of an identifier that has to name somebody.
func (e *Engine) identified(identifier string) (string, error) {
	normal, err := e.normal(identifier)
	if err == nil && normal == "" {
		err = fmt.Errorf("%w: the identifier is empty", ErrInvalid)
	}
	return normal, err
}

// A SubjectRecord is what the store sees of a record that names a person.
type SubjectRecord struct {
	// Kind says what it is: "delivery", "execution", "entry". With ID it is the store.Key of the record.
	Kind string
	ID   string
	// Parent is the ID of the scenario, or that of the data store.
	Parent string
	// State is where the record stands. Of a delivery it is "accepted", "running", "held" (until its scenario is active or can be
	// loaded), "done", "failed", "orphaned" (its scenario is gone) or "erased" (it was not run), of an execution its Status, and of
	// an entry empty.
	State string
	// Category is the retention category.
	Category string
	// Created is from when retention counts, in UTC.
	Created time.Time
	// Passive is when the record left active use. Zero while it is in use.
	Passive time.Time
	// Alone says that the record names nobody else. It is then under the person's own keys, and cannot be read any more when
	// these are destroyed.
	Alone bool
}

// SubjectRecords yields the tenant's records that name a person, active and passive, kind by kind, the newest of each kind first.
// Bodies are not read. Of a person who was erased it yields what is left, also that from before AllowSubject. ErrNotFound when
// nothing names the person and nobody was erased, ErrInvalid when the identifier is empty or too long. The loop may go on behind a
// record that the store cannot read, and ends with any other error.
func (e *Engine) SubjectRecords(ctx context.Context, identifier string) iter.Seq2[SubjectRecord, error] {
	return func(yield func(SubjectRecord, error) bool) {
		err := e.open()
		var subjects []string
		if err == nil {
			var normal string
			if normal, err = e.identified(identifier); err == nil {
				subjects, err = e.repo.SubjectsOf(ctx, e.tenant, normal)
			}
		}
		if errors.Is(err, store.ErrNotFound) {
			err = errNobody
		}
		if err != nil {
			yield(SubjectRecord{}, fmt.Errorf("records of a subject: %w", err))
			return
		}
		for rec, err := range e.repo.SubjectRecords(ctx, e.tenant, subjects) {
			found := SubjectRecord{
				Kind: string(rec.Kind), ID: rec.ID, Parent: rec.Parent, State: rec.State, Category: rec.Category,
				Created: rec.Created, Passive: rec.Passive, Alone: len(rec.Subjects) == 1,
			}
			if !yield(found, err) {
				return
			}
		}
	}
}
