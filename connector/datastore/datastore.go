// Package datastore gives the modules that work on data stores: tables of entries that outlive runs. In blueprints they
// stand as "datastore:AddRecord", "datastore:SearchRecord" and so on.
//
// Which store a module works on is its design-time parameter "datastore", a name or a number; a mapper cannot change
// it.
package datastore

import (
	"context"
	"slices"
	"strconv"

	"github.com/ebbkit/ebb/connector"
)

// MaxKeyBytes is how long the key of a record may be. A longer one is a DataError.
const MaxKeyBytes = 1024

// New returns the connector "datastore". Its modules hold no state and may be used by many goroutines.
func New() connector.Connector {
	return datastore{modules: []connector.Module{
		addRecord(), updateRecord(), getRecord(), existRecord(), deleteRecord(), deleteAllRecord(), countRecord(),
		searchRecord(),
	}}
}

type datastore struct{ modules []connector.Module }

// Name returns "datastore".
func (datastore) Name() string { return "datastore" }

// Modules returns AddRecord, UpdateRecord, GetRecord, ExistRecord, DeleteRecord, DeleteAllRecord, CountRecord and
// SearchRecord.
func (d datastore) Modules() []connector.Module { return slices.Clone(d.modules) }

// storeParam describes the choice of a store.
func storeParam() connector.Field {
	return connector.Field{Name: "datastore", Type: connector.TypeText, Label: "Data store", Required: true}
}

// openStore opens the store of a call.
func openStore(ctx context.Context, call *connector.Call) (connector.DataStore, error) {
	var name string
	switch value := call.Params.Get("datastore").(type) {
	case string:
		name = value
	case int64:
		name = strconv.FormatInt(value, 10)
	case float64:
		name = strconv.FormatFloat(value, 'f', -1, 64)
	}
	if name == "" {
		return nil, connector.Errorf(connector.InvalidConfigurationError, "no data store was chosen")
	}
	return call.Data(ctx, name)
}

// keyed is the mapper of the modules that need nothing but a key.
type keyed struct {
	Key string `json:"key" label:"Key" required:"true"`
}

// keyOutput is the bundle of the modules that write one record.
type keyOutput struct {
	Key string `json:"key" label:"Key"`
}

// checkKey refuses a key that no store takes.
func checkKey(key string) error {
	switch {
	case key == "":
		return connector.Errorf(connector.DataError, "field key: is required")
	case len(key) > MaxKeyBytes:
		return connector.Errorf(connector.DataError, "field key: is longer than %d bytes", MaxKeyBytes)
	}
	return nil
}

// openRecord opens the store of a call for a key.
func openRecord(ctx context.Context, call *connector.Call, key string) (connector.DataStore, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	return openStore(ctx, call)
}
