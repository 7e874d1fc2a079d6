package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/engine/internal/repo"
)

// interfaceOf reads what a blueprint declares as the inputs or outputs of its scenario. Nil: nothing.
func interfaceOf(name string, fields blueprint.Fields) (*connector.Structure, error) {
	if len(fields) == 0 {
		return nil, nil
	}
	spec, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	structure, err := connector.ParseStructure(spec)
	if err != nil {
		return nil, err
	}
	structure.Name = name
	return &structure, nil
}

// readInterface reads what the blueprint declares as its inputs and outputs.
func (d *deployed) readInterface(bp *blueprint.Blueprint) (err error) {
	if d.inputs, err = interfaceOf("inputs", bp.Inputs()); err != nil {
		return fmt.Errorf("scenario %q: inputs: %w", d.doc.Name, err)
	}
	if d.outputs, err = interfaceOf("outputs", bp.Outputs()); err != nil {
		return fmt.Errorf("scenario %q: outputs: %w", d.doc.Name, err)
	}
	return nil
}

// interfaceProblems says what is wrong with what a blueprint declares as its inputs and outputs.
func interfaceProblems(bp *blueprint.Blueprint) (problems []blueprint.Problem) {
	for name, fields := range map[string]blueprint.Fields{"interface.input": bp.Inputs(), "interface.output": bp.Outputs()} {
		if _, err := interfaceOf(name, fields); err != nil {
			problems = append(problems, blueprint.Problem{
				Field: name, Severity: blueprint.SeverityError, Code: blueprint.CodeBadSetting, Message: err.Error(),
			})
		}
	}
	return problems
}

// planFor says how the scenario is run with in: as the bundle of its first module, as its inputs, or, if there is nothing to
// give, by asking the first module.
func (d *deployed) planFor(in connector.Bundle) (plan, error) {
	p := plan{deployed: d, inputs: in, cycles: d.settings.Roundtrips, confidential: d.settings.Confidential}
	first := d.program.First()
	if _, receives := first.(connector.Receiver); receives {
		p.bundles = []connector.Bundle{in}
		return p, nil
	}
	if d.inputs != nil {
		var err error
		if p.inputs, err = d.inputs.Convert(in, d.location); err != nil {
			return plan{}, err
		}
	}
	_, triggers := first.(connector.Trigger)
	switch {
	case d.inputs != nil && triggers, d.inputs == nil && in.Len() > 0:
		p.bundles, p.cycles = []connector.Bundle{p.inputs}, 1
	default:
		p.ask = true
	}
	return p, nil
}

// output takes over what the run has returned, converted to what the scenario declares. Outputs that do not fit fail the
// execution; what the run did is done.
func (p *plan) output(x *Execution, out connector.Bundle) {
	x.Output = out
	if p.outputs == nil || out.Len() == 0 {
		return
	}
	converted, err := p.outputs.Convert(out, p.location)
	if err != nil {
		failure := connector.AsError(err)
		x.Status, x.Failure = StatusError, &Failure{Type: failure.Type, Message: "the scenario's outputs: " + failure.Error()}
		return
	}
	x.Output = converted
}

