package engine

import (
	"encoding/json"
	"strings"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/blueprint"
)

// valueType lets package blueprint ask whether a module takes a constant: by the conversion that the module gets its values from.
type valueType struct{ field connector.Field }

var _ blueprint.ValueType = valueType{}

func collectionOf(fields []connector.Field) blueprint.ValueType {
	return valueType{connector.Field{Type: connector.TypeCollection, Fields: fields}}
}

// Refuses implements blueprint.ValueType. What is required is not asked here, and what is within a value neither.
func (t valueType) Refuses(value any) string {
	alone := t.field
	alone.Name, alone.Required, alone.Fields = "value", false, nil
	_, err := connector.Convert([]connector.Field{alone}, connector.NewBundle("value", shallow(value)), nil)
	if err == nil {
		return ""
	}
	return strings.TrimPrefix(connector.AsError(err).Message, "field value: ")
}

// Within implements blueprint.ValueType.
func (t valueType) Within(name string) blueprint.ValueType {
	if name == "" {
		if t.field.Type == connector.TypeArray && len(t.field.Fields) == 1 {
			return valueType{t.field.Fields[0]}
		}
		return nil
	}
	if t.field.Type != connector.TypeCollection {
		return nil
	}
	for _, field := range t.field.Fields {
		if field.Name == name {
			return valueType{field}
		}
	}
	return nil
}

// shallow gives a value of a blueprint the type that bundles have, without what is within it.
func shallow(value any) any {
	switch v := value.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		if f, err := v.Float64(); err == nil {
			return f
		}
		return v.String()
	case *blueprint.Object:
		return connector.Bundle{}
	case []any:
		return make([]any, len(v))
	}
	return value
}
