package connector

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ErrStructure says that a data structure cannot be used. The errors that wrap it have all problems, each with the place in
// the structure and what to do.
var ErrStructure = errors.New("connector: bad data structure")

// A Structure is a data structure: a type of bundles that hooks, data stores and modules check data against
// (https://help.make.com/data-structures). It is described by the same fields as the input of a module. Many goroutines
// may use a structure that nobody changes.
//
// Write one as a literal, read Make's JSON with [ParseStructure], or make one of a Go struct with [StructureOf].
type Structure struct {
	// Name is what people and blueprints call it.
	Name string
	// Strict refuses fields that the structure does not have, at every depth. A collection that is described without
	// fields may hold anything all the same. False lets them pass as they are.
	Strict bool
	// Fields describe the bundles. None: anything is allowed.
	Fields []Field
}

// StructureOf makes a structure of a Go struct type, described by the struct tags that [FieldsOf] reads. It is not strict;
// set Strict where it is to be. Errors are those of FieldsOf.
func StructureOf[T any](name string) (Structure, error) {
	fields, err := FieldsOf[T]()
	if err != nil {
		return Structure{}, fmt.Errorf("data structure %q: %w", name, err)
	}
	return Structure{Name: name, Fields: fields}, nil
}

// Convert makes of a bundle what the structure describes: values converted by the rules of [Convert], defaults filled in,
// and the fields in the order of the structure, at every depth; fields that it does not have stand behind them. A nil
// zone is UTC. The result shares values with the bundle.
//
// The error is one [*Error] of type BundleValidationError that names the path of every field that was refused (array
// elements are counted from 1) and what was expected, and never a value. Behind the twentieth it says "and more".
func (s Structure) Convert(in Bundle, zone *time.Location) (Bundle, error) {
	c := coercion{zone: zone, strict: s.Strict, ordered: true}
	out := c.collection(s.Fields, in)
	return out, c.err()
}

// Validate says whether [Structure.Convert] takes a bundle: its error, or nil.
func (s Structure) Validate(in Bundle, zone *time.Location) error {
	_, err := s.Convert(in, zone)
	return err
}

// Check says everything that is wrong with a structure, at once: fields without a name or with one that stands twice, types
// that do not exist, limits and defaults that make no sense. The error wraps [ErrStructure].
func (s Structure) Check() error {
	problems := checkTypes("spec", s.Fields, 0)
	if len(problems) == 0 {
		problems = checkFields("spec", s.Fields, 0)
	}
	return structureError(problems)
}

func structureError(problems []string) error {
	if len(problems) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrStructure, strings.Join(problems, "; "))
}

// structureTypes are the types that fields of structures have.
var structureTypes = []FieldType{
	TypeText, TypeNumber, TypeInteger, TypeUInteger, TypeBoolean, TypeDate, TypeTime, TypeBuffer, TypeCollection, TypeArray,
	TypeAny, TypeSelect, TypeURL, TypeEmail, TypePassword, TypeFilename,
}

// checkTypes reports types that do not exist: a module's field of such a type is taken as it comes, but a structure is there
// to say what comes.
func checkTypes(path string, fields []Field, depth int) []string {
	if depth > MaxDepth {
		return []string{path + ": fields are nested too deep"}
	}
	var problems []string
	for i := range fields {
		f := &fields[i]
		at := path + "." + f.Name
		if f.Name == "" {
			at = path + "[" + strconv.Itoa(i) + "]"
		}
		if !knownType(f.Type) {
			problems = append(problems, at+": the type "+strconv.Quote(shownName(string(f.Type)))+" does not exist: take one of "+typeList())
		}
		problems = append(problems, checkTypes(at, f.Fields, depth+1)...)
	}
	return problems
}

func knownType(t FieldType) bool {
	if t == "" {
		return true // TypeAny
	}
	for _, known := range structureTypes {
		if t == known {
			return true
		}
	}
	return false
}

func typeList() string {
	names := make([]string, len(structureTypes))
	for i, t := range structureTypes {
		names[i] = string(t)
	}
	return strings.Join(names, ", ")
}

// ParamStructure returns the data structure that a design-time parameter names by its name or its number, as parameters of
// [TypeStructure] do. It is nil when the parameter is empty, and when [Call.Structure] knows nothing of the structure.
func (c *Call) ParamStructure(ctx context.Context, parameter string) (*Structure, error) {
	var name string
	switch value := c.Params.Get(parameter).(type) {
	case nil:
	case string:
		name = value
	case int64:
		name = strconv.FormatInt(value, 10)
	default:
		return nil, Errorf(InvalidConfigurationError, "parameter %s: expected the name or number of a data structure, received %s",
			parameter, typeName(value))
	}
	switch {
	case name == "":
		return nil, nil
	case c.Structure == nil:
		return nil, Errorf(InvalidConfigurationError, "parameter %s: this host has no data structures", parameter)
	}
	return c.Structure(ctx, name)
}
