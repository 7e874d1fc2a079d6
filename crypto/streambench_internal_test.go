package crypto

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkStream compares whole streams, derivation of keys and all, with one call of AES-256-GCM over as many bytes
// under a key that is there already, into memory that is there already. The two take turns, and the metric %raw says how
// fast a stream is in the median of the turns, so that it does not depend on what else the machine does.
func BenchmarkStream(b *testing.B) {
	// As full as the scopes of real records.
	at := Scope{
		Tenant: "0193548e-7b1c-7cc3-98c4-dc0c0c07398f", Category: "execution_detail", Record: "0193548e-7b1c-7cc3-98c4-dc0c0c073990", Field: "body",
		Subject: "0193548e-7b1c-7cc3-98c4-dc0c0c073991", Run: "0193548e-7b1c-7cc3-98c4-dc0c0c073992",
	}
	keyring := NewKeyring()
	hierarchy, err := NewHierarchy(b.Context(), HierarchyConfig{Keeper: NewKeyring(), Keys: NewKeyStore()})
	require.NoError(b, err)
	var raw cipher.AEAD
	block, err := aes.NewCipher(make([]byte, 32))
	require.NoError(b, err)
	fips140.WithoutEnforcement(func() { raw, err = cipher.NewGCM(block) })
	require.NoError(b, err)
	for _, size := range []int{64 << 10, 1 << 20} {
		plaintext := make([]byte, size)
		nonce := make([]byte, 12)
		box := raw.Seal(nil, nonce, plaintext, nil)
		opened := make([]byte, 0, size)
		rawSeal := func() error { raw.Seal(box[:0], nonce, plaintext, nil); return nil }
		rawOpen := func() error { _, err := raw.Open(opened, nonce, box, nil); return err }
		seal := func(b *testing.B, v Streamer, dst io.Writer) error {
			w, err := v.SealStream(b.Context(), at, dst)
			if err == nil {
				_, err = w.Write(plaintext)
			}
			if err != nil {
				return err
			}
			return w.Close()
		}
		buffer, source := make([]byte, 64<<10), bytes.NewReader(nil)
		open := func(b *testing.B, v Streamer, sealed []byte) error {
			source.Reset(sealed)
			r, err := v.OpenStream(b.Context(), at, source)
			for err == nil {
				_, err = r.Read(buffer)
			}
			if errors.Is(err, io.EOF) {
				return r.Close()
			}
			return err
		}
		for name, v := range map[string]Streamer{"keyring": keyring, "hierarchy": hierarchy} {
			b.Run(fmt.Sprintf("seal/%s/%dKiB", name, size>>10), func(b *testing.B) {
				takeTurns(b, size, nil, rawSeal, func() error { return seal(b, v, io.Discard) })
			})
			var sealed bytes.Buffer
			require.NoError(b, seal(b, v, &sealed))
			first := func() {
				keyring.envelopes.streams.opening.clear()
				hierarchy.envelopes.streams.opening.clear()
			}
			b.Run(fmt.Sprintf("open/%s/%dKiB", name, size>>10), func(b *testing.B) {
				takeTurns(b, size, first, rawOpen, func() error { return open(b, v, sealed.Bytes()) })
			})
			b.Run(fmt.Sprintf("again/%s/%dKiB", name, size>>10), func(b *testing.B) {
				takeTurns(b, size, nil, rawOpen, func() error { return open(b, v, sealed.Bytes()) })
			})
		}
	}
}

// takeTurns measures f against what it is compared with.
func takeTurns(b *testing.B, size int, before func(), raw, f func() error) {
	b.Helper()
	b.SetBytes(int64(2 * size))
	b.ReportAllocs()
	var ours, theirs []time.Duration
	for b.Loop() {
		if before != nil {
			before()
		}
		began := time.Now()
		err := raw()
		between := time.Now()
		if err == nil {
			err = f()
		}
		ours, theirs = append(ours, time.Since(between)), append(theirs, between.Sub(began))
		if err != nil {
			b.Fatal(err)
		}
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	mine, bare := ours[len(ours)/2], theirs[len(theirs)/2]
	b.ReportMetric(100*bare.Seconds()/mine.Seconds(), "%raw")
	b.ReportMetric(float64(mine.Nanoseconds()), "stream-ns")
	b.ReportMetric(float64(bare.Nanoseconds()), "raw-ns")
}
