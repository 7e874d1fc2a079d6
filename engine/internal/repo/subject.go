package repo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
)

// ErrErased says that something names a person who was erased, or is under such a person's keys.
var ErrErased = errors.New("engine: a person whom it names was erased")

// An Identifier is a line of the directory that leads from a text by which data names somebody to the subject, a random ID that
// means nothing: its Parent, and the one of its Subjects, so that the body is sealed under that person's keys. Its ID is a blind
// token of the text. Records name people by subject alone, so they need not be touched when tokens change.
//
// Due is when somebody looks whether any record still names the person, see PruneSubjects. A subject without a line was
// erased, because nothing that names it is written without looking at the line in the same write, see Present.
type Identifier struct {
	Envelope

	Value string

	// places is what has to be so when the line is created.
	places places
}

const (
	identifierKind store.Kind = "identifier"

	// IdentifierField is the field of the scopes by which identifiers become tokens, see crypto.Reblinder.
	IdentifierField = "identifier"

	// identifierErased is the State of a line whose person is being erased: nothing that names the person is written any more.
	identifierErased = "erased"
)

func (*Identifier) kind() store.Kind             { return identifierKind }
func (*Identifier) category() retention.Category { return retention.Subject }
func (i *Identifier) encode() ([]byte, error)    { return pack([]byte(i.Value)), nil }

func (i *Identifier) decode(body []byte) error {
	var value []byte
	err := unpack(body, &value)
	i.Value = string(value)
	return err
}

const (
	// SubjectTime is how long a line of the directory stays at least after a use.
	SubjectTime = 30 * 24 * time.Hour
	// subjectSlack is how long a use need not be noted: less than SubjectTime by more than any write takes.
	subjectSlack = 24 * time.Hour
)

// A Person is somebody whom a record may name: a subject, and its line in the directory in the version that was seen.
type Person struct {
	// ID is the subject.
	ID string

	line store.Record // without its body
}

// Tenant is whose person it is.
func (p *Person) Tenant() string { return p.line.Tenant }

// Fresh says whether what is written at an instant may name the person without another look at the directory.
func (p *Person) Fresh(now time.Time) bool { return p.line.Due.Sub(now) >= SubjectTime-subjectSlack }

// Present demands that the people's lines are as they were seen: none of these people is erased, and nobody forgets them
// meanwhile. store.ErrConflict: look again, with Standing.
func (r *Repo) Present(people ...Person) []Change {
	var changes []Change
	seen := make(map[store.Key]struct{}, len(people))
	for i := range people {
		line := &people[i].line
		if _, twice := seen[line.Key]; twice {
			continue
		}
		seen[line.Key] = struct{}{}
		check := &store.Record{Key: line.Key, Tenant: line.Tenant, Version: line.Version}
		changes = append(changes, Change{change: func(context.Context) (store.Change, error) {
			return store.Change{Check: check}, nil
		}})
	}
	return changes
}

// Resolve returns the people whom identifiers name, one for each. Who is not known gets a line in the directory, with a subject
// from newSubject. A crash behind that leaves a line that nobody needs, until it is pruned. ErrErased when one of them was
// erased; others may have got lines then. Identifiers are in their normal form, and none stands twice.
func (r *Repo) Resolve(ctx context.Context, tenant string, identifiers []string, newSubject func() (string, error)) ([]Person, error) {
	for {
		people := make([]Person, len(identifiers))
		var changes []Change
		lines := make([]*Identifier, len(identifiers))
		for i, identifier := range identifiers {
			line, change, err := r.resolve(ctx, tenant, identifier, newSubject)
			if err != nil {
				return nil, err
			}
			people[i].ID, lines[i] = line.Parent, line
			changes = append(changes, change...)
		}
		if len(changes) > 0 {
			err := r.Apply(ctx, changes...)
			if errors.Is(err, store.ErrConflict) {
				continue // somebody else has just named one of them: look again
			}
			if err != nil {
				return nil, fmt.Errorf("write %s: %w", identifierKind, err)
			}
		}
		for i, line := range lines {
			people[i].line = *record(line)
		}
		return people, nil
	}
}

// resolve looks for one person, and says what has to be written before a record can name the person.
func (r *Repo) resolve(ctx context.Context, tenant, identifier string, newSubject func() (string, error)) (*Identifier, []Change, error) {
	line, err := r.identifier(ctx, tenant, identifier)
	now := r.now().UTC()
	switch {
	case err == nil && line.State == identifierErased:
		return nil, nil, ErrErased
	case err == nil && line.Due.Sub(now) >= SubjectTime-subjectSlack:
		return line, nil, nil
	case err == nil:
		line.Due = now.Add(SubjectTime)
		return line, []Change{r.Touch(line)}, nil
	case !errors.Is(err, store.ErrNotFound):
		return nil, nil, err
	}
	erasure, err := r.Erasure(ctx, tenant, identifier)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, nil, err
	}
	if erasure.State == ErasureDone {
		return nil, nil, ErrErased
	}
	if line.Parent, err = newSubject(); err != nil {
		return nil, nil, err
	}
	line.Subjects, line.Created, line.Due = []string{line.Parent}, now, now.Add(SubjectTime)
	return line, append(r.clear(line, line.places), r.Put(line), r.Check(erasure)), nil
}

