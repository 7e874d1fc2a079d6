package crypto

import (
	"context"
	"errors"
	"time"
)

var (
	// ErrEpochDestroyed says that the key of an epoch was destroyed, or is about to be: nothing that was wrapped under it
	// opens again.
	ErrEpochDestroyed = errors.New("crypto: epoch is destroyed")
	// ErrNoEpoch says that a keeper never had an epoch of this number: what was wrapped is of another keeper, or the keeper
	// was put back from a copy that is too old.
	ErrNoEpoch = errors.New("crypto: no such epoch")
	// ErrEpochOrder says that a keeper does not destroy this epoch yet: it is one that destroys the oldest epoch first, and
	// the newest never. Nothing has changed.
	ErrEpochOrder = errors.New("crypto: epoch is not the next to destroy")
	// ErrKeeper says that a keeper could not do what it was asked for now: it is down, slow, sealed, damaged, or refuses to
	// know the caller. The same call may succeed later. Where a service was asked and its answer was lost, the epoch may
	// have been made or destroyed all the same: Epochs tells.
	ErrKeeper = errors.New("crypto: keeper does not answer")
)

const (
	// MaxWrapBytes is the longest key that a keeper must wrap.
	MaxWrapBytes = 64
	// MaxWrapScopeBytes is the longest scope that a keeper must bind a key to.
	MaxWrapScopeBytes = 1024
)

// A Keeper holds the keys at the root, one an epoch, and never gives one away: it wraps other keys under them. A local
// [Keyring] is one, and so can be a key management service or a hardware module.
//
// Epochs are numbered upwards from 1. When one is destroyed, all that was wrapped under it is lost for ever, in every copy
// and backup; that is what they are for. An epoch that is not destroyed unwraps for ever.
//
// What a keeper returns is the caller's. It fails when ctx has ended, with an error that wraps ctx.Err(). Many goroutines
// may use a keeper. vaulttest.Keeper checks all of this.
type Keeper interface {
	// Wrap encrypts a key of 1 to MaxWrapBytes bytes under the key of an epoch that is not destroyed, the newest or an older
	// one, bound to scope, 1 to MaxWrapScopeBytes bytes of any value that are not secret. It returns ErrNoEpoch or
	// ErrEpochDestroyed when it has no such key, ErrKeeper when it cannot now.
	Wrap(ctx context.Context, epoch uint32, key, scope []byte) ([]byte, error)
	// Unwrap returns the key. It returns ErrScope when wrapped was made for another epoch or scope, and ErrScope or
	// ErrMalformed when it was changed or is nothing that Wrap returns. Else it fails as Wrap does.
	Unwrap(ctx context.Context, epoch uint32, wrapped, scope []byte) ([]byte, error)
	// NewEpoch makes the key of a new epoch, numbered one above the highest that there ever was. Once it has returned, the
	// key is kept for good.
	NewEpoch(ctx context.Context) (Epoch, error)
	// DestroyEpoch destroys the key of an epoch and says from when on no copy of it can be had back: at once, or after the
	// time that a service leaves for changing one's mind. Wrap and Unwrap fail with ErrEpochDestroyed from now on. An
	// epoch that is destroyed already is no error; the answer is the same as the first time, or, from a keeper that does
	// not remember, what it would be if the epoch were destroyed now. Destroy the oldest first, and none before there is a
	// newer one: a keeper may return ErrEpochOrder for any other. It returns ErrNoEpoch when there never was such an epoch.
	DestroyEpoch(ctx context.Context, epoch uint32) (irrevocable time.Time, err error)
	// Epochs lists the epochs, oldest first, with those that are destroyed as far as the keeper remembers them. A new keeper
	// has none, or one.
	Epochs(ctx context.Context) ([]Epoch, error)
}

// An Epoch is the time of one key of a keeper.
type Epoch struct {
	Number uint32
	// Created is when its key was made, by the keeper's clock.
	Created time.Time
	// Destroyed is when no copy of its key can be had back; it may lie in the future. Zero: it was not destroyed.
	Destroyed time.Time
}
