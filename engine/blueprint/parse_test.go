package blueprint_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine/blueprint"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return data
}

func parse(t testing.TB, text string) *blueprint.Blueprint {
	t.Helper()
	bp, err := blueprint.Parse([]byte(text))
	require.NoError(t, err)
	return bp
}

func TestParseReadsEveryPartOfABlueprint(t *testing.T) {
	t.Parallel()
	bp := parse(t, string(fixture(t, "order.json")))
	require.Equal(t, "Orders", bp.Name)
	require.Len(t, bp.Flow, 5)

	hook := bp.Flow[0]
	require.Equal(t, "An order comes in", hook.Title())
	require.Equal(t, "gateway", hook.App())
	require.Equal(t, blueprint.KindTrigger, hook.Kind())
	require.NotNil(t, hook.Mapper)
	require.Zero(t, hook.Mapper.Len())

	call := bp.Flow[2]
	require.Equal(t, "http:ActionSendData", call.Title())
	require.Equal(t, 3, call.Version)
	require.Equal(t, "has a number", call.Filter.Name)
	require.Len(t, call.Filter.Conditions, 2)
	require.Equal(t, "exist", call.Filter.Conditions[0][0].O)
	require.Nil(t, call.Filter.Conditions[0][0].B)
	require.Equal(t, "{{12.quantity}}", call.Filter.Conditions[0][1].A)
	require.Equal(t, "0", call.Filter.Conditions[0][1].B)
	require.Len(t, call.OnError, 2)
	require.Equal(t, blueprint.KindDirective, call.OnError[1].Kind())
	require.Nil(t, call.OnError[1].Parameters)
	timeout, ok := call.Mapper.Get("timeout")
	require.True(t, ok)
	require.Equal(t, json.Number("4.0e1"), timeout)

	aggregator := bp.Flow[3]
	require.Equal(t, blueprint.Flags{GroupBy: "{{12.sku}}", StopIfEmpty: true}, aggregator.Flags)
	require.Equal(t, blueprint.KindAggregator, aggregator.Kind())
	feeder, ok := aggregator.Feeder()
	require.True(t, ok)
	require.Equal(t, 12, feeder)

	router := bp.Flow[4]
	require.Nil(t, router.Mapper)
	require.Len(t, router.Routes, 3)
	require.True(t, router.Routes[1].Disabled)
	fallback, ok := router.Fallback()
	require.True(t, ok)
	require.Equal(t, 2, fallback)
	require.Equal(t, "app#my-crm-x1", router.Routes[0].Flow[0].App())
	note, _ := router.Routes[0].Flow[0].Mapper.Get("note")
	require.Equal(t, "café 😀 <b>&</b>", note)

	bp = parse(t, string(fixture(t, "ifelse.json")))
	branches := bp.Flow[1].Branches
	require.Len(t, branches, 3)
	require.Equal(t, "condition", branches[0].Type)
	require.Equal(t, "urgent", branches[0].Label)
	require.True(t, branches[0].Merge)
	require.False(t, branches[1].Merge)
	require.Equal(t, true, branches[1].Conditions[0][0].B)
	merge := bp.Flow[2]
	require.Equal(t, []any{"{{3.value}}", "{{5.value}}"}, merge.Outputs[0].Mappings)
	require.Nil(t, merge.Filters[0])
	require.Equal(t, "only with an id", merge.Filters[1].Name)
}

func TestParseUnwraps(t *testing.T) {
	t.Parallel()
	const inner = `{"name":"x","flow":[{"id":1,"module":"a:B","version":1}]}`
	encoded := strconv.Quote(inner)
	for name, text := range map[string]string{
		"nothing":                 inner,
		"a byte order mark":       "\ufeff" + inner,
		"an answer":               `{"code":"OK","response":{"blueprint":` + inner + `,"created":"now"}}`,
		"a template":              `{"blueprint":` + inner + `}`,
		"a text":                  encoded,
		"a text in an answer":     `{"response":{"blueprint":` + encoded + `}}`,
		"an answer that is text":  `{"response":` + strconv.Quote(`{"blueprint":`+inner+`}`) + `}`,
		"an incomplete execution": `{"failer":1,"blueprint":` + inner + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := blueprint.Marshal(parse(t, text))
			require.NoError(t, err)
			exactly(t, inner, string(out))
		})
	}
}

