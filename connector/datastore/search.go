package datastore

import (
	"context"
	"iter"

	"github.com/ebbkit/ebb/connector"
)

type searchInput struct {
	Limit       int64      `json:"limit" param:"true" type:"uinteger"`
	Continue    bool       `json:"continueWhenNoRes" param:"true"`
	Filter      any        `json:"filter" label:"Filter" type:"filter"`
	Sort        []sortRule `json:"sort" label:"Sort"`
	MappedLimit int64      `json:"mappAbleLimit" label:"Limit" type:"uinteger"`
}

// searchRecord gives a bundle {key, data} for each record that passes the filter. Without sort rules they come in the
// order of the store. The limit of the mapper counts before the one of the parameters; none and 0 are no limit. No
// record gives no bundle, or one empty bundle with continueWhenNoRes.
//
// The filter is that of scenarios; the left side of a condition is the name of a field of the record. "key" is the key
// of the record, unless the record has a field of that name. The same holds for sort rules.
func searchRecord() connector.Search {
	return connector.NewSearch(connector.Info{
		Name:        "SearchRecord",
		Version:     1,
		Label:       "Search records",
		Description: "Finds records of a data store.",
		ReadOnly:    true,
		Params: []connector.Field{
			storeParam(),
			{Name: "limit", Type: connector.TypeUInteger, Label: "Limit"},
			{Name: "continueWhenNoRes", Type: connector.TypeBoolean, Label: "Continue even if nothing is found"},
		},
		Output: []connector.Field{
			{Name: "key", Type: connector.TypeText, Label: "Key"},
			{Name: "data", Type: connector.TypeCollection, Label: "Record"},
		},
	}, func(
		ctx context.Context, call *connector.Call, in searchInput,
	) iter.Seq2[connector.Bundle, error] {
		return func(yield func(connector.Bundle, error) bool) {
			s := search{match: call.Match, filter: in.Filter, sort: in.Sort, limit: in.Limit}
			if in.MappedLimit > 0 {
				s.limit = in.MappedLimit
			}
			store, err := openStore(ctx, call)
			if err != nil {
				yield(connector.Bundle{}, err)
				return
			}
			found := false
			for entry, err := range s.entries(ctx, store) {
				if err != nil {
					yield(connector.Bundle{}, err)
					return
				}
				found = true
				if !yield(connector.NewBundle("key", entry.Key, "data", entry.Data), nil) {
					return
				}
			}
			if !found && in.Continue {
				yield(connector.Bundle{}, nil)
			}
		}
	})
}

// A search is one question to a store.
type search struct {
	match  func(conditions any, entry connector.Bundle) (bool, error)
	filter any
	sort   []sortRule
	limit  int64
}

// entries yields the answer.
func (s *search) entries(ctx context.Context, store connector.DataStore) iter.Seq2[connector.Entry, error] {
	found := s.passing(ctx, store)
	if len(s.sort) > 0 {
		found = s.sorted(found)
	}
	if s.limit <= 0 {
		return found
	}
	return func(yield func(connector.Entry, error) bool) {
		left := s.limit
		for entry, err := range found {
			left--
			if !yield(entry, err) || left == 0 {
				return
			}
		}
	}
}

// passing yields the entries that pass the filter.
func (s *search) passing(ctx context.Context, store connector.DataStore) iter.Seq2[connector.Entry, error] {
	if unconditional(s.filter) {
		return store.All(ctx)
	}
	return func(yield func(connector.Entry, error) bool) {
		if s.match == nil {
			yield(connector.Entry{}, connector.Errorf(connector.RuntimeError, "this host evaluates no filters"))
			return
		}
		keyed := namesKey(s.filter)
		for entry, err := range store.All(ctx) {
			if err != nil {
				yield(connector.Entry{}, err)
				return
			}
			fields := entry.Data
			if keyed {
				fields = withKey(entry)
			}
			ok, err := s.match(s.filter, fields)
			if err != nil {
				yield(connector.Entry{}, err)
				return
			}
			if ok && !yield(entry, nil) {
				return
			}
		}
	}
}

// unconditional says whether a filter has no conditions at all. What is no filter is not unconditional: it must not let
// everything through.
func unconditional(filter any) bool {
	switch filter := filter.(type) {
	case nil:
		return true
	case string:
		return filter == ""
	case []any:
		for _, group := range filter {
			if rules, ok := group.([]any); !ok || len(rules) > 0 {
				return false
			}
		}
		return true
	}
	return false
}

// keyField is how filters and sort rules call the key of a record.
const keyField = "key"

// namesKey says whether a condition speaks of the key.
func namesKey(filter any) bool {
	groups, _ := filter.([]any)
	for _, group := range groups {
		rules, _ := group.([]any)
		for _, rule := range rules {
			if condition, ok := rule.(connector.Bundle); ok && condition.Get("a") == keyField {
				return true
			}
		}
	}
	return false
}

// withKey returns the fields of an entry with its key among them.
func withKey(entry connector.Entry) connector.Bundle {
	if _, ok := entry.Data.Lookup(keyField); ok {
		return entry.Data
	}
	fields := entry.Data.Clone()
	fields.Set(keyField, entry.Key)
	return fields
}
