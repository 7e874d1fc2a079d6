package vaulttest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
)

// An Opener gives a new vault with new keys of its own, and again, which opens the same keys once more, as another process does.
// It cleans up with t.Cleanup, and is called from several goroutines. The times of its vaults are short, because the suites wait
// for them: a SettleTime of some milliseconds.
type Opener func(t *testing.T) (v crypto.Vault, again func(t *testing.T) crypto.Vault)

// maxWait is how long a suite waits for a vault.
const maxWait = 5 * time.Second

// Rotator runs the conformance suite of [crypto.Rotator], each clause a subtest of t. The vaults are crypto.Rotators.
func Rotator(t *testing.T, open Opener) {
	t.Helper()
	for _, clause := range []struct {
		name  string
		check func(t *testing.T, r *rotating)
	}{
		{"NewVersionSeals", newVersionSeals},
		{"OldVersionsOpen", oldVersionsOpen},
		{"GoesOn", rotationGoesOn},
		{"Retire", retire},
		{"RetireInUse", retireInUse},
		{"RetireUnknown", retireUnknown},
		{"Reinstate", reinstate},
		{"Trim", trim},
		{"TrimKeepsWhatOpens", trimKeepsWhatOpens},
		{"TrimInUse", trimInUse},
		{"Canceled", rotatorCanceled},
		{"WhileUsed", rotatedWhileUsed},
	} {
		t.Run(clause.name, func(t *testing.T) {
			t.Parallel()
			v, again := open(t)
			clause.check(t, newRotating(t, v, again))
		})
	}
}

// rotating is a rotator with two owners of keys, and an envelope of each.
type rotating struct {
	crypto.Vault
	crypto.Rotator
	again  func(t *testing.T) crypto.Vault
	scopes []crypto.Scope
	old    [][]byte
}

func newRotating(t *testing.T, v crypto.Vault, again func(*testing.T) crypto.Vault) *rotating {
	t.Helper()
	rotator, ok := v.(crypto.Rotator)
	require.True(t, ok, "the vault is no crypto.Rotator")
	require.Less(t, rotator.SettleTime(), time.Second, "open gives vaults whose times are short")
	r := &rotating{Vault: v, Rotator: rotator, again: again, scopes: []crypto.Scope{{Tenant: "acme"}, {Tenant: "acme", Subject: "s-1"}}}
	for _, at := range r.scopes {
		r.old = append(r.old, sealed(t, v, at))
	}
	return r
}

func sealed(t *testing.T, v crypto.Vault, at crypto.Scope) []byte {
	t.Helper()
	envelope, err := v.Seal(t.Context(), at, []byte("content"))
	require.NoError(t, err)
	return envelope
}

func keyOf(t *testing.T, envelope []byte) [16]byte {
	t.Helper()
	key, err := crypto.KeyOf(envelope)
	require.NoError(t, err)
	return key
}

// requireOpens opens an envelope in every vault.
func requireOpens(t *testing.T, at crypto.Scope, envelope []byte, vaults ...crypto.Vault) {
	t.Helper()
	for i, v := range vaults {
		text, err := v.Open(t.Context(), at, envelope)
		require.NoError(t, err, "process %d", i)
		require.Equal(t, "content", string(text), "process %d", i)
	}
}

// requireShut meets an error in every vault.
func requireShut(t *testing.T, want error, at crypto.Scope, envelope []byte, vaults ...crypto.Vault) {
	t.Helper()
	for i, v := range vaults {
		text, err := v.Open(t.Context(), at, envelope)
		require.ErrorIs(t, err, want, "process %d", i)
		require.Empty(t, text, "process %d", i)
	}
}

// done goes to the end of a loop, which has no failures and says that it is finished.
func done(t *testing.T, all iter.Seq2[crypto.Progress, error]) crypto.Progress {
	t.Helper()
	last, err := result(t, all)
	require.NoError(t, err)
	require.True(t, last.Finished, "the last progress is not Finished")
	return last
}

// result goes to the end of a loop and returns all failures.
func result(t *testing.T, all iter.Seq2[crypto.Progress, error]) (last crypto.Progress, failed error) {
	t.Helper()
	for p, err := range all {
		require.GreaterOrEqual(t, p.Done, last.Done, "progress goes back")
		require.LessOrEqual(t, p.Changed, p.Done, "more is changed than was looked at")
		require.False(t, last.Finished, "there is progress behind the last")
		last, failed = p, errors.Join(failed, err)
	}
	return last, failed
}

// settle waits until no process works with what was before.
func settle(t *testing.T, d time.Duration) {
	t.Helper()
	timer := time.NewTimer(d + time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
		require.Fail(t, "the test has ended")
	}
}

