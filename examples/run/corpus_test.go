package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
)

// corpus returns the folder with real blueprints beside the repository, and skips the test when it is not there.
func corpus(t *testing.T) string {
	t.Helper()
	folder := filepath.Join("..", "..", "..", "shared", "corpus")
	if _, err := os.Stat(folder); err != nil {
		require.NotEqual(t, "true", os.Getenv("CI"), "the corpus is there in CI")
		t.Skip("there is no corpus of blueprints beside the repository")
	}
	return folder
}

// Every real export runs to an end, with made-up values for what only its owner's accounts could give.
func TestRealExportsRunToAnEnd(t *testing.T) {
	t.Parallel()
	folder := corpus(t)
	manifest, err := os.ReadFile(filepath.Join(folder, "manifest.tsv"))
	require.NoError(t, err)
	ran := 0
	var table strings.Builder
	for line := range strings.Lines(string(manifest)) {
		columns := strings.Split(strings.TrimSpace(line), "\t")
		if columns[4] != "export" {
			continue
		}
		ran++
		bp, err := read(filepath.Join(folder, "blueprints", columns[0]))
		require.NoError(t, err)
		ended, _ := end(t, bp, true)
		require.Contains(t, ended, "success", columns[0])
		open(bp)
		opened, missed := end(t, bp, false)
		if why := faults[columns[0]]; why != "" {
			require.Contains(t, opened, why, columns[0])
		} else {
			require.Contains(t, opened, "success", columns[0])
			require.Empty(t, missed, "%s: every module had its turn", columns[0])
		}
		fmt.Fprintf(&table, "%s: %s; without filters %s\n", columns[0], ended, opened)
	}
	require.Equal(t, 28, ran)
	t.Log("\n" + table.String())
}

// faults are what is wrong with the files themselves where a filter usually stands in front of it.
var faults = map[string]string{
	// It makes a text DD-MM-YYYY of a date and later takes that for a date, which Make's forms of dates do not have.
	"amrit-dash__Make-Automation-Projects__DSM_Bot_Webhook_based_DSM_Reply_Bot_-_Amrit.json": "module 16: BundleValidationError: mapper.variables[6].value: column 15: formatDate",
}

// open takes the filters away, so that bundles come to every module.
func open(bp *blueprint.Blueprint) {
	for _, m := range bp.All() {
		m.Filter = nil
	}
}

// end runs a blueprint with samples and says how that ended, and which modules of its flow got no bundle. With stores, data stores are
// real and begin empty.
func end(t *testing.T, bp *blueprint.Blueprint, stores bool) (ended string, missed []int) {
	t.Helper()
	e, err := engine.New(engine.Config{})
	require.NoError(t, err)
	defer func() { require.NoError(t, e.Close()) }()
	_, unknown := e.Check(bp)
	options := engine.TryOptions{}
	options.Input, options.Stubs = samples(bp, unknown)
	for _, m := range bp.All() {
		if stores && m.App() == "datastore" {
			delete(options.Stubs, m.ID)
		}
	}
	x, err := e.Try(t.Context(), bp, options)
	var refused *engine.CheckError
	switch {
	case errors.As(err, &refused):
		return fmt.Sprintf("refused: %v", refused.Problems), nil
	case err != nil:
		return "no end: " + err.Error(), nil
	case x.Failure != nil:
		return fmt.Sprintf("%s after %d operations: module %d: %s: %s", x.Status, x.Operations, x.Failure.Module, x.Failure.Type, x.Failure.Message), nil
	}
	came := map[int]bool{}
	for _, step := range x.Trace {
		came[step.Module] = true
	}
	for place, m := range bp.All() {
		if !came[m.ID] && place.ErrorOf() == nil && !place.Disabled() && m.Name != blueprint.Router && m.Name != blueprint.Placeholder {
			missed = append(missed, m.ID)
		}
	}
	return fmt.Sprintf("%s after %d operations, %d modules stubbed", x.Status, x.Operations, len(options.Stubs)), missed
}
