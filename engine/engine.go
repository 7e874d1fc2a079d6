// Package engine runs scenarios: it takes what comes in at hooks, walks blueprints over it, and keeps records of what it
// did for as long as the retention policy says.
//
// Make an engine with [New], give it scenarios with [Engine.Deploy], mount [Engine.Hooks] in an HTTP server and let
// [Engine.Serve] work.
//
//	e, err := engine.New(engine.Config{})
//	scenario, err := e.Deploy(ctx, bp, engine.DeployOptions{Activate: true})
//	http.Handle("/hooks/", http.StripPrefix("/hooks", e.Hooks()))
//	err = e.Serve(ctx)
//
// # What is certain
//
// A delivery is written before its caller hears that it was accepted. From then on it will be run to an end, by this
// process or, when this one dies, by the next one that serves the store: a run that was cut off starts over. A module that
// has an effect outside may therefore do it twice around a crash; connector.Call.Key is the same both times.
//
// # Tenants
//
// An engine serves any number of tenants. [Engine.For] gives the view of one; Serve, Tick and Hooks work for all.
package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"
	_ "time/tzdata" // scenarios name time zones, and the machine may have no zone database

	"go.uber.org/zap" // structured logs for the host's own sink

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/transport"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

// Config says what an engine works with. The zero Config works: it keeps everything in memory under a random key.
type Config struct {
	// Connectors are what blueprints can use beside the generic modules, which are always there: those of builtin, util,
	// gateway, http, json, xml, csv, regexp, archive, datastore and scenario-service. Several may have the same name, also that
	// of a generic one: their modules add up. Two that have a module of the same name and version are a CollisionError; a
	// generic module gives way to one of the same name that speaks its version, or any. Default: none.
	Connectors []connector.Connector
	// Functions are Go functions that mappings may call by name beside those of the language. Their parameters may be
	// text, numbers of all sizes, booleans, time.Time, []byte, slices, maps with string keys, connector.Bundle, any, and
	// pointers, which tell null from zero; the last one may be variadic. A first parameter of type context.Context is that
	// of the run. They return a value, or a value and an error.
	// Arguments are converted as fields of modules are. An error, and a panic, fail the module with RuntimeError, a
	// *connector.Error with its own type.
	//
	// A function is called wherever a mapping is evaluated, from many goroutines at once, and again when a run starts over:
	// it should be quick, change nothing, its arguments included, and give the same for the same. Make ends its custom
	// functions after 300 ms; nothing can end a Go function that does not return. Default: none.
	Functions map[string]any
	// Store keeps the records. The host closes it after the engine. Default: memory.New().
	Store store.Store
	// Keys says how the keys are kept that seal what is stored. Its Keeper holds the root, a crypto.Keyring for example; under
	// that, every tenant, every confidential run and every person whom records name, see DeployOptions.Subjects, has a key of its
	// own, which can be destroyed alone. So has everybody whom the host names in crypto.Scope.Subject when it seals with
	// Engine.Vault. Serve and Tick turn the epochs, so a program with a Store that lasts calls one of them at least once in
	// Keys.Slack, a day; a turn that fails is tried again, and only Logger hears of it. Unless they are set, Keys.Keys is the
	// Store, Keys.Irrevocable what Policy promises, and Keys.Now is Config.Now. The engine closes neither Keeper nor Store. A
	// Keeper, or a Vault, is required when Store is set to anything but a memory store. Default: keys that die with the process.
	Keys crypto.HierarchyConfig
	// Vault seals what is stored in place of Keys: one of the host's own. Data stores need one that is a crypto.Blinder. A Store
	// stays with what it began with: Keys do not open what a Vault has sealed, also where the same crypto.Keyring is both.
	// Default: none, Keys does it.
	Vault crypto.Vault
	// Identifier gives the normal form of a text or number that names a person, see DeployOptions.Subjects: what has the same normal
	// form names the same person. Empty: it names nobody. It has to be pure: the same for the same, for ever and in every process
	// of the store, because people are found again by it; many goroutines call it at once. A normal form of more than
	// MaxIdentifierBytes is refused. Default: without the white space around it, in lower case. That leaves apart
	// what Unicode writes in two ways, such as é as one character and as two: a host whose data has both normalizes here.
	Identifier func(string) string
	// Policy says how long each category of records is kept. Default: retention.Default().
	Policy retention.Policy

	// Logger hears what the people who run the program should know. It never gets bodies, secrets or subjects. Default:
	// none.
	Logger *zap.Logger
	// Now tells the time for stamps; waiting uses real timers. Default: time.Now.
	Now func() time.Time
	// Random gives IDs, hook tokens and what the keywords random and uuid are drawn from. Default: crypto/rand.Reader.
	Random io.Reader
	// Location is the time zone of scenarios that name none. Default: UTC.
	Location *time.Location
	// Network says where connectors may go, and how much of it they may take. Default: the public internet only; a
	// program whose scenarios call services on this machine allows transport.Loopback.
	Network transport.Policy

	// Workers is how many runs are under way at once. Default: 64.
	Workers int
	// Lease is how long a worker that died keeps its delivery from others. A live one renews it. Default: 15 s.
	Lease time.Duration
	// Poll is how often Serve looks for work that nobody announced: what other processes wrote or left. A test that lets a
	// month go by in a bubble of testing/synctest does well to set an hour. Default: 1 s.
	Poll time.Duration
	// DrainTimeout is how long Serve lets runs go on after its context has ended. Those that are not done by then start
	// over at the next Serve. Default: 30 s.
	DrainTimeout time.Duration

	// MaxBodyBytes limits the body of a request to a hook; a longer one gets 413. Default: 5 MiB, as in Make.
	MaxBodyBytes int64
	// BodyTimeout limits how long a request may take to come in; a slower one gets 408. Middleware that wraps the server's
	// http.ResponseWriter needs an Unwrap method for it to work. Default: 30 s.
	BodyTimeout time.Duration
	// ResponseTimeout is how long a caller waits for the scenario's answer before it gets 200 Accepted; the run goes on. A
	// hook can have its own, see HookOptions. Default: 40 s.
	ResponseTimeout time.Duration
	// TrustedProxies are the addresses of the proxies in front of Hooks. What they say in X-Forwarded-For is believed, and
	// HookOptions.AllowFrom goes by it; what others say there is not. Default: none, a request comes from the address of its
	// connection.
	TrustedProxies []netip.Prefix
	// MaxHookRequests is how many requests a hook takes in 10 seconds; one more gets 429. Default: 300, as in Make.
	MaxHookRequests int
	// MaxQueued is how many deliveries of one scenario may wait; one more gets 400, as in Make. Default: 10 000.
	MaxQueued int

	// MaxOperations ends a run with OperationsLimitExceededError. Default: 1 000 000.
	MaxOperations int64
	// MaxCallDepth is how deep scenarios may call each other; a call that goes deeper is a RuntimeError. Default: 10.
	MaxCallDepth int
	// MaxBundles ends a run with MaxResultsExceededError when one operation of a module with an effect gives more. Default:
	// 100 000.
	MaxBundles int64
	// MaxBundleBytes ends a run with DataSizeLimitExceededError when a module gives a bundle that holds more: texts, buffers
	// and names as long as they are, every other value 8 bytes, and what stands in several places as often as it does.
	// Aggregators keep no more than that of bundles and keys of groups, and the variables of a run hold no more together. An
	// operation with an effect whose bundles hold more together fails with the same error. Default: 128 MiB, room for the
	// longest response that Network lets in by default.
	MaxBundleBytes int64
	// MaxRunTime ends a run with ScenarioTimeoutError. Default: 40 min, as in Make.
	MaxRunTime time.Duration
	// MaxModuleTime ends one operation of a module with an effect with ModuleTimeoutError. Pure modules wait for nothing and
	// nobody: what they can do is bounded by what a bundle may hold, the bundles that they give one by one go through the
	// rest of the scenario meanwhile, and MaxRunTime ends them, too. Default: 6 min, which is more than any generic module
	// takes.
	MaxModuleTime time.Duration
	// MaxEntryBytes limits an entry of a data store, as it is encoded; a larger one is a MaxFileSizeExceededError. Default:
	// MaxEntryBytes, 15 MiB as in Make, which is also the most that is possible.
	MaxEntryBytes int64
	// MaxTraceBytes is how much of what the modules took and gave is kept with an execution; the rest is dropped and the
	// execution marked. At most store.MaxBodyBytes less a kilobyte. Default: 4 MiB.
	MaxTraceBytes int64
}

