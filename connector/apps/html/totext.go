package html

import (
	"context"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/apps/internal/page"
)

type toTextIn struct {
	HTML    string `json:"html" label:"HTML"`
	Newline string `json:"newline" label:"Line break" enum:"lf,crlf,cr" default:"lf"`
	Upper   bool   `json:"uppercaseHeadings" label:"Uppercase headings"`
}

type toTextOut struct {
	Text string `json:"text" label:"Text"`
}

// newToText makes HTMLToText, which turns HTML into a text that reads the same: paragraphs apart by an empty line, list items with
// marks, quotes behind "> ", cells of a table apart by tabs, and links and images with their address in brackets.
func newToText(config Config) connector.Module {
	info := connector.Info{
		Name: "HTMLToText", Version: 1, Label: "HTML to text", Description: "Turns HTML into plain text.", Pure: true,
	}
	return connector.NewAction(info, func(ctx context.Context, _ *connector.Call, in toTextIn) (toTextOut, error) {
		root, err := page.Parse(ctx, "html", in.HTML, config.MaxBytes)
		if err != nil {
			return toTextOut{}, err
		}
		w := writer{upper: in.Upper}
		w.node(root)
		text := w.out.String()
		switch in.Newline {
		case "crlf":
			text = strings.ReplaceAll(text, "\n", "\r\n")
		case "cr":
			text = strings.ReplaceAll(text, "\n", "\r")
		}
		return toTextOut{text}, nil
	})
}

// A writer writes a tree as text, line by line. Breaks and blanks are kept back until something follows, so that a text neither
// begins nor ends with them.
type writer struct {
	out   strings.Builder
	upper bool

	breaks  int    // line breaks that are due before the next word
	blank   bool   // a blank is due before the next word, if no break is
	prefix  string // what every line begins with, inside quotes and list items
	mark    string // what the next line begins with instead: the mark of a list item
	caps    int    // headings around, when they are to be in capitals
	literal int    // preformatted elements around
	started bool
}

// hidden are the elements that say nothing to a reader.
var hidden = map[atom.Atom]bool{
	atom.Script: true, atom.Style: true, atom.Head: true, atom.Template: true, atom.Noscript: true, atom.Iframe: true, atom.Object: true,
	atom.Svg: true, atom.Math: true, atom.Select: true, atom.Textarea: true, atom.Video: true, atom.Audio: true, atom.Canvas: true,
}

// apart are the elements that stand apart from what is around them, by how many line breaks.
var apart = map[atom.Atom]int{
	atom.P: 2, atom.H1: 2, atom.H2: 2, atom.H3: 2, atom.H4: 2, atom.H5: 2, atom.H6: 2, atom.Ul: 2, atom.Ol: 2, atom.Dl: 2, atom.Table: 2,
	atom.Blockquote: 2, atom.Pre: 2, atom.Hr: 2,
	atom.Div: 1, atom.Section: 1, atom.Article: 1, atom.Header: 1, atom.Footer: 1, atom.Main: 1, atom.Nav: 1, atom.Aside: 1, atom.Form: 1,
	atom.Fieldset: 1, atom.Address: 1, atom.Figure: 1, atom.Figcaption: 1, atom.Li: 1, atom.Dt: 1, atom.Dd: 1, atom.Tr: 1, atom.Caption: 1,
}

func (w *writer) node(n *html.Node) {
	if n.Type == html.TextNode {
		w.text(n.Data)
		return
	}
	if n.Type == html.ElementNode && hidden[n.DataAtom] {
		return
	}
	distance := apart[n.DataAtom]
	w.apart(distance)
	switch n.DataAtom {
	case atom.Br:
		w.breaks++
	case atom.Hr:
		w.word(strings.Repeat("-", 40))
	case atom.Img:
		w.image(n)
	case atom.A:
		w.link(n)
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		w.caps++
		w.children(n)
		w.caps--
	case atom.Pre:
		w.literal++
		w.children(n)
		w.literal--
	case atom.Blockquote:
		w.inside("> ", "> ", n)
	case atom.Ul, atom.Ol, atom.Menu:
		w.list(n)
	case atom.Td, atom.Th:
		if n.PrevSibling != nil && w.breaks == 0 && w.started {
			w.out.WriteByte('\t')
			w.blank = false
		}
		w.children(n)
	default:
		w.children(n)
	}
	w.apart(distance)
}

