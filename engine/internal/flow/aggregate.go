package flow

import (
	"fmt"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/expr"
)

// An aggregation is what has reached an aggregator during one operation of its source. A source never works inside its
// own operation, so each aggregator has at most one open aggregation.
type aggregation struct {
	groups map[string]*group
	order  []*group
	// bytes is what the bundles that groups keep hold together, with the keys of the groups.
	bytes int64
	// failed is the failure that led the last bundle here, for an aggregator on an error route whose source lies outside
	// of it. Directives behind it mean that one.
	failed *StepError
}

// A group is the bundles of one value of groupBy, or all of them when there is no groupBy.
type group struct {
	id  string
	key any
	// A pure aggregator takes each bundle as it comes, so that a million bundles need no room; stream is it at work. One
	// with an effect works once, at the end, on bundles.
	stream  *stream
	bundles []connector.Bundle
}

// find returns the group of a key, and makes it at the key's first bundle.
func (a *aggregation) find(id string, key any) *group {
	if len(a.order) == 1 && a.order[0].id == id {
		return a.order[0]
	}
	if g := a.groups[id]; g != nil {
		return g
	}
	g := &group{id: id, key: key}
	a.bytes += int64(len(id))
	if a.groups == nil {
		a.groups = make(map[string]*group)
	}
	a.groups[id] = g
	a.order = append(a.order, g)
	return g
}

// discard empties an aggregation and ends the streams that were not finished.
func (a *aggregation) discard() {
	for _, g := range a.order {
		if g.stream != nil {
			g.stream.discard()
		}
	}
	*a = aggregation{}
}

// gather takes the bundle at hand into an aggregator.
func (r *run) gather(n *node) error {
	input, failure := r.input(n)
	var key any
	var id string
	if failure == nil && n.groupBy != nil {
		var err error
		if key, err = n.groupBy.Eval(r); err == nil {
			if _, special := key.(expr.Special); special {
				key = nil
			}
			id, err = identity(key)
		}
		if err != nil {
			failure = evaluation(fmt.Errorf("flags.groupBy: %w", err))
		}
	}
	if failure != nil {
		number, err := r.count(n)
		if err != nil {
			return err
		}
		r.began(number, n, input)
		substitute, err := r.fail(n, number, failure)
		if err != nil || substitute == nil {
			return err
		}
		input = *substitute
	}
	a := &r.aggregations[n.aggregator]
	if n.outside && r.handling != nil {
		a.failed, r.handling.ended = r.handling.failed, true
	}
	g := a.find(id, key)
	if limit := r.start.MaxOperations; limit > 0 && r.operations+int64(len(a.order)) > limit {
		return r.stopped(n, failuref(connector.OperationsLimitExceededError, "the groups would be more than the %d operations of the run", limit))
	}
	return r.collect(n, a, g, input)
}

// full says why an aggregation can keep no more.
func (r *run) full(n *node, a *aggregation) error {
	if limit := r.start.MaxBundleBytes; limit > 0 && a.bytes > limit {
		return r.stopped(n, failuref(connector.DataSizeLimitExceededError, "the aggregator would keep more than %d bytes", limit))
	}
	return nil
}

// maxStreams is how many groups of one aggregation take bundles as they come; the groups that came later keep theirs until
// the end. A stream costs a stack of its own.
const maxStreams = 256

// collect gives the bundle at hand to its group.
func (r *run) collect(n *node, a *aggregation, g *group, input connector.Bundle) error {
	if module, ok := n.module.(connector.Aggregator); ok && n.pure && (g.stream != nil || len(a.order) <= maxStreams) {
		if g.stream == nil {
			call := &connector.Call{}
			r.prepare(call, n, connector.Bundle{})
			g.stream = newStream(r.ctx, n.name, module, call)
		}
		g.stream.push(input)
		return r.full(n, a)
	}
	if limit := r.start.MaxBundleBytes; limit > 0 {
		a.bytes += r.meter.Bytes(input, limit)
	}
	g.bundles = append(g.bundles, input)
	return r.full(n, a)
}

// flush lets an aggregator give what it made, one bundle for each group. Without any bundle it gives an empty one, unless
// it is told to stop then, or stands on an error route that nothing has taken.
func (r *run) flush(n *node) error {
	a := &r.aggregations[n.aggregator]
	defer a.discard()
	if len(a.order) == 0 {
		if n.stopIfEmpty || n.outside || n.own {
			return nil
		}
		a.find("", nil)
	}
	if a.failed != nil {
		outer := r.handling
		r.handling = &handling{failed: a.failed, settled: true}
		defer func() { r.handling = outer }()
	}
	r.open(n)
	for i, g := range a.order {
		if err := r.finish(n, g, int64(i+1), int64(len(a.order))); err != nil {
			return err
		}
	}
	return r.close(n)
}

// finish makes the bundle of one group and sends it on.
func (r *run) finish(n *node, g *group, index, length int64) error {
	number, err := r.count(n)
	if err != nil {
		return err
	}
	r.began(number, n, connector.Bundle{})
	bundle, failure, err := r.made(n, g)
	if err != nil {
		return err
	}
	if failure != nil {
		substitute, err := r.fail(n, number, failure)
		if err != nil || substitute == nil {
			return err
		}
		return r.emit(n, *substitute, index, length)
	}
	if n.groupBy != nil && g.key != nil {
		bundle = bundle.Clone()
		bundle.Set("__IMTKEY__", g.key)
	}
	if err := r.take(n, number, bundle); err != nil {
		return err
	}
	return r.emit(n, bundle, index, length)
}

func (r *run) made(n *node, g *group) (connector.Bundle, *Failure, error) {
	if g.stream != nil {
		bundle, err := g.stream.finish()
		if err != nil {
			return connector.Bundle{}, FailureOf(err), nil
		}
		return bundle, nil, nil
	}
	bundles, failure, err := r.perform(n, connector.Bundle{}, g.bundles)
	if err != nil || failure != nil || len(bundles) == 0 {
		return connector.Bundle{}, failure, err
	}
	return bundles[0], nil, nil
}

// discard ends what a run leaves unfinished when it stops halfway.
func (r *run) discard() {
	for i := range r.aggregations {
		r.aggregations[i].discard()
	}
}
