package crypto_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"hash"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// vectors reads a file of test vectors, which are kept beside the repository. Without them the test is skipped, but not
// in CI.
func vectors(t *testing.T, name string, into any) {
	t.Helper()
	folder, err := filepath.Abs(".")
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.work")); err == nil {
			break
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			break
		}
		folder = parent
	}
	text, err := os.ReadFile(filepath.Join(folder, "..", "shared", "vectors", name))
	if err != nil && os.Getenv("CI") != "true" {
		t.Skipf("the test vectors are not here: %v", err)
	}
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, into))
}

type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	*h = b
	return err
}

// randomNonceGCM is the cipher that envelopes use.
func randomNonceGCM(t *testing.T, key []byte) cipher.AEAD {
	t.Helper()
	block, err := aes.NewCipher(key)
	require.NoError(t, err)
	aead, err := cipher.NewGCMWithRandomNonce(block)
	require.NoError(t, err)
	return aead
}

func TestWycheproofAESGCM(t *testing.T) {
	t.Parallel()
	var file struct {
		TestGroups []struct {
			IVSize, KeySize, TagSize int
			Tests                    []struct {
				TCID                       int `json:"tcId"`
				Key, IV, AAD, Msg, CT, Tag hexBytes
				Result                     string
			}
		}
	}
	vectors(t, "wycheproof/aes_gcm_test.json", &file)
	valid, invalid := 0, 0
	for _, group := range file.TestGroups {
		if group.IVSize != 96 || group.KeySize != 256 || group.TagSize != 128 {
			continue
		}
		for _, c := range group.Tests {
			aead := randomNonceGCM(t, c.Key)
			got, err := aead.Open(nil, nil, bytes.Join([][]byte{c.IV, c.CT, c.Tag}, nil), c.AAD)
			if c.Result == "invalid" {
				invalid++
				require.Error(t, err, "case %d", c.TCID)
				continue
			}
			valid++
			require.NoError(t, err, "case %d", c.TCID)
			require.True(t, bytes.Equal(c.Msg, got), "case %d", c.TCID)
			again, err := aead.Open(nil, nil, aead.Seal(nil, nil, c.Msg, c.AAD), c.AAD)
			require.NoError(t, err, "case %d", c.TCID)
			require.True(t, bytes.Equal(c.Msg, again), "case %d", c.TCID)
		}
	}
	require.Equal(t, 66, valid+invalid)
	require.NotZero(t, invalid)
}

func TestCAVPAESGCM(t *testing.T) {
	t.Parallel()
	var file struct {
		Tests []struct{ Key, Nonce, Plaintext, AAD, Ciphertext, Tag hexBytes }
	}
	vectors(t, "nist-cavp/gcmEncryptExtIV256_iv96.json", &file)
	require.Len(t, file.Tests, 375)
	for i, c := range file.Tests {
		box := bytes.Join([][]byte{c.Nonce, c.Ciphertext, c.Tag}, nil)
		aead := randomNonceGCM(t, c.Key)
		got, err := aead.Open(nil, nil, box, c.AAD)
		require.NoError(t, err, "case %d", i)
		require.True(t, bytes.Equal(c.Plaintext, got), "case %d", i)
		box[len(box)-1] ^= 1
		_, err = aead.Open(nil, nil, box, c.AAD)
		require.Error(t, err, "case %d", i)
	}
}

func TestWycheproofHKDF(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		hash  func() hash.Hash
		count int
	}{
		"wycheproof/hkdf_sha512_test.json": {sha512.New, 83},
		"wycheproof/hkdf_sha256_test.json": {sha256.New, 86},
	} {
		var file struct {
			TestGroups []struct {
				Tests []struct {
					TCID                 int `json:"tcId"`
					IKM, Salt, Info, OKM hexBytes
					Size                 int
					Result               string
				}
			}
		}
		vectors(t, name, &file)
		count := 0
		for _, group := range file.TestGroups {
			for _, v := range group.Tests {
				count++
				prk, err := hkdf.Extract(c.hash, v.IKM, v.Salt)
				require.NoError(t, err)
				got, err := hkdf.Expand(c.hash, prk, string(v.Info), v.Size)
				if v.Result == "invalid" {
					require.Error(t, err, "%s %d", name, v.TCID)
					continue
				}
				require.NoError(t, err, "%s %d", name, v.TCID)
				require.Equal(t, []byte(v.OKM), got, "%s %d", name, v.TCID)
			}
		}
		require.Equal(t, c.count, count)
	}
}

func TestWycheproofHMAC(t *testing.T) {
	t.Parallel()
	if fips140.Enforced() {
		t.Skip("short keys are refused")
	}
	var file struct {
		TestGroups []struct {
			TagSize int
			Tests   []struct {
				TCID          int `json:"tcId"`
				Key, Msg, Tag hexBytes
				Result        string
			}
		}
	}
	vectors(t, "wycheproof/hmac_sha256_test.json", &file)
	count := 0
	for _, group := range file.TestGroups {
		for _, c := range group.Tests {
			count++
			mac := hmac.New(sha256.New, c.Key)
			mac.Write(c.Msg)
			require.Equal(t, c.Result == "valid", hmac.Equal(mac.Sum(nil)[:group.TagSize/8], c.Tag), "case %d", c.TCID)
		}
	}
	require.Equal(t, 174, count)
}
