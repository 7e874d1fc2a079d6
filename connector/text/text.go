// Package text gives the connectors that read and write text formats, and archives of files. Each has a prefix of its own in
// blueprints and is a connector of its own here: [JSON] is "json", [XML] "xml", [CSV] "csv", [Regexp] "regexp" and [Archive]
// "archive".
package text

import (
	"slices"

	"github.com/ebbkit/ebb/connector"
)

// JSON returns the connector "json" with ParseJSON, CreateJSON, TransformToJSON and AggregateToJSON. Its modules are pure,
// hold no state and may be used by many goroutines.
func JSON() connector.Connector {
	return format{name: "json", modules: []connector.Module{parseJSON(), createJSON(), transformToJSON(), aggregateToJSON()}}
}

// XML returns the connector "xml" with ParseXML and CreateXML (also under the name TransformToXML). Its modules are pure,
// hold no state and may be used by many goroutines. connector.ParseXML says how XML and bundles correspond.
func XML() connector.Connector {
	return format{name: "xml", modules: []connector.Module{parseXML(), createXML("CreateXML"), createXML("TransformToXML")}}
}

// CSV returns the connector "csv" with ParseCSV, CreateCSV and AggregateToCSV, whose columns need not be fields of a source
// module (also under the name CreateCSVAdvanced). Its modules are pure, hold no state and may be used by many goroutines.
func CSV() connector.Connector {
	return format{name: "csv", modules: []connector.Module{
		parseCSV(),
		createCSV("CreateCSV", "Create CSV"),
		createCSV("AggregateToCSV", "Create CSV (advanced)"),
		createCSV("CreateCSVAdvanced", "Create CSV (advanced)"),
	}}
}

// All returns every connector of this package, with the default limits.
func All() []connector.Connector {
	return []connector.Connector{JSON(), XML(), CSV(), Regexp(), Archive(ArchiveLimits{})}
}

// format is a connector for one format.
type format struct {
	name    string
	modules []connector.Module
}

// Name returns the prefix of the format.
func (f format) Name() string { return f.name }

// Modules returns the modules of the format.
func (f format) Modules() []connector.Module { return slices.Clone(f.modules) }

// tooLong says that a text would be longer than a bundle may hold.
func tooLong() error {
	return connector.Errorf(connector.MaxFileSizeExceededError, "the text would be longer than %d bytes", connector.MaxEncodedBytes)
}
