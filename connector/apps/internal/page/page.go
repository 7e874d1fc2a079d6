// Package page parses HTML that strangers wrote, within limits.
//
// golang.org/x/net/html parses as browsers do (https://html.spec.whatwg.org, "Parsing HTML documents"). That never fails, but it can
// make gigabytes of nodes from a small text, since formatting that was left open is opened anew in every block. [Parse] refuses such
// texts before.
package page

import (
	"context"
	"errors"
	"io"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/ebbkit/ebb/connector"
)

// Limits of what a page may consist of.
const (
	maxParts = 500_000   // tags, attributes and texts
	maxAnew  = 5_000_000 // elements that formatting left open may be opened anew for
)

// Parse makes a tree of a text. An error is a DataError that names the field; it quotes nothing of the text. The end of the context
// ends it.
func Parse(ctx context.Context, field, text string, maxBytes int) (*html.Node, error) {
	if len(text) > maxBytes {
		return nil, connector.Errorf(connector.DataError, "field %s: is longer than %d bytes", field, maxBytes)
	}
	if err := measure(ctx, field, text); err != nil {
		return nil, err
	}
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		return nil, connector.Errorf(connector.DataError, "field %s: is nested too deep", field)
	}
	return root, nil
}

// formatting are the elements that browsers open anew behind the block that they were left open in.
var formatting = map[atom.Atom]bool{
	atom.A: true, atom.B: true, atom.Big: true, atom.Code: true, atom.Em: true, atom.Font: true, atom.I: true, atom.Nobr: true,
	atom.S: true, atom.Small: true, atom.Strike: true, atom.Strong: true, atom.Tt: true, atom.U: true,
}

// measure reads the tags of a page once.
func measure(ctx context.Context, field, text string) error {
	tags := html.NewTokenizer(strings.NewReader(text))
	open := map[atom.Atom]int{}
	left, anew := 0, 0
	for parts := 0; ; parts++ {
		if parts%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		kind := tags.Next()
		if parts > maxParts || anew > maxAnew {
			return connector.Errorf(connector.DataError, "field %s: has too many elements", field)
		}
		if kind == html.ErrorToken {
			if errors.Is(tags.Err(), io.EOF) {
				return nil
			}
			return connector.Errorf(connector.DataError, "field %s: is no HTML", field)
		}
		anew += left
		if kind != html.StartTagToken && kind != html.EndTagToken {
			continue
		}
		name, attributes := tags.TagName()
		for attributes {
			_, _, attributes = tags.TagAttr()
			parts++
		}
		switch tag := atom.Lookup(name); {
		case !formatting[tag]:
		case kind == html.StartTagToken:
			open[tag]++
			left++
		case open[tag] > 0:
			open[tag]--
			left--
		}
	}
}
