package transit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ebbkit/ebb/crypto"
)

// What is wrapped is the engine's own text, "vault:v", the version in decimal digits, ":" and base64 of nonce, ciphertext
// and tag. What the engine encrypts is
//
//	SHA-256(label || epoch || scope) || key, the epoch in four bytes, big endian,
//
// with the scope as associated data. The hash binds the key to epoch and scope even where a server is too old to know
// associated data, and leaves them out without a word.
const (
	prefix   = "vault:v"
	label    = "ebb transit 1"
	overhead = 12 + 16 // of nonce and tag, at least
)

func header(epoch uint32, scope []byte) []byte {
	text := binary.BigEndian.AppendUint32([]byte(label), epoch)
	sum := sha256.Sum256(append(text, scope...))
	return sum[:]
}

// Wrap does what crypto.Keeper says with one request, and one more the first time. It returns crypto.ErrKeeper, too, when
// the engine does not let the epoch encrypt, because somebody has set min_encryption_version; crypto.ErrTooLarge when key is
// longer than crypto.MaxWrapBytes; and crypto.ErrScope when scope is empty or longer than crypto.MaxWrapScopeBytes.
func (k *Keeper) Wrap(ctx context.Context, epoch uint32, key, scope []byte) ([]byte, error) {
	const op = "encrypt"
	if err := begin(ctx, op, scope); err != nil {
		return nil, err
	}
	if len(key) == 0 || len(key) > crypto.MaxWrapBytes {
		return nil, fmt.Errorf("%w: a key of %d bytes, 1 to %d can be wrapped", crypto.ErrTooLarge, len(key), crypto.MaxWrapBytes)
	}
	if epoch == 0 { // which is the engine's word for the latest
		return nil, fmt.Errorf("%w: 0", crypto.ErrNoEpoch)
	}
	if err := k.ready(ctx, op); err != nil {
		return nil, err
	}
	plaintext := append(header(epoch, scope), key...)
	defer clear(plaintext)
	var data struct {
		Ciphertext string `json:"ciphertext"`
	}
	err := k.request(ctx, op, http.MethodPost, "/encrypt/"+k.config.Key, map[string]any{
		"plaintext": plaintext, "associated_data": scope, "key_version": epoch,
	}, &data)
	if isBadRequest(err) {
		if missing := k.explain(ctx, op, epoch); missing != nil {
			return nil, missing
		}
		return nil, fmt.Errorf("transit: version %d does not encrypt: is min_encryption_version higher? %w", epoch, err)
	}
	if err != nil {
		return nil, err
	}
	wrapped := []byte(data.Ciphertext)
	version, box, err := parse(wrapped)
	if err != nil || version != epoch || len(box) < overhead+len(plaintext) || len(key) >= 8 && bytes.Contains(box, key) {
		return nil, &failure{op, "the answer is no ciphertext of this version", nil} // and is not to be stored as one
	}
	return wrapped, nil
}

// Unwrap does what crypto.Keeper says with one request, and one more the first time or when the engine refuses.
func (k *Keeper) Unwrap(ctx context.Context, epoch uint32, wrapped, scope []byte) ([]byte, error) {
	const op = "decrypt"
	if err := begin(ctx, op, scope); err != nil {
		return nil, err
	}
	version, _, err := parse(wrapped)
	if err != nil {
		return nil, err
	}
	if version != epoch {
		return nil, fmt.Errorf("%w: it was wrapped under epoch %d", crypto.ErrScope, version)
	}
	if err := k.ready(ctx, op); err != nil {
		return nil, err
	}
	var data struct {
		Plaintext []byte `json:"plaintext"`
	}
	err = k.request(ctx, op, http.MethodPost, "/decrypt/"+k.config.Key, map[string]any{
		"ciphertext": string(wrapped), "associated_data": scope,
	}, &data)
	if isBadRequest(err) {
		if missing := k.explain(ctx, op, epoch); missing != nil {
			return nil, missing
		}
		return nil, fmt.Errorf("%w: it does not unwrap under it: it was wrapped elsewhere, or it was changed", crypto.ErrScope)
	}
	if err != nil {
		return nil, err
	}
	if data.Plaintext == nil {
		return nil, &failure{op, "the answer is not understood", nil}
	}
	defer clear(data.Plaintext)
	if len(data.Plaintext) <= sha256.Size {
		return nil, fmt.Errorf("%w: it is no wrapped key", crypto.ErrMalformed) // but of somebody else who uses the same key
	}
	if subtle.ConstantTimeCompare(data.Plaintext[:sha256.Size], header(epoch, scope)) != 1 {
		return nil, fmt.Errorf("%w: it was wrapped under another", crypto.ErrScope)
	}
	return bytes.Clone(data.Plaintext[sha256.Size:]), nil
}

// NewEpoch rotates the key. When the answer is lost, the key may have one version more all the same, which does no harm.
// Servers from before 2022 do not say which version they have made; then two processes that rotate at the same time may
// both get the higher one.
func (k *Keeper) NewEpoch(ctx context.Context) (crypto.Epoch, error) {
	const op = "rotate"
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.ready(ctx, op); err != nil {
		return crypto.Epoch{}, err
	}
	before := k.highest.Load()
	s, err := k.change(ctx, op, "/rotate", map[string]any{})
	if err != nil {
		return crypto.Epoch{}, err
	}
	e := s.epoch(s.Latest)
	if e.Number <= before || e.Created.IsZero() {
		return crypto.Epoch{}, &failure{op, "the key has no new version", nil}
	}
	return e, nil
}

