package transit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/ebbkit/ebb/crypto"
)

// state is what the engine says about the key.
type state struct {
	Type          string                     `json:"type"`
	Latest        uint32                     `json:"latest_version"`
	MinDecryption uint32                     `json:"min_decryption_version"`
	MinEncryption uint32                     `json:"min_encryption_version"` // 0: it was not set
	MinAvailable  uint32                     `json:"min_available_version"`  // 0: nothing was trimmed
	Keys          map[string]json.RawMessage `json:"keys"`                   // of versions from MinDecryption on, when they were made

	Derived    bool `json:"derived"`
	Exportable bool `json:"exportable"`
	Backup     bool `json:"allow_plaintext_backup"`
	Imported   bool `json:"imported_key"`
}

// types of keys that are AEADs with 256 bits.
var types = []string{"aes256-gcm96", "chacha20-poly1305", "xchacha20-poly1305"}

// read asks for the state.
func (k *Keeper) read(ctx context.Context, op string) (*state, error) {
	var s state
	err := k.request(ctx, op, http.MethodGet, "/keys/"+k.config.Key, nil, &s)
	var status *StatusError
	if errors.As(err, &status) && status.Status == http.StatusNotFound {
		return nil, &failure{op, fmt.Sprintf("there is no key %q at %q", k.config.Key, k.config.Mount), errors.Join(ErrKey, err)}
	}
	if err != nil {
		return nil, err
	}
	return &s, k.accept(op, &s)
}

// accept checks a state.
func (k *Keeper) accept(op string, s *state) error {
	if s.Type == "" || s.Latest == 0 || s.MinDecryption > s.Latest || s.MinEncryption > s.Latest || s.MinAvailable > s.Latest {
		return &failure{op, "the answer about the key makes no sense", nil}
	}
	why := ""
	switch {
	case !slices.Contains(types, s.Type):
		why = fmt.Sprintf("its type is none of %v", types)
	case s.Derived:
		why = "it is derived"
	case s.Exportable:
		why = "it may be exported, so nobody knows when its last copy is gone"
	case s.Backup:
		why = "it may be backed up in plaintext, so nobody knows when its last copy is gone"
	case s.Imported:
		why = "it was imported, so there is a copy elsewhere"
	}
	if why != "" {
		return &failure{op, fmt.Sprintf("key %q cannot be a keeper's: %s", k.config.Key, why), ErrKey}
	}
	for seen := k.highest.Load(); s.Latest > seen && !k.highest.CompareAndSwap(seen, s.Latest); seen = k.highest.Load() {
	}
	k.usable.Store(true)
	return nil
}

// ready makes sure that the key was looked at once.
func (k *Keeper) ready(ctx context.Context, op string) error {
	if k.usable.Load() {
		return nil
	}
	_, err := k.read(ctx, op)
	return err
}

// oldest returns the oldest version that is there.
func (s *state) oldest() uint32 { return max(1, s.MinAvailable) }

// missing says what is wrong with an epoch; nil when it is there.
func (s *state) missing(epoch uint32) error {
	switch {
	case epoch == 0 || epoch > s.Latest:
		return fmt.Errorf("%w: %d", crypto.ErrNoEpoch, epoch)
	case epoch < s.oldest() || epoch < s.MinDecryption:
		return fmt.Errorf("%w: %d", crypto.ErrEpochDestroyed, epoch)
	}
	return nil
}

// epoch describes a version that is there. The engine does not say when those before MinDecryption were made; they are no
// younger than the next, but nothing says how old.
func (s *state) epoch(number uint32) crypto.Epoch {
	e := crypto.Epoch{Number: number}
	var seconds int64
	if json.Unmarshal(s.Keys[strconv.FormatUint(uint64(number), 10)], &seconds) == nil && seconds > 0 {
		e.Created = time.Unix(seconds, 0).UTC()
	}
	return e
}
