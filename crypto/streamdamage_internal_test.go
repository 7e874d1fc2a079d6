package crypto

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// damaged asserts that a stream gives only the beginning of plaintext, and says that it is damaged.
func damaged(t *testing.T, s *streams, sealed, plaintext []byte, what string, args ...any) {
	t.Helper()
	for _, buffer := range []int{100, 40_000} {
		got, err := openStream(t, s, bytes.NewReader(sealed), buffer)
		require.ErrorIs(t, err, ErrDamaged, what, args)
		require.True(t, bytes.HasPrefix(plaintext, got), what, args)
	}
}

func TestStreamThatWasCutOffIsFoundOut(t *testing.T) {
	t.Parallel()
	for name, s := range sealable() {
		n := whole[s.form]
		for _, size := range []int{0, 30, streamChunkSize, streamChunkSize + 30, 3 * streamChunkSize} {
			plaintext := content(size)
			sealed := sealStream(t, s, plaintext)
			var cuts []int
			for i := range len(sealed) {
				// All positions near a boundary, and some others.
				if inside := (i - headerSize) % n; i < headerSize || inside < 40 || inside > n-40 || len(sealed)-i < 40 || i%3001 == 0 {
					cuts = append(cuts, i)
				}
			}
			for _, i := range cuts {
				damaged(t, s, sealed[:i], plaintext, "%s: %d bytes cut off after %d", name, size, i)
			}
		}
	}
}

func TestStreamThatWasAppendedToIsFoundOut(t *testing.T) {
	t.Parallel()
	for name, s := range sealable() {
		for _, size := range []int{0, 30, streamChunkSize - 1, streamChunkSize, streamChunkSize + 30} {
			plaintext := content(size)
			sealed := sealStream(t, s, plaintext)
			body := sealed[headerSize:]
			last := body[size/streamChunkSize*whole[s.form]:]
			for _, more := range [][]byte{{0}, make([]byte, 20), make([]byte, whole[s.form]), make([]byte, 100_000), last, body, sealed} {
				damaged(t, s, slices.Concat(sealed, more), plaintext, "%s: %d bytes after %d", name, len(more), size)
			}
		}
	}
}

func TestStreamWhoseChunksWereMovedIsFoundOut(t *testing.T) {
	t.Parallel()
	for name, s := range sealable() {
		n := whole[s.form]
		plaintext := content(4*streamChunkSize + 30)
		sealed, other := sealStream(t, s, plaintext), sealStream(t, s, plaintext)
		header := sealed[:headerSize]
		var c, o [5][]byte
		for i := range c {
			c[i] = sealed[headerSize+i*n : min(headerSize+(i+1)*n, len(sealed))]
			o[i] = other[headerSize+i*n : min(headerSize+(i+1)*n, len(other))]
		}
		full := sealStream(t, s, plaintext[:4*streamChunkSize]) // ends in an empty chunk
		for what, chunks := range map[string][][]byte{
			"two in another order":         {c[1], c[0], c[2], c[3], c[4]},
			"the last two swapped":         {c[0], c[1], c[2], c[4], c[3]},
			"one repeated":                 {c[0], c[0], c[1], c[2], c[3], c[4]},
			"one in the place of another":  {c[0], c[0], c[2], c[3], c[4]},
			"one left out":                 {c[0], c[2], c[3], c[4]},
			"the first left out":           {c[1], c[2], c[3], c[4]},
			"the last left out":            {c[0], c[1], c[2], c[3]},
			"only the last":                {c[4]},
			"none":                         {},
			"one of another stream":        {c[0], o[1], c[2], c[3], c[4]},
			"the last of another stream":   {c[0], c[1], c[2], c[3], o[4]},
			"the end of a shorter one":     {c[0], c[1], c[2], c[3], full[len(full)-(n-streamChunkSize):]},
			"one that was made the last":   {c[0], c[1], c[2], c[3][:100]},
			"the last that was made whole": {c[0], c[1], c[2], append(slices.Clone(c[4]), make([]byte, n-len(c[4]))...), c[4]},
		} {
			damaged(t, s, slices.Concat(append([][]byte{header}, chunks...)...), plaintext, "%s: %s", name, what)
		}
	}
}

