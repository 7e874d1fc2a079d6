package crypto

import (
	"bytes"
	"compress/zlib"
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto/secret"
)

var (
	streamKey = rootOf([]byte("YELLOW SUBMARINE YELLOW SUBMARIN"))
	goOn      = func() error { return nil }
	whole     = map[streamForm]int{formChunks: streamChunkSize + chunkOverhead, formRecords: streamChunkSize + recordOverhead}
)

func rootOf(key []byte) *rootKey {
	sum := sha512.Sum512(key)
	return &rootKey{id: keyID(sum[:]), key: secret.New(key)}
}

// newGoingWriter and newGoingReader are for streams that nothing stops.
func (s *streams) newGoingWriter(dst io.Writer, key *rootKey, at *Scope) (*streamWriter, error) {
	return s.newWriter(streamGuard{goOn, goOn}, dst, key, at)
}

func (s *streams) newGoingReader(src io.Reader, key *rootKey, at *Scope) (*streamReader, error) {
	context := s.context(at)
	return s.newContextReader(src, key, context[:])
}

func (s *streams) newContextReader(src io.Reader, key *rootKey, context []byte) (*streamReader, error) {
	r, id, err := s.newReader(goOn, src)
	if err != nil {
		return nil, err
	}
	if id != key.id {
		r.fail(ErrNoKey)
		return nil, ErrNoKey
	}
	if err := r.openContext(goOn, key, context); err != nil {
		r.fail(err)
		return nil, err
	}
	return r, nil
}

// sealable are the forms that may be sealed in this mode.
func sealable() map[string]*streams {
	all := map[string]*streams{"records": newStreams()}
	all["records"].form = formRecords
	if !fips140.Enforced() {
		all["chunks"] = newStreams()
	}
	return all
}

// content is text in which no two chunks are the same.
func content(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i) ^ byte(i>>8) ^ byte(i>>16)*7
	}
	return b
}

func sealStream(tb testing.TB, s *streams, plaintext []byte) []byte {
	tb.Helper()
	var sealed bytes.Buffer
	w, err := s.newGoingWriter(&sealed, streamKey, &place)
	require.NoError(tb, err)
	_, err = w.Write(plaintext)
	require.NoError(tb, err)
	require.NoError(tb, w.Close())
	return sealed.Bytes()
}

// openStream returns what a stream gives, and the error that it ends with, if it is not io.EOF. A reader that does not
// keep failing fails the test.
func openStream(tb testing.TB, s *streams, sealed io.Reader, buffer int) ([]byte, error) {
	tb.Helper()
	r, err := s.newGoingReader(sealed, streamKey, &place)
	if err != nil {
		require.Nil(tb, r)
		return nil, err
	}
	return drain(tb, r, buffer)
}

func drain(tb testing.TB, r io.Reader, buffer int) ([]byte, error) {
	tb.Helper()
	var got []byte
	p := make([]byte, buffer)
	for {
		n, err := r.Read(p)
		got = append(got, p[:n]...)
		if err == nil {
			continue
		}
		require.Zero(tb, n)
		for range 3 {
			n, again := r.Read(p)
			require.Zero(tb, n)
			require.Equal(tb, err, again)
		}
		if err == io.EOF {
			return got, nil
		}
		return got, err
	}
}

