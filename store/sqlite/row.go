package sqlite

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"time"
	"unicode/utf8"

	driver "zombiezen.com/go/sqlite"

	"github.com/ebbkit/ebb/store"
)

// maxInline is the largest body that stands in its record's row. A larger one has a row of its own in the kind's table of
// bodies, so that moving a lease does not rewrite it.
const maxInline = 2048

// The columns of a record's row, in the order in which every statement that reads one selects them.
const (
	colN = iota
	colID
	colVersion
	colTenant
	colParent
	colCategory
	colState
	colCreated
	colDue
	colPassive
	colSubjects
	colSum
	colBody
)

const columns = "r.n, r.id, r.version, r.tenant, r.parent, r.category, r.state, r.created, r.due, r.passive, r.subjects, r.sum"

// An ident is a UUID as its 16 bytes. Its order is that of the text form.
type ident [16]byte

// parse reads a canonical UUID; the text was validated.
func parse(id string) (u ident) {
	var digits [32]byte
	copy(digits[0:8], id[0:8])
	copy(digits[8:12], id[9:13])
	copy(digits[12:16], id[14:18])
	copy(digits[16:20], id[19:23])
	copy(digits[20:32], id[24:36])
	_, _ = hex.Decode(u[:], digits[:])
	return u
}

func (u ident) String() string {
	var text [36]byte
	hex.Encode(text[0:8], u[0:4])
	hex.Encode(text[9:13], u[4:6])
	hex.Encode(text[14:18], u[6:8])
	hex.Encode(text[19:23], u[8:10])
	hex.Encode(text[24:36], u[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}

// canonicalIdent returns the bytes of a text that is exactly what ident.String writes.
func canonicalIdent(text string) (ident, bool) {
	if len(text) != 36 {
		return ident{}, false
	}
	for i := range len(text) {
		c := text[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return ident{}, false
			}
		} else if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return ident{}, false
		}
	}
	return parse(text), true
}

// bindName binds a tenant or a parent: NULL when empty, 16 bytes when it is a UUID, or else its text.
func bindName(stmt *driver.Stmt, param int, text string) {
	if text == "" {
		stmt.BindNull(param)
	} else if u, ok := canonicalIdent(text); ok {
		stmt.BindBytes(param, u[:])
	} else {
		stmt.BindText(param, text)
	}
}

// bindInstant binds nanoseconds since 1970, NULL for the zero time.
func bindInstant(stmt *driver.Stmt, param int, at time.Time) {
	if at.IsZero() {
		stmt.BindNull(param)
	} else {
		stmt.BindInt64(param, at.UnixNano())
	}
}

func bindSubjects(stmt *driver.Stmt, param int, subjects []string) {
	if len(subjects) == 0 {
		stmt.BindNull(param)
		return
	}
	size := 0
	for _, s := range subjects {
		size += len(s) + 2
	}
	list := make([]byte, 0, size)
	for _, s := range subjects {
		list = binary.AppendUvarint(list, uint64(len(s)))
		list = append(list, s...)
	}
	stmt.BindBytes(param, list)
}

// corruption says what about a row is not as it was written. It never holds a value of the row.
type corruption string

func (c corruption) Error() string { return string(c) }

// unreadable names the record that cannot be read.
func unreadable(key store.Key, why error) error {
	return fmt.Errorf("%w: %s %s: %w", store.ErrCorrupt, key.Kind, key.ID, why)
}

func columnIdent(stmt *driver.Stmt, col int) (u ident, err error) {
	if stmt.ColumnType(col) != driver.TypeBlob || stmt.ColumnLen(col) != len(u) {
		return u, corruption("an id of another form")
	}
	stmt.ColumnBytes(col, u[:])
	return u, nil
}

func columnName(stmt *driver.Stmt, col int) (string, error) {
	switch stmt.ColumnType(col) {
	case driver.TypeNull:
		return "", nil
	case driver.TypeText:
		return columnText(stmt, col)
	case driver.TypeBlob:
		u, err := columnIdent(stmt, col)
		return u.String(), err
	}
	return "", corruption("a name of another type")
}

func columnText(stmt *driver.Stmt, col int) (string, error) {
	text := stmt.ColumnText(col)
	if text == "" || !utf8.ValidString(text) {
		return "", corruption("a text that is empty or not UTF-8")
	}
	return text, nil
}

func columnInstant(stmt *driver.Stmt, col int) (time.Time, error) {
	switch stmt.ColumnType(col) {
	case driver.TypeNull:
		return time.Time{}, nil
	case driver.TypeInteger:
		return time.Unix(0, stmt.ColumnInt64(col)).UTC(), nil
	}
	return time.Time{}, corruption("an instant of another type")
}

