package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares with a file of testdata, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, strings.ReplaceAll(string(want), "\r\n", "\n"), got)
}

var examined = []string{"../quickstart/orders.blueprint.json", "testdata/everything.json", "testdata/wrong.json", "testdata/broken.json"}

func TestLinesAreStable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	_, err := check(examined, &out, lines)
	require.NoError(t, err)
	golden(t, "lines.golden", out.String())
}

func TestPicturesAreStable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	_, err := check(examined, &out, picture{width: 100}.show)
	require.NoError(t, err)
	golden(t, "pictures.golden", out.String())
	for line := range strings.Lines(out.String()) {
		require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), 100, line)
	}
	require.NotContains(t, out.String(), "\x1b")
}

func TestColoursAreAllThatTheyAdd(t *testing.T) {
	t.Parallel()
	var plain, colored bytes.Buffer
	_, err := check(examined, &plain, picture{width: 80}.show)
	require.NoError(t, err)
	_, err = check(examined, &colored, picture{width: 80, color: true}.show)
	require.NoError(t, err)
	text := colored.String()
	for _, sequence := range []string{"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[33m"} {
		require.Contains(t, text, sequence)
		text = strings.ReplaceAll(text, sequence, "")
	}
	require.Equal(t, plain.String(), text)
}

func TestWidthIsThatOfTheTerminalWithinReason(t *testing.T) {
	t.Parallel()
	for columns, want := range map[string]int{"": 100, "x": 100, "90": 90, "20": 80, "400": 120} {
		require.Equal(t, want, width(columns))
	}
}

func TestFilesAreNoTerminals(t *testing.T) {
	t.Parallel()
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	require.False(t, terminal(f))
}

func TestEachFileGetsALine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	ok, err := check([]string{"../quickstart/orders.blueprint.json", "testdata/wrong.json", "testdata/nosuch.json"}, &out, lines)
	require.NoError(t, err)
	require.False(t, ok)
	var verdicts []verdict
	for lines := json.NewDecoder(&out); lines.More(); {
		var v verdict
		require.NoError(t, lines.Decode(&v))
		verdicts = append(verdicts, v)
	}
	require.Len(t, verdicts, 3)
	require.Equal(t, verdict{File: "../quickstart/orders.blueprint.json", OK: true, Modules: 8, Unknown: []string{}, Problems: verdicts[0].Problems}, verdicts[0])
	require.Empty(t, verdicts[0].Problems)

	require.False(t, verdicts[1].OK)
	require.Equal(t, []string{"shop:Lookup"}, verdicts[1].Unknown, "an app without a connector is no problem of the file")
	var found []string
	for _, p := range verdicts[1].Problems {
		found = append(found, p.Error())
	}
	require.Len(t, found, 3, "%q", found)
	require.Contains(t, found[0], `did you mean "gateway:CustomWebHook"`)
	require.Contains(t, found[1], `did you mean "text:startwith"`)
	require.Contains(t, found[2], "module 2: mapper.order, column 3")

	require.False(t, verdicts[2].OK)
	require.Equal(t, "unreadable", verdicts[2].Problems[0].Code)
}
