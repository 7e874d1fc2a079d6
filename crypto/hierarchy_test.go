package crypto_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/vaulttest"
)

// cabinet is a keeper in memory that counts, and that can be told to fail.
type cabinet struct {
	mu      sync.Mutex
	now     func() time.Time
	delay   time.Duration
	epochs  []crypto.Epoch
	keys    map[uint32][]byte
	unwraps int
	err     error
}

func newCabinet() *cabinet { return &cabinet{now: time.Now, keys: map[uint32][]byte{}} }

func (c *cabinet) key(epoch uint32) (cipher.AEAD, error) {
	switch key, ok := c.keys[epoch]; {
	case c.err != nil:
		return nil, fmt.Errorf("%w: %w", crypto.ErrKeeper, c.err)
	case ok:
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		return cipher.NewGCMWithRandomNonce(block)
	case int(epoch) <= len(c.epochs) && epoch > 0:
		return nil, crypto.ErrEpochDestroyed
	}
	return nil, crypto.ErrNoEpoch
}

func (c *cabinet) Wrap(ctx context.Context, epoch uint32, key, scope []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	aead, err := c.key(epoch)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, key, scope), nil
}

func (c *cabinet) Unwrap(ctx context.Context, epoch uint32, wrapped, scope []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unwraps++
	aead, err := c.key(epoch)
	if err != nil {
		return nil, err
	}
	key, err := aead.Open(nil, nil, wrapped, scope)
	if err != nil {
		return nil, crypto.ErrScope
	}
	return key, nil
}

func (c *cabinet) NewEpoch(context.Context) (crypto.Epoch, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return crypto.Epoch{}, fmt.Errorf("%w: %w", crypto.ErrKeeper, c.err)
	}
	e := crypto.Epoch{Number: uint32(len(c.epochs) + 1), Created: c.now()}
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	c.keys[e.Number] = key
	c.epochs = append(c.epochs, e)
	return e, nil
}

func (c *cabinet) DestroyEpoch(_ context.Context, epoch uint32) (time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := &c.epochs[epoch-1]
	if e.Destroyed.IsZero() {
		e.Destroyed = c.now().Add(c.delay)
		delete(c.keys, epoch)
	}
	return e.Destroyed, nil
}

func (c *cabinet) Epochs(context.Context) ([]crypto.Epoch, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]crypto.Epoch(nil), c.epochs...), c.err
}

func (c *cabinet) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
}

func (c *cabinet) unwrapped() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unwraps
}

// house is a hierarchy with its parts and its clock.
type house struct {
	*crypto.Hierarchy
	keeper *cabinet
	keys   crypto.KeyStore
	now    time.Time
}

func build(t testing.TB, change func(*crypto.HierarchyConfig)) *house {
	t.Helper()
	h := &house{keeper: newCabinet(), keys: crypto.NewKeyStore(), now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	h.keeper.now = func() time.Time { return h.now }
	h.Hierarchy = h.open(t, change)
	return h
}

// open opens the house once more, as another process would.
func (h *house) open(t testing.TB, change func(*crypto.HierarchyConfig)) *crypto.Hierarchy {
	t.Helper()
	config := crypto.HierarchyConfig{Keeper: h.keeper, Keys: h.keys, Now: func() time.Time { return h.now }}
	if change != nil {
		change(&config)
	}
	v, err := crypto.NewHierarchy(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, v.Close()) })
	return v
}

func finish(t testing.TB, progress iter.Seq2[crypto.Progress, error]) (last crypto.Progress) {
	t.Helper()
	for p, err := range progress {
		require.NoError(t, err)
		last = p
	}
	return last
}

var (
	ada  = crypto.Scope{Tenant: "acme", Category: "c", Record: "r1", Subject: "ada"}
	bob  = crypto.Scope{Tenant: "acme", Category: "c", Record: "r2", Subject: "bob"}
	run  = crypto.Scope{Tenant: "acme", Category: "c", Record: "r3", Run: "x1"}
	acme = crypto.Scope{Tenant: "acme", Category: "c", Record: "r4"}
)

func TestHierarchyIsAVault(t *testing.T) {
	t.Parallel()
	vaulttest.Run(t, func(t *testing.T) crypto.Vault { return build(t, nil).Hierarchy })
}

