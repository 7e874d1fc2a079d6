package expr_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine/internal/expr"
)

// corpus finds the collected blueprints beside the repository.
func corpus(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		require.NotEqual(t, dir, parent, "no repository root")
		dir = parent
	}
	folder := filepath.Join(filepath.Dir(dir), "shared", "corpus", "blueprints")
	if _, err := os.Stat(folder); err != nil {
		require.Empty(t, os.Getenv("CI"), "the corpus is missing")
		t.Skip("the corpus of blueprints is not here")
	}
	return folder
}

func TestRealBlueprintsCompile(t *testing.T) {
	t.Parallel()
	l := language(t, expr.Options{})
	// What people, or programs, wrote that Make itself would refuse.
	refused := map[string]string{
		"{{add(2.data.interaction_count, 1)}}":     `separated by ";"`,
		"{{toJSON(1)}}":                            "unknown function",
		"{{not(empty(5.calendars.primary.busy))}}": "unknown function",
		"{{empty(5.calendars.primary.busy)}}":      "unknown function",
	}
	templates, operators := 0, 0
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if name, ok := v["o"].(string); ok && v["a"] != nil {
				_, err := expr.ParseOperator(name)
				require.NoError(t, err)
				operators++
			}
			for _, field := range v {
				walk(field)
			}
		case []any:
			for _, item := range v {
				walk(item)
			}
		case string:
			if !strings.Contains(v, "{{") {
				return
			}
			templates++
			tpl, err := l.Compile(v, nil)
			if err != nil {
				for source, message := range refused {
					if strings.Contains(v, source) && strings.Contains(err.Error(), message) {
						return
					}
				}
				require.NoError(t, err, v)
			}
			_, err = tpl.Eval(newEnv())
			if err != nil {
				var failure *expr.RuntimeError
				require.ErrorAs(t, err, &failure, v)
			}
		}
	}
	require.NoError(t, filepath.WalkDir(corpus(t), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var v any
		if err := json.Unmarshal(data, &v); err != nil {
			return err
		}
		walk(v)
		return nil
	}))
	require.Greater(t, templates, 700)
	require.Greater(t, operators, 100)
}
