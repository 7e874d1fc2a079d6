package flow

import (
	"strconv"

	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/engine/internal/expr"
)

// branches compiles the routes of a router or the branches of an if-else.
func (c *compiler) branches(m *blueprint.Module, n *node, end tail) {
	switch n.kind {
	case routerNode:
		n.next = nil
		for i := range m.Routes {
			var first *node
			if !m.Routes[i].Disabled {
				first = c.chain(m.Routes[i].Flow, n, end)
			}
			n.routes = append(n.routes, first)
		}
		if route, ok := m.Fallback(); ok && n.routes[route] != nil {
			n.fallback = route
		}
	case conditionNode:
		c.conditional(m, n, end)
	case mergeNode:
		c.merge(m, n)
	}
}

func (c *compiler) conditional(m *blueprint.Module, n *node, end tail) {
	merging := 0
	for i := range m.Branches {
		b := &m.Branches[i]
		at := tail{handler: end.handler}
		if b.Merge {
			if n.merge != nil {
				at.next = &node{kind: mergeNode, id: n.merge.id, name: n.merge.name, slot: n.merge.slot, mergeOf: n.merge, branch: merging}
			}
			merging++
		}
		otherwise := b.Type == "else"
		if b.Disabled || len(b.Flow) == 0 || !otherwise && !conditional(b.Conditions) {
			continue
		}
		field := "branches[" + strconv.Itoa(i) + "].conditions"
		c.at = m
		compiled := branch{otherwise: otherwise, field: field}
		if !otherwise {
			compiled.filter = c.filter(b.Conditions, field)
		}
		compiled.first = c.chain(b.Flow, n, at)
		if n.merge != nil {
			c.within(n.merge, b.Flow)
		}
		n.branches = append(n.branches, compiled)
	}
}

// conditional says whether there is any condition.
func conditional(groups [][]blueprint.Condition) bool {
	for _, group := range groups {
		if len(group) > 0 {
			return true
		}
	}
	return false
}

// within hides what lies in a branch from what stands behind the merge.
func (c *compiler) within(merge *node, flow []blueprint.Module) {
	inner := blueprint.Blueprint{Flow: flow}
	for _, m := range inner.All() {
		merge.within = append(merge.within, c.slots[m.ID])
	}
}

func (c *compiler) merge(m *blueprint.Module, n *node) {
	c.at = m
	merging := len(m.Filters)
	for i := range m.Outputs {
		o := &m.Outputs[i]
		compiled := output{name: o.Name}
		for j, mapping := range o.Mappings {
			field := "outputs[" + strconv.Itoa(i) + "].mappings[" + strconv.Itoa(j) + "]"
			var template *expr.Template
			switch value := jsonValue(mapping).(type) {
			case nil:
			case string:
				template = c.template(value, field)
			default:
				c.problem(field, blueprint.CodeParameters, "a mapping of a merge is a text", 0)
			}
			compiled.mappings = append(compiled.mappings, template)
		}
		merging = max(merging, len(compiled.mappings))
		n.outputs = append(n.outputs, compiled)
	}
	if before := n.before; before != nil && before.kind == conditionNode {
		merging = max(merging, c.mergingBranches(before))
	}
	for i := range n.outputs {
		n.outputs[i].mappings = append(n.outputs[i].mappings, make([]*expr.Template, merging-len(n.outputs[i].mappings))...)
	}
	n.gates = make([]*expr.Filter, merging)
	for i, filter := range m.Filters {
		if filter != nil && conditional(filter.Conditions) {
			n.gates[i] = c.filter(filter.Conditions, "filters["+strconv.Itoa(i)+"].conditions")
		}
	}
}

// mergingBranches counts the branches of an if-else that merge.
func (c *compiler) mergingBranches(n *node) int {
	most := 0
	for _, b := range n.branches {
		for at := b.first; at != nil; at = at.next {
			if at.mergeOf != nil {
				most = max(most, at.branch+1)
			}
		}
	}
	return most
}
