package blueprint_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine/blueprint"
)

// brief writes problems as "module field[:column] code severity".
func brief(problems []blueprint.Problem) []string {
	var out []string
	for _, p := range problems {
		field := p.Field
		if p.Column > 0 {
			field = fmt.Sprintf("%s:%d", field, p.Column)
		}
		out = append(out, fmt.Sprintf("%d %s %s %s", p.Module, field, p.Code, p.Severity))
	}
	return out
}

// whole is what the tests check with unless they say otherwise.
var whole = blueprint.CheckOptions{Language: lexer{}, Catalog: basics}

func TestGoodBlueprintsHaveNoProblems(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ifelse.json", "wrapped.json"} {
		require.Nil(t, blueprint.Check(parse(t, string(fixture(t, name))), whole), name)
	}
}

func TestDisabledRoutesHaveWarningsOnly(t *testing.T) {
	t.Parallel()
	problems := blueprint.Check(parse(t, string(fixture(t, "order.json"))), whole)
	require.Equal(t, []string{"8 version unknown-version warning"}, brief(problems))
	require.True(t, blueprint.OK(problems))
}

func TestAllProblemsAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	problems := blueprint.Check(parse(t, string(fixture(t, "handwritten.json"))), whole)
	require.Equal(t, []string{
		"0 name wrong-type warning",
		"0 metadata.scenario.roundtrips bad-setting warning",
		"0 metadata.scenario.dlq bad-setting warning",
		"1 id wrong-type warning",
		"1 version wrong-type warning",
		"1 module unknown-module error",
		"2 onerror router-on-error warning",
		"2 parameters.routes misplaced-routes warning",
		"2 routes[0].filter misplaced-filter warning",
		"2 routes[1] wrong-type error",
		"2 parameters.else bad-fallback warning",
		"3 filter.conditions bad-condition error",
		"4 parameters.feeder feeder-not-upstream error",
		"4 mapper.value:3 other-route warning",
		"4 mapper wrong-type error",
		"4 id duplicate-id error",
		"4 module bad-module-name warning",
		"4 module unknown-app warning",
		"0 flow[1].routes[2].flow[2] wrong-type error",
		`0 flow[1].routes[2].flow[3].mapper["a b"][0]:1 broken-text error`,
		"0 flow[1].routes[2].flow[3].id bad-id error",
		"0 flow[1].routes[2].flow[3].version bad-version error",
		"0 flow[1].routes[2].flow[3].module stray-directive error",
		"8 module break-without-dlq warning",
		"6 id duplicate-key error",
		"6 mapper.name duplicate-key error",
		"6  unreachable error",
		"6 filter.conditions[0][0].o unknown-operator error",
		"6 filter.conditions[0][0].a:3 self-reference warning",
		"6 filter.conditions[0][1] bad-condition error",
		"6 mapper.value:3 unknown-reference warning",
	}, brief(problems))
	require.False(t, blueprint.OK(problems))
}

// inFlow puts modules, written as JSON, into the flow of a blueprint.
func inFlow(modules string) string {
	return `{"name":"x","flow":[` + modules + `],"metadata":{"scenario":{"dlq":true}}}`
}

// m writes a module; more are further fields.
func m(id int, name string, more ...string) string {
	fields := append([]string{fmt.Sprintf(`"id":%d,"module":%q,"version":1`, id, name)}, more...)
	return `{` + strings.Join(fields, ",") + `}`
}

func set(id int, value string) string {
	return m(id, "util:ComposeTransformer", fmt.Sprintf(`"mapper":{"value":%q}`, value))
}

const (
	hook    = `{"id":1,"module":"gateway:CustomWebHook","version":1,"parameters":{"hook":1},"mapper":{}}`
	iterate = `{"id":2,"module":"builtin:BasicFeeder","version":1,"mapper":{"array":"{{1.a}}"}}`
	passes  = `"filter":{"name":"f","conditions":[[{"a":"{{1.a}}","o":"exist"}]]}`
)

func aggregate(id, feeder int) string {
	return m(id, "builtin:BasicAggregator", fmt.Sprintf(`"parameters":{"feeder":%d}`, feeder), `"mapper":{}`)
}

