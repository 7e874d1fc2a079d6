package engine_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine"
)

// app is a connector of modules that give their own mark.
type app struct {
	name    string
	modules []connector.Module
}

func (a app) Name() string                { return a.name }
func (a app) Modules() []connector.Module { return a.modules }

// marked is an action that gives a mark in the field "text" whatever it gets.
func marked(name string, version int, mark string) connector.Module {
	return connector.NewAction(connector.Info{Name: name, Version: version, Pure: true},
		func(context.Context, *connector.Call, connector.Bundle) (connector.Bundle, error) {
			return connector.NewBundle("text", mark), nil
		})
}

// answers runs a scenario of one module and returns what it gave in the field "text".
func answers(t *testing.T, e *engine.Engine, module, version, mapper string) string {
	t.Helper()
	x, err := e.Try(t.Context(), parse(t, `{"name": "one", "flow": [
	  {"id": 1, "module": "`+module+`", "version": `+version+`, "mapper": `+mapper+`},
	  {"id": 2, "module": "util:ComposeTransformer", "version": 1, "mapper": {"value": "{{1.text}}"}}]}`), engine.TryOptions{})
	require.NoError(t, err)
	require.Nil(t, x.Failure)
	text, _ := x.Trace[len(x.Trace)-1].Out[0].Get("value").(string)
	return text
}

func TestConnectorsOfOneNameAddUp(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{Connectors: []connector.Connector{
		app{"words", []connector.Module{marked("Upper", 1, "first"), marked("Upper", 2, "second")}},
		app{"words", []connector.Module{marked("Lower", 1, "third"), marked("Upper", 3, "fourth")}},
		app{"json", []connector.Module{marked("Words", 1, "fifth")}},
	}})
	for _, c := range []struct{ module, version, want string }{
		{"words:Upper", "1", "first"},
		{"words:Upper", "2", "second"},
		{"words:Lower", "1", "third"},
		{"words:Upper", "3", "fourth"},
		{"json:Words", "1", "fifth"},
	} {
		require.Equal(t, c.want, answers(t, e, c.module, c.version, "{}"), c.module)
	}
	require.Equal(t, "generic", answers(t, e, "json:ParseJSON", "1", `{"json": "{\"text\": \"generic\"}"}`))
}

func TestAModuleOfTheHostWinsOverTheGenericOne(t *testing.T) {
	t.Parallel()
	const mapper = `{"json": "{\"text\": \"generic\"}"}`
	for name, c := range map[string]struct {
		version int
		want    string
	}{
		"of the same version":     {1, "host"},
		"for all versions":        {0, "host"},
		"of a version of its own": {2, "generic"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := start(t, engine.Config{Connectors: []connector.Connector{
				app{"json", []connector.Module{marked("ParseJSON", c.version, "host")}},
			}})
			require.Equal(t, c.want, answers(t, e, "json:ParseJSON", "1", mapper))
		})
	}
}

func TestModulesOfTheSameNameAndVersionCollide(t *testing.T) {
	t.Parallel()
	_, err := engine.New(engine.Config{Connectors: []connector.Connector{
		app{"words", []connector.Module{marked("Upper", 1, ""), marked("Lower", 0, "")}},
		app{"words", []connector.Module{marked("Upper", 1, ""), marked("Title", 1, "")}},
		app{"others", []connector.Module{marked("Upper", 1, "")}},
		app{"words", []connector.Module{marked("Lower", 0, "")}},
	}})
	require.ErrorIs(t, err, engine.ErrInvalid)
	var collision *engine.CollisionError
	require.ErrorAs(t, err, &collision)
	require.Equal(t, engine.CollisionError{Module: "words:Upper", Version: 1}, *collision)
	require.ErrorContains(t, err, "words:Lower twice with version 0")
	require.NotContains(t, err.Error(), "Title")
	require.NotContains(t, err.Error(), "others")
}

func TestModulesThatNeedALibraryAreMissingAndNotWrong(t *testing.T) {
	t.Parallel()
	bp := parse(t, `{"name": "page", "flow": [
	  {"id": 1, "module": "regexp:HTMLToText", "version": 1, "mapper": {"html": "<p>"}},
	  {"id": 2, "module": "xml:XPathQuery", "version": 1, "mapper": {"xml": "<a/>", "xpath": "//a"}}]}`)
	e := start(t, engine.Config{})
	problems, unknown := e.Check(bp)
	require.Empty(t, problems)
	require.Equal(t, []string{"regexp:HTMLToText", "xml:XPathQuery"}, unknown)
	_, err := e.Deploy(t.Context(), bp, engine.DeployOptions{})
	require.ErrorContains(t, err, "HTMLToText")

	e = start(t, engine.Config{Connectors: []connector.Connector{
		app{"regexp", []connector.Module{marked("HTMLToText", 1, "")}}, app{"xml", []connector.Module{marked("XPathQuery", 1, "")}},
	}})
	_, unknown = e.Check(bp)
	require.Empty(t, unknown)
}

func TestEveryConnectorThatIsNotSoundIsReported(t *testing.T) {
	t.Parallel()
	_, err := engine.New(engine.Config{Connectors: []connector.Connector{
		nil, app{"Bad Name", nil}, app{"words", []connector.Module{marked("not a name", 1, "")}},
	}})
	require.ErrorIs(t, err, engine.ErrInvalid)
	for _, part := range []string{"holds a nil", "Bad Name", "not a name"} {
		require.ErrorContains(t, err, part)
	}
}
