package sqlite

import (
	"fmt"
	"strings"

	driver "zombiezen.com/go/sqlite"

	"github.com/ebbkit/ebb/store"
)

const (
	// applicationID marks the file as one of this store's: "ebbs" in the header's application ID.
	applicationID = 0x65626273
	// pageBytes is the size of the pages of new files. A commit writes every page that it touches to the log, whole, and one of
	// a few small records touches a page of every index: half a page of SQLite's usual 4096 bytes is half the log, and a tenth
	// more webhooks a second. Commits of hundreds of records would be as much faster with the larger pages, and bodies of
	// 700 to 2000 bytes, of which one fits on a page, would take a quarter less room. Files keep the size that they have.
	pageBytes = 2048
	// schemaVersion is what the file's user version counts. A file with a higher one is refused.
	schemaVersion = 1
)

// A kindSQL is the schema of one kind and the names in it. Records have rowid tables: a body of a few hundred bytes ruins
// a table that is ordered by ID. The prefixes keep the names of one kind apart from those of all others.
type kindSQL struct {
	kind store.Kind

	records, bodies, subjects                          string // tables
	byID, byParent, byTenant, byCreated, byDue, byGone string // indexes
	readWhole, readBare, from                          string // how statements begin that read records, with and without bodies
	whole, bare                                        string // statements that read one record
}

func newKindSQL(kind store.Kind) *kindSQL {
	k := string(kind)
	sql := &kindSQL{
		kind:    kind,
		records: "r_" + k, bodies: "b_" + k, subjects: "s_" + k,
		byID: "i_" + k, byParent: "p_" + k, byTenant: "t_" + k, byCreated: "c_" + k, byDue: "d_" + k, byGone: "g_" + k,
	}
	sql.readWhole = sql.sql("SELECT {columns}, {body}")
	sql.readBare = sql.sql("SELECT {columns}")
	sql.from = sql.sql(" FROM {records} AS r")
	sql.whole = sql.readWhole + sql.from + " WHERE r.id = ?"
	sql.bare = sql.readBare + sql.from + " WHERE r.id = ?"
	return sql
}

// sql fills a template with the kind's names.
func (k *kindSQL) sql(template string) string {
	return strings.NewReplacer(
		"{records}", k.records, "{bodies}", k.bodies, "{subjects}", k.subjects, "{columns}", columns,
		"{byID}", k.byID, "{byParent}", k.byParent, "{byTenant}", k.byTenant, "{byCreated}", k.byCreated, "{byDue}", k.byDue,
		"{byGone}", k.byGone,
		// A body that is not in its record's row is in the table of bodies.
		"{body}", "coalesce(r.body, (SELECT b.body FROM "+k.bodies+" AS b WHERE b.n = r.n))",
	).Replace(template)
}

// create returns the statements that make room for the kind. Every index but those by ID and by instant of creation is
// partial, so that a record pays only for the ways in that it has.
func (k *kindSQL) create() []string {
	var all []string
	for _, template := range []string{
		`CREATE TABLE {records} (n INTEGER PRIMARY KEY, id BLOB NOT NULL, version INTEGER NOT NULL, tenant, parent, category,
			state, created INTEGER NOT NULL, due INTEGER, passive INTEGER, subjects BLOB, sum INTEGER NOT NULL, body BLOB)`,
		`CREATE UNIQUE INDEX {byID} ON {records} (id)`,
		`CREATE INDEX {byParent} ON {records} (parent, id) WHERE parent IS NOT NULL`,
		`CREATE INDEX {byTenant} ON {records} (tenant, id) WHERE tenant IS NOT NULL`,
		`CREATE INDEX {byCreated} ON {records} (category, created) WHERE passive IS NULL`,
		`CREATE INDEX {byDue} ON {records} (due) WHERE due IS NOT NULL AND passive IS NULL`,
		`CREATE INDEX {byGone} ON {records} (category, passive) WHERE passive IS NOT NULL`,
		`CREATE TABLE {bodies} (n INTEGER PRIMARY KEY, body BLOB NOT NULL)`,
		`CREATE TABLE {subjects} (subject TEXT NOT NULL, id BLOB NOT NULL, PRIMARY KEY (subject, id)) WITHOUT ROWID`,
	} {
		all = append(all, k.sql(template))
	}
	return all
}

