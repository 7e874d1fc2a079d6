package engine

import (
	"context"
	"sync"
)

// workers limit how many runs are under way in an engine, and know them. A worker is taken before a delivery is leased, and
// released when its run has ended. Whoever takes workers does so in a session: a Serve or a Tick.
type workers struct {
	slots chan struct{}
	// called gets a value when there is work that nobody has.
	called chan struct{}

	mu       sync.Mutex
	closed   bool
	serving  *session // the Serve at work; nil when there is none
	sessions int
	ended    chan struct{} // closed when there is no session any more; nil when nobody waits for that
	jobs     map[string]*job
}

func newWorkers(count int) *workers {
	return &workers{
		slots:  make(chan struct{}, count),
		called: make(chan struct{}, 1),
		jobs:   make(map[string]*job),
	}
}

// A session is one Serve or one Tick: it knows how many of the workers are its own.
type session struct {
	pool *workers
	runs context.Context // what its runs live under

	// tasks has what an idle goroutine is to do next; over is closed when there will be no more.
	tasks chan func()
	over  chan struct{}

	// Guarded by the pool's mutex.
	taken      int
	goroutines int
	idle       chan struct{} // closed when none is at work; nil when nobody waits for that
}

// begin opens a session. A serving one gets the deliveries that come in at hooks; there is one of them at a time.
func (w *workers) begin(runs context.Context, serving bool) (*session, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		return nil, ErrClosed
	case serving && w.serving != nil:
		return nil, ErrServing
	}
	s := &session{pool: w, runs: runs, tasks: make(chan func()), over: make(chan struct{})}
	if serving {
		w.serving = s
	}
	w.sessions++
	return s, nil
}

// retire lets a serving session get no more deliveries from hooks.
func (s *session) retire() {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	if s.pool.serving == s {
		s.pool.serving = nil
	}
}

// end closes a session.
func (s *session) end() {
	s.retire()
	close(s.over)
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	s.pool.sessions--
	if s.pool.sessions == 0 && s.pool.ended != nil {
		close(s.pool.ended)
		s.pool.ended = nil
	}
}

// close lets no more sessions begin, and returns a channel that is closed when all have ended.
func (w *workers) close() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	ended := w.ended
	if ended == nil {
		ended = make(chan struct{})
		if w.sessions == 0 {
			close(ended)
			return ended
		}
		w.ended = ended
	}
	return ended
}

// A worker is the right to do one run.
type worker struct{ session *session }

// take takes a worker of the Serve at work, if there is one and it has one free.
func (w *workers) take() *worker {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.serving == nil {
		return nil
	}
	select {
	case w.slots <- struct{}{}:
		w.serving.taken++
		return &worker{w.serving}
	default:
		return nil
	}
}

// several waits until a worker is free, and takes up to limit of those that are. None when ctx ends first.
func (s *session) several(ctx context.Context, limit int) []*worker {
	var crew []*worker
	for len(crew) < limit {
		if len(crew) == 0 {
			select {
			case s.pool.slots <- struct{}{}:
			case <-ctx.Done():
				return nil
			}
		} else {
			select {
			case s.pool.slots <- struct{}{}:
			default:
				return crew
			}
		}
		s.pool.mu.Lock()
		s.taken++
		s.pool.mu.Unlock()
		crew = append(crew, &worker{s})
	}
	return crew
}

// start does a run in a goroutine other than the caller's, and releases the worker after it. The goroutines of a session are
// used again: their stacks have grown to what a run needs.
func (w *worker) start(run func(context.Context)) {
	s := w.session
	task := func() {
		defer w.release()
		run(s.runs)
	}
	select {
	case s.tasks <- task:
		return
	default:
	}
	s.pool.mu.Lock()
	stay := s.goroutines < cap(s.pool.slots)
	if stay {
		s.goroutines++
	}
	s.pool.mu.Unlock()
	if !stay {
		go task()
		return
	}
	go func() {
		for {
			task()
			select {
			case task = <-s.tasks:
			case <-s.over:
				return
			}
		}
	}()
}

func (w *worker) release() {
	s := w.session
	<-s.pool.slots
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	s.taken--
	if s.taken == 0 && s.idle != nil {
		close(s.idle)
		s.idle = nil
	}
}

// done returns a channel that is closed when none of the session's workers is at work.
func (s *session) done() <-chan struct{} {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	if s.taken == 0 {
		idle := make(chan struct{})
		close(idle)
		return idle
	}
	if s.idle == nil {
		s.idle = make(chan struct{})
	}
	return s.idle
}

// left counts the workers that are at work.
func (s *session) left() int {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	return s.taken
}

// call tells the Serve at work that there is something to claim.
func (w *workers) call() {
	select {
	case w.called <- struct{}{}:
	default:
	}
}

// enter notes a job whose lease is to be renewed. When the same delivery is under way here already, it returns that job.
func (w *workers) enter(j *job) (other *job) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if other = w.jobs[j.id]; other == nil {
		w.jobs[j.id] = j
	}
	return other
}

func (w *workers) leave(j *job) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.jobs[j.id] == j {
		delete(w.jobs, j.id)
	}
}

func (w *workers) list() []*job {
	w.mu.Lock()
	defer w.mu.Unlock()
	jobs := make([]*job, 0, len(w.jobs))
	for _, j := range w.jobs {
		jobs = append(jobs, j)
	}
	return jobs
}
