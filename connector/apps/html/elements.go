package html

import (
	"context"
	"iter"
	"strings"

	"golang.org/x/net/html"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/apps/internal/page"
)

type parserIn struct {
	Continue bool   `json:"continueWhenNoRes" param:"true" label:"Continue the execution of the route even if the module finds no matches"`
	Type     string `json:"type" label:"Element type" enum:"image,link,iframe,selector" default:"link"`
	Selector string `json:"selector" label:"CSS selector" help:"What to find, when the type is selector"`
	HTML     string `json:"html" label:"HTML"`
}

type elementsIn struct {
	Continue bool   `json:"continueWhenNoRes" param:"true" label:"Continue the execution of the route even if the module finds no matches"`
	Type     string `json:"type" label:"Element type" enum:"selector,image,link,iframe,email,url,phone,number,hashtag,mention" help:"Empty: selector when there is one, else link"`
	Selector string `json:"selector" label:"CSS selector" help:"What to find, when the type is selector"`
	Text     string `json:"text" label:"Text or HTML"`
	HTML     string `json:"html" label:"HTML" help:"The same, for blueprints that name it so"`
}

// An element is one that was found. A text that was found has a value and nothing else.
type element struct {
	Index      int               `json:"i" label:"Order"`
	Value      string            `json:"value,omitempty" label:"Value" help:"What was found: the address of a link, image or frame, the text of another element"`
	Tag        string            `json:"tag,omitempty" label:"Tag"`
	Text       string            `json:"text,omitempty" label:"Text"`
	HTML       string            `json:"html,omitempty" label:"HTML"`
	Src        string            `json:"src,omitempty" label:"Source"`
	Href       string            `json:"href,omitempty" label:"Target"`
	Alt        string            `json:"alt,omitempty" label:"Alternative text"`
	Title      string            `json:"title,omitempty" label:"Title"`
	Attributes *connector.Bundle `json:"attributes,omitempty" label:"Attributes"`
}

// built are the selectors of the types that have a name.
var built = map[string]string{"image": "img", "link": "a[href], area[href]", "iframe": "iframe"}

// newParser makes HTMLParser, which gives a bundle for each image, link or frame of a page, or each element that a CSS selector
// finds.
func newParser(config Config) connector.Module {
	info := connector.Info{
		Name: "HTMLParser", Version: 1, Label: "Get elements from HTML", Description: "Finds elements in HTML.", Pure: true,
	}
	return connector.NewSearch(info,
		func(ctx context.Context, _ *connector.Call, in parserIn) iter.Seq2[element, error] {
			return found(in.Continue, inPage(ctx, config, in.Type, in.Selector, in.HTML))
		})
}

// newGetElements makes GetElements, which finds in a text or page what HTMLParser or GetElementsFromText find.
func newGetElements(config Config) connector.Module {
	info := connector.Info{
		Name: "GetElements", Version: 1, Label: "Get elements", Description: "Finds elements in HTML, and addresses and numbers in texts.",
		Pure: true,
	}
	return connector.NewSearch(info,
		func(ctx context.Context, _ *connector.Call, in elementsIn) iter.Seq2[element, error] {
			text, kind := in.Text, in.Type
			if text == "" {
				text = in.HTML
			}
			switch {
			case kind == "" && in.Selector != "":
				kind = "selector"
			case kind == "":
				kind = "link"
			}
			if patterns[kind] != nil {
				return found(in.Continue, inText(ctx, config, kind, text))
			}
			return found(in.Continue, inPage(ctx, config, kind, in.Selector, text))
		})
}

// found gives what was found, and one empty bundle for nothing when the run is to go on then.
func found(goOn bool, elements iter.Seq2[element, error]) iter.Seq2[element, error] {
	return func(yield func(element, error) bool) {
		count := 0
		for e, err := range elements {
			count++
			if e.Index = count; err != nil {
				e = element{}
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
		if count == 0 && goOn {
			yield(element{}, nil)
		}
	}
}

// inPage finds elements in HTML, in the order of the page.
func inPage(ctx context.Context, config Config, kind, selector, text string) iter.Seq2[element, error] {
	return func(yield func(element, error) bool) {
		if name, ok := built[kind]; ok {
			selector = name
		}
		s, err := parseSelector(selector)
		if err != nil {
			yield(element{}, err)
			return
		}
		root, err := page.Parse(ctx, "html", text, config.MaxBytes)
		if err != nil {
			yield(element{}, err)
			return
		}
		nodes, err := s.all(ctx, root)
		if err != nil {
			yield(element{}, err)
			return
		}
		for _, n := range nodes {
			if err := ctx.Err(); err != nil {
				yield(element{}, err)
				return
			}
			if !yield(describe(n), nil) {
				return
			}
		}
	}
}

// describe makes an element of a node.
func describe(n *html.Node) element {
	var attributes connector.Bundle
	for _, a := range n.Attr {
		attributes.Set(a.Key, a.Val)
	}
	e := element{
		Tag: n.Data, Text: words(n), HTML: source(n), Src: attribute(n, "src"), Href: attribute(n, "href"), Alt: attribute(n, "alt"),
		Title: attribute(n, "title"), Attributes: &attributes,
	}
	for _, value := range []string{e.Href, e.Src, e.Text} {
		if e.Value == "" {
			e.Value = value
		}
	}
	return e
}

// words are the words inside a node, with one blank between them.
func words(n *html.Node) string {
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
		if apart[n.DataAtom] > 0 || n.Data == "td" || n.Data == "th" || n.Data == "br" {
			b.WriteByte(' ')
		}
		for child := range n.ChildNodes() {
			if !hidden[child.DataAtom] {
				walk(child)
			}
		}
	}
	walk(n)
	return strings.Join(strings.Fields(b.String()), " ")
}

// source is the HTML of a node.
func source(n *html.Node) string {
	var b strings.Builder
	if err := html.Render(&b, n); err != nil {
		return "" // what cannot be written, such as text behind a plaintext element, has no HTML
	}
	return b.String()
}