// setDefaults fills in what was left out.
func (c *Config) setDefaults() error {
	if c.Store == nil {
		c.Store = memory.New()
	}
	if c.Vault == nil && c.Keys.Keeper == nil {
		if _, forgets := c.Store.(*memory.Store); !forgets {
			return ErrNoVault
		}
	}
	c.Policy = c.Policy.Resolve()
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if c.Identifier == nil {
		c.Identifier = normalIdentifier
	}
	if c.Location == nil {
		c.Location = time.UTC
	}
	fill(&c.Workers, 64)
	fill(&c.Lease, 15*time.Second)
	fill(&c.Poll, time.Second)
	fill(&c.DrainTimeout, 30*time.Second)
	fill(&c.MaxBodyBytes, 5<<20)
	fill(&c.BodyTimeout, 30*time.Second)
	fill(&c.ResponseTimeout, 40*time.Second)
	fill(&c.MaxHookRequests, 300)
	fill(&c.MaxQueued, 10_000)
	fill(&c.MaxOperations, 1_000_000)
	fill(&c.MaxBundles, 100_000)
	fill(&c.MaxCallDepth, 10)
	fill(&c.MaxBundleBytes, 128<<20)
	fill(&c.MaxRunTime, 40*time.Minute)
	fill(&c.MaxModuleTime, 6*time.Minute)
	fill(&c.MaxEntryBytes, MaxEntryBytes)
	fill(&c.MaxTraceBytes, 4<<20)
	return c.validate()
}

