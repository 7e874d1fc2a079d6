// Package text gives the connectors that read and write text formats. Each format has a prefix of its own in blueprints
// and is a connector of its own here: [JSON] is "json".
package text

import (
	"slices"

	"github.com/ebbkit/ebb/connector"
)

// JSON returns the connector "json" with ParseJSON, CreateJSON and TransformToJSON. Its modules are pure, hold no state
// and may be used by many goroutines.
func JSON() connector.Connector {
	return format{name: "json", modules: []connector.Module{parseJSON(), createJSON(), transformToJSON()}}
}

// All returns every connector of this package.
func All() []connector.Connector { return []connector.Connector{JSON()} }

// format is a connector for one text format.
type format struct {
	name    string
	modules []connector.Module
}

// Name returns the prefix of the format.
func (f format) Name() string { return f.name }

// Modules returns the modules of the format.
func (f format) Modules() []connector.Module { return slices.Clone(f.modules) }
