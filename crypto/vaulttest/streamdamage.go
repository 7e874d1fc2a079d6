package vaulttest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
)

// streamDamage is what a changed stream may meet.
var streamDamage = append([]error{crypto.ErrDamaged}, damage...)

// broken requires that a stream opens to no more than a beginning of plaintext and then fails, with one of the given
// errors.
func broken(t *testing.T, v crypto.Streamer, at crypto.Scope, sealed, plaintext []byte, what string, wants ...error) {
	t.Helper()
	for _, buffer := range []int{100, 100_000} {
		got, err := readStream(t, v, at, bytes.NewReader(sealed), buffer)
		require.True(t, isOneOf(err, wants), "%s: OpenStream and its reader returned %v", what, err)
		require.True(t, bytes.HasPrefix(plaintext, got), "%s: bytes that were never sealed", what)
	}
	r, err := v.OpenStream(t.Context(), at, bytes.NewReader(sealed))
	if err != nil {
		return
	}
	var copied bytes.Buffer
	_, err = io.Copy(&copied, r)
	require.True(t, isOneOf(err, wants), "%s: io.Copy returned %v", what, err)
	require.True(t, bytes.HasPrefix(plaintext, copied.Bytes()), "%s: bytes that were never sealed", what)
	require.NoError(t, r.Close())
}

func streamWithEveryBitFlipped(t *testing.T, open func(t *testing.T) crypto.Streamer) {
	v := open(t)
	sealed := sealStream(t, v, home, []byte("thirteen byte"))
	for i := range len(sealed) * 8 {
		flipped := bytes.Clone(sealed)
		flipped[i/8] ^= 1 << (i % 8)
		broken(t, v, home, flipped, nil, fmt.Sprintf("bit %d of byte %d flipped", i%8, i/8), streamDamage...)
	}
	plaintext := random(long)
	sealed = sealStream(t, v, home, plaintext)
	for i := 0; i < len(sealed); i += 29989 {
		flipped := bytes.Clone(sealed)
		flipped[i] ^= 0x40
		broken(t, v, home, flipped, plaintext[:min(i, long)], fmt.Sprintf("byte %d changed", i), streamDamage...)
	}
	streams(t, v, home, sealed, plaintext)
}

func streamTruncated(t *testing.T, open func(t *testing.T) crypto.Streamer) {
	v := open(t)
	for _, size := range []int{0, 13, 1 << 14, long} {
		plaintext := random(size)
		sealed := sealStream(t, v, home, plaintext)
		for n := 0; n < len(sealed); n += 1 + size/60 {
			broken(t, v, home, sealed[:n], plaintext, fmt.Sprintf("first %d of %d bytes", n, len(sealed)), streamDamage...)
			broken(t, v, home, sealed[n+1:], nil, fmt.Sprintf("without the first %d of %d bytes", n+1, len(sealed)), streamDamage...)
		}
		broken(t, v, home, sealed[:len(sealed)-1], plaintext, "without the last byte", streamDamage...)
	}
}

func streamAppended(t *testing.T, open func(t *testing.T) crypto.Streamer) {
	v := open(t)
	for _, size := range []int{0, 13, 1<<14 - 1, 1 << 14, long} {
		plaintext := random(size)
		sealed := sealStream(t, v, home, plaintext)
		for _, more := range [][]byte{{0}, make([]byte, 16), make([]byte, 1<<17), random(1000), sealed, sealed[len(sealed)/2:]} {
			broken(t, v, home, append(bytes.Clone(sealed), more...), plaintext, fmt.Sprintf("%d bytes after %d", len(more), size), streamDamage...)
		}
	}
}

// streamMoved knows nothing of where chunks begin and end, so it moves pieces of many lengths, also those of the vaults of
// package crypto.
func streamMoved(t *testing.T, open func(t *testing.T) crypto.Streamer) {
	v := open(t)
	plaintext := random(long)
	one, two := sealStream(t, v, home, plaintext), sealStream(t, v, home, plaintext)
	moved := func(changed []byte, what string) {
		t.Helper()
		if !bytes.Equal(changed, one) && !bytes.Equal(changed, two) { // a few bytes may be the same by chance
			broken(t, v, home, changed, plaintext, what, streamDamage...)
		}
	}
	for _, size := range []int{1, 16, 1 << 12, 1<<14 + 16, 1<<14 + 28, 1 << 16, 2 * (1<<14 + 16)} {
		for _, from := range []int{0, 57, 73, 73 + size} {
			to := from + size
			what := fmt.Sprintf("%d bytes at %d", size, from)
			swapped := bytes.Clone(one)
			copy(swapped[from:], one[to:to+size])
			copy(swapped[to:], one[from:to])
			moved(swapped, what+" swapped with the next")
			moved(append(bytes.Clone(one[:from]), one[to:]...), what+" left out")
			moved(append(bytes.Clone(one[:to]), one[from:]...), what+" repeated")
			spliced := bytes.Clone(one)
			copy(spliced[to:to+size], two[to:])
			moved(spliced, what+" followed by as many of another stream")
		}
	}
	for n := 1; n < len(one); n += 16411 {
		moved(append(bytes.Clone(one[:n]), two[n:]...), fmt.Sprintf("%d bytes of one and the rest of another", n))
	}
}

