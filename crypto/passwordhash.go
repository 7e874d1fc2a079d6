package crypto

import (
	"crypto/fips140"
	"crypto/pbkdf2"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// A passwordCost is a function and how much work it does.
type passwordCost struct {
	iterations uint32 // of PBKDF2; 0: Argon2id

	memory uint32 // KiB
	passes uint32
	lanes  uint8
}

// What a stored hash may ask for. The PHC string format gives salts of Argon2id 8 to 48 bytes and its hashes 12 to 64.
// NIST SP 800-132, section 5.1, wants 128 random bits in the salt of PBKDF2, and more than 64 bytes of hash would take a
// second block, which costs who verifies more than who guesses.
const (
	passwordSaltSize    = 16
	maxPasswordSaltSize = 64
	minPBKDF2Sum        = 32
	maxPBKDF2Sum        = 64
	minArgonSalt        = 8
	maxArgonSalt        = 48
	minArgonSum         = 12
	maxArgonSum         = 64
	argonSum            = 32

	maxPasswordMemory = 1 << 20 // KiB
	maxPasswordPasses = 16
	maxPasswordLanes  = 16

	maxPasswordHash = 256 // characters; the longest that is in bounds has some 230
)

var errArgonFIPS = fmt.Errorf("%w: Argon2id; PBKDF2 is, and is the default", ErrFIPS)

func (c passwordCost) argon() bool { return c.iterations == 0 }

// size is how long a new hash is.
func (c passwordCost) size() int {
	if c.argon() {
		return argonSum
	}
	return sha512.Size
}

// below reports whether c is another function than target, or the same with less work.
func (c passwordCost) below(target passwordCost) bool {
	return c.argon() != target.argon() || c.iterations < target.iterations || c.memory < target.memory || c.passes < target.passes
}

// sum computes a hash of size bytes.
func (c passwordCost) sum(password, salt []byte, size int) ([]byte, error) {
	if !c.argon() {
		// The function takes a string, and copies it into bytes again, so sparing the one copy would gain nothing.
		sum, err := pbkdf2.Key(sha512.New, string(password), salt, int(c.iterations), size)
		if err != nil {
			return nil, fmt.Errorf("crypto: hash password: %w", err)
		}
		return sum, nil
	}
	// x/crypto's Argon2id does not look at the mode by itself.
	if fips140.Enforced() {
		return nil, errArgonFIPS
	}
	return argon2.IDKey(password, salt, c.passes, c.memory, c.lanes, uint32(size)), nil
}

// A passwordHash is a hash as it is stored.
type passwordHash struct {
	cost   passwordCost
	pepper uint32 // 0: none
	salt   []byte
	sum    []byte
}

const (
	pbkdf2Name = "pbkdf2-sha512"
	argonName  = "argon2id"
	argonV19   = "v=19" // RFC 9106, section 3.1
)

// String returns the canonical text.
func (h *passwordHash) String() string {
	var b strings.Builder
	if h.cost.argon() {
		fmt.Fprintf(&b, "$%s$%s$m=%d,t=%d,p=%d", argonName, argonV19, h.cost.memory, h.cost.passes, h.cost.lanes)
	} else {
		fmt.Fprintf(&b, "$%s$i=%d,l=%d", pbkdf2Name, h.cost.iterations, len(h.sum))
	}
	if h.pepper != 0 {
		fmt.Fprintf(&b, ",pepper=%d", h.pepper)
	}
	fmt.Fprintf(&b, "$%s$%s", base64.RawStdEncoding.EncodeToString(h.salt), base64.RawStdEncoding.EncodeToString(h.sum))
	return b.String()
}

func badPasswordHash(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrPasswordHash, fmt.Sprintf(format, args...))
}

