package crypto

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

var (
	// ErrShredded says that the keys of a subject, a run or a tenant were destroyed: what was sealed under them is gone,
	// and nothing new is sealed until AllowNewLifecycle.
	ErrShredded = errors.New("crypto: keys were destroyed")
	// ErrKeyTooOld says that an envelope is under a version of a key that is not to open anything any more.
	ErrKeyTooOld = errors.New("crypto: key is too old")
	// ErrRing says that the stored keys of an owner are damaged, or were changed by somebody: nothing opens or is sealed with
	// them until they are put back as they were. It comes together with ErrMalformed.
	ErrRing = errors.New("crypto: keys are damaged")
	// ErrForeignKeeper says that a keeper does not go with a key store: keys there are under epochs that it never had, so it is
	// another store's, or an old copy of the right one.
	ErrForeignKeeper = errors.New("crypto: keeper is not that of the key store")
	// ErrWindow says that the times of a HierarchyConfig do not add up: what is destroyed would not be gone from every
	// backup in time.
	ErrWindow = errors.New("crypto: keys would outlive what is promised")
)

// HierarchyConfig says how keys are kept. Keeper and Keys are needed.
type HierarchyConfig struct {
	// Keeper holds the root keys, one an epoch, for one key store and nothing else: whoever turns epochs over another one, such
	// as a backup that was restored beside it, destroys what the keys of this one are wrapped under.
	Keeper Keeper
	// Keys keeps the wrapped keys.
	Keys KeyStore

	// Epoch is how long an epoch lasts. Default: 14 days.
	Epoch time.Duration
	// DestroyDelay is how long the keeper may give back the key of an epoch that was destroyed. Default: 30 days, the
	// longest that key management services take unless told otherwise. A local Keyring takes none itself: count how long
	// copies of its key file are kept.
	DestroyDelay time.Duration
	// Slack is how late the turn of an epoch may come, see Turn. The clocks of processes and keeper may differ by half of it.
	// Default: 24 hours.
	Slack time.Duration
	// Irrevocable is how long after its destruction a key may be had back from a backup at most. Epoch, DestroyDelay and
	// Slack together must not exceed it: ErrWindow. Default: 60 days.
	Irrevocable time.Duration

	// Turned is called by Turn with the newest epoch of the keeper, once in this process for each: at the first Turn, and then
	// when Turn has begun one or sees one that another process has begun. This is the time to copy the key file of a Keyring, or
	// to tell people: Turn goes on when Turned has returned nil, so no key is moved to a root key that has no copy yet. Keys
	// that are made meanwhile are under it already, and are lost with a key file that has no copy. Turn yields its error, and
	// calls it again the next time; as long as it fails, no older epoch is destroyed. It gets the context of Turn, is never
	// called by two goroutines of this process at once, and must not call Turn. Default: none.
	Turned func(ctx context.Context, newest Epoch) error

	// KeyTime is for how long keys are used without asking the store: what another process destroys or rotates counts here
	// after this time at the latest. What this process does counts at once. Default: 1 minute.
	KeyTime time.Duration
	// KeeperTimeout is how long one answer of the keeper is waited for: ErrKeeper. Default: 10 seconds.
	KeeperTimeout time.Duration
	// MaxKeys is how many owners' keys are kept in memory, unwrapped; one takes about 650 bytes. Default: 100 000.
	MaxKeys int
	// Now is the time. Default: time.Now.
	Now func() time.Time
}

// A Hierarchy is a vault whose keys have levels: the keeper's epoch key wraps the key of a subject, a run or a tenant, from
// which the key of each record follows. The owner of what is sealed is Scope.Subject, else Scope.Run, else Scope.Tenant.
// Destroying an owner's key is one small write, however much was sealed under it; and when its epoch ends, no backup of
// the key store gives it back.
//
// It is also a Blinder, whose index keys, one for each field of a tenant, are kept in the same way. Make one with [NewHierarchy]. Many
// goroutines may use it, and many processes one keeper and key store.
type Hierarchy struct {
	config    HierarchyConfig
	envelopes *envelopes
	rings     *ringCache
	closed    atomic.Bool

	mu       sync.Mutex
	attempts map[attemptKey]*attempt // under way
	current  Epoch                   // the newest epoch
	listed   time.Time               // when the keeper was asked for it
	seen     time.Time               // when this process saw it for the first time
	turned   bool                    // it took the place of an older one before the eyes of this process

	telling chan struct{} // full while HierarchyConfig.Turned is called

	told uint32 // the epoch that it has heard of; only who has filled telling may look
}

