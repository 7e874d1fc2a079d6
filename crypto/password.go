package crypto

import (
	"context"
	"crypto/fips140"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"maps"
	"runtime"

	"github.com/ebbkit/ebb/crypto/secret"
)

// MaxPasswordBytes is the longest password: 1024 bytes. A longer one is refused with ErrPassword and never cut, so that
// nobody can make a server compute for long, and no two passwords mean the same.
const MaxPasswordBytes = 1024

var (
	// ErrPassword says that a password cannot be used: it is empty where a new one is wanted, longer than
	// MaxPasswordBytes, or its secret was destroyed. That a password is wrong is no error.
	ErrPassword = errors.New("crypto: password")
	// ErrPasswordHash says that a stored password hash is none that Passwords makes or reads: not in the one canonical
	// form, of another function, or asking for more work or memory than any honest one. Nothing was computed.
	ErrPasswordHash = errors.New("crypto: password hash")
	// ErrPasswordConfig says that a PasswordConfig asks for too little work or for what cannot be.
	ErrPasswordConfig = errors.New("crypto: password configuration")
	// ErrNoPepper says that a stored password hash names a pepper that is not among those that are configured.
	ErrNoPepper = errors.New("crypto: no pepper")
)

// Work for PBKDF2 with HMAC-SHA-512. The target is what OWASP's Password Storage Cheat Sheet recommends (2026), and the
// highest number bounds what a changed row of a database can make a server compute: some seconds.
const (
	targetIterations = 220_000
	floorIterations  = 200_000
	maxIterations    = 10_000_000
)

// Work for Argon2id. The target is the least that OWASP's Password Storage Cheat Sheet recommends first: 19 MiB, two
// passes, one lane. The bounds above it are those of key files behind a passphrase.
const (
	targetMemory = 19 << 10 // KiB
	targetPasses = 2
	targetLanes  = 1
)

// A PasswordConfig says how Passwords are hashed. The zero PasswordConfig is PBKDF2 as it should be today.
type PasswordConfig struct {
	// Iterations is how often PBKDF2 applies HMAC-SHA-512 for a new hash: at least 200 000, at most 10 000 000.
	// Default: 220 000, the recommendation of OWASP's Password Storage Cheat Sheet.
	Iterations int
	// Argon2id selects Argon2id for new hashes instead of PBKDF2. It is not available with GODEBUG=fips140=only.
	// Default: nil, which is PBKDF2.
	Argon2id *Argon2id
	// Peppers are keys that a hash cannot be verified without. Default: none.
	Peppers Peppers
	// MaxConcurrent is how many hashes are computed at the same time; who comes later waits. Each takes a processor for
	// a tenth of a second or so, and Argon2id its memory. Default: as many as there are processors to Go.
	MaxConcurrent int
}

// Argon2id is the cost of Argon2id (RFC 9106). Its zero value is what OWASP's Password Storage Cheat Sheet recommends
// at the least. Nothing below that is accepted.
type Argon2id struct {
	// MemoryBytes is a multiple of 1024 from 19 MiB to 1 GiB. Default: 19 MiB.
	MemoryBytes int64
	// Passes is how often the memory is gone over, from 2 to 16. Default: 2.
	Passes int
	// Lanes is how many parts of the memory may be filled in parallel, from 1 to 16. Default: 1.
	Lanes int
}

// Passwords hashes passwords for storage and verifies them. A stored hash is a text by the PHC string format
// (https://c2sp.org/phc-strings), which says how it was made:
//
//	$pbkdf2-sha512$i=220000,l=64$SALT$HASH              PBKDF2 with HMAC-SHA-512 (RFC 8018, section 5.2)
//	$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH            Argon2id (RFC 9106)
//	$pbkdf2-sha512$i=220000,l=64,pepper=3$SALT$HASH     either with a pepper, see Peppers
//
// The salt is 16 random bytes, the hash 64 bytes, or 32 with Argon2id, both in base64 without padding. There is one way
// to write each: a text with other spelling, order or padding is refused with ErrPasswordHash.
//
// A password is any bytes: every character of Unicode, and NUL. It is taken as it comes; hosts whose people type the
// same character on different keyboards normalize it first (RFC 8265). One thing comes from PBKDF2 itself: HMAC fills
// keys up to 128 bytes with zeros (RFC 2104, section 2), so NULs at the end of a short password make no difference.
// Neither passwords nor hashes end in errors.
//
// A computation that has begun does not end with its context. How many attempts an account and an address have is for the
// host to limit. Make one with NewPasswords; many goroutines may use it.
type Passwords struct {
	cost    passwordCost
	peppers Peppers
	slots   chan struct{}
	decoy   *passwordHash // verified for who does not exist

	sum func(cost passwordCost, password, salt []byte, size int) ([]byte, error)
}

