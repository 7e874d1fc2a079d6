package crypto

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Wrap does what Keeper says: in the form of an envelope, Overhead bytes longer than the key. It returns ErrTooLarge when
// the key is longer than MaxWrapBytes, and ErrScope when scope is empty or longer than MaxWrapScopeBytes. Before anything
// else it looks whether the key file is another one than it knows, and reads it again when it is: an epoch that another
// process has destroyed is destroyed here from the next call on, or when a network file system shows the change. It returns
// ErrKeeper, and what is wrong, as long as the file is not there, damaged, exposed or an older copy.
func (r *Keyring) Wrap(ctx context.Context, epoch uint32, key, scope []byte) ([]byte, error) {
	e, err := r.usable(ctx, epoch, scope)
	if err != nil {
		return nil, err
	}
	if len(key) == 0 || len(key) > MaxWrapBytes {
		return nil, fmt.Errorf("%w: a key of %d bytes, 1 to %d can be wrapped", ErrTooLarge, len(key), MaxWrapBytes)
	}
	wrapped, err := e.envelopes.seal(e.wrapping, &Scope{Record: string(scope)}, key)
	return wrapped, r.goneMeanwhile(e, err)
}

// Unwrap does what Keeper says, and looks at the key file as Wrap does. What was wrapped by a newer version of this library
// meets ErrMalformed and ErrNewer.
func (r *Keyring) Unwrap(ctx context.Context, epoch uint32, wrapped, scope []byte) ([]byte, error) {
	e, err := r.usable(ctx, epoch, scope)
	if err != nil {
		return nil, err
	}
	env, err := parseEnvelope(wrapped)
	if err != nil {
		if !errors.Is(err, ErrMalformed) {
			err = also(err, ErrMalformed)
		}
		return nil, err
	}
	if env.id != e.key.id {
		return nil, fmt.Errorf("%w: it was not wrapped under epoch %d of this keyring, or it was changed", ErrScope, epoch)
	}
	key, err := e.envelopes.open(e.wrapping, &Scope{Record: string(scope)}, &env, nil)
	return key, r.goneMeanwhile(e, err)
}

// NewEpoch does what Keeper says. With a key file it returns once the file has the key for good; make a new copy of it
// then. It changes the file as AddKey does, and returns ErrKeeper together with what AddKey would return.
func (r *Keyring) NewEpoch(ctx context.Context) (Epoch, error) {
	var made Epoch
	err := r.change(ctx, false, func(k *keys) (*keys, error) {
		k, err := k.withNewEpoch()
		if err == nil {
			made = k.epochs[len(k.epochs)-1].epoch()
		}
		return k, err
	})
	if err != nil {
		return Epoch{}, keeperError("make an epoch", err)
	}
	return made, nil
}

// DestroyEpoch does what Keeper says, for any epoch, also the newest. It writes the key file without the key, safe on the
// medium, and then overwrites the bytes of the file that was there (except on Windows), and of names that are hard links to
// it. The answer is now, rounded up to a second.
//
// What that cannot reach are copies: of the key file, of its disk, and what a file system keeps that never writes in place.
// Such a copy has the keys of all epochs that were not destroyed when it was made. So keep no copy longer than the time
// that a [Hierarchy] counts on in DestroyDelay, and make a new one after every NewEpoch and DestroyEpoch. A keyring whose
// file is replaced by such a copy returns ErrKeeper as long as the process lives that has destroyed the epoch.
func (r *Keyring) DestroyEpoch(ctx context.Context, epoch uint32) (irrevocable time.Time, err error) {
	err = r.change(ctx, true, func(k *keys) (*keys, error) {
		e, err := k.epoch(epoch)
		if err != nil {
			return nil, err
		}
		irrevocable = e.destroyed
		if irrevocable.IsZero() {
			irrevocable = time.Now().UTC().Add(time.Second - 1).Truncate(time.Second)
		}
		if e.key == nil {
			return k, nil
		}
		return k.withoutEpoch(epoch, irrevocable), nil
	})
	if err != nil {
		return time.Time{}, keeperError("destroy an epoch", err)
	}
	return irrevocable, nil
}

// Epochs does what Keeper says, and looks at the key file as Wrap does. It remembers the last thousand epochs that were
// destroyed.
func (r *Keyring) Epochs(ctx context.Context) ([]Epoch, error) {
	k, err := r.current(ctx)
	if err != nil {
		return nil, err
	}
	epochs := make([]Epoch, len(k.epochs))
	for i, e := range k.epochs {
		epochs[i] = e.epoch()
	}
	return epochs, nil
}

// usable returns an epoch whose key is there.
func (r *Keyring) usable(ctx context.Context, epoch uint32, scope []byte) (*epochKey, error) {
	k, err := r.current(ctx)
	if err != nil {
		return nil, err
	}
	if len(scope) == 0 || len(scope) > MaxWrapScopeBytes {
		return nil, fmt.Errorf("%w: %d bytes, 1 to %d are needed", ErrScope, len(scope), MaxWrapScopeBytes)
	}
	e, err := k.epoch(epoch)
	if err != nil {
		return nil, err
	}
	if e.key == nil {
		return nil, fmt.Errorf("%w: %d", ErrEpochDestroyed, epoch)
	}
	return e, nil
}

// goneMeanwhile tells an epoch that was destroyed while it was used from a keyring that was closed.
func (r *Keyring) goneMeanwhile(e *epochKey, err error) error {
	if errors.Is(err, ErrClosed) && r.keys.Load() != nil {
		return fmt.Errorf("%w: %d", ErrEpochDestroyed, e.number)
	}
	return err
}

// current returns the keys that the file has now.
func (r *Keyring) current(ctx context.Context) (*keys, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	k := r.keys.Load()
	if k == nil {
		return nil, ErrClosed
	}
	if !r.file.changed(k) {
		return k, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if k = r.keys.Load(); k == nil {
		return nil, ErrClosed
	}
	// Not to be worked around with what is in memory: the file may say that an epoch is destroyed.
	again, err := r.reread(k)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeeper, err)
	}
	r.adopt(again)
	return again, nil
}

// keeperError says what failed, in the terms of Keeper.
func keeperError(what string, err error) error {
	for _, own := range []error{ErrNoEpoch, ErrClosed, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, own) {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	return fmt.Errorf("%s: %w: %w", what, ErrKeeper, err)
}
