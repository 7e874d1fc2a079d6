package sqlite

import (
	"fmt"
	"strings"
	"time"

	driver "zombiezen.com/go/sqlite"

	"github.com/ebbkit/ebb/store"
)

// A selection is a statement that reads, in the making: its conditions with what is bound to them.
type selection struct {
	head, tail string
	where      []condition
	// ahead compares the ID with where the search stands.
	ahead string
}

// A condition is one term of a WHERE clause. Its bind may be nil.
type condition struct {
	sql  string
	bind func(stmt *driver.Stmt, param int, t *terms)
}

func (sel *selection) and(sql string, bind func(stmt *driver.Stmt, param int, t *terms)) {
	sel.where = append(sel.where, condition{sql, bind})
}

// from returns the selection of what lies behind an ID, in the direction of the search.
func (sel *selection) from(after string) *selection {
	if after == "" {
		return sel
	}
	behind := *sel
	id := parse(after)
	behind.where = append(sel.where[:len(sel.where):len(sel.where)], condition{sel.ahead, func(stmt *driver.Stmt, param int, _ *terms) {
		stmt.BindBytes(param, id[:])
	}})
	return &behind
}

// limited returns the selection of no more than n rows.
func (sel *selection) limited(n int) *selection {
	fewer := *sel
	fewer.where = append(sel.where[:len(sel.where):len(sel.where)], condition{"", func(stmt *driver.Stmt, param int, _ *terms) {
		stmt.BindInt64(param, int64(n))
	}})
	fewer.tail = sel.tail + " LIMIT ?"
	return &fewer
}

// prepare returns the statement with everything bound.
func (sel *selection) prepare(conn *driver.Conn, t *terms) (*driver.Stmt, error) {
	var sql strings.Builder
	sql.WriteString(sel.head)
	word := " WHERE "
	for _, c := range sel.where {
		if c.sql != "" {
			sql.WriteString(word)
			sql.WriteString(c.sql)
			word = " AND "
		}
	}
	sql.WriteString(sel.tail)
	stmt, err := conn.Prepare(sql.String())
	if err != nil {
		return nil, err
	}
	param := 0
	for _, c := range sel.where {
		if c.bind != nil {
			param++
			c.bind(stmt, param, t)
		}
	}
	return stmt, nil
}

func name(text string) func(*driver.Stmt, int, *terms) {
	return func(stmt *driver.Stmt, param int, _ *terms) { bindName(stmt, param, text) }
}

func term(text string) func(*driver.Stmt, int, *terms) {
	return func(stmt *driver.Stmt, param int, t *terms) { t.bind(stmt, param, text) }
}

func instant(at time.Time) func(*driver.Stmt, int, *terms) {
	return func(stmt *driver.Stmt, param int, _ *terms) { stmt.BindInt64(param, at.UnixNano()) }
}

// byIdent reads one record.
func (k *kindSQL) byIdent(body bool) string {
	if body {
		return k.whole
	}
	return k.bare
}

// pageOf selects records in the order of their IDs, along the index that leaves the fewest: by subject, parent, tenant,
// or all.
func pageOf(sql *kindSQL, q store.Query) *selection {
	sel := &selection{}
	read := sql.readWhole
	if q.KeysOnly {
		read = sql.readBare
	}
	id := sel.along(sql, q, read, false)
	sel.filter(q)
	sel.order(id, q.Reverse)
	return sel
}

// idsBehind selects the next few IDs along the index that pageOf takes, from the index alone.
func idsBehind(sql *kindSQL, q store.Query, after string) *selection {
	sel := &selection{}
	id := sel.along(sql, q, "SELECT ", true)
	sel.order(id, q.Reverse)
	return sel.from(after).limited(maxPage)
}

