package engine

import (
	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto/secret"
	"github.com/ebbkit/ebb/engine/blueprint"
)

// passwords are the fields of modules in which scenarios hand over secrets without a connection, such as the password of
// http:ActionSendData, by the id of the module. What stands in them is masked like secrets of connections.
type passwords map[int][]connector.Field

// passwords lists the fields of type password that the modules of a blueprint have. Nil: none.
func (c *core) passwords(bp *blueprint.Blueprint, stubs map[int]connector.Module) (all passwords) {
	for place, m := range bp.All() {
		module, _, ok := c.modules.find(m.Name, m.Version)
		if stub := stubs[m.ID]; stub != nil {
			module, ok = stub, true
		}
		if !ok || place.Disabled() {
			continue
		}
		if fields := passwordFields(module.Info().Input); fields != nil {
			if all == nil {
				all = passwords{}
			}
			all[m.ID] = fields
		}
	}
	return all
}

// passwordFields keeps the fields of type password, and those that hold some.
func passwordFields(fields []connector.Field) (kept []connector.Field) {
	for _, field := range fields {
		inner := passwordFields(field.Fields)
		if field.Type == connector.TypePassword || inner != nil {
			kept = append(kept, connector.Field{Name: field.Name, Type: field.Type, Fields: inner})
		}
	}
	return kept
}

// learn makes a mask know what a module gets in its password fields.
func (p passwords) learn(mask *secret.Mask, module int, in connector.Bundle) {
	for _, field := range p[module] {
		learnField(mask, &field, in.Get(field.Name))
	}
}

func learnField(mask *secret.Mask, field *connector.Field, value any) {
	switch value := value.(type) {
	case string:
		if field.Type == connector.TypePassword {
			learnText(mask, []byte(value))
		}
	case []byte:
		if field.Type == connector.TypePassword {
			learnText(mask, value)
		}
	case []any:
		for _, element := range value {
			for i := range field.Fields {
				learnField(mask, &field.Fields[i], element)
			}
		}
	case connector.Bundle:
		for i := range field.Fields {
			inner := &field.Fields[i]
			if inner.Name == "" { // it describes the elements of an array, of which this is one
				learnField(mask, inner, value)
				continue
			}
			learnField(mask, inner, value.Get(inner.Name))
		}
	}
}

func learnText(mask *secret.Mask, plain []byte) {
	value := secret.New(plain)
	mask.Add(value)
	value.Destroy()
}
