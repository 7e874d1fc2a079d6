package engine_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/secret"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

// tardy is a store whose calls take a moment, so that in a bubble everybody's calls come between everybody else's. Those that
// renew a lease do not: an engine makes them under a mutex, and while somebody waits for that, no time goes by in a bubble.
type tardy struct{ store.Store }

func (s tardy) Get(ctx context.Context, key store.Key) (store.Record, error) {
	if key.Kind != "delivery" {
		time.Sleep(time.Millisecond)
	}
	return s.Store.Get(ctx, key)
}

func (s tardy) Apply(ctx context.Context, changes ...store.Change) error {
	if len(changes) != 1 || changes[0].Touch == nil {
		time.Sleep(time.Millisecond)
	}
	return s.Store.Apply(ctx, changes...)
}

func (s tardy) Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		n := 0
		for rec, err := range s.Store.Find(ctx, q) {
			if n++; n%4 == 0 {
				time.Sleep(time.Millisecond)
			}
			if !yield(rec, err) {
				return
			}
		}
	}
}

func (s tardy) Kinds(ctx context.Context) ([]store.Kind, error) {
	return s.Store.(store.Lister).Kinds(ctx)
}

// again does something again and again, with a pause before each time, until stop is closed or it fails.
func again(t *testing.T, stop <-chan struct{}, pause time.Duration, do func(i int) error) {
	t.Helper()
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		case <-time.After(pause):
		}
		if err := do(i); err != nil {
			t.Errorf("%v", err)
			return
		}
	}
}

// process returns an engine of its own over the store, whose calls take a moment. Leases are short and runs long.
func (s *safe) process(t testing.TB, app connector.Connector) *engine.Engine {
	t.Helper()
	records := tardy{s.records}
	vault, err := crypto.NewHierarchy(t.Context(), crypto.HierarchyConfig{Keeper: s.keeper, Keys: newRings(records), KeyTime: time.Second})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, vault.Close()) })
	return start(t, engine.Config{Store: records, Vault: vault, Connectors: []connector.Connector{app}, Lease: 1500 * time.Millisecond})
}

