package flow

import (
	"fmt"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/expr"
)

// route sends the bundle at hand down every route that lets it in, one after the other. The fallback route gets it when
// no other one did, wherever it stands.
func (r *run) route(n *node) error {
	taken := false
	for i := range n.routes {
		first := n.routes[i]
		if i == n.fallback || first == nil {
			continue
		}
		ok, err := r.passes(first)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		taken = true
		if err := r.enter(first); err != nil {
			return err
		}
	}
	if n.fallback >= 0 && !taken {
		return r.visit(n.routes[n.fallback])
	}
	return nil
}

// choose sends the bundle at hand down the first branch whose conditions hold, or else the branch that has none. When
// there is no such branch it goes on behind the merge, which then gives nothing.
func (r *run) choose(n *node) error {
	number, err := r.count(n)
	if err != nil {
		return err
	}
	r.began(number, n, connector.Bundle{})
	chosen := -1
	for i := range n.branches {
		b := &n.branches[i]
		if b.otherwise && chosen < 0 {
			chosen = i
		}
		if b.otherwise {
			continue
		}
		found, err := r.holds(n, b.filter, b.field, number)
		if err != nil || found == failed {
			return err
		}
		if found == met {
			chosen = i
			break
		}
	}
	if chosen < 0 {
		if n.merge == nil {
			return nil
		}
		return r.mergeFrom(n.merge, -1)
	}
	return r.visit(n.branches[chosen].first)
}

// merge takes a bundle that has come to the end of a branch.
func (r *run) merge(n *node) error {
	return r.mergeFrom(n.mergeOf, n.branch)
}

// mergeFrom goes on behind a merge with what it makes of the end of one of its branches, counted from 0. What lies in the
// branch is out of sight from there on. Branch -1 stands for none.
func (r *run) mergeFrom(n *node, branch int) error {
	if branch >= 0 && n.gates[branch] != nil {
		if found, err := r.holds(n, n.gates[branch], "filters", 0); err != nil || found != met {
			return err
		}
	}
	number, err := r.count(n)
	if err != nil {
		return err
	}
	r.began(number, n, connector.Bundle{})
	names := make([]string, len(n.outputs))
	values := make([]any, len(n.outputs))
	for i, output := range n.outputs {
		names[i] = output.name
		if branch < 0 || output.mappings[branch] == nil {
			continue
		}
		value, err := output.mappings[branch].Eval(r)
		if err != nil {
			return r.replace(n, number, evaluation(fmt.Errorf("outputs: %s: %w", output.name, err)))
		}
		values[i] = value
	}
	bundle := connector.BundleOf(names, values)
	hidden := make([]any, len(n.within))
	for i, slot := range n.within {
		hidden[i], r.bundles[slot] = r.bundles[slot], nil
	}
	err = r.sendOne(n, number, bundle)
	for i, slot := range n.within {
		r.bundles[slot] = hidden[i]
	}
	return err
}

// What conditions can come to.
type verdict uint8

const (
	unmet  verdict = iota
	met            // the bundle passes
	failed         // they could not be evaluated, and the module's error route has dealt with it
)

// holds evaluates conditions of a module and reports what could not be compared. When an expression in them fails, so does
// the module, in the operation of this number; 0 makes it one of its own.
func (r *run) holds(n *node, filter *expr.Filter, field string, number int64) (verdict, error) {
	ok, warnings, err := filter.Match(r)
	if o := r.start.Observer; o != nil {
		for _, warning := range warnings {
			o.Warned(n.id, field, warning.String())
		}
	}
	switch {
	case err == nil && ok:
		return met, nil
	case err == nil:
		return unmet, nil
	}
	if number == 0 {
		var stopped error
		if number, stopped = r.count(n); stopped != nil {
			return failed, stopped
		}
		r.began(number, n, connector.Bundle{})
	}
	return failed, r.replace(n, number, evaluation(fmt.Errorf("%s: %w", field, err)))
}
