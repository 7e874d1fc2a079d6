package expr

import "github.com/ebbkit/ebb/connector"

// callOf reads the arguments of a call, whose opening parenthesis is at the position, and makes its node. A call that
// cannot be made is noted and becomes null, so that the rest of the template is checked as well.
func (p *parser) callOf(name string, start int) (node, *Error) {
	if err := p.nest(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	p.refer(Reference{Kind: FunctionReference, Name: name}, start)
	column := p.column(start)
	p.pos++
	function := p.lang.functions[name]
	if function == nil && len(p.errors) < maxProblems {
		p.note(p.problem(start, "", "%s", p.lang.unknownFunction(name)))
	}
	var args []node
	var parameters []Parameter
	tooMany := false
	for p.skipSpace(); p.peek() != ')' || args != nil; {
		var parameter Parameter
		if function != nil {
			declared, ok := function.parameter(len(args))
			if !ok && !tooMany {
				tooMany = true
				p.note(p.problem(p.pos, "", "too many arguments for %s", function.Signature()))
			}
			parameter = declared
		}
		arg, err := p.argument(parameter)
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
		parameters = append(parameters, parameter)
		if p.peek() != ';' {
			break
		}
		p.pos++
		p.skipSpace()
	}
	if p.peek() != ')' {
		return nil, p.unexpected(`an operator, ";" or ")"`)
	}
	p.pos++
	if function == nil || tooMany {
		return constant{nil}, nil
	}
	if len(args) < function.required() {
		p.note(p.problem(start, "", "too few arguments for %s", function.Signature()))
		return constant{nil}, nil
	}
	if function.check != nil {
		if i, problem := function.check(args); problem != "" {
			p.note(p.problem(start, "", "argument %d of %s: %s", i+1, name, problem))
			return constant{nil}, nil
		}
	}
	if function.lazy != nil {
		return function.lazy(args, column), nil
	}
	n := &call{function: function, args: args, parameters: parameters, column: column}
	if function.change != nil {
		return &change{*n, function.change}, nil
	}
	if function.prepare != nil {
		n.prepared = function.prepare(args)
	}
	return n, nil
}

// argument reads one argument up to the ; or ) behind it.
func (p *parser) argument(parameter Parameter) (node, *Error) {
	p.skipSpace()
	if c := p.peek(); c == ';' || c == ')' {
		return constant{nil}, nil
	}
	n, ok := p.bareword(parameter, false)
	if !ok {
		var err *Error
		if n, err = p.expression(); err != nil {
			return nil, err
		}
		p.skipSpace()
	}
	if found, ok := n.(*path); ok && found.whole && (parameter.Type == connector.TypeArray || parameter.array) {
		return found.array(), nil
	}
	return n, nil
}
