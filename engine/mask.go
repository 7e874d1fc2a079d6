package engine

import (
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto/secret"
	"github.com/ebbkit/ebb/engine/internal/flow"
)

// Every run has a mask that knows the secrets of all connections that the run may use, from before its first module works,
// and whatever comes in their place while it is under way. It lies at the boundary of the run:
//
//   - what a module fails with is masked before the run knows it, so that an error route maps no secret either,
//   - what is kept of bundles, failures and warnings is masked as it is written down,
//   - what modules log is masked on its way to the host's logger,
//   - so is the failure of the run, and the error of a run without an outcome.
//
// What modules give each other stays as it is, and so do the scenario's own answers, outputs, entries and inputs of other
// scenarios: those are what it was made for. A run that waits for another one shares its mask with it.

// lend hands a connection to the operation at hand: its secrets are masked from here on, and cleared when it ends.
func (h *host) lend(connection *connector.Connection) {
	learn(h.mask, connection)
	h.lent = append(h.lent, connection)
}

// takeBack clears the secrets that were lent for an operation. A call is valid until the module returns, and no longer.
func (h *host) takeBack() {
	for i, connection := range h.lent {
		destroySecrets(connection)
		h.lent[i] = nil
	}
	h.lent = h.lent[:0]
}

// learn makes a mask know the secrets of a connection.
func learn(mask *secret.Mask, connection *connector.Connection) {
	for _, value := range connection.Secrets {
		mask.Add(value)
	}
}

func destroySecrets(connection *connector.Connection) {
	for _, value := range connection.Secrets {
		value.Destroy()
	}
}

// maskedBy returns an error without the secrets of a connection.
func maskedBy(connection *connector.Connection, err error) error {
	var mask secret.Mask
	defer mask.Destroy()
	learn(&mask, connection)
	return mask.Error(err)
}

// failureOf is what the run gets to know of the error of a module. It is masked before it is cut to what is kept of it: a
// piece of a secret is harder to find.
func (h *host) failureOf(err error) *flow.Failure {
	if !h.mask.Empty() {
		err = maskedError(h.mask, err)
	}
	return flow.FailureOf(err)
}

func maskedError(mask *secret.Mask, err error) (masked error) {
	// An error whose methods panic stays what it is: flow.FailureOf knows what to say of it.
	defer func() {
		if recover() != nil {
			masked = err
		}
	}()
	return connector.MaskError(mask, err)
}

// masked takes secrets out of a failure that is about to be kept.
func (f *Failure) masked(mask *secret.Mask) *Failure {
	if f == nil || mask.Empty() {
		return f
	}
	return &Failure{Module: f.Module, Type: f.Type.Mask(mask), Message: mask.Text(f.Message)}
}

// maskedLog is a logger through which no secret of the run gets. One that drops everything stays as it is.
func (h *host) maskedLog(log *zap.Logger) *zap.Logger {
	if !h.connects || !log.Core().Enabled(zap.FatalLevel) {
		return log
	}
	return log.WithOptions(zap.WrapCore(func(core zapcore.Core) zapcore.Core { return h.mask.Core(core) }))
}
