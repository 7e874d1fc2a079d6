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

// A machine is the working memory of one evaluation. It comes from the Language's pool and goes back empty.
type machine struct {
	lang  *Language
	env   Env
	stack []any  // arguments of the calls under way
	text  []byte // texts under way, one behind the other
	call  Call   // the one under way; arguments are evaluated before it begins
}

const (
	keepStack = 1 << 10
	keepText  = 64 << 10
)

func (l *Language) machine(env Env) *machine {
	m := l.machines.Get().(*machine) //nolint:forcetypeassert // the pool holds nothing else
	if env == nil {
		env = emptyEnv{}
	}
	m.env = env
	return m
}

// release gives a machine back without what it saw. Large memory is left to the collector.
func (l *Language) release(m *machine) {
	m.env = nil
	m.call.Args, m.call.prepared = nil, nil
	if cap(m.stack) > keepStack {
		m.stack = nil
	}
	if cap(m.text) > keepText {
		m.text = nil
	}
	m.stack, m.text = m.stack[:0], m.text[:0]
	l.machines.Put(m)
}

func (m *machine) location() *time.Location {
	if loc := m.env.Location(); loc != nil {
		return loc
	}
	return time.UTC
}

func (m *machine) now() time.Time { return time.UnixMilli(m.env.Now().UnixMilli()).UTC() }

// drop forgets the stack above base, so that the pool holds on to no value.
func (m *machine) drop(base int) {
	clear(m.stack[base:])
	m.stack = m.stack[:base]
}
