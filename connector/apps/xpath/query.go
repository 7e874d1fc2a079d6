package xpath

import (
	"context"
	"iter"
	"math"
	"regexp"

	"github.com/antchfx/xmlquery"
	"github.com/antchfx/xpath"

	"github.com/ebbkit/ebb/connector"
)

// maxQueryBytes is how long a query may be.
const maxQueryBytes = 16 << 10

type queryIn struct {
	XML   string `json:"xml" label:"XML" required:"true" help:"The document"`
	XPath string `json:"xpath" label:"XPath Query" help:"In XPath 1.0, with the prefixes of the document"`
	Query string `json:"query" label:"XPath Query" help:"The same, for blueprints that name it so"`
}

type queryOut struct {
	Name       string           `json:"name,omitempty" label:"Name" help:"The name of the element or attribute, with its prefix"`
	Value      any              `json:"value" label:"Value" help:"The text of the node; a number, text or boolean when the query computes one"`
	Attributes connector.Bundle `json:"attributes,omitempty" label:"Attributes"`
	XML        string           `json:"xml,omitempty" label:"XML" help:"The element as XML"`
}

// newQuery makes XPathQuery, which gives a bundle for each node that a query finds, or one for what it computes. Nodes come in the
// order of the document; those of a union come operand by operand.
func newQuery(config Config) connector.Module {
	info := connector.Info{
		Name: "XPathQuery", Version: 1, Label: "Perform XPath query",
		Description: "Finds what an XPath query asks for in an XML document.", Pure: true,
	}
	return connector.NewSearch(info,
		func(ctx context.Context, _ *connector.Call, in queryIn) iter.Seq2[queryOut, error] {
			return func(yield func(queryOut, error) bool) {
				q, err := open(ctx, in, config)
				if err != nil {
					yield(queryOut{}, err)
					return
				}
				for {
					out, ok, err := q.next()
					if err != nil {
						yield(queryOut{}, err)
						return
					}
					if !ok || !yield(out, nil) {
						return
					}
				}
			}
		})
}

// A query is one that is under way.
type query struct {
	steps *steps
	nodes *xpath.NodeIterator
	value any // what it computes, when it finds no nodes
}

func open(ctx context.Context, in queryIn, config Config) (*query, error) {
	text := in.XPath
	if text == "" {
		text = in.Query
	}
	switch {
	case text == "":
		return nil, connector.Errorf(connector.BundleValidationError, "field xpath: is required")
	case len(text) > maxQueryBytes:
		return nil, connector.Errorf(connector.DataError, "field xpath: is longer than %d bytes", maxQueryBytes)
	}
	compiled, err := compile(text)
	if err != nil {
		return nil, err
	}
	document, err := parse(ctx, in.XML, config.MaxBytes)
	if err != nil {
		return nil, err
	}
	q := &query{steps: &steps{ctx: ctx, left: config.MaxSteps}}
	err = q.guard(func() {
		result := compiled.Evaluate(&walker{xmlquery.CreateXPathNavigator(document), q.steps})
		if nodes, ok := result.(*xpath.NodeIterator); ok {
			q.nodes = nodes
		} else {
			q.value = result
		}
	})
	return q, err
}

// compile reads a query. What is wrong with it is not said in the words of the library, which quote it.
func compile(text string) (compiled *xpath.Expr, err error) {
	defer func() {
		if recover() != nil {
			compiled, err = nil, errNoQuery()
		}
	}()
	if growing.MatchString(literal.ReplaceAllString(text, "''")) {
		return nil, connector.Errorf(connector.DataError, "field xpath: XPath 1.0 has no functions replace and string-join")
	}
	compiled, err = xpath.Compile(text)
	if err != nil {
		return nil, errNoQuery()
	}
	return compiled, nil
}

var (
	// growing are functions of later versions of XPath that the library has too. They can make gigabytes of a small document.
	growing = regexp.MustCompile(`\b(replace|string-join)\s*\(`)
	literal = regexp.MustCompile(`"[^"]*"|'[^']*'`)
)

func errNoQuery() error {
	return connector.Errorf(connector.DataError, "field xpath: is no XPath query")
}

// guard does one thing with the library, which panics at functions that get what they cannot use.
func (q *query) guard(do func()) (err error) {
	defer func() {
		if recover() != nil {
			err = connector.Errorf(connector.DataError, "field xpath: a function gets what it cannot work with")
		}
		if q.steps.err != nil {
			err = q.steps.err
		}
	}()
	do()
	return nil
}

// next gives the next result.
func (q *query) next() (out queryOut, ok bool, err error) {
	if q.nodes == nil {
		out.Value, ok = q.value, q.value != nil
		q.value = nil
		if number, isNumber := out.Value.(float64); isNumber {
			out.Value = plain(number)
		}
		return out, ok, nil
	}
	err = q.guard(func() {
		if ok = q.nodes.MoveNext(); ok {
			if at, isWalker := q.nodes.Current().(*walker); isWalker {
				out = resultOf(at)
			}
		}
	})
	return out, ok && err == nil, err
}

// plain makes an integer of a number that is one, and a text of what JSON has no number for.
func plain(number float64) any {
	switch {
	case math.IsNaN(number):
		return "NaN"
	case math.IsInf(number, 1):
		return "Infinity"
	case math.IsInf(number, -1):
		return "-Infinity"
	case number == math.Trunc(number) && math.Abs(number) < 1<<53:
		return int64(number)
	}
	return number
}

// resultOf describes the node that a walker is at.
func resultOf(at *walker) queryOut {
	out := queryOut{Value: at.Value()}
	switch at.NodeType() {
	case xpath.AttributeNode:
		out.Name = qualified(at.Prefix(), at.LocalName())
	case xpath.ElementNode:
		node := at.Current()
		out.Name = qualified(node.Prefix, node.Data)
		for _, a := range node.Attr {
			out.Attributes.Set(qualified(a.Name.Space, a.Name.Local), a.Value)
		}
		out.XML = node.OutputXMLWithOptions(xmlquery.WithOutputSelf(), xmlquery.WithPreserveSpace())
	}
	return out
}

func qualified(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + ":" + name
}
