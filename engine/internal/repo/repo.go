// Package repo is the door between the engine and its store: it alone turns Go values into records and back. On the way
// in it seals what a record says, on the way out it opens it, and it hides what retention no longer lets be seen.
//
// Every kind of record is a struct with an [Envelope], in a file of its own. Make a door with [New].
package repo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
)

// An Envelope holds what the store sees of a record. Its fields are those of store.Record.
type Envelope struct {
	ID       string
	Tenant   string
	Parent   string
	State    string
	Subjects []string
	Created  time.Time
	Due      time.Time
	Version  int64
}

func (e *Envelope) envelope() *Envelope { return e }

// A Document is a kind of record as the engine knows it.
type Document interface {
	envelope() *Envelope
	kind() store.Kind
	category() retention.Category
	// encode returns what the record says, decode reads it. Neither touches the envelope.
	encode() ([]byte, error)
	decode(body []byte) error
}

// A Repo is a door to a store. Any number of goroutines may use it.
type Repo struct {
	store  store.Store
	vault  crypto.Vault
	policy retention.Policy
	now    func() time.Time
}

// New returns a door to a store whose bodies the vault seals. What is past its active time at now by the policy is not
// found.
func New(s store.Store, vault crypto.Vault, policy retention.Policy, now func() time.Time) *Repo {
	return &Repo{store: s, vault: vault, policy: policy, now: now}
}

// A Change is one step of an Apply.
type Change struct {
	change func(context.Context) (store.Change, error)
	doc    Document
}

// Put writes a document: creates it when its Version is 0, else replaces the version that was read.
func (r *Repo) Put(doc Document) Change {
	return Change{doc: doc, change: func(ctx context.Context) (store.Change, error) {
		record, err := r.seal(ctx, doc)
		return store.Change{Put: record}, err
	}}
}

// Touch writes a document's envelope and keeps what it says. Subjects and what decides the category must be as they were: the
// body is bound to them.
func (r *Repo) Touch(doc Document) Change {
	return Change{doc: doc, change: func(context.Context) (store.Change, error) {
		return store.Change{Touch: record(doc)}, nil
	}}
}

// Delete removes a document in the version that was read.
func (r *Repo) Delete(doc Document) Change {
	return Change{doc: doc, change: func(context.Context) (store.Change, error) {
		return store.Change{Delete: record(doc)}, nil
	}}
}

// Apply does all of the changes or none, and sets the Version of what it wrote. store.ErrConflict: somebody else wrote
// first.
func (r *Repo) Apply(ctx context.Context, changes ...Change) error {
	written := make([]store.Change, len(changes))
	for i, c := range changes {
		var err error
		if written[i], err = c.change(ctx); err != nil {
			return err
		}
	}
	if err := r.store.Apply(ctx, written...); err != nil {
		return err
	}
	for i, c := range changes {
		switch w := written[i]; {
		case w.Put != nil:
			c.doc.envelope().Version = w.Put.Version
		case w.Touch != nil:
			c.doc.envelope().Version = w.Touch.Version
		}
	}
	return nil
}

// Get reads the document whose ID and Tenant doc holds. store.ErrNotFound when there is none, when it belongs to
// somebody else, and when its active time is over; in that last case doc has the Version by which Put takes its place.
func (r *Repo) Get(ctx context.Context, doc Document) error {
	e := doc.envelope()
	got, err := r.store.Get(ctx, store.Key{Kind: doc.kind(), ID: e.ID})
	if err != nil {
		return err
	}
	hidden := !r.policy.Visible(got, r.now())
	if hidden && got.Tenant == e.Tenant {
		e.Version = got.Version
	}
	if hidden || got.Tenant != e.Tenant {
		return fmt.Errorf("%w: %s %s", store.ErrNotFound, doc.kind(), e.ID)
	}
	return r.open(ctx, &got, doc)
}

// find yields the documents that match. next returns an empty one to be filled. The loop may go on behind the error of a
// single document, which then is one that could not be read.
func (r *Repo) find(ctx context.Context, q store.Query, next func() Document) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		limit := q.Limit
		q.Limit = 0 // what is hidden must not count
		for got, err := range r.store.Find(ctx, q) {
			doc := next()
			if err != nil {
				doc.envelope().ID = got.ID
				if !yield(doc, err) || !errors.Is(err, store.ErrCorrupt) {
					return
				}
				continue
			}
			if !r.policy.Visible(got, r.now()) {
				continue
			}
			if q.KeysOnly {
				fill(doc, &got)
			} else if err := r.open(ctx, &got, doc); err != nil {
				if !yield(doc, err) {
					return
				}
				continue
			}
			if !yield(doc, nil) {
				return
			}
			if limit--; limit == 0 {
				return
			}
		}
	}
}

