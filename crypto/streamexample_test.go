package crypto_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ebbkit/ebb/crypto"
)

func ExampleStreamer() {
	keyring := crypto.NewKeyring()
	defer keyring.Close()
	var vault crypto.Vault = keyring

	streamer, ok := vault.(crypto.Streamer)
	if !ok {
		fmt.Println("this vault seals nothing larger than", crypto.MaxPlaintextBytes)
		return
	}
	ctx := context.Background()
	at := crypto.Scope{Tenant: "acme", Category: "datastore_record", Record: "42", Field: "attachment"}

	var file bytes.Buffer // or a file, or a connection
	sealing, err := streamer.SealStream(ctx, at, &file)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = io.Copy(sealing, strings.NewReader(strings.Repeat("a long report\n", 100_000)))
	if err = errors.Join(err, sealing.Close()); err != nil {
		fmt.Println(err) // what is in the file does not open to its end
		return
	}
	sealed := file.Bytes()

	opening, err := streamer.OpenStream(ctx, at, bytes.NewReader(sealed))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer opening.Close()
	n, err := io.Copy(io.Discard, opening)
	fmt.Println(n, err)

	// Half of it is not taken for the whole.
	half, err := streamer.OpenStream(ctx, at, bytes.NewReader(sealed[:len(sealed)/2]))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer half.Close()
	n, err = io.Copy(io.Discard, half)
	fmt.Println(n, errors.Is(err, crypto.ErrDamaged))

	at.Tenant = "globex"
	_, err = streamer.OpenStream(ctx, at, bytes.NewReader(sealed))
	fmt.Println(errors.Is(err, crypto.ErrScope))
	// Output:
	// 1400000 <nil>
	// 688128 true
	// true
}
