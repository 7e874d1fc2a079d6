package html

import (
	"context"
	"iter"
	"strconv"

	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/apps/internal/page"
)

type tableIn struct {
	Continue bool   `json:"continueWhenNoRes" param:"true" label:"Continue the execution of the route even if the module finds no matches"`
	HTML     string `json:"html" label:"HTML"`
	Table    int    `json:"table" label:"Table" default:"1" min:"1" help:"Which table of the page, counted from 1"`
	Headers  bool   `json:"headers" label:"The first row has the names of the columns" default:"true"`
}

var tables = cascadia.MustCompile("table")

// newTableParser makes HTMLTableParser2, which gives a bundle for each row of a table: "i" counts the rows, "columns" are the texts of
// the cells, and with headers each column stands under its name, too, else as "col1", "col2" and so on.
func newTableParser(config Config) connector.Module {
	info := connector.Info{
		Name: "HTMLTableParser2", Version: 1, Label: "Get content from HTML table", Description: "Reads a table of a page.", Pure: true,
		Output: []connector.Field{
			{Name: "i", Type: connector.TypeInteger, Label: "Order"},
			{Name: "columns", Type: connector.TypeArray, Label: "Columns", Fields: []connector.Field{{Type: connector.TypeText}}},
		},
	}
	return connector.NewSearch(info,
		func(ctx context.Context, _ *connector.Call, in tableIn) iter.Seq2[connector.Bundle, error] {
			return func(yield func(connector.Bundle, error) bool) {
				root, err := page.Parse(ctx, "html", in.HTML, config.MaxBytes)
				if err != nil {
					yield(connector.Bundle{}, err)
					return
				}
				rows := rowsOf(root, in.Table)
				var names []string
				if in.Headers && len(rows) > 0 {
					names, rows = cellsOf(rows[0]), rows[1:]
				}
				for i, row := range rows {
					if err := ctx.Err(); err != nil {
						yield(connector.Bundle{}, err)
						return
					}
					if !yield(rowBundle(i+1, names, cellsOf(row)), nil) {
						return
					}
				}
				if len(rows) == 0 && in.Continue {
					yield(connector.Bundle{}, nil)
				}
			}
		})
}

// rowsOf are the rows of the n-th table, without those of tables in it.
func rowsOf(root *html.Node, n int) []*html.Node {
	all := cascadia.QueryAll(root, tables)
	if n > len(all) {
		return nil
	}
	var rows []*html.Node
	for part := range all[n-1].ChildNodes() {
		if part.DataAtom == atom.Tr {
			rows = append(rows, part)
		}
		for row := range part.ChildNodes() {
			if row.DataAtom == atom.Tr && (part.DataAtom == atom.Thead || part.DataAtom == atom.Tbody || part.DataAtom == atom.Tfoot) {
				rows = append(rows, row)
			}
		}
	}
	return rows
}

func cellsOf(row *html.Node) []string {
	cells := []string{}
	for cell := range row.ChildNodes() {
		if cell.DataAtom == atom.Td || cell.DataAtom == atom.Th {
			cells = append(cells, words(cell))
		}
	}
	return cells
}

func rowBundle(i int, names, cells []string) connector.Bundle {
	b := connector.NewBundle("i", i, "columns", cells)
	for at, text := range cells {
		name := "col" + strconv.Itoa(at+1)
		if at < len(names) && names[at] != "" {
			name = names[at]
		}
		if _, taken := b.Lookup(name); !taken {
			b.Set(name, text)
		}
	}
	return b
}
