package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"time"

	"go.uber.org/zap"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto/secret"
	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/engine/internal/flow"
	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/store"
)

// Run runs a scenario, named by its name or its ID, once, now, in the goroutine of the caller, whether it is active or not, and
// keeps the execution like any other.
//
// The scenario's inputs are in, readable in mappings as var.input. If the blueprint declares inputs, in is converted to
// them, and what does not fit is an error of type BundleValidationError. A first module that is a trigger then gives them
// as its bundle. Without declared inputs, in is what the first module would have given; if it is empty, a first module
// that is no hook is asked itself, and the run has as many cycles as the blueprint's setting roundtrips says. A polling
// trigger goes on from cycle to cycle, but every Run begins with it anew: where it ended is not kept yet.
//
// A failure of the scenario is part of the Execution, not an error. When ctx ends, the run ends with it and leaves no
// record. What names a person who was erased, see DeployOptions.Subjects, is not run: ErrErased.
func (e *Engine) Run(ctx context.Context, scenario string, in connector.Bundle) (*Execution, error) {
	if err := e.open(); err != nil {
		return nil, err
	}
	s, err := e.load(ctx, e.tenant, e.idOf(scenario))
	if errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("run: %w: scenario %q", ErrNotFound, scenario)
	}
	if err != nil {
		return nil, err
	}
	plan, err := s.planFor(in)
	if err != nil {
		return nil, fmt.Errorf("run %q: %w", s.doc.Name, err)
	}
	if plan.id, err = e.newID(); err != nil {
		return nil, err
	}
	if err := e.introduce(ctx, &plan); err != nil {
		return nil, fmt.Errorf("run %q: %w", s.doc.Name, err)
	}
	x, events, err := e.execute(ctx, &plan, func(connector.Response) {})
	if err != nil {
		return nil, fmt.Errorf("run %q: %w", s.doc.Name, err)
	}
	if err := e.keep(ctx, x, &plan, events); err != nil {
		return nil, fmt.Errorf("run %q: keep the execution: %w", s.doc.Name, err)
	}
	if s.settings.Confidential {
		return x, nil
	}
	return x, x.tell(events)
}

// tell reads the trace into an execution that has just ended. Its output is what the scenario answers with, so it stays as
// the scenario gave it; what is kept of it is masked.
func (x *Execution) tell(events []byte) error {
	output := x.Output
	err := x.readTrace(events)
	x.Output = output
	return err
}

// TryOptions say how a blueprint is tried.
type TryOptions struct {
	// Input is what the first module gives, whatever module it is, in one cycle. Nil: a hook gets one empty bundle, and
	// every other module is asked.
	Input []connector.Bundle
	// Stubs are modules that stand in for the blueprint's own, by id.
	Stubs map[int]connector.Module
	// Connections, DataStores, Structures, Scenarios and Location are those of DeployOptions.
	Connections, DataStores, Structures, Scenarios map[string]string
	Location                                       *time.Location
}

// Try runs a blueprint once without deploying it and keeps no record of the run. What its modules do is real, but for the
// stubs; data stores are the tenant's and made when they are not there. A blueprint with problems is refused with a
// *CheckError.
func (e *Engine) Try(ctx context.Context, bp *blueprint.Blueprint, options TryOptions) (*Execution, error) {
	if err := e.open(); err != nil {
		return nil, err
	}
	stubs := options.Stubs
	if options.Input != nil && len(bp.Flow) > 0 { // the first module is not asked, so nobody needs to know it
		first := &bp.Flow[0]
		if _, _, known := e.modules.find(first.Name, first.Version); !known && stubs[first.ID] == nil && shapes[first.Name] == "" {
			stubs = maps.Clone(stubs)
			if stubs == nil {
				stubs = map[int]connector.Module{}
			}
			stubs[first.ID] = given{}
		}
	}
	program, _, err := e.compile(bp, stubs)
	if err != nil {
		return nil, fmt.Errorf("try %q: %w", bp.Name, err)
	}
	stores, err := e.dataStoreChanges(ctx, bp, options.DataStores)
	if err == nil {
		err = e.repo.Apply(ctx, stores...)
	}
	if errors.Is(err, store.ErrConflict) { // somebody else has just made one: look again
		return e.Try(ctx, bp, options)
	}
	if err != nil {
		return nil, fmt.Errorf("try %q: %w", bp.Name, err)
	}
	s := &deployed{
		doc: &repo.Scenario{
			Envelope: repo.Envelope{Tenant: e.tenant}, Name: bp.Name,
			Connections: options.Connections, DataStores: options.DataStores, Structures: options.Structures, Scenarios: options.Scenarios,
		},
		program:  program,
		settings: bp.Settings(),
		location: options.Location,
		accounts: e.accounts(bp, options.Connections, stubs),
		hidden:   e.passwords(bp, stubs),
	}
	if s.location == nil {
		s.location = e.cfg.Location
	}
	plan := plan{deployed: s, bundles: options.Input, tried: true, confidential: s.settings.Confidential}
	if options.Input == nil {
		if _, receives := program.First().(connector.Receiver); receives {
			plan.bundles = []connector.Bundle{{}}
		} else {
			plan.ask = true
		}
	}
	if plan.id, err = e.newID(); err != nil {
		return nil, err
	}
	var responses []connector.Response
	x, events, err := e.execute(ctx, &plan, func(r connector.Response) { responses = append(responses, r) })
	if err != nil {
		return nil, fmt.Errorf("try %q: %w", bp.Name, err)
	}
	x.Responses = responses
	return x, x.tell(events)
}

