package sqlite

import (
	"context"
	"fmt"
	"slices"

	driver "zombiezen.com/go/sqlite"

	"github.com/ebbkit/ebb/store"
)

// Apply does all of the changes or none; see [store.Store]. It returns when they are on the disk. A context that ends
// while the changes are being committed does not cut that short.
func (s *Store) Apply(ctx context.Context, changes ...store.Change) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.calls.Done()
	if err := store.Validate(changes); err != nil || len(changes) == 0 {
		return err
	}
	steps := make(applying, len(changes))
	bytes := 0
	var scratch []byte
	for i := range changes {
		steps[i].prepare(&changes[i], &scratch)
		bytes += len(steps[i].Body)
	}
	if err := s.writer.queue.do(ctx, steps, bytes, false); err != nil {
		return err
	}
	for i := range steps {
		if st := &steps[i]; st.does == puts || st.does == touches {
			st.Version++
		}
	}
	return nil
}

// What a step does.
const (
	puts = iota
	touches
	deletes
	checks
)

// A step is one change, prepared as far as can be without the file, and then what the writer found under its key.
type step struct {
	// Record is the caller's. The writer only reads it.
	*store.Record
	does int
	id   ident
	// fields and body are the checksums of what will be written.
	fields, body uint32

	table *statements
	found bool
	// old is what was found. Nil for what is to be created.
	old *row
	// oldIsWhole says that all fields of the old row could be read.
	oldIsWhole bool
}

func (st *step) prepare(c *store.Change, scratch *[]byte) {
	switch {
	case c.Put != nil:
		st.Record, st.does = c.Put, puts
		st.body = bodySum(c.Put.Body)
	case c.Touch != nil:
		st.Record, st.does = c.Touch, touches
	case c.Delete != nil:
		st.Record, st.does = c.Delete, deletes
	default:
		st.Record, st.does = c.Check, checks
	}
	st.id = parse(st.ID)
	if st.does == puts || st.does == touches {
		st.fields = fieldSum(st.Record, st.Version+1, scratch)
	}
}

// Applying is the task of one Apply.
type applying []step

// do looks at all that the changes expect before it writes anything: so a conflict costs no rollback, and no other call
// that shares the transaction notices it. What is to be created needs no look: its insert finds out whether the key is
// taken, and comes before all that would be harder to take back. What is to be replaced is tried without a look, too.
func (a applying) do(w *writer) (outcome, broken error) {
	if w.careful || !a.replaces() {
		return a.change(w)
	}
	done, err := a.replace(w)
	if err != nil || done == len(a) {
		return nil, err
	}
	if outcome, broken = a[done:].change(w); outcome != nil && done > 0 {
		return nil, errInPart
	}
	return outcome, broken
}

// change makes changes after a look at what they expect.
func (a applying) change(w *writer) (outcome, broken error) {
	for i := range a {
		st := &a[i]
		if st.creates() {
			continue
		}
		if err := st.look(w); err != nil {
			return nil, fmt.Errorf("%s %s: %w", st.Kind, st.ID, err)
		}
		if !st.fits() {
			return st.conflict(), nil
		}
	}
	for i := range a {
		st := &a[i]
		if !st.creates() {
			continue
		}
		created, err := st.create(w)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", st.Kind, st.ID, err)
		}
		if !created {
			return st.conflict(), a[:i].uncreate(w)
		}
	}
	for i := range a {
		st := &a[i]
		if st.creates() {
			continue
		}
		if err := st.write(w); err != nil {
			return nil, fmt.Errorf("%s %s: %w", st.Kind, st.ID, err)
		}
	}
	return nil, nil
}

// creates says that the change makes a record that is not there yet.
func (st *step) creates() bool { return st.does == puts && st.Version == 0 }

// uncreate takes back what was created.
func (a applying) uncreate(w *writer) error {
	for i := range a {
		st := &a[i]
		if !st.creates() {
			continue
		}
		if err := st.look(w); err != nil {
			return fmt.Errorf("%s %s: %w", st.Kind, st.ID, err)
		}
		if err := st.remove(); err != nil {
			return fmt.Errorf("%s %s: %w", st.Kind, st.ID, err)
		}
	}
	return nil
}

