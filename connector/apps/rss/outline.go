package rss

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"github.com/ebbkit/ebb/connector"
)

// Limits of what a feed may consist of. They end what is small as text and large as a tree.
const (
	maxDepth = 100
	maxParts = 500_000 // elements and attributes
	// maxCopied limits the bytes that are copied when the text of an element is put together piece by piece: text that
	// comes in very many pieces costs the square of its length.
	maxCopied = 1 << 29
)

// An outline is what stands in the articles of an XML feed beside what all feeds have.
type outline struct {
	// root is where the first element begins.
	root int64
	// fields has the other fields of each article, in the order in which gofeed gives the articles.
	fields []connector.Bundle
}

// outlined reads an XML feed once, before anything is made of it, and refuses what is too deep or too much. It expands no
// entities but those of HTML, so what a document type declares is never looked at.
func outlined(ctx context.Context, text []byte, maxArticles int) (*outline, error) {
	decoder := xml.NewDecoder(bytes.NewReader(text))
	decoder.Strict = false
	decoder.Entity = xml.HTMLEntity
	decoder.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil } // it is UTF-8
	s := scan{prefixes: map[string]string{}}
	root := int64(-1)
	for tokens := 0; ; tokens++ {
		if tokens%4096 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		at := decoder.InputOffset()
		token, err := decoder.Token()
		if err != nil {
			return nil, unreadable(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if root < 0 {
				root = at
			}
			if err := s.start(token); err != nil {
				return nil, err
			}
		case xml.CharData:
			if err := s.text(token); err != nil {
				return nil, err
			}
		case xml.EndElement:
			s.end()
			if len(s.path) == 0 {
				return &outline{root: root, fields: append(s.channel, s.root...)}, nil
			}
		}
		if len(s.channel)+len(s.root) > maxArticles {
			return nil, tooMany(maxArticles)
		}
	}
}

func tooMany(limit int) error {
	return connector.Errorf(connector.DataError, "the feed has more than %d articles", limit)
}

// unreadable says where a feed ends to be XML. It quotes nothing of it.
func unreadable(err error) error {
	var syntax *xml.SyntaxError
	switch {
	case errors.Is(err, io.EOF):
		return connector.Errorf(connector.DataError, "the answer is no feed")
	case errors.As(err, &syntax):
		return connector.Errorf(connector.DataError, "the feed is no XML from line %d on", syntax.Line)
	}
	return connector.Errorf(connector.DataError, "the feed is no XML")
}

// A scan is a walk over the elements of a feed.
type scan struct {
	parts    int
	copied   int64
	path     []xml.Name         // the open elements
	lengths  []int              // of the texts of the open elements so far
	prefixes map[string]string  // those that the feed declares, by namespace
	inside   []*element         // the open elements of the article at hand, itself first
	channel  []connector.Bundle // articles of the channel, and entries of Atom
	root     []connector.Bundle // articles beside the channel, as in RDF
}

// An element is one field of an article.
type element struct {
	name   string
	native bool // of the dialect itself, without a prefix
	props  connector.Bundle
	text   strings.Builder

	// The elements inside: names as they came first, the values of each, and where a name stands.
	names  []string
	values [][]any
	index  map[string]int
}

func (s *scan) start(token xml.StartElement) error {
	if s.parts += 1 + len(token.Attr); s.parts > maxParts {
		return connector.Errorf(connector.DataError, "the feed has more than %d elements and attributes", maxParts)
	}
	if len(s.path) >= maxDepth {
		return connector.Errorf(connector.DataError, "the feed is nested deeper than %d elements", maxDepth)
	}
	for _, a := range token.Attr {
		if a.Name.Space == "xmlns" {
			s.prefixes[strings.TrimSpace(a.Value)] = a.Name.Local
		}
	}
	s.path = append(s.path, xml.Name{Space: strings.TrimSpace(token.Name.Space), Local: strings.ToLower(token.Name.Local)})
	s.lengths = append(s.lengths, 0)
	if len(s.inside) == 0 && !s.atArticle() {
		return nil
	}
	e := &element{native: s.native(s.path[len(s.path)-1].Space)}
	e.name = s.named(s.path[len(s.path)-1], e.native)
	for _, a := range token.Attr {
		if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
			e.props.Set(s.named(a.Name, a.Name.Space == ""), a.Value)
		}
	}
	s.inside = append(s.inside, e)
	return nil
}

func (s *scan) text(piece []byte) error {
	if n := len(s.lengths); n > 0 {
		s.lengths[n-1] += len(piece)
		if s.copied += int64(s.lengths[n-1]); s.copied > maxCopied {
			return connector.Errorf(connector.DataError, "the texts of the feed are in too many pieces")
		}
	}
	if n := len(s.inside); n > 0 {
		s.inside[n-1].text.Write(piece)
	}
	return nil
}

