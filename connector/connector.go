// Package connector says what a connector to a service must do, and gives what it needs to do it.
//
// A [Connector] is a name and a list of modules. A [Module] does one thing: it receives a request, polls for items,
// acts, searches or aggregates. It sees one [Call] and returns bundles; it knows no store, no vault and no engine, and
// it reaches the network only through what the call gives it.
//
// Most modules are a typed function: write one with [NewAction], [NewSearch], [NewTrigger], [NewReceiver] or
// [NewAggregator], and prove it with package connectortest.
package connector

import (
	"context"
	"errors"
	"iter"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap" // the logger of the host, handed through as it is
)

// A Connector gives modules under a common name. Both methods return the same every time; many goroutines may call
// them.
type Connector interface {
	// Name is what stands before the colon in a blueprint's module names: "http" in "http:ActionSendData".
	Name() string
	// Modules lists what the connector can do.
	Modules() []Module
}

// A Module is one building block of scenarios. It is exactly one of [Trigger], [Receiver], [Action], [Search] and
// [Aggregator], and it may be [Transactional], [Repeatable] and [Connected] besides. Many goroutines call its methods at
// once; state that belongs to a run is in the Call.
type Module interface {
	// Info describes the module. It returns the same every time.
	Info() Info
}

// Info is what the engine must know of a module.
type Info struct {
	// Name is what stands behind the colon in a blueprint's module names: "ActionSendData" in "http:ActionSendData".
	Name string
	// Version is the version of the app that the module speaks, as in a blueprint's "version". 0: any. Of several
	// modules of one name a blueprint gets the one of its version.
	Version int
	// Label and Description are for people: "Make a request".
	Label, Description string

	// Pure says that the module has no effect and that its bundles follow from its Call alone (Params, Input, Now,
	// Vars, Structure). A pure module is never journaled by itself; after a crash it is computed again.
	Pure bool
	// Idempotent says that doing it twice with the same Call.Key is the same as doing it once.
	Idempotent bool
	// ReadOnly says that nobody can tell afterwards that it was done: it only reads, waits, or answers the hook's caller, and
	// keeps no state. What is read only is idempotent, too. A run whose caller waits for its answer need not be written down
	// before it does only such things.
	ReadOnly bool
	// Connection is the type of connection that the module needs. Blueprints name the connection in the parameter __IMTCONN__,
	// account or connection, the first of these that is set. Empty: none.
	Connection string
	// Returns says of an [Action] that the run ends with it, and well: what it gives is the run's output, what was done
	// stays done, and nothing else of the run takes place. Only the first one that is reached counts.
	Returns bool
	// Direct says of a typed [Action] that its function has all that it needs in its struct and never looks at Call.Input,
	// so that the engine need not make it: see [Binder].
	Direct bool

	// Params describes the design-time parameters, Input what the mapper gives, Output the bundles. Before the module
	// is called, parameters and input are converted to what is declared, see [Convert]; fields that are not described
	// pass as they are.
	Params, Input, Output []Field

	// Problem says why the module cannot work at all: the constructors of typed modules put here what they find wrong
	// with Go types and struct tags, since they return no error. [Check] reports it, and so does engine.New. Nil: fine.
	Problem error
}

func (i *Info) addProblem(err error) {
	if err != nil {
		i.Problem = errors.Join(i.Problem, err)
	}
}

// A Trigger polls a service for new items and starts runs with them.
type Trigger interface {
	Module
	// Poll yields what is new since Call.Cursor, oldest first. When the items have been taken, next returns the cursor
	// from which the following Poll goes on; it covers the items that were yielded so far, and no others.
	Poll(ctx context.Context, call *Call) (items iter.Seq2[Bundle, error], next func() []byte)
}

// A Receiver turns an HTTP request to a hook into bundles. Each bundle becomes a run of its own.
type Receiver interface {
	Module
	// Receive reads the request. The engine has limited the size of its body and the time that it takes. An error of
	// type DataError or BundleValidationError tells the caller 400 with its message; none is stored.
	Receive(ctx context.Context, call *Call, request *http.Request) ([]Bundle, error)
}

