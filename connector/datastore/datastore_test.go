package datastore_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
	"github.com/ebbkit/ebb/connector/datastore"
)

func module(t testing.TB, name string) connector.Module {
	t.Helper()
	return connectortest.Module(t, datastore.New(), name)
}

// line writes bundles as JSON: the order of fields counts.
func line(t testing.TB, bundles ...connector.Bundle) string {
	t.Helper()
	var out []string
	for _, b := range bundles {
		text, err := b.MarshalJSON()
		require.NoError(t, err)
		out = append(out, string(text))
	}
	return strings.Join(out, " ")
}

// table is a store called "27969", as exports call stores, and what modules do with it.
type table struct {
	*connectortest.DataStore
	call connectortest.Call
}

func newTable(t testing.TB, records ...string) *table {
	t.Helper()
	s := connectortest.NewDataStore()
	for _, record := range records {
		b := connectortest.Bundle(t, record)
		require.NoError(t, s.Change(t.Context(), b.Get("key").(string), func(connector.Bundle, bool) (connector.Bundle, error) {
			data, _ := b.Get("data").(connector.Bundle)
			return data, nil
		}))
	}
	return &table{s, connectortest.Call{
		Params: connector.NewBundle("datastore", 27969), Data: map[string]connector.DataStore{"27969": s},
	}}
}

func (s *table) run(t testing.TB, name, input string) connectortest.Result {
	t.Helper()
	call := s.call
	call.Input = connectortest.Bundle(t, input)
	return connectortest.Run(t, module(t, name), call)
}

// record returns the data of a record as JSON, empty when there is none.
func (s *table) record(t testing.TB, key string) string {
	t.Helper()
	data, ok, err := s.Get(t.Context(), key)
	require.NoError(t, err)
	if !ok {
		return ""
	}
	return line(t, data)
}

func TestConnectorIsSound(t *testing.T) {
	t.Parallel()
	require.NoError(t, connector.Check(datastore.New()))
	require.Equal(t, "datastore", datastore.New().Name())
	require.Len(t, datastore.New().Modules(), 8)
	for _, m := range datastore.New().Modules() {
		info := m.Info()
		require.False(t, info.Pure, info.Name)
		require.Equal(t, info.Name != "AddRecord" && info.Name != "UpdateRecord", info.Idempotent || info.ReadOnly, info.Name)
		require.Equal(t, "datastore", info.Params[0].Name, info.Name)
		require.True(t, info.Params[0].Required, info.Name)
	}
}

func TestStoreIsChosenByTheParameterAlone(t *testing.T) {
	t.Parallel()
	s := newTable(t, `{"key":"a","data":{"n":1}}`)
	for _, id := range []any{"27969", 27969, 27969.0} {
		s.call.Params = connector.NewBundle("datastore", id)
		result := s.run(t, "GetRecord", `{"key":"a","datastore":"other"}`)
		require.NoError(t, result.Err)
		require.Equal(t, `{"n":1}`, line(t, result.Bundles...))
	}
	s.call.Params = connector.Bundle{}
	require.Equal(t, connector.InvalidConfigurationError, connector.TypeOf(s.run(t, "GetRecord", `{"key":"a","datastore":"27969"}`).Err))
	_, err := module(t, "CountRecord").(connector.Action).Do(t.Context(), &connector.Call{})
	require.Equal(t, connector.InvalidConfigurationError, connector.TypeOf(err))
}

