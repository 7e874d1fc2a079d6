package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// vacuumPages is how many pages one step of Compact gives back: about as much work as a large commit.
const vacuumPages = 512

// Compact gives the room of deleted records back to the file system and removes what is left of their bytes; see
// [store.Compacter]. It returns by how many bytes the files got smaller. Other calls go on between its steps; only while
// the last of the log is copied, readers wait. When something was changed or deleted since the last time, it looks through
// the whole file. A second Compact at the same time waits for the first.
func (s *Store) Compact(ctx context.Context) (freed int64, err error) {
	if err := s.begin(ctx); err != nil {
		return 0, err
	}
	defer s.calls.Done()
	select {
	case s.compacting <- struct{}{}:
		defer func() { <-s.compacting }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	before := s.size()
	err = s.compact(ctx)
	return max(0, before-s.size()), explain(ctx, err)
}

func (s *Store) compact(ctx context.Context) error {
	step := &vacuuming{left: 1}
	for step.left > 0 {
		if err := s.writer.queue.do(ctx, step, 0, true); err != nil {
			return err
		}
	}
	if err := s.scrub(ctx, step.erased); err != nil {
		return err
	}
	// Most of the log is copied while readers still read; then it takes but a moment to cut it off.
	if err := s.writer.queue.do(ctx, checkpointing("PASSIVE"), 0, true); err != nil {
		return err
	}
	all, err := s.readers.takeAll(ctx)
	if err != nil {
		return err
	}
	defer s.readers.putAll(all)
	return s.writer.queue.do(ctx, checkpointing("TRUNCATE"), 0, true)
}

// size is how many bytes the store's files have.
func (s *Store) size() (size int64) {
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(s.path + suffix); err == nil {
			size += info.Size()
		}
	}
	return size
}

// Vacuuming is the task of giving back some pages.
type vacuuming struct {
	// left is how many free pages there still are, erased how many erasures have been committed.
	left   int
	erased int64
}

func (v *vacuuming) do(w *writer) (outcome, broken error) {
	if outcome := run(w.conn, fmt.Sprintf("PRAGMA incremental_vacuum(%d)", vacuumPages)); outcome != nil {
		return outcome, nil
	}
	v.erased = w.erased
	v.left, outcome = number(w.conn, "PRAGMA freelist_count")
	return outcome, nil
}

// Checkpointing is the task of copying the log into the file, in one of the driver's modes.
type checkpointing string

func (c checkpointing) do(w *writer) (outcome, broken error) {
	// Nobody is to wait because a foreign program reads the file.
	w.conn.SetBusyTimeout(0)
	defer w.conn.SetBusyTimeout(busyTimeout)
	busy, err := query(w.conn, fmt.Sprintf("PRAGMA wal_checkpoint(%s)", string(c)))
	if err == nil && busy != "0" && c == "TRUNCATE" {
		err = errors.New("the log could not be cut off: another program reads the file")
	}
	return err, nil
}
