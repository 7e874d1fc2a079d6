package secret

import (
	"html"
	"sort"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxLevels is how often escapes are undone in a text: JSON in a query in JSON is three times.
const maxLevels = 3

// maxEntityBytes is how long an entity of HTML may be, the longest of which has 33 bytes.
const maxEntityBytes = 40

// unescape undoes the escapes of a text once: %41 of URLs, \n, \x41, \101, \u0041 and \U00000041 of JSON, Go and
// JavaScript, a backslash before punctuation, &amp;, &#65; and &#x41; of HTML and XML. What is no escape stays. It returns
// text itself when there are none.
//
// The escapes are listed in their order, so that places in the result can be found in text.
func unescape(text string) (undone string, escapes []escape) {
	next := firstEscape(text)
	if next < 0 {
		return text, nil
	}
	var out strings.Builder
	var room [utf8.UTFMax]byte
	done := 0 // of text
	for ; next >= 0; next = nextEscape(text, next) {
		var of []byte
		size := 0
		switch text[next] {
		case '%':
			of, size = undoPercent(room[:0], text[next:])
		case '\\':
			of, size = undoBackslash(room[:0], text[next:])
		case '&':
			of, size = undoEntity(text[next:])
		}
		if size == 0 {
			next++
			continue
		}
		if escapes == nil {
			out.Grow(len(text))
			escapes = make([]escape, 0, 32)
		}
		out.WriteString(text[done:next])
		escapes = append(escapes, escape{int32(out.Len()), int32(len(of)), int32(next), int32(size)})
		out.Write(of)
		next += size
		done = next
	}
	if escapes == nil {
		return text, nil
	}
	out.WriteString(text[done:])
	return out.String(), escapes
}

// An escape stood in a text for some bytes of the text in which it was undone.
type escape struct {
	at, bytes  int32 // in the result
	from, size int32 // in the text
}

// source is where the byte at a place of a text came from whose escapes were undone: from its first byte to behind its last.
func source(escapes []escape, place int) (from, to int) {
	behind := sort.Search(len(escapes), func(i int) bool { return int(escapes[i].at) > place })
	if behind == 0 {
		return place, place + 1
	}
	e := escapes[behind-1]
	from, to = int(e.from), int(e.from+e.size)
	if past := place - int(e.at+e.bytes); past >= 0 {
		return to + past, to + past + 1
	}
	return from, to
}

// firstEscape is nextEscape for a whole text, most of which have no escapes.
func firstEscape(text string) int {
	first := -1
	for _, c := range []byte{'%', '\\', '&'} {
		if i := strings.IndexByte(text, c); i >= 0 && (first < 0 || i < first) {
			first = i
		}
	}
	return first
}

// nextEscape is where the next character stands that may begin an escape, or -1.
func nextEscape(text string, from int) int {
	for i := from; i < len(text); i++ {
		if c := text[i]; c == '%' || c == '\\' || c == '&' {
			return i
		}
	}
	return -1
}

// The functions below undo the escape at the beginning of a text. They return what it stands for and how long it is, 0 for
// what is none.

func undoPercent(dst []byte, text string) ([]byte, int) {
	code, ok := hexNumber(text, 1, 2)
	if !ok {
		return nil, 0
	}
	return append(dst, byte(code)), 3
}

func undoBackslash(dst []byte, text string) ([]byte, int) {
	if len(text) < 2 {
		return nil, 0
	}
	switch c := text[1]; c {
	case 'x':
		if code, ok := hexNumber(text, 2, 2); ok {
			return append(dst, byte(code)), 4
		}
	case 'u':
		if code, ok := hexNumber(text, 2, 4); ok {
			if low, ok := hexNumber(text, 8, 4); ok && utf16.IsSurrogate(rune(code)) && text[6:8] == `\u` {
				if r := utf16.DecodeRune(rune(code), rune(low)); r != utf8.RuneError {
					return utf8.AppendRune(dst, r), 12
				}
			}
			return utf8.AppendRune(dst, rune(code)), 6
		}
	case 'U':
		if code, ok := hexNumber(text, 2, 8); ok {
			return utf8.AppendRune(dst, rune(code)), 10
		}
	case '0', '1', '2', '3':
		if len(text) >= 4 && octal(text[2]) && octal(text[3]) {
			return append(dst, (c-'0')<<6|(text[2]-'0')<<3|(text[3]-'0')), 4
		}
	}
	if i := strings.IndexByte("abfnrtv", text[1]); i >= 0 {
		return append(dst, "\a\b\f\n\r\t\v"[i]), 2
	}
	if c := text[1]; c > ' ' && c < 0x7f && !alphanumeric(c) {
		return append(dst, c), 2
	}
	return nil, 0
}

func undoEntity(text string) ([]byte, int) {
	end := strings.IndexByte(text[:min(len(text), maxEntityBytes)], ';')
	if end < 3 { // the shortest are &lt; and &#9;
		return nil, 0
	}
	entity := text[:end+1]
	if digits, ok := strings.CutPrefix(entity[1:end], "#"); ok {
		return undoNumber(digits, len(entity))
	}
	// An entity stands for one or two characters. What comes to more was an old one without its semicolon, and a rest.
	if of := html.UnescapeString(entity); of != entity && utf8.RuneCountInString(of) <= 2 {
		return []byte(of), len(entity)
	}
	return nil, 0
}

// undoNumber undoes an entity of so many bytes by the number that it has.
func undoNumber(digits string, size int) ([]byte, int) {
	base := 10
	if digits[0]|0x20 == 'x' {
		digits, base = digits[1:], 16
	}
	code, err := strconv.ParseUint(digits, base, 32)
	if err != nil || code > utf8.MaxRune {
		return nil, 0
	}
	return utf8.AppendRune(nil, rune(code)), size
}

// hexNumber reads digits of a text from a place on.
func hexNumber(text string, at, digits int) (number uint32, ok bool) {
	if len(text) < at+digits {
		return 0, false
	}
	for _, c := range []byte(text[at : at+digits]) {
		var digit byte
		switch {
		case c >= '0' && c <= '9':
			digit = c - '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			digit = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		number = number<<4 | uint32(digit)
	}
	return number, true
}

func octal(c byte) bool { return c >= '0' && c <= '7' }

func alphanumeric(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' }
