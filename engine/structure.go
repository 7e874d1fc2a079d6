package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/store"
)

// SaveStructure stores a data structure, or replaces the one of the same name. Hooks, data stores and modules go by the new
// one at once in this process, and after a second in others; what data stores hold already stays as it is until it is
// written again. A structure that makes no sense is an error that wraps connector.ErrStructure.
func (e *Engine) SaveStructure(ctx context.Context, structure connector.Structure) error {
	if err := e.open(); err != nil {
		return err
	}
	if structure.Name == "" {
		return fmt.Errorf("%w: the data structure has no name: set Structure.Name", ErrInvalid)
	}
	definition, err := structure.MarshalJSON()
	if err != nil {
		return fmt.Errorf("save data structure %q: %w", structure.Name, err)
	}
	id := repo.StructureID(e.tenant, structure.Name)
	for {
		doc := &repo.Structure{Envelope: repo.Envelope{ID: id, Tenant: e.tenant}}
		if err := e.repo.Get(ctx, doc); err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("save data structure %q: %w", structure.Name, err)
		}
		if doc.Created.IsZero() {
			doc.Created = e.now()
		}
		doc.Name, doc.Definition = structure.Name, definition
		err := e.repo.Apply(ctx, e.repo.Put(doc))
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		e.types.forget(id)
		if err != nil {
			return fmt.Errorf("save data structure %q: %w", structure.Name, err)
		}
		return nil
	}
}

// DeleteStructure removes a data structure for good. What needs it fails from then on: hooks refuse requests, data stores
// what is written, modules their operations.
func (e *Engine) DeleteStructure(ctx context.Context, name string) error {
	if err := e.open(); err != nil {
		return err
	}
	id := repo.StructureID(e.tenant, name)
	for {
		doc := &repo.Structure{Envelope: repo.Envelope{ID: id, Tenant: e.tenant}}
		if err := e.repo.Get(ctx, doc); err != nil {
			return notFound(err, "data structure", name)
		}
		err := e.repo.Apply(ctx, e.repo.Delete(doc))
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		e.types.forget(id)
		return err
	}
}

// Structures yields the tenant's data structures.
func (e *Engine) Structures(ctx context.Context) iter.Seq2[connector.Structure, error] {
	return func(yield func(connector.Structure, error) bool) {
		for doc, err := range e.repo.Structures(ctx, e.tenant) {
			structure := connector.Structure{Name: doc.Name}
			if err == nil {
				err = structure.UnmarshalJSON(doc.Definition)
			}
			if !yield(structure, err) {
				return
			}
		}
	}
}

// structure reads a data structure, as it was within the last cacheTime. Nobody may change it.
func (c *core) structure(ctx context.Context, tenant, name string) (*connector.Structure, error) {
	id := repo.StructureID(tenant, name)
	return c.types.get(ctx, id, absentStructure, func(ctx context.Context) (*connector.Structure, error) {
		doc := &repo.Structure{Envelope: repo.Envelope{ID: id, Tenant: tenant}}
		if err := c.repo.Get(ctx, doc); err != nil {
			return nil, notFound(err, "data structure", name)
		}
		structure := new(connector.Structure)
		if err := structure.UnmarshalJSON(doc.Definition); err != nil {
			return nil, fmt.Errorf("data structure %q: %w", name, err)
		}
		return structure, nil
	})
}

func absentStructure(err error) bool { return errors.Is(err, ErrNotFound) }

// structures finds the data structures that one run names, each once: a structure that is changed meanwhile stays the same
// for the run.
type structures struct {
	*core
	tenant string
	// names map what the blueprint calls them to the tenant's own names.
	names map[string]string

	mu    sync.Mutex // modules may ask from goroutines of their own
	found map[string]*connector.Structure
}

func (c *core) structuresOf(doc *repo.Scenario) *structures {
	return &structures{core: c, tenant: doc.Tenant, names: doc.Structures}
}

// find is connector.Call.Structure.
func (s *structures) find(ctx context.Context, name string) (*connector.Structure, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if structure, ok := s.found[name]; ok {
		return structure, nil
	}
	structure, err := s.structure(ctx, s.tenant, mapped(name, s.names))
	if errors.Is(err, ErrNotFound) {
		if !foreign(name, s.names) {
			return nil, connector.Errorf(connector.InvalidConfigurationError,
				"there is no data structure %q: save it with Engine.SaveStructure", mapped(name, s.names))
		}
		err = nil
	}
	if err != nil {
		return nil, err
	}
	if s.found == nil {
		s.found = map[string]*connector.Structure{}
	}
	s.found[name] = structure
	return structure, nil
}

// foreign says that a name is a number of the account that the blueprint comes from, and that nobody said what it is here.
func foreign(name string, names map[string]string) bool {
	_, known := names[name]
	return !known && name != "" && strings.Trim(name, "0123456789") == ""
}

// unstructured reports every module that names a data structure which is not there.
func (e *Engine) unstructured(ctx context.Context, bp *blueprint.Blueprint, names map[string]string) []blueprint.Problem {
	var problems []blueprint.Problem
	for at, name := range e.named(bp, connector.TypeStructure) {
		if problem := e.missing(ctx, name, names); problem != nil {
			problem.Module, problem.Field = at.Module, at.Field
			problems = append(problems, *problem)
		}
	}
	return problems
}

// named yields what the parameters of a type name, and where.
func (c *core) named(bp *blueprint.Blueprint, kind connector.FieldType) iter.Seq2[blueprint.Problem, string] {
	return func(yield func(blueprint.Problem, string) bool) {
		for place, m := range bp.All() {
			module, _, ok := c.modules.find(m.Name, m.Version)
			if !ok || place.Disabled() {
				continue
			}
			for _, field := range module.Info().Params {
				value, given := m.Parameters.Get(field.Name)
				if field.Type != kind || !given {
					continue
				}
				normal, err := connector.Normalize(value)
				if err != nil || label(normal) == "" {
					continue
				}
				if !yield(blueprint.Problem{Module: m.ID, Field: "parameters." + field.Name}, label(normal)) {
					return
				}
			}
		}
	}
}

// missing says what is wrong with a name of a data structure, or nil.
func (e *Engine) missing(ctx context.Context, name string, names map[string]string) *blueprint.Problem {
	own := mapped(name, names)
	_, err := e.structure(ctx, e.tenant, own)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrNotFound) && foreign(name, names):
		return &blueprint.Problem{
			Severity: blueprint.SeverityWarning, Code: blueprint.CodeNoStructure,
			Message: fmt.Sprintf("nobody said which data structure %s is, so the module works without: name it in DeployOptions.Structures", name),
		}
	case errors.Is(err, ErrNotFound):
		return &blueprint.Problem{
			Severity: blueprint.SeverityError, Code: blueprint.CodeNoStructure,
			Message: fmt.Sprintf("there is no data structure %q: save it with Engine.SaveStructure", own),
		}
	}
	return &blueprint.Problem{Severity: blueprint.SeverityError, Code: blueprint.CodeNoStructure, Message: err.Error()}
}
