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
)

// A tenant leaves: with its keys all that it has stored is gone, and when the epoch has ended, gone from every backup.
func ExampleEngine_Vault() {
	ctx := context.Background()
	e, err := engine.New(engine.Config{Keys: crypto.HierarchyConfig{Keeper: crypto.NewKeyring()}})
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

	receipt, err := e.Vault().(crypto.Shredder).Shred(ctx, crypto.Scope{Tenant: "acme"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("gone from every backup within 45 days:", receipt.Irrevocable.Sub(receipt.Destroyed).Hours() <= 45*24)
	for _, tenant := range []string{"acme", "globex"} {
		for x, err := range e.For(tenant).Executions(ctx, "Notes", engine.Query{}) {
			fmt.Println(tenant, "shredded:", errors.Is(err, crypto.ErrShredded), "steps:", len(x.Trace))
		}
	}
	// Output:
	// gone from every backup within 45 days: true
	// acme shredded: true steps: 0
	// globex shredded: false steps: 1
}
