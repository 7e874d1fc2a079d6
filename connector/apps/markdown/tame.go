package markdown

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/ebbkit/ebb/connector"
)

// maxSpans limits the cells of all tables of a page together. Those that span others count for all that they span.
const maxSpans = 100_000

// tame refuses a page that would cost far more than others of its length, and takes away the spans of tables that would become
// millions of cells. The library that writes the Markdown has no limits of its own.
func tame(root *html.Node) error {
	t := tamer{}
	t.walk(root, 1)
	if t.looking+t.bracket*t.unclosed > maxLooking {
		return connector.Errorf(connector.DataError, "field data: has too many brackets that do not close")
	}
	if t.copied > maxLooking {
		return connector.Errorf(connector.DataError, "field data: has too much text in nested quotes and lists")
	}
	if t.cells > maxSpans {
		for _, cell := range t.spanning {
			cell.Attr = nil
		}
	}
	return nil
}

// A tamer adds up what a page costs.
type tamer struct {
	looking  int // for the ends of brackets, so far
	bracket  int // how many are open
	unclosed int // how many bytes stand behind the first of them, at most
	copied   int // every quote and list copies the text inside, and writes something in front of each line

	cells    int
	spanning []*html.Node
}

// walk looks at a node and those inside. level counts the quotes and lists around it, from 1.
func (t *tamer) walk(n *html.Node, level int) {
	switch {
	case n.Type == html.TextNode:
		t.text(n.Data)
		t.copied += len(n.Data) * level * level
	case n.DataAtom == atom.Td || n.DataAtom == atom.Th:
		t.cell(n)
	case n.DataAtom == atom.Blockquote || n.DataAtom == atom.Li:
		level++
	}
	t.copied += level * level
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		t.walk(child, level)
	}
}

func (t *tamer) text(text string) {
	for i := range len(text) {
		switch text[i] {
		case '[':
			t.bracket++
		case ']':
			t.looking += t.bracket * t.unclosed
			t.bracket, t.unclosed = 0, 0
		}
		if t.bracket > 0 {
			t.unclosed++
		}
	}
}

// cell counts a cell with all that it spans.
func (t *tamer) cell(n *html.Node) {
	spans := 1
	for _, a := range n.Attr {
		if a.Key != "colspan" && a.Key != "rowspan" {
			continue
		}
		size := 0
		for _, digit := range strings.TrimSpace(a.Val) {
			if digit < '0' || digit > '9' {
				break
			}
			size = min(size*10+int(digit-'0'), maxSpans)
		}
		spans = min(spans*max(size, 1), maxSpans+1)
	}
	if t.cells = min(t.cells+spans, 1<<40); spans > 1 {
		t.spanning = append(t.spanning, n)
	}
}