// look reads what stands under the key.
func (st *step) look(w *writer) error {
	st.found = false
	if st.table = w.known(st.Kind); st.table == nil {
		return nil
	}
	stmt, err := st.table.get(&st.table.look, "SELECT {columns}, r.body IS NOT NULL FROM {records} AS r WHERE r.id = ?")
	if err != nil {
		return err
	}
	stmt.BindBytes(1, st.id[:])
	if st.found, err = stmt.Step(); err != nil {
		return err
	}
	if st.found {
		var old row
		old, err = readFields(stmt, st.Kind, w.terms)
		st.old, st.oldIsWhole = &old, err == nil
		st.old.inline = stmt.ColumnInt64(colBody) != 0
	}
	return stmt.Reset()
}

// fits reports whether what was found is what the change expects. A row that cannot be read whole may still be replaced
// or deleted by whoever knows its tenant and version.
func (st *step) fits() bool {
	if !st.found {
		return st.Version == 0
	}
	return st.Version == st.old.Version && st.Tenant == st.old.Tenant
}

func (st *step) conflict() error { return fmt.Errorf("%w: %s %s", store.ErrConflict, st.Kind, st.ID) }

func (st *step) write(w *writer) error {
	switch {
	case st.does == deletes:
		w.erased++
		return st.remove()
	case st.does == checks:
		return nil
	}
	w.erased++
	return st.update(w)
}

// learn puts the program's words into the dictionary, before a row refers to them.
func (st *step) learn(w *writer) error {
	if err := w.learn(st.Category); err != nil {
		return err
	}
	return w.learn(st.State)
}

// create inserts the record. It returns false, and has done nothing, when its key is taken.
func (st *step) create(w *writer) (created bool, err error) {
	if st.table, err = w.table(st.Kind); err != nil {
		return false, err
	}
	if err := st.learn(w); err != nil {
		return false, err
	}
	stmt, err := st.table.get(&st.table.insert, `INSERT INTO {records}
		(id, version, tenant, parent, category, state, created, due, passive, subjects, sum, body)
		VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`)
	if err != nil {
		return false, err
	}
	stmt.BindBytes(1, st.id[:])
	bindName(stmt, 2, st.Tenant)
	bindName(stmt, 3, st.Parent)
	w.terms.bind(stmt, 4, st.Category)
	w.terms.bind(stmt, 5, st.State)
	stmt.BindInt64(6, st.Created.UnixNano())
	bindInstant(stmt, 7, st.Due)
	bindInstant(stmt, 8, st.Passive)
	bindSubjects(stmt, 9, st.Subjects)
	stmt.BindInt64(10, rowSum(st.fields, st.body))
	if len(st.Body) <= maxInline {
		stmt.BindBytes(11, st.Body)
	} else {
		stmt.BindNull(11)
	}
	if err := exec(stmt); err != nil || w.conn.Changes() == 0 {
		return false, err
	}
	if len(st.Body) > maxInline {
		if err := st.putBody(w.conn.LastInsertRowID()); err != nil {
			return false, err
		}
	}
	return true, st.addSubjects()
}

