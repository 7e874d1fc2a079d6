package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"go.uber.org/zap"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/engine/internal/flow"
	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/store"
)

// DeployOptions say how a blueprint becomes a scenario.
type DeployOptions struct {
	// Name is the scenario's name, unique within its tenant. Deploying a name again replaces the scenario and keeps its
	// hook, its executions and its data. Default: the blueprint's name.
	Name string
	// Activate makes the scenario active. False leaves it as it is; a new one is paused.
	Activate bool
	// Hook says how the scenario's hook reads requests. It matters when the first module is a receiver.
	Hook HookOptions
	// Connections and DataStores map what the blueprint calls a connection or a data store, usually a number of the
	// account that it was exported from, to names of this tenant's. Default: they have the names that stand in the
	// blueprint. A data store that is not there yet is created.
	Connections, DataStores map[string]string
	// Structures maps what the blueprint calls a data structure to names of this tenant's, in the same way. A module that
	// names a structure which is not there is a problem; one that names a number which stands neither here nor with
	// SaveStructure works without, and is reported as a warning.
	Structures map[string]string
	// Scenarios maps what the blueprint calls a scenario that it calls to names of this tenant's, in the same way. One that
	// is not there yet is reported as a warning.
	Scenarios map[string]string
	// Location is the scenario's time zone. Default: Config.Location.
	Location *time.Location
	// Subjects says where texts and numbers stand that name people, such as e-mail addresses and customer numbers, in what the
	// modules give: paths of the mapping language with the module first, "1.customer.email" or "5.orders[].buyer". Names that are
	// no words stand in backquotes. Of arrays on the way every item counts, with [] or without. A path that leads to nothing, or
	// to anything but a text or a number, names nobody. A number of more than 53 bits that is no integer of 64 is refused, because it
	// is rounded, and may be somebody else's.
	//
	// The engine then knows whom deliveries and executions are about, seals those that name one person under that person's keys,
	// and finds and destroys them by Engine.SubjectRecords and Engine.ShredSubject. Config.Identifier says which texts name the
	// same person; who is named by two texts that differ is two people to the engine, and what has both is about several. What names a
	// person who was erased is refused: a hook answers 422, Run returns ErrErased, a call from another scenario is a DataError. An
	// execution whose later modules name such a person, or more people than MaxSubjects, is kept without its trace. Scenarios that
	// are called are about the people of their callers, too, and callers about those whom what they call is given. A delivery that
	// was accepted under other paths keeps naming whom it named then; its execution names those whom it names now as well. A
	// confidential scenario names nobody, but refuses people who were erased.
	//
	// It needs a vault that is a crypto.Blinder. What is wrong is a *SubjectError. Default: nobody is named.
	Subjects []string
}

// A Scenario is a blueprint that was deployed.
type Scenario struct {
	// ID is what executions name the scenario by. It follows from tenant and name.
	ID   string
	Name string
	// Active says that deliveries are taken and run.
	Active bool
	// Deployment counts how often the scenario was deployed, from 1.
	Deployment int64
	// Hook is the address that starts the scenario. Nil when its first module is no receiver.
	Hook *Hook
	// Subjects are the paths at which people are named, as they were deployed.
	Subjects []string
	// Blueprint is what was deployed.
	Blueprint *blueprint.Blueprint
	// Problems are the warnings of the last check. Only Deploy fills them in.
	Problems []blueprint.Problem
}

// Deploy checks a blueprint and makes it a scenario. A blueprint with problems is refused with a *CheckError that has all
// of them, and nothing changes. What deliveries were accepted before run with the new blueprint.
func (e *Engine) Deploy(ctx context.Context, bp *blueprint.Blueprint, options DeployOptions) (*Scenario, error) {
	if err := e.open(); err != nil {
		return nil, err
	}
	name := options.Name
	if name == "" {
		name = bp.Name
	}
	if name == "" {
		return nil, fmt.Errorf("%w: the scenario has no name: set DeployOptions.Name or the blueprint's name", ErrInvalid)
	}
	program, problems, err := e.compile(bp, nil)
	if err != nil {
		return nil, fmt.Errorf("deploy %q: %w", name, err)
	}
	problems = append(problems, e.unconnected(ctx, bp, options.Connections)...)
	problems = append(problems, e.unstructured(ctx, bp, options.Structures)...)
	problems = append(problems, e.uncalled(ctx, bp, options.Scenarios)...)
	if !blueprint.OK(problems) {
		return nil, fmt.Errorf("deploy %q: %w", name, &CheckError{Problems: problems})
	}
	if options.Location != nil && !named(options.Location, e.now()) {
		return nil, fmt.Errorf("deploy %q: %w: DeployOptions.Location %q is no zone of the IANA database: load it with time.LoadLocation",
			name, ErrInvalid, options.Location)
	}
	if err := e.checkSubjects(bp, options.Subjects); err != nil {
		return nil, fmt.Errorf("deploy %q: %w", name, err)
	}
	_, receives := program.First().(connector.Receiver)
	if err := e.checkHook(ctx, options); err != nil {
		return nil, fmt.Errorf("deploy %q: %w", name, err)
	}
	for {
		scenario, err := e.deploy(ctx, name, bp, receives, options)
		if errors.Is(err, store.ErrConflict) {
			continue // somebody else deployed, paused or activated it meanwhile: look again
		}
		if err != nil {
			return nil, fmt.Errorf("deploy %q: %w", name, err)
		}
		scenario.Problems = problems
		return scenario, nil
	}
}