// maxTriedBytes is how long the trace of a blueprint that is only tried may be.
const maxTriedBytes = 1 << 30

// given stands in for a first module whose bundles are given.
type given struct{ connector.Receiver }

// Info implements connector.Module.
func (given) Info() connector.Info { return connector.Info{Name: "Given"} }

// A plan is one run of a scenario.
type plan struct {
	*deployed
	id      string
	bundles []connector.Bundle
	ask     bool
	cycles  int              // how many at most; zero is one
	inputs  connector.Bundle // what the scenario was called with
	depth   int              // how many runs wait for this one
	// confidential says that nothing of the run's data is kept: because of the scenario's own setting, or because what it
	// was called with is that of a run of which nothing is kept.
	confidential bool
	tried        bool                        // nothing is stored, so the trace is whole
	secure       func(context.Context) error // is called before the first operation that may have an effect; nil: nothing to do
	vars         connector.Bundle            // made when an expression first asks for it
	mask         *secret.Mask                // that of the run which waits for this one; nil: it has its own
	// people are those whom the run was given with its delivery, or by the run that calls it; untold is why they could not all
	// be named. mentions has everybody of whom it speaks when it has ended; nil: nobody.
	people   []repo.Person
	untold   error
	mentions *mentions
}

// Causes for which a run is told to stop without an outcome.
var (
	errOutOfTime = errors.New("engine: the run took longer than Config.MaxRunTime")
	errFenced    = errors.New("engine: another worker has taken the delivery over")
	errDraining  = errors.New("engine: serving has ended")
)

// execute runs a plan to its end. The execution has no trace yet: that is in events, as it is stored. An error means that
// the run has no outcome and leaves no record.
func (c *core) execute(ctx context.Context, p *plan, respond func(connector.Response)) (x *Execution, events []byte, err error) {
	x = &Execution{ID: p.id, Scenario: p.doc.ID, Deployment: p.doc.Deployment, Started: c.now()}
	h := &host{
		core:        c,
		tenant:      p.doc.Tenant,
		run:         p.id,
		scenario:    p.doc.ID,
		connections: p.doc.Connections,
		dataStores:  p.doc.DataStores,
		scenarios:   p.doc.Scenarios,
		depth:       p.depth,
		hushed:      p.confidential,
		structures:  c.structuresOf(p.doc),
		location:    p.location,
		respond:     respond,
		late:        !p.settings.AutoCommit,
		secure:      p.secure,
		mask:        p.mask,
		hidden:      p.hidden,
		connects:    p.mask != nil || len(p.accounts) > 0 || p.hidden != nil,
		mentions:    c.spoken(p),
	}
	defer func() { p.mentions = h.speaks() }()
	if h.mask == nil {
		h.mask = &h.own
		defer h.mask.Destroy()
	}
	observed := &trace{limit: c.cfg.MaxTraceBytes, mask: h.mask, hidden: p.hidden}
	if p.tried {
		observed.limit = maxTriedBytes
	}
	start := flow.Start{
		Bundles:        p.bundles,
		Ask:            p.ask,
		Cycles:         p.cycles,
		Now:            x.Started,
		Location:       p.location,
		Variables:      p.variable,
		Structure:      h.structures.find,
		MaxOperations:  c.cfg.MaxOperations,
		MaxBundles:     c.cfg.MaxBundles,
		MaxBundleBytes: c.cfg.MaxBundleBytes,
	}
	switch {
	case p.confidential && !p.tried:
	case h.mentions != nil:
		start.Observer = witness{observed, h.mentions}
	default:
		start.Observer = observed
	}
	if _, err := io.ReadFull(c.cfg.Random, start.Seed[:]); err != nil {
		return nil, nil, fmt.Errorf("seed the run: %w", err)
	}
	limited, cancel := context.WithTimeoutCause(ctx, c.cfg.MaxRunTime, errOutOfTime)
	defer cancel()
	outcome, err := c.begin(limited, p, h, start)
	x.Ended, x.Operations, x.Status = c.now(), outcome.Operations, StatusSuccess
	x.repeatable = outcome.Repeatable
	switch {
	case err != nil && ctx.Err() == nil && errors.Is(context.Cause(limited), errOutOfTime):
		x.Status = StatusError
		x.Failure = &Failure{Type: connector.ScenarioTimeoutError, Message: fmt.Sprintf("the run took longer than %v", c.cfg.MaxRunTime)}
	case err != nil:
		return nil, nil, h.mask.Error(err)
	case outcome.Failed != nil:
		x.Status = StatusError
		x.Failure = &Failure{Module: outcome.Failed.Module, Type: outcome.Failed.Type, Message: outcome.Failed.Message}
	default:
		h.commit()
		p.output(x, outcome.Output)
		observed.returned(x.Output)
	}
	x.Failure = x.Failure.masked(h.mask)
	return x, observed.events, nil
}