// NewPasswords returns a Passwords, or ErrPasswordConfig with all that is wrong with cfg. With Argon2id and
// GODEBUG=fips140=only it returns ErrFIPS.
func NewPasswords(cfg PasswordConfig) (*Passwords, error) {
	cost, err := cfg.cost()
	if cfg.MaxConcurrent < 0 {
		err = errors.Join(err, badPasswords("MaxConcurrent is %d", cfg.MaxConcurrent))
	}
	if err = errors.Join(err, cfg.Peppers.check()); err != nil {
		return nil, err
	}
	if cost.argon() && fips140.Enforced() {
		return nil, errArgonFIPS
	}
	n := cfg.MaxConcurrent
	if n == 0 {
		n = runtime.GOMAXPROCS(0)
	}
	p := &Passwords{
		cost:    cost,
		peppers: Peppers{Latest: cfg.Peppers.Latest, Keys: maps.Clone(cfg.Peppers.Keys)},
		slots:   make(chan struct{}, n),
		sum:     passwordCost.sum,
	}
	p.decoy = p.fresh()
	p.decoy.sum = make([]byte, cost.size())
	return p, nil
}

func badPasswords(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrPasswordConfig, fmt.Sprintf(format, args...))
}

// cost returns the work for new hashes, or all that is wrong with it.
func (cfg *PasswordConfig) cost() (passwordCost, error) {
	n := cfg.Iterations
	if n == 0 {
		n = targetIterations
	}
	var problems []error
	if n < floorIterations || n > maxIterations {
		problems = append(problems, badPasswords("Iterations is %d, it may be %d to %d", n, floorIterations, maxIterations))
	}
	a := cfg.Argon2id
	if a == nil {
		return passwordCost{iterations: uint32(n)}, errors.Join(problems...)
	}
	memory, passes, lanes := a.MemoryBytes, a.Passes, a.Lanes
	if memory == 0 {
		memory = targetMemory << 10
	}
	if passes == 0 {
		passes = targetPasses
	}
	if lanes == 0 {
		lanes = targetLanes
	}
	if memory < targetMemory<<10 || memory > maxPasswordMemory<<10 || memory%1024 != 0 {
		problems = append(problems, badPasswords("Argon2id.MemoryBytes is %d, it may be a multiple of 1024 from %d to %d",
			memory, targetMemory<<10, maxPasswordMemory<<10))
	}
	if passes < targetPasses || passes > maxPasswordPasses {
		problems = append(problems, badPasswords("Argon2id.Passes is %d, it may be %d to %d", passes, targetPasses, maxPasswordPasses))
	}
	if lanes < targetLanes || lanes > maxPasswordLanes {
		problems = append(problems, badPasswords("Argon2id.Lanes is %d, it may be %d to %d", lanes, targetLanes, maxPasswordLanes))
	}
	return passwordCost{memory: uint32(memory >> 10), passes: uint32(passes), lanes: uint8(lanes)}, errors.Join(problems...)
}

// Hash returns what to store for a new password. The caller keeps the password, which secret.New makes of bytes, and may
// destroy it afterwards.
//
// It returns ErrPassword when the password is empty or longer than MaxPasswordBytes, and when ctx ends while it waits
// for its turn, an error that wraps ctx.Err().
func (p *Passwords) Hash(ctx context.Context, password secret.Value) (stored string, err error) {
	err = p.with(ctx, password, func(b []byte) error {
		if len(b) == 0 {
			return fmt.Errorf("%w: it is empty", ErrPassword)
		}
		stored, err = p.hash(b)
		return err
	})
	return stored, err
}

// Verify reports whether password is the one that stored was made of, and if so, whether stored should be replaced by a
// new Hash: because it took less work than is configured now, another function, or another pepper than the latest.
//
// An empty stored stands for somebody who does not exist or has no password. Nothing equals it, and it takes as long as
// a wrong password does, so that nobody learns who exists: look up the user, and call Verify whether or not there is
// one. A stored hash that took fewer iterations than are configured is brought to the same time when the password is
// wrong; one that took more, or another function, is not.
//
// It returns ErrPasswordHash when stored is no canonical hash, ErrNoPepper when its pepper is missing, ErrFIPS for
// Argon2id with GODEBUG=fips140=only, and ErrPassword and context errors as Hash does; an empty password is just wrong.
func (p *Passwords) Verify(ctx context.Context, password secret.Value, stored string) (ok, rehash bool, err error) {
	h, err := p.parse(stored)
	if err != nil {
		return false, false, err
	}
	err = p.with(ctx, password, func(b []byte) error {
		ok, err = p.verify(b, h)
		return err
	})
	return ok, ok && p.outdated(h), err
}

