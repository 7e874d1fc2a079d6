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
	// Bundles are what the first module gives in the first cycle; the module itself is not asked. Ask makes the run ask it
	// instead.
	Bundles []connector.Bundle
	Ask     bool
	// Cycles is how many cycles the run has at most. In the second and every later one the first module is asked, and a
	// trigger that gives nothing ends the run there; without a trigger there are exactly so many cycles, with a receiver
	// there is one. Zero: one.
	Cycles int
	// Instant says that each of Bundles is an event of its own and has a cycle of its own. Ask and Cycles are then of no
	// account.
	Instant bool

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
	// MaxBundleBytes ends the run with DataSizeLimitExceededError when a module gives a bundle that holds more, when the
	// variables of the run hold more together, or when an aggregator has to keep more: bundles, if it works at the end of its
	// source, and the keys of its groups. It fails an operation with an effect whose bundles hold more together, with the
	// same error. See connector.Meter. Zero: no limit.
	MaxBundleBytes int64
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
	// RolledBack says that a Rollback directive or a failure ended the run, so that what can be taken back must be. What
	// belongs to cycles before the last one stays, see Cycler.
	RolledBack bool
	// Returned says that a module whose Info says Returns has ended the run, and well, with Output as its result.
	Returned bool
	Output   connector.Bundle
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
	}
	r.variables = &variables{known: map[string]variable{}, limit: start.MaxBundleBytes, meter: &r.meter}
	defer r.discard()
	err := r.cycles()
	outcome := Outcome{Operations: r.operations, Repeatable: !r.lasting}
	var stop *stop
	switch {
	case err == nil:
	case errors.As(err, &stop):
		outcome.Failed, outcome.RolledBack = stop.failed, stop.rollback
		outcome.Output, outcome.Returned = stop.output, stop.returned
	default:
		return Outcome{}, err
	}
	return outcome, nil
}

// A stop unwinds the run to its end: a failure that nobody handles, a directive, or a module that returns.
type stop struct {
	failed   *StepError
	rollback bool
	output   connector.Bundle
	returned bool
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
	variables    *variables
	handling     *handling
	meter        connector.Meter
	// inputs holds, by slot, the inputs that are the same for every bundle.
	inputs []connector.Bundle
	// values is room for what the parts of one mapper come to.
	values []any
	// acting is the call of the pure action at work: it ends before the next one begins.
	acting connector.Call
	// erased names the fields of the mapper that was evaluated last which are to be erased.
	erased []string

	operations int64
	effects    int64
	lasting    bool // there was an effect that must not be had twice
	fed        bool // the first module gave a bundle in this cycle
}

// cycles does one cycle after the other.
func (r *run) cycles() error {
	if r.first == nil {
		return nil
	}
	cycles := max(r.start.Cycles, 1)
	switch {
	case r.start.Instant:
		cycles = len(r.start.Bundles)
	case r.first.receives:
		cycles = 1
	}
	for i := range cycles {
		if err := r.ctx.Err(); err != nil { // a cycle need not have any operation that asks
			return err
		}
		r.variables.endRoundtrip()
		r.fed = false
		if err := r.cycle(i); err != nil {
			return err
		}
		if host, ok := r.host.(Cycler); ok {
			if err := r.end(host); err != nil {
				return err
			}
		}
		if !r.fed && r.first.polls {
			return nil
		}
	}
	return nil
}

// cycle does the i-th cycle, counted from 0.
func (r *run) cycle(i int) error {
	n, given := r.first, r.start.Bundles
	switch {
	case n.kind == routerNode || n.kind == conditionNode:
		return r.enter(n)
	case r.start.Instant:
		given = given[i : i+1]
	case i > 0 || r.start.Ask:
		return r.enter(n)
	}
	number, err := r.count(n)
	if err != nil {
		return err
	}
	r.began(number, n, connector.Bundle{})
	return r.send(n, number, given)
}

// end tells the host that a cycle is over.
func (r *run) end(host Cycler) error {
	failure, err := host.EndCycle(r.ctx)
	if err == nil && failure != nil {
		err = &stop{failed: &StepError{Module: r.first.id, Name: r.first.name, Failure: failure}}
	}
	return err
}

// visit lets the bundle at hand into a module, if the filter in front of it does.
func (r *run) visit(n *node) error {
	if n.filter != nil {
		if ok, err := r.passes(n); err != nil || !ok {
			return err
		}
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