func TestWycheproofChunkedEncryption(t *testing.T) {
	t.Parallel()
	var file struct {
		TestGroups []struct {
			AEAD, SHA string
			Tests     []struct {
				TCID                    int `json:"tcId"`
				Key, Ctx, CT, BaseNonce string
				MsgLength               int
				MsgSHA512, Result       string
				Flags                   []string
			}
		}
	}
	readVectors(t, "wycheproof/c2sp_chunked_encryption_aes_256_gcm_test.json", &file)
	s := newStreams()
	count := 0
	for _, group := range file.TestGroups {
		require.Equal(t, "AEAD_AES_256_GCM SHA-512", group.AEAD+" "+group.SHA)
		for _, c := range group.Tests {
			count++
			z, err := zlib.NewReader(bytes.NewReader(unhex(t, c.CT)))
			require.NoError(t, err)
			ct, err := io.ReadAll(z)
			require.NoError(t, err)
			stream := slices.Concat([]byte{byte(formChunks)}, make([]byte, keyIDSize), ct)
			copy(stream[1:], rootOf(unhex(t, c.Key)).id[:])
			for _, buffer := range []int{1000, streamChunkSize, 3*streamChunkSize + 1} {
				for name, source := range map[string]io.Reader{
					"whole": bytes.NewReader(stream), "halves": iotest.HalfReader(bytes.NewReader(stream)),
					"with the end": iotest.DataErrReader(bytes.NewReader(stream)),
				} {
					what := fmt.Sprintf("case %d, %s in %d bytes", c.TCID, name, buffer)
					r, err := s.newContextReader(source, rootOf(unhex(t, c.Key)), unhex(t, c.Ctx))
					if slices.Contains(c.Flags, "HeaderFailure") {
						require.Error(t, err, what)
						continue
					}
					require.NoError(t, err, what)
					require.Equal(t, unhex(t, c.BaseNonce), r.cipher.base[:], what)
					got, err := drain(t, r, buffer)
					if c.Result == "valid" {
						require.NoError(t, err, what)
					} else {
						require.ErrorIs(t, err, ErrDamaged, what)
					}
					require.Len(t, got, c.MsgLength, what)
					if c.MsgSHA512 != "" {
						sum := sha512.Sum512(got)
						require.Equal(t, c.MsgSHA512, hex.EncodeToString(sum[:]), what)
					}
				}
			}
		}
	}
	require.Equal(t, 35, count)
}

// reference opens Cobblestone-256 as its specification says, all at once.
func reference(t *testing.T, key, sealed, context []byte) []byte {
	t.Helper()
	okm, err := hkdf.Expand(sha512.New, key, "c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00"+string(sealed[:24])+string(context), 76)
	require.NoError(t, err)
	require.Equal(t, okm[44:], sealed[24:56])
	block, err := aes.NewCipher(okm[:32])
	require.NoError(t, err)
	aead, err := cipher.NewGCM(block)
	require.NoError(t, err)
	var plaintext []byte
	for i, rest := int64(0), sealed[56:]; ; i++ {
		nonce := new(big.Int).SetBytes(okm[32:44])
		nonce.Xor(nonce, big.NewInt(i))
		chunk := rest[:min(len(rest), 16384+16)]
		rest = rest[len(chunk):]
		plaintext, err = aead.Open(plaintext, nonce.FillBytes(make([]byte, 12)), chunk, nil)
		require.NoError(t, err)
		if len(chunk) < 16384+16 {
			require.Empty(t, rest)
			return plaintext
		}
	}
}

func TestStreamIsReadByAnyReaderOfItsFormat(t *testing.T) {
	t.Parallel()
	if fips140.Enforced() {
		t.Skip("this form is not sealed in this mode")
	}
	scope, err := place.AppendBinary(nil)
	require.NoError(t, err)
	context := sha256.Sum256(scope)
	for _, size := range []int{0, 1, streamChunkSize - 1, streamChunkSize, 300*streamChunkSize + 5} {
		sealed := sealStream(t, newStreams(), content(size))
		require.EqualValues(t, formChunks, sealed[0])
		require.True(t, bytes.Equal(content(size), reference(t, []byte("YELLOW SUBMARINE YELLOW SUBMARIN"), sealed[StreamHeadBytes:], context[:])), "%d bytes", size)
	}
}

func TestStreamIsSealedInTheFormOfTheMode(t *testing.T) {
	t.Parallel()
	want := formChunks
	if fips140.Enforced() {
		want = formRecords
		s := newStreams()
		s.form = formChunks
		_, err := s.newGoingWriter(io.Discard, streamKey, &place)
		require.ErrorContains(t, err, "FIPS 140-only")
	}
	require.EqualValues(t, want, sealStream(t, newStreams(), nil)[0])
}

