package expr

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/ebbkit/ebb/connector"
)

// FunctionOf makes a custom function of a Go function. Its parameters may be string, bool, any integer or float type,
// time.Time, []byte, []any, connector.Bundle and any, the last one variadic; arguments are converted to them as fields of
// modules are. null arrives as the zero of string, bool, []any, connector.Bundle and any, and is a BundleValidationError for the others. It returns a value, or
// a value and an error; besides the language's own kinds of values the result may be any integer or float type, a slice,
// a map with text keys, whose fields are sorted then, or a pointer to such.
func FunctionOf(name string, fn any) (Function, error) {
	v := reflect.ValueOf(fn)
	if v.Kind() != reflect.Func || v.IsNil() {
		return Function{}, fmt.Errorf("%w: %s is a %T, not a function", ErrFunction, name, fn)
	}
	t := v.Type()
	failing := t.NumOut() == 2 && t.Out(1) == reflect.TypeFor[error]()
	if t.NumOut() != 1 && !failing {
		return Function{}, fmt.Errorf("%w: %s must return a value, or a value and an error", ErrFunction, name)
	}
	f := Function{Name: name, Family: "custom"}
	for i := range t.NumIn() {
		in := t.In(i)
		p := Parameter{Name: fmt.Sprintf("argument%d", i+1)}
		if t.IsVariadic() && i == t.NumIn()-1 {
			in = in.Elem()
			p.Optional, p.Repeat = true, true
		}
		var ok bool
		if p.Type, ok = declaredType(in); !ok {
			return Function{}, fmt.Errorf("%w: %s: parameter %d has the type %s", ErrFunction, name, i+1, in)
		}
		p.Nullable = p.Type == connector.TypeCollection
		f.Parameters = append(f.Parameters, p)
	}
	f.Call = func(call *Call) (any, error) {
		in := make([]reflect.Value, max(len(call.Args), fixedArguments(t)))
		for i := range in {
			to := argumentType(t, i)
			in[i] = reflect.Zero(to)
			if i < len(call.Args) && call.Args[i] != nil {
				if err := assign(&in[i], call.Args[i], to, i); err != nil {
					return nil, err
				}
			}
		}
		out := v.Call(in)
		if failing && !out[1].IsNil() {
			return nil, out[1].Interface().(error) //nolint:forcetypeassert // its type was checked
		}
		return out[0].Interface(), nil
	}
	return f, nil
}

func fixedArguments(t reflect.Type) int {
	if t.IsVariadic() {
		return t.NumIn() - 1
	}
	return t.NumIn()
}

func argumentType(t reflect.Type, i int) reflect.Type {
	if t.IsVariadic() && i >= t.NumIn()-1 {
		return t.In(t.NumIn() - 1).Elem()
	}
	return t.In(i)
}

// assign sets an argument of a declared type, which has been converted to the language's kind of value for it.
func assign(in *reflect.Value, arg any, to reflect.Type, i int) error {
	v := reflect.ValueOf(arg)
	if v.Type().AssignableTo(to) {
		*in = v
		return nil
	}
	if _, ok := arg.(float64); ok && to.Kind() != reflect.Float32 && to.Kind() != reflect.Float64 {
		return invalid("argument %d does not fit its type", i+1) // a whole number beyond int64
	}
	if n, ok := arg.(int64); ok {
		slot := reflect.New(to).Elem()
		if slot.CanInt() && slot.OverflowInt(n) || slot.CanUint() && (n < 0 || slot.OverflowUint(uint64(n))) {
			return invalid("argument %d does not fit its type", i+1)
		}
	}
	*in = v.Convert(to)
	return nil
}

func declaredType(t reflect.Type) (connector.FieldType, bool) {
	switch t {
	case reflect.TypeFor[time.Time]():
		return connector.TypeDate, true
	case reflect.TypeFor[[]byte]():
		return connector.TypeBuffer, true
	case reflect.TypeFor[[]any]():
		return connector.TypeArray, true
	case reflect.TypeFor[connector.Bundle]():
		return connector.TypeCollection, true
	case reflect.TypeFor[any]():
		return connector.TypeAny, true
	}
	switch t.Kind() {
	case reflect.String:
		return connector.TypeText, true
	case reflect.Bool:
		return connector.TypeBoolean, true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return connector.TypeInteger, true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return connector.TypeUInteger, true
	case reflect.Float32, reflect.Float64:
		return connector.TypeNumber, true
	}
	return connector.TypeAny, false
}

// normalize gives a custom function's result one of the kinds of values that the language knows.
func (l *Language) normalize(v any, depth int) (any, error) {
	if depth > maxValueDepth {
		return nil, errDepth()
	}
	switch v := v.(type) {
	case nil, bool, int64, float64, string, time.Time, []byte, Special, connector.Bundle:
		return v, nil
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Bool:
		return r.Bool(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return r.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if u := r.Uint(); u <= math.MaxInt64 {
			return int64(u), nil
		}
		return float64(r.Uint()), nil
	case reflect.Float32, reflect.Float64:
		return r.Float(), nil
	case reflect.String:
		return r.String(), nil
	case reflect.Pointer:
		if r.IsNil() {
			return nil, nil
		}
		return l.normalize(r.Elem().Interface(), depth+1)
	case reflect.Slice, reflect.Array:
		if r.Len() > l.maxItems {
			return nil, overLimit("an array would have more than %d items", l.maxItems)
		}
		items := make([]any, r.Len())
		for i := range items {
			var err error
			if items[i], err = l.normalize(r.Index(i).Interface(), depth+1); err != nil {
				return nil, err
			}
		}
		return items, nil
	case reflect.Map:
		if r.Type().Key().Kind() == reflect.String {
			return l.normalizeMap(r, depth)
		}
	}
	return nil, &RuntimeError{Type: RuntimeErrorType, Message: fmt.Sprintf("the custom function gave a %T, which is no value of the language", v)}
}

func (l *Language) normalizeMap(r reflect.Value, depth int) (any, error) {
	names := make([]string, 0, r.Len())
	fields := make(map[string]any, r.Len())
	for key, value := range r.Seq2() {
		v, err := l.normalize(value.Interface(), depth+1)
		if err != nil {
			return nil, err
		}
		names = append(names, key.String())
		fields[key.String()] = v
	}
	slices.Sort(names)
	values := make([]any, len(names))
	for i, name := range names {
		values[i] = fields[name]
	}
	return connector.BundleOf(names, values), nil
}

func customError(err error) error {
	if failure, ok := err.(*RuntimeError); ok { //nolint:errorlint // a wrapped one keeps its wrapping below
		same := *failure
		return &same
	}
	return &RuntimeError{Type: RuntimeErrorType, Message: err.Error(), Err: err}
}
