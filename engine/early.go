package engine

import (
	"context"
	"errors"
	"time"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/store"
)

// A run whose caller waits for its answer may begin before its delivery is written. What it does until then nobody can
// see, because the delivery is written before
//
//   - the first operation of a module that is not read only, also of one that is idempotent: what makes it so is the ID of the
//     delivery, which the caller's next try has not,
//   - any answer to the caller,
//   - earlyTime is over.
//
// If the process dies earlier, the caller has got no answer and nothing has happened. Most runs that only compute their
// answer end earlier than that, and then the delivery, the execution and its line in the log are written in one step.

// earlyTime is how long a run may be under way before its delivery is written.
const earlyTime = 10 * time.Millisecond

// early begins the run of a delivery that is not written yet, and waits for the answer.
func (c *core) early(ctx context.Context, d *repo.Delivery, bundle connector.Bundle, people []repo.Person, w *worker, answer <-chan reply, limit time.Duration) (connector.Response, error) {
	began := time.Now()
	d.State, d.Due = repo.DeliveryRunning, c.clock().Add(c.cfg.Lease)
	j := newJob(d, w)
	j.bundle, j.decoded, j.early, j.unwritten = bundle, true, true, true
	j.people = people
	c.workers.enter(j)
	w.start(func(ctx context.Context) { c.work(ctx, j) })
	timer := time.NewTimer(min(earlyTime, limit))
	defer timer.Stop()
	select {
	case r := <-answer:
		return r.response, r.err
	case <-timer.C:
	}
	if err := c.secure(ctx, j); err != nil {
		return connector.Response{}, err
	}
	return c.wait(ctx, answer, limit-time.Since(began))
}

// secure writes the delivery of a run that began early, unless that has been done.
func (c *core) secure(ctx context.Context, j *job) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.unwritten {
		return j.lost
	}
	ctx = context.WithoutCancel(ctx)
	for tries := 0; ; tries++ {
		j.delivery.Due = c.clock().Add(c.cfg.Lease)
		err := c.repo.Apply(ctx, append(c.repo.Present(j.people...), c.repo.Put(j.delivery))...)
		if tries < maxConflicts && c.acquainted(ctx, j, j.people, &err) {
			continue
		}
		c.written(j, err)
		return err
	}
}

// acquainted looks again for the people of a delivery that is not written yet, when a write that named people, them and maybe
// others, has conflicted for their sake, and says whether to try it once more. If not, err is why. mu is held.
func (c *core) acquainted(ctx context.Context, j *job, named []repo.Person, err *error) bool {
	if !j.unwritten || len(named) == 0 || !errors.Is(*err, store.ErrConflict) {
		return false
	}
	people, failed := c.again(ctx, j.tenant, j.people)
	if failed != nil {
		*err = failed
		return false
	}
	j.people = people
	return true
}

// written notes what came of the first write of a run that began early. If it failed, the caller is told, the run is of no
// account, and nothing remains of it. mu is held.
func (c *core) written(j *job, err error) {
	if !j.unwritten {
		return
	}
	j.unwritten = false
	if err != nil {
		j.lost = err
		c.waiters.answer(j.id, reply{err: err})
		if j.stop != nil {
			j.stop(err)
		}
		return
	}
	if j.kept != nil {
		c.waiters.answer(j.id, *j.kept)
	}
}

// change is what a write does to the job's delivery. mu is held.
func (c *core) change(j *job) repo.Change {
	if j.unwritten {
		return c.repo.Put(j.delivery)
	}
	return c.repo.Touch(j.delivery)
}

// answer gives the caller of a job's delivery a response, now or when the delivery is written.
func (c *core) answer(j *job, response connector.Response) {
	j.mu.Lock()
	defer j.mu.Unlock()
	r := reply{response: response}
	if j.unwritten {
		if j.kept == nil {
			j.kept = &r
		}
		return
	}
	c.waiters.answer(j.id, r)
}

// awaited says whether the caller waits for the write of a run that began early.
func (c *core) awaited(j *job) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.unwritten
}

// dropped ends a run that began early and was cut off, and says whether it did: not if its delivery is written, and not if
// it can be written now because the run was only told to stop.
func (c *core) dropped(ctx context.Context, j *job, err error, stopped bool) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.lost == nil && (!j.unwritten || stopped) {
		return false
	}
	c.written(j, err)
	c.queues.leave(j.scenario, 1)
	j.delivery.Due = time.Time{}
	c.endGone(ctx, j.delivery)
	return true
}
