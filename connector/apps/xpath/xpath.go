// Package xpath adds XPath queries to the connector "xml", as Make's XML app has them (https://apps.make.com/xml). It has the
// module XPathQuery and nothing else: the modules that parse and create XML need no client library and come with the engine.
//
// A document type is never looked at, so there are no entities beside those of XML itself, and nothing outside the document is
// reached. Documents end at a length, a depth and a number of parts, queries at a number of steps.
//
// The queries are evaluated by github.com/antchfx/xpath over the trees of github.com/antchfx/xmlquery, which are well kept and
// know XPath 1.0 and much of 2.0's functions.
//
// Make one with [New].
package xpath

import (
	"github.com/ebbkit/ebb/connector"
)

// Config sets the limits of the connector. The zero Config works.
type Config struct {
	// MaxBytes limits a document. A longer one is a DataError. Default: 10 MiB.
	MaxBytes int
	// MaxSteps limits a query: how many times it moves from one node of the document to another. One that needs more is a
	// DataError. Default: 20 million, which takes a second or two.
	MaxSteps int
}

var _ connector.Connector = (*Connector)(nil)

// A Connector is the part of the connector "xml" that queries. Many goroutines may use it.
type Connector struct {
	modules []connector.Module
}

// New makes the connector.
func New(config Config) *Connector {
	if config.MaxBytes == 0 {
		config.MaxBytes = 10 << 20
	}
	if config.MaxSteps == 0 {
		config.MaxSteps = 20_000_000
	}
	return &Connector{modules: []connector.Module{newQuery(config)}}
}

// Name returns "xml".
func (*Connector) Name() string { return "xml" }

// Modules returns XPathQuery.
func (c *Connector) Modules() []connector.Module { return c.modules }