func TestStreamComesBackWhateverItsLength(t *testing.T) {
	t.Parallel()
	const n = streamChunkSize
	for name, s := range sealable() {
		for _, size := range []int{0, 1, 100, n - 1, n, n + 1, 2*n - 1, 2 * n, 2*n + 1, 4 * n, 4*n + 7, 9*n + 100} {
			plaintext := content(size)
			chunks := size/n + 1
			for _, step := range []int{1000, n - 1, n, n + 1, 3*n + 5, 10 * n} {
				var sealed bytes.Buffer
				w, err := s.newGoingWriter(&sealed, streamKey, &place)
				require.NoError(t, err)
				for part := range slices.Chunk(plaintext, step) {
					written, err := w.Write(part)
					require.NoError(t, err)
					require.Len(t, part, written)
				}
				require.NoError(t, w.Close())
				require.NoError(t, w.Close(), "closing again is no mistake")
				_, err = w.Write([]byte("more"))
				require.ErrorIs(t, err, errStreamClosed)
				require.Equal(t, headerSize+size+chunks*(whole[s.form]-n), sealed.Len())

				got, err := openStream(t, s, &sealed, step)
				require.NoError(t, err)
				require.True(t, bytes.Equal(plaintext, got), "%s: %d bytes by %d", name, size, step)
			}
		}
	}
}

func TestStreamReaderIsAReader(t *testing.T) {
	t.Parallel()
	for name, s := range sealable() {
		plaintext := content(3*streamChunkSize + 77)
		sealed := sealStream(t, s, plaintext)
		for how, source := range map[string]io.Reader{
			"whole": bytes.NewReader(sealed), "bytes": iotest.OneByteReader(bytes.NewReader(sealed)), "with the end": iotest.DataErrReader(bytes.NewReader(sealed)),
		} {
			r, err := s.newGoingReader(source, streamKey, &place)
			require.NoError(t, err)
			require.NoError(t, iotest.TestReader(r, plaintext), "%s, %s", name, how)
		}
	}
}

func TestReaderGivesWhatIsThereBeforeTheStreamEnds(t *testing.T) {
	t.Parallel()
	for name, s := range sealable() {
		from, to := io.Pipe()
		go func() {
			w, err := s.newGoingWriter(to, streamKey, &place)
			if err == nil {
				_, err = w.Write(content(streamChunkSize))
			}
			if err != nil {
				_ = to.CloseWithError(err)
			}
			// Nothing more comes, and no end.
		}()
		r, err := s.newGoingReader(from, streamKey, &place)
		require.NoError(t, err)
		got := make([]byte, streamChunkSize)
		_, err = io.ReadFull(r, got)
		require.NoError(t, err)
		require.True(t, bytes.Equal(content(streamChunkSize), got), name)
		require.NoError(t, from.Close())
	}
}

func TestStreamOpensUnderItsKeyAndScopeOnly(t *testing.T) {
	t.Parallel()
	for name, s := range sealable() {
		sealed := sealStream(t, s, content(100))
		require.NotContains(t, string(sealed), string(content(100)[:16]))
		require.NotEqual(t, sealed, sealStream(t, s, content(100)), "a salt came twice")
		open := func(key *rootKey, at Scope) error {
			_, err := s.newGoingReader(bytes.NewReader(sealed), key, &at)
			return err
		}
		require.NoError(t, open(streamKey, place))
		require.ErrorIs(t, open(rootOf([]byte("ORANGE SUBMARINE ORANGE SUBMARIN")), place), ErrNoKey)
		impostor := &rootKey{id: streamKey.id, key: secret.New([]byte("ORANGE SUBMARINE ORANGE SUBMARIN"))}
		s.opening.clear()
		require.ErrorIs(t, open(impostor, place), ErrScope)
		for _, size := range []int{0, 16, 31, 33, 64} {
			short := rootOf(make([]byte, size))
			_, err := s.newGoingWriter(io.Discard, short, &place)
			require.ErrorContains(t, err, "it must have 32")
		}
		for i, other := range []Scope{
			{}, {Tenant: place.Tenant}, func() Scope { p := place; p.Tenant = "globex"; return p }(), func() Scope { p := place; p.Category += "s"; return p }(),
			func() Scope { p := place; p.Record = "r2"; return p }(), func() Scope { p := place; p.Field = ""; return p }(),
			func() Scope { p := place; p.Subject = "s2"; return p }(), func() Scope { p := place; p.Run = "x2"; return p }(),
			func() Scope { p := place; p.Record, p.Field = p.Record+p.Field, ""; return p }(),
		} {
			require.ErrorIs(t, open(streamKey, other), ErrScope, "%s: scope %d", name, i)
		}
	}
}