func (s *scan) end() {
	s.path, s.lengths = s.path[:len(s.path)-1], s.lengths[:len(s.lengths)-1]
	n := len(s.inside)
	if n == 0 {
		return
	}
	e := s.inside[n-1]
	s.inside = s.inside[:n-1]
	switch {
	case n == 1 && len(s.path) == 1 && s.path[0].Local != "feed":
		s.root = append(s.root, e.fields())
	case n == 1:
		s.channel = append(s.channel, e.fields())
	case e.native && s.path[0].Local == "feed":
		// The elements of Atom itself are all among the fields that every feed has.
	default:
		s.inside[n-2].take(e)
	}
}

// take adds a field.
func (e *element) take(field *element) {
	i, ok := e.index[field.name]
	if !ok {
		if e.index == nil {
			e.index = map[string]int{}
		}
		i = len(e.names)
		e.index[field.name] = i
		e.names, e.values = append(e.names, field.name), append(e.values, nil)
	}
	e.values[i] = append(e.values[i], field.value())
}

// fields are the elements inside by their names, in the order in which they came first. What stands more than once is an array.
func (e *element) fields() connector.Bundle {
	values := make([]any, len(e.values))
	for i, all := range e.values {
		if values[i] = any(all); len(all) == 1 {
			values[i] = all[0]
		}
	}
	return connector.BundleOf(e.names, values)
}

// value is the text of an element, or a collection when there is more to it: its attributes as "props", its text as "value",
// and the elements in it by their names. An element of the dialect itself is its text whatever attributes it has, unless they are
// all that it has.
func (e *element) value() any {
	text := strings.TrimSpace(e.text.String())
	if len(e.names) == 0 && (e.props.Len() == 0 || e.native && text != "") {
		return text
	}
	var b connector.Bundle
	b.Set("props", e.props)
	b.Set("value", text)
	for name, value := range e.fields().All() {
		if name != "props" && name != "value" {
			b.Set(name, value)
		}
	}
	return b
}

// atArticle says whether the element that was opened last is an article.
func (s *scan) atArticle() bool {
	at := s.path[len(s.path)-1]
	if !s.native(at.Space) {
		return false
	}
	switch root := s.path[0].Local; len(s.path) {
	case 2:
		return root == "feed" && at.Local == "entry" || (root == "rss" || root == "rdf") && at.Local == "item"
	case 3:
		return (root == "rss" || root == "rdf") && at.Local == "item" && s.path[1].Local == "channel" && s.native(s.path[1].Space)
	}
	return false
}

// dialects are the namespaces of feeds themselves.
var dialects = map[string]bool{
	"": true, "rss": true, "rdf": true,
	"http://www.w3.org/1999/02/22-rdf-syntax-ns#":  true,
	"http://purl.org/rss/1.0/":                     true,
	"http://channel.netscape.com/rdf/simple/0.9/":  true,
	"http://my.netscape.com/rdf/simple/0.9/":       true,
	"http://backend.userland.com/rss2":             true,
	"http://blogs.law.harvard.edu/tech/rss":        true,
	"http://cyber.law.harvard.edu/rss/rss.html":    true,
	"http://backend.userland.com/rss":              true,
	"http://my.netscape.com/publish/formats/rss-0": true,
}

// native says of a namespace that it is the feed's own.
func (s *scan) native(space string) bool {
	if s.path[0].Local == "feed" {
		return space == s.path[0].Space
	}
	return dialects[space] || space == s.path[0].Space && known[strings.ToLower(space)] == ""
}

// known are vocabularies whose fields have the same names whatever prefix a feed gives them.
var known = map[string]string{
	"http://base.google.com/ns/1.0":                "g",
	"http://www.itunes.com/dtds/podcast-1.0.dtd":   "itunes",
	"http://search.yahoo.com/mrss":                 "media",
	"http://search.yahoo.com/mrss/":                "media",
	"http://purl.org/dc/elements/1.1/":             "dc",
	"http://purl.org/rss/1.0/modules/content/":     "content",
	"http://purl.org/rss/1.0/modules/slash/":       "slash",
	"http://purl.org/rss/1.0/modules/syndication/": "sy",
	"http://wellformedweb.org/commentapi/":         "wfw",
	"http://www.w3.org/2005/atom":                  "atom",
	"http://www.w3.org/xml/1998/namespace":         "xml",
}

// named is the name of a field: that of the element in lower case, behind the prefix of its vocabulary.
func (s *scan) named(name xml.Name, native bool) string {
	local := strings.ToLower(name.Local)
	if native {
		return local
	}
	prefix, ok := known[strings.ToLower(name.Space)]
	if !ok {
		prefix, ok = s.prefixes[name.Space]
	}
	if !ok {
		prefix = name.Space // a prefix that was not declared stands here as it is
	}
	if prefix == "" {
		return local
	}
	return prefix + ":" + local
}
