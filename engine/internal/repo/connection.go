package repo

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
)

// A Connection is an account at a service, with its secrets. Its ID follows from its tenant and its name.
type Connection struct {
	Envelope `json:"-"`

	Name string `json:"name"`
	Type string `json:"type"`
	// Fields is what is no secret: a bundle as the engine encodes it.
	Fields []byte `json:"fields,omitempty"`
	// Secrets are by field name.
	Secrets map[string][]byte `json:"secrets,omitempty"`
	// Renewing is until when one process is renewing the secrets and others leave them alone. Zero: nobody is.
	Renewing time.Time `json:"renewing,omitzero"`
}

// Clear overwrites the secrets in memory.
func (c *Connection) Clear() {
	for _, value := range c.Secrets {
		clear(value)
	}
}

// ConnectionID returns the ID of a tenant's connection of this name.
func ConnectionID(tenant, name string) string { return NamedID(string(connectionKind), tenant, name) }

const connectionKind store.Kind = "connection"

func (*Connection) kind() store.Kind             { return connectionKind }
func (*Connection) category() retention.Category { return retention.Connection }
func (c *Connection) encode() ([]byte, error)    { return json.Marshal(c) }
func (c *Connection) decode(body []byte) error   { return json.Unmarshal(body, c) }

// Connections yields a tenant's connections, in no order that means anything.
func (r *Repo) Connections(ctx context.Context, tenant string) iter.Seq2[*Connection, error] {
	return typed[*Connection](r.find(ctx, store.Query{Kind: connectionKind, Tenant: tenant}, func() Document { return new(Connection) }))
}
