package sqlite_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/sqlite"
)

// ids returns the IDs of all notes, in order.
func ids(t *testing.T, s *sqlite.Store) (all []string) {
	t.Helper()
	for r, err := range s.Find(t.Context(), store.Query{Kind: "note"}) {
		require.NoError(t, err)
		all = append(all, r.ID)
	}
	return all
}

// A copy of the file alone would lack what is still in the log.
func TestBackupHasWhatWasAcknowledgedBeforeIt(t *testing.T) {
	t.Parallel()
	dir, to := t.TempDir(), t.TempDir()
	s := openAt(t, filepath.Join(dir, "ebb.db"))
	for n := range int64(100) {
		require.NoError(t, s.Apply(t.Context(), put(note(n))))
	}
	written := make(chan int64)
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		defer close(written)
		for n := int64(100); ctx.Err() == nil; n++ {
			if s.Apply(t.Context(), put(note(n))) != nil {
				return
			}
			select {
			case written <- n:
			case <-ctx.Done():
			}
		}
	}()
	before := <-written
	path := filepath.Join(to, "copy.db")
	done := make(chan error)
	go func() { done <- s.Backup(t.Context(), path) }()
	var err error
	for working := true; working; {
		select {
		case err = <-done:
			working = false
		case <-written: // writers get on meanwhile
		}
	}
	stop()
	for range written {
	}
	require.NoError(t, err)

	got := ids(t, openAt(t, path))
	require.GreaterOrEqual(t, len(got), int(before)+1)
	all := ids(t, s)
	require.Equal(t, all[:len(got)], got, "it is the store of one moment")
}

func TestBackupIsWholeOrNotThere(t *testing.T) {
	t.Parallel()
	dir, to := t.TempDir(), t.TempDir()
	s := openAt(t, filepath.Join(dir, "ebb.db"))
	require.NoError(t, s.Apply(t.Context(), put(note(1))))
	path := filepath.Join(to, "copy.db")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.Backup(ctx, path), context.Canceled)
	require.ErrorIs(t, s.Backup(t.Context(), filepath.Join(to, "none", "copy.db")), fs.ErrNotExist)
	left, err := os.ReadDir(to)
	require.NoError(t, err)
	require.Empty(t, left)

	require.NoError(t, s.Backup(t.Context(), path))
	info, err := os.Stat(path)
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	}
	first, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, s.Apply(t.Context(), put(note(2))))
	err = s.Backup(t.Context(), path)
	require.ErrorIs(t, err, fs.ErrExist)
	require.ErrorContains(t, err, "copy.db")
	again, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.ErrorIs(t, s.Backup(t.Context(), filepath.Join(dir, "ebb.db")), fs.ErrExist, "the store itself least of all")
	left, err = os.ReadDir(to)
	require.NoError(t, err)
	require.Len(t, left, 1)

	// A copy is a store like any other.
	copied := openAt(t, path)
	require.NoError(t, copied.Apply(t.Context(), put(note(2))))
	require.Len(t, ids(t, copied), 2)

	require.NoError(t, s.Close())
	require.ErrorIs(t, s.Backup(t.Context(), filepath.Join(to, "late.db")), store.ErrClosed)
}

// A backup of a large store is given up when its context ends, and leaves nothing.
func TestBackupStopsWithItsContext(t *testing.T) {
	t.Parallel()
	to := t.TempDir()
	s := openAt(t, filepath.Join(t.TempDir(), "ebb.db"))
	for n := range int64(8) {
		large := note(n)
		large.Body = make([]byte, 4<<20)
		require.NoError(t, s.Apply(t.Context(), put(large)))
	}
	for n := range 20 { // a machine that is busy may cancel too late
		name := fmt.Sprintf("copy%d.db", n)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Backup(ctx, filepath.Join(to, name)) }()
		for len(done) == 0 {
			if begun, err := filepath.Glob(filepath.Join(to, ".*")); err == nil && len(begun) > 0 {
				break
			}
			runtime.Gosched()
		}
		cancel()
		err := <-done
		if err == nil {
			continue
		}
		require.ErrorIs(t, err, context.Canceled)
		left, err := os.ReadDir(to)
		require.NoError(t, err)
		require.Len(t, left, n, "only what was done before")
		return
	}
	t.Fatal("no backup stopped")
}
