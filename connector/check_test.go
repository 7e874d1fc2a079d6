package connector_test

import (
	"context"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
)

type listed struct {
	name    string
	modules []connector.Module
}

func (l listed) Name() string                { return l.name }
func (l listed) Modules() []connector.Module { return l.modules }

func module(info connector.Info) connector.Action {
	return connector.NewAction(info, func(context.Context, *connector.Call, struct{}) (struct{}, error) {
		return struct{}{}, nil
	})
}

type bare struct{ info connector.Info }

func (b bare) Info() connector.Info { return b.info }

type both struct{ connector.Action }

func (both) Search(context.Context, *connector.Call) iter.Seq2[connector.Bundle, error] { return nil }

func TestCheckTakesSoundConnectors(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"http", "google-sheets", "app#my-app-1", "a1"} {
		require.NoError(t, connector.Check(listed{name, []connector.Module{
			module(connector.Info{Name: "Do"}), module(connector.Info{Name: "Do", Version: 2}),
			module(connector.Info{Name: "SetVariable2", Pure: true}),
		}}), name)
	}
	require.NoError(t, connector.Check(listed{name: "empty"}))
}

func TestCheckSaysEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	low, high := 2.0, 1.0
	fields := []connector.Field{
		{Name: ""},
		{Name: "twice"}, {Name: "twice"},
		{Name: "limits", Type: "number", Min: &low, Max: &high},
		{Name: "limit", Type: "boolean", Min: &low},
		{Name: "default", Type: "number", Default: "x"},
		{Name: "int", Type: "number", Default: 1},
		{Name: "options", Type: "number", Options: []string{"1"}},
		{Name: "fields", Type: "text", Fields: []connector.Field{{Name: "a"}}},
		{Name: "elements", Type: "array", Fields: []connector.Field{{Name: "a"}}},
		{Name: "nested", Type: "array", Fields: []connector.Field{{Type: "collection", Fields: []connector.Field{{}}}}},
	}
	err := connector.Check(listed{"Bad:Name", []connector.Module{
		nil,
		bare{connector.Info{Name: "Kindless"}},
		bare{connector.Info{Name: "Odd", Returns: true, Direct: true}},
		both{module(connector.Info{Name: "Both"})},
		module(connector.Info{Name: "has space", Version: -1}),
		module(connector.Info{Name: "Twice"}), module(connector.Info{Name: "Twice"}),
		module(connector.Info{Name: "Pure", Pure: true, Connection: "account"}),
		module(connector.Info{Name: "Fields", Input: fields}),
		module(connector.Info{Name: "Broken", Problem: connector.ErrTag}),
	}})
	require.ErrorIs(t, err, connector.ErrModule)
	require.ErrorIs(t, err, connector.ErrTag)
	for _, part := range []string{
		`"Bad:Name"`, "is nil", "Kindless: connector: bad module: it is of 0 kinds", "Both: connector: bad module: it is of 2 kinds",
		`"has space"`, "-1 is negative", "Bad:Name:Twice stands twice", "it is pure and yet has a connection",
		"it ends runs and is no action", "it says that it is direct and cannot be bound",
		"input: a field has no name", "input.twice stands twice", "input.limits: no value can keep the limits",
		"input.limit: a limit on boolean", "input.default: the default is no value", "input.int: the default is of a type",
		"input.options: options are for texts", "input.fields: fields are for", "input.elements: an array has one field",
		"input.nested[]: a field has no name",
	} {
		require.ErrorContains(t, err, part)
	}
}
