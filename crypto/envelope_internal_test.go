package crypto

import (
	"bytes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto/secret"
)

var (
	place = Scope{Tenant: "acme", Category: "execution_detail", Record: "r1", Field: "body", Subject: "s1", Run: "x1"}
	text  = []byte("thirteen byte")
)

// counting counts the ciphers that are made and the calls that they get.
type counting struct {
	made, opened atomic.Int64
}

type countingAEAD struct {
	cipher.AEAD
	counts *counting
}

func (c *counting) watch(e *envelopes) {
	e.aead = func(key []byte) (cipher.AEAD, error) {
		c.made.Add(1)
		aead, err := newAEAD(key)
		return countingAEAD{aead, c}, err
	}
}

func (a countingAEAD) Open(dst, nonce, ciphertext, additional []byte) ([]byte, error) {
	a.counts.opened.Add(1)
	return a.AEAD.Open(dst, nonce, ciphertext, additional)
}

func (c *counting) none(t *testing.T, what string) {
	t.Helper()
	require.Zero(t, c.made.Swap(0), "%s: a cipher was made", what)
	require.Zero(t, c.opened.Swap(0), "%s: the cipher was asked to open", what)
}

func parsed(t *testing.T, sealed []byte) *envelope {
	t.Helper()
	env, err := parseEnvelope(sealed)
	require.NoError(t, err)
	return &env
}

func sealed(t *testing.T, e *envelopes, key *rootKey, at Scope) []byte {
	t.Helper()
	b, err := e.seal(key, &at, text)
	require.NoError(t, err)
	return b
}

// TestEnvelopeIsLaidOutAsDocumented computes an envelope's parts anew, with HMAC alone.
func TestEnvelopeIsLaidOutAsDocumented(t *testing.T) {
	t.Parallel()
	key := newRootKey()
	b := sealed(t, newEnvelopes(), key, place)
	require.Len(t, b, Overhead+len(text))
	require.Equal(t, 101, Overhead)
	require.Equal(t, byte(1), b[0])
	require.Equal(t, key.id[:], b[1:17])
	salt, commit, box := b[17:41], b[41:73], b[73:]

	var scope []byte
	for _, field := range []string{"acme", "", "", "", "s1", "x1"} {
		scope = append(binary.BigEndian.AppendUint32(scope, uint32(len(field))), field...)
	}
	scope = append([]byte{1}, scope...)
	var okm []byte
	require.NoError(t, key.key.Use(func(dek []byte) {
		mac := hmac.New(sha512.New, dek)
		mac.Write([]byte("ebb envelope 1"))
		mac.Write(salt)
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(scope))))
		mac.Write(scope)
		mac.Write([]byte{1})
		okm = mac.Sum(nil)
	}))
	require.Equal(t, okm[32:], commit)

	aead, err := newAEAD(okm[:32])
	require.NoError(t, err)
	additional, err := place.AppendBinary(nil)
	require.NoError(t, err)
	got, err := aead.Open(nil, nil, box, additional)
	require.NoError(t, err)
	require.Equal(t, text, got)
}

func TestCommitmentIsComparedBeforeTheCipherRuns(t *testing.T) {
	t.Parallel()
	key := newRootKey()
	b := sealed(t, newEnvelopes(), key, place)

	for _, cached := range []bool{false, true} {
		e, counts := newEnvelopes(), &counting{}
		counts.watch(e)
		if cached {
			_, err := e.open(key, &place, parsed(t, b), nil)
			require.NoError(t, err)
			require.Equal(t, int64(1), counts.made.Swap(0))
			require.Equal(t, int64(1), counts.opened.Swap(0))
		}
		for i := 17 * 8; i < headerSize*8; i++ { // salt and commitment
			flipped := bytes.Clone(b)
			flipped[i/8] ^= 1 << (i % 8)
			_, err := e.open(key, &place, parsed(t, flipped), nil)
			require.ErrorIs(t, err, ErrScope)
			counts.none(t, fmt.Sprintf("bit %d, cached %v", i, cached))
		}
		impostor := &rootKey{id: key.id, key: secret.New(make([]byte, keySize))}
		if !cached { // a keyring has one key of one name
			_, err := e.open(impostor, &place, parsed(t, b), nil)
			require.ErrorIs(t, err, ErrScope)
			counts.none(t, "wrong key")
		}
		for name, at := range map[string]Scope{
			"tenant": {"other", place.Category, place.Record, place.Field, place.Subject, place.Run},
			"person": {place.Tenant, place.Category, place.Record, place.Field, "other", place.Run},
			"run":    {place.Tenant, place.Category, place.Record, place.Field, place.Subject, "other"},
		} {
			_, err := e.open(key, &at, parsed(t, b), nil)
			require.ErrorIs(t, err, ErrScope)
			counts.none(t, name)
		}
		// The control: what the commitment does not cover reaches the cipher, and fails there.
		flipped := bytes.Clone(b)
		flipped[len(flipped)-1] ^= 1
		_, err := e.open(key, &place, parsed(t, flipped), nil)
		require.ErrorIs(t, err, ErrScope)
		require.Equal(t, int64(1), counts.opened.Load())
	}
}

