package expr

import "slices"

// Slots gives the slot under which an Env keeps what a module gave, or a negative number for a module that there is not,
// whose references are null then.
type Slots func(module int) int

// A Template is a compiled mapping. It does not change and may be evaluated from many goroutines at once.
type Template struct {
	lang       *Language
	parts      []part
	value      any // the value of a template that has no island, or only such that are known beforehand
	constant   bool
	path       *path // the only thing in the template, found without a machine
	references []Reference
}

// part is literal text, or an island when its node is not nil.
type part struct {
	text   string
	node   node
	column int
}

// A ReferenceKind says what a Reference refers to.
type ReferenceKind uint8

const (
	// ModuleReference is a module's bundle or a field of it.
	ModuleReference ReferenceKind = iota + 1
	// VariableReference is a path in the var namespace.
	VariableReference
	// FunctionReference is a function that is called; Name is its name.
	FunctionReference
	// KeywordReference is one of now, timestamp, random, uuid and executionId, whose values differ from run to run.
	KeywordReference
	// BarewordReference is text without quotes that stands alone in an island or in an expression, where a misspelt path
	// or keyword would look the same.
	BarewordReference
)

// A Reference is something that a template names, for the checks before it is deployed.
type Reference struct {
	Kind      ReferenceKind
	Module    int      // the module's id
	Name      string   // the function, keyword or bareword; the root of a variable
	Path      []string // the fields that a path goes through, without its indexes
	ZeroIndex bool     // the path has an index [0], which is always null: indexes count from 1
	Column    int      // 1 for the template's first character
}

// Compile compiles a template. Slots may be nil; then a module's slot is its id. All problems that can be told apart are
// reported at once, as Errors. The time it takes grows with the template's length only.
func (l *Language) Compile(template string, slots Slots) (*Template, error) {
	p := &parser{lang: l, src: template, slots: slots}
	t := &Template{lang: l}
	t.parts = p.template()
	if p.errors != nil {
		slices.SortStableFunc(p.errors, func(a, b *Error) int { return a.Column - b.Column })
		return nil, p.errors
	}
	t.references = p.references
	t.fold()
	return t, nil
}

// fold finds out whether the whole value is known, or is only a path.
func (t *Template) fold() {
	if len(t.parts) == 0 {
		t.value, t.constant = "", true
		return
	}
	if len(t.parts) == 1 && t.parts[0].node != nil {
		switch n := t.parts[0].node.(type) {
		case constant:
			t.value, t.constant = n.value, true
		case *path:
			t.path = n
		}
		return
	}
	for _, p := range t.parts {
		if _, ok := p.node.(constant); p.node != nil && !ok {
			return
		}
	}
	m := t.lang.machine(nil)
	defer m.release()
	// A value that cannot be text is reported when the template is evaluated.
	if v, err := t.mixed(&m); err == nil {
		t.value, t.constant = v, true
	}
}

// Eval works out the template's value. A nil env has no modules and no variables, and its time is the Unix epoch. An error
// is a *RuntimeError; a panic of env is not caught.
func (t *Template) Eval(env Env) (any, error) {
	if t.constant {
		return t.value, nil
	}
	if t.path != nil && env != nil {
		return t.path.find(env), nil
	}
	m := t.lang.machine(env)
	v, err := t.eval(&m)
	m.release()
	return v, err
}

func (t *Template) eval(m *machine) (any, error) {
	switch {
	case t.constant:
		return t.value, nil
	case len(t.parts) == 1 && t.parts[0].node != nil:
		return m.eval(t.parts[0].node)
	}
	return t.mixed(m)
}

func (t *Template) mixed(m *machine) (any, error) {
	mem := m.memory()
	base := len(mem.text)
	for i := range t.parts {
		p := &t.parts[i]
		var err error
		if p.node == nil {
			err = m.appendString(p.text, base)
		} else {
			err = m.appendNode(p.node, base, p.column)
		}
		if err != nil {
			return nil, err
		}
	}
	text := string(mem.text[base:])
	mem.text = mem.text[:base]
	return text, nil
}

// Constant returns the template's value if it is the same whatever the Env: a text without islands, or islands of
// literals and operators only.
func (t *Template) Constant() (any, bool) { return t.value, t.constant }

// References lists what the template names, in the order in which it does. The caller must not change the list.
func (t *Template) References() []Reference { return t.references }
