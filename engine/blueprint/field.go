package blueprint

import (
	"encoding/json"
	"strings"
)

// A Field is one declared field of a module or scenario, as the editor exports it: what type a value is coerced to, whether it must
// be there, and what is within.
type Field struct {
	Name     string // "" for fields that carry no value
	Type     string // text, number, uinteger, boolean, date, select, array, collection, buffer, any, …; see Base
	Label    string
	Required bool
	Multiple bool     // of a select: the value is a list
	Default  any      // nil when there is none
	Min, Max *float64 // bounds of a number, of the length of a text or of the number of items of an array; nil when there is none
	Enum     []any    // the only values allowed; empty when all are
	Spec     Fields   // the fields of a collection, or of the collections in an array
	Item     *Field   // what the array holds, when it declares that as one field; nil otherwise

	source *Object
}

// Fields are declared fields in order.
type Fields []Field

// An Option is one choice of a select.
type Option struct {
	Label  string
	Value  any
	Nested Fields // fields that are there when this option is chosen
}

// MapperFields returns the declared fields of the mapper (metadata.expect): what Make's editor showed for the modes that were chosen.
// It is nil when the file has none, as in files that people write by hand.
func (m *Module) MapperFields() Fields {
	return readFields(m.Metadata.list("expect"))
}

// ParameterFields returns the declared fields of the parameters (metadata.parameters), nil when the file has none.
func (m *Module) ParameterFields() Fields {
	return readFields(m.Metadata.list("parameters"))
}

// OutputFields returns the declared fields of the module's output (metadata.interface), nil when the file has none.
func (m *Module) OutputFields() Fields {
	return readFields(m.Metadata.list("interface"))
}

// Get returns the field of that name, and whether there is one.
func (f Fields) Get(name string) (Field, bool) {
	for _, field := range f {
		if field.Name == name {
			return field, true
		}
	}
	return Field{}, false
}

// Base returns the type without what narrows it: "account" of "account:slack2,slack3".
func (f Field) Base() string {
	base, _, _ := strings.Cut(f.Type, ":")
	return base
}

// Options returns the choices of a select. It is nil when they are fetched from Make at design time.
func (f Field) Options() []Option {
	value, _ := f.source.Get("options")
	if holder, ok := value.(*Object); ok {
		value, _ = holder.Get("store")
	}
	list, _ := value.([]any)
	var options []Option
	for _, element := range list {
		option, ok := element.(*Object)
		if !ok {
			continue
		}
		value, _ := option.Get("value")
		nested := option.list("nested")
		if holder := option.object("nested"); holder != nil {
			nested = holder.list("store")
		}
		options = append(options, Option{Label: option.text("label"), Value: value, Nested: readFields(nested)})
	}
	return options
}

func readFields(list []any) Fields {
	if len(list) == 0 {
		return nil
	}
	fields := make(Fields, 0, len(list))
	for _, element := range list {
		if source, ok := element.(*Object); ok {
			fields = append(fields, readField(source))
		}
	}
	return fields
}

// MarshalJSON writes the fields as they stood in the blueprint.
func (f Fields) MarshalJSON() ([]byte, error) {
	sources := make([]*Object, len(f))
	for i := range f {
		sources[i] = f[i].source
	}
	return json.Marshal(sources)
}

func readField(source *Object) Field {
	f := Field{Name: source.text("name"), Type: source.text("type"), Label: source.text("label"), source: source}
	required, _ := source.Get("required")
	f.Required, _ = readBool(required)
	multiple, _ := source.Get("multiple")
	f.Multiple, _ = readBool(multiple)
	f.Default, _ = source.Get("default")
	validate := source.object("validate")
	f.Min, f.Max = readBound(validate, "min", "minItems"), readBound(validate, "max", "maxItems")
	f.Enum = validate.list("enum")
	switch spec, _ := source.Get("spec"); spec := spec.(type) {
	case []any:
		f.Spec = readFields(spec)
	case *Object:
		item := readField(spec)
		f.Item = &item
	}
	return f
}

func readBound(validate *Object, names ...string) *float64 {
	for _, name := range names {
		value, _ := validate.Get(name)
		number, ok := value.(json.Number)
		if !ok {
			continue
		}
		if bound, err := number.Float64(); err == nil {
			return &bound
		}
	}
	return nil
}
