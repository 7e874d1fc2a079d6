// Package sqlite keeps records in one SQLite file: the store for one process that must not forget.
//
// Concurrent calls of Apply and Claim share commits: one goroutine writes, and takes all calls that wait into one
// transaction. Each call still succeeds or fails by itself. A call that returned nil is on the disk: the write-ahead log
// is synchronised with every commit. Readers never wait for the writer.
//
// Deleted bytes are overwritten in the file as they go, and Compact takes them out of the log and gives the room back to
// the file system, in steps between which everybody else gets on. Every record has a checksum, so that a damaged one is
// told from a good one.
//
// What was committed lately stands in the write-ahead log beside the file, so a copy of the file alone that is made while a store
// is open lacks it, or all: make copies with [Store.Backup], of a running store too. Only after Close the file is the whole store.
//
// Tenants, parents and subjects are kept only as long as a record has them. Categories and states are words of the
// program, not of its users: the first few thousand different ones are kept in a dictionary for ever.
//
// # Figures
//
// The driver is zombiezen.com/go/sqlite, an interface straight to modernc.org/sqlite, which is SQLite in Go. It was chosen
// by measuring what this package does all the time: rows with a body of 200 bytes and four indexes, in transactions of 256.
// On two cores of an Intel Xeon at 2.1 GHz with Go 1.26 (CPU time in microseconds, best of five, files in memory):
//
//	                                    insert  look and update  insert alone  look
//	zombiezen.com/go/sqlite v1.4.2        14.8              9.3          48.4   6.1
//	modernc.org/sqlite, database/sql      18.1             15.6          57.2  11.5
//	github.com/ncruces/go-sqlite3 v0.34   24.8             15.8          74.7   6.9
//
// On the same machine, with ext4 on a virtual disk and other programs at work beside, 256 goroutines that each wait for
// their record wrote 33 000 to 47 000 records a second: 0.69 to 0.78 of what a bare loop gets out of the same table in
// transactions of 256, and 0.44 to 0.49 of what it gets out of a table with no index but that of the IDs. One goroutine
// alone waited 0.12 ms for a record, the bare loop 0.11 ms. Claims of a hundred at a time gave 77 000 records a second, Get
// took 12 µs; among a million records a sweep that finds nothing took 10 µs, and a parent's eight records 0.1 ms. The
// benchmarks are beside the code.
//
// Open one with [Open].
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	driver "zombiezen.com/go/sqlite"

	"github.com/ebbkit/ebb/store"
)

var (
	_ store.Store     = (*Store)(nil)
	_ store.Lister    = (*Store)(nil)
	_ store.Counter   = (*Store)(nil)
	_ store.Compacter = (*Store)(nil)
)

const (
	// busyTimeout is how long a call waits for a foreign program that has the file locked, a backup for example.
	busyTimeout = 5 * time.Second
	// checkpointPages is how far the write-ahead log grows before its pages are copied into the file: 16 MiB.
	checkpointPages = 16 << 20 / pageBytes
)

// A Store keeps records in one file. Any number of goroutines may use it at once. Make one with Open.
type Store struct {
	path    string
	lock    *lock
	writer  *writer
	readers *readers
	// kinds and terms are what all connections know of the file's schema and dictionary. What they point to never
	// changes; the writer replaces it.
	kinds atomic.Pointer[map[store.Kind]*kindSQL]
	terms atomic.Pointer[terms]
	// compacting is held by the one Compact that works; scrubbed is its own. It is the count of erasures that were done
	// with when it last scrubbed the file.
	compacting chan struct{}
	scrubbed   int64

	mu     sync.Mutex
	closed bool
	calls  sync.WaitGroup

	closing  sync.Once
	closeErr error
}

// Open opens the file at path and makes it, readable for its owner alone, when it is not there; its folder must be. Beside
// it the store keeps files of the same name that end in -wal, -shm and -lock.
//
// One store holds a file at a time: Open fails at once with store.ErrLocked while another does, in this process or in
// another. A process that dies holds nothing. Open fails with store.ErrNewer when a newer version of this package wrote
// the file, and with store.ErrCorrupt when it is damaged or another program's. The context bounds the opening alone.
func Open(ctx context.Context, path string) (*Store, error) {
	s, err := open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("sqlite: open %q: %w", path, explain(ctx, err))
	}
	return s, nil
}

