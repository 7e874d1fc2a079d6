// Package apps gathers the connectors that need a client library: feeds, Markdown, HTML, XPath and images. They are a module of
// their own, so that a program without them has none of the libraries.
//
// A host registers all of them with one line:
//
//	e, err := engine.New(engine.Config{Connectors: apps.All()})
//
// or some, each from its own package, with limits of its own. [html] and [xpath] add modules to apps that the engine has, regexp and
// xml; connectors of one name add up.
package apps

import (
	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/apps/html"
	"github.com/ebbkit/ebb/connector/apps/image"
	"github.com/ebbkit/ebb/connector/apps/markdown"
	"github.com/ebbkit/ebb/connector/apps/rss"
	"github.com/ebbkit/ebb/connector/apps/xpath"
)

// All returns every connector of this module, with the default limits: rss, markdown, regexp, xml and image. They hold no state and
// may be used by many engines and goroutines.
func All() []connector.Connector {
	return []connector.Connector{
		rss.New(rss.Config{}), markdown.New(markdown.Config{}), html.New(html.Config{}), xpath.New(xpath.Config{}), image.New(image.Config{}),
	}
}
