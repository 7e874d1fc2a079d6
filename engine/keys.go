package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/store"
)

// keys are the keys that an engine keeps itself, see Config.Keys.
type keys struct {
	// hierarchy is nil when the host has a vault of its own.
	hierarchy *crypto.Hierarchy
	// random is the keeper that dies with the engine. Nil: the host has one.
	random *crypto.Keyring

	turning chore
}

// KeyStore returns the key store in a store, which is where the keys of Config.Keys stand, wrapped, unless it names another. It
// is for hosts that make a crypto.Hierarchy themselves, and for crypto.CopyRings.
func KeyStore(s store.Store) crypto.KeyStore { return repo.NewRings(s) }

// keeperTime is how long New waits for a keeper.
const keeperTime = time.Minute

// newKeys makes the vault of a configuration that has none.
func newKeys(config *Config) (*keys, error) {
	switch {
	case config.Vault == nil:
	case config.Keys.Keeper != nil:
		return nil, fmt.Errorf("%w: Config has both Keys.Keeper and Vault: leave one of them out", ErrInvalid)
	default:
		return &keys{}, nil
	}
	k, kept := &keys{}, config.Keys
	if kept.Keys == nil {
		kept.Keys = KeyStore(config.Store)
	}
	if kept.Now == nil {
		kept.Now = config.Now
	}
	switch promised := config.Policy.Irrevocable.Shortest(); {
	case kept.Irrevocable == 0:
		kept.Irrevocable = promised
	case kept.Irrevocable > promised:
		return nil, fmt.Errorf("%w: Config.Keys.Irrevocable is %v, and Config.Policy.Irrevocable promises %v: shorten it, or leave it out",
			ErrInvalid, kept.Irrevocable, config.Policy.Irrevocable)
	}
	if kept.Keeper == nil {
		k.random = crypto.NewKeyring()
		kept.Keeper = k.random
	}
	ctx, cancel := context.WithTimeout(context.Background(), keeperTime)
	defer cancel()
	var err error
	if k.hierarchy, err = crypto.NewHierarchy(ctx, kept); err != nil {
		return nil, errors.Join(fmt.Errorf("Config.Keys: %w", err), k.close())
	}
	config.Vault = k.hierarchy
	return k, nil
}

// close takes the keys out of memory.
func (k *keys) close() (err error) {
	if k.hierarchy != nil {
		err = k.hierarchy.Close()
	}
	if k.random != nil {
		err = errors.Join(err, k.random.Close())
	}
	return err
}

// turn lets an epoch end whose time is over, when it is time to look after that. It returns how long to wait before the next
// look.
func (c *core) turn(ctx context.Context) time.Duration {
	k := c.keys
	if k.hierarchy == nil {
		return choreTime
	}
	return k.turning.do(c.now, func(now time.Time) time.Duration {
		wait := choreTime
		for progress, err := range k.hierarchy.Turn(ctx, false) {
			if err != nil && ctx.Err() == nil {
				c.cfg.Logger.Error("an epoch of keys could not be turned, trying again", zap.Error(err))
				wait = chorePause
			}
			if again := progress.Again.Sub(now); progress.Again.After(now) {
				wait = min(wait, again)
			}
		}
		return wait
	})
}

// turning turns epochs until ctx ends.
func (c *core) turning(ctx context.Context) {
	for ctx.Err() == nil {
		timer := time.NewTimer(min(c.turn(ctx), c.prune(ctx)))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}
