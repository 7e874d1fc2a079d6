package crypto

import (
	"crypto/fips140"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"

	"golang.org/x/crypto/argon2"

	"github.com/ebbkit/ebb/crypto/secret"
)

// CreatePassphraseKeyring makes a new key file at path as CreateKeyring does, with the keys wrapped under what Argon2id
// makes of the passphrase: 64 MiB of memory, three passes, four lanes, the second recommendation of RFC 9106,
// section 4. That takes a tenth of a second or so, here and at every opening. The parameters are in the file.
//
// It returns ErrPassphrase when the passphrase is empty, and ErrFIPS with GODEBUG=fips140=only. The caller keeps the
// passphrase and may destroy it afterwards.
func CreatePassphraseKeyring(path string, passphrase secret.Value) (*Keyring, error) {
	kdf := argon{memory: 64 << 10, passes: 3, lanes: 4}
	_, _ = rand.Read(kdf.salt[:])
	wrap, err := kdf.wrapper(passphrase)
	if err != nil {
		return nil, fmt.Errorf("create key file %q: %w", path, err)
	}
	return createKeyring(&keyFile{path: path, wrap: wrap})
}

// OpenPassphraseKeyring opens a key file that CreatePassphraseKeyring made, and fails as OpenKeyring does. It returns
// ErrPassphrase when the passphrase is wrong or the file is not behind one, and ErrFIPS with GODEBUG=fips140=only.
func OpenPassphraseKeyring(path string, passphrase secret.Value) (*Keyring, error) {
	f := &keyFile{path: path}
	p, _, err := f.load()
	if err == nil {
		defer p.wipe()
		if p.kdf == nil {
			err = fmt.Errorf("%w: the file is not behind one: use OpenKeyring", ErrPassphrase)
		} else {
			f.wrap, err = p.kdf.wrapper(passphrase)
		}
	}
	if err != nil {
		return nil, notOpened(path, err)
	}
	return openKeyring(f)
}

// argon is the parameters of Argon2id (RFC 9106) for one file.
type argon struct {
	memory uint32 // KiB
	passes uint32
	lanes  uint8
	salt   [keyIDSize]byte // also names the wrapping key
}

// Bounds for what a file may ask for: not less than what OWASP's password storage sheet allows at the least, and not so
// much that a changed file takes the memory of the machine.
const (
	minArgonMemory = 19 << 10
	maxArgonMemory = 1 << 20
	maxArgonPasses = 16
	maxArgonLanes  = 16
)

func (a *argon) String() string {
	return fmt.Sprintf("m=%d t=%d p=%d salt=%s", a.memory, a.passes, a.lanes, base64.StdEncoding.EncodeToString(a.salt[:]))
}

func parseArgon(text string) (*argon, error) {
	var a argon
	var salt string
	if _, err := fmt.Sscanf(text, "m=%d t=%d p=%d salt=%s", &a.memory, &a.passes, &a.lanes, &salt); err != nil {
		return nil, badKeyText("its argon2id line is not of the form %q", "m=KIB t=PASSES p=LANES salt=BASE64")
	}
	b, err := base64.StdEncoding.DecodeString(salt)
	if err != nil || len(b) != len(a.salt) {
		return nil, badKeyText("its salt is not %d bytes in base64", len(a.salt))
	}
	copy(a.salt[:], b)
	if a.String() != text {
		return nil, badKeyText("its argon2id line is not in canonical form")
	}
	if a.memory < minArgonMemory || a.memory > maxArgonMemory || a.passes < 1 || a.passes > maxArgonPasses || a.lanes < 1 || a.lanes > maxArgonLanes {
		return nil, badKeyText("its argon2id parameters m=%d t=%d p=%d are out of bounds", a.memory, a.passes, a.lanes)
	}
	return &a, nil
}

// A wrapper wraps the keys of one file under a key made of a passphrase, and authenticates the file as a whole.
type wrapper struct {
	kdf       argon
	key       *rootKey
	macKey    secret.Value
	envelopes *envelopes
}

func (a *argon) wrapper(passphrase secret.Value) (*wrapper, error) {
	// x/crypto's Argon2id does not look at the mode by itself.
	if fips140.Enforced() {
		return nil, fmt.Errorf("%w: Argon2id; keep the keys in a file without a passphrase", ErrFIPS)
	}
	var key []byte
	err := passphrase.Use(func(b []byte) {
		if len(b) > 0 {
			key = argon2.IDKey(b, a.salt[:], a.passes, a.memory, a.lanes, 2*keySize)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPassphrase, err)
	}
	if key == nil {
		return nil, fmt.Errorf("%w: it is empty", ErrPassphrase)
	}
	defer clear(key)
	return &wrapper{
		kdf:       *a,
		key:       &rootKey{id: a.salt, key: secret.New(key[:keySize])},
		macKey:    secret.New(key[keySize:]),
		envelopes: newEnvelopes(),
	}, nil
}

// scope binds a wrapped key to its place in the file.
func (*wrapper) scope(name string, l keyLine) *Scope {
	return &Scope{Category: "key file", Field: name, Record: hex.EncodeToString(l.id[:])}
}

func (w *wrapper) seal(name string, l keyLine, key []byte) ([]byte, error) {
	return w.envelopes.seal(w.key, w.scope(name, l), key)
}

func (w *wrapper) open(name string, l keyLine) ([]byte, error) {
	env, err := parseEnvelope(l.key)
	if err != nil {
		return nil, badKeyText("key %x is not wrapped", l.id)
	}
	key, err := w.envelopes.open(w.key, w.scope(name, l), &env, nil)
	if err != nil {
		return nil, badKeyText("key %x does not open", l.id)
	}
	return key, nil
}

// mac authenticates a file, so that keys can be neither taken out nor put in another order, which would make an older
// key seal.
func (w *wrapper) mac(signed []byte) (sum []byte, err error) {
	used := w.macKey.Use(func(b []byte) {
		mac := hmac.New(sha256.New, b)
		_, _ = mac.Write(signed) // a hash never returns an error
		sum = mac.Sum(nil)
	})
	if used != nil {
		return nil, ErrClosed
	}
	return sum, nil
}

func (w *wrapper) verify(signed, mac []byte) error {
	want, err := w.mac(signed)
	if err != nil {
		return err
	}
	if !hmac.Equal(want, mac) {
		return fmt.Errorf("%w: it is wrong, or the file was changed", ErrPassphrase)
	}
	return nil
}

func (w *wrapper) forget() {
	w.key.key.Destroy()
	w.macKey.Destroy()
	w.envelopes.forget()
}
