package vaulttest_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/vaulttest"
)

func TestKeyringKeepsTheContract(t *testing.T) {
	t.Parallel()
	vaulttest.Run(t, func(t *testing.T) crypto.Vault {
		keyring := crypto.NewKeyring()
		t.Cleanup(func() { require.NoError(t, keyring.Close()) })
		return keyring
	})
}

// minimal is the least that keeps the contract: one key, no Blinder, no AddKey, its own envelope.
type minimal struct {
	aead cipher.AEAD
	// What follows breaks it in one way each.
	nonce    func([]byte)
	scope    func(crypto.Scope) crypto.Scope
	hook     func(ctx context.Context) error
	limit    int64
	openHook func(v *minimal, sealed []byte, plaintext []byte, err error) ([]byte, error)
}

func newMinimal() *minimal {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	return minimalWith(key)
}

func minimalWith(key []byte) *minimal {
	block, _ := aes.NewCipher(key)
	aead, _ := cipher.NewGCM(block)
	return &minimal{
		aead:     aead,
		nonce:    func(b []byte) { _, _ = rand.Read(b) },
		scope:    func(s crypto.Scope) crypto.Scope { return s },
		hook:     func(ctx context.Context) error { return ctx.Err() },
		limit:    crypto.MaxPlaintextBytes,
		openHook: func(_ *minimal, _, plaintext []byte, err error) ([]byte, error) { return plaintext, err },
	}
}

const minimalMark = 'M'

func (m *minimal) Seal(ctx context.Context, at crypto.Scope, plaintext []byte) ([]byte, error) {
	if err := m.hook(ctx); err != nil {
		return nil, err
	}
	if int64(len(plaintext)) > m.limit {
		return nil, crypto.ErrTooLarge
	}
	additional, err := m.scope(at).AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	sealed := make([]byte, 13)
	sealed[0] = minimalMark
	m.nonce(sealed[1:])
	return m.aead.Seal(sealed, sealed[1:], plaintext, additional), nil
}

func (m *minimal) Open(ctx context.Context, at crypto.Scope, sealed []byte) ([]byte, error) {
	if err := m.hook(ctx); err != nil {
		return nil, err
	}
	additional, err := m.scope(at).AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	if len(sealed) < 29 || sealed[0] != minimalMark {
		return nil, crypto.ErrMalformed
	}
	plaintext, err := m.aead.Open(nil, sealed[1:13], sealed[13:], additional)
	if err != nil {
		err = crypto.ErrScope
	}
	return m.openHook(m, sealed, plaintext, err)
}

func (m *minimal) Rewrap(ctx context.Context, at crypto.Scope, sealed []byte) ([]byte, bool, error) {
	if _, err := m.Open(ctx, at, sealed); err != nil {
		return nil, false, err
	}
	return sealed, false, nil
}

// blinding is a minimal vault with a Blinder.
type blinding struct {
	*minimal
	blind func(scope, value []byte) []byte
}

func (b blinding) Blind(ctx context.Context, at crypto.Scope, value []byte) ([]byte, error) {
	scope, err := at.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	if err := b.hook(ctx); err != nil {
		return nil, err
	}
	return b.blind(scope, value), nil
}

func newBlinding(change func(key, scope, value []byte) []byte) crypto.Vault {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	return blinding{newMinimal(), func(scope, value []byte) []byte { return change(key, scope, value) }}
}

func hash(parts ...[]byte) []byte {
	sum := sha256.Sum256(bytes.Join(parts, []byte("|")))
	return sum[:]
}

// rotating is a keyring that gets something about keys wrong.
type rotating struct {
	*crypto.Keyring
	add    func(context.Context, *crypto.Keyring) error
	rewrap func(context.Context, *crypto.Keyring, crypto.Scope, []byte) ([]byte, bool, error)
}

func (r rotating) AddKey(ctx context.Context) error {
	if r.add != nil {
		return r.add(ctx, r.Keyring)
	}
	return r.Keyring.AddKey(ctx)
}

func (r rotating) Rewrap(ctx context.Context, at crypto.Scope, sealed []byte) ([]byte, bool, error) {
	if r.rewrap != nil {
		return r.rewrap(ctx, r.Keyring, at, sealed)
	}
	return r.Keyring.Rewrap(ctx, at, sealed)
}

// plain seals nothing.
type plain struct{ crypto.Vault }

func (plain) Seal(_ context.Context, _ crypto.Scope, plaintext []byte) ([]byte, error) {
	return plaintext, nil
}

