package connector_test

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto/secret"
)

func TestBundleIsMaskedWhereverASecretStands(t *testing.T) {
	t.Parallel()
	var mask secret.Mask
	now := time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)
	b := connector.NewBundle(
		"first", int64(1), "text", "a hunter2 b", "hunter2", "name", "buffer", []byte("x68756e74657232"), "pin", int64(471147114711), "float", 471147114711.5,
		"list", []any{"fine", "hunter2", connector.NewBundle("deep", []any{[]any{"aHVudGVyMg=="}}, "when", now)}, "null", nil, "flag", true, "when", now,
	)
	same, found := b.Mask(&mask)
	require.False(t, found)
	require.Equal(t, b, same)

	mask.Add(secret.NewString("hunter2"), secret.NewString("471147114711"))
	before := b.Clone()
	masked, found := b.Mask(&mask)
	require.True(t, found)
	require.Equal(t, before, b, "it is not changed itself")
	require.Equal(t, connector.NewBundle(
		"first", int64(1), "text", "a *** b", "***", "name", "buffer", []byte("x***"), "pin", "***", "float", "***.5",
		"list", []any{"fine", "***", connector.NewBundle("deep", []any{[]any{"***=="}}, "when", now)}, "null", nil, "flag", true, "when", now,
	), masked)

	fine := connector.NewBundle("a", "b", "list", []any{int64(1), "x", connector.NewBundle("y", []byte("z"))})
	same, found = fine.Mask(&mask)
	require.False(t, found)
	require.Equal(t, fine, same)
}

func TestErrorIsMaskedWithAllThatItCarries(t *testing.T) {
	t.Parallel()
	var mask secret.Mask
	require.Nil(t, connector.MaskError(&mask, nil))
	failed := &connector.Error{
		Type: "Custom hunter2", Message: "key hunter2", After: time.Second, Detail: connector.NewBundle("body", "hunter2"), Err: fmt.Errorf("hunter2: %w", io.EOF),
	}
	require.Equal(t, connector.AsError(failed), connector.MaskError(&mask, failed))
	mask.Add(secret.NewString("hunter2"))
	require.Nil(t, connector.MaskError(&mask, nil))
	masked := connector.MaskError(&mask, fmt.Errorf("do hunter2: %w", failed))
	require.Equal(t, connector.ErrorType("Custom ***"), masked.Type)
	require.Equal(t, "do ***: key ***", masked.Message)
	require.Equal(t, time.Second, masked.After)
	require.Equal(t, connector.NewBundle("body", "***"), masked.Detail)
	require.ErrorIs(t, masked, io.EOF)
	for err := error(masked); err != nil; err = errors.Unwrap(err) {
		require.NotContains(t, fmt.Sprintf("%v %+v", err.Error(), err), "hunter2")
	}

	plain := connector.MaskError(&mask, &url.Error{Op: "Get", URL: "https://x.example/?key=hunter2", Err: errors.New("proxy says hunter2")})
	require.Equal(t, `Get to host "x.example": proxy says ***`, plain.Message)
	require.NotContains(t, fmt.Sprintf("%+v %v", plain, plain.Err), "hunter2")
}
