package crypto

import (
	"encoding"
	"encoding/binary"
	"fmt"
)

// MaxScopeBytes is the longest text that a field of a Scope may hold.
const MaxScopeBytes = 1024

// A Scope is the place that an envelope or a stream belongs to. It is not stored in it: whoever opens it must know where
// it was found. Fields hold any bytes; those that do not apply stay empty, but not all of them.
//
// Tenant, Subject and Run also choose the key: envelopes that differ in one of them share no key material.
type Scope struct {
	// Tenant says whose data it is.
	Tenant string
	// Category names the retention rule that the record falls under.
	Category string
	// Record is the ID of the record.
	Record string
	// Field names the part of the record.
	Field string
	// Subject is the token of the one person whom the content is about.
	Subject string
	// Run is the ID of the execution that owns the content.
	Run string
}

var _ encoding.BinaryAppender = Scope{}

// scopeVersion is the first byte of the canonical encoding. It is bound to every envelope with the rest.
const scopeVersion = 1

var errEmptyScope = fmt.Errorf("%w: it is empty", ErrScope)

// AppendBinary appends the canonical encoding of s, for vaults that bind it as additional data: the byte 1, then each
// field in the order of the struct as its length, four bytes big endian, and its bytes. Different scopes have different
// encodings, and none is the beginning of another. It returns ErrScope when s is empty or one of its fields is longer
// than MaxScopeBytes.
func (s Scope) AppendBinary(dst []byte) ([]byte, error) {
	if err := s.check(); err != nil {
		return dst, err
	}
	return s.encode(dst), nil
}

// check says whether anything may be sealed under s.
func (s *Scope) check() error {
	if *s == (Scope{}) {
		return errEmptyScope
	}
	for _, f := range [...]struct {
		name string
		size int
	}{
		{"tenant", len(s.Tenant)},
		{"category", len(s.Category)},
		{"record", len(s.Record)},
		{"field", len(s.Field)},
		{"subject", len(s.Subject)},
		{"run", len(s.Run)},
	} {
		if f.size > MaxScopeBytes {
			return fmt.Errorf("%w: its %s has %d bytes, the limit is %d", ErrScope, f.name, f.size, MaxScopeBytes)
		}
	}
	return nil
}

func (s *Scope) encode(dst []byte) []byte {
	dst = append(dst, scopeVersion)
	for _, field := range [...]string{s.Tenant, s.Category, s.Record, s.Field, s.Subject, s.Run} {
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(field))) //nolint:gosec // MaxScopeBytes is far less
		dst = append(dst, field...)
	}
	return dst
}
