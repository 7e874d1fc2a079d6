package blueprint_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine/blueprint"
)

// seeds are the files in testdata and what is odd in ways of its own.
func seeds(f *testing.F) {
	f.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*.json"))
	require.NoError(f, err)
	require.NotEmpty(f, files)
	for _, file := range files {
		f.Add(fixture(f, filepath.Base(file)))
	}
	for _, seed := range []string{
		`{"flow":[{"id":1,"id":"2","module":"a:B","version":1e0,"mapper":{"\ud83d":"\ude00"}}]}`,
		`{"flow":[null,{"routes":[[1],{"flow":{}}],"branches":[{"type":1}],"outputs":[{"mappings":7}],"filters":[null,1]}]}`,
		`"{\"blueprint\":\"{\\\"flow\\\":[]}\"}"`,
		`{"flow":[{"id":1,"filter":{"conditions":[[{"a":"{{1.x}}"}],{}]},"flags":{"groupBy":[]},"parameters":{"feeder":1,"else":"x"}}]}`,
		`{"flow":[{"id":1,"module":"a:B","tools":[{"name":"\u001b[31m","flow":[{"id":2,"mapper":{"x":"{{1.y}}{{ ignore }}"},"tools":[{"flow":[null]}]}]}, 7]}]}`,
		`{"flow":[{"id":1,"module":"util:GetVariables","mapper":{"variables":["a",{"name":1}]},"metadata":{"expect":[{"name":"variables","type":"array","spec":{"type":"number","validate":{"max":1}}}]}}]}`,
		`{"flow":[{"id":1,"module":"builtin:BasicIfElse","branches":[{"type":"else","merge":true,"flow":[{"id":2}]}]},{"id":3,"module":"builtin:BasicMerge","outputs":[{"name":"a","mappings":["{{2.x}}"]}],"filters":[{"conditions":[[{"a":1,"o":"number:less","b":"x"}]]}]}]}`,
	} {
		f.Add([]byte(seed))
	}
}

var fuzzed = blueprint.Limits{MaxBytes: 1 << 20, MaxDepth: 100, MaxModules: 500}

// Whatever a file holds, what Check says of it is the same after the file was written and read again, each problem has a code that is
// documented and a place that there is, and the picture of it fits the terminal and leaves it alone.
func FuzzCheck(f *testing.F) {
	seeds(f)
	known := map[string]bool{"open-text": true, "open-island": true} // those of the tests' own language
	for _, c := range documentedCodes(f) {
		known[c.code] = true
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		bp, err := fuzzed.Parse(data)
		if err != nil {
			return
		}
		problems := blueprint.Check(bp, whole)
		ids := map[int]bool{0: true}
		for _, m := range bp.All() {
			ids[m.ID] = true
			for _, tool := range m.Tools() {
				inner := blueprint.Blueprint{Flow: tool.Flow}
				for _, m := range inner.All() {
					ids[m.ID] = true
				}
			}
		}
		for _, p := range problems {
			require.True(t, known[p.Code], p.Code)
			require.NotEmpty(t, p.Message)
			require.GreaterOrEqual(t, p.Column, 0)
			require.GreaterOrEqual(t, p.Module, 0)
			if len(ids) < 100 && !bytes.Contains(data, []byte(`"tools"`)) {
				require.True(t, ids[p.Module], "%v", p)
			}
		}
		out, err := blueprint.Marshal(bp)
		require.NoError(t, err)
		again, err := fuzzed.Parse(out)
		require.NoError(t, err)
		if bp.Envelope == nil {
			require.Equal(t, brief(unrepeated(problems)), brief(unrepeated(blueprint.Check(again, whole))))
		}

		var picture strings.Builder
		require.NoError(t, blueprint.Draw(&picture, bp, blueprint.DrawOptions{Problems: problems, Unknown: blueprint.Unknown(bp, basics)}))
		require.True(t, utf8.ValidString(picture.String()))
		require.NotContains(t, strings.Map(func(r rune) rune {
			if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
				return '!'
			}
			return ' '
		}, picture.String()), "!")
		for _, p := range problems {
			require.Contains(t, picture.String(), p.Code, "every problem is in the picture")
		}
	})
}

// unrepeated leaves out that names stand twice, which ends when the file is written.
func unrepeated(problems []blueprint.Problem) []blueprint.Problem {
	return slices.DeleteFunc(slices.Clone(problems), func(p blueprint.Problem) bool { return p.Code == blueprint.CodeDuplicateKey })
}

func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		bp, err := fuzzed.Parse(data)
		if err != nil {
			return
		}
		problems := blueprint.Check(bp, whole)
		require.Equal(t, problems, blueprint.Check(bp, whole), "checking changes nothing")

		out, err := blueprint.Marshal(bp)
		require.NoError(t, err)
		again, err := fuzzed.Parse(out)
		require.NoError(t, err)
		stable, err := blueprint.Marshal(again)
		require.NoError(t, err)
		require.Equal(t, string(out), string(stable))

		// Unless something stood around it, it must mean to another JSON reader what it meant before.
		if before, plain := readJSON(t, data); plain {
			after, _ := readJSON(t, out)
			require.Equal(t, before, after)
		}
		bp.SetSettings(bp.Settings())
		for place, m := range bp.All() {
			_, _, _, _ = place.Path(), place.Disabled(), m.Title(), m.Kind()
			_, _, _ = m.MapperFields(), m.ParameterFields(), m.OutputFields()
		}
		_, _, _ = bp.Schedule(), bp.Inputs(), bp.Outputs()
	})
}

// readJSON reads with encoding/json, and reports whether it is an object with a flow.
func readJSON(t *testing.T, data []byte) (any, bool) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	d.UseNumber()
	var value any
	require.NoError(t, d.Decode(&value))
	object, _ := value.(map[string]any)
	_, plain := object["flow"]
	return value, plain
}
