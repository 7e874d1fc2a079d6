package engine_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
)

// shop is a connector with a module of every kind of field.
type shop struct{ connector.Module }

func (shop) Name() string                  { return "shop" }
func (s shop) Modules() []connector.Module { return []connector.Module{s.Module} }

type everything struct {
	Text    string         `json:"text" min:"2" max:"4"`
	Method  string         `json:"method" enum:"get,post"`
	Number  float64        `json:"number" min:"0" max:"10"`
	Count   uint           `json:"count"`
	Switch  bool           `json:"switch"`
	Day     any            `json:"day"`
	Rows    []everythingIn `json:"rows" max:"2"`
	Single  everythingIn   `json:"single"`
	Numbers []float64      `json:"numbers"`
	Data    []byte         `json:"data"`
}

type everythingIn struct {
	N int `json:"n" max:"5"`
}

// A constant is refused before the run exactly when the module's conversion refuses it in the run.
func TestConstantsAreCheckedAsTheyAreConverted(t *testing.T) {
	t.Parallel()
	module := connector.NewAction(connector.Info{Name: "Order", Version: 1},
		func(context.Context, *connector.Call, everything) (connector.Bundle, error) {
			return connector.Bundle{}, nil
		})
	e, err := engine.New(engine.Config{Connectors: []connector.Connector{shop{module}}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	for mapper, want := range map[string]string{
		`{}`:                         "",
		`{"text":"abc"}`:             "",
		`{"text":"abcde"}`:           "mapper.text",
		`{"text":"a"}`:               "mapper.text",
		`{"text":1234}`:              "",
		`{"text":12345}`:             "mapper.text",
		`{"text":{"a":1}}`:           "mapper.text",
		`{"method":"get"}`:           "",
		`{"method":""}`:              "",
		`{"method":"fetch"}`:         "mapper.method",
		`{"number":"7.5"}`:           "",
		`{"number":"seven"}`:         "mapper.number",
		`{"number":11}`:              "mapper.number",
		`{"number":-1e-9}`:           "mapper.number",
		`{"number":true}`:            "mapper.number",
		`{"number":""}`:              "",
		`{"number":null}`:            "",
		`{"count":"3"}`:              "",
		`{"count":-3}`:               "mapper.count",
		`{"count":1.5}`:              "mapper.count",
		`{"switch":"perhaps"}`:       "",
		`{"switch":[]}`:              "",
		`{"day":{"a":[]}}`:           "",
		`{"rows":[{"n":1},{"n":5}]}`: "",
		`{"rows":[{"n":1},{"n":6}]}`: "mapper.rows[1].n",
		`{"rows":[{},{},{}]}`:        "mapper.rows",
		`{"rows":["x"]}`:             "mapper.rows[0]",
		`{"single":{"n":"x"}}`:       "mapper.single.n",
		`{"single":"x"}`:             "mapper.single",
		`{"single":{"other":"x"}}`:   "",
		`{"numbers":["1","b"]}`:      "mapper.numbers[1]",
		`{"data":"text"}`:            "",
		`{"data":{"a":1}}`:           "mapper.data",
		`{"unknown":[{"x":1}]}`:      "",
	} {
		bp, err := blueprint.Parse([]byte(flowOf(mod(2, "shop:Order", `"mapper":`+mapper))))
		require.NoError(t, err)
		problems, _ := e.Check(bp)
		found := ""
		for _, p := range problems {
			require.Equal(t, blueprint.CodeBadValue, p.Code, mapper)
			require.Equal(t, blueprint.SeverityError, p.Severity, mapper)
			found = p.Field
		}
		require.Equal(t, want, found, mapper)

		value, err := connector.ParseJSON([]byte(mapper))
		require.NoError(t, err)
		input, ok := value.(connector.Bundle)
		require.True(t, ok)
		_, err = connector.Convert(module.Info().Input, input, nil)
		require.Equal(t, want != "", err != nil, "%s: %v", mapper, err)
	}
}

func TestParametersAreCheckedLikeMappers(t *testing.T) {
	t.Parallel()
	e := checking(t)
	bp, err := blueprint.Parse([]byte(flowOf(mod(2, "datastore:SearchRecord", `"parameters":{"limit":"many"}`, `"mapper":{}`))))
	require.NoError(t, err)
	problems, _ := e.Check(bp)
	var found []string
	for _, p := range problems {
		found = append(found, p.Field+" "+p.Code)
	}
	require.Equal(t, []string{"parameters.datastore required-field", "parameters.limit bad-value"}, found)
}
