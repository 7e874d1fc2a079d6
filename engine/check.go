package engine

import (
	"errors"
	"slices"
	"strings"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/engine/internal/expr"
	"github.com/ebbkit/ebb/engine/internal/flow"
)

// Check reports everything that is wrong with a blueprint, with this engine's connectors and functions in mind. That an app
// has no connector here, or a generic app's connector not yet one of Make's modules, is no problem of the blueprint:
// unknown lists such modules, sorted, each once. Deploy refuses them.
func (e *Engine) Check(bp *blueprint.Blueprint) (problems []blueprint.Problem, unknown []string) {
	known := catalogOf{e.modules}
	_, problems = e.compiled(bp, nil)
	return slices.DeleteFunc(problems, func(p blueprint.Problem) bool { return p.Code == blueprint.CodeNoModule }), blueprint.Unknown(bp, known)
}

// compile checks a blueprint and makes a program of it. stubs are modules that stand in for the blueprint's own, by id.
func (c *core) compile(bp *blueprint.Blueprint, stubs map[int]connector.Module) (*flow.Program, []blueprint.Problem, error) {
	program, problems := c.compiled(bp, stubs)
	if !blueprint.OK(problems) {
		return nil, problems, &CheckError{Problems: problems}
	}
	return program, problems, nil
}

func (c *core) compiled(bp *blueprint.Blueprint, stubs map[int]connector.Module) (*flow.Program, []blueprint.Problem) {
	problems := blueprint.Check(bp, blueprint.CheckOptions{Language: languageOf{c.language}, Catalog: stubbed{catalogOf{c.modules}, bp, stubs}})
	program, more := flow.Compile(bp, c.language, func(m *blueprint.Module) connector.Module {
		if stub := stubs[m.ID]; stub != nil {
			return stub
		}
		module, _, _ := c.modules.find(m.Name, m.Version)
		return module
	})
	for _, problem := range append(more, interfaceProblems(bp)...) {
		if !reported(problems, problem) {
			problems = append(problems, problem)
		}
	}
	return program, problems
}

// reported says whether the same thing has been found wrong already: Check and Compile both look at some places.
func reported(problems []blueprint.Problem, problem blueprint.Problem) bool {
	return slices.ContainsFunc(problems, func(p blueprint.Problem) bool {
		return p.Severity == blueprint.SeverityError && p.Module == problem.Module && strings.HasPrefix(p.Field, problem.Field) &&
			(p.Column == problem.Column || p.Column == 0)
	})
}

// languageOf lets package blueprint look into expressions.
type languageOf struct{ *expr.Language }

// Template implements blueprint.Language.
func (l languageOf) Template(text string) (refs []blueprint.Ref, problems []blueprint.TextProblem) {
	template, err := l.Compile(text, nil)
	var several expr.Errors
	switch {
	case errors.As(err, &several):
		for _, e := range several {
			message := e.Message
			if e.Expected != "" {
				message += ", expected " + e.Expected
			}
			code := blueprint.CodeExpression
			if strings.HasPrefix(message, "unknown function ") {
				code = blueprint.CodeUnknownFunction
			}
			problems = append(problems, blueprint.TextProblem{Column: e.Column, Code: code, Message: message})
		}
		return nil, problems
	case err != nil:
		return nil, []blueprint.TextProblem{{Column: 1, Code: blueprint.CodeExpression, Message: err.Error()}}
	}
	for _, r := range template.References() {
		if r.Kind == expr.ModuleReference {
			refs = append(refs, blueprint.Ref{Module: r.Module, Column: r.Column, Path: strings.Join(r.Path, ".")})
		}
		if r.ZeroIndex {
			problems = append(problems, blueprint.TextProblem{
				Column: r.Column, Severity: blueprint.SeverityWarning, Code: blueprint.CodeZeroIndex,
				Message: "index [0] is always null: indexes count from 1",
			})
		}
		if r.Kind == expr.BarewordReference {
			problems = append(problems, blueprint.TextProblem{
				Column: r.Column, Severity: blueprint.SeverityWarning, Code: blueprint.CodeBareword,
				Message: "text without quotes stands where a value could be meant: put it into quotes, or mend the name",
			})
		}
	}
	return refs, problems
}

