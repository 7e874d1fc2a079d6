package flow

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/engine/internal/expr"
)

// A mapping is a mapper, ready to be evaluated: a tree of the same shape as what it makes.
type mapping struct {
	// fixed is set when the value is the same for every bundle; constant is then that value.
	fixed    bool
	constant any

	// Otherwise one of these.
	template *expr.Template
	names    []string // and parts are their values
	list     bool     // parts are the elements
	parts    []mapping
	// field is where it stands, for messages: "mapper.headers[1].value".
	field string
}

// compile makes a mapping of a JSON value.
func (c *compiler) mapping(value any, field string) mapping {
	switch value := value.(type) {
	case string:
		template := c.template(value, field)
		if template == nil {
			return mapping{fixed: true, field: field}
		}
		if constant, ok := template.Constant(); ok {
			return mapping{fixed: true, constant: constant, field: field}
		}
		return mapping{template: template, field: field}
	case json.Number:
		return mapping{fixed: true, constant: number(value), field: field}
	case *blueprint.Object:
		m := mapping{field: field, names: make([]string, 0, value.Len()), parts: make([]mapping, 0, value.Len())}
		for name, part := range value.All() {
			m.names = append(m.names, name)
			m.parts = append(m.parts, c.mapping(part, field+"."+name))
		}
		return m.fold()
	case []any:
		m := mapping{field: field, list: true, parts: make([]mapping, 0, len(value))}
		for i, part := range value {
			m.parts = append(m.parts, c.mapping(part, field+"["+strconv.Itoa(i)+"]"))
		}
		return m.fold()
	}
	return mapping{fixed: true, constant: value, field: field}
}

// fold turns a tree that is the same for every bundle into its value.
func (m mapping) fold() mapping {
	for i := range m.parts {
		if !m.parts[i].fixed || m.parts[i].constant == any(expr.Erase) {
			return m
		}
	}
	value, err := m.eval(nil)
	if err != nil {
		return m
	}
	return mapping{fixed: true, constant: value, field: m.field}
}

// ignored is the value of a field that is to be left out.
var ignored any = expr.Ignore

// special notes which field is to be erased; its value is null.
func (r *run) special(m *mapping, value any) any {
	if value != any(expr.Erase) {
		return value
	}
	r.erased = append(r.erased, strings.TrimPrefix(m.field, "mapper."))
	return nil
}

// eval gives the value for the bundle at hand. A field that is to be ignored is left out of its collection, and null in a
// list.
func (m *mapping) eval(r *run) (any, error) {
	switch {
	case m.fixed:
		return r.special(m, m.constant), nil
	case m.template != nil:
		value, err := m.template.Eval(r)
		if err != nil {
			return nil, &evaluationError{m.field, err}
		}
		return r.special(m, value), nil
	case m.list:
		values := make([]any, len(m.parts))
		for i := range m.parts {
			value, err := m.parts[i].eval(r)
			if err != nil {
				return nil, err
			}
			if value != ignored {
				values[i] = value
			}
		}
		return values, nil
	}
	return m.bundle(r)
}

func (m *mapping) bundle(r *run) (connector.Bundle, error) {
	values, ignoring := make([]any, len(m.parts)), false
	for i := range m.parts {
		value, err := m.parts[i].eval(r)
		if err != nil {
			return connector.Bundle{}, err
		}
		ignoring = ignoring || value == ignored
		values[i] = value
	}
	if ignoring {
		return m.kept(values), nil
	}
	return connector.BundleOf(m.names, values), nil
}

// kept is the bundle of the values that are not to be ignored.
func (m *mapping) kept(values []any) connector.Bundle {
	names, left := make([]string, 0, len(values)), make([]any, 0, len(values))
	for i, value := range values {
		if value != ignored {
			names, left = append(names, m.names[i]), append(left, value)
		}
	}
	return connector.BundleOf(names, left)
}

// evaluationError says which field could not be evaluated.
type evaluationError struct {
	field string
	err   error
}

func (e *evaluationError) Error() string { return fmt.Sprintf("%s: %v", e.field, e.err) }
func (e *evaluationError) Unwrap() error { return e.err }

// number gives a JSON number the type that bundles have: int64 when it is one exactly.
func number(n json.Number) any {
	if i, err := n.Int64(); err == nil {
		return i
	}
	f, err := n.Float64()
	if err != nil {
		return n.String() // too large for a number, kept as it is written
	}
	return f
}
