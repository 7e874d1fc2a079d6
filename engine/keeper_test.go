package engine_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

// whimsical is a keeper that works as the one behind it, until it gets a mood.
type whimsical struct {
	crypto.Keeper
	mu   sync.Mutex
	mood mood
}

// A mood is what a keeper does in place of what it should. What is nil it does as it should.
type mood struct {
	wrap   func(ctx context.Context, k crypto.Keeper, epoch uint32, key, scope []byte) ([]byte, error)
	unwrap func(ctx context.Context, k crypto.Keeper, epoch uint32, wrapped, scope []byte) ([]byte, error)
	epochs func(ctx context.Context, k crypto.Keeper) ([]crypto.Epoch, error)
}

func (w *whimsical) get(m mood) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mood = m
}

func (w *whimsical) now() mood {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mood
}

func (w *whimsical) Wrap(ctx context.Context, epoch uint32, key, scope []byte) ([]byte, error) {
	if f := w.now().wrap; f != nil {
		return f(ctx, w.Keeper, epoch, key, scope)
	}
	return w.Keeper.Wrap(ctx, epoch, key, scope)
}

func (w *whimsical) Unwrap(ctx context.Context, epoch uint32, wrapped, scope []byte) ([]byte, error) {
	if f := w.now().unwrap; f != nil {
		return f(ctx, w.Keeper, epoch, wrapped, scope)
	}
	return w.Keeper.Unwrap(ctx, epoch, wrapped, scope)
}

func (w *whimsical) Epochs(ctx context.Context) ([]crypto.Epoch, error) {
	if f := w.now().epochs; f != nil {
		return f(ctx, w.Keeper)
	}
	return w.Keeper.Epochs(ctx)
}

// failing is the mood of a keeper that says no to everything, in its own way.
func failing(say func(ctx context.Context) error) mood {
	return mood{
		wrap: func(ctx context.Context, _ crypto.Keeper, _ uint32, _, _ []byte) ([]byte, error) {
			return nil, say(ctx)
		},
		unwrap: func(ctx context.Context, _ crypto.Keeper, _ uint32, _, _ []byte) ([]byte, error) {
			return nil, say(ctx)
		},
		epochs: func(ctx context.Context, _ crypto.Keeper) ([]crypto.Epoch, error) { return nil, say(ctx) },
	}
}

// giving is the mood of a keeper that unwraps something else.
func giving(other func(key []byte) []byte) mood {
	return mood{
		wrap: failing(func(context.Context) error { return crypto.ErrKeeper }).wrap,
		unwrap: func(ctx context.Context, k crypto.Keeper, epoch uint32, wrapped, scope []byte) ([]byte, error) {
			key, err := k.Unwrap(ctx, epoch, wrapped, scope)
			return other(key), err
		},
	}
}

// listing is the mood of a keeper that wraps and unwraps nothing and says strange things about its epochs.
func listing(epochs func(own []crypto.Epoch) []crypto.Epoch) mood {
	m := failing(func(context.Context) error { return crypto.ErrEpochDestroyed })
	m.epochs = func(ctx context.Context, k crypto.Keeper) ([]crypto.Epoch, error) {
		own, err := k.Epochs(ctx)
		return epochs(own), err
	}
	return m
}

