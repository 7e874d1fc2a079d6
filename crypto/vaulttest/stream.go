package vaulttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
)

// streamClauses are what Run checks of a crypto.Streamer.
var streamClauses = []struct {
	name  string
	check func(t *testing.T, open func(t *testing.T) crypto.Streamer)
}{
	{"RoundTrip", streamRoundTrip},
	{"Copied", streamCopied},
	{"Scopes", streamScopes},
	{"OtherVault", streamOfOtherVault},
	{"EveryBitFlipped", streamWithEveryBitFlipped},
	{"Truncated", streamTruncated},
	{"Appended", streamAppended},
	{"Moved", streamMoved},
	{"NoStream", noStream},
	{"NeverClosed", streamNeverClosed},
	{"NoPlaintextInside", noPlaintextInsideStream},
	{"Closed", streamClosed},
	{"BrokenSource", streamBrokenSource},
	{"BrokenDestination", streamBrokenDestination},
	{"Canceled", streamCanceled},
	{"Rewrap", streamRewrap},
	{"Concurrent", streamConcurrent},
}

func stream(t *testing.T, open func(t *testing.T) crypto.Vault) {
	if _, ok := open(t).(crypto.Streamer); !ok {
		t.Log("the vault is no crypto.Streamer")
		return
	}
	for _, clause := range streamClauses {
		t.Run(clause.name, func(t *testing.T) {
			t.Parallel()
			clause.check(t, func(t *testing.T) crypto.Streamer {
				v, ok := open(t).(crypto.Streamer)
				require.True(t, ok)
				return v
			})
		})
	}
}

// long is a length of several chunks, however long those are, and some bytes.
const long = 300<<10 + 77

func sealStream(t *testing.T, v crypto.Streamer, at crypto.Scope, plaintext []byte) []byte {
	t.Helper()
	var sealed bytes.Buffer
	w, err := v.SealStream(t.Context(), at, &sealed)
	require.NoError(t, err)
	n, err := w.Write(plaintext)
	require.NoError(t, err)
	require.Len(t, plaintext, n)
	require.NoError(t, w.Close())
	require.Greater(t, sealed.Len(), len(plaintext), "the stream has no room for what makes it authentic")
	return sealed.Bytes()
}

// readStream returns all that a stream gives, and the error that it ends with unless it is io.EOF.
func readStream(t *testing.T, v crypto.Streamer, at crypto.Scope, src io.Reader, buffer int) ([]byte, error) {
	t.Helper()
	r, err := v.OpenStream(t.Context(), at, src)
	if err != nil {
		require.Nil(t, r)
		return nil, err
	}
	defer func() { require.NoError(t, r.Close()) }()
	return drain(t, r, buffer)
}

func drain(t *testing.T, r io.Reader, buffer int) (got []byte, err error) {
	t.Helper()
	p := make([]byte, buffer)
	for err == nil {
		var n int
		n, err = r.Read(p)
		got = append(got, p[:n]...)
		require.LessOrEqual(t, len(got), 2*int(crypto.MaxPlaintextBytes), "the reader does not come to an end")
	}
	n, again := r.Read(p)
	require.Zero(t, n, "bytes after %v", err)
	require.ErrorIs(t, again, err, "another error than before")
	if err == io.EOF { //nolint:errorlint // nothing else is an end
		return got, nil
	}
	return got, err
}

func streams(t *testing.T, v crypto.Streamer, at crypto.Scope, sealed, want []byte) {
	t.Helper()
	got, err := readStream(t, v, at, bytes.NewReader(sealed), 10_000)
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, got), "opened to %d bytes that are not the %d sealed ones", len(got), len(want))
}

func streamRoundTrip(t *testing.T, open func(t *testing.T) crypto.Streamer) {
	v := open(t)
	for _, size := range []int{0, 1, 100, 1<<14 - 1, 1 << 14, 1<<14 + 1, 1 << 16, 1 << 20, long, int(crypto.MaxPlaintextBytes) + 1} {
		plaintext := random(size)
		sealed := sealStream(t, v, home, plaintext)
		streams(t, v, home, sealed, plaintext)
		if size <= long {
			r, err := v.OpenStream(t.Context(), home, iotest.HalfReader(bytes.NewReader(sealed)))
			require.NoError(t, err)
			require.NoError(t, iotest.TestReader(r, plaintext))
		}
	}
	plaintext := random(long)
	for _, step := range []int{1, 333, 1 << 14, 1<<16 + 1} {
		kept := bytes.Clone(plaintext)
		var sealed bytes.Buffer
		w, err := v.SealStream(t.Context(), home, &sealed)
		require.NoError(t, err)
		for rest := plaintext; len(rest) > 0; {
			n, err := w.Write(rest[:min(step, len(rest))])
			require.NoError(t, err)
			rest = rest[n:]
		}
		require.NoError(t, w.Close())
		require.True(t, bytes.Equal(kept, plaintext), "Write changed its input")
		streams(t, v, home, sealed.Bytes(), plaintext)
	}
}

