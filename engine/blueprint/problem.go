package blueprint

import (
	"fmt"
	"slices"
)

// A Problem is one thing that is wrong with a blueprint. As an error it can be joined with others.
type Problem struct {
	// Module is the id of the module; 0 when it is the blueprint, or a module without a usable id.
	Module int `json:"module"`
	// Field is the path inside the module, such as "mapper.headers[1].value" or "filter.conditions[0][1].o"; inside the blueprint
	// when Module is 0. Indexes count from 0. It is empty when the module as a whole is meant.
	Field string `json:"field"`
	// Column is the character inside the field's text, counted from 1; 0 when it does not apply.
	Column int `json:"column"`
	// Severity tells whether the blueprint can run.
	Severity Severity `json:"severity"`
	// Code says what kind of problem it is: one of this package's Code constants or of the language's own.
	Code string `json:"code"`
	// Message says what is wrong and what to do. It names ids, modules, operators and types, never a mapped value.
	Message string `json:"message"`
}

// Error returns the problem in one line.
func (p Problem) Error() string {
	where := "blueprint"
	if p.Module > 0 {
		where = fmt.Sprintf("module %d", p.Module)
	}
	if p.Field != "" {
		where += ": " + p.Field
	}
	if p.Column > 0 {
		where += fmt.Sprintf(", column %d", p.Column)
	}
	return fmt.Sprintf("%s: %s (%s)", where, p.Message, p.Code)
}

// Severity says what a problem means for running the blueprint.
type Severity uint8

// The severities.
const (
	SeverityError   Severity = iota // the blueprint cannot run as it is
	SeverityWarning                 // it runs, but probably not as meant
)

// String returns "error" or "warning".
func (s Severity) String() string {
	if s == SeverityWarning {
		return "warning"
	}
	return "error"
}

// MarshalText returns "error" or "warning".
func (s Severity) MarshalText() ([]byte, error) {
	return []byte(s.String()), nil
}

// UnmarshalText reads what MarshalText writes; any other text is an error.
func (s *Severity) UnmarshalText(text []byte) error {
	switch string(text) {
	case "error":
		*s = SeverityError
	case "warning":
		*s = SeverityWarning
	default:
		return fmt.Errorf("%w: a severity is error or warning", ErrValue)
	}
	return nil
}

// Unreadable returns the error of Parse as a problem, for tools that list it beside others. Its message has line and column.
func Unreadable(err error) Problem {
	return Problem{Code: CodeUnreadable, Message: err.Error()}
}

// OK reports whether a blueprint with these problems can run: none of them is an error.
func OK(problems []Problem) bool {
	return !slices.ContainsFunc(problems, func(p Problem) bool { return p.Severity == SeverityError })
}

