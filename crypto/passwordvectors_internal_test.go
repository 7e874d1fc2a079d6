package crypto

import (
	"crypto/fips140"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// wycheproof reads a file of test vectors, which are kept beside the repository. Without them the test is skipped, but
// not in CI.
func wycheproof(t *testing.T, name string, into any) {
	t.Helper()
	// Tests run in the folder of their package.
	text, err := os.ReadFile(filepath.Join("..", "..", "shared", "vectors", "wycheproof", name))
	if err != nil && os.Getenv("CI") != "true" {
		t.Skipf("the test vectors are not here: %v", err)
	}
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, into))
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

func TestWycheproofPBKDF2(t *testing.T) {
	t.Parallel()
	var file struct {
		TestGroups []struct {
			Tests []struct {
				TCID               int `json:"tcId"`
				Password, Salt, DK string
				IterationCount     uint32
				DKLen              int
				Result             string
			}
		}
	}
	wycheproof(t, "pbkdf2_hmacsha512_test.json", &file)
	count := 0
	for _, group := range file.TestGroups {
		for _, c := range group.Tests {
			count++
			require.Equal(t, "valid", c.Result)
			salt := unhex(t, c.Salt)
			got, err := passwordCost{iterations: c.IterationCount}.sum(unhex(t, c.Password), salt, c.DKLen)
			if fips140.Enforced() && len(salt) < 16 {
				require.Error(t, err, "case %d", c.TCID)
				continue
			}
			require.NoError(t, err, "case %d", c.TCID)
			require.Equal(t, unhex(t, c.DK), got, "case %d", c.TCID)
		}
	}
	require.Equal(t, 58, count)
}
