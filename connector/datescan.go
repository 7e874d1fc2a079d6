package connector

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// dateScanner reads the digits, words and marks of a date's text one by one.
type dateScanner struct {
	text string
	pos  int
}

func (s *dateScanner) done() bool { return s.pos == len(s.text) }

// digits reads between low and high digits and reports how many there were.
func (s *dateScanner) digits(low, high int) (value, count int, ok bool) {
	for count < high && s.pos+count < len(s.text) {
		c := s.text[s.pos+count]
		if c < '0' || c > '9' {
			break
		}
		value = value*10 + int(c-'0')
		count++
	}
	if count < low {
		return 0, 0, false
	}
	s.pos += count
	return value, count, true
}

func (s *dateScanner) mark(c byte) bool {
	if s.pos < len(s.text) && s.text[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// blanks reads white space and says whether there was any.
func (s *dateScanner) blanks() bool {
	start := s.pos
	for s.pos < len(s.text) {
		r, size := utf8.DecodeRuneInString(s.text[s.pos:])
		if !isSpace(r) {
			break
		}
		s.pos += size
	}
	return s.pos > start
}

// word reads ASCII letters.
func (s *dateScanner) word() string {
	start := s.pos
	for s.pos < len(s.text) && (s.text[s.pos]|0x20) >= 'a' && (s.text[s.pos]|0x20) <= 'z' {
		s.pos++
	}
	return s.text[start:s.pos]
}

// keyword reads a word if it is the one given, in any case.
func (s *dateScanner) keyword(word string) bool {
	start := s.pos
	if strings.EqualFold(s.word(), word) {
		return true
	}
	s.pos = start
	return false
}

// isSpace is JavaScript's white space and line ends (ECMA-262, 12.2 and 12.3), which differs from Go's in two characters.
func isSpace(r rune) bool { return r == 0xFEFF || r != 0x85 && unicode.IsSpace(r) }

func trimSpace(s string) string {
	// As a rule there is nothing to trim.
	if n := len(s); n > 0 && s[0] > ' ' && s[0] < utf8.RuneSelf && s[n-1] > ' ' && s[n-1] < utf8.RuneSelf {
		return s
	}
	return strings.TrimFunc(s, isSpace)
}
