package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/flow"
	"github.com/ebbkit/ebb/engine/internal/repo"
)

// Serve runs what was accepted and what comes in, turns the epochs of the keys and forgets people whom nothing names any more,
// until ctx ends or the engine is closed. Then it takes no more, lets the runs under way come to their ends for
// Config.DrainTimeout, tells the others to stop, and returns. What was stopped starts over at the next Serve. One Serve at a time:
// ErrServing. ErrStuck says that a module does not listen to its context. What hinders keys and people is tried again every minute
// and logged; Serve does not end of it.
func (e *Engine) Serve(ctx context.Context) error {
	runs, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	s, err := e.workers.begin(runs, true)
	if err != nil {
		return err
	}
	defer s.end()
	defer e.tend()() //nolint:contextcheck // leases are renewed until the last run has ended, which is after ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.closing, cancel)() //nolint:contextcheck // the engine may be closed before ctx ends
	var turning sync.WaitGroup
	turning.Go(func() { e.turning(ctx) })
	e.claim(ctx, s)
	s.retire()
	turning.Wait()
	return e.drain(s, stop)
}

// drain waits for the runs of a session, and tells them to stop when that takes too long.
func (c *core) drain(s *session, stop context.CancelCauseFunc) error {
	timer := time.NewTimer(c.cfg.DrainTimeout)
	defer timer.Stop()
	select {
	case <-s.done():
		return nil
	case <-timer.C:
	}
	stop(errDraining)
	timer.Reset(stopTime)
	select {
	case <-s.done():
		return nil
	case <-timer.C:
		return fmt.Errorf("%w: %d", ErrStuck, s.left())
	}
}

// stopTime is how long a run has to end when it was told to stop.
const stopTime = 10 * time.Second

// claim hands out what is due until ctx ends.
func (c *core) claim(ctx context.Context, s *session) {
	pause := c.cfg.Poll
	for ctx.Err() == nil {
		jobs, more, err := c.lease(ctx, s)
		if err != nil && ctx.Err() == nil {
			c.cfg.Logger.Error("work could not be claimed", zap.Error(err))
			pause = min(2*pause, maxPause)
		} else {
			pause = c.cfg.Poll
		}
		for _, j := range jobs {
			j.worker.start(func(ctx context.Context) { c.work(ctx, j) })
		}
		if more {
			continue
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-c.workers.called:
		}
		timer.Stop()
	}
}

const (
	// maxPause is how long Serve waits at most before it tries a store again that failed.
	maxPause = 30 * time.Second
	// claimBatch is how many deliveries are claimed in one step.
	claimBatch = 64
)

// lease claims as many deliveries as there are free workers. more says that there may be further ones.
func (c *core) lease(ctx context.Context, s *session) (jobs []*job, more bool, err error) {
	crew := s.several(ctx, claimBatch)
	if len(crew) == 0 {
		return nil, false, ctx.Err()
	}
	free := crew
	defer func() {
		for _, w := range free {
			w.release()
		}
	}()
	now := c.clock()
	claimed, total, err := c.repo.ClaimDeliveries(ctx, now, now.Add(c.cfg.Lease), len(crew), func(id string, err error) {
		if errors.Is(err, ErrErased) {
			c.cfg.Logger.Info("a delivery is given up, because the person whom it names was erased", zap.String("delivery", id))
			return
		}
		c.cfg.Logger.Error("a delivery cannot be read", zap.String("delivery", id), zap.Error(err))
	})
	for _, d := range claimed {
		j := newJob(d, free[0])
		if other := c.workers.enter(j); other != nil {
			other.adopt(d.Envelope) // its run has been under way since before the lease was over
			continue
		}
		jobs, free = append(jobs, j), free[1:]
	}
	return jobs, total == len(crew), err
}

// Tick turns the epochs of the keys when it is time, forgets people whom nothing names any more, runs what is due now, waits for
// it, and goes on until nothing more is due, ctx ends, or the engine is closed. It returns how many runs it did. It is for hosts
// that are started from time to time, and for tests; it may be called while Serve is at work. Such a host needs Config.Logger: a
// turn that fails is logged and no error of Tick, and is tried again by the next call that comes a minute later or more.
func (e *Engine) Tick(ctx context.Context) (int, error) {
	runs, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s, err := e.workers.begin(runs, false)
	if err != nil {
		return 0, err
	}
	defer s.end()
	defer e.tend()() //nolint:contextcheck // leases are renewed until the last run has ended, which is after ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.closing, cancel)() //nolint:contextcheck // the engine may be closed before ctx ends
	e.turn(ctx)
	e.prune(ctx)
	for done := 0; ; {
		jobs, more, err := e.lease(ctx, s)
		for _, j := range jobs {
			j.worker.start(func(ctx context.Context) { e.work(ctx, j) })
		}
		select {
		case <-s.done():
		case <-ctx.Done():
			err = errors.Join(err, e.drain(s, stop))
		}
		done += len(jobs)
		if err != nil || len(jobs) == 0 && !more {
			return done, err
		}
	}
}

