package vaulttest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
)

// Turner runs the conformance suite of [crypto.Turner], each clause a subtest of t. The vaults are crypto.Turners, and what they
// wait for between two calls of Turn is some milliseconds. keeper returns the keeper of such a vault.
func Turner(t *testing.T, open Opener, keeper func(v crypto.Vault) crypto.Keeper) {
	t.Helper()
	for _, clause := range []struct {
		name  string
		check func(t *testing.T, r *turning)
	}{
		{"Epoch", presentEpoch},
		{"NotDue", turnNotDue},
		{"Begins", turnBegins},
		{"LosesNothing", turnLosesNothing},
		{"Destroys", turnDestroys},
		{"Left", turnLeft},
		{"Canceled", turnerCanceled},
	} {
		t.Run(clause.name, func(t *testing.T) {
			t.Parallel()
			v, again := open(t)
			turner, ok := v.(crypto.Turner)
			require.True(t, ok, "the vault is no crypto.Turner")
			r := &turning{Vault: v, Turner: turner, again: again, keeper: keeper(v), at: crypto.Scope{Tenant: "acme", Subject: "s-1"}}
			r.old = sealed(t, v, r.at)
			clause.check(t, r)
		})
	}
}

// turning is a turner with an owner of keys, and an envelope.
type turning struct {
	crypto.Vault
	crypto.Turner
	again  func(t *testing.T) crypto.Vault
	keeper crypto.Keeper
	at     crypto.Scope
	old    []byte
}

func (r *turning) epoch(t *testing.T) crypto.Epoch {
	t.Helper()
	e, err := r.Epoch(t.Context())
	require.NoError(t, err)
	require.True(t, e.Destroyed.IsZero(), "the newest epoch is destroyed")
	return e
}

// whole turns to the end, however often it has to be called for that.
func (r *turning) whole(t *testing.T, now bool) {
	t.Helper()
	for until := time.Now().Add(maxWait); ; now = false {
		last, err := result(t, r.Turn(t.Context(), now))
		require.NoError(t, err)
		if last.Again.IsZero() {
			require.True(t, last.Finished, "it is neither finished nor to be called again")
			return
		}
		require.False(t, last.Finished, "it is finished and to be called again")
		require.True(t, last.Again.Before(until), "it is to be called again at %v: open gives vaults whose times are short", last.Again)
		settle(t, time.Until(last.Again))
	}
}

func presentEpoch(t *testing.T, r *turning) {
	e := r.epoch(t)
	require.NotZero(t, e.Number)
	require.False(t, e.Created.IsZero())
	require.Equal(t, e.Number, r.epoch(t).Number, "asking makes epochs")
	known := list(t, r.keeper)
	require.Contains(t, known, e.Number)
	for number := range known {
		require.LessOrEqual(t, number, e.Number, "it is not the newest one of the keeper")
	}
	made, err := r.keeper.NewEpoch(t.Context()) // as another process does
	require.NoError(t, err)
	require.Equal(t, made.Number, r.epoch(t).Number, "as the keeper knows it now")
}

func turnNotDue(t *testing.T, r *turning) {
	before := r.epoch(t)
	r.whole(t, false)
	require.Equal(t, before.Number, r.epoch(t).Number, "it begins an epoch before the time of the present one is over")
	requireOpens(t, r.at, r.old, r, r.again(t))
}

func turnBegins(t *testing.T, r *turning) {
	before := r.epoch(t)
	_, err := result(t, r.Turn(t.Context(), true))
	require.NoError(t, err)
	require.Equal(t, before.Number+1, r.epoch(t).Number)
	requireOpens(t, r.at, r.old, r, r.again(t))
}

func turnLosesNothing(t *testing.T, r *turning) {
	other := r.again(t)
	var all [][]byte
	for range 3 {
		all = append(all, sealed(t, r, r.at), sealed(t, other, r.at))
		r.whole(t, true)
		for _, envelope := range append(all, r.old) {
			requireOpens(t, r.at, envelope, r, other, r.again(t))
		}
	}
	require.Equal(t, keyOf(t, r.old), keyOf(t, sealed(t, r, r.at)), "what is sealed changes with the epoch")
}

func turnDestroys(t *testing.T, r *turning) {
	for range 2 {
		r.whole(t, true)
		newest := r.epoch(t).Number
		for number, e := range list(t, r.keeper) {
			require.Equal(t, number != newest, !e.Destroyed.IsZero(), "epoch %d of %d", number, newest)
		}
	}
}

// turnLeft leaves the loop at each of its steps.
func turnLeft(t *testing.T, r *turning) {
	before := r.epoch(t).Number
	for p, err := range r.Turn(t.Context(), true) {
		require.NoError(t, err)
		require.GreaterOrEqual(t, p.Done, p.Changed)
		break
	}
	requireOpens(t, r.at, r.old, r, r.again(t))
	r.whole(t, false)
	require.Equal(t, before+1, r.epoch(t).Number, "what was begun is not carried on but begun anew")
	if e, remembered := list(t, r.keeper)[before]; remembered {
		require.False(t, e.Destroyed.IsZero(), "the old epoch stays")
	}
	requireOpens(t, r.at, r.old, r, r.again(t))
}

func turnerCanceled(t *testing.T, r *turning) {
	before := r.epoch(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := r.Epoch(ctx)
	require.ErrorIs(t, err, context.Canceled)
	last, err := result(t, r.Turn(ctx, true))
	require.ErrorIs(t, err, context.Canceled)
	require.False(t, last.Finished)
	require.Equal(t, before.Number, r.epoch(t).Number, "a call whose context had ended began an epoch")
}
