package pattern

import (
	"sync"
	"time"
)

const (
	// maxKept is how many patterns a cache keeps. A blueprint has a handful that stay the same; patterns that are mapped
	// from data would pile up without a limit.
	maxKept = 256
	// maxKeptBytes is how long a pattern may be that is kept.
	maxKeptBytes = 4 << 10
)

// A Cache keeps compiled patterns, because compiling takes far longer than matching. When it is full it is emptied, which
// costs a recompilation but needs no bookkeeping on the way of a hit. The zero Cache is ready; many goroutines may use it.
type Cache struct {
	// Limit is that of Compile. Default: MaxTime. Set it before the cache is used.
	Limit time.Duration

	mu    sync.RWMutex
	known map[string]*Pattern
}

// Compile returns what Compile returns, compiled once for all who ask.
func (c *Cache) Compile(source, flags string) (*Pattern, error) {
	key := flags + "/" + source
	c.mu.RLock()
	p := c.known[key]
	c.mu.RUnlock()
	if p != nil {
		return p, nil
	}
	p, err := Compile(source, flags, c.Limit)
	if err != nil || len(key) > maxKeptBytes {
		return p, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= maxKept {
		c.known = make(map[string]*Pattern, maxKept)
	}
	c.known[key] = p
	return p, nil
}