func router(id int, routes ...string) string {
	for i := range routes {
		routes[i] = `{"flow":[` + routes[i] + `]}`
	}
	return m(id, "builtin:BasicRouter", `"routes":[`+strings.Join(routes, ",")+`]`)
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		// The scenario.
		"no name":            {`{"flow":[` + hook + `]}`, []string{"0 name no-name warning"}},
		"no module":          {`{"name":"x","flow":[]}`, []string{"0 flow empty-flow error"}},
		"flow is no list":    {`{"name":"x","flow":{}}`, []string{"0 flow wrong-type error"}},
		"metadata is a list": {`{"name":"x","flow":[` + hook + `],"metadata":[1]}`, []string{"0 metadata wrong-type warning"}},
		"half a character in the name": {
			`{"name":"é\ud83d","flow":[` + hook + `]}`, []string{"0 name:2 broken-text error"},
		},
		"repeated in metadata": {
			`{"name":"x","flow":[` + hook + `],"metadata":{"a":[{"b":1,"b":2}]}}`, []string{"0 metadata.a[0].b duplicate-key warning"},
		},
		"repeated setting": {
			`{"name":"x","flow":[` + hook + `],"metadata":{"scenario":{"dlq":true,"dlq":true,"dlq":false}}}`,
			[]string{"0 metadata.scenario.dlq duplicate-key warning"},
		},
		"confidential and stored": {
			`{"name":"x","flow":[` + hook + `],"metadata":{"scenario":{"confidential":true,"dlq":true}}}`,
			[]string{"0 metadata.scenario.dlq confidential-dlq warning"},
		},

		// Modules.
		"no id":               {inFlow(hook + `,{"module":"a:B","version":1}`), []string{"0 flow[1].id bad-id error"}},
		"no id, odd name":     {inFlow(hook + `,{"module":"a:B","version":1,"a b":["\ud83d"]}`), []string{`0 flow[1]["a b"][0]:1 broken-text error`, "0 flow[1].id bad-id error"}},
		"broken id":           {inFlow(hook + `,{"id":1.5,"module":"a:B","version":1}`), []string{"0 flow[1].id bad-id error"}},
		"id zero":             {inFlow(hook + `,{"id":0,"module":"a:B","version":1}`), []string{"0 flow[1].id bad-id error"}},
		"no module name":      {inFlow(hook + `,{"id":2,"version":1}`), []string{"2 module bad-module-name error"}},
		"name is a list":      {inFlow(hook + `,{"id":2,"module":[],"version":1}`), []string{"2 module bad-module-name error"}},
		"name in capital":     {inFlow(hook + `,` + m(2, "Slack:Send")), []string{"2 module bad-module-name warning"}},
		"hyphen in name":      {inFlow(hook + `,` + m(2, "slack:send-it")), []string{"2 module bad-module-name warning"}},
		"custom app":          {inFlow(hook + `,` + m(2, "app#my-app-x1:doIt")), nil},
		"name without an app": {inFlow(hook + `,` + m(2, ":Send")), []string{"2 module bad-module-name error"}},
		"custom nothing":      {inFlow(hook + `,` + m(2, "app#:doIt")), []string{"2 module bad-module-name warning"}},
		"no version":          {inFlow(hook + `,{"id":2,"module":"a:B"}`), []string{"2 version bad-version error"}},
		"version zero":        {inFlow(hook + `,{"id":2,"module":"ai-local-agent:RunLocalAIAgent","version":0}`), nil},
		"negative":            {inFlow(hook + `,{"id":2,"module":"a:B","version":-1}`), []string{"2 version bad-version error"}},
		"broken version":      {inFlow(hook + `,{"id":2,"module":"a:B","version":"new"}`), []string{"2 version bad-version error"}},
		"another version":     {inFlow(hook + `,` + m(2, "http:ActionSendData", `"mapper":{"url":"u","method":"get"}`)), []string{"2 version unknown-version error"}},
		"placeholder":         {inFlow(hook + `,{"id":2,"module":"placeholder:Placeholder","metadata":{}}`), []string{"2 module placeholder warning"}},
		"same id in another route": {
			inFlow(hook + `,` + router(2, m(3, "a:B", passes), m(3, "a:C"))), []string{"3 id duplicate-id error"},
		},
		"same id in an error route": {
			inFlow(m(1, "a:B", `"onerror":[`+m(1, "builtin:Ignore")+`]`)), []string{"1 id duplicate-id error"},
		},
		"parameters that are text": {inFlow(m(1, "a:B", `"parameters":"x"`)), []string{"1 parameters wrong-type error"}},
		"flags of another type": {
			inFlow(m(1, "a:B", `"flags":{"groupBy":1,"stopIfEmpty":"if"}`)),
			[]string{"1 flags.groupBy wrong-type error", "1 flags.stopIfEmpty wrong-type error"},
		},
		"error route as an object":          {inFlow(m(1, "a:B", `"onerror":{"flow":[]}`)), []string{"1 onerror wrong-type error"}},
		"metadata of a module":              {inFlow(m(1, "a:B", `"metadata":"x"`)), []string{"1 metadata wrong-type warning"}},
		"empty lists for objects":           {inFlow(m(1, "a:B", `"parameters":[],"mapper":[],"filter":[],"flags":[],"metadata":[]`)), nil},
		"half a character in a mapped text": {inFlow(m(1, "a:B", `"mapper":{"x":{"y":["ab\ud83d"]}}`)), []string{"1 mapper.x.y[0]:3 broken-text error"}},
		"half a character in a sample":      {inFlow(m(1, "a:B", `"metadata":{"x":"\ud83d"}`)), []string{"1 metadata.x:1 broken-text warning"}},
		"repeated in a route":               {inFlow(m(1, "builtin:BasicRouter", `"routes":[{"flow":[],"flow":[`+m(2, "a:B")+`]}]`)), []string{"1 routes[0].flow duplicate-key error"}},

		// Positions.
		"filter on the first module": {inFlow(m(1, "a:B", passes)), []string{"1 filter first-filter error", "1 filter.conditions[0][0].a:3 self-reference warning"}},
		"label on the first module":  {inFlow(m(1, "a:B", `"filter":{"name":"x","conditions":[]}`)), nil},
		"label without conditions":   {inFlow(m(1, "a:B", `"filter":{"name":"x"}`)), nil},
		"trigger in the middle":      {inFlow(hook + `,{"id":2,"module":"gateway:CustomWebHook","version":1}`), []string{"2 module trigger-not-first error"}},
		"directive in the flow":      {inFlow(hook + `,` + m(2, "builtin:Commit") + `,` + set(3, "x")), []string{"2 module stray-directive error", "3  unreachable warning"}},
		"behind a directive":         {inFlow(m(1, "a:B", `"onerror":[`+m(2, "builtin:Ignore")+`,`+set(3, "x")+`]`)), []string{"3  unreachable warning"}},
		"directive on a route":       {inFlow(m(1, "a:B", `"onerror":[`+router(2, m(3, "builtin:Resume", passes), m(4, "builtin:Rollback"))+`]`)), nil},
		"error route of an error route": {
			inFlow(m(1, "a:B", `"onerror":[`+m(2, "a:C", `"mapper":{"x":"{{1.error.message}}"}`, `"onerror":[`+m(3, "builtin:Resume", `"mapper":{"x":"{{1.error.message}} {{2.error.message}}"}`)+`]`)+`]`)), nil,
		},
		"break without storing": {
			`{"name":"x","flow":[` + m(1, "a:B", `"onerror":[`+m(2, "builtin:Break")+`]`) + `]}`, []string{"2 module break-without-dlq warning"},
		},

		// Routers.
		"router without routes": {inFlow(hook + `,` + m(2, "builtin:BasicRouter")), []string{"2 routes no-routes error"}},
		"router with none":      {inFlow(hook + `,` + m(2, "builtin:BasicRouter", `"routes":[]`)), []string{"2 routes no-routes error"}},
		"routes as an object":   {inFlow(hook + `,` + m(2, "builtin:BasicRouter", `"routes":{}`)), []string{"2 routes wrong-type error"}},
		"flow of a route":       {inFlow(hook + `,` + m(2, "builtin:BasicRouter", `"routes":[{"flow":7,"disabled":"x"}]`)), []string{"2 routes[0].flow wrong-type error", "2 routes[0].disabled wrong-type error"}},
		"routes in the mapper":  {inFlow(hook + `,` + m(2, "builtin:BasicRouter", `"mapper":{"routes":[]}`)), []string{"2 mapper.routes misplaced-routes warning", "2 routes no-routes error"}},
		"routes of another":     {inFlow(m(1, "a:B", `"routes":[{"flow":[`+set(2, "x")+`]}]`)), []string{"1 routes misplaced-routes warning"}},
		"behind a router":       {inFlow(hook + `,` + router(2, set(3, "x")) + `,` + set(4, "{{3.value}}") + `,` + set(5, "x")), []string{"4  unreachable error", "4 mapper.value:3 other-route warning"}},
		"filter on a router":    {inFlow(hook + `,` + m(2, "builtin:BasicRouter", passes, `"routes":[{"flow":[]}]`)), nil},
		"condition on a route":  {inFlow(hook + `,` + m(2, "builtin:BasicRouter", `"routes":[{"flow":[],"conditions":[[{}]],"condition":"x","filter":{}}]`)), []string{"2 routes[0].conditions misplaced-filter warning", "2 routes[0].condition misplaced-filter warning"}},
		"fallback beyond":       {inFlow(hook + `,` + m(2, "builtin:BasicRouter", `"parameters":{"else":1}`, `"routes":[{"flow":[]}]`)), []string{"2 parameters.else bad-fallback warning"}},
		"fallback below":        {inFlow(hook + `,` + m(2, "builtin:BasicRouter", `"parameters":{"else":-1}`, `"routes":[{"flow":[]}]`)), []string{"2 parameters.else bad-fallback warning"}},
		"no fallback":           {inFlow(hook + `,` + m(2, "builtin:BasicRouter", `"parameters":{"else":null}`, `"routes":[{"flow":[]}]`)), nil},
		"fallback that never runs": {
			inFlow(hook + `,` + m(2, "builtin:BasicRouter", `"parameters":{"else":0}`, `"routes":[{"flow":[`+set(3, "x")+`]},{"flow":[`+set(4, "x")+`]}]`)),
			[]string{"2 parameters.else fallback-never-runs warning"},
		},
		"fallback beside a disabled route": {
			inFlow(hook + `,` + m(2, "builtin:BasicRouter", `"parameters":{"else":0}`, `"routes":[{"flow":[`+set(3, "x")+`]},{"disabled":true,"flow":[`+set(4, "x")+`]},{"flow":[]}]`)), nil,
		},
		"disabled fallback": {
			inFlow(hook + `,` + m(2, "builtin:BasicRouter", `"parameters":{"else":0}`, `"routes":[{"disabled":true,"flow":[]},{"flow":[`+set(4, "x")+`]}]`)), nil,
		},

		// If-else and merge.
		"no branches":             {inFlow(hook + `,` + m(2, "builtin:BasicIfElse")), []string{"2 branches no-routes error"}},
		"branches as text":        {inFlow(hook + `,` + m(2, "builtin:BasicIfElse", `"branches":"x"`)), []string{"2 branches wrong-type error"}},
		"branches of another":     {inFlow(m(1, "a:B", `"branches":[{"type":"else","flow":[]}]`)), []string{"1 branches misplaced-routes warning"}},
		"branch as a list":        {inFlow(hook + `,` + ifElse(2, `[]`)), []string{"2 branches[0] wrong-type error"}},
		"branch of unknown type":  {inFlow(hook + `,` + ifElse(2, `{"type":"case","flow":[`+set(3, "x")+`],"merge":1}`)), []string{"2 branches[0].merge wrong-type error", "2 branches[0].type bad-branch error"}},
		"two else":                {inFlow(hook + `,` + ifElse(2, otherwise(3, false), otherwise(4, false), otherwise(5, false))), []string{"2 branches[1].type second-else error"}},
		"else with conditions":    {inFlow(hook + `,` + ifElse(2, `{"type":"else","conditions":[[{"a":"{{1.a}}","o":"exist"}]],"flow":[`+set(3, "x")+`]}`)), []string{"2 branches[0].conditions else-conditions warning"}},
		"branch that never runs":  {inFlow(hook + `,` + ifElse(2, `{"type":"condition","conditions":[[]],"flow":[]}`)), []string{"2 branches[0].conditions branch-never-runs warning", "2 branches[0].flow branch-never-runs warning"}},
		"branch that is disabled": {inFlow(hook + `,` + ifElse(2, `{"type":"condition","disabled":true,"flow":[]}`)), nil},
		"conditions of a branch":  {inFlow(hook + `,` + ifElse(2, `{"type":"condition","conditions":[{"a":"x"}],"flow":[`+set(3, "x")+`]}`)), []string{"2 branches[0].conditions bad-condition error"}},
		"filter in a branch":      {inFlow(hook + `,` + ifElse(2, `{"type":"else","flow":[`+m(3, "a:B", passes)+`]}`)), []string{"2 branches[0].flow[0].filter misplaced-filter warning"}},
		"router in a branch":      {inFlow(hook + `,` + ifElse(2, `{"type":"else","flow":[`+set(3, "x")+`,`+router(4, set(5, "{{3.value}}"))+`]}`)), []string{"2 branches[0].flow[1] router-in-branch warning"}},
		"if-else in a branch":     {inFlow(hook + `,` + ifElse(2, `{"type":"else","flow":[`+ifElse(3, otherwise(4, false))+`]}`)), nil},
		"behind an if-else":       {inFlow(hook + `,` + ifElse(2, otherwise(3, false)) + `,` + set(4, "x")), []string{"4  unreachable error"}},
		"merge of nothing":        {inFlow(hook + `,` + ifElse(2, otherwise(3, false)) + `,` + m(4, "builtin:BasicMerge", `"outputs":[{"name":"a","mappings":["{{1.a}}"]}]`)), []string{"4  nothing-to-merge error"}},
		"merge alone":             {inFlow(hook + `,` + m(4, "builtin:BasicMerge")), []string{"4  stray-merge error"}},
		"merge first":             {inFlow(m(4, "builtin:BasicMerge")), []string{"4  stray-merge error"}},
		"no merge":                {inFlow(hook + `,` + ifElse(2, otherwise(3, true))), []string{"2 branches no-merge warning"}},
		"merge without outputs":   {inFlow(hook + `,` + ifElse(2, otherwise(3, true)) + `,` + m(4, "builtin:BasicMerge", `"outputs":{},"filters":[]`)), nil},
		"merge that does not fit": {
			inFlow(hook + `,` + ifElse(2, otherwise(3, true)) + `,` + m(4, "builtin:BasicMerge", `"outputs":[{"name":"a","mappings":[]},{"mappings":["{{3.value}}","{{9.x}}"]},7],"filters":[null,"x"]`)),
			[]string{
				"4 outputs[0].mappings merge-mismatch error", "4 outputs[1].name merge-mismatch error", "4 outputs[1].mappings merge-mismatch error",
				"4 outputs[2] wrong-type error", "4 filters merge-mismatch error", "4 filters[1] wrong-type error", "4 outputs[1].mappings[1]:3 unknown-reference warning",
			},
		},

		// Filters.
		"conditions as a flat list": {inFlow(hook + `,` + m(2, "a:B", `"filter":{"conditions":[{"a":"{{1.a}}","o":"exist"}]}`)), []string{"2 filter.conditions bad-condition error"}},
		"operator that is a number": {inFlow(hook + `,` + m(2, "a:B", `"filter":{"conditions":[[{"a":"{{1.a}}","o":1}]]}`)), []string{"2 filter.conditions bad-condition error"}},
		"empty condition":           {inFlow(hook + `,` + m(2, "a:B", `"filter":{"conditions":[[{}]]}`)), []string{"2 filter.conditions[0][0] bad-condition error"}},
		"default operator":          {inFlow(hook + `,` + m(2, "a:B", `"filter":{"conditions":[[{"a":"{{1.a}}","b":"x"}]]}`)), nil},
		"operators": {
			inFlow(hook + `,` + m(2, "a:B", `"filter":{"conditions":[[{"a":null,"o":"text:startswith"},{"a":"","o":"is"}],[{"a":"","o":"exist"}]]}`)),
			[]string{"2 filter.conditions[0][0].o unknown-operator error", "2 filter.conditions[0][1].o unknown-operator error"},
		},
		"operators of a search": {
			inFlow(hook + `,` + m(2, "datastore:SearchRecord", `"mapper":{"filter":[[{"a":"x","o":"text:Equal","b":"{{2.x}}"}]],"other":[[{"a":"x","o":"is"}]]}`)),
			[]string{"2 mapper.filter[0][0].b:3 self-reference warning", "2 mapper.filter[0][0].o unknown-operator warning"},
		},
		"operators of a declared filter": {
			inFlow(hook + `,` + m(2, "a:B", `"mapper":{"where":[[{"a":"x","o":"is"}]],"filter":[[{"a":"x","o":"is"}]]},"metadata":{"expect":[{"name":"where","type":"filter"}]}`)),
			[]string{"2 mapper.where[0][0].o unknown-operator warning"},
		},

		// Aggregators.
		"aggregator without a source":    {inFlow(hook + `,` + m(2, "util:TextAggregator", `"parameters":{}`)), []string{"2 parameters.feeder no-feeder error"}},
		"source that is a text":          {inFlow(hook + `,` + m(2, "util:TextAggregator", `"parameters":{"feeder":"first"}`)), []string{"2 parameters.feeder no-feeder error"}},
		"source as the text of a number": {inFlow(hook + `,` + m(2, "util:TextAggregator", `"parameters":{"feeder":"1"}`)), nil},
		"aggregator of another app":      {inFlow(hook + `,` + m(2, "archive:Create", `"parameters":{"feeder":9}`)), []string{"2 parameters.feeder feeder-not-upstream error"}},
		"source that runs later":         {inFlow(hook + `,` + aggregate(2, 3) + `,` + set(3, "x")), []string{"2 parameters.feeder feeder-not-upstream error"}},
		"source that is itself":          {inFlow(hook + `,` + aggregate(2, 2)), []string{"2 parameters.feeder feeder-not-upstream error"}},
		"source before the router":       {inFlow(hook + `,` + iterate + `,` + router(3, aggregate(4, 2), aggregate(5, 2)+`,`+set(6, "{{5.array}} {{1.a}}"))), nil},
		"source on another route":        {inFlow(hook + `,` + router(3, iterate, aggregate(5, 2))), []string{"5 parameters.feeder feeder-not-upstream error"}},
		"nested aggregators":             {inFlow(hook + `,` + iterate + `,` + m(3, "builtin:BasicRepeater") + `,` + aggregate(4, 3) + `,` + aggregate(5, 2) + `,` + aggregate(6, 1)), nil},
		"aggregated twice":               {inFlow(hook + `,` + iterate + `,` + aggregate(4, 2) + `,` + aggregate(5, 2)), []string{"5 parameters.feeder feeder-aggregated warning"}},
		"target":                         {inFlow(hook + `,` + iterate + `,` + m(3, "builtin:BasicAggregator", `"parameters":{"feeder":2,"target":"5.lines"}`) + `,` + router(4, set(5, "x"))), nil},
		"target that is gone":            {inFlow(hook + `,` + iterate + `,` + m(3, "builtin:BasicAggregator", `"parameters":{"feeder":2,"target":"9.lines"}`)), []string{"3 parameters.target unknown-target warning"}},
		"target before":                  {inFlow(hook + `,` + iterate + `,` + m(3, "builtin:BasicAggregator", `"parameters":{"feeder":2,"target":"2.lines"}`)), []string{"3 parameters.target unknown-target warning"}},
		"target on another route":        {inFlow(hook + `,` + iterate + `,` + router(4, m(3, "builtin:BasicAggregator", `"parameters":{"feeder":2,"target":"5.lines"}`), set(5, "x"))), []string{"3 parameters.target unknown-target warning"}},
		"target that is no module":       {inFlow(hook + `,` + iterate + `,` + m(3, "builtin:BasicAggregator", `"parameters":{"feeder":2,"target":"custom"}`)), nil},

		// References.
		"later module":         {inFlow(hook + `,` + set(2, "{{3.value}}") + `,` + set(3, "x")), []string{"2 mapper.value:3 later-reference warning"}},
		"each module once":     {inFlow(hook + `,` + set(2, "é{{9.a}} {{8.b}} {{9.c}}")), []string{"2 mapper.value:4 unknown-reference warning", "2 mapper.value:12 unknown-reference warning"}},
		"sibling route":        {inFlow(hook + `,` + router(2, set(3, "x"), set(4, "{{3.value}} {{1.a}}"))), []string{"4 mapper.value:3 other-route warning"}},
		"later sibling route":  {inFlow(hook + `,` + router(2, set(3, "{{4.value}}"), set(4, "x"))), []string{"3 mapper.value:3 other-route warning"}},
		"route of a later one": {inFlow(hook + `,` + set(5, "{{3.value}}") + `,` + router(2, set(3, "x"))), []string{"5 mapper.value:3 later-reference warning"}},
		"nested routes":        {inFlow(hook + `,` + router(2, set(3, "x")+`,`+router(4, set(5, "{{3.value}} {{1.a}}")))), nil},
		"error route from outside": {
			inFlow(m(1, "a:B", `"onerror":[`+set(2, "{{1.error.message}}")+`]`) + `,` + set(3, "{{2.value}}{{1.a}}")),
			[]string{"3 mapper.value:3 error-route-reference warning"},
		},
		"error route that reads what failed":     {inFlow(hook + `,` + m(2, "a:B", `"onerror":[`+m(3, "builtin:Ignore", `"filter":{"conditions":[[{"a":"{{2.error.message}}","o":"exist"}]]}`)+`]`)), nil},
		"the module's own error outside":         {inFlow(hook + `,` + m(2, "a:B", `"mapper":{"x":"{{2.error.message}}"}`)), []string{"2 mapper.x:3 self-reference warning"}},
		"between an aggregator and its source":   {inFlow(hook + `,` + iterate + `,` + set(3, "{{2.value}}") + `,` + aggregate(4, 2) + `,` + set(5, "{{3.value}} {{2.value}} {{4.array}} {{1.a}}")), []string{"5 mapper.value:3 aggregated-reference warning", "5 mapper.value:15 aggregated-reference warning"}},
		"behind the aggregator of another route": {inFlow(hook + `,` + iterate + `,` + router(3, aggregate(4, 2), set(5, "{{2.value}}"))), nil},
		"an aggregator's own mapper":             {inFlow(hook + `,` + iterate + `,` + m(3, "builtin:BasicAggregator", `"parameters":{"feeder":2}`, `"flags":{"groupBy":"{{2.k}} {{9.k}}"}`, `"mapper":{"a":"{{2.value}}"}`, passes)), []string{"3 flags.groupBy:11 unknown-reference warning"}},
		"another branch":                         {inFlow(hook + `,` + ifElse(2, `{"type":"condition","conditions":[[{"a":"{{4.value}}","o":"exist"}]],"flow":[`+set(3, "x")+`]}`, otherwiseWith(4, "{{3.value}}"))), []string{"2 branches[0].conditions[0][0].a:3 later-reference warning", "4 mapper.value:3 other-route warning"}},
		"a branch from behind the merge":         {inFlow(hook + `,` + ifElse(2, otherwise(3, true)) + `,` + m(4, "builtin:BasicMerge", `"outputs":[{"name":"a","mappings":["{{3.value}}"]}]`) + `,` + set(5, "{{4.a}} {{3.value}}")), []string{"5 mapper.value:11 other-route warning"}},
		"a merge that maps the other branch":     {inFlow(hook + `,` + ifElse(2, otherwise(3, true), `{"type":"condition","merge":true,"conditions":[[{"a":"1"}]],"flow":[`+set(5, "x")+`]}`) + `,` + m(4, "builtin:BasicMerge", `"outputs":[{"name":"a","mappings":["{{5.value}}","{{5.value}}"]}],"filters":[null,{"conditions":[[{"a":"{{3.value}}","o":"exist"}]]}]`)), []string{"4 outputs[0].mappings[0]:3 other-route warning", "4 filters[1].conditions[0][0].a:3 other-route warning"}},
		"a merge of a branch with an aggregator": {inFlow(hook + `,` + ifElse(2, `{"type":"else","merge":true,"flow":[`+m(6, "builtin:BasicRepeater")+`,`+aggregate(7, 6)+`]}`) + `,` + m(4, "builtin:BasicMerge", `"outputs":[{"name":"a","mappings":["{{6.i}}{{7.array}}"]}]`)), []string{"4 outputs[0].mappings[0]:3 aggregated-reference warning"}},
		"an orphan":                              {`{"name":"x","flow":[` + hook + `,` + set(2, "{{7.a}}") + `],"metadata":{"designer":{"orphans":[[` + m(7, "a:B") + `]]}}}`, []string{"2 mapper.value:3 unknown-reference warning"}},
		"a tool of an agent":                     {inFlow(hook + `,` + m(2, "ai-local-agent:RunLocalAIAgent", `"tools":[{"flow":[`+m(7, "a:B")+`]}]`) + `,` + set(3, "{{7.a}}")), []string{"3 mapper.value:3 tool-reference warning"}},
		"what is wrong in a tool": {
			inFlow(hook + `,` + m(2, "a:B", `"tools":[7,{"name":"t","flow":[`+set(7, "{{2.city}} {{1.a}} {{8.a}}")+`,`+m(2, "gateway:Custom")+`,`+m(8, "a:B", passes, `"onerror":[`+m(9, "builtin:Ignore")+`]`)+`,{"module":"a:B","version":1}]}]`)),
			[]string{
				"7 mapper.value:22 later-reference warning", "2 id duplicate-id error", "2 module unknown-module warning",
				"0 flow[1].tools[1].flow[3].id bad-id warning",
			},
		},
		"a tool of another agent": {
			inFlow(hook + `,` + m(2, "a:B", `"tools":[{"flow":[`+set(7, "x")+`]},{"flow":[`+set(8, "{{7.value}}")+`]}]`)),
			[]string{"8 mapper.value:3 tool-reference warning"},
		},
		"a branch from the merge's mapping of another": {
			inFlow(hook + `,` + ifElse(2, otherwise(3, true)) + `,` + m(4, "builtin:BasicMerge", `"outputs":[{"name":"a","mappings":["{{3.value}}"]},{"name":"a","mappings":[null]}]`)),
			[]string{"4 outputs[1].name merge-mismatch error"},
		},
		"behind a return":            {inFlow(hook + `,` + m(2, "scenario-service:ReturnData") + `,` + set(3, "x")), []string{"3  unreachable warning"}},
		"source that is a router":    {inFlow(hook + `,` + router(2, aggregate(3, 2))), []string{"3 parameters.feeder feeder-not-upstream error"}},
		"source that is an if-else":  {inFlow(hook + `,` + ifElse(2, `{"type":"else","flow":[`+aggregate(3, 2)+`]}`)), []string{"3 parameters.feeder feeder-not-upstream error"}},
		"operand that is no number":  {inFlow(hook + `,` + m(2, "a:B", `"filter":{"conditions":[[{"a":"{{1.a}}","o":"number:less","b":"ten"},{"a":"{{1.a}}","o":"number:less"},{"a":"{{1.a}}","o":"number:less","b":"{{1.b}}"},{"a":"{{1.a}}","o":"number:less","b":10}]]}`)), []string{"2 filter.conditions[0][0].b bad-operand warning", "2 filter.conditions[0][1].b bad-operand warning"}},
		"ignore where it is nothing": {inFlow(hook + `,` + m(2, "a:B", `"filter":{"conditions":[[{"a":"{{1.a}}","b":"{{ignore}}"}]]}`, `"flags":{"groupBy":"é{{erase}}"}`, `"mapper":{"a":"{{ignore}}","b":" {{erase}}","c":"x {{ignore}}","d":"{{if(1.a; 1; ignore)}}"}`)), []string{"2 filter.conditions[0][0].b:3 stray-keyword warning", "2 flags.groupBy:4 stray-keyword warning", "2 mapper.b:4 stray-keyword warning", "2 mapper.c:5 stray-keyword warning"}},

		// Variables.
		"variables that are set": {
			inFlow(hook + `,` + m(2, "util:SetVariable2", `"mapper":{"name":"a","value":1}`) + `,` + m(3, "util:SetVariables", `"mapper":{"variables":[{"name":"b"},{"name":"c"}]}`) + `,` +
				m(4, "util:GetVariable2", `"mapper":{"name":"c"}`) + `,` + m(5, "util:GetVariables", `"mapper":{"variables":["a",{"name":"b"},{"value":"c"}]}`)), nil,
		},
		"variables that are not": {
			inFlow(hook + `,` + m(2, "util:SetVariable2", `"mapper":{"name":"total","value":1}`) + `,` + m(4, "util:GetVariable2", `"mapper":{"name":"totle"}`) + `,` +
				m(5, "util:GetVariables", `"mapper":{"variables":["total","x",{"name":"y"},{"value":"z"},"{{1.a}}",7]}`)),
			[]string{
				"4 mapper.name unset-variable warning", "5 mapper.variables[1] unset-variable warning", "5 mapper.variables[2].name unset-variable warning",
				"5 mapper.variables[3].value unset-variable warning",
			},
		},
		"variables of any name": {inFlow(hook + `,` + m(2, "util:SetVariable2", `"mapper":{"name":"a{{1.a}}","value":1}`) + `,` + m(4, "util:GetVariable2", `"mapper":{"name":"b"}`)), nil},

		// Constants.
		"constants against the file's declarations": {
			inFlow(hook + `,` + m(2, "a:B", `"parameters":{"n":"x"}`, `"mapper":{"n":"ten","m":11,"o":"+3","p":"{{1.a}}","q":[1],"t":"abcd","l":[1,2,3],"c":"x","s":"d","u":true,"r":[{"k":"x"}],"i":[1,"x"],"box":{"s":"q","free":1},"e":"","php":[]}`,
				`"metadata":{"parameters":[{"name":"n","type":"number"}],"expect":[{"name":"n","type":"number"},{"name":"m","type":"uinteger","validate":{"max":10}},{"name":"o","type":"number"},{"name":"p","type":"number"},
				{"name":"q","type":"number"},{"name":"t","type":"text","validate":{"max":3}},{"name":"l","type":"array","validate":{"minItems":4}},{"name":"c","type":"collection"},
				{"name":"s","type":"select","validate":{"enum":["a","b"]}},{"name":"u","type":"select","validate":{"enum":["a",1]}},{"name":"r","type":"array","spec":[{"name":"k","type":"number"}]},
				{"name":"i","type":"array","spec":{"type":"number"}},{"name":"box","type":"collection","spec":[{"name":"s","type":"select","validate":{"enum":["a"]}}]},{"name":"e","type":"number"},
				{"name":"php","type":"collection"}]}`)),
			[]string{
				"2 parameters.n bad-value warning", "2 mapper.n bad-value warning", "2 mapper.m bad-value warning", "2 mapper.q bad-value warning", "2 mapper.t bad-value warning",
				"2 mapper.l bad-value warning", "2 mapper.c bad-value warning", "2 mapper.s bad-value warning", "2 mapper.u bad-value warning", "2 mapper.r[0].k bad-value warning",
				"2 mapper.i[1] bad-value warning", "2 mapper.box.s bad-value warning",
			},
		},
		"required and said to be empty":             {inFlow(hook + `,` + m(2, "json:ParseJSON", `"mapper":{"json":"{{ emptystring }}"}`)), []string{"2 mapper.json required-field error"}},
		"a reference in braces that are not closed": {inFlow(hook + `,` + set(2, "é {{1.a")), []string{"2 mapper.value:3 open-island error"}},
		"the whole bundle":                          {inFlow(hook + `,` + set(2, "{{`9`}} {{`1`}}")), []string{"2 mapper.value:3 unknown-reference warning"}},
		"a mapping in parameters":                   {inFlow(hook + `,` + m(2, "a:B", `"parameters":{"x":["{{1.a}}"],"pattern":"{{9.a}}{{b}}"}`)), []string{"2 parameters.x[0]:3 template-in-parameters warning"}},
		"names that are no references":              {inFlow(hook + `,` + m(2, "a:B", `"mapper":{"{{9.a}}":"x","y":"{{\"9.a\"}} 9.a {{a.9.b}} {{var.input.x}} {{3.5}}"}`)), nil},

		// Required fields.
		"required by the catalog": {
			inFlow(hook + `,{"id":2,"module":"http:ActionSendData","version":3,"parameters":{"method":""},"mapper":{"url":""}}`),
			[]string{"2 mapper.url required-field error", "2 parameters.method required-field error"},
		},
		"required in parameters": {inFlow(hook + `,{"id":2,"module":"http:ActionSendData","version":3,"parameters":{"method":"get"},"mapper":{"url":"u"}}`), nil},
		"required, no mapper":    {inFlow(hook + `,` + m(2, "json:ParseJSON")), []string{"2 mapper.json required-field error"}},
		"declared as required": {
			inFlow(hook + `,` + m(2, "a:B", `"parameters":{"mode":null},"mapper":{"to":[],"text":"","rows":[{"name":"x"},{"value":1}],"box":{"key":""},"list":[{"a":""}]}`,
				`"metadata":{"parameters":[{"name":"mode","type":"select","required":true},{"name":"conn","type":"account:x","required":true},{"name":"hook","type":"hook","required":true}],
				"expect":[{"name":"to","type":"array","required":true},{"name":"text","type":"text","required":true},{"name":"gone","type":"number","required":true},
				{"name":"flag","type":"boolean","required":true},{"name":"with","type":"text","required":true,"default":"x"},{"type":"text","required":true},
				{"name":"rows","type":"array","spec":[{"name":"name","type":"text","required":true},{"name":"value"}]},
				{"name":"box","type":"collection","spec":[{"name":"key","type":"text","required":true}]},
				{"name":"list","type":"array","spec":{"type":"collection","spec":[{"name":"a","type":"text","required":true}]}},
				{"name":"other","type":"collection","spec":[{"name":"key","type":"text","required":true}]}]}`)),
			[]string{
				"2 mapper.to required-field warning", "2 mapper.text required-field warning", "2 mapper.gone required-field warning",
				"2 mapper.rows[1].name required-field warning", "2 mapper.box.key required-field warning", "2 mapper.list[0].a required-field warning",
				"2 parameters.mode required-field warning",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			problems := blueprint.Check(parse(t, c.text), whole)
			require.Equal(t, c.want, brief(problems))
			for _, p := range problems {
				require.NotEmpty(t, p.Message)
				require.NotContains(t, p.Message, "%!")
			}
		})
	}
}

