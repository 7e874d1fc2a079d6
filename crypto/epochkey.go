package crypto

import (
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/ebbkit/ebb/crypto/secret"
)

// What a keyring wraps is an envelope, see envelope.go, under
//
//	HKDF-Expand-SHA-512(key of the epoch, label || number of the epoch), the number in four bytes, big endian,
//
// which names the key of the epoch and has the scope in Scope.Record. So it commits to its key, and is bound to the epoch
// twice: by the id of the key and by the number.
const wrapLabel = "ebb wrap 1"

// maxDestroyed is how many destroyed epochs a keyring remembers. Those it has forgotten are the numbers that are missing.
const maxDestroyed = 1000

// An epochKey is an epoch of a keyring. It is never changed, but replaced.
type epochKey struct {
	number    uint32
	created   time.Time
	destroyed time.Time // zero: it is not

	key       *rootKey   // nil: it is destroyed
	wrapping  *rootKey   // made of key
	envelopes *envelopes // of their own, to be dropped with the key
}

func newEpochKey(number uint32, key *rootKey) (*epochKey, error) {
	var b []byte
	used := key.key.Use(func(key []byte) {
		b = expand(sha512.New, key, binary.BigEndian.AppendUint32([]byte(wrapLabel), number))
	})
	if used != nil {
		return nil, ErrClosed
	}
	defer clear(b)
	return &epochKey{
		number: number, created: key.created,
		key: key, wrapping: &rootKey{id: key.id, created: key.created, key: secret.New(b[:keySize])}, envelopes: newEnvelopes(),
	}, nil
}

func (e *epochKey) epoch() Epoch {
	return Epoch{Number: e.number, Created: e.created, Destroyed: e.destroyed}
}

// without returns the epoch as it is without its key.
func (e *epochKey) without(destroyed time.Time) *epochKey {
	return &epochKey{number: e.number, created: e.created, destroyed: destroyed}
}

// forget destroys the key and all that was made of it.
func (e *epochKey) forget() {
	if e.key != nil {
		e.key.key.Destroy()
		e.wrapping.key.Destroy()
		e.envelopes.forget()
	}
}

// findEpoch returns the epoch of a number from a list by number, nil when it is not there.
func findEpoch(epochs []*epochKey, number uint32) *epochKey {
	i, found := slices.BinarySearchFunc(epochs, number, func(e *epochKey, number uint32) int { return int(int64(e.number) - int64(number)) })
	if !found {
		return nil
	}
	return epochs[i]
}

// lastEpoch returns the highest number that there ever was.
func (k *keys) lastEpoch() uint32 {
	if len(k.epochs) == 0 {
		return 0
	}
	return k.epochs[len(k.epochs)-1].number
}

// epoch returns an epoch that may be destroyed. One that is forgotten has neither times nor key.
func (k *keys) epoch(number uint32) (*epochKey, error) {
	if number == 0 || number > k.lastEpoch() {
		return nil, fmt.Errorf("%w: %d", ErrNoEpoch, number)
	}
	if e := findEpoch(k.epochs, number); e != nil {
		return e, nil
	}
	return &epochKey{number: number}, nil
}

// withEpochs returns the keys with other epochs.
func (k *keys) withEpochs(epochs []*epochKey) *keys {
	again := *k
	again.epochs = epochs
	return &again
}

// withNewEpoch returns the keys with one epoch more.
func (k *keys) withNewEpoch() (*keys, error) {
	number := k.lastEpoch() + 1
	if number == 0 {
		return nil, fmt.Errorf("%w: there are no more numbers for epochs", ErrTooLarge)
	}
	e, err := newEpochKey(number, newRootKey())
	if err != nil {
		return nil, err
	}
	return k.withEpochs(append(slices.Clone(k.epochs), e)), nil
}

// withoutEpoch returns the keys without that of one epoch.
func (k *keys) withoutEpoch(number uint32, destroyed time.Time) *keys {
	epochs := slices.Clone(k.epochs)
	gone := 0
	for i, e := range epochs {
		if e.number == number {
			epochs[i] = e.without(destroyed)
		}
		if epochs[i].key == nil {
			gone++
		}
	}
	for i := 0; gone > maxDestroyed && i < len(epochs)-1; { // the last one stays: it is the highest number
		if epochs[i].key == nil {
			epochs, gone = slices.Delete(epochs, i, i+1), gone-1
		} else {
			i++
		}
	}
	return k.withEpochs(epochs)
}

// mergeEpochs returns the epochs that were read, with those in memory in place of the same ones.
func mergeEpochs(known, read []*epochKey) ([]*epochKey, error) {
	merged := slices.Clone(read)
	for i, e := range read {
		switch mine := findEpoch(known, e.number); {
		case mine == nil || e.key == nil:
		case mine.key == nil:
			return nil, badKeyText("it has the key of epoch %d, which is destroyed: put back the newest copy of it", e.number)
		case mine.key.id != e.key.id || !mine.key.key.Equal(e.key.key):
			return nil, badKeyText("it has another key for epoch %d: put back the newest copy of it", e.number)
		default:
			merged[i] = mine
		}
	}
	if len(known) > 0 {
		if last := known[len(known)-1].number; len(read) == 0 || read[len(read)-1].number < last {
			return nil, badKeyText("it has lost epoch %d: put back the newest copy of it", last)
		}
	}
	return merged, nil
}
