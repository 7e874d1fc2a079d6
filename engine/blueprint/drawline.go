package blueprint

import (
	"strings"
	"unicode"
)

// A style is an ANSI sequence (ECMA-48, SGR).
type style string

const (
	plain  style = ""
	bold   style = "\x1b[1m"
	dim    style = "\x1b[2m"
	red    style = "\x1b[31m"
	yellow style = "\x1b[33m"
	reset        = "\x1b[0m"
)

// A span is a piece of text in one style.
type span struct {
	text  string
	style style
}

// minRoom is how much of a line text gets, however deep it stands.
const minRoom = 20

// line writes spans behind the prefix and breaks them between words, with the second prefix in front of what follows. Prefixes hold
// one-column characters only.
func (d *drawing) line(prefix, hanging string, spans ...span) {
	b := breaker{d: d, hanging: hanging}
	b.begin(prefix)
	for _, s := range spans {
		text := printable(s.text)
		for text != "" {
			word := text
			if i := strings.IndexByte(text[1:], ' '); i >= 0 { // a word takes the space in front of it along
				word = text[:i+1]
			}
			text = text[len(word):]
			b.word(word, s.style)
		}
	}
	b.end()
}

// A breaker fills lines.
type breaker struct {
	d       *drawing
	hanging string
	column  int
	begun   bool // there is a word in the line
	style   style
}

func (b *breaker) begin(prefix string) {
	if prefix != "" {
		b.paint(dim)
		b.d.out.WriteString(prefix)
		b.paint(plain)
	}
	b.column, b.begun = columns(prefix), false
}

func (b *breaker) end() {
	b.paint(plain)
	b.d.out.WriteByte('\n')
}

func (b *breaker) paint(to style) {
	if !b.d.opts.Color || b.style == to {
		return
	}
	if b.style != plain {
		b.d.out.WriteString(reset)
	}
	b.d.out.WriteString(string(to)) // nothing for plain
	b.style = to
}

func (b *breaker) word(word string, in style) {
	limit := max(b.d.width, columns(b.hanging)+minRoom)
	if b.begun && b.column+columns(word) > limit {
		b.end()
		b.begin(b.hanging)
	}
	if !b.begun && b.column > 0 {
		word = strings.TrimPrefix(word, " ")
	}
	b.paint(in)
	for _, r := range word {
		width := runeColumns(r)
		if b.column+width > limit { // longer than a line
			b.end()
			b.begin(b.hanging)
			b.paint(in)
		}
		b.d.out.WriteRune(r)
		b.column += width
		b.begun = true
	}
}

// maxShown is how many characters of one text are shown.
const maxShown = 400

// printable makes a text safe to show: without what moves the cursor, changes colours or turns the direction of writing.
func printable(text string) string {
	var b strings.Builder
	n := 0
	for _, r := range text {
		switch {
		case n == maxShown:
			b.WriteRune('…')
			return b.String()
		case unicode.IsSpace(r):
			r = ' '
		case r == 0x200d: // joins emoji
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			r = unicode.ReplacementChar
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

func columns(text string) int {
	n := 0
	for _, r := range text {
		n += runeColumns(r)
	}
	return n
}

// wide are the characters that terminals show in two columns (Unicode Standard Annex #11, East Asian Width W and F, and emoji).
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x1100, 0x115f, 1}, {0x231a, 0x231b, 1}, {0x23e9, 0x23ec, 1}, {0x2614, 0x2615, 1}, {0x26a1, 0x26a1, 1}, {0x2705, 0x2705, 1},
		{0x270a, 0x270b, 1}, {0x2728, 0x2728, 1}, {0x274c, 0x274c, 1}, {0x2753, 0x2755, 1}, {0x2795, 0x2797, 1}, {0x2b50, 0x2b50, 1},
		{0x2e80, 0x303e, 1}, {0x3041, 0x33ff, 1}, {0x3400, 0x4dbf, 1}, {0x4e00, 0x9fff, 1}, {0xa000, 0xa4cf, 1}, {0xac00, 0xd7a3, 1},
		{0xf900, 0xfaff, 1}, {0xfe30, 0xfe6f, 1}, {0xff00, 0xff60, 1}, {0xffe0, 0xffe6, 1},
	},
	R32: []unicode.Range32{
		{0x1f300, 0x1f64f, 1}, {0x1f680, 0x1f6ff, 1}, {0x1f7e0, 0x1f7eb, 1}, {0x1f900, 0x1f9ff, 1}, {0x1fa70, 0x1faff, 1},
		{0x20000, 0x3fffd, 1},
	},
}

func runeColumns(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case unicode.Is(wide, r):
		return 2
	default:
		return 1
	}
}
