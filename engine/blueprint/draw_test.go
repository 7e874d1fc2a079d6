package blueprint_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine/blueprint"
)

func draw(t testing.TB, text string, opts blueprint.DrawOptions) string {
	t.Helper()
	var out strings.Builder
	require.NoError(t, blueprint.Draw(&out, parse(t, text), opts))
	return out.String()
}

func TestPicturesOfFilesAreStable(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"order.json", "ifelse.json", "handwritten.json", "wrapped.json", "clipboard.json"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bp := parse(t, string(fixture(t, name)))
			var out strings.Builder
			problems := blueprint.Check(bp, whole)
			require.NoError(t, blueprint.Draw(&out, bp, blueprint.DrawOptions{Problems: problems, Unknown: blueprint.Unknown(bp, basics), Width: 90}))
			golden := filepath.Join("testdata", strings.TrimSuffix(name, ".json")+".picture.golden")
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(out.String()), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, strings.ReplaceAll(string(want), "\r\n", "\n"), out.String())
		})
	}
}

func TestProblemsStandAtTheirModules(t *testing.T) {
	t.Parallel()
	text := inFlow(hook + `,` + router(2, `{"module":"a:B","version":1,"mapper":{"x":1}}`, set(4, "x")))
	got := draw(t, text, blueprint.DrawOptions{Problems: []blueprint.Problem{
		{Module: 4, Field: "mapper.value", Column: 3, Code: "one", Message: "of a module"},
		{Field: "flow[1].routes[0].flow[0].mapper.x", Code: "two", Message: "of a module without an id"},
		{Field: "flow[1].routes[0].flow[0]", Code: "three", Message: "of all of it"},
		{Field: "metadata", Severity: blueprint.SeverityWarning, Code: "four", Message: "of the file"},
		{Module: 99, Code: "five", Message: "of a module that is not there"},
	}})
	require.Equal(t, `x
4 modules, 4 errors, 1 warning; dlq
! metadata: of the file (four)
✗ of a module that is not there (five)

● 1 gateway:CustomWebHook
◆ 2 builtin:BasicRouter
   ├─ route 0
   │  ● ? a:B
   │     ✗ mapper.x: of a module without an id (two)
   │     ✗ of all of it (three)
   └─ route 1
      ● 4 util:ComposeTransformer
         ✗ mapper.value, column 3: of a module (one)
`, got)
}

func TestConditionsAreReadAloud(t *testing.T) {
	t.Parallel()
	for conditions, want := range map[string]string{
		`[[{"a":"{{1.a}}","o":"exist"}]]`:                                                           "only if f: 1.a exists",
		`[[{"a":"{{ 1.a }}","o":"notexist","b":"x"}]]`:                                              "only if f: 1.a does not exist",
		`[[{"a":"{{1.a}}","b":"x"}]]`:                                                               `only if f: 1.a is "x"`,
		`[[{"a":"{{1.a}} {{1.b}}","o":"text:notcontain:ci","b":7}]]`:                                `only if f: "{{1.a}} {{1.b}}" does not contain 7 in any case`,
		`[[{"a":"5","o":"number:lessorequal","b":null}]]`:                                           "only if f: 5 ≤ nothing",
		`[[{"a":"{{now}}","o":"date:greaterorequal","b":"{{1.d}}"}]]`:                               "only if f: now is not earlier than 1.d",
		`[[{"a":"{{1.l}}","o":"array:greater","b":"2"}]]`:                                           "only if f: 1.l has more items than 2",
		`[[{"a":"{{1.a}}","o":"is","b":true}]]`:                                                     "only if f: 1.a is true",
		`[[{"a":"{{1.a}}","o":"exist"},{"a":"{{1.b}}","o":"exist"}],[{"a":"{{1.c}}","o":"exist"}]]`: "only if f: (1.a exists and 1.b exists) or 1.c exists",
		`[[]]`:                       "only if f: anything",
		`[]`:                         "always, as f",
		`"x"`:                        "only if f: conditions that cannot be read",
		`[[{"a":{"k":[1]},"b":""}]]`: `only if f: {"k":[1]} is ""`,
	} {
		got := draw(t, inFlow(hook+`,`+m(2, "a:B", `"filter":{"name":"f","conditions":`+conditions+`}`)), blueprint.DrawOptions{})
		require.Contains(t, got, "\n   "+want+"\n", conditions)
	}
}

func TestLongLinesAreBroken(t *testing.T) {
	t.Parallel()
	deep := set(99, "x")
	for id := range 12 {
		deep = router(90-id, deep)
	}
	text := inFlow(m(1, "a:B", `"metadata":{"designer":{"name":"`+strings.Repeat("漢字 ", 60)+strings.Repeat("W", 300)+`"}}`) + `,` + deep)
	for _, width := range []int{40, 80, 120} {
		for line := range strings.Lines(draw(t, text, blueprint.DrawOptions{Width: width})) {
			columns := 0
			for _, r := range strings.TrimSuffix(line, "\n") {
				if columns++; r == '漢' || r == '字' {
					columns++
				}
			}
			// What stands deep is given 20 columns of its own.
			require.LessOrEqual(t, columns, max(width, utf8.RuneCountInString(line)-len(strings.TrimLeft(line, " │"))+26), line)
		}
	}
	require.NotContains(t, draw(t, text, blueprint.DrawOptions{Width: 1}), strings.Repeat("W", 41))
}

func TestPicturesDoNothingToTheTerminal(t *testing.T) {
	t.Parallel()
	evil := `\u001b]0;owned\u0007\u202eabc\r\n\u009b31m`
	got := draw(t, `{"name":"`+evil+`","flow":[`+m(1, "a:B", `"filter":{"name":"`+evil+`"}`, `"metadata":{"designer":{"name":"`+evil+`"}}`,
		`"tools":[{"name":"`+evil+`"}]`)+`,`+ifElse(2, `{"type":"else","label":"`+evil+`","flow":[]}`)+`]}`, blueprint.DrawOptions{
		Problems: []blueprint.Problem{{Module: 1, Field: "\x1b[2J", Code: "\x1b[2J", Message: "\x1b[2J"}},
	})
	for _, r := range got {
		require.NotContains(t, "\x1b\a\r\u202e\u009b", string(r))
	}
	require.Contains(t, got, "abc")
}

type broken struct{}

var errFull = errors.New("full")

func (broken) Write([]byte) (int, error) { return 0, errFull }

func TestPictureThatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	require.ErrorIs(t, blueprint.Draw(broken{}, parse(t, inFlow(hook)), blueprint.DrawOptions{}), errFull)
}
