package connectortest_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
)

func TestMemoryDataStoreConforms(t *testing.T) {
	t.Parallel()
	connectortest.ConformDataStore(t, func(*testing.T) connector.DataStore { return connectortest.NewDataStore() })
}

// do makes an action of a function.
func do(f func(ctx context.Context, call *connector.Call) (connector.Bundle, error)) connector.Module {
	return connector.NewAction(connector.Info{Name: "Do"},
		func(ctx context.Context, call *connector.Call, _ struct{}) (connector.Bundle, error) {
			return f(ctx, call)
		})
}

func TestModulesGetWhatARunWouldGiveThem(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hi") }))
	t.Cleanup(server.Close)
	vars := &connectortest.Variables{}
	vars.Set("before", 1, connector.Execution)
	store := connectortest.NewDataStore()
	result := connectortest.Run(t, do(func(ctx context.Context, call *connector.Call) (connector.Bundle, error) {
		require.Equal(t, time.UTC, call.Location)
		require.Equal(t, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), call.Now)
		require.Equal(t, "test", call.Key)
		require.Equal(t, 1, call.Attempt)
		require.Equal(t, []string{"a.b"}, call.Erased)
		before, ok := call.Vars.Get("before")
		require.True(t, ok)
		require.Equal(t, int64(1), before)
		call.Vars.Set("cycle", "x", connector.Roundtrip)
		call.Log.Warn("told")

		request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, http.NoBody)
		require.NoError(t, err)
		response, err := call.HTTP.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		conn, err := call.Dial(ctx, "tcp", server.Listener.Addr().String())
		require.NoError(t, err)
		require.NoError(t, conn.Close())
		_, err = call.Dial(ctx, "tcp", "10.0.0.1:80")
		require.Error(t, err, "only the machine itself can be reached")

		people, err := call.Data(ctx, "people")
		require.NoError(t, err)
		_, err = call.Data(ctx, "unknown")
		require.Equal(t, connector.InvalidConfigurationError, connector.TypeOf(err))
		require.NoError(t, people.Change(ctx, "ada", func(connector.Bundle, bool) (connector.Bundle, error) {
			return connector.NewBundle("age", 36), nil
		}))
		return connector.Bundle{}, call.Respond(ctx, connector.Response{Status: 201, Body: []byte("ok")})
	}), connectortest.Call{
		Vars: vars, Data: map[string]connector.DataStore{"people": store}, Erased: []string{"a.b"},
	})
	require.NoError(t, result.Err)
	require.Equal(t, []connector.Response{{Status: 201, Body: []byte("ok")}}, result.Responses)
	require.Len(t, result.Logs, 1)
	require.Equal(t, connector.Roundtrip, vars.Scope("cycle"))
	vars.EndCycle()
	_, ok := vars.Get("cycle")
	require.False(t, ok)
	_, ok = vars.Get("before")
	require.True(t, ok)
	data, _, err := store.Get(t.Context(), "ada")
	require.NoError(t, err)
	require.Equal(t, int64(36), data.Get("age"))
}

func TestStoresThatNobodyNamedAreEmptyAtEachCall(t *testing.T) {
	t.Parallel()
	module := do(func(ctx context.Context, call *connector.Call) (connector.Bundle, error) {
		store, err := call.Data(ctx, "any")
		require.NoError(t, err)
		_, found, err := store.Get(ctx, "k")
		require.NoError(t, err)
		require.False(t, found)
		return connector.Bundle{}, store.Change(ctx, "k", func(connector.Bundle, bool) (connector.Bundle, error) {
			again, err := call.Data(ctx, "any")
			require.NoError(t, err)
			require.Same(t, store, again)
			return connector.Bundle{}, nil
		})
	})
	for range 2 {
		require.NoError(t, connectortest.Run(t, module, connectortest.Call{}).Err)
	}
}

// raw is an action that converts nothing itself.
type raw struct {
	info connector.Info
	got  *connector.Call
}

func (r raw) Info() connector.Info { return r.info }

func (r raw) Do(_ context.Context, call *connector.Call) (connector.Bundle, error) {
	*r.got = *call
	return connector.Bundle{}, nil
}

func TestInputIsConvertedBeforeTheModuleSeesIt(t *testing.T) {
	t.Parallel()
	fields := []connector.Field{{Name: "n", Type: connector.TypeInteger, Default: int64(7)}}
	module := raw{connector.Info{Name: "Raw", Params: fields, Input: fields}, &connector.Call{}}
	result := connectortest.Run(t, module, connectortest.Call{
		Params: connector.NewBundle("n", "5"), Input: connector.NewBundle("other", "x"),
	})
	require.NoError(t, result.Err)
	require.Equal(t, int64(5), module.got.Params.Get("n"))
	require.Equal(t, int64(7), module.got.Input.Get("n"))
	require.Equal(t, "x", module.got.Input.Get("other"))

	result = connectortest.Run(t, module, connectortest.Call{Input: connector.NewBundle("n", "x")})
	require.Equal(t, connector.BundleValidationError, connector.TypeOf(result.Err))
	require.Empty(t, result.Bundles)
	result = connectortest.Run(t, module, connectortest.Call{Params: connector.NewBundle("n", "x")})
	require.NoError(t, result.Err)
	require.Equal(t, "x", module.got.Params.Get("n"), "a module must cope with parameters that nobody checked")
}

func TestReceiversGetARequest(t *testing.T) {
	t.Parallel()
	module := connector.NewReceiver(connector.Info{Name: "R"},
		func(_ context.Context, _ *connector.Call, _ struct{}, r *http.Request) ([]connector.Bundle, error) {
			body, err := io.ReadAll(r.Body)
			return []connector.Bundle{connector.NewBundle("method", r.Method, "body", string(body))}, err
		})
	result := connectortest.Run(t, module, connectortest.Call{})
	require.Equal(t, "GET", result.Bundles[0].Get("method"))
	result = connectortest.Run(t, module, connectortest.Call{
		Request: httptest.NewRequest(http.MethodPost, "/", strings.NewReader("hi")),
	})
	require.Equal(t, "hi", result.Bundles[0].Get("body"))
	connectortest.Conform(t, listed{"sample", []connector.Module{module}}, connectortest.Sample{
		Module: "R", Call: connectortest.Call{Request: httptest.NewRequest(http.MethodPost, "/", strings.NewReader("hi"))},
	})
}