// moods are what keepers can do wrong, and a hierarchy must survive.
func moods() map[string]mood {
	return map[string]mood{
		"down": failing(func(context.Context) error { return crypto.ErrKeeper }),
		"slow": failing(func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}),
		"at a loss":               failing(func(context.Context) error { return errors.New("no idea") }),
		"calls keys changed":      failing(func(context.Context) error { return crypto.ErrScope }),
		"calls keys malformed":    failing(func(context.Context) error { return crypto.ErrMalformed }),
		"knows no epoch":          failing(func(context.Context) error { return crypto.ErrNoEpoch }),
		"says that all is lost":   failing(func(context.Context) error { return crypto.ErrEpochDestroyed }),
		"gives another key":       giving(func([]byte) []byte { return bytes.Repeat([]byte{7}, 32) }),
		"gives a short key":       giving(func(key []byte) []byte { return key[:16] }),
		"gives a long key":        giving(func(key []byte) []byte { return append(key, 0) }),
		"gives nothing":           giving(func([]byte) []byte { return nil }),
		"lists what is destroyed": listing(func(own []crypto.Epoch) []crypto.Epoch { return own }),
		"lists nothing":           listing(func([]crypto.Epoch) []crypto.Epoch { return nil }),
		"has gone back in time":   listing(func(own []crypto.Epoch) []crypto.Epoch { return own[:1] }),
		"lists in another order":  listing(func(own []crypto.Epoch) []crypto.Epoch { return []crypto.Epoch{own[1], own[0]} }),
		"lists an epoch twice":    listing(func(own []crypto.Epoch) []crypto.Epoch { return append(own, own[1]) }),
		"lists an epoch without":  listing(func(own []crypto.Epoch) []crypto.Epoch { return append([]crypto.Epoch{{}}, own...) }),
		"wraps keys into too much": {wrap: func(context.Context, crypto.Keeper, uint32, []byte, []byte) ([]byte, error) {
			return make([]byte, 1<<16), nil
		}},
		"wraps keys into nothing": {wrap: func(context.Context, crypto.Keeper, uint32, []byte, []byte) ([]byte, error) { return nil, nil }},
	}
}

// newWhimsical returns a keeper of two epochs that is in a good mood.
func newWhimsical(t *testing.T) *whimsical {
	t.Helper()
	ring := crypto.NewKeyring()
	for range 2 {
		_, err := ring.NewEpoch(t.Context())
		require.NoError(t, err)
	}
	return &whimsical{Keeper: ring}
}

// Whatever is wrong with a keeper: what comes in and needs a key that is not at hand is told to come again, and nothing of it
// is stored; what was accepted before waits; nothing is taken for damaged that is not; and when the keeper is back, everything
// goes on by itself.
func TestNothingIsLostOrUnsealedWhileTheKeeperFails(t *testing.T) {
	t.Parallel()
	for name, mood := range moods() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				keeper := newWhimsical(t)
				s := memory.New()
				config := engine.Config{
					Store: s, Keys: crypto.HierarchyConfig{Keeper: keeper}, Connectors: []connector.Connector{bank{}}, Poll: 5 * time.Second,
				}
				first := start(t, config)
				open, err := first.Deploy(t.Context(), parse(t, doing), engine.DeployOptions{Activate: true})
				require.NoError(t, err)
				hidden, err := first.For("acme").Deploy(t.Context(), parse(t, confidentialDoing), engine.DeployOptions{Activate: true})
				require.NoError(t, err)
				waiting := []*engine.Hook{open.Hook, hidden.Hook}
				for _, hook := range waiting {
					status, _ := post(t, first, hook, "application/json", `{"name":"Ada Lovelace"}`)
					require.Equal(t, http.StatusOK, status)
				}
				require.NoError(t, first.Close())

				second := start(t, config) // which has no key at hand
				keeper.get(mood)
				before := bodies(t, s)
				stop := serve(t, second)
				onlyWrap := mood.unwrap == nil
				for _, hook := range waiting {
					status, body := post(t, second, hook, "application/json", `{"name":"Ada Lovelace"}`)
					if onlyWrap && hook == open.Hook { // which needs no new key
						require.Equal(t, http.StatusOK, status)
						continue
					}
					require.Equal(t, http.StatusServiceUnavailable, status)
					require.Contains(t, body, "again")
				}
				time.Sleep(2 * time.Minute)
				if !onlyWrap {
					require.Equal(t, before, bodies(t, s), "only leases come and go")
				}
				keeper.get(whimsical{}.mood)
				time.Sleep(2 * time.Minute)
				for _, hook := range waiting {
					status, _ := post(t, second, hook, "application/json", `{"name":"Ada Lovelace"}`)
					require.Equal(t, http.StatusOK, status)
				}
				time.Sleep(time.Minute)
				stop()
				if onlyWrap {
					require.Len(t, executions(t, second, open.ID), 3)
				} else {
					require.Len(t, executions(t, second, open.ID), 2)
				}
				require.Empty(t, executions(t, second.For("acme"), hidden.ID))
				activities := 0
				for _, err := range second.For("acme").Activity(t.Context(), hidden.ID, engine.Query{}) {
					require.NoError(t, err)
					activities++
				}
				require.Equal(t, 2, activities)
				kinds, err := s.Kinds(t.Context())
				require.NoError(t, err)
				for _, kind := range kinds {
					for _, rec := range records(t, s, kind) {
						require.NotContains(t, string(rec.Body), "Lovelace")
						require.NotContains(t, string(rec.Body), "Doing")
					}
				}
			})
		})
	}
}

