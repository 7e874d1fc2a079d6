package crypto

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// Fuzzing is done with streams of short chunks, because fuzzers are slow with long inputs.
const (
	fuzzChunk = 32
	fuzzSize  = 3*fuzzChunk + 10
)

// FuzzStreamReader changes streams that were sealed. Only those that nobody changed open to their end, and what else
// opens is the beginning of one of them.
func FuzzStreamReader(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "streamfuzz", "*"))
	require.NoError(f, err)
	require.NotEmpty(f, files)
	genuine := map[string]bool{}
	for _, file := range files {
		sealed, err := os.ReadFile(file)
		require.NoError(f, err)
		genuine[string(sealed)] = true
		n := fuzzChunk + whole[streamForm(sealed[0])] - streamChunkSize
		first, second := sealed[headerSize:headerSize+n], sealed[headerSize+n:headerSize+2*n]
		f.Add(sealed, uint16(fuzzChunk))
		f.Add(sealed[:len(sealed)-1], uint16(1000))
		f.Add(sealed[:headerSize+n], uint16(7))
		f.Add(slices.Concat(sealed, first), uint16(7))
		f.Add(slices.Concat(sealed[:headerSize], second, first), uint16(7))
		f.Add(sealed[:headerSize], uint16(1))
	}
	f.Add([]byte{}, uint16(1))
	f.Add([]byte{2}, uint16(1))
	f.Add([]byte("{\"name\":\"Ada\"}"), uint16(1))
	plaintext := content(fuzzSize)
	s := newStreams()
	s.chunk = fuzzChunk
	f.Fuzz(func(t *testing.T, sealed []byte, buffer uint16) {
		for _, source := range []io.Reader{bytes.NewReader(sealed), iotest.HalfReader(bytes.NewReader(sealed))} {
			got, err := openStream(t, s, source, int(buffer)+1)
			require.True(t, bytes.HasPrefix(plaintext, got))
			if genuine[string(sealed)] {
				require.NoError(t, err)
				require.Len(t, got, len(plaintext))
				continue
			}
			require.True(t, errors.Is(err, ErrDamaged) || errors.Is(err, ErrScope) || errors.Is(err, ErrNoKey) || errors.Is(err, ErrMalformed) || errors.Is(err, ErrNewer), "%v", err)
		}
	})
}