// begin initializes a run and does it.
func (c *core) begin(ctx context.Context, p *plan, h *host, start flow.Start) (flow.Outcome, error) {
	failure, err := c.initialize(ctx, p, h.mask)
	if err != nil {
		return flow.Outcome{}, err
	}
	if failure != nil {
		failed := &flow.StepError{Module: failure.Module, Failure: &flow.Failure{Type: failure.Type, Message: failure.Message}}
		return flow.Outcome{Failed: failed, Repeatable: true}, nil
	}
	return run(ctx, p.program, h, start)
}

// run is Program.Run, in which no module can bring the process down. What a module does wrong while it works is its own
// failure; this is for the rest, such as an Info that panics.
func run(ctx context.Context, program *flow.Program, h *host, start flow.Start) (outcome flow.Outcome, err error) {
	defer func() {
		if value := recover(); value != nil {
			outcome.Failed = &flow.StepError{Failure: &flow.Failure{
				Type: connector.UnexpectedError, Message: fmt.Sprintf("the run panicked with a value of type %T", value),
			}}
		}
	}()
	return program.Run(ctx, h, start)
}

// variable is a root that expressions may name beside the modules (https://help.make.com/system-variables).
func (p *plan) variable(root string) (any, bool) {
	switch root {
	case "executionId":
		return p.id, true
	case "var":
		if p.vars.Len() == 0 {
			p.vars = connector.NewBundle(
				"scenario", connector.NewBundle("id", p.doc.ID, "name", p.doc.Name, "executionId", p.id),
				"execution", connector.NewBundle("id", p.id),
				"input", p.inputs,
				"organization", connector.NewBundle("id", p.doc.Tenant),
			)
		}
		return p.vars, true
	}
	return nil, false
}

// keep writes what is kept of an execution. Who names the same people at the same time, or erases one of them, has it look
// again.
func (c *core) keep(ctx context.Context, x *Execution, p *plan, events []byte) error {
	for tries := 0; ; tries++ {
		changes, people, err := c.record(ctx, x, p, events)
		if err == nil {
			err = c.repo.Apply(ctx, append(changes, c.repo.Present(people...)...)...)
		}
		switch {
		case err == nil || tries == maxConflicts || len(people) == 0:
			return err
		case errors.Is(err, ErrErased):
			p.mentions.erased()
		case errors.Is(err, store.ErrConflict):
			if err := p.mentions.again(ctx, people); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// record is what is kept of an execution, and the people whom it names. An error is that of looking for them.
func (c *core) record(ctx context.Context, x *Execution, p *plan, events []byte) ([]repo.Change, []repo.Person, error) {
	if p.mentions == nil {
		p.mentions = c.spoken(p) // it has not been run
	}
	people, untold, err := p.mentions.people(ctx)
	if err != nil {
		return nil, nil, err
	}
	if untold == nil && p.mentions.wasRefused() {
		untold = ErrErased
	}
	if untold != nil {
		events = untoldTrace(untold)
	}
	execution, activity := x.documents(p.doc.Tenant, events, p.confidential)
	changes := []repo.Change{c.repo.Put(activity)}
	if execution != nil {
		execution.Subjects = subjectsOf(people)
		if untold != nil {
			execution.Summary.Message = ""
		}
		changes = append(changes, c.repo.Put(execution))
	}
	c.cfg.Logger.Debug("execution ended", zap.String("scenario", x.Scenario), zap.String("execution", x.ID),
		zap.String("status", string(x.Status)), zap.Int64("operations", x.Operations), zap.Duration("took", x.Ended.Sub(x.Started)))
	return changes, people, nil
}