func columnSubjects(stmt *driver.Stmt, col int) ([]string, error) {
	switch stmt.ColumnType(col) {
	case driver.TypeNull:
		return nil, nil
	case driver.TypeBlob:
	default:
		return nil, corruption("subjects of another type")
	}
	list := make([]byte, stmt.ColumnLen(col))
	stmt.ColumnBytes(col, list)
	var subjects []string
	for len(list) > 0 {
		size, n := binary.Uvarint(list)
		if n <= 0 || size == 0 || size > uint64(len(list)-n) {
			return nil, corruption("subjects of another form")
		}
		subjects = append(subjects, string(list[n:n+int(size)]))
		list = list[n+int(size):]
	}
	if subjects == nil {
		return nil, corruption("subjects of another form")
	}
	return subjects, nil
}

// A row is a record as it stands in the file, with what a writer must know beyond the record's fields.
type row struct {
	store.Record
	n int64
	// bodySum is the checksum of the body as it was written.
	bodySum uint32
	// inline says that the body stands in the row.
	inline bool
	hasSum bool
	sum    int64
}

// readFields reads what the row has but the body. When something cannot be read, it returns the first reason, and the row
// has all that can be.
func readFields(stmt *driver.Stmt, kind store.Kind, terms *terms) (r row, err error) {
	r.Kind = kind
	note := func(e error) {
		if err == nil {
			err = e
		}
	}
	u, e := columnIdent(stmt, colID)
	note(e)
	r.ID = u.String()
	r.n = stmt.ColumnInt64(colN)
	if r.Version = stmt.ColumnInt64(colVersion); r.Version < 1 {
		note(corruption("a version less than 1"))
	}
	r.Tenant, e = columnName(stmt, colTenant)
	note(e)
	r.Parent, e = columnName(stmt, colParent)
	note(e)
	r.Category, e = terms.column(stmt, colCategory)
	note(e)
	r.State, e = terms.column(stmt, colState)
	note(e)
	r.Created, e = columnInstant(stmt, colCreated)
	note(e)
	r.Due, e = columnInstant(stmt, colDue)
	note(e)
	r.Passive, e = columnInstant(stmt, colPassive)
	note(e)
	r.Subjects, e = columnSubjects(stmt, colSubjects)
	note(e)
	r.hasSum = stmt.ColumnType(colSum) == driver.TypeInteger
	r.sum = stmt.ColumnInt64(colSum)
	r.bodySum = uint32(r.sum)
	return r, err
}

// readRow reads a row and proves its checksums; body says that the statement selects the body, too.
func readRow(stmt *driver.Stmt, kind store.Kind, terms *terms, body bool, scratch *[]byte) (row, error) {
	r, err := readFields(stmt, kind, terms)
	if err == nil && (!r.hasSum || uint32(r.sum>>32) != fieldSum(&r.Record, r.Version, scratch)) {
		err = corruption("fields that do not fit their checksum")
	}
	if err != nil || !body {
		return r, err
	}
	if stmt.ColumnType(colBody) != driver.TypeBlob {
		return r, corruption("no body")
	}
	if size := stmt.ColumnLen(colBody); size > 0 {
		r.Body = make([]byte, size)
		stmt.ColumnBytes(colBody, r.Body)
	}
	if bodySum(r.Body) != r.bodySum {
		r.Body = nil
		return r, corruption("a body that does not fit its checksum")
	}
	return r, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func bodySum(body []byte) uint32 { return crc32.Checksum(body, castagnoli) }

// fieldSum is the checksum of all fields but the body, of the record at a version. It is taken over what the fields mean,
// not over how the columns hold them, so it also shows a dictionary that gives other texts. The scratch memory is reused.
func fieldSum(r *store.Record, version int64, scratch *[]byte) uint32 {
	b := append((*scratch)[:0], r.ID...)
	b = binary.LittleEndian.AppendUint64(b, uint64(version))
	for _, at := range [...]time.Time{r.Created, r.Due, r.Passive} {
		if at.IsZero() {
			b = append(b, 0)
		} else {
			b = binary.LittleEndian.AppendUint64(append(b, 1), uint64(at.UnixNano()))
		}
	}
	for _, text := range [...]string{r.Tenant, r.Parent, r.Category, r.State} {
		b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
	}
	for _, text := range r.Subjects {
		b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
	}
	*scratch = b
	return crc32.Checksum(b, castagnoli)
}

// rowSum joins both checksums into the one column.
func rowSum(fields, body uint32) int64 { return int64(uint64(fields)<<32 | uint64(body)) }
