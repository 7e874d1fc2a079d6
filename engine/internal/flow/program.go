package flow

import (
	"context"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/expr"
)

// A Program is a blueprint that is ready to run: its modules are found, its expressions compiled and its references bound.
// It never changes; any number of runs may use it at once.
type Program struct {
	first       *node
	slots       int
	aggregators int
	hasRespond  bool
}

type nodeKind uint8

const (
	moduleNode nodeKind = iota
	routerNode
	conditionNode
	mergeNode
	aggregatorNode
	directiveNode
)

// A node is a module in its place.
type node struct {
	kind nodeKind
	id   int
	name string
	slot int
	// next is where bundles go from here. Nil: nowhere.
	next *node
	// before is the module that bundles come from. Nil for the first one.
	before *node

	filter *expr.Filter
	module connector.Module
	pure   bool
	// action and search are the module when it is pure and of that kind.
	action connector.Action
	// bound is the action for the values of its mapper, if it can be bound to one. varying are the parts of the mapper that
	// it has not been told beforehand.
	bound   func(ctx context.Context, call *connector.Call, values []any) (connector.Bundle, error)
	varying []int
	search  connector.Search
	// idempotent says that the module may be called again with the same key.
	idempotent bool
	// connection is the type of connection that the module needs.
	connection string
	// polls says of the first module that a cycle in which it gives nothing is the last one, receives that nobody can ask
	// it, so that there are only the events that were given.
	polls, receives bool
	// returns says that the run ends with what the module gives.
	returns bool
	params  connector.Bundle
	mapping mapping
	inputs  []connector.Field
	// converter makes the input of what the parts of the mapper come to. Nil for a mapper that is always the same.
	converter *connector.Converter
	// numbered says that expressions ask for the place of this module's bundles, lengthMatters that they ask how many there
	// are, which is known only when all have been made.
	numbered, lengthMatters bool

	// handler is the module whose error route this one stands on, the innermost. Nil: none.
	handler *node
	// onError is the first module of the error route. endsHandler says that a bundle that has come here has come to an end
	// of an error route.
	onError     *node
	endsHandler bool
	directive   directive

	// feeds are the aggregators whose source this module is, in the order of the blueprint.
	feeds []*node

	// Of an aggregator.
	aggregator  int
	groupBy     *expr.Template
	stopIfEmpty bool
	// own says that it stands on the error route of its source, or of a module there; outside that it stands on an error
	// route on which its source does not stand, and which is not that of its source itself.
	own, outside bool

	// Of a router: the first module of each route, nil for one that is disabled or empty. fallback is an index or -1.
	routes   []*node
	fallback int

	// Of an if-else: its branches, and the merge behind it, if there is one.
	branches []branch
	merge    *node

	// Of the end of a branch: its merge, and the branch's place among those that merge.
	mergeOf *node
	branch  int

	// Of a merge.
	outputs []output
	gates   []*expr.Filter
	within  []int
}

// A branch is one way through an if-else.
type branch struct {
	otherwise bool
	filter    *expr.Filter
	field     string
	first     *node
}

// An output is one field that a merge gives, with an expression for each branch that merges; nil gives null.
type output struct {
	name     string
	mappings []*expr.Template
}

type directive uint8

const (
	ignoreDirective directive = iota
	resumeDirective
	commitDirective
	rollbackDirective
)

// Responds says whether a module of the program answers the caller of the hook.
func (p *Program) Responds() bool { return p.hasRespond }

// First returns the first module, or nil for a program without modules.
func (p *Program) First() connector.Module {
	if p.first == nil {
		return nil
	}
	return p.first.module
}

// Params returns the parameters of the first module.
func (p *Program) Params() connector.Bundle {
	if p.first == nil {
		return connector.Bundle{}
	}
	return p.first.params
}