func TestAddAddsOnce(t *testing.T) {
	t.Parallel()
	s := newTable(t)
	// As exported: the mapper of a real blueprint.
	result := s.run(t, "AddRecord", `{"key":"Ключ 1","data":{"age":"","goal":"","state":"Größe","chat_id":42,"list":[]},"overwrite":false}`)
	require.NoError(t, result.Err)
	require.Equal(t, `{"key":"Ключ 1"}`, line(t, result.Bundles...))
	require.Equal(t, `{"age":"","goal":"","state":"Größe","chat_id":42,"list":[]}`, s.record(t, "Ключ 1"))

	result = s.run(t, "AddRecord", `{"key":"Ключ 1","data":{"n":2},"overwrite":false}`)
	require.Equal(t, connector.DuplicateDataError, connector.TypeOf(result.Err))
	require.NotContains(t, result.Err.Error(), "Ключ")
	require.ErrorContains(t, result.Err, "field key: the data store has a record with this key; set overwrite")
	require.Contains(t, s.record(t, "Ключ 1"), "Größe")

	result = s.run(t, "AddRecord", `{"key":"Ключ 1","data":{"n":2},"overwrite":true}`)
	require.NoError(t, result.Err)
	require.Equal(t, `{"n":2}`, s.record(t, "Ключ 1"), "overwriting replaces the whole record")
}

func TestAddTakesARecordWithoutData(t *testing.T) {
	t.Parallel()
	s := newTable(t)
	for _, input := range []string{`{"key":"a"}`, `{"key":"b","data":null}`, `{"key":"c","data":""}`, `{"key":7,"data":{}}`} {
		require.NoError(t, s.run(t, "AddRecord", input).Err, input)
	}
	for _, key := range []string{"a", "b", "c", "7"} {
		require.Equal(t, "{}", s.record(t, key), key)
	}
}

func TestAddMakesAKeyThatAttemptsShare(t *testing.T) {
	t.Parallel()
	s := newTable(t)
	keys := map[any]bool{}
	for _, operation := range []string{"run-1/3", "run-1/3", "run-1/4", "run-2/3"} {
		s.call.Key = operation
		result := s.run(t, "AddRecord", `{"key":"","overwrite":true,"data":{"n":1}}`)
		require.NoError(t, result.Err)
		keys[result.Bundles[0].Get("key")] = true
	}
	require.Len(t, keys, 3)
	count, err := s.Count(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 3, count)

	add := module(t, "AddRecord").(connector.Action)
	for range 2 {
		_, err := add.Do(t.Context(), &connector.Call{
			Params: s.call.Params, Data: func(context.Context, string) (connector.DataStore, error) { return s, nil },
		})
		require.NoError(t, err, "without a key of the operation every key is new")
	}
}

func TestKeysAreChecked(t *testing.T) {
	t.Parallel()
	s := newTable(t)
	long := strings.Repeat("k", datastore.MaxKeyBytes)
	require.NoError(t, s.run(t, "AddRecord", `{"key":"`+long+`"}`).Err)
	for _, name := range []string{"AddRecord", "UpdateRecord", "GetRecord", "ExistRecord", "DeleteRecord"} {
		result := s.run(t, name, `{"key":"`+long+`k","upsert":true}`)
		require.Equal(t, connector.DataError, connector.TypeOf(result.Err), name)
		require.NotContains(t, result.Err.Error(), "kk", name)
		result = s.run(t, name, `{"key":{"a":1}}`)
		require.Equal(t, connector.BundleValidationError, connector.TypeOf(result.Err), name)
	}
	for _, name := range []string{"UpdateRecord", "GetRecord", "ExistRecord", "DeleteRecord"} {
		for _, input := range []string{`{}`, `{"key":null}`, `{"key":""}`} {
			require.Equal(t, connector.BundleValidationError, connector.TypeOf(s.run(t, name, input).Err), name)
		}
	}
}

