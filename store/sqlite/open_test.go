package sqlite_test

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	driver "zombiezen.com/go/sqlite"

	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/sqlite"
)

// note returns a new record.
func note(n int64) *store.Record {
	return &store.Record{
		Key: store.Key{Kind: "note", ID: uuid(n)}, Category: "notes", State: "new", Created: start, Body: []byte("body"),
	}
}

func put(r *store.Record) store.Change { return store.Change{Put: r} }

// tamper runs statements on a file that no store holds.
func tamper(t *testing.T, path string, statements ...string) {
	t.Helper()
	conn, err := driver.OpenConn(path, driver.OpenReadWrite, driver.OpenCreate)
	require.NoError(t, err)
	for _, sql := range statements {
		stmt, _, err := conn.PrepareTransient(sql)
		require.NoError(t, err)
		for more := true; more; {
			more, err = stmt.Step()
			require.NoError(t, err)
		}
		require.NoError(t, stmt.Finalize())
	}
	require.NoError(t, conn.Close())
}

func TestSecondStoreOfAFileIsLockedOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "ebb.db")
	s := openAt(t, path)
	link := filepath.Join(dir, "link.db")
	require.NoError(t, os.Symlink(path, link))
	for range 3 {
		for _, name := range []string{path, link, dir + "/../" + filepath.Base(dir) + "/ebb.db"} {
			begun := time.Now()
			_, err := sqlite.Open(t.Context(), name)
			require.ErrorIs(t, err, store.ErrLocked, name)
			require.Less(t, time.Since(begun), 2*time.Second)
		}
		// The one that holds it notices nothing.
		require.NoError(t, s.Apply(t.Context(), put(note(time.Now().UnixNano()))))
	}
	require.NoError(t, s.Close())
	require.NoError(t, openAt(t, link).Close())
}

// lockedFile tells this binary to try to open the file of a store.
const lockedFile = "EBB_LOCKED_FILE"

func TestOtherProcessOpensTheFile(t *testing.T) {
	t.Parallel()
	path := os.Getenv(lockedFile)
	if path == "" {
		return // only the other process of TestOtherProcessIsLockedOut has something to do
	}
	s, err := sqlite.Open(t.Context(), path)
	require.ErrorIs(t, err, store.ErrLocked)
	require.Nil(t, s)
}

func TestOtherProcessIsLockedOut(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ebb.db")
	s := openAt(t, path)
	// A failed Open of our own must not loosen the lock.
	_, err := sqlite.Open(t.Context(), path)
	require.ErrorIs(t, err, store.ErrLocked)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOtherProcessOpensTheFile$", "-test.v")
	cmd.Env = append(os.Environ(), lockedFile+"="+path)
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, string(output))
	require.Contains(t, string(output), "--- PASS")
	require.NoError(t, s.Close())
}

func TestNewerFileIsRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ebb.db")
	s := openAt(t, path)
	require.NoError(t, s.Apply(t.Context(), put(note(1))))
	require.NoError(t, s.Close())
	tamper(t, path, "PRAGMA user_version = 2")
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	for range 2 {
		_, err = sqlite.Open(t.Context(), path)
		require.ErrorIs(t, err, store.ErrNewer)
		require.ErrorContains(t, err, "version 2")
	}
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, bytes.Equal(before, after))
	tamper(t, path, "PRAGMA user_version = 1")
	s = openAt(t, path)
	_, err = s.Get(t.Context(), note(1).Key)
	require.NoError(t, err)
	require.NoError(t, s.Close())
}

func TestForeignFileIsRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(path string){
		"text": func(path string) {
			require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("to do: "), 1000), 0o600))
		},
		"short": func(path string) { require.NoError(t, os.WriteFile(path, []byte("x"), 0o600)) },
		"another program's database": func(path string) {
			tamper(t, path, "CREATE TABLE customer (name)", "INSERT INTO customer VALUES ('Ada')")
		},
		"another program's empty database": func(path string) { tamper(t, path, "PRAGMA application_id = 77") },
		"a database with a version":        func(path string) { tamper(t, path, "PRAGMA user_version = 1") },
		"ours without a version":           func(path string) { tamper(t, path, "PRAGMA application_id = 1700946547") },
		"ours without a dictionary": func(path string) {
			tamper(t, path, "PRAGMA application_id = 1700946547", "PRAGMA user_version = 1")
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			write(path)
			before, err := os.ReadFile(path)
			require.NoError(t, err)
			_, err = sqlite.Open(t.Context(), path)
			require.ErrorIs(t, err, store.ErrCorrupt)
			require.ErrorContains(t, err, path)
			if name != "ours without a dictionary" {
				after, err := os.ReadFile(path)
				require.NoError(t, err)
				require.True(t, bytes.Equal(before, after))
			}
		})
	}
}

func TestEmptyFileBecomesAStore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ebb.db")
	// An empty database whose first page is already there, as a crash while a store was made may leave it.
	tamper(t, path, "PRAGMA journal_mode = WAL", "CREATE TABLE x (y)", "DROP TABLE x")
	s := openAt(t, path)
	mode, err := sqlite.Exec(t.Context(), s, "PRAGMA auto_vacuum")
	require.NoError(t, err)
	require.Equal(t, "2", mode)
	require.NoError(t, s.Apply(t.Context(), put(note(1))))
	require.NoError(t, s.Close())
	require.NoError(t, openAt(t, path).Close())
}

func TestFileIsTunedForDurabilityAndErasure(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ebb.db")
	s := openAt(t, path)
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "secure_delete": "1", "auto_vacuum": "2", "temp_store": "2",
		"application_id": "1700946547", "user_version": "1",
	} {
		got, err := sqlite.Exec(t.Context(), s, "PRAGMA "+pragma)
		require.NoError(t, err)
		require.Equal(t, want, got, pragma)
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode())
	require.NoError(t, s.Close())
	// A closed store leaves its file, and the empty one for the lock.
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 2)
}

func TestUnusablePathIsAClearError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	for path, want := range map[string]string{
		"":                                   "empty path",
		dir:                                  "is a directory",
		filepath.Join(dir, "no", "ebb.db"):   "no such file or directory",
		filepath.Join(dir, "file", "ebb.db"): "not a directory",
	} {
		_, err := sqlite.Open(t.Context(), path)
		require.ErrorContains(t, err, want)
	}
	_, err := sqlite.Open(t.Context(), filepath.Join(dir, "no", "ebb.db"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = sqlite.Open(ended, filepath.Join(dir, "ebb.db"))
	require.ErrorIs(t, err, context.Canceled)
	require.NoFileExists(t, filepath.Join(dir, "ebb.db"))
}
