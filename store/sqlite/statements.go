package sqlite

import (
	driver "zombiezen.com/go/sqlite"
)

// The parts of a row that an update may have to write, beside version, state, subjects and checksum, which stand in no
// index and are always written. Parts that stay as they are keep their places in the indexes.
const (
	partParent = 1 << iota
	partCreated
	partDue
	partPassive
	partBody
	allParts = partParent | partCreated | partDue | partPassive | partBody
)

// Statements are what the writer prepares for one kind, each when it is first needed.
type statements struct {
	conn *driver.Conn
	sql  *kindSQL

	look, insert, replaceBody, remove, putBody, removeBody, addSubject, removeSubject, scrubSubjects, due, lease, leaseDamaged *driver.Stmt

	updates [allParts + 1]*driver.Stmt
}

// get returns a statement from its place, and prepares it when it is not there.
func (s *statements) get(place **driver.Stmt, template string) (*driver.Stmt, error) {
	if *place == nil {
		stmt, err := s.conn.Prepare(s.sql.sql(template))
		if err != nil {
			return nil, err
		}
		*place = stmt
	}
	return *place, nil
}

// update returns the statement that writes some parts of a row. Its parameters have the same numbers whatever the parts.
func (s *statements) update(parts int) (*driver.Stmt, error) {
	if stmt := s.updates[parts]; stmt != nil {
		return stmt, nil
	}
	sql := "UPDATE {records} SET version = ?1, state = ?2, subjects = ?3, sum = ?4"
	for _, part := range []struct {
		part int
		sql  string
	}{
		{partParent, ", parent = ?5"}, {partCreated, ", category = ?6, created = ?7"}, {partDue, ", due = ?8"},
		{partPassive, ", passive = ?9"}, {partBody, ", body = ?10"},
	} {
		if parts&part.part != 0 {
			sql += part.sql
		}
	}
	return s.get(&s.updates[parts], sql+" WHERE n = ?11")
}