// callScenario is connector.Call.Scenario. The run that it waits for lives under ctx, that of the calling run, because a
// module's own time is for modules and not for whole runs.
func (h *host) callScenario(ctx context.Context, name string, in connector.Bundle, wait bool) (connector.Bundle, error) {
	if name == "" {
		return connector.Bundle{}, connector.Errorf(connector.InvalidConfigurationError, "the module names no scenario: set its parameter scenario")
	}
	if h.depth >= h.cfg.MaxCallDepth {
		return connector.Bundle{}, connector.Errorf(connector.RuntimeError, "scenarios call each other more than %d deep", h.cfg.MaxCallDepth)
	}
	own := mapped(name, h.scenarios)
	s, err := h.load(ctx, h.tenant, repo.ScenarioID(h.tenant, own))
	switch {
	case errors.Is(err, ErrNotFound):
		return connector.Bundle{}, connector.Errorf(connector.InvalidConfigurationError,
			"there is no scenario %q: deploy it, or say in DeployOptions.Scenarios what it is called here", own)
	case err != nil:
		return connector.Bundle{}, err
	case !s.active():
		return connector.Bundle{}, connector.Errorf(connector.InvalidConfigurationError, "the scenario %q is not active", own)
	}
	if _, receives := s.program.First().(connector.Receiver); receives {
		return connector.Bundle{}, connector.Errorf(connector.InvalidConfigurationError, "the scenario %q starts by its hook and cannot be called", own)
	}
	p, err := s.planFor(in)
	if err != nil {
		return connector.Bundle{}, err
	}
	p.confidential = p.confidential || h.hushed
	if err := h.pass(ctx, &p, wait); err != nil {
		return connector.Bundle{}, err
	}
	if !wait {
		err := h.post(ctx, &p)
		if err == nil {
			h.speakOf(p.people, nil, nil) // what the module was given names them
		}
		return connector.Bundle{}, err
	}
	h.waited.Store(true)
	if p.id, err = h.newID(); err != nil {
		return connector.Bundle{}, err
	}
	p.depth, p.mask = h.depth+1, h.mask
	x, events, err := h.execute(ctx, &p, func(connector.Response) {})
	if err != nil {
		return connector.Bundle{}, err
	}
	// If the process dies here, the calling run starts over, and with it this one, like every other effect of that run.
	if err := h.keep(ctx, x, &p, events); err != nil {
		return connector.Bundle{}, fmt.Errorf("keep the execution of scenario %q: %w", own, err)
	}
	if err := h.answered(ctx, &p); err != nil {
		return connector.Bundle{}, fmt.Errorf("name the people of scenario %q: %w", own, err)
	}
	if x.Failure != nil {
		return connector.Bundle{}, connector.Errorf(x.Failure.Type, "scenario %q failed: %s", own, x.Failure.Message)
	}
	return x.Output, nil
}

// post writes down that a scenario is to be run with the inputs of a plan, as if they had come in at a hook.
func (c *core) post(ctx context.Context, p *plan) error {
	if err := c.queues.enter(ctx, c, p.doc, 1, c.cfg.MaxQueued); err != nil {
		var full *refusal
		if errors.As(err, &full) {
			return connector.Errorf(connector.RateLimitError, "the queue of scenario %q is full", p.doc.Name)
		}
		return err
	}
	bundles := []connector.Bundle{p.inputs}
	deliveries, err := c.deliveries(p.deployed, "", bundles)
	if err == nil {
		deliveries[0].Confidential = p.confidential
		if !p.confidential {
			deliveries[0].Subjects = subjectsOf(p.people)
		}
		err = c.store(ctx, deliveries, bundles, [][]repo.Person{p.people})
	}
	if err != nil {
		c.queues.leave(p.doc.ID, 1)
	}
	return asDataError(err)
}

// uncalled warns of every module that calls a scenario which is not there.
func (e *Engine) uncalled(ctx context.Context, bp *blueprint.Blueprint, names map[string]string) []blueprint.Problem {
	var problems []blueprint.Problem
	for problem, name := range e.named(bp, connector.TypeScenario) {
		own := mapped(name, names)
		_, err := e.load(ctx, e.tenant, repo.ScenarioID(e.tenant, own))
		switch {
		case errors.Is(err, ErrNotFound):
			problem.Severity, problem.Code = blueprint.SeverityWarning, blueprint.CodeNoScenario
			problem.Message = fmt.Sprintf("there is no scenario %q yet: deploy it before it is called, or say in DeployOptions.Scenarios what it is called here", own)
			problems = append(problems, problem)
		case err != nil:
			e.cfg.Logger.Warn("a scenario that is called cannot be looked at", zap.String("scenario", own), zap.Error(err))
		}
	}
	return problems
}
