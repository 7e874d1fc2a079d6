package expr

import "github.com/ebbkit/ebb/connector"

// compileValue compiles a value whose strings are templates, however deep they stand in it. Problems of all of them are
// reported at once.
func (l *Language) compileValue(v any, slots Slots, depth int) (*Template, error) {
	if depth > maxDepth {
		return nil, Errors{{Column: 1, Message: errDepth().Message}}
	}
	n := &tree{}
	values := []any{}
	switch v := v.(type) {
	case string:
		return l.Compile(v, slots)
	case []any:
		values = v
	case connector.Bundle:
		n.names = []string{}
		for name, value := range v.All() {
			n.names, values = append(n.names, name), append(values, value)
		}
	default:
		return &Template{lang: l, value: v, constant: true}, nil
	}
	t := &Template{lang: l}
	var problems Errors
	fixed := true
	for _, value := range values {
		part, err := l.compileValue(value, slots, depth+1)
		if err != nil {
			problems = append(problems, err.(Errors)...) //nolint:errorlint,forcetypeassert // Compile gives nothing else
			continue
		}
		fixed = fixed && part.constant
		n.parts = append(n.parts, part)
		t.references = append(t.references, part.references...)
	}
	if problems != nil {
		return nil, problems[:min(len(problems), maxProblems)]
	}
	if fixed {
		t.value, t.constant = n.value(func(part *Template) any { return part.value }), true
		return t, nil
	}
	t.parts = []part{{node: n}}
	return t, nil
}

// tree is an array of templates, or a collection of them when it has names.
type tree struct {
	names []string
	parts []*Template
}

func (n *tree) eval(m *machine) (any, error) {
	var failure error
	v := n.value(func(part *Template) any {
		v, err := part.eval(m)
		if failure == nil {
			failure = err
		}
		return v
	})
	return v, failure
}

// value puts together what the parts give.
func (n *tree) value(of func(part *Template) any) any {
	values := make([]any, len(n.parts))
	for i, part := range n.parts {
		values[i] = of(part)
	}
	if n.names == nil {
		return values
	}
	return connector.BundleOf(n.names, values)
}
