package secret

import (
	"bytes"
	"slices"
	"strings"
)

// A matcher finds needles in texts, all in one pass: what begins at a place is looked up by its first four bytes, and a
// bitmap says of nearly every place at once that nothing does.
type matcher struct {
	needles []needle
	// starts has the places of needles by their first four bytes, filter a bit for the hash of each.
	starts map[uint32][]int32
	filter [1 << (filterBits - 6)]uint64
}

const (
	filterBits = 14
	// minPieceBytes is how long the beginning of a needle must be to be masked where the text goes on in another way, or
	// ends.
	minPieceBytes = 16
	// maxRounds is how often a text is masked. What is left of it may come together as another secret, but hardly more
	// often than once.
	maxRounds = 4
	// maxTextBytes is how long a text may be to be looked into.
	maxTextBytes = 1 << 30
)

func newMatcher(needles []needle) *matcher {
	m := &matcher{needles: needles, starts: make(map[uint32][]int32, len(needles))}
	for i := range needles {
		form := needles[i].form
		start := uint32(form[0])<<24 | uint32(form[1])<<16 | uint32(form[2])<<8 | uint32(form[3])
		if slices.ContainsFunc(m.starts[start], func(other int32) bool { return needles[other].covers(&needles[i]) }) {
			continue
		}
		m.starts[start] = append(m.starts[start], int32(i))
		bit := hashOf(start)
		m.filter[bit>>6] |= 1 << (bit & 63)
	}
	return m
}

func (n *needle) covers(other *needle) bool {
	return bytes.Equal(n.form, other.form) && (n.before || !other.before) && (n.after || !other.after) && (n.open || !other.open)
}

func hashOf(start uint32) uint32 { return start * 2654435761 >> (32 - filterBits) }

// clear overwrites the needles.
func (m *matcher) clear() {
	for i := range m.needles {
		clear(m.needles[i].form)
	}
	clear(m.starts)
	m.needles, m.filter = nil, [len(m.filter)]uint64{}
}

// A span is a part of a text, from its first byte to behind its last.
type span struct{ from, to int }

// mask returns text with its secrets masked.
func (m *matcher) mask(text string) string {
	for range maxRounds {
		if len(text) > maxTextBytes {
			return Masked
		}
		spans := m.find(text)
		if len(spans) == 0 {
			return text
		}
		text = cut(text, spans)
	}
	if len(m.find(text)) > 0 {
		return Masked
	}
	return text
}

// find returns where secrets are in a text: as it is, and with its escapes undone.
func (m *matcher) find(text string) []span {
	spans := m.scan(nil, text)
	var undone [][]escape
	for level := text; len(undone) < maxLevels; {
		plain, escapes := unescape(level)
		if escapes == nil {
			break
		}
		level, undone = plain, append(undone, escapes)
		for _, s := range m.scan(nil, level) {
			for _, escapes := range slices.Backward(undone) {
				first, _ := source(escapes, s.from)
				_, last := source(escapes, s.to-1)
				s = span{first, last}
			}
			spans = append(spans, s)
		}
	}
	return spans
}

// scan appends where needles are in a text.
func (m *matcher) scan(spans []span, text string) []span {
	var start uint32
	for i := range len(text) {
		start = start<<8 | uint32(folds[text[i]])
		bit := hashOf(start)
		if m.filter[bit>>6]&(1<<(bit&63)) == 0 || i < MinMaskedBytes-1 {
			continue
		}
		at := i - (MinMaskedBytes - 1)
		for _, n := range m.starts[start] {
			if s, ok := m.needles[n].at(text, at); ok {
				spans = append(spans, s)
			}
		}
	}
	return spans
}

// at says what a text has of a needle at a place.
func (n *needle) at(text string, at int) (span, bool) {
	size := MinMaskedBytes
	for size < len(n.form) && at+size < len(text) && folds[text[at+size]] == n.form[size] {
		size++
	}
	if size < len(n.form) && size < minPieceBytes {
		return span{}, false
	}
	s := span{at, at + size}
	if n.open && size == len(n.form) {
		s.to = len(text)
	}
	if n.before && s.from > 0 && base64Character(text[s.from-1]) {
		s.from--
	}
	if n.after && size == len(n.form) && s.to < len(text) && base64Character(text[s.to]) {
		s.to++
	}
	return s, true
}

func base64Character(c byte) bool {
	return alphanumeric(c) || c == '+' || c == '/' || c == '-' || c == '_'
}

// cut puts Masked in the place of spans, and once where they touch.
func cut(text string, spans []span) string {
	slices.SortFunc(spans, func(a, b span) int { return a.from - b.from })
	var out strings.Builder
	out.Grow(len(text))
	for i := 0; i < len(spans); {
		last := 0
		if i > 0 {
			last = spans[i-1].to
		}
		out.WriteString(text[last:spans[i].from])
		out.WriteString(Masked)
		end := spans[i].to
		for i++; i < len(spans) && spans[i].from <= end; i++ {
			end = max(end, spans[i].to)
		}
		spans[i-1].to = end
	}
	out.WriteString(text[spans[len(spans)-1].to:])
	return out.String()
}
