package crypto

import (
	"crypto/fips140"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto/secret"
)

// readVectors reads a file of test vectors, which are kept beside the repository. Without them the test is skipped, but
// not in CI.
func readVectors(t *testing.T, name string, into any) {
	t.Helper()
	// Tests run in the folder of their package.
	text, err := os.ReadFile(filepath.Join("..", "..", "shared", "vectors", name))
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
	readVectors(t, "wycheproof/pbkdf2_hmacsha512_test.json", &file)
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

func TestPasswordHashesOfOpenSSLVerify(t *testing.T) {
	t.Parallel()
	var file struct {
		Tests []struct {
			TCID       int    `json:"tcId"`
			Password   string `json:"password_utf8_hex"`
			Iterations uint32
			DKLen      int
			PHC        string
		}
	}
	readVectors(t, "own/pbkdf2_sha512_highiter.json", &file)
	require.Len(t, file.Tests, 54)
	p, err := NewPasswords(PasswordConfig{})
	require.NoError(t, err)
	// Most come in twos that differ in their length only, and the shorter of two hashes is the beginning of the longer
	// one (RFC 8018, section 5.2): computing once saves half of many seconds.
	var known sync.Map
	p.sum = func(cost passwordCost, password, salt []byte, size int) ([]byte, error) {
		one, _ := known.LoadOrStore(fmt.Sprintf("%v %x %x", cost, password, salt), sync.OnceValues(func() ([]byte, error) {
			return cost.sum(password, salt, 64)
		}))
		sum, err := one.(func() ([]byte, error))()
		return slices.Clone(sum[:min(len(sum), size)]), err
	}
	for _, c := range file.Tests {
		if (testing.Short() || RaceEnabled) && c.Iterations > 1000 {
			continue // under the race detector it takes seven times as long; CI runs all of them without it, too
		}
		t.Run(fmt.Sprint(c.TCID), func(t *testing.T) {
			t.Parallel()
			ok, rehash, err := p.Verify(t.Context(), secret.New(unhex(t, c.Password)), c.PHC)
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, c.Iterations < targetIterations || c.DKLen < 64, rehash)
		})
	}
}
