package sqlite_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/sqlite"
)

// together queues all calls while the writer is held, in their order, so that they share one transaction, and returns
// their errors.
func together(t *testing.T, s *sqlite.Store, calls ...func() error) []error {
	t.Helper()
	errs := make([]error, len(calls))
	release := sqlite.Hold(s, false)
	var wg sync.WaitGroup
	for i, call := range calls {
		wg.Go(func() { errs[i] = call() })
		for sqlite.Waiting(s) <= i {
			runtime.Gosched()
		}
	}
	release()
	wg.Wait()
	return errs
}

func apply(t *testing.T, s store.Store, changes ...store.Change) func() error {
	return func() error { return s.Apply(t.Context(), changes...) }
}

func TestCallsThatShareACommitFailOneByOne(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "ebb.db"))
	shared := note(0)
	require.NoError(t, s.Apply(t.Context(), put(shared)))
	a, b := *shared, *shared
	a.State, b.State = "a", "b"
	kinded := note(9)
	kinded.Kind, kinded.State, kinded.Due = "new_kind", "new_state", start
	var leased []store.Record
	errs := together(t, s,
		apply(t, s, put(note(1)), put(&a)),
		apply(t, s, put(note(2)), put(&b)),
		apply(t, s, put(note(3))),
		apply(t, s, put(note(3))),
		apply(t, s, put(kinded)),
		func() (err error) { leased, err = s.Claim(t.Context(), "new_kind", start, start.Add(1), 9); return err },
		func() error { stale := *kinded; stale.Version = 1; return s.Apply(t.Context(), put(&stale)) },
		apply(t, s, put(note(4))),
	)
	for i, want := range []error{nil, store.ErrConflict, nil, store.ErrConflict, nil, nil, store.ErrConflict, nil} {
		require.ErrorIs(t, errs[i], want, "call %d", i)
	}
	require.Len(t, leased, 1)
	require.EqualValues(t, 2, leased[0].Version)
	for n, there := range []bool{true, true, false, true, true} {
		_, err := s.Get(t.Context(), note(int64(n)).Key)
		require.Equal(t, there, err == nil, "note %d", n)
	}
	got, err := s.Get(t.Context(), shared.Key)
	require.NoError(t, err)
	require.Equal(t, "a", got.State)
	require.NoError(t, s.Close())
}

func TestReadersDoNotWaitForTheWriter(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "ebb.db"))
	for n := range 100 {
		require.NoError(t, s.Apply(t.Context(), put(note(int64(n)))))
	}
	release := sqlite.Hold(s, true)
	_, err := s.Get(t.Context(), note(7).Key)
	require.NoError(t, err)
	seen := 0
	for _, err := range s.Find(t.Context(), store.Query{Kind: "note"}) {
		require.NoError(t, err)
		seen++
	}
	require.Equal(t, 100, seen)
	release()
	require.NoError(t, s.Close())
}

func TestCallThatGaveUpWhileItWaitedNeverHappens(t *testing.T) {
	t.Parallel()
	s := openAt(t, filepath.Join(t.TempDir(), "ebb.db"))
	release := sqlite.Hold(s, false)
	ctx, cancel := context.WithCancel(t.Context())
	r := note(1)
	var wg sync.WaitGroup
	var err error
	wg.Go(func() { err = s.Apply(ctx, put(r)) })
	for sqlite.Waiting(s) == 0 {
		runtime.Gosched()
	}
	cancel()
	wg.Wait()
	require.ErrorIs(t, err, context.Canceled)
	// It is the caller's again.
	clear(r.Body)
	release()
	require.NoError(t, s.Apply(t.Context(), put(note(2))))
	_, err = s.Get(t.Context(), r.Key)
	require.ErrorIs(t, err, store.ErrNotFound)
	require.NoError(t, s.Close())
}

