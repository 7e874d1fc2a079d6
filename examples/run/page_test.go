package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// page is what users read about scenarios. Its examples are run here, and show what happened.
const page = "../../engine/blueprint/SCENARIOS.md"

func TestExamplesOfThePageAreTrue(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	rest := strings.ReplaceAll(string(text), "\r\n", "\n")
	var written strings.Builder
	examples := 0
	for {
		before, block, found := strings.Cut(rest, "```json\n")
		written.WriteString(before)
		if !found {
			break
		}
		source, after, ok := strings.Cut(block, "```\n```text\n")
		require.True(t, ok, "an example shows what happens")
		shown, after, ok := strings.Cut(after, "```\n")
		require.True(t, ok)
		input, _, _ := strings.Cut(shown, "\n")
		happened := input + "\n" + happens(t, source, strings.TrimPrefix(input, "in "))
		if !*update {
			require.Equal(t, happened, shown, source)
		}
		fmt.Fprintf(&written, "```json\n%s```\n```text\n%s```\n", source, happened)
		rest = after
		examples++
	}
	require.GreaterOrEqual(t, examples, 7)
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(written.String()), 0o600))
	}
}

// happens runs an example and writes a line for each operation.
func happens(t *testing.T, source, input string) string {
	t.Helper()
	folder := t.TempDir()
	file, bundles := filepath.Join(folder, "blueprint.json"), filepath.Join(folder, "input.json")
	require.NoError(t, os.WriteFile(file, []byte(source), 0o600))
	require.NoError(t, os.WriteFile(bundles, []byte(input), 0o600))
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-input", bundles, "-now", "2026-03-01T12:00:00Z", file}, &out, io.Discard))
	var happened struct {
		Status     string
		Operations int
		Error      *struct{ Type string }
		Trace      []struct {
			Module int
			In     json.RawMessage
			Out    []json.RawMessage
			Error  *struct{ Type string }
		}
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &happened))
	var lines strings.Builder
	for _, step := range happened.Trace {
		fmt.Fprintf(&lines, "%d %s →", step.Module, step.In)
		for _, bundle := range step.Out {
			fmt.Fprintf(&lines, " %s", bundle)
		}
		if step.Error != nil {
			fmt.Fprintf(&lines, " ✗ %s", step.Error.Type)
		}
		lines.WriteString("\n")
	}
	fmt.Fprintf(&lines, "%s, %d operations\n", happened.Status, happened.Operations)
	return lines.String()
}
