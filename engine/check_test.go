package engine_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
)

// flowOf is the blueprint of a flow, which begins with a hook of the id 1.
func flowOf(modules ...string) string {
	return `{"name":"x","flow":[` + strings.Join(append([]string{hookModule}, modules...), ",") + `],"metadata":{"scenario":{"dlq":true}}}`
}

const hookModule = `{"id":1,"module":"gateway:CustomWebHook","version":1,"parameters":{"hook":1},"mapper":{}}`

// mod writes a module; more are further fields.
func mod(id int, name string, more ...string) string {
	return `{` + strings.Join(append([]string{fmt.Sprintf(`"id":%d,"module":%q,"version":1`, id, name)}, more...), ",") + `}`
}

// compose writes a module that maps a text.
func compose(id int, text string) string {
	return mod(id, "util:ComposeTransformer", fmt.Sprintf(`"mapper":{"value":%q}`, text))
}

func filtered(a, o, b string) string {
	return fmt.Sprintf(`"filter":{"name":"f","conditions":[[{"a":%q,"o":%q,"b":%q}]]}`, a, o, b)
}

func routes(flows ...string) string {
	for i := range flows {
		flows[i] = `{"flow":[` + flows[i] + `]}`
	}
	return `"mapper":null,"routes":[` + strings.Join(flows, ",") + `]`
}

func branches(list ...string) string {
	return `"mapper":null,"branches":[` + strings.Join(list, ",") + `]`
}

const (
	ifTrue = `{"type":"condition","merge":true,"conditions":[[{"a":"{{1.a}}","o":"exist"}]],"flow":[%s]}`
	orElse = `{"type":"else","merge":true,"flow":[%s]}`
)