var (
	_ Vault   = (*Hierarchy)(nil)
	_ Blinder = (*Hierarchy)(nil)
)

// NewHierarchy returns a vault over a keeper and a key store. A keeper without an epoch gets its first one. ErrWindow says
// that a time of the configuration is negative, or that they do not add up; what the keeper returns is returned, too.
// ErrForeignKeeper says that the keeper is not the one that has wrapped what is in the key store: a ring is under an epoch that
// it never had, or it has wrapped none of several rings. Only the first few rings are looked at, and one or two that do not
// unwrap may be damaged: what gets past New meets ErrRing or ErrNoEpoch when it is opened.
//
// Epochs end only while somebody calls Turn, at least once in HierarchyConfig.Slack. The engine does that for what its Config.Keys
// make; who has a hierarchy beside an engine over the same key store needs not.
func NewHierarchy(ctx context.Context, config HierarchyConfig) (*Hierarchy, error) {
	if config.Keeper == nil || config.Keys == nil {
		return nil, errors.New("crypto: a hierarchy needs a Keeper and Keys")
	}
	for _, d := range []struct {
		field *time.Duration
		usual time.Duration
	}{
		{&config.Epoch, 14 * 24 * time.Hour},
		{&config.DestroyDelay, 30 * 24 * time.Hour},
		{&config.Slack, 24 * time.Hour},
		{&config.Irrevocable, 60 * 24 * time.Hour},
		{&config.KeyTime, time.Minute},
		{&config.KeeperTimeout, 10 * time.Second},
	} {
		if *d.field == 0 {
			*d.field = d.usual
		}
		if *d.field < 0 {
			return nil, fmt.Errorf("%w: a time is negative", ErrWindow)
		}
	}
	if config.MaxKeys <= 0 {
		config.MaxKeys = 100_000
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if whole := config.Epoch + config.DestroyDelay + config.Slack; whole > config.Irrevocable {
		return nil, fmt.Errorf("%w: Epoch %v, DestroyDelay %v and Slack %v are %v together, and Irrevocable is %v: shorten one of them",
			ErrWindow, config.Epoch, config.DestroyDelay, config.Slack, whole, config.Irrevocable)
	}
	config.Keeper = &guard{Keeper: config.Keeper, timeout: config.KeeperTimeout}
	h := &Hierarchy{
		config: config, envelopes: newEnvelopes(), rings: newRingCache(config.MaxKeys), attempts: map[attemptKey]*attempt{},
		telling: make(chan struct{}, 1),
	}
	if err := h.recognize(ctx); err != nil {
		return nil, err
	}
	if _, err := h.epoch(ctx, true); err != nil {
		return nil, err
	}
	return h, nil
}

// Close clears the keys as far as Go allows, see Keyring.Close. It always returns nil, and may be called again.
func (h *Hierarchy) Close() error {
	if !h.closed.Swap(true) {
		h.mu.Lock() // whoever keeps a ring has done so, or finds out that it is too late
		h.rings.clear()
		h.mu.Unlock()
		h.envelopes.forget()
	}
	return nil
}

// Seal does what Vault says, under the newest key of the scope's owner; the first time it makes one. It returns ErrShredded
// when the owner's keys were destroyed. It asks the store and the keeper only when the key is not at hand.
func (h *Hierarchy) Seal(ctx context.Context, at Scope, plaintext []byte) ([]byte, error) {
	for {
		r, err := h.begin(ctx, &at, true)
		if err != nil {
			return nil, err
		}
		sealed, err := h.envelopes.seal(r.newest().key, &at, plaintext)
		if !h.lost(r, err) {
			return sealed, err
		}
	}
}

// Open does what Vault says. It returns ErrShredded when the keys of the scope's owner were destroyed, and ErrKeyTooOld
// when the version of the key is not to be used any more.
func (h *Hierarchy) Open(ctx context.Context, at Scope, sealed []byte) ([]byte, error) {
	plaintext, _, err := h.open(ctx, &at, sealed, nil)
	return plaintext, err
}

// Rewrap does what Vault says.
func (h *Hierarchy) Rewrap(ctx context.Context, at Scope, sealed []byte) (renewed []byte, changed bool, err error) {
	h.envelopes.room(func(into []byte) []byte {
		plaintext, under, failed := h.open(ctx, &at, sealed, into)
		if err = failed; err == nil {
			renewed, changed, err = h.renew(ctx, &at, sealed, plaintext, under)
		}
		return plaintext
	})
	return renewed, changed, err
}

// renew seals a plaintext anew, unless the key that it is under is the newest.
func (h *Hierarchy) renew(ctx context.Context, at *Scope, sealed, plaintext []byte, under keyID) ([]byte, bool, error) {
	for {
		r, err := h.begin(ctx, at, false)
		if err != nil {
			return nil, false, err
		}
		if under == r.newest().key.id {
			return sealed, false, nil
		}
		again, err := h.envelopes.seal(r.newest().key, at, plaintext)
		if !h.lost(r, err) {
			return again, err == nil, err
		}
	}
}

// open returns a plaintext, in the room of into if there is enough, and the id of the key that it was under.
func (h *Hierarchy) open(ctx context.Context, at *Scope, sealed, into []byte) ([]byte, keyID, error) {
	env, err := parseEnvelope(sealed)
	if err != nil {
		return nil, keyID{}, errors.Join(at.check(), err)
	}
	for {
		r, key, err := h.toOpen(ctx, at, env.id)
		if h.lost(r, err) {
			continue
		}
		if err != nil {
			return nil, keyID{}, err
		}
		plaintext, err := h.envelopes.open(key, at, &env, into)
		if !h.lost(r, err) {
			return plaintext, env.id, err
		}
	}
}

// toOpen returns the key of this id that opens what is at a scope, and the ring that it is in, which may have left memory: see
// lost.
func (h *Hierarchy) toOpen(ctx context.Context, at *Scope, id keyID) (*ring, *rootKey, error) {
	if err := at.check(); err != nil {
		return nil, nil, err
	}
	for fresh := false; ; {
		r, err := h.look(ctx, ownerOf(at), false)
		if errors.Is(err, ErrNoRing) {
			return nil, nil, also(fmt.Errorf("%w: its owner has none", ErrNoKey), ErrScope)
		}
		if err != nil {
			return nil, nil, err
		}
		v := r.find(&id)
		// Another process may have made the key a moment ago, also for an owner whose keys had been destroyed.
		if v == nil && !fresh && !r.past.had(&id) {
			_, joined, err := h.load(ctx, r.owner, r, false)
			if err != nil {
				return nil, nil, err
			}
			fresh = !joined // who began before may have read the ring before that moment
			continue
		}
		switch {
		case r.destroyed:
			return nil, nil, r.gone()
		case v == nil && r.past.had(&id):
			return nil, nil, fmt.Errorf("%w on %s, and new ones made since", ErrShredded, r.past.at.Format(time.DateOnly))
		case v == nil:
			return nil, nil, also(fmt.Errorf("%w %x among those of its owner", ErrNoKey, id), ErrScope)
		case v.number < r.minDecrypt:
			return nil, nil, fmt.Errorf("%w: version %d, the oldest that opens is %d", ErrKeyTooOld, v.number, r.minDecrypt)
		}
		key, err := h.unwrapped(ctx, r, v)
		return r, key, err
	}
}

// begin checks what all operations check first, and returns the ring of the scope's owner.
func (h *Hierarchy) begin(ctx context.Context, at *Scope, create bool) (*ring, error) {
	if err := at.check(); err != nil {
		return nil, err
	}
	return h.ring(ctx, ownerOf(at), create)
}

// lost says whether an operation failed only because the keys of a ring left memory meanwhile.
func (h *Hierarchy) lost(r *ring, err error) bool {
	if r == nil || !errors.Is(err, ErrClosed) || h.closed.Load() {
		return false
	}
	h.rings.dropRing(r)
	return true
}

// ring returns the keys of an owner. ErrNoRing: there are none, and none were to be made. ErrShredded: they were destroyed.
func (h *Hierarchy) ring(ctx context.Context, o owner, create bool) (*ring, error) {
	r, err := h.look(ctx, o, create)
	if err == nil && r.destroyed {
		return nil, r.gone()
	}
	return r, err
}

// look returns the ring of an owner as it is known now, also when its keys were destroyed. ErrNoRing as in ring.
func (h *Hierarchy) look(ctx context.Context, o owner, create bool) (*ring, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if h.closed.Load() {
		return nil, ErrClosed
	}
	r, checked := h.rings.get(o)
	if r == nil || time.Since(checked) >= h.config.KeyTime {
		var err error
		if r, _, err = h.load(ctx, o, r, create); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// gone says that the keys of a ring were destroyed.
func (r *ring) gone() error { return fmt.Errorf("%w on %s", ErrShredded, r.at.Format(time.DateOnly)) }
