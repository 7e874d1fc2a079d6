package crypto_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
)

func TestPasswordsWorkInEveryFIPSMode(t *testing.T) {
	t.Parallel()
	inEveryFIPSMode(t,
		"TestDefaultPasswordHashIsAsRecommended", "TestPasswordHashesOfOpenSSLVerify", "TestWycheproofPBKDF2",
		"TestHashWithoutItsPepperIsWorthless", "TestArgon2idIsRefusedInFIPSOnlyModeAndWorksElse",
	)
}

func TestStreamsWorkInEveryFIPSMode(t *testing.T) {
	t.Parallel()
	inEveryFIPSMode(t,
		"TestWycheproofChunkedEncryption", "TestFixedStreamsOpen", "TestStreamIsSealedInTheFormOfTheMode", "TestStreamReaderIsAReader",
		"TestStreamWhoseChunksWereMovedIsFoundOut", "TestStreamOpensUnderItsKeyAndScopeOnly", "TestStreamHasNoMoreChunksThanItsFormAllows",
		"TestStreamsOfEveryModeOpenInEveryMode", "TestOpenStreamEndsWithItsKey", "TestOpenStreamEndsWithItsKeyring",
	)
}

// inEveryFIPSMode runs tests in a process for each mode, because the mode is chosen when a process starts. They are asked
// to be short: what takes long takes equally long in each. Under the race detector, which finds in one mode what it finds in
// all, they run in none: CI runs them without it, too.
func inEveryFIPSMode(t *testing.T, names ...string) {
	t.Helper()
	if crypto.RaceEnabled {
		return
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	for _, mode := range []string{"off", "on", "only"} {
		t.Run(mode, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), exe, "-test.short", "-test.v", "-test.run=^("+strings.Join(names, "|")+"|TestFIPSModeIsTheOneAskedFor)$")
			cmd.Env = append(os.Environ(), "GODEBUG=fips140="+mode, "EBB_TEST_FIPS="+mode)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			for _, name := range names {
				require.Contains(t, string(out), "=== RUN   "+name+"\n")
			}
			require.Contains(t, string(out), "--- PASS: TestFIPSModeIsTheOneAskedFor ")
		})
	}
}
