package engine

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/store"
)

// enqueue takes what came in at a hook, one delivery a bundle, and waits for the answer of the first one's run if the
// scenario gives any. Nobody is answered before the deliveries are written. When a worker is free, a delivery is its from
// the start, which saves the step of claiming it; and when the caller waits for the run anyway, the run may begin before
// its delivery is written (see early.go).
func (c *core) enqueue(ctx context.Context, s *deployed, hook *repo.Hook, bundles []connector.Bundle) (connector.Response, error) {
	if len(bundles) == 0 {
		return accepted, nil
	}
	response, err := c.tryEnqueue(ctx, s, hook, bundles)
	if errors.Is(err, ErrErased) { // what was remembered of a person may be from before the person was allowed to come back
		response, err = c.tryEnqueue(ctx, s, hook, bundles)
	}
	return response, unstorable(err)
}

func (c *core) tryEnqueue(ctx context.Context, s *deployed, hook *repo.Hook, bundles []connector.Bundle) (connector.Response, error) {
	if err := c.queues.enter(ctx, c, s.doc, len(bundles), c.cfg.MaxQueued); err != nil {
		return connector.Response{}, err
	}
	deliveries, err := c.deliveries(s, hook.ID, bundles)
	var people [][]repo.Person
	if err == nil {
		people, err = c.addressees(ctx, s, deliveries, bundles)
	}
	if err != nil {
		c.queues.leave(s.doc.ID, len(bundles))
		return connector.Response{}, err
	}
	limit := cmp.Or(hook.ResponseTimeout, c.cfg.ResponseTimeout)
	var answer chan reply
	if s.program.Responds() {
		answer = c.waiters.add(deliveries[0].ID)
		defer c.waiters.remove(deliveries[0].ID)
		if len(bundles) == 1 {
			if worker := c.workers.take(); worker != nil {
				return c.early(ctx, deliveries[0], bundles[0], of(people, 0), worker, answer, limit)
			}
		}
	}
	if err := c.store(ctx, deliveries, bundles, people); err != nil {
		c.queues.leave(s.doc.ID, len(bundles))
		return connector.Response{}, err
	}
	if answer == nil {
		return accepted, nil
	}
	return c.wait(ctx, answer, limit)
}

// deliveries makes a delivery of each bundle.
func (c *core) deliveries(s *deployed, hook string, bundles []connector.Bundle) ([]*repo.Delivery, error) {
	now, created := c.clock(), c.now()
	deliveries := make([]*repo.Delivery, len(bundles))
	for i, bundle := range bundles {
		id, err := c.newID()
		if err != nil {
			return nil, err
		}
		d := &repo.Delivery{
			Envelope: repo.Envelope{ID: id, Tenant: s.doc.Tenant, Parent: s.doc.ID, State: repo.DeliveryAccepted, Created: created, Due: now},
			Hook:     hook, Confidential: s.settings.Confidential,
		}
		if d.Bundle, err = connector.AppendBundle(nil, bundle); err != nil {
			return nil, refuse(http.StatusBadRequest, "The request is nested too deep.")
		}
		deliveries[i] = d
	}
	return deliveries, nil
}

// store writes deliveries down and starts the runs of those for which a worker is free. people are those of each delivery.
func (c *core) store(ctx context.Context, deliveries []*repo.Delivery, bundles []connector.Bundle, people [][]repo.Person) error {
	jobs := make([]*job, 0, len(deliveries))
	changes := make([]repo.Change, len(deliveries))
	until := c.clock().Add(c.cfg.Lease)
	for i, d := range deliveries {
		if worker := c.workers.take(); worker != nil {
			d.State, d.Due = repo.DeliveryRunning, until
			j := newJob(d, worker)
			j.bundle, j.decoded, j.people = bundles[i], true, of(people, i) //nolint:gosec // there is a delivery for each bundle
			jobs = append(jobs, j)
			j.mu.Lock() // until it is stored
			c.workers.enter(j)
		}
		changes[i] = c.repo.Put(d)
	}
	err := c.applyNaming(context.WithoutCancel(ctx), changes, slices.Concat(people...))
	late := !c.clock().Before(until) // the commit took longer than the lease: somebody else may have them
	for _, j := range jobs {
		j.mu.Unlock()
		if err != nil || late {
			c.workers.leave(j)
			j.worker.release()
			continue
		}
		j.worker.start(func(ctx context.Context) { c.work(ctx, j) })
	}
	if err == nil && (late || len(jobs) < len(deliveries)) {
		c.workers.call()
	}
	if err != nil {
		for _, d := range deliveries {
			c.endGone(ctx, d)
		}
	}
	return err
}

