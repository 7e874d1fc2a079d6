// Package examples_test keeps what the documents say true.
package examples_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadmeShowsTheProgramThatIsTested(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	program, err := os.ReadFile("embed/main.go")
	require.NoError(t, err)
	_, body, found := strings.Cut(string(program), "\npackage main\n")
	require.True(t, found)
	require.Contains(t, normal(string(readme)), "```go\npackage main\n"+normal(body)+"```")
	for _, command := range []string{"go run ./examples/quickstart", "go test work"} {
		require.Contains(t, string(readme), "`"+command+"`")
	}
}

// normal has the line ends that all systems read.
func normal(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }
