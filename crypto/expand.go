package crypto

import (
	"crypto/hmac"
	"hash"
)

// expand returns the first block of HKDF-Expand (RFC 5869, section 2.3), which is as long as the hash: all that this package
// ever derives from a key at a time. The caller clears it.
//
// That of crypto/hkdf gives the same bytes, and leaves a copy of them to the garbage collector.
func expand(hash func() hash.Hash, key []byte, info []byte) []byte {
	mac := hmac.New(hash, key)
	_, _ = mac.Write(info) // a hash never returns an error
	_, _ = mac.Write([]byte{1})
	return mac.Sum(make([]byte, 0, mac.Size()))
}
