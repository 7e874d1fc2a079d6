package engine

import (
	"context"
	"errors"
	"slices"

	"go.uber.org/zap"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/expr"
	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/store"
)

// incoming are the paths in what the scenario's first module gives.
func (d *deployed) incoming() []*expr.Locator { return d.subjects[d.first] }

// whom returns the people whom what comes in at a scenario's first module names. ErrErased when one of them was erased. What
// nothing is kept of names nobody, but people who were erased are refused all the same.
func (c *core) whom(ctx context.Context, s *deployed, confidential bool, bundles ...connector.Bundle) ([]repo.Person, error) {
	paths := s.incoming()
	if len(paths) == 0 {
		return nil, nil
	}
	var named identifiers
	for _, bundle := range bundles {
		if err := named.addAll(c, paths, bundle); err != nil {
			return nil, err
		}
	}
	if confidential {
		return nil, c.repo.NotErased(ctx, s.doc.Tenant, named.list)
	}
	return c.resolve(ctx, s.doc.Tenant, named.list)
}

// addressees finds the people whom deliveries name, notes them there, and returns them by delivery; nil: nobody.
func (c *core) addressees(ctx context.Context, s *deployed, deliveries []*repo.Delivery, bundles []connector.Bundle) ([][]repo.Person, error) {
	if len(s.incoming()) == 0 {
		return nil, nil
	}
	people := make([][]repo.Person, len(deliveries))
	for i, d := range deliveries {
		var err error
		if people[i], err = c.whom(ctx, s, d.Confidential, bundles[i]); err != nil {
			return nil, err
		}
		d.Subjects = subjectsOf(people[i])
	}
	return people, nil
}

// of returns the people of the i-th delivery.
func of(people [][]repo.Person, i int) []repo.Person {
	if people == nil {
		return nil
	}
	return people[i]
}

// applyNaming writes something that names people. When it conflicts for their sake, it looks for them again.
func (c *core) applyNaming(ctx context.Context, changes []repo.Change, people []repo.Person) error {
	for tries := 0; ; tries++ {
		err := c.repo.Apply(ctx, append(slices.Clip(changes), c.repo.Present(people...)...)...)
		if !errors.Is(err, store.ErrConflict) || len(people) == 0 || tries == maxConflicts {
			return err
		}
		if people, err = c.again(ctx, people[0].Tenant(), people); err != nil {
			return err
		}
	}
}

// introduce finds the people whom a plan's first bundles name. ErrErased when one of them was erased.
func (c *core) introduce(ctx context.Context, p *plan) error {
	found, err := c.whom(ctx, p.deployed, p.confidential, p.bundles...)
	if err != nil {
		return err
	}
	if p.people = joined(p.people, found); len(p.people) > MaxSubjects {
		return errManySubjects
	}
	return nil
}

// reintroduce does so for a delivery that has waited: those whom it named when it came in may have been erased meanwhile.
func (c *core) reintroduce(ctx context.Context, j *job, p *plan) error {
	if subjects := j.delivery.Subjects; len(subjects) > 0 && !p.confidential {
		people, err := c.repo.Standing(ctx, j.tenant, subjects)
		if err != nil {
			return err
		}
		p.people = people
	}
	return c.introduce(ctx, p)
}

// unintroduced ends the run of a delivery whose people cannot be named, or lets it wait when that may be otherwise later.
func (c *core) unintroduced(ctx context.Context, j *job, p *plan, err error) {
	log := c.logger(zap.String("scenario", j.scenario), zap.String("execution", j.id))
	switch {
	case errors.Is(err, ErrErased), unnameable(err):
		log.Info("a delivery is not run, because of the people whom it names", zap.Error(err))
		c.answer(j, failed)
		now := c.now()
		p.untold = err
		c.finish(ctx, j, p, &Execution{
			ID: j.id, Scenario: p.doc.ID, Deployment: p.doc.Deployment, Started: now, Ended: now, Status: StatusError,
			Failure: &Failure{Type: connector.DataError, Message: err.Error()},
		}, nil)
	case ctx.Err() != nil:
		c.hand(ctx, j, repo.DeliveryAccepted, c.clock())
	default:
		log.Error("the people whom a delivery names cannot be looked up now; it is tried again later", zap.Error(err))
		c.hand(ctx, j, repo.DeliveryHeld, c.clock().Add(loadPause))
		c.answer(j, accepted)
	}
}

// speaks returns the mentions of the run. Nil: nobody has been mentioned.
func (h *host) speaks() *mentions {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.mentions
}

// pass hands the people of the run on to one that it calls, and looks who is named by what that is called with.
func (h *host) pass(ctx context.Context, p *plan, wait bool) error {
	if !p.confidential {
		people, untold, err := h.speaks().people(ctx)
		if err != nil {
			return err
		}
		if p.people, p.untold = people, untold; untold != nil && !wait {
			return asDataError(untold) // a delivery is written whole, or not at all
		}
	}
	return asDataError(h.introduce(ctx, p))
}

// answered notes that the run speaks of the people of one that it has called.
func (h *host) answered(ctx context.Context, p *plan) error {
	people, untold, err := p.mentions.people(ctx)
	if err != nil {
		return err
	}
	h.speakOf(people, nil, untold)
	if p.mentions.wasRefused() {
		h.refused()
	}
	return nil
}

// speakOf notes whom the run has come to speak of, see mentions.add.
func (h *host) speakOf(people []repo.Person, met []string, untold error) {
	if !h.hushed && (len(people)+len(met) > 0 || untold != nil) {
		h.speaking().add(people, met, untold)
	}
}

// refused notes that a module has met somebody who was erased.
func (h *host) refused() {
	if !h.hushed {
		h.speaking().refuse()
	}
}

// speaking is speaks, but makes mentions where there are none.
func (h *host) speaking() *mentions {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.mentions == nil {
		h.mentions = &mentions{core: h.core, tenant: h.tenant}
	}
	return h.mentions
}

// asDataError is how a module fails that would name people who cannot be named.
func asDataError(err error) error {
	if errors.Is(err, ErrErased) || unnameable(err) {
		return connector.Errorf(connector.DataError, "%w", err)
	}
	return err
}