// named says whether a time zone is the one that its name stands for, so that it can be found again by it.
func named(location *time.Location, now time.Time) bool {
	loaded, err := time.LoadLocation(location.String())
	if err != nil {
		return false
	}
	for month := range 12 {
		at := now.AddDate(0, month, 0)
		_, ours := at.In(location).Zone()
		if _, theirs := at.In(loaded).Zone(); ours != theirs {
			return false
		}
	}
	return true
}

// deploy writes all that belongs to a scenario in one step.
func (e *Engine) deploy(ctx context.Context, name string, bp *blueprint.Blueprint, receives bool, options DeployOptions) (*Scenario, error) {
	definition, err := blueprint.Marshal(bp)
	if err != nil {
		return nil, err
	}
	id := repo.ScenarioID(e.tenant, name)
	doc := &repo.Scenario{Envelope: repo.Envelope{ID: id, Tenant: e.tenant}}
	if err := e.repo.Get(ctx, doc); err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if doc.State == "" {
		doc.State, doc.Created = repo.ScenarioPaused, e.now()
	}
	if options.Activate {
		doc.State = repo.ScenarioActive
	}
	doc.Name, doc.Blueprint, doc.Deployment = name, definition, doc.Deployment+1
	doc.Connections, doc.DataStores, doc.Structures, doc.Scenarios = options.Connections, options.DataStores, options.Structures, options.Scenarios
	doc.People = options.Subjects
	doc.Location = ""
	if options.Location != nil {
		doc.Location = options.Location.String()
	}
	changes := []repo.Change{e.repo.Put(doc)}
	hook, change, err := e.deployHook(ctx, id, receives, options.Hook)
	if err != nil {
		return nil, err
	}
	changes = append(changes, change...)
	if change, err = e.dataStoreChanges(ctx, bp, options.DataStores); err != nil {
		return nil, err
	}
	changes = append(changes, change...)
	if err := e.repo.Apply(ctx, changes...); err != nil {
		return nil, err
	}
	e.scenarios.forget(id)
	if hook != nil {
		e.hooks.forget(hook.ID)
	}
	if doc.State == repo.ScenarioActive {
		if err := e.release(ctx, id); err != nil {
			return nil, err
		}
	}
	return e.scenarioOf(doc, hook)
}

// idOf returns the ID of a scenario that is named by its name or its ID. A name that is itself a UUID is taken for an ID.
func (e *Engine) idOf(nameOrID string) string {
	if repo.IsID(nameOrID) {
		return nameOrID
	}
	return repo.ScenarioID(e.tenant, nameOrID)
}

// Activate lets a scenario, named by its name or its ID, take and run deliveries. Those that it took before it was paused
// run now.
func (e *Engine) Activate(ctx context.Context, scenario string) error {
	if err := e.setState(ctx, scenario, repo.ScenarioActive); err != nil {
		return err
	}
	return e.release(ctx, e.idOf(scenario))
}

// Pause stops a scenario, named by its name or its ID: its hook answers 410, and what it had taken waits until it is active
// again. Runs under way go on to their ends.
func (e *Engine) Pause(ctx context.Context, scenario string) error {
	return e.setState(ctx, scenario, repo.ScenarioPaused)
}

func (e *Engine) setState(ctx context.Context, scenario, state string) error {
	if err := e.open(); err != nil {
		return err
	}
	id := e.idOf(scenario)
	for {
		doc := &repo.Scenario{Envelope: repo.Envelope{ID: id, Tenant: e.tenant}}
		if err := e.repo.Get(ctx, doc); err != nil {
			return notFound(err, "scenario", scenario)
		}
		if doc.State == state {
			return nil
		}
		doc.State = state
		err := e.repo.Apply(ctx, e.repo.Touch(doc))
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		e.scenarios.forget(id)
		return err
	}
}

// release makes the deliveries that a paused scenario held due again. One that somebody else has just written is looked at
// again: a worker may have it, or it was only sealed anew, see Rotate.
func (e *Engine) release(ctx context.Context, scenario string) error {
	missed := true
	for tries := 0; missed && tries < 3; tries++ {
		missed = false
		for held, err := range e.repo.Deliveries(ctx, e.tenant, scenario, repo.DeliveryHeld) {
			if err != nil {
				return err
			}
			held.State, held.Due = repo.DeliveryAccepted, e.now()
			err := e.repo.Apply(ctx, e.repo.Touch(held))
			if err != nil && !errors.Is(err, store.ErrConflict) {
				return err
			}
			missed = missed || err != nil
		}
	}
	e.workers.call()
	return nil
}

