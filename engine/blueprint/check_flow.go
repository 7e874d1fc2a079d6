package blueprint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// filters reports whether the filter can hold a bundle back: it has conditions, or some that could not be read.
func (f *Filter) filters() bool {
	if f == nil {
		return false
	}
	if len(f.Conditions) > 0 {
		return true
	}
	return f.conditionsUnread()
}

// conditionsUnread reports whether the filter has conditions that could not be read and were not replaced.
func (f *Filter) conditionsUnread() bool {
	if f.Conditions != nil {
		return false
	}
	value, _ := f.source.Get("conditions")
	_, ok := readConditions(value)
	return !ok
}

// checkRoutes looks at a router, and at routes where there is none.
func (c *checker) checkRoutes(at *site) {
	if at.kind != KindRouter {
		if len(at.Routes) > 0 {
			c.warn(at, "routes", CodeMisplacedRoutes, "only a "+Router+" has routes, here they are ignored")
		}
		return
	}
	for _, holder := range [...]struct {
		name   string
		object *Object
	}{{"parameters", at.Parameters}, {"mapper", at.Mapper}} {
		if _, ok := holder.object.Get("routes"); ok {
			c.warn(at, holder.name+".routes", CodeMisplacedRoutes,
				`Make ignores routes here; write them beside the module's mapper, as "routes": [{"flow": […]}, …] with the modules themselves`)
		}
	}
	if len(at.Routes) == 0 {
		if value, _ := at.source.Get("routes"); wantList(value, true) == "" {
			c.error(at, "routes", CodeNoRoutes, "a router needs at least one route")
		}
		return
	}
	for i := range at.Routes {
		c.checkRoute(at, i)
	}
	c.checkFallback(at)
}

func (c *checker) checkRoute(at *site, i int) {
	route, path := &at.Routes[i], joinIndex("routes", i)
	if route.unread() {
		c.error(at, path, CodeWrongType, `a route is an object {"flow": […]}, this is `+typeName(*route.odd))
		return
	}
	c.checkFlowField(at, path, route.source, route.Flow)
	c.checkSwitch(at, path, route.source, "disabled")
	for _, name := range [...]string{"filter", "conditions", "condition"} {
		if value, ok := route.source.Get(name); ok && !emptyObject(value) {
			c.warn(at, joinPath(path, name), CodeMisplacedFilter, "Make ignores conditions on a route; put them into the filter of the route's first module")
		}
	}
}

// checkFlowField reports a flow that is not a list.
func (c *checker) checkFlowField(at *site, path string, source *Object, flow []Module) {
	value, _ := source.Get("flow")
	if want := wantList(value, len(flow) == 0); want != "" {
		c.error(at, path+".flow", CodeWrongType, fmt.Sprintf("the flow is %s of modules, this is %s, which is ignored", want, typeName(value)))
	}
}

// checkSwitch reports a field that is neither true nor false.
func (c *checker) checkSwitch(at *site, path string, source *Object, name string) {
	value, _ := source.Get(name)
	if _, ok := readBool(value); !ok && value != nil {
		c.error(at, joinPath(path, name), CodeWrongType, fmt.Sprintf("%s is true or false, this is %s", name, typeName(value)))
	}
}

func (c *checker) checkFallback(at *site) {
	value, _ := at.Parameters.Get("else")
	if value == nil {
		return
	}
	fallback, ok := at.Fallback()
	if !ok {
		c.warn(at, "parameters.else", CodeBadFallback,
			fmt.Sprintf("this is no index of a route (0 to %d), so the router has no fallback route", len(at.Routes)-1))
		return
	}
	if at.Routes[fallback].Disabled {
		return
	}
	for i, route := range at.Routes {
		if i != fallback && !route.Disabled && len(route.Flow) > 0 && !route.Flow[0].Filter.filters() {
			c.warn(at, "parameters.else", CodeFallbackNeverRuns, fmt.Sprintf(
				"route %d has no conditions and takes every bundle, so the fallback route %d never runs; give the first module of route %d a filter",
				i, fallback, i))
			return
		}
	}
}

