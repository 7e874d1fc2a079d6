// Package store says what a place that keeps records must do.
//
// A [Record] is an envelope: a few plain fields that are needed to find it, to lease it and to let it expire, and a
// body that the store never looks into. One small interface therefore serves every kind of record, and whoever writes
// a new [Store] needs to know nothing about scenarios, keys or retention.
//
// Every store refuses the same mistakes with the same words: [Validate], [Query.Validate], [Key.Validate],
// [Kind.Validate] and [ValidateClaim] say what they are, and [Query.Matches] says what a query selects.
//
// Optional powers are small interfaces, found by type assertion: [Lister], [Counter], [Compacter], [Waker].
//
// Use memory.New for tests and tools that may forget, sqlite.Open for one process and one file. A store of your own is
// right when storetest.Run passes on it.
package store

import (
	"context"
	"iter"
	"time"
)

// MaxBodyBytes is the largest body that every store must accept: 16 MiB. Apply refuses a larger one with ErrTooLarge.
const MaxBodyBytes int64 = 16 << 20

// MaxTextBytes is the longest tenant, parent, category, subject or state that every store must accept, in bytes of
// UTF-8. Apply refuses a longer one with ErrTooLarge.
const MaxTextBytes int64 = 1024

// A Kind names a class of records: deliveries, executions, entries of data stores. Whoever writes records chooses the
// kinds; a store makes room for one when it first meets it. A kind is 1 to 40 bytes of a-z, 0-9 and _, and starts with
// a letter.
type Kind string

// A Key finds one record.
type Key struct {
	// Kind is the class of the record.
	Kind Kind
	// ID is a UUID in its canonical text form: 36 bytes, lower-case hexadecimal digits and four hyphens. Version 7
	// (RFC 9562, section 5.7) sorts by time; a store compares IDs byte by byte and reads nothing else out of them.
	ID string
}

// A Record is what a store keeps. All texts may hold any valid UTF-8, NUL included. Nil and empty Subjects are the same,
// and so are nil and empty Bodies.
type Record struct {
	Key

	// Tenant says whose data this is. It is set when the record is created and never changes. Empty is a tenant like
	// any other.
	Tenant string
	// Parent groups records of a kind: an execution's scenario, an entry's data store. Empty: none.
	Parent string
	// Category names the retention rule that applies.
	Category string
	// Subjects name the people that the body speaks of, by texts that tell nobody who they are: random IDs or blind tokens, never
	// what names them outside. Their order is kept; each stands once and is not empty.
	Subjects []string
	// State is where the record stands in its own life; the store only compares it.
	State string

	// Created is the instant from which retention counts. It is required. Instants are UTC, keep their nanoseconds, and
	// lie from 1678-01-01 to before 2262-04-11; a store drops monotonic readings and locations.
	Created time.Time
	// Due is when the record may be claimed. Zero: never.
	Due time.Time
	// Passive is when the record left active use. Zero while it is active.
	Passive time.Time

	// Version is set by the store: 1 when the record is created, one more with every change. In a Change it names the
	// version that the writer has seen.
	Version int64
	// Body is opaque to the store, up to MaxBodyBytes.
	Body []byte
}

// A Change is one step of an Apply. Exactly one field is set.
type Change struct {
	// Put writes the whole record. Version 0 asks to create it and conflicts when the key is taken; any other Version
	// must be the stored one. The Tenant must be the stored one.
	Put *Record
	// Touch is Put for a record that exists, but keeps the stored body: Body is ignored. It lets a lease be renewed and a
	// record leave active use without its body being read. Version is 1 or more.
	Touch *Record
	// Delete removes the record whose Key, Tenant and Version are given, for good. Version is 1 or more. A key that is
	// created again starts anew at Version 1.
	Delete *Record
	// Check writes nothing and conflicts unless the record has the given Key, Tenant and Version. Version 0 demands that
	// no record of any tenant has the key.
	Check *Record
}

// A Visibility says which records Find shows.
type Visibility uint8

const (
	// Active shows records whose Passive is zero. It is the default: a passive record is out of every normal read.
	Active Visibility = iota
	// Passive shows records whose Passive is set.
	Passive
	// Everything shows both.
	Everything
)

