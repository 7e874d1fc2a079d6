package engine

import (
	"sync"
	"time"
)

const (
	// choreTime is how often what keeps a store in order is done: often enough for any Slack of the keys that makes sense.
	choreTime = time.Hour
	// chorePause is how long it waits after a failure.
	chorePause = time.Minute
)

// A chore is work that is done now and then, by whoever comes first. The zero chore is ready.
type chore struct {
	mu   sync.Mutex
	next time.Time // by the host's clock
}

// do does the work when it is time, and returns how long to wait before the next look. work says how long it may rest.
func (o *chore) do(clock func() time.Time, work func(now time.Time) time.Duration) time.Duration {
	if !o.mu.TryLock() {
		return chorePause // somebody else is at it, which may take long
	}
	defer o.mu.Unlock()
	now := clock()
	if wait := o.next.Sub(now); wait > 0 && wait <= choreTime { // a longer one is that of a clock that was put back
		return wait
	}
	wait := work(now)
	o.next = now.Add(wait)
	return wait
}
