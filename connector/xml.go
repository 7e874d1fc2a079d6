package connector

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ErrXML says that a text is no well-formed XML, or that a bundle cannot be written as XML.
var ErrXML = errors.New("connector: invalid XML")

// MaxXMLDepth is how deep elements may stand in each other where XML is read and where it is written.
const MaxXMLDepth = 256

// The names of fields that stand for what an element has beside its children.
const (
	xmlAttributes = "_attributes"
	xmlValue      = "_value"
)

// XMLOptions say how a document is read. The zero XMLOptions are those of Make's module "Parse XML".
type XMLOptions struct {
	// NumbersAsText leaves the text of an element the text that it is. False: text that is a number in plain decimal
	// notation becomes one, unless a digit would be lost: leading zeros, a plus sign and exponents stay text, and so do
	// more digits than a number holds.
	NumbersAsText bool
	// Decoded says that the document is UTF-8, whatever it declares: somebody has decoded it already.
	Decoded bool
}

// ParseXML reads a document (XML 1.0) in the shape that Make's module "Parse XML" gives
// (https://apps.make.com/xml). The bundle has one field, the root element. An element with text only is that text; any
// other is a bundle of its attributes under "_attributes", its children by name, each an array of all that have the name,
// and its text, if there is any, under "_value". An empty element is an empty text, and so is one that holds nothing but
// blanks, unless they are CDATA or references. Names keep their prefixes, and declarations of namespaces are attributes.
// Comments and processing instructions are left out.
//
// A document type is skipped: no entity is declared by it, nothing external is ever read, and references to anything but
// XML's own five entities and characters are errors. The encoding is that of the byte order mark, else the declared one:
// UTF-8, UTF-16, US-ASCII, ISO-8859-1, -2 and -15, and Windows-1250, -1251 and -1252 are known, and ISO-8859-1 is read as
// Windows-1252, as browsers do (WHATWG Encoding).
//
// Errors wrap [ErrXML] and name the line, but not what stands there. Elements deeper than [MaxXMLDepth] are [ErrDepth],
// documents larger than [MaxEncodedBytes] [ErrTooLarge].
func ParseXML(document []byte, options XMLOptions) (Bundle, error) {
	if len(document) > MaxEncodedBytes {
		return Bundle{}, fmt.Errorf("%w: %w", ErrXML, ErrTooLarge)
	}
	document, err := decodeXML(document, options.Decoded)
	if err != nil {
		return Bundle{}, err
	}
	p := xmlParser{document: document, options: options, decoder: xml.NewDecoder(bytes.NewReader(document))}
	p.decoder.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // it is UTF-8 by now
	for {
		from := p.decoder.InputOffset()
		token, err := p.decoder.RawToken()
		if errors.Is(err, io.EOF) {
			return p.end()
		}
		if err == nil {
			err = p.token(token, from)
		} else {
			err = p.problem("it is not well-formed") // the library's own error quotes the document
		}
		if err != nil {
			return Bundle{}, err
		}
	}
}

type xmlParser struct {
	document []byte
	options  XMLOptions
	decoder  *xml.Decoder
	open     []xmlElement
	root     Bundle
}

// xmlElement is an element that is being read.
type xmlElement struct {
	name   string
	fields Bundle
	text   []byte
	// literal says that some of the text was CDATA or a reference, which is no layout even when it is blank.
	literal bool
}

func (p *xmlParser) problem(what string) error {
	line, _ := p.decoder.InputPos()
	return fmt.Errorf("%w: line %d: %s", ErrXML, line, what)
}

func (p *xmlParser) end() (Bundle, error) {
	if len(p.open) > 0 {
		return Bundle{}, p.problem("an element is not closed")
	}
	if p.root.Len() == 0 {
		return Bundle{}, p.problem("there is no element")
	}
	return p.root, nil
}

func (p *xmlParser) token(token xml.Token, from int64) error {
	switch token := token.(type) {
	case xml.StartElement:
		return p.begin(token)
	case xml.EndElement:
		last := len(p.open) - 1
		if last < 0 || p.open[last].name != qualified(token.Name) {
			return p.problem("the end of an element that is not open")
		}
		return p.close()
	case xml.CharData:
		raw := p.document[from:p.decoder.InputOffset()]
		literal := bytes.HasPrefix(raw, []byte("<![CDATA[")) || bytes.IndexByte(raw, '&') >= 0
		if len(p.open) == 0 {
			if literal || !blankXML([]byte(token)) {
				return p.problem("text outside of the root element")
			}
			return nil
		}
		e := &p.open[len(p.open)-1]
		e.text = append(e.text, token...)
		e.literal = e.literal || literal && len(token) > 0
	case xml.Directive:
		if p.root.Len() > 0 || len(p.open) > 0 {
			return p.problem("a declaration inside or behind the root element")
		}
	}
	return nil
}

