package crypto_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
)

// panicking is a keeper with a bug that shows once.
type panicking struct {
	crypto.Keeper
	armed atomic.Bool
}

func (p *panicking) Wrap(ctx context.Context, epoch uint32, key, scope []byte) ([]byte, error) {
	if p.armed.Swap(false) {
		panic("a bug")
	}
	return p.Keeper.Wrap(ctx, epoch, key, scope)
}

// A keeper's panic is that of the call that met it; who comes next is not held up by it.
func TestPanicOfAKeeperBlocksNobody(t *testing.T) {
	t.Parallel()
	keeper := &panicking{Keeper: newCabinet()}
	v, err := crypto.NewHierarchy(t.Context(), crypto.HierarchyConfig{Keeper: keeper, Keys: crypto.NewKeyStore()})
	require.NoError(t, err)
	keeper.armed.Store(true)
	require.Panics(t, func() { _, _ = v.Seal(t.Context(), ada, []byte("content")) })
	_, err = v.Seal(t.Context(), ada, []byte("content"))
	require.NoError(t, err)
}
