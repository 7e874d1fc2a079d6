package repo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
)

// An Erasure remembers that the keys of a person were destroyed, so that the same person does not come back by accident. Its ID
// is a blind token of the identifier, under an index key of its own that is never rotated: what the token was made of is
// gone, so nobody could make another. It is sealed under the tenant's keys and stays for ever.
type Erasure struct {
	Envelope `json:"-"`

	// Persons are the subjects that the identifier has led to, the last one at the end.
	Persons []string `json:"subjects"`
	// Reason is why the person may come back, in the words of whoever has allowed it last. Empty: nobody has.
	Reason string `json:"reason,omitempty"`
}

// States of an erasure.
const (
	// ErasureDone says that the person must not come back.
	ErasureDone = "done"
	// ErasureAllowed says that the person may come back, as another subject.
	ErasureAllowed = "allowed"
)

const (
	erasureKind store.Kind = "erased"

	// erasureField is the field of the scopes by which identifiers of erased people become tokens.
	erasureField = "erased"
)

func (*Erasure) kind() store.Kind             { return erasureKind }
func (*Erasure) category() retention.Category { return retention.Subject }
func (e *Erasure) encode() ([]byte, error)    { return json.Marshal(e) }
func (e *Erasure) decode(body []byte) error   { return json.Unmarshal(body, e) }

// Erasure returns what is remembered of an erased person. With store.ErrNotFound it returns one to be filled in.
func (r *Repo) Erasure(ctx context.Context, tenant, identifier string) (*Erasure, error) {
	at := crypto.Scope{Tenant: tenant, Category: string(retention.Subject), Field: erasureField}
	id, err := r.firstID(ctx, at, identifier)
	if err != nil {
		if !errors.Is(err, ErrNoBlinder) {
			err = blinding(err, "an identifier")
		}
		return nil, err
	}
	erasure := &Erasure{Envelope: Envelope{ID: id, Tenant: tenant}}
	return erasure, r.Get(ctx, erasure)
}

// NotErased returns ErrErased when one of the people whom identifiers name was erased. It makes nothing known of them.
func (r *Repo) NotErased(ctx context.Context, tenant string, identifiers []string) error {
	for _, identifier := range identifiers {
		switch erasure, err := r.Erasure(ctx, tenant, identifier); {
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			return err
		case erasure.State == ErasureDone:
			return ErrErased
		}
	}
	return nil
}

// MarkErased notes that a person is to be erased: from then on nothing that names the person is written. It returns the
// subject, whose keys are still there, see Bury. store.ErrNotFound when the identifier names nobody who is known. It may be
// called again.
func (r *Repo) MarkErased(ctx context.Context, tenant, identifier string) (subject string, err error) {
	for {
		erasure, err := r.Erasure(ctx, tenant, identifier)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return "", err
		}
		if erasure.State == ErasureDone {
			return erasure.Persons[len(erasure.Persons)-1], nil
		}
		line, err := r.identifier(ctx, tenant, identifier)
		if err != nil && !Unopenable(err) { // the keys may be gone already, through the vault or with their epoch
			return "", err
		}
		if erasure.Created.IsZero() {
			erasure.Created = r.now()
		}
		erasure.Persons, erasure.State = append(erasure.Persons, line.Parent), ErasureDone
		// A write that names the person and has seen the line before conflicts now. If Bury is cut off, PruneSubjects does the rest.
		line.State, line.Due = identifierErased, r.now().UTC()
		err = r.Apply(ctx, r.Put(erasure), r.Touch(line))
		if !errors.Is(err, store.ErrConflict) {
			return line.Parent, err
		}
	}
}

// Bury destroys the keys of a person, and then removes what leads to the person. It may be called again.
func (r *Repo) Bury(ctx context.Context, shredder crypto.Shredder, tenant, subject string) (crypto.Receipt, error) {
	receipt, err := shredder.Shred(ctx, crypto.Scope{Tenant: tenant, Subject: subject})
	if err != nil {
		return crypto.Receipt{}, err
	}
	for {
		lines, err := r.lines(ctx, tenant, subject)
		if err != nil || len(lines) == 0 {
			return receipt, err
		}
		for i := range lines {
			err := r.store.Apply(ctx, store.Change{Delete: &lines[i]})
			if err != nil && !errors.Is(err, store.ErrConflict) { // then look again
				return crypto.Receipt{}, fmt.Errorf("delete %s: %w", identifierKind, err)
			}
		}
	}
}

// AllowPerson lets a person who was erased, and buried, come back. store.ErrNotFound when nobody was. Who may come back already
// still may, for the reason that was given first.
func (r *Repo) AllowPerson(ctx context.Context, tenant, identifier, reason string) error {
	for {
		erasure, err := r.Erasure(ctx, tenant, identifier)
		if err != nil || erasure.State == ErasureAllowed {
			return err
		}
		erasure.State, erasure.Reason = ErasureAllowed, reason
		if err := r.Apply(ctx, r.Put(erasure)); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

// SubjectsOf returns the subjects that an identifier leads to and has led to, oldest first. store.ErrNotFound when there are
// none.
func (r *Repo) SubjectsOf(ctx context.Context, tenant, identifier string) ([]string, error) {
	line, missing := r.identifier(ctx, tenant, identifier)
	if missing != nil && !errors.Is(missing, store.ErrNotFound) && !Unopenable(missing) {
		return nil, missing
	}
	// In this order: who is erased meanwhile is found by one of the two.
	erasure, err := r.Erasure(ctx, tenant, identifier)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	subjects := erasure.Persons
	if line.Parent != "" && !slices.Contains(subjects, line.Parent) {
		subjects = append(subjects, line.Parent)
	}
	if len(subjects) == 0 {
		return nil, err
	}
	return subjects, nil
}
