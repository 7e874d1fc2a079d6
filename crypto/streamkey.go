package crypto

import (
	"bytes"
	"crypto/fips140"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"fmt"
	"hash"
	"sync"
	"time"
)

// A streams makes writers that seal streams and readers that open them. Many goroutines may use a streams, and each a
// writer or reader of its own.
type streams struct {
	form    streamForm // of new streams
	chunk   int        // streamChunkSize; tests take less
	sealed  sync.Pool  // of *[]byte with room for a batch of sealed chunks
	plain   sync.Pool  // of *[streamChunkSize]byte; what comes back is clear
	scratch sync.Pool  // of *[]byte, for encoded scopes
	opening *cache     // of the streams that were opened a short time ago
}

// batch is how many chunks are written, and read if they are there, at once.
const batch = 4

// streamCacheSize bounds what is kept of streams that were opened. One takes less than 2 KiB. Nothing is kept of those that
// were sealed: that would slow down the sealing of short ones by as much as it speeds up their first opening.
const streamCacheSize = 256

func newStreams() *streams {
	s := &streams{form: formChunks, chunk: streamChunkSize, opening: newCache(streamCacheSize, saltAge)}
	if fips140.Enforced() {
		s.form = formRecords
	}
	s.sealed.New = func() any {
		b := make([]byte, 0, headerSize+batch*(streamChunkSize+recordOverhead))
		return &b
	}
	s.plain.New = func() any { return new([streamChunkSize]byte) }
	s.scratch.New = func() any { return new([]byte) }
	return s
}

// context is what stands for a scope that was checked in the derivation of a stream. It is short, because the derivation
// hashes it several times.
func (s *streams) context(at *Scope) [sha256.Size]byte {
	text := s.scratch.Get().(*[]byte)
	*text = at.encode((*text)[:0])
	sum := sha256.Sum256(*text)
	s.scratch.Put(text)
	return sum
}

// toSeal derives what a new stream needs, from a new salt.
func (s *streams) toSeal(key *rootKey, context []byte) (*derivation, error) {
	k := derivationKey{id: key.id}
	_, _ = rand.Read(k.salt[:])
	var okm streamBytes
	if err := okm.derive(s.form, key, k.salt[:], context); err != nil {
		return nil, err
	}
	defer clear(okm.bytes[:])
	return okm.derivation(s.form, &k, context, false)
}

// toOpen finds or derives what the stream with this header needs, after its commitment was found to be the right one.
func (s *streams) toOpen(key *rootKey, header, context []byte) (*derivation, error) {
	form := streamForm(header[0])
	commit := header[headerSize-commitSize : headerSize]
	k := derivationKey{id: key.id} // no two streams have the same salt
	copy(k.salt[:], header[1+keyIDSize:])
	if d := s.opening.get(&k, time.Now()); d != nil && d.header[0] == header[0] && bytes.Equal(d.context[:], context) {
		if !d.commits(commit) {
			return nil, errStreamElsewhere
		}
		return d, nil
	}
	var okm streamBytes
	if err := okm.derive(form, key, k.salt[:], context); err != nil {
		return nil, err
	}
	defer clear(okm.bytes[:])
	if subtle.ConstantTimeCompare(okm.commit(), commit) != 1 {
		return nil, errStreamElsewhere
	}
	d, err := okm.derivation(form, &k, context, true)
	if err != nil {
		return nil, err
	}
	s.opening.put(&k, d, d.born)
	return d, nil
}

// streamBytes are what one stream derives from its key: the key of its cipher, its base nonce in form 2, its commitment.
type streamBytes struct {
	bytes [keySize + nonceSize + commitSize]byte
	size  int
}

func (b *streamBytes) derive(form streamForm, key *rootKey, salt, context []byte) error {
	b.size = len(b.bytes)
	if form == formRecords {
		b.size -= nonceSize
	}
	return key.expand(b.bytes[:b.size], func(info []byte) []byte {
		return append(append(append(info, form.label()...), salt...), context...)
	})
}

func (b *streamBytes) commit() []byte { return b.bytes[b.size-commitSize : b.size] }

func (b *streamBytes) derivation(form streamForm, k *derivationKey, context []byte, opening bool) (*derivation, error) {
	aead, err := newChunkAEAD(form, b.bytes[:keySize], opening)
	if err != nil {
		return nil, err
	}
	d := &derivation{aead: aead, born: time.Now()}
	d.header[0] = byte(form)
	rest := d.header[1:]
	rest = rest[copy(rest, k.id[:]):]
	rest = rest[copy(rest, k.salt[:]):]
	copy(rest, b.commit())
	copy(d.context[:], context)
	if form == formChunks {
		copy(d.base[:], b.bytes[keySize:])
	}
	return d, nil
}

// An expander computes HKDF-Expand-SHA-512 (RFC 5869) under one key many times. Package hkdf begins anew with the key each
// time, which takes twice as long: long enough to be felt with streams that are short.
type expander struct {
	mac  hash.Hash // HMAC-SHA-512 under the key
	text []byte    // the block before, the info and the number of the block
	out  [sha512.Size]byte
}

// expand fills out. The info is what describe appends. ErrClosed: the key was destroyed.
func (k *rootKey) expand(out []byte, describe func(info []byte) []byte) error {
	pool := k.expanders.Load()
	if pool == nil {
		k.expanders.CompareAndSwap(nil, &sync.Pool{})
		pool = k.expanders.Load()
	}
	var err error
	used := k.key.Use(func(key []byte) {
		if len(key) != keySize { // HMAC would take a longer or a shorter one for the same
			err = fmt.Errorf("crypto: a stream's key has %d bytes, it must have %d", len(key), keySize)
			return
		}
		x, ok := pool.Get().(*expander)
		if !ok {
			x = &expander{mac: hmac.New(sha512.New, key)}
		}
		x.expand(out, describe)
		pool.Put(x)
	})
	if used != nil {
		return ErrClosed
	}
	return err
}

func (x *expander) expand(out []byte, describe func(info []byte) []byte) {
	x.text = describe(append(x.text[:0], make([]byte, sha512.Size)...))
	x.text = append(x.text, 0)
	counter := &x.text[len(x.text)-1]
	text := x.text[sha512.Size:] // no block goes before the first one
	for len(out) > 0 {
		*counter++
		x.mac.Reset()
		_, _ = x.mac.Write(text) // a hash never returns an error
		x.mac.Sum(x.out[:0])
		out = out[copy(out, x.out[:]):]
		copy(x.text, x.out[:])
		text = x.text
	}
	clear(x.out[:])
	clear(x.text[:sha512.Size])
}
