package flow

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/ebbkit/ebb/connector"
)

// Start is what a run begins with. Two runs of a program with the same Start and the same answers of the host are the
// same run.
type Start struct {
	// Bundles are what the first module gives; the module itself is not asked. Ask makes the run ask it instead.
	Bundles []connector.Bundle
	Ask     bool
	// Cycles is how many times the first module is asked. Zero: once.
	Cycles int

	// Now is when the run begins. While it goes on, its time is when the last operation with an effect ended.
	Now time.Time
	// Location is the scenario's time zone. Nil: UTC.
	Location *time.Location
	// Seed is what the keywords random and uuid are drawn from.
	Seed [32]byte
	// Variables gives the roots beside the modules that expressions may name: "var", "executionId". It gives the same every
	// time. Nil: there are none.
	Variables func(root string) (any, bool)
	// Structure finds data structures for pure modules, see connector.Call. It gives the same every time. Nil: there are
	// none.
	Structure func(ctx context.Context, name string) (*connector.Structure, error)

	// MaxOperations ends the run with OperationsLimitExceededError when it wants to do more. Zero: no limit.
	MaxOperations int64
	// MaxBundles fails an operation with an effect that gives more bundles, with MaxResultsExceededError. Zero: no limit.
	MaxBundles int64
	// Observer is told what happens. Nil: nobody.
	Observer Observer
}

// An Outcome is how a run ended.
type Outcome struct {
	// Failed is the failure that ended the run, and nil when it came to its end.
	Failed *StepError
	// Operations counts what modules did, with and without effect.
	Operations int64
	// Repeatable says that all effects were those of modules that may be called again with the same key.
	Repeatable bool
	// RolledBack says that a Rollback directive or a failure ended the run, so that what can be taken back must be.
	RolledBack bool
}

// A StepError says which module ended a run, and how it failed.
type StepError struct {
	// Module is the module's id, Name its name.
	Module int
	Name   string
	*Failure
}

// Error names the module, never the failure's message: that may hold data, and errors are logged.
func (e *StepError) Error() string {
	return fmt.Sprintf("module %d (%s): %s", e.Module, e.Name, e.Type)
}

// Unwrap returns the failure.
func (e *StepError) Unwrap() error { return e.Failure }

// Run walks the program from its first module to its end. The error is the host's, or the context's: the run has then
// no outcome. A Program may be in any number of runs at once.
func (p *Program) Run(ctx context.Context, host Host, start Start) (Outcome, error) {
	if start.Location == nil {
		start.Location = time.UTC
	}
	r := &run{
		Program:      p,
		ctx:          ctx,
		host:         host,
		start:        &start,
		now:          start.Now,
		bundles:      make([]any, p.slots),
		aggregations: make([]aggregation, p.aggregators),
		variables:    variables{},
	}
	defer r.discard()
	err := r.cycles()
	outcome := Outcome{Operations: r.operations, Repeatable: !r.lasting}
	var stop *stop
	switch {
	case err == nil:
	case errors.As(err, &stop):
		outcome.Failed, outcome.RolledBack = stop.failed, stop.rollback
	default:
		return Outcome{}, err
	}
	return outcome, nil
}

// A stop unwinds the run to its end: a failure that nobody handles, or a directive.
type stop struct {
	failed   *StepError
	rollback bool
}

func (s *stop) Error() string { return "run stopped" }

// A run is the state of one walk. It belongs to one goroutine.
type run struct {
	*Program
	ctx   context.Context
	host  Host
	start *Start

	now    time.Time
	random *rand.Rand // made when it is first asked

	// bundles holds, by slot, what each module on the way to the one at work has given, and nil for all others. So an
	// expression sees what lies upstream and nothing else.
	bundles      []any
	aggregations []aggregation
	variables    variables
	handling     *handling
	// acting is the call of the pure action at work: it ends before the next one begins.
	acting connector.Call
	// erased names the fields of the mapper that was evaluated last which are to be erased.
	erased []string

	operations int64
	effects    int64
	lasting    bool // there was an effect that must not be had twice
}

func (r *run) cycles() error {
	if r.first == nil {
		return nil
	}
	for range max(r.start.Cycles, 1) {
		r.variables.endRoundtrip()
		gave, err := r.begin()
		if err != nil {
			return err
		}
		if !gave && r.first.polls {
			return nil
		}
	}
	return nil
}

// begin does one cycle and says whether the first module gave anything.
func (r *run) begin() (bool, error) {
	if r.start.Ask || r.first.kind == routerNode || r.first.kind == conditionNode {
		before := r.effects
		err := r.enter(r.first)
		return r.effects > before, err
	}
	n := r.first
	number, err := r.count(n)
	if err != nil {
		return false, err
	}
	r.began(number, n, connector.Bundle{})
	for _, bundle := range r.start.Bundles {
		r.gave(number, bundle)
	}
	return len(r.start.Bundles) > 0, r.lead(n, func() error { return r.emitAll(n, r.start.Bundles) })
}

// visit lets the bundle at hand into a module, if the filter in front of it does.
func (r *run) visit(n *node) error {
	if ok, err := r.passes(n); err != nil || !ok {
		return err
	}
	return r.enter(n)
}

