package engine

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"
)

const (
	// pruneTime is how often the engine looks for people whom no record names any more.
	pruneTime = time.Hour
	// prunePause is how long it waits after a failure.
	prunePause = time.Minute
	// pruneBatch is how many it looks at in one step.
	pruneBatch = 256
)

// pruning remembers when that is done next. The zero pruning is ready.
type pruning struct {
	mu   sync.Mutex
	next time.Time // by the host's clock
}

// prune forgets the identifiers, and the keys, of people whom no record names any more. It looks for them at most once in
// pruneTime, and returns how long to wait before the next look.
func (c *core) prune(ctx context.Context) time.Duration {
	p := &c.pruning
	if !p.mu.TryLock() {
		return prunePause // somebody else is at it
	}
	defer p.mu.Unlock()
	now := c.now()
	if wait := p.next.Sub(now); wait > 0 && wait <= pruneTime { // a longer one is that of a clock that was put back
		return wait
	}
	wait := pruneTime
	for ctx.Err() == nil {
		looked, err := c.repo.PruneSubjects(ctx, pruneBatch)
		if err != nil && ctx.Err() == nil {
			c.cfg.Logger.Error("people whom nothing names could not be forgotten, trying again", zap.Error(err))
			wait = prunePause
		}
		if err != nil || looked < pruneBatch {
			break
		}
	}
	p.next = now.Add(wait)
	return wait
}
