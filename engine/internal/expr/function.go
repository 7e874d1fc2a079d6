package expr

import (
	"fmt"
	"time"

	"github.com/ebbkit/ebb/connector"
)

// A Function is one function of the language. Its fields but Call are data: from them compilation takes the arity and
// the conversion of arguments, and a reference page its text.
type Function struct {
	Name       string
	Family     string // general, math, text, date, array, or the host's own word
	Parameters []Parameter
	Result     connector.FieldType
	Note       Note // of a built-in function, filled in by Language.Functions

	// Call works out the result from arguments that have their declared types. It must not keep call or its arguments'
	// slice, nor change a value that it was given. A *RuntimeError keeps its type; any other error becomes a RuntimeError
	// with that error's text, and a panic one without the panic's.
	Call func(call *Call) (any, error)

	// prepare works out beforehand what a call needs from arguments that are known when it is compiled; the call finds it
	// in prepared. Nil where nothing is known.
	prepare func(args []node) any

	change func(string) string                // makes one text of another, for which Call is not needed
	lazy   func(args []node, column int) node // builds a node that decides itself which arguments to evaluate
	check  func(args []node) (argument int, problem string)
	custom bool
}

// A Parameter declares one argument of a Function.
type Parameter struct {
	Name     string
	Type     connector.FieldType // empty is any; of types that hold text the language knows TypeText only
	Optional bool                // it may be left out; left out or empty, the function gets nil
	Repeat   bool                // it and the parameters behind it, which must say so too, may be given again and again
	Nullable bool                // it must be given, but may be null, which the function gets as nil

	// sums says that the parameter takes numbers though it is not declared as one, so that a bareword such as 1+1 is a sum.
	sums bool
	// array says that the parameter takes an array among other things, so that a path that ends in [] gives it the whole one.
	array bool
}

// parameter gives the declaration of the i-th argument, or false when there are too many arguments.
func (f *Function) parameter(i int) (Parameter, bool) {
	if i < len(f.Parameters) {
		return f.Parameters[i], true
	}
	repeat := f.repeated()
	if repeat == 0 {
		return Parameter{}, false
	}
	first := len(f.Parameters) - repeat
	return f.Parameters[first+(i-first)%repeat], true
}

func (f *Function) repeated() int {
	n := 0
	for _, p := range f.Parameters {
		if p.Repeat {
			n++
		}
	}
	return n
}

// required is the smallest number of arguments.
func (f *Function) required() int {
	n := 0
	for _, p := range f.Parameters {
		if !p.Optional {
			n++
		}
	}
	return n
}

// Signature writes the function as a reference page shows it: name(a; [b]; …).
func (f *Function) Signature() string {
	text := f.Name + "("
	for i, p := range f.Parameters {
		if i > 0 {
			text += "; "
		}
		if p.Optional {
			text += "[" + p.Name + "]"
		} else {
			text += p.Name
		}
	}
	if f.repeated() > 0 {
		text += "; …"
	}
	return text + ")"
}

// A Call is what a function sees of its evaluation.
type Call struct {
	// Args are the arguments, converted to the declared types. An optional argument that was left out at the end is not
	// there; one that was left empty, or is null, is nil. A required parameter of type text or array is never nil.
	Args []any

	lang     *Language
	env      Env
	memory   *memory
	prepared any
}

// Location is the scenario's time zone.
func (c *Call) Location() *time.Location { return locationOf(c.env) }

// Now is the evaluation's present, in milliseconds.
func (c *Call) Now() time.Time { return nowOf(c.env) }

// given says whether the i-th argument is there and not null.
func (c *Call) given(i int) bool { return i < len(c.Args) && c.Args[i] != nil }

// text gives the i-th argument, declared as text; "" when it is not there.
func (c *Call) text(i int) string {
	if !c.given(i) {
		return ""
	}
	s, _ := c.Args[i].(string)
	return s
}

// array gives the i-th argument, declared as array.
func (c *Call) array(i int) []any {
	if !c.given(i) {
		return nil
	}
	items, _ := c.Args[i].([]any)
	return items
}

// number gives the i-th argument, declared as number.
func (c *Call) number(i int) float64 { return toFloat(c.Args[i]) }

// whole gives the i-th argument, declared as number, cut to an int of at most 2^53 either way.
func (c *Call) whole(i, missing int) int {
	if !c.given(i) {
		return missing
	}
	f := toFloat(c.Args[i])
	switch {
	case f != f:
		return 0
	case f > 1<<53:
		return 1 << 53
	case f < -1<<53:
		return -1 << 53
	}
	return int(f)
}

// date gives the i-th argument, declared as date.
func (c *Call) date(i int) time.Time {
	t, _ := c.Args[i].(time.Time)
	return t
}

// zone gives the zone that the i-th argument names, or the scenario's.
func (c *Call) zone(i int) (*time.Location, error) {
	name := c.text(i)
	if name == "" {
		return c.Location(), nil
	}
	loc, ok := c.lang.zones.find(name)
	if !ok {
		return nil, invalid("the time zone is unknown; it must be an IANA name such as Europe/Prague")
	}
	return loc, nil
}

// checkText refuses a text that is longer than the limit.
func (c *Call) checkText(n int) error {
	if n > c.lang.maxText {
		return errTextLimit()
	}
	return nil
}

func (c *Call) checkItems(n int) error {
	if n > c.lang.maxItems {
		return overLimit("an array would have more than %d items", c.lang.maxItems)
	}
	return nil
}

// textOf gives a value's text as in a mixed template.
func (c *Call) textOf(v any) (string, error) {
	if s, ok := v.(string); ok {
		return s, nil
	}
	b, err := appendText(nil, v, c.lang.maxText)
	return string(b), err
}

// convert gives an argument the type that its parameter declares.
func (m *machine) convert(v any, p *Parameter, position int) (any, error) {
	if isNull(v) {
		if p.Optional || p.Nullable {
			return nil, nil
		}
		switch p.Type {
		case connector.TypeAny, connector.TypeBoolean, "":
			return v, nil
		case connector.TypeText:
			return "", nil
		case connector.TypeArray:
			return []any(nil), nil
		}
		return nil, invalid("argument %d (%s) is empty, expected %s", position, p.Name, p.Type)
	}
	switch p.Type {
	case connector.TypeAny, "":
		return v, nil
	case connector.TypeText:
		if _, ok := v.(string); ok {
			return v, nil
		}
	}
	v, err := coerce(v, p.Type, m.location(), m.lang.maxText)
	if err != nil {
		failure := *err.(*RuntimeError) //nolint:errorlint,forcetypeassert // conversions give nothing else
		failure.Message = fmt.Sprintf("argument %d (%s): %s", position, p.Name, failure.Message)
		return nil, &failure
	}
	return v, nil
}
