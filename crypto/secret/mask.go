package secret

import (
	"errors"
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// Masked is what a Mask writes in place of a secret, however long it was.
const Masked = "***"

// MinMaskedBytes is how long a secret must be for a Mask to look for it: 4 bytes, white space at its ends not counted.
// What is shorter would turn up in too many other words, so that masking it destroys messages and tells, by what is
// missing, what it was.
const MinMaskedBytes = 4

// A Mask knows secrets and takes them out of what leaves a program: error messages, traces, log fields.
//
// It finds a secret as it is, and in the forms that services, encoders and formatters give it: base64 in both alphabets,
// with and without padding and wherever it begins in a longer text, as in the header of Basic auth (RFC 7617); hex;
// escaped for URLs, JSON, Go, HTML and XML, whatever is escaped and however often up to three times; the decimal and hex
// lists that fmt makes of bytes. Of a secret of several lines, such as a key in PEM, it finds each line of 16 bytes or
// more by itself; and where a text breaks off inside a secret, it takes the piece from 16 bytes on. Of one that is longer
// than 64 KiB it looks for the beginning, and takes all that follows. It does not find what was encrypted, hashed, compressed,
// reversed or put into another charset, nor pieces from the middle.
//
// It would rather take too much than too little: "-" and "+" count as a space and "_" as "/", a secret "test" is taken out
// of every "testing". Choose secrets accordingly, not shorter than [MinMaskedBytes].
//
// The zero Mask knows no secrets and leaves everything as it is, at the price of one atomic load; so does a nil Mask. It
// grows by Add, and builds what it searches with when it is first asked afterwards. It keeps copies of the secrets until
// Destroy. Many goroutines may use a Mask. A Mask must not be copied.
type Mask struct {
	state atomic.Uint32

	mu sync.RWMutex
	// content is a function so that nothing which walks over fields gets any further. Nil unless the mask is armed.
	content func() *maskContent
}

// maskContent is what a Mask knows.
type maskContent struct {
	known []Value
	sums  []uint64 // of known
	seed  maphash.Seed
	// search is nil when it is to be built.
	search *matcher
}

const (
	maskEmpty = iota
	maskArmed
	maskDestroyed
)

// Add lets the mask know secrets. Values that it knows already cost little; destroyed ones and short ones are left out.
// The mask keeps copies: destroying a Value does not make it forget.
func (m *Mask) Add(values ...Value) {
	for _, v := range values {
		_ = v.Use(m.add) // a destroyed Value has nothing to hide any more
	}
}

func (m *Mask) add(plain []byte) {
	if len(trimmed(plain)) < MinMaskedBytes {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state.Load() == maskDestroyed {
		return
	}
	if m.content == nil {
		made := &maskContent{seed: maphash.MakeSeed()}
		m.content = func() *maskContent { return made }
	}
	if m.content().add(plain) {
		m.state.Store(maskArmed)
	}
}

// add says whether the secret is new.
func (c *maskContent) add(plain []byte) bool {
	sum := maphash.Bytes(c.seed, plain)
	for i, known := range c.known {
		if c.sums[i] == sum && known.Equal(hold(plain)) {
			return false
		}
	}
	c.known, c.sums = append(c.known, New(plain)), append(c.sums, sum)
	c.dismantle()
	return true
}

// Empty reports whether the mask leaves everything as it is: it never knew a secret.
func (m *Mask) Empty() bool { return m == nil || m.state.Load() == maskEmpty }

// Text returns text with [Masked] in place of every secret, and text itself when there is none in it. After Destroy it
// returns Masked, whatever it is given: the mask no longer knows what is secret.
func (m *Mask) Text(text string) string {
	if m.Empty() {
		return text
	}
	m.mu.RLock()
	for m.content != nil && m.content().search == nil {
		m.mu.RUnlock()
		m.build()
		m.mu.RLock()
	}
	defer m.mu.RUnlock()
	if m.content == nil { // destroyed
		return Masked
	}
	return m.content().search.mask(text)
}

// Bytes is Text for bytes: it returns b itself when there is no secret in it, and else new bytes.
func (m *Mask) Bytes(b []byte) []byte {
	if m.Empty() {
		return b
	}
	text := string(b)
	if masked := m.Text(text); masked != text {
		return []byte(masked)
	}
	return b
}

// Error returns an error with the masked message of err, and err itself when there is no secret in its message. What it
// returns matches with errors.Is whatever err does, but errors.As finds nothing in it: what is inside would still tell. A
// nil err gives nil.
func (m *Mask) Error(err error) error {
	if err == nil || m.Empty() {
		return err
	}
	text, readable := messageOf(err)
	masked := m.Text(text)
	if readable && masked == text {
		return err
	}
	return &maskedError{masked, func(target error) bool { return errors.Is(err, target) }}
}

// messageOf is the message of an error, which may be one whose methods panic, such as a nil pointer.
func messageOf(err error) (text string, ok bool) {
	defer func() {
		if recover() != nil {
			text, ok = "an error that cannot be read", false
		}
	}()
	return err.Error(), true
}

// maskedError is an error in whose message secrets were masked. The error that it stands for is behind a function, where
// formatters do not find it.
type maskedError struct {
	message string
	is      func(target error) bool
}

func (e *maskedError) Error() string        { return e.message }
func (e *maskedError) Is(target error) bool { return e.is(target) }

// build makes what the mask searches with.
func (m *Mask) build() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.content == nil || m.content().search != nil {
		return
	}
	c := m.content()
	var needles []needle
	for _, v := range c.known {
		_ = v.Use(func(plain []byte) { needles = appendForms(needles, plain) }) // nobody else can destroy it
	}
	c.search = newMatcher(needles)
}

// dismantle clears what the mask searches with.
func (c *maskContent) dismantle() {
	if c.search != nil {
		c.search.clear()
		c.search = nil
	}
}

// Destroy makes the mask forget its secrets and clears their bytes and forms. From then on it masks everything whole, unless
// it never knew a secret. Destroying twice is no mistake.
func (m *Mask) Destroy() {
	if m.Empty() {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state.Store(maskDestroyed)
	if m.content == nil {
		return
	}
	c := m.content()
	m.content = nil
	for _, v := range c.known {
		v.Destroy()
	}
	c.dismantle()
}
