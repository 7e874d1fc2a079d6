package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/ebbkit/ebb/connector"
)

// failure gives an error of the network a type that the engine reacts to, and a message of our own: those of net and
// net/http quote local addresses and pieces of what the server sent.
func failure(ctx context.Context, host string, err error) error {
	var typed *connector.Error
	if errors.As(err, &typed) {
		return typed
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("transport: host %q: %w", host, context.Canceled)
	}
	kind, what := connector.ConnectionError, "the connection failed"
	var (
		network     net.Error
		name        *net.DNSError
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
		remote      *net.OpError
		errno       syscall.Errno
	)
	switch {
	case errors.Is(err, ErrAddress):
		kind, what = connector.DataError, "its address is not allowed"
	case errors.As(err, &name) && name.IsNotFound:
		what = "there is no host of this name"
	case errors.As(err, &name):
		what = "its name cannot be resolved now"
	case errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.Is(err, context.DeadlineExceeded):
		kind, what = connector.ModuleTimeoutError, "it did not answer in time"
	case errors.As(err, &certificate):
		what = "its certificate is not valid here"
	case errors.As(err, &record):
		what = "it does not speak TLS"
	case errors.As(err, &remote) && remote.Op == "remote error":
		// What a server says of certificates is about ours. The alert itself is of a type that crypto/tls keeps to itself.
		what = "it refuses the TLS connection"
		if text := remote.Error(); strings.Contains(text, "certificate") || strings.Contains(text, "access denied") {
			kind, what = connector.InvalidAccessTokenError, "it asks for a client certificate that it accepts"
		}
	case errors.As(err, &network) && network.Timeout():
		what = "it cannot be reached in time"
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		what = "the connection ended early"
	case errors.As(err, &errno):
		what = errno.Error()
	}
	return &connector.Error{Type: kind, Message: fmt.Sprintf("host %q: %s", host, what), Err: err}
}

func tooLong(host string, limit int64) error {
	return connector.Errorf(connector.MaxFileSizeExceededError,
		"host %q: its answer is longer than %d bytes", host, limit)
}
