package connector_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
)

// A small value can stand for more text than there is memory, because values share their parts.
func TestValuesThatShareTheirPartsEndAtALimit(t *testing.T) {
	t.Parallel()
	shared := any("x")
	for range 60 {
		shared = []any{shared, shared}
	}
	bundle := connector.BundleOf([]string{"x"}, []any{shared})
	_, err := connector.AppendBundle(nil, bundle)
	require.ErrorIs(t, err, connector.ErrTooLarge)
	_, err = connector.AppendJSON(nil, bundle)
	require.ErrorIs(t, err, connector.ErrTooLarge)
	_, err = connector.Normalize(shared)
	require.ErrorIs(t, err, connector.ErrTooLarge)

	text := strings.Repeat("x", connector.MaxEncodedBytes/2)
	_, err = connector.AppendBundle(make([]byte, 10<<20), connector.NewBundle("x", text))
	require.NoError(t, err, "what stands before it does not count")
}