func TestWhatStoodAroundTheBlueprintIsKept(t *testing.T) {
	t.Parallel()
	bp := parse(t, string(fixture(t, "wrapped.json")))
	require.Equal(t, "Wrapped", bp.Name)
	created, ok := bp.Envelope.Get("created")
	require.True(t, ok)
	require.Equal(t, "2021-07-22T08:51:36.000Z", created)
	_, ok = bp.Envelope.Get("blueprint")
	require.False(t, ok)

	kind, _ := bp.Schedule().Get("type")
	require.Equal(t, "indefinitely", kind)
	require.Nil(t, bp.Scheduling)
	require.Equal(t, "customer", bp.Inputs()[0].Name)
	require.True(t, bp.Inputs()[0].Required)
	require.Equal(t, "greeting", bp.Outputs()[0].Name)

	out, err := blueprint.Marshal(bp)
	require.NoError(t, err)
	require.NotContains(t, string(out), "scheduling")
}

func TestScheduleAndInterfaceOfTheBlueprintWin(t *testing.T) {
	t.Parallel()
	bp := parse(t, `{"scheduling":"{\"type\":\"once\"}","blueprint":{"flow":[],"io":{"input_spec":[{"name":"old"}]},"interface":{"input":[{"name":"new"}]}}}`)
	kind, _ := bp.Schedule().Get("type")
	require.Equal(t, "once", kind)
	require.Equal(t, "new", bp.Inputs()[0].Name)
	require.Nil(t, bp.Outputs())

	bp = parse(t, `{"scheduling":{"type":"once"},"blueprint":{"flow":[],"scheduling":{"type":"daily"}}}`)
	kind, _ = bp.Schedule().Get("type")
	require.Equal(t, "daily", kind)

	require.Nil(t, parse(t, `{"flow":[]}`).Schedule())
}

func TestClipboardBecomesAFlowAndOrphans(t *testing.T) {
	t.Parallel()
	bp := parse(t, string(fixture(t, "clipboard.json")))
	require.Len(t, bp.Flow, 1)
	require.Equal(t, 4, bp.Flow[0].ID)
	out, err := blueprint.Marshal(bp)
	require.NoError(t, err)
	require.JSONEq(t, `{
		"flow": [{"id": 4, "module": "util:ComposeTransformer", "version": 1, "parameters": {}, "mapper": {"value": "{{9.value}}"}}],
		"metadata": {"version": 1, "designer": {"orphans": [
			[{"id": 9, "module": "util:ComposeTransformer", "version": 1, "parameters": {}, "mapper": {"value": "x"}}]]}}}`, string(out))
	require.Equal(t, []string{
		"0 name no-name warning",
		"4 mapper.value:3 unknown-reference warning",
	}, brief(blueprint.Check(bp, blueprint.CheckOptions{Language: lexer{}})))
}

