package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestRunPrintsWhatHappened(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{
		"-input", "testdata/orders.input.json", "-stub", "testdata/orders.stub.json",
		"-now", "2026-03-01T23:30:00Z", "-tz", "Europe/Prague", "testdata/orders.json",
	}, &out, &out))
	var pretty bytes.Buffer
	require.NoError(t, json.Indent(&pretty, out.Bytes(), "", "  "))
	golden := filepath.Join("testdata", "orders.golden")
	if *update {
		require.NoError(t, os.WriteFile(golden, pretty.Bytes(), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))), pretty.String())
}

func TestRunTellsWarnings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, input := filepath.Join(dir, "filter.json"), filepath.Join(dir, "input.json")
	require.NoError(t, os.WriteFile(input, []byte(`[{"total": "a lot"}]`), 0o600))
	require.NoError(t, os.WriteFile(file, []byte(`{"name": "Filter", "flow": [
		{"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 1}},
		{"id": 2, "module": "util:ComposeTransformer", "version": 1, "mapper": {"value": "large"},
		 "filter": {"conditions": [[{"a": "{{1.total}}", "o": "number:greater", "b": "100"}]]}}]}`), 0o600))
	var out, warnings bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-input", input, file}, &out, &warnings))
	require.Contains(t, out.String(), `"status":"success"`)
	require.Regexp(t, `^warning: module 2: .*number.*\n$`, warnings.String())
	require.NotContains(t, warnings.String(), "a lot")
}

func TestBlueprintThatCannotRunIsRefused(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := run(t.Context(), []string{"testdata/orders.json"}, &out, &out)
	var refused *engine.CheckError
	require.ErrorAs(t, err, &refused)
	require.ErrorContains(t, err, `"shop:Lookup"`)
	require.ErrorContains(t, err, `"shop:Reserve"`)
	require.Empty(t, out.String())
}

func TestBadArgumentsAreNamed(t *testing.T) {
	t.Parallel()
	broken := filepath.Join(t.TempDir(), "broken.json")
	require.NoError(t, os.WriteFile(broken, []byte(`{"2": [7]}`), 0o600))
	for argument, arguments := range map[string][]string{
		"usage":  {},
		"-tz":    {"-tz", "Middle/Earth", "testdata/orders.json"},
		"-now":   {"-now", "yesterday", "testdata/orders.json"},
		"-input": {"-input", broken, "testdata/orders.json"},
		"-stub":  {"-stub", broken, "testdata/orders.json"},
		"nosuch": {"testdata/nosuch.json"},
	} {
		var out bytes.Buffer
		require.ErrorContains(t, run(t.Context(), arguments, &out, &out), argument)
	}
}