func fill[N int | int64 | time.Duration](field *N, value N) {
	if *field == 0 {
		*field = value
	}
}

// validate reports all that cannot be used, at once.
func (c *Config) validate() error {
	var problems []error
	positive := func(field string, ok bool) {
		if !ok {
			problems = append(problems, fmt.Errorf("%w: Config.%s is negative: leave it zero for its default", ErrInvalid, field))
		}
	}
	positive("Workers", c.Workers > 0)
	positive("Lease", c.Lease > 0)
	positive("Poll", c.Poll > 0)
	positive("DrainTimeout", c.DrainTimeout > 0)
	positive("MaxBodyBytes", c.MaxBodyBytes > 0)
	positive("BodyTimeout", c.BodyTimeout > 0)
	positive("ResponseTimeout", c.ResponseTimeout > 0)
	for i, proxy := range c.TrustedProxies {
		if !proxy.IsValid() {
			problems = append(problems, fmt.Errorf("%w: Config.TrustedProxies[%d] is the zero prefix: parse one with netip.ParsePrefix", ErrInvalid, i))
		}
	}
	positive("MaxHookRequests", c.MaxHookRequests > 0)
	positive("MaxQueued", c.MaxQueued > 0)
	positive("MaxOperations", c.MaxOperations > 0)
	positive("MaxBundles", c.MaxBundles > 0)
	positive("MaxCallDepth", c.MaxCallDepth > 0)
	positive("MaxBundleBytes", c.MaxBundleBytes > 0)
	positive("MaxRunTime", c.MaxRunTime > 0)
	positive("MaxModuleTime", c.MaxModuleTime > 0)
	positive("MaxEntryBytes", c.MaxEntryBytes > 0)
	positive("MaxTraceBytes", c.MaxTraceBytes > 0)
	if c.MaxEntryBytes > MaxEntryBytes {
		problems = append(problems, fmt.Errorf("%w: Config.MaxEntryBytes is more than fits into a record: at most %d", ErrInvalid, MaxEntryBytes))
	}
	if c.MaxTraceBytes > store.MaxBodyBytes-envelopeBytes {
		problems = append(problems, fmt.Errorf("%w: Config.MaxTraceBytes is more than fits into a record: at most %d",
			ErrInvalid, store.MaxBodyBytes-envelopeBytes))
	}
	if c.MaxBodyBytes > store.MaxBodyBytes/2 {
		problems = append(problems, fmt.Errorf("%w: Config.MaxBodyBytes is more than fits into a record: at most %d",
			ErrInvalid, store.MaxBodyBytes/2))
	}
	problems = append(problems, c.Policy.Validate())
	return errors.Join(problems...)
}

