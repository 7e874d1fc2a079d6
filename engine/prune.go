package engine

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// pruneBatch is how many people are looked at in one step.
const pruneBatch = 256

// prune forgets the identifiers, and the keys, of people whom no record names any more, when it is time to look for them. It
// returns how long to wait before the next look.
func (c *core) prune(ctx context.Context) time.Duration {
	return c.pruning.do(c.now, func(time.Time) time.Duration {
		for ctx.Err() == nil {
			looked, err := c.repo.PruneSubjects(ctx, pruneBatch)
			if err != nil && ctx.Err() == nil {
				c.cfg.Logger.Error("people whom nothing names could not be forgotten, trying again", zap.Error(err))
				return chorePause
			}
			if err != nil || looked < pruneBatch {
				break
			}
		}
		return choreTime
	})
}