// Two processes read, write and run while all keys are rotated, again and again: nothing fails, nothing is missed, nothing is
// there twice and nothing is done twice.
func TestNobodyNoticesARotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var done effects
		app := bank{pay: func(ctx context.Context, _ *connector.Call) error {
			time.Sleep(3 * time.Second)
			done.Add(1)
			return ctx.Err()
		}}
		s := &safe{records: memory.New(), keeper: crypto.NewKeyring()}
		engines := []*engine.Engine{s.process(t, app), s.process(t, app)}
		scenario, err := engines[0].Deploy(t.Context(), parse(t, doing), engine.DeployOptions{Activate: true})
		require.NoError(t, err)
		const lasting, counters = 60, 4
		first, err := engines[0].DataStore(t.Context(), "people")
		require.NoError(t, err)
		for i := range lasting {
			put(t, first, fmt.Sprintf("lasting-%d", i), "Ada")
		}
		for i := range counters {
			put(t, first, fmt.Sprintf("counter-%d", i), "")
		}

		var busy sync.WaitGroup
		var posts, passing, lists atomic.Int64
		var counted [counters]atomic.Int64
		stop := make(chan struct{})
		loop := func(every time.Duration, do func(i int) error) {
			busy.Go(func() { again(t, stop, every, do) })
		}
		var stops []func()
		for p, e := range engines {
			stops = append(stops, serve(t, e))
			entries, err := e.DataStore(t.Context(), "people")
			require.NoError(t, err)
			loop(300*time.Millisecond, func(int) error {
				status, body := post(t, e, scenario.Hook, "application/json", `{"name":"Ada"}`)
				posts.Add(1)
				if status != 200 {
					return fmt.Errorf("hook: %d %s", status, body)
				}
				return nil
			})
			for n := range counters {
				loop(time.Millisecond, func(int) error {
					err := entries.Change(t.Context(), fmt.Sprintf("counter-%d", n), func(b connector.Bundle, ok bool) (connector.Bundle, error) {
						old, is := b.Get("n").(int64)
						if !ok || !is && b.Get("n") != nil {
							return b, errors.New("a counter is not there")
						}
						b.Set("n", old+1)
						return b, nil
					})
					counted[n].Add(1)
					return err
				})
			}
			loop(time.Millisecond, func(i int) error { // entries that come and go, by the same keys in both processes
				key := fmt.Sprintf("passing-%d", i%5)
				if i%3 == p {
					_, err := entries.Delete(t.Context(), key)
					return err
				}
				passing.Add(1)
				return entries.Change(t.Context(), key, func(connector.Bundle, bool) (connector.Bundle, error) {
					return connector.NewBundle("name", key), nil
				})
			})
			loop(time.Millisecond, func(i int) error {
				_, ok, err := entries.Get(t.Context(), fmt.Sprintf("lasting-%d", i%lasting))
				if err == nil && !ok {
					err = errors.New("an entry is not found")
				}
				return err
			})
			loop(10*time.Millisecond, func(int) error {
				seen := map[string]int{}
				for entry, err := range entries.All(t.Context()) {
					if err != nil {
						return err
					}
					seen[entry.Key]++
				}
				for i := range lasting { // what is deleted and added meanwhile may be there twice
					if times := seen[fmt.Sprintf("lasting-%d", i)]; times != 1 {
						return fmt.Errorf("an entry is listed %d times, %d are", times, len(seen))
					}
				}
				lists.Add(1)
				return nil
			})
			loop(20*time.Millisecond, func(int) error {
				for _, err := range e.Executions(t.Context(), scenario.ID, engine.Query{}) {
					if err != nil {
						return err
					}
				}
				_, err := e.Scenario(t.Context(), scenario.ID)
				return err
			})
		}
		for i := range 4 {
			before := s.under(t)
			last, err := rotate(t, engines[i%2].Rotate(t.Context(), engine.RotateOptions{Index: i%2 == 0, Emergency: i == 3}))
			require.NoError(t, err)
			require.True(t, last.Finished)
			for key := range s.under(t) {
				require.NotContains(t, before, key)
			}
		}
		close(stop)
		busy.Wait()
		time.Sleep(time.Minute)
		for _, stop := range stops {
			stop()
		}
		require.Equal(t, posts.Load(), done.Load(), "every delivery was run once")
		require.Len(t, executions(t, engines[0], scenario.ID), int(posts.Load()))
		require.Greater(t, posts.Load(), int64(50))
		require.Greater(t, lists.Load(), int64(50))
		require.Greater(t, passing.Load(), int64(50))
		for n := range counters {
			data, ok, err := first.Get(t.Context(), fmt.Sprintf("counter-%d", n))
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, counted[n].Load(), data.Get("n"), "no change is lost")
		}
		opens(t, s.engine(t))
		require.NoError(t, s.keeper.Close())
	})
}

// A process that has not heard of the new keys yet goes on under the old ones: what it stores is found in time.
func TestWhatOthersSealUnderOldKeysIsBroughtAlong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSafe(t)
		e, other := s.engine(t), s.engine(t).For("acme")
		s.fill(t, e, "acme")
		before := s.under(t)
		time.Sleep(time.Second)
		require.NoError(t, other.SaveConnection(t.Context(), key("one", "key", "text")))
		stored, late := false, int64(0)
		for p, err := range e.Rotate(t.Context(), engine.RotateOptions{}) {
			require.NoError(t, err)
			if p.Phase == engine.PhaseSettle && !stored {
				stored = true
				require.NoError(t, other.SaveConnection(t.Context(), key("two", "key", "text")))
				found := 0
				for key, n := range s.under(t) {
					if before[key] > 0 {
						found += n
					}
				}
				require.Equal(t, 1, found, "it is under the old key")
			}
			if p.Phase == engine.PhaseVerify {
				late = p.Changed
			}
		}
		require.EqualValues(t, 1, late)
		s.finished(t, before, false)
	})
}

