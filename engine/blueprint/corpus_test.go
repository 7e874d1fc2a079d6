package blueprint_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine/blueprint"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// shared returns a folder of the material that lies beside the repository, and skips the test when it is not there.
func shared(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		require.NotEqual(t, parent, dir, "no go.work above the package")
		dir = parent
	}
	folder := filepath.Join(dir, "..", "shared", name)
	if _, err := os.Stat(folder); err != nil {
		require.NotEqual(t, "true", os.Getenv("CI"), "%s is missing", folder)
		t.Skipf("%s is not there", name)
	}
	return folder
}

func corpus(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(shared(t, "corpus"), "blueprints", "*.json"))
	require.NoError(t, err)
	require.Len(t, files, 36)
	return files
}

// canonical writes JSON in one form that keeps the order of fields and the text of numbers, with a decoder that is not ours.
func canonical(t testing.TB, data []byte) string {
	t.Helper()
	var out strings.Builder
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err == io.EOF {
			return out.String()
		}
		require.NoError(t, err)
		fmt.Fprintf(&out, "%T %q\n", token, fmt.Sprint(token))
	}
}

func TestCorpusSurvivesRoundTrip(t *testing.T) {
	t.Parallel()
	for _, file := range corpus(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			bp, err := blueprint.Parse(data)
			require.NoError(t, err)
			out, err := blueprint.Marshal(bp)
			require.NoError(t, err)
			require.Equal(t, canonical(t, data), canonical(t, out))
			again, err := json.Marshal(bp)
			require.NoError(t, err)
			require.JSONEq(t, string(data), string(again))
		})
	}
}

func TestCorpusHasAsManyModulesAsItsManifestSays(t *testing.T) {
	t.Parallel()
	manifest, err := os.ReadFile(filepath.Join(shared(t, "corpus"), "manifest.tsv"))
	require.NoError(t, err)
	want := map[string]int{}
	for line := range strings.Lines(string(manifest)) {
		columns := strings.Split(strings.TrimSpace(line), "\t")
		want[columns[0]], _ = strconv.Atoi(columns[5])
	}
	for _, file := range corpus(t) {
		bp := parseFile(t, file)
		n := 0
		for range bp.All() {
			n++
		}
		require.Equal(t, want[filepath.Base(file)], n, filepath.Base(file))
	}
}

// TestCorpusHasOnlyTheProblemsThatAreThere compares with a list of which every line was looked at and is a fault of the file.
func TestCorpusHasOnlyTheProblemsThatAreThere(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, file := range corpus(t) {
		bp := parseFile(t, file)
		problems := blueprint.Check(bp, blueprint.CheckOptions{Language: lexer{}, Catalog: basics})
		fmt.Fprintf(&got, "%s: %v\n", filepath.Base(file), blueprint.OK(problems))
		for _, p := range problems {
			fmt.Fprintf(&got, "\t%s: %v\n", p.Severity, p)
		}
	}
	golden := filepath.Join("testdata", "corpus.golden")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(got.String()), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), got.String())
}

func parseFile(t testing.TB, file string) *blueprint.Blueprint {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	bp, err := blueprint.Parse(data)
	require.NoError(t, err)
	return bp
}