func streamCopied(t *testing.T, open func(t *testing.T) crypto.Streamer) {
	v := open(t)
	for _, size := range []int{0, 100, 1 << 14, long} {
		plaintext := random(size)
		var sealed, copied bytes.Buffer
		w, err := v.SealStream(t.Context(), home, &sealed)
		require.NoError(t, err)
		// Without WriteTo, so that a writer may use its ReadFrom, with sources of several habits.
		for i, source := range []func(io.Reader) io.Reader{iotest.HalfReader, iotest.DataErrReader, func(r io.Reader) io.Reader { return r }} {
			part := plaintext[i*size/3 : (i+1)*size/3]
			n, err := io.Copy(w, source(struct{ io.Reader }{bytes.NewReader(part)}))
			require.NoError(t, err)
			require.EqualValues(t, len(part), n)
		}
		require.NoError(t, w.Close())
		r, err := v.OpenStream(t.Context(), home, &sealed)
		require.NoError(t, err)
		beginning := make([]byte, min(10, size))
		_, err = io.ReadFull(r, beginning)
		require.NoError(t, err)
		n, err := io.Copy(&copied, r)
		require.NoError(t, err)
		require.EqualValues(t, size-len(beginning), n)
		require.True(t, bytes.Equal(plaintext, append(beginning, copied.Bytes()...)))
		n, err = io.Copy(&copied, r)
		require.NoError(t, err)
		require.Zero(t, n)
		require.NoError(t, r.Close())
	}
}

func streamScopes(t *testing.T, open func(t *testing.T) crypto.Streamer) {
	v := open(t)
	sealed := sealStream(t, v, home, []byte("belongs here"))
	for name, at := range elsewhere() {
		broken(t, v, at, sealed, nil, name, crypto.ErrScope)
		there := sealStream(t, v, at, []byte("belongs there"))
		broken(t, v, home, there, nil, "from "+name, crypto.ErrScope)
		streams(t, v, at, there, []byte("belongs there"))
	}
	streams(t, v, home, sealed, []byte("belongs here"))
	for _, at := range []crypto.Scope{{}, {Field: strings.Repeat("x", crypto.MaxScopeBytes+1)}} {
		var none bytes.Buffer
		w, err := v.SealStream(t.Context(), at, &none)
		require.ErrorIs(t, err, crypto.ErrScope)
		require.Nil(t, w)
		require.Zero(t, none.Len())
		broken(t, v, at, sealed, nil, "a scope that cannot be used", crypto.ErrScope)
	}
}

func streamOfOtherVault(t *testing.T, open func(t *testing.T) crypto.Streamer) {
	mine, theirs := open(t), open(t)
	broken(t, theirs, home, sealStream(t, mine, home, []byte("text")), nil, "another vault's stream", crypto.ErrNoKey, crypto.ErrScope)
}

func noPlaintextInsideStream(t *testing.T, open func(t *testing.T) crypto.Streamer) {
	v := open(t)
	plaintext := random(100_000)
	windows := map[string]bool{}
	for i := range len(plaintext) - 7 {
		windows[string(plaintext[i:i+8])] = true
	}
	sealed := sealStream(t, v, home, plaintext)
	for i := range len(sealed) - 7 {
		require.False(t, windows[string(sealed[i:i+8])], "plaintext at byte %d", i)
	}
	require.NotEqual(t, sealed, sealStream(t, v, home, plaintext), "the same stream twice")
	zeros := sealStream(t, v, home, make([]byte, 100_000))
	require.NotContains(t, string(zeros), string(make([]byte, 16)))
}

func streamClosed(t *testing.T, open func(t *testing.T) crypto.Streamer) {
	v := open(t)
	var sealed bytes.Buffer
	w, err := v.SealStream(t.Context(), home, &sealed)
	require.NoError(t, err)
	_, err = w.Write([]byte("text"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	kept := bytes.Clone(sealed.Bytes())
	n, err := w.Write([]byte("more"))
	require.ErrorIs(t, err, fs.ErrClosed)
	require.Zero(t, n)
	require.NoError(t, w.Close())
	require.Equal(t, kept, sealed.Bytes(), "something was written after Close")

	r, err := v.OpenStream(t.Context(), home, bytes.NewReader(kept))
	require.NoError(t, err)
	require.NoError(t, r.Close())
	n, err = r.Read(make([]byte, 10))
	require.ErrorIs(t, err, fs.ErrClosed)
	require.Zero(t, n)
	require.NoError(t, r.Close())
}

func streamCanceled(t *testing.T, open func(t *testing.T) crypto.Streamer) {
	v := open(t)
	plaintext := random(long)
	sealed := sealStream(t, v, home, plaintext)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var none bytes.Buffer
	w, err := v.SealStream(ctx, home, &none)
	require.ErrorIs(t, err, context.Canceled)
	require.Nil(t, w)
	r, err := v.OpenStream(ctx, home, bytes.NewReader(sealed))
	require.ErrorIs(t, err, context.Canceled)
	require.Nil(t, r)
	changed, err := v.RewrapStream(ctx, home, &none, bytes.NewReader(sealed))
	require.ErrorIs(t, err, context.Canceled)
	require.False(t, changed)
	require.Zero(t, none.Len())

	ctx, cancel = context.WithCancel(t.Context())
	var half bytes.Buffer
	w, err = v.SealStream(ctx, home, &half)
	require.NoError(t, err)
	_, err = w.Write(plaintext[:1<<16])
	require.NoError(t, err)
	r, err = v.OpenStream(ctx, home, bytes.NewReader(sealed))
	require.NoError(t, err)
	_, err = io.ReadFull(r, make([]byte, 1000))
	require.NoError(t, err)
	cancel()
	_, err = w.Write(plaintext[1<<16:])
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, w.Close(), context.Canceled)
	broken(t, v, home, half.Bytes(), plaintext, "a stream that was given up", streamDamage...)
	got, err := drain(t, r, 1000)
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, got)
	require.NoError(t, r.Close())
}