// A rotation while a connection is being renewed does not lose what the service gave.
func TestRenewalOutlastsARotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSafe(t)
		var e *engine.Engine
		renewals := 0
		app := lock{func(ctx context.Context, call *connector.Call) error {
			_, err := call.Renew(ctx, call.Connections["keychain"], func(_ context.Context, c *connector.Connection) error {
				renewals++
				_, err := rotate(t, e.Rotate(context.Background(), engine.RotateOptions{}))
				c.Secrets["key"] = secret.NewString("new")
				return err
			})
			return err
		}}
		e = start(t, engine.Config{Store: s.records, Vault: s.vault(t, s.records), Connectors: []connector.Connector{app}})
		require.NoError(t, e.SaveConnection(t.Context(), key("a", "key", "old")))
		scenario, err := e.Deploy(t.Context(), parse(t, turn), engine.DeployOptions{})
		require.NoError(t, err)
		x, err := e.Run(t.Context(), scenario.ID, connector.Bundle{})
		require.NoError(t, err)
		require.Nil(t, x.Failure)
		require.Equal(t, 1, renewals)
		var got string
		other := start(t, engine.Config{Store: s.records, Vault: s.vault(t, s.records), Connectors: []connector.Connector{
			lock{func(_ context.Context, call *connector.Call) error {
				got = reveal(t, call.Connections["keychain"])
				return nil
			}},
		}})
		_, err = other.Run(t.Context(), scenario.ID, connector.Bundle{})
		require.NoError(t, err)
		require.Equal(t, "new", got)
	})
}

func TestLaterCallTakesARotationOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSafe(t)
		s.fill(t, s.engine(t), "acme")
		before := s.under(t)
		var first error
		taken := false
		for p, err := range s.engine(t).Rotate(t.Context(), engine.RotateOptions{Index: true}) {
			if first = errors.Join(first, err); p.Phase != engine.PhaseSettle || taken {
				continue
			}
			taken = true
			last, err := rotate(t, s.engine(t).Rotate(t.Context(), engine.RotateOptions{}))
			require.NoError(t, err)
			require.True(t, last.Finished)
			s.finished(t, before, false)
		}
		require.True(t, taken)
		require.ErrorIs(t, first, engine.ErrRotating)
		s.finished(t, before, false)
	})
}

func TestRotationEndsWithItsContextAndItsEngine(t *testing.T) {
	t.Parallel()
	s := newSafe(t)
	s.fill(t, s.engine(t), "acme")
	_, err := rotate(t, s.engine(t).Rotate(canceled(t), engine.RotateOptions{}))
	require.ErrorIs(t, err, context.Canceled)
	slow, err := crypto.NewHierarchy(t.Context(), crypto.HierarchyConfig{Keeper: s.keeper, Keys: newRings(s.records), KeyTime: time.Hour})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, slow.Close()) })
	for name, end := range map[string]func(*engine.Engine, context.CancelFunc){
		"context": func(_ *engine.Engine, cancel context.CancelFunc) { cancel() },
		"engine":  func(e *engine.Engine, _ context.CancelFunc) { require.NoError(t, e.Close()) },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		e := start(t, engine.Config{Store: s.records, Vault: slow})
		var last error
		for p, err := range e.Rotate(ctx, engine.RotateOptions{}) {
			if last = err; p.Phase == engine.PhaseSettle && err == nil {
				require.Greater(t, time.Until(p.Until), time.Hour, "it says how long it waits")
				end(e, cancel)
			}
		}
		cancel()
		want := map[string]error{"context": context.Canceled, "engine": engine.ErrClosed}[name]
		require.ErrorIs(t, last, want, name)
	}
	closed := start(t, engine.Config{})
	require.NoError(t, closed.Close())
	_, err = rotate(t, closed.Rotate(t.Context(), engine.RotateOptions{}))
	require.ErrorIs(t, err, engine.ErrClosed)
	_, err = rotate(t, closed.CheckKeys(t.Context()))
	require.ErrorIs(t, err, engine.ErrClosed)
	opens(t, s.engine(t))
}

// What a newer version has begun, an older one does not take for finished.
func TestRotationOfANewerVersionIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := newSafe(t)
	s.fill(t, s.engine(t), "acme")
	for range s.engine(t).Rotate(t.Context(), engine.RotateOptions{}) {
		break
	}
	for rec, err := range s.records.Find(t.Context(), store.Query{Kind: "rotation", AllTenants: true}) {
		require.NoError(t, err)
		rec.State = "of the future"
		require.NoError(t, s.records.Apply(t.Context(), store.Change{Put: &rec}))
	}
	before := s.snapshot(t)
	_, err := rotate(t, s.engine(t).Rotate(t.Context(), engine.RotateOptions{}))
	require.ErrorIs(t, err, engine.ErrNoRotator)
	for key, rec := range s.snapshot(t) {
		if key.Kind != "rotation" {
			require.Equal(t, before[key], rec)
		}
	}
}
