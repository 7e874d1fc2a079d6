package engine

import (
	"sync"
	"time"
)

// A tide lets the ends of runs wait for the next delivery, so that both are written in one commit of the store: nobody
// waits for the end of a run, but every commit costs a synchronisation of the disk. The zero tide is ready.
type tide struct {
	mu   sync.Mutex
	next chan struct{} // closed at the next delivery; nil when nobody waits for one
}

// tideWait is how long the end of a run waits at most. It is about what a commit takes.
const tideWait = time.Millisecond

// turn lets all that wait go.
func (t *tide) turn() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.next != nil {
		close(t.next)
		t.next = nil
	}
}

// wait returns at the next turn, or after tideWait.
func (t *tide) wait() {
	t.mu.Lock()
	if t.next == nil {
		t.next = make(chan struct{})
	}
	next := t.next
	t.mu.Unlock()
	timer := time.NewTimer(tideWait)
	defer timer.Stop()
	select {
	case <-next:
	case <-timer.C:
	}
}
