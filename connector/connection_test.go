package connector_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto/secret"
)

func TestConnectionsAreEqualWhenTheyLetInTheSame(t *testing.T) {
	t.Parallel()
	make := func(name, kind string, fields connector.Bundle, secrets ...string) *connector.Connection {
		c := &connector.Connection{Name: name, Type: kind, Fields: fields, Secrets: map[string]secret.Value{}}
		for i := 0; i < len(secrets); i += 2 {
			c.Secrets[secrets[i]] = secret.NewString(secrets[i+1])
		}
		return c
	}
	fields := connector.NewBundle("user", "ada", "scopes", []any{"read"})
	c := make("a", "oauth2", fields, "token", "x", "refresh", "y")
	destroyed := make("a", "oauth2", fields, "token", "x", "refresh", "y")
	destroyed.Secrets["token"].Destroy()
	for name, other := range map[string]struct {
		connection *connector.Connection
		same       bool
	}{
		"itself":         {c, true},
		"its clone":      {c.Clone(), true},
		"another name":   {make("b", "oauth2", fields, "refresh", "y", "token", "x"), true},
		"another type":   {make("a", "basicauth", fields, "token", "x", "refresh", "y"), false},
		"another field":  {make("a", "oauth2", connector.NewBundle("user", "bob", "scopes", []any{"read"}), "token", "x", "refresh", "y"), false},
		"another secret": {make("a", "oauth2", fields, "token", "x", "refresh", "z"), false},
		"other names":    {make("a", "oauth2", fields, "token", "x", "password", "y"), false},
		"fewer":          {make("a", "oauth2", fields, "token", "x"), false},
		"more":           {make("a", "oauth2", fields, "token", "x", "refresh", "y", "more", ""), false},
		"destroyed":      {destroyed, false},
	} {
		require.Equal(t, other.same, c.Equal(other.connection), name)
		require.Equal(t, other.same, other.connection.Equal(c), name)
	}
	require.True(t, (&connector.Connection{}).Equal(&connector.Connection{}))
}

func TestCloneOfAConnectionIsItsOwn(t *testing.T) {
	t.Parallel()
	c := &connector.Connection{
		Name: "a", Type: "oauth2", Fields: connector.NewBundle("nested", connector.NewBundle("n", 1)),
		Secrets: map[string]secret.Value{"token": secret.NewString("x")},
	}
	clone := c.Clone()
	clone.Name = "b"
	clone.Fields.Set("user", "ada")
	clone.Secrets["token"] = secret.NewString("y")
	clone.Secrets["more"] = secret.NewString("z")
	require.Equal(t, "a", c.Name)
	require.Equal(t, connector.NewBundle("nested", connector.NewBundle("n", 1)), c.Fields)
	require.Len(t, c.Secrets, 1)
	require.True(t, c.Secrets["token"].Equal(secret.NewString("x")))
	(&connector.Connection{}).Clone().Secrets["token"] = secret.NewString("x")
}

// pure is a module that is pure and has connections, which cannot be.
type pure struct{ connector.Action }

func (pure) Connections(connector.Bundle) []connector.Need { return nil }

func TestPureModulesHaveNoConnections(t *testing.T) {
	t.Parallel()
	module := connector.NewAction(connector.Info{Name: "Do", Pure: true},
		func(context.Context, *connector.Call, struct{}) (struct{}, error) { return struct{}{}, nil })
	require.NoError(t, connector.CheckModule(module))
	require.ErrorContains(t, connector.CheckModule(pure{module}), "pure and yet has a connection")
}
