package crypto

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/ebbkit/ebb/crypto/secret"
)

// A ring is the keys of one owner, in versions: a tenant, one of its subjects, or one of its runs. The newest version
// seals, the others open what is still under them. Each is wrapped under the key of an epoch.
//
// What is stored of a ring:
//
//	format(1) || state(1) || kind(1) || latest(4) || min decrypt(4) || min available(4) || count(2) || version… || mac(32)
//	version: number(4) || key id(16) || created(8) || epoch(4) || size(2) || wrapped
//
// and of one whose keys were destroyed
//
//	format(1) || state(1) || destroyed(8) || irrevocable(8)
//
// The format is 1. It is 2 where keys are known that the owner had before they were destroyed: what is known of them, see past,
// then stands behind the versions, or behind irrevocable.
//
// All numbers are big endian, instants are in seconds since 1970. Every wrapped key is bound to its ring, its number and
// its id, which follows from the key; the mac, under a key that follows from the latest version, binds all the rest. A ring
// without keys has no mac: nobody can forge keys into it, because keys only come out of a keeper.
type ring struct {
	owner  owner
	id     string // empty where the owner is known in full; see name
	stored int64  // the version by which the store knows it
	// at is when the owner's keys were destroyed, if they were, and irrevocable from when on no backup has them.
	at, irrevocable time.Time
	versions        []ringVersion // by number
	past            *past         // nil: no key is known that was destroyed

	mu sync.Mutex // guards which keys are at hand, abandoned and forgotten

	// latest seals. Versions below minDecrypt open nothing, those below minAvailable are not there any more.
	latest, minDecrypt, minAvailable uint32

	// There are as many rings in memory as people, so the small fields stand together.
	destroyed bool
	abandoned bool // what is unwrapped from now on is cleared by the garbage collector
	forgotten bool // nothing is unwrapped any more
}

// A ringVersion is one key of a ring. Its key is there once it has been unwrapped.
type ringVersion struct {
	number  uint32
	epoch   uint32
	wrapped []byte
	key     *rootKey
}

const (
	ringFormat    = 1
	ringPast      = 2 // the format with a past
	ringActive    = 1
	ringDestroyed = 2

	ringHeader  = 1 + 1 + 1 + 3*4 + 2
	ringEntry   = 4 + keyIDSize + 8 + 4 + 2
	ringMAC     = sha256.Size
	maxVersions = 1000

	ringIDLabel   = "ebb ring 1"
	ringWrapLabel = "ebb ring key 1"
	ringMACLabel  = "ebb ring mac 1"

	ringKeyIDLabel = "ebb ring key id 1"
)

// An owner is whose keys a ring holds.
type owner struct {
	kind         byte // of the kinds below
	tenant, name string
}

const (
	ownerIndex   = 'i' // the blind tokens of one field of a tenant
	ownerTenant  = 't'
	ownerSubject = 's'
	ownerRun     = 'r'
)

// ownerOf says whose keys seal what is at a scope: those of its subject, else those of its run, else those of its tenant.
func ownerOf(at *Scope) owner {
	switch {
	case at.Subject != "":
		return owner{ownerSubject, at.Tenant, at.Subject}
	case at.Run != "":
		return owner{ownerRun, at.Tenant, at.Run}
	}
	return owner{ownerTenant, at.Tenant, ""}
}

