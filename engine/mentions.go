package engine

import (
	"context"
	"errors"
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
	// given are the people of the delivery, of the calling run, and of runs that were called and have answered.
	given []repo.Person
	// named are those whom modules have named. untold is why not all people of the run can be named: then its data is not kept.
	named  identifiers
	untold error
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

// returned takes note of the people of a run that was called and has answered.
func (m *mentions) returned(people []repo.Person, untold error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.given = joined(m.given, people)
	if m.untold == nil {
		m.untold = untold
	}
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
	found, err := m.core.resolve(ctx, m.tenant, m.named.list)
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

// untoldTrace is what is kept in place of a trace that must not be kept.
func untoldTrace(why error) []byte {
	message := "subjects: the run names more people, or by longer texts, than can be kept track of; its data is not kept"
	if errors.Is(why, ErrErased) {
		message = "subjects: the run names a person who was erased; its data is not kept"
	}
	return append(appendTexts(appendNumbers([]byte{'w'}, 0), message), truncatedTrace...)
}
