package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	driver "zombiezen.com/go/sqlite"
)

// Backup writes a copy of the store, as it is at one moment during the call, to a new file at path, readable for its owner alone.
// The file appears whole or not at all, is on the disk when Backup returns nil, and is opened with Open. To restore it, put it where
// no -wal and -shm of another file are: what stands in such a log would be written over it. It has no room of deleted records, so
// it may be smaller than the original. Everybody else gets on meanwhile; the write-ahead log only grows until the copy
// is done.
//
// It returns an error that wraps fs.ErrExist, and changes nothing, when path exists, and store.ErrFull when there is no room for
// the copy. When its context ends it stops, and no file is left. A process that dies meanwhile may leave one beside path whose name
// begins with a dot and that of path.
func (s *Store) Backup(ctx context.Context, path string) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.calls.Done()
	if err := s.backup(ctx, path); err != nil {
		return fmt.Errorf("sqlite: back up to %q: %w", path, explain(ctx, err))
	}
	return nil
}

func (s *Store) backup(ctx context.Context, path string) (err error) {
	switch _, err := os.Lstat(path); {
	case err == nil:
		return fs.ErrExist
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	folder := filepath.Dir(path)
	file, err := os.CreateTemp(folder, "."+filepath.Base(path)+".*") // with mode 0600; SQLite takes an empty file for none
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	if err := s.copyTo(ctx, file.Name()); err != nil {
		return errors.Join(err, file.Close())
	}
	// SQLite does not promise that what VACUUM INTO has written is on the disk.
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	return syncFolder(folder)
}

// copyTo writes what is committed to an empty file. One transaction reads all of it, on a connection of its own, because it takes
// long.
func (s *Store) copyTo(ctx context.Context, path string) (err error) {
	conn, err := connect(s.path, driver.OpenReadOnly)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	conn.SetInterrupt(ctx.Done())
	stmt, _, err := conn.PrepareTransient("VACUUM INTO ?")
	if err != nil {
		return err
	}
	stmt.BindText(1, path)
	_, err = stmt.Step()
	return errors.Join(err, stmt.Finalize())
}

// syncFolder makes a new name in a folder safe on the medium. Windows has no such call.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