// wait waits for the answer of a run whose delivery is written.
func (c *core) wait(ctx context.Context, answer <-chan reply, limit time.Duration) (connector.Response, error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case r := <-answer:
		return r.response, r.err
	case <-timer.C:
	case <-ctx.Done(): // the caller has gone
	case <-c.closing.Done():
	}
	return accepted, nil
}

// unstorable says what a caller is told whose request can never be stored. Nothing of it says who was erased.
func unstorable(err error) error {
	switch {
	case errors.Is(err, ErrErased):
		return refuse(http.StatusUnprocessableEntity, "The request cannot be taken.")
	case errors.Is(err, errLongIdentifier), errors.Is(err, errManySubjects), errors.Is(err, errInexact):
		return refuse(http.StatusBadRequest, "The request names more people, or by longer texts or larger numbers, than can be kept track of.")
	case errors.Is(err, store.ErrTooLarge), errors.Is(err, crypto.ErrTooLarge):
		return refuse(http.StatusRequestEntityTooLarge, "The request is too large to be stored.")
	}
	return err
}

// waiters are the callers who wait for a run's answer, by delivery. The zero waiters are ready.
type waiters struct {
	mu      sync.Mutex
	waiting map[string]chan reply
}

// A reply is what a waiting caller gets: a response, or why there is none.
type reply struct {
	response connector.Response
	err      error
}

func (w *waiters) add(delivery string) chan reply {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting == nil {
		w.waiting = make(map[string]chan reply)
	}
	answer := make(chan reply, 1)
	w.waiting[delivery] = answer
	return answer
}

func (w *waiters) remove(delivery string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.waiting, delivery)
}

// answer gives the caller of a delivery a reply. Only the first one is taken.
func (w *waiters) answer(delivery string, r reply) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if answer := w.waiting[delivery]; answer != nil {
		select {
		case answer <- r:
		default:
		}
	}
}

// queues count the deliveries of each scenario that have not been run to an end. The count of this process is good enough
// to say that there is room; before it says that there is none, the store is asked. The zero queues are ready.
type queues struct {
	mu      sync.Mutex
	waiting map[string]*queue
}

type queue struct {
	length  int
	counted time.Time
}

// recountTime is how old a count may be that says that a queue is full.
const recountTime = time.Second

// enter counts deliveries in, unless there are too many.
func (q *queues) enter(ctx context.Context, c *core, scenario *repo.Scenario, count, limit int) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.waiting == nil {
		q.waiting = make(map[string]*queue)
	}
	waiting := q.waiting[scenario.ID]
	if waiting == nil || waiting.length+count > limit && time.Since(waiting.counted) > recountTime {
		q.mu.Unlock()
		length, err := c.queued(ctx, scenario)
		q.mu.Lock()
		if err != nil {
			return err
		}
		waiting = &queue{length: length, counted: time.Now()}
		q.waiting[scenario.ID] = waiting
	}
	if waiting.length+count > limit {
		c.cfg.Logger.Warn("queue full", zap.String("scenario", scenario.ID), zap.Int("limit", limit))
		return refuse(http.StatusBadRequest, "The queue is full.")
	}
	waiting.length += count
	return nil
}

// queued counts in the store.
func (c *core) queued(ctx context.Context, scenario *repo.Scenario) (count int, err error) {
	for _, state := range []string{repo.DeliveryAccepted, repo.DeliveryRunning, repo.DeliveryHeld} {
		for _, err := range c.repo.Deliveries(ctx, scenario.Tenant, scenario.ID, state) {
			if err != nil {
				return 0, err
			}
			count++
		}
	}
	return count, nil
}

func (q *queues) leave(scenario string, count int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if waiting := q.waiting[scenario]; waiting != nil {
		waiting.length = max(waiting.length-count, 0)
	}
}

// rateWindow is the time over which requests to a hook are counted.
const rateWindow = 10 * time.Second

// rates count the requests to each hook. The zero rates are ready.
type rates struct {
	mu    sync.Mutex
	hooks map[string]*window
}

type window struct {
	began time.Time
	count int
}

// allow says whether a hook may take one more request in its present window.
func (r *rates) allow(hook string, limit int) bool {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.hooks == nil {
		r.hooks = make(map[string]*window)
	}
	w := r.hooks[hook]
	if w == nil {
		w = &window{}
		r.hooks[hook] = w
	}
	if now.Sub(w.began) >= rateWindow {
		w.began, w.count = now, 0
	}
	w.count++
	return w.count <= limit
}
