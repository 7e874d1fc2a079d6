package crypto

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha512"
	"errors"
	"fmt"
	"strconv"

	"github.com/ebbkit/ebb/crypto/secret"
)

// minPepper is the shortest pepper, and the length of one that SealPepper makes.
const minPepper = 32

// Peppers are keys that turn the hash of a password into what is stored: HMAC-SHA-512 under the pepper, cut to the
// length of the hash (RFC 2104, section 5). Who has a copy of the database and not the pepper cannot try a single
// password. OWASP's Password Storage Cheat Sheet calls this post-hashing.
//
// Every pepper has a version, which the stored hash names. To change it add the next version and make it the latest:
// older ones still verify and ask for a new hash. A pepper that is lost makes every hash under it worthless, so keep it
// as long as any hash names it. The zero Peppers has none.
type Peppers struct {
	// Latest is the version that new hashes use. Default: 0, which is none; those in Keys verify what exists.
	Latest uint32
	// Keys are the peppers by version, from 1 on. Each has at least 32 bytes, random ones: see SealPepper.
	Keys map[uint32]secret.Value
}

func (p Peppers) check() error {
	var problems []error
	for version, key := range p.Keys {
		size := 0
		err := key.Use(func(b []byte) { size = len(b) })
		switch {
		case version == 0:
			problems = append(problems, badPasswords("there is a pepper of version 0"))
		case err != nil:
			problems = append(problems, fmt.Errorf("%w: pepper %d: %w", ErrPasswordConfig, version, err))
		case size < minPepper:
			problems = append(problems, badPasswords("pepper %d has %d bytes, at least %d are needed", version, size, minPepper))
		}
	}
	if _, there := p.Keys[p.Latest]; p.Latest != 0 && !there {
		problems = append(problems, fmt.Errorf("%w: %w %d, which is the latest", ErrPasswordConfig, ErrNoPepper, p.Latest))
	}
	return errors.Join(problems...)
}

// apply returns the peppered hash, as long as the hash.
func (p Peppers) apply(version uint32, sum []byte) ([]byte, error) {
	var peppered []byte
	err := p.Keys[version].Use(func(b []byte) {
		mac := hmac.New(sha512.New, b)
		_, _ = mac.Write(sum) // a hash never returns an error
		peppered = mac.Sum(nil)
	})
	if err != nil {
		return nil, fmt.Errorf("%w %d: %w", ErrNoPepper, version, err)
	}
	return peppered[:len(sum)], nil
}

// PepperScope returns the scope that SealPepper seals a pepper of a version under, for Rewrap when the vault has got a
// new key.
func PepperScope(version uint32) Scope {
	return Scope{Category: "password_pepper", Record: strconv.FormatUint(uint64(version), 10)}
}

// SealPepper makes a pepper of 32 random bytes and returns it sealed under PepperScope. It may be kept in the database
// beside the hashes, because only the vault opens it. Version counts from 1; 0 is refused with ErrPasswordConfig. It
// returns the errors of Seal.
//
// It opens as long as the vault has the key that it is under. Whoever takes keys away, as Rotator.Trim does and the engine's
// Rotate, has to Rewrap it before.
func SealPepper(ctx context.Context, vault Vault, version uint32) ([]byte, error) {
	if version == 0 {
		return nil, badPasswords("there is no pepper of version 0")
	}
	pepper := make([]byte, minPepper)
	defer clear(pepper)
	_, _ = rand.Read(pepper)
	sealed, err := vault.Seal(ctx, PepperScope(version), pepper)
	if err != nil {
		return nil, fmt.Errorf("seal pepper %d: %w", version, err)
	}
	return sealed, nil
}

// OpenPeppers opens what SealPepper has sealed, by version. The highest is the latest. It returns the errors of Open,
// joined; ErrScope is also what it says when a pepper is under the version of another.
func OpenPeppers(ctx context.Context, vault Vault, sealed map[uint32][]byte) (Peppers, error) {
	p := Peppers{Keys: make(map[uint32]secret.Value, len(sealed))}
	var problems []error
	for version, envelope := range sealed {
		pepper, err := vault.Open(ctx, PepperScope(version), envelope)
		if err != nil {
			problems = append(problems, fmt.Errorf("open pepper %d: %w", version, err))
			continue
		}
		p.Keys[version] = secret.New(pepper)
		clear(pepper)
		p.Latest = max(p.Latest, version)
	}
	if err := errors.Join(problems...); err != nil {
		for _, key := range p.Keys {
			key.Destroy()
		}
		return Peppers{}, err
	}
	return p, nil
}