// checkBranches looks at an if-else, and at branches where there is none.
func (c *checker) checkBranches(at *site) {
	if at.kind != KindConditional {
		if len(at.Branches) > 0 {
			c.warn(at, "branches", CodeMisplacedRoutes, "only a "+IfElse+" has branches, here they are ignored")
		}
		return
	}
	if len(at.Branches) == 0 {
		if value, _ := at.source.Get("branches"); wantList(value, true) == "" {
			c.error(at, "branches", CodeNoRoutes, "an if-else needs at least one branch")
		}
		return
	}
	elses, merging := 0, false
	for i := range at.Branches {
		branch := &at.Branches[i]
		c.checkBranch(at, branch, joinIndex("branches", i))
		merging = merging || branch.Merge
		if branch.Type == "else" {
			if elses++; elses == 2 {
				c.error(at, joinIndex("branches", i)+".type", CodeSecondElse, "an if-else has at most one else branch")
			}
		}
	}
	if merging && (at.after == nil || at.after.Name != Merge) {
		c.warn(at, "branches", CodeNoMerge, "branches of it merge, but no "+Merge+" follows, so bundles end with their branch; add one right behind it")
	}
}

func (c *checker) checkBranch(at *site, branch *Branch, path string) {
	if branch.unread() {
		c.error(at, path, CodeWrongType, `a branch is an object {"type", "conditions", "flow"}, this is `+typeName(*branch.odd))
		return
	}
	c.checkFlowField(at, path, branch.source, branch.Flow)
	c.checkSwitch(at, path, branch.source, "merge")
	c.checkSwitch(at, path, branch.source, "disabled")
	value, _ := branch.source.Get("conditions")
	_, readable := readConditions(value)
	switch branch.Type {
	case "condition":
		if branch.Conditions == nil && !readable {
			break // checkConditions tells
		}
		if countConditions(branch.Conditions) == 0 && !branch.Disabled {
			c.warn(at, path+".conditions", CodeBranchNeverRuns, "a branch without conditions is never taken; give it some, or make it the else branch")
		}
	case "else":
		if len(branch.Conditions) > 0 {
			c.warn(at, path+".conditions", CodeElseConditions, "the conditions of an else branch are ignored")
		}
	default:
		c.error(at, path+".type", CodeBadBranch, `the type of a branch is "condition" or "else"`)
	}
	if len(branch.Flow) == 0 {
		if !branch.Disabled {
			c.warn(at, path+".flow", CodeBranchNeverRuns, "a branch without modules is never taken; put one into it")
		}
		return
	}
	if branch.Flow[0].Filter.filters() {
		c.warn(at, path+".flow[0].filter", CodeMisplacedFilter,
			"Make deletes the filter of a branch's first module; put it into the conditions of the branch")
	}
	for i := range branch.Flow {
		if branch.Flow[i].Name == Router {
			c.warn(at, fmt.Sprintf("%s.flow[%d]", path, i), CodeRouterInBranch, "Make's editor takes no router inside a branch")
		}
	}
}

func countConditions(groups [][]Condition) int {
	n := 0
	for _, group := range groups {
		n += len(group)
	}
	return n
}

// merging returns the indexes of the branches that go on behind a merge.
func (m *Module) merging() []int {
	var merging []int
	for i := range m.Branches {
		if m.Branches[i].Merge {
			merging = append(merging, i)
		}
	}
	return merging
}

