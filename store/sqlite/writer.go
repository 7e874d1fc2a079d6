package sqlite

import (
	"context"
	"errors"
	"maps"

	driver "zombiezen.com/go/sqlite"

	"github.com/ebbkit/ebb/store"
)

const (
	// maxBatch and maxBatchBytes bound what one commit takes, so that nobody waits long for others.
	maxBatch      = 1024
	maxBatchBytes = 32 << 20
	// maxAttempts is how often a task may come across damage.
	maxAttempts = 3
)

// A writer is the one goroutine that writes, with its connection. It takes what waits in the queue, does it in one
// transaction, commits, and answers.
type writer struct {
	store *Store
	conn  *driver.Conn
	// beside is a second connection, made when it is first needed.
	beside *driver.Conn
	queue  *queue
	ended  chan struct{}

	// erased counts the updates and deletions, for Compact.
	erased int64

	begin, commit, rollback *driver.Stmt
	statements              map[store.Kind]*statements
	// kinds and terms are what the file has, with what the transaction adds; settled are the terms without that.
	kinds          map[store.Kind]*kindSQL
	terms, settled *terms

	// careful says that changes look before they write.
	careful bool

	// batch and outcomes are what the transaction is about; their memory is used again.
	batch    []*request
	outcomes []error
	scratch  []byte
}

func newWriter(s *Store, conn *driver.Conn) (_ *writer, err error) {
	w := &writer{
		store: s, conn: conn, queue: newQueue(), ended: make(chan struct{}),
		statements: map[store.Kind]*statements{}, kinds: *s.kinds.Load(), terms: s.terms.Load(), settled: s.terms.Load(),
	}
	if w.begin, err = conn.Prepare("BEGIN IMMEDIATE"); err != nil {
		return nil, err
	}
	if w.commit, err = conn.Prepare("COMMIT"); err != nil {
		return nil, err
	}
	if w.rollback, err = conn.Prepare("ROLLBACK"); err != nil {
		return nil, err
	}
	go w.work()
	return w, nil
}

// close ends the goroutine when the queue is empty.
func (w *writer) close() error {
	w.queue.close()
	<-w.ended
	var err error
	if w.beside != nil {
		err = w.beside.Close()
	}
	return errors.Join(err, w.conn.Close())
}

// aside returns a connection beside the writer's own, which reads what is damaged.
func (w *writer) aside() (conn *driver.Conn, err error) {
	if w.beside == nil {
		w.beside, err = connect(w.store.path, driver.OpenReadOnly)
	}
	return w.beside, err
}

func (w *writer) work() {
	defer close(w.ended)
	var batch []*request
	for w.queue.wait() {
		batch = w.queue.take(batch)
		for rest := batch; len(rest) > 0; {
			rest = rest[w.together(rest):]
		}
		// What was written is not to be held until the next call.
		clear(batch)
		clear(w.batch)
	}
}

// together does the first of the requests, as many as one commit takes, and returns how many these were.
func (w *writer) together(requests []*request) int {
	if requests[0].alone {
		if r := requests[0]; r.state.CompareAndSwap(waiting, taken) {
			outcome, broken := r.do(w)
			r.done <- explain(context.Background(), errors.Join(outcome, broken))
		}
		return 1
	}
	n, bytes := 0, 0
	w.batch, w.outcomes = w.batch[:0], w.outcomes[:0]
	for n < len(requests) && n < maxBatch && bytes < maxBatchBytes && !requests[n].alone {
		if r := requests[n]; r.state.CompareAndSwap(waiting, taken) {
			w.batch, w.outcomes = append(w.batch, r), append(w.outcomes, nil)
			bytes += r.bytes
		}
		n++
	}
	if len(w.batch) == 0 {
		return n
	}
	if broken := w.transact(w.batch, w.outcomes); primary(broken) == driver.ResultBusy {
		// A foreign program holds the file, and has done so for as long as one may wait.
		for i := range w.outcomes {
			w.outcomes[i] = explain(context.Background(), broken)
		}
	} else if broken != nil {
		// It may be the fault of one of them, of one that does not fit on the disk for example. Alone, each succeeds or
		// fails by itself.
		for i := range w.batch {
			w.outcomes[i] = explain(context.Background(), w.alone(i))
		}
	}
	for i, r := range w.batch {
		r.done <- w.outcomes[i]
	}
	return n
}