func (p *xmlParser) begin(start xml.StartElement) error {
	switch {
	case len(p.open) == 0 && p.root.Len() > 0:
		return p.problem("a second root element")
	case len(p.open) >= MaxXMLDepth:
		return fmt.Errorf("%w: %w", ErrXML, ErrDepth)
	}
	e := xmlElement{name: qualified(start.Name)}
	if len(start.Attr) > 0 {
		attributes := makeBundle(len(start.Attr))
		for _, a := range start.Attr {
			name := qualified(a.Name)
			if _, twice := attributes.Lookup(name); twice {
				return p.problem("an attribute stands twice")
			}
			attributes.put(name, a.Value)
		}
		e.fields.put(xmlAttributes, attributes)
	}
	p.open = append(p.open, e)
	return nil
}

// close gives the innermost element to the one around it.
func (p *xmlParser) close() error {
	last := len(p.open) - 1
	e := p.open[last]
	p.open[last] = xmlElement{}
	p.open = p.open[:last]
	var text any
	if e.literal || !blankXML(e.text) {
		text = p.value(string(e.text))
	}
	value := text
	switch {
	case e.fields.Len() == 0 && text == nil:
		value = ""
	case e.fields.Len() > 0:
		if text != nil {
			if _, taken := e.fields.Lookup(xmlValue); taken {
				return p.problem("a child " + xmlValue + " beside text")
			}
			e.fields.put(xmlValue, text)
		}
		value = e.fields
	}
	if last == 0 {
		p.root.put(e.name, value)
		return nil
	}
	parent := &p.open[last-1]
	siblings := parent.fields.Get(e.name)
	if _, attributes := siblings.(Bundle); attributes {
		return p.problem("a child " + xmlAttributes + " beside attributes")
	}
	list, _ := siblings.([]any)
	parent.fields.put(e.name, append(list, value))
	return nil
}

// value is what the text of an element means.
func (p *xmlParser) value(text string) any {
	if p.options.NumbersAsText {
		return text
	}
	if number, ok := plainNumber(text); ok {
		return number
	}
	return text
}

// maxExactDigits is how many digits every float64 keeps.
const maxExactDigits = 15

