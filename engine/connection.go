package engine

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/secret"
	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/engine/internal/flow"
	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
)

// SaveConnection seals a connection in the vault, or replaces the one of the same name. Nothing that the engine returns
// ever shows its secrets again; modules get them for one operation. What such a module fails with, logs, takes or gives is
// masked where it is kept, logged or shown, see secret.Mask: choose secrets of at least secret.MinMaskedBytes. What a
// module puts into its output reaches the modules behind it unmasked, and with them the caller of a hook whom they answer.
func (e *Engine) SaveConnection(ctx context.Context, connection connector.Connection) error {
	if err := e.open(); err != nil {
		return err
	}
	if connection.Name == "" {
		return fmt.Errorf("%w: the connection has no name: set Connection.Name", ErrInvalid)
	}
	for {
		doc := &repo.Connection{Envelope: repo.Envelope{ID: repo.ConnectionID(e.tenant, connection.Name), Tenant: e.tenant}}
		if err := e.repo.Get(ctx, doc); err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("save connection %q: %w", connection.Name, err)
		}
		if doc.Created.IsZero() {
			doc.Created = e.now()
		}
		doc.Renewing = time.Time{} // whoever is renewing what was here before has lost
		err := put(doc, &connection)
		if err == nil {
			err = e.repo.Apply(ctx, e.repo.Put(doc))
		}
		if err == nil {
			e.unstored.drop(doc.ID)
		}
		doc.Clear()
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return fmt.Errorf("save connection %q: %w", connection.Name, maskedBy(&connection, err))
		}
		return nil
	}
}

// put writes a connection into its document, and clears the secrets that it had.
func put(doc *repo.Connection, connection *connector.Connection) error {
	fields, err := connector.AppendBundle(nil, connection.Fields)
	if err != nil {
		return err
	}
	secrets := make(map[string][]byte, len(connection.Secrets))
	for name, value := range connection.Secrets {
		if err := value.Use(func(plain []byte) { secrets[name] = append([]byte(nil), plain...) }); err != nil {
			for _, copied := range secrets {
				clear(copied)
			}
			return fmt.Errorf("secret %q: %w", name, err)
		}
	}
	doc.Clear()
	doc.Name, doc.Type, doc.Fields, doc.Secrets = connection.Name, connection.Type, fields, secrets
	return nil
}

