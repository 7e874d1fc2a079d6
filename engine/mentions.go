package engine

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/flow"
	"github.com/ebbkit/ebb/engine/internal/repo"
)

// mentions are the people of whom a run speaks: those whom it was given, and those whom its modules name. Many goroutines may
// use them.
type mentions struct {
	core   *core
	tenant string
	paths  subjectPaths

	mu sync.Mutex
	// given are the people of the delivery, of the calling run, of runs that were called, and of what was written into data
	// stores. met are subjects of what was read there.
	given []repo.Person
	met   map[string]struct{}
	// named are those whom modules have named. untold is why not all people of the run can be named: then its data is not kept, and
	// nothing that names its people is written for it. refused says that a module has met somebody who was erased: then its data is
	// not kept either, but the run may go on with others.
	named   identifiers
	untold  error
	refused bool
}

// spoken returns the mentions of a run, nil for one that names nobody.
func (c *core) spoken(p *plan) *mentions {
	if p.confidential || len(p.deployed.subjects) == 0 && len(p.people) == 0 && p.untold == nil {
		return nil
	}
	return &mentions{core: c, tenant: p.doc.Tenant, paths: p.deployed.subjects, given: p.people, untold: p.untold}
}

// gave takes note of what a module gave.
func (m *mentions) gave(module int, out connector.Bundle) {
	paths := m.paths[module]
	if len(paths) == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.untold == nil {
		m.untold = m.named.addAll(m.core, paths, out)
	}
}

// add takes note of people whom the run has come to speak of: those who are known, and those of whom only the subject is. untold
// is why not all of them can be named.
func (m *mentions) add(people []repo.Person, met []string, untold error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.untold == nil {
		m.untold = untold
	}
	if m.untold != nil {
		return
	}
	m.given = joined(m.given, people)
	for _, subject := range met {
		if m.met == nil {
			m.met = make(map[string]struct{})
		}
		if m.met[subject] = struct{}{}; len(m.met) > MaxSubjects {
			m.untold = errManySubjects
		}
	}
}

// refuse notes that a module has met somebody who was erased.
func (m *mentions) refuse() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refused = true
}

// wasRefused says whether refuse was called.
func (m *mentions) wasRefused() bool {
	if m == nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.refused
}

// meet finds those of whom only the subject is known. mu is held.
func (m *mentions) meet(ctx context.Context) error {
	for i := range m.given {
		delete(m.met, m.given[i].ID)
	}
	for _, subject := range slices.Sorted(maps.Keys(m.met)) {
		people, err := m.core.repo.Standing(ctx, m.tenant, []string{subject})
		switch {
		case errors.Is(err, ErrErased):
			m.refused = true
		case err != nil:
			return err
		}
		m.given = append(m.given, people...)
		delete(m.met, subject)
	}
	return nil
}

// people returns everybody of whom the run speaks. The error is that of looking for them; untold says why they cannot all be
// named, and then there are none.
func (m *mentions) people(ctx context.Context) (people []repo.Person, untold, err error) {
	if m == nil {
		return nil, nil, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.untold != nil {
		return nil, m.untold, nil
	}
	err = m.meet(ctx)
	var found []repo.Person
	if err == nil {
		found, err = m.core.resolve(ctx, m.tenant, m.named.list)
	}
	switch people = joined(m.given, found); {
	case errors.Is(err, ErrErased):
		m.untold = ErrErased
	case err != nil:
		return nil, nil, err
	case len(people) > MaxSubjects:
		m.untold = errManySubjects
	}
	if m.untold != nil {
		return nil, m.untold, nil
	}
	return people, nil, nil
}

// again has everybody looked for anew, after a write that named them has conflicted.
func (m *mentions) again(ctx context.Context, people []repo.Person) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.core.people.forget(m.tenant, people)
	given, err := m.core.repo.Standing(ctx, m.tenant, subjectsOf(m.given))
	if errors.Is(err, ErrErased) {
		m.untold, err = ErrErased, nil
	}
	if err == nil {
		m.given = given
	}
	return err
}

// erased notes that one of the people was erased meanwhile.
func (m *mentions) erased() {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.untold = ErrErased
}

// A witness is a trace that also takes note of the people whom modules name.
type witness struct {
	*trace
	mentions *mentions
}

var _ flow.Observer = witness{}

// Gave implements flow.Observer.
func (w witness) Gave(number int64, module int, out connector.Bundle) {
	w.mentions.gave(module, out)
	w.trace.Gave(number, module, out)
}

// Replaced implements flow.Observer: what stands in for what a module gives names people at the same places.
func (w witness) Replaced(_ int64, module int, out connector.Bundle) { w.mentions.gave(module, out) }

// untoldTrace is what is kept in place of a trace that must not be kept.
func untoldTrace(why error) []byte {
	message := "subjects: the run names more people, or by longer texts or larger numbers, than can be kept track of; its data is not kept"
	if errors.Is(why, ErrErased) {
		message = "subjects: the run names a person who was erased; its data is not kept"
	}
	return append(appendTexts(appendNumbers([]byte{'w'}, 0), message), truncatedTrace...)
}