// parsePasswordHash reads a canonical text. Nothing but numbers of it is in the errors.
func parsePasswordHash(text string) (*passwordHash, error) {
	if len(text) > maxPasswordHash {
		return nil, badPasswordHash("it has %d characters, the limit is %d", len(text), maxPasswordHash)
	}
	h := &passwordHash{}
	parts := strings.Split(text, "$")
	var err error
	switch {
	case len(parts) == 5 && parts[0] == "" && parts[1] == pbkdf2Name:
		err = h.parsePBKDF2(parts[2], parts[3], parts[4])
	case len(parts) == 6 && parts[0] == "" && parts[1] == argonName && parts[2] == argonV19:
		err = h.parseArgon(parts[3], parts[4], parts[5])
	default:
		err = badPasswordHash("it is of no known function: there are $%s$ and $%s$%s$", pbkdf2Name, argonName, argonV19)
	}
	if err != nil {
		return nil, err
	}
	// What follows from one text only is the same text again: this is what refuses leading zeros, padding, line breaks
	// inside base64 and bits that do not count.
	if h.String() != text {
		return nil, badPasswordHash("it is not in canonical form")
	}
	return h, nil
}

func (h *passwordHash) parsePBKDF2(parameters, salt, sum string) error {
	n, err := h.numbers(parameters, "i", "l")
	if err != nil {
		return err
	}
	if n[0] == 0 || n[0] > maxIterations {
		return badPasswordHash("it asks for %d iterations, there may be 1 to %d", n[0], maxIterations)
	}
	h.cost.iterations = n[0]
	if err := h.bytes(salt, passwordSaltSize, maxPasswordSaltSize, sum, minPBKDF2Sum, maxPBKDF2Sum); err != nil {
		return err
	}
	if len(h.sum) != int(n[1]) {
		return badPasswordHash("it has %d bytes and says %d", len(h.sum), n[1])
	}
	return nil
}

func (h *passwordHash) parseArgon(parameters, salt, sum string) error {
	n, err := h.numbers(parameters, "m", "t", "p")
	if err != nil {
		return err
	}
	memory, passes, lanes := n[0], n[1], n[2]
	if passes == 0 || passes > maxPasswordPasses || lanes == 0 || lanes > maxPasswordLanes ||
		memory < 8*lanes || memory > maxPasswordMemory { // RFC 9106, section 3.1: at least eight blocks a lane
		return badPasswordHash("its parameters m=%d, t=%d, p=%d are out of bounds", memory, passes, lanes)
	}
	h.cost = passwordCost{memory: memory, passes: passes, lanes: uint8(lanes)}
	return h.bytes(salt, minArgonSalt, maxArgonSalt, sum, minArgonSum, maxArgonSum)
}

// numbers reads parameters that have these names, in this order, and none or a pepper after them.
func (h *passwordHash) numbers(text string, names ...string) ([]uint32, error) {
	fields := strings.Split(text, ",")
	peppered := len(fields) == len(names)+1
	if peppered {
		names = append(names, "pepper")
	}
	if len(fields) != len(names) {
		return nil, badPasswordHash("it has %d parameters", len(fields))
	}
	numbers := make([]uint32, len(names))
	for i, name := range names {
		digits, named := strings.CutPrefix(fields[i], name+"=")
		n, err := strconv.ParseUint(digits, 10, 32)
		if !named || err != nil {
			return nil, badPasswordHash("its parameter %d is not %s=NUMBER", i+1, name)
		}
		numbers[i] = uint32(n)
	}
	if peppered {
		h.pepper = numbers[len(numbers)-1]
	}
	return numbers, nil
}

func (h *passwordHash) bytes(salt string, minSalt, maxSalt int, sum string, minSum, maxSum int) error {
	var err error
	if h.salt, err = base64.RawStdEncoding.DecodeString(salt); err != nil || len(h.salt) < minSalt || len(h.salt) > maxSalt {
		return badPasswordHash("its salt is not %d to %d bytes in base64 without padding", minSalt, maxSalt)
	}
	if h.sum, err = base64.RawStdEncoding.DecodeString(sum); err != nil || len(h.sum) < minSum || len(h.sum) > maxSum {
		return badPasswordHash("it is not %d to %d bytes in base64 without padding", minSum, maxSum)
	}
	return nil
}
