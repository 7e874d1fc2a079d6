package datastore

import (
	"bytes"
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/ebbkit/ebb/connector"
)

type sortRule struct {
	Key   string `json:"key" label:"Key" required:"true"`
	Order string `json:"order" label:"Order" required:"true" enum:"1,-1,asc,desc"`
}

func (r sortRule) descending() bool { return r.Order == "-1" || r.Order == "desc" }

// A sortable is an entry with the values that it is sorted by.
type sortable struct {
	entry  connector.Entry
	values []any
}

// sorted collects entries and yields them sorted. Entries that are equal to all rules keep their order. With a limit no
// more than twice as many entries are held at a time.
func (s *search) sorted(found iter.Seq2[connector.Entry, error]) iter.Seq2[connector.Entry, error] {
	return func(yield func(connector.Entry, error) bool) {
		var held []sortable
		for entry, err := range found {
			if err != nil {
				yield(connector.Entry{}, err)
				return
			}
			held = append(held, sortable{entry, s.valuesOf(entry)})
			if s.limit > 0 && int64(len(held))/2 >= s.limit {
				held = s.first(held)
			}
		}
		for _, one := range s.first(held) {
			if !yield(one.entry, nil) {
				return
			}
		}
	}
}

// first sorts entries and cuts them to the limit.
func (s *search) first(held []sortable) []sortable {
	slices.SortStableFunc(held, s.compare)
	if s.limit > 0 && int64(len(held)) > s.limit {
		clear(held[s.limit:])
		held = held[:s.limit]
	}
	return held
}

func (s *search) valuesOf(entry connector.Entry) []any {
	values := make([]any, len(s.sort))
	for i, rule := range s.sort {
		values[i] = valueOf(entry, rule.Key)
	}
	return values
}

// valueOf finds a field by its name, or by a path of names with dots between them.
func valueOf(entry connector.Entry, name string) any {
	if value, ok := entry.Data.Lookup(name); ok {
		return value
	}
	if name == keyField {
		return entry.Key
	}
	var value any = entry.Data
	for part := range strings.SplitSeq(name, ".") {
		inside, ok := value.(connector.Bundle)
		if !ok {
			return nil
		}
		value = inside.Get(part)
	}
	return value
}

func (s *search) compare(a, b sortable) int {
	for i, rule := range s.sort {
		order := compare(a.values[i], b.values[i])
		if rule.descending() {
			order = -order
		}
		if order != 0 {
			return order
		}
	}
	return 0
}

// compare orders values of all types: null, then numbers, texts, collections, arrays, buffers, false, true, dates.
// Texts and buffers are ordered by their bytes, which for texts is the order of code points, and arrays by their
// length. Collections are all equal.
func compare(a, b any) int {
	if order := cmp.Compare(rank(a), rank(b)); order != 0 {
		return order
	}
	switch a := a.(type) {
	case int64:
		if b, ok := b.(int64); ok {
			return cmp.Compare(a, b)
		}
		return cmp.Compare(float64(a), b.(float64))
	case float64:
		if b, ok := b.(int64); ok {
			return cmp.Compare(a, float64(b))
		}
		return cmp.Compare(a, b.(float64))
	case string:
		return strings.Compare(a, b.(string))
	case []any:
		return cmp.Compare(len(a), len(b.([]any)))
	case []byte:
		return bytes.Compare(a, b.([]byte))
	case time.Time:
		return a.Compare(b.(time.Time))
	}
	return 0
}

func rank(value any) int {
	switch value := value.(type) {
	case nil:
		return 0
	case int64, float64:
		return 1
	case string:
		return 2
	case connector.Bundle:
		return 3
	case []any:
		return 4
	case []byte:
		return 5
	case bool:
		if value {
			return 7
		}
		return 6
	}
	return 8
}
