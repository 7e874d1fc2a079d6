package blueprint_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine/blueprint"
)

func marshal(t testing.TB, bp *blueprint.Blueprint) string {
	t.Helper()
	out, err := blueprint.Marshal(bp)
	require.NoError(t, err)
	return string(out)
}

// exactly compares the bytes of JSON, not what they mean.
func exactly(t testing.TB, want, got string) {
	t.Helper()
	require.Equal(t, want, got)
}

func TestFixturesSurviveRoundTrip(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"order.json", "ifelse.json"} {
		data := fixture(t, name)
		require.Equal(t, canonical(t, data), canonical(t, []byte(marshal(t, parse(t, string(data))))), name)
	}
}

func TestMarshalWritesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"order of fields":     `{"z":1,"metadata":{"b":2,"a":1},"flow":[{"version":1,"listener":true,"module":"a:B","id":1}],"name":"x"}`,
		"numbers":             `{"flow":[{"id":1.0,"version":1E0,"mapper":{"a":0.10,"b":1e400,"c":-0,"d":12345678901234567890}}]}`,
		"ids as text":         `{"flow":[{"id":"7","version":" 3 "}]}`,
		"empty as PHP has it": `{"flow":[{"id":1,"parameters":[],"mapper":[],"filter":[],"metadata":[],"outputs":{},"onerror":null}]}`,
		"null":                `{"name":null,"flow":[{"id":null,"filter":null,"flags":null,"mapper":null,"onerror":null,"routes":null}],"metadata":null}`,
		"flags":               `{"flow":[{"flags":{"x":1,"stopIfEmpty":"true","groupBy":7}}]}`,
		"filter":              `{"flow":[{"filter":{"label":"x","conditions":[[{"o":"exist","a":"{{1.a}}","c":1,"b":null}],[]]}}]}`,
		"odd conditions":      `{"flow":[{"filter":{"name":"x","conditions":[{"a":"{{1.a}}"}]}},{"filter":{"conditions":{"all":[]}}}]}`,
		"routes":              `{"flow":[{"routes":[{"label":"x","flow":[],"disabled":"true","filter":{"conditions":[]}},{},[4]]}]}`,
		"branches":            `{"flow":[{"branches":[{"flow":[],"color":"red","merge":"yes","conditions":null,"type":"else"},null]}]}`,
		"outputs":             `{"flow":[{"outputs":[{"type":"text","mappings":"x","name":7},"y"],"filters":[null,"z",{"name":"f"}]}]}`,
		"tools":               `{"flow":[{"tools":[{"name":"search","flow":[{"id":10,"module":"http:ActionSendData","mapper":{}}]}]}]}`,
		"escapes":             `{"flow":[],"a":"\"\\/\n\r\t\b\f` + "\u007f\u2028<é😀>" + `"}`,
		"half surrogates":     `{"flow":[],"a":"\ud83d","b":"\ude00\ud83d x","c":"\ud83d\ud83d\ude00","\udfff":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := marshal(t, parse(t, text))
			require.Equal(t, canonical(t, []byte(text)), canonical(t, []byte(out)))
			require.Equal(t, out, marshal(t, parse(t, out)))
		})
	}
}

func TestHalfSurrogatesAreWrittenAsTheyWere(t *testing.T) {
	t.Parallel()
	const text = `{"flow":[],"a":"x\ud83d","\udfff":"\ude00\ud83d"}`
	exactly(t, text, marshal(t, parse(t, text)))
}

func TestLastOfRepeatedNamesCounts(t *testing.T) {
	t.Parallel()
	bp := parse(t, `{"name":"a","flow":[],"name":"b"}`)
	require.Equal(t, "b", bp.Name)
	exactly(t, `{"name":"b","flow":[]}`, marshal(t, bp))
}

func TestMarshalWritesWhatWasChanged(t *testing.T) {
	t.Parallel()
	const text = `{"name":"a","flow":[{"id":"1","module":"a:B","version":1.0,"x":0,"parameters":{"p":1},"mapper":{"m":1},` +
		`"filter":{"name":"f","y":0,"conditions":[[{"a":"1","o":"exist","z":0}]]},"routes":[{"flow":[{"id":2}],"disabled":false}],` +
		`"flags":{"groupBy":"g"},"branches":[{"type":"else","flow":[]}],"outputs":[{"name":"o","mappings":["m"]}],"filters":[null],` +
		`"onerror":[{"id":3}],"metadata":{"designer":{}}}],"metadata":{}}`
	first := func(bp *blueprint.Blueprint) *blueprint.Module { return &bp.Flow[0] }
	for name, c := range map[string]struct {
		change func(*blueprint.Blueprint)
		want   string // what must be there now
		gone   string // what must not be there any more
	}{
		"name":               {func(bp *blueprint.Blueprint) { bp.Name = "b" }, `{"name":"b",`, `"name":"a"`},
		"description":        {func(bp *blueprint.Blueprint) { bp.Description = "d" }, `,"description":"d"}`, ""},
		"scheduling":         {func(bp *blueprint.Blueprint) { bp.Scheduling = &blueprint.Object{} }, `,"scheduling":{}}`, ""},
		"id":                 {func(bp *blueprint.Blueprint) { first(bp).ID = 9 }, `{"id":9,"module"`, `"id":"1"`},
		"module":             {func(bp *blueprint.Blueprint) { first(bp).Name = "c:D" }, `"module":"c:D","version":1.0,"x":0`, "a:B"},
		"version":            {func(bp *blueprint.Blueprint) { first(bp).Version = 2 }, `"version":2,"x":0`, "1.0"},
		"a parameter":        {func(bp *blueprint.Blueprint) { first(bp).Parameters.Set("q", true) }, `"parameters":{"p":1,"q":true}`, ""},
		"parameters":         {func(bp *blueprint.Blueprint) { first(bp).Parameters = &blueprint.Object{} }, `"parameters":{}`, `"p"`},
		"no parameters":      {func(bp *blueprint.Blueprint) { first(bp).Parameters = nil }, `"x":0,"mapper"`, `"parameters"`},
		"mapped value":       {func(bp *blueprint.Blueprint) { first(bp).Mapper.Set("m", []any{"{{1.a}}", nil}) }, `"mapper":{"m":["{{1.a}}",null]}`, ""},
		"filter name":        {func(bp *blueprint.Blueprint) { first(bp).Filter.Name = "g" }, `"filter":{"name":"g","y":0,`, ""},
		"condition":          {func(bp *blueprint.Blueprint) { first(bp).Filter.Conditions[0][0].O = "notexist" }, `{"a":"1","o":"notexist","z":0}`, ""},
		"other side":         {func(bp *blueprint.Blueprint) { first(bp).Filter.Conditions[0][0].B = json.Number("1.50") }, `"z":0,"b":1.50}`, ""},
		"no left side":       {func(bp *blueprint.Blueprint) { first(bp).Filter.Conditions[0][0].A = nil }, `[[{"o":"exist","z":0}]]`, ""},
		"no conditions":      {func(bp *blueprint.Blueprint) { first(bp).Filter.Conditions = nil }, `"y":0,"conditions":[]`, "exist"},
		"no filter":          {func(bp *blueprint.Blueprint) { first(bp).Filter = nil }, `"mapper":{"m":1},"routes"`, `"filter"`},
		"another filter":     {func(bp *blueprint.Blueprint) { first(bp).Filter = &blueprint.Filter{Name: "g"} }, `"filter":{"name":"g","conditions":[]}`, "exist"},
		"flags":              {func(bp *blueprint.Blueprint) { first(bp).Flags = blueprint.Flags{GroupBy: "h", StopIfEmpty: true} }, `{"groupBy":"h","stopIfEmpty":true}`, ""},
		"route":              {func(bp *blueprint.Blueprint) { first(bp).Routes[0].Disabled = true }, `{"flow":[{"id":2}],"disabled":true}`, ""},
		"one route more":     {func(bp *blueprint.Blueprint) { first(bp).Routes = append(first(bp).Routes, blueprint.Route{}) }, `"disabled":false},{"flow":[]}]`, ""},
		"no routes":          {func(bp *blueprint.Blueprint) { first(bp).Routes = nil }, `"routes":[]`, `"id":2`},
		"module in a route":  {func(bp *blueprint.Blueprint) { first(bp).Routes[0].Flow[0].Version = 3 }, `[{"id":2,"version":3}]`, ""},
		"branch":             {func(bp *blueprint.Blueprint) { first(bp).Branches[0].Merge = true }, `{"type":"else","flow":[],"merge":true}`, ""},
		"branch type":        {func(bp *blueprint.Blueprint) { first(bp).Branches[0].Type = "condition" }, `{"type":"condition","flow":[]}`, ""},
		"output":             {func(bp *blueprint.Blueprint) { first(bp).Outputs[0].Mappings[0] = "n" }, `{"name":"o","mappings":["n"]}`, ""},
		"filter of a branch": {func(bp *blueprint.Blueprint) { first(bp).Filters[0] = &blueprint.Filter{} }, `"filters":[{"conditions":[]}]`, ""},
		"error route":        {func(bp *blueprint.Blueprint) { first(bp).OnError = first(bp).OnError[:0] }, `"onerror":[]`, `"id":3`},
		"module metadata":    {func(bp *blueprint.Blueprint) { first(bp).Metadata.Delete("designer") }, `"metadata":{}}]`, "designer"},
		"a module more": {
			func(bp *blueprint.Blueprint) {
				bp.Flow = append(bp.Flow, blueprint.Module{ID: 4, Name: "util:ComposeTransformer", Version: 1})
			},
			`,{"id":4,"module":"util:ComposeTransformer","version":1,"parameters":{},"mapper":null,"metadata":{}}]`, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bp := parse(t, text)
			c.change(bp)
			out := marshal(t, bp)
			require.Contains(t, out, c.want)
			if c.gone != "" {
				require.NotContains(t, out, c.gone)
			}
			require.Equal(t, out, marshal(t, parse(t, out)))
		})
	}
}

func TestOddValuesAreReplacedByWhatIsSet(t *testing.T) {
	t.Parallel()
	bp := parse(t, `{"name":7,"flow":["x",{"id":"y","module":1,"filter":"z","mapper":[],"routes":{},"branches":[null],"outputs":{},"flags":[]}]}`)
	bp.Name = "n"
	bp.Flow[0].ID, bp.Flow[0].Name, bp.Flow[0].Version = 1, "builtin:Ignore", 1
	m := &bp.Flow[1]
	m.ID, m.Name = 2, "a:B"
	m.Filter = &blueprint.Filter{Conditions: [][]blueprint.Condition{{{A: "{{1.a}}", O: "exist"}, {A: "1", O: "text:equal", B: "2"}}}}
	m.Mapper = &blueprint.Object{}
	m.Routes = []blueprint.Route{{Flow: []blueprint.Module{}, Disabled: true}}
	m.Branches[0] = blueprint.Branch{Type: "condition", Label: "l", Merge: true}
	m.Outputs = []blueprint.Output{{Name: "o", Mappings: []any{1, 2.5, true}}}
	m.Flags.StopIfEmpty = true
	exactly(t, `{"name":"n","flow":[{"id":1,"module":"builtin:Ignore","version":1,"metadata":{}},`+
		`{"id":2,"module":"a:B","filter":{"conditions":[[{"a":"{{1.a}}","o":"exist"},{"a":"1","o":"text:equal","b":"2"}]]},"mapper":{},`+
		`"routes":[{"flow":[],"disabled":true}],"branches":[{"type":"condition","label":"l","merge":true,"flow":[]}],`+
		`"outputs":[{"name":"o","mappings":[1,2.5,true]}],"flags":{"stopIfEmpty":true}}]}`, marshal(t, bp))
}

func TestBlueprintMadeInCodeIsAsMakeWritesIt(t *testing.T) {
	t.Parallel()
	exactly(t, `{"name":"","flow":[],"metadata":{}}`, marshal(t, &blueprint.Blueprint{}))

	var mapper blueprint.Object
	mapper.Set("url", "https://example.com/?a=1&b=<2>")
	mapper.Set("headers", []map[string]string{{"name": "Accept", "value": "*/*"}})
	bp := &blueprint.Blueprint{Name: "New", Flow: []blueprint.Module{{
		ID: 1, Name: "http:ActionSendData", Version: 3, Mapper: &mapper,
		OnError: []blueprint.Module{{ID: 2, Name: blueprint.Ignore, Version: 1}},
	}}}
	exactly(t, `{"name":"New","flow":[{"id":1,"module":"http:ActionSendData","version":3,"parameters":{},`+
		`"mapper":{"url":"https://example.com/?a=1&b=<2>","headers":[{"name":"Accept","value":"*/*"}]},"metadata":{},`+
		`"onerror":[{"id":2,"module":"builtin:Ignore","version":1,"metadata":{}}]}],"metadata":{}}`, marshal(t, bp))
}

func TestMarshalRefusesWhatJSONCannotHold(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]any{
		"a channel":    make(chan int),
		"infinity":     math.Inf(1),
		"no number":    json.Number("NaN"),
		"empty number": json.Number(""),
		"two numbers":  json.Number("1 2"),
		"deep":         []any{map[string]any{"x": func() {}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bp := parse(t, `{"flow":[{"id":1,"mapper":{"a":1}},{"id":2}]}`)
			bp.Flow[0].Mapper.Set("b", value)
			_, err := blueprint.Marshal(bp)
			require.ErrorIs(t, err, blueprint.ErrValue)
		})
	}
}

func TestMarshalNeverWritesBytesThatAreNotUTF8(t *testing.T) {
	t.Parallel()
	bp := parse(t, `{"flow":[]}`)
	bp.Name = "caf\xe9 \xed\xa0"
	exactly(t, "{\"flow\":[],\"name\":\"caf\ufffd \ufffd\ufffd\"}", marshal(t, bp))
}
