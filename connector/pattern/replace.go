package pattern

import (
	"strings"
	"time"

	"github.com/dlclark/regexp2/v2"
)

// Replace replaces the first match in a text, or all with the flag g. The replacement may have $$, $&, $1 to $99, $<name>, $`
// and $' as in JavaScript (ECMA-262, GetSubstitution). A result that is longer than limit is ErrText.
func (p *Pattern) Replace(text, replacement string, limit int) (string, error) {
	template := p.parse(replacement)
	runes := []rune(text)
	var b strings.Builder
	var failure error
	last := 0
	var spent time.Duration
	since := time.Now()
	err := p.matcher(since).FindRunesMatches(runes, 0, func(m regexp2.MatchView) bool {
		if spent += time.Since(since); spent > p.limit {
			failure = ErrTime
			return false
		}
		from, length, _ := m.GroupRange(0)
		write(&b, runes[last:from])
		last = from + length
		for _, piece := range template {
			switch piece.kind {
			case literal:
				b.WriteString(piece.text)
			case group:
				if at, n, ok := m.GroupRange(piece.group); ok {
					write(&b, runes[at:at+n])
				}
			case named:
				for number, name := range p.groups {
					if at, n, ok := m.GroupRange(number); ok && name == piece.text && name != "" {
						write(&b, runes[at:at+n])
					}
				}
			case before:
				write(&b, runes[:from])
			case behind:
				write(&b, runes[last:])
			}
			if b.Len() > limit {
				failure = ErrText
				return false
			}
		}
		if b.Len() > limit {
			failure = ErrText
		}
		since = time.Now()
		return p.global && failure == nil
	})
	if failure != nil {
		return "", failure
	}
	if err != nil {
		return "", ErrTime
	}
	write(&b, runes[last:])
	if b.Len() > limit {
		return "", ErrText
	}
	return b.String(), nil
}

// Expand returns what a replacement stands for where a plain text was searched for and found: $$ is a dollar and $& the text.
// A result that is longer than limit is ErrText.
func Expand(replacement, found string, limit int) (string, error) {
	if !strings.Contains(replacement, "$") {
		return replacement, nil
	}
	var b strings.Builder
	for _, piece := range (&Pattern{}).parse(replacement) {
		switch piece.kind {
		case literal:
			b.WriteString(piece.text)
		case group:
			b.WriteString(found)
		case before:
			b.WriteString("$`")
		case behind:
			b.WriteString("$'")
		}
		if b.Len() > limit {
			return "", ErrText
		}
	}
	return b.String(), nil
}

func write(b *strings.Builder, runes []rune) {
	for _, r := range runes {
		b.WriteRune(r)
	}
}

// A piece is a part of a replacement.
type piece struct {
	kind  kind
	text  string
	group int
}

type kind int

const (
	literal kind = iota // the text
	group               // what the group has matched
	named               // what that group of this name has matched which had a part in it
	before              // all in front of the match
	behind              // all behind it
)

// parse takes a replacement apart. A number for which the pattern has no group stands for itself, $10 is group 1 and a zero
// when there are fewer than ten groups, and $<name> is only read when there are names.
func (p *Pattern) parse(replacement string) []piece {
	var pieces []piece
	groups := len(p.groups) - 1
	for {
		i := strings.IndexByte(replacement, '$')
		if i < 0 || i+1 == len(replacement) {
			return append(pieces, piece{text: replacement})
		}
		pieces = append(pieces, piece{text: replacement[:i]})
		rest := replacement[i+1:]
		next, length := piece{text: "$"}, 0
		switch c := rest[0]; {
		case c == '$':
			length = 1
		case c == '&':
			next, length = piece{kind: group}, 1
		case c == '`':
			next, length = piece{kind: before}, 1
		case c == '\'':
			next, length = piece{kind: behind}, 1
		case c == '<' && p.Named():
			if name, _, closed := strings.Cut(rest[1:], ">"); closed {
				next, length = piece{kind: named, text: name}, len(name)+len("<>")
			}
		case c >= '0' && c <= '9':
			number, digits := int(c-'0'), 1
			if len(rest) > 1 && rest[1] >= '0' && rest[1] <= '9' {
				if two := number*10 + int(rest[1]-'0'); two >= 1 && two <= groups {
					number, digits = two, 2
				}
			}
			if number >= 1 && number <= groups {
				next, length = piece{kind: group, group: number}, digits
			}
		}
		pieces = append(pieces, next)
		replacement = rest[length:]
	}
}
