package crypto

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// A stream is how values are sealed that are too large to hold in memory at once. Its layout is
//
//	form(1) || salt(24) || commitment(32) || chunks
//
// Every chunk but the last holds 16 KiB of plaintext, and the last one less, perhaps nothing. So the end of a stream
// shows by itself, and a stream that was cut off or appended to is found out.
//
// Form 2 is Cobblestone-256 of https://c2sp.org/chunked-encryption, from the salt on, with the canonical encoding of
// the scope as its context: every chunk is AES-256-GCM under a nonce that counts. Anything that reads that format
// reads the stream from its second byte on.
//
// Form 3 is for GODEBUG=fips140=only, where no cipher takes a nonce that it has not made itself. It is an envelope
// whose header is written once and that has many boxes: from a uniformly random key and the salt follow
//
//	cipher key(32) || commitment(32) = HKDF-Expand-SHA-512(key, label || salt || len64(scope) || scope)
//
// as for an envelope, and a chunk is nonce(12) || ciphertext || tag(16) with a random nonce and, as additional data,
// the number of the chunk, eight bytes big endian from 0 on, and a byte that is 1 in the last chunk and 0 in the others.
//
// The form is not authenticated on its own, but each has its own label, so a changed form meets another commitment. The
// key is made for this one stream or for few; both forms open in every mode.
type streamForm byte

const (
	formChunks  streamForm = 2
	formRecords streamForm = 3
)

const (
	streamHeaderSize = 1 + saltSize + commitSize
	streamChunkSize  = 16 << 10

	// Above the length of a chunk's ciphertext: a tag, or a nonce and a tag.
	chunkOverhead  = tagSize
	recordOverhead = nonceSize + tagSize

	// How many chunks a stream may have. Cobblestone-256 ends at 2^38, which is 4 PiB; NIST SP 800-38D, section 8.3,
	// allows 2^32 messages with random nonces under one key, which is 64 TiB here.
	maxChunks  = 1 << 38
	maxRecords = 1 << 32

	chunksLabel  = "c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00"
	recordsLabel = "ebb stream records 1"
)

// errDamaged says that a stream of the right key and scope was cut off, appended to or changed, or that its chunks were
// taken out, repeated or put in another order.
var errDamaged = errors.New("crypto: damaged stream")

var errStreamElsewhere = fmt.Errorf("%w: the stream does not open under it: it was sealed elsewhere, or it was changed", ErrScope)

// A chunkCipher seals and opens the chunks of one stream.
type chunkCipher struct {
	form     streamForm
	aead     cipher.AEAD
	size     int // of a whole chunk's plaintext
	overhead int
	limit    uint64 // how many chunks

	base       [nonceSize]byte // of form 2
	nonce      [nonceSize]byte // of form 2, for the chunk at hand
	additional [9]byte         // of form 3, for the chunk at hand
	commit     [commitSize]byte
}

func (c *chunkCipher) seal(dst []byte, index uint64, last bool, plaintext []byte) []byte {
	return c.aead.Seal(dst, c.at(index), plaintext, c.bound(index, last)) //nolint:gosec // the nonce counts from a derived one
}

func (c *chunkCipher) open(dst []byte, index uint64, last bool, sealed []byte) ([]byte, error) {
	return c.aead.Open(dst, c.at(index), sealed, c.bound(index, last))
}

// at returns the nonce of a chunk.
func (c *chunkCipher) at(index uint64) []byte {
	if c.form != formChunks {
		return nil
	}
	const counter = nonceSize - 8
	c.nonce = c.base
	binary.BigEndian.PutUint64(c.nonce[counter:], binary.BigEndian.Uint64(c.base[counter:])^index)
	return c.nonce[:]
}

// bound returns the additional data of a chunk.
func (c *chunkCipher) bound(index uint64, last bool) []byte {
	if c.form != formRecords {
		return nil
	}
	binary.BigEndian.PutUint64(c.additional[:], index)
	c.additional[8] = 0
	if last {
		c.additional[8] = 1
	}
	return c.additional[:]
}

