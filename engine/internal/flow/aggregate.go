package flow

import (
	"context"
	"fmt"
	"iter"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/expr"
)

// An aggregation is what has reached an aggregator during one operation of its source. A source never works inside its
// own operation, so each aggregator has at most one open aggregation.
type aggregation struct {
	groups map[string]*group
	order  []*group
}

// A group is the bundles of one value of groupBy, or all of them when there is no groupBy.
type group struct {
	key any
	// A pure aggregator takes each bundle as it comes, so that a million bundles need no room; stream is it at work. One
	// with an effect works once, at the end, on bundles.
	stream  *stream
	bundles []connector.Bundle
}

// find returns the group of a key, and makes it at the key's first bundle.
func (a *aggregation) find(id string, key any) *group {
	if g := a.groups[id]; g != nil {
		return g
	}
	g := &group{key: key}
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
	if err := r.ctx.Err(); err != nil {
		return err
	}
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
	g := a.find(id, key)
	if limit := r.start.MaxOperations; limit > 0 && r.operations+int64(len(a.order)) > limit {
		return r.stopped(n, failuref(connector.OperationsLimitExceededError, "the groups would be more than the %d operations of the run", limit))
	}
	r.take(n, g, input, len(a.order) <= maxStreams)
	return nil
}

// maxStreams is how many groups of one aggregation take bundles as they come; the groups that came later keep theirs until
// the end. A stream costs a stack of its own.
const maxStreams = 256

func (r *run) take(n *node, g *group, input connector.Bundle, streams bool) {
	module, ok := n.module.(connector.Aggregator)
	if !n.pure || !ok || !streams && g.stream == nil {
		g.bundles = append(g.bundles, input)
		return
	}
	if g.stream == nil {
		call := r.call(n, connector.Bundle{})
		g.stream = newStream(r.ctx, n.name, module, &call)
	}
	g.stream.push(input)
}

// flush lets an aggregator give what it made, one bundle for each group. Without any bundle it gives an empty one, unless
// it is told to stop then.
func (r *run) flush(n *node) error {
	a := &r.aggregations[n.aggregator]
	defer a.discard()
	if len(a.order) == 0 {
		if n.stopIfEmpty {
			return nil
		}
		a.find("", nil)
	}
	return r.lead(n, func() error {
		for i, g := range a.order {
			if err := r.finish(n, g, int64(i+1), int64(len(a.order))); err != nil {
				return err
			}
		}
		return nil
	})
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
	r.gave(number, bundle)
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

// A stream is an aggregator at work: Aggregate wants to pull its bundles, the run pushes them. It runs as a coroutine
// (iter.Pull) that hands control back whenever it wants the next bundle.
type stream struct {
	resume func() (struct{}, bool)
	stop   func()

	item   connector.Bundle
	more   bool
	ended  bool
	out    connector.Bundle
	result error
}

func newStream(ctx context.Context, name string, module connector.Aggregator, call *connector.Call) *stream {
	s := &stream{}
	s.resume, s.stop = iter.Pull(func(yield func(struct{}) bool) {
		bundles := func(take func(connector.Bundle, error) bool) {
			for yield(struct{}{}) && s.more && take(s.item, nil) {
			}
		}
		s.out, s.result = aggregate(ctx, name, module, call, bundles)
	})
	s.step() // up to where it wants the first bundle
	return s
}

func (s *stream) step() {
	if _, ok := s.resume(); !ok {
		s.ended = true
	}
}

// push gives the aggregator one more bundle. One that has returned already gets none.
func (s *stream) push(item connector.Bundle) {
	if s.ended {
		return
	}
	s.item, s.more = item, true
	s.step()
	s.item = connector.Bundle{}
}

// finish tells the aggregator that there are no more bundles and returns what it made.
func (s *stream) finish() (connector.Bundle, error) {
	s.more = false
	for !s.ended {
		s.step()
	}
	return s.out, s.result
}

func (s *stream) discard() {
	s.more = false
	s.stop()
}
