package engine

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/store"
)

// A job is a delivery that a worker of this process has leased.
type job struct {
	id, tenant, scenario string
	worker               *worker
	// bundle is what came in, when it has not just been read from the store.
	bundle  connector.Bundle
	decoded bool
	people  []repo.Person           // whom the delivery names, when somebody has looked. Guarded by mu until it is written
	early   bool                    // the run began before its delivery was written
	stop    context.CancelCauseFunc // ends the run; nil until it has begun. Guarded by mu

	// mu is held while the delivery is written. unsure are the ends of leases whose renewals had no answer: one of them may
	// have happened.
	mu       sync.Mutex
	delivery *repo.Delivery
	unsure   []time.Time
	// unwritten says that the delivery is not in the store yet, kept what the caller is to get when it is. lost is why
	// it could not be written. See early.go.
	unwritten bool
	kept      *reply
	lost      error

	// again is the lease that this process has claimed while the run was under way: after a time in which it could not
	// renew the old one, such as a machine asleep. Guarded by a mutex of its own, so that nobody waits for a write.
	claimed sync.Mutex
	again   *repo.Envelope
}

func newJob(d *repo.Delivery, w *worker) *job {
	return &job{id: d.ID, tenant: d.Tenant, scenario: d.Parent, worker: w, delivery: d}
}

// adopt hands a new lease of the same delivery to the job that has been under way since the old one.
func (j *job) adopt(e repo.Envelope) {
	j.claimed.Lock()
	defer j.claimed.Unlock()
	j.again = &e
}

// renewed takes over a lease that was adopted, and says whether there was one. mu is held.
func (j *job) renewed() bool {
	j.claimed.Lock()
	defer j.claimed.Unlock()
	if j.again == nil {
		return false
	}
	j.delivery.Version, j.delivery.Due = j.again.Version, j.again.Due
	j.again = nil
	return true
}

// write makes changes to a job's delivery, among them its own last one, whatever it takes: the run has been done, and doing
// it again is worse than waiting. It gives up when somebody else has the delivery, when the store is closed, and, once
// the run was told to stop, when the lease is over; and at once when the run began early and has had no effect yet. mu is
// held.
func (c *core) write(ctx context.Context, j *job, changes ending) error {
	if j.lost != nil {
		return j.lost
	}
	stopping := ctx
	ctx = context.WithoutCancel(ctx)
	var bare error
	conflicts := 0
	for pause := writePause; ; pause = min(2*pause, maxWritePause) {
		j.renewed()
		before := j.delivery.Envelope
		early := j.unwritten
		todo, people, err := changes(ctx, j.delivery, bare)
		if err == nil {
			if early {
				people = joined(people, j.people)
			}
			err = c.repo.Apply(ctx, append(todo, c.repo.Present(people...)...)...)
		}
		if conflicts < maxConflicts && c.acquainted(ctx, j, people, &err) {
			j.delivery.Envelope = before
			conflicts++
			continue
		}
		barer := bare == nil && (permanent(err) || errors.Is(err, ErrErased))
		if err == nil || early && !barer {
			c.written(j, err)
			return err
		}
		wanted := j.delivery.Envelope
		j.delivery.Envelope = before
		switch {
		case errors.Is(err, store.ErrConflict):
			switch c.whose(ctx, j, wanted) {
			case written:
				j.delivery.Envelope = wanted
				j.delivery.Version = before.Version + 1
				return nil
			case theirs:
				return errFenced
			}
			if conflicts++; conflicts > maxConflicts {
				return err
			}
		case barer:
			bare = err // it can never be written whole
			continue
		case errors.Is(err, store.ErrClosed), errors.Is(err, crypto.ErrShredded), permanent(err):
			return err
		case stopping.Err() != nil && !c.clock().Before(before.Due):
			return err
		}
		c.cfg.Logger.Warn("a delivery could not be written, trying again", zap.String("delivery", j.id), zap.Error(err))
		timer := time.NewTimer(pause)
		<-timer.C
	}
}

// An ending is what a write does to a job's delivery, what it writes beside it, and the people whom that names. bare is nil, or
// why what does not have to be written cannot be: it is too large, or one of the people was erased.
type ending func(ctx context.Context, d *repo.Delivery, bare error) ([]repo.Change, []repo.Person, error)

const (
	writePause    = 50 * time.Millisecond
	maxWritePause = 5 * time.Second
	// maxConflicts is how often a write may conflict although the delivery is this process's.
	maxConflicts = 10
)

// permanent says that trying again is of no use.
func permanent(err error) bool {
	return errors.Is(err, store.ErrTooLarge) || errors.Is(err, store.ErrInvalid) || errors.Is(err, crypto.ErrTooLarge)
}

// What a conflict can mean.
const (
	theirs  = iota // somebody else has the delivery
	ours           // this process has leased it anew
	written        // the write before, whose answer was lost, has happened
)

