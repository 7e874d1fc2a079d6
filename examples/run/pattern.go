package main

import (
	"regexp/syntax"
	"strings"
)

// matching makes up a text in which a regular expression finds something, and reports whether it could. It knows what Go's
// expressions have; of ECMAScript's it takes look-arounds for true.
func matching(pattern string) (string, bool) {
	parsed, err := syntax.Parse(withoutLookarounds(pattern), syntax.Perl)
	if err != nil {
		return "", false
	}
	var text strings.Builder
	match(parsed.Simplify(), &text)
	return text.String(), text.Len() < maxValues
}

// withoutLookarounds leaves (?=…), (?!…), (?<=…) and (?<!…) out.
func withoutLookarounds(pattern string) string {
	var kept strings.Builder
	skipping := 0 // open groups since a look-around began
	class := false
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\' && i+1 < len(pattern):
			if skipping == 0 {
				kept.WriteString(pattern[i : i+2])
			}
			i++
			continue
		case class:
			class = c != ']'
		case c == '[':
			class = true
		case c == '(' && (skipping > 0 || lookaround(pattern[i:])):
			skipping++
			continue
		case c == ')' && skipping > 0:
			skipping--
			continue
		}
		if skipping == 0 {
			kept.WriteByte(pattern[i])
		}
	}
	return kept.String()
}

func lookaround(group string) bool {
	for _, opening := range [...]string{"(?=", "(?!", "(?<=", "(?<!"} {
		if strings.HasPrefix(group, opening) {
			return true
		}
	}
	return false
}

// match writes the shortest text that an expression matches.
func match(e *syntax.Regexp, text *strings.Builder) {
	if text.Len() >= maxValues {
		return
	}
	switch e.Op {
	case syntax.OpLiteral:
		text.WriteString(string(e.Rune))
	case syntax.OpCharClass:
		text.WriteRune(oneOf(e.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		text.WriteByte('a')
	case syntax.OpCapture, syntax.OpConcat, syntax.OpPlus:
		for _, sub := range e.Sub {
			match(sub, text)
		}
	case syntax.OpAlternate:
		match(e.Sub[0], text)
	case syntax.OpRepeat:
		for range e.Min {
			match(e.Sub[0], text)
		}
	}
}

// oneOf picks a character of a class: a letter or digit if there is one.
func oneOf(ranges []rune) rune {
	for _, wanted := range "a7A" {
		for i := 0; i+1 < len(ranges); i += 2 {
			if ranges[i] <= wanted && wanted <= ranges[i+1] {
				return wanted
			}
		}
	}
	if len(ranges) == 0 {
		return 'a'
	}
	return ranges[0]
}
