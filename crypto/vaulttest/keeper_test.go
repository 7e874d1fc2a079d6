package vaulttest_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/vaulttest"
)

func TestKeyringKeepsTheKeeperContract(t *testing.T) {
	t.Parallel()
	vaulttest.Keeper(t, func(t *testing.T) crypto.Keeper {
		keyring := crypto.NewKeyring()
		t.Cleanup(func() { require.NoError(t, keyring.Close()) })
		return keyring
	})
}

// box is a small keeper that keeps the contract, as long as nothing below it is changed.
type box struct {
	context func(context.Context) error
	bind    func(epoch uint32, scope []byte) []byte                              // to additional data
	pack    func(b *box, sealed, key []byte) []byte                              // into what Wrap returns
	unpack  func(b *box, wrapped []byte) ([]byte, error)                         // again
	opened  func(b *box, key, wrapped, sealed []byte, err error) ([]byte, error) // what Unwrap returns
	next    func(b *box) uint32
	forget  func(b *box, epoch uint32)
	destroy func(b *box, epoch uint32) error // whether it may be destroyed
	answer  func(b *box, epoch uint32) time.Time
	list    func(b *box) []crypto.Epoch
	key     func() []byte

	mu     sync.Mutex
	epochs []crypto.Epoch
	keys   map[uint32]cipher.AEAD
}

func newBox() *box {
	return &box{
		context: func(ctx context.Context) error { return ctx.Err() },
		bind: func(epoch uint32, scope []byte) []byte {
			return append(binary.BigEndian.AppendUint32(nil, epoch), scope...)
		},
		pack:   func(_ *box, sealed, _ []byte) []byte { return sealed },
		unpack: func(_ *box, wrapped []byte) ([]byte, error) { return wrapped, nil },
		opened: func(_ *box, key, _, _ []byte, err error) ([]byte, error) {
			if err != nil {
				return nil, crypto.ErrScope
			}
			return key, nil
		},
		next:    func(b *box) uint32 { return uint32(len(b.epochs) + 1) },
		forget:  func(b *box, epoch uint32) { delete(b.keys, epoch) },
		destroy: func(*box, uint32) error { return nil },
		answer:  func(b *box, epoch uint32) time.Time { return b.epochs[epoch-1].Destroyed },
		list:    func(b *box) []crypto.Epoch { return slices.Clone(b.epochs) },
		key: func() []byte {
			key := make([]byte, 32)
			_, _ = rand.Read(key)
			return key
		},
		keys: map[uint32]cipher.AEAD{},
	}
}

func (b *box) find(epoch uint32) (cipher.AEAD, error) {
	if epoch == 0 || int(epoch) > len(b.epochs) {
		return nil, crypto.ErrNoEpoch
	}
	if aead := b.keys[epoch]; aead != nil {
		return aead, nil
	}
	return nil, crypto.ErrEpochDestroyed
}

func (b *box) Wrap(ctx context.Context, epoch uint32, key, scope []byte) ([]byte, error) {
	if err := b.context(ctx); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	aead, err := b.find(epoch)
	if err != nil {
		return nil, err
	}
	return b.pack(b, aead.Seal(nil, nil, key, b.bind(epoch, scope)), key), nil
}

func (b *box) Unwrap(ctx context.Context, epoch uint32, wrapped, scope []byte) ([]byte, error) {
	if err := b.context(ctx); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	aead, err := b.find(epoch)
	if err != nil {
		return nil, err
	}
	sealed, err := b.unpack(b, wrapped)
	if err != nil {
		return nil, crypto.ErrMalformed
	}
	key, err := aead.Open(nil, nil, sealed, b.bind(epoch, scope))
	return b.opened(b, key, wrapped, sealed, err)
}