func TestRecordsOfOneRunShareASaltAndOthersDoNot(t *testing.T) {
	t.Parallel()
	e, counts := newEnvelopes(), &counting{}
	counts.watch(e)
	key := newRootKey()
	salt := func(at Scope) [saltSize]byte { return parsed(t, sealed(t, e, key, at)).salt }

	first := salt(place)
	same := place
	same.Category, same.Record, same.Field = "other", "other", "other"
	require.Equal(t, first, salt(same))
	require.Equal(t, int64(1), counts.made.Load())

	seen := map[[saltSize]byte]bool{first: true}
	for _, change := range []func(*Scope){
		func(s *Scope) { s.Tenant = "other" }, func(s *Scope) { s.Subject = "other" }, func(s *Scope) { s.Run = "other" },
		func(s *Scope) { s.Subject, s.Run = s.Run, s.Subject },
	} {
		at := place
		change(&at)
		require.False(t, seen[salt(at)])
		seen[salt(at)] = true
	}
	require.False(t, seen[parsed(t, sealed(t, e, newRootKey(), place)).salt])
	require.False(t, seen[parsed(t, sealed(t, newEnvelopes(), key, place)).salt])
}

func TestSaltIsRetiredAfterItsRecords(t *testing.T) {
	t.Parallel()
	e, key := newEnvelopes(), newRootKey()
	e.records = 5
	salts := map[[saltSize]byte]int{}
	for range 23 {
		salts[parsed(t, sealed(t, e, key, place)).salt]++
	}
	require.Len(t, salts, 5)
	for _, n := range salts {
		require.LessOrEqual(t, n, 5)
	}
}

func TestSaltIsRetiredAfterItsBytes(t *testing.T) {
	t.Parallel()
	e, key := newEnvelopes(), newRootKey()
	e.bytes = int64(4 * len(text))
	salts := map[[saltSize]byte]int{}
	for range 20 {
		salts[parsed(t, sealed(t, e, key, place)).salt]++
	}
	require.Len(t, salts, 5)
}

func TestSaltIsNeverUsedMoreOftenThanAllowedByManyGoroutines(t *testing.T) {
	t.Parallel()
	e, key := newEnvelopes(), newRootKey()
	e.records = 10
	var mu sync.Mutex
	salts := map[[saltSize]byte]int{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				b, err := e.seal(key, &place, text)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				salts[[saltSize]byte(b[17:41])]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for _, n := range salts {
		require.LessOrEqual(t, n, 10)
	}
}

func TestSaltAndKeptCiphersAreRetiredWithTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, counts := newEnvelopes(), &counting{}
		counts.watch(e)
		key := newRootKey()
		old := sealed(t, e, key, place)
		time.Sleep(saltAge - time.Nanosecond)
		require.Equal(t, parsed(t, old).salt, parsed(t, sealed(t, e, key, place)).salt)
		time.Sleep(time.Nanosecond)
		require.NotEqual(t, parsed(t, old).salt, parsed(t, sealed(t, e, key, place)).salt)
		require.Equal(t, int64(2), counts.made.Load())

		got, err := e.open(key, &place, parsed(t, old), nil)
		require.NoError(t, err)
		require.Equal(t, text, got)
		require.Equal(t, int64(3), counts.made.Load(), "the cipher of the old salt was kept too long")
		_, err = e.open(key, &place, parsed(t, old), nil)
		require.NoError(t, err)
		require.Equal(t, int64(3), counts.made.Load())
	})
}

func TestEnvelopesThatDoNotOpenPushNothingOutOfTheCache(t *testing.T) {
	t.Parallel()
	e, counts := newEnvelopes(), &counting{}
	counts.watch(e)
	e.opening = newCache(2, time.Hour)
	key := newRootKey()
	b := sealed(t, e, key, place)
	for i := range 100 {
		forged := bytes.Clone(b)
		forged[20] ^= byte(i + 1)
		_, err := e.open(key, &place, parsed(t, forged), nil)
		require.ErrorIs(t, err, ErrScope)
	}
	_, err := e.open(key, &place, parsed(t, b), nil)
	require.NoError(t, err)
	require.Equal(t, int64(1), counts.made.Load())
}

func TestCachesStayBounded(t *testing.T) {
	t.Parallel()
	e, key := newEnvelopes(), newRootKey()
	e.sealing, e.opening = newCache(10, time.Hour), newCache(10, time.Hour)
	for i := range 100 {
		at := place
		at.Run = fmt.Sprint(i)
		b := sealed(t, e, key, at)
		_, err := e.open(key, &at, parsed(t, b), nil)
		require.NoError(t, err)
		require.LessOrEqual(t, len(e.sealing.entries), 10)
		require.LessOrEqual(t, len(e.opening.entries), 10)
	}
	e.forget()
	require.Empty(t, e.sealing.entries)
	require.Empty(t, e.opening.entries)
}