func noStream(t *testing.T, open func(t *testing.T) crypto.Streamer) {
	v := open(t)
	for _, b := range [][]byte{{0}, []byte("{}"), []byte(`{"name":"Ada","age":36}`), []byte(strings.Repeat("plain text ", 100)), make([]byte, 500)} {
		broken(t, v, home, b, nil, fmt.Sprintf("%.20q", b), crypto.ErrMalformed)
	}
	broken(t, v, home, nil, nil, "no bytes", crypto.ErrDamaged)
	for range 200 {
		broken(t, v, home, random(300), nil, "random bytes", streamDamage...)
	}
	broken(t, v, home, seal(t, v, home, []byte("an envelope")), nil, "an envelope", damage...)
	closed(t, v, home, sealStream(t, v, home, []byte("a stream")), "a stream", damage...)
}

func streamNeverClosed(t *testing.T, open func(t *testing.T) crypto.Streamer) {
	v := open(t)
	for _, size := range []int{0, 13, 1 << 14, 1 << 16, long} {
		plaintext := random(size)
		var sealed bytes.Buffer
		w, err := v.SealStream(t.Context(), home, &sealed)
		require.NoError(t, err)
		_, err = w.Write(plaintext)
		require.NoError(t, err)
		broken(t, v, home, bytes.Clone(sealed.Bytes()), plaintext, "a stream that nobody has closed", streamDamage...)
		require.NoError(t, w.Close())
	}
}

var errBroken = errors.New("broken")

func streamBrokenSource(t *testing.T, open func(t *testing.T) crypto.Streamer) {
	v := open(t)
	plaintext := random(long)
	sealed := sealStream(t, v, home, plaintext)
	for _, n := range []int{0, 1, 72, 73, 1000, 1 << 16, len(sealed) - 1, len(sealed)} {
		got, err := readStream(t, v, home, io.MultiReader(bytes.NewReader(sealed[:n]), iotest.ErrReader(errBroken)), 10_000)
		require.ErrorIs(t, err, errBroken, "after %d bytes", n)
		require.NotErrorIs(t, err, crypto.ErrDamaged)
		require.True(t, bytes.HasPrefix(plaintext, got))
	}
	// What io.Copy could not read to its end must not become a whole stream.
	for _, n := range []int{0, 100, long} {
		var half bytes.Buffer
		w, err := v.SealStream(t.Context(), home, &half)
		require.NoError(t, err)
		_, err = io.Copy(w, io.MultiReader(bytes.NewReader(plaintext[:n]), iotest.ErrReader(errBroken)))
		require.ErrorIs(t, err, errBroken)
		require.ErrorIs(t, w.Close(), errBroken)
		broken(t, v, home, half.Bytes(), plaintext[:n], "half a value", streamDamage...)
	}
}

// narrow takes so many bytes and then fails.
type narrow struct{ room int }

func (d *narrow) Write(p []byte) (int, error) {
	n := min(d.room, len(p))
	d.room -= n
	if n < len(p) {
		return n, errBroken
	}
	return n, nil
}

func streamBrokenDestination(t *testing.T, open func(t *testing.T) crypto.Streamer) {
	v := open(t)
	plaintext := random(long)
	for _, room := range []int{0, 50, 1000, 1 << 16, long} {
		w, err := v.SealStream(t.Context(), home, &narrow{room})
		require.NoError(t, err)
		_, err = w.Write(plaintext)
		if err == nil {
			err = w.Close()
		} else {
			_, again := w.Write([]byte("more"))
			require.ErrorIs(t, again, errBroken, "the error was forgotten")
			require.ErrorIs(t, w.Close(), errBroken, "the error was forgotten")
		}
		require.ErrorIs(t, err, errBroken)
	}
}
