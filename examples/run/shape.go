package main

import (
	"slices"
	"strings"
	"time"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/blueprint"
)

// A shape is what is known of a value that a module gives. Shapes of values that are the same, such as a variable and what it was set to,
// are joined.
type shape struct {
	joined *shape // what this has become a part of

	name   string
	kind   string // a declared type, or one that a mapping asks for; empty: not known
	names  []string
	fields map[string]*shape
	item   *shape
	count  int    // how many elements there are at least
	json   *shape // the value is a text that holds this as JSON
	text   string // a text of a certain form
}

func (s *shape) find() *shape {
	for s.joined != nil {
		s = s.joined
	}
	return s
}

// field returns the shape of a field and makes it when it is not there.
func (s *shape) field(name string) *shape {
	s = s.find()
	if inner := s.fields[name]; inner != nil {
		return inner.find()
	}
	inner := &shape{name: name}
	s.adopt(name, inner)
	return inner
}

// element returns the shape of the elements.
func (s *shape) element() *shape {
	s = s.find()
	if s.item == nil {
		s.item = &shape{name: strings.TrimSuffix(s.name, "s")}
	}
	return s.item.find()
}

// nth returns the shape of the elements, of which there are n.
func (s *shape) nth(n int) *shape {
	s = s.find()
	s.count = max(s.count, min(n, maxCount))
	return s.element()
}

// maxCount is how many elements are made up at most.
const maxCount = 20

// at follows a path.
func (s *shape) at(path []step) *shape {
	for _, step := range path {
		if step.name == "" {
			s = s.nth(step.index)
		} else {
			s = s.field(step.name)
		}
	}
	return s.find()
}

// is notes a kind, unless a better one is known.
func (s *shape) is(kind string) {
	if s = s.find(); kind != "" && kind != "any" && (s.kind == "" || s.kind == "text") {
		s.kind = kind
	}
}

// join makes two shapes one.
func (s *shape) join(other *shape) {
	s, other = s.find(), other.find()
	if s == other {
		return
	}
	other.joined = s
	s.is(other.kind)
	if s.text == "" {
		s.text = other.text
	}
	if other.json != nil {
		if s.json == nil {
			s.json = other.json
		} else {
			s.json.join(other.json)
		}
	}
	for _, name := range other.names {
		if mine := s.find().fields[name]; mine != nil {
			mine.join(other.fields[name])
			continue
		}
		s.find().adopt(name, other.fields[name])
	}
	s = s.find()
	s.count = max(s.count, other.count)
	switch {
	case other.item == nil:
	case s.item == nil:
		s.item = other.item
	default:
		s.item.join(other.item)
	}
}

// adopt takes a field as it is. Making a new one to join it with would never end where values contain themselves.
func (s *shape) adopt(name string, inner *shape) {
	if s.fields == nil {
		s.fields = map[string]*shape{}
	}
	s.names, s.fields[name] = append(s.names, name), inner
}

// declare takes what the file declares of a value.
func (s *shape) declare(f blueprint.Field) {
	switch base := f.Base(); base {
	case "array":
		if f.Item != nil {
			s.element().declare(*f.Item)
		} else {
			s.element()
			for _, inner := range f.Spec {
				s.element().field(inner.Name).declare(inner)
			}
		}
	case "select":
		if len(f.Enum) > 0 {
			s.text, _ = f.Enum[0].(string)
		}
		s.is("text")
	default:
		s.is(base)
		for _, inner := range f.Spec {
			if inner.Name != "" {
				s.field(inner.Name).declare(inner)
			}
		}
	}
}

// A maker makes values up, as many as it has room for: values that contain themselves have no end of their own.
type maker struct{ room int }

// How many values are made up for one bundle, and how deep they are nested.
const (
	maxValues = 10_000
	maxDepth  = 12
)

// sampleDate is the date of everything that is made up.
var sampleDate = time.Date(2026, 1, 15, 9, 30, 0, 0, time.UTC)

// sample makes a value up.
func (m *maker) sample(s *shape, depth int) any {
	s = s.find()
	if m.room--; depth > maxDepth || m.room < 0 {
		return nil
	}
	switch {
	case s.json != nil:
		text, err := connector.AppendJSON(nil, m.object(s.json, depth+1))
		if err != nil {
			return "{}"
		}
		return string(text)
	case s.text != "":
		return s.text
	case s.item != nil || s.kind == "array":
		list := make([]any, max(s.count, 1))
		for i := range list {
			list[i] = m.sample(s.element(), depth+1)
		}
		return list
	case len(s.names) > 0 || s.kind == "collection":
		return m.object(s, depth)
	}
	switch s.kind {
	case "number", "integer", "uinteger":
		return s.number()
	case "boolean", "checkbox":
		return true
	case "date", "timestamp":
		return sampleDate
	case "time":
		return "09:30:00"
	case "buffer":
		return []byte("sample")
	case "email":
		return "ada@example.com"
	case "url":
		return "https://example.com/sample"
	}
	return s.word()
}

// object makes up a collection.
func (m *maker) object(s *shape, depth int) connector.Bundle {
	var b connector.Bundle
	s = s.find()
	for _, name := range s.names {
		if !strings.HasPrefix(name, "__IMT") {
			b.Set(name, m.sample(s.fields[name], depth+1))
		}
	}
	return b
}

func (s *shape) number() int64 {
	if strings.EqualFold(s.name, "statusCode") || strings.EqualFold(s.name, "status") {
		return 200
	}
	return 7
}

// word makes a text up that suits the name.
func (s *shape) word() any {
	name := strings.ToLower(s.name)
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(name, part) })
	}
	switch {
	case name == "statuscode":
		return s.number()
	case has("email", "e-mail"):
		return "ada@example.com"
	case has("url", "link", "uri"):
		return "https://example.com/sample"
	case has("phone", "tel"):
		return "+420123456789"
	case has("date", "created", "updated", "timestamp") || strings.HasSuffix(name, "_at") || name == "start" || name == "end":
		return sampleDate.Format("2006-01-02T15:04:05.000Z")
	case has("count", "price", "amount", "total", "quantity", "number"):
		return "7"
	case name == "":
		return "sample"
	}
	return "sample " + s.name
}
