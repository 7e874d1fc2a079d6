package transit

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/ebbkit/ebb/crypto"
)

// ErrKey says that the key is not there, or is none that a keeper can have: one of another type, a derived one, or one of
// which there are or may be copies, because it was imported, may be exported or may be backed up in plaintext. It comes
// together with crypto.ErrKeeper.
var ErrKey = errors.New("transit: the key cannot be a keeper's")

// A StatusError is what the server answered instead of doing what it was asked for. It is a crypto.ErrKeeper.
type StatusError struct {
	// Op is what it was asked for, such as "encrypt".
	Op string
	// Status is the HTTP status of the answer.
	Status int
	// After is how long the server asks to wait before the next request. Zero: it does not say.
	After time.Duration
}

// Error says what the status means here. Nothing else of the answer is in it.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("transit: %s: the server answered %d", e.Op, e.Status)
	switch e.Status {
	case http.StatusForbidden:
		text += ": it does not know the token, or the token's policies do not allow this"
	case http.StatusNotFound:
		text += ": there is no engine or key of this name"
	case http.StatusTooManyRequests:
		text += ": there are too many requests"
	case http.StatusServiceUnavailable:
		text += ": it is sealed, starting or being looked after"
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		text += ": it names another server, which the token is not sent to: use the address of the active node or of what stands before all"
	}
	if e.After > 0 {
		text += fmt.Sprintf("; it asks to wait for %v", e.After)
	}
	return text
}

// Unwrap returns crypto.ErrKeeper.
func (*StatusError) Unwrap() error { return crypto.ErrKeeper }

// A failure is a request without an answer that can be used. It does not print its cause, which may have parts of what was
// sent and received in it.
type failure struct {
	op, what string
	cause    error
}

func (f *failure) Error() string { return "transit: " + f.op + ": " + f.what }

func (f *failure) Unwrap() []error {
	if f.cause == nil {
		return []error{crypto.ErrKeeper}
	}
	return []error{crypto.ErrKeeper, f.cause}
}

// reason says why a request got no answer, in words that are not the server's.
func reason(err error) string {
	var dial *net.OpError
	var untrusted *tls.CertificateVerificationError
	var timeout net.Error
	switch {
	case errors.As(err, &untrusted):
		return "the server's certificate is not trusted: " + untrusted.Err.Error()
	case errors.As(err, &timeout) && timeout.Timeout():
		return "there was no answer in time"
	case errors.As(err, &dial) && dial.Op == "dial":
		return "no connection: " + dial.Err.Error()
	}
	return "the connection broke"
}

// retryAfter reads the header of this name (RFC 9110, section 10.2.3).
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second //nolint:gosec // it has 31 bits
	}
	if at, err := http.ParseTime(header); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}
