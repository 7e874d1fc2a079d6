package crypto_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/secret"
)

func BenchmarkPassword(b *testing.B) {
	for name, cfg := range map[string]crypto.PasswordConfig{"pbkdf2": {}, "argon2id": {Argon2id: &crypto.Argon2id{}}} {
		p, err := crypto.NewPasswords(cfg)
		require.NoError(b, err)
		password := secret.NewString("correct horse battery staple")
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Hash(b.Context(), password); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkUnknownUser verifies wrong passwords by turns for nobody, for a current hash and for an older one, and
// reports by how much the shortest times differ: other programs make times longer and never shorter.
func BenchmarkUnknownUser(b *testing.B) {
	p, err := crypto.NewPasswords(crypto.PasswordConfig{})
	require.NoError(b, err)
	password := secret.NewString("wrong")
	current, err := p.Hash(b.Context(), secret.NewString("right"))
	require.NoError(b, err)
	stored := [3]string{"", current, phc200}
	var shortest [3]time.Duration
	b.ReportAllocs()
	for b.Loop() {
		for i, s := range stored {
			begin := time.Now()
			if ok, _, err := p.Verify(b.Context(), password, s); ok || err != nil {
				b.Fatal(ok, err)
			}
			if took := time.Since(begin); shortest[i] == 0 || took < shortest[i] {
				shortest[i] = took
			}
		}
	}
	b.ReportMetric(float64(shortest[0])/float64(shortest[1]), "unknown/wrong")
	b.ReportMetric(float64(shortest[0])/float64(shortest[2]), "unknown/older")
}