// Operator implements blueprint.Language.
func (l languageOf) Operator(o string) (ok bool, suggestion string) {
	if _, err := expr.ParseOperator(o); err == nil {
		return true, ""
	}
	return false, expr.MeantOperator(o)
}

// Operand implements blueprint.Language.
func (l languageOf) Operand(o string, b any) (expected string) {
	operator, err := expr.ParseOperator(o)
	if err != nil {
		return ""
	}
	if _, compared, err := l.Compare(operator, shallow(b), shallow(b), nil); compared || err != nil {
		return ""
	}
	switch family, _, _ := strings.Cut(o, ":"); family {
	case "array":
		return "number" // of elements
	case "text": // patterns; those that are known beforehand are compiled by Compile
		return ""
	case "semver":
		return "version"
	default:
		return family
	}
}

// catalogOf lets package blueprint look up modules: those of the connectors, and those that shape a flow and are the
// interpreter's own.
type catalogOf struct{ *catalog }

var shapes = map[string]blueprint.Kind{
	blueprint.Router:   blueprint.KindRouter,
	blueprint.IfElse:   blueprint.KindConditional,
	blueprint.Merge:    blueprint.KindConverger,
	blueprint.Ignore:   blueprint.KindDirective,
	blueprint.Resume:   blueprint.KindDirective,
	blueprint.Commit:   blueprint.KindDirective,
	blueprint.Rollback: blueprint.KindDirective,
	blueprint.Break:    blueprint.KindDirective,
}

// Modules implements blueprint.Catalog.
func (c catalogOf) Modules(app string) ([]string, bool) {
	if !c.apps[app] {
		return nil, false
	}
	var names []string
	for _, name := range c.names {
		if strings.HasPrefix(name, app+":") {
			names = append(names, name)
		}
	}
	for name := range shapes {
		if strings.HasPrefix(name, app+":") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, true
}

// Module implements blueprint.Catalog. A module that speaks another version than the blueprint's is better than none.
func (c catalogOf) Module(name string, version int) (blueprint.ModuleInfo, bool) {
	if kind, ok := shapes[name]; ok {
		return blueprint.ModuleInfo{Kind: kind}, true
	}
	module, _, ok := c.find(name, version)
	if !ok {
		return blueprint.ModuleInfo{Absent: absent[name]}, absent[name]
	}
	return describe(module), true
}

func describe(module connector.Module) blueprint.ModuleInfo {
	info := module.Info()
	described := blueprint.ModuleInfo{Kind: blueprint.KindAction}
	switch module.(type) {
	case connector.Trigger, connector.Receiver:
		described.Kind = blueprint.KindTrigger
	case connector.Search:
		described.Kind = blueprint.KindSearch
	case connector.Aggregator:
		described.Kind = blueprint.KindAggregator
	}
	for _, fields := range [...][]connector.Field{info.Input, info.Params} {
		for _, field := range fields {
			if field.Required && field.Default == nil {
				described.Required = append(described.Required, field.Name)
			}
		}
	}
	slices.Sort(described.Required)
	described.Required = slices.Compact(described.Required)
	described.Parameters, described.Mapper = collectionOf(info.Params), collectionOf(info.Input)
	return described
}

// stubbed is a catalog in which some modules of one blueprint are replaced.
type stubbed struct {
	catalogOf
	bp    *blueprint.Blueprint
	stubs map[int]connector.Module
}

// Modules implements blueprint.Catalog.
func (s stubbed) Modules(app string) ([]string, bool) {
	names, ok := s.catalogOf.Modules(app)
	for _, m := range s.bp.All() {
		if s.stubs[m.ID] != nil && m.App() == app {
			names = append(names, m.Name)
		}
	}
	return names, ok
}

// Module implements blueprint.Catalog.
func (s stubbed) Module(name string, version int) (blueprint.ModuleInfo, bool) {
	info, ok := s.catalogOf.Module(name, version)
	if ok && !info.Absent {
		return info, ok
	}
	for _, m := range s.bp.All() {
		if stub := s.stubs[m.ID]; stub != nil && m.Name == name && m.Version == version {
			return describe(stub), true
		}
	}
	return info, ok
}
