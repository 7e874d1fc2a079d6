package flow

import (
	"errors"
	"strconv"
	"strings"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/engine/internal/expr"
)

// Compile makes a program of a blueprint. modules finds what does a module's work, or nil. The problems are those that
// keep the blueprint from running; when there is one, there is no program. What runs but is probably not meant so is
// blueprint.Check's to report.
func Compile(bp *blueprint.Blueprint, language *expr.Language, modules func(*blueprint.Module) connector.Module) (*Program, []blueprint.Problem) {
	c := &compiler{
		language: language,
		modules:  modules,
		program:  &Program{},
		slots:    map[int]int{},
		nodes:    map[int]*node{},
		asked:    map[int]asked{},
	}
	for _, m := range bp.All() {
		if _, taken := c.slots[m.ID]; !taken {
			c.slots[m.ID] = len(c.slots)
		}
	}
	c.program.slots = len(c.slots)
	c.program.first = c.chain(bp.Flow, nil, tail{})
	for id, asked := range c.asked {
		if n := c.nodes[id]; n != nil {
			whole := asked.whole && n.several()
			n.numbered = asked.index || asked.length || whole
			n.lengthMatters = asked.length || whole
		}
	}
	if first := c.program.first; first != nil {
		_, first.polls = first.module.(connector.Trigger)
		_, first.receives = first.module.(connector.Receiver)
	}
	if c.problems != nil {
		return nil, c.problems
	}
	return c.program, nil
}

type compiler struct {
	language *expr.Language
	modules  func(*blueprint.Module) connector.Module
	program  *Program
	problems []blueprint.Problem

	slots map[int]int
	nodes map[int]*node
	// asked holds, by module, which of the fields that only the run knows expressions ask for.
	asked map[int]asked
	at    *blueprint.Module
}

// asked says how expressions ask for the place of a bundle among those of its operation.
type asked struct{ index, length, whole bool }

// several says whether an operation of the module may give many bundles, so that each of them has a place that is part
// of it.
func (n *node) several() bool {
	switch n.module.(type) {
	case connector.Search, connector.Trigger:
		return true
	}
	return n.groupBy != nil
}

// A tail is what follows the last module of a chain.
type tail struct {
	// next is where bundles go. Nil: nowhere.
	next *node
	// handler is the module whose error route the chain belongs to. Nil: none.
	handler *node
}

func (c *compiler) problem(field, code, message string, column int) {
	c.problems = append(c.problems, blueprint.Problem{
		Module: c.at.ID, Field: field, Column: column, Severity: blueprint.SeverityError, Code: code, Message: message,
	})
}

// chain compiles the modules of one list and returns the first of them.
func (c *compiler) chain(flow []blueprint.Module, before *node, end tail) *node {
	var first, last *node
	for i := range flow {
		if flow[i].Name == blueprint.Placeholder {
			continue
		}
		n := c.node(&flow[i], before, end)
		if first == nil {
			first = n
		}
		if last != nil {
			last.next = n
			if last.kind == conditionNode && n.kind == mergeNode {
				last.merge = n
			}
		}
		before, last = n, n
	}
	c.link(flow, first, end)
	return first
}

// link compiles what hangs on the modules of a list, now that all of them are known, and ends the list.
func (c *compiler) link(flow []blueprint.Module, first *node, end tail) {
	i := 0
	for n := first; n != nil; i++ {
		if flow[i].Name == blueprint.Placeholder {
			continue
		}
		m, next := &flow[i], n.next
		if next == nil {
			n.next, n.endsHandler = end.next, end.handler != nil && end.next == nil
		}
		c.branches(m, n, end)
		if len(m.OnError) > 0 && n.kind != routerNode {
			n.onError = c.chain(m.OnError, n, tail{handler: n})
		}
		n = next
	}
}

// node compiles a module without what hangs on it.
func (c *compiler) node(m *blueprint.Module, before *node, end tail) *node {
	c.at = m
	n := &node{id: m.ID, name: m.Name, slot: c.slots[m.ID], before: before, handler: end.handler, fallback: -1}
	c.nodes[m.ID] = n
	if m.Filter != nil && before != nil {
		n.filter = c.filter(m.Filter.Conditions, "filter.conditions")
	}
	switch m.Name {
	case blueprint.Router:
		n.kind = routerNode
		return n
	case blueprint.IfElse:
		n.kind = conditionNode
		return n
	case blueprint.Merge:
		n.kind = mergeNode
		return n
	case blueprint.Ignore, blueprint.Resume, blueprint.Commit, blueprint.Rollback, blueprint.Break:
		n.kind = directiveNode
		c.directive(m, n)
		return n
	}
	n.module = c.modules(m)
	if n.module == nil {
		c.problem("module", blueprint.CodeNoModule, "no connector has the module "+strconv.Quote(m.Name)+": register one in Config.Connectors", 0)
		return n
	}
	info := n.module.Info()
	n.pure, n.idempotent, n.connection = info.Pure, info.Idempotent || info.ReadOnly, info.Connection
	n.inputs, n.returns = info.Input, info.Returns
	c.params(m, n, info.Params)
	n.maps(c.object(m.Mapper, "mapper"))
	if n.pure {
		n.action, _ = n.module.(connector.Action)
		n.search, _ = n.module.(connector.Search)
		if err := n.bind(); err != nil {
			c.problem("mapper", blueprint.CodeUnsupported, err.Error(), 0)
		}
	}
	if _, ok := n.module.(connector.Aggregator); ok {
		c.aggregator(m, n)
	}
	if m.Name == respond {
		c.program.hasRespond = true
	}
	return n
}

