package engine_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine"
)

// All keys are rotated while the engine goes on. KeyTime is short here so that the rotation has little to wait for.
func ExampleEngine_Rotate() {
	keeper := crypto.NewKeyring()
	defer keeper.Close()
	e := must(engine.New(engine.Config{Keys: crypto.HierarchyConfig{Keeper: keeper, KeyTime: time.Millisecond}}))
	defer e.Close()
	people := must(e.DataStore(context.Background(), "people"))
	for _, name := range []string{"Ada", "Grace", "Edsger"} {
		err := people.Change(context.Background(), name, func(connector.Bundle, bool) (connector.Bundle, error) {
			return connector.NewBundle("name", name), nil
		})
		if err != nil {
			panic(err)
		}
	}

	for progress, err := range e.Rotate(context.Background(), engine.RotateOptions{Index: true}) {
		var broken *engine.RecordError
		switch {
		case errors.As(err, &broken):
			fmt.Println("does not open:", broken.Kind, broken.ID)
		case err != nil:
			fmt.Println("stopped:", err) // call Rotate again, and it carries on
		case progress.Kind != "":
			fmt.Printf("%s %s: %d done, %d left, %d written\n", progress.Phase, progress.Kind, progress.Done, progress.Left(), progress.Changed)
		case progress.Finished:
			fmt.Println("finished")
		}
	}
	grace, _, _ := people.Get(context.Background(), "Grace")
	fmt.Println(grace.Get("name"))
	// Output:
	// rewrap datastore: 1 done, 3 left, 1 written
	// rewrap entry: 4 done, 0 left, 4 written
	// index entry: 3 done, 0 left, 3 written
	// verify entry: 3 done, 0 left, 0 written
	// verify datastore: 1 done, 3 left, 0 written
	// verify entry: 4 done, 0 left, 0 written
	// finished
	// Grace
}

// A dry run opens everything and says what would not open.
func ExampleEngine_CheckKeys() {
	e := must(engine.New(engine.Config{}))
	defer e.Close()
	must(e.DataStore(context.Background(), "people"))
	for progress, err := range e.CheckKeys(context.Background()) {
		if err != nil {
			fmt.Println(err)
		}
		if progress.Finished {
			fmt.Println(progress.Done, "open,", progress.Failed, "do not")
		}
	}
	// Output: 1 open, 0 do not
}
