package repo

import (
	"strconv"

	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
)

// A State is what a module keeps from run to run. Its ID follows from its tenant, its scenario, which is its Parent, and the
// number of the module; it is of the scenario's category and lives as long as the scenario.
type State struct {
	Envelope

	// Data is a bundle as the engine encodes it.
	Data []byte
}

const stateKind store.Kind = "state"

func (*State) kind() store.Kind             { return stateKind }
func (*State) category() retention.Category { return retention.Scenario }
func (s *State) encode() ([]byte, error)    { return pack(s.Data), nil }
func (s *State) decode(body []byte) error   { return unpack(body, &s.Data) }

// NewState returns the state of a module: its envelope is filled in for Get, and for Put when there is no such state yet.
func NewState(tenant, scenario string, module int) *State {
	return &State{Envelope: Envelope{
		ID: NamedID(string(stateKind), tenant, scenario, strconv.Itoa(module)), Tenant: tenant, Parent: scenario,
	}}
}