// whose finds out what a conflict means. mu is held.
func (c *core) whose(ctx context.Context, j *job, wanted repo.Envelope) int {
	if j.renewed() {
		return ours
	}
	now := &repo.Delivery{Envelope: repo.Envelope{ID: j.id, Tenant: j.tenant}}
	switch err := c.repo.Get(ctx, now); {
	case errors.Is(err, store.ErrNotFound):
		return theirs
	case err != nil:
		return ours // nobody knows: the next write will tell
	case now.Version == j.delivery.Version:
		return ours
	case now.Version == j.delivery.Version+1 && now.State == wanted.State && now.Due.Equal(wanted.Due):
		return written
	case now.Version > j.delivery.Version && now.State == j.delivery.State && !now.Due.IsZero() && now.Due.Equal(j.delivery.Due):
		// The lease is as it was: only the body was sealed anew, see Rotate. Every claim moves Due.
		j.delivery.Version = now.Version
		return ours
	case now.Version > j.delivery.Version && now.State == j.delivery.State && slices.ContainsFunc(j.unsure, now.Due.Equal):
		// More than one version later, the body was sealed anew behind the renewal.
		j.delivery.Version, j.delivery.Due, j.unsure = now.Version, now.Due, nil
		return ours
	}
	// A claim of this process may have happened a moment ago and not have been handed over yet.
	timer := time.NewTimer(writePause)
	<-timer.C
	if j.renewed() {
		return ours
	}
	return theirs
}

// settle ends a delivery with its last state, and with whatever is to be written beside it.
func (c *core) settle(ctx context.Context, j *job, changes ending) {
	j.mu.Lock()
	defer j.mu.Unlock()
	never := j.unwritten
	err := c.write(ctx, j, changes)
	if err != nil && j.lost == nil {
		c.cfg.Logger.Error("the end of an execution could not be written", zap.String("scenario", j.scenario),
			zap.String("execution", j.id), zap.Error(err))
	}
	c.queues.leave(j.scenario, 1)
	j.delivery.Due = time.Time{}
	switch {
	case err != nil: // it may have been written although the answer was lost
		c.endGone(ctx, j.delivery)
	case j.delivery.Confidential && !never:
		c.endRun(ctx, j.delivery)
	}
}

// endGone destroys the key of a confidential run if its delivery is not there: it was deleted, or could not be written.
func (c *core) endGone(ctx context.Context, d *repo.Delivery) {
	if !d.Confidential {
		return
	}
	now := &repo.Delivery{Envelope: repo.Envelope{ID: d.ID, Tenant: d.Tenant}}
	err := c.repo.Get(context.WithoutCancel(ctx), now)
	if errors.Is(err, store.ErrNotFound) && now.Version == 0 {
		c.endRun(ctx, d)
	}
}

// endRun destroys the key of a confidential run whose delivery has just been deleted. After a crash between the two the key
// seals nothing that is still there; it is deleted with the records of its category.
func (c *core) endRun(ctx context.Context, d *repo.Delivery) {
	if err := c.repo.EndRun(context.WithoutCancel(ctx), d.Tenant, d.ID); err != nil {
		c.cfg.Logger.Warn("the key of a confidential run could not be destroyed, it goes when its time is over",
			zap.String("execution", d.ID), zap.Error(err))
	}
}

// discard ends a delivery that has no scenario any more.
func (c *core) discard(ctx context.Context, j *job) {
	c.settle(ctx, j, func(_ context.Context, d *repo.Delivery, _ error) ([]repo.Change, []repo.Person, error) {
		return c.last(j, repo.DeliveryOrphaned, d.Confidential), nil, nil
	})
}

// last is the last thing that happens to a job's delivery: it stays in a state, or goes when it is confidential. mu is held.
func (c *core) last(j *job, state string, confidential bool) []repo.Change {
	d := j.delivery
	d.State, d.Due = state, time.Time{}
	switch {
	case !confidential:
		return []repo.Change{c.change(j)}
	case j.unwritten:
		return nil // it never was
	}
	return []repo.Change{c.repo.Delete(d)}
}

// hand gives a delivery back: in a state, due at an instant.
func (c *core) hand(ctx context.Context, j *job, state string, due time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	err := c.write(ctx, j, func(_ context.Context, d *repo.Delivery, _ error) ([]repo.Change, []repo.Person, error) {
		d.State, d.Due = state, due
		return []repo.Change{c.change(j)}, nil, nil
	})
	if err != nil && j.lost == nil {
		c.cfg.Logger.Warn("a delivery could not be given back before the end of its lease", zap.String("delivery", j.id), zap.Error(err))
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
				c.renew(context.WithoutCancel(ctx), j)
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
	j.renewed()
	now := c.clock()
	if j.unwritten || j.delivery.Due.IsZero() || j.delivery.Due.Sub(now) > c.cfg.Lease*3/4 {
		return
	}
	before := j.delivery.Envelope
	j.delivery.Due = now.Add(c.cfg.Lease)
	err := c.repo.Apply(ctx, c.repo.Touch(j.delivery))
	if err == nil {
		j.unsure = nil
		return
	}
	wanted := j.delivery.Envelope
	j.delivery.Envelope = before
	if !errors.Is(err, store.ErrConflict) {
		j.unsure = append(j.unsure, wanted.Due)
		c.cfg.Logger.Warn("a lease could not be renewed", zap.String("delivery", j.id), zap.Error(err))
		return
	}
	switch c.whose(ctx, j, wanted) {
	case written:
		j.delivery.Envelope = wanted
		j.delivery.Version = before.Version + 1
	case theirs:
		if j.stop != nil {
			j.stop(errFenced)
		}
	}
}