func TestCloseLeavesNoKeyBehind(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	f := &keyFile{path: path, wrap: quickWrapper()}
	r, err := createKeyring(f)
	require.NoError(t, err)
	require.NoError(t, r.AddKey(t.Context()))
	_, err = r.Seal(t.Context(), place, text)
	require.NoError(t, err)
	k := r.keys.Load()
	values := []secret.Value{k.index.key, k.byAge[0].key, k.byAge[1].key, f.wrap.key.key, f.wrap.macKey}
	var memory [][]byte
	for _, v := range values {
		require.NoError(t, v.Use(func(b []byte) { memory = append(memory, b) }))
	}

	require.NoError(t, r.Close())
	for i, v := range values {
		require.ErrorIs(t, v.Use(func([]byte) {}), secret.ErrDestroyed)
		require.Equal(t, make([]byte, keySize), memory[i])
	}
	require.Empty(t, r.envelopes.sealing.entries)
	require.Empty(t, r.envelopes.opening.entries)
}

func TestCacheLetsGoOfTheLeastRecentlyUsedFirst(t *testing.T) {
	t.Parallel()
	now := time.Now()
	c := newCache(3, time.Minute)
	k := func(run string) *derivationKey { return &derivationKey{run: run} }
	for _, run := range []string{"a", "b", "c"} {
		c.put(k(run), &derivation{born: now}, now)
	}
	require.NotNil(t, c.get(k("a"), now))
	c.put(k("d"), &derivation{born: now}, now)
	require.Nil(t, c.get(k("b"), now))
	for _, run := range []string{"a", "c", "d"} {
		require.NotNil(t, c.get(k(run), now), run)
	}

	// A second value replaces the first and takes no room of its own.
	newer := &derivation{born: now.Add(time.Second)}
	c.put(k("c"), newer, now)
	require.Len(t, c.entries, 3)
	require.Same(t, newer, c.get(k("c"), now))

	// What is too old goes, asked for or not.
	later := now.Add(time.Minute)
	require.Nil(t, c.get(k("a"), later))
	c.put(k("e"), &derivation{born: later}, later)
	require.Nil(t, c.entries[*k("d")])
	require.Len(t, c.entries, 2)
	require.NotNil(t, c.get(k("c"), later))
}

func TestForeignBytesAreNamedForWhatTheyAre(t *testing.T) {
	t.Parallel()
	whole := sealed(t, newEnvelopes(), newRootKey(), place)
	version := func(v byte) []byte { b := bytes.Clone(whole); b[0] = v; return b }
	for _, c := range []struct {
		b    []byte
		want error
	}{
		{nil, ErrMalformed},
		{[]byte{1}, ErrMalformed},
		{whole[:Overhead-1], ErrMalformed},
		{version(0), ErrMalformed},
		{version(2), ErrNewer},
		{version(31), ErrNewer},
		{[]byte{2}, ErrNewer},
		{version(' '), ErrMalformed},
		{[]byte(`{"name":"Ada"}`), ErrMalformed},
		{version(255), ErrMalformed},
	} {
		_, err := parseEnvelope(c.b)
		require.ErrorIs(t, err, c.want)
	}
	_, err := parseEnvelope(whole[:Overhead])
	require.NoError(t, err)
}

func FuzzEnvelope(f *testing.F) {
	e := newEnvelopes()
	key := &rootKey{id: keyID{1, 2, 3}, key: secret.New(bytes.Repeat([]byte{7}, keySize))}
	whole, err := e.seal(key, &place, text)
	require.NoError(f, err)
	f.Add(whole)
	f.Add(whole[:Overhead])
	f.Add(whole[:40])
	f.Add([]byte{})
	f.Add([]byte{2, 0, 0})
	f.Add(bytes.Repeat([]byte{1}, 200))
	f.Fuzz(func(t *testing.T, b []byte) {
		kept := bytes.Clone(b)
		env, err := parseEnvelope(b)
		if err != nil {
			require.True(t, isAny(err, ErrMalformed, ErrNewer), err)
			return
		}
		joined := append([]byte{envelopeVersion}, env.id[:]...)
		joined = append(joined, env.salt[:]...)
		joined = append(joined, env.commit...)
		joined = append(joined, env.box...)
		require.Equal(t, b, joined)

		plaintext, err := e.open(key, &place, &env, nil)
		require.Equal(t, kept, b)
		if err == nil {
			// Nobody but the fuzzer's seed knows how to do that.
			require.Equal(t, text, plaintext)
			return
		}
		require.ErrorIs(t, err, ErrScope)
		require.Empty(t, plaintext)
	})
}
