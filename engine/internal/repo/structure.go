package repo

import (
	"context"
	"encoding/json"
	"iter"

	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
)

// A Structure is a data structure. Its ID follows from its tenant and its name.
type Structure struct {
	Envelope `json:"-"`

	Name string `json:"name"`
	// Definition is the structure as package connector writes it.
	Definition json.RawMessage `json:"definition"`
}

// StructureID returns the ID of a tenant's data structure of this name.
func StructureID(tenant, name string) string { return NamedID(string(structureKind), tenant, name) }

const structureKind store.Kind = "structure"

func (*Structure) kind() store.Kind             { return structureKind }
func (*Structure) category() retention.Category { return retention.Scenario }
func (s *Structure) encode() ([]byte, error)    { return json.Marshal(s) }
func (s *Structure) decode(body []byte) error   { return json.Unmarshal(body, s) }

// Structures yields a tenant's data structures, in no order that means anything.
func (r *Repo) Structures(ctx context.Context, tenant string) iter.Seq2[*Structure, error] {
	return typed[*Structure](r.find(ctx, store.Query{Kind: structureKind, Tenant: tenant}, func() Document { return new(Structure) }))
}
