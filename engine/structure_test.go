package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

var person = connector.Structure{Name: "person", Strict: true, Fields: []connector.Field{
	{Name: "name", Type: connector.TypeText, Required: true, Personal: "name"},
	{Name: "born", Type: connector.TypeDate},
	{Name: "country", Type: connector.TypeText, Default: "SE"},
}}

// writing writes JSON with a data structure.
const writing = `{"name": "Writing", "flow": [
  {"id": 1, "module": "json:CreateJSON", "version": 1, "parameters": {"type": %s, "space": ""}, "mapper": {"born": "2000-01-02", "name": "Ada"}}
]}`

func structuresOf(t testing.TB, e *engine.Engine) []string {
	t.Helper()
	var names []string
	for structure, err := range e.Structures(t.Context()) {
		require.NoError(t, err)
		names = append(names, structure.Name)
	}
	slices.Sort(names)
	return names
}

func TestStructuresAreKept(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	require.NoError(t, e.SaveStructure(t.Context(), person))
	require.NoError(t, e.SaveStructure(t.Context(), connector.Structure{Name: "empty"}))
	require.Equal(t, []string{"empty", "person"}, structuresOf(t, e))
	for structure, err := range e.Structures(t.Context()) {
		require.NoError(t, err)
		if structure.Name == "person" {
			require.Equal(t, person, structure)
		}
	}
	changed := person
	changed.Strict = false
	require.NoError(t, e.SaveStructure(t.Context(), changed))
	require.Equal(t, []string{"empty", "person"}, structuresOf(t, e))
	require.NoError(t, e.DeleteStructure(t.Context(), "person"))
	require.ErrorIs(t, e.DeleteStructure(t.Context(), "person"), engine.ErrNotFound)
	require.Equal(t, []string{"empty"}, structuresOf(t, e))
	require.ErrorIs(t, e.SaveStructure(t.Context(), connector.Structure{}), engine.ErrInvalid)
	require.ErrorIs(t, e.SaveStructure(t.Context(), connector.Structure{Name: "x", Fields: []connector.Field{{Name: "a", Type: "strin"}}}), connector.ErrStructure)
	require.NoError(t, e.Close())
	require.ErrorIs(t, e.SaveStructure(t.Context(), person), engine.ErrClosed)
	require.ErrorIs(t, e.DeleteStructure(t.Context(), "empty"), engine.ErrClosed)
}

func TestStructuresAreSavedByManyAtOnce(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	var work sync.WaitGroup
	for i := range 8 {
		work.Go(func() {
			structure := person
			structure.Strict = i%2 == 0
			if err := e.SaveStructure(t.Context(), structure); err != nil {
				t.Errorf("save: %v", err)
			}
			if err := e.SaveDataStore(t.Context(), "people", engine.DataStoreOptions{Structure: "person", Strict: i%2 == 0}); err != nil {
				t.Errorf("save the data store: %v", err)
			}
		})
	}
	work.Wait()
	require.Equal(t, []string{"person"}, structuresOf(t, e))
}

func TestStructuresBelongToTheirTenant(t *testing.T) {
	t.Parallel()
	records := memory.New()
	e := start(t, engine.Config{Store: records})
	require.NoError(t, e.For("a").SaveStructure(t.Context(), person))
	require.Empty(t, structuresOf(t, e.For("b")))
	require.ErrorIs(t, e.For("b").DeleteStructure(t.Context(), "person"), engine.ErrNotFound)
	require.ErrorIs(t, e.For("b").SaveDataStore(t.Context(), "people", engine.DataStoreOptions{Structure: "person"}), engine.ErrNotFound)
	require.NoError(t, e.For("a").SaveDataStore(t.Context(), "people", engine.DataStoreOptions{Structure: "person"}))
	for record, err := range records.Find(t.Context(), store.Query{Kind: "structure", AllTenants: true}) {
		require.NoError(t, err)
		require.Equal(t, "a", record.Tenant)
		require.NotContains(t, string(record.Body), "country", "what it says is sealed")
	}
}

