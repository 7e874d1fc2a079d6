package engine_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/secret"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

func connections(t *testing.T, e *engine.Engine) map[string]engine.Connection {
	t.Helper()
	all := map[string]engine.Connection{}
	for connection, err := range e.Connections(t.Context()) {
		require.NoError(t, err)
		all[connection.Name] = connection
	}
	return all
}

func TestFingerprintTellsEqualSecretsOfOneTenantAndNothingElse(t *testing.T) {
	t.Parallel()
	records, vault := memory.New(), crypto.NewKeyring()
	e := start(t, engine.Config{Store: records, Vault: vault})
	other := e.For("other")
	for _, view := range []*engine.Engine{e, other} {
		require.NoError(t, view.SaveConnection(t.Context(), key("a", "key", "same")))
		require.NoError(t, view.SaveConnection(t.Context(), key("b", "door", "same")))
		require.NoError(t, view.SaveConnection(t.Context(), key("c", "key", "another")))
	}
	first := connections(t, e)
	for _, connection := range first {
		require.Regexp(t, "^[0-9a-f]{16}$", connection.Fingerprints["key"])
		require.Len(t, connection.Fingerprints, 1)
		require.False(t, connection.Created.IsZero())
	}
	require.Equal(t, first["a"].Fingerprints, first["b"].Fingerprints, "the same secret under another name and type")
	require.NotEqual(t, first["a"].Fingerprints, first["c"].Fingerprints)
	theirs := connections(t, other)
	require.NotEqual(t, first["a"].Fingerprints, theirs["a"].Fingerprints, "tenants cannot compare their secrets")

	again := start(t, engine.Config{Store: records, Vault: vault})
	require.Equal(t, first, connections(t, again), "it stays the same")
	require.NoError(t, again.SaveConnection(t.Context(), key("a", "key", "changed")))
	changed := connections(t, e)
	require.NotEqual(t, first["a"].Fingerprints, changed["a"].Fingerprints)
	require.Equal(t, first["a"].Created, changed["a"].Created)

	sealing := start(t, engine.Config{Store: records, Vault: struct{ crypto.Vault }{vault}})
	require.Nil(t, connections(t, sealing)["b"].Fingerprints, "a vault that makes no tokens")
}

func TestSavedConnectionCanOnlyBeReplaced(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{Connectors: []connector.Connector{lock{func(context.Context, *connector.Call) error { return nil }}}})
	saved := key("a", "key", careless)
	saved.Fields = connector.NewBundle("host", "service.example", "url", "https://user:"+careless+"@service.example/")
	require.NoError(t, e.SaveConnection(t.Context(), saved))
	_, err := e.Deploy(t.Context(), parse(t, turn), engine.DeployOptions{})
	require.NoError(t, err)

	told := connections(t, e)["a"]
	require.Equal(t, "service.example", told.Fields.Get("host"))
	require.Equal(t, "https://user:***@service.example/", told.Fields.Get("url"))
	texts := []string{fmt.Sprint(told), fmt.Sprintf("%+v", told), fmt.Sprintf("%#v", told)}
	for _, encode := range []func(any) ([]byte, error){json.Marshal, xml.Marshal} {
		text, err := encode(told)
		texts = append(texts, string(text), fmt.Sprint(err))
	}
	// Whatever method the type may get: what needs no arguments is called.
	for v := range reflect.TypeFor[engine.Connection]().NumMethod() {
		if method := reflect.ValueOf(told).Method(v); method.Type().NumIn() == 0 {
			for _, result := range method.Call(nil) {
				texts = append(texts, fmt.Sprintf("%+v", result.Interface()))
			}
		}
	}
	for field := range reflect.TypeFor[engine.Connection]().NumField() {
		require.NotContains(t, reflect.TypeFor[engine.Connection]().Field(field).Type.String(), "secret.Value", "there is no way to a secret")
	}
	for scenario, err := range e.Scenarios(t.Context()) {
		require.NoError(t, err)
		exported, err := json.Marshal(scenario.Blueprint)
		require.NoError(t, err)
		require.Contains(t, string(exported), "lock:Turn")
		texts = append(texts, string(exported), fmt.Sprintf("%+v", scenario))
	}
	for _, text := range texts {
		requireNoSecret(t, text, careless)
	}
}

func TestSecretThatCannotBeSavedIsNotInTheError(t *testing.T) {
	t.Parallel()
	records := &echoing{Store: memory.New()}
	e := start(t, engine.Config{Store: records, Vault: plainVault{}})
	err := e.SaveConnection(t.Context(), key("a", "key", "n33dle of the key"))
	require.ErrorIs(t, err, errEchoing)
	require.Contains(t, err.Error(), `save connection "a"`)
	requireNoSecret(t, err.Error(), "n33dle of the key")

	gone := key("a", "key", "x")
	gone.Secrets["key"].Destroy()
	require.ErrorIs(t, e.SaveConnection(t.Context(), gone), secret.ErrDestroyed)
}

// plainVault seals nothing.
type plainVault struct{}

func (plainVault) Seal(_ context.Context, _ crypto.Scope, plain []byte) ([]byte, error) {
	return slices.Clone(plain), nil
}

func (plainVault) Open(_ context.Context, _ crypto.Scope, sealed []byte) ([]byte, error) {
	return slices.Clone(sealed), nil
}

func (plainVault) Rewrap(_ context.Context, _ crypto.Scope, sealed []byte) ([]byte, bool, error) {
	return sealed, false, nil
}

var errEchoing = errors.New("the store does not take it")

// echoing is a store that quotes what it does not take.
type echoing struct{ *memory.Store }

func (e *echoing) Apply(_ context.Context, changes ...store.Change) error {
	return fmt.Errorf("%w: %s", errEchoing, changes[0].Put.Body)
}
