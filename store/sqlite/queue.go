package sqlite

import (
	"context"
	"sync"
	"sync/atomic"
)

// The states of a request.
const (
	waiting int32 = iota
	// taken: the writer works on it, and its caller waits for the outcome, however long that takes.
	taken
	// given up: its caller has gone, and the writer must not look at it any more.
	givenUp
)

// A task is what the writer does for one call.
type task interface {
	// do works inside the writer's transaction. The outcome is the call's own answer once the transaction is committed.
	// Broken says that it cannot be; do may then be called again, in another one.
	do(w *writer) (outcome, broken error)
}

// A request is a call that waits for the writer.
type request struct {
	task
	// bytes is about how much the task writes.
	bytes int
	// alone says that the task works outside of a transaction.
	alone bool

	state atomic.Int32
	done  chan error
}

// A queue holds the requests that wait for the writer.
type queue struct {
	mu      sync.Mutex
	waiting []*request
	closed  bool

	// more has a value when something has changed since the writer looked.
	more chan struct{}
}

func newQueue() *queue { return &queue{more: make(chan struct{}, 1)} }

// do puts the task in the queue and waits for its outcome. When the context ends before the writer has taken the task up,
// it never will. After that, do waits for the outcome: what the caller passed in is in use until then.
func (q *queue) do(ctx context.Context, t task, bytes int, alone bool) error {
	r := &request{task: t, bytes: bytes, alone: alone, done: make(chan error, 1)}
	q.mu.Lock()
	q.waiting = append(q.waiting, r)
	first := len(q.waiting) == 1
	q.mu.Unlock()
	if first {
		q.signal()
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		if r.state.CompareAndSwap(waiting, givenUp) {
			return ctx.Err()
		}
		return <-r.done
	}
}

func (q *queue) signal() {
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// wait waits until somebody waits for the writer. It returns false when the queue is closed and empty.
func (q *queue) wait() bool {
	for {
		q.mu.Lock()
		some, closed := len(q.waiting) > 0, q.closed
		q.mu.Unlock()
		if some || closed {
			return some
		}
		<-q.more
	}
}

// take returns all that wait. It uses the memory of the last ones for the next.
func (q *queue) take(last []*request) []*request {
	q.mu.Lock()
	defer q.mu.Unlock()

	batch := q.waiting
	q.waiting = last[:0]
	return batch
}

// close lets take return when all that waits is done. Nobody may call do any more.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}
