package repo

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid" // RFC 9562 UUIDs: version 7 sorts by time, which is what records are read in
)

// NewID returns a new ID: a UUID of version 7 whose time is now, to a fraction of a microsecond (RFC 9562, section 6.2,
// method 3), and whose other bits come from random.
func NewID(now time.Time, random io.Reader) (string, error) {
	var id uuid.UUID
	if _, err := io.ReadFull(random, id[8:]); err != nil {
		return "", fmt.Errorf("make an id: %w", err)
	}
	milliseconds := now.UnixMilli()
	binary.BigEndian.PutUint64(id[:8], uint64(milliseconds)<<16)
	fraction := uint16(now.Sub(time.UnixMilli(milliseconds)) * 4096 / time.Millisecond)
	binary.BigEndian.PutUint16(id[6:], fraction&0x0fff|0x7000)
	id[8] = id[8]&0x3f | 0x80
	return id.String(), nil
}

// NamedID returns the ID of a record that is found by texts, such as a scenario by its name: always the same for the
// same kind, tenant and texts. It is a UUID of version 8 (RFC 9562, section 5.8) made of their SHA-256.
func NamedID(texts ...string) string {
	h := sha256.New()
	var size [8]byte
	for _, text := range texts {
		binary.BigEndian.PutUint64(size[:], uint64(len(text)))
		h.Write(size[:])
		h.Write([]byte(text))
	}
	return customID(h.Sum(nil))
}

// IsID says whether a text has the form of an ID.
func IsID(text string) bool {
	id, err := uuid.Parse(text)
	return err == nil && id.String() == text
}

// customID makes a UUID of version 8 of the first 122 bits of a hash.
func customID(hash []byte) string {
	var id uuid.UUID
	copy(id[:], hash)
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}
