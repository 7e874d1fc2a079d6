package expr

import (
	"unicode"
	"unicode/utf8"
)

// The language's positions in text are JavaScript's, UTF-16 units. A character beyond the basic plane has two; a cut
// between them leaves U+FFFD where the half was.

func runeUnits(r rune) int {
	if r >= 0x10000 {
		return 2
	}
	return 1
}

// lengthUTF16 is a text's length in UTF-16 units.
func lengthUTF16(s string) int {
	n := len(s)
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		n += runeUnits(r) - size
		i += size
	}
	return n
}

// offsetUTF16 gives the byte at which the unit with that index begins, and whether the index falls inside a character
// of two units; then the byte is that character's first. An index behind the end gives the end.
func offsetUTF16(s string, units int) (offset int, inside bool) {
	for offset < len(s) && units > 0 {
		if s[offset] < utf8.RuneSelf {
			offset++
			units--
			continue
		}
		r, size := utf8.DecodeRuneInString(s[offset:])
		n := runeUnits(r)
		if n > units {
			return offset, true
		}
		units -= n
		offset += size
	}
	return offset, false
}

// sliceUTF16 cuts a text between two units; from must not be greater than to.
func sliceUTF16(s string, from, to int) string {
	start, split := offsetUTF16(s, from)
	prefix := ""
	if split {
		if from == to {
			return ""
		}
		// The second half of a pair stands first.
		_, size := utf8.DecodeRuneInString(s[start:])
		start += size
		from++
		prefix = "\uFFFD"
	}
	length, split := offsetUTF16(s[start:], to-from)
	suffix := ""
	if split {
		suffix = "\uFFFD"
	}
	if prefix == "" && suffix == "" {
		return s[start : start+length]
	}
	return prefix + s[start:start+length] + suffix
}

// isSpace is JavaScript's white space and line ends (ECMA-262, 12.2 and 12.3), which differs from Go's in two characters.
func isSpace(r rune) bool {
	switch {
	case r < 0x80:
		return r == ' ' || r >= '\t' && r <= '\r'
	case r == 0xFEFF:
		return true
	case r == 0x85:
		return false
	}
	return unicode.IsSpace(r)
}

func trimSpace(s string) string {
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if !isSpace(r) {
			break
		}
		s = s[size:]
	}
	for len(s) > 0 {
		r, size := utf8.DecodeLastRuneInString(s)
		if !isSpace(r) {
			break
		}
		s = s[:len(s)-size]
	}
	return s
}
