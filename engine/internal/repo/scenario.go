package repo

import (
	"context"
	"encoding/json"
	"iter"

	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
)

// States of a scenario.
const (
	ScenarioActive = "active"
	ScenarioPaused = "paused"
)

// A Scenario is a deployed blueprint. Its ID follows from its tenant and its name.
type Scenario struct {
	Envelope `json:"-"`

	Name string `json:"name"`
	// Blueprint is the blueprint as the engine marshals it.
	Blueprint json.RawMessage `json:"blueprint"`
	// Connections, DataStores, Structures and Scenarios map the numbers that stand in the blueprint to names of this tenant's.
	Connections map[string]string `json:"connections,omitempty"`
	DataStores  map[string]string `json:"datastores,omitempty"`
	Structures  map[string]string `json:"structures,omitempty"`
	Scenarios   map[string]string `json:"scenarios,omitempty"`
	// People are the paths at which identifiers of people stand in what modules give.
	People []string `json:"subjects,omitempty"`
	// Location names the time zone. Empty: the engine's.
	Location string `json:"location,omitempty"`
	// Deployment counts how often the scenario was deployed. Unlike the Version it stays when the scenario is paused.
	Deployment int64 `json:"deployment"`
}

// ScenarioID returns the ID of a tenant's scenario of this name.
func ScenarioID(tenant, name string) string { return NamedID(string(scenarioKind), tenant, name) }

const scenarioKind store.Kind = "scenario"

func (*Scenario) kind() store.Kind             { return scenarioKind }
func (*Scenario) category() retention.Category { return retention.Scenario }
func (s *Scenario) encode() ([]byte, error)    { return json.Marshal(s) }
func (s *Scenario) decode(body []byte) error   { return json.Unmarshal(body, s) }

// Scenarios yields a tenant's scenarios, in no order that means anything.
func (r *Repo) Scenarios(ctx context.Context, tenant string) iter.Seq2[*Scenario, error] {
	return typed[*Scenario](r.find(ctx, store.Query{Kind: scenarioKind, Tenant: tenant}, func() Document { return new(Scenario) }))
}

// typed gives a sequence of documents the type that they have.
func typed[D Document](documents iter.Seq2[Document, error]) iter.Seq2[D, error] {
	return func(yield func(D, error) bool) {
		for doc, err := range documents {
			if !yield(doc.(D), err) {
				return
			}
		}
	}
}
