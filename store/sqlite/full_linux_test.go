package sqlite_test

import (
	"bytes"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/store"
)

// TestFullFileSystemHalvesNothingAndIsNotForEver fills a real file system, small and in memory, where it may make one.
func TestFullFileSystemHalvesNothingAndIsNotForEver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=3m"); err != nil {
		t.Skip("needs the right to mount a file system:", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, 0)) })
	path := filepath.Join(dir, "ebb.db")
	s := openAt(t, path)
	pair := func(n int64) (a, b *store.Record) {
		a, b = note(2*n), note(2*n+1)
		a.Body, b.Body = bytes.Repeat([]byte{byte(n)}, 20_000), bytes.Repeat([]byte{byte(n)}, 1000)
		return a, b
	}
	written := int64(0)
	for ; ; written++ {
		require.Less(t, written, int64(1000))
		a, b := pair(written)
		if err := s.Apply(t.Context(), put(a), put(b)); err != nil {
			require.ErrorIs(t, err, store.ErrFull)
			break
		}
	}
	require.Positive(t, written)
	whole := func() {
		t.Helper()
		seen := int64(0)
		for r, err := range s.Find(t.Context(), store.Query{Kind: "note"}) {
			require.NoError(t, err)
			a, b := pair(seen / 2)
			want := []*store.Record{a, b}[seen%2]
			require.Equal(t, want.ID, r.ID)
			require.True(t, bytes.Equal(want.Body, r.Body))
			seen++
		}
		require.Equal(t, 2*written, seen)
	}
	whole()
	a, b := pair(written)
	for range 3 {
		require.ErrorIs(t, s.Apply(t.Context(), put(a), put(b)), store.ErrFull)
	}
	whole()

	// Somebody makes room.
	require.NoError(t, syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=20m"))
	require.NoError(t, s.Apply(t.Context(), put(a), put(b)))
	written++
	whole()
	require.NoError(t, s.Close())
	s = openAt(t, path)
	whole()
	require.NoError(t, s.Close())
}