func (plain) Open(_ context.Context, _ crypto.Scope, sealed []byte) ([]byte, error) {
	return sealed, nil
}

func changed(change func(m *minimal)) func() crypto.Vault {
	return func() crypto.Vault {
		m := newMinimal()
		change(m)
		return m
	}
}

func dropping(drop func(s *crypto.Scope)) func() crypto.Vault {
	return changed(func(m *minimal) {
		m.scope = func(s crypto.Scope) crypto.Scope {
			if s != (crypto.Scope{}) {
				drop(&s)
				s.Category += "." // so that a scope with nothing but the dropped field is not empty now
			}
			return s
		}
	})
}

// An entry is a vault and the clauses that it must fail. Without any it keeps the contract.
type entry struct {
	open  func() crypto.Vault
	fails []string
}

// vaults names vaults of all kinds.
func vaults() map[string]entry {
	shared := make([]byte, 32)
	all := map[string]entry{
		"minimal":  {open: changed(func(*minimal) {})},
		"blinding": {open: func() crypto.Vault { return newBlinding(func(k, s, v []byte) []byte { return hash(k, s, v) }) }},
		"plain": {
			open:  func() crypto.Vault { return plain{newMinimal()} },
			fails: []string{"EmptyScope", "OtherScope", "OtherVault", "EveryBitFlipped", "Truncated", "NeverTheSame", "NoPlaintextInside", "NothingShared", "Canceled"},
		},
		"no tenant":   {dropping(func(s *crypto.Scope) { s.Tenant = "" }), []string{"OtherScope"}},
		"no category": {dropping(func(s *crypto.Scope) { s.Category = "" }), []string{"OtherScope"}},
		"no record":   {dropping(func(s *crypto.Scope) { s.Record = "" }), []string{"OtherScope", "Concurrent"}},
		"no field":    {dropping(func(s *crypto.Scope) { s.Field = "" }), []string{"OtherScope"}},
		"no subject":  {dropping(func(s *crypto.Scope) { s.Subject = "" }), []string{"OtherScope"}},
		"no run":      {dropping(func(s *crypto.Scope) { s.Run = "" }), []string{"OtherScope"}},
		"fields run together": {
			dropping(func(s *crypto.Scope) {
				*s = crypto.Scope{Field: s.Tenant + s.Category + s.Record + s.Field + s.Subject + s.Run}
			}), []string{"OtherScope"}},
		"any empty scope": {
			changed(func(m *minimal) {
				m.scope = func(s crypto.Scope) crypto.Scope { s.Field += "."; return s }
			}), []string{"EmptyScope"}},
		"repeats":         {changed(func(m *minimal) { m.nonce = func([]byte) {} }), []string{"NeverTheSame"}},
		"one key for all": {func() crypto.Vault { return minimalWith(shared) }, []string{"OtherVault"}},
		"deaf to the context": {
			changed(func(m *minimal) { m.hook = func(context.Context) error { return nil } }), []string{"Canceled"},
		},
		"boundless": {changed(func(m *minimal) { m.limit *= 2 }), []string{"TooLarge"}},
		"too small": {changed(func(m *minimal) { m.limit-- }), []string{"RoundTrip"}},
		"overlooks damage": {
			changed(func(m *minimal) {
				m.openHook = func(_ *minimal, sealed, plaintext []byte, err error) ([]byte, error) {
					if err != nil && len(sealed) > 29 {
						return []byte("thirteen byte"), nil
					}
					return plaintext, err
				}
			}), []string{"OtherScope", "OtherVault", "EveryBitFlipped", "Spliced"}},
		"bytes with the error": {
			changed(func(m *minimal) {
				m.openHook = func(_ *minimal, _, plaintext []byte, err error) ([]byte, error) {
					if err != nil {
						return []byte("garbled"), err
					}
					return plaintext, nil
				}
			}), []string{"OtherScope", "OtherVault", "EveryBitFlipped", "Spliced"}},
		"ignores what follows": {
			changed(func(m *minimal) {
				m.openHook = func(m *minimal, sealed, plaintext []byte, err error) ([]byte, error) {
					if err != nil && len(sealed) > 29 {
						additional, _ := home.AppendBinary(nil)
						return m.aead.Open(nil, sealed[1:13], sealed[13:len(sealed)-1], additional)
					}
					return plaintext, err
				}
			}), []string{"Truncated"}},
		"opens in place": {
			changed(func(m *minimal) {
				m.openHook = func(_ *minimal, sealed, plaintext []byte, err error) ([]byte, error) {
					return sealed[:copy(sealed, plaintext)], err
				}
			}), []string{"NothingShared"}},
		"its own errors": {
			changed(func(m *minimal) {
				m.openHook = func(_ *minimal, _, plaintext []byte, err error) ([]byte, error) {
					if err != nil {
						return nil, os.ErrInvalid
					}
					return plaintext, nil
				}
			}), []string{"OtherScope", "EveryBitFlipped"}},
		"tokens without a key":   {func() crypto.Vault { return newBlinding(func(_, s, v []byte) []byte { return hash(s, v) }) }, []string{"Blind"}},
		"tokens without a scope": {func() crypto.Vault { return newBlinding(func(k, _, v []byte) []byte { return hash(k, v) }) }, []string{"Blind"}},
		"tokens without a value": {func() crypto.Vault { return newBlinding(func(k, s, _ []byte) []byte { return hash(k, s) }) }, []string{"Blind"}},
		"tokens that are random": {func() crypto.Vault {
			return newBlinding(func(_, _, _ []byte) []byte { b := make([]byte, 32); _, _ = rand.Read(b); return b })
		}, []string{"Blind", "Concurrent"}},
		"tokens cut short": {func() crypto.Vault { return newBlinding(func(k, s, v []byte) []byte { return hash(k, s, v)[:16] }) }, []string{"Blind"}},
		"new key changes nothing": {func() crypto.Vault {
			return rotating{Keyring: crypto.NewKeyring(), add: func(ctx context.Context, _ *crypto.Keyring) error { return ctx.Err() }}
		}, []string{"AddKey"}},
		"always rewraps": {
			func() crypto.Vault {
				return rotating{Keyring: crypto.NewKeyring(), rewrap: func(ctx context.Context, r *crypto.Keyring, at crypto.Scope, sealed []byte) ([]byte, bool, error) {
					plaintext, err := r.Open(ctx, at, sealed)
					if err != nil {
						return nil, false, err
					}
					again, err := r.Seal(ctx, at, plaintext)
					return again, true, err
				}}
			}, []string{"Rewrap", "AddKey"}},
		"rewraps unseen": {
			func() crypto.Vault {
				return rotating{Keyring: crypto.NewKeyring(), rewrap: func(_ context.Context, _ *crypto.Keyring, _ crypto.Scope, sealed []byte) ([]byte, bool, error) {
					return sealed, false, nil
				}}
			}, []string{"OtherScope", "EveryBitFlipped", "AddKey", "Canceled"}},
	}
	for name, vault := range brokenStreamers() {
		for i, clause := range vault.fails {
			vault.fails[i] = "Stream/" + clause
		}
		all[name] = vault
	}
	return all
}