func TestParseTellsLineAndColumn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text         string
		line, column int
		message      string
	}{
		"empty":                  {"", 1, 1, "expected a value, found the end of the file"},
		"missing comma":          {"{\"name\": \"é\"\n  \"flow\": []}", 2, 3, `expected a comma or } after a value, found '"'`},
		"characters, not bytes":  {`{"name": "é😀" "flow": []}`, 1, 15, `expected a comma or } after a value, found '"'`},
		"trailing comma":         {"{\"flow\": [1,\n]}", 2, 1, "expected a value, found ']'"},
		"trailing comma, object": {`{"flow": [],}`, 1, 13, "expected the name of a field in double quotes, found '}'"},
		"single quotes":          {`{'flow': []}`, 1, 2, `expected the name of a field in double quotes, found '\''`},
		"missing colon":          {`{"flow" []}`, 1, 9, "expected a colon after the name of a field, found '['"},
		"raw line break":         {"{\"flow\": \"a\nb\"}", 1, 12, `a text must not hold a raw control character such as a line break: write it as an escape (\n)`},
		"line break, escaped":    {"{\"flow\": \"\\ta\nb\"}", 1, 14, `a text must not hold a raw control character such as a line break: write it as an escape (\n)`},
		"open text":              {`{"flow": "a`, 1, 12, "expected the closing quote of a text, found the end of the file"},
		"open escaped text":      {`{"flow": "\t`, 1, 13, "expected the closing quote of a text, found the end of the file"},
		"unknown escape":         {`{"flow": "\x41"}`, 1, 12, `expected an escape (\" \\ \/ \b \f \n \r \t \u0000), found 'x'`},
		"short escape":           {`{"flow": "\u12g4"}`, 1, 15, `expected four hexadecimal digits after \u, found 'g'`},
		"short second half":      {`{"flow": "\ud83d\uZ"}`, 1, 19, `expected four hexadecimal digits after \u, found 'Z'`},
		"leading zero":           {`{"id": 01}`, 1, 9, "expected a comma or } after a value, found '1'"},
		"no digits":              {`{"id": -}`, 1, 9, "expected a digit, found '}'"},
		"no decimals":            {`{"id": 1.}`, 1, 10, "expected a digit after the decimal point, found '}'"},
		"no exponent":            {`{"id": 1e+}`, 1, 11, "expected a digit in the exponent, found '}'"},
		"word":                   {`{"id": undefined}`, 1, 8, "expected a value, found 'u'"},
		"two values":             {"{\"flow\": []}\n{}", 2, 1, "expected the end of the file, found '{'"},
		"not UTF-8":              {"{\"flow\":\n\"caf\xe9\"}", 2, 5, "expected UTF-8, found the byte 0xE9: save the file as UTF-8"},
		"UTF-16":                 {"\xff\xfe{\x00", 1, 1, "the file is UTF-16: save it as UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := blueprint.Parse([]byte(c.text))
			require.ErrorIs(t, err, blueprint.ErrSyntax)
			syntax, ok := errors.AsType[*blueprint.SyntaxError](err)
			require.True(t, ok)
			require.Equal(t, blueprint.SyntaxError{Line: c.line, Column: c.column, Message: c.message}, *syntax)
		})
	}
}

func TestSyntaxErrorNamesTheTextThatItIsIn(t *testing.T) {
	t.Parallel()
	_, err := blueprint.Parse([]byte(`{"blueprint": "{\n\"flow\": }"}`))
	require.EqualError(t, err, `blueprint: not valid JSON: in the text of "blueprint", line 2, column 9: expected a value, found '}'`)
}

func TestParseRefusesWhatIsNoBlueprint(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a list":               `[{"id": 1}]`,
		"a number":             `7`,
		"null":                 `null`,
		"no flow":              `{"name": "x", "modules": []}`,
		"an error of the API":  `{"code": "SC404", "message": "not found"}`,
		"null in a wrapper":    `{"blueprint": null}`,
		"empty clipboard":      `{"subflows": []}`,
		"clipboard of nothing": `{"subflows": [null, {}]}`,
		"wrappers for ever":    strings.Repeat(`{"blueprint":`, 20) + `{}` + strings.Repeat(`}`, 20),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := blueprint.Parse([]byte(text))
			require.ErrorIs(t, err, blueprint.ErrNotBlueprint)
		})
	}
}

func TestParseKeepsItsLimits(t *testing.T) {
	t.Parallel()
	const text = `{"flow":[{"id":1,"onerror":[{"id":2}]},{"id":3,"routes":[{"flow":[{"id":4}]}]}]}`
	for name, c := range map[string]struct {
		limits blueprint.Limits
		want   error
	}{
		"defaults":         {blueprint.Limits{}, nil},
		"exactly":          {blueprint.Limits{MaxBytes: int64(len(text)), MaxDepth: 7, MaxModules: 4}, nil},
		"too large":        {blueprint.Limits{MaxBytes: int64(len(text)) - 1}, blueprint.ErrTooLarge},
		"too deep":         {blueprint.Limits{MaxDepth: 6}, blueprint.ErrTooDeep},
		"too many modules": {blueprint.Limits{MaxModules: 3}, blueprint.ErrTooManyModules},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := c.limits.Parse([]byte(text))
			require.ErrorIs(t, err, c.want)
		})
	}
	for name, deep := range map[string]string{
		"objects":     strings.Repeat(`{"flow":`, 1e6),
		"lists":       `{"flow":` + strings.Repeat(`[`, 1e6),
		"in a text":   strconv.Quote(strings.Repeat(`[`, 1e6)),
		"error route": `{"flow":` + strings.Repeat(`[{"onerror":`, 5e5),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := blueprint.Parse([]byte(deep))
			require.ErrorIs(t, err, blueprint.ErrTooDeep)
		})
	}
}

