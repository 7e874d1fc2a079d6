package connector_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
)

func TestErrorTypesAreFound(t *testing.T) {
	t.Parallel()
	rate := connector.Errorf(connector.RateLimitError, "slow down")
	for name, c := range map[string]struct {
		err  error
		want connector.ErrorType
	}{
		"none":             {nil, ""},
		"plain":            {errors.New("x"), connector.RuntimeError},
		"typed":            {rate, connector.RateLimitError},
		"wrapped":          {fmt.Errorf("page 3: %w", rate), connector.RateLimitError},
		"without a type":   {&connector.Error{}, connector.RuntimeError},
		"deadline":         {fmt.Errorf("x: %w", context.DeadlineExceeded), connector.ModuleTimeoutError},
		"network":          {&net.OpError{Op: "dial", Err: errors.New("refused")}, connector.ConnectionError},
		"typed over cause": {connector.Errorf(connector.DataError, "x: %w", context.DeadlineExceeded), connector.DataError},
	} {
		require.Equal(t, c.want, connector.TypeOf(c.err), name)
	}
}

func TestErrorfKeepsItsCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	err := connector.Errorf(connector.DataError, "attempt %d: %w", 2, cause)
	require.ErrorIs(t, err, cause)
	require.EqualError(t, err, "attempt 2: cause")
	require.EqualError(t, &connector.Error{Type: connector.DataError}, "DataError")
}

func TestShownErrorsKeepTypeAndDetailButNoURL(t *testing.T) {
	t.Parallel()
	require.Nil(t, connector.AsError(nil))

	rate := &connector.Error{
		Type: connector.RateLimitError, Message: "slow down", After: time.Minute, Detail: connector.NewBundle("statusCode", 429),
	}
	shown := connector.AsError(fmt.Errorf("page 3: %w", rate))
	require.Equal(t, connector.RateLimitError, shown.Type)
	require.Equal(t, "page 3: slow down", shown.Message)
	require.Equal(t, time.Minute, shown.After)
	require.Equal(t, int64(429), shown.Detail.Get("statusCode"))
	require.ErrorIs(t, shown, rate)

	const target = "https://user:needle@api.example.com/path?key=needle"
	_, malformed := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://needle@\x00", http.NoBody)
	require.Error(t, malformed)
	for name, err := range map[string]error{
		"typed inside":  &url.Error{Op: "Get", URL: target, Err: rate},
		"foreign":       &url.Error{Op: "Get", URL: target, Err: errors.New("no route")},
		"twice":         &url.Error{Op: "Get", URL: target, Err: &url.Error{Op: "Get", URL: target, Err: errors.New("no route")}},
		"wrapped":       fmt.Errorf("page 3: %w", &url.Error{Op: "Get", URL: target, Err: errors.New("no route")}),
		"typed outside": connector.Errorf(connector.ConnectionError, "x: %w", &url.Error{Op: "Get", URL: target, Err: errors.New("no")}),
		"malformed":     malformed,
	} {
		shown := connector.AsError(err)
		require.NotContains(t, shown.Message, "needle", name)
		require.NotEmpty(t, shown.Message)
		require.Equal(t, connector.TypeOf(err), shown.Type, name)
	}
	shown = connector.AsError(&url.Error{Op: "Get", URL: target, Err: errors.New("no route")})
	require.Equal(t, `Get to host "api.example.com": no route`, shown.Message)
}
