package engine

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/store"
)

// enqueue writes down what came in at a hook, one delivery a bundle, and waits for the answer of the first one's run if
// the scenario gives any. When a worker is free, the delivery is its from the start, which saves the step of claiming it.
func (c *core) enqueue(ctx context.Context, s *deployed, hook *repo.Hook, bundles []connector.Bundle) (connector.Response, error) {
	if len(bundles) == 0 {
		return accepted, nil
	}
	if err := c.queues.enter(ctx, c, s.doc, len(bundles), c.cfg.MaxQueued); err != nil {
		return connector.Response{}, err
	}
	now, created := c.clock(), c.now()
	deliveries := make([]*repo.Delivery, len(bundles))
	jobs := make([]*job, 0, len(bundles))
	changes := make([]repo.Change, len(bundles))
	stored := false
	defer func() {
		if stored {
			return
		}
		c.queues.leave(s.doc.ID, len(bundles))
		for _, j := range jobs {
			j.mu.Unlock()
			c.workers.leave(j)
			j.worker.release()
		}
	}()
	for i, bundle := range bundles {
		id, err := c.newID()
		if err != nil {
			return connector.Response{}, err
		}
		d := &repo.Delivery{
			Envelope: repo.Envelope{ID: id, Tenant: s.doc.Tenant, Parent: s.doc.ID, State: repo.DeliveryAccepted, Created: created, Due: now},
			Hook:     hook.ID,
		}
		if d.Bundle, err = connector.AppendBundle(nil, bundle); err != nil {
			return connector.Response{}, refuse(http.StatusBadRequest, "The request is nested too deep.")
		}
		if worker := c.workers.take(); worker != nil {
			d.State, d.Due = repo.DeliveryRunning, now.Add(c.cfg.Lease)
			j := newJob(d, worker)
			j.bundle, j.decoded = bundle, true
			jobs = append(jobs, j)
			j.mu.Lock() // until it is stored
			c.workers.enter(j)
		}
		deliveries[i], changes[i] = d, c.repo.Put(d)
	}
	var answer chan connector.Response
	if s.program.Responds() {
		answer = c.waiters.add(deliveries[0].ID)
		defer c.waiters.remove(deliveries[0].ID)
	}
	if err := c.repo.Apply(context.WithoutCancel(ctx), changes...); err != nil {
		if errors.Is(err, store.ErrTooLarge) || errors.Is(err, crypto.ErrTooLarge) {
			err = refuse(http.StatusRequestEntityTooLarge, "The request is too large to be stored.")
		}
		return connector.Response{}, err
	}
	stored = true
	late := !c.clock().Before(now.Add(c.cfg.Lease)) // the commit took longer than the lease: somebody else may have them
	for _, j := range jobs {
		j.mu.Unlock()
		if late {
			c.workers.leave(j)
			j.worker.release()
			continue
		}
		j.worker.start(func(ctx context.Context) { c.work(ctx, j) })
	}
	if late || len(jobs) < len(bundles) {
		c.workers.call()
	}
	if answer == nil {
		return accepted, nil
	}
	timer := time.NewTimer(c.cfg.ResponseTimeout)
	defer timer.Stop()
	select {
	case response := <-answer:
		return response, nil
	case <-timer.C:
	case <-ctx.Done(): // the caller has gone
	case <-c.closing.Done():
	}
	return accepted, nil
}

// waiters are the callers who wait for a run's answer, by delivery. The zero waiters are ready.
type waiters struct {
	mu      sync.Mutex
	waiting map[string]chan connector.Response
}

func (w *waiters) add(delivery string) chan connector.Response {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting == nil {
		w.waiting = make(map[string]chan connector.Response)
	}
	answer := make(chan connector.Response, 1)
	w.waiting[delivery] = answer
	return answer
}

func (w *waiters) remove(delivery string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.waiting, delivery)
}

// answer gives the caller of a delivery a response. Only the first one is taken.
func (w *waiters) answer(delivery string, response connector.Response) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if answer := w.waiting[delivery]; answer != nil {
		select {
		case answer <- response:
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
