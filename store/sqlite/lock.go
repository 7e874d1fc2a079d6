package sqlite

import (
	"errors"
	"fmt"
	"os"

	driver "zombiezen.com/go/sqlite"

	"github.com/ebbkit/ebb/store"
)

// A lock keeps other stores, of this process or of another, away from a file as long as it is held. It is an empty
// database beside the file with an exclusive transaction that never ends: the driver then asks the operating system for a
// lock that dies with the process, on every system that it knows, and keeps count of the locks within a process. The
// file of records itself cannot be locked this way, for then its own readers would be shut out, too.
type lock struct {
	conn *driver.Conn
}

// acquire takes the lock of the file at path, at once or not at all.
func acquire(path string) (*lock, error) {
	path += "-lock"
	conn, err := driver.OpenConn(path, driver.OpenReadWrite, driver.OpenCreate)
	if err != nil {
		return nil, errors.Join(reason(path), err)
	}
	conn.SetBusyTimeout(0)
	if err := run(conn, "BEGIN EXCLUSIVE"); err != nil {
		_ = conn.Close()
		if code := primary(err); code == driver.ResultBusy || code == driver.ResultLocked {
			return nil, fmt.Errorf("%w: another store holds the file", store.ErrLocked)
		}
		return nil, err
	}
	return &lock{conn}, nil
}

func (l *lock) release() error {
	err := run(l.conn, "ROLLBACK")
	if e := l.conn.Close(); err == nil {
		err = e
	}
	return err
}

// reason asks the operating system why the driver could not open a file. It must not be called while a lock on the file
// may be held: closing a file drops the locks that the process has on it.
func reason(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}
