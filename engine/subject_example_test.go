package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

// A person asks to be forgotten: with the person's keys all that is about that person alone is gone, and what names the person
// anew is refused. What is about others is as it was.
func ExampleEngine_ShredSubject() {
	ctx := context.Background()
	e, err := engine.New(engine.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer e.Close()
	bp, err := blueprint.Parse([]byte(`{"name": "Orders", "flow": [
		{"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 1}},
		{"id": 2, "module": "util:ComposeTransformer", "version": 1, "mapper": {"value": "{{1.item}} for {{1.customer.email}}"}}]}`))
	if err != nil {
		log.Fatal(err)
	}
	options := engine.DeployOptions{Activate: true, Subjects: []string{"1.customer.email"}}
	if _, err := e.Deploy(ctx, bp, options); err != nil {
		log.Fatal(err)
	}
	order := func(email, item string) error {
		_, err := e.Run(ctx, "Orders", connector.NewBundle("customer", connector.NewBundle("email", email), "item", item))
		return err
	}
	for _, email := range []string{"ada@example.com", "bob@example.com"} {
		if err := order(email, "tea"); err != nil {
			log.Fatal(err)
		}
	}

	receipt, err := e.ShredSubject(ctx, "ada@example.com")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("gone from every backup within 45 days:", receipt.Irrevocable.Sub(receipt.Destroyed).Hours() <= 45*24)
	for x, err := range e.Executions(ctx, "Orders", engine.Query{}) {
		fmt.Println(x.Status, "erased:", x.Erased, "steps:", len(x.Trace), err)
	}
	fmt.Println("refused:", errors.Is(order("ada@example.com", "coffee"), engine.ErrErased))
	// Output:
	// gone from every backup within 45 days: true
	// success erased: false steps: 2 <nil>
	// success erased: true steps: 0 <nil>
	// refused: true
}

// What names several people does not go with one of them. The host finds such records, and decides: here it deletes them.
func ExampleEngine_SubjectRecords() {
	ctx := context.Background()
	records := memory.New()
	e := must(engine.New(engine.Config{Store: records}))
	defer e.Close()
	if err := e.SaveDataStore(ctx, "pairs", engine.DataStoreOptions{Subjects: []string{"who[]"}}); err != nil {
		log.Fatal(err)
	}
	pairs := must(e.DataStore(ctx, "pairs"))
	for key, who := range map[string][]string{"alone": {"ada@example.com"}, "together": {"ada@example.com", "bob@example.com"}} {
		err := pairs.Change(ctx, key, func(connector.Bundle, bool) (connector.Bundle, error) { return connector.NewBundle("who", who), nil })
		if err != nil {
			log.Fatal(err)
		}
	}

	must(e.ShredSubject(ctx, "ada@example.com"))
	fmt.Println(must(pairs.Count(ctx)), "left")
	for found, err := range e.SubjectRecords(ctx, "ada@example.com") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(found.Kind, "alone:", found.Alone)
		if !found.Alone {
			rec := must(records.Get(ctx, store.Key{Kind: store.Kind(found.Kind), ID: found.ID}))
			if err := records.Apply(ctx, store.Change{Delete: &rec}); err != nil {
				log.Fatal(err)
			}
		}
	}
	fmt.Println(must(pairs.Count(ctx)), "left")
	// Unordered output:
	// 1 left
	// entry alone: true
	// entry alone: false
	// 0 left
}
