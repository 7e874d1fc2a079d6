package crypto

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"
)

// A Keyring is a vault whose keys are at hand: in one file, in the clear or behind a passphrase, or only in memory. It
// seals under its newest key and opens with all of them. It is also a Blinder, with an index key of its own that stays
// when keys are added, and a Keeper, whose epochs have keys of their own and have nothing to do with what it seals itself.
//
// Whoever has the file, or the memory of the process, can open everything; that is as far as a keyring protects. Keep a
// copy of the file apart from the data: without it nothing opens again.
//
// Many goroutines may use a Keyring, and many processes one file: a process that meets a key that it does not know
// reads the file again, and one that is asked as a Keeper whenever the file has changed.
type Keyring struct {
	envelopes *envelopes
	keys      atomic.Pointer[keys] // nil once closed

	mu   sync.Mutex // held while keys are replaced
	file *keyFile   // nil: only in memory
}

var (
	_ Vault   = (*Keyring)(nil)
	_ Blinder = (*Keyring)(nil)
	_ Keeper  = (*Keyring)(nil)
)

// keys is the content of a keyring at one time. It is never changed, but replaced; only write sets what it has written to.
type keys struct {
	index  *rootKey
	byAge  []*rootKey // oldest first, never empty
	byID   map[keyID]*rootKey
	epochs []*epochKey // by number; what is missing below the last one is destroyed

	seen fs.FileInfo // of the key file that has them
}

func newKeys(index *rootKey, byAge []*rootKey) *keys {
	k := &keys{index: index, byAge: byAge, byID: make(map[keyID]*rootKey, len(byAge))}
	for _, key := range byAge {
		k.byID[key.id] = key
	}
	return k
}

// withKey returns the keys with one more, which seals.
func (k *keys) withKey(key *rootKey) *keys {
	return newKeys(k.index, append(slices.Clone(k.byAge), key)).withEpochs(k.epochs)
}

func (k *keys) newest() *rootKey { return k.byAge[len(k.byAge)-1] }

func (k *keys) destroy() {
	k.index.key.Destroy()
	for _, key := range k.byAge {
		key.key.Destroy()
	}
	for _, e := range k.epochs {
		e.forget()
	}
}

// NewKeyring returns a keyring with random keys that are nowhere but in memory. What it seals cannot be opened once it
// is closed or the process ends: it suits tests, and stores that are in memory themselves.
func NewKeyring() *Keyring {
	return newKeyring(newKeys(newRootKey(), []*rootKey{newRootKey()}), nil)
}

func newKeyring(k *keys, file *keyFile) *Keyring {
	r := &Keyring{envelopes: newEnvelopes(), file: file}
	r.keys.Store(k)
	return r
}

// Seal does what Vault says, under the newest key. It does not block.
func (r *Keyring) Seal(ctx context.Context, at Scope, plaintext []byte) ([]byte, error) {
	k, err := r.begin(ctx, &at)
	if err != nil {
		return nil, err
	}
	return r.envelopes.seal(k.newest(), &at, plaintext)
}

// Open does what Vault says. It blocks only to read the key file again, when the envelope names an unknown key.
func (r *Keyring) Open(ctx context.Context, at Scope, sealed []byte) ([]byte, error) {
	plaintext, _, err := r.open(ctx, &at, sealed, nil)
	return plaintext, err
}

// Rewrap does what Vault says. It blocks as Open does.
func (r *Keyring) Rewrap(ctx context.Context, at Scope, sealed []byte) (renewed []byte, changed bool, err error) {
	if r.envelopes == nil { // the zero Keyring
		return nil, false, ErrClosed
	}
	r.envelopes.room(func(into []byte) []byte {
		plaintext, under, failed := r.open(ctx, &at, sealed, into)
		if err = failed; err == nil {
			renewed, changed, err = r.renew(&at, sealed, plaintext, under)
		}
		return plaintext
	})
	return renewed, changed, err
}

// renew seals a plaintext anew, unless the key that it is under is the newest.
func (r *Keyring) renew(at *Scope, sealed, plaintext []byte, under keyID) ([]byte, bool, error) {
	k := r.keys.Load()
	if k == nil {
		return nil, false, ErrClosed
	}
	if under == k.newest().id {
		return sealed, false, nil
	}
	again, err := r.envelopes.seal(k.newest(), at, plaintext)
	return again, err == nil, err
}

// AddKey makes a new key, which seals from now on; the others still open. With a key file it returns once the file
// has the key for good. Should the process die meanwhile, the file is as it was or as it shall be, and a lock and a
// file with the keys, which only the owner may read, can be left beside it; the next AddKey says what to do. It returns
// ErrLocked while another process does the same, ErrKeyFile when the file is no longer the one that was opened, and
// else what the file system said.
//
// What is sealed under older keys stays as it is: bring it to the new one with Rewrap.
func (r *Keyring) AddKey(ctx context.Context) error {
	err := r.change(ctx, false, func(k *keys) (*keys, error) { return k.withKey(newRootKey()), nil })
	if err != nil {
		return fmt.Errorf("add key: %w", err)
	}
	return nil
}