// envelopeBytes is room for what stands in a record beside its largest part: the seal and a few short fields.
const envelopeBytes = 64 << 10

// An Engine runs the scenarios of a store. Any number of goroutines may use it.
type Engine struct {
	*core
	tenant string
}

// New makes an engine. It starts nothing: Serve and Tick do. It asks the keeper of Config.Keys for its epochs, and gives up
// after a minute if there is no answer. crypto.ErrForeignKeeper says that the keeper is another store's, as far as that can be told.
func New(config Config) (*Engine, error) {
	if err := config.setDefaults(); err != nil {
		return nil, err
	}
	keys, err := newKeys(&config)
	if err != nil {
		return nil, err
	}
	c, err := newCore(config, keys)
	if err != nil {
		return nil, errors.Join(err, keys.close())
	}
	return &Engine{core: c}, nil
}

// For returns the engine as one tenant sees it: its scenarios, connections and data stores, and nothing of others'. The
// engine that New returns is that of the tenant with the empty name.
func (e *Engine) For(tenant string) *Engine { return &Engine{core: e.core, tenant: tenant} }

// Vault returns what seals the records of the engine: Config.Vault, or what Config.Keys made. That one is a *crypto.Hierarchy.
// As a crypto.Shredder it destroys the keys of a tenant, and with them all that the tenant has stored but what is about single
// people: Engine.ShredTenant destroys their keys, too. The records themselves stay until their time is over, or for good where they
// have none: reading them fails with crypto.ErrShredded, hooks of the tenant answer 410, Rotate counts them, and CheckKeys lists
// each of them: store.Store.Apply deletes those that nobody wants to keep.
//
// A host may also seal data of its own with it, passwords' peppers and streams among them, under scopes whose Category is none
// of package retention's. CheckKeys does not see such data, and Rotate takes away the keys that they are under, unless
// RotateOptions.Own brings them to the new ones. The vault that Config.Keys made ends with the engine.
func (e *Engine) Vault() crypto.Vault { return e.cfg.Vault }

// Close ends the engine: hooks answer 503, Serve and Tick come to their ends as if their contexts had ended, and Close waits
// for them, and up to four seconds for connections that were renewed and that the store would not take yet; what would start or
// change something returns ErrClosed from then on. The keys of Config.Keys leave memory: what
// is stored cannot be read through this engine any more. With a Config.Vault, reading goes on as long as store and vault do.
// The store stays open; close it afterwards.
func (e *Engine) Close() error { return e.close() }

// Sweep takes what is due by the policy out of active use, and deletes what has been passive for its time. Serve does not
// sweep by itself: call it from time to time, once a day will do. Records are out of sight when their time is over,
// swept or not.
func (e *Engine) Sweep(ctx context.Context) (retention.Report, error) {
	keeper := retention.Keeper{Store: e.cfg.Store, Policy: e.cfg.Policy, Now: e.cfg.Now}
	return keeper.Sweep(ctx)
}
