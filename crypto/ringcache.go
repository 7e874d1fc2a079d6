package crypto

import (
	"strings"
	"sync"
	"time"
)

// A ringCache keeps rings whose keys are unwrapped, no more than max of them, and lets go of the least recently used
// first: its keys stay in memory until the garbage collector has cleared it, because somebody may be using them. Many
// goroutines may use it.
type ringCache struct {
	max int

	mu         sync.Mutex
	generation int64 // counts the calls of stale
	entries    map[owner]*cachedRing
	ends       cachedRing // of a ring of entries: ends.next was used last, ends.prev longest ago
}

type cachedRing struct {
	owner      owner
	ring       *ring
	checked    time.Time // when the store was last asked
	generation int64
	prev, next *cachedRing
}

func newRingCache(limit int) *ringCache {
	c := &ringCache{max: limit, entries: make(map[owner]*cachedRing)}
	c.ends.prev, c.ends.next = &c.ends, &c.ends
	return c
}

// get returns a ring and when it was last as it is in the store.
func (c *ringCache) get(o owner) (*ring, time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[o]
	if e == nil {
		return nil, time.Time{}
	}
	if c.ends.next != e {
		e.unlink()
		c.link(e)
	}
	if e.generation != c.generation {
		return e.ring, time.Time{}
	}
	return e.ring, e.checked
}

// A moment is when the store was asked for a ring.
type moment struct {
	at         time.Time
	generation int64
}

// now is the moment to note before the store is asked.
func (c *ringCache) now() moment {
	c.mu.Lock()
	defer c.mu.Unlock()
	return moment{time.Now(), c.generation}
}

// put notes that a ring was in the store at a moment, and returns the ring that is to be used: this one, or the one that
// somebody else has read since. Keys that only the other one has are cleared. What was asked for before stale stays stale.
func (c *ringCache) put(r *ring, asked moment) *ring {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[r.owner]; e != nil {
		if asked.generation < e.generation || asked.at.Before(e.checked) {
			r.forgetBut(e.ring)
			return e.ring
		}
		e.ring.forgetBut(r)
		e.ring, e.checked, e.generation = r, asked.at, asked.generation
		return r
	}
	// Cloned, because a field of a scope may be a slice of a much longer text that would stay in memory with it.
	own := owner{r.owner.kind, strings.Clone(r.owner.tenant), strings.Clone(r.owner.name)}
	r.owner = own
	e := &cachedRing{owner: own, ring: r, checked: asked.at, generation: asked.generation}
	c.entries[own] = e
	c.link(e)
	for last := c.ends.prev; len(c.entries) > c.max && last != e; last = c.ends.prev {
		c.remove(last)
		last.ring.abandon()
	}
	return r
}

// stale makes every ring be looked up again before it is used.
func (c *ringCache) stale() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
}

// drop forgets a ring and returns it.
func (c *ringCache) drop(o owner) *ring {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[o]
	if e == nil {
		return nil
	}
	c.remove(e)
	return e.ring
}

// dropRing forgets a ring, unless there is another one in its place already.
func (c *ringCache) dropRing(r *ring) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[r.owner]; e != nil && e.ring == r {
		c.remove(e)
	}
}

// clear forgets all rings and clears their keys.
func (c *ringCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries {
		e.ring.forget()
	}
	clear(c.entries)
	c.ends.prev, c.ends.next = &c.ends, &c.ends
}

func (c *ringCache) remove(e *cachedRing) {
	delete(c.entries, e.owner)
	e.unlink()
}

func (c *ringCache) link(e *cachedRing) {
	e.prev, e.next = &c.ends, c.ends.next
	e.prev.next, e.next.prev = e, e
}

func (e *cachedRing) unlink() {
	e.prev.next, e.next.prev = e.next, e.prev
}
