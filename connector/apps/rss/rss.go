// Package rss is the connector "rss": it reads feeds, as Make's RSS app does (https://apps.make.com/rss).
//
// It understands RSS 0.9 to 2.0, RDF, Atom and JSON Feed, finds out encodings that are declared wrong, and leaves out a date
// that cannot be read rather than to guess it. A feed is reached through the client of the call and no other way.
//
// The dialects are read by github.com/mmcdole/gofeed, which is well kept and knows what feeds do wrong;
// golang.org/x/net/html/charset and golang.org/x/text know the encodings of the web.
//
// Make one with [New].
package rss

import (
	"time"

	"github.com/ebbkit/ebb/connector"
)

// Config sets the limits of the connector. The zero Config works.
type Config struct {
	// MaxBytes limits a feed, after decompression. A longer one is a MaxFileSizeExceededError. Default: 10 MiB.
	MaxBytes int64
	// MaxArticles limits the articles of a feed. One that has more is a DataError. Default: 10 000.
	MaxArticles int
	// Timeout is how long it may take to fetch a feed; then it is a ModuleTimeoutError. Default: 40 s.
	Timeout time.Duration
	// UserAgent is what feeds are asked as. Default: "ebb".
	UserAgent string
}

var _ connector.Connector = (*Connector)(nil)

// A Connector is the connector "rss". Many goroutines may use it.
type Connector struct {
	modules []connector.Module
}

// New makes the connector.
func New(config Config) *Connector {
	if config.MaxBytes == 0 {
		config.MaxBytes = 10 << 20
	}
	if config.MaxArticles == 0 {
		config.MaxArticles = 10_000
	}
	if config.Timeout == 0 {
		config.Timeout = 40 * time.Second
	}
	if config.UserAgent == "" {
		config.UserAgent = "ebb"
	}
	return &Connector{modules: []connector.Module{newRead(config), newWatch(config)}}
}

// Name returns "rss".
func (*Connector) Name() string { return "rss" }

// Modules returns ActionReadArticles and TriggerNewArticle.
func (c *Connector) Modules() []connector.Module { return c.modules }

// An article is one item of a feed, with the fields that Make's modules give. What a feed does not say is left out.
type article struct {
	Title       string           `json:"title,omitempty" label:"Title"`
	Description string           `json:"description,omitempty" label:"Description" help:"The whole content where the feed has it, else the summary"`
	Summary     string           `json:"summary,omitempty" label:"Summary"`
	Author      string           `json:"author,omitempty" label:"Author" personal:"name"`
	URL         string           `json:"url,omitempty" label:"URL" type:"url"`
	DateUpdated time.Time        `json:"dateUpdated,omitzero" label:"Date updated"`
	DateCreated time.Time        `json:"dateCreated,omitzero" label:"Date created"`
	Comments    string           `json:"comments,omitempty" label:"Comments" type:"url"`
	Image       *reference       `json:"image,omitempty" label:"Image"`
	Categories  []string         `json:"categories" label:"Categories"`
	Source      *reference       `json:"source,omitempty" label:"Source"`
	Enclosures  []enclosure      `json:"enclosures" label:"Enclosures"`
	Fields      connector.Bundle `json:"rssFields" label:"RSS fields" help:"Other RSS fields. All values are in text format."`

	id string // what the feed tells articles apart by
}

// A reference is something with a name somewhere else.
type reference struct {
	Title string `json:"title,omitempty" label:"Name"`
	URL   string `json:"url,omitempty" label:"URL" type:"url"`
}

// An enclosure is a file that belongs to an article.
type enclosure struct {
	URL    string `json:"url,omitempty" label:"URL" type:"url"`
	Type   string `json:"type,omitempty" label:"Type"`
	Length *int64 `json:"length,omitempty" label:"Length"`
}

// date is when the article was written. Zero: the feed does not say.
func (a *article) date() time.Time {
	if a.DateCreated.IsZero() {
		return a.DateUpdated
	}
	return a.DateCreated
}