func TestShreddingOneOwnerLeavesTheOthers(t *testing.T) {
	t.Parallel()
	h := build(t, nil)
	sealed := map[crypto.Scope][]byte{}
	for _, at := range []crypto.Scope{ada, bob, run, acme} {
		var err error
		sealed[at], err = h.Seal(t.Context(), at, []byte("content"))
		require.NoError(t, err)
	}
	other := h.open(t, func(c *crypto.HierarchyConfig) { c.KeyTime = time.Nanosecond })
	_, err := other.Open(t.Context(), ada, sealed[ada])
	require.NoError(t, err)
	receipt, err := h.Shred(t.Context(), ada)
	require.NoError(t, err)
	require.Equal(t, h.now, receipt.Destroyed)
	require.Equal(t, h.now.Add(45*24*time.Hour), receipt.Irrevocable)
	for name, v := range map[string]*crypto.Hierarchy{"this process": h.Hierarchy, "another process": other} {
		_, err = v.Open(t.Context(), ada, sealed[ada])
		require.ErrorIs(t, err, crypto.ErrShredded, name)
		_, err = v.Seal(t.Context(), ada, []byte("late"))
		require.ErrorIs(t, err, crypto.ErrShredded, name)
		for _, at := range []crypto.Scope{bob, run, acme} {
			text, err := v.Open(t.Context(), at, sealed[at])
			require.NoError(t, err, name)
			require.Equal(t, "content", string(text))
		}
	}
	h.now = h.now.Add(time.Hour)
	again, err := h.Shred(t.Context(), ada)
	require.NoError(t, err)
	require.Equal(t, receipt, again, "the answer stays the same")

	_, err = h.Shred(t.Context(), run)
	require.NoError(t, err)
	_, err = h.Open(t.Context(), run, sealed[run])
	require.ErrorIs(t, err, crypto.ErrNoKey)
	for stored, err := range h.keys.Rings(t.Context()) {
		require.NoError(t, err)
		require.NotEqual(t, int64(0), stored.Version)
	}
}

func TestShreddedSubjectDoesNotComeBackByAccident(t *testing.T) {
	t.Parallel()
	h := build(t, nil)
	_, err := h.Shred(t.Context(), ada) // who never had a key
	require.NoError(t, err)
	_, err = h.Seal(t.Context(), ada, []byte("late"))
	require.ErrorIs(t, err, crypto.ErrShredded)
	require.NoError(t, h.AllowNewLifecycle(t.Context(), ada))
	before, err := h.Seal(t.Context(), ada, []byte("new"))
	require.NoError(t, err)
	require.NoError(t, h.AllowNewLifecycle(t.Context(), ada), "who has keys keeps them")
	_, err = h.Open(t.Context(), ada, before)
	require.NoError(t, err)

	_, err = h.Shred(t.Context(), ada)
	require.NoError(t, err)
	require.NoError(t, h.AllowNewLifecycle(t.Context(), ada))
	_, err = h.Open(t.Context(), ada, before)
	require.ErrorIs(t, err, crypto.ErrShredded, "new keys have nothing to do with the old")
}

// What was sealed in any life of an owner that has ended stays destroyed, in words, too; what never was the owner's is another
// matter.
func TestWhatWasShreddedStaysSoInANewLife(t *testing.T) {
	t.Parallel()
	h := build(t, func(c *crypto.HierarchyConfig) { c.KeyTime = time.Nanosecond })
	var gone [][]byte
	seal := func() []byte {
		sealed, err := h.Seal(t.Context(), ada, []byte("content"))
		require.NoError(t, err)
		return sealed
	}
	for range 3 {
		gone = append(gone, seal())
		finish(t, h.Rotate(t.Context(), ""))
		gone = append(gone, seal())
		_, err := h.Shred(t.Context(), ada)
		require.NoError(t, err)
		require.NoError(t, h.AllowNewLifecycle(t.Context(), ada))
	}
	kept := seal()
	finish(t, h.Rotate(t.Context(), ""))
	finish(t, h.Turn(t.Context(), true))
	trimmed, err := h.Seal(t.Context(), ada, []byte("content"))
	require.NoError(t, err)
	foreign, err := h.Seal(t.Context(), bob, []byte("content"))
	require.NoError(t, err)
	for name, v := range map[string]*crypto.Hierarchy{"this process": h.Hierarchy, "another": h.open(t, nil)} {
		for i, sealed := range gone {
			_, err := v.Open(t.Context(), ada, sealed)
			require.ErrorIs(t, err, crypto.ErrShredded, "%s, %d", name, i)
			require.ErrorContains(t, err, "2026-01-02", name)
			_, _, err = v.Rewrap(t.Context(), ada, sealed)
			require.ErrorIs(t, err, crypto.ErrShredded, name)
		}
		_, err = v.Open(t.Context(), ada, kept)
		require.NoError(t, err, name)
		_, err = v.Open(t.Context(), ada, foreign)
		require.ErrorIs(t, err, crypto.ErrNoKey, name)
		require.NotErrorIs(t, err, crypto.ErrShredded, name)
	}
	finish(t, h.Rotate(t.Context(), ""))
	finish(t, h.Retire(t.Context(), nil))
	finish(t, h.Trim(t.Context(), never))
	_, err = h.Open(t.Context(), ada, trimmed)
	require.ErrorIs(t, err, crypto.ErrNoKey, "which nobody has destroyed on purpose")
	require.NotErrorIs(t, err, crypto.ErrShredded)
}

