package expr

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/ebbkit/ebb/connector"
)

// FunctionsOf makes custom functions of Go functions by name, as [FunctionOf] does, in the order of their names. Those that
// are none are left out and all named in the error.
func FunctionsOf(functions map[string]any) ([]Function, error) {
	var list []Function
	var problems []error
	for name, fn := range functions {
		f, err := FunctionOf(name, fn)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b Function) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return list, errors.Join(problems...)
}

// FunctionOf makes a custom function of a Go function, whose arguments are converted to the types of its parameters as
// fields of modules are:
//
//   - string, bool, every integer and float type, and types made of them
//   - time.Time, and []byte for buffers
//   - slices of these, for arrays
//   - connector.Bundle, and maps with string keys, for collections
//   - any, for whatever comes
//   - pointers to these, which are nil for null
//
// The last parameter may be variadic. A context.Context may stand first: it is that of the evaluation's Env if that
// has a method Context, else context.Background. Null is the zero value of text, booleans, arrays, collections and any,
// and inside arrays and collections of all types; for numbers, dates and buffers it is a BundleValidationError. What a
// function is given is shared with others and must not be changed.
//
// The function returns a value, or a value and an error. The value may be what connector.Normalize takes, a struct or a
// map for one. An error, and a panic, become a RuntimeError; a *connector.Error keeps its type.
//
// FunctionOf fails with an error that wraps ErrFunction and says what is wrong with the function.
func FunctionOf(name string, fn any) (Function, error) {
	refuse := func(format string, args ...any) (Function, error) {
		return Function{}, fmt.Errorf("%w: %q: %s", ErrFunction, name, fmt.Sprintf(format, args...))
	}
	v := reflect.ValueOf(fn)
	switch {
	case v.Kind() != reflect.Func:
		return refuse("it is a %T, not a function", fn)
	case v.IsNil():
		return refuse("it is a nil function")
	}
	g := &goFunction{call: v}
	t := v.Type()
	g.fails = t.NumOut() == 2 && t.Out(1) == errorType
	if t.NumOut() != 1 && !g.fails || t.Out(0) == errorType {
		return refuse("it must return a value, or a value and an error")
	}
	if !isResult(t.Out(0), 0) {
		return refuse("its result has the type %s, which is no value of the language", t.Out(0))
	}
	f := Function{Name: name, Family: "custom", Call: g.evaluate}
	for i := range t.NumIn() {
		in := t.In(i)
		if i == 0 && in == contextType {
			g.context = true
			continue
		}
		p := Parameter{}
		if t.IsVariadic() && i == t.NumIn()-1 {
			in = in.Elem()
			p.Optional, p.Repeat = true, true
		}
		a, ok := argumentOf(in, 0)
		if !ok {
			return refuse("its parameter %d has the type %s, which no value of the language can be converted to", i+1, in)
		}
		p.Type = a.declared
		p.Nullable = a.declared == connector.TypeCollection || in.Kind() == reflect.Pointer
		p.Name = strings.Replace(string(p.Type), string(connector.TypeAny), "value", 1)
		g.arguments = append(g.arguments, a)
		f.Parameters = append(f.Parameters, p)
	}
	return f, nil
}

var (
	errorType   = reflect.TypeFor[error]()
	contextType = reflect.TypeFor[context.Context]()
)

// goFunction is a function of the host and how its arguments are made.
type goFunction struct {
	call      reflect.Value
	context   bool // the first argument is one, which is not among the arguments
	fails     bool
	arguments []goArgument // the last one is that of all that follow
}

func (g *goFunction) evaluate(c *Call) (any, error) {
	in := make([]reflect.Value, 0, len(c.Args)+1)
	if g.context {
		in = append(in, reflect.ValueOf(c.context()))
	}
	for i := range c.Args {
		a := &g.arguments[min(i, len(g.arguments)-1)]
		value := reflect.New(a.to).Elem()
		if err := a.set(value, c.Args[i], c); err != nil {
			return nil, fmt.Errorf("argument %d (%s): %w", i+1, a.declared, err)
		}
		in = append(in, value)
	}
	out := g.call.Call(in)
	if g.fails && !out[1].IsNil() {
		return nil, out[1].Interface().(error) //nolint:forcetypeassert // its type was checked
	}
	return out[0].Interface(), nil
}

// context is that of the evaluation's environment, where it has one.
func (c *Call) context() context.Context {
	if env, ok := c.env.(interface{ Context() context.Context }); ok {
		if ctx := env.Context(); ctx != nil {
			return ctx
		}
	}
	return context.Background()
}

// result gives what a custom function returned the form of the language's values, within its limits.
func (c *Call) result(v any) (any, error) {
	if _, ok := v.(Special); ok {
		return v, nil
	}
	normal, err := connector.Normalize(v)
	switch {
	case errors.Is(err, connector.ErrDepth):
		return nil, errDepth()
	case err != nil:
		return nil, &RuntimeError{Type: RuntimeErrorType, Message: fmt.Sprintf("the custom function gave a %T, which is no value of the language", v), Err: err}
	}
	switch normal := normal.(type) {
	case string:
		err = c.checkText(len(normal))
	case []byte:
		err = c.checkText(len(normal))
	case []any:
		err = c.checkItems(len(normal))
	}
	return normal, err
}

// customError gives what a custom function failed with a type, which an error of ours or of a connector has already.
func customError(err error) error {
	if failure, ok := err.(*RuntimeError); ok { //nolint:errorlint // a wrapped one keeps its wrapping below
		same := *failure
		return &same
	}
	kind := RuntimeErrorType
	var own *RuntimeError
	var typed *connector.Error
	switch {
	case errors.As(err, &own):
		kind = own.Type
	case errors.As(err, &typed) && typed.Type != "":
		kind = string(typed.Type)
	}
	return &RuntimeError{Type: kind, Message: err.Error(), Err: err}
}