func TestStreamWithAFlippedBitIsFoundOut(t *testing.T) {
	t.Parallel()
	for name, s := range sealable() {
		plaintext := content(30)
		sealed := sealStream(t, s, plaintext)
		for bit := range 8 * len(sealed) {
			changed := slices.Clone(sealed)
			changed[bit/8] ^= 1 << (bit % 8)
			got, err := openStream(t, s, bytes.NewReader(changed), 100)
			require.Empty(t, got)
			switch {
			case bit < 8: // form
				require.True(t, errors.Is(err, ErrMalformed) || errors.Is(err, ErrNewer) || errors.Is(err, ErrScope), "%s: bit %d: %v", name, bit, err)
			case bit < 8*StreamHeadBytes:
				require.ErrorIs(t, err, ErrNoKey)
			case bit < 8*headerSize: // found before the cipher sees a byte
				require.ErrorIs(t, err, ErrScope, "%s: bit %d", name, bit)
			default:
				require.ErrorIs(t, err, ErrDamaged, "%s: bit %d", name, bit)
			}
		}
		long := content(3*streamChunkSize + 5)
		sealed = sealStream(t, s, long)
		for i := headerSize; i < len(sealed); i += 1009 {
			changed := slices.Clone(sealed)
			changed[i] ^= 0x10
			damaged(t, s, changed, long, "%s: byte %d", name, i)
		}
	}
}

// flaky gives what it has, and then an error.
type flaky struct {
	io.Reader
	err error
}

func (f flaky) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err == io.EOF {
		err = f.err
	}
	return n, err
}

func TestFailureOfTheSourceIsNoEndOfTheStream(t *testing.T) {
	t.Parallel()
	broken := errors.New("the network is down")
	for name, s := range sealable() {
		plaintext := content(2*streamChunkSize + 30)
		sealed := sealStream(t, s, plaintext)
		for _, at := range []int{0, 10, headerSize, headerSize + 100, headerSize + whole[s.form], len(sealed) - 1, len(sealed)} {
			for _, wrap := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.DataErrReader, iotest.OneByteReader} {
				for _, c := range []struct{ fails, is error }{
					{broken, broken}, {io.ErrUnexpectedEOF, io.ErrUnexpectedEOF}, {fmt.Errorf("no end: %w", io.EOF), io.ErrUnexpectedEOF},
				} {
					got, err := openStream(t, s, wrap(flaky{bytes.NewReader(sealed[:at]), c.fails}), 1000)
					require.ErrorIs(t, err, c.is, "%s at %d", name, at)
					require.NotErrorIs(t, err, io.EOF)
					require.NotErrorIs(t, err, ErrDamaged)
					require.True(t, bytes.HasPrefix(plaintext, got))
				}
			}
		}
	}
}

// idle is a reader that breaks its contract.
type idle struct{ n int }

func (i idle) Read([]byte) (int, error) { return i.n, nil }

func TestSourceThatBreaksItsContractEndsTheStream(t *testing.T) {
	t.Parallel()
	for _, s := range sealable() {
		sealed := sealStream(t, s, content(100))
		for _, n := range []int{0, -1, 1 << 30} {
			for _, at := range []int{0, headerSize} {
				_, err := openStream(t, s, io.MultiReader(bytes.NewReader(sealed[:at]), idle{n}), 1000)
				require.Error(t, err)
				if n == 0 {
					require.ErrorIs(t, err, io.ErrNoProgress)
				}
			}
		}
	}
}

// full takes so many bytes and then fails, or claims to have written less.
type full struct {
	room  int
	short bool
}

func (f *full) Write(p []byte) (int, error) {
	if len(p) <= f.room {
		f.room -= len(p)
		return len(p), nil
	}
	if f.short {
		return f.room, nil
	}
	return f.room, errFull
}

var errFull = errors.New("the disk is full")

func TestWriterThatCannotWriteKeepsFailing(t *testing.T) {
	t.Parallel()
	for _, s := range sealable() {
		for _, short := range []bool{false, true} {
			want := errFull
			if short {
				want = io.ErrShortWrite
			}
			for _, room := range []int{0, 10, whole[s.form], 5 * whole[s.form]} {
				w, err := s.newGoingWriter(&full{room, short}, streamKey, &place)
				require.NoError(t, err)
				_, err = w.Write(content(7 * streamChunkSize))
				require.ErrorIs(t, err, want)
				_, err = w.Write([]byte("more"))
				require.ErrorIs(t, err, want)
				require.ErrorIs(t, w.Close(), want)
				require.NoError(t, w.Close())
			}
			w, err := s.newGoingWriter(&full{100, short}, streamKey, &place)
			require.NoError(t, err)
			_, err = w.Write(content(200))
			require.NoError(t, err)
			require.ErrorIs(t, w.Close(), want)
		}
	}
}