// A backup of the key store opens what was shredded until the epoch ends, and nothing of it afterwards; and always
// everything of others.
func TestBackupOfTheKeysDiesWithItsEpoch(t *testing.T) {
	t.Parallel()
	h := build(t, nil)
	hers, err := h.Seal(t.Context(), ada, []byte("hers"))
	require.NoError(t, err)
	his, err := h.Seal(t.Context(), bob, []byte("his"))
	require.NoError(t, err)
	backup := copied(t, h.keys)
	_, err = h.Shred(t.Context(), ada)
	require.NoError(t, err)

	restored := &house{keeper: h.keeper, keys: backup, now: h.now}
	_, err = restored.open(t, nil).Open(t.Context(), ada, hers)
	require.NoError(t, err, "the documented window")

	h.now = h.now.Add(14 * 24 * time.Hour)
	p := finish(t, h.Turn(t.Context(), false))
	require.False(t, p.Finished)
	require.EqualValues(t, 1, p.Changed)
	require.False(t, p.Again.IsZero(), "other processes may use the old epoch yet")
	h.now = h.now.Add(13 * time.Hour)
	require.True(t, finish(t, h.open(t, nil).Turn(t.Context(), false)).Finished, "by a process that is started now and then")

	restored = &house{keeper: h.keeper, keys: backup, now: h.now}
	_, err = restored.open(t, nil).Open(t.Context(), ada, hers)
	require.ErrorIs(t, err, crypto.ErrEpochDestroyed)
	text, err := h.open(t, nil).Open(t.Context(), bob, his)
	require.NoError(t, err)
	require.Equal(t, "his", string(text))
	require.NoError(t, crypto.CopyRings(t.Context(), h.keys, backup))
	text, err = restored.open(t, nil).Open(t.Context(), bob, his)
	require.NoError(t, err, "with the keys of today the backup opens")
	require.Equal(t, "his", string(text))
	_, err = restored.open(t, nil).Open(t.Context(), ada, hers)
	require.ErrorIs(t, err, crypto.ErrShredded)
	require.True(t, finish(t, h.Turn(t.Context(), false)).Finished, "nothing is left to do")
	epochs, err := h.keeper.Epochs(t.Context())
	require.NoError(t, err)
	require.Len(t, epochs, 2)
}

// copied copies a key store.
func copied(t testing.TB, keys crypto.KeyStore) crypto.KeyStore {
	t.Helper()
	backup := crypto.NewKeyStore()
	require.NoError(t, crypto.CopyRings(t.Context(), keys, backup))
	return backup
}

func TestRingsAreCopiedWhateverIsThereAlready(t *testing.T) {
	t.Parallel()
	from, to := crypto.NewKeyStore(), crypto.NewKeyStore()
	put := func(keys crypto.KeyStore, id, body string) {
		require.NoError(t, keys.PutRing(t.Context(), &crypto.StoredRing{ID: id, Tenant: "acme", Body: []byte(body)}))
	}
	const one, two, three = "11111111-1111-8111-8111-111111111111", "22222222-2222-8222-8222-222222222222", "33333333-3333-8333-8333-333333333333"
	put(from, one, "new")
	put(from, two, "other")
	put(to, one, "old")
	put(to, three, "only there")
	for left := range 3 {
		err := crypto.CopyRings(t.Context(), from, &faultyKeys{KeyStore: to, left: left})
		if left < 2 {
			require.ErrorIs(t, err, errStore)
		} else {
			require.NoError(t, err)
		}
	}
	for id, body := range map[string]string{one: "new", two: "other", three: "only there"} {
		ring, err := to.Ring(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, body, string(ring.Body))
	}
}