// An Action does something once per bundle and gives one bundle back.
type Action interface {
	Module
	Do(ctx context.Context, call *Call) (Bundle, error)
}

// A Search gives any number of bundles back; each goes its way through the scenario before the next one is asked for.
type Search interface {
	Module
	// Search yields bundles and stops at the first error, or when the loop ends.
	Search(ctx context.Context, call *Call) iter.Seq2[Bundle, error]
}

// An Aggregator makes one bundle of all that one operation of its source led to.
type Aggregator interface {
	Module
	// Aggregate consumes the bundles: each is the mapper, evaluated for one bundle that reached the aggregator. It is
	// called once per group. What it need not keep it must not: bundles may be millions.
	Aggregate(ctx context.Context, call *Call, bundles iter.Seq2[Bundle, error]) (Bundle, error)
}

// Transactional is an Action whose effect can be taken back until it is committed. It is optional; the engine finds it
// by type assertion.
type Transactional interface {
	Action
	// Begin does what Do does, in a transaction that the engine ends.
	Begin(ctx context.Context, call *Call) (Bundle, Transaction, error)
}

// Repeatable is a Module for which it depends on the call whether doing it twice is the same as doing it once: a
// request to read is, one to write is not. It is optional; the engine finds it by type assertion and asks when
// Info.Idempotent is false and the outcome of an operation is not known.
type Repeatable interface {
	Module
	// Repeatable says whether the operation may be done again. Parameters and input are as the blueprint gives them.
	Repeatable(call *Call) bool
}

// A Transaction is ended once, by Commit or by Rollback. An error of either stops the scenario as InconsistencyError.
type Transaction interface {
	Commit(ctx context.Context) error
	Rollback(ctx context.Context) error
}

// A Call is all that a module may use while it does one operation. It is valid until the method returns and belongs to
// one goroutine, except for its HTTP, Dial and Log, which many may use.
type Call struct {
	// Params are the design-time parameters of the module, as they stand in the blueprint.
	Params Bundle
	// Input is the mapper, evaluated for the bundle at hand and converted to the declared types.
	Input Bundle
	// Erased names the fields of Input that the scenario's author cleared on purpose (the keyword erase), as paths such
	// as "data.address.city" or "tags[0]", counted from 0. In Input they are null, like fields that came out empty.
	Erased []string
	// Connection is the account that the module acts with; nil when Info.Connection is empty.
	Connection *Connection
	// Connections are what a [Connected] module needs, by Need.Param.
	Connections map[string]*Connection
	// Renew replaces credentials that do not work any more, such as an access token that has expired. When the connection
	// of this name is not what stale is, somebody else has renewed it meanwhile: Renew returns it as it is now. Else it
	// lets renew change a copy, seals and stores that, and returns it; an error of renew is returned as it is.
	Renew func(ctx context.Context, stale *Connection, renew Renewal) (*Connection, error)
	// Cursor is where the last Poll of this trigger ended. Nil the first time. Triggers only.
	Cursor []byte

	// Now is the instant of the operation. It stays the same when a run is taken up again after a crash.
	Now time.Time
	// Location is the time zone of the scenario, never nil.
	Location *time.Location
	// Log is for the people who run the program. Never log bodies, secrets or what a person can be known by.
	Log *zap.Logger

	// HTTP sends requests under the host's address rules and limits. Its errors are ready to be returned; to show or
	// log one, take the message of AsError, which leaves out the URL.
	HTTP *http.Client
	// Client returns clients that prove who they are by a certificate, trust other authorities or use a proxy, under the
	// same rules.
	Client Client
	// Cookies is the jar that the modules of one run share. It begins empty and ends with the run. Give it to a copy of a
	// client.
	Cookies http.CookieJar
	// Dial opens connections under the same address rules, for protocols other than HTTP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Data opens a data store by the name or number that a blueprint gives it.
	Data func(ctx context.Context, name string) (DataStore, error)
	// Structure finds a data structure by the name or number that a blueprint gives it; during one run it finds the same
	// for the same name. Nil without an error: the blueprint speaks of a structure of the account that it comes from, and
	// nobody said which one it is here. A structure that should be there and is not is an InvalidConfigurationError. Nil:
	// the host has no data structures. See [Call.ParamStructure].
	Structure func(ctx context.Context, name string) (*Structure, error)
	// Scenario runs another scenario by the name or number that a blueprint gives it, with in as its inputs. With wait it
	// returns the outputs when that run has ended; a run that fails is an error of the failure's type. Without wait it
	// returns an empty bundle as soon as the run is sure to take place. Nil: the host runs no other scenarios.
	Scenario func(ctx context.Context, name string, in Bundle, wait bool) (Bundle, error)
	// Match says whether an entry passes the conditions of a filter, with the operators and conversions that filters of
	// scenarios have. Conditions are an array of arrays of collections {a, o, b}: one of the outer must hold, and of it
	// all of the inner; a is the name of a field of the entry, o the operator and b a value. No conditions pass
	// everything. An error says what is wrong with the conditions, never with the entry. Nil: the host evaluates no
	// filters.
	Match func(conditions any, entry Bundle) (bool, error)
	// Vars are the variables of the run.
	Vars Variables
	// Module is the number by which the blueprint knows the module.
	Module int
	// State is what the module keeps from run to run. A run that is only tried begins without one and leaves none. Nil: the
	// module is pure, or the host keeps no state.
	State State
	// Respond answers the caller of the hook that started the run. Only the first answer of a run is sent; a run that
	// nobody waits for takes answers and drops them.
	Respond func(ctx context.Context, response Response) error

	// Key is the same for every attempt at the same operation, and for no other: an idempotency key.
	Key string
	// Attempt counts the attempts at the operation from 1.
	Attempt int
}