func TestWhatIsNoStreamIsNamed(t *testing.T) {
	t.Parallel()
	s := newStreams()
	for b := range 256 {
		_, err := s.newGoingReader(bytes.NewReader(slices.Concat([]byte{byte(b)}, streamKey.id[:], make([]byte, 200))), streamKey, &place)
		switch {
		case b == int(formChunks) || b == int(formRecords):
			require.ErrorIs(t, err, ErrScope)
		case b > int(formRecords) && b < ' ':
			require.ErrorIs(t, err, ErrNewer)
		default:
			require.ErrorIs(t, err, ErrMalformed)
		}
	}
	_, err := s.newGoingReader(bytes.NewReader(nil), streamKey, &place)
	require.ErrorIs(t, err, ErrDamaged)
}

func TestNonceCountsBigEndian(t *testing.T) {
	t.Parallel()
	c := &chunkCipher{form: formChunks, base: [nonceSize]byte{0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0xff}}
	for _, index := range []uint64{0, 1, 255, 256, 65536, 1<<32 - 1, 1 << 32, maxChunks - 1} {
		want := new(big.Int).SetBytes(c.base[:])
		want.Xor(want, new(big.Int).SetUint64(index))
		require.Equal(t, want.FillBytes(make([]byte, nonceSize)), c.at(index))
	}
}

func TestStreamHasNoMoreChunksThanItsFormAllows(t *testing.T) {
	t.Parallel()
	for _, s := range sealable() {
		limited := func() (*streamWriter, *bytes.Buffer) {
			var sealed bytes.Buffer
			w, err := s.newGoingWriter(&sealed, streamKey, &place)
			require.NoError(t, err)
			require.Equal(t, map[streamForm]uint64{formChunks: 1 << 38, formRecords: 1 << 32}[s.form], w.cipher.limit)
			w.cipher.limit = 3
			return w, &sealed
		}
		w, sealed := limited()
		_, err := w.Write(content(2*streamChunkSize + 5))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		got, err := openStream(t, s, bytes.NewReader(sealed.Bytes()), 1000)
		require.NoError(t, err)
		require.Len(t, got, 2*streamChunkSize+5)

		w, _ = limited()
		_, err = w.Write(content(3 * streamChunkSize))
		require.NoError(t, err)
		require.ErrorIs(t, w.Close(), ErrTooLarge, "there is no room for the last chunk")
		w, _ = limited()
		_, err = w.Write(content(4 * streamChunkSize))
		require.ErrorIs(t, err, ErrTooLarge)
		require.ErrorIs(t, w.Close(), ErrTooLarge)

		r, err := s.newGoingReader(sealed, streamKey, &place)
		require.NoError(t, err)
		r.cipher.limit = 2
		got, err = drain(t, r, 1000)
		require.ErrorIs(t, err, ErrDamaged)
		require.Len(t, got, 2*streamChunkSize)
	}
}

