package blueprint

import (
	"fmt"
	"iter"
	"strconv"
)

// Within says what kind of list a module stands in.
type Within uint8

// The lists that hold modules.
const (
	WithinFlow       Within = iota // the scenario's own flow
	WithinRoute                    // a route of a router
	WithinBranch                   // a branch of an if-else
	WithinErrorRoute               // the error route of a module
	WithinTool                     // a tool of an AI agent, see Module.Tools; All does not come here
)

// A Place is where a module stands in the tree.
type Place struct {
	Within Within
	Owner  *Module // the module that the route, branch, error route or tool belongs to; nil in the scenario's own flow
	Parent *Place  // where Owner stands; nil in the scenario's own flow
	Number int     // which route, branch or tool of Owner, from 0
	Index  int     // which module of the list, from 0
}

// All returns every module in document order, each before its routes, branches and error route, with the place where it stands. The
// modules in disabled routes and branches are among them (see [Place.Disabled]); orphans and the tools of AI agents, which are not part
// of the flow, are not. The pointers point into the blueprint.
func (b *Blueprint) All() iter.Seq2[Place, *Module] {
	return func(yield func(Place, *Module) bool) {
		walk(b.Flow, Place{}, yield)
	}
}

func walk(flow []Module, place Place, yield func(Place, *Module) bool) bool {
	for i := range flow {
		m := &flow[i]
		place.Index = i
		if !yield(place, m) {
			return false
		}
		for list, inner := range m.lists(place) {
			if !walk(list, inner, yield) {
				return false
			}
		}
	}
	return true
}

// lists returns the lists of modules that hang on a module which stands at place, each with the place of its first module.
func (m *Module) lists(place Place) iter.Seq2[[]Module, Place] {
	return func(yield func([]Module, Place) bool) {
		if len(m.Routes) == 0 && len(m.Branches) == 0 && len(m.OnError) == 0 {
			return
		}
		parent := new(Place)
		*parent = place
		for i := range m.Routes {
			if !yield(m.Routes[i].Flow, Place{Within: WithinRoute, Owner: m, Parent: parent, Number: i}) {
				return
			}
		}
		for i := range m.Branches {
			if !yield(m.Branches[i].Flow, Place{Within: WithinBranch, Owner: m, Parent: parent, Number: i}) {
				return
			}
		}
		if len(m.OnError) > 0 {
			yield(m.OnError, Place{Within: WithinErrorRoute, Owner: m, Parent: parent})
		}
	}
}

// First reports whether this is the place of the scenario's first module.
func (p Place) First() bool {
	return p.Within == WithinFlow && p.Index == 0
}

// Disabled reports whether a route or branch around the place is disabled, so that the module never runs.
func (p Place) Disabled() bool {
	for at := &p; at != nil && at.Owner != nil; at = at.Parent {
		switch at.Within {
		case WithinRoute:
			if at.Owner.Routes[at.Number].Disabled {
				return true
			}
		case WithinBranch:
			if at.Owner.Branches[at.Number].Disabled {
				return true
			}
		}
	}
	return false
}

// ErrorOf returns the module whose error route the place is in, the nearest one if error routes are nested; nil outside of error routes.
func (p Place) ErrorOf() *Module {
	for at := &p; at != nil; at = at.Parent {
		if at.Within == WithinErrorRoute {
			return at.Owner
		}
	}
	return nil
}

// Path returns the place as a path from the top of the blueprint, such as "flow[1].routes[0].flow[2]".
func (p Place) Path() string {
	index := "[" + strconv.Itoa(p.Index) + "]"
	switch p.Within {
	case WithinRoute:
		return fmt.Sprintf("%s.routes[%d].flow%s", p.Parent.Path(), p.Number, index)
	case WithinBranch:
		return fmt.Sprintf("%s.branches[%d].flow%s", p.Parent.Path(), p.Number, index)
	case WithinErrorRoute:
		return p.Parent.Path() + ".onerror" + index
	case WithinTool:
		return fmt.Sprintf("%s.tools[%d].flow%s", p.Parent.Path(), p.Number, index)
	default:
		return "flow" + index
	}
}