func (c *checker) checkMerge(at *site) {
	if at.kind != KindConverger {
		return
	}
	if at.before == nil || at.before.Name != IfElse {
		c.error(at, "", CodeStrayMerge, "a merge stands right behind the if-else whose branches it joins")
		return
	}
	merging := len(at.before.merging())
	if merging == 0 {
		c.error(at, "", CodeNothingToMerge, fmt.Sprintf(`no branch of the if-else %d goes on here; set "merge": true on those that do`, at.before.ID))
		return
	}
	named := map[string]bool{}
	for i, output := range at.Outputs {
		path := joinIndex("outputs", i)
		if named[output.Name] && output.Name != "" {
			c.error(at, path+".name", CodeMergeMismatch, "another output has this name too, and a bundle has each name once")
		}
		named[output.Name] = true
		if output.unread() {
			c.error(at, path, CodeWrongType, `an output is an object {"name", "mappings"}, this is `+typeName(*output.odd))
			continue
		}
		if output.Name == "" {
			c.error(at, path+".name", CodeMergeMismatch, "the output needs a name")
		}
		if len(output.Mappings) != merging {
			c.error(at, path+".mappings", CodeMergeMismatch,
				fmt.Sprintf("there are %d mappings for %d merging branches; write one for each, in the order of the branches", len(output.Mappings), merging))
		}
	}
	if n := len(at.Filters); n > 0 && n != merging {
		c.error(at, "filters", CodeMergeMismatch,
			fmt.Sprintf("there are %d filters for %d merging branches; write one for each, in the order of the branches, null for none", n, merging))
	}
	for i, filter := range at.Filters {
		if filter != nil && filter.unread() {
			c.error(at, joinIndex("filters", i), CodeWrongType, "a filter is an object or null, this is "+typeName(*filter.odd))
		}
	}
}

func (c *checker) checkAggregator(at *site) {
	if at.kind != KindAggregator {
		return
	}
	value, has := at.Parameters.Get("feeder")
	id, ok := at.Feeder()
	switch {
	case !has || value == nil || value == "":
		c.error(at, "parameters.feeder", CodeNoFeeder, "an aggregator needs a source: the id of a module before it whose bundles it collects")
	case !ok:
		c.error(at, "parameters.feeder", CodeNoFeeder, "the source of an aggregator is the id of a module before it, this is "+typeName(value))
	default:
		c.checkFeeder(at, id)
	}
	c.checkTarget(at)
}

func (c *checker) checkFeeder(at *site, id int) {
	ordinal, ok := c.byID[id]
	if !ok {
		c.error(at, "parameters.feeder", CodeFeederNotUpstream, fmt.Sprintf("the source of the aggregator, module %d, does not exist", id))
		return
	}
	switch state := c.scope.states[ordinal]; {
	case c.modules[ordinal].Name == Router, c.modules[ordinal].Name == IfElse:
		c.error(at, "parameters.feeder", CodeFeederNotUpstream,
			fmt.Sprintf("module %d gives no bundles of its own, so it cannot be the source of an aggregator; choose the module before it", id))
	case state.hiddenBy > 0:
		c.warn(at, "parameters.feeder", CodeFeederAggregated, fmt.Sprintf(
			"the bundles of module %d have already been collected by the aggregator %d, so one bundle at most comes here; take that one as the source",
			id, c.modules[state.hiddenBy-1].ID))
	case !state.visible:
		c.error(at, "parameters.feeder", CodeFeederNotUpstream,
			fmt.Sprintf("the source of the aggregator, module %d, does not run before it on its way; choose one that does", id))
	}
}

// checkTarget looks at parameters.target, "module.path": the field of a later module that the items are shaped for.
func (c *checker) checkTarget(at *site) {
	target := at.Parameters.text("target")
	if target == "" {
		return
	}
	head, _, _ := strings.Cut(target, ".")
	id, err := strconv.Atoi(head)
	if err != nil {
		return // a name of a structure, not of a module
	}
	ordinal, ok := c.byID[id]
	if !ok || ordinal <= at.ordinal || !c.behind(at, ordinal) {
		c.warn(at, "parameters.target", CodeUnknownTarget,
			fmt.Sprintf("module %d does not run behind this aggregator, so its items cannot be shaped for it", id))
	}
}

// behind reports whether the module of that ordinal runs behind the one that is checked: it is in the same list, or in something that
// hangs on a module of that list.
func (c *checker) behind(at *site, ordinal int) bool {
	mine, theirs := at.place.lineage(), c.places[ordinal].lineage()
	return len(theirs) >= len(mine) && slices.EqualFunc(mine, theirs[:len(mine)], func(a, b Place) bool {
		return a.Owner == b.Owner && a.Within == b.Within && a.Number == b.Number
	})
}
