package connector

import (
	"fmt"
	"reflect"
)

// A member is one field of a struct.
type member struct {
	field  Field
	at     structField
	decode *decode
	// place is the index of a field of the struct itself, -1 for one that is embedded.
	place int
	// empty says that the empty text is a value, filled that it is none where a text is required.
	empty, filled bool
	// checked says that the tags demand more of a value than the Go type does. whole is then the field without what
	// describes its elements: they are left to their own decoder.
	checked bool
	whole   Field
	// direct is set for the fields that most structs have, which take most values without a conversion.
	direct direct
	demand conversion
}

type direct uint8

const (
	indirect direct = iota
	directText
	directAny
)

func (m *member) set(c *coercion, dst reflect.Value, value any) {
	if value == nil || !m.empty && value == "" {
		switch {
		case m.field.Default != nil:
			value = m.field.Default
		case m.field.Required:
			c.push(m.field.Name, 0)
			c.problem("is required")
			c.pop()
			return
		default:
			return
		}
	}
	switch m.direct {
	case directText:
		if text, ok := value.(string); ok && m.demand.passes(value) {
			dst.Field(m.place).SetString(text)
			return
		}
	case directAny:
		if m.demand.passes(value) {
			if into, ok := dst.Field(m.place).Addr().Interface().(*any); ok {
				*into = value
				return
			}
		}
	}
	c.push(m.field.Name, 0)
	m.fill(c, dst, value)
	c.pop()
}

func (m *member) fill(c *coercion, dst reflect.Value, value any) {
	if c.deep() {
		return
	}
	if m.filled && value == "" {
		c.problem("is required")
		return
	}
	if m.checked {
		// A value is converted before its limits are looked at, which are about what comes out.
		converted, ok := c.convert(&m.whole, value)
		if !ok || !c.allowed(&m.whole, converted) {
			return
		}
		value = converted
	}
	if m.place >= 0 {
		(*m.decode)(c, dst.Field(m.place), value)
		return
	}
	(*m.decode)(c, m.at.room(dst), value)
}

func (ds decoders) members(t reflect.Type) ([]member, error) {
	fields, err := structFields(t)
	if err != nil {
		return nil, err
	}
	s := schema{inside: map[reflect.Type]bool{t: true}}
	members := make([]member, len(fields))
	for i, f := range fields {
		m := &members[i]
		m.at, m.place = f, -1
		if len(f.index) == 1 {
			m.place = f.index[0]
		}
		if m.decode, err = ds.of(f.typ); err != nil {
			return nil, fmt.Errorf("field %s of %s: %w", f.name, t, err)
		}
		if m.field, err = s.describe(f.typ); err != nil {
			return nil, fmt.Errorf("field %s of %s: %w", f.name, t, err)
		}
		described := m.field.Type
		if err = m.field.readTags(f.tag); err != nil {
			return nil, fmt.Errorf("field %s of %s: %w", f.name, t, err)
		}
		m.field.Name = f.name
		m.checked = len(m.field.Options) > 0 || m.field.Min != nil || m.field.Max != nil || m.field.Type != described
		m.whole = m.field
		m.whole.Fields = nil
		m.empty = !blank(m.field.Type, "")
		m.filled = m.field.Required && m.field.Type.base() == TypeText
		m.demand = demands(&m.whole)
		switch {
		case m.place < 0:
		case f.typ == anyType:
			m.direct = directAny
		case f.typ.Kind() == reflect.String && described == TypeText && !reflect.PointerTo(f.typ).Implements(parseTextType):
			m.direct = directText
		}
	}
	return members, nil
}
