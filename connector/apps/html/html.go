// Package html adds what reads HTML and finds things in texts to the connector "regexp", which Make calls its text parser
// (https://apps.make.com/text-parser): HTMLToText, HTMLParser, HTMLTableParser2, GetElementsFromText, and GetElements, which has the
// elements of both and CSS selectors besides. The modules that match patterns need no client library and come with the engine.
//
// golang.org/x/net/html parses as browsers do; github.com/andybalholm/cascadia knows the selectors of CSS.
//
// Make one with [New].
package html

import (
	"github.com/ebbkit/ebb/connector"
)

// Config sets the limits of the connector. The zero Config works.
type Config struct {
	// MaxBytes limits the text that goes in. A longer one is a DataError. Default: 5 MiB.
	MaxBytes int
}

var _ connector.Connector = (*Connector)(nil)

// A Connector is the part of the connector "regexp" that reads HTML. Many goroutines may use it.
type Connector struct {
	modules []connector.Module
}

// New makes the connector.
func New(config Config) *Connector {
	if config.MaxBytes == 0 {
		config.MaxBytes = 5 << 20
	}
	return &Connector{modules: []connector.Module{
		newToText(config), newParser(config), newTableParser(config), newFromText(config), newGetElements(config),
	}}
}

// Name returns "regexp".
func (*Connector) Name() string { return "regexp" }

// Modules returns HTMLToText, HTMLParser, HTMLTableParser2, GetElementsFromText and GetElements.
func (c *Connector) Modules() []connector.Module { return c.modules }
