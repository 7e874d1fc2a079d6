// Package ebb is the front door of an automation engine that a Go program embeds. It holds no code: this page says how the
// parts fit together, and each part is a package of its own.
//
// Ebb runs scenarios the way Integromat, today Make, does: modules that hand bundles to each other, triggered by webhooks,
// with connections, routers, filters, iterators, aggregators and data stores. What came in ebbs away again: every record
// has a retention category, leaves active use on time, becomes passive and is deleted; what is stored is sealed.
//
// # A first scenario
//
// A blueprint is a scenario's definition in Make's own export format. Parse it, deploy it, mount the hooks, and let the
// engine work:
//
//	e, err := engine.New(engine.Config{})
//	bp, err := blueprint.Parse(file)
//	scenario, err := e.Deploy(ctx, bp, engine.DeployOptions{Activate: true})
//	http.Handle("/hooks/", http.StripPrefix("/hooks", e.Hooks())) // POST /hooks/ + scenario.Hook.Token
//	err = e.Serve(ctx)
//
// The zero engine.Config keeps everything in memory under a random key. That is right for tests and for tools that may
// forget.
//
// # A program that lasts
//
// Give the engine a store and a keeper. A store keeps records: package store/sqlite, a module of its own so that nobody pays
// for a driver that he does not use, is one file. A keeper holds the root of the keys that seal what they say:
// crypto.EnsureKeyring is one key file. Keep both, in different places: neither is of use without the other. Every two weeks
// the key file gets a new root key and loses the old one, so copy it every day and keep copies for 30 days: one from before the
// change does not open the store of today. The file crypto/KEYS.md says more about backups.
//
//	keeper, err := crypto.EnsureKeyring("keys/ebb.key", "data/ebb.db") // both folders are there
//	records, err := sqlite.Open(ctx, "data/ebb.db")
//	e, err := engine.New(engine.Config{Store: records, Keys: crypto.HierarchyConfig{Keeper: keeper}})
//
// The keys of one person can be destroyed (Engine.ShredSubject), and those of a tenant (Engine.ShredTenant); all keys can be changed
// while everything goes on (Engine.Rotate).
//
// # A connector of your own
//
// A module is a typed function. Its input and output are structs; their tags say what a blueprint's mapper gives, what is
// required, and what people see:
//
//	connector.NewAction(connector.Info{Name: "Greet"}, func(ctx context.Context, call *connector.Call, in Person) (Greeting, error) {
//		return Greeting{Text: "Hello " + in.Name}, nil
//	})
//
// A connector is a name and a list of such modules; put it into engine.Config.Connectors. Package connectortest runs a
// module alone and proves that a connector keeps its contract.
//
// # Where things are
//
//	engine            deploys blueprints, takes deliveries, runs scenarios, keeps executions
//	engine/blueprint  reads, checks and writes blueprints
//	store             the contract of stores; memory and sqlite keep it, storetest proves it
//	connector         the contract of connectors; builtin, util, gateway, web, text and datastore are the generic ones
//	retention         how long each category of records is kept, and the sweeper
//	crypto            the vault that seals records, its keys, passwords, and secret values that cannot be printed
//	examples          programs to run and to copy from
package ebb
