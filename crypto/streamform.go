package crypto

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
	"encoding/binary"
	"errors"
	"fmt"
)

// A stream is how values are sealed that are too large to hold in memory at once. Its layout is
//
//	form(1) || key id(16) || salt(24) || commitment(32) || chunks
//
// Every chunk but the last holds 16 KiB of plaintext, and the last one less, perhaps nothing. So the end of a stream
// shows by itself, and a stream that was cut off or appended to is found out.
//
// Form 2 is Cobblestone-256 of https://c2sp.org/chunked-encryption, from the salt on, under the key that the id names and
// with the SHA-256 of the canonical encoding of the scope as its context: every chunk is AES-256-GCM under a nonce that
// counts. Anything that reads that format reads the stream from its eighteenth byte on.
//
// Form 3 is for GODEBUG=fips140=only, where no cipher takes a nonce that it has not made itself. It is an envelope
// whose header is written once and that has many boxes: from the key, the salt and
// the same context follow
//
//	cipher key(32) || commitment(32) = HKDF-Expand-SHA-512(key, label || salt || context)
//
// as for an envelope, and a chunk is nonce(12) || ciphertext || tag(16) with a random nonce and, as additional data,
// the number of the chunk, eight bytes big endian from 0 on, and a byte that is 1 in the last chunk and 0 in the others.
//
// Neither the form nor the id is authenticated on its own, but each form has its own label, so a changed one meets another
// commitment. Labels also keep streams apart from envelopes under the same key. Every stream has a salt of its own: in
// form 2 the nonces follow from it, and in both it is what keeps the chunks of one stream out of another.
type streamForm byte

const (
	formChunks  streamForm = 2
	formRecords streamForm = 3
)

const (
	streamChunkSize = 16 << 10

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

var errStreamElsewhere = fmt.Errorf("%w: the stream does not open under it: it was sealed elsewhere, or it was changed", ErrScope)

// label keeps what is derived for a form apart from everything else.
func (f streamForm) label() string {
	if f == formChunks {
		return chunksLabel
	}
	return recordsLabel
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
}

func newChunkCipher(form streamForm, size int, d *derivation) chunkCipher {
	c := chunkCipher{form: form, aead: d.aead, size: size, overhead: chunkOverhead, limit: maxChunks, base: d.base}
	if form == formRecords {
		c.overhead, c.limit = recordOverhead, maxRecords
	}
	return c
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

// newChunkAEAD makes the cipher of a form. ErrFIPS: what is sealed in this mode has another form.
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
				if err != nil && fips140.Enforced() {
					err = errors.Join(ErrFIPS, err)
				}
			}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("crypto: make cipher: %w", err)
	}
	return aead, nil
}