// alone does one request of the batch in a transaction of its own.
func (w *writer) alone(i int) (broken error) {
	// A task that comes across a damaged page goes round it at its next attempt, if there is a way.
	for range maxAttempts {
		if broken = w.transact(w.batch[i:i+1], w.outcomes[i:i+1]); broken == nil {
			return w.outcomes[i]
		}
		if primary(broken) != driver.ResultCorrupt {
			break
		}
	}
	return broken
}

// transact does the requests in one transaction. When it returns an error, nothing of it has happened.
func (w *writer) transact(batch []*request, outcomes []error) error {
	err := w.attempt(batch, outcomes)
	if errors.Is(err, errInPart) {
		w.careful = true
		err = w.attempt(batch, outcomes)
		w.careful = false
	}
	return err
}

// attempt is a transaction that may end with errInPart, unless the writer is careful.
func (w *writer) attempt(batch []*request, outcomes []error) error {
	if err := exec(w.begin); err != nil {
		return err
	}
	for i, r := range batch {
		var broken error
		if outcomes[i], broken = r.do(w); broken != nil {
			w.undo()
			return broken
		}
	}
	if err := exec(w.commit); err != nil {
		w.undo()
		return err
	}
	w.settled = w.terms
	if len(w.kinds) != len(*w.store.kinds.Load()) {
		kinds := w.kinds
		w.store.kinds.Store(&kinds)
	}
	return nil
}

// undo ends a transaction that is not to be, unless the driver has done so already.
func (w *writer) undo() {
	if !w.conn.AutocommitEnabled() {
		// Its error is of no use: a connection that cannot roll back fails at its next transaction, too.
		_ = exec(w.rollback)
	}
	known := *w.store.kinds.Load()
	for kind := range w.kinds {
		if known[kind] == nil {
			delete(w.statements, kind)
		}
	}
	w.kinds = known
	// Readers may keep the longer dictionary: no row refers to what it has more.
	w.terms = w.settled
	w.store.terms.Store(w.settled)
}

// table returns the statements of a kind, and makes room for the kind when there is none.
func (w *writer) table(kind store.Kind) (*statements, error) {
	if w.kinds[kind] == nil {
		sql := newKindSQL(kind)
		for _, create := range sql.create() {
			if err := run(w.conn, create); err != nil {
				return nil, err
			}
		}
		w.kinds = maps.Clone(w.kinds)
		w.kinds[kind] = sql
	}
	return w.known(kind), nil
}

// known returns the statements of a kind, nil when there is no room for it.
func (w *writer) known(kind store.Kind) *statements {
	if s := w.statements[kind]; s != nil {
		return s
	}
	sql := w.kinds[kind]
	if sql == nil {
		return nil
	}
	s := &statements{conn: w.conn, sql: sql}
	w.statements[kind] = s
	return s
}

// learn puts a text into the dictionary, if it is new and there is room.
func (w *writer) learn(text string) error {
	longer, ok := w.terms.with(text)
	if !ok {
		return nil
	}
	stmt, err := w.conn.Prepare("INSERT INTO term (n, value) VALUES (?, ?)")
	if err != nil {
		return err
	}
	stmt.BindInt64(1, int64(len(longer.texts)))
	stmt.BindText(2, text)
	if err := exec(stmt); err != nil {
		return err
	}
	// Published before the commit: whoever sees a row that refers to the text finds it.
	w.terms = longer
	w.store.terms.Store(longer)
	return nil
}

// exec runs a kept statement that returns no rows.
func exec(stmt *driver.Stmt) error {
	if _, err := stmt.Step(); err != nil {
		return err
	}
	return stmt.Reset()
}
