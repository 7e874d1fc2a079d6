package engine

import (
	"context"
	"slices"
	"sync"
)

// workers limit how many runs are under way, and know those that are. A worker is taken before a delivery is leased, and
// released when its run has ended.
type workers struct {
	slots chan struct{}
	// called gets a value when there is work that nobody has.
	called chan struct{}

	mu    sync.Mutex
	runs  context.Context // of the Serve that is at work; nil when there is none
	taken int
	jobs  map[*job]struct{}
	idle  chan struct{} // closed when nobody is at work any more; nil when nobody waits for that
}

func newWorkers(count int) *workers {
	return &workers{
		slots:  make(chan struct{}, count),
		called: make(chan struct{}, 1),
		jobs:   make(map[*job]struct{}),
	}
}

// A worker is the right to do one run.
type worker struct {
	pool *workers
	ctx  context.Context
}

// begin lets hooks hand their deliveries to workers, which run under ctx. False when somebody else has begun.
func (w *workers) begin(ctx context.Context) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.runs != nil {
		return false
	}
	w.runs = ctx
	return true
}

// end is the opposite of begin. Workers that have been taken go on.
func (w *workers) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.runs = nil
	w.settle()
}

// take takes a worker of the Serve at work, if there is one and it has one free.
func (w *workers) take() *worker {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.runs == nil {
		return nil
	}
	select {
	case w.slots <- struct{}{}:
		w.taken++
		return &worker{pool: w, ctx: w.runs}
	default:
		return nil
	}
}

// several waits until a worker is free, and takes up to limit of those that are. They run under runs. None when ctx ends
// first.
func (w *workers) several(ctx, runs context.Context, limit int) []*worker {
	var crew []*worker
	for len(crew) < limit {
		if len(crew) == 0 {
			select {
			case w.slots <- struct{}{}:
			case <-ctx.Done():
				return nil
			}
		} else {
			select {
			case w.slots <- struct{}{}:
			default:
				return crew
			}
		}
		w.mu.Lock()
		w.taken++
		w.mu.Unlock()
		crew = append(crew, &worker{pool: w, ctx: runs})
	}
	return crew
}

// start does a run in a goroutine of its own and releases the worker after it.
func (w *worker) start(run func(context.Context)) {
	go func() {
		defer w.release()
		run(w.ctx)
	}()
}

func (w *worker) release() {
	<-w.pool.slots
	w.pool.mu.Lock()
	defer w.pool.mu.Unlock()
	w.pool.taken--
	w.pool.settle()
}

// settle tells those who wait that nobody is at work. mu is held.
func (w *workers) settle() {
	if w.taken == 0 && w.idle != nil {
		close(w.idle)
		w.idle = nil
	}
}

// done returns a channel that is closed when nobody is at work.
func (w *workers) done() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	idle := w.idle
	if idle == nil {
		idle = make(chan struct{})
		w.idle = idle
	}
	w.settle()
	return idle
}

// call tells the Serve at work that there is something to claim.
func (w *workers) call() {
	select {
	case w.called <- struct{}{}:
	default:
	}
}

// enter and leave note which jobs have leases to be renewed.
func (w *workers) enter(j *job) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.jobs[j] = struct{}{}
}

func (w *workers) leave(j *job) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.jobs, j)
}

func (w *workers) list() []*job {
	w.mu.Lock()
	defer w.mu.Unlock()
	jobs := make([]*job, 0, len(w.jobs))
	for j := range w.jobs {
		jobs = append(jobs, j)
	}
	return slices.Clip(jobs)
}
