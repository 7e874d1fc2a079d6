package expr

import (
	"sync/atomic"

	"github.com/ebbkit/ebb/connector"
)

// A node is a piece of a compiled expression. Nodes do not change after compilation, but for what they remember.
type node interface{ isNode() }

func (constant) isNode()     {}
func (keyword) isNode()      {}
func (*path) isNode()        {}
func (*not) isNode()         {}
func (*minus) isNode()       {}
func (*either) isNode()      {}
func (*all) isNode()         {}
func (*chain) isNode()       {}
func (*comparison) isNode()  {}
func (*call) isNode()        {}
func (*change) isNode()      {}
func (*conditional) isNode() {}
func (*fallback) isNode()    {}
func (*choice) isNode()      {}
func (*tree) isNode()        {}

// constant is a value that is known.
type constant struct{ value any }

// keyword is a value that the environment gives.
type keyword struct{ name string }

func (n keyword) eval(env Env) any {
	switch n.name {
	case "now":
		return nowOf(env)
	case "timestamp":
		ms := env.Now().UnixMilli()
		seconds := ms / 1000
		if ms%1000 < 0 {
			seconds--
		}
		return seconds
	case "random":
		return env.Random()
	case "uuid":
		return env.UUID()
	}
	v, _ := env.Var(n.name)
	return v
}

// step is one segment of a path: a field's name, or an index from 1; index -1 with no name is [].
type step struct {
	name  string
	index int
	field bool
}

// path walks from a module's bundle, or from a variable when root is not empty.
type path struct {
	root  string
	slot  int
	steps []step
	whole bool   // it ends in []
	field string // of the module's bundle, when the path is nothing else
	// place is where the field was last time: bundles of one module are alike.
	place *atomic.Int32
}

func (n *path) find(env Env) any {
	if n.field != "" {
		v, _ := env.Module(n.slot)
		object, _ := v.(connector.Bundle)
		near := n.place.Load()
		v, at, _ := object.LookupNear(n.field, int(near))
		if at := int32(at); at != near { //nolint:gosec // far fewer fields
			n.place.Store(at)
		}
		return v
	}
	var v any
	if n.root != "" {
		v, _ = env.Var(n.root)
	} else if n.slot >= 0 {
		v, _ = env.Module(n.slot)
	}
	for i := range n.steps {
		s := &n.steps[i]
		if s.field {
			object, ok := v.(connector.Bundle)
			if !ok {
				return nil
			}
			v, _ = object.Lookup(s.name)
			continue
		}
		items, ok := v.([]any)
		index := max(s.index, -s.index) - 1 // -1 stands for [], the first item
		if !ok || index < 0 || index >= len(items) {
			return nil
		}
		v = items[index]
	}
	return v
}

// array is the path without the [] at its end.
func (n *path) array() *path {
	whole := *n
	whole.steps = n.steps[:len(n.steps)-1]
	return &whole
}

// call evaluates its arguments onto the stack, converts them, and calls.
type call struct {
	function   *Function
	args       []node
	parameters []Parameter // one for each argument
	prepared   any
	column     int
}

func (n *call) eval(m *machine) (any, error) {
	mem := m.memory()
	base := len(mem.stack)
	for i, arg := range n.args {
		v, err := m.eval(arg)
		if err == nil {
			if v, err = m.convert(v, &n.parameters[i], i+1); err != nil {
				err = at(err, n.function.Name, n.column)
			}
		}
		if err != nil {
			mem.drop(base)
			return nil, err
		}
		mem.stack = append(mem.stack, v)
	}
	c := &mem.call
	c.Args, c.prepared = mem.stack[base:len(mem.stack):len(mem.stack)], n.prepared
	var v any
	var err error
	if n.function.custom {
		v, err = n.callCustom(c)
	} else {
		v, err = n.function.Call(c)
	}
	mem.drop(base)
	if err != nil {
		return nil, at(err, n.function.Name, n.column)
	}
	return v, nil
}

// callCustom keeps a host's function from doing harm: its panic is an error, its result a value of the language.
func (n *call) callCustom(c *Call) (v any, err error) {
	defer func() {
		if recovered := recover(); recovered != nil {
			v, err = nil, &RuntimeError{Type: RuntimeErrorType, Message: "the custom function panicked"}
		}
	}()
	if v, err = n.function.Call(c); err != nil {
		return nil, customError(err)
	}
	if v, err = c.result(v); err != nil {
		return nil, err
	}
	if n.function.Result != connector.TypeAny && n.function.Result != "" && !isNull(v) {
		return coerce(v, n.function.Result, c.Location(), c.lang.maxText)
	}
	return v, nil
}

// conditional is the function if.
type conditional struct{ condition, then, otherwise node }

func (n *conditional) eval(m *machine) (any, error) {
	holds, err := m.test(n.condition)
	switch {
	case err != nil:
		return nil, err
	case holds:
		return m.eval(n.then)
	}
	return m.eval(n.otherwise)
}

// fallback is the function ifempty.
type fallback struct{ value, otherwise node }

func (n *fallback) eval(m *machine) (any, error) {
	v, err := m.eval(n.value)
	if err != nil || !isEmpty(v) {
		return v, err
	}
	return m.eval(n.otherwise)
}

// choice is the function switch: pairs of a case and its result, and what holds when no case does.
type choice struct {
	subject        node
	cases, results []node
	otherwise      node
	column         int
}

func (n *choice) eval(m *machine) (any, error) {
	subject, err := m.eval(n.subject)
	if err != nil {
		return nil, err
	}
	for i := range n.cases {
		v, err := m.eval(n.cases[i])
		if err != nil {
			return nil, err
		}
		same, err := equal(subject, v)
		if err != nil {
			return nil, at(err, "switch", n.column)
		}
		if same {
			return m.eval(n.results[i])
		}
	}
	return m.eval(n.otherwise)
}
