package sqlite

import (
	"errors"
	"fmt"
)

// Most changes that replace a record give it a new body and nothing else. One statement does that without a look first: it
// finds the row only if everything but the body is as the record says, version and tenant included. Where it finds none,
// the change is either more than a new body or in conflict, and only a look can tell.

// errInPart says that a conflict was met after some changes of the same call had been made: the transaction has to begin
// again, and look first.
var errInPart = errors.New("in conflict after a part was written")

// replaces says that all changes give bodies to records that are there.
func (a applying) replaces() bool {
	for i := range a {
		if st := &a[i]; st.does != puts || st.Version == 0 || len(st.Body) > maxInline {
			return false
		}
	}
	return true
}

// replace gives records their new bodies, and returns how many of the changes it made.
func (a applying) replace(w *writer) (done int, err error) {
	for i := range a {
		replaced, err := a[i].replaceBody(w)
		if err != nil {
			return i, fmt.Errorf("%s %s: %w", a[i].Kind, a[i].ID, err)
		}
		if !replaced {
			return i, nil
		}
		w.erased++
	}
	return len(a), nil
}

// replaceBody writes version, body and checksum of a row that is otherwise as the record says.
func (st *step) replaceBody(w *writer) (bool, error) {
	if st.table = w.known(st.Kind); st.table == nil {
		return false, nil
	}
	stmt, err := st.table.get(&st.table.replaceBody, `UPDATE {records} SET version = ?1 + 1, sum = ?2, body = ?3
		WHERE id = ?4 AND version = ?1 AND tenant IS ?5 AND parent IS ?6 AND category IS ?7 AND state IS ?8
		AND created = ?9 AND due IS ?10 AND passive IS ?11 AND subjects IS ?12 AND body IS NOT NULL`)
	if err != nil {
		return false, err
	}
	stmt.BindInt64(1, st.Version)
	stmt.BindInt64(2, rowSum(st.fields, st.body))
	stmt.BindBytes(3, st.Body)
	stmt.BindBytes(4, st.id[:])
	bindName(stmt, 5, st.Tenant)
	bindName(stmt, 6, st.Parent)
	w.terms.bind(stmt, 7, st.Category)
	w.terms.bind(stmt, 8, st.State)
	stmt.BindInt64(9, st.Created.UnixNano())
	bindInstant(stmt, 10, st.Due)
	bindInstant(stmt, 11, st.Passive)
	bindSubjects(stmt, 12, st.Subjects)
	if err := exec(stmt); err != nil {
		return false, err
	}
	return w.conn.Changes() > 0, nil
}