func (w *writer) children(n *html.Node) {
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		w.node(child)
	}
}

// apart makes line breaks due, unless as many are already.
func (w *writer) apart(breaks int) {
	w.breaks = max(w.breaks, breaks)
}

// text writes the words of a text. Blanks between words become one, except in preformatted text.
func (w *writer) text(text string) {
	if w.literal > 0 {
		for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
			if i > 0 {
				w.breaks++
			}
			if line != "" {
				w.word(line)
			}
		}
		return
	}
	for text != "" {
		rest := strings.TrimLeftFunc(text, unicode.IsSpace)
		w.blank = w.blank || len(rest) < len(text)
		end := strings.IndexFunc(rest, unicode.IsSpace)
		if end < 0 {
			end = len(rest)
		}
		w.word(rest[:end])
		text = rest[end:]
	}
}

// word writes what has no breaks in it, behind what is due.
func (w *writer) word(word string) {
	if word == "" {
		return
	}
	switch {
	case !w.started:
		w.out.WriteString(w.begin())
	case w.breaks > 0:
		empty := strings.TrimRight(w.prefix, " ")
		for i := range w.breaks {
			w.out.WriteByte('\n')
			if i < w.breaks-1 {
				w.out.WriteString(empty)
			}
		}
		w.out.WriteString(w.begin())
	case w.blank:
		w.out.WriteByte(' ')
	}
	w.started, w.breaks, w.blank = true, 0, false
	if w.caps > 0 && w.upper {
		word = strings.ToUpper(word)
	}
	w.out.WriteString(word)
}

// begin is what a line begins with.
func (w *writer) begin() string {
	begin := w.prefix
	if w.mark != "" {
		begin, w.mark = w.mark, ""
	}
	return begin
}

// inside writes an element whose lines begin with something more, the first of them with something else.
func (w *writer) inside(first, others string, n *html.Node) {
	prefix, mark := w.prefix, w.mark
	if mark == "" {
		mark = prefix
	}
	w.prefix, w.mark = prefix+others, mark+first
	w.children(n)
	w.prefix = prefix
	if w.mark != "" { // nothing was written
		w.mark = ""
	}
}

func (w *writer) list(n *html.Node) {
	number := 1
	if start, err := strconv.Atoi(attribute(n, "start")); err == nil {
		number = start
	}
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		if child.DataAtom != atom.Li {
			w.node(child)
			continue
		}
		mark := " * "
		if n.DataAtom == atom.Ol {
			mark = " " + strconv.Itoa(number) + ". "
			number++
		}
		w.apart(1)
		w.inside(mark, strings.Repeat(" ", len(mark)), child)
		w.apart(1)
	}
}

// link writes what a link says and where it leads, unless that is the same.
func (w *writer) link(n *html.Node) {
	at := w.out.Len()
	w.children(n)
	target := strings.TrimSpace(attribute(n, "href"))
	said := strings.TrimSpace(w.out.String()[at:])
	switch {
	case target == "" || strings.HasPrefix(target, "#") || strings.HasPrefix(strings.ToLower(target), "javascript:"):
	case strings.EqualFold(said, target) || strings.EqualFold("mailto:"+said, target) || strings.EqualFold("tel:"+said, target):
	default:
		w.blank = true
		w.address(target)
	}
}

func (w *writer) image(n *html.Node) {
	w.text(attribute(n, "alt"))
	if source := strings.TrimSpace(attribute(n, "src")); source != "" && !strings.HasPrefix(strings.ToLower(source), "data:") {
		w.blank = true
		w.address(source)
	}
}

// address writes an address in brackets, as it is.
func (w *writer) address(target string) {
	caps := w.caps
	w.caps = 0
	w.word("[" + strings.Join(strings.Fields(target), "%20") + "]")
	w.caps = caps
}

// attribute is the value of an attribute. Empty: there is none.
func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name && a.Namespace == "" {
			return a.Val
		}
	}
	return ""
}
