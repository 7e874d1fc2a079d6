package expr

import (
	"fmt"
	"reflect"
	"time"

	"github.com/ebbkit/ebb/connector"
)

// A goArgument is a parameter of a Go function: the type that the language declares for it, and how a value of that type,
// or null, becomes one of Go's.
type goArgument struct {
	declared connector.FieldType
	to       reflect.Type
	set      func(dst reflect.Value, v any, c *Call) error
}

// maxTypeDepth is how deep types may stand in each other; one that contains itself goes on for ever.
const maxTypeDepth = 16

// argumentOf finds out how a Go type is made of the language's values, or false when it cannot be.
func argumentOf(t reflect.Type, depth int) (goArgument, bool) {
	a := goArgument{to: t, set: setSame}
	if depth > maxTypeDepth {
		return a, false
	}
	switch t {
	case reflect.TypeFor[time.Time]():
		a.declared, a.set = connector.TypeDate, setGiven
		return a, true
	case reflect.TypeFor[connector.Bundle]():
		a.declared = connector.TypeCollection
		return a, true
	case reflect.TypeFor[any]():
		a.declared, a.set = connector.TypeAny, setAny
		return a, true
	case reflect.TypeFor[time.Duration]():
		return a, false // nobody could tell its unit
	}
	switch t.Kind() {
	case reflect.String:
		a.declared = connector.TypeText
	case reflect.Bool:
		a.declared = connector.TypeBoolean
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		a.declared, a.set = connector.TypeInteger, setNumber
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		a.declared, a.set = connector.TypeUInteger, setNumber
	case reflect.Float32, reflect.Float64:
		a.declared, a.set = connector.TypeNumber, setNumber
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return argumentAround(t, depth)
	default:
		return a, false
	}
	return a, true
}

// argumentAround finds it out for a type that has another one inside.
func argumentAround(t reflect.Type, depth int) (goArgument, bool) {
	if t.Kind() == reflect.Slice && t.Elem() == reflect.TypeFor[byte]() {
		return goArgument{connector.TypeBuffer, t, setGiven}, true
	}
	inner, ok := argumentOf(t.Elem(), depth+1)
	a := goArgument{to: t}
	switch t.Kind() {
	case reflect.Pointer:
		ok = ok && t.Elem().Kind() != reflect.Pointer
		a.declared, a.set = inner.declared, inner.setPointer
	case reflect.Slice:
		a.declared, a.set = connector.TypeArray, inner.setSlice
	default:
		ok = ok && t.Key().Kind() == reflect.String
		a.declared, a.set = connector.TypeCollection, inner.setMap
	}
	return a, ok
}

// setSame sets a value whose type differs by its name at most. Null leaves the zero value.
func setSame(dst reflect.Value, v any, _ *Call) error {
	if !isNull(v) {
		dst.Set(reflect.ValueOf(v).Convert(dst.Type()))
	}
	return nil
}

// setGiven is setSame for types of which null is no value.
func setGiven(dst reflect.Value, v any, c *Call) error {
	if isNull(v) {
		return invalid("is empty")
	}
	return setSame(dst, v, c)
}

func setAny(dst reflect.Value, v any, _ *Call) error {
	if !isNull(v) {
		dst.Set(reflect.ValueOf(v))
	}
	return nil
}

// setNumber refuses what the Go type cannot hold.
func setNumber(dst reflect.Value, v any, _ *Call) error {
	misfit := func() error { return invalid("the number does not fit its type, %s", dst.Type()) }
	switch n := v.(type) {
	case nil, Special:
		return invalid("is empty")
	case int64:
		switch {
		case dst.CanFloat():
			dst.SetFloat(float64(n))
		case dst.CanInt() && !dst.OverflowInt(n):
			dst.SetInt(n)
		case dst.CanUint() && n >= 0 && !dst.OverflowUint(uint64(n)):
			dst.SetUint(uint64(n))
		default:
			return misfit()
		}
	case float64:
		if !dst.CanFloat() {
			return misfit() // a whole number beyond int64
		}
		dst.SetFloat(n)
	}
	return nil
}

func (a goArgument) setPointer(dst reflect.Value, v any, c *Call) error {
	if isNull(v) {
		return nil
	}
	dst.Set(reflect.New(a.to))
	return a.set(dst.Elem(), v, c)
}

func (a goArgument) setSlice(dst reflect.Value, v any, c *Call) error {
	items, _ := v.([]any)
	if items == nil {
		return nil
	}
	if dst.Type().Elem() == reflect.TypeFor[any]() {
		return setSame(dst, items, c)
	}
	dst.Set(reflect.MakeSlice(dst.Type(), len(items), len(items)))
	for i, item := range items {
		if err := a.setInside(dst.Index(i), item, c); err != nil {
			return fmt.Errorf("item %d: %w", i+1, err)
		}
	}
	return nil
}

func (a goArgument) setMap(dst reflect.Value, v any, c *Call) error {
	collection, ok := v.(connector.Bundle)
	if !ok {
		return nil
	}
	dst.Set(reflect.MakeMapWithSize(dst.Type(), collection.Len()))
	for name, field := range collection.All() {
		value := reflect.New(a.to).Elem()
		if err := a.setInside(value, field, c); err != nil {
			return fmt.Errorf("a field: %w", err)
		}
		dst.SetMapIndex(reflect.ValueOf(name).Convert(dst.Type().Key()), value)
	}
	return nil
}

// setInside converts an item of an array or a field of a collection; null is the zero value.
func (a goArgument) setInside(dst reflect.Value, v any, c *Call) error {
	if isNull(v) {
		return nil
	}
	v, err := coerce(v, a.declared, c.Location(), c.lang.maxText)
	if err != nil {
		return err
	}
	return a.set(dst, v, c)
}

// isResult says whether values of a Go type can be the language's, as far as the type tells.
func isResult(t reflect.Type, depth int) bool {
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.Uintptr, reflect.UnsafePointer:
		return false
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return depth < maxTypeDepth && isResult(t.Elem(), depth+1)
	}
	return t != reflect.TypeFor[time.Duration]()
}