// newChunkCipher derives all from a key of 32 bytes.
func newChunkCipher(form streamForm, key, salt, context []byte, opening bool) (*chunkCipher, error) {
	if len(key) != keySize {
		return nil, fmt.Errorf("crypto: a stream's key has %d bytes, it must have %d", len(key), keySize)
	}
	var info strings.Builder
	info.Grow(len(chunksLabel) + saltSize + 8 + len(context))
	size := keySize + commitSize
	c := &chunkCipher{form: form}
	if form == formChunks {
		c.overhead, c.limit = chunkOverhead, maxChunks
		size += nonceSize
		info.WriteString(chunksLabel)
		info.Write(salt)
	} else {
		c.overhead, c.limit = recordOverhead, maxRecords
		info.WriteString(recordsLabel)
		info.Write(salt)
		info.Write(binary.BigEndian.AppendUint64(nil, uint64(len(context))))
	}
	info.Write(context)
	okm, err := hkdf.Expand(sha512.New, key, info.String(), size)
	if err != nil {
		return nil, fmt.Errorf("crypto: derive a stream's key: %w", err)
	}
	defer clear(okm)
	rest := okm[keySize:]
	if form == formChunks {
		rest = rest[copy(c.base[:], rest):]
	}
	copy(c.commit[:], rest)
	c.aead, err = newChunkAEAD(form, okm[:keySize], opening)
	return c, err
}

func newChunkAEAD(form streamForm, key []byte, opening bool) (aead cipher.AEAD, err error) {
	if form == formRecords {
		aead, err = newAEAD(key)
	} else {
		var block cipher.Block
		if block, err = aes.NewCipher(key); err == nil {
			gcm := func() { aead, err = cipher.NewGCM(block) }
			if opening {
				// FIPS 140-3 asks where nonces come from when they are used to seal (Implementation Guidance C.H). Go
				// refuses the cipher as a whole, so what was sealed in another mode could not be read any more.
				fips140.WithoutEnforcement(gcm)
			} else {
				gcm()
			}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("crypto: make cipher: %w", err)
	}
	return aead, nil
}

// A streams makes writers that seal streams and readers that open them. Many goroutines may use a streams, and each a
// writer or reader of its own.
type streams struct {
	form   streamForm // of new streams
	chunk  int        // streamChunkSize; tests take less
	sealed sync.Pool  // of *[]byte with room for a batch of sealed chunks
	plain  sync.Pool  // of *[streamChunkSize]byte; what comes back is clear
}

// batch is how many chunks are written, and read if they are there, at once.
const batch = 4

func newStreams() *streams {
	s := &streams{form: formChunks, chunk: streamChunkSize}
	if fips140.Enforced() {
		s.form = formRecords
	}
	s.sealed.New = func() any {
		b := make([]byte, 0, streamHeaderSize+batch*(streamChunkSize+recordOverhead))
		return &b
	}
	s.plain.New = func() any { return new([streamChunkSize]byte) }
	return s
}

// seal begins a stream with a new salt, and appends its header.
func (s *streams) seal(header, key, context []byte) (*chunkCipher, []byte, error) {
	header = append(header, byte(s.form))
	var salt [saltSize]byte
	_, _ = rand.Read(salt[:])
	c, err := newChunkCipher(s.form, key, salt[:], context, false)
	if err != nil {
		return nil, nil, err
	}
	c.size = s.chunk
	header = append(header, salt[:]...)
	return c, append(header, c.commit[:]...), nil
}

// open checks a whole header.
func (s *streams) open(header, key, context []byte) (*chunkCipher, error) {
	salt, commit := header[1:1+saltSize], header[1+saltSize:streamHeaderSize]
	c, err := newChunkCipher(streamForm(header[0]), key, salt, context, true)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(c.commit[:], commit) != 1 {
		return nil, errStreamElsewhere
	}
	c.size = s.chunk
	return c, nil
}

// checkForm says whether a stream may begin with this byte.
func checkForm(b byte) error {
	switch form := streamForm(b); {
	case form == formChunks || form == formRecords:
		return nil
	case form > formRecords && form < ' ': // as for envelopes, a text is not taken for a stream of the future
		return fmt.Errorf("%w: a stream of form %d", ErrNewer, b)
	default:
		return fmt.Errorf("%w: no stream begins with 0x%02x", ErrMalformed, b)
	}
}
