package expr

import (
	"strconv"
	"strings"
	"sync/atomic"
)

// quotedRoot reads a module's number in backquotes, which is its whole bundle, and a path behind it.
func (p *parser) quotedRoot() (node, *Error) {
	start := p.pos
	end, ok := p.literalEnd(start)
	if !ok {
		p.pos = len(p.src)
		return nil, p.problem(start, "a closing backquote", "the name that begins here does not end")
	}
	p.pos = end
	name := p.src[start+1 : end-1]
	if name == "" || strings.Trim(name, "0123456789") != "" {
		p.pos = start
		return nil, p.problem(start, "a module's number between the backquotes", "found %q", shorten(name))
	}
	return p.path(start, name)
}

// path reads the segments of a path whose root is a module's number, or a variable's name.
func (p *parser) path(start int, root string) (node, *Error) {
	n := &path{}
	r := Reference{Kind: ModuleReference}
	if isDigit(root[0]) {
		id, err := strconv.Atoi(root)
		if err != nil {
			return nil, p.problem(start, "", "the module number %s is too large", shorten(root))
		}
		r.Module, n.slot = id, id
		if p.slots != nil {
			n.slot = p.slots(id)
		}
	} else {
		r.Kind, r.Name, n.root = VariableReference, root, root
	}
	for {
		n.whole = false
		switch p.peek() {
		case '.':
			p.pos++
			name, err := p.segment()
			if err != nil {
				return nil, err
			}
			n.steps = append(n.steps, step{name: name, field: true})
			r.Path = append(r.Path, name)
			continue
		case '[':
			index, err := p.index()
			if err != nil {
				return nil, err
			}
			n.steps = append(n.steps, step{index: index})
			r.ZeroIndex = r.ZeroIndex || index == 0
			if n.whole = index < 0; n.whole && p.peek() != '.' && p.peek() != '[' {
				p.refer(r, start)
				return n, nil
			}
			continue
		}
		p.refer(r, start)
		if len(n.steps) == 1 && n.root == "" && n.slot >= 0 {
			n.field, n.place = n.steps[0].name, new(atomic.Int32)
		}
		return n, nil
	}
}

// segment reads a field's name.
func (p *parser) segment() (string, *Error) {
	start := p.pos
	if p.peek() == '`' {
		end, ok := p.literalEnd(start)
		if !ok {
			p.pos = len(p.src)
			return "", p.problem(start, "a closing backquote", "the name that begins here does not end")
		}
		p.pos = end
		return p.src[start+1 : end-1], nil
	}
	end := nameEnd(p.src, start, true)
	if end == start {
		return "", p.unexpected("a field's name; one with blanks or punctuation needs backquotes")
	}
	p.pos = end
	return p.src[start:end], nil
}

// index reads [n] or [], which gives -1.
func (p *parser) index() (int, *Error) {
	start := p.pos
	p.pos++
	p.skipSpace()
	digits := p.pos
	p.skipDigits()
	text := p.src[digits:p.pos]
	p.skipSpace()
	if p.peek() != ']' {
		return 0, p.problem(p.pos, `a whole number and "]"`, "bad index; use get() for one that is calculated")
	}
	p.pos++
	if text == "" {
		return -1, nil
	}
	index, err := strconv.Atoi(text)
	if err != nil {
		return 0, p.problem(start, "", "the index %s is too large", shorten(text))
	}
	return index, nil
}
