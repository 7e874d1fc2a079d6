package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/store"
)

// ending holds the tests of contexts that end and of Close.
var ending = map[string]func(*testing.T, store.Store){
	"EndedContextStopsEveryMethod":  endedContext,
	"ContextEndsALoop":              contextEndsLoop,
	"ApplyOfAnEndingContextIsWhole": endingContextIsWhole,
	"ClosedStoreRefusesEveryMethod": closedRefuses,
	"CloseTwiceDoesNothing":         closeTwice,
	"CloseInALoopEndsIt":            closeInLoop,
	"CloseWaitsForCallsUnderWay":    closeWaits,
}

// calls are one call of every method that must not succeed.
func calls(s store.Store) map[string]func(context.Context) error {
	all := map[string]func(context.Context) error{
		"get": func(ctx context.Context) error { _, err := s.Get(ctx, store.Key{Kind: "a", ID: id(1)}); return err },
		"find": func(ctx context.Context) error {
			for _, err := range s.Find(ctx, store.Query{Kind: "a", Tenant: "acme"}) {
				return err
			}
			return errors.New("found nothing, not even an error")
		},
		"apply": func(ctx context.Context) error { return s.Apply(ctx, put(record("a", id(2)))) },
		"claim": func(ctx context.Context) error { _, err := s.Claim(ctx, "a", epoch, epoch.Add(1), 1); return err },
	}
	if l, ok := s.(store.Lister); ok {
		all["kinds"] = func(ctx context.Context) error { _, err := l.Kinds(ctx); return err }
	}
	if c, ok := s.(store.Counter); ok {
		all["count"] = func(ctx context.Context) error { _, err := c.Count(ctx, "a"); return err }
	}
	if c, ok := s.(store.Compacter); ok {
		all["compact"] = func(ctx context.Context) error { _, err := c.Compact(ctx); return err }
	}
	return all
}

func endedContext(t *testing.T, s store.Store) {
	r := record("a", id(1))
	r.Due = epoch
	create(t, s, r)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	for name, call := range calls(s) {
		require.ErrorIs(t, call(cancelled), context.Canceled, name)
		require.ErrorIs(t, call(late), context.DeadlineExceeded, name)
	}
	// The store itself is none the worse.
	got, err := s.Get(t.Context(), r.Key)
	require.NoError(t, err)
	require.Equal(t, r.Body, got.Body)
}

func contextEndsLoop(t *testing.T, s store.Store) {
	const records = 3000
	crowd(t, s, "a", records, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen := 0
	var last error
	for _, err := range s.Find(ctx, store.Query{Kind: "a", Tenant: "acme"}) {
		require.NoError(t, last, "the loop went on after its error")
		if last = err; err == nil {
			seen++
		}
		if seen == 10 {
			cancel()
		}
	}
	require.ErrorIs(t, last, context.Canceled)
	require.Less(t, seen, records)
}

// endingContextIsWhole ends contexts while calls wait or commit: each call may have happened or not, but never a part of
// it, and one that returned nil has.
func endingContextIsWhole(t *testing.T, s store.Store) {
	const goroutines, rounds = 16, 40
	succeeded := make([][rounds]bool, goroutines)
	together(t, goroutines, func(g int) error {
		for n := range rounds {
			ctx, cancel := context.WithCancel(t.Context())
			if n%4 != 0 {
				timer := time.AfterFunc(time.Duration((g*37+n*91)%700)*time.Microsecond, cancel)
				defer timer.Stop()
			}
			a, b := record("a", id(g*1000+n)), record("b", id(g*1000+n))
			err := s.Apply(ctx, put(a), put(b))
			cancel()
			if err != nil && !errors.Is(err, context.Canceled) {
				return err
			}
			succeeded[g][n] = err == nil
			// They are the caller's again.
			clear(a.Body)
			clear(b.Body)
		}
		return nil
	})
	for g := range goroutines {
		for n := range rounds {
			_, errA := s.Get(t.Context(), store.Key{Kind: "a", ID: id(g*1000 + n)})
			_, errB := s.Get(t.Context(), store.Key{Kind: "b", ID: id(g*1000 + n)})
			require.Equal(t, errA == nil, errB == nil, "half a call")
			require.True(t, n%4 != 0 || succeeded[g][n])
			if succeeded[g][n] {
				require.NoError(t, errA)
			}
		}
	}
	for _, kind := range []store.Kind{"a", "b"} {
		for _, r := range find(t, s, store.Query{Kind: kind, Tenant: "acme"}) {
			require.Equal(t, "body of "+r.ID, string(r.Body))
		}
	}
}

func closedRefuses(t *testing.T, s store.Store) {
	create(t, s, record("a", id(1)))
	all := calls(s)
	require.NoError(t, s.Close())
	for name, call := range all {
		require.ErrorIs(t, call(t.Context()), store.ErrClosed, name)
	}
}

func closeTwice(t *testing.T, s store.Store) {
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	together(t, 8, func(int) error { return s.Close() })
}

func closeInLoop(t *testing.T, s store.Store) {
	const records = 3000
	crowd(t, s, "a", records, nil)
	seen := 0
	var last error
	for _, err := range s.Find(t.Context(), store.Query{Kind: "a", Tenant: "acme"}) {
		require.NoError(t, last, "the loop went on after its error")
		if last = err; err == nil {
			seen++
		}
		if seen == 10 {
			require.NoError(t, s.Close())
		}
	}
	require.ErrorIs(t, last, store.ErrClosed)
	require.Less(t, seen, records)
}

// closeWaits closes the store under a load of calls: each must succeed or return ErrClosed.
func closeWaits(t *testing.T, s store.Store) {
	crowd(t, s, "a", 200, func(_ int, r *store.Record) { r.Due = epoch })
	var done atomic.Int64
	together(t, 12, func(g int) error {
		if g == 0 {
			for done.Load() < 100 {
				if _, err := s.Get(t.Context(), store.Key{Kind: "a", ID: scattered(0)}); err != nil {
					return err
				}
			}
			return s.Close()
		}
		for n := 0; ; n++ {
			var err error
			switch g % 4 {
			case 0:
				err = s.Apply(t.Context(), put(record("b", id(g*100_000+n))))
			case 1:
				_, err = s.Get(t.Context(), store.Key{Kind: "a", ID: scattered(1)})
			case 2:
				for _, err = range s.Find(t.Context(), store.Query{Kind: "a", Tenant: "acme"}) {
					if err != nil {
						break
					}
				}
			default:
				now := epoch.Add(time.Duration(n))
				_, err = s.Claim(t.Context(), "a", now, now.Add(1), 1)
			}
			done.Add(1)
			if errors.Is(err, store.ErrClosed) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("call %d of goroutine %d: %w", n, g, err)
			}
		}
	})
}