func streamRewrap(t *testing.T, open func(t *testing.T) crypto.Streamer) {
	v := open(t)
	plaintext := random(long)
	sealed := sealStream(t, v, home, plaintext)
	same := func(sealed []byte) {
		t.Helper()
		var none bytes.Buffer
		changed, err := v.RewrapStream(t.Context(), home, &none, bytes.NewReader(sealed))
		require.NoError(t, err)
		require.False(t, changed, "rewrapped what is under the newest key")
		require.Zero(t, none.Len())
	}
	same(sealed)
	adder, ok := v.(interface{ AddKey(context.Context) error })
	if !ok {
		t.Log("the vault has no method AddKey")
		return
	}
	require.NoError(t, adder.AddKey(t.Context()))
	streams(t, v, home, sealed, plaintext)
	var rewrapped bytes.Buffer
	changed, err := v.RewrapStream(t.Context(), home, &rewrapped, bytes.NewReader(sealed))
	require.NoError(t, err)
	require.True(t, changed)
	streams(t, v, home, rewrapped.Bytes(), plaintext)
	streams(t, v, home, sealed, plaintext)
	same(rewrapped.Bytes())
	for name, at := range elsewhere() {
		broken(t, v, at, rewrapped.Bytes(), nil, name, crypto.ErrScope)
		var none bytes.Buffer
		changed, err := v.RewrapStream(t.Context(), at, &none, bytes.NewReader(sealed))
		require.ErrorIs(t, err, crypto.ErrScope)
		require.False(t, changed)
		require.Zero(t, none.Len())
	}
	for n := range 30 {
		var half bytes.Buffer
		changed, err := v.RewrapStream(t.Context(), home, &half, bytes.NewReader(sealed[:n*len(sealed)/30]))
		require.True(t, isOneOf(err, streamDamage), "RewrapStream of a damaged stream returned %v", err)
		require.False(t, changed)
		broken(t, v, home, half.Bytes(), plaintext, "a stream made of a damaged one", streamDamage...)
	}
	_, err = v.RewrapStream(t.Context(), home, &narrow{1000}, bytes.NewReader(sealed))
	require.ErrorIs(t, err, errBroken)
	_, err = v.RewrapStream(t.Context(), home, io.Discard, io.MultiReader(bytes.NewReader(sealed[:100_000]), iotest.ErrReader(errBroken)))
	require.ErrorIs(t, err, errBroken)
}

func streamConcurrent(t *testing.T, open func(t *testing.T) crypto.Streamer) {
	v := open(t)
	adder, _ := v.(interface{ AddKey(context.Context) error })
	ctx := t.Context()
	worker := func(id int) error {
		for n := range 20 {
			at := home
			at.Tenant, at.Record, at.Run = fmt.Sprint("tenant ", id%3), fmt.Sprint(id), fmt.Sprint(n%7)
			want := bytes.Repeat([]byte{byte(id), byte(n)}, n*3001)
			var sealed bytes.Buffer
			w, err := v.SealStream(ctx, at, &sealed)
			if err == nil {
				_, err = w.Write(want)
			}
			if err == nil {
				err = w.Close()
			}
			if err != nil {
				return fmt.Errorf("seal: %w", err)
			}
			if adder != nil && id == 0 && n%10 == 9 {
				if err := adder.AddKey(ctx); err != nil {
					return fmt.Errorf("add key: %w", err)
				}
			}
			r, err := v.OpenStream(ctx, at, bytes.NewReader(sealed.Bytes()))
			if err != nil {
				return fmt.Errorf("open: %w", err)
			}
			got, err := io.ReadAll(r)
			if err != nil {
				return fmt.Errorf("read: %w", err)
			}
			if !bytes.Equal(got, want) {
				return errors.New("read: another goroutine's text")
			}
			if err := r.Close(); err != nil {
				return fmt.Errorf("close: %w", err)
			}
		}
		return nil
	}
	results := make([]error, 8)
	var wg sync.WaitGroup
	for id := range results {
		wg.Go(func() { results[id] = worker(id) })
	}
	wg.Wait()
	require.NoError(t, errors.Join(results...))
}
