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
	// checked says that the tags demand more of a value than the Go type does.
	checked bool
}

func (m *member) set(c *coercion, dst reflect.Value, value any) {
	if blank(m.field.Type, value) {
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
	c.push(m.field.Name, 0)
	defer c.pop()
	if c.deep() {
		return
	}
	if m.field.Required && value == "" && m.field.Type.base() == TypeText {
		c.problem("is required")
		return
	}
	if m.checked {
		converted, ok := c.check(&m.field, value)
		if !ok {
			return
		}
		value = converted
	}
	(*m.decode)(c, m.at.room(dst), value)
}

// check converts a value before it looks at the limits, which are about what comes out. The elements of arrays are left
// to their own decoder.
func (c *coercion) check(f *Field, value any) (any, bool) {
	shallow := *f
	shallow.Fields = nil
	converted, ok := c.convert(&shallow, value)
	return converted, ok && c.allowed(f, converted)
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
		m.at = f
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
	}
	return members, nil
}
