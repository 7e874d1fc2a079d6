package flow

import (
	"errors"

	"github.com/ebbkit/ebb/connector"
)

// A handling is an error route at work.
type handling struct {
	failed *StepError
	// ended says that the route came to an end or to a directive. When a filter on it lets nothing through, the failure is
	// treated as if there were no error route.
	ended bool
	// settled says that the failure has been dealt with and what goes on is an aggregator's bundle: there is nothing to
	// resume.
	settled bool
	// substitute is what a Resume directive gives in place of the failed module.
	substitute *connector.Bundle
}

// errResumed unwinds an error route from its Resume directive.
var errResumed = errors.New("resumed")

// fail deals with the failure of an operation: by the module's error route, or by ending the run. It returns the bundle
// that stands in for the one that failed, if there is one; without one and without an error the bundle is dropped and
// the run goes on with the next.
func (r *run) fail(n *node, number int64, failure *Failure) (*connector.Bundle, error) {
	if o := r.start.Observer; o != nil {
		o.Failed(number, failure)
	}
	if err := r.ctx.Err(); err != nil {
		return nil, err
	}
	if n.onError == nil {
		return nil, r.stopped(n, failure)
	}
	outer, before := r.handling, r.bundles[n.slot]
	h := &handling{failed: &StepError{Module: n.id, Name: n.name, Failure: failure}}
	r.handling = h
	r.bundles[n.slot] = connector.NewBundle("error", failure.bundle())
	err := r.handle(n)
	r.handling, r.bundles[n.slot] = outer, before
	switch {
	case errors.Is(err, errResumed) && h.substitute != nil:
		if o := r.start.Observer; o != nil {
			o.Replaced(number, n.id, *h.substitute)
		}
		return h.substitute, nil
	case err != nil:
		return nil, err
	case !h.ended:
		return nil, r.stopped(n, failure)
	}
	if outer != nil { // the module is itself on an error route, and its bundle has come to an end there
		outer.ended = true
	}
	return nil, nil
}

// handle walks the error route of a module. The aggregators on it whose source the module itself is make their bundles of
// this one failure: the operation has no other end.
func (r *run) handle(n *node) error {
	for _, a := range n.feeds {
		if a.own {
			r.aggregations[a.aggregator].discard()
		}
	}
	err := r.visit(n.onError)
	for _, a := range n.feeds {
		if err == nil && a.own {
			err = r.flush(a)
		}
	}
	return err
}

// bundle is what an error route sees of a failure under the failed module's id.
func (f *Failure) bundle() connector.Bundle {
	var detail any
	if f.Detail.Len() > 0 {
		detail = f.Detail
	}
	return connector.NewBundle("type", string(f.Type), "message", f.Message, "detail", detail)
}

// direct does what a directive at the end of an error route says.
func (r *run) direct(n *node) error {
	h := r.handling
	if h == nil {
		return nil // outside an error route, where Check has reported it, a directive does nothing
	}
	h.ended = true
	switch n.directive {
	case resumeDirective:
		if h.settled {
			return nil
		}
		substitute, failure := r.input(n)
		if failure != nil {
			return r.stopped(n, failure)
		}
		h.substitute = &substitute
		return errResumed
	case commitDirective:
		return &stop{}
	case rollbackDirective:
		return &stop{failed: h.failed, rollback: true}
	}
	return nil
}
