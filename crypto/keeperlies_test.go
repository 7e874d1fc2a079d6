package crypto_test

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
)

// liar is a keeper that changes the answers of the one behind it.
type liar struct {
	crypto.Keeper
	wrap   func(epoch uint32, key, scope []byte) (uint32, []byte, []byte)
	unwrap func(key []byte, err error) ([]byte, error)
	made   func(e crypto.Epoch) crypto.Epoch
	listed func(epochs []crypto.Epoch) []crypto.Epoch
}

func (l *liar) Wrap(ctx context.Context, epoch uint32, key, scope []byte) ([]byte, error) {
	if l.wrap != nil {
		epoch, key, scope = l.wrap(epoch, key, scope)
	}
	return l.Keeper.Wrap(ctx, epoch, key, scope)
}

func (l *liar) Unwrap(ctx context.Context, epoch uint32, wrapped, scope []byte) ([]byte, error) {
	key, err := l.Keeper.Unwrap(ctx, epoch, wrapped, scope)
	if l.unwrap != nil {
		key, err = l.unwrap(key, err)
	}
	return key, err
}

func (l *liar) NewEpoch(ctx context.Context) (crypto.Epoch, error) {
	e, err := l.Keeper.NewEpoch(ctx)
	if l.made != nil {
		e = l.made(e)
	}
	return e, err
}

func (l *liar) Epochs(ctx context.Context) ([]crypto.Epoch, error) {
	epochs, err := l.Keeper.Epochs(ctx)
	if l.listed != nil {
		epochs = l.listed(epochs)
	}
	return epochs, err
}

// lies are what keepers may say that is not so.
func lies() map[string]liar {
	other := bytes.Repeat([]byte{7}, 32)
	return map[string]liar{
		"another key":        {unwrap: func([]byte, error) ([]byte, error) { return bytes.Clone(other), nil }},
		"a key cut short":    {unwrap: func(key []byte, err error) ([]byte, error) { return key[:min(31, len(key))], err }},
		"a key and more":     {unwrap: func(key []byte, err error) ([]byte, error) { return append(key, 1), err }},
		"no key":             {unwrap: func([]byte, error) ([]byte, error) { return nil, nil }},
		"that it is lost":    {unwrap: func([]byte, error) ([]byte, error) { return nil, crypto.ErrEpochDestroyed }},
		"that it is changed": {unwrap: func([]byte, error) ([]byte, error) { return nil, crypto.ErrScope }},
		"that it is none":    {unwrap: func([]byte, error) ([]byte, error) { return nil, crypto.ErrMalformed }},
		"another key wrapped": {wrap: func(epoch uint32, _, scope []byte) (uint32, []byte, []byte) {
			return epoch, other, scope
		}},
		"wrapped under the old epoch": {wrap: func(_ uint32, key, scope []byte) (uint32, []byte, []byte) { return 1, key, scope }},
		"wrapped for another place": {wrap: func(epoch uint32, key, scope []byte) (uint32, []byte, []byte) {
			return epoch, key, append([]byte("x"), scope...)
		}},
		"an epoch that was there": {made: func(e crypto.Epoch) crypto.Epoch { return crypto.Epoch{Number: e.Number - 1, Created: e.Created} }},
		"an epoch without number": {made: func(crypto.Epoch) crypto.Epoch { return crypto.Epoch{} }},
		"a new epoch destroyed": {made: func(e crypto.Epoch) crypto.Epoch {
			e.Destroyed = e.Created
			return e
		}},
		"epochs upside down": {listed: func(epochs []crypto.Epoch) []crypto.Epoch {
			turned := make([]crypto.Epoch, 0, len(epochs))
			for _, e := range epochs {
				turned = append([]crypto.Epoch{e}, turned...)
			}
			return turned
		}},
		"fewer epochs": {listed: func(epochs []crypto.Epoch) []crypto.Epoch { return epochs[:min(1, len(epochs))] }},
	}
}

// Whatever a keeper says while an epoch is turned: no key is lost, neither one that is used nor an older version that is only
// there to be read. When it says the truth again, everything opens, and the turn comes to its end.
func TestTurnUnderALyingKeeperLosesNoKey(t *testing.T) {
	t.Parallel()
	for name, lie := range lies() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := build(t, func(c *crypto.HierarchyConfig) { c.KeyTime = time.Nanosecond })
			sealed := map[crypto.Scope][][]byte{}
			for range 2 {
				for i := range 5 {
					at := crypto.Scope{Tenant: "acme", Subject: strconv.Itoa(i)}
					envelope, err := h.Seal(t.Context(), at, []byte("content"))
					require.NoError(t, err)
					sealed[at] = append(sealed[at], envelope)
				}
				finish(t, h.Rotate(t.Context(), "")) // so that older versions are only unwrapped when they are needed
			}
			h.now = h.now.Add(15 * 24 * time.Hour)
			lie.Keeper = h.keeper
			said := &liar{Keeper: h.keeper}
			lying := h.open(t, func(c *crypto.HierarchyConfig) { c.Keeper, c.KeyTime = said, time.Nanosecond })
			*said = lie
			for round := range 3 {
				var failed error
				for _, err := range lying.Turn(t.Context(), false) {
					if err != nil {
						failed = err
					}
				}
				if lie.made == nil || round == 0 {
					require.True(t, errors.Is(failed, crypto.ErrKeeper) || errors.Is(failed, crypto.ErrRing), "it is found out: %v", failed)
				}
				require.NotErrorIs(t, failed, crypto.ErrEpochDestroyed)
				h.now = h.now.Add(time.Hour)
			}
			epochs, err := h.keeper.Epochs(t.Context())
			require.NoError(t, err)
			if lie.made == nil { // else it has made one all the same
				require.Zero(t, epochs[0].Destroyed, "what the keys are under stays")
			}
			for at, envelopes := range sealed { // with what it has in memory, and what it may have got from the liar
				for _, envelope := range envelopes {
					if _, err := lying.Open(t.Context(), at, envelope); err != nil {
						require.NotErrorIs(t, err, crypto.ErrEpochDestroyed)
					}
				}
			}

			*said = liar{Keeper: h.keeper}
			for range 2 {
				finish(t, lying.Turn(t.Context(), false))
				h.now = h.now.Add(time.Hour)
			}
			epochs, err = h.keeper.Epochs(t.Context())
			require.NoError(t, err)
			require.NotZero(t, epochs[0].Destroyed)
			for _, v := range []*crypto.Hierarchy{lying, h.open(t, nil)} {
				for at, envelopes := range sealed {
					for _, envelope := range envelopes {
						text, err := v.Open(t.Context(), at, envelope)
						require.NoError(t, err)
						require.Equal(t, "content", string(text))
					}
				}
			}
		})
	}
}

