package crypto_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/vaulttest"
)

// turning is a hierarchy whose AddKey gives every owner a new key.
type turning struct{ *crypto.Hierarchy }

func (v turning) AddKey(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, err := range v.Rotate(ctx, "") {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestHierarchyThatRotatesKeepsTheVaultContract(t *testing.T) {
	t.Parallel()
	vaulttest.Run(t, func(t *testing.T) crypto.Vault { return turning{build(t, nil).Hierarchy} })
}

func sealStream(t testing.TB, v crypto.Streamer, at crypto.Scope, content string) []byte {
	t.Helper()
	var sealed bytes.Buffer
	w, err := v.SealStream(t.Context(), at, &sealed)
	require.NoError(t, err)
	_, err = io.WriteString(w, content)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return sealed.Bytes()
}

func readStream(t testing.TB, v crypto.Streamer, at crypto.Scope, sealed []byte) (string, error) {
	t.Helper()
	r, err := v.OpenStream(t.Context(), at, bytes.NewReader(sealed))
	if err != nil {
		return "", err
	}
	content, err := io.ReadAll(r)
	require.NoError(t, r.Close())
	return string(content), err
}

func TestStreamNamesTheKeyThatEnvelopesName(t *testing.T) {
	t.Parallel()
	for _, v := range []crypto.Streamer{closeLater(t, crypto.NewKeyring(), nil), build(t, nil)} {
		envelope, err := v.Seal(t.Context(), ada, []byte("content"))
		require.NoError(t, err)
		want, err := crypto.KeyOf(envelope)
		require.NoError(t, err)
		stream := sealStream(t, v, ada, "content")
		got, err := crypto.KeyOfStream(stream[:crypto.StreamHeadBytes])
		require.NoError(t, err)
		require.Equal(t, want, got)
		got, err = crypto.KeyOfStream(stream)
		require.NoError(t, err)
		require.Equal(t, want, got)

		_, err = crypto.KeyOf(stream)
		require.Error(t, err, "a stream is no envelope")
		_, err = crypto.KeyOfStream(envelope)
		require.ErrorIs(t, err, crypto.ErrMalformed, "an envelope is no stream")
		_, err = crypto.KeyOfStream([]byte{31})
		require.ErrorIs(t, err, crypto.ErrNewer)
		for n := range crypto.StreamHeadBytes {
			_, err = crypto.KeyOfStream(stream[:n])
			require.ErrorIs(t, err, crypto.ErrDamaged)
		}
	}
}

func TestStreamUnderARetiredKeyIsTooOld(t *testing.T) {
	t.Parallel()
	h := build(t, nil)
	old := sealStream(t, h, ada, "content")
	require.NoError(t, turning{h.Hierarchy}.AddKey(t.Context()))
	var anew bytes.Buffer
	changed, err := h.RewrapStream(t.Context(), ada, &anew, bytes.NewReader(old))
	require.NoError(t, err)
	require.True(t, changed)
	finish(t, h.Retire(t.Context(), nil))
	_, err = readStream(t, h, ada, old)
	require.ErrorIs(t, err, crypto.ErrKeyTooOld)
	changed, err = h.RewrapStream(t.Context(), ada, io.Discard, bytes.NewReader(old))
	require.ErrorIs(t, err, crypto.ErrKeyTooOld)
	require.False(t, changed)
	content, err := readStream(t, h, ada, anew.Bytes())
	require.NoError(t, err)
	require.Equal(t, "content", content)
}

// A stream that is open when its key is destroyed or retired, or the vault closed, does not outlive that.
func TestOpenStreamEndsWithItsKey(t *testing.T) {
	t.Parallel()
	shred := func(t *testing.T, h *house) {
		for _, at := range []crypto.Scope{ada, run} {
			_, err := h.Shred(t.Context(), at)
			require.NoError(t, err)
		}
	}
	for name, c := range map[string]struct {
		end   func(t *testing.T, h *house)
		other bool // another process does it
		want  error
	}{
		"shredded":                    {end: shred, want: crypto.ErrShredded},
		"shredded by another process": {end: shred, other: true, want: crypto.ErrShredded},
		"shredded and allowed again": {end: func(t *testing.T, h *house) {
			shred(t, h)
			require.NoError(t, h.AllowNewLifecycle(t.Context(), ada))
			_, err := h.Seal(t.Context(), run, nil)
			require.NoError(t, err)
		}, want: crypto.ErrShredded},
		"retired": {end: func(t *testing.T, h *house) {
			require.NoError(t, turning{h.Hierarchy}.AddKey(t.Context()))
			finish(t, h.Retire(t.Context(), nil))
		}, want: crypto.ErrKeyTooOld},
		"closed": {end: func(t *testing.T, h *house) { require.NoError(t, h.Close()) }, want: crypto.ErrClosed},
	} {
		for owner, at := range map[string]crypto.Scope{"subject": ada, "run": run} {
			t.Run(name+" "+owner, func(t *testing.T) {
				t.Parallel()
				h := build(t, func(c *crypto.HierarchyConfig) { c.KeyTime = time.Hour })
				content := strings.Repeat("0123456789abcdef", 64<<10)
				for _, at := range []crypto.Scope{ada, run} {
					sealStream(t, h, at, "")
				}
				user := h.Hierarchy
				if c.other {
					user = h.open(t, func(c *crypto.HierarchyConfig) { c.KeyTime = time.Nanosecond })
				}
				sealed := sealStream(t, user, at, content)
				var half bytes.Buffer
				w, err := user.SealStream(t.Context(), at, &half)
				require.NoError(t, err)
				_, err = io.WriteString(w, content)
				require.NoError(t, err)
				r, err := user.OpenStream(t.Context(), at, bytes.NewReader(sealed))
				require.NoError(t, err)
				_, err = io.ReadFull(r, make([]byte, 100))
				require.NoError(t, err)

				c.end(t, h)
				written := half.Len()
				_, err = io.WriteString(w, content)
				require.ErrorIs(t, err, c.want)
				require.ErrorIs(t, w.Close(), c.want)
				require.Equal(t, written, half.Len(), "something was sealed under a key that is gone")
				rest, err := io.ReadAll(r)
				require.ErrorIs(t, err, c.want)
				require.LessOrEqual(t, len(rest), 64<<10)
				_, err = r.Read(make([]byte, 1))
				require.ErrorIs(t, err, c.want)
			})
		}
	}
}

func TestOpenStreamEndsWithItsKeyring(t *testing.T) {
	t.Parallel()
	v := crypto.NewKeyring()
	sealed := sealStream(t, v, at, strings.Repeat("content", 100_000))
	w, err := v.SealStream(t.Context(), at, io.Discard)
	require.NoError(t, err)
	r, err := v.OpenStream(t.Context(), at, bytes.NewReader(sealed))
	require.NoError(t, err)
	require.NoError(t, v.Close())
	require.ErrorIs(t, w.Close(), crypto.ErrClosed)
	rest, err := io.ReadAll(r)
	require.ErrorIs(t, err, crypto.ErrClosed)
	require.LessOrEqual(t, len(rest), 64<<10)
	for _, closed := range []crypto.Streamer{v, &crypto.Keyring{}} {
		_, err = closed.SealStream(t.Context(), at, io.Discard)
		require.ErrorIs(t, err, crypto.ErrClosed)
		_, err = closed.OpenStream(t.Context(), at, bytes.NewReader(sealed))
		require.ErrorIs(t, err, crypto.ErrClosed)
		_, err = closed.RewrapStream(t.Context(), at, io.Discard, bytes.NewReader(sealed))
		require.ErrorIs(t, err, crypto.ErrClosed)
	}
}

func TestStreamOfANewerKeyOpensInEveryProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	one, err := crypto.CreateKeyring(path)
	closeLater(t, one, err)
	two, err := crypto.OpenKeyring(path)
	closeLater(t, two, err)
	require.NoError(t, one.AddKey(t.Context()))
	content, err := readStream(t, two, at, sealStream(t, one, at, "content"))
	require.NoError(t, err)
	require.Equal(t, "content", content)
}

// endless gives so many bytes.
func endless(size int64) io.Reader { return io.LimitReader(zeros{}, size) }

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestStreamNeedsLittleMemoryHoweverLongItIs(t *testing.T) {
	// Not parallel: what the whole process allocates is counted. What others still allocate is not the stream's, so the least
	// of a few tries counts.
	v := closeLater(t, crypto.NewKeyring(), nil)
	least := uint64(math.MaxUint64)
	for range 3 {
		least = min(least, allocatedByStream(t, v, 64<<20))
	}
	require.Less(t, least, uint64(2*100<<10))
}

// allocatedByStream is how much memory is allocated while a stream of a size is sealed and opened.
func allocatedByStream(t *testing.T, v crypto.Streamer, size int64) uint64 {
	t.Helper()
	from, to := io.Pipe()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	go func() {
		w, err := v.SealStream(t.Context(), at, to)
		if err == nil {
			_, err = io.Copy(w, endless(size))
		}
		if err == nil {
			err = w.Close()
		}
		_ = to.CloseWithError(err)
	}()
	r, err := v.OpenStream(t.Context(), at, from)
	require.NoError(t, err)
	n, err := io.Copy(io.Discard, r)
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	require.Equal(t, size, n)
	return after.TotalAlloc - before.TotalAlloc
}

// Fixed streams were sealed in the mode that their names end in, and open in every mode.
func TestStreamsOfEveryModeOpenInEveryMode(t *testing.T) {
	t.Parallel()
	folder := filepath.Join("testdata", "fixed")
	r := openFixed(t, filepath.Join(folder, "2026-12.keys"))
	content := strings.Repeat("streams open for ever. ", 1000)
	for _, mode := range []string{"off", "only"} {
		file := filepath.Join(folder, "2026-12."+mode+".stream")
		if *add == "stream."+mode {
			require.NoError(t, os.WriteFile(file, sealStream(t, r, at, content), 0o600))
		}
		sealed, err := os.ReadFile(file)
		require.NoError(t, err)
		got, err := readStream(t, r, at, sealed)
		require.NoError(t, err)
		require.Equal(t, content, got)
		_, err = readStream(t, r, ada, sealed)
		require.ErrorIs(t, err, crypto.ErrScope)
	}
}

func FuzzStreamsOfAVault(f *testing.F) {
	v := crypto.NewKeyring()
	f.Cleanup(func() { _ = v.Close() })
	content := strings.Repeat("0123456789", 2000)
	genuine := sealStream(f, v, at, content)
	f.Add([]byte{}, uint(0), byte(0))
	f.Add(genuine[:crypto.StreamHeadBytes], uint(20), byte(1))
	f.Add([]byte("appended"), uint(len(genuine)), byte(0))
	f.Add([]byte{}, uint(17_000), byte(0x80))
	f.Add([]byte{3}, uint(0), byte(0))
	// The fuzzer overwrites part of a genuine stream, from a place on, and changes the byte before.
	f.Fuzz(func(t *testing.T, over []byte, from uint, flip byte) {
		from %= uint(len(genuine) + 1)
		sealed := append(bytes.Clone(genuine[:from]), over...)
		if rest := int(from) + len(over); rest < len(genuine) && flip&1 == 0 {
			sealed = append(sealed, genuine[rest:]...)
		}
		if from > 0 {
			sealed[from-1] ^= flip
		}
		got, err := readStream(t, v, at, sealed)
		require.True(t, strings.HasPrefix(content, got))
		var anew bytes.Buffer
		changed, again := v.RewrapStream(t.Context(), at, &anew, bytes.NewReader(sealed))
		require.False(t, changed)
		require.Zero(t, anew.Len())
		if bytes.Equal(sealed, genuine) {
			require.NoError(t, err)
			require.NoError(t, again)
			require.Len(t, got, len(content))
			return
		}
		known := false
		for _, want := range []error{crypto.ErrDamaged, crypto.ErrScope, crypto.ErrNoKey, crypto.ErrMalformed, crypto.ErrNewer} {
			known = known || errors.Is(err, want)
		}
		require.True(t, known, "%v", err)
	})
}
