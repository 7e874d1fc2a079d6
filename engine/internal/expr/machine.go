package expr

import "time"

// An Env is what one evaluation sees. Its methods are called from the goroutine that evaluates, any number of times.
type Env interface {
	// Module returns the whole bundle that a module gave, a connector.Bundle as a rule, and whether it gave
	// one. The slot is what Slots made of the module's id.
	Module(slot int) (any, bool)
	// Var returns a value of the system: "var", the namespace of var.scenario.name and its like as a connector.Bundle, and
	// "executionId".
	Var(root string) (any, bool)
	// Now returns the present.
	Now() time.Time
	// Random returns a number from 0 up to, but not including, 1.
	Random() float64
	// UUID returns a new random UUID.
	UUID() string
	// Location returns the scenario's time zone; nil is UTC.
	Location() *time.Location
}

// emptyEnv stands in for a nil Env: nothing is there, and time stands at its zero.
type emptyEnv struct{}

func (emptyEnv) Module(int) (any, bool)   { return nil, false }
func (emptyEnv) Var(string) (any, bool)   { return nil, false }
func (emptyEnv) Now() time.Time           { return time.Unix(0, 0) }
func (emptyEnv) Random() float64          { return 0 }
func (emptyEnv) UUID() string             { return "00000000-0000-0000-0000-000000000000" }
func (emptyEnv) Location() *time.Location { return time.UTC }

// A machine evaluates one template. It lives on the stack of who evaluates, and takes working memory when something
// needs it; a path, a calculation and a comparison do not.
type machine struct {
	lang *Language
	env  Env
	held *memory // nil until something needs it
}

// memory is the working memory of one evaluation. It comes from the Language's pool and goes back empty.
type memory struct {
	stack []any  // arguments of the calls under way
	text  []byte // texts under way, one behind the other
	call  Call   // the one under way; arguments are evaluated before it begins
}

const (
	keepStack = 1 << 10
	keepText  = 64 << 10
)

// machine begins an evaluation; release ends it.
func (l *Language) machine(env Env) machine {
	if env == nil {
		env = emptyEnv{}
	}
	return machine{lang: l, env: env}
}

// memory is the machine's.
func (m *machine) memory() *memory {
	if m.held == nil {
		m.held = m.lang.memories.Get().(*memory) //nolint:forcetypeassert // the pool holds nothing else
		m.held.call.env = m.env
	}
	return m.held
}

// release gives the memory back without what it saw. Large memory is left to the collector.
func (m *machine) release() {
	held := m.held
	if held == nil {
		return
	}
	held.call.env, held.call.Args, held.call.prepared = nil, nil, nil
	if cap(held.stack) > keepStack {
		held.stack = nil
	}
	if cap(held.text) > keepText {
		held.text = nil
	}
	held.stack, held.text = held.stack[:0], held.text[:0]
	m.lang.memories.Put(held)
}

// locationOf is an environment's time zone.
func locationOf(env Env) *time.Location {
	if loc := env.Location(); loc != nil {
		return loc
	}
	return time.UTC
}

// nowOf is an environment's present.
func nowOf(env Env) time.Time { return time.UnixMilli(env.Now().UnixMilli()).UTC() }

func (m *machine) location() *time.Location { return locationOf(m.env) }

// drop forgets the stack above base, so that the pool holds on to no value.
func (m *memory) drop(base int) {
	clear(m.stack[base:])
	m.stack = m.stack[:base]
}

// eval works out a node. It is one switch and no method of the nodes, so that the compiler sees that nobody keeps the
// machine.
func (m *machine) eval(n node) (any, error) {
	switch n := n.(type) {
	case constant:
		return n.value, nil
	case *path:
		return n.find(m.env), nil
	case *call:
		return n.eval(m)
	case *change:
		return n.eval(m)
	case *chain:
		s, err := n.run(m)
		if err != nil {
			return nil, err
		}
		return s.result(), nil
	case *conditional:
		return n.eval(m)
	case *fallback:
		return n.eval(m)
	case *choice:
		return n.eval(m)
	case *minus:
		return n.eval(m)
	case *tree:
		return n.eval(m)
	case keyword:
		return n.eval(m.env), nil
	}
	holds, err := m.test(n)
	if err != nil {
		return nil, err
	}
	return holds, nil
}
