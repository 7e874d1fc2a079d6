package engine

import (
	"sync"
	"time"
)

// A tide lets the ends of runs wait for each other a moment, so that many are written in one commit of the store: nobody
// waits for the end of a run, and a commit costs the same for one as for many. Only runs that may be done again without
// harm wait, because a crash in that moment makes them start over. The zero tide is ready.
type tide struct {
	mu      sync.Mutex
	waiting int
	turn    chan struct{} // closed when all that wait may go
}

const (
	// tideTime is how long the end of a run waits at most.
	tideTime = 4 * time.Millisecond
	// tideSize is how many ends wait at most.
	tideSize = 64
)

// wait returns when the others go, too.
func (t *tide) wait() {
	t.mu.Lock()
	first := t.waiting == 0
	if first {
		t.turn = make(chan struct{})
	}
	turn := t.turn
	if t.waiting++; t.waiting == tideSize {
		t.release()
	}
	t.mu.Unlock()
	if !first {
		<-turn
		return
	}
	timer := time.NewTimer(tideTime)
	defer timer.Stop()
	select {
	case <-turn:
	case <-timer.C:
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.turn == turn {
			t.release()
		}
	}
}

// release lets all that wait go. mu is held.
func (t *tide) release() {
	close(t.turn)
	t.turn, t.waiting = nil, 0
}
