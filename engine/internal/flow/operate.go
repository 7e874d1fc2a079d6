package flow

import (
	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/expr"
)

// operate does one operation of a module, and all that follows from it.
func (r *run) operate(n *node) error {
	number, err := r.count(n)
	if err != nil {
		return err
	}
	if n.bound != nil && r.start.Observer == nil {
		return r.operateBound(n, number)
	}
	input, failure := r.input(n)
	r.began(number, n, input)
	if failure == nil && n.action != nil {
		r.prepare(&r.acting, n, input)
		bundle, err := do(r.ctx, n.name, n.action, &r.acting)
		if err == nil {
			return r.sendOne(n, number, bundle)
		}
		failure = FailureOf(err)
	}
	if failure == nil && n.search != nil {
		return r.search(n, number, input)
	}
	var bundles []connector.Bundle
	if failure == nil {
		bundles, failure, err = r.perform(n, input, nil)
		if err != nil {
			return err
		}
	}
	if failure != nil {
		return r.replace(n, number, failure)
	}
	return r.send(n, number, bundles)
}

// operateBound is operate for a module that takes the values of its mapper as they come, when nobody wants to see its
// input.
func (r *run) operateBound(n *node, number int64) error {
	r.erased = nil
	values, ignoring, failure := r.evaluateVarying(n)
	if failure != nil {
		return r.replace(n, number, failure)
	}
	var bundle connector.Bundle
	var err error
	if ignoring {
		for i := range n.mapping.parts {
			if part := &n.mapping.parts[i]; part.fixed && part.constant != any(expr.Erase) {
				values[i] = part.constant
			}
		}
		var input connector.Bundle
		if input, failure = r.converted(n, values, true); failure != nil {
			return r.replace(n, number, failure)
		}
		r.prepare(&r.acting, n, input)
		bundle, err = do(r.ctx, n.name, n.action, &r.acting)
	} else {
		r.prepare(&r.acting, n, connector.Bundle{})
		bundle, err = doBound(r.ctx, n, &r.acting, values)
	}
	if err != nil {
		return r.replace(n, number, FailureOf(err))
	}
	return r.sendOne(n, number, bundle)
}

// replace deals with a failure, and sends on what stands in for the bundle, if anything does.
func (r *run) replace(n *node, number int64, failure *Failure) error {
	substitute, err := r.fail(n, number, failure)
	if err != nil || substitute == nil {
		return err
	}
	r.open(n)
	if err := r.emit(n, *substitute, 1, 1); err != nil {
		return err
	}
	return r.close(n)
}

// send takes the bundles of one operation and sends them on, each to the end before the next.
func (r *run) send(n *node, number int64, bundles []connector.Bundle) error {
	for _, bundle := range bundles {
		if err := r.take(n, number, bundle); err != nil {
			return err
		}
	}
	return r.emitAll(n, bundles)
}

func (r *run) emitAll(n *node, bundles []connector.Bundle) error {
	r.open(n)
	for i, bundle := range bundles {
		if err := r.emit(n, bundle, int64(i+1), int64(len(bundles))); err != nil {
			return err
		}
	}
	return r.close(n)
}

// sendOne is send for the operation of an action.
func (r *run) sendOne(n *node, number int64, bundle connector.Bundle) error {
	if err := r.take(n, number, bundle); err != nil {
		return err
	}
	if len(n.feeds) == 0 {
		return r.emit(n, bundle, 1, 1)
	}
	r.open(n)
	if err := r.emit(n, bundle, 1, 1); err != nil {
		return err
	}
	return r.close(n)
}

// take takes a bundle that an operation has given. One that holds too much ends the run, and so does the one of a module
// that returns.
func (r *run) take(n *node, number int64, bundle connector.Bundle) error {
	if limit := r.start.MaxBundleBytes; limit > 0 && r.meter.Bytes(bundle, limit) > limit {
		return r.stopped(n, failuref(connector.DataSizeLimitExceededError, "the bundle holds more than %d bytes", limit))
	}
	if limit := r.start.MaxBundleBytes; limit > 0 && r.variables.bytes > limit {
		return r.stopped(n, failuref(connector.DataSizeLimitExceededError, "the variables of the run hold more than %d bytes", limit))
	}
	if o := r.start.Observer; o != nil {
		o.Gave(number, n.id, bundle)
	}
	if n.returns {
		return &stop{output: bundle, returned: true}
	}
	return nil
}

// open begins what an operation of n leads to: the aggregators whose source n is begin anew.
func (r *run) open(n *node) {
	for _, a := range n.feeds {
		r.aggregations[a.aggregator].discard()
	}
}

// close ends what an operation of n led to: those aggregators give what they made.
func (r *run) close(n *node) error {
	for _, a := range n.feeds {
		if err := r.flush(a); err != nil {
			return err
		}
	}
	return nil
}

// emit sends a bundle on to what stands behind the module that gave it.
func (r *run) emit(n *node, bundle connector.Bundle, index, length int64) error {
	if n == r.first {
		r.fed = true
	}
	if n.next == nil {
		if n.endsHandler && r.handling != nil {
			r.handling.ended = true
		}
		return nil
	}
	if n.numbered {
		bundle = numbered(bundle, index, length)
	}
	r.bundles[n.slot] = bundle
	err := r.visit(n.next)
	r.bundles[n.slot] = nil
	return err
}

// perform calls a module: by itself when it is pure, through the host when it has an effect.
func (r *run) perform(n *node, input connector.Bundle, bundles []connector.Bundle) ([]connector.Bundle, *Failure, error) {
	if n.pure {
		call := &connector.Call{}
		r.prepare(call, n, input)
		given, err := Invoke(r.ctx, &Operation{Name: n.name, Impl: n.module, Bundles: bundles}, call)
		if err != nil {
			return nil, FailureOf(err), nil
		}
		return given, nil, nil
	}
	r.effects++
	vars := &assigning{variables: r.variables}
	op := &Operation{
		Number:   r.effects,
		Module:   n.id,
		Name:     n.name,
		Impl:     n.module,
		Params:   n.params,
		Input:    input,
		Erased:   r.erased,
		Bundles:  bundles,
		Vars:     vars,
		Now:      r.now,
		Location: r.start.Location,

		MaxBundles: r.start.MaxBundles,
		MaxBytes:   r.start.MaxBundleBytes,
		Connection: n.connection,
	}
	result, err := r.host.Do(r.ctx, op)
	if err != nil {
		return nil, nil, err
	}
	r.lasting = r.lasting || !n.idempotent && !result.Repeatable
	if result.Variables == nil {
		result.Variables = vars.set
	}
	for _, a := range result.Variables {
		r.variables.Set(a.Name, a.Value, a.Scope)
	}
	if !result.At.IsZero() {
		r.now = result.At
	}
	return result.Bundles, result.Failure, nil
}

// prepare fills in what a pure module gets to see. Field by field: a Call has many more, which stay empty.
func (r *run) prepare(call *connector.Call, n *node, input connector.Bundle) {
	call.Params, call.Input, call.Erased = n.params, input, r.erased
	call.Now, call.Location, call.Log = r.now, r.start.Location, silent
	call.Vars, call.Module, call.Structure, call.Attempt = r.variables, n.id, r.start.Structure, 1
}
