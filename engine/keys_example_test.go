package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

// A tenant leaves: with its keys all that it has stored is gone, and when the epoch has ended, gone from every backup. What is
// left of its records says nothing any more. Who wants them away as well deletes them, and has to before the tenant comes back:
// scenarios, data stores and connections of the old names would be in the way. The wrapped keys, kind "key", stay, because they
// remember what was destroyed.
func ExampleEngine_ShredTenant() {
	ctx := context.Background()
	records := memory.New()
	e, err := engine.New(engine.Config{Store: records})
	if err != nil {
		log.Fatal(err)
	}
	defer e.Close()
	bp, err := blueprint.Parse([]byte(`{"name": "Notes", "flow": [
		{"id": 1, "module": "util:ComposeTransformer", "version": 1, "mapper": {"value": "{{var.input.note}}"}}]}`))
	if err != nil {
		log.Fatal(err)
	}
	for _, tenant := range []string{"acme", "globex"} {
		if _, err := e.For(tenant).Deploy(ctx, bp, engine.DeployOptions{}); err != nil {
			log.Fatal(err)
		}
		if _, err := e.For(tenant).Run(ctx, "Notes", connector.NewBundle("note", "private")); err != nil {
			log.Fatal(err)
		}
	}

	receipt, err := e.For("acme").ShredTenant(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("gone from every backup within 45 days:", receipt.Irrevocable.Sub(receipt.Destroyed).Hours() <= 45*24)
	for _, tenant := range []string{"acme", "globex"} {
		for x, err := range e.For(tenant).Executions(ctx, "Notes", engine.Query{}) {
			fmt.Println(tenant, "shredded:", errors.Is(err, crypto.ErrShredded), "steps:", len(x.Trace))
		}
	}

	kinds, err := records.Kinds(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, kind := range kinds {
		if kind == "key" {
			continue
		}
		for rec, err := range records.Find(ctx, store.Query{Kind: kind, Tenant: "acme", Visibility: store.Everything, KeysOnly: true}) {
			if err == nil {
				err = records.Apply(ctx, store.Change{Delete: &rec})
			}
			if err != nil {
				log.Fatal(err)
			}
		}
	}
	// A Category is there for the tenant without a name: the zero Scope is refused.
	err = e.Vault().(crypto.Shredder).AllowNewLifecycle(ctx, crypto.Scope{Tenant: "acme", Category: "scenario"})
	if err != nil {
		log.Fatal(err)
	}
	_, err = e.For("acme").Deploy(ctx, bp, engine.DeployOptions{})
	fmt.Println("deployed again:", err == nil)
	// Output:
	// gone from every backup within 45 days: true
	// acme shredded: true steps: 0
	// globex shredded: false steps: 1
	// deployed again: true
}