// respond is the module that answers the caller of a hook.
const respond = "gateway:WebhookRespond"

func (c *compiler) params(m *blueprint.Module, n *node, fields []connector.Field) {
	value, _ := jsonValue(m.Parameters).(connector.Bundle)
	params, err := connector.Convert(fields, value, nil)
	if err != nil {
		c.problem("parameters", blueprint.CodeParameters, err.Error(), 0)
	}
	n.params = params
}

func (c *compiler) directive(m *blueprint.Module, n *node) {
	switch m.Name {
	case blueprint.Resume:
		n.directive = resumeDirective
		n.maps(c.object(m.Mapper, "mapper"))
	case blueprint.Commit:
		n.directive = commitDirective
	case blueprint.Rollback:
		n.directive = rollbackDirective
	case blueprint.Break:
		c.problem("module", blueprint.CodeUnsupported, "this version cannot store incomplete executions: use Ignore, Resume, Commit or Rollback instead of Break", 0)
	}
}

func (c *compiler) aggregator(m *blueprint.Module, n *node) {
	n.kind = aggregatorNode
	n.aggregator = c.program.aggregators
	c.program.aggregators++
	n.stopIfEmpty = m.Flags.StopIfEmpty
	if m.Flags.GroupBy != "" {
		n.groupBy = c.template(m.Flags.GroupBy, "flags.groupBy")
	}
	id, ok := m.Feeder()
	if !ok {
		c.problem("parameters.feeder", blueprint.CodeNoFeeder, "an aggregator needs a source: set feeder to the id of a module before it", 0)
		return
	}
	for source := n.before; source != nil; source = source.before {
		if source.id == id {
			if source.kind == routerNode || source.kind == conditionNode {
				c.problem("parameters.feeder", blueprint.CodeFeederNotUpstream,
					"module "+strconv.Itoa(id)+" gives no bundles of its own, so it cannot be the source of an aggregator: name the module before it", 0)
			}
			source.feeds = append(source.feeds, n)
			n.outside = source.handler != n.handler && source != n.handler
			for failing := n.handler; failing != nil; failing = failing.handler {
				n.own = n.own || failing == source
			}
			return
		}
	}
	c.problem("parameters.feeder", blueprint.CodeFeederNotUpstream, "module "+strconv.Itoa(id)+" does not run before the aggregator, so it cannot be its source", 0)
}

// filter compiles conditions. Nil when there are none, or when they cannot be compiled.
func (c *compiler) filter(groups [][]blueprint.Condition, field string) *expr.Filter {
	if !conditional(groups) {
		return nil
	}
	rules := make([][]expr.Rule, len(groups))
	for i, group := range groups {
		for _, condition := range group {
			rules[i] = append(rules[i], expr.Rule{
				A: operand(condition.O, condition.A), Operator: condition.O, B: operand(condition.O, condition.B),
			})
		}
	}
	filter, err := c.language.CompileFilter(rules, c.slot)
	if err != nil {
		c.reportFilter(field, err)
		return nil
	}
	for _, r := range filter.References() {
		c.note(r.Reference)
	}
	return filter
}

// operand is one side of a condition. The text of a number that is to be compared as one is that number, so that it need
// not be read for every bundle.
func operand(operator string, side any) any {
	value := jsonValue(side)
	if text, ok := value.(string); ok && strings.HasPrefix(operator, "number:") && text != "" && !strings.Contains(text, "{{") {
		if number, err := connector.Coerce(text, connector.TypeNumber, nil); err == nil {
			return number
		}
	}
	return value
}

// reportFilter reports each problem of a filter at the operand where it is.
func (c *compiler) reportFilter(field string, err error) {
	several := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // the list itself is wanted, not one of its errors
		several = joined.Unwrap()
	}
	for _, err := range several {
		var at *expr.FilterError
		if errors.As(err, &at) {
			c.report(field+"["+strconv.Itoa(at.Group)+"]["+strconv.Itoa(at.Index)+"]."+at.Side, at.Err)
			continue
		}
		c.report(field, err)
	}
}

// template compiles a text. Nil when it cannot be compiled.
func (c *compiler) template(text, field string) *expr.Template {
	template, err := c.language.Compile(text, c.slot)
	if err != nil {
		c.report(field, err)
		return nil
	}
	for _, r := range template.References() {
		c.note(r)
	}
	return template
}

// slot is where a run finds what a module gave; negative for a module that there is not.
func (c *compiler) slot(module int) int {
	if slot, ok := c.slots[module]; ok {
		return slot
	}
	return -1
}

func (c *compiler) report(field string, err error) {
	var several expr.Errors
	var one *expr.Error
	switch {
	case errors.As(err, &several):
	case errors.As(err, &one):
		several = expr.Errors{one}
	default:
		c.problem(field, blueprint.CodeExpression, err.Error(), 0)
	}
	for _, e := range several {
		message := e.Message
		if e.Expected != "" {
			message += ", expected " + e.Expected
		}
		c.problem(field, blueprint.CodeExpression, message, e.Column)
	}
}

// note remembers whose place among their bundles is asked for: by its name, or with the whole bundle.
func (c *compiler) note(r expr.Reference) {
	if r.Kind != expr.ModuleReference {
		return
	}
	found := c.asked[r.Module]
	switch {
	case len(r.Path) == 0:
		found.whole = true
	case r.Path[0] == indexField:
		found.index = true
	case r.Path[0] == lengthField:
		found.length = true
	default:
		return
	}
	c.asked[r.Module] = found
}