// Check does what Verify does, and brings an outdated hash up to date: when the password is right and stored should be
// replaced, it calls replace once with stored and the new hash.
//
// Replace must store the new hash only where the old one is still stored, in one step, as in
//
//	UPDATE account SET password = $new WHERE id = $id AND password = $old
//
// and return nil also when it is not, because another login or a change of the password came first. When replace fails,
// Check returns true with its error: the password was right, and the next login tries again. With every other error it
// returns false. A wrong password never calls replace.
func (p *Passwords) Check(
	ctx context.Context, password secret.Value, stored string, replace func(ctx context.Context, old, new string) error,
) (bool, error) {
	h, err := p.parse(stored)
	if err != nil {
		return false, err
	}
	var ok bool
	var again string
	err = p.with(ctx, password, func(b []byte) error {
		if ok, err = p.verify(b, h); err != nil || !ok || !p.outdated(h) {
			return err
		}
		again, err = p.hash(b)
		return err
	})
	if err != nil || again == "" {
		return ok && err == nil, err
	}
	if err := replace(ctx, stored, again); err != nil {
		return true, fmt.Errorf("crypto: replace an outdated password hash: %w", err)
	}
	return true, nil
}

// parse returns what is stored, nil when that is nothing, after all is checked that needs no work.
func (p *Passwords) parse(stored string) (*passwordHash, error) {
	if stored == "" {
		return nil, nil
	}
	h, err := parsePasswordHash(stored)
	if err != nil {
		return nil, err
	}
	if _, there := p.peppers.Keys[h.pepper]; h.pepper != 0 && !there {
		return nil, fmt.Errorf("%w %d", ErrNoPepper, h.pepper)
	}
	return h, nil
}

// with calls f with the password when it is its turn to compute.
func (p *Passwords) with(ctx context.Context, password secret.Value, f func(b []byte) error) error {
	var err error
	used := password.Use(func(b []byte) {
		if len(b) > MaxPasswordBytes {
			err = fmt.Errorf("%w: it has %d bytes, the limit is %d", ErrPassword, len(b), MaxPasswordBytes)
			return
		}
		if err = ctx.Err(); err != nil {
			return
		}
		select {
		case p.slots <- struct{}{}:
			defer func() { <-p.slots }()
			err = f(b)
		case <-ctx.Done():
			err = fmt.Errorf("crypto: wait to compute a password hash: %w", ctx.Err())
		}
	})
	if used != nil {
		return fmt.Errorf("%w: %w", ErrPassword, used)
	}
	return err
}

// fresh returns the parameters of a new hash with a new salt.
func (p *Passwords) fresh() *passwordHash {
	h := &passwordHash{cost: p.cost, pepper: p.peppers.Latest, salt: make([]byte, passwordSaltSize)}
	_, _ = rand.Read(h.salt)
	return h
}

func (p *Passwords) hash(password []byte) (string, error) {
	h := p.fresh()
	var err error
	h.sum, err = p.compute(h, password, p.cost.size())
	if err != nil {
		return "", err
	}
	return h.String(), nil
}

// verify compares in constant time. A nil h equals nothing.
func (p *Passwords) verify(password []byte, h *passwordHash) (bool, error) {
	stored := h
	if stored == nil {
		stored = p.decoy
	}
	sum, err := p.compute(stored, password, len(stored.sum))
	if err != nil {
		return false, err
	}
	defer clear(sum)
	if subtle.ConstantTimeCompare(sum, stored.sum) == 1 && h != nil {
		return true, nil
	}
	if !p.cost.argon() && !stored.cost.argon() && stored.cost.iterations < p.cost.iterations {
		rest := passwordCost{iterations: p.cost.iterations - stored.cost.iterations}
		_, err = p.sum(rest, password, stored.salt, len(stored.sum))
	}
	return false, err
}

// compute returns the hash of a password by the parameters, the salt and the pepper of h.
func (p *Passwords) compute(h *passwordHash, password []byte, size int) ([]byte, error) {
	sum, err := p.sum(h.cost, password, h.salt, size)
	if err != nil || h.pepper == 0 {
		return sum, err
	}
	defer clear(sum)
	return p.peppers.apply(h.pepper, sum)
}

// outdated reports whether h should be replaced by a new hash.
func (p *Passwords) outdated(h *passwordHash) bool {
	return h.pepper != p.peppers.Latest || h.cost.below(p.cost) || len(h.salt) < passwordSaltSize || len(h.sum) < p.cost.size()
}
