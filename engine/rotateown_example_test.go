package engine_test

import (
	"context"
	"fmt"
	"time"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine"
)

// A rotation knows the records of the engine and takes every key away that none of them needs. What the host has sealed with
// Engine.Vault itself, here the pepper of its passwords, it brings to the new keys itself.
func ExampleEngine_Rotate_ownData() {
	ctx := context.Background()
	keeper := crypto.NewKeyring()
	defer keeper.Close()
	e := must(engine.New(engine.Config{Keys: crypto.HierarchyConfig{Keeper: keeper, KeyTime: time.Millisecond}}))
	defer e.Close()
	must(e.DataStore(ctx, "people"))
	pepper := must(crypto.SealPepper(ctx, e.Vault(), 1)) // in a column of the host's own database

	options := engine.RotateOptions{Own: func(ctx context.Context) error {
		renewed, changed, err := e.Vault().Rewrap(ctx, crypto.PepperScope(1), pepper)
		if err != nil {
			return err // no key is taken away: rotate again when the reason is gone
		}
		pepper = renewed // and store it
		fmt.Println("written anew:", changed)
		return nil
	}}
	for _, err := range e.Rotate(ctx, options) {
		if err != nil {
			fmt.Println(err)
		}
	}
	_, err := crypto.OpenPeppers(ctx, e.Vault(), map[uint32][]byte{1: pepper})
	fmt.Println("opens:", err == nil)
	// Output:
	// written anew: true
	// opens: true
}
