// Package connectortest runs the modules of a connector alone, without an engine, and checks that a connector keeps the
// rules of package connector.
//
// [Run] gives a module all that a run would: parameters, variables, data stores in memory, an HTTP client that reaches
// servers of net/http/httptest. [Conform] is the conformance suite: call it in a test of every connector.
package connectortest

import (
	"context"
	"iter"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/transport"
)

// A Call says what a module is run with. The zero Call is fine for a module that needs nothing.
type Call struct {
	// Params and Input are converted to what the module's Info declares, as the engine does it, before the module sees
	// them. An input that cannot be converted is the Err of the Result, and the module is not called. Parameters that
	// cannot be converted reach the module as they are: the engine refuses to deploy them, but a module must not rely
	// on that.
	Params, Input connector.Bundle
	// Erased names the fields of Input that were cleared on purpose. Default: none.
	Erased []string
	// Connection is the account. Default: none.
	Connection *connector.Connection
	// Connections are what a connected module needs, by parameter. Default: none.
	Connections map[string]*connector.Connection
	// Cursor is where the last poll ended: triggers only.
	Cursor []byte
	// Request is what came to the hook: receivers only. Default: a GET of /.
	Request *http.Request
	// Bundles reach the aggregator: aggregators only. Each is converted like Input.
	Bundles []connector.Bundle
	// Limit is how many bundles of a search or trigger are taken. Default: all.
	Limit int

	// Now is the instant of the operation. Default: 2026-01-02 03:04:05 UTC.
	Now time.Time
	// Location is the time zone. Default: UTC.
	Location *time.Location
	// HTTP sends requests. Default: a guarded client that may reach the loopback addresses too.
	HTTP *http.Client
	// Client gives clients of other configurations. Default: HTTP, if it is set, whatever the configuration, else guarded
	// clients that may reach the loopback addresses and leave certificates unchecked.
	Client connector.Client
	// Cookies is the jar of the run. Default: an empty one.
	Cookies http.CookieJar
	// Dial opens connections. Default: like HTTP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Data are the data stores by name. Default: every name is a store that is empty at the beginning of the call.
	Data map[string]connector.DataStore
	// Structures are the data structures by name. A number that is not among them is one that nobody knows here, every other
	// name an error. Default: none.
	Structures map[string]connector.Structure
	// Match evaluates filters. Default: none, as on a host that evaluates no filters.
	Match func(conditions any, entry connector.Bundle) (bool, error)
	// Vars are the variables. Default: new ones.
	Vars *Variables
	// Module is the number of the module in its blueprint. Default: 1.
	Module int
	// State is what the module has kept. Default: a new state.
	State connector.State
	// Key is the idempotency key. Default: "test".
	Key string
	// Attempt counts attempts. Default: 1.
	Attempt int
}

// A Result is what a module did.
type Result struct {
	// Bundles are what the module gave, up to its error.
	Bundles []connector.Bundle
	// Err is the error of the module, or of the conversion of what it was given.
	Err error
	// Cursor is where the next poll goes on: triggers only, nil after an error.
	Cursor []byte
	// Renewed are the connections that the module has renewed, as they are stored, in order.
	Renewed []*connector.Connection
	// Responses are the answers that the module gave to the caller of the hook, in order.
	Responses []connector.Response
	// Logs are what the module logged, at all levels.
	Logs []observer.LoggedEntry

	usedData, usedState bool
}

// Run calls a module once and returns what it did. It fails the test when the module is not of exactly one kind, or
// when a search goes on after the loop has ended. The context is that of the test.
func Run(t testing.TB, module connector.Module, call Call) Result {
	t.Helper()
	return RunContext(t.Context(), t, module, call)
}

// RunContext is Run with a context of your own.
func RunContext(ctx context.Context, t testing.TB, module connector.Module, call Call) Result {
	t.Helper()
	info := module.Info()
	if err := connector.CheckModule(module); err != nil {
		t.Fatalf("module %s: %v", info.Name, err)
	}
	r := &runner{call: call}
	c := r.prepare(t)
	r.result.Err = r.convert(module, c)
	if r.result.Err == nil {
		r.result.Err = r.operate(ctx, module, c)
	}
	r.result.Logs = r.logs.All()
	return r.result
}

// convert fills in parameters and input as the engine does.
func (r *runner) convert(module connector.Module, c *connector.Call) (err error) {
	info := module.Info()
	if c.Params, err = connector.Convert(info.Params, r.call.Params, c.Location); err != nil {
		c.Params, err = r.call.Params, nil
	}
	// The input of an aggregator is in its bundles.
	if _, aggregates := module.(connector.Aggregator); !aggregates {
		c.Input, err = connector.Convert(info.Input, r.call.Input, c.Location)
	}
	return err
}

type runner struct {
	call   Call
	stores map[string]connector.DataStore // made because the call names none
	logs   *observer.ObservedLogs
	result Result
}