// change replaces the keys with what edit makes of them, in the file first. With wipe the file that was there is
// overwritten. An edit that returns what it was given changes nothing.
func (r *Keyring) change(ctx context.Context, wipe bool, edit func(*keys) (*keys, error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.keys.Load()
	if k == nil {
		return ErrClosed
	}
	if r.file == nil {
		edited, err := edit(k)
		if err == nil {
			r.adopt(edited)
		}
		return err
	}
	unlock, err := r.file.lock()
	if err != nil {
		return err
	}
	defer unlock()
	// Another process may have changed them. Writing back only our own would undo that, and lose all that it sealed.
	if k, err = r.reread(k); err != nil {
		return err
	}
	r.adopt(k)
	edited, err := edit(k)
	if err != nil || edited == k {
		return err
	}
	if err := r.file.replace(edited, wipe); err != nil {
		return err
	}
	r.adopt(edited)
	return nil
}

// adopt makes k the keys, and destroys those of epochs that it does not have any more.
func (r *Keyring) adopt(k *keys) {
	old := r.keys.Swap(k)
	for _, e := range old.epochs {
		if now := findEpoch(k.epochs, e.number); now == nil || now.key == nil {
			e.forget()
		}
	}
}

// Close clears the keys as far as Go allows: copies that the garbage collector made and the key schedules of ciphers
// stay until their memory is used again. Calls that run meanwhile end well or with ErrClosed, later ones with ErrClosed.
// It always returns nil, and may be called again.
func (r *Keyring) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k := r.keys.Swap(nil); k != nil {
		k.destroy()
		r.envelopes.forget()
		r.file.forget()
	}
	return nil
}

// begin checks what all operations check first, and returns the keys.
func (r *Keyring) begin(ctx context.Context, at *Scope) (*keys, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := at.check(); err != nil {
		return nil, err
	}
	k := r.keys.Load()
	if k == nil {
		return nil, ErrClosed
	}
	return k, nil
}

// open returns a plaintext and the id of the key that it was under.
func (r *Keyring) open(ctx context.Context, at *Scope, sealed, into []byte) ([]byte, keyID, error) {
	k, err := r.begin(ctx, at)
	if err != nil {
		return nil, keyID{}, err
	}
	env, err := parseEnvelope(sealed)
	if err != nil {
		return nil, keyID{}, err
	}
	key := k.byID[env.id]
	if key == nil {
		if key, err = r.find(env.id); err != nil {
			return nil, keyID{}, err
		}
	}
	plaintext, err := r.envelopes.open(key, at, &env, into)
	return plaintext, env.id, err
}

// find looks for a key that another process may have added to the file.
func (r *Keyring) find(id keyID) (*rootKey, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.keys.Load()
	if k == nil {
		return nil, ErrClosed
	}
	if k.byID[id] == nil && r.file.changed(k) {
		again, err := r.reread(k)
		if err != nil {
			return nil, fmt.Errorf("%w %x, and looking for it again: %w", ErrNoKey, id, err)
		}
		k = again
		r.adopt(k)
	}
	if key := k.byID[id]; key != nil {
		return key, nil
	}
	return nil, fmt.Errorf("%w %x", ErrNoKey, id)
}

// reread returns what the file holds now: the keys that are known, as they are in memory, and those that are new.
func (r *Keyring) reread(known *keys) (*keys, error) {
	read, err := r.file.read()
	if err != nil {
		return nil, fmt.Errorf("key file %q: %w", r.file.path, err)
	}
	if !read.index.key.Equal(known.index.key) {
		read.destroy()
		return nil, fmt.Errorf("%w: %q holds the keys of another keyring", ErrKeyFile, r.file.path)
	}
	for _, key := range known.byAge {
		if read.byID[key.id] == nil {
			read.destroy()
			return nil, fmt.Errorf("%w: %q has lost key %x: put back the newest copy of it", ErrKeyFile, r.file.path, key.id)
		}
	}
	epochs, err := mergeEpochs(known.epochs, read.epochs)
	if err != nil {
		read.destroy()
		return nil, fmt.Errorf("key file %q: %w", r.file.path, err)
	}
	for i, e := range read.epochs {
		if epochs[i] != e {
			e.forget() // it is in memory already
		}
	}
	read.index.key.Destroy()
	byAge := make([]*rootKey, len(read.byAge))
	for i, key := range read.byAge {
		byAge[i] = key
		if mine := known.byID[key.id]; mine != nil {
			key.key.Destroy()
			byAge[i] = mine
		}
	}
	k := newKeys(known.index, byAge).withEpochs(epochs)
	k.seen = read.seen
	return k, nil
}
