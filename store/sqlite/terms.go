package sqlite

import (
	"fmt"
	"maps"

	driver "zombiezen.com/go/sqlite"
)

// maxTerms is how many texts the dictionary takes. A program's categories and states are a few dozen; if somebody makes
// up new ones without end, the later ones stand in their rows as they are.
const maxTerms = 4096

// Terms is the dictionary of categories and states: in rows and indexes a number stands for the text. It only grows, and
// one value of it never changes: a longer one takes its place.
type terms struct {
	refs  map[string]int64
	texts []string // by ref - 1
}

// loadTerms reads the dictionary from the file.
func loadTerms(conn *driver.Conn) (*terms, error) {
	t := &terms{refs: map[string]int64{}}
	stmt, err := conn.Prepare("SELECT n, value FROM term ORDER BY n")
	if primary(err) == driver.ResultError {
		return nil, corruption("no dictionary")
	}
	if err != nil {
		return nil, err
	}
	for {
		more, err := stmt.Step()
		if err != nil {
			return nil, err
		}
		if !more {
			return t, nil
		}
		text, err := columnText(stmt, 1)
		if err != nil || stmt.ColumnInt64(0) != int64(len(t.texts)+1) {
			return nil, corruption("a dictionary of another form")
		}
		t.texts = append(t.texts, text)
		t.refs[text] = int64(len(t.texts))
	}
}

// with returns the dictionary that has the text, too, and whether it is another one than t. The caller writes the text
// into the file.
func (t *terms) with(text string) (*terms, bool) {
	if text == "" || len(t.texts) >= maxTerms {
		return t, false
	}
	if _, ok := t.refs[text]; ok {
		return t, false
	}
	longer := &terms{refs: maps.Clone(t.refs), texts: append(t.texts[:len(t.texts):len(t.texts)], text)}
	longer.refs[text] = int64(len(longer.texts))
	return longer, true
}

// bind binds a category or state: NULL when empty, its number, or its text when the dictionary does not have it.
func (t *terms) bind(stmt *driver.Stmt, param int, text string) {
	if text == "" {
		stmt.BindNull(param)
	} else if ref, ok := t.refs[text]; ok {
		stmt.BindInt64(param, ref)
	} else {
		stmt.BindText(param, text)
	}
}

// column reads what bind wrote.
func (t *terms) column(stmt *driver.Stmt, col int) (string, error) {
	switch stmt.ColumnType(col) {
	case driver.TypeNull:
		return "", nil
	case driver.TypeInteger:
		ref := stmt.ColumnInt64(col)
		if ref < 1 || ref > int64(len(t.texts)) {
			return "", corruption(fmt.Sprintf("a term %d that the dictionary lacks", ref))
		}
		return t.texts[ref-1], nil
	case driver.TypeText:
		return columnText(stmt, col)
	}
	return "", corruption("a term of another type")
}