func TestTurnThatIsCutOffGoesOn(t *testing.T) {
	t.Parallel()
	h := build(t, func(c *crypto.HierarchyConfig) { c.KeyTime = time.Nanosecond })
	sealed := map[crypto.Scope][]byte{}
	for i := range 20 {
		at := crypto.Scope{Tenant: "acme", Subject: strconv.Itoa(i)}
		var err error
		sealed[at], err = h.Seal(t.Context(), at, []byte("content"))
		require.NoError(t, err)
	}
	for cut := range 60 { // after each write of the turn, and beyond
		faulty := &faultyKeys{KeyStore: h.keys, left: cut}
		v := h.open(t, func(c *crypto.HierarchyConfig) { c.Keys, c.KeyTime = faulty, time.Nanosecond })
		for _, err := range v.Turn(t.Context(), cut == 0) {
			if err != nil {
				require.ErrorIs(t, err, errStore)
			}
		}
		h.now = h.now.Add(time.Second)
		fresh := h.open(t, nil)
		for at, envelope := range sealed {
			_, err := fresh.Open(t.Context(), at, envelope)
			require.NoError(t, err, "cut off after %d", cut)
		}
	}
	require.True(t, finish(t, h.Turn(t.Context(), false)).Finished)
	epochs, err := h.keeper.Epochs(t.Context())
	require.NoError(t, err)
	require.False(t, epochs[0].Destroyed.IsZero())
}

var errStore = errors.New("the store is down")

// faultyKeys fails after some writes.
type faultyKeys struct {
	crypto.KeyStore
	mu   sync.Mutex
	left int
}

func (f *faultyKeys) PutRing(ctx context.Context, ring *crypto.StoredRing) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left--; f.left < 0 {
		return errStore
	}
	return f.KeyStore.PutRing(ctx, ring)
}

func TestVersionsRotateRetireAndAreTrimmed(t *testing.T) {
	t.Parallel()
	h := build(t, nil)
	old, err := h.Seal(t.Context(), ada, []byte("content"))
	require.NoError(t, err)
	token, err := h.Blind(t.Context(), acme, []byte("ada@example.com"))
	require.NoError(t, err)
	require.EqualValues(t, 1, finish(t, h.Rotate(t.Context(), "")).Changed)
	text, err := h.Open(t.Context(), ada, old)
	require.NoError(t, err)
	require.Equal(t, "content", string(text))
	again, err := h.Blind(t.Context(), acme, []byte("ada@example.com"))
	require.NoError(t, err)
	require.Equal(t, token, again)

	renewed, changed, err := h.Rewrap(t.Context(), ada, old)
	require.NoError(t, err)
	require.True(t, changed)
	_, changed, err = h.Rewrap(t.Context(), ada, renewed)
	require.NoError(t, err)
	require.False(t, changed)

	finish(t, h.Retire(t.Context(), nil))
	_, err = h.Open(t.Context(), ada, old)
	require.ErrorIs(t, err, crypto.ErrKeyTooOld)
	finish(t, h.Reinstate(t.Context()))
	_, err = h.Open(t.Context(), ada, old)
	require.NoError(t, err)

	finish(t, h.Retire(t.Context(), nil))
	var refused error
	for _, err := range h.Trim(t.Context(), func(_ context.Context, key [16]byte) (bool, error) {
		used, err := crypto.KeyOf(old)
		return key == used, err
	}) {
		refused = errors.Join(refused, err)
	}
	require.ErrorIs(t, refused, crypto.ErrKeyInUse)
	finish(t, h.Trim(t.Context(), func(context.Context, [16]byte) (bool, error) { return false, nil }))
	_, err = h.Open(t.Context(), ada, old)
	require.ErrorIs(t, err, crypto.ErrNoKey)
	finish(t, h.Reinstate(t.Context()))
	_, err = h.open(t, nil).Open(t.Context(), ada, renewed)
	require.NoError(t, err)
}

func TestTimesThatDoNotAddUpAreRefused(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	for name, config := range map[string]crypto.HierarchyConfig{
		"a long epoch":       {Epoch: 31 * day, DestroyDelay: 30 * day},
		"a short promise":    {Irrevocable: 44 * day},
		"a negative epoch":   {Epoch: -1},
		"a slow destruction": {DestroyDelay: 46 * day},
	} {
		config.Keeper, config.Keys = newCabinet(), crypto.NewKeyStore()
		_, err := crypto.NewHierarchy(t.Context(), config)
		require.ErrorIs(t, err, crypto.ErrWindow, name)
	}
	_, err := crypto.NewHierarchy(t.Context(), crypto.HierarchyConfig{})
	require.Error(t, err)
}

// Whatever is done to a stored ring, nothing opens with it and nothing panics.
func TestChangedRingsOpenNothing(t *testing.T) {
	t.Parallel()
	h := build(t, nil)
	envelope, err := h.Seal(t.Context(), ada, []byte("content"))
	require.NoError(t, err)
	finish(t, h.Rotate(t.Context(), ""))
	hers := ringOf(t, h.keys, ada)
	_, err = h.Seal(t.Context(), bob, []byte("content"))
	require.NoError(t, err)
	tampered := func(what string, body []byte) {
		keys := crypto.NewKeyStore()
		require.NoError(t, keys.PutRing(t.Context(), &crypto.StoredRing{ID: hers.ID, Tenant: "acme", Epoch: 1, Body: body}))
		v := (&house{keeper: h.keeper, keys: keys, now: h.now}).open(t, nil)
		_, err := v.Open(t.Context(), ada, envelope)
		require.Error(t, err, what)
	}
	for i := range hers.Body {
		for bit := range 8 {
			body := bytes.Clone(hers.Body)
			body[i] ^= 1 << bit
			tampered(fmt.Sprintf("bit %d of byte %d", bit, i), body)
		}
		tampered(fmt.Sprintf("cut off at %d", i), hers.Body[:i])
	}
	tampered("longer", append(bytes.Clone(hers.Body), 0))
	for stored := range h.keys.Rings(t.Context()) {
		if stored.ID != hers.ID {
			tampered("another's", stored.Body)
		}
	}
}

func ringOf(t testing.TB, keys crypto.KeyStore, at crypto.Scope) crypto.StoredRing {
	t.Helper()
	var found crypto.StoredRing
	for stored, err := range keys.Rings(t.Context()) {
		require.NoError(t, err)
		found = stored
	}
	require.NotEmpty(t, found.ID, at)
	return found
}

// A keeper that is down stops what needs it, and nothing else; nothing is sealed with less.
func TestKeeperThatIsDownStopsOnlyWhatNeedsIt(t *testing.T) {
	t.Parallel()
	h := build(t, nil)
	envelope, err := h.Seal(t.Context(), ada, []byte("content"))
	require.NoError(t, err)
	h.keeper.fail(errors.New("down"))
	_, err = h.Open(t.Context(), ada, envelope)
	require.NoError(t, err, "its key is at hand")
	_, err = h.Seal(t.Context(), bob, []byte("content"))
	require.ErrorIs(t, err, crypto.ErrKeeper)
	h.keeper.fail(nil)
	_, err = h.Seal(t.Context(), bob, []byte("content"))
	require.NoError(t, err)
}

func TestManyWhoWantAKeyUnwrapItOnce(t *testing.T) {
	t.Parallel()
	h := build(t, nil)
	envelope, err := h.Seal(t.Context(), ada, []byte("content"))
	require.NoError(t, err)
	other := h.open(t, nil)
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if _, err := other.Open(context.Background(), ada, envelope); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	require.LessOrEqual(t, h.keeper.unwrapped(), 2)
}

// Two processes that make a key for the same owner at once end up with the same one; those who shred and turn meanwhile
// harm nobody else.
func TestProcessesShareKeys(t *testing.T) {
	t.Parallel()
	h := build(t, nil)
	var vaults []*crypto.Hierarchy
	for range 4 {
		// Nothing is stored within so short a time, so no epoch may be destroyed after it.
		vaults = append(vaults, h.open(t, func(c *crypto.HierarchyConfig) { c.Keeper, c.KeyTime = undying{h.keeper}, time.Microsecond }))
	}
	var group sync.WaitGroup
	for i, v := range vaults {
		group.Go(func() {
			for n := range 200 {
				at := crypto.Scope{Tenant: "acme", Subject: strconv.Itoa(n)}
				sealed, err := v.Seal(context.Background(), at, []byte("content"))
				if err == nil {
					_, err = vaults[(i+1)%len(vaults)].Open(context.Background(), at, sealed)
				}
				if err != nil {
					t.Error(err)
				}
				if n%50 == i {
					for _, err := range v.Turn(context.Background(), true) {
						if err != nil {
							t.Error(err)
						}
					}
				}
			}
		})
	}
	group.Wait()
}

