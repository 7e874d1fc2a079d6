package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine/internal/expr"
)

func TestReferencePageIsUpToDate(t *testing.T) {
	t.Parallel()
	want, err := reference("..")
	require.NoError(t, err)
	got, err := os.ReadFile("../../../blueprint/LANGUAGE.md")
	require.NoError(t, err)
	require.Equal(t, want, strings.ReplaceAll(string(got), "\r\n", "\n"), "the page is stale: go generate ./engine/internal/expr")
}

func TestReferencePageNamesEverything(t *testing.T) {
	t.Parallel()
	text, err := reference("..")
	require.NoError(t, err)
	language, err := expr.New(expr.Options{})
	require.NoError(t, err)
	names := append(expr.Keywords(), append(expr.Operators(), expr.DateTokens()...)...)
	for _, f := range language.Functions() {
		require.Contains(t, text, "#### "+f.Name+"\n")
		require.Contains(t, text, f.Signature())
	}
	for _, name := range names {
		require.Contains(t, text, "`"+name+"`")
	}
	require.NotContains(t, text, "column 3: ", "an error stands where a value should")
}

// What has no words is an error of the generator, and so are words for what there is not.
func TestReferencePageEndsAtTheFirstProblem(t *testing.T) {
	t.Parallel()
	language, err := expr.New(expr.Options{})
	require.NoError(t, err)
	p := &page{language: language}
	p.results("{{nosuch(1)}}")
	require.ErrorContains(t, p.err, "unknown function")
	first := p.err
	p.condition("text:near", "text", "near")
	require.Equal(t, first, p.err)
	_, err = reference(t.TempDir())
	require.ErrorContains(t, err, "grammar")
}
