package connector

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// A Field describes one parameter, one field of the mapper or one field of a bundle: what people see in an editor, and
// what a value is converted to and checked against before a module is called.
type Field struct {
	// Name is the name of the field in the bundle. The one Field that describes the elements of an array has none.
	Name string
	// Type is what values are converted to. Empty: TypeAny.
	Type FieldType
	// Label and Help are for people. Label empty: the name.
	Label, Help string
	// Multiline tells an editor that a text has several lines. It changes no value.
	Multiline bool
	// Required says that a bundle without the field, with null or with an empty text is refused.
	Required bool
	// Fields are the fields of a collection; empty: it may hold anything. Of an array it is at most one Field without a
	// name that describes every element; none: elements are as they come.
	Fields []Field
	// Options are the only values that a text or select may have. Empty: any.
	Options []string
	// Min and Max limit numbers, and the length of texts (in characters), buffers (in bytes) and arrays (in elements).
	// Both are inclusive. Nil: no limit.
	Min, Max *float64
	// Default is the value of a field that was not given. Nil: none.
	Default any
	// Personal says what kind of personal data the field holds, such as "email", "name" or "address". Empty: none.
	Personal string
}

// FieldType is what a field holds. The names are those of Make's module interfaces. A type that is not listed here is
// treated like TypeAny.
type FieldType string

// The types of fields.
const (
	TypeAny        FieldType = "any"        // whatever comes, as it comes
	TypeText       FieldType = "text"       // string
	TypeNumber     FieldType = "number"     // int64 or float64
	TypeInteger    FieldType = "integer"    // int64, or a float64 without a fraction that does not fit
	TypeUInteger   FieldType = "uinteger"   // the same, not negative
	TypeBoolean    FieldType = "boolean"    // bool
	TypeDate       FieldType = "date"       // time.Time
	TypeTime       FieldType = "time"       // string, a time of day: HH:mm:ss, or HH:mm:ss.SSS
	TypeBuffer     FieldType = "buffer"     // []byte
	TypeArray      FieldType = "array"      // []any
	TypeCollection FieldType = "collection" // Bundle
	TypeSelect     FieldType = "select"     // string, one of Options
	TypeURL        FieldType = "url"        // string
	TypeEmail      FieldType = "email"      // string
	TypePassword   FieldType = "password"   // string, hidden in editors
	TypeFilename   FieldType = "filename"   // string
	TypeStructure  FieldType = "udt"        // the name or number of a data structure, see Call.Structure
	TypeScenario   FieldType = "scenario"   // the name or number of a scenario, see Call.Scenario
)

// FieldsOf describes the struct type T by its fields and their tags:
//
//	json:"name"          the name; "-" leaves the field out. Without it the name is the Go name, as in encoding/json
//	label:"Order id"     Label
//	help:"…"             Help
//	required:"true"      Required
//	multiline:"true"     Multiline
//	type:"email"         Type, where the Go type alone does not tell: a string may be any text-like type, "time" or
//	                     "select"; a signed integer may be "uinteger"
//	enum:"get,post"      Options; the type becomes TypeSelect unless a type is given
//	min:"1" max:"300"    Min and Max
//	default:"40"         Default, written as text and converted to the field's type
//	personal:"email"     Personal
//	param:"true"         the field is a design-time parameter: typed constructors describe it in Info.Params
//
// Types follow from Go types: strings, json.Number and encoding.TextUnmarshalers are text (json.Number a number),
// integers integer (unsigned: uinteger), floats number, bools boolean, time.Time date, []byte buffer, slices and arrays
// array, structs, maps with string keys and Bundle collection, any any, secret.Value password, and a pointer to one of
// these is the same, except that it tells null from zero. Embedded structs give their fields to the struct around them.
// A struct that contains itself is described once; inside itself it is a collection of anything.
//
// T may also be Bundle, a map with string keys or any: there is nothing to describe then, and the result is nil. Every
// other type, and a tag that makes no sense, is an error that wraps [ErrUnsupported] or [ErrTag]; all of them are
// reported at once. The constructors of typed modules put it into [Info.Problem].
func FieldsOf[T any]() ([]Field, error) { return fieldsOf(reflect.TypeFor[T]()) }

// ErrTag says that a struct tag cannot be understood.
var ErrTag = errors.New("connector: bad struct tag")

func fieldsOf(t reflect.Type) ([]Field, error) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	s := schema{inside: map[reflect.Type]bool{}}
	if t != anyType {
		field, err := s.describe(t)
		if err != nil {
			return nil, err
		}
		if field.Type != TypeCollection {
			return nil, fmt.Errorf("%w: %s is no struct, map or Bundle", ErrUnsupported, t)
		}
		return field.Fields, nil
	}
	return nil, nil
}

// splitParams takes the fields with the tag param out of the description of a type.
func splitParams(t reflect.Type, described []Field) (params, rest []Field) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	isParam := map[string]bool{}
	if t.Kind() == reflect.Struct && !isLeaf(t) {
		members, _ := structFields(t) // an error would have been one of the description
		for _, m := range members {
			isParam[m.name] = m.param
		}
	}
	for _, f := range described {
		if isParam[f.Name] {
			params = append(params, f)
		} else {
			rest = append(rest, f)
		}
	}
	return params, rest
}

type schema struct {
	inside map[reflect.Type]bool
}