// update writes what differs from the old row.
func (st *step) update(w *writer) error {
	if err := st.learn(w); err != nil {
		return err
	}
	parts := st.changedParts()
	stmt, err := st.table.update(parts)
	if err != nil {
		return err
	}
	body := st.body
	if st.does == touches {
		body = st.old.bodySum
	}
	stmt.BindInt64(1, st.Version+1)
	w.terms.bind(stmt, 2, st.State)
	bindSubjects(stmt, 3, st.Subjects)
	stmt.BindInt64(4, rowSum(st.fields, body))
	if parts&partParent != 0 {
		bindName(stmt, 5, st.Parent)
	}
	if parts&partCreated != 0 {
		w.terms.bind(stmt, 6, st.Category)
		stmt.BindInt64(7, st.Created.UnixNano())
	}
	if parts&partDue != 0 {
		bindInstant(stmt, 8, st.Due)
	}
	if parts&partPassive != 0 {
		bindInstant(stmt, 9, st.Passive)
	}
	large := st.does == puts && len(st.Body) > maxInline
	if parts&partBody != 0 {
		if large {
			stmt.BindNull(10)
		} else {
			stmt.BindBytes(10, st.Body)
		}
	}
	stmt.BindInt64(11, st.old.n)
	if err := exec(stmt); err != nil {
		return err
	}
	switch {
	case large:
		err = st.putBody(st.old.n)
	case st.does == puts && !st.old.inline:
		err = st.removeBody()
	}
	if err != nil || st.oldIsWhole && slices.Equal(st.Subjects, st.old.Subjects) {
		return err
	}
	if err := st.removeSubjects(); err != nil {
		return err
	}
	return st.addSubjects()
}

func (st *step) changedParts() (parts int) {
	if !st.oldIsWhole {
		parts = allParts &^ partBody
	}
	if st.Parent != st.old.Parent {
		parts |= partParent
	}
	if st.Category != st.old.Category || !st.Created.Equal(st.old.Created) {
		parts |= partCreated
	}
	if !st.Due.Equal(st.old.Due) {
		parts |= partDue
	}
	if !st.Passive.Equal(st.old.Passive) {
		parts |= partPassive
	}
	if st.does == puts && (st.old.inline || len(st.Body) <= maxInline) {
		parts |= partBody
	}
	return parts
}

func (st *step) remove() error {
	if !st.old.inline {
		if err := st.removeBody(); err != nil {
			return err
		}
	}
	if err := st.removeSubjects(); err != nil {
		return err
	}
	stmt, err := st.table.get(&st.table.remove, "DELETE FROM {records} WHERE n = ?")
	if err != nil {
		return err
	}
	stmt.BindInt64(1, st.old.n)
	return exec(stmt)
}

func (st *step) putBody(n int64) error {
	stmt, err := st.table.get(&st.table.putBody, "INSERT OR REPLACE INTO {bodies} (n, body) VALUES (?, ?)")
	if err != nil {
		return err
	}
	stmt.BindInt64(1, n)
	stmt.BindBytes(2, st.Body)
	err = exec(stmt)
	// The statement would hold on to up to 16 MiB until its next use.
	stmt.BindNull(2)
	return err
}

func (st *step) removeBody() error {
	stmt, err := st.table.get(&st.table.removeBody, "DELETE FROM {bodies} WHERE n = ?")
	if err != nil {
		return err
	}
	stmt.BindInt64(1, st.old.n)
	return exec(stmt)
}

func (st *step) addSubjects() error {
	return st.eachSubject(&st.table.addSubject, "INSERT OR IGNORE INTO {subjects} (subject, id) VALUES (?, ?)", st.Subjects)
}

// removeSubjects removes the old row's subjects. When the row does not tell any more which these were, it looks through
// all.
func (st *step) removeSubjects() error {
	if st.oldIsWhole {
		return st.eachSubject(&st.table.removeSubject, "DELETE FROM {subjects} WHERE subject = ? AND id = ?", st.old.Subjects)
	}
	stmt, err := st.table.get(&st.table.scrubSubjects, "DELETE FROM {subjects} WHERE id = ?")
	if err != nil {
		return err
	}
	stmt.BindBytes(1, st.id[:])
	return exec(stmt)
}

func (st *step) eachSubject(place **driver.Stmt, template string, subjects []string) error {
	if len(subjects) == 0 {
		return nil
	}
	stmt, err := st.table.get(place, template)
	if err != nil {
		return err
	}
	for _, subject := range subjects {
		stmt.BindText(1, subject)
		stmt.BindBytes(2, st.id[:])
		if err := exec(stmt); err != nil {
			return err
		}
	}
	return nil
}