// A Query selects records of one kind. Fields that are set must all match; the zero value of a field matches
// everything, except Tenant.
type Query struct {
	// Kind is required.
	Kind Kind
	// Tenant must be equal, empty included, unless AllTenants is set.
	Tenant string
	// AllTenants looks across tenants; Tenant must then be empty. It is for sweeps, never for what a tenant gets to see.
	AllTenants bool

	Parent   string
	Category string
	State    string
	// Subject matches records that have this text among their Subjects.
	Subject string

	// CreatedBefore matches records with Created earlier than it.
	CreatedBefore time.Time
	// PassiveBefore matches records with Passive set and earlier than it. It needs a Visibility that shows them.
	PassiveBefore time.Time
	// Visibility is Active by default.
	Visibility Visibility

	// After starts behind this ID, in the direction of the search, whether or not a record has it. Empty: at the start.
	After string
	// Reverse goes from the highest ID to the lowest.
	Reverse bool
	// Limit ends the search after this many records. Zero: no limit.
	Limit int
	// KeysOnly leaves bodies out; everything else of the record is there.
	KeysOnly bool
}

// A Store keeps records. Any number of goroutines may use it at once.
//
// Every method gives up when its context ends and returns the context's error; an Apply whose context has ended may or
// may not have happened. After Close every method returns ErrClosed. Records that a store returns belong to the caller,
// who may change them; records that a caller passes in are the caller's again when the call returns.
//
// A store may also be a [Lister], a [Counter], a [Compacter] or a [Waker]; callers find that out by type assertion.
type Store interface {
	// Get returns the record with this key, active or passive. ErrNotFound when there is none.
	Get(ctx context.Context, key Key) (Record, error)

	// Find yields the records that match, in order of their IDs, and ends after the first error that is not ErrCorrupt. A
	// record that cannot be read is yielded with an error that wraps ErrCorrupt: it has its Key and whatever else could
	// be read, but no Body, and a loop that goes on gets the rest.
	//
	// A loop may call any method of the store, Close included: then it ends with ErrClosed, at once or a few records
	// later. A record that is there from the beginning to the end of the loop is yielded exactly once; one that is
	// written meanwhile may be seen as it was or as it is, or not at all if it did not match or does not any more. Each
	// range over the result searches anew.
	Find(ctx context.Context, q Query) iter.Seq2[Record, error]

	// Apply does all of the changes or none. When it returns nil they are durable, as durable as the store is: a crash of
	// the process or the machine does not undo them. It then has set Version in every Put and Touch to the stored one.
	//
	// ErrConflict: a change expected another version, or another tenant. The changes of concurrent calls may share one
	// commit, but each call succeeds or fails by its own changes alone. A key may stand only once in a call. No changes
	// are no error. After ErrConflict, ErrInvalid, ErrTooLarge, ErrFull and ErrClosed nothing was written; after any other
	// error the changes may or may not have happened, but never some of them.
	Apply(ctx context.Context, changes ...Change) error

	// Claim leases up to limit records of a kind, of all tenants, that are active and whose Due is set and not after now,
	// earliest Due first. It moves their Due to until, counts their Version up, and returns them as they then are, with
	// bodies. Two callers never get the same record for the same lease. Whoever holds the lease renews it by moving Due
	// (Touch), ends it by a Due of zero, or dies: then the record comes back by itself at until, and a write with the old
	// Version fails with ErrConflict. The limit is at least 1, and until lies after now.
	//
	// Records that cannot be read never hold up the others: only when no other is due does Claim lease them, return no
	// record, and name them in an error that wraps ErrCorrupt.
	Claim(ctx context.Context, kind Kind, now, until time.Time, limit int) ([]Record, error)

	// Close waits for the calls under way, then releases what the store holds. A second Close does nothing.
	Close() error
}

// A Lister is a Store that knows which kinds of records it has. Sweeps use it so that no kind is forgotten.
type Lister interface {
	// Kinds returns every kind that ever had a record, sorted.
	Kinds(ctx context.Context) ([]Kind, error)
}

// A Counter is a Store that can count without reading what it counts. Long work uses it to say how much there is to do.
type Counter interface {
	// Count returns how many records of a kind there are, of all tenants, active and passive, with those that cannot be
	// read. It is 0 for a kind that has none.
	Count(ctx context.Context, kind Kind) (int64, error)
}

// A Compacter is a Store that keeps the room of deleted records until it is told to give it back. Sweeps call it when
// they have deleted something.
type Compacter interface {
	// Compact returns the room of deleted records to the medium and removes what is left of their bytes from every file
	// of the store. It returns how many bytes the files shrank by. Other calls go on meanwhile. When its context ends it
	// stops early; what is left is done by the next call.
	Compact(ctx context.Context) (freed int64, err error)
}

// A Waker is a Store that learns when other processes make work due.
type Waker interface {
	// Wake returns a channel that gets a value, as soon as can be, after another process has written a record of this
	// kind that is due. Values are hints: they may be merged, and may come without cause.
	Wake(kind Kind) <-chan struct{}
}
