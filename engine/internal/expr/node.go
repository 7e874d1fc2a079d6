package expr

import "github.com/ebbkit/ebb/connector"

// A node is a piece of a compiled expression. Nodes do not change after compilation.
type node interface {
	eval(m *machine) (any, error)
}

// constant is a value that is known.
type constant struct{ value any }

func (n constant) eval(*machine) (any, error) { return n.value, nil }

// keyword is a value that the environment gives.
type keyword struct{ name string }

func (n keyword) eval(m *machine) (any, error) {
	switch n.name {
	case "now":
		return m.now(), nil
	case "timestamp":
		ms := m.env.Now().UnixMilli()
		seconds := ms / 1000
		if ms%1000 < 0 {
			seconds--
		}
		return seconds, nil
	case "random":
		return m.env.Random(), nil
	case "uuid":
		return m.env.UUID(), nil
	}
	v, _ := m.env.Var(n.name)
	return v, nil
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
	whole bool // it ends in []
}

func (n *path) eval(m *machine) (any, error) { return n.find(m.env), nil }

func (n *path) find(env Env) any {
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

// not is the ! operator.
type not struct{ operand node }

func (n *not) eval(m *machine) (any, error) {
	v, err := n.operand.eval(m)
	if err != nil {
		return nil, err
	}
	return !truth(v), nil
}

// minus is the unary minus.
type minus struct {
	operand node
	column  int
}

func (n *minus) eval(m *machine) (any, error) {
	v, err := n.operand.eval(m)
	if err != nil {
		return nil, err
	}
	if v, err = negate(v); err != nil {
		return nil, at(err, "", n.column)
	}
	return v, nil
}

// either is a row of operands with | between them, all a row with &.
type either struct{ operands []node }

func (n *either) eval(m *machine) (any, error) {
	for _, operand := range n.operands {
		v, err := operand.eval(m)
		if err != nil {
			return nil, err
		}
		if truth(v) {
			return true, nil
		}
	}
	return false, nil
}

type all struct{ operands []node }

func (n *all) eval(m *machine) (any, error) {
	for _, operand := range n.operands {
		v, err := operand.eval(m)
		if err != nil {
			return nil, err
		}
		if !truth(v) {
			return false, nil
		}
	}
	return true, nil
}

// chain is a row of operands with operators of one precedence between them, so that a long sum is no deep tree.
type chain struct {
	first node
	rest  []link
}

type link struct {
	op      operator
	operand node
	column  int
}

func (n *chain) eval(m *machine) (any, error) {
	left, err := n.first.eval(m)
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(n.rest); i++ {
		l := &n.rest[i]
		right, err := l.operand.eval(m)
		if err != nil {
			return nil, err
		}
		if l.op == opAdd && (isText(left) || isText(right)) {
			if left, i, err = n.concatenate(m, left, right, i); err != nil {
				return nil, err
			}
			continue
		}
		if left, err = apply(l.op, left, right, m.location()); err != nil {
			return nil, at(err, "", l.column)
		}
	}
	return left, nil
}

func isText(v any) bool {
	_, ok := v.(string)
	return ok
}

// concatenate joins left and right, the i-th operand, and all operands that follow with +, in one go. It returns the
// last operand's index.
func (n *chain) concatenate(m *machine, left, right any, i int) (any, int, error) {
	base := len(m.text)
	defer func() { m.text = m.text[:base] }()
	for _, v := range [...]any{left, right} {
		if err := m.append(v, base); err != nil {
			return nil, 0, at(err, "", n.rest[i].column)
		}
	}
	for i+1 < len(n.rest) && n.rest[i+1].op == opAdd {
		i++
		v, err := n.rest[i].operand.eval(m)
		if err != nil {
			return nil, 0, err
		}
		if err := m.append(v, base); err != nil {
			return nil, 0, at(err, "", n.rest[i].column)
		}
	}
	return string(m.text[base:]), i, nil
}

// append adds a value's text to the text that began at base.
func (m *machine) append(v any, base int) error {
	text, err := appendText(m.text, v, base+m.lang.maxText)
	m.text = text
	return err
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
	base := len(m.stack)
	for i, arg := range n.args {
		v, err := arg.eval(m)
		if err == nil {
			if v, err = m.convert(v, &n.parameters[i], i+1); err != nil {
				err = at(err, n.function.Name, n.column)
			}
		}
		if err != nil {
			m.drop(base)
			return nil, err
		}
		m.stack = append(m.stack, v)
	}
	m.call.Args, m.call.prepared = m.stack[base:len(m.stack):len(m.stack)], n.prepared
	var v any
	var err error
	if n.function.custom {
		v, err = n.callCustom(&m.call)
	} else {
		v, err = n.function.Call(&m.call)
	}
	m.drop(base)
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
		return coerce(v, n.function.Result, c.Location(), c.machine.lang.maxText)
	}
	return v, nil
}

// conditional is the function if.
type conditional struct{ condition, then, otherwise node }

func (n *conditional) eval(m *machine) (any, error) {
	v, err := n.condition.eval(m)
	if err != nil {
		return nil, err
	}
	if truth(v) {
		return n.then.eval(m)
	}
	return n.otherwise.eval(m)
}

// fallback is the function ifempty.
type fallback struct{ value, otherwise node }

func (n *fallback) eval(m *machine) (any, error) {
	v, err := n.value.eval(m)
	if err != nil || !isEmpty(v) {
		return v, err
	}
	return n.otherwise.eval(m)
}

// choice is the function switch: pairs of a case and its result, and what holds when no case does.
type choice struct {
	subject        node
	cases, results []node
	otherwise      node
	column         int
}

func (n *choice) eval(m *machine) (any, error) {
	subject, err := n.subject.eval(m)
	if err != nil {
		return nil, err
	}
	for i := range n.cases {
		v, err := n.cases[i].eval(m)
		if err != nil {
			return nil, err
		}
		same, err := equal(subject, v)
		if err != nil {
			return nil, at(err, "switch", n.column)
		}
		if same {
			return n.results[i].eval(m)
		}
	}
	return n.otherwise.eval(m)
}
