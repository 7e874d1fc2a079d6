package crypto

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ebbkit/ebb/crypto/secret"
)

// The layout of an envelope:
//
//	version(1) || key id(16) || salt(24) || commitment(32) || nonce(12) || ciphertext || tag(16)
//
// The key id names the key that was used, of whatever level keys may come to have. From that key and the salt follow
//
//	cipher key(32) || commitment(32) = HKDF-Expand-SHA-512(key, label || salt || len64(scope) || scope)
//
// where scope is the canonical encoding of the scope's tenant, subject and run, and len64 its length in eight bytes,
// big endian (RFC 5869; there is no Extract, because keys are uniformly random). The rest is AES-256-GCM with a random
// nonce, and the canonical encoding of the whole scope as additional data.
//
// The commitment makes an envelope open under one key only: GCM alone lets whoever knows two keys make a ciphertext
// that opens under both. It is compared before the cipher sees a byte.
//
// Envelopes with the same tenant, subject and run may share a salt, and then share cipher key and commitment, so that
// both are computed once and kept. That is safe because within a salt the nonce is what keeps messages apart, as in any
// use of GCM, and because what differs between these envelopes, category, record and field, is authenticated with each
// of them. NIST SP 800-38D, section 8.3, allows 2^32 messages with random nonces under one key; a salt is retired long
// before, see saltRecords. With 192 random bits no salt comes twice.
const (
	envelopeVersion = 1
	keyIDSize       = 16
	saltSize        = 24
	keySize         = 32
	commitSize      = 32
	nonceSize       = 12
	tagSize         = 16
	headerSize      = 1 + keyIDSize + saltSize + commitSize

	// Overhead is how many bytes longer than its plaintext an envelope of this package is.
	Overhead = headerSize + nonceSize + tagSize

	envelopeLabel = "ebb envelope 1"
)

// A salt is retired after so many records, so many bytes or so much time, whichever comes first. After 2^20 records two
// have met the same nonce with a probability of 2^-57; 2^36 bytes are 2^32 blocks, where GCM's bound on telling it from
// random is 2^-64. The time limits how long a cipher key stays in memory.
const (
	saltRecords = 1 << 20
	saltBytes   = 1 << 36
	saltAge     = 10 * time.Minute
)

// cacheSize bounds the derivations that are kept for sealing and for opening, each. One takes less than 2 KiB.
const cacheSize = 2048

type keyID [keyIDSize]byte

// A rootKey is a key that envelopes name.
type rootKey struct {
	id      keyID
	created time.Time
	key     secret.Value

	expanders atomic.Pointer[sync.Pool] // of *expander; nil before the first stream
}

// newRootKey makes a key out of fresh random bytes, stamped with the current second.
func newRootKey() *rootKey {
	k := &rootKey{created: time.Now().UTC().Truncate(time.Second)}
	// Read never fails: it ends the program rather than return weak randomness.
	_, _ = rand.Read(k.id[:])
	var b [keySize]byte
	_, _ = rand.Read(b[:])
	k.key = secret.New(b[:])
	clear(b[:])
	return k
}

var errNotAuthentic = fmt.Errorf("%w: the envelope does not open under it: it was sealed elsewhere, or it was changed", ErrScope)

// An envelope is the parts of a sealed text. It shares its bytes.
type envelope struct {
	id     keyID
	salt   [saltSize]byte
	commit []byte
	box    []byte // nonce, ciphertext and tag
}

func parseEnvelope(sealed []byte) (envelope, error) {
	if len(sealed) == 0 {
		return envelope{}, fmt.Errorf("%w: no bytes", ErrMalformed)
	}
	if v := sealed[0]; v != envelopeVersion {
		// Versions stay below the printable characters, so that a text is not taken for an envelope of the future.
		if v > envelopeVersion && v < ' ' {
			return envelope{}, fmt.Errorf("%w: envelope version %d, known is %d", ErrNewer, v, envelopeVersion)
		}
		return envelope{}, fmt.Errorf("%w: it begins with 0x%02x", ErrMalformed, v)
	}
	if len(sealed) < Overhead {
		return envelope{}, fmt.Errorf("%w: %d bytes, at least %d are needed", ErrMalformed, len(sealed), Overhead)
	}
	var env envelope
	rest := sealed[1:]
	rest = rest[copy(env.id[:], rest):]
	rest = rest[copy(env.salt[:], rest):]
	env.commit, env.box = rest[:commitSize], rest[commitSize:]
	return env, nil
}