func (b *box) NewEpoch(ctx context.Context) (crypto.Epoch, error) {
	if err := b.context(ctx); err != nil {
		return crypto.Epoch{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	e := crypto.Epoch{Number: b.next(b), Created: time.Now()}
	block, err := aes.NewCipher(b.key())
	if err != nil {
		return crypto.Epoch{}, err
	}
	b.keys[e.Number], err = cipher.NewGCMWithRandomNonce(block)
	b.epochs = append(b.epochs, e)
	return e, err
}

func (b *box) DestroyEpoch(ctx context.Context, epoch uint32) (time.Time, error) {
	if err := b.context(ctx); err != nil {
		return time.Time{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if epoch == 0 || int(epoch) > len(b.epochs) {
		return time.Time{}, crypto.ErrNoEpoch
	}
	if b.epochs[epoch-1].Destroyed.IsZero() {
		if err := b.destroy(b, epoch); err != nil {
			return time.Time{}, err
		}
		b.epochs[epoch-1].Destroyed = time.Now()
		b.forget(b, epoch)
	}
	return b.answer(b, epoch), nil
}

func (b *box) Epochs(ctx context.Context) ([]crypto.Epoch, error) {
	if err := b.context(ctx); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.list(b), nil
}

func boxWith(change func(b *box)) func() crypto.Keeper {
	return func() crypto.Keeper {
		b := newBox()
		change(b)
		return b
	}
}

// keepers names keepers and the clauses that each must fail; those without any keep the contract.
func keepers() map[string]struct {
	open  func() crypto.Keeper
	fails []string
} {
	type entry = struct {
		open  func() crypto.Keeper
		fails []string
	}
	oldestFirst := func(b *box, epoch uint32) error {
		if int(epoch) == len(b.epochs) || epoch > 1 && b.epochs[epoch-2].Destroyed.IsZero() {
			return crypto.ErrEpochOrder
		}
		return nil
	}
	shared := make([]byte, 32)
	return map[string]entry{
		"box": {open: boxWith(func(*box) {})},
		"destroys the oldest first, and forgets when": {open: boxWith(func(b *box) {
			b.destroy = oldestFirst
			b.answer = func(*box, uint32) time.Time { return time.Now() }
			b.list = func(b *box) []crypto.Epoch {
				return slices.DeleteFunc(slices.Clone(b.epochs), func(e crypto.Epoch) bool { return !e.Destroyed.IsZero() })
			}
		})},
		"leaves a month to change one's mind": {open: boxWith(func(b *box) {
			b.forget = func(b *box, epoch uint32) {
				delete(b.keys, epoch)
				b.epochs[epoch-1].Destroyed = time.Now().AddDate(0, 1, 0)
			}
		})},
		"has an epoch from the beginning": {open: func() crypto.Keeper {
			b := newBox()
			_, _ = b.NewEpoch(context.Background())
			return b
		}},

		"no scope":        {boxWith(func(b *box) { b.bind = func(uint32, []byte) []byte { return nil } }), []string{"OtherScope"}},
		"scope cut short": {boxWith(func(b *box) { b.bind = func(_ uint32, scope []byte) []byte { return scope[:min(len(scope), 64)] } }), []string{"OtherScope"}},
		"scope as text": {boxWith(func(b *box) {
			b.bind = func(_ uint32, scope []byte) []byte { return bytes.ToValidUTF8(scope, []byte("?")) }
		}), []string{"OtherScope"}},
		"one key for all epochs": {boxWith(func(b *box) {
			key := b.key()
			b.key = func() []byte { return key }
			b.bind = func(_ uint32, scope []byte) []byte { return scope }
		}), []string{"OtherEpoch"}},
		"one key for all keepers": {boxWith(func(b *box) { b.key = func() []byte { return shared } }), []string{"OtherKeeper"}},
		"a byte that nobody looks at": {boxWith(func(b *box) {
			b.pack = func(_ *box, sealed, _ []byte) []byte { return append([]byte{1}, sealed...) }
			b.unpack = func(_ *box, wrapped []byte) ([]byte, error) { return wrapped[min(len(wrapped), 1):], nil }
		}), []string{"EveryBitFlipped"}},
		"base64 that is not strict": {boxWith(func(b *box) {
			b.pack = func(_ *box, sealed, _ []byte) []byte { return base64.StdEncoding.AppendEncode(nil, sealed) }
			b.unpack = func(_ *box, wrapped []byte) ([]byte, error) { return base64.StdEncoding.AppendDecode(nil, wrapped) }
		}), []string{"EveryBitFlipped", "Truncated"}},
		"key in the open beside": {boxWith(func(b *box) {
			b.pack = func(_ *box, sealed, key []byte) []byte {
				return append(append([]byte{byte(len(sealed))}, sealed...), base64.StdEncoding.EncodeToString(key)...)
			}
			b.unpack = func(_ *box, wrapped []byte) ([]byte, error) {
				if len(wrapped) == 0 || len(wrapped) <= int(wrapped[0]) {
					return nil, os.ErrInvalid
				}
				return wrapped[1 : 1+int(wrapped[0])], nil
			}
		}), []string{"NoKeyInside"}},
		"keys of 32 bytes only": {boxWith(func(b *box) {
			b.opened = func(_ *box, key, _, _ []byte, err error) ([]byte, error) {
				if err != nil {
					return nil, crypto.ErrScope
				}
				return append(key, make([]byte, 32)...)[:32], nil
			}
		}), []string{"KeysOfEveryLength"}},
		"bytes with the error": {boxWith(func(b *box) {
			b.opened = func(_ *box, key, wrapped, _ []byte, err error) ([]byte, error) {
				if err != nil {
					return []byte("garbled"), crypto.ErrScope
				}
				return key, nil
			}
		}), []string{"OtherScope", "OtherEpoch", "EveryBitFlipped", "NothingWrapped"}},
		"its own errors": {boxWith(func(b *box) {
			b.opened = func(_ *box, key, _, _ []byte, err error) ([]byte, error) {
				if err != nil {
					return nil, os.ErrInvalid
				}
				return key, nil
			}
		}), []string{"OtherScope", "OtherEpoch", "OtherKeeper", "EveryBitFlipped", "Truncated", "Spliced", "NothingWrapped"}},
		"unwraps in place": {boxWith(func(b *box) {
			b.opened = func(_ *box, key, wrapped, _ []byte, err error) ([]byte, error) {
				if err != nil {
					return nil, crypto.ErrScope
				}
				return wrapped[:copy(wrapped, key)], nil
			}
		}), []string{"NothingShared"}},
		"gives its list away": {boxWith(func(b *box) { b.list = func(b *box) []crypto.Epoch { return b.epochs } }), []string{"NothingShared"}},
		"newest first": {boxWith(func(b *box) {
			b.list = func(b *box) []crypto.Epoch {
				all := slices.Clone(b.epochs)
				slices.Reverse(all)
				return all
			}
		}), []string{"Numbering"}},
		"numbers twice": {boxWith(func(b *box) {
			b.next = func(b *box) uint32 { return uint32(len(b.keys) + 1) } // of those that are there
		}), []string{"Numbering"}},
		"leaves numbers out": {boxWith(func(b *box) {
			b.next = func(b *box) uint32 { return uint32(2*len(b.epochs) + 1) }
		}), []string{"Numbering"}},
		"destroys nothing": {boxWith(func(b *box) { b.forget = func(*box, uint32) {} }), []string{"Destroyed", "DestroyedWhileUsed"}},
		"keeps what it has seen": {boxWith(func(b *box) {
			forget := map[uint32]cipher.AEAD{}
			b.forget = func(b *box, epoch uint32) { forget[epoch] = b.keys[epoch]; delete(b.keys, epoch) }
			b.list = func(b *box) []crypto.Epoch {
				for epoch, aead := range forget {
					b.keys[epoch] = aead // as a cache that somebody fills again
				}
				return slices.Clone(b.epochs)
			}
		}), []string{"Destroyed"}},
		"destroys all of them":     {boxWith(func(b *box) { b.forget = func(b *box, _ uint32) { clear(b.keys) } }), []string{"Destroyed", "DestroyedWhileUsed"}},
		"says no more when it was": {boxWith(func(b *box) { b.answer = func(*box, uint32) time.Time { return time.Time{} } }), []string{"Destroyed"}},
		"puts off what was destroyed": {boxWith(func(b *box) {
			b.answer = func(b *box, epoch uint32) time.Time {
				b.epochs[epoch-1].Destroyed = b.epochs[epoch-1].Destroyed.AddDate(0, 1, 0)
				return b.epochs[epoch-1].Destroyed
			}
		}), []string{"Destroyed"}},
		"was destroyed ever earlier": {boxWith(func(b *box) {
			b.answer = func(b *box, epoch uint32) time.Time {
				b.epochs[epoch-1].Destroyed = b.epochs[epoch-1].Destroyed.Add(-time.Second)
				return b.epochs[epoch-1].Destroyed
			}
		}), []string{"Destroyed"}},
		"lists the destroyed as there": {boxWith(func(b *box) {
			b.list = func(b *box) []crypto.Epoch {
				all := slices.Clone(b.epochs)
				for i := range all {
					all[i].Destroyed = time.Time{}
				}
				return all
			}
		}), []string{"Destroyed"}},
		"refuses and destroys": {boxWith(func(b *box) {
			b.destroy = func(b *box, epoch uint32) error {
				if err := oldestFirst(b, epoch); err != nil {
					delete(b.keys, epoch)
					return err
				}
				return nil
			}
		}), []string{"DestroyedOutOfOrder"}},
		"refuses in its own words": {boxWith(func(b *box) {
			b.destroy = func(b *box, epoch uint32) error {
				if oldestFirst(b, epoch) != nil {
					return os.ErrInvalid
				}
				return nil
			}
		}), []string{"DestroyedOutOfOrder"}},
		"deaf to the context": {boxWith(func(b *box) { b.context = func(context.Context) error { return nil } }), []string{"Canceled"}},
		"gives one epoch to two": {boxWith(func(b *box) {
			b.next = func(b *box) uint32 {
				if len(b.epochs) == 4 {
					return 4
				}
				return uint32(len(b.epochs) + 1)
			}
		}), []string{"Numbering", "Concurrent"}},
	}
}

// TestBrokenKeeperFails runs the suite in a process of its own for each keeper, because a suite that fails fails its test.
func TestBrokenKeeperFails(t *testing.T) {
	t.Parallel()
	if name := os.Getenv("EBB_TEST_KEEPER"); name != "" {
		t.Run("suite", func(t *testing.T) {
			vaulttest.Keeper(t, func(*testing.T) crypto.Keeper { return keepers()[name].open() })
		})
		return
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	for name, keeper := range keepers() {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestBrokenKeeperFails$", "-test.v")
			cmd.Env = append(os.Environ(), "EBB_TEST_KEEPER="+name)
			out, err := cmd.CombinedOutput()
			if len(keeper.fails) == 0 {
				require.NoError(t, err, "%s", out)
				return
			}
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit)
			require.NotContains(t, string(out), "panic:")
			for _, clause := range keeper.fails {
				require.Contains(t, string(out), "--- FAIL: TestBrokenKeeperFails/suite/"+clause+" ")
			}
			require.Contains(t, string(out), "--- PASS: TestBrokenKeeperFails/suite/", "the suite fails as a whole, not in its clauses")
		})
	}
}
