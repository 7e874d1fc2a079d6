package blueprint_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine/blueprint"
)

type documentedCode struct{ group, code, what string }

// documentedCodes reads the Code constants with their comments from problem.go.
func documentedCodes(t testing.TB) []documentedCode {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "problem.go", nil, parser.ParseComments)
	require.NoError(t, err)
	var all []documentedCode
	for _, declaration := range file.Decls {
		constants, ok := declaration.(*ast.GenDecl)
		if !ok || constants.Tok != token.CONST {
			continue
		}
		group := ""
		for _, spec := range constants.Specs {
			constant := spec.(*ast.ValueSpec) //nolint:forcetypeassert // a const declaration holds nothing else
			if !strings.HasPrefix(constant.Names[0].Name, "Code") {
				continue
			}
			if constant.Doc != nil {
				group = strings.TrimSuffix(strings.ReplaceAll(strings.TrimSpace(constant.Doc.Text()), "\n", " "), ".")
			}
			code, err := strconv.Unquote(constant.Values[0].(*ast.BasicLit).Value) //nolint:forcetypeassert // so the codes are written
			require.NoError(t, err)
			require.NotNil(t, constant.Comment, "%s says what it stands for", code)
			all = append(all, documentedCode{group, code, strings.TrimSpace(constant.Comment.Text())})
		}
	}
	require.Greater(t, len(all), 55)
	return all
}

func TestScenariosPageListsEveryCode(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	group := ""
	for _, c := range documentedCodes(t) {
		if c.group != group {
			group = c.group
			fmt.Fprintf(&table, "\n**%s**\n\n| code | what it says |\n|---|---|\n", group)
		}
		fmt.Fprintf(&table, "| `%s` | %s |\n", c.code, strings.ReplaceAll(c.what, "|", `\|`))
	}
	const begin, end = "<!-- codes: written by go test -run Scenarios -update -->\n", "\n<!-- end of codes -->"
	page, err := os.ReadFile("SCENARIOS.md")
	require.NoError(t, err)
	text := strings.ReplaceAll(string(page), "\r\n", "\n")
	before, rest, ok := strings.Cut(text, begin)
	require.True(t, ok)
	listed, after, ok := strings.Cut(rest, end)
	require.True(t, ok)
	if *update {
		require.NoError(t, os.WriteFile("SCENARIOS.md", []byte(before+begin+table.String()+end+after), 0o600))
		return
	}
	require.Equal(t, table.String(), listed)
}

func TestUnreadableFilesAreAProblemToo(t *testing.T) {
	t.Parallel()
	_, err := blueprint.Parse([]byte("{\n  x"))
	p := blueprint.Unreadable(err)
	require.Equal(t, blueprint.CodeUnreadable, p.Code)
	require.Equal(t, blueprint.SeverityError, p.Severity)
	require.Contains(t, p.Message, "line 2, column 3")
	require.Equal(t, blueprint.CodeUnreadable, blueprint.Unreadable(errors.New("x")).Code)
}
