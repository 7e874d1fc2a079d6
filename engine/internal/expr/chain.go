package expr

// not is the ! operator.
type not struct{ operand node }

func (n *not) test(m *machine) (bool, error) {
	holds, err := m.test(n.operand)
	return !holds, err
}

// minus is the unary minus.
type minus struct {
	operand node
	column  int
}

func (n *minus) eval(m *machine) (any, error) {
	v, err := m.eval(n.operand)
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

func (n *either) test(m *machine) (bool, error) {
	for _, operand := range n.operands {
		if holds, err := m.test(operand); err != nil || holds {
			return holds, err
		}
	}
	return false, nil
}

type all struct{ operands []node }

func (n *all) test(m *machine) (bool, error) {
	for _, operand := range n.operands {
		if holds, err := m.test(operand); err != nil || !holds {
			return false, err
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
	known   scalar // the operand's value, if fixed
	fixed   bool
	path    *path // the operand, if it is one
}

// recognize finds out what kind of operand it is, once and for all.
func (l *link) recognize() {
	switch n := l.operand.(type) {
	case constant:
		l.known, l.fixed = scalarOf(n.value), true
	case *path:
		l.path = n
	}
}

func (l *link) evaluate(m *machine) (scalar, error) {
	switch {
	case l.path != nil:
		return scalarOf(l.path.find(m.env)), nil
	case l.fixed:
		return l.known, nil
	}
	return m.evaluate(l.operand)
}

func (n *chain) run(m *machine) (scalar, error) {
	if n.rest[0].op == opAdd && (givesText(n.first) || givesText(n.rest[0].operand)) {
		base := len(m.memory().text)
		if err := m.appendNode(n.first, base, n.rest[0].column); err != nil {
			return scalar{}, err
		}
		return n.concatenate(m, base, 0)
	}
	left, err := m.evaluate(n.first)
	if err != nil {
		return left, err
	}
	return n.from(m, left, 0)
}

// from goes on with what stands left of the i-th operand.
func (n *chain) from(m *machine, left scalar, i int) (scalar, error) {
	for ; i < len(n.rest); i++ {
		l := &n.rest[i]
		right, err := l.evaluate(m)
		if err != nil {
			return right, err
		}
		if l.op >= opAdd {
			if result, ok := calculate(l.op, left, right); ok {
				left = result
				continue
			}
		}
		if l.op == opAdd && (isText(left.other) || isText(right.other)) {
			base := len(m.memory().text)
			if err := m.appendScalar(left, base); err != nil {
				return left, at(err, "", l.column)
			}
			if err := m.appendScalar(right, base); err != nil {
				return left, at(err, "", l.column)
			}
			return n.concatenate(m, base, i+1)
		}
		if left, err = apply(m, l.op, left, right); err != nil {
			return left, at(err, "", l.column)
		}
	}
	return left, nil
}

// concatenate adds the i-th operand, and all that follow with a +, to the text that began at base, and goes on behind them.
func (n *chain) concatenate(m *machine, base, i int) (scalar, error) {
	for ; i < len(n.rest) && n.rest[i].op == opAdd; i++ {
		if err := m.appendNode(n.rest[i].operand, base, n.rest[i].column); err != nil {
			return scalar{}, err
		}
	}
	mem := m.memory()
	text := string(mem.text[base:])
	mem.text = mem.text[:base]
	if i == len(n.rest) {
		return otherOf(text), nil
	}
	return n.from(m, otherOf(text), i)
}

// comparison is a chain of one link whose operator compares.
type comparison struct {
	left node
	link
}

func (n *comparison) test(m *machine) (bool, error) {
	left, err := m.evaluate(n.left)
	if err != nil {
		return false, err
	}
	right, err := n.link.evaluate(m)
	if err != nil {
		return false, err
	}
	if n.op == opEqual || n.op == opNotEqual {
		same, err := equalScalars(left, right)
		if err != nil {
			return false, at(err, "", n.column)
		}
		return same == (n.op == opEqual), nil
	}
	return ordered(n.op, compare(m, left, right)), nil
}

func isText(v any) bool {
	_, ok := v.(string)
	return ok
}

// givesText says whether a node's value is text, whatever the environment.
func givesText(n node) bool {
	switch n := n.(type) {
	case constant:
		return isText(n.value)
	case *change:
		return true
	}
	return false
}
