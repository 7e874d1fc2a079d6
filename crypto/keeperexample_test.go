package crypto_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/vaulttest"
)

// kms stands for a key management service: keys by alias, which it never gives away and destroys after a month.
type kms struct {
	mu   sync.Mutex
	keys map[string]*kmsKey
}

type kmsKey struct {
	alias            string
	aead             cipher.AEAD
	created, deleted time.Time
}

var (
	errKMSExists  = errors.New("kms: alias exists")
	errKMSMissing = errors.New("kms: no such key")
	errKMSPending = errors.New("kms: key is pending deletion")
	errKMSInvalid = errors.New("kms: invalid ciphertext")
)

func (s *kms) CreateKey(ctx context.Context, alias string) (kmsKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys[alias] != nil {
		return kmsKey{}, errKMSExists
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	block, err := aes.NewCipher(secret)
	if err != nil {
		return kmsKey{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	s.keys[alias] = &kmsKey{alias: alias, aead: aead, created: time.Now()}
	return *s.keys[alias], errors.Join(err, ctx.Err())
}

func (s *kms) use(ctx context.Context, alias string) (*kmsKey, error) {
	key := s.keys[alias]
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case key == nil:
		return nil, errKMSMissing
	case !key.deleted.IsZero():
		return key, errKMSPending
	}
	return key, nil
}

func (s *kms) Encrypt(ctx context.Context, alias string, plaintext, context []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, err := s.use(ctx, alias)
	if err != nil {
		return nil, err
	}
	return key.aead.Seal(nil, nil, plaintext, context), nil
}

func (s *kms) Decrypt(ctx context.Context, alias string, ciphertext, context []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, err := s.use(ctx, alias)
	if err != nil {
		return nil, err
	}
	plaintext, err := key.aead.Open(nil, nil, ciphertext, context)
	if err != nil {
		return nil, errKMSInvalid
	}
	return plaintext, nil
}

func (s *kms) ScheduleDestroy(ctx context.Context, alias string) (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, err := s.use(ctx, alias)
	if err == nil {
		key.deleted = time.Now().AddDate(0, 0, 30)
	}
	if key == nil {
		return time.Time{}, err
	}
	return key.deleted, err
}

func (s *kms) ListKeys(ctx context.Context) ([]kmsKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []kmsKey
	for _, key := range s.keys {
		all = append(all, *key)
	}
	return all, ctx.Err()
}

// kmsKeeper is a crypto.Keeper over the service: an epoch is a key with the alias "ebb/1", "ebb/2" and so on.
type kmsKeeper struct{ service *kms }

func alias(epoch uint32) string { return "ebb/" + strconv.FormatUint(uint64(epoch), 10) }

// keeperErrors says what the errors of the service are called here.
func keeperErrors(err error) error {
	for theirs, ours := range map[error]error{
		errKMSMissing: crypto.ErrNoEpoch, errKMSPending: crypto.ErrEpochDestroyed, errKMSInvalid: crypto.ErrScope,
		context.Canceled: context.Canceled, context.DeadlineExceeded: context.DeadlineExceeded,
	} {
		if errors.Is(err, theirs) {
			return fmt.Errorf("%w: %w", ours, err)
		}
	}
	return fmt.Errorf("%w: %w", crypto.ErrKeeper, err)
}

func (k kmsKeeper) Wrap(ctx context.Context, epoch uint32, key, scope []byte) ([]byte, error) {
	wrapped, err := k.service.Encrypt(ctx, alias(epoch), key, scope)
	if err != nil {
		return nil, keeperErrors(err)
	}
	return wrapped, nil
}

func (k kmsKeeper) Unwrap(ctx context.Context, epoch uint32, wrapped, scope []byte) ([]byte, error) {
	key, err := k.service.Decrypt(ctx, alias(epoch), wrapped, scope)
	if err != nil {
		return nil, keeperErrors(err)
	}
	return key, nil
}

func (k kmsKeeper) NewEpoch(ctx context.Context) (crypto.Epoch, error) {
	for {
		epochs, err := k.Epochs(ctx)
		if err != nil {
			return crypto.Epoch{}, err
		}
		number := uint32(len(epochs) + 1) //nolint:gosec // there are not that many
		key, err := k.service.CreateKey(ctx, alias(number))
		if errors.Is(err, errKMSExists) {
			continue // another process was faster
		}
		if err != nil {
			return crypto.Epoch{}, keeperErrors(err)
		}
		return crypto.Epoch{Number: number, Created: key.created}, nil
	}
}

func (k kmsKeeper) DestroyEpoch(ctx context.Context, epoch uint32) (time.Time, error) {
	irrevocable, err := k.service.ScheduleDestroy(ctx, alias(epoch))
	if err != nil && !errors.Is(err, errKMSPending) { // which it is already
		return time.Time{}, keeperErrors(err)
	}
	return irrevocable, nil
}

func (k kmsKeeper) Epochs(ctx context.Context) ([]crypto.Epoch, error) {
	keys, err := k.service.ListKeys(ctx)
	if err != nil {
		return nil, keeperErrors(err)
	}
	epochs := make([]crypto.Epoch, len(keys))
	for _, key := range keys {
		number, _ := strconv.Atoi(strings.TrimPrefix(key.alias, "ebb/"))
		epochs[number-1] = crypto.Epoch{Number: uint32(number), Created: key.created, Destroyed: key.deleted} //nolint:gosec // as above
	}
	return epochs, nil
}

// A keeper for a service of one's own is a few lines for each method, most of them about errors.
func ExampleKeeper() {
	ctx := context.Background()
	var keeper crypto.Keeper = kmsKeeper{&kms{keys: map[string]*kmsKey{}}}

	epoch, _ := keeper.NewEpoch(ctx)
	wrapped, _ := keeper.Wrap(ctx, epoch.Number, []byte("the key of a subject"), []byte("acme, subject 42"))
	key, err := keeper.Unwrap(ctx, epoch.Number, wrapped, []byte("acme, subject 42"))
	fmt.Println(epoch.Number, string(key), err)

	irrevocable, _ := keeper.DestroyEpoch(ctx, epoch.Number)
	_, err = keeper.Unwrap(ctx, epoch.Number, wrapped, []byte("acme, subject 42"))
	fmt.Println(time.Until(irrevocable) > 29*24*time.Hour, errors.Is(err, crypto.ErrEpochDestroyed))
	// Output:
	// 1 the key of a subject <nil>
	// true true
}

func TestKeeperOfTheExampleKeepsTheContract(t *testing.T) {
	t.Parallel()
	vaulttest.Keeper(t, func(*testing.T) crypto.Keeper { return kmsKeeper{&kms{keys: map[string]*kmsKey{}}} })
}