// prepare makes the Call that the module sees.
func (r *runner) prepare(t testing.TB) *connector.Call {
	core, logs := observer.New(zapcore.DebugLevel)
	r.logs = logs
	c := &connector.Call{
		Connection: r.call.Connection, Connections: r.call.Connections, Renew: r.renew,
		Cursor: slices.Clone(r.call.Cursor), Erased: r.call.Erased, Match: r.call.Match,
		Now: r.call.Now, Location: r.call.Location, Log: zap.New(core),
		HTTP: r.call.HTTP, Dial: r.call.Dial, Key: r.call.Key, Attempt: r.call.Attempt,
	}
	if c.Now.IsZero() {
		c.Now = time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)
	}
	if c.Location == nil {
		c.Location = time.UTC
	}
	r.connect(t, c)
	vars := r.call.Vars
	if vars == nil {
		vars = &Variables{}
	}
	c.Vars = vars
	c.Module, c.State = max(r.call.Module, 1), usedState{r}
	if r.call.State == nil {
		r.call.State = &State{}
	}
	c.Data, c.Structure = r.data, r.structure
	c.Respond = func(_ context.Context, response connector.Response) error {
		r.result.Responses = append(r.result.Responses, response)
		return nil
	}
	if c.Key == "" {
		c.Key = "test"
	}
	if c.Attempt == 0 {
		c.Attempt = 1
	}
	return c
}

// connect gives the Call its network.
func (r *runner) connect(t testing.TB, c *connector.Call) {
	c.Client, c.Cookies = r.call.Client, r.call.Cookies
	if fixed := c.HTTP; fixed != nil && c.Client == nil {
		c.Client = func(connector.ClientConfig) (*http.Client, error) { return fixed, nil }
	}
	if c.HTTP != nil && c.Dial != nil && c.Cookies != nil {
		return
	}
	guard := transport.New(transport.Policy{Allow: transport.Loopback(), AllowUnverified: true})
	t.Cleanup(guard.Close)
	if c.HTTP == nil {
		c.HTTP = guard.Client()
	}
	if c.Client == nil {
		c.Client = guard.ClientFor
	}
	if c.Cookies == nil {
		c.Cookies = guard.Jar()
	}
	if c.Dial == nil {
		c.Dial = guard.Dial
	}
}

// renew implements Call.Renew. The connections are nobody else's, so none is renewed by others.
func (r *runner) renew(
	ctx context.Context, stale *connector.Connection, renew connector.Renewal,
) (*connector.Connection, error) {
	stored := stale
	for _, renewed := range r.result.Renewed {
		if renewed.Name == stale.Name {
			stored = renewed
		}
	}
	if !stored.Equal(stale) {
		return stored.Clone(), nil
	}
	changed := stored.Clone()
	if err := renew(ctx, changed); err != nil {
		return nil, err
	}
	r.result.Renewed = append(r.result.Renewed, changed.Clone())
	return changed, nil
}

// usedState is the state of a call that notes that it was used.
type usedState struct{ *runner }

// Update passes the change on.
func (s usedState) Update(ctx context.Context, change func(connector.Bundle) (connector.Bundle, error)) error {
	s.result.usedState = true
	return s.call.State.Update(ctx, change)
}

func (r *runner) data(_ context.Context, name string) (connector.DataStore, error) {
	r.result.usedData = true
	if r.call.Data == nil {
		if r.stores == nil {
			r.stores = map[string]connector.DataStore{}
		}
		if r.stores[name] == nil {
			r.stores[name] = NewDataStore()
		}
		return r.stores[name], nil
	}
	if store, ok := r.call.Data[name]; ok {
		return store, nil
	}
	return nil, connector.Errorf(connector.InvalidConfigurationError, "there is no data store %q", name)
}

func (r *runner) structure(_ context.Context, name string) (*connector.Structure, error) {
	if structure, ok := r.call.Structures[name]; ok {
		return &structure, nil
	}
	if strings.Trim(name, "0123456789") == "" {
		return nil, nil
	}
	return nil, connector.Errorf(connector.InvalidConfigurationError, "there is no data structure %q", name)
}

// operate calls the one method that the module's kind has.
func (r *runner) operate(ctx context.Context, module connector.Module, c *connector.Call) error {
	switch module := module.(type) {
	case connector.Action:
		b, err := module.Do(ctx, c)
		if err == nil {
			r.result.Bundles = []connector.Bundle{b}
		}
		return err
	case connector.Search:
		return r.take(module.Search(ctx, c))
	case connector.Trigger:
		items, next := module.Poll(ctx, c)
		err := r.take(items)
		if err == nil {
			r.result.Cursor = next()
		}
		return err
	case connector.Receiver:
		request := r.call.Request
		if request == nil {
			request, _ = http.NewRequestWithContext(ctx, http.MethodGet, "/", http.NoBody)
		}
		bundles, err := module.Receive(ctx, c, request)
		if err == nil {
			r.result.Bundles = bundles
		}
		return err
	case connector.Aggregator:
		b, err := module.Aggregate(ctx, c, r.items(module.Info(), c.Location))
		if err == nil {
			r.result.Bundles = []connector.Bundle{b}
		}
		return err
	}
	return nil
}

func (r *runner) take(bundles iter.Seq2[connector.Bundle, error]) error {
	for b, err := range bundles {
		if err != nil {
			return err
		}
		r.result.Bundles = append(r.result.Bundles, b)
		if r.call.Limit > 0 && len(r.result.Bundles) == r.call.Limit {
			break
		}
	}
	return nil
}

func (r *runner) items(info connector.Info, zone *time.Location) iter.Seq2[connector.Bundle, error] {
	return func(yield func(connector.Bundle, error) bool) {
		for _, b := range r.call.Bundles {
			item, err := connector.Convert(info.Input, b, zone)
			if !yield(item, err) || err != nil {
				return
			}
		}
	}
}
