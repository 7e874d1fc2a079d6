package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/sqlite"
	"github.com/ebbkit/ebb/store/storetest"
)

func open(t *testing.T) store.Store {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "ebb.db"))
}

func openAt(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	require.NoError(t, err)
	return s
}

func TestStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, open)
}

func openIn(t *testing.T, dir string) store.Store {
	t.Helper()
	return openAt(t, filepath.Join(dir, "ebb.db"))
}

func TestStoreLasts(t *testing.T) {
	t.Parallel()
	storetest.Reopen(t, openIn)
}

func TestKilledProcessLosesNothingItWasPromised(t *testing.T) {
	t.Parallel()
	storetest.Crash(t, openIn, 8)
}
