// Package crypto seals what the library stores, so that a copy of the store is worth nothing without the keys, and hashes
// passwords.
//
// A [Vault] turns plaintext into an envelope and back. Every envelope is bound to a [Scope], the place that it belongs
// to: moved to another tenant, record or field, it does not open. There are two vaults in this package. A [Keyring] has its
// keys in one small file. A [Hierarchy] has keys of its own for each subject, run and tenant, so that what belongs to one of
// them can be destroyed; it keeps them wrapped in a [KeyStore], under a [Keeper] that holds the keys at the root. The keyring
// is such a keeper; package transit has one over HashiCorp Vault and OpenBao. A vault or a keeper of your own is right when
// vaulttest.Run or vaulttest.Keeper passes on it.
//
// Values that are too large to hold in memory are sealed as streams: both vaults are a [Streamer]. [Passwords] turns
// passwords into hashes that can only be verified.
//
// The cipher is AES-256-GCM under keys derived with HKDF-SHA-512, from Go's standard library. All of it works with the
// GODEBUG settings fips140=off, on and only, but for what needs Argon2id, which FIPS 140-3 does not know: keyrings behind a
// passphrase, and hashes of passwords where they are asked to be of that kind. For these two the package imports
// golang.org/x/crypto/argon2.
//
// Start with [EnsureKeyring] when the data is a local file, with [CreateKeyring] and [OpenKeyring] when it is not, and
// with [NewKeyring] in tests; with [NewHierarchy] when keys are to be destroyed one by one; with [NewPasswords] for
// passwords.
package crypto

import (
	"context"
	"errors"
)

// MaxPlaintextBytes is the largest plaintext that every vault must seal: 16 MiB. Seal refuses a larger one with
// ErrTooLarge.
const MaxPlaintextBytes int64 = 16 << 20

var (
	// ErrScope says that a scope cannot be used, because it is empty or one of its fields is too long, or that an
	// envelope or a stream does not open under it. The latter means that it was sealed under another scope or another key
	// with the same name, or that it was changed since: authenticated encryption cannot tell these apart.
	ErrScope = errors.New("crypto: scope")
	// ErrNoKey says that the vault does not have the key that an envelope or a stream names. The message has its id.
	ErrNoKey = errors.New("crypto: no key")
	// ErrMalformed says that the bytes are no envelope, no stream, or nothing that a keeper has wrapped.
	ErrMalformed = errors.New("crypto: malformed envelope")
	// ErrNewer says that an envelope, a stream, a key file or a ring was written by a newer version of this library.
	ErrNewer = errors.New("crypto: newer format")
	// ErrTooLarge says that a plaintext is larger than MaxPlaintextBytes, a stream larger than its form allows, or a key to wrap
	// longer than MaxWrapBytes, or that a key file would get larger than the 1 MiB that is ever read: room for thousands of
	// keys.
	ErrTooLarge = errors.New("crypto: too large")
	// ErrDamaged says that a stream of the right key and scope was cut off, appended to or changed, or that parts of it were
	// taken out, repeated or put in another order.
	ErrDamaged = errors.New("crypto: damaged stream")
	// ErrClosed says that the keyring or the hierarchy was closed, or that it is the zero Keyring.
	ErrClosed = errors.New("crypto: vault is closed")

	// ErrKeyFile says that a key file is damaged, half-written or none of this library's.
	ErrKeyFile = errors.New("crypto: key file is damaged")
	// ErrExposed says that a key file may be read by others than its owner. The message names the cure.
	ErrExposed = errors.New("crypto: key file is exposed")
	// ErrLocked says that a key file is being changed by another process. The message names the lock.
	ErrLocked = errors.New("crypto: key file is locked")
	// ErrPassphrase says that a passphrase is wrong, empty, missing, or given for a key file that has none.
	ErrPassphrase = errors.New("crypto: passphrase")
	// ErrFIPS says that what was asked for is not available with GODEBUG=fips140=only.
	ErrFIPS = errors.New("crypto: not available in FIPS 140-only mode")
)

// A Vault seals plaintext into envelopes that open only under the scope that they were sealed under.
//
// An envelope is opaque to the caller, differs from every other even when the plaintext and the scope are the same, and
// opens for ever, as long as its key exists. A vault neither changes nor keeps what it is given, and what it returns is
// the caller's, except where Rewrap says so. It fails when ctx has ended, with an error that wraps ctx.Err(). Many
// goroutines may use a vault. vaulttest.Run checks all of this.
//
// A vault may also be a [Blinder], a [Shredder] or a [Streamer]; that is found by type assertion.
type Vault interface {
	// Seal returns an envelope with plaintext, which may be empty, bound to at. It returns ErrScope when at is empty or
	// has a field longer than MaxScopeBytes, and ErrTooLarge when plaintext is longer than MaxPlaintextBytes.
	Seal(ctx context.Context, at Scope, plaintext []byte) ([]byte, error)
	// Open returns the plaintext of an envelope. It returns ErrScope when the envelope was sealed under another scope or
	// was changed, ErrNoKey when its key is not there, ErrMalformed when sealed is no envelope and ErrNewer when it is
	// one of a newer format. A changed envelope may meet any of the four. With an error there is no plaintext.
	Open(ctx context.Context, at Scope, sealed []byte) ([]byte, error)
	// Rewrap seals the content of an envelope anew under the newest key and reports true; the plaintext does not leave
	// the vault. When the envelope is under the newest key already it returns sealed itself and false. Either way it has
	// opened the envelope, and fails as Open does.
	Rewrap(ctx context.Context, at Scope, sealed []byte) ([]byte, bool, error)
}

// A Blinder makes tokens that stand for values in places where the values must not be seen but equal ones must be
// found: the key of a data store entry, an e-mail address that people are looked up by.
//
// The same value under the same scope gives the same token, today and after the vault got new keys; anything else gives
// another. Only a [Reblinder] can be told to change its tokens. Tokens show which values are equal and how often each occurs, and
// nothing more to whoever lacks the key.
type Blinder interface {
	// Blind returns the token of value, 32 bytes. Every field of at counts: name the tenant and the field, and leave empty
	// what a search does not know. It returns ErrScope when at is empty or has a field longer than MaxScopeBytes.
	Blind(ctx context.Context, at Scope, value []byte) ([]byte, error)
}