func TestOddModulesNeverFailTheParse(t *testing.T) {
	t.Parallel()
	odd := []string{`null`, `true`, `7`, `"x"`, `[]`, `[1]`, `{}`, `{"a":[{"b":null}]}`, `1.5`, `1e999`, `-0`, `"7"`, `[[]]`, `[[{}]]`, `[{}]`, `[null]`, `[{"flow":7}]`}
	fields := []string{
		"id", "module", "version", "parameters", "mapper", "filter", "flags", "routes", "branches", "outputs", "filters", "onerror", "metadata",
	}
	for _, field := range fields {
		for _, value := range odd {
			text := `{"flow":[{"` + field + `":` + value + `}]}`
			bp := parse(t, text)
			out, err := blueprint.Marshal(bp)
			require.NoError(t, err)
			exactly(t, text, string(out))
			require.NotEmpty(t, blueprint.Check(bp, blueprint.CheckOptions{Language: lexer{}, Catalog: basics}))
		}
	}
	for _, field := range []string{"name", "description", "flow", "metadata", "scheduling", "interface", "io"} {
		for _, value := range odd {
			text := `{"x":1,"` + field + `":` + value + `,"flow":[]}`
			if field == "flow" {
				text = `{"flow":` + value + `}`
			}
			out, err := blueprint.Marshal(parse(t, text))
			require.NoError(t, err)
			exactly(t, text, string(out))
		}
	}
	for _, value := range odd {
		text := `{"flow":[` + value + `]}`
		out, err := blueprint.Marshal(parse(t, text))
		require.NoError(t, err)
		exactly(t, text, string(out))
	}
}

func TestIdsAreReadFromTextsAndFloats(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		`7`: 7, `7.0`: 7, `70e-1`: 7, `"7"`: 7, `" 7 "`: 7, `-7`: -7, `7.5`: 0, `"x"`: 0, `"0x7"`: 0, `""`: 0, `1e300`: 0,
		`9007199254740993.0`: 9007199254740992, `18014398509481984.0`: 0, `99999999999999999999`: 0, `true`: 0, `null`: 0,
	} {
		require.Equal(t, want, parse(t, `{"flow":[{"id":`+text+`}]}`).Flow[0].ID, text)
	}
}

func TestBlueprintGoesThroughEncodingJSON(t *testing.T) {
	t.Parallel()
	var deployment struct {
		Blueprint blueprint.Blueprint
		Defaults  blueprint.Object
		Nothing   blueprint.Object
	}
	text := `{"Blueprint":{"name":"x","flow":[],"z":1,"a":2},"Defaults":{"z":1.0,"a":null},"Nothing":{}}`
	require.NoError(t, json.Unmarshal([]byte(text), &deployment))
	out, err := json.Marshal(&deployment)
	require.NoError(t, err)
	exactly(t, text, string(out))

	require.ErrorIs(t, json.Unmarshal([]byte(`{"Blueprint":{}}`), &deployment), blueprint.ErrNotBlueprint)
	require.ErrorIs(t, json.Unmarshal([]byte(`{"Defaults":[]}`), &deployment), blueprint.ErrNotObject)

	require.NoError(t, deployment.Defaults.UnmarshalJSON([]byte(`null`)))
	require.Equal(t, 2, deployment.Defaults.Len())
	require.ErrorIs(t, deployment.Defaults.UnmarshalJSON([]byte(`{"a"}`)), blueprint.ErrSyntax)
	require.ErrorIs(t, deployment.Defaults.UnmarshalJSON([]byte("\"\xff\"")), blueprint.ErrSyntax)
}
