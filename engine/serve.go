package engine

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/store"
)

// Serve runs what was accepted and what comes in, until ctx ends or the engine is closed. Then it takes no more, lets the
// runs under way come to their ends for Config.DrainTimeout, and returns nil. One Serve at a time: ErrServing.
func (e *Engine) Serve(ctx context.Context) error {
	if err := e.open(); err != nil {
		return err
	}
	runs, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	if !e.workers.begin(runs) {
		return ErrServing
	}
	e.serving.Add(1)
	defer e.serving.Done()
	defer e.tend()() //nolint:contextcheck // leases are renewed until the last run has ended, which is after ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.closing, cancel)() //nolint:contextcheck // the engine may be closed before ctx ends
	e.claim(ctx, runs)

	e.workers.end()
	timer := time.NewTimer(e.cfg.DrainTimeout)
	defer timer.Stop()
	select {
	case <-e.workers.done():
	case <-timer.C:
		stop(errDraining)
		<-e.workers.done()
	}
	return nil
}

// claim hands out what is due until ctx ends.
func (c *core) claim(ctx, runs context.Context) {
	pause := c.cfg.Poll
	for ctx.Err() == nil {
		jobs, more, err := c.lease(ctx, runs)
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
func (c *core) lease(ctx, runs context.Context) (jobs []*job, more bool, err error) {
	crew := c.workers.several(ctx, runs, claimBatch)
	if len(crew) == 0 {
		return nil, false, ctx.Err()
	}
	claimed, err := c.repo.ClaimDeliveries(ctx, c.now().Add(c.cfg.Lease), len(crew), func(id string, err error) {
		c.cfg.Logger.Error("a delivery cannot be read", zap.String("delivery", id), zap.Error(err))
	})
	for i, w := range crew {
		if i < len(claimed) {
			jobs = append(jobs, &job{delivery: claimed[i], worker: w})
		} else {
			w.release()
		}
	}
	return jobs, len(jobs) == len(crew), err
}

// Tick runs what is due now, waits for it, and goes on until nothing more is due. It returns how many runs it did. It is for
// hosts that are started from time to time, and for tests; it may be called while Serve is at work.
func (e *Engine) Tick(ctx context.Context) (int, error) {
	if err := e.open(); err != nil {
		return 0, err
	}
	defer e.tend()() //nolint:contextcheck // leases are renewed until the last run has ended, which is after ctx
	for runs := 0; ; {
		jobs, _, err := e.lease(ctx, ctx)
		if err != nil || len(jobs) == 0 {
			return runs, err
		}
		var group sync.WaitGroup
		for _, j := range jobs {
			group.Add(1)
			j.worker.start(func(ctx context.Context) {
				defer group.Done()
				e.work(ctx, j)
			})
		}
		group.Wait()
		runs += len(jobs)
	}
}

// A job is a delivery that a worker of this process has leased.
type job struct {
	worker *worker
	// bundle is what came in, when it has not just been read from the store.
	bundle  connector.Bundle
	decoded bool

	mu       sync.Mutex
	delivery *repo.Delivery // its envelope, while the lease is renewed

	stop context.CancelCauseFunc
}

// work runs a delivery to its end. Whatever happens, the delivery is not lost: what could not be written comes back when
// the lease has run out.
func (c *core) work(ctx context.Context, j *job) {
	d := j.delivery
	log := c.cfg.Logger.With(zap.String("scenario", d.Parent), zap.String("execution", d.ID))
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	j.stop = stop
	c.workers.enter(j)
	defer c.workers.leave(j)

	s, err := c.load(ctx, d.Tenant, d.Parent)
	switch {
	case errors.Is(err, ErrNotFound):
		c.settle(ctx, j, repo.DeliveryOrphaned)
		return
	case err != nil:
		log.Error("a scenario cannot be run; its deliveries wait until it is activated or deployed again", zap.Error(err))
		c.hold(ctx, j)
		return
	case !s.active():
		c.hold(ctx, j)
		return
	}
	if !j.decoded {
		if j.bundle, _, err = connector.DecodeBundle(d.Bundle); err != nil {
			log.Error("a delivery cannot be read", zap.Error(err))
			c.settle(ctx, j, repo.DeliveryFailed)
			return
		}
	}
	plan := plan{deployed: s, id: d.ID, bundles: []connector.Bundle{j.bundle}}
	x, events, err := c.execute(ctx, &plan, func(r connector.Response) { c.waiters.answer(d.ID, r) })
	switch {
	case errors.Is(context.Cause(ctx), errFenced):
		log.Warn("another worker has taken the delivery over; this run leaves no record")
		return
	case err != nil && ctx.Err() != nil:
		c.giveBack(ctx, j)
		return
	case err != nil:
		log.Error("a run was cut off; it starts over when its lease is over", zap.Error(err))
		return
	case x.Status == StatusError:
		c.waiters.answer(d.ID, connector.Response{Status: http.StatusInternalServerError, Body: []byte("Scenario failed to complete.")})
	default:
		c.waiters.answer(d.ID, accepted)
	}
	c.tide.wait()
	c.finish(ctx, j, s, x, events)
}

// finish writes what became of a run, in one step with the end of its delivery.
func (c *core) finish(ctx context.Context, j *job, s *deployed, x *Execution, events []byte) {
	state := repo.DeliveryDone
	if x.Status == StatusError {
		state = repo.DeliveryFailed
	}
	c.end(ctx, j, func(d *repo.Delivery) []repo.Change {
		changes := c.record(x, s, events)
		if s.settings.Confidential {
			return append(changes, c.repo.Delete(d))
		}
		d.State, d.Due = state, time.Time{}
		return append(changes, c.repo.Touch(d))
	})
}

// settle ends a delivery that cannot be run.
func (c *core) settle(ctx context.Context, j *job, state string) {
	c.end(ctx, j, func(d *repo.Delivery) []repo.Change {
		d.State, d.Due = state, time.Time{}
		return []repo.Change{c.repo.Touch(d)}
	})
	c.waiters.answer(j.delivery.ID, connector.Response{Status: http.StatusGone, Body: []byte("The scenario is not active.")})
}

// end makes the last change to a delivery that is this worker's. A store that fails is asked again until the lease is
// gone: the run has been done, and doing it twice is worse than waiting.
func (c *core) end(ctx context.Context, j *job, changes func(*repo.Delivery) []repo.Change) {
	ctx = context.WithoutCancel(ctx)
	j.mu.Lock()
	defer j.mu.Unlock()
	until := j.delivery.Due
	pause := endPause
	for {
		envelope := j.delivery.Envelope
		err := c.repo.Apply(ctx, changes(j.delivery)...)
		if err == nil {
			c.queues.leave(j.delivery.Parent, 1)
			j.delivery.Due = time.Time{}
			return
		}
		j.delivery.Envelope = envelope
		log := c.cfg.Logger.With(zap.String("scenario", envelope.Parent), zap.String("execution", envelope.ID), zap.Error(err))
		if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrClosed) || !c.now().Add(pause).Before(until) {
			log.Error("the end of an execution could not be written")
			return
		}
		log.Warn("the end of an execution could not be written, trying again")
		timer := time.NewTimer(pause)
		<-timer.C
		pause *= 2
	}
}

const endPause = 50 * time.Millisecond

// hold lets a delivery wait until its scenario is active.
func (c *core) hold(ctx context.Context, j *job) {
	c.hand(ctx, j, repo.DeliveryHeld, time.Time{})
	// Whoever activated the scenario after it was read as paused has not seen this delivery.
	c.scenarios.forget(j.delivery.Parent)
	if s, err := c.load(context.WithoutCancel(ctx), j.delivery.Tenant, j.delivery.Parent); err == nil && s.active() {
		c.giveBack(ctx, j)
	}
}

// giveBack makes a delivery due again at once.
func (c *core) giveBack(ctx context.Context, j *job) {
	c.hand(ctx, j, repo.DeliveryAccepted, c.now())
}

func (c *core) hand(ctx context.Context, j *job, state string, due time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.delivery.State, j.delivery.Due = state, due
	err := c.repo.Apply(context.WithoutCancel(ctx), c.repo.Touch(j.delivery))
	if err != nil && !errors.Is(err, store.ErrConflict) {
		c.cfg.Logger.Warn("a delivery could not be given back before the end of its lease", zap.String("delivery", j.delivery.ID), zap.Error(err))
	}
}

// tend renews the leases of the jobs under way until the function that it returns is called.
func (c *core) tend() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	tending := make(chan struct{})
	go func() {
		defer close(tending)
		ticker := time.NewTicker(max(c.cfg.Lease/3, time.Millisecond))
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			for _, j := range c.workers.list() {
				c.renew(ctx, j)
			}
		}
	}()
	return func() {
		cancel()
		<-tending
	}
}

func (c *core) renew(ctx context.Context, j *job) {
	if !j.mu.TryLock() {
		return // it is being ended
	}
	defer j.mu.Unlock()
	due := c.now().Add(c.cfg.Lease)
	if j.delivery.Due.IsZero() || due.Sub(j.delivery.Due) < c.cfg.Lease/4 {
		return
	}
	before := j.delivery.Due
	j.delivery.Due = due
	switch err := c.repo.Apply(ctx, c.repo.Touch(j.delivery)); {
	case errors.Is(err, store.ErrConflict):
		j.stop(errFenced)
	case err != nil:
		j.delivery.Due = before
		c.cfg.Logger.Warn("a lease could not be renewed", zap.String("delivery", j.delivery.ID), zap.Error(err))
	}
}
