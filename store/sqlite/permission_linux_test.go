package sqlite_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/store/sqlite"
)

// asNobody runs f on a thread that may do on the file system only what everybody may, also when the test is root's.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		// The thread is not unlocked: it ends with the goroutine, and with its lack of rights.
		runtime.LockOSThread()
		if os.Geteuid() == 0 {
			_, _, errno := syscall.RawSyscall(syscall.SYS_SETFSUID, 65534, 0, 0)
			if errno != 0 {
				return
			}
		}
		f()
	}()
	<-done
}

func TestFileThatMayNotBeWrittenIsAClearError(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	require.NoError(t, os.Mkdir(dir, 0o755))
	path := filepath.Join(dir, "ebb.db")
	require.NoError(t, openAt(t, path).Close())

	// Nobody may write the folder: the files beside the store's cannot be made.
	require.NoError(t, os.Chmod(dir, 0o555))
	require.NoError(t, os.Remove(path+"-lock"))
	var err error
	asNobody(t, func() { _, err = sqlite.Open(t.Context(), path) })
	require.ErrorIs(t, err, fs.ErrPermission)
	require.ErrorContains(t, err, dir)

	// The folder may be written, the file may not.
	require.NoError(t, os.Chmod(dir, 0o777))
	require.NoError(t, os.Chmod(path, 0o444))
	asNobody(t, func() { _, err = sqlite.Open(t.Context(), path) })
	require.ErrorIs(t, err, fs.ErrPermission)
	require.ErrorContains(t, err, "ebb.db")

	require.NoError(t, os.Chmod(path, 0o600))
	require.NoError(t, os.RemoveAll(path+"-lock"))
	require.NoError(t, openAt(t, path).Close())
}
