package crypto

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"

	"github.com/ebbkit/ebb/crypto/secret"
)

const blindLabel = "ebb blind 1"

// Blind does what Blinder says: HMAC-SHA-256 of value under a key that HKDF-Expand-SHA-256 derives from the keyring's
// index key and the whole scope. It does not block.
func (r *Keyring) Blind(ctx context.Context, at Scope, value []byte) ([]byte, error) {
	k, err := r.begin(ctx, &at)
	if err != nil {
		return nil, err
	}
	return blind(k.index.key, &at, value)
}

// blind makes the token of a value under an index key.
func blind(index secret.Value, at *Scope, value []byte) (token []byte, err error) {
	scope := at.encode(nil)
	info := binary.BigEndian.AppendUint64([]byte(blindLabel), uint64(len(scope)))
	info = append(info, scope...)
	var key []byte
	used := index.Use(func(b []byte) {
		key = expand(sha256.New, b, info)
	})
	if used != nil {
		return nil, ErrClosed
	}
	defer clear(key)
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write(value) // a hash never returns an error
	return mac.Sum(nil), nil
}