// identifier returns the line of an identifier. With store.ErrNotFound it returns one to be filled in. With ErrErased it returns
// what the store sees of one whose keys are destroyed.
func (r *Repo) identifier(ctx context.Context, tenant, identifier string) (*Identifier, error) {
	ids, err := r.identifierIDs(ctx, tenant, identifier)
	if err != nil {
		return nil, err
	}
	doc, places, err := r.seek(ctx, ids, func(id string) Document {
		return &Identifier{Envelope: Envelope{ID: id, Tenant: tenant}, Value: identifier}
	})
	line := doc.(*Identifier) //nolint:errcheck // it is what the function made
	line.places = places
	return line, err
}

// identifierIDs returns the IDs that the line of an identifier may have, the one that a new line gets first.
func (r *Repo) identifierIDs(ctx context.Context, tenant, identifier string) ([]string, error) {
	at := crypto.Scope{Tenant: tenant, Category: string(retention.Subject), Field: IdentifierField}
	ids, err := r.tokenIDs(ctx, at, identifier)
	if err != nil && !errors.Is(err, ErrNoBlinder) {
		err = blinding(err, "an identifier")
	}
	return ids, err
}

// Standing returns the people of subjects as the directory has them now. ErrErased when one of them was erased.
func (r *Repo) Standing(ctx context.Context, tenant string, subjects []string) ([]Person, error) {
	people := make([]Person, len(subjects))
	for i, subject := range subjects {
		var err error
		if people[i], err = r.standing(ctx, tenant, subject); err != nil {
			return nil, err
		}
	}
	return people, nil
}

func (r *Repo) standing(ctx context.Context, tenant, subject string) (Person, error) {
	for {
		lines, err := r.lines(ctx, tenant, subject)
		switch {
		case err != nil:
			return Person{}, err
		case len(lines) == 0 || lines[0].State == identifierErased:
			return Person{}, ErrErased
		}
		p := Person{ID: subject, line: lines[0]}
		now := r.now().UTC()
		if p.Fresh(now) {
			return p, nil
		}
		p.line.Due = now.Add(SubjectTime)
		err = r.store.Apply(ctx, store.Change{Touch: &p.line})
		if err == nil {
			return p, nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return Person{}, fmt.Errorf("write %s: %w", identifierKind, err)
		}
	}
}

// lines returns the lines that lead to a subject, without their bodies. One that moves meanwhile is not missed.
func (r *Repo) lines(ctx context.Context, tenant, subject string) ([]store.Record, error) {
	var lines []store.Record
	q := store.Query{Kind: identifierKind, Tenant: tenant, Parent: subject, KeysOnly: true}
	err := r.directory(ctx, q, func() { lines = nil }, func(line store.Record) { lines = append(lines, line) })
	return lines, err
}

// LivingSubjects returns all subjects of a tenant that were not erased.
func (r *Repo) LivingSubjects(ctx context.Context, tenant string) (map[string]struct{}, error) {
	living := make(map[string]struct{})
	q := store.Query{Kind: identifierKind, Tenant: tenant, KeysOnly: true}
	err := r.directory(ctx, q, func() { clear(living) }, func(line store.Record) {
		if line.State != identifierErased {
			living[line.Parent] = struct{}{}
		}
	})
	return living, err
}

// Subjects returns all subjects that a tenant's directory leads to.
func (r *Repo) Subjects(ctx context.Context, tenant string) ([]string, error) {
	var subjects []string
	q := store.Query{Kind: identifierKind, Tenant: tenant, KeysOnly: true}
	err := r.directory(ctx, q, func() { subjects = nil }, func(line store.Record) { subjects = append(subjects, line.Parent) })
	return subjects, err
}

// directory hands the lines of the directory that match to take, one by one: a tenant may have millions. When any have moved to
// other IDs meanwhile, it begins anew, with begin.
func (r *Repo) directory(ctx context.Context, q store.Query, begin func(), take func(line store.Record)) error {
	q.Visibility = store.Everything
	for {
		before, _, err := r.moves(ctx)
		if err != nil {
			return err
		}
		begin()
		for rec, err := range r.store.Find(ctx, q) {
			if err != nil {
				return fmt.Errorf("read %s: %w", identifierKind, err)
			}
			take(rec)
		}
		after, _, err := r.moves(ctx)
		if err != nil || after == before {
			return err
		}
	}
}

// ofPerson gives a vault's answer about a record in the engine's words: when the destroyed keys are a person's, that person was
// erased.
func ofPerson(rec *store.Record, err error) error {
	if len(rec.Subjects) == 1 && errors.Is(err, crypto.ErrShredded) {
		return fmt.Errorf("%w: %w", ErrErased, err)
	}
	return err
}
