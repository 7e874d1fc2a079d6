package transit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/secret"
	"github.com/ebbkit/ebb/crypto/transit"
)

func ExampleNew() {
	e := &engine{token: "hvs.example", keys: map[string]*key{}}
	e.make("ebb")
	server := httptest.NewServer(e) // stands for https://vault.example.org:8200
	defer server.Close()

	keeper, err := transit.New(transit.Config{
		Address: server.URL,
		Token:   transit.StaticToken(secret.NewString("hvs.example")),
		Key:     "ebb",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	wrapped, _ := keeper.Wrap(ctx, 1, []byte("the key of a subject"), []byte("acme, subject 42"))
	key, err := keeper.Unwrap(ctx, 1, wrapped, []byte("acme, subject 42"))
	fmt.Println(string(key), err)

	epoch, _ := keeper.NewEpoch(ctx)
	_, _ = keeper.DestroyEpoch(ctx, 1)
	_, err = keeper.Unwrap(ctx, 1, wrapped, []byte("acme, subject 42"))
	fmt.Println(epoch.Number, errors.Is(err, crypto.ErrEpochDestroyed))
	// Output:
	// the key of a subject <nil>
	// 2 true
}

func ExampleStaticToken() {
	// A token that an agent renews in a file is read for every request instead.
	fromFile := func(context.Context) (secret.Value, error) {
		text, err := os.ReadFile("/run/vault/token")
		defer clear(text)
		return secret.New(bytes.TrimSpace(text)), err
	}
	fixed := transit.StaticToken(secret.NewString("hvs.example"))

	token, err := fixed(context.Background())
	fmt.Println(token, err)
	_, err = fromFile(context.Background())
	fmt.Println(errors.Is(err, os.ErrNotExist))
	// Output:
	// [secret] <nil>
	// true
}
