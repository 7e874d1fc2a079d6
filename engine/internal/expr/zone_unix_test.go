//go:build unix

package expr_test

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// The process that this test starts locks itself into an empty folder, where it finds no zone database but its own.
func TestTimeZonesWorkOnABareMachine(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv("EBB_EMPTY_ROOT"); dir != "" {
		// Who may not change the root looks for the database where there is none, and can prove that much only.
		if err := syscall.Chroot(dir); err == nil {
			require.NoError(t, os.Chdir("/")) //nolint:usetesting // a process of its own, which ends with the test
		}
		for template, want := range map[string]string{
			`{{formatDate("2026-07-01T12:00:00Z"; "HH:mm Z"; "Europe/Prague")}}`: "14:00 +02:00", `{{formatDate("2026-07-01T12:00:00Z"; "HH:mm"; "Asia/Kathmandu")}}`: "17:45",
			`{{formatDate(parseDate("2026-01-01 00:00"; "YYYY-MM-DD HH:mm"; "America/New_York"); "x")}}`: "1767243600000",
		} {
			got, err := compile(t, template).Eval(nil)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTimeZonesWorkOnABareMachine$", "-test.v") //nolint:gosec // this very binary
	cmd.Env = []string{"EBB_EMPTY_ROOT=" + t.TempDir(), "ZONEINFO=/nowhere", "GOROOT=/nowhere"}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS")
}