// A wrong key for a version that is only there to be read is told from the right one at once, and not kept.
func TestWrongKeyOfAnOlderVersionIsNotKept(t *testing.T) {
	t.Parallel()
	h := build(t, nil)
	envelope, err := h.Seal(t.Context(), ada, []byte("content"))
	require.NoError(t, err)
	finish(t, h.Rotate(t.Context(), ""))
	said := &liar{Keeper: h.keeper}
	v := h.open(t, func(c *crypto.HierarchyConfig) { c.Keeper = said })
	_, err = v.Seal(t.Context(), ada, []byte("content")) // unwraps the newest version
	require.NoError(t, err)
	said.unwrap = func([]byte, error) ([]byte, error) { return make([]byte, 32), nil }
	_, err = v.Open(t.Context(), ada, envelope)
	require.ErrorIs(t, err, crypto.ErrKeeper)
	said.unwrap = nil
	text, err := v.Open(t.Context(), ada, envelope)
	require.NoError(t, err)
	require.Equal(t, "content", string(text))
}

// A keeper that lists an epoch as its newest and does not wrap under it is asked once more, and not for ever.
func TestKeeperThatContradictsItselfIsNotAskedForEver(t *testing.T) {
	t.Parallel()
	h := build(t, nil)
	_, err := h.keeper.DestroyEpoch(t.Context(), 1)
	require.NoError(t, err)
	said := &liar{Keeper: h.keeper, listed: func(epochs []crypto.Epoch) []crypto.Epoch {
		epochs[0].Destroyed = time.Time{}
		return epochs
	}}
	v := h.open(t, func(c *crypto.HierarchyConfig) { c.Keeper = said })
	_, err = v.Seal(t.Context(), ada, []byte("content"))
	require.ErrorIs(t, err, crypto.ErrKeeper)
	said.listed = nil
	_, err = v.Seal(t.Context(), ada, []byte("content"))
	require.NoError(t, err, "which makes a new epoch")
}

// silent is a keeper that says nothing until nobody wants to know any more.
type silent struct{ crypto.Keeper }

func (silent) Wrap(ctx context.Context, _ uint32, _, _ []byte) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// A silent keeper is waited for as long as it was given, even by a caller who would wait for ever, and no longer than the
// caller waits.
func TestSilentKeeperIsNotWaitedForLongerThanItMayTake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := build(t, func(c *crypto.HierarchyConfig) { c.KeeperTimeout = 3 * time.Second })
		v := h.open(t, func(c *crypto.HierarchyConfig) { c.Keeper, c.KeeperTimeout = silent{h.keeper}, 3*time.Second })
		began := time.Now()
		_, err := v.Seal(context.Background(), ada, []byte("content"))
		require.ErrorIs(t, err, crypto.ErrKeeper)
		require.NotErrorIs(t, err, context.DeadlineExceeded, "it is not the caller who was in a hurry")
		require.Equal(t, 3*time.Second, time.Since(began))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = v.Seal(ctx, ada, []byte("content"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 4*time.Second, time.Since(began))
	})
}

// A keeper that is an old copy of the right one makes no new epoch: it would have the number of one that keys are under.
func TestKeeperOfThePastTurnsNothing(t *testing.T) {
	t.Parallel()
	h := build(t, func(c *crypto.HierarchyConfig) { c.KeyTime = time.Nanosecond })
	_, err := h.Seal(t.Context(), ada, []byte("content"))
	require.NoError(t, err)
	past := newCabinet()
	later := crypto.NewKeyStore()
	v, err := crypto.NewHierarchy(t.Context(), crypto.HierarchyConfig{Keeper: past, Keys: later})
	require.NoError(t, err)
	finish(t, h.Turn(t.Context(), true))
	require.NoError(t, crypto.CopyRings(t.Context(), h.keys, later))
	for _, err := range v.Turn(t.Context(), true) {
		require.ErrorIs(t, err, crypto.ErrForeignKeeper)
	}
	epochs, err := past.Epochs(t.Context())
	require.NoError(t, err)
	require.Len(t, epochs, 1)
}