func TestClosedStreamLeavesNoPlaintextInItsMemory(t *testing.T) {
	t.Parallel()
	for _, s := range sealable() {
		w, err := s.newGoingWriter(io.Discard, streamKey, &place)
		require.NoError(t, err)
		_, err = w.Write(content(streamChunkSize - 1))
		require.NoError(t, err)
		written := w.plain
		require.NotZero(t, *written)
		require.NoError(t, w.Close())
		require.Zero(t, *written)

		r, err := s.newGoingReader(bytes.NewReader(sealStream(t, s, content(streamChunkSize))), streamKey, &place)
		require.NoError(t, err)
		_, err = r.Read(make([]byte, 10))
		require.NoError(t, err)
		read := r.plain
		require.NotZero(t, *read)
		require.Zero(t, [10]byte(read[:10]), "what was read already is still there")
		require.NoError(t, r.Close())
		require.NoError(t, r.Close())
		_, err = r.Read(make([]byte, 10))
		require.ErrorIs(t, err, errStreamClosed)
		require.Zero(t, *read)
	}
}

func TestManyStreamsAtTheSameTimeDoNotMeet(t *testing.T) {
	t.Parallel()
	for name, s := range sealable() {
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				plaintext := bytes.Repeat([]byte{byte(i)}, i*7001)
				for range 5 {
					var sealed bytes.Buffer
					w, err := s.newGoingWriter(&sealed, streamKey, &place)
					if err == nil {
						_, err = w.Write(plaintext)
					}
					if err == nil {
						err = w.Close()
					}
					var got []byte
					if err == nil {
						var r *streamReader
						if r, err = s.newGoingReader(&sealed, streamKey, &place); err == nil {
							got, err = io.ReadAll(r)
						}
					}
					if err != nil || !bytes.Equal(plaintext, got) {
						t.Errorf("%s: stream %d came back as %d bytes, %v", name, i, len(got), err)
					}
				}
			})
		}
		wg.Wait()
	}
}

// TestFixedStreamsOpen opens what a release has sealed. The files in testdata/stream are added to and never changed; to
// add some, name a prefix for them in EBB_ADD_STREAMS.
func TestFixedStreamsOpen(t *testing.T) {
	t.Parallel()
	folder := filepath.Join("testdata", "stream")
	if prefix := os.Getenv("EBB_ADD_STREAMS"); prefix != "" {
		addStreams(t, folder, prefix, streamChunkSize+100, streamChunkSize)
		addStreams(t, filepath.Join("testdata", "streamfuzz"), prefix, fuzzSize, fuzzChunk)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 2)
	for _, file := range files {
		sealed, err := os.ReadFile(file)
		require.NoError(t, err)
		got, err := openStream(t, newStreams(), bytes.NewReader(sealed), 5000)
		require.NoError(t, err, file)
		require.True(t, bytes.Equal(content(streamChunkSize+100), got), file)
	}
}

func addStreams(t *testing.T, folder, prefix string, size, chunk int) {
	t.Helper()
	for name, s := range sealable() {
		s.chunk = chunk
		file := filepath.Join(folder, prefix+"."+name)
		_, err := os.Stat(file)
		require.ErrorIs(t, err, os.ErrNotExist)
		require.NoError(t, os.WriteFile(file, sealStream(t, s, content(size)), 0o644))
	}
}

func TestExpanderGivesWhatHKDFGives(t *testing.T) {
	t.Parallel()
	key := []byte("YELLOW SUBMARINE YELLOW SUBMARIN")
	k := rootOf(key)
	for _, size := range []int{0, 1, 63, 64, 65, 76, 128, 255, 1000} {
		for _, info := range []string{"", "x", string(content(72)), string(content(3000))} {
			want, err := hkdf.Expand(sha512.New, key, info, size)
			require.NoError(t, err)
			for range 2 { // the first and a later use of the same state
				got := make([]byte, size)
				require.NoError(t, k.expand(got, func(b []byte) []byte { return append(b, info...) }))
				require.Equal(t, want, got)
			}
		}
	}
	k.key.Destroy()
	require.ErrorIs(t, k.expand(make([]byte, 10), func(b []byte) []byte { return b }), ErrClosed)
}
