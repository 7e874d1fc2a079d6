package datastore

import (
	"context"
	"crypto/sha256"
	"slices"

	"github.com/google/uuid" // keys of records that come without one

	"github.com/ebbkit/ebb/connector"
)

type addInput struct {
	Key       string           `json:"key" label:"Key" help:"Left empty, a key is made."`
	Overwrite bool             `json:"overwrite" label:"Overwrite an existing record"`
	Data      connector.Bundle `json:"data" label:"Record"`
}

// addRecord adds a record and gives its key. A record of that key that exists is replaced as a whole with overwrite,
// else it is a DuplicateDataError. Without a key one is made, the same for every attempt at an operation, so that a
// second attempt does not add a second record.
func addRecord() connector.Action {
	return connector.NewAction(connector.Info{
		Name:        "AddRecord",
		Version:     1,
		Label:       "Add/replace a record",
		Description: "Adds a record to a data store.",
		Params:      []connector.Field{storeParam()},
	}, func(ctx context.Context, call *connector.Call, in addInput) (keyOutput, error) {
		if in.Key == "" {
			in.Key = madeKey(call.Key)
		}
		store, err := openRecord(ctx, call, in.Key)
		if err != nil {
			return keyOutput{}, err
		}
		err = store.Change(ctx, in.Key, func(_ connector.Bundle, exists bool) (connector.Bundle, error) {
			if exists && !in.Overwrite {
				return connector.Bundle{}, connector.Errorf(connector.DuplicateDataError,
					"field key: the data store has a record with this key; set overwrite to replace it")
			}
			return in.Data, nil
		})
		return keyOutput{Key: in.Key}, err
	})
}

// madeKey makes a key for an operation: a UUID of version 8 (RFC 9562, section 5.8) made of its SHA-256. Without an operation it
// is random.
func madeKey(operation string) string {
	if operation == "" {
		return uuid.NewString()
	}
	return uuid.NewHash(sha256.New(), uuid.NameSpaceOID, []byte(operation), 8).String()
}

type updateInput struct {
	Key             string           `json:"key" label:"Key" required:"true"`
	Upsert          bool             `json:"upsert" label:"Insert missing record"`
	OverwriteArrays bool             `json:"overwriteArrays" label:"Overwrite an existing array in the record"`
	Data            connector.Bundle `json:"data" label:"Record"`
}

// updateRecord changes fields of a record and gives its key; see update for how. If there is no such record it is added
// as it was mapped with upsert, else it is a DataError.
func updateRecord() connector.Action {
	return connector.NewAction(connector.Info{
		Name:        "UpdateRecord",
		Version:     1,
		Label:       "Update a record",
		Description: "Changes fields of a record in a data store.",
		Params:      []connector.Field{storeParam()},
	}, func(ctx context.Context, call *connector.Call, in updateInput) (keyOutput, error) {
		store, err := openRecord(ctx, call, in.Key)
		if err != nil {
			return keyOutput{}, err
		}
		u := update{overwriteArrays: in.OverwriteArrays, erased: call.Erased}
		err = store.Change(ctx, in.Key, func(data connector.Bundle, exists bool) (connector.Bundle, error) {
			switch {
			case exists:
				return u.apply(data, in.Data), nil
			case in.Upsert:
				return in.Data, nil
			}
			return connector.Bundle{}, connector.Errorf(connector.DataError,
				"field key: the data store has no record with this key; set upsert to add it")
		})
		return keyOutput{Key: in.Key}, err
	})
}

// An update says how a record is changed.
//
// A field that is not given or is empty (null, an empty text, an empty array) keeps its value, because the editor
// writes all fields of a record, those that were left empty too; one that the author erased becomes null. Collections
// are changed field by field in the same way. An array replaces the old one with overwriteArrays, else its elements are
// added behind the old ones. All other values replace the old ones, and new fields stand behind the others.
//
// Make's help does not say what becomes of arrays and collections (https://help.make.com/data-stores). The rule for
// arrays follows from the name of the option and from published blueprints, which gather the pages of a list in this
// way.
type update struct {
	overwriteArrays bool
	erased          []string
}

// apply returns a record with the changes of the mapper.
func (u update) apply(record, changes connector.Bundle) connector.Bundle {
	if slices.Contains(u.erased, "data") {
		return connector.Bundle{}
	}
	return u.merge("data", record, changes)
}

func (u update) merge(path string, record, changes connector.Bundle) connector.Bundle {
	merged := record.Clone()
	for name, value := range changes.All() {
		at := path + "." + name
		switch given := value.(type) {
		case nil:
			if !slices.Contains(u.erased, at) {
				continue
			}
		case string:
			if given == "" {
				continue
			}
		case []any:
			if len(given) == 0 {
				continue
			}
			if before, ok := merged.Get(name).([]any); ok && !u.overwriteArrays {
				value = slices.Concat(before, given)
			}
		case connector.Bundle:
			if inside, ok := merged.Get(name).(connector.Bundle); ok {
				value = u.merge(at, inside, given)
			}
		}
		merged.Set(name, value)
	}
	return merged
}

// deleteRecord deletes a record, if there is one, and gives the key.
func deleteRecord() connector.Action {
	return connector.NewAction(connector.Info{
		Name:        "DeleteRecord",
		Version:     1,
		Label:       "Delete a record",
		Description: "Deletes a record of a data store.",
		Idempotent:  true,
		Params:      []connector.Field{storeParam()},
	}, func(ctx context.Context, call *connector.Call, in keyed) (keyOutput, error) {
		store, err := openRecord(ctx, call, in.Key)
		if err != nil {
			return keyOutput{}, err
		}
		_, err = store.Delete(ctx, in.Key)
		return keyOutput(in), err
	})
}

// deleteAllRecord empties a data store and says how many records there were.
func deleteAllRecord() connector.Action {
	return connector.NewAction(connector.Info{
		Name:        "DeleteAllRecord",
		Version:     1,
		Label:       "Delete all records",
		Description: "Empties a data store.",
		Idempotent:  true,
		Params:      []connector.Field{storeParam()},
	}, func(ctx context.Context, call *connector.Call, _ struct{}) (countOutput, error) {
		store, err := openStore(ctx, call)
		if err != nil {
			return countOutput{}, err
		}
		count, err := store.DeleteAll(ctx)
		return countOutput{Count: count}, err
	})
}
