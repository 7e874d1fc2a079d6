package sqlite

import (
	"context"
	"encoding/binary"
	"strconv"

	driver "zombiezen.com/go/sqlite"
)

// The driver's secure_delete overwrites what is deleted where it stands. But when it spreads a page's records over its
// neighbours, it leaves copies of what it moved away in the page's unused part, and these outlive the records. Scrubbing
// overwrites the unused parts of all pages that hold records or index entries. It changes nothing that has a meaning, goes
// through transactions like every other change, and relies on the parts of the file format that its makers promise to
// keep (https://www.sqlite.org/fileformat2.html, sections 1.6 and 1.8).

const (
	// scrubPages is how many pages one step of the writer overwrites.
	scrubPages = 256
	// pendingByte is the offset of a page that is never used.
	pendingByte = 1 << 30
)

// A pageReader reads pages of the file through a connection, within one transaction.
type pageReader struct {
	conn *driver.Conn
	size int
	// number and page are the map page that was read last.
	number int
	page   []byte
}

// openPages starts to read pages. The caller has begun a transaction.
func openPages(conn *driver.Conn) (*pageReader, error) {
	size, err := number(conn, "PRAGMA page_size")
	return &pageReader{conn: conn, size: size}, err
}

func number(conn *driver.Conn, sql string) (int, error) {
	text, err := query(conn, sql)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(text)
}

// read returns a page; nil when the file has none of that number.
func (p *pageReader) read(number int) ([]byte, error) {
	stmt, err := p.conn.Prepare("SELECT data FROM sqlite_dbpage WHERE pgno = ?")
	if err != nil {
		return nil, err
	}
	stmt.BindInt64(1, int64(number))
	found, err := stmt.Step()
	if err != nil || !found {
		return nil, err
	}
	page := make([]byte, stmt.ColumnLen(0))
	stmt.ColumnBytes(0, page)
	if len(page) != p.size {
		page = nil
	}
	return page, stmt.Reset()
}

// perMap is how many pages follow a map page that tells what they are.
func (p *pageReader) perMap() int { return p.size / 5 }

// mapOf returns the number of the map page that tells what a page is.
func (p *pageReader) mapOf(number int) int {
	m := (number-2)/(p.perMap()+1)*(p.perMap()+1) + 2
	if m == pendingByte/p.size+1 {
		m++
	}
	return m
}

// isTree reports whether a page holds records or index entries.
func (p *pageReader) isTree(number int) (bool, error) {
	m := p.mapOf(number)
	if m >= number || number == pendingByte/p.size+1 {
		return false, nil
	}
	if p.number != m {
		page, err := p.read(m)
		if err != nil {
			return false, err
		}
		p.number, p.page = m, page
	}
	at := 5 * (number - m - 1)
	// 1 is the root of a tree, 5 any other page of one.
	return at < len(p.page) && (p.page[at] == 1 || p.page[at] == 5), nil
}

// scrub overwrites the unused parts of a page of a tree, and reports whether there was something in them. It leaves a
// page alone that is not as it should be.
func scrub(page []byte) (dirty bool) {
	if len(page) < 12 {
		return false
	}
	header := 0
	switch page[0] {
	case 10, 13: // leaves
		header = 8
	case 2, 5: // inner pages
		header = 12
	default:
		return false
	}
	pointers := header + 2*int(binary.BigEndian.Uint16(page[3:]))
	content := int(binary.BigEndian.Uint16(page[5:]))
	if content == 0 {
		content = 65536
	}
	if pointers > content || content > len(page) {
		return false
	}
	dirty = wipe(page[pointers:content])
	// A chain of free blocks, in rising order: next one, size, then nothing.
	for at := int(binary.BigEndian.Uint16(page[1:])); at != 0; {
		if at < content || at+4 > len(page) {
			return dirty
		}
		next, size := int(binary.BigEndian.Uint16(page[at:])), int(binary.BigEndian.Uint16(page[at+2:]))
		if size < 4 || at+size > len(page) || next != 0 && next < at+size {
			return dirty
		}
		dirty = wipe(page[at+4:at+size]) || dirty
		at = next
	}
	return dirty
}

func wipe(b []byte) (dirty bool) {
	for _, c := range b {
		if c != 0 {
			clear(b)
			return true
		}
	}
	return false
}

// scrub overwrites the unused parts of all pages, unless nothing was erased since it last did. Erased is the count of all
// that was erased before. Readers look for the pages, so that the writer has to do with those only that need it.
func (s *Store) scrub(ctx context.Context, erased int64) error {
	if s.scrubbed == erased {
		return nil
	}
	for from := 2; from > 0; {
		dirty, next, err := s.dirtyPages(ctx, from)
		if err != nil {
			return err
		}
		for len(dirty) > 0 {
			n := min(len(dirty), scrubPages)
			if err := s.writer.queue.do(ctx, scrubbing(dirty[:n]), 0, true); err != nil {
				return err
			}
			dirty = dirty[n:]
		}
		from = next
	}
	s.scrubbed = erased
	return nil
}

// dirtyPages looks through the pages that one map page tells of, the one with the given number, and returns the number of
// the next, 0 at the end.
func (s *Store) dirtyPages(ctx context.Context, from int) (dirty []int, next int, err error) {
	rd, err := s.readers.take(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer s.readers.put(rd)
	if err := run(rd.conn, "BEGIN"); err != nil {
		return nil, 0, err
	}
	defer func() {
		if e := run(rd.conn, "ROLLBACK"); err == nil {
			err = e
		}
	}()
	pages, err := openPages(rd.conn)
	if err != nil {
		return nil, 0, err
	}
	count, err := number(rd.conn, "PRAGMA page_count")
	if err != nil {
		return nil, 0, err
	}
	if next = from + pages.perMap() + 1; next > count {
		next = 0
	}
	for n := from + 1; n <= min(from+pages.perMap()+1, count); n++ {
		tree, err := pages.isTree(n)
		if err != nil {
			return nil, 0, err
		}
		if !tree {
			continue
		}
		page, err := pages.read(n)
		if err != nil {
			return nil, 0, err
		}
		if scrub(page) {
			dirty = append(dirty, n)
		}
	}
	return dirty, next, nil
}

// Scrubbing is the task of overwriting the unused parts of some pages.
type scrubbing []int

func (numbers scrubbing) do(w *writer) (outcome, broken error) {
	if err := exec(w.begin); err != nil {
		return err, nil
	}
	if err := numbers.overwrite(w); err != nil {
		w.undo()
		return err, nil
	}
	if err := exec(w.commit); err != nil {
		w.undo()
		return err, nil
	}
	return nil, nil
}

func (numbers scrubbing) overwrite(w *writer) error {
	pages, err := openPages(w.conn)
	if err != nil {
		return err
	}
	stmt, err := w.conn.Prepare("UPDATE sqlite_dbpage SET data = ? WHERE pgno = ?")
	if err != nil {
		return err
	}
	for _, n := range numbers {
		// It may have become another kind of page since a reader saw it.
		if tree, err := pages.isTree(n); err != nil {
			return err
		} else if !tree {
			continue
		}
		page, err := pages.read(n)
		if err != nil {
			return err
		}
		if !scrub(page) {
			continue
		}
		stmt.BindBytes(1, page)
		stmt.BindInt64(2, int64(n))
		if err := exec(stmt); err != nil {
			return err
		}
	}
	return nil
}
