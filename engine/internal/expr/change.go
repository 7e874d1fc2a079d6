package expr

import "github.com/ebbkit/ebb/connector"

// changing declares a function that makes one text of another.
func changing(name string, f func(string) string) Function {
	return Function{
		Name: name, Family: "text", Result: connector.TypeText,
		Parameters: []Parameter{{Name: "text", Type: connector.TypeText}},
		change:     f,
		Call: func(c *Call) (any, error) {
			s := f(c.text(0))
			return s, c.checkText(len(s))
		},
	}
}

// change is a call of a function that makes one text of another. What it gives is put into an interface only at the end.
type change struct {
	call
	change func(string) string
}

func (n *change) eval(m *machine) (any, error) {
	s, err := n.text(m)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (n *change) text(m *machine) (string, error) {
	s, err := n.argument(m)
	if err != nil {
		return "", err
	}
	if s = n.change(s); len(s) > m.lang.maxText {
		return "", at(errTextLimit(), n.function.Name, n.column)
	}
	return s, nil
}

func (n *change) argument(m *machine) (string, error) {
	if inner, ok := n.args[0].(*change); ok {
		return inner.text(m)
	}
	v, err := m.eval(n.args[0])
	if err != nil {
		return "", err
	}
	if s, ok := v.(string); ok {
		return s, nil
	}
	if v, err = m.convert(v, &n.parameters[0], 1); err != nil {
		return "", at(err, n.function.Name, n.column)
	}
	s, _ := v.(string)
	return s, nil
}

// appendNode adds the text of a node's value to the text that began at base. What the value cannot be is said of column.
func (m *machine) appendNode(n node, base, column int) error {
	var s string
	switch n := n.(type) {
	case constant:
		return at(m.appendScalar(otherOf(n.value), base), "", column)
	case *change:
		var err error
		if s, err = n.text(m); err != nil {
			return err
		}
		return at(m.appendString(s, base), "", column)
	}
	v, err := m.evaluate(n)
	if err != nil {
		return err
	}
	return at(m.appendScalar(v, base), "", column)
}

func (m *machine) appendString(s string, base int) error {
	mem := m.memory()
	if len(mem.text)-base+len(s) > m.lang.maxText {
		return errTextLimit()
	}
	mem.text = append(mem.text, s...)
	return nil
}

// appendScalar adds a value's text to the text that began at base.
func (m *machine) appendScalar(s scalar, base int) error {
	if text, ok := s.other.(string); ok {
		return m.appendString(text, base)
	}
	mem := m.memory()
	text, err := appendText(mem.text, s.result(), base+m.lang.maxText)
	mem.text = text
	return err
}