// describe gives the field of a Go type: without a name, and without what tags say.
func (s *schema) describe(t reflect.Type) (Field, error) {
	switch t {
	case timeType:
		return Field{Type: TypeDate}, nil
	case bundleType:
		return Field{Type: TypeCollection}, nil
	case secretType:
		return Field{Type: TypePassword}, nil
	case numberType:
		return Field{Type: TypeNumber}, nil
	case anyType:
		return Field{Type: TypeAny}, nil
	case durationType:
		return Field{}, fmt.Errorf("%w: %s has no unit in a bundle, take an integer", ErrUnsupported, t)
	}
	if t.Kind() == reflect.Pointer {
		return s.describe(t.Elem())
	}
	if t.Implements(textType) || reflect.PointerTo(t).Implements(parseTextType) {
		return Field{Type: TypeText}, nil
	}
	switch t.Kind() {
	case reflect.Bool:
		return Field{Type: TypeBoolean}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return Field{Type: TypeInteger}, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return Field{Type: TypeUInteger}, nil
	case reflect.Float32, reflect.Float64:
		return Field{Type: TypeNumber}, nil
	case reflect.String:
		return Field{Type: TypeText}, nil
	case reflect.Slice, reflect.Array:
		return s.array(t)
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			return Field{}, fmt.Errorf("%w: %s has keys that are no strings", ErrUnsupported, t)
		}
		if _, err := s.describe(t.Elem()); err != nil {
			return Field{}, err
		}
		return Field{Type: TypeCollection}, nil
	case reflect.Struct:
		return s.collection(t)
	}
	return Field{}, fmt.Errorf("%w: %s", ErrUnsupported, t)
}

func (s *schema) array(t reflect.Type) (Field, error) {
	if t.Elem().Kind() == reflect.Uint8 {
		return Field{Type: TypeBuffer}, nil
	}
	element, err := s.describe(t.Elem())
	if err != nil {
		return Field{}, err
	}
	if element.Type == TypeAny {
		return Field{Type: TypeArray}, nil
	}
	return Field{Type: TypeArray, Fields: []Field{element}}, nil
}

func (s *schema) collection(t reflect.Type) (Field, error) {
	if s.inside[t] {
		return Field{Type: TypeCollection}, nil
	}
	s.inside[t] = true
	defer delete(s.inside, t)
	members, err := structFields(t)
	if err != nil {
		return Field{}, err
	}
	whole := Field{Type: TypeCollection}
	var problems []error
	for _, m := range members {
		f, err := s.describe(m.typ)
		if err == nil {
			f.Name = m.name
			err = f.readTags(m.tag)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("field %s of %s: %w", m.name, t, err))
			continue
		}
		whole.Fields = append(whole.Fields, f)
	}
	return whole, errors.Join(problems...)
}

// readTags adds what the tags of a struct field say.
func (f *Field) readTags(tag reflect.StructTag) error {
	f.Label, f.Help, f.Personal = tag.Get("label"), tag.Get("help"), tag.Get("personal")
	for _, name := range []string{"required", "multiline", "param"} {
		if text, ok := tag.Lookup(name); ok && text != "true" && text != "false" {
			return fmt.Errorf(`%w: %s:%q is neither "true" nor "false"`, ErrTag, name, text)
		}
	}
	f.Required, f.Multiline = tag.Get("required") == "true", tag.Get("multiline") == "true"
	if text, ok := tag.Lookup("enum"); ok {
		if f.Type.base() != TypeText {
			return fmt.Errorf("%w: enum on %s", ErrTag, f.Type)
		}
		f.Type, f.Options = TypeSelect, strings.Split(text, ",")
	}
	if text, ok := tag.Lookup("type"); ok {
		given := FieldType(text)
		switch {
		case given.base() == f.Type.base():
		case f.Type.base() == TypeText && given == TypeTime:
		case f.Type == TypeInteger && given == TypeUInteger:
		default:
			return fmt.Errorf("%w: type:%q on %s", ErrTag, text, f.Type)
		}
		f.Type = given
	}
	for _, limit := range []struct {
		name string
		at   **float64
	}{{"min", &f.Min}, {"max", &f.Max}} {
		text, ok := tag.Lookup(limit.name)
		if !ok {
			continue
		}
		number, err := strconv.ParseFloat(text, 64)
		if err != nil || !f.Type.measurable() {
			return fmt.Errorf("%w: %s:%q on %s", ErrTag, limit.name, text, f.Type)
		}
		*limit.at = &number
	}
	if text, ok := tag.Lookup("default"); ok {
		c := coercion{}
		if f.Default = c.field(f, text); len(c.problems) > 0 || f.Default == nil {
			return fmt.Errorf("%w: default:%q on %s", ErrTag, text, f.Type)
		}
	}
	return nil
}

// base reduces the text-like types to TypeText; unknown types are any.
func (t FieldType) base() FieldType {
	switch t {
	case TypeText, TypeSelect, TypeURL, TypeEmail, TypePassword, TypeFilename:
		return TypeText
	case TypeNumber, TypeInteger, TypeUInteger, TypeBoolean, TypeDate, TypeTime, TypeBuffer, TypeArray, TypeCollection:
		return t
	}
	return TypeAny
}

// measurable says whether Min and Max mean something for the type.
func (t FieldType) measurable() bool {
	switch t.base() {
	case TypeAny, TypeBoolean, TypeDate, TypeTime, TypeCollection:
		return false
	}
	return true
}
