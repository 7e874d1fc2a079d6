package crypto_test

import (
	"crypto/fips140"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/secret"
)

func TestEverythingWorksInEveryFIPSMode(t *testing.T) {
	t.Parallel()
	inEveryFIPSMode(t,
		"TestKeyringKeepsTheVaultContract", "TestFixedEnvelopesOpen", "TestWycheproofAESGCM", "TestCAVPAESGCM",
		"TestProcessesThatShareAFileOpenEachOthersEnvelopes", "TestKeyFileTellsPeopleWhatItIs",
	)
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