func TestFullDiskHalvesNothingAndIsNotForEver(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ebb.db")
	s := openAt(t, path)
	first := note(0)
	require.NoError(t, s.Apply(t.Context(), put(first)))
	require.NoError(t, sqlite.LimitPages(t.Context(), s, 60))

	large, small, mixed := note(1), note(2), note(3)
	large.Body = bytes.Repeat([]byte("x"), 1<<20)
	companion := note(4)
	companion.Body = large.Body
	changed := *first
	changed.State = "a state that was not there before"
	newKind := note(5)
	newKind.Kind, newKind.Body = "another", large.Body
	errs := together(t, s,
		apply(t, s, put(large)),
		apply(t, s, put(small)),
		apply(t, s, put(&changed), put(mixed), put(companion)),
		apply(t, s, put(newKind)),
	)
	for i, want := range []error{store.ErrFull, nil, store.ErrFull, store.ErrFull} {
		require.ErrorIs(t, errs[i], want, "call %d", i)
	}
	for _, absent := range []*store.Record{large, mixed, companion, newKind} {
		require.Zero(t, absent.Version)
		_, err := s.Get(t.Context(), absent.Key)
		require.ErrorIs(t, err, store.ErrNotFound)
	}
	got, err := s.Get(t.Context(), first.Key)
	require.NoError(t, err)
	require.Equal(t, "new", got.State)
	kinds, err := s.Kinds(t.Context())
	require.NoError(t, err)
	require.Equal(t, []store.Kind{"note"}, kinds)

	// Little by little until nothing fits any more, then room is made, and all is well again.
	n := int64(100)
	for ; ; n++ {
		r := note(n)
		r.Body = bytes.Repeat([]byte("y"), 1500)
		if err = s.Apply(t.Context(), put(r)); err != nil {
			break
		}
	}
	require.ErrorIs(t, err, store.ErrFull)
	for gone := int64(100); gone < n; gone++ {
		r := note(gone)
		r.Version = 1
		require.NoError(t, s.Apply(t.Context(), store.Change{Delete: r}))
	}
	again := note(n)
	require.NoError(t, s.Apply(t.Context(), put(again)))
	require.NoError(t, sqlite.LimitPages(t.Context(), s, 100_000))
	require.NoError(t, s.Apply(t.Context(), put(large), put(&changed), put(newKind)))
	got, err = s.Get(t.Context(), first.Key)
	require.NoError(t, err)
	require.Equal(t, changed.State, got.State)
	require.NoError(t, s.Close())
	s = openAt(t, path)
	got, err = s.Get(t.Context(), newKind.Key)
	require.NoError(t, err)
	require.Len(t, got.Body, 1<<20)
	require.NoError(t, s.Close())
}

func TestMoreTermsThanTheDictionaryTakes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ebb.db")
	s := openAt(t, path)
	var changes []store.Change
	const more = 300
	for n := range sqlite.MaxTerms/2 + more {
		r := note(int64(n))
		r.Category, r.State = fmt.Sprint("c", n), fmt.Sprint("s", n)
		changes = append(changes, put(r))
	}
	require.NoError(t, s.Apply(t.Context(), changes...))
	for range 2 {
		for _, n := range []int{0, 1, sqlite.MaxTerms/2 - 1, sqlite.MaxTerms / 2, sqlite.MaxTerms/2 + 1, sqlite.MaxTerms/2 + more - 1} {
			for _, q := range []store.Query{
				{Category: fmt.Sprint("c", n)}, {State: fmt.Sprint("s", n)}, {Category: fmt.Sprint("c", n), State: fmt.Sprint("s", n)},
			} {
				q.Kind = "note"
				seen := 0
				for r, err := range s.Find(t.Context(), q) {
					require.NoError(t, err)
					require.Equal(t, fmt.Sprint("c", n), r.Category)
					require.Equal(t, fmt.Sprint("s", n), r.State)
					seen++
				}
				require.Equal(t, 1, seen)
			}
		}
		require.NoError(t, s.Close())
		s = openAt(t, path)
	}
	require.NoError(t, s.Close())
}