// run executes one statement that is not kept.
func run(conn *driver.Conn, sql string) error {
	_, err := query(conn, sql)
	return err
}

// query executes one statement that is not kept and returns the first column of its last row, empty without one.
func query(conn *driver.Conn, sql string) (value string, err error) {
	stmt, _, err := conn.PrepareTransient(sql)
	if err != nil {
		return "", err
	}
	defer func() {
		if e := stmt.Finalize(); err == nil {
			err = e
		}
	}()
	for {
		more, err := stmt.Step()
		if err != nil || !more {
			return value, err
		}
		value = stmt.ColumnText(0)
	}
}

// prepareFile makes a new file a store's, or checks that it is one.
func prepareFile(conn *driver.Conn) error {
	state, err := query(conn, `SELECT application_id || ' ' || user_version || ' ' || (SELECT count(*) FROM sqlite_schema)
		FROM pragma_application_id, pragma_user_version`)
	if err != nil {
		return err
	}
	var application, version, objects int64
	if _, err := fmt.Sscan(state, &application, &version, &objects); err != nil {
		return fmt.Errorf("header %q: %w", state, err)
	}
	switch {
	case application == 0 && version == 0 && objects == 0:
		return initFile(conn)
	case application != applicationID:
		return fmt.Errorf("%w: the file is a database of another program", store.ErrCorrupt)
	case version > schemaVersion:
		return fmt.Errorf("%w: the file has version %d, this program knows %d", store.ErrNewer, version, schemaVersion)
	case version < 1:
		return fmt.Errorf("%w: the file has no schema version", store.ErrCorrupt)
	}
	return journal(conn)
}

// initFile turns an empty file into an empty store. Until its last statement the file counts as empty, so a crash before
// that leaves nothing that the next Open has to mend.
func initFile(conn *driver.Conn) error {
	for _, sql := range []string{fmt.Sprintf("PRAGMA page_size = %d", pageBytes), "PRAGMA auto_vacuum = INCREMENTAL"} {
		if err := run(conn, sql); err != nil {
			return err
		}
	}
	// The pragma alone does nothing to a file that already has its first page.
	if mode, err := query(conn, "PRAGMA auto_vacuum"); err != nil {
		return err
	} else if mode != "2" {
		if err := run(conn, "VACUUM"); err != nil {
			return err
		}
	}
	if err := journal(conn); err != nil {
		return err
	}
	for _, sql := range []string{
		"BEGIN IMMEDIATE",
		"CREATE TABLE term (n INTEGER PRIMARY KEY, value TEXT NOT NULL UNIQUE)",
		fmt.Sprintf("PRAGMA application_id = %d", applicationID),
		fmt.Sprintf("PRAGMA user_version = %d", schemaVersion),
		"COMMIT",
	} {
		if err := run(conn, sql); err != nil {
			return err
		}
	}
	return nil
}

// journal switches to the write-ahead log.
func journal(conn *driver.Conn) error {
	mode, err := query(conn, "PRAGMA journal_mode = WAL")
	if err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("the file system allows no write-ahead log, only journal mode %q", mode)
	}
	return nil
}

// loadKinds returns the kinds that the file has room for.
func loadKinds(conn *driver.Conn) (map[store.Kind]*kindSQL, error) {
	stmt, err := conn.Prepare("SELECT substr(name, 3) FROM sqlite_schema WHERE type = 'table' AND name LIKE 'r\\_%' ESCAPE '\\'")
	if err != nil {
		return nil, err
	}
	kinds := map[store.Kind]*kindSQL{}
	for {
		more, err := stmt.Step()
		if err != nil || !more {
			return kinds, err
		}
		kind := store.Kind(stmt.ColumnText(0))
		if kind.Validate() != nil {
			return nil, fmt.Errorf("%w: a table of another program", store.ErrCorrupt)
		}
		kinds[kind] = newKindSQL(kind)
	}
}
