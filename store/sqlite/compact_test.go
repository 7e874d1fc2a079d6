package sqlite_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/sqlite"
)

// bytesBeside returns the content of all files of a folder.
func bytesBeside(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	files := map[string][]byte{}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		files[e.Name()] = content
	}
	return files
}

// TestDeletedBytesAreGone deletes and replaces records of all sizes, in an order that moves cells and pages about, and
// then looks for what they held in every byte of every file.
func TestDeletedBytesAreGone(t *testing.T) {
	t.Parallel()
	pattern := regexp.MustCompile("needle-[0-9a-f]{16}")
	for _, seed := range []uint64{8, rand.Uint64()} {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := openAt(t, filepath.Join(dir, "ebb.db"))
			random := rand.New(rand.NewPCG(seed, 1))
			var live []*store.Record
			needles := map[string]bool{} // true: still there
			fill := func(r *store.Record) {
				needle := fmt.Sprintf("needle-%016x", random.Uint64())
				size := []int{24, 100, 300, 700, 1500, 2048, 2049, 3500, 9000, 70_000}[random.IntN(10)]
				r.Body = bytes.Repeat([]byte(needle+"/"), size/24+1)[:size]
				r.Subjects = nil
				if random.IntN(3) == 0 {
					r.Subjects = []string{"subject-" + needle}
				}
				r.Parent = []string{"", uuid(int64(random.IntN(20))), "parent-" + needle}[random.IntN(3)]
				needles[needle] = true
			}
			needleOf := func(r *store.Record) string { return string(r.Body[:23]) }
			for range 1200 {
				if random.IntN(3) > 0 || len(live) < 50 {
					r := note(int64(random.Uint64() >> 24))
					fill(r)
					require.NoError(t, s.Apply(t.Context(), put(r)))
					live = append(live, r)
					continue
				}
				at := random.IntN(len(live))
				r := live[at]
				needles[needleOf(r)] = false
				if random.IntN(3) == 0 {
					fill(r)
					require.NoError(t, s.Apply(t.Context(), put(r)))
				} else {
					require.NoError(t, s.Apply(t.Context(), store.Change{Delete: r}))
					live = slices.Delete(live, at, at+1)
				}
			}
			_, err := s.Compact(t.Context())
			require.NoError(t, err)
			found := map[string]bool{}
			for name, content := range bytesBeside(t, dir) {
				left := 0
				for _, needle := range pattern.FindAll(content, -1) {
					found[string(needle)] = true
					if !needles[string(needle)] {
						left++
					}
				}
				require.Zero(t, left, "deleted bodies in %s", name)
			}
			for _, r := range live {
				require.True(t, found[needleOf(r)], "the scan misses what is there")
			}
			require.NoError(t, s.Close())
		})
	}
}

func TestFileShrinksAfterASweep(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ebb.db")
	s := openAt(t, path)
	size := func() int64 {
		info, err := os.Stat(path)
		require.NoError(t, err)
		return info.Size()
	}
	for n := range 400 {
		r := note(int64(n))
		r.Body = bytes.Repeat([]byte{byte(n)}, 50_000)
		require.NoError(t, s.Apply(t.Context(), put(r)))
	}
	_, err := s.Compact(t.Context())
	require.NoError(t, err)
	full := size()
	require.Greater(t, full, int64(400*50_000))
	for r, err := range s.Find(t.Context(), store.Query{Kind: "note", Category: "notes", CreatedBefore: start.Add(1), KeysOnly: true}) {
		require.NoError(t, err)
		if r.ID != note(399).ID {
			require.NoError(t, s.Apply(t.Context(), store.Change{Delete: &r}))
		}
	}
	freed, err := s.Compact(t.Context())
	require.NoError(t, err)
	require.Greater(t, freed, full*9/10)
	require.Less(t, size(), full/10)
	log, err := os.Stat(path + "-wal")
	require.NoError(t, err)
	require.Zero(t, log.Size())
	last, err := s.Get(t.Context(), note(399).Key)
	require.NoError(t, err)
	require.Len(t, last.Body, 50_000)
	require.NoError(t, s.Close())
}

func TestInterruptedCompactIsDoneByTheNext(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ebb.db")
	s := openAt(t, path)
	for n := range 100 {
		r := note(int64(n))
		r.Body = make([]byte, 100_000)
		require.NoError(t, s.Apply(t.Context(), put(r)))
		require.NoError(t, s.Apply(t.Context(), store.Change{Delete: r}))
	}
	release := sqlite.Hold(s, false)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Compact(ctx)
	require.ErrorIs(t, err, context.Canceled)
	release()
	freed, err := s.Compact(t.Context())
	require.NoError(t, err)
	require.Positive(t, freed)
	free, err := sqlite.Exec(t.Context(), s, "PRAGMA freelist_count")
	require.NoError(t, err)
	require.Equal(t, "0", free)
	require.NoError(t, s.Close())
}
