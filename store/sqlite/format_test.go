package sqlite_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/store"
)

var update = flag.Bool("update", false, "write golden files that are not there")

// archive are the records of the golden files: every form that a field can have in a row.
func archive() []*store.Record {
	var all []*store.Record
	for n, body := range [][]byte{nil, []byte("short"), bytes.Repeat([]byte("inline "), 250), bytes.Repeat([]byte("apart "), 1000)} {
		r := note(int64(n))
		r.Body = body
		all = append(all, r)
	}
	all[1].Tenant, all[1].Parent = "acme", "a parent"
	all[2].Tenant, all[2].Parent = uuid(77), uuid(78)
	all[2].Subjects = []string{"z", "a\x00", "é"}
	all[2].Category, all[2].State = "c\x00", ""
	all[3].Due, all[3].Passive = start.Add(1), start.Add(-1)
	return all
}

// TestFileOfVersion1StillOpens opens a file that the first version of this package wrote. Such files are only ever added.
func TestFileOfVersion1StillOpens(t *testing.T) {
	t.Parallel()
	golden := filepath.Join("testdata", "v1.sqlite")
	if _, err := os.Stat(golden); *update && err != nil {
		path := filepath.Join(t.TempDir(), "ebb.db")
		s := openAt(t, path)
		for _, r := range archive() {
			require.NoError(t, s.Apply(t.Context(), put(r)))
		}
		require.NoError(t, s.Close())
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(golden, content, 0o600))
	}
	content, err := os.ReadFile(golden)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "ebb.db")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	s := openAt(t, path)
	for _, want := range archive() {
		want.Version = 1
		got, err := s.Get(t.Context(), want.Key)
		require.NoError(t, err)
		require.Equal(t, *want, got)
		seen := 0
		q := store.Query{Kind: "note", Tenant: want.Tenant, Category: want.Category, State: want.State, Parent: want.Parent}
		q.Visibility = store.Everything
		for r, err := range s.Find(t.Context(), q) {
			require.NoError(t, err)
			if r.ID == want.ID {
				seen++
			}
		}
		require.Equal(t, 1, seen)
		require.NoError(t, s.Apply(t.Context(), put(want)))
	}
	require.NoError(t, s.Close())
}