// bodies lists the bodies of all records of a store by their keys.
func bodies(t *testing.T, s *memory.Store) map[store.Key][]byte {
	t.Helper()
	kinds, err := s.Kinds(t.Context())
	require.NoError(t, err)
	list := map[store.Key][]byte{}
	for _, kind := range kinds {
		for _, rec := range records(t, s, kind) {
			list[rec.Key] = rec.Body
		}
	}
	return list
}

// A run that is under way when the keeper fails ends when it is back, and does its effect once.
func TestRunThatIsUnderWayOutlivesAKeeperThatIsDown(t *testing.T) {
	t.Parallel()
	for name, mood := range moods() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				keeper := newWhimsical(t)
				var done effects
				s := memory.New()
				e := start(t, engine.Config{
					Store: s,
					// Keys are looked up for every use, and there is room for one owner: whatever needs a key needs the keeper.
					Keys: crypto.HierarchyConfig{Keeper: keeper, KeyTime: time.Nanosecond, MaxKeys: 1},
					Connectors: []connector.Connector{bank{pay: func(context.Context, *connector.Call) error {
						done.Add(1)
						keeper.get(mood)
						return nil
					}}},
				})
				scenario, err := e.Deploy(t.Context(), parse(t, confidentialDoing), engine.DeployOptions{Activate: true})
				require.NoError(t, err)
				stop := serve(t, e)
				status, _ := post(t, e, scenario.Hook, "application/json", `{"name":"Ada"}`)
				require.Equal(t, http.StatusOK, status)
				time.Sleep(5 * time.Minute)
				if mood.unwrap != nil {
					require.Empty(t, records(t, s, "activity"), "the end is written when it can be")
				}
				keeper.get(whimsical{}.mood)
				time.Sleep(5 * time.Minute)
				stop()
				require.EqualValues(t, 1, done.Load())
				var ends []engine.Status
				for x, err := range e.Activity(t.Context(), scenario.ID, engine.Query{}) {
					require.NoError(t, err)
					ends = append(ends, x.Status)
				}
				require.Equal(t, []engine.Status{engine.StatusSuccess}, ends)
			})
		})
	}
}

// A keeper that never answers holds nobody up for longer than it was given, whatever the write is about.
func TestEngineClosesWhileTheKeeperIsSilent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keeper := &whimsical{Keeper: crypto.NewKeyring()}
		e := start(t, engine.Config{
			Keys: crypto.HierarchyConfig{Keeper: keeper, KeeperTimeout: 3 * time.Second}, Connectors: []connector.Connector{bank{}},
		})
		scenario, err := e.Deploy(t.Context(), parse(t, confidentialDoing), engine.DeployOptions{Activate: true})
		require.NoError(t, err)
		keeper.get(moods()["slow"])
		began := time.Now()
		closed := make(chan error, 1)
		time.AfterFunc(time.Second, func() { closed <- e.Close() })
		status, _ := post(t, e, scenario.Hook, "application/json", `{"name":"Ada"}`)
		require.Equal(t, http.StatusServiceUnavailable, status)
		require.NoError(t, <-closed)
		require.Equal(t, 3*time.Second, time.Since(began))
	})
}
