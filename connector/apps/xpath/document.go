package xpath

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"github.com/antchfx/xmlquery"

	"github.com/ebbkit/ebb/connector"
)

// Limits of what a document may consist of. They end what is small as text and large as a tree.
const (
	maxDepth = 200
	maxParts = 500_000 // elements, attributes and texts
)

// parse makes a tree of a document.
func parse(ctx context.Context, text string, maxBytes int) (*xmlquery.Node, error) {
	if len(text) > maxBytes {
		return nil, connector.Errorf(connector.DataError, "field xml: is longer than %d bytes", maxBytes)
	}
	if err := measure(ctx, text); err != nil {
		return nil, err
	}
	document, err := xmlquery.ParseWithOptions(strings.NewReader(text), xmlquery.ParserOptions{
		Decoder: &xmlquery.DecoderOptions{Strict: true, CharsetReader: unchanged},
	})
	if err != nil {
		return nil, unreadable(err)
	}
	return document, nil
}

// measure reads a document once and refuses what is too deep or too much, before a tree is made of it.
func measure(ctx context.Context, text string) error {
	decoder := xml.NewDecoder(strings.NewReader(text))
	decoder.CharsetReader = unchanged
	depth, parts := 0, 0
	for tokens := 0; ; tokens++ {
		if tokens%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		token, err := decoder.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return unreadable(err)
		}
		parts++
		switch token := token.(type) {
		case xml.StartElement:
			depth++
			parts += len(token.Attr)
		case xml.EndElement:
			depth--
		}
		if depth > maxDepth {
			return connector.Errorf(connector.DataError, "field xml: is nested deeper than %d elements", maxDepth)
		}
		if parts > maxParts {
			return connector.Errorf(connector.DataError, "field xml: has more than %d elements, attributes and texts", maxParts)
		}
	}
}

// unchanged is the decoder of all encodings: a text has been decoded, whatever the document in it declares.
func unchanged(_ string, input io.Reader) (io.Reader, error) { return input, nil }

// unreadable says where a document ends to be XML. It quotes nothing of it.
func unreadable(err error) error {
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		return connector.Errorf(connector.DataError, "field xml: is no XML from line %d on", syntax.Line)
	}
	return connector.Errorf(connector.DataError, "field xml: is no XML")
}