// plainNumber reads a number that says the same when it is written again.
func plainNumber(text string) (any, bool) {
	digits, point := strings.TrimPrefix(text, "-"), -1
	if digits == "" || len(digits) > 20 {
		return nil, false
	}
	for i := range len(digits) {
		switch c := digits[i]; {
		case c == '.' && point < 0 && i > 0 && i+1 < len(digits):
			point = i
		case c < '0' || c > '9':
			return nil, false
		}
	}
	if digits[0] == '0' && len(digits) > 1 && point != 1 {
		return nil, false
	}
	if point < 0 {
		n, err := strconv.ParseInt(text, 10, 64)
		return n, err == nil && text != "-0"
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil && len(digits)-1 <= maxExactDigits && (f != 0 || text[0] != '-')
}

func qualified(name xml.Name) string {
	if name.Space == "" {
		return name.Local
	}
	return name.Space + ":" + name.Local
}

func blankXML[T string | []byte](text T) bool {
	for i := range len(text) {
		switch text[i] {
		case ' ', '\t', '\r', '\n':
		default:
			return false
		}
	}
	return true
}

// AppendXML appends the document that [ParseXML] reads back as the bundle: no declaration, no blanks between elements. The
// bundle has one field, the root element. Of an element, "_attributes" is a bundle of its attributes and "_value" its
// text; every other field is a child, an array one child per element. What is null is left out; values become text as
// [AppendText] writes them, and characters that XML 1.0 does not have become U+FFFD.
//
// Names that XML does not have, values that have no text, a bundle with another number of root elements and elements deeper
// than [MaxXMLDepth] are errors that wrap [ErrXML]; what is longer than [MaxEncodedBytes] is [ErrTooLarge].
func AppendXML(dst []byte, root Bundle) ([]byte, error) {
	w := xmlWriter{dst: dst, limit: len(dst) + MaxEncodedBytes}
	elements := 0
	for name, value := range root.All() {
		list, ok := value.([]any)
		if !ok {
			list = []any{value}
		}
		for _, element := range list {
			if element == nil {
				continue
			}
			if elements++; elements > 1 {
				return dst, fmt.Errorf("%w: a document has one root element, this one has more", ErrXML)
			}
			if err := w.element(name, element, 1); err != nil {
				return dst, err
			}
		}
	}
	if elements == 0 {
		return dst, fmt.Errorf("%w: a document has one root element, this one has none", ErrXML)
	}
	return w.dst, nil
}

type xmlWriter struct {
	dst   []byte
	limit int
}

func (w *xmlWriter) element(name string, value any, depth int) error {
	if depth > MaxXMLDepth {
		return fmt.Errorf("%w: %w", ErrXML, ErrDepth)
	}
	if !isXMLName(name) {
		return fmt.Errorf("%w: %q is no name of an element", ErrXML, name)
	}
	w.dst = append(append(w.dst, '<'), name...)
	fields, ok := value.(Bundle)
	if !ok {
		return w.content(name, func() error { return w.value(value) })
	}
	attributes, own := fields.Get(xmlAttributes).(Bundle)
	for attribute, value := range attributes.All() {
		if err := w.attribute(attribute, value); err != nil {
			return err
		}
	}
	return w.content(name, func() error {
		for child, value := range fields.All() {
			if child == xmlAttributes && own {
				continue
			}
			list, many := value.([]any)
			if child == xmlValue && !many {
				if err := w.value(value); err != nil {
					return err
				}
				continue
			}
			if !many {
				list = []any{value}
			}
			for _, element := range list {
				if element == nil {
					continue
				}
				if err := w.element(child, element, depth+1); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// content writes what stands between the tags of an element, of which the first is still open.
func (w *xmlWriter) content(name string, write func() error) error {
	w.dst = append(w.dst, '>')
	from := len(w.dst)
	if err := write(); err != nil {
		return err
	}
	if len(w.dst) == from {
		w.dst = append(w.dst[:from-1], "/>"...)
	} else {
		w.dst = append(append(append(w.dst, "</"...), name...), '>')
	}
	return w.fits()
}

func (w *xmlWriter) fits() error {
	if len(w.dst) > w.limit {
		return ErrTooLarge
	}
	return nil
}

func (w *xmlWriter) attribute(name string, value any) error {
	if value == nil {
		return nil
	}
	if !isXMLName(name) {
		return fmt.Errorf("%w: %q is no name of an attribute", ErrXML, name)
	}
	text, err := xmlText(value)
	if err != nil {
		return err
	}
	w.dst = append(append(append(w.dst, ' '), name...), `="`...)
	w.text(text, true)
	w.dst = append(w.dst, '"')
	return w.fits()
}

// value writes the text of an element. Blank text would be layout, unless some of it is a reference.
func (w *xmlWriter) value(value any) error {
	if value == nil {
		return nil
	}
	text, err := xmlText(value)
	if err != nil {
		return err
	}
	if text != "" && blankXML(text) {
		w.dst = fmt.Appendf(w.dst, "&#%d;", text[0])
		text = text[1:]
	}
	w.text(text, false)
	return w.fits()
}

func xmlText(value any) (string, error) {
	text, err := AppendText(nil, value)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrXML, err)
	}
	return string(text), nil
}

// text writes a text so that a parser reads exactly it: line ends and, in attributes, all blanks but the space would be
// normalized otherwise (XML 1.0, sections 2.11 and 3.3.3).
func (w *xmlWriter) text(text string, attribute bool) {
	from := 0
	for i, size := 0, 0; i < len(text); i += size {
		var r rune
		r, size = utf8.DecodeRuneInString(text[i:])
		var escape string
		switch {
		case r == '&':
			escape = "&amp;"
		case r == '<':
			escape = "&lt;"
		case r == '>':
			escape = "&gt;"
		case r == '\r':
			escape = "&#13;"
		case r == '"' && attribute:
			escape = "&quot;"
		case r == '\n' && attribute:
			escape = "&#10;"
		case r == '\t' && attribute:
			escape = "&#9;"
		case !isXMLChar(r) || r == utf8.RuneError && size == 1:
			escape = "\uFFFD"
		default:
			continue
		}
		w.dst = append(append(w.dst, text[from:i]...), escape...)
		from = i + size
	}
	w.dst = append(w.dst, text[from:]...)
}

// isXMLChar follows the production Char of XML 1.0.
func isXMLChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= ' ' && r <= 0xd7ff || r >= 0xe000 && r <= 0xfffd || r >= 0x10000
}

// isXMLName says whether a text is a name with at most one prefix (XML 1.0, productions NameStartChar and NameChar; Namespaces
// in XML, QName).
func isXMLName(name string) bool {
	prefix, local, qualified := strings.Cut(name, ":")
	return isNCName(prefix) && (!qualified || isNCName(local))
}

func isNCName(name string) bool {
	for i, r := range name {
		start := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= 0xc0 && r <= 0xd6 || r >= 0xd8 && r <= 0xf6 ||
			r >= 0xf8 && r <= 0x2ff || r >= 0x370 && r <= 0x37d || r >= 0x37f && r <= 0x1fff || r == 0x200c || r == 0x200d ||
			r >= 0x2070 && r <= 0x218f || r >= 0x2c00 && r <= 0x2fef || r >= 0x3001 && r <= 0xd7ff || r >= 0xf900 && r <= 0xfdcf ||
			r >= 0xfdf0 && r <= 0xfffc || r >= 0x10000 && r <= 0xeffff
		if !start && (i == 0 || !(r == '-' || r == '.' || r >= '0' && r <= '9' || r == 0xb7 || r >= 0x300 && r <= 0x36f ||
			r == 0x203f || r == 0x2040)) {
			return false
		}
	}
	return name != ""
}
