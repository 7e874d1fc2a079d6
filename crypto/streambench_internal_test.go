package crypto

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkStream compares whole streams, derivation of keys and all, with one call of AES-256-GCM over as many bytes
// under a key that is there already, into memory that is there already.
func BenchmarkStream(b *testing.B) {
	for _, size := range []int{64 << 10, 1 << 20, 16 << 20} {
		plaintext := content(size)
		bench := func(name string, f func() error) {
			b.Run(fmt.Sprintf("%s/%dKiB", name, size>>10), func(b *testing.B) {
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					if err := f(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		block, err := aes.NewCipher(streamKey)
		require.NoError(b, err)
		aead, err := cipher.NewGCM(block)
		require.NoError(b, err)
		nonce := make([]byte, nonceSize)
		box := aead.Seal(nil, nonce, plaintext, nil)
		opened := make([]byte, 0, size)
		bench("seal/bare", func() error {
			aead.Seal(box[:0], nonce, plaintext, nil)
			return nil
		})
		for name, s := range sealable() {
			bench("seal/"+name, func() error {
				w, err := s.newWriter(io.Discard, streamKey, &place)
				if err != nil {
					return err
				}
				if _, err := w.Write(plaintext); err != nil {
					return err
				}
				return w.Close()
			})
		}
		bench("open/bare", func() error {
			_, err := aead.Open(opened, nonce, box, nil)
			return err
		})
		for name, s := range sealable() {
			sealed := sealStream(b, s, plaintext)
			buffer := make([]byte, 64<<10)
			source := bytes.NewReader(nil)
			bench("open/"+name, func() error {
				source.Reset(sealed)
				r, err := s.newReader(source, streamKey, &place)
				if err != nil {
					return err
				}
				for err == nil {
					_, err = r.Read(buffer)
				}
				if errors.Is(err, io.EOF) {
					return nil
				}
				return err
			})
		}
	}
}
