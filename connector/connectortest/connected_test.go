package connectortest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
	"github.com/ebbkit/ebb/crypto/secret"
)

// connected is a module that needs the connections that a function says.
type connected struct {
	connector.Action
	needs func(params connector.Bundle) []connector.Need
}

// Connections implements connector.Connected.
func (c connected) Connections(params connector.Bundle) []connector.Need { return c.needs(params) }

// door makes a connector of one module with connections.
func door(needs func(connector.Bundle) []connector.Need, do func(ctx context.Context, call *connector.Call) (connector.Bundle, error)) connector.Connector {
	return listed{"sample", []connector.Module{connected{connector.NewAction(connector.Info{Name: "Do"},
		func(ctx context.Context, call *connector.Call, _ struct{}) (connector.Bundle, error) {
			return do(ctx, call)
		}), needs}}}
}

func one(connector.Bundle) []connector.Need { return []connector.Need{{Param: "key", Type: "keys"}} }

// ask sends the secret of the connection to the service and gives its answer as an error or as a bundle.
func ask(ctx context.Context, call *connector.Call, name string) (connector.Bundle, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://service.example/", http.NoBody)
	if err != nil {
		return connector.Bundle{}, err
	}
	text, err := call.Connections["key"].Secrets[name].Reveal()
	if err != nil {
		return connector.Bundle{}, err
	}
	request.Header.Set("X-Key", text)
	client, err := call.Client(connector.ClientConfig{Certificate: []byte("PEM")})
	if err != nil {
		return connector.Bundle{}, err
	}
	response, err := client.Do(request)
	if err != nil {
		return connector.Bundle{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= 500 {
		err = errors.New(string(body))
	}
	return connector.Bundle{}, err
}

func TestConformLooksAfterModulesWithSeveralConnections(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	given := func(params connector.Bundle) []connector.Need {
		if params.Get("key") == nil {
			return nil
		}
		return one(params)
	}
	silent := func(context.Context, *connector.Call) (connector.Bundle, error) { return connector.Bundle{}, nil }
	leaking := func(ctx context.Context, call *connector.Call) (connector.Bundle, error) {
		if call.Connections["key"] == nil {
			return connector.Bundle{}, nil
		}
		return ask(ctx, call, "password")
	}
	own := &connector.Connection{Type: "keys", Secrets: map[string]secret.Value{"odd": secret.NewString("mine")}}
	for name, c := range map[string]struct {
		connector connector.Connector
		samples   []connectortest.Sample
		want      string
	}{
		"changes its needs": {door(func(connector.Bundle) []connector.Need {
			return []connector.Need{{Param: fmt.Sprint(calls.Add(1)), Type: "keys"}}
		}, silent), nil, "changes the connections that it needs"},
		"no type":   {door(func(connector.Bundle) []connector.Need { return []connector.Need{{Param: "key"}} }, silent), nil, "without a parameter or a type"},
		"two alike": {door(func(p connector.Bundle) []connector.Need { return append(one(p), one(p)...) }, silent), nil, "two connections by the parameter key"},
		"secret in error": {door(one, leaking), nil,
			"gives away a secret in an error when the service fails with the request"},
		"secret of a parameter that only the second sample has": {door(given, leaking), []connectortest.Sample{
			{Module: "Do"}, {Module: "Do", Call: connectortest.Call{Params: connector.NewBundle("key", 7)}},
		}, "gives away a secret in an error"},
		"secret of a name of its own": {door(one, func(ctx context.Context, call *connector.Call) (connector.Bundle, error) {
			return ask(ctx, call, "odd")
		}),
			[]connectortest.Sample{{Module: "Do", Call: connectortest.Call{Connections: map[string]*connector.Connection{"key": own}}}},
			"gives away a secret in an error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, fmt.Sprint(connectortest.Problems(t, c.connector, c.samples)), c.want)
		})
	}
	connectortest.Conform(t, door(given, leaking), connectortest.Sample{Module: "Do"})
	require.True(t, own.Secrets["odd"].Equal(secret.NewString("mine")), "the sample is as it was")
}

func TestRenewedConnectionsAreShown(t *testing.T) {
	t.Parallel()
	stale := &connector.Connection{Name: "a", Type: "keys", Secrets: map[string]secret.Value{"key": secret.NewString("1")}}
	refusal := errors.New("no")
	module := door(one, func(ctx context.Context, call *connector.Call) (connector.Bundle, error) {
		c := call.Connections["key"]
		_, err := call.Renew(ctx, c, func(_ context.Context, c *connector.Connection) error {
			c.Secrets["key"] = secret.NewString("lost")
			return refusal
		})
		require.ErrorIs(t, err, refusal)
		renewed, err := call.Renew(ctx, c, func(_ context.Context, c *connector.Connection) error {
			c.Secrets["key"] = secret.NewString("2")
			return nil
		})
		require.NoError(t, err)
		again, err := call.Renew(ctx, c, func(context.Context, *connector.Connection) error { return refusal })
		require.NoError(t, err)
		require.True(t, again.Equal(renewed))
		return connector.Bundle{}, nil
	}).Modules()[0]
	result := connectortest.Run(t, module, connectortest.Call{Connections: map[string]*connector.Connection{"key": stale}})
	require.NoError(t, result.Err)
	require.Len(t, result.Renewed, 1)
	require.True(t, result.Renewed[0].Secrets["key"].Equal(secret.NewString("2")))
	require.True(t, stale.Secrets["key"].Equal(secret.NewString("1")))
}