// home is the scope that the suite seals under.
var home = crypto.Scope{Tenant: "acme", Category: "execution_detail", Record: "r1", Field: "body", Subject: "s1", Run: "x1"}

// TestBrokenVaultFails runs the suite in a process of its own for each vault, because a suite that fails fails its test.
func TestBrokenVaultFails(t *testing.T) {
	t.Parallel()
	if name := os.Getenv("EBB_TEST_VAULT"); name != "" {
		t.Run("suite", func(t *testing.T) {
			vaulttest.Run(t, func(*testing.T) crypto.Vault { return vaults()[name].open() })
		})
		return
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	for name, vault := range vaults() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Beside the clauses that must fail, two of which one must not are enough: a suite takes a while.
			clauses, parts := []string{"NeverTheSame", "RoundTrip"}, []string(nil)
			for _, clause := range vault.fails {
				first, second, _ := strings.Cut(clause, "/")
				clauses, parts = append(clauses, first), append(parts, second)
			}
			only := "/^(" + strings.Join(clauses, "|") + ")$/^(" + strings.Join(parts, "|") + ")$"
			if len(vault.fails) == 0 {
				only = ""
			}
			cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestBrokenVaultFails$/^suite$"+only, "-test.v")
			cmd.Env = append(os.Environ(), "EBB_TEST_VAULT="+name)
			out, err := cmd.CombinedOutput()
			if len(vault.fails) == 0 {
				require.NoError(t, err, "%s", out)
				return
			}
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit)
			require.NotContains(t, string(out), "panic:")
			for _, clause := range vault.fails {
				require.Contains(t, string(out), "--- FAIL: TestBrokenVaultFails/suite/"+clause+" ")
			}
			require.Contains(t, string(out), "--- PASS: TestBrokenVaultFails/suite/", "the suite fails as a whole, not in its clauses")
		})
	}
}
