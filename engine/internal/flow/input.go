package flow

import (
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/engine/internal/expr"
)

// maps gives a module its mapper.
func (n *node) maps(m mapping) {
	n.mapping = m
	if !m.fixed {
		n.converter = connector.NewConverter(n.inputs, m.names)
	}
}

// bind binds a module to its mapper, if both are made for it.
func (n *node) bind() (err error) {
	defer recovered(n.name, &err)
	binder, ok := n.module.(connector.Binder)
	if !ok || n.mapping.fixed {
		return nil
	}
	known := make([]connector.Known, len(n.mapping.parts))
	for i := range n.mapping.parts {
		part := &n.mapping.parts[i]
		if known[i].Is = part.fixed && part.constant != ignored && part.constant != any(expr.Erase); known[i].Is {
			known[i].Value = part.constant
			continue
		}
		n.varying = append(n.varying, i)
	}
	n.bound = binder.Bind(n.params, n.mapping.names, known)
	return nil
}

// input evaluates the mapper of a module for the bundle at hand and converts it to the types that the module declares.
func (r *run) input(n *node) (connector.Bundle, *Failure) {
	r.erased = nil
	if n.converter == nil {
		return r.fixed(n)
	}
	values, ignoring, failure := r.evaluate(n)
	if failure != nil {
		return connector.Bundle{}, failure
	}
	return r.converted(n, values, ignoring)
}

// evaluate works out the parts of a mapper. The values are gone when the next mapper is evaluated.
func (r *run) evaluate(n *node) (values []any, ignoring bool, failure *Failure) {
	values = r.room(n)
	for i := range n.mapping.parts {
		value, err := n.mapping.parts[i].eval(r)
		if err != nil {
			return nil, false, evaluation(err)
		}
		ignoring = ignoring || value == ignored
		values[i] = value
	}
	return values, ignoring, nil
}

// evaluateVarying is evaluate without what a bound module knows already.
func (r *run) evaluateVarying(n *node) (values []any, ignoring bool, failure *Failure) {
	values = r.room(n)
	for _, i := range n.varying {
		value, err := n.mapping.parts[i].eval(r)
		if err != nil {
			return nil, false, evaluation(err)
		}
		ignoring = ignoring || value == ignored
		values[i] = value
	}
	return values, ignoring, nil
}

// room is where the values of a mapper go.
func (r *run) room(n *node) []any {
	clear(r.values) // so that the run holds on to nothing
	size := len(n.mapping.parts)
	if cap(r.values) < size {
		r.values = make([]any, size)
	}
	r.values = r.values[:size]
	return r.values
}

// converted makes the input of what the parts of the mapper have come to.
func (r *run) converted(n *node, values []any, ignoring bool) (connector.Bundle, *Failure) {
	var input connector.Bundle
	var err error
	if ignoring {
		input = n.mapping.kept(values)
		if len(n.inputs) > 0 {
			input, err = convert(n, input, r.start.Location)
		}
	} else if input, err = n.converter.Convert(values, r.start.Location); err != nil {
		input = connector.BundleOf(n.mapping.names, values)
	}
	if err != nil {
		return input, FailureOf(err)
	}
	return input, nil
}

// convert is connector.Convert, which gives the bundle as it was when it cannot be converted.
func convert(n *node, input connector.Bundle, zone *time.Location) (connector.Bundle, error) {
	converted, err := connector.Convert(n.inputs, input, zone)
	if err != nil {
		return input, err
	}
	return converted, nil
}

// fixed is the input of a module whose mapper is always the same. Bundles are read-only, so one serves the whole run.
func (r *run) fixed(n *node) (connector.Bundle, *Failure) {
	bundle, _ := n.mapping.constant.(connector.Bundle)
	if len(n.inputs) == 0 {
		return bundle, nil
	}
	if r.inputs == nil {
		r.inputs = make([]connector.Bundle, r.slots)
	}
	if known := r.inputs[n.slot]; known.Len() > 0 {
		return known, nil
	}
	input, err := convert(n, bundle, r.start.Location)
	if err != nil {
		return input, FailureOf(err)
	}
	r.inputs[n.slot] = input
	return input, nil
}

// mapped is an input without the defaults that the mapper does not speak of: what people want to see of it.
func (n *node) mapped(input connector.Bundle) connector.Bundle {
	if n.mapping.fixed {
		return n.mapping.mapped(input)
	}
	if input.Len() <= len(n.mapping.names) {
		return input
	}
	return pick(input, slices.Values(n.mapping.names))
}

func (m *mapping) mapped(input connector.Bundle) connector.Bundle {
	constant, _ := m.constant.(connector.Bundle)
	if input.Len() <= constant.Len() {
		return input
	}
	return pick(input, func(yield func(string) bool) {
		for name := range constant.All() {
			if !yield(name) {
				return
			}
		}
	})
}

func pick(bundle connector.Bundle, names iter.Seq[string]) connector.Bundle {
	var picked connector.Bundle
	for name := range names {
		if value, ok := bundle.Lookup(name); ok {
			picked.Set(name, value)
		}
	}
	return picked
}

// evaluation turns the error of an expression into a failure of the module.
func evaluation(err error) *Failure {
	kind := connector.RuntimeError
	var failed *expr.RuntimeError
	if errors.As(err, &failed) && failed.Type != "" {
		kind = connector.ErrorType(failed.Type)
	}
	return &Failure{Type: kind, Message: err.Error()}
}

// object compiles a mapper. A module without one gets an empty bundle.
func (c *compiler) object(mapper *blueprint.Object, field string) mapping {
	if mapper == nil {
		return mapping{fixed: true, constant: connector.Bundle{}}
	}
	return c.mapping(mapper, field)
}

// jsonValue gives a value of a blueprint the types that bundles have.
func jsonValue(value any) any {
	switch value := value.(type) {
	case *blueprint.Object:
		bundle := connector.Bundle{}
		for name, part := range value.All() {
			bundle.Set(name, jsonValue(part))
		}
		return bundle
	case []any:
		list := make([]any, len(value))
		for i, part := range value {
			list[i] = jsonValue(part)
		}
		return list
	case json.Number:
		return number(value)
	}
	return value
}
