package xpath

import (
	"context"

	"github.com/antchfx/xmlquery"
	"github.com/antchfx/xpath"

	"github.com/ebbkit/ebb/connector"
)

// steps counts what a query does, so that it ends. It belongs to one goroutine, that of the query.
type steps struct {
	ctx  context.Context // the library asks for no context, and the count lives as long as the call
	left int
	err  error
}

// take says whether the query may go on.
func (s *steps) take(n int) bool {
	if s.err != nil {
		return false
	}
	before := s.left >> 12
	s.left -= n
	switch {
	case s.left < 0:
		s.err = connector.Errorf(connector.DataError, "field xpath: needs more steps than the limit allows for this document")
	case s.left>>12 != before && s.ctx.Err() != nil:
		s.err = s.ctx.Err()
	}
	return s.err == nil
}

// A walker moves over a document for a query. When the query has no steps left, there is nothing anywhere for it.
type walker struct {
	*xmlquery.NodeNavigator
	steps *steps
}

var _ xpath.NodeNavigator = (*walker)(nil)

// Copy returns a walker at the same place, which takes its steps from the same count.
func (w *walker) Copy() xpath.NodeNavigator {
	w.steps.take(1)
	at, _ := w.NodeNavigator.Copy().(*xmlquery.NodeNavigator)
	return &walker{at, w.steps}
}

// Value returns the text of the node, also that of a whole document and of a CDATA section, which the library's navigator leaves
// empty (XPath 1.0, sections 5.1 and 5.7).
func (w *walker) Value() string {
	if !w.steps.take(1) {
		return ""
	}
	var text string
	switch node := w.Current(); node.Type {
	case xmlquery.DocumentNode:
		for child := node.FirstChild; child != nil; child = child.NextSibling {
			if child.Type == xmlquery.ElementNode {
				text = child.InnerText()
			}
		}
	case xmlquery.CharDataNode:
		text = node.Data
	default:
		text = w.NodeNavigator.Value()
	}
	w.steps.take(len(text) / 16) // putting it together is as much work as some steps
	return text
}

// MoveToParent moves up.
func (w *walker) MoveToParent() bool { return w.steps.take(1) && w.NodeNavigator.MoveToParent() }

// MoveToNextAttribute moves to the next attribute of the element.
func (w *walker) MoveToNextAttribute() bool {
	return w.steps.take(1) && w.NodeNavigator.MoveToNextAttribute()
}

// MoveToChild moves to the first node inside.
func (w *walker) MoveToChild() bool { return w.steps.take(1) && w.NodeNavigator.MoveToChild() }

// MoveToFirst moves to the first of the nodes side by side.
func (w *walker) MoveToFirst() bool {
	moved := false
	for w.MoveToPrevious() {
		moved = true
	}
	return moved
}

// MoveToNext moves to the next of the nodes side by side.
func (w *walker) MoveToNext() bool { return w.steps.take(1) && w.NodeNavigator.MoveToNext() }

// MoveToPrevious moves to the previous of the nodes side by side.
func (w *walker) MoveToPrevious() bool { return w.steps.take(1) && w.NodeNavigator.MoveToPrevious() }

// MoveTo moves to where another walker is.
func (w *walker) MoveTo(other xpath.NodeNavigator) bool {
	to, ok := other.(*walker)
	return ok && w.steps.take(1) && w.NodeNavigator.MoveTo(to.NodeNavigator)
}