func TestMissingStructuresAreReported(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	require.NoError(t, e.SaveStructure(t.Context(), person))
	for name, c := range map[string]struct {
		parameter string
		mapping   map[string]string
		severity  string
		message   string
	}{
		"none":                       {`""`, nil, "", ""},
		"null":                       {`null`, nil, "", ""},
		"a name":                     {`"person"`, nil, "", ""},
		"a number with a name":       {`12`, map[string]string{"12": "person"}, "", ""},
		"a number as text":           {`"12"`, map[string]string{"12": "person"}, "", ""},
		"a number that nobody knows": {`12`, nil, "warning", "nobody said which data structure 12 is, so the module works without: name it in DeployOptions.Structures"},
		"a wrong name":               {`"persons"`, nil, "error", `there is no data structure "persons": save it with Engine.SaveStructure`},
		"a number with a wrong name": {`12`, map[string]string{"12": "persons"}, "error", `there is no data structure "persons"`},
	} {
		scenario, err := e.Deploy(t.Context(), parse(t, fmt.Sprintf(writing, c.parameter)), engine.DeployOptions{Name: name, Structures: c.mapping})
		switch c.severity {
		case "error":
			var check *engine.CheckError
			require.ErrorAs(t, err, &check, name)
			require.Len(t, check.Problems, 1, name)
			require.Equal(t, blueprint.CodeNoStructure, check.Problems[0].Code, name)
			require.Equal(t, "parameters.type", check.Problems[0].Field, name)
			require.Equal(t, 1, check.Problems[0].Module, name)
			require.ErrorContains(t, err, c.message, name)
		case "warning":
			require.NoError(t, err, name)
			require.Len(t, scenario.Problems, 1, name)
			require.Equal(t, blueprint.SeverityWarning, scenario.Problems[0].Severity, name)
			require.Equal(t, c.message, scenario.Problems[0].Message, name)
		default:
			require.NoError(t, err, name)
			require.Empty(t, scenario.Problems, name)
		}
	}
}

func TestModulesFindTheirStructure(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	require.NoError(t, e.SaveStructure(t.Context(), person))
	bp := parse(t, fmt.Sprintf(writing, "12"))
	mapping := map[string]string{"12": "person"}
	const want = `{"name":"Ada","born":"2000-01-02T00:00:00.000Z","country":"SE"}`
	x, err := e.Try(t.Context(), bp, engine.TryOptions{Structures: mapping})
	require.NoError(t, err)
	require.Nil(t, x.Failure)
	require.Equal(t, want, x.Trace[0].Out[0].Get("json"))

	scenario, err := e.Deploy(t.Context(), bp, engine.DeployOptions{Structures: mapping})
	require.NoError(t, err)
	x, err = e.Run(t.Context(), scenario.ID, connector.Bundle{})
	require.NoError(t, err)
	require.Equal(t, want, x.Trace[0].Out[0].Get("json"))

	require.NoError(t, e.DeleteStructure(t.Context(), "person"))
	x, err = e.Run(t.Context(), scenario.ID, connector.Bundle{})
	require.NoError(t, err)
	require.Equal(t, connector.InvalidConfigurationError, x.Failure.Type, "a structure that should be there is missed")
}

func TestDataStoresWithAStructureConform(t *testing.T) {
	t.Parallel()
	connectortest.ConformStructure(t, func(t *testing.T, structure connector.Structure) connector.DataStore {
		t.Helper()
		e := start(t, engine.Config{})
		require.NoError(t, e.SaveStructure(t.Context(), structure))
		require.NoError(t, e.SaveDataStore(t.Context(), "people", engine.DataStoreOptions{Structure: structure.Name}))
		data, err := e.DataStore(t.Context(), "people")
		require.NoError(t, err)
		return data
	})
}