// claim leases documents that are due, and says how many it took. What is past its active time is not given out, and will
// not be due again. What cannot be read is passed to broken; when that will never change, it is not due again either.
func (r *Repo) claim(ctx context.Context, kind store.Kind, now, until time.Time, limit int, next func() Document, broken func(store.Record, error)) (int, error) {
	records, err := r.store.Claim(ctx, kind, now, until, limit)
	if err != nil {
		return 0, err
	}
	ctx = context.WithoutCancel(ctx) // they are leased: who claimed them has to know
	for i := range records {
		if !r.policy.Visible(records[i], r.now()) {
			r.shelve(ctx, &records[i])
			continue
		}
		if err := r.open(ctx, &records[i], next()); err != nil {
			broken(records[i], err)
			if hopeless(err) {
				if errors.Is(err, ErrErased) {
					records[i].State = erasedState(records[i])
				}
				r.shelve(ctx, &records[i])
			}
		}
	}
	return len(records), nil
}

// hopeless says that a record will never open. What is wrong with the keys may be put right: nothing of that is the record's.
func hopeless(err error) bool {
	switch {
	case errors.Is(err, crypto.ErrShredded):
		return true
	case errors.Is(err, crypto.ErrRing), errors.Is(err, crypto.ErrKeeper):
		return false
	}
	return errors.Is(err, crypto.ErrScope) || errors.Is(err, crypto.ErrMalformed) || errors.Is(err, errMalformed)
}

// shelve lets a record be due no more. When that cannot be written, it is claimed once more.
func (r *Repo) shelve(ctx context.Context, rec *store.Record) {
	rec.Due = time.Time{}
	_ = r.store.Apply(ctx, store.Change{Touch: rec})
}

func (r *Repo) seal(ctx context.Context, doc Document) (*store.Record, error) {
	body, err := doc.encode()
	if err != nil {
		return nil, fmt.Errorf("encode %s %s: %w", doc.kind(), doc.envelope().ID, err)
	}
	rec := record(doc)
	rec.Body, err = r.vault.Seal(ctx, scope(rec), body)
	if err != nil {
		return nil, fmt.Errorf("seal %s %s: %w", rec.Kind, rec.ID, ofPerson(rec, err))
	}
	return rec, nil
}

func (r *Repo) open(ctx context.Context, rec *store.Record, doc Document) error {
	fill(doc, rec)
	body, err := r.vault.Open(ctx, scope(rec), rec.Body)
	if err != nil {
		if body, err = r.reopen(ctx, rec, err); err == nil {
			fill(doc, rec)
		}
	}
	if err != nil {
		return fmt.Errorf("open %s %s: %w", rec.Kind, rec.ID, ofPerson(rec, err))
	}
	if err := doc.decode(body); err != nil {
		return fmt.Errorf("decode %s %s: %w", rec.Kind, rec.ID, err)
	}
	return nil
}

// scope is what a body is bound to: it opens nowhere else. It also says whose key seals the body: that of the one person whom
// the record names, that of its confidential run, or else that of the tenant, also where a record names several people.
func scope(rec *store.Record) crypto.Scope {
	at := crypto.Scope{
		Tenant:   rec.Tenant,
		Category: rec.Category,
		Record:   string(rec.Kind) + "/" + rec.ID,
		Field:    "body",
	}
	switch {
	case len(rec.Subjects) == 1:
		at.Subject = rec.Subjects[0]
	case rec.Category == string(retention.Confidential):
		at.Run = rec.ID
	}
	return at
}

func record(doc Document) *store.Record {
	e := doc.envelope()
	return &store.Record{
		Key:      store.Key{Kind: doc.kind(), ID: e.ID},
		Tenant:   e.Tenant,
		Parent:   e.Parent,
		Category: string(doc.category()),
		Subjects: e.Subjects,
		State:    e.State,
		Created:  e.Created,
		Due:      e.Due,
		Version:  e.Version,
	}
}

// A categorized document may be of one of several categories.
type categorized interface{ categorize(c retention.Category) }

func fill(doc Document, rec *store.Record) {
	if c, ok := doc.(categorized); ok {
		c.categorize(retention.Category(rec.Category))
	}
	*doc.envelope() = Envelope{
		ID:       rec.ID,
		Tenant:   rec.Tenant,
		Parent:   rec.Parent,
		State:    rec.State,
		Subjects: rec.Subjects,
		Created:  rec.Created,
		Due:      rec.Due,
		Version:  rec.Version,
	}
}