// A derivation is what one salt makes of a key and a scope's tenant, subject and run, or, for a stream, of the whole scope.
type derivation struct {
	header [headerSize]byte // of every envelope with this salt, or of the one stream
	aead   cipher.AEAD
	born   time.Time

	context [sha256.Size]byte // of a stream
	base    [nonceSize]byte   // of a stream

	records, bytes atomic.Int64 // sealed so far
}

// An envelopes seals and opens. Many goroutines may use it.
type envelopes struct {
	aead    func(key []byte) (cipher.AEAD, error)
	records int64
	bytes   int64
	sealing *cache
	opening *cache
	scratch sync.Pool // of *[]byte, for encoded scopes
	rooms   sync.Pool // of *[]byte, cleared
	streams *streams  // under the same keys
}

func newEnvelopes() *envelopes {
	return &envelopes{
		aead:    newAEAD,
		records: saltRecords,
		bytes:   saltBytes,
		sealing: newCache(cacheSize, saltAge),
		opening: newCache(cacheSize, saltAge),
		scratch: sync.Pool{New: func() any { return new([]byte) }},
		rooms:   sync.Pool{New: func() any { return new([]byte) }},
		streams: newStreams(),
	}
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// seal returns an envelope under key. The scope was checked.
func (e *envelopes) seal(key *rootKey, at *Scope, plaintext []byte) ([]byte, error) {
	if int64(len(plaintext)) > MaxPlaintextBytes {
		return nil, fmt.Errorf("%w: %d bytes of plaintext, the limit is %d", ErrTooLarge, len(plaintext), MaxPlaintextBytes)
	}
	d, err := e.toSeal(key, at, int64(len(plaintext)))
	if err != nil {
		return nil, err
	}
	additional := e.scratch.Get().(*[]byte)
	*additional = at.encode((*additional)[:0])
	sealed := make([]byte, headerSize, Overhead+len(plaintext))
	copy(sealed, d.header[:])
	sealed = d.aead.Seal(sealed, nil, plaintext, *additional) //nolint:gosec // the cipher chooses its own random nonce
	e.scratch.Put(additional)
	return sealed, nil
}

// open returns the plaintext of an envelope under key, in the room of into if there is enough. The scope was checked.
func (e *envelopes) open(key *rootKey, at *Scope, env *envelope, into []byte) ([]byte, error) {
	d, err := e.toOpen(key, at, env)
	if err != nil {
		return nil, err
	}
	additional := e.scratch.Get().(*[]byte)
	*additional = at.encode((*additional)[:0])
	if size := len(env.box) - nonceSize - tagSize; cap(into) < size {
		into = make([]byte, 0, size)
	}
	plaintext, err := d.aead.Open(into[:0], nil, env.box, *additional)
	e.scratch.Put(additional)
	if err != nil {
		return nil, errNotAuthentic
	}
	return plaintext, nil
}

// maxRoom is the largest room that is kept for other plaintexts.
const maxRoom = 64 << 10

// room calls do with memory for a plaintext that does not leave the vault. What do returns, the plaintext, is cleared, and its
// memory is used again.
func (e *envelopes) room(do func(into []byte) (plaintext []byte)) {
	room := e.rooms.Get().(*[]byte)
	plaintext := do((*room)[:0])
	clear(plaintext)
	if cap(plaintext) > cap(*room) && cap(plaintext) <= maxRoom {
		*room = plaintext
	}
	e.rooms.Put(room)
}

// forget drops every derivation.
func (e *envelopes) forget() {
	e.sealing.clear()
	e.opening.clear()
	e.streams.opening.clear()
}

// forgetKey drops the derivations of one key.
func (e *envelopes) forgetKey(id keyID) {
	e.sealing.forget(id)
	e.opening.forget(id)
	e.streams.opening.forget(id)
}

// toSeal finds the derivation that the next envelope uses, and makes one with a new salt when there is none or it has
// served its time.
func (e *envelopes) toSeal(key *rootKey, at *Scope, size int64) (*derivation, error) {
	now := time.Now()
	k := derivationKey{id: key.id, tenant: at.Tenant, subject: at.Subject, run: at.Run}
	if d := e.sealing.get(&k, now); d != nil && d.take(e.records, e.bytes, size) {
		return d, nil
	}
	salted := k
	_, _ = rand.Read(salted.salt[:])
	okm, err := derive(key.key, &salted)
	if err != nil {
		return nil, err
	}
	defer clear(okm)
	d, err := e.derivation(&salted, okm, now)
	if err != nil {
		return nil, err
	}
	d.take(e.records, e.bytes, size)
	e.sealing.put(&k, d, now)
	e.opening.put(&salted, d, now) // what was sealed here is likely to be opened here
	return d, nil
}

// take counts one more record, unless that would be too many.
func (d *derivation) take(records, bytes, size int64) bool {
	return d.records.Add(1) <= records && d.bytes.Add(size) <= bytes
}

// toOpen finds or makes the derivation of an envelope, after its commitment was found to be the right one.
func (e *envelopes) toOpen(key *rootKey, at *Scope, env *envelope) (*derivation, error) {
	now := time.Now()
	k := derivationKey{id: env.id, salt: env.salt, tenant: at.Tenant, subject: at.Subject, run: at.Run}
	if d := e.opening.get(&k, now); d != nil {
		if !d.commits(env.commit) {
			return nil, errNotAuthentic
		}
		return d, nil
	}
	okm, err := derive(key.key, &k)
	if err != nil {
		return nil, err
	}
	defer clear(okm)
	if subtle.ConstantTimeCompare(okm[keySize:], env.commit) != 1 {
		return nil, errNotAuthentic
	}
	d, err := e.derivation(&k, okm, now)
	if err != nil {
		return nil, err
	}
	// Kept only now, so that envelopes which do not open cannot push out those that do.
	e.opening.put(&k, d, now)
	return d, nil
}

// derivation makes one out of derived bytes.
func (e *envelopes) derivation(k *derivationKey, okm []byte, now time.Time) (*derivation, error) {
	aead, err := e.aead(okm[:keySize])
	if err != nil {
		return nil, fmt.Errorf("crypto: make cipher: %w", err)
	}
	d := &derivation{aead: aead, born: now}
	d.header[0] = envelopeVersion
	rest := d.header[1:]
	rest = rest[copy(rest, k.id[:]):]
	rest = rest[copy(rest, k.salt[:]):]
	copy(rest, okm[keySize:])
	return d, nil
}

func (d *derivation) commits(commit []byte) bool {
	return subtle.ConstantTimeCompare(d.header[headerSize-commitSize:], commit) == 1
}

// derive returns the cipher key and the commitment that belong to a salt.
func derive(key secret.Value, k *derivationKey) (okm []byte, err error) {
	at := Scope{Tenant: k.tenant, Subject: k.subject, Run: k.run}
	scope := at.encode(nil)
	info := make([]byte, 0, len(envelopeLabel)+saltSize+8+len(scope))
	info = append(info, envelopeLabel...)
	info = append(info, k.salt[:]...)
	info = binary.BigEndian.AppendUint64(info, uint64(len(scope)))
	info = append(info, scope...)
	used := key.Use(func(b []byte) {
		okm = expand(sha512.New, b, info)
	})
	if used != nil {
		return nil, ErrClosed
	}
	return okm, nil
}
