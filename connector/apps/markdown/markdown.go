// Package markdown is the connector "markdown": it turns Markdown into HTML and back, as Make's Markdown app does
// (https://apps.make.com/markdown).
//
// Markdown is CommonMark, and with the option for it GitHub Flavored Markdown, by github.com/yuin/goldmark, which follows both
// specifications to the letter; github.com/microcosm-cc/bluemonday takes out of HTML what must not come to a browser;
// github.com/JohannesKaufmann/html-to-markdown goes the other way. All three are the best kept of their kind.
//
// Make one with [New].
package markdown

import (
	"github.com/ebbkit/ebb/connector"
)

// Config sets the limits of the connector. The zero Config works.
type Config struct {
	// MaxBytes limits the text that goes in. A longer one is a DataError. Default: 1 MiB.
	MaxBytes int
}

var _ connector.Connector = (*Connector)(nil)

// A Connector is the connector "markdown". Many goroutines may use it.
type Connector struct {
	modules []connector.Module
}

// New makes the connector.
func New(config Config) *Connector {
	if config.MaxBytes == 0 {
		config.MaxBytes = 1 << 20
	}
	return &Connector{modules: []connector.Module{newCompile(config), newDecompile(config)}}
}

// Name returns "markdown".
func (*Connector) Name() string { return "markdown" }

// Modules returns Compile and Decompile.
func (c *Connector) Modules() []connector.Module { return c.modules }

type out struct {
	Data string `json:"data" label:"Data"`
}