func open(ctx context.Context, path string) (_ *Store, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if path, err = resolve(path); err != nil {
		return nil, err
	}
	held, err := acquire(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, held.release())
		}
	}()
	if err := makeFile(path); err != nil {
		return nil, err
	}
	conn, err := connect(path, driver.OpenReadWrite)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = conn.Close()
		}
	}()
	conn.SetInterrupt(ctx.Done())
	defer conn.SetInterrupt(nil)
	if err := prepareFile(conn); err != nil {
		return nil, err
	}
	for _, sql := range []string{
		// FULL synchronises the log with every commit; on systems where that means little, fullfsync means it.
		"PRAGMA synchronous = FULL", "PRAGMA fullfsync = ON", "PRAGMA checkpoint_fullfsync = ON",
		"PRAGMA secure_delete = ON",
		fmt.Sprintf("PRAGMA wal_autocheckpoint = %d", checkpointPages),
		"PRAGMA cache_size = -8192",
	} {
		if err := run(conn, sql); err != nil {
			return nil, err
		}
	}
	kinds, err := loadKinds(conn)
	if err != nil {
		return nil, err
	}
	dictionary, err := loadTerms(conn)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, lock: held, compacting: make(chan struct{}, 1), scrubbed: -1}
	s.kinds.Store(&kinds)
	s.terms.Store(dictionary)
	s.readers = newReaders(path)
	if s.writer, err = newWriter(s, conn); err != nil { //nolint:contextcheck // the writer outlives the opening
		return nil, err
	}
	return s, nil
}

// makeFile makes an empty file when there is none. That gives it its mode, and clearer errors than the driver's. The
// caller holds the lock: so nobody else in this process has the file open, and closing it drops nobody's locks.
func makeFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	// The driver takes what is shorter than its shortest page for an empty file, and would write over it; unless it left
	// that itself, with a journal that says so.
	if _, err := os.Stat(path + "-journal"); err != nil && info.Size() > 0 && info.Size() < 512 {
		return corruption("the file is too short for a database")
	}
	return nil
}

// resolve returns the one name of the file, so that two ways to it lead to the same lock.
func resolve(path string) (string, error) {
	if path == "" {
		return "", errors.New("empty path")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, os.ErrNotExist) {
		folder, err := filepath.EvalSymlinks(filepath.Dir(path))
		return filepath.Join(folder, filepath.Base(path)), err
	}
	return real, err
}

// connect opens one connection to the file.
func connect(path string, flags driver.OpenFlags) (*driver.Conn, error) {
	conn, err := driver.OpenConn(path, flags)
	if err != nil {
		return nil, err
	}
	conn.SetBusyTimeout(busyTimeout)
	for _, sql := range []string{"PRAGMA temp_store = MEMORY", "PRAGMA trusted_schema = OFF", "PRAGMA cell_size_check = ON"} {
		if err := run(conn, sql); err != nil {
			_ = conn.Close()
			return nil, err
		}
	}
	return conn, nil
}

// begin counts a call that Close has to wait for. The caller calls s.calls.Done when it returned nil.
func (s *Store) begin(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()

	if s.closed {
		return store.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.calls.Add(1)
	return nil
}

// Kinds returns every kind that ever had a record, sorted.
func (s *Store) Kinds(ctx context.Context) ([]store.Kind, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.calls.Done()
	var kinds []store.Kind
	for kind := range *s.kinds.Load() {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds, nil
}

// Count returns how many records of a kind there are; see [store.Counter].
func (s *Store) Count(ctx context.Context, kind store.Kind) (int64, error) {
	if err := kind.Validate(); err != nil {
		return 0, err
	}
	if err := s.begin(ctx); err != nil {
		return 0, err
	}
	defer s.calls.Done()
	sql := (*s.kinds.Load())[kind]
	if sql == nil {
		return 0, nil
	}
	rd, err := s.readers.take(ctx)
	if err != nil {
		return 0, err
	}
	defer s.readers.put(rd)
	if done := ctx.Done(); done != nil {
		rd.conn.SetInterrupt(done)
		defer rd.conn.SetInterrupt(nil)
	}
	n, err := number(rd.conn, "SELECT count(*) FROM "+sql.records)
	return int64(n), explain(ctx, err)
}

// Close waits for the calls under way, writes the log into the file, and closes it. A second Close does nothing.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		s.calls.Wait()
		// The writer's connection is the last one: it takes the log away.
		if err := errors.Join(s.readers.close(), s.writer.close(), s.lock.release()); err != nil {
			s.closeErr = fmt.Errorf("sqlite: close: %w", explain(context.Background(), err))
		}
	})
	return s.closeErr
}