// Every code that Check has is given for what it stands for, by the engine's own language and modules: module, field, column and
// severity are what is promised.
func TestEachCodeIsReportedWhereTheFaultIs(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		text string
		want string // "module field[:column] severity"
	}{
		blueprint.CodeWrongType:    {flowOf(mod(2, "util:ComposeTransformer", `"mapper":"x"`)), "2 mapper error"},
		blueprint.CodeDuplicateKey: {flowOf(mod(2, "util:ComposeTransformer", `"mapper":{"value":"a","value":"b"}`)), "2 mapper.value error"},
		blueprint.CodeBrokenText:   {flowOf(mod(2, "util:ComposeTransformer", `"mapper":{"value":"ab\ud83d"}`)), "2 mapper.value:3 error"},

		blueprint.CodeNoName:     {`{"flow":[` + hookModule + `]}`, "0 name warning"},
		blueprint.CodeEmptyFlow:  {`{"name":"x","flow":[]}`, "0 flow error"},
		blueprint.CodeBadSetting: {`{"name":"x","flow":[` + hookModule + `],"metadata":{"scenario":{"roundtrips":0}}}`, "0 metadata.scenario.roundtrips warning"},
		blueprint.CodeConfidentialDLQ: {
			`{"name":"x","flow":[` + hookModule + `],"metadata":{"scenario":{"confidential":true,"dlq":true}}}`, "0 metadata.scenario.dlq warning",
		},

		blueprint.CodeBadID:           {flowOf(`{"module":"util:ComposeTransformer","version":1}`), "0 flow[1].id error"},
		blueprint.CodeDuplicateID:     {flowOf(compose(2, "x"), compose(2, "y")), "2 id error"},
		blueprint.CodeBadModuleName:   {flowOf(mod(2, "Shop")), "2 module error"},
		blueprint.CodeBadVersion:      {flowOf(`{"id":2,"module":"util:ComposeTransformer","version":-1}`), "2 version error"},
		blueprint.CodePlaceholder:     {flowOf(`{"id":2,"module":"placeholder:Placeholder"}`), "2 module warning"},
		blueprint.CodeUnknownApp:      {flowOf(mod(2, "tools:SetVariable")), "2 module warning"},
		blueprint.CodeUnknownModule:   {flowOf(mod(2, "util:SetVariabel2")), "2 module error"},
		blueprint.CodeRequiredField:   {flowOf(mod(2, "json:ParseJSON", `"mapper":{"json":"{{ignore}}"}`)), "2 mapper.json error"},
		blueprint.CodeBadValue:        {flowOf(mod(2, "util:FunctionSleep", `"mapper":{"duration":"301"}`)), "2 mapper.duration error"},
		blueprint.CodeUnsetVariable:   {flowOf(mod(2, "util:GetVariable2", `"mapper":{"name":"fee"}`)), "2 mapper.name warning"},
		blueprint.CodeTriggerNotFirst: {flowOf(mod(2, "gateway:CustomWebHook", `"parameters":{"hook":2}`)), "2 module error"},
		blueprint.CodeFirstFilter: {
			`{"name":"x","flow":[` + mod(1, "gateway:CustomWebHook", `"parameters":{"hook":1}`, filtered("1", "text:equal", "1")) + `]}`, "1 filter error",
		},
		blueprint.CodeUnreachable:     {flowOf(mod(2, "builtin:BasicRouter", routes(compose(3, "x"))), compose(4, "x")), "4  error"},
		blueprint.CodeStrayDirective:  {flowOf(mod(2, "builtin:Ignore")), "2 module error"},
		blueprint.CodeRouterOnError:   {flowOf(mod(2, "builtin:BasicRouter", routes(compose(3, "x")), `"onerror":[`+mod(4, "builtin:Ignore")+`]`)), "2 onerror warning"},
		blueprint.CodeBreakWithoutDLQ: {`{"name":"x","flow":[` + hookModule + `,` + mod(2, "util:ComposeTransformer", `"onerror":[`+mod(3, "builtin:Break")+`]`) + `]}`, "3 module warning"},

		blueprint.CodeBadCondition:      {flowOf(mod(2, "util:ComposeTransformer", `"filter":{"conditions":[{"a":"x"}]}`)), "2 filter.conditions error"},
		blueprint.CodeUnknownOperator:   {flowOf(mod(2, "util:ComposeTransformer", filtered("{{1.a}}", "text:startswith", "x"))), "2 filter.conditions[0][0].o error"},
		blueprint.CodeBadOperand:        {flowOf(mod(2, "util:ComposeTransformer", filtered("{{1.a}}", "number:greater", "ten"))), "2 filter.conditions[0][0].b warning"},
		blueprint.CodeMisplacedFilter:   {flowOf(mod(2, "builtin:BasicRouter", `"routes":[{"condition":{"x":1},"flow":[`+compose(3, "x")+`]}]`)), "2 routes[0].condition warning"},
		blueprint.CodeMisplacedRoutes:   {flowOf(mod(2, "util:ComposeTransformer", routes(compose(3, "x")))), "2 routes warning"},
		blueprint.CodeNoRoutes:          {flowOf(mod(2, "builtin:BasicRouter", `"routes":[]`)), "2 routes error"},
		blueprint.CodeBadFallback:       {flowOf(mod(2, "builtin:BasicRouter", `"parameters":{"else":1}`, routes(compose(3, "x")))), "2 parameters.else warning"},
		blueprint.CodeFallbackNeverRuns: {flowOf(mod(2, "builtin:BasicRouter", `"parameters":{"else":1}`, routes(compose(3, "x"), compose(4, "x")))), "2 parameters.else warning"},

		blueprint.CodeBadBranch:       {flowOf(mod(2, "builtin:BasicIfElse", branches(`{"type":"otherwise","flow":[`+compose(3, "x")+`]}`))), "2 branches[0].type error"},
		blueprint.CodeSecondElse:      {flowOf(mod(2, "builtin:BasicIfElse", branches(`{"type":"else","flow":[`+compose(3, "x")+`]}`, `{"type":"else","flow":[`+compose(4, "x")+`]}`))), "2 branches[1].type error"},
		blueprint.CodeElseConditions:  {flowOf(mod(2, "builtin:BasicIfElse", branches(`{"type":"else","conditions":[[{"a":"1"}]],"flow":[`+compose(3, "x")+`]}`))), "2 branches[0].conditions warning"},
		blueprint.CodeBranchNeverRuns: {flowOf(mod(2, "builtin:BasicIfElse", branches(`{"type":"else","flow":[]}`))), "2 branches[0].flow warning"},
		blueprint.CodeRouterInBranch:  {flowOf(mod(2, "builtin:BasicIfElse", branches(`{"type":"else","flow":[`+mod(3, "builtin:BasicRouter", routes(compose(4, "x")))+`]}`))), "2 branches[0].flow[0] warning"},
		blueprint.CodeStrayMerge:      {flowOf(mod(2, "builtin:BasicMerge", `"outputs":[]`)), "2  error"},
		blueprint.CodeNothingToMerge: {
			flowOf(mod(2, "builtin:BasicIfElse", branches(`{"type":"else","flow":[`+compose(3, "x")+`]}`)), mod(4, "builtin:BasicMerge", `"outputs":[]`)), "4  error",
		},
		blueprint.CodeNoMerge: {flowOf(mod(2, "builtin:BasicIfElse", branches(fmt.Sprintf(orElse, compose(3, "x"))))), "2 branches warning"},
		blueprint.CodeMergeMismatch: {
			flowOf(mod(2, "builtin:BasicIfElse", branches(fmt.Sprintf(ifTrue, compose(3, "x")), fmt.Sprintf(orElse, compose(4, "y")))),
				mod(5, "builtin:BasicMerge", `"outputs":[{"name":"a","mappings":["{{3.value}}"]}]`)), "5 outputs[0].mappings error",
		},

		blueprint.CodeNoFeeder:          {flowOf(mod(2, "builtin:BasicAggregator", `"mapper":{}`)), "2 parameters.feeder error"},
		blueprint.CodeFeederNotUpstream: {flowOf(mod(2, "builtin:BasicAggregator", `"parameters":{"feeder":3}`, `"mapper":{}`), compose(3, "x")), "2 parameters.feeder error"},
		blueprint.CodeFeederAggregated: {
			flowOf(mod(2, "builtin:BasicFeeder", `"mapper":{"array":"{{1.a}}"}`), mod(3, "builtin:BasicAggregator", `"parameters":{"feeder":2}`, `"mapper":{}`),
				mod(4, "builtin:BasicAggregator", `"parameters":{"feeder":2}`, `"mapper":{}`)), "4 parameters.feeder warning",
		},
		blueprint.CodeUnknownTarget: {flowOf(mod(2, "builtin:BasicAggregator", `"parameters":{"feeder":1,"target":"9.lines"}`, `"mapper":{}`)), "2 parameters.target warning"},

		blueprint.CodeUnknownReference:    {flowOf(compose(2, "{{9.a}}")), "2 mapper.value:3 warning"},
		blueprint.CodeSelfReference:       {flowOf(compose(2, "{{2.a}}")), "2 mapper.value:3 warning"},
		blueprint.CodeLaterReference:      {flowOf(compose(2, "é {{3.a}}"), compose(3, "x")), "2 mapper.value:5 warning"},
		blueprint.CodeOtherRoute:          {flowOf(mod(2, "builtin:BasicRouter", routes(compose(3, "x"), compose(4, "{{3.value}}")))), "4 mapper.value:3 warning"},
		blueprint.CodeErrorRouteReference: {flowOf(mod(2, "util:ComposeTransformer", `"mapper":{"value":"x"}`, `"onerror":[`+compose(3, "x")+`]`), compose(4, "{{3.value}}")), "4 mapper.value:3 warning"},
		blueprint.CodeToolReference:       {flowOf(mod(2, "agent:Run", `"tools":[{"flow":[`+compose(3, "{{2.city}}")+`]}]`), compose(4, "{{3.value}}")), "4 mapper.value:3 warning"},
		blueprint.CodeAggregatedReference: {
			flowOf(mod(2, "builtin:BasicFeeder", `"mapper":{"array":"{{1.a}}"}`), mod(3, "builtin:BasicAggregator", `"parameters":{"feeder":2}`, `"mapper":{}`),
				compose(4, "{{2.value}}")), "4 mapper.value:3 warning",
		},
		blueprint.CodeTemplateInParameters: {flowOf(mod(2, "agent:Run", `"parameters":{"model":"{{1.model}}"}`)), "2 parameters.model:3 warning"},

		blueprint.CodeExpression:      {flowOf(compose(2, "{{upper(1.a}}")), "2 mapper.value:12 error"},
		blueprint.CodeUnknownFunction: {flowOf(compose(2, "a{{stringify(1.a)}}")), "2 mapper.value:4 error"},
		blueprint.CodeZeroIndex:       {flowOf(compose(2, "{{1.a[0]}}")), "2 mapper.value:3 warning"},
		blueprint.CodeBareword:        {flowOf(compose(2, "{{body.a}}")), "2 mapper.value:3 warning"},
		blueprint.CodeStrayKeyword:    {flowOf(compose(2, "a{{ ignore }}")), "2 mapper.value:5 warning"},

		blueprint.CodeUnsupported: {flowOf(mod(2, "util:ComposeTransformer", `"onerror":[`+mod(3, "builtin:Break", `"mapper":{"retry":"true"}`)+`]`)), "3 module error"},
		blueprint.CodeParameters: {
			flowOf(mod(2, "builtin:BasicIfElse", branches(fmt.Sprintf(orElse, compose(3, "x")))), mod(4, "builtin:BasicMerge", `"outputs":[{"name":"a","mappings":[5]}]`)),
			"4 outputs[0].mappings[0] error",
		},
	}
	e := checking(t)
	for _, code := range codes(t) {
		if elsewhere[code] == "" {
			require.Contains(t, cases, code, "every code has a case")
		}
	}
	for code, c := range cases {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			bp, err := blueprint.Parse([]byte(c.text))
			require.NoError(t, err)
			problems, _ := e.Check(bp)
			var found []string
			for _, p := range problems {
				where := p.Field
				if p.Column > 0 {
					where += ":" + strconv.Itoa(p.Column)
				}
				if p.Code == code {
					found = append(found, fmt.Sprintf("%d %s %s", p.Module, where, p.Severity))
				}
				require.NotEmpty(t, p.Message)
			}
			require.Contains(t, found, c.want, "%v", problems)
			_, err = e.Try(t.Context(), bp, engine.TryOptions{Input: []connector.Bundle{}, Stubs: map[int]connector.Module{}})
			var refused *engine.CheckError
			if strings.HasSuffix(c.want, "error") {
				require.ErrorAs(t, err, &refused, "a blueprint with an error is not run")
			} else if errors.As(err, &refused) {
				for _, p := range refused.Problems {
					require.True(t, p.Severity == blueprint.SeverityWarning || p.Code == blueprint.CodeNoModule || p.Code == blueprint.CodeUnsupported, p.Error())
				}
			}
		})
	}
}