// ringID names the ring of an owner in a store, without naming the owner: a UUID of version 8 (RFC 9562, section 5.8), which
// is what IDs of records look like.
func (o owner) ringID() string {
	h := sha256.New()
	text := binary.BigEndian.AppendUint64([]byte(ringIDLabel), uint64(len(o.tenant)))
	text = append(append(append(text, o.tenant...), o.kind), o.name...)
	h.Write(text)
	id := h.Sum(nil)[:16]
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// wrapScope is what the wrapped key of a version is bound to.
func wrapScope(ring string, number uint32, id *keyID) []byte {
	scope := append([]byte(ringWrapLabel), ring...)
	scope = binary.BigEndian.AppendUint32(scope, number)
	return append(scope, id[:]...)
}

// name is the ID of the ring.
func (r *ring) name() string {
	if r.id == "" {
		return r.owner.ringID()
	}
	return r.id
}

// find returns the version of a key.
func (r *ring) find(id *keyID) *ringVersion {
	for i := len(r.versions) - 1; i >= 0; i-- {
		if r.versions[i].key.id == *id {
			return &r.versions[i]
		}
	}
	return nil
}

func (r *ring) newest() *ringVersion {
	if len(r.versions) == 0 {
		return nil
	}
	return &r.versions[len(r.versions)-1]
}

// oldest returns the newest of the versions that are wrapped under the lowest epoch, nil when there are no keys.
func (r *ring) oldest() (oldest *ringVersion) {
	for i := range r.versions {
		if v := &r.versions[i]; oldest == nil || v.epoch <= oldest.epoch {
			oldest = v
		}
	}
	return oldest
}

// oldestEpoch is the lowest epoch that any of the keys is wrapped under. Zero: there are no keys.
func (r *ring) oldestEpoch() uint32 {
	if v := r.oldest(); v != nil {
		return v.epoch
	}
	return 0
}

// encode writes a ring for the store. The key of its newest version is at hand.
func (r *ring) encode() ([]byte, error) {
	size, format := ringHeader+r.past.size()+ringMAC, byte(ringFormat)
	if r.past != nil {
		format = ringPast
	}
	for i := range r.versions {
		size += ringEntry + len(r.versions[i].wrapped)
	}
	text := make([]byte, 0, size)
	if r.destroyed {
		text = binary.BigEndian.AppendUint64(append(text, format, ringDestroyed), uint64(r.at.Unix())) //nolint:gosec // not negative
		text = binary.BigEndian.AppendUint64(text, uint64(r.irrevocable.Unix()))                       //nolint:gosec // not negative
		return r.past.append(text), nil
	}
	text = append(text, format, ringActive, r.owner.kind)
	for _, n := range [...]uint32{r.latest, r.minDecrypt, r.minAvailable} {
		text = binary.BigEndian.AppendUint32(text, n)
	}
	text = binary.BigEndian.AppendUint16(text, uint16(len(r.versions))) //nolint:gosec // at most maxVersions
	for i := range r.versions {
		v := &r.versions[i]
		text = binary.BigEndian.AppendUint32(text, v.number)
		text = append(text, v.key.id[:]...)
		text = binary.BigEndian.AppendUint64(text, uint64(v.key.created.Unix())) //nolint:gosec // seconds are not negative
		text = binary.BigEndian.AppendUint32(text, v.epoch)
		text = binary.BigEndian.AppendUint16(text, uint16(len(v.wrapped))) //nolint:gosec // checked when it was wrapped
		text = append(text, v.wrapped...)
	}
	text = r.past.append(text)
	mac, err := r.mac(text)
	return append(text, mac...), err
}

// mac authenticates what is stored of a ring, under a key that follows from its newest version.
func (r *ring) mac(text []byte) (mac []byte, err error) {
	used := r.newest().key.key.Use(func(b []byte) {
		key := expand(sha512.New, b, []byte(ringMACLabel))
		defer clear(key)
		h := hmac.New(sha256.New, key[:keySize])
		h.Write([]byte(r.name())) // which always has the same length
		h.Write(text)
		mac = h.Sum(nil)
	})
	if used != nil {
		return nil, ErrClosed
	}
	return mac, nil
}

// decodeRing reads what encode wrote. An owner without a kind is one of any. It leaves out the mac, which authentic compares once
// the newest key is unwrapped.
func decodeRing(o owner, id string, text []byte) (*ring, error) {
	malformed := func(what string) error { return also(fmt.Errorf("%w: ring %s: %s", ErrRing, id, what), ErrMalformed) }
	if len(text) < 2 {
		return nil, malformed("it is too short")
	}
	if text[0] != ringFormat && text[0] != ringPast {
		if text[0] > ringPast && text[0] < ' ' {
			return nil, fmt.Errorf("%w: ring %s has format %d, known is %d", ErrNewer, id, text[0], ringPast)
		}
		return nil, malformed("it is of no known format")
	}
	r := &ring{owner: o, id: id}
	switch text[1] {
	case ringDestroyed:
		if len(text) < 2+8+8 || text[0] == ringFormat && len(text) != 2+8+8 {
			return nil, malformed("a destroyed one has no keys")
		}
		if text[0] == ringPast {
			if r.past = readPast(text[2+8+8:]); r.past == nil {
				return nil, malformed("what it says of destroyed keys makes no sense")
			}
		}
		instant := func(at int) time.Time {
			return time.Unix(int64(binary.BigEndian.Uint64(text[at:])), 0).UTC() //nolint:gosec // any instant will do
		}
		r.destroyed, r.at, r.irrevocable = true, instant(2), instant(10)
		return r, nil
	case ringActive:
	default:
		return nil, malformed("it is in no known state")
	}
	if len(text) < ringHeader+ringMAC {
		return nil, malformed("it is too short")
	}
	if o.kind == 0 {
		r.owner.kind = text[2]
	}
	if r.owner.kind != text[2] {
		return nil, malformed("it belongs to an owner of another kind")
	}
	rest := text[3 : len(text)-ringMAC]
	number := func() uint32 {
		n := binary.BigEndian.Uint32(rest)
		rest = rest[4:]
		return n
	}
	r.latest, r.minDecrypt, r.minAvailable = number(), number(), number()
	count := int(binary.BigEndian.Uint16(rest))
	rest = rest[2:]
	if count == 0 || count > maxVersions {
		return nil, malformed("it has too few or too many keys")
	}
	r.versions = make([]ringVersion, count)
	for i := range r.versions {
		if len(rest) < ringEntry {
			return nil, malformed("a key is cut off")
		}
		v := &r.versions[i]
		v.number = number()
		v.key = &rootKey{}
		rest = rest[copy(v.key.id[:], rest):]
		v.key.created = time.Unix(int64(binary.BigEndian.Uint64(rest)), 0).UTC() //nolint:gosec // any instant will do
		rest = rest[8:]
		v.epoch = number()
		size := int(binary.BigEndian.Uint16(rest))
		if rest = rest[2:]; len(rest) < size {
			return nil, malformed("a key is cut off")
		}
		v.wrapped, rest = append([]byte(nil), rest[:size]...), rest[size:]
		if i > 0 && v.number <= r.versions[i-1].number {
			return nil, malformed("its keys are out of order")
		}
	}
	if text[0] == ringPast {
		if r.past = readPast(rest); r.past == nil {
			return nil, malformed("what it says of destroyed keys makes no sense")
		}
	} else if len(rest) > 0 {
		return nil, malformed("something stands behind its keys")
	}
	if r.latest != r.newest().number || r.versions[0].number < r.minAvailable || r.minDecrypt < 1 || r.minDecrypt > r.latest || r.minAvailable > r.minDecrypt {
		return nil, malformed("its numbers contradict each other")
	}
	return r, nil
}

// authentic says whether text is what encode wrote of this ring. The key of the newest version is at hand.
func (r *ring) authentic(text []byte) (bool, error) {
	if r.destroyed {
		return true, nil
	}
	mac, err := r.mac(text[:len(text)-ringMAC])
	if err != nil {
		return false, err
	}
	return hmac.Equal(mac, text[len(text)-ringMAC:]), nil
}

// newVersion makes a key for a ring. It is not wrapped yet.
func newVersion(number uint32, now time.Time) ringVersion {
	v := ringVersion{number: number, key: &rootKey{created: now.UTC().Truncate(time.Second)}}
	var b [keySize]byte
	// Read never fails: it ends the program rather than return weak randomness.
	_, _ = rand.Read(b[:])
	v.key.id = keyIDOf(b[:])
	v.key.key = secret.New(b[:])
	clear(b[:])
	return v
}

// keyIDOf is the id of a key of a ring. It follows from the key, so that a keeper which gives another one is found out.
func keyIDOf(key []byte) (id keyID) {
	b := expand(sha512.New, key, []byte(ringKeyIDLabel))
	copy(id[:], b)
	clear(b)
	return id
}

// has says whether the key of a version is at hand.
func (r *ring) has(v *ringVersion) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !v.key.key.IsZero()
}

