package sqlite_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/sqlite"
)

// library fills a store with notes of all sizes, closes it, and returns what it has.
func library(t *testing.T, path string, n int) map[string]store.Record {
	t.Helper()
	s := openAt(t, path)
	all := map[string]store.Record{}
	for i := range n {
		r := note(int64(i))
		r.Parent, r.Subjects, r.Due = uuid(int64(i%7)), []string{fmt.Sprint("s", i%5)}, start
		r.Body = bytes.Repeat([]byte{byte(i)}, []int{10, 200, 1800, 5000, 30_000}[i%5])
		require.NoError(t, s.Apply(t.Context(), put(r)))
		all[r.ID] = *r
	}
	require.NoError(t, s.Close())
	return all
}

func TestDamagedRowIsThatRecordsError(t *testing.T) {
	t.Parallel()
	victim := note(3).Key
	at := fmt.Sprintf("WHERE id = x'%s'", strings.ReplaceAll(victim.ID, "-", ""))
	for name, sql := range map[string]string{
		"version":              "UPDATE r_note SET version = 0 " + at,
		"version's type":       "UPDATE r_note SET version = 'one' " + at,
		"another version":      "UPDATE r_note SET version = 2 " + at,
		"state":                "UPDATE r_note SET state = 1 " + at,
		"state not in terms":   "UPDATE r_note SET state = 99 " + at,
		"state's type":         "UPDATE r_note SET state = 1.5 " + at,
		"parent's length":      "UPDATE r_note SET parent = x'00ff' " + at,
		"parent's type":        "UPDATE r_note SET parent = 7 " + at,
		"tenantless":           "UPDATE r_note SET parent = NULL " + at,
		"created":              "UPDATE r_note SET created = created + 1 " + at,
		"due":                  "UPDATE r_note SET due = due - 1 " + at,
		"subjects cut":         "UPDATE r_note SET subjects = x'09' " + at,
		"subjects missing":     "UPDATE r_note SET subjects = NULL " + at,
		"subjects' type":       "UPDATE r_note SET subjects = 1 " + at,
		"checksum":             "UPDATE r_note SET sum = sum + 1 " + at,
		"checksum's type":      "UPDATE r_note SET sum = 'x' " + at,
		"text that is no text": "UPDATE r_note SET state = CAST(x'ff' AS TEXT) " + at,
		"body":                 "UPDATE b_note SET body = zeroblob(5000) WHERE n = (SELECT n FROM r_note " + at + ")",
		"body cut":             "UPDATE b_note SET body = substr(body, 2) WHERE n = (SELECT n FROM r_note " + at + ")",
		"no body":              "DELETE FROM b_note WHERE n = (SELECT n FROM r_note " + at + ")",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "ebb.db")
			all := library(t, path, 40)
			tamper(t, path, sql)
			s := openAt(t, path)
			_, err := s.Get(t.Context(), victim)
			require.ErrorIs(t, err, store.ErrCorrupt)
			require.ErrorContains(t, err, victim.ID)
			require.ErrorContains(t, err, "note")

			for _, q := range []store.Query{{}, {Reverse: true}, {Limit: 30}} {
				q.Kind = "note"
				seen, damaged := 0, 0
				for r, err := range s.Find(t.Context(), q) {
					if err != nil {
						require.ErrorIs(t, err, store.ErrCorrupt)
						require.ErrorContains(t, err, victim.ID)
						require.Equal(t, victim, r.Key)
						require.Nil(t, r.Body)
						damaged++
						continue
					}
					require.Equal(t, all[r.ID].Body, r.Body)
					seen++
				}
				if q.Limit == 0 {
					require.Equal(t, []int{39, 1}, []int{seen, damaged})
				}
			}

			// It holds up no claim, and is named when it alone is left.
			for _, limit := range []int{1, 20, 100} {
				leased, err := s.Claim(t.Context(), "note", start, start.Add(10), limit)
				require.NoError(t, err)
				require.Len(t, leased, map[int]int{1: 1, 20: 20, 100: 18}[limit])
			}
			leased, err := s.Claim(t.Context(), "note", start, start.Add(10), 5)
			require.Empty(t, leased)
			require.ErrorIs(t, err, store.ErrCorrupt)
			require.ErrorContains(t, err, victim.ID)
			leased, err = s.Claim(t.Context(), "note", start, start.Add(10), 5)
			require.NoError(t, err)
			require.Empty(t, leased)

			// Whoever knows its version, as Find told it, may remove it, and all that belongs to it.
			for r, err := range s.Find(t.Context(), store.Query{Kind: "note"}) {
				if err != nil && r.Version > 0 {
					require.NoError(t, s.Apply(t.Context(), store.Change{Delete: &r}))
					_, err = s.Get(t.Context(), victim)
					require.ErrorIs(t, err, store.ErrNotFound)
					for r, err := range s.Find(t.Context(), store.Query{Kind: "note", Subject: "s3"}) {
						require.NoError(t, err)
						require.NotEqual(t, victim.ID, r.ID)
					}
				}
			}
			require.NoError(t, s.Close())
		})
	}
}