// Scenario returns a scenario by its name or its ID. It returns crypto.ErrShredded when the keys of the tenant were destroyed.
func (e *Engine) Scenario(ctx context.Context, nameOrID string) (*Scenario, error) {
	if err := e.open(); err != nil {
		return nil, err
	}
	var err error
	for _, id := range []string{repo.ScenarioID(e.tenant, nameOrID), nameOrID} {
		doc := &repo.Scenario{Envelope: repo.Envelope{ID: id, Tenant: e.tenant}}
		err = e.repo.Get(ctx, doc)
		if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrInvalid) {
			continue
		}
		if err != nil {
			break // the name is right, and the scenario does not open
		}
		hook, err := e.repo.HookOf(ctx, e.tenant, doc.ID)
		if err != nil {
			return nil, fmt.Errorf("scenario %q: %w", nameOrID, err)
		}
		return e.scenarioOf(doc, hook)
	}
	return nil, notFound(err, "scenario", nameOrID)
}

// Scenarios yields the tenant's scenarios.
func (e *Engine) Scenarios(ctx context.Context) iter.Seq2[*Scenario, error] {
	return func(yield func(*Scenario, error) bool) {
		for doc, err := range e.repo.Scenarios(ctx, e.tenant) {
			if err != nil {
				if !yield(&Scenario{ID: doc.ID}, err) {
					return
				}
				continue
			}
			hook, err := e.repo.HookOf(ctx, e.tenant, doc.ID)
			var scenario *Scenario
			if err == nil {
				scenario, err = e.scenarioOf(doc, hook)
			}
			if !yield(scenario, err) {
				return
			}
		}
	}
}

func (e *Engine) scenarioOf(doc *repo.Scenario, hook *repo.Hook) (*Scenario, error) {
	bp, err := blueprint.Parse(doc.Blueprint)
	if err != nil {
		return nil, fmt.Errorf("scenario %q: %w", doc.Name, err)
	}
	scenario := &Scenario{
		ID:         doc.ID,
		Name:       doc.Name,
		Active:     doc.State == repo.ScenarioActive,
		Deployment: doc.Deployment,
		Subjects:   doc.People,
		Blueprint:  bp,
	}
	if hook != nil {
		if scenario.Hook, err = hookOf(hook); err != nil {
			return nil, fmt.Errorf("scenario %q: %w", doc.Name, err)
		}
	}
	return scenario, nil
}

// deployed is a scenario that is ready to run. It never changes.
type deployed struct {
	doc      *repo.Scenario
	program  *flow.Program
	settings blueprint.Settings
	location *time.Location
	accounts []account
	hidden   passwords
	// subjects is where people are named, first the module that the flow begins with.
	subjects subjectPaths
	first    int
	// inputs and outputs are the scenario's interface. Nil: it declares none.
	inputs, outputs *connector.Structure
}

func (d *deployed) active() bool { return d.doc.State == repo.ScenarioActive }

// load returns a scenario ready to run, as it was within the last cacheTime.
func (c *core) load(ctx context.Context, tenant, id string) (*deployed, error) {
	s, err := c.scenarios.get(ctx, id, refused, func(ctx context.Context) (*deployed, error) {
		doc := &repo.Scenario{Envelope: repo.Envelope{ID: id, Tenant: tenant}}
		if err := c.repo.Get(ctx, doc); err != nil {
			return nil, notFound(err, "scenario", id)
		}
		if last, ok := c.scenarios.last(id); ok && last.doc.Deployment == doc.Deployment {
			same := *last
			same.doc = doc
			return &same, nil
		}
		s, err := c.prepare(doc)
		if err != nil {
			s = &deployed{doc: doc} // what is wrong with it is remembered, and for its tenant alone
		}
		return s, err
	})
	if s != nil && s.doc.Tenant != tenant {
		return nil, fmt.Errorf("%w: scenario %q", ErrNotFound, id)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// refused says that a scenario cannot be compiled here, which will be so the next time, too.
func refused(err error) bool {
	var check *CheckError
	return errors.As(err, &check)
}

func (c *core) prepare(doc *repo.Scenario) (*deployed, error) {
	bp, err := blueprint.Parse(doc.Blueprint)
	if err != nil {
		return nil, fmt.Errorf("scenario %q: %w", doc.Name, err)
	}
	program, _, err := c.compile(bp, nil)
	if err != nil {
		return nil, fmt.Errorf("scenario %q: %w", doc.Name, err)
	}
	location := c.cfg.Location
	if doc.Location != "" {
		if location, err = time.LoadLocation(doc.Location); err != nil {
			return nil, fmt.Errorf("scenario %q: %w", doc.Name, err)
		}
	}
	c.cfg.Logger.Debug("scenario compiled", zap.String("scenario", doc.ID), zap.Int64("deployment", doc.Deployment))
	s := &deployed{doc: doc, program: program, settings: bp.Settings(), location: location}
	s.accounts, s.hidden = c.accounts(bp, doc.Connections, nil), c.passwords(bp, nil)
	if s.subjects, err = subjectPathsOf(bp, doc.People); err != nil {
		return nil, fmt.Errorf("scenario %q: %w", doc.Name, err)
	}
	if len(bp.Flow) > 0 {
		s.first = bp.Flow[0].ID
	}
	return s, s.readInterface(bp)
}