// take puts the key of a version into the ring. ErrClosed: the ring has left memory while the key was unwrapped.
func (r *ring) take(v *ringVersion, key secret.Value) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.forgotten {
		key.Destroy()
		return ErrClosed
	}
	v.key.key = key
	if r.abandoned {
		runtime.AddCleanup(v.key, secret.Value.Destroy, key)
	}
	return nil
}

// abandon lets the garbage collector clear the keys when nobody uses them any more.
func (r *ring) abandon() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.abandoned = true
	for i := range r.versions {
		if key := r.versions[i].key; !key.key.IsZero() {
			runtime.AddCleanup(key, secret.Value.Destroy, key.key)
		}
	}
}

// lend gives another state of the ring the keys that are unwrapped.
func (r *ring) lend(other *ring) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.versions {
		mine := &r.versions[i]
		if v := other.find(&mine.key.id); v != nil && !mine.key.key.IsZero() {
			v.key = mine.key
		}
	}
}

// forgetBut clears the keys that are at hand, but those that another state of the ring has, too.
func (r *ring) forgetBut(other *ring) {
	if r == other {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forgotten = true
	for i := range r.versions {
		mine := r.versions[i].key
		if v := other.find(&mine.id); v == nil || v.key != mine {
			mine.key.Destroy()
		}
	}
}

// forget clears the keys that are at hand.
func (r *ring) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forgotten = true
	for i := range r.versions {
		r.versions[i].key.key.Destroy()
	}
}
