package flow

import (
	"encoding/json"
	"errors"
	"iter"
	"slices"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/engine/internal/expr"
)

// input evaluates the mapper of a module for the bundle at hand and converts it to the types that the module declares.
func (r *run) input(n *node) (connector.Bundle, *Failure) {
	r.erased = nil
	value, err := n.mapping.eval(r)
	if err != nil {
		return connector.Bundle{}, evaluation(err)
	}
	bundle, _ := value.(connector.Bundle)
	if len(n.inputs) == 0 {
		return bundle, nil
	}
	converted, err := connector.Convert(n.inputs, bundle, r.start.Location)
	if err != nil {
		return bundle, FailureOf(err)
	}
	return converted, nil
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