// passes says whether the filter in front of a module lets the bundle at hand through.
func (r *run) passes(n *node) (bool, error) {
	if n.filter == nil {
		return true, nil
	}
	found, err := r.holds(n, n.filter, "filter.conditions", 0)
	return found == met, err
}

// enter lets the bundle at hand into a module.
func (r *run) enter(n *node) error {
	switch n.kind {
	case routerNode:
		return r.route(n)
	case conditionNode:
		return r.choose(n)
	case mergeNode:
		return r.merge(n)
	case aggregatorNode:
		return r.gather(n)
	case directiveNode:
		return r.direct(n)
	default:
		return r.operate(n)
	}
}

// count begins an operation.
func (r *run) count(n *node) (int64, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	if limit := r.start.MaxOperations; limit > 0 && r.operations >= limit {
		return 0, r.stopped(n, failuref(connector.OperationsLimitExceededError, "the run did all of its %d operations", limit))
	}
	r.operations++
	return r.operations, nil
}

func (r *run) stopped(n *node, failure *Failure) error {
	return &stop{failed: &StepError{Module: n.id, Name: n.name, Failure: failure}, rollback: true}
}

// operate does one operation of a module, and all that follows from it.
func (r *run) operate(n *node) error {
	number, err := r.count(n)
	if err != nil {
		return err
	}
	input, failure := r.input(n)
	r.began(number, n, input)
	if search, ok := n.module.(connector.Search); ok && n.pure && !n.lengthMatters && failure == nil {
		return r.lead(n, func() error { return r.search(n, number, search, input) })
	}
	var bundles []connector.Bundle
	if failure == nil {
		bundles, failure, err = r.perform(n, input, nil)
		if err != nil {
			return err
		}
	}
	if failure != nil {
		substitute, err := r.fail(n, number, failure)
		if err != nil || substitute == nil {
			return err
		}
		bundles = []connector.Bundle{*substitute}
	} else {
		for _, bundle := range bundles {
			r.gave(number, bundle)
		}
	}
	return r.lead(n, func() error { return r.emitAll(n, bundles) })
}

// perform calls a module: by itself when it is pure, through the host when it has an effect.
func (r *run) perform(n *node, input connector.Bundle, bundles []connector.Bundle) ([]connector.Bundle, *Failure, error) {
	if n.pure {
		if action, ok := n.module.(connector.Action); ok {
			r.acting = r.call(n, input)
			bundle, err := do(r.ctx, n.name, action, &r.acting)
			if err != nil {
				return nil, FailureOf(err), nil
			}
			return []connector.Bundle{bundle}, nil, nil
		}
		call := r.call(n, input)
		given, err := Invoke(r.ctx, &Operation{Name: n.name, Impl: n.module, Bundles: bundles}, &call)
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

// call is what a pure module gets to see.
func (r *run) call(n *node, input connector.Bundle) connector.Call {
	return connector.Call{
		Params:   n.params,
		Input:    input,
		Erased:   r.erased,
		Now:      r.now,
		Location: r.start.Location,
		Log:      silent,
		Vars:     r.variables,
		Attempt:  1,

		Structure: r.start.Structure,
	}
}

// errDropped says that a failure left nothing to go on with.
var errDropped = errors.New("bundle dropped")

// lead runs what an operation of n leads to, then finishes the aggregators whose source it is.
func (r *run) lead(n *node, follow func() error) error {
	for _, a := range n.feeds {
		r.aggregations[a.aggregator].discard()
	}
	switch err := follow(); {
	case errors.Is(err, errDropped):
		return nil
	case err != nil:
		return err
	}
	for _, a := range n.feeds {
		if err := r.flush(a); err != nil {
			return err
		}
	}
	return nil
}

// search walks the bundles of a pure search one by one, as they are made.
func (r *run) search(n *node, number int64, module connector.Search, input connector.Bundle) error {
	var index int64
	follow, err := func() (follow, err error) {
		defer recovered(n.name, &err)
		call := r.call(n, input)
		for bundle, err := range module.Search(r.ctx, &call) {
			if err != nil {
				return nil, err
			}
			if err := r.ctx.Err(); err != nil {
				return err, nil
			}
			index++
			r.gave(number, bundle)
			if err := r.emit(n, bundle, index, 0); err != nil {
				return err, nil
			}
		}
		return nil, nil
	}()
	if follow != nil || err == nil {
		return follow
	}
	substitute, err := r.fail(n, number, FailureOf(err))
	switch {
	case err != nil:
		return err
	case substitute != nil:
		return r.emit(n, *substitute, index+1, 0)
	case index == 0:
		return errDropped
	}
	return nil
}

// emitAll sends the bundles of one operation on, each to the end before the next.
func (r *run) emitAll(n *node, bundles []connector.Bundle) error {
	for i, bundle := range bundles {
		if err := r.emit(n, bundle, int64(i+1), int64(len(bundles))); err != nil {
			return err
		}
	}
	return nil
}

// emit sends a bundle on to what stands behind the module that gave it.
func (r *run) emit(n *node, bundle connector.Bundle, index, length int64) error {
	if n.next == nil {
		if n.endsHandler && r.handling != nil {
			r.handling.ended = true
		}
		return nil
	}
	if n.numbered {
		r.bundles[n.slot] = numbered(bundle, index, length)
	} else {
		r.bundles[n.slot] = bundle
	}
	err := r.visit(n.next)
	r.bundles[n.slot] = nil
	return err
}