// along sets the head, and the condition that the index answers. It returns the column that has the ID; ids says that
// this is what is to be read.
func (sel *selection) along(sql *kindSQL, q store.Query, read string, ids bool) (id string) {
	id = "r.id"
	table := sql.from + " INDEXED BY "
	switch {
	case q.Subject != "" && ids:
		id, table = "s.id", " FROM "+sql.subjects+" AS s"
	case q.Subject != "":
		// CROSS JOIN fixes the order of the loops: first the subject, then its records.
		id, table = "s.id", " FROM "+sql.subjects+" AS s CROSS JOIN "+sql.records+" AS r ON r.id = s.id"
	case q.Parent != "":
		table += sql.byParent
		sel.and("r.parent = ?", name(q.Parent))
	case q.Tenant != "":
		table += sql.byTenant
		sel.and("r.tenant = ?", name(q.Tenant))
	default:
		table += sql.byID
	}
	if q.Subject != "" {
		sel.and("s.subject = ?", func(stmt *driver.Stmt, param int, _ *terms) { stmt.BindText(param, q.Subject) })
	}
	if ids {
		read += id
	}
	sel.head = read + table
	return id
}

// filter adds the conditions of the query but for those of Subject, Parent and Tenant that its index answers.
func (sel *selection) filter(q store.Query) {
	if q.Parent != "" && q.Subject != "" {
		sel.and("r.parent = ?", name(q.Parent))
	}
	switch {
	case q.AllTenants:
	case q.Tenant == "":
		sel.and("r.tenant IS NULL", nil)
	case q.Subject != "" || q.Parent != "":
		sel.and("r.tenant = ?", name(q.Tenant))
	}
	if q.Category != "" {
		sel.and("r.category = ?", term(q.Category))
	}
	if !q.CreatedBefore.IsZero() {
		sel.and("r.created < ?", instant(q.CreatedBefore))
	}
	sel.filterRest(q)
}

// filterRest adds the conditions that no index by ID answers.
func (sel *selection) filterRest(q store.Query) {
	if q.State != "" {
		sel.and("r.state = ?", term(q.State))
	}
	switch q.Visibility {
	case store.Active:
		sel.and("r.passive IS NULL", nil)
	case store.Passive:
		sel.and("r.passive IS NOT NULL", nil)
	}
	if !q.PassiveBefore.IsZero() {
		sel.and("r.passive < ?", instant(q.PassiveBefore))
	}
}

func (sel *selection) order(id string, reverse bool) {
	sel.tail, sel.ahead = " ORDER BY "+id, id+" > ?"
	if reverse {
		sel.tail, sel.ahead = sel.tail+" DESC", id+" < ?"
	}
}

// narrowCount counts the records that an index by instant leaves, up to one more than maxNarrow. It returns nil when the
// query gives such an index nothing to go by, or has a better one.
func narrowCount(sql *kindSQL, q store.Query) *selection {
	if q.Subject != "" || q.Parent != "" || q.Category == "" || q.Visibility == store.Everything {
		return nil
	}
	sel := &selection{}
	sel.narrow(sql, q, "SELECT count(*) FROM (SELECT 1")
	sel.tail = fmt.Sprintf(" LIMIT %d)", maxNarrow+1)
	return sel
}

// narrowIDs selects the IDs of all that match, along the index that narrowCount looked at.
func narrowIDs(sql *kindSQL, q store.Query) *selection {
	sel := &selection{}
	sel.narrow(sql, q, "SELECT r.id")
	switch {
	case q.AllTenants:
	case q.Tenant == "":
		sel.and("r.tenant IS NULL", nil)
	default:
		sel.and("r.tenant = ?", name(q.Tenant))
	}
	if q.State != "" {
		sel.and("r.state = ?", term(q.State))
	}
	if q.Visibility == store.Passive && !q.CreatedBefore.IsZero() {
		sel.and("r.created < ?", instant(q.CreatedBefore))
	}
	sel.order("r.id", q.Reverse)
	return sel.from(q.After)
}

func (sel *selection) narrow(sql *kindSQL, q store.Query, read string) {
	sel.head = read + sql.from + " INDEXED BY "
	if q.Visibility == store.Passive {
		sel.head += sql.byGone
		sel.and("r.passive IS NOT NULL", nil)
		if !q.PassiveBefore.IsZero() {
			sel.and("r.passive < ?", instant(q.PassiveBefore))
		}
	} else {
		sel.head += sql.byCreated
		sel.and("r.passive IS NULL", nil)
		if !q.CreatedBefore.IsZero() {
			sel.and("r.created < ?", instant(q.CreatedBefore))
		}
	}
	sel.and("r.category = ?", term(q.Category))
}
