package transit_test

import (
	"crypto/fips140"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestKeeperWorksInEveryFIPSMode runs the suite in a process for each mode, because the mode is chosen when a process
// starts.
func TestKeeperWorksInEveryFIPSMode(t *testing.T) {
	t.Parallel()
	if mode := os.Getenv("EBB_TEST_FIPS"); mode != "" {
		require.Equal(t, mode == "only", fips140.Enforced())
		return
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	for _, mode := range []string{"off", "on", "only"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), exe, "-test.v", "-test.run=^(TestKeeperWorksInEveryFIPSMode|TestKeeperKeepsTheContract|TestRequestsAreThoseOfTheDocumentation|TestCertificateMustBeTrusted)$")
			cmd.Env = append(os.Environ(), "GODEBUG=fips140="+mode, "EBB_TEST_FIPS="+mode)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Contains(t, string(out), "--- PASS: TestKeeperKeepsTheContract ")
			require.Contains(t, string(out), "--- PASS: TestCertificateMustBeTrusted ")
		})
	}
}
