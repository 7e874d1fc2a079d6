package datastore

import (
	"context"

	"github.com/ebbkit/ebb/connector"
)

type getInput struct {
	Key           string `json:"key" label:"Key" required:"true"`
	ReturnWrapped bool   `json:"returnWrapped" label:"Return the wrapped output"`
}

// getRecord reads a record. Its fields are the fields of the bundle, or stand in the field "data" with returnWrapped.
// If there is no such record the bundle is empty, and the scenario goes on.
func getRecord() connector.Action {
	return connector.NewAction(connector.Info{
		Name:        "GetRecord",
		Version:     1,
		Label:       "Get a record",
		Description: "Reads a record of a data store.",
		ReadOnly:    true,
		Params:      []connector.Field{storeParam()},
	}, func(ctx context.Context, call *connector.Call, in getInput) (connector.Bundle, error) {
		store, err := openRecord(ctx, call, in.Key)
		if err != nil {
			return connector.Bundle{}, err
		}
		data, exists, err := store.Get(ctx, in.Key)
		if err != nil || !exists {
			return connector.Bundle{}, err
		}
		if in.ReturnWrapped {
			return connector.NewBundle("data", data), nil
		}
		return data, nil
	})
}

type existOutput struct {
	Exist bool `json:"exist" label:"Exists"`
}

// existRecord says whether there is a record.
func existRecord() connector.Action {
	return connector.NewAction(connector.Info{
		Name:        "ExistRecord",
		Version:     1,
		Label:       "Check the existence of a record",
		Description: "Says whether a data store has a record.",
		ReadOnly:    true,
		Params:      []connector.Field{storeParam()},
	}, func(ctx context.Context, call *connector.Call, in keyed) (existOutput, error) {
		store, err := openRecord(ctx, call, in.Key)
		if err != nil {
			return existOutput{}, err
		}
		_, exists, err := store.Get(ctx, in.Key)
		return existOutput{Exist: exists}, err
	})
}

type countOutput struct {
	Count int64 `json:"count" label:"Number of records"`
}

// countRecord counts the records of a data store.
func countRecord() connector.Action {
	return connector.NewAction(connector.Info{
		Name:        "CountRecord",
		Version:     1,
		Label:       "Count records",
		Description: "Counts the records of a data store.",
		ReadOnly:    true,
		Params:      []connector.Field{storeParam()},
	}, func(ctx context.Context, call *connector.Call, _ struct{}) (countOutput, error) {
		store, err := openStore(ctx, call)
		if err != nil {
			return countOutput{}, err
		}
		count, err := store.Count(ctx)
		return countOutput{Count: count}, err
	})
}