// The codes of problems. They stay what they are from release to release. Where no severity is named, it is an error. What a disabled
// route or branch or an AI agent's tool holds never runs here, so there everything but CodeDuplicateID is a warning.
const (
	// Values.
	CodeWrongType    = "wrong-type"    // another JSON type than Make's; a warning where it could be read nevertheless or is not run
	CodeDuplicateKey = "duplicate-key" // a name twice in one object; the last one counts. A warning in metadata
	CodeBrokenText   = "broken-text"   // half of a surrogate pair in a text. A warning in metadata

	// The scenario.
	CodeNoName          = "no-name"          // warning: the blueprint has no name
	CodeEmptyFlow       = "empty-flow"       // there is no module
	CodeBadSetting      = "bad-setting"      // warning: the setting cannot be read or is below 1, its default counts
	CodeConfidentialDLQ = "confidential-dlq" // warning: confidential wins, no incomplete execution is stored

	// Modules.
	CodeBadID           = "bad-id"            // no positive whole number
	CodeDuplicateID     = "duplicate-id"      // another module of the tree has it
	CodeBadModuleName   = "bad-module-name"   // not of the form app:Module; a warning when only the letters are unusual
	CodeBadVersion      = "bad-version"       // missing or negative
	CodePlaceholder     = "placeholder"       // warning: an empty place of the editor, does nothing
	CodeUnknownApp      = "unknown-app"       // warning: the app is one of Make's under a name that it does not have
	CodeUnknownModule   = "unknown-module"    // the app's connector has no such module
	CodeUnknownVersion  = "unknown-version"   // the app's connector has the module in other versions only
	CodeRequiredField   = "required-field"    // a required field is empty; a warning when only the file declares it so
	CodeBadValue        = "bad-value"         // a constant that the field cannot take; a warning when only the file declares it so
	CodeUnsetVariable   = "unset-variable"    // warning: a variable that no module of the scenario sets
	CodeTriggerNotFirst = "trigger-not-first" // a trigger that is not the first module of the flow
	CodeFirstFilter     = "first-filter"      // the first module has conditions
	CodeUnreachable     = "unreachable"       // stands behind a router or if-else; a warning behind a directive or a return
	CodeStrayDirective  = "stray-directive"   // Ignore, Resume, Commit, Rollback or Break outside of an error route
	CodeRouterOnError   = "router-on-error"   // warning: a router has an error route, which never runs
	CodeBreakWithoutDLQ = "break-without-dlq" // warning: Break stores incomplete executions, which the settings switch off

	// Filters and routes.
	CodeBadCondition      = "bad-condition"       // conditions that are not [[{a, o, b}]]
	CodeUnknownOperator   = "unknown-operator"    // a warning inside a mapper
	CodeBadOperand        = "bad-operand"         // warning: a constant that the operator cannot compare with
	CodeMisplacedFilter   = "misplaced-filter"    // warning: conditions where Make ignores them
	CodeMisplacedRoutes   = "misplaced-routes"    // warning: routes or branches where Make ignores them
	CodeNoRoutes          = "no-routes"           // a router without routes, an if-else without branches
	CodeBadFallback       = "bad-fallback"        // warning: the router's else is no index of a route, so there is no fallback
	CodeFallbackNeverRuns = "fallback-never-runs" // warning: another route takes every bundle

	// If-else and merge.
	CodeBadBranch       = "bad-branch"        // a type that is neither condition nor else
	CodeSecondElse      = "second-else"       // more than one else branch
	CodeElseConditions  = "else-conditions"   // warning: conditions of an else branch are ignored
	CodeBranchNeverRuns = "branch-never-runs" // warning: no conditions or no modules
	CodeRouterInBranch  = "router-in-branch"  // warning: Make's editor does not take it
	CodeStrayMerge      = "stray-merge"       // a merge that does not follow an if-else
	CodeNothingToMerge  = "nothing-to-merge"  // a merge behind an if-else of which no branch merges
	CodeNoMerge         = "no-merge"          // warning: branches merge, but no merge follows
	CodeMergeMismatch   = "merge-mismatch"    // not one mapping or filter for each merging branch, or an output without a name of its own

	// Aggregators.
	CodeNoFeeder          = "no-feeder"           // an aggregator without a source
	CodeFeederNotUpstream = "feeder-not-upstream" // the source does not exist or does not run before the aggregator
	CodeFeederAggregated  = "feeder-aggregated"   // warning: another aggregator has already collected the source's bundles
	CodeUnknownTarget     = "unknown-target"      // warning: parameters.target names no module behind the aggregator

	// References of mappings to modules; all are warnings, because the value is null.
	CodeUnknownReference     = "unknown-reference"      // there is no such module in the flow
	CodeSelfReference        = "self-reference"         // the module itself
	CodeLaterReference       = "later-reference"        // a module that runs later
	CodeOtherRoute           = "other-route"            // a module of another route or branch
	CodeErrorRouteReference  = "error-route-reference"  // a module of an error route, from outside
	CodeToolReference        = "tool-reference"         // a module of an AI agent's tool, from outside
	CodeAggregatedReference  = "aggregated-reference"   // a module between an aggregator and its source, from behind
	CodeTemplateInParameters = "template-in-parameters" // a mapping in parameters, where it is not evaluated

	// Expressions. Package blueprint reports what its Language says; the engine's language says these.
	CodeExpression      = "expression"       // a text that cannot be compiled
	CodeUnknownFunction = "unknown-function" // a function that there is not
	CodeZeroIndex       = "zero-index"       // warning: an index [0], which is always null because indexes count from 1
	CodeBareword        = "bareword"         // warning: text without quotes where a value could be meant
	CodeStrayKeyword    = "stray-keyword"    // warning: ignore or erase where there is no field to leave out or to clear

	// What the engine and the tools report beside Check.
	CodeNoModule     = "no-module"     // no connector is there for the module; refuses to deploy
	CodeParameters   = "parameters"    // the parameters as a whole cannot be used
	CodeNoScenario   = "no-scenario"   // warning: a call of a scenario that is not there or cannot be called
	CodeNoConnection = "no-connection" // a connection that the module needs and that is not there
	CodeNoStructure  = "no-structure"  // a data structure that is not there or not one; a warning where data come in without one
	CodeUnsupported  = "unsupported"   // this version cannot do what the module asks for
	CodeUnreadable   = "unreadable"    // the file could not be read as a blueprint
)