func newVersionSeals(t *testing.T, r *rotating) {
	other := r.again(t)
	for i, at := range r.scopes { // so that it knows the old version
		requireOpens(t, at, r.old[i], other)
	}
	require.GreaterOrEqual(t, done(t, r.Rotate(t.Context(), "")).Changed, int64(2))
	for i, at := range r.scopes {
		again, renewed, err := r.Rewrap(t.Context(), at, r.old[i])
		require.NoError(t, err)
		require.True(t, renewed, "what is under the old version is not brought to the new one")
		require.NotEqual(t, keyOf(t, r.old[i]), keyOf(t, again))
		require.NotEqual(t, keyOf(t, r.old[i]), keyOf(t, sealed(t, r, at)), "it goes on sealing under the old version")
		requireOpens(t, at, again, r, r.again(t))
		_, renewed, err = r.Rewrap(t.Context(), at, again)
		require.NoError(t, err)
		require.False(t, renewed)
	}
	settle(t, r.SettleTime())
	for i, at := range r.scopes {
		require.NotEqual(t, keyOf(t, r.old[i]), keyOf(t, sealed(t, other, at)), "another process seals under the old version after SettleTime")
	}
}

func oldVersionsOpen(t *testing.T, r *rotating) {
	for range 3 {
		done(t, r.Rotate(t.Context(), ""))
		settle(t, r.SettleTime())
		for i, at := range r.scopes {
			requireOpens(t, at, r.old[i], r, r.again(t))
		}
	}
}

func rotationGoesOn(t *testing.T, r *rotating) {
	after := ""
	for finished := false; !finished; {
		before := after
		for p, err := range r.Rotate(t.Context(), after) {
			require.NoError(t, err)
			after, finished = p.After, p.Finished
			break
		}
		require.True(t, finished || after > before, "a loop that is left gets no further than %q", after)
	}
	for i, at := range r.scopes {
		require.NotEqual(t, keyOf(t, r.old[i]), keyOf(t, sealed(t, r, at)))
	}
	last := done(t, r.Rotate(t.Context(), after))
	require.Zero(t, last.Changed, "what lies before the ring that it begins behind got another version")
}

func nothingUsed(context.Context, [16]byte) (bool, error) { return false, nil }

func retire(t *testing.T, r *rotating) {
	done(t, r.Rotate(t.Context(), ""))
	settle(t, r.SettleTime())
	asked := map[[16]byte]bool{}
	done(t, r.Retire(t.Context(), func(_ context.Context, key [16]byte) (bool, error) {
		asked[key] = true
		return false, nil
	}))
	for i, at := range r.scopes {
		require.True(t, asked[keyOf(t, r.old[i])], "it was not asked whether the version is in use")
		requireShut(t, crypto.ErrKeyTooOld, at, r.old[i], r, r.again(t))
		requireOpens(t, at, sealed(t, r, at), r, r.again(t))
	}
	done(t, r.Rotate(t.Context(), ""))
	later := sealed(t, r, r.scopes[0])
	done(t, r.Retire(t.Context(), nil))
	requireOpens(t, r.scopes[0], later, r, r.again(t))
}

// retireInUse says that the key of one owner is in use: that of the other is retired all the same.
func retireInUse(t *testing.T, r *rotating) {
	done(t, r.Rotate(t.Context(), ""))
	last, err := result(t, r.Retire(t.Context(), func(_ context.Context, key [16]byte) (bool, error) { return key == keyOf(t, r.old[0]), nil }))
	require.ErrorIs(t, err, crypto.ErrKeyInUse)
	require.True(t, last.Finished, "one owner ends it for all")
	requireOpens(t, r.scopes[0], r.old[0], r, r.again(t))
	requireShut(t, crypto.ErrKeyTooOld, r.scopes[1], r.old[1], r, r.again(t))
}

// retireUnknown cannot say whether a key is in use.
func retireUnknown(t *testing.T, r *rotating) {
	done(t, r.Rotate(t.Context(), ""))
	broken := errors.New("nobody knows")
	unknown := func(context.Context, [16]byte) (bool, error) { return false, broken }
	_, err := result(t, r.Retire(t.Context(), unknown))
	require.ErrorIs(t, err, broken)
	for i, at := range r.scopes {
		requireOpens(t, at, r.old[i], r, r.again(t))
	}
	done(t, r.Retire(t.Context(), nil))
	_, err = result(t, r.Trim(t.Context(), unknown))
	require.ErrorIs(t, err, broken)
	done(t, r.Reinstate(t.Context()))
	for i, at := range r.scopes {
		requireOpens(t, at, r.old[i], r, r.again(t))
	}
}

