package crypto_test

import (
	"crypto/fips140"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/secret"
)

// TestEverythingWorksInEveryFIPSMode runs the tests that matter in a process for each mode, because the mode is chosen
// when a process starts.
func TestEverythingWorksInEveryFIPSMode(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	require.NoError(t, err)
	inEachMode := []string{
		"TestFIPSModeIsTheOneAskedFor", "TestKeyringKeepsTheVaultContract", "TestFixedEnvelopesOpen", "TestWycheproofAESGCM", "TestCAVPAESGCM",
		"TestProcessesThatShareAFileOpenEachOthersEnvelopes", "TestKeyFileTellsPeopleWhatItIs",
	}
	for _, mode := range []string{"off", "on", "only"} {
		t.Run(mode, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), exe, "-test.v", "-test.run=^("+strings.Join(inEachMode, "|")+")$")
			cmd.Env = append(os.Environ(), "GODEBUG=fips140="+mode, "EBB_TEST_FIPS="+mode)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			for _, name := range inEachMode {
				require.Contains(t, string(out), "=== RUN   "+name+"\n")
			}
			require.Contains(t, string(out), "--- PASS: TestFIPSModeIsTheOneAskedFor ")
		})
	}
}

func TestFIPSModeIsTheOneAskedFor(t *testing.T) {
	t.Parallel()
	mode := os.Getenv("EBB_TEST_FIPS")
	if mode == "" {
		return // only a process that was started for a mode has something to show
	}
	require.Equal(t, mode != "off", fips140.Enabled())
	require.Equal(t, mode == "only", fips140.Enforced())
	path := filepath.Join(t.TempDir(), "keys")
	r, err := crypto.CreatePassphraseKeyring(path, secret.NewString("correct horse"))
	if mode != "only" {
		closeLater(t, r, err)
		return
	}
	require.ErrorIs(t, err, crypto.ErrFIPS)
	require.Empty(t, names(t, filepath.Dir(path)))
	locked, err := filepath.Glob(filepath.Join("testdata", "fixed", "*.locked.keys"))
	require.NoError(t, err)
	require.NotEmpty(t, locked)
	text, err := os.ReadFile(locked[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, text, 0o600))
	_, err = crypto.OpenPassphraseKeyring(path, secret.NewString(passphraseOfFixed))
	require.ErrorIs(t, err, crypto.ErrFIPS)
}
