package blueprint_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine/blueprint"
)

func FuzzParse(f *testing.F) {
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
	} {
		f.Add([]byte(seed))
	}
	limits := blueprint.Limits{MaxBytes: 1 << 20, MaxDepth: 100, MaxModules: 500}
	f.Fuzz(func(t *testing.T, data []byte) {
		bp, err := limits.Parse(data)
		if err != nil {
			return
		}
		problems := blueprint.Check(bp, whole)
		require.Equal(t, problems, blueprint.Check(bp, whole), "checking changes nothing")

		out, err := blueprint.Marshal(bp)
		require.NoError(t, err)
		again, err := limits.Parse(out)
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
