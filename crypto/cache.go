package crypto

import (
	"strings"
	"sync"
	"time"
)

// derivationKey finds a derivation: by the key that it comes from, its salt, and the part of the scope that went into
// it. To find the derivation that new envelopes use, the salt is left zero. Those of streams are found by key and salt alone.
type derivationKey struct {
	id                   keyID
	salt                 [saltSize]byte
	tenant, subject, run string
}

// A cache keeps derivations that are in use, no more than max of them and none older than age, and lets go of the least
// recently used first. Many goroutines may use a cache.
type cache struct {
	max int
	age time.Duration

	mu      sync.Mutex
	entries map[derivationKey]*cacheEntry
	ends    cacheEntry // of a ring: ends.next was used last, ends.prev longest ago
}

type cacheEntry struct {
	key        derivationKey
	value      *derivation
	prev, next *cacheEntry
}

func newCache(limit int, age time.Duration) *cache {
	c := &cache{max: limit, age: age, entries: make(map[derivationKey]*cacheEntry)}
	c.ends.prev, c.ends.next = &c.ends, &c.ends
	return c
}

func (c *cache) get(key *derivationKey, now time.Time) *derivation {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[*key]
	if e == nil {
		return nil
	}
	if c.expired(e, now) {
		c.remove(e)
		return nil
	}
	if c.ends.next != e {
		e.unlink()
		c.link(e)
	}
	return e.value
}

func (c *cache) put(key *derivationKey, d *derivation, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[*key]; e != nil {
		c.remove(e)
	}
	// Cloned, because a field of a scope may be a slice of a much longer text that would stay in memory with it.
	own := *key
	own.tenant, own.subject, own.run = strings.Clone(key.tenant), strings.Clone(key.subject), strings.Clone(key.run)
	e := &cacheEntry{key: own, value: d}
	c.entries[own] = e
	c.link(e)
	for last := c.ends.prev; last != e && (len(c.entries) > c.max || c.expired(last, now)); last = c.ends.prev {
		c.remove(last)
	}
}

// forget drops what comes from one key.
func (c *cache) forget(id keyID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries {
		if e.key.id == id {
			c.remove(e)
		}
	}
}

// clear forgets everything.
func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.entries)
	c.ends.prev, c.ends.next = &c.ends, &c.ends
}

func (c *cache) expired(e *cacheEntry, now time.Time) bool { return now.Sub(e.value.born) >= c.age }

func (c *cache) remove(e *cacheEntry) {
	delete(c.entries, e.key)
	e.unlink()
}

func (c *cache) link(e *cacheEntry) {
	e.prev, e.next = &c.ends, c.ends.next
	e.prev.next, e.next.prev = e, e
}

func (e *cacheEntry) unlink() {
	e.prev.next, e.next.prev = e.next, e.prev
}
