// Package secret holds bytes that no formatter, logger or encoder can print.
//
// Passwords, tokens and keys travel through a program beside ordinary values, and sooner or later somebody prints the
// struct that they sit in. A redacting String method does not help there: fmt prints unexported fields without calling
// methods. A [Value] therefore keeps its bytes behind a closure, where fmt, reflect-based encoders and debuggers' dumps
// find a function and nothing else, and says "[secret]" wherever it is asked for a text.
//
// Make one with [New] or [NewString], work with the bytes inside [Value.Use], and end with [Value.Destroy].
//
// What has to leave the program as text, such as an error message that a service has written, passes a [Mask], which knows
// secrets and the forms that encoders give them.
//
// What this cannot promise: the stacks of goroutines are copied as they grow, bytes may have been copied before they came
// here, and strings cannot be wiped at all. Destroy clears the one copy that the Value holds, and a Mask those that it has
// made. A program that is built with GOEXPERIMENT=runtimesecret, on linux/amd64 or linux/arm64, leaves less: the stack and
// the registers that a Use has used are erased after it, and memory that it allocated when the garbage collector frees
// it, if the program lets go of it. The experiment is Go's own, outside its promise of compatibility.
//
// The package imports go.uber.org/zap/zapcore because zap finds its own interface only by its own types.
package secret

import (
	"crypto/subtle"
	"errors"
	"sync"
)

// Redacted is what a Value prints instead of its bytes.
const Redacted = "[secret]"

var (
	// ErrDestroyed says that the bytes were asked for after Destroy.
	ErrDestroyed = errors.New("secret: destroyed")
	// ErrEncode says that something asked a Value for bytes to store or send. Take them out with Use where that is
	// really meant.
	ErrEncode = errors.New("secret: a value is not encoded")
	// ErrRedacted says that a text to be read as a secret is the placeholder "[secret]": what it stood for is lost.
	ErrRedacted = errors.New("secret: the text is a placeholder")
)

// A Value is a secret. Copies of a Value share their bytes: destroying one destroys all. The zero Value holds no
// bytes, is never destroyed, and is equal to another that holds none. Many goroutines may use a Value.
//
// Values are not comparable with ==, so that nobody compares secrets in variable time; see Equal.
type Value struct {
	// cell is a function so that nothing which walks over fields gets any further.
	cell func() *cell
}

// cell is the one place where the bytes of a Value are.
type cell struct {
	mu        sync.Mutex
	bytes     []byte
	users     int
	destroyed bool
}

// New returns a Value with a copy of b. The caller still owns b and should clear it.
func New(b []byte) Value {
	var held []byte
	shielded(func() { held = append([]byte(nil), b...) })
	return hold(held)
}

// NewString returns a Value with the bytes of s. The string itself stays in memory as long as the garbage collector
// likes: prefer New where the secret is at hand as bytes.
func NewString(s string) Value {
	var held []byte
	shielded(func() { held = []byte(s) })
	return hold(held)
}

func hold(b []byte) Value {
	c := &cell{bytes: b}
	return Value{cell: func() *cell { return c }}
}

// Use calls f with the bytes and returns ErrDestroyed, without calling f, when they were destroyed. f must neither
// change the bytes nor keep them after it returns. It may use or destroy the same Value; other goroutines may do so
// meanwhile.
func (v Value) Use(f func(b []byte)) error {
	if v.cell == nil {
		f(nil)
		return nil
	}
	c := v.cell()
	b, ok := c.enter()
	if !ok {
		return ErrDestroyed
	}
	// Deferred, because f may panic and the bytes must still be cleared one day.
	defer c.leave()
	shielded(func() { f(b) })
	return nil
}

// Reveal returns the bytes as a string, for interfaces that take nothing else: a header, a driver's password field. The
// string cannot be wiped; prefer Use. It returns ErrDestroyed after Destroy.
func (v Value) Reveal() (string, error) {
	var s string
	err := v.Use(func(b []byte) { s = string(b) })
	return s, err
}

// Destroy makes every later Use of v and its copies return ErrDestroyed and clears the bytes: at once, or, when other
// goroutines are inside Use, as the last of them leaves. Destroying twice is no mistake.
func (v Value) Destroy() {
	if v.cell == nil {
		return
	}
	c := v.cell()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.destroyed = true
	c.wipe()
}

// Equal reports whether v and w hold the same bytes. Its time depends on the lengths alone. A destroyed Value is equal
// to nothing, not even to itself.
func (v Value) Equal(w Value) bool {
	equal := false
	// Use calls nothing when a Value is destroyed, and equal stays false.
	_ = v.Use(func(a []byte) {
		_ = w.Use(func(b []byte) {
			equal = subtle.ConstantTimeCompare(a, b) == 1
		})
	})
	return equal
}

// IsZero reports whether v is the zero Value, which was never given bytes.
func (v Value) IsZero() bool { return v.cell == nil }

func (c *cell) enter() ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.destroyed {
		return nil, false
	}
	c.users++
	// Capped, so that an append inside Use cannot write into the room behind the secret.
	return c.bytes[:len(c.bytes):len(c.bytes)], true
}

func (c *cell) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.users--
	c.wipe()
}

// wipe clears the bytes once they are destroyed and nobody reads them any more.
func (c *cell) wipe() {
	if c.destroyed && c.users == 0 {
		clear(c.bytes)
		c.bytes = nil
	}
}