func TestDataStoreHasOptions(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	loose := person
	loose.Strict = false
	require.NoError(t, e.SaveStructure(t.Context(), loose))
	data, err := e.DataStore(t.Context(), "people")
	require.NoError(t, err)
	write := func(fields ...any) error {
		return data.Change(t.Context(), "k", func(connector.Bundle, bool) (connector.Bundle, error) { return connector.NewBundle(fields...), nil })
	}
	require.NoError(t, write("anything", 1))
	require.NoError(t, e.SaveDataStore(t.Context(), "people", engine.DataStoreOptions{Structure: "person"}))
	require.NoError(t, write("name", "Ada", "other", 1), "the store that is open goes by the new options")
	require.EqualError(t, write("other", 1), "field name: is required")
	require.NoError(t, e.SaveDataStore(t.Context(), "people", engine.DataStoreOptions{Structure: "person", Strict: true}))
	require.EqualError(t, write("name", "Ada", "other", 1), "field other: is not part of the data structure: leave it out")
	options, err := e.DataStoreOptions(t.Context(), "people")
	require.NoError(t, err)
	require.Equal(t, engine.DataStoreOptions{Structure: "person", Strict: true}, options)
	require.NoError(t, e.DeleteStructure(t.Context(), "person"))
	require.Equal(t, connector.InvalidConfigurationError, connector.TypeOf(write("name", "Ada")), "what cannot be checked is not written")
	require.NoError(t, e.SaveDataStore(t.Context(), "people", engine.DataStoreOptions{}))
	require.NoError(t, write("anything", 1))

	_, err = e.DataStoreOptions(t.Context(), "nothing")
	require.ErrorIs(t, err, engine.ErrNotFound)
	require.ErrorIs(t, e.SaveDataStore(t.Context(), "", engine.DataStoreOptions{}), engine.ErrInvalid)
	require.ErrorIs(t, e.SaveDataStore(t.Context(), "x", engine.DataStoreOptions{Strict: true}), engine.ErrInvalid)
	require.ErrorIs(t, e.SaveDataStore(t.Context(), "x", engine.DataStoreOptions{Structure: "nothing"}), engine.ErrNotFound)
}

func TestScenariosWriteWhatFitsTheDataStore(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	require.NoError(t, e.SaveStructure(t.Context(), person))
	require.NoError(t, e.SaveDataStore(t.Context(), "people", engine.DataStoreOptions{Structure: "person"}))
	const adding = `{"name": "Adding", "flow": [
	  {"id": 1, "module": "datastore:AddRecord", "version": 1, "parameters": {"datastore": 7}, "mapper": {"key": "%s", "data": %s}},
	  {"id": 2, "module": "datastore:UpdateRecord", "version": 1, "parameters": {"datastore": 7}, "mapper": {"key": "%[1]s", "upsert": false, "overwriteArrays": true, "data": {"country": "{{erase}}", "born": "", "name": ""}}}
	]}`
	run := func(key, data string) *engine.Execution {
		x, err := e.Try(t.Context(), parse(t, fmt.Sprintf(adding, key, data)), engine.TryOptions{DataStores: map[string]string{"7": "people"}})
		require.NoError(t, err)
		return x
	}
	require.Nil(t, run("ada", `{"born": "2000-01-02", "name": "Ada", "country": "UK"}`).Failure)
	data, err := e.DataStore(t.Context(), "people")
	require.NoError(t, err)
	entry, ok, err := data.Get(t.Context(), "ada")
	require.NoError(t, err)
	require.True(t, ok)
	text, err := entry.MarshalJSON()
	require.NoError(t, err)
	require.Equal(t, `{"name":"Ada","born":"2000-01-02T00:00:00.000Z","country":"SE"}`, string(text),
		"empty fields keep their value, and one that was erased has its default again")
	x := run("bob", `{"born": "needle"}`)
	require.Equal(t, connector.BundleValidationError, x.Failure.Type)
	require.Equal(t, "field name: is required; field born: expected date, received text", x.Failure.Message)
	require.Equal(t, 1, x.Failure.Module)
}

func TestLimitOfEntriesCanBeLower(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{MaxEntryBytes: 1000})
	data, err := e.DataStore(t.Context(), "people")
	require.NoError(t, err)
	for size, want := range map[int]connector.ErrorType{900: "", 1001: connector.MaxFileSizeExceededError} {
		err := data.Change(t.Context(), "k", func(connector.Bundle, bool) (connector.Bundle, error) {
			return connector.NewBundle("text", strings.Repeat("x", size)), nil
		})
		require.Equal(t, want, connector.TypeOf(err))
	}
	for _, wrong := range []int64{-1, engine.MaxEntryBytes + 1} {
		_, err = engine.New(engine.Config{MaxEntryBytes: wrong})
		require.ErrorIs(t, err, engine.ErrInvalid)
	}
}
