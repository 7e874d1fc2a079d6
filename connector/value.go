package connector

import (
	"iter"
	"slices"
)

// A Bundle is what modules hand to each other: an object that keeps its fields in order, because JSON that people read
// and sign depends on it. The zero Bundle is empty and ready to use.
//
// Values are nil, bool, int64, float64, string, time.Time, []byte, []any and Bundle; [Normalize] makes them of anything
// else. A Bundle is a small value that refers to its fields, like a slice: copies share them. Treat a bundle that you did
// not make as read-only, or Clone it first. Reading from many goroutines at once is safe.
type Bundle struct {
	fields []field
}

type field struct {
	name  string
	value any
}

// Len returns the number of fields.
func (b Bundle) Len() int { return len(b.fields) }

// Get returns the value of a field, or nil when there is none.
func (b Bundle) Get(name string) any {
	value, _ := b.Lookup(name)
	return value
}

// Lookup returns the value of a field and whether there is one.
func (b Bundle) Lookup(name string) (any, bool) {
	for i := range b.fields {
		if b.fields[i].name == name {
			return b.fields[i].value, true
		}
	}
	return nil, false
}

// All yields the fields in order.
func (b Bundle) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for i := range b.fields {
			if !yield(b.fields[i].name, b.fields[i].value) {
				return
			}
		}
	}
}

// Clone returns a bundle with fields of its own; nested values are shared.
func (b Bundle) Clone() Bundle {
	return Bundle{fields: slices.Clone(b.fields)}
}
