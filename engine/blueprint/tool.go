package blueprint

import "iter"

// A Tool is what an AI agent may call: a chain of modules of its own, which hangs on the agent's module and is no part of the flow. In
// its mappings the agent's id stands for what the agent fills in.
type Tool struct {
	Name        string
	Description string
	Flow        []Module
}

// Tools returns the tools of an AI agent, nil for every other module. They are a copy: to change them, change the file.
func (m *Module) Tools() []Tool {
	list := m.source.list("tools")
	if len(list) == 0 {
		return nil
	}
	d := decoder{maxModules: DefaultMaxModules}
	tools := make([]Tool, 0, len(list))
	for _, element := range list {
		source, ok := element.(*Object)
		if !ok {
			source = &Object{} // keeps the numbers of those behind it
		}
		flow, _ := source.Get("flow")
		tools = append(tools, Tool{Name: source.text("name"), Description: source.text("description"), Flow: d.flow(flow)})
	}
	return tools
}

// Tool reports whether the place is in a tool of an AI agent.
func (p Place) Tool() bool {
	for at := &p; at != nil && at.Owner != nil; at = at.Parent {
		if at.Within == WithinTool {
			return true
		}
	}
	return false
}

// collect notes the modules of a list and all that hangs on them, tools included, in the order in which checkFlow comes to them.
func (c *checker) collect(flow []Module, place Place) {
	for i := range flow {
		m := &flow[i]
		place.Index = i
		if _, taken := c.byID[m.ID]; !taken && m.ID > 0 {
			c.byID[m.ID] = len(c.modules)
		}
		c.modules = append(c.modules, m)
		c.places = append(c.places, place)
		c.collectBeside(m)
		c.collectVariables(m)
		if tools := m.Tools(); tools != nil {
			c.tools[m] = tools
		}
		for list, inner := range c.lists(m, place) {
			c.collect(list, inner)
		}
	}
}

// lists are those of Module.lists, and the tools.
func (c *checker) lists(m *Module, place Place) iter.Seq2[[]Module, Place] {
	return func(yield func([]Module, Place) bool) {
		for list, inner := range m.lists(place) {
			if !yield(list, inner) {
				return
			}
		}
		for i, tool := range c.tools[m] {
			if !yield(tool.Flow, Place{Within: WithinTool, Owner: m, Parent: &place, Number: i}) {
				return
			}
		}
	}
}