// TestDamagedFileNeverLies overwrites bytes of the file at random. Whatever the store then says, it must not pass off
// damage as data, must not run for ever, and must not crash.
func TestDamagedFileNeverLies(t *testing.T) {
	t.Parallel()
	original := filepath.Join(t.TempDir(), "ebb.db")
	all := library(t, original, 120)
	content, err := os.ReadFile(original)
	require.NoError(t, err)
	good, bad := 0, 0
	for round := range 45 {
		random := rand.New(rand.NewPCG(uint64(round), 3))
		damaged := bytes.Clone(content)
		switch round % 3 {
		case 0: // some bytes
			for range 1 + random.IntN(40) {
				damaged[random.IntN(len(damaged))] ^= byte(1 + random.IntN(255))
			}
		case 1: // a page
			page := random.IntN(len(damaged)/sqlite.PageBytes) * sqlite.PageBytes
			for i := range sqlite.PageBytes {
				damaged[page+i] = byte(random.Uint32())
			}
		default: // one page in another's place
			from, to := random.IntN(len(damaged)/sqlite.PageBytes)*sqlite.PageBytes, random.IntN(len(damaged)/sqlite.PageBytes)*sqlite.PageBytes
			copy(damaged[to:to+sqlite.PageBytes], damaged[from:from+sqlite.PageBytes])
		}
		path := filepath.Join(t.TempDir(), "ebb.db")
		require.NoError(t, os.WriteFile(path, damaged, 0o600))
		s, err := sqlite.Open(t.Context(), path)
		if err != nil {
			bad++
			continue
		}
		for _, q := range []store.Query{{}, {Reverse: true}, {Parent: uuid(3)}, {Subject: "s2"}, {Category: "notes"}} {
			q.Kind = "note"
			yielded := 0
			for r, err := range s.Find(t.Context(), q) {
				if yielded++; yielded > 1000 {
					require.Fail(t, "a search without end", "round %d", round)
				}
				if err != nil {
					require.ErrorIs(t, err, store.ErrCorrupt, "round %d", round)
					bad++
					continue
				}
				good++
				require.True(t, bytes.Equal(all[r.ID].Body, r.Body), "round %d: a wrong body", round)
				require.Equal(t, all[r.ID].Parent, r.Parent, "round %d", round)
				require.Equal(t, all[r.ID].State, r.State, "round %d", round)
			}
		}
		for id, want := range all {
			r, err := s.Get(t.Context(), store.Key{Kind: "note", ID: id})
			if err == nil {
				require.True(t, bytes.Equal(want.Body, r.Body), "round %d: a wrong body", round)
				require.Equal(t, want.State, r.State, "round %d", round)
			} else if !errors.Is(err, store.ErrNotFound) {
				require.ErrorIs(t, err, store.ErrCorrupt, "round %d", round)
			}
		}
		leased, err := s.Claim(t.Context(), "note", start, start.Add(10), 1000)
		for _, r := range leased {
			require.True(t, bytes.Equal(all[r.ID].Body, r.Body), "round %d: a wrong body", round)
		}
		if err != nil {
			require.ErrorIs(t, err, store.ErrCorrupt, "round %d", round)
		}
		_, _ = s.Compact(t.Context())
		_ = s.Close()
	}
	t.Logf("%d good records, %d errors", good, bad)
	require.Greater(t, good, 3000)
	require.Greater(t, bad, 30)
}

// TestRecordsBesideADamagedPageAreFound destroys pages of large bodies only: nothing else may be lost.
func TestRecordsBesideADamagedPageAreFound(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ebb.db")
	all := library(t, path, 100)
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	// The body of 30 000 bytes of value 14 has pages that are full of it.
	for page := 0; page < len(content); page += sqlite.PageBytes {
		if bytes.Count(content[page:page+sqlite.PageBytes], []byte{14}) > sqlite.PageBytes-100 {
			for i := range 8 {
				content[page+i] = 0xff
			}
		}
	}
	require.NoError(t, os.WriteFile(path, content, 0o600))
	s := openAt(t, path)
	victim := note(14).Key
	for _, q := range []store.Query{{}, {Reverse: true}, {Category: "notes"}, {Parent: uuid(0)}, {Subject: "s4"}} {
		q.Kind = "note"
		want := 0
		for _, r := range all {
			if q.Matches(r) && r.ID != victim.ID {
				want++
			}
		}
		seen, damaged := 0, 0
		for r, err := range s.Find(t.Context(), q) {
			if err != nil {
				require.ErrorIs(t, err, store.ErrCorrupt)
				require.Equal(t, victim, r.Key)
				damaged++
				continue
			}
			require.True(t, bytes.Equal(all[r.ID].Body, r.Body))
			seen++
		}
		require.Equal(t, []int{want, 1}, []int{seen, damaged}, "%+v", q)
	}
	leased, err := s.Claim(t.Context(), "note", start, start.Add(10), 1000)
	require.NoError(t, err)
	require.Len(t, leased, 99)
	_, err = s.Claim(t.Context(), "note", start, start.Add(10), 1000)
	require.ErrorIs(t, err, store.ErrCorrupt)
	require.NoError(t, s.Close())
}