// elsewhere says of the codes that Engine.Check never gives where they are tested.
var elsewhere = map[string]string{
	blueprint.CodeUnknownVersion: "package blueprint: this engine takes a module of another version rather than none",
	blueprint.CodeNoModule:       "TestUnknownModulesAreRefusedAtDeploy",
	blueprint.CodeNoScenario:     "subscenario_test.go: Deploy warns of what the tenant does not have yet",
	blueprint.CodeNoConnection:   "engine_test.go",
	blueprint.CodeNoStructure:    "structure_test.go",
	blueprint.CodeUnreadable:     "package blueprint: it is the code of what Parse refuses",
}

func checking(t *testing.T) *engine.Engine {
	t.Helper()
	e, err := engine.New(engine.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

// codes reads the Code constants of package blueprint.
func codes(t *testing.T) []string {
	t.Helper()
	all := codesIn(t, "blueprint/problem.go")
	require.Greater(t, len(all), 55)
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(all))), len(all), "a code stands for one thing")
	return all
}

// codesIn reads the constants of a source file whose names begin with Code.
func codesIn(t *testing.T, name string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
	require.NoError(t, err)
	var all []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Code") || len(spec.Values) == 0 {
			return true
		}
		if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
			code, err := strconv.Unquote(literal.Value)
			require.NoError(t, err)
			all = append(all, code)
		}
		return true
	})
	return all
}

// All codes stand in the one list that is documented: no other room has codes of its own.
func TestAllCodesStandInOneList(t *testing.T) {
	t.Parallel()
	require.NotEmpty(t, codesIn(t, filepath.Join("blueprint", "problem.go")))
	for _, pattern := range []string{"*.go", "internal/flow/*.go"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, name := range files {
			require.Empty(t, codesIn(t, name), name)
		}
	}
}

func TestUnknownModulesAreRefusedAtDeploy(t *testing.T) {
	t.Parallel()
	e := checking(t)
	bp, err := blueprint.Parse([]byte(flowOf(mod(2, "shop:Send", `"mapper":{}`))))
	require.NoError(t, err)
	problems, unknown := e.Check(bp)
	require.Empty(t, problems, "that there is no connector here is no fault of the blueprint")
	require.Equal(t, []string{"shop:Send"}, unknown)
	_, err = e.Deploy(t.Context(), bp, engine.DeployOptions{})
	var refused *engine.CheckError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, []string{blueprint.CodeNoModule}, codesOf(refused.Problems))
}

func codesOf(problems []blueprint.Problem) []string {
	var list []string
	for _, p := range problems {
		list = append(list, p.Code)
	}
	return list
}
