package blueprint

import "strings"

// Kind is what a module does in a flow. The names follow the module prototype of Make's own engine.
type Kind string

// The kinds.
const (
	KindOther       Kind = ""            // not known to this package
	KindTrigger     Kind = "trigger"     // starts a scenario: a webhook, a poll, a call
	KindAction      Kind = "action"      // one bundle in, one out, with an effect
	KindSearch      Kind = "search"      // one bundle in, any number out
	KindTransformer Kind = "transformer" // one bundle in, one out, without an effect
	KindFeeder      Kind = "feeder"      // an iterator or repeater: one bundle in, any number out
	KindAggregator  Kind = "aggregator"  // any number in, one out
	KindRouter      Kind = "router"      // sends each bundle down each of its routes
	KindConditional Kind = "conditional" // if-else: sends each bundle down the first branch that matches
	KindConverger   Kind = "converger"   // merge: where the branches of an if-else join
	KindDirective   Kind = "directive"   // ends an error route: Ignore, Resume, Commit, Rollback, Break
	KindReturner    Kind = "returner"    // returns the scenario's outputs and ends the run
)

// The names of the modules that shape a flow.
const (
	Router   = "builtin:BasicRouter"
	IfElse   = "builtin:BasicIfElse"
	Merge    = "builtin:BasicMerge"
	Iterator = "builtin:BasicFeeder"
	Repeater = "builtin:BasicRepeater"
	Ignore   = "builtin:Ignore"
	Resume   = "builtin:Resume"
	Commit   = "builtin:Commit"
	Rollback = "builtin:Rollback"
	Break    = "builtin:Break"

	// Placeholder is what the editor exports for a place where no module was chosen. It has no version and does nothing.
	Placeholder = "placeholder:Placeholder"
)

// Kind tells what the module does, as far as its name or a feeder among its parameters tell. A catalog knows more.
func (m *Module) Kind() Kind {
	switch m.Name {
	case Router:
		return KindRouter
	case IfElse:
		return KindConditional
	case Merge:
		return KindConverger
	case Iterator, Repeater:
		return KindFeeder
	case Ignore, Resume, Commit, Rollback, Break:
		return KindDirective
	case "builtin:BasicAggregator", "util:TextAggregator", "util:FunctionAggregator2", "util:NumericalAggregator",
		"util:AggregateAggregator", "util:TableAggregator", "json:AggregateToJSON":
		return KindAggregator
	case "gateway:CustomWebHook", "gateway:CustomMailHook", "scenario-service:StartSubscenario", "util:BasicTrigger":
		return KindTrigger
	case "scenario-service:ReturnData":
		return KindReturner
	}
	if _, ok := m.Feeder(); ok {
		return KindAggregator
	}
	return KindOther
}

// appOf returns the part of a module's name before the colon.
func appOf(name string) string {
	app, _, _ := strings.Cut(name, ":")
	return app
}