// DeleteConnection removes a connection for good. Scenarios that need it fail from then on.
func (e *Engine) DeleteConnection(ctx context.Context, name string) error {
	if err := e.open(); err != nil {
		return err
	}
	for {
		doc := &repo.Connection{Envelope: repo.Envelope{ID: repo.ConnectionID(e.tenant, name), Tenant: e.tenant}}
		if err := e.repo.Get(ctx, doc); err != nil {
			return notFound(err, "connection", name)
		}
		doc.Clear()
		err := e.repo.Apply(ctx, e.repo.Delete(doc))
		if err == nil {
			e.unstored.drop(doc.ID)
		}
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

// A Connection is what the engine tells of a connection that was saved. Its secrets cannot be read, only replaced.
type Connection struct {
	// Name is what scenarios know it by, Type the type that modules ask for.
	Name, Type string
	// Created is when a connection of this name was first saved.
	Created time.Time
	// Fields are those that it was saved with, or was renewed to have. A secret of the connection that stands in one of them
	// is masked, see secret.Mask.
	Fields connector.Bundle
	// Fingerprints are 16 hex digits for each secret, by its name: equal for equal secrets of one tenant, and different in
	// another tenant and under another vault, so that people can see whether a secret is the one that they have, or was
	// changed. They are the first 8 bytes of a keyed hash (HMAC-SHA-256 with the index key of the vault), from which nobody
	// who lacks the key can find even a weak secret. Nil when Config.Vault is no crypto.Blinder.
	Fingerprints map[string]string
}

// Connections yields what can be told of the tenant's connections, in no order that means anything. One that cannot be read
// is yielded with its error; the loop may go on behind it.
func (e *Engine) Connections(ctx context.Context) iter.Seq2[Connection, error] {
	return func(yield func(Connection, error) bool) {
		for doc, err := range e.repo.Connections(ctx, e.tenant) {
			connection := Connection{Name: doc.Name, Type: doc.Type, Created: doc.Created}
			if err == nil {
				err = e.tell(ctx, doc, &connection)
			}
			doc.Clear()
			if !yield(connection, err) {
				return
			}
		}
	}
}

// tell fills in what can be told of a connection.
func (e *Engine) tell(ctx context.Context, doc *repo.Connection, connection *Connection) error {
	fields, _, err := connector.DecodeBundle(doc.Fields)
	if err != nil {
		return fmt.Errorf("connection %q: %w", doc.Name, err)
	}
	var mask secret.Mask
	defer mask.Destroy()
	blinder, blinds := e.cfg.Vault.(crypto.Blinder)
	if blinds {
		connection.Fingerprints = make(map[string]string, len(doc.Secrets))
	}
	for name, plain := range doc.Secrets {
		value := secret.New(plain)
		mask.Add(value)
		value.Destroy()
		if !blinds {
			continue
		}
		at := crypto.Scope{Tenant: e.tenant, Category: string(retention.Connection), Field: "fingerprint"}
		token, err := blinder.Blind(ctx, at, plain)
		if err != nil {
			return fmt.Errorf("connection %q: fingerprint: %w", doc.Name, err)
		}
		connection.Fingerprints[name] = hex.EncodeToString(token[:fingerprintBytes])
	}
	connection.Fields, _ = fields.Mask(&mask)
	return nil
}

// fingerprintBytes is how much of a keyed hash is told: enough to tell secrets apart.
const fingerprintBytes = 8

// connection opens a connection for one operation. param is the parameter that should have named it.
func (c *core) connection(ctx context.Context, tenant, name, kind, param string) (*connector.Connection, error) {
	if name == "" {
		return nil, connector.Errorf(connector.AccountValidationError,
			"the module needs a connection of type %q: name it in its parameter %s", kind, param)
	}
	doc, connection, err := c.stored(ctx, tenant, name)
	if err != nil {
		return nil, err
	}
	doc.Clear()
	if connection.Type != kind {
		destroySecrets(connection)
		return nil, connector.Errorf(connector.AccountValidationError, "connection %q is of type %q, and the module needs %q", name, connection.Type, kind)
	}
	return connection, nil
}

// stored reads a connection. One that this process has renewed and not stored yet is as it was renewed.
func (c *core) stored(ctx context.Context, tenant, name string) (*repo.Connection, *connector.Connection, error) {
	known := c.unstored.get(repo.ConnectionID(tenant, name))
	doc, connection, err := c.read(ctx, tenant, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, connector.Errorf(connector.AccountValidationError, "there is no connection %q: save it with Engine.SaveConnection", name)
	}
	if err != nil {
		return nil, nil, err
	}
	if known == nil {
		return doc, connection, nil
	}
	renewed, over := known.instead(connection)
	if renewed == nil && !over { // somebody has replaced it
		return doc, connection, nil
	}
	destroySecrets(connection)
	if over { // it is in the store now
		doc.Clear()
		return c.stored(ctx, tenant, name)
	}
	doc.Renewing = time.Time{} // the lease was this process's, and what it was for has been done
	if err := put(doc, renewed); err != nil {
		doc.Clear()
		destroySecrets(renewed)
		return nil, nil, fmt.Errorf("connection %q: %w", name, err)
	}
	return doc, renewed, nil
}

// read reads a connection as it is in the store, and fails as the store does.
func (c *core) read(ctx context.Context, tenant, name string) (*repo.Connection, *connector.Connection, error) {
	doc := &repo.Connection{Envelope: repo.Envelope{ID: repo.ConnectionID(tenant, name), Tenant: tenant}}
	if err := c.repo.Get(ctx, doc); err != nil {
		return nil, nil, fmt.Errorf("connection %q: %w", name, err)
	}
	fields, _, err := connector.DecodeBundle(doc.Fields)
	if err != nil {
		doc.Clear()
		return nil, nil, fmt.Errorf("connection %q: %w", name, err)
	}
	connection := &connector.Connection{Name: doc.Name, Type: doc.Type, Fields: fields, Secrets: map[string]secret.Value{}}
	for field, value := range doc.Secrets {
		connection.Secrets[field] = secret.New(value)
	}
	return doc, connection, nil
}

// connect gives a call the connections that its module needs.
func (h *host) connect(ctx context.Context, op *flow.Operation, call *connector.Call) (err error) {
	call.Renew = h.renew
	list, err := needs(op.Impl, op.Connection, op.Params)
	if err != nil {
		return err
	}
	for _, need := range list {
		connection, err := h.connection(ctx, h.tenant, connectionName(op.Params, need.params, h.connections), need.kind, need.params[0])
		if err != nil {
			return err
		}
		h.lend(connection)
		if need.single {
			call.Connection = connection
			continue
		}
		if call.Connections == nil {
			call.Connections = map[string]*connector.Connection{}
		}
		call.Connections[need.params[0]] = connection
	}
	return nil
}

// A need is a connection that a module needs, and the parameters that may name it.
type need struct {
	kind   string
	params []string
	// single says that it is the one of Info.Connection.
	single bool
}

// needs lists the connections that a module needs. kind is that of its Info. Deploy asks modules, and so do workers: what a
// blueprint has for parameters must not bring the process down, so a panic is an error.
func needs(module connector.Module, kind string, params connector.Bundle) (list []need, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = connector.Errorf(connector.UnexpectedError, "the module panicked with a value of type %T when it was asked for its connections", value)
		}
	}()
	if kind != "" {
		list = append(list, need{kind, usual, true})
	}
	if connected, ok := module.(connector.Connected); ok {
		for _, n := range connected.Connections(params) {
			list = append(list, need{n.Type, []string{n.Param}, false})
		}
	}
	return list, nil
}

