package engine

import (
	"crypto/sha256"
	"fmt"
	"sync"
	"time"

	"github.com/ebbkit/ebb/engine/internal/repo"
)

// maxKnownPeople is how many people one half of an engine's memory has.
const maxKnownPeople = 8192

// acquaintances are the people whom this process has met within the last cacheTime, by what names them. That is kept as a hash,
// so that no identifier stays in memory. What is remembered may be out of date: whatever is written about the people finds out.
// The zero value is ready.
type acquaintances struct {
	mu sync.Mutex
	// young is filled; when it is full, it becomes old, and what was old is forgotten.
	young, old map[acquaintance]known
}

// An acquaintance is the SHA-256 of a tenant and an identifier.
type acquaintance [sha256.Size]byte

type known struct {
	repo.Person
	read time.Time
}

func acquaintanceOf(tenant, identifier string) acquaintance {
	return sha256.Sum256(fmt.Appendf(nil, "%d %s%s", len(tenant), tenant, identifier))
}

func (a *acquaintances) find(tenant, identifier string) (repo.Person, bool) {
	name := acquaintanceOf(tenant, identifier)
	a.mu.Lock()
	defer a.mu.Unlock()
	p, ok := a.young[name]
	if !ok {
		p, ok = a.old[name]
	}
	return p.Person, ok && time.Since(p.read) < cacheTime
}

func (a *acquaintances) keep(tenant, identifier string, p repo.Person) {
	name := acquaintanceOf(tenant, identifier)
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.young) >= maxKnownPeople {
		a.old, a.young = a.young, nil
	}
	if a.young == nil {
		a.young = make(map[acquaintance]known)
	}
	a.young[name] = known{p, time.Now()}
}

// forget lets people be looked up anew. That is rare, so they are looked for one by one.
func (a *acquaintances) forget(tenant string, people []repo.Person) {
	if len(people) == 0 {
		return
	}
	subjects := make(map[string]struct{}, len(people))
	for i := range people {
		subjects[people[i].ID] = struct{}{}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, half := range [...]map[acquaintance]known{a.young, a.old} {
		for name, p := range half {
			if _, gone := subjects[p.ID]; gone && p.Tenant() == tenant {
				delete(half, name)
			}
		}
	}
}