// work runs a delivery to its end. Whatever happens, the delivery is not lost: what could not be written comes back when
// the lease has run out.
func (c *core) work(ctx context.Context, j *job) {
	defer c.workers.leave(j)
	log := c.logger(zap.String("scenario", j.scenario), zap.String("execution", j.id))
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	j.mu.Lock()
	j.stop = stop
	j.mu.Unlock()

	s, err := c.load(ctx, j.tenant, j.scenario)
	switch {
	case errors.Is(err, ErrNotFound):
		c.discard(ctx, j)
		c.answer(j, connector.Response{Status: http.StatusGone, Body: []byte("The scenario is not active.")})
		return
	case err != nil && ctx.Err() == nil:
		log.Error("a scenario cannot be run now; its delivery is tried again later", zap.Error(err))
		c.hand(ctx, j, repo.DeliveryHeld, c.clock().Add(loadPause))
		c.answer(j, accepted)
		return
	case err != nil:
		c.hand(ctx, j, repo.DeliveryAccepted, c.clock())
		return
	case !s.active():
		c.hold(ctx, j)
		c.answer(j, accepted)
		return
	}
	plan, err := j.plan(s)
	if !j.decoded {
		if err := c.reintroduce(ctx, j, &plan); err != nil {
			c.unintroduced(ctx, j, &plan, err)
			return
		}
	}
	if err != nil {
		failure := flow.FailureOf(err)
		log.Error("a delivery does not fit its scenario", zap.String("type", string(failure.Type)))
		c.answer(j, failed)
		x := &Execution{ID: j.id, Scenario: s.doc.ID, Deployment: s.doc.Deployment, Started: c.now(), Status: StatusError}
		x.Ended, x.Failure = x.Started, &Failure{Type: failure.Type, Message: failure.Message}
		c.finish(ctx, j, &plan, x, nil)
		return
	}
	if j.early {
		plan.secure = func(ctx context.Context) error { return c.secure(ctx, j) }
	}
	x, events, err := c.execute(ctx, &plan, func(r connector.Response) { c.answer(j, r) })
	switch {
	case errors.Is(context.Cause(ctx), errFenced):
		log.Warn("another worker has taken the delivery over; this run leaves no record")
		return
	case err != nil && c.dropped(ctx, j, err, ctx.Err() != nil):
		return
	case err != nil && ctx.Err() != nil:
		c.hand(ctx, j, repo.DeliveryAccepted, c.clock())
		return
	case err != nil:
		log.Error("a run was cut off; it starts over when its lease is over", zap.Error(err))
		return
	case x.Status == StatusError:
		c.answer(j, failed)
	default:
		c.answer(j, accepted)
	}
	if x.repeatable && !c.awaited(j) {
		c.tide.wait()
	}
	c.finish(ctx, j, &plan, x, events)
}

// failed answers the caller of a run that failed before it responded.
var failed = connector.Response{Status: http.StatusInternalServerError, Body: []byte("Scenario failed to complete.")}

// plan says how a job's delivery is run. An error means that the delivery does not fit a scenario that was deployed anew
// and has other inputs now; the plan then tells what to keep of that.
func (j *job) plan(s *deployed) (p plan, err error) {
	if !j.decoded {
		j.bundle, _, err = connector.DecodeBundle(j.delivery.Bundle)
	}
	if err == nil {
		p, err = s.planFor(j.bundle)
	}
	p.deployed, p.id, p.confidential, p.people = s, j.id, s.settings.Confidential || j.delivery.Confidential, j.people
	return p, err
}

const (
	// loadPause is how long a delivery waits whose scenario could not be read or compiled.
	loadPause = 30 * time.Second
	// heldPause is how often a delivery looks whether its scenario is active again. Activate does not wait for that; it
	// is for deliveries that an Activate did not see.
	heldPause = 10 * time.Minute
)

// finish writes what became of a run, in one step with the end of its delivery.
func (c *core) finish(ctx context.Context, j *job, p *plan, x *Execution, events []byte) {
	state := repo.DeliveryDone
	if x.Status == StatusError {
		state = repo.DeliveryFailed
	}
	var people []repo.Person // whom the write before this one named, which has conflicted
	c.settle(ctx, j, func(ctx context.Context, _ *repo.Delivery, bare error) (changes []repo.Change, _ []repo.Person, err error) {
		switch {
		case errors.Is(bare, ErrErased):
			p.mentions.erased()
		case bare != nil: // what does not fit is left out, so that the run is not done again
			events = truncatedTrace
			if x.Failure != nil {
				x.Failure.Message = ""
			}
		}
		if len(people) > 0 {
			if err := p.mentions.again(ctx, people); err != nil {
				return nil, nil, err
			}
		}
		if changes, people, err = c.record(ctx, x, p, events); err != nil {
			return nil, nil, err
		}
		return append(changes, c.last(j, state, p.confidential)...), people, nil
	})
}

// hold lets a delivery wait until its scenario is active.
func (c *core) hold(ctx context.Context, j *job) {
	c.hand(ctx, j, repo.DeliveryHeld, c.clock().Add(heldPause))
	// Whoever activated the scenario after it was read as paused has not seen this delivery.
	c.scenarios.forget(j.scenario)
	if s, err := c.load(context.WithoutCancel(ctx), j.tenant, j.scenario); err == nil && s.active() {
		c.hand(ctx, j, repo.DeliveryAccepted, c.clock())
	}
}