// usual are the parameters by which exports name the one connection of a module.
var usual = []string{"__IMTCONN__", "account", "connection"}

// connectionName is what a module's parameters call a connection, as the scenario maps it.
func connectionName(params connector.Bundle, by []string, names map[string]string) string {
	for _, parameter := range by {
		if name := label(params.Get(parameter)); name != "" {
			return mapped(name, names)
		}
	}
	return ""
}

// label is what a blueprint calls something in the account that it comes from: a text or a number.
func label(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case int64:
		return strconv.FormatInt(value, 10)
	}
	return ""
}

func mapped(name string, names map[string]string) string {
	if own, ok := names[name]; ok {
		return own
	}
	return name
}

// An account is a connection that a module of a scenario needs.
type account struct {
	module            int
	name, kind, param string
	unknown           error // why nobody knows which connections the module needs; nil when they are known
}

// accounts lists the connections that the modules of a blueprint need, in the order of the modules. stubs need none.
func (c *core) accounts(bp *blueprint.Blueprint, names map[string]string, stubs map[int]connector.Module) []account {
	var list []account
	for place, m := range bp.All() {
		module, _, ok := c.modules.find(m.Name, m.Version)
		if !ok || place.Disabled() || stubs[m.ID] != nil {
			continue
		}
		params := connector.Bundle{}
		for name, value := range m.Parameters.All() {
			params.Set(name, value)
		}
		needed, err := needs(module, module.Info().Connection, params)
		if err != nil {
			list = append(list, account{module: m.ID, unknown: err})
		}
		for _, need := range needed {
			list = append(list, account{m.ID, connectionName(params, need.params, names), need.kind, need.params[0], nil})
		}
	}
	return list
}

// unusable says why a module cannot have a connection that it needs, or nil. The mask gets to know its secrets.
func (c *core) unusable(ctx context.Context, tenant string, a account, mask *secret.Mask) error {
	if a.unknown != nil {
		return a.unknown
	}
	connection, err := c.connection(ctx, tenant, a.name, a.kind, a.param)
	if err != nil {
		return err
	}
	if mask != nil {
		learn(mask, connection)
	}
	destroySecrets(connection)
	return nil
}

// unconnected reports every module whose connection is not there.
func (e *Engine) unconnected(ctx context.Context, bp *blueprint.Blueprint, names map[string]string) []blueprint.Problem {
	var problems []blueprint.Problem
	for _, a := range e.accounts(bp, names, nil) {
		if err := e.unusable(ctx, e.tenant, a, nil); err != nil {
			problems = append(problems, blueprint.Problem{Module: a.module, Field: "parameters", Code: blueprint.CodeNoConnection, Message: err.Error()})
		}
	}
	return problems
}

// initialize opens every connection that a run may need, before any module works: what fails here ends the run, and no error
// route handles it (https://help.make.com/scenario-execution-cycles-and-phases). A store that does not answer is no
// failure of the run. The mask of the run gets to know their secrets.
func (c *core) initialize(ctx context.Context, p *plan, mask *secret.Mask) (*Failure, error) {
	for _, a := range p.accounts {
		err := c.unusable(ctx, p.doc.Tenant, a, mask)
		var known *connector.Error
		switch {
		case errors.As(err, &known):
			return &Failure{Module: a.module, Type: known.Type, Message: known.Error()}, nil
		case err != nil:
			return nil, err
		}
	}
	return nil, nil
}
