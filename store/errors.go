package store

import "errors"

var (
	// ErrNotFound says that no record has the key.
	ErrNotFound = errors.New("store: not found")
	// ErrConflict says that a change expected another version of a record than the stored one. Read it again and decide
	// anew.
	ErrConflict = errors.New("store: conflict")
	// ErrInvalid says that a record, change or query breaks the contract: the message names the field. It is the
	// caller's mistake and was found before anything was written.
	ErrInvalid = errors.New("store: invalid")
	// ErrTooLarge says that a body is larger than MaxBodyBytes or a text longer than MaxTextBytes.
	ErrTooLarge = errors.New("store: too large")
	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("store: closed")
	// ErrFull says that the medium has no room left. Nothing of the call was written; it may be tried again when there
	// is room.
	ErrFull = errors.New("store: full")
	// ErrLocked says that another process, or another Store of this one, holds the store.
	ErrLocked = errors.New("store: locked")
	// ErrCorrupt says that what was read is not what was written, or that a file is none of this store's.
	ErrCorrupt = errors.New("store: corrupt")
	// ErrNewer says that the data was written by a newer version of the store than this one.
	ErrNewer = errors.New("store: newer schema")
)