func TestUpdateChangesWhatIsGiven(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		record, input string
		erased        []string
		want          string
	}{
		"empty texts keep, as the editor writes them": {
			`{"age":30,"goal":"1","state":"goal"}`,
			`{"data":{"age":"","goal":"2","state":"gender","gender":""},"overwriteArrays":true}`, nil,
			`{"age":30,"goal":"2","state":"gender"}`,
		},
		"null and empty arrays keep": {
			`{"a":1,"b":[1]}`, `{"data":{"a":null,"b":[]},"overwriteArrays":true}`, nil, `{"a":1,"b":[1]}`,
		},
		"what is erased is null": {
			`{"a":1,"b":[1],"c":3,"d":{"e":4,"f":5}}`, `{"data":{"a":null,"b":null,"c":null,"d":{"e":null,"f":null}}}`,
			[]string{"data.a", "data.b", "data.d.e"}, `{"a":null,"b":null,"c":3,"d":{"e":null,"f":5}}`,
		},
		"an erased record is empty":     {`{"a":1}`, `{"data":null}`, []string{"data"}, `{}`},
		"zero and false are values":     {`{"a":1,"b":true}`, `{"data":{"a":0,"b":false}}`, nil, `{"a":0,"b":false}`},
		"new fields stand behind":       {`{"a":1}`, `{"data":{"z":2,"a":3,"ü":4}}`, nil, `{"a":3,"z":2,"ü":4}`},
		"arrays are added to":           {`{"Key IDs":[1,2]}`, `{"data":{"Key IDs":[2,3]},"overwriteArrays":false}`, nil, `{"Key IDs":[1,2,2,3]}`},
		"arrays are overwritten":        {`{"Key IDs":[1,2]}`, `{"data":{"Key IDs":[3]},"overwriteArrays":true}`, nil, `{"Key IDs":[3]}`},
		"an array where none was":       {`{"a":"x"}`, `{"data":{"a":[1],"b":[2]},"overwriteArrays":false}`, nil, `{"a":[1],"b":[2]}`},
		"a value where an array was":    {`{"a":[1]}`, `{"data":{"a":"x"},"overwriteArrays":false}`, nil, `{"a":"x"}`},
		"collections field by field":    {`{"a":{"b":1,"c":[1],"d":{"e":1}}}`, `{"data":{"a":{"b":2,"c":[2],"d":{"e":"","f":2}}}}`, nil, `{"a":{"b":2,"c":[1,2],"d":{"e":1,"f":2}}}`},
		"a collection where a text was": {`{"a":"x"}`, `{"data":{"a":{"b":1}}}`, nil, `{"a":{"b":1}}`},
		"nothing":                       {`{"a":1}`, `{}`, nil, `{"a":1}`},
		"a name with a dot is no path":  {`{"a.b":1,"a":{"b":2}}`, `{"data":{"a.b":3}}`, nil, `{"a.b":3,"a":{"b":2}}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTable(t, `{"key":"k","data":`+test.record+`}`)
			s.call.Erased = test.erased
			input := connectortest.Bundle(t, test.input)
			withKey := connector.NewBundle("key", "k")
			for name, value := range input.All() {
				withKey.Set(name, value)
			}
			result := s.run(t, "UpdateRecord", line(t, withKey))
			require.NoError(t, result.Err)
			require.Equal(t, `{"key":"k"}`, line(t, result.Bundles...))
			require.Equal(t, test.want, s.record(t, "k"))
		})
	}
}

func TestUpdateOfAMissingRecord(t *testing.T) {
	t.Parallel()
	s := newTable(t)
	for _, input := range []string{`{"key":"k","data":{"a":1}}`, `{"key":"k","data":{"a":1},"upsert":false}`} {
		result := s.run(t, "UpdateRecord", input)
		require.Equal(t, connector.DataError, connector.TypeOf(result.Err))
		require.ErrorContains(t, result.Err, "field key: the data store has no record with this key; set upsert")
		require.Empty(t, s.record(t, "k"))
	}
	require.NoError(t, s.run(t, "UpdateRecord", `{"key":"k","data":{"a":"","b":null,"c":[1]},"upsert":"true"}`).Err)
	require.Equal(t, `{"a":"","b":null,"c":[1]}`, s.record(t, "k"), "there is nothing to keep, so it is added as it was mapped")
}

func TestConcurrentUpdatesAllCount(t *testing.T) {
	t.Parallel()
	s := newTable(t, `{"key":"k","data":{"list":[]}}`)
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			_, err := module(t, "UpdateRecord").(connector.Action).Do(t.Context(), &connector.Call{
				Params: s.call.Params, Input: connector.NewBundle("key", "k", "data", connector.NewBundle("list", []any{1})),
				Data: func(context.Context, string) (connector.DataStore, error) { return s, nil },
			})
			require.NoError(t, err)
		})
	}
	group.Wait()
	data, _, err := s.Get(t.Context(), "k")
	require.NoError(t, err)
	require.Len(t, data.Get("list"), 16)
}

func TestGetSpreadsOrWraps(t *testing.T) {
	t.Parallel()
	s := newTable(t, `{"key":"k","data":{"key":"inner","Straße":[1]}}`)
	for input, want := range map[string]string{
		`{"key":"k","returnWrapped":false}`:       `{"key":"inner","Straße":[1]}`,
		`{"key":"k"}`:                             `{"key":"inner","Straße":[1]}`,
		`{"key":"k","returnWrapped":true}`:        `{"data":{"key":"inner","Straße":[1]}}`,
		`{"key":"missing","returnWrapped":false}`: `{}`,
		`{"key":"missing","returnWrapped":true}`:  `{}`,
	} {
		result := s.run(t, "GetRecord", input)
		require.NoError(t, result.Err, input)
		require.Equal(t, want, line(t, result.Bundles...), input)
	}
}

func TestExistDeleteAndCount(t *testing.T) {
	t.Parallel()
	s := newTable(t, `{"key":"a"}`, `{"key":"b"}`, `{"key":"c"}`)
	steps := []struct{ module, input, want string }{
		{"CountRecord", `{}`, `{"count":3}`},
		{"ExistRecord", `{"key":"a"}`, `{"exist":true}`},
		{"DeleteRecord", `{"key":"a"}`, `{"key":"a"}`},
		{"DeleteRecord", `{"key":"a"}`, `{"key":"a"}`},
		{"ExistRecord", `{"key":"a"}`, `{"exist":false}`},
		{"CountRecord", `{}`, `{"count":2}`},
		{"DeleteAllRecord", `{}`, `{"count":2}`},
		{"DeleteAllRecord", `{}`, `{"count":0}`},
		{"CountRecord", `{}`, `{"count":0}`},
	}
	for i, step := range steps {
		result := s.run(t, step.module, step.input)
		require.NoError(t, result.Err, i)
		require.Equal(t, step.want, line(t, result.Bundles...), i)
	}
}

// brokenStore fails at everything.
type brokenStore struct{ connector.DataStore }

var errStore = errors.New("the disk is gone")

func (brokenStore) Get(context.Context, string) (connector.Bundle, bool, error) {
	return connector.NewBundle("a", 1), true, errStore
}

func (brokenStore) Change(context.Context, string, func(connector.Bundle, bool) (connector.Bundle, error)) error {
	return errStore
}
func (brokenStore) Delete(context.Context, string) (bool, error) { return true, errStore }
func (brokenStore) DeleteAll(context.Context) (int64, error)     { return 3, errStore }
func (brokenStore) Count(context.Context) (int64, error)         { return 3, errStore }
func (brokenStore) All(context.Context) iter.Seq2[connector.Entry, error] {
	return func(yield func(connector.Entry, error) bool) { yield(connector.Entry{}, errStore) }
}

func TestErrorsOfTheStoreArePassedOn(t *testing.T) {
	t.Parallel()
	for _, m := range datastore.New().Modules() {
		for name, call := range map[string]connectortest.Call{
			"store": {Data: map[string]connector.DataStore{"s": brokenStore{}}},
			"none":  {Data: map[string]connector.DataStore{}},
		} {
			call.Params = connector.NewBundle("datastore", "s")
			call.Input = connectortest.Bundle(t, `{"key":"k","data":{"a":1},"upsert":true,"sort":[{"key":"a","order":1}]}`)
			call.Match = func(any, connector.Bundle) (bool, error) { return true, nil }
			result := connectortest.Run(t, m, call)
			require.Error(t, result.Err, m.Info().Name)
			require.Empty(t, result.Bundles, m.Info().Name)
			if name == "store" {
				require.ErrorIs(t, result.Err, errStore, m.Info().Name)
			}
		}
	}
}