// DestroyEpoch raises min_decryption_version and, when it is lower, min_encryption_version above the version, and trims it.
// The engine can trim only the oldest version, and not the latest: any other meets crypto.ErrEpochOrder.
//
// The answer is now, and Config.DestroyDelay. The engine does not remember when a version was trimmed, so after the process
// has ended the answer is a later one.
func (k *Keeper) DestroyEpoch(ctx context.Context, epoch uint32) (irrevocable time.Time, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, err := k.read(ctx, "destroy")
	if err != nil {
		return time.Time{}, err
	}
	switch oldest := s.oldest(); {
	case epoch == 0 || epoch > s.Latest:
		return time.Time{}, fmt.Errorf("%w: %d", crypto.ErrNoEpoch, epoch)
	case epoch > oldest:
		return time.Time{}, fmt.Errorf("%w: %d is there, and older than %d", crypto.ErrEpochOrder, oldest, epoch)
	case epoch == s.Latest:
		return time.Time{}, fmt.Errorf("%w: %d is the newest", crypto.ErrEpochOrder, epoch)
	case epoch == oldest:
		if err := k.trim(ctx, s, epoch); err != nil {
			return time.Time{}, err
		}
	}
	at, known := k.destroyed[epoch]
	if !known {
		at = k.config.Now().UTC().Add(k.config.DestroyDelay)
		k.destroyed[epoch] = at
	}
	return at, nil
}

// trim takes away the oldest version. Between its two requests the epoch is one that nothing opens under, and that the next
// call takes away.
func (k *Keeper) trim(ctx context.Context, s *state, epoch uint32) error {
	_, err := k.change(ctx, "config", "/config", map[string]any{
		"min_decryption_version": max(s.MinDecryption, epoch+1),
		"min_encryption_version": max(s.MinEncryption, epoch+1),
	})
	if err != nil {
		return err
	}
	s, err = k.change(ctx, "trim", "/trim", map[string]any{"min_available_version": epoch + 1})
	if err == nil && s.oldest() <= epoch {
		err = &failure{"trim", "the version is still there", nil}
	}
	return err
}

// Epochs lists the versions that are there with one request; those that were destroyed are forgotten. One that Wrap and
// Unwrap take for destroyed, because somebody has raised min_decryption_version, is still there, and listed without the time
// of its creation.
func (k *Keeper) Epochs(ctx context.Context) ([]crypto.Epoch, error) {
	s, err := k.read(ctx, "list")
	if err != nil {
		return nil, err
	}
	if s.Latest-s.oldest() >= 1<<16 {
		return nil, &failure{"list", "there are more versions than anybody makes", nil}
	}
	var epochs []crypto.Epoch
	for number := s.oldest(); number <= s.Latest; number++ {
		epochs = append(epochs, s.epoch(number))
	}
	return epochs, nil
}

// begin checks what Wrap and Unwrap check first.
func begin(ctx context.Context, op string, scope []byte) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("transit: %s: %w", op, err)
	}
	if len(scope) == 0 || len(scope) > crypto.MaxWrapScopeBytes {
		return fmt.Errorf("%w: %d bytes, 1 to %d are needed", crypto.ErrScope, len(scope), crypto.MaxWrapScopeBytes)
	}
	return nil
}

// change changes the key and returns its state afterwards, which older servers must be asked for.
func (k *Keeper) change(ctx context.Context, op, path string, body any) (*state, error) {
	var s state
	if err := k.request(ctx, op, http.MethodPost, "/keys/"+k.config.Key+path, body, &s); err != nil {
		return nil, err
	}
	if s.Latest == 0 {
		return k.read(ctx, op)
	}
	return &s, k.accept(op, &s)
}

// explain finds out whether the engine refused because of the epoch.
func (k *Keeper) explain(ctx context.Context, op string, epoch uint32) error {
	s, err := k.read(ctx, op)
	if err != nil {
		return err
	}
	return s.missing(epoch)
}

func isBadRequest(err error) bool {
	var status *StatusError
	return errors.As(err, &status) && status.Status == http.StatusBadRequest
}

// parse takes apart what the engine returned. There is one form only of each text: others, which the engine would take, were
// changed.
func parse(wrapped []byte) (version uint32, box []byte, err error) {
	malformed := fmt.Errorf("%w: it is no ciphertext of a transit engine", crypto.ErrMalformed)
	rest, found := strings.CutPrefix(string(wrapped), prefix)
	digits, text, colon := strings.Cut(rest, ":")
	if !found || !colon {
		return 0, nil, malformed
	}
	number, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || number == 0 || strconv.FormatUint(number, 10) != digits {
		return 0, nil, malformed
	}
	box, err = base64.StdEncoding.DecodeString(text)
	if err != nil || base64.StdEncoding.EncodeToString(box) != text || len(box) <= overhead {
		return 0, nil, malformed
	}
	return uint32(number), box, nil //nolint:gosec // it has 32 bits
}
