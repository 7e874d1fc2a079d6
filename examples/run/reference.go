package main

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A reference is a module's field that a mapping names, with what tells of its type.
type reference struct {
	module int
	path   []step
	// uses are the calls around it, the innermost last.
	uses []use
	// alone says that the mapping is this reference and nothing else, arithmetic that it is calculated with.
	alone, arithmetic bool
}

// A use is a call that something is an argument of.
type use struct {
	function string
	argument int            // its place, from 0
	literals map[int]string // the texts and numbers among the arguments, by place
}

// A step leads to a field, or to an element when it has no name.
type step struct {
	name  string
	index int
}

// references finds the references of a text, well enough to make up values for them. What it does not understand it leaves out.
func references(text string) []*reference {
	var all []*reference
	for rest := text; ; {
		before, island, ok := strings.Cut(rest, "{{")
		if !ok {
			return all
		}
		r := &scanner{text: island}
		r.island()
		if len(r.found) == 1 && before == "" && len(rest) == len(text) && r.rest() == "" && r.bare {
			r.found[0].alone = true
		}
		all = append(all, r.found...)
		rest = r.rest()
	}
}

type scanner struct {
	text  string
	at    int
	calls []use
	found []*reference
	bare  bool // there was nothing but references
	// operator says that what comes next is calculated with; last is what came last.
	operator bool
	last     *reference
}

func (s *scanner) rest() string { return s.text[min(s.at, len(s.text)):] }

// island reads up to and with the braces that close.
func (s *scanner) island() {
	s.bare = true
	for s.at < len(s.text) && !strings.HasPrefix(s.rest(), "}}") {
		switch c := s.text[s.at]; {
		case c == '"':
			s.literal()
		case c == '(':
			s.at++
			s.last = nil
		case c == ')':
			s.at++
			if len(s.calls) > 0 {
				s.calls = s.calls[:len(s.calls)-1]
			}
			s.last = nil
		case c == ';':
			s.at++
			if len(s.calls) > 0 {
				s.calls[len(s.calls)-1].argument++
			}
			s.last, s.operator = nil, false
		case c == '`' || c >= '0' && c <= '9':
			s.path()
		case strings.IndexByte("-*/%", c) >= 0:
			s.bare = false
			s.at++
			s.operator = true
			if s.last != nil {
				s.last.arithmetic = true
			}
		case letter(c):
			s.word()
		default:
			s.bare = s.bare && c == ' '
			s.at++
		}
	}
	s.at += 2
}

func letter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= utf8.RuneSelf
}

func (s *scanner) literal() {
	s.bare = false
	var text strings.Builder
	for s.at++; s.at < len(s.text); s.at++ {
		if s.text[s.at] == '"' {
			s.at++
			if s.at >= len(s.text) || s.text[s.at] != '"' {
				break
			}
		}
		text.WriteByte(s.text[s.at])
	}
	s.argument(text.String())
}

// argument notes a text or number that is an argument.
func (s *scanner) argument(text string) {
	if len(s.calls) > 0 {
		c := s.calls[len(s.calls)-1]
		c.literals[c.argument] = text
	}
	s.operator = false
}

// word reads a function's name or a bareword.
func (s *scanner) word() {
	s.bare = false
	begin := s.at
	for s.at < len(s.text) && (letter(s.text[s.at]) || s.text[s.at] >= '0' && s.text[s.at] <= '9' || s.text[s.at] == '.') {
		s.at++
	}
	name := s.text[begin:s.at]
	if strings.HasPrefix(s.rest(), "(") {
		s.calls = append(s.calls, use{function: name, literals: map[int]string{}})
	}
	s.operator = false
}

// path reads a number, or a module's id and what follows it.
func (s *scanner) path() {
	head := s.name()
	module, err := strconv.Atoi(head)
	r := &reference{module: module}
	for s.at < len(s.text) {
		if s.text[s.at] == '.' {
			s.at++
			if name := s.name(); name != "" {
				r.path = append(r.path, step{name: name})
			}
			continue
		}
		if s.text[s.at] != '[' {
			break
		}
		inside, _, ok := strings.Cut(s.rest()[1:], "]")
		if !ok {
			break
		}
		s.at += len(inside) + 2
		index, _ := strconv.Atoi(inside)
		r.path = append(r.path, step{index: max(index, 1)})
	}
	if err != nil || len(r.path) == 0 || r.path[0].name == "" || r.path[0].name[0] >= '0' && r.path[0].name[0] <= '9' && !strings.Contains(s.text[:s.at], "`") {
		s.bare = false // a number
		s.argument(head)
		return
	}
	r.uses = slices.Clone(s.calls)
	r.arithmetic = s.operator
	s.operator = false
	s.found, s.last = append(s.found, r), r
}

// name reads a name, which may stand in backticks.
func (s *scanner) name() string {
	if s.at < len(s.text) && s.text[s.at] == '`' {
		name, _, _ := strings.Cut(s.rest()[1:], "`")
		s.at += len(name) + 2
		return name
	}
	begin := s.at
	for s.at < len(s.text) && strings.IndexByte(" ;()+-*/%=!<>&|\"{}[].`\t\n", s.text[s.at]) < 0 {
		s.at++
	}
	return s.text[begin:s.at]
}