// undying is a keeper whose epochs stay.
type undying struct{ crypto.Keeper }

func (undying) DestroyEpoch(context.Context, uint32) (time.Time, error) { return time.Now(), nil }

// No key is in the key store, in any form that is easily found.
func TestKeyStoreHoldsNoKey(t *testing.T) {
	t.Parallel()
	spy := &spying{Keeper: newCabinet()}
	keys := crypto.NewKeyStore()
	v, err := crypto.NewHierarchy(t.Context(), crypto.HierarchyConfig{Keeper: spy, Keys: keys})
	require.NoError(t, err)
	for _, at := range []crypto.Scope{ada, bob, run, acme} {
		_, err := v.Seal(t.Context(), at, []byte("content"))
		require.NoError(t, err)
	}
	require.Len(t, spy.keys, 4)
	for stored, err := range keys.Rings(t.Context()) {
		require.NoError(t, err)
		for _, key := range spy.keys {
			for _, form := range [][]byte{key, []byte(hex.EncodeToString(key)), []byte(base64.StdEncoding.EncodeToString(key))} {
				for at := 0; at+16 <= len(form); at++ {
					require.NotContains(t, string(stored.Body), string(form[at:at+16]))
				}
			}
		}
		require.NotContains(t, stored.ID, "ada")
	}
}

// spying remembers the keys that it wraps.
type spying struct {
	crypto.Keeper
	keys [][]byte
}

func (s *spying) Wrap(ctx context.Context, epoch uint32, key, scope []byte) ([]byte, error) {
	s.keys = append(s.keys, bytes.Clone(key))
	return s.Keeper.Wrap(ctx, epoch, key, scope)
}

func TestKeysInMemoryAreBounded(t *testing.T) {
	t.Parallel()
	h := build(t, func(c *crypto.HierarchyConfig) { c.MaxKeys = 3 })
	sealed := map[crypto.Scope][]byte{}
	for i := range 10 {
		at := crypto.Scope{Tenant: "acme", Subject: strconv.Itoa(i)}
		var err error
		sealed[at], err = h.Seal(t.Context(), at, []byte("content"))
		require.NoError(t, err)
	}
	require.Zero(t, h.keeper.unwrapped())
	for at, envelope := range sealed {
		_, err := h.Open(t.Context(), at, envelope)
		require.NoError(t, err)
	}
	require.GreaterOrEqual(t, h.keeper.unwrapped(), 7)
}

func BenchmarkHierarchySeal(b *testing.B) {
	h := build(b, nil)
	text := make([]byte, 1024)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Seal(b.Context(), ada, text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHierarchyOpen(b *testing.B) {
	h := build(b, nil)
	sealed, err := h.Seal(b.Context(), ada, make([]byte, 1024))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Open(b.Context(), ada, sealed); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHierarchyShred(b *testing.B) {
	h := build(b, nil)
	b.ReportAllocs()
	var n uint64
	for b.Loop() {
		n++
		at := crypto.Scope{Tenant: "acme", Subject: string(binary.BigEndian.AppendUint64(nil, n))}
		if _, err := h.Shred(b.Context(), at); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHierarchyMemory reports how much memory the keys of an owner take.
func BenchmarkHierarchyMemory(b *testing.B) {
	const owners = 100_000
	for b.Loop() {
		keeper, keys := newCabinet(), crypto.NewKeyStore()
		v, err := crypto.NewHierarchy(b.Context(), crypto.HierarchyConfig{Keeper: keeper, Keys: &emptyKeys{keys}})
		require.NoError(b, err)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range owners {
			at := crypto.Scope{Tenant: "acme", Subject: "0123456789abcdef0123456789abcdef" + strconv.Itoa(i)}
			if _, err := v.Seal(b.Context(), at, nil); err != nil {
				b.Fatal(err)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/owners, "B/owner")
		require.NoError(b, v.Close())
	}
}

// emptyKeys forgets what it is given, so that only the vault's own memory counts.
type emptyKeys struct{ crypto.KeyStore }

func (*emptyKeys) PutRing(_ context.Context, ring *crypto.StoredRing) error {
	ring.Version++
	return nil
}