func ifElse(id int, branches ...string) string {
	return m(id, "builtin:BasicIfElse", `"branches":[`+strings.Join(branches, ",")+`]`)
}

func otherwise(id int, merge bool) string {
	return fmt.Sprintf(`{"type":"else","merge":%t,"flow":[%s]}`, merge, set(id, "x"))
}

func otherwiseWith(id int, value string) string {
	return `{"type":"else","flow":[` + set(id, value) + `]}`
}

func TestWithoutLanguageAndCatalogOnlyTheStructureIsChecked(t *testing.T) {
	t.Parallel()
	bp := parse(t, inFlow(hook+`,`+m(2, "gateway:Custom", `"mapper":{"x":"{{9.a}} {{"}`, `"parameters":{"x":"{{1.a}}"}`,
		`"filter":{"conditions":[[{"a":"{{8.a}}","o":"is"}]]}`)+`,`+aggregate(3, 9)))
	require.Equal(t, []string{"3 parameters.feeder feeder-not-upstream error"}, brief(blueprint.Check(bp, blueprint.CheckOptions{})))
}

func TestWrongModuleNamesComeWithTheRightOne(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"gateway:CustomWebhook":         "gateway:CustomWebHook",
		"http:MakeARequest":             "http:MakeRequest",
		"datastore:ActionSearchRecords": "datastore:SearchRecord",
		"datastore:addRecord":           "datastore:AddRecord",
		"builtin:BasicIterator":         "builtin:BasicFeeder",
		"builtin:Sleep":                 "util:FunctionSleep",
		"util:SetVariabel2":             "util:SetVariable2",
		"builtin:ErrorHandler":          "",
		"json:X":                        "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bp := parse(t, inFlow(m(1, name, `"mapper":{}`)))
			problems := blueprint.Check(bp, whole)
			require.Len(t, problems, 1)
			require.Equal(t, blueprint.CodeUnknownModule, problems[0].Code)
			if want == "" {
				require.NotContains(t, problems[0].Message, "did you mean")
			} else {
				require.Contains(t, problems[0].Message, fmt.Sprintf("did you mean %q?", want))
			}
		})
	}
}

