package sqlite

import (
	"context"
	"fmt"
)

// MaxTerms is how many texts the dictionary takes.
const MaxTerms = maxTerms

// PageBytes is the size of pages.
const PageBytes = pageBytes

// A func is a task for tests.
type funcTask func(w *writer) error

func (f funcTask) do(w *writer) (outcome, broken error) { return f(w), nil }

// Hold stops the writer until release is called: before it takes up a transaction, or inside of one.
func Hold(s *Store, inside bool) (release func()) {
	held, let, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		_ = s.writer.queue.do(context.Background(), funcTask(func(*writer) error {
			close(held)
			<-let
			return nil
		}), 0, !inside)
	}()
	<-held
	return func() {
		close(let)
		<-done
	}
}

// Waiting returns how many calls wait for the writer.
func Waiting(s *Store) int {
	q := s.writer.queue
	q.mu.Lock()
	defer q.mu.Unlock()

	return len(q.waiting)
}

// LimitPages lets the file grow to so many pages more and no further, as if the disk were full then. The log is not
// limited.
func LimitPages(ctx context.Context, s *Store, more int) error {
	return s.writer.queue.do(ctx, funcTask(func(w *writer) error {
		count, err := query(w.conn, "PRAGMA page_count")
		if err != nil {
			return err
		}
		var pages int
		if _, err := fmt.Sscan(count, &pages); err != nil {
			return err
		}
		_, err = query(w.conn, fmt.Sprintf("PRAGMA max_page_count = %d", pages+more))
		return err
	}), 0, true)
}

// Exec runs a statement on the writer's connection and returns its last value.
func Exec(ctx context.Context, s *Store, sql string) (value string, err error) {
	err = s.writer.queue.do(ctx, funcTask(func(w *writer) (err error) {
		value, err = query(w.conn, sql)
		return err
	}), 0, true)
	return value, err
}
