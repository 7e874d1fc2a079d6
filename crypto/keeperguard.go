package crypto

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// A guard stands before the keeper of a hierarchy. It waits no longer for an answer than it was told to, whatever the caller's
// context allows: a write that must not be given up would else wait for ever, and the whole process with it. And it believes
// no list of epochs that contradicts itself or an earlier one: what is wrapped under the wrong epoch is lost with it.
type guard struct {
	Keeper
	timeout time.Duration
	newest  atomic.Uint32 // the highest epoch that the keeper has told of
}

// Wrap implements Keeper.
func (g *guard) Wrap(ctx context.Context, epoch uint32, key, scope []byte) (wrapped []byte, err error) {
	err = g.ask(ctx, func(ctx context.Context) (err error) {
		wrapped, err = g.Keeper.Wrap(ctx, epoch, key, scope)
		return err
	})
	return wrapped, err
}

// Unwrap implements Keeper.
func (g *guard) Unwrap(ctx context.Context, epoch uint32, wrapped, scope []byte) (key []byte, err error) {
	err = g.ask(ctx, func(ctx context.Context) (err error) {
		key, err = g.Keeper.Unwrap(ctx, epoch, wrapped, scope)
		return err
	})
	return key, err
}

// NewEpoch implements Keeper.
func (g *guard) NewEpoch(ctx context.Context) (made Epoch, err error) {
	known := g.newest.Load()
	err = g.ask(ctx, func(ctx context.Context) (err error) {
		made, err = g.Keeper.NewEpoch(ctx)
		return err
	})
	if err == nil && (made.Number <= known || !made.Destroyed.IsZero()) {
		err = fmt.Errorf("%w: its new epoch is %d, destroyed %v, and there was %d", ErrKeeper, made.Number, !made.Destroyed.IsZero(), known)
	}
	if err == nil {
		g.learn(made.Number)
	}
	return made, err
}

// DestroyEpoch implements Keeper.
func (g *guard) DestroyEpoch(ctx context.Context, epoch uint32) (irrevocable time.Time, err error) {
	err = g.ask(ctx, func(ctx context.Context) (err error) {
		irrevocable, err = g.Keeper.DestroyEpoch(ctx, epoch)
		return err
	})
	return irrevocable, err
}

// Epochs implements Keeper.
func (g *guard) Epochs(ctx context.Context) (epochs []Epoch, err error) {
	known := g.newest.Load()
	err = g.ask(ctx, func(ctx context.Context) (err error) {
		epochs, err = g.Keeper.Epochs(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	last := uint32(0)
	for _, e := range epochs {
		if e.Number <= last {
			return nil, fmt.Errorf("%w: it lists epoch %d behind epoch %d", ErrKeeper, e.Number, last)
		}
		last = e.Number
	}
	if last < known {
		return nil, fmt.Errorf("%w: it has lost epoch %d: the newest one that it lists is %d", ErrKeeper, known, last)
	}
	g.learn(last)
	return epochs, nil
}

// ask waits for an answer as long as it may.
func (g *guard) ask(ctx context.Context, call func(context.Context) error) error {
	asked, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	err := call(asked)
	if err != nil && asked.Err() != nil && ctx.Err() == nil && !errors.Is(err, ErrKeeper) {
		return fmt.Errorf("%w in %v", ErrKeeper, g.timeout)
	}
	return err
}

// learn notes an epoch that there is.
func (g *guard) learn(epoch uint32) {
	for {
		known := g.newest.Load()
		if epoch <= known || g.newest.CompareAndSwap(known, epoch) {
			return
		}
	}
}