func TestModulesOfAppsWithoutAConnectorAreListed(t *testing.T) {
	t.Parallel()
	bp := parse(t, inFlow(hook+`,`+m(2, "slack:CreateMessage")+`,`+m(3, "gateway:Nothing")+`,`+m(4, "airtable:Search")+`,`+
		m(5, "placeholder:Placeholder")+`,`+m(6, "")+`,`+m(7, "builtin:BasicRouter",
		`"routes":[{"disabled":true,"flow":[`+m(8, "zendesk:Get")+`]},{"flow":[`+m(9, "slack:CreateMessage")+`]}]`)))
	require.Equal(t, []string{"airtable:Search", "slack:CreateMessage", "zendesk:Get"}, blueprint.Unknown(bp, basics))
	require.Empty(t, blueprint.Unknown(parse(t, inFlow(hook)), basics))
}

func TestProblemsGoAwayWhenTheBlueprintIsMended(t *testing.T) {
	t.Parallel()
	bp := parse(t, inFlow(`{"id":"x","module":7,"version":"y","parameters":"p","filter":"f","mapper":{"a":1,"a":2},"onerror":{}}`))
	require.NotEmpty(t, blueprint.Check(bp, whole))
	m := &bp.Flow[0]
	m.ID, m.Name, m.Version = 1, "a:B", 1
	m.Parameters = &blueprint.Object{}
	m.Filter = &blueprint.Filter{Name: "label"}
	m.Mapper.Set("a", 2)
	m.OnError = []blueprint.Module{{ID: 2, Name: blueprint.Ignore, Version: 1}}
	require.Empty(t, blueprint.Check(bp, whole))
}

func TestProblemsAreJSONAndErrors(t *testing.T) {
	t.Parallel()
	problems := blueprint.Check(parse(t, inFlow(hook+`,`+set(2, "{{9.a}}")+`,`+m(3, "builtin:Ignore"))), whole)
	out, err := json.Marshal(problems)
	require.NoError(t, err)
	require.JSONEq(t, `[
		{"module":2,"field":"mapper.value","column":3,"severity":"warning","code":"unknown-reference",
			"message":"there is no module 9, so this is always empty; map a module that runs before this one"},
		{"module":3,"field":"module","column":0,"severity":"error","code":"stray-directive",
			"message":"an error directive only has a meaning in an error route; move it into the onerror of the module whose errors it handles"}]`,
		string(out))
	var back []blueprint.Problem
	require.NoError(t, json.Unmarshal(out, &back))
	require.Equal(t, problems, back)
	require.Error(t, json.Unmarshal([]byte(`{"severity":"fatal"}`), &back[0]))

	joined := errors.Join(problems[0], blueprint.Problem{Code: "x", Message: "m"})
	require.EqualError(t, joined, "module 2: mapper.value, column 3: there is no module 9, so this is always empty; "+
		"map a module that runs before this one (unknown-reference)\nblueprint: m (x)")
}