// A Response is what the caller of a hook gets back.
type Response struct {
	// Status is an HTTP status code of 100 to 599.
	Status int
	// Headers are sent in their order. A name may stand more than once.
	Headers []Header
	// Body is sent as it is.
	Body []byte
}

// A Header is one line of an HTTP header.
type Header struct{ Name, Value string }

// A VariableScope says how long a variable lives.
type VariableScope string

const (
	// Roundtrip is one cycle of a run.
	Roundtrip VariableScope = "roundtrip"
	// Execution is a whole run.
	Execution VariableScope = "execution"
)

// Variables are the variables of one run: what the tools "Set variable" and "Get variable" work on.
type Variables interface {
	// Get returns nil and false for a variable that was not set.
	Get(name string) (value any, ok bool)
	Set(name string, value any, scope VariableScope)
}

// A DataStore is a table of entries that outlives runs. Keys are texts of 1 to 1024 bytes, else it is a DataError; data are
// bundles of up to 15 MiB in all, else it is a MaxFileSizeExceededError. The entries of a store may have a data structure:
// what is written is converted to it, and a BundleValidationError when it does not fit.
type DataStore interface {
	// Get returns false when there is no such entry.
	Get(ctx context.Context, key string) (data Bundle, ok bool, err error)
	// Change reads an entry, lets change decide and writes what it returns, as one step: when somebody else wrote
	// meanwhile, change is called again. An error of change is returned as it is, and nothing is written. A module that gives
	// on what change has got reads the entry with Get, too, so that the run is known to be about the people whom it names.
	Change(ctx context.Context, key string, change func(data Bundle, ok bool) (Bundle, error)) error
	// Delete says whether there was such an entry.
	Delete(ctx context.Context, key string) (bool, error)
	// DeleteAll says how many entries there were.
	DeleteAll(ctx context.Context) (int64, error)
	// Count counts the entries.
	Count(ctx context.Context) (int64, error)
	// All yields the entries in an order that stays the same while nothing is written. A loop may call any method.
	All(ctx context.Context) iter.Seq2[Entry, error]
}

// An Entry is one row of a data store.
type Entry struct {
	Key  string
	Data Bundle
}
