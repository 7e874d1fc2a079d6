package html

import (
	"context"
	"strings"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"

	"github.com/ebbkit/ebb/connector"
)

// maxSelectorBytes is how long a selector may be.
const maxSelectorBytes = 1024

// A selector is a list of chains, of which one must fit.
//
// The library matches a chain by trying all ancestors for each of its parts, which takes a time that grows with the power of their
// number. So only the parts are matched by it; a chain is followed from its beginning, part by part, over sets of elements.
type selector [][]link

// A link is one part of a chain, behind what leads to it.
type link struct {
	combinator byte // ' ', '>', '+' or '~'
	part       cascadia.Sel
}

// parseSelector reads a selector. An error quotes nothing of it.
func parseSelector(text string) (selector, error) {
	text = strings.TrimSpace(text)
	none := connector.Errorf(connector.DataError, "field selector: is no CSS selector")
	switch {
	case text == "":
		return nil, connector.Errorf(connector.BundleValidationError, "field selector: is required")
	case len(text) > maxSelectorBytes:
		return nil, connector.Errorf(connector.DataError, "field selector: is longer than %d bytes", maxSelectorBytes)
	case strings.Count(text, ":has") > 1 || strings.Contains(text, ":matches"):
		return nil, connector.Errorf(connector.DataError, "field selector: may have one :has at most, and no :matches")
	}
	if _, err := cascadia.ParseGroup(text); err != nil {
		return nil, none
	}
	var s selector
	for _, chain := range split(text, ",") {
		chain = strings.TrimSpace(chain)
		var links []link
		combinator := byte(' ')
		for chain != "" {
			end := partEnd(chain)
			part, err := cascadia.Parse(chain[:end])
			if end == 0 || err != nil || part.PseudoElement() != "" || chained(chain[:end]) {
				return nil, none
			}
			links = append(links, link{combinator, part})
			rest := strings.TrimLeft(chain[end:], " \t\r\n\f")
			combinator = ' '
			if rest != "" && strings.IndexByte(">+~", rest[0]) >= 0 {
				combinator, rest = rest[0], strings.TrimLeft(rest[1:], " \t\r\n\f")
			}
			chain = rest
		}
		if len(links) == 0 {
			return nil, none
		}
		s = append(s, links)
	}
	return s, nil
}

// outside calls visit for each byte of a selector that is in no quotes, brackets and parentheses and has no backslash before it,
// until visit says false.
func outside(text string, visit func(i int) bool) {
	quote, depth := byte(0), 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '[' || c == '(':
			depth++
		case c == ']' || c == ')':
			depth--
		case depth == 0 && !visit(i):
			return
		}
	}
}

// split splits a selector at commas.
func split(text, at string) []string {
	var parts []string
	begin := 0
	outside(text, func(i int) bool {
		if strings.IndexByte(at, text[i]) >= 0 {
			parts = append(parts, text[begin:i])
			begin = i + 1
		}
		return true
	})
	return append(parts, text[begin:])
}

// partEnd is where the first part of a chain ends.
func partEnd(chain string) int {
	end := len(chain)
	outside(chain, func(i int) bool {
		if strings.IndexByte(" \t\r\n\f>+~", chain[i]) < 0 {
			return true
		}
		end = i
		return false
	})
	return end
}

// chained says whether there is a chain inside the parentheses of a pseudo-class that takes selectors.
func chained(part string) bool {
	for _, class := range []string{":has(", ":haschild(", ":not("} {
		for _, rest := range strings.Split(strings.ToLower(part), class)[1:] {
			inside, _, _ := strings.Cut(rest, ")")
			for _, one := range split(inside, ",") {
				if partEnd(strings.TrimSpace(one)) < len(strings.TrimSpace(one)) {
					return true
				}
			}
		}
	}
	return false
}

// all finds the elements that the selector fits, in the order of the page.
func (s selector) all(ctx context.Context, root *html.Node) ([]*html.Node, error) {
	fits := map[*html.Node]bool{}
	for _, chain := range s {
		last, err := follow(ctx, chain, root)
		if err != nil {
			return nil, err
		}
		for n := range last {
			fits[n] = true
		}
	}
	var nodes []*html.Node
	for n := range root.Descendants() {
		if fits[n] {
			nodes = append(nodes, n)
		}
	}
	return nodes, nil
}

// follow finds the elements at the end of a chain.
func follow(ctx context.Context, chain []link, root *html.Node) (map[*html.Node]bool, error) {
	before := map[*html.Node]bool{root: true}
	for _, l := range chain {
		reached := map[*html.Node]bool{} // a node that fits is before, above or beside this one
		now := map[*html.Node]bool{}
		visited := 0
		for n := range root.Descendants() {
			if visited++; visited%256 == 0 && ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if n.Type != html.ElementNode {
				continue
			}
			ok := false
			switch l.combinator {
			case ' ':
				reached[n] = before[n.Parent] || reached[n.Parent]
				ok = reached[n]
			case '>':
				ok = before[n.Parent]
			case '+', '~':
				if previous := elementBefore(n); previous != nil {
					reached[n] = before[previous] || l.combinator == '~' && reached[previous]
					ok = reached[n]
				}
			}
			if ok && l.part.Match(n) {
				now[n] = true
			}
		}
		before = now
	}
	return before, nil
}

// elementBefore is the element before this one under the same parent.
func elementBefore(n *html.Node) *html.Node {
	for n = n.PrevSibling; n != nil && n.Type != html.ElementNode; {
		n = n.PrevSibling
	}
	return n
}