func reinstate(t *testing.T, r *rotating) {
	done(t, r.Rotate(t.Context(), ""))
	done(t, r.Retire(t.Context(), nil))
	done(t, r.Reinstate(t.Context()))
	for i, at := range r.scopes {
		requireOpens(t, at, r.old[i], r, r.again(t))
		require.NotEqual(t, keyOf(t, r.old[i]), keyOf(t, sealed(t, r, at)), "it seals under what was reinstated")
	}
}

func trim(t *testing.T, r *rotating) {
	done(t, r.Rotate(t.Context(), ""))
	done(t, r.Retire(t.Context(), nil))
	require.GreaterOrEqual(t, done(t, r.Trim(t.Context(), nothingUsed)).Changed, int64(2))
	done(t, r.Reinstate(t.Context()))
	for i, at := range r.scopes {
		requireShut(t, crypto.ErrNoKey, at, r.old[i], r, r.again(t))
		requireOpens(t, at, sealed(t, r, at), r, r.again(t))
	}
}

func trimKeepsWhatOpens(t *testing.T, r *rotating) {
	done(t, r.Rotate(t.Context(), ""))
	require.Zero(t, done(t, r.Trim(t.Context(), nothingUsed)).Changed, "nothing was retired")
	for i, at := range r.scopes {
		requireOpens(t, at, r.old[i], r, r.again(t))
	}
}

func trimInUse(t *testing.T, r *rotating) {
	done(t, r.Rotate(t.Context(), ""))
	done(t, r.Retire(t.Context(), nil))
	_, err := result(t, r.Trim(t.Context(), func(_ context.Context, key [16]byte) (bool, error) { return key == keyOf(t, r.old[0]), nil }))
	require.ErrorIs(t, err, crypto.ErrKeyInUse)
	done(t, r.Reinstate(t.Context()))
	requireOpens(t, r.scopes[0], r.old[0], r, r.again(t))
	requireShut(t, crypto.ErrNoKey, r.scopes[1], r.old[1], r, r.again(t))
}

func rotatorCanceled(t *testing.T, r *rotating) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, all := range []iter.Seq2[crypto.Progress, error]{r.Rotate(ctx, ""), r.Retire(ctx, nil), r.Reinstate(ctx), r.Trim(ctx, nothingUsed)} {
		last, err := result(t, all)
		require.ErrorIs(t, err, context.Canceled)
		require.False(t, last.Finished)
	}
	for i, at := range r.scopes {
		require.Equal(t, keyOf(t, r.old[i]), keyOf(t, sealed(t, r, at)), "a call whose context had ended made a version")
		requireOpens(t, at, r.old[i], r)
	}
}

// rotatedWhileUsed does whole rotations while two processes seal, open what the other one has sealed, and store it: everything
// opens at every moment.
func rotatedWhileUsed(t *testing.T, r *rotating) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	vaults := []crypto.Vault{r.Vault, r.again(t)}
	failures := make([]error, len(vaults))
	var gate sync.RWMutex // held by whoever has sealed something and not stored it yet
	var mu sync.Mutex
	kept := map[crypto.Scope][]byte{}
	var workers sync.WaitGroup
	for id, v := range vaults {
		work := func(at crypto.Scope) error {
			gate.RLock()
			defer gate.RUnlock()
			envelope, err := v.Seal(t.Context(), at, []byte("content"))
			if err != nil {
				return err
			}
			if _, err = vaults[1-id].Open(t.Context(), at, envelope); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			kept[at] = envelope
			return nil
		}
		workers.Go(func() {
			for n := 0; ctx.Err() == nil && failures[id] == nil; n++ {
				at := crypto.Scope{Tenant: "acme", Subject: "s-1", Record: fmt.Sprintf("%d of %d", n%20, id)}
				if err := work(at); err != nil {
					failures[id] = fmt.Errorf("process %d: %w", id, err)
				}
			}
		})
	}
	for range 5 {
		done(t, r.Rotate(t.Context(), ""))
		settle(t, r.SettleTime())
		gate.Lock()
		for at, envelope := range kept {
			again, _, err := r.Rewrap(t.Context(), at, envelope)
			if err != nil {
				gate.Unlock()
				require.NoError(t, err)
			}
			kept[at] = again
		}
		gate.Unlock()
		done(t, r.Retire(t.Context(), nothingUsed))
		done(t, r.Trim(t.Context(), nothingUsed))
	}
	stop()
	workers.Wait()
	require.NoError(t, errors.Join(failures...))
	for at, envelope := range kept {
		requireOpens(t, at, envelope, slices.Concat(vaults, []crypto.Vault{r.again(t)})...)
	}
}
