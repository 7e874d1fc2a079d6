package crypto_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/secret"
)

func ExampleNewPasswords() {
	_, err := crypto.NewPasswords(crypto.PasswordConfig{Iterations: 100_000})
	fmt.Println(err)
	// Output: crypto: password configuration: Iterations is 100000, it may be 200000 to 10000000
}

func ExamplePasswords_Hash() {
	passwords, err := crypto.NewPasswords(crypto.PasswordConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	typed := secret.NewString("correct horse battery staple")
	defer typed.Destroy()
	stored, err := passwords.Hash(context.Background(), typed)
	fmt.Println(stored[:28], len(stored), err)
	// Output: $pbkdf2-sha512$i=220000,l=64 138 <nil>
}

func ExamplePasswords_Verify() {
	ctx := context.Background()
	passwords, err := crypto.NewPasswords(crypto.PasswordConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	stored := map[string]string{}
	stored["ada"], _ = passwords.Hash(ctx, secret.NewString("correct horse"))

	// Nobody is called bob. Verify is called all the same, and takes as long.
	for _, name := range []string{"ada", "bob"} {
		ok, _, err := passwords.Verify(ctx, secret.NewString("correct horse"), stored[name])
		fmt.Println(name, ok, err)
	}
	// Output:
	// ada true <nil>
	// bob false <nil>
}

func ExamplePasswords_Check() {
	passwords, err := crypto.NewPasswords(crypto.PasswordConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	// A hash from the time when 200 000 iterations were enough.
	stored := phc200
	ok, err := passwords.Check(context.Background(), secret.NewString("correct horse battery staple"), stored,
		func(_ context.Context, old, replacement string) error {
			if stored == old { // in a database: UPDATE … SET password = replacement WHERE … AND password = old
				stored = replacement
			}
			return nil
		})
	fmt.Println(ok, err, stored[:28])
	// Output: true <nil> $pbkdf2-sha512$i=220000,l=64
}

func ExampleOpenPeppers() {
	ctx := context.Background()
	vault := crypto.NewKeyring()
	defer vault.Close()

	// Once: make a pepper, and keep what is sealed with the data.
	sealed, err := crypto.SealPepper(ctx, vault, 1)
	if err != nil {
		fmt.Println(err)
		return
	}

	// At every start:
	peppers, err := crypto.OpenPeppers(ctx, vault, map[uint32][]byte{1: sealed})
	if err != nil {
		fmt.Println(err)
		return
	}
	peppered, _ := crypto.NewPasswords(crypto.PasswordConfig{Peppers: peppers})
	stored, _ := peppered.Hash(ctx, secret.NewString("correct horse"))
	fmt.Println(stored[:37])

	// Who has the database alone has nothing to try passwords with.
	thief, _ := crypto.NewPasswords(crypto.PasswordConfig{})
	_, _, err = thief.Verify(ctx, secret.NewString("correct horse"), stored)
	fmt.Println(errors.Is(err, crypto.ErrNoPepper))
	// Output:
	// $pbkdf2-sha512$i=220000,l=64,pepper=1
	// true
}
