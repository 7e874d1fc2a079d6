package crypto_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
)

var benchSizes = []int{200, 1 << 10, 64 << 10}

// benchScope is as full as the scopes of real records.
var benchScope = crypto.Scope{
	Tenant: "0193548e-7b1c-7cc3-98c4-dc0c0c07398f", Category: "execution_detail", Record: "0193548e-7b1c-7cc3-98c4-dc0c0c073990", Field: "body",
	Subject: "0193548e-7b1c-7cc3-98c4-dc0c0c073991", Run: "0193548e-7b1c-7cc3-98c4-dc0c0c073992",
}

func bareGCM(tb testing.TB) cipher.AEAD {
	tb.Helper()
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	block, err := aes.NewCipher(key)
	require.NoError(tb, err)
	aead, err := cipher.NewGCMWithRandomNonce(block)
	require.NoError(tb, err)
	return aead
}

func BenchmarkSeal(b *testing.B) {
	for _, size := range benchSizes {
		plaintext := make([]byte, size)
		b.Run(fmt.Sprintf("bare/%d", size), func(b *testing.B) {
			aead := bareGCM(b)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				aead.Seal(nil, nil, plaintext, nil)
			}
		})
		b.Run(fmt.Sprintf("warm/%d", size), func(b *testing.B) {
			r := crypto.NewKeyring()
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Seal(b.Context(), benchScope, plaintext); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("cold/1024", func(b *testing.B) {
		r := crypto.NewKeyring()
		plaintext := make([]byte, 1<<10)
		at := benchScope
		b.SetBytes(1 << 10)
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			n++
			at.Run = fmt.Sprint(n)
			if _, err := r.Seal(b.Context(), at, plaintext); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel/1024", func(b *testing.B) {
		r := crypto.NewKeyring()
		plaintext := make([]byte, 1<<10)
		b.SetBytes(1 << 10)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := r.Seal(b.Context(), benchScope, plaintext); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

func BenchmarkOpen(b *testing.B) {
	for _, size := range benchSizes {
		plaintext := make([]byte, size)
		b.Run(fmt.Sprintf("bare/%d", size), func(b *testing.B) {
			aead := bareGCM(b)
			sealed := aead.Seal(nil, nil, plaintext, nil)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := aead.Open(nil, nil, sealed, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("warm/%d", size), func(b *testing.B) {
			r := crypto.NewKeyring()
			sealed, err := r.Seal(b.Context(), benchScope, plaintext)
			require.NoError(b, err)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Open(b.Context(), benchScope, sealed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkBlind(b *testing.B) {
	r := crypto.NewKeyring()
	value := []byte("ada@example.com")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Blind(b.Context(), benchScope, value); err != nil {
			b.Fatal(err)
		}
	}
}

func TestWarmSealAndOpenAllocateTheirResultAndLittleElse(t *testing.T) {
	if crypto.RaceEnabled {
		return // the race detector allocates; CI runs this test without it, too
	}
	// Not parallel: AllocsPerRun counts what the whole process allocates.
	r := closeLater(t, crypto.NewKeyring(), nil)
	plaintext := make([]byte, 1<<10)
	sealed, err := r.Seal(t.Context(), benchScope, plaintext)
	require.NoError(t, err)
	ctx := t.Context()
	require.LessOrEqual(t, testing.AllocsPerRun(1000, func() { _, _ = r.Seal(ctx, benchScope, plaintext) }), 3.0)
	require.LessOrEqual(t, testing.AllocsPerRun(1000, func() { _, _ = r.Open(ctx, benchScope, sealed) }), 3.0)
}
