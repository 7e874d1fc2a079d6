package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Real exports are read without a problem that is none of theirs. The files that are not ok are wrong: modules that do not
// exist in apps that are known, functions that Make does not have, a module behind a router.
func TestRealBlueprintsHaveNoProblemsButTheirOwn(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "corpus", "blueprints", "*.json"))
	require.NoError(t, err)
	if len(files) == 0 {
		require.Empty(t, os.Getenv("CI"), "the corpus is there in CI")
		t.Skip("there is no corpus of blueprints beside the repository")
	}
	require.Len(t, files, 36)
	var out bytes.Buffer
	_, err = check(files, &out, lines)
	require.NoError(t, err)
	require.Equal(t, 31, bytes.Count(out.Bytes(), []byte(`"ok":true`)), out.String())
}
