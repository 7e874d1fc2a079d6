package connector_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto/secret"
)

// A secret that is a common word does not change what the engine decides by.
func TestMaskLeavesKnownTypesOfErrors(t *testing.T) {
	t.Parallel()
	var mask secret.Mask
	mask.Add(secret.New([]byte("Error")), secret.New([]byte("Rate")))
	masked := connector.MaskError(&mask, connector.Errorf(connector.RateLimitError, "Rate of Ada"))
	require.Equal(t, connector.RateLimitError, masked.Type)
	require.Equal(t, "*** of Ada", masked.Message)
}
