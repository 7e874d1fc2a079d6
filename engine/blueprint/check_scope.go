package blueprint

import (
	"fmt"
	"slices"
)

// scope knows, at the module that is being checked, which modules a mapping may refer to: those that have run before it on its way.
// It is kept by pushing modules as the walk passes them and rolling back when it leaves a list.
type scope struct {
	states []state // by ordinal
	chain  []int   // ordinals of the modules that may be mapped, in the order in which they run
	log    []undo
}

type state struct {
	visible  bool
	at       int // where it is in chain
	hiddenBy int // 1 + the ordinal of the aggregator that collected its bundles; 0 when none did
}

type undo struct {
	ordinal int
	before  state
}

type mark struct {
	log   int
	chain []int
}

func (s *scope) mark() mark {
	return mark{len(s.log), s.chain}
}

func (s *scope) rollback(to mark) {
	for i := len(s.log) - 1; i >= to.log; i-- {
		s.states[s.log[i].ordinal] = s.log[i].before
	}
	s.log, s.chain = s.log[:to.log], to.chain
}

func (s *scope) set(ordinal int, to state) {
	s.log = append(s.log, undo{ordinal, s.states[ordinal]})
	s.states[ordinal] = to
}

func (s *scope) push(ordinal int) {
	s.set(ordinal, state{visible: true, at: len(s.chain)})
	s.chain = append(s.chain, ordinal)
}

// collapse hides the modules from the feeder on: what they gave has been collected by the aggregator.
func (s *scope) collapse(feeder, aggregator int) {
	from := s.states[feeder].at
	for _, ordinal := range s.chain[from:] {
		s.set(ordinal, state{hiddenBy: aggregator + 1})
	}
	// A copy, because marks that were taken before still need what is behind.
	s.chain = slices.Clone(s.chain[:from])
}

// advance goes past a module.
func (c *checker) advance(m *Module, ordinal int) {
	if id, ok := m.Feeder(); ok && m.Kind() == KindAggregator {
		if feeder, ok := c.byID[id]; ok && c.scope.states[feeder].visible {
			c.scope.collapse(feeder, ordinal)
		}
	}
	c.scope.push(ordinal)
}

// checkReference reports a reference whose module cannot have run on the way to this one.
func (c *checker) checkReference(at *site, field string, ref Ref) {
	ordinal, ok := c.byID[ref.Module]
	if !ok {
		c.checkBeside(at, field, ref)
		return
	}
	if c.scope.states[ordinal].visible {
		return
	}
	because, ok := at.explained[ordinal]
	if !ok {
		because = c.explain(at, ordinal)
		if at.explained == nil {
			at.explained = map[int]explanation{}
		}
		at.explained[ordinal] = because
	}
	c.report(at, Problem{
		Field: field, Column: ref.Column, Severity: SeverityWarning, Code: because.code,
		Message: fmt.Sprintf("module %d %s, so this is always empty here; %s", ref.Module, because.why, because.fix),
	})
}

func (c *checker) checkBeside(at *site, field string, ref Ref) {
	p := Problem{Field: field, Column: ref.Column, Severity: SeverityWarning, Code: CodeUnknownReference}
	switch where := c.beside[ref.Module]; where {
	case "":
		p.Message = fmt.Sprintf("there is no module %d, so this is always empty; map a module that runs before this one", ref.Module)
	case orphan:
		p.Message = fmt.Sprintf("module %d is not connected to the flow, so this is always empty; connect it or map another module", ref.Module)
	default:
		// It belongs to something that this package does not read.
		return
	}
	c.report(at, p)
}

type explanation struct{ code, why, fix string }

// explain tells why a module of the flow cannot have given anything to the one that is being checked.
func (c *checker) explain(at *site, ordinal int) explanation {
	if ordinal == at.ordinal {
		return explanation{CodeSelfReference, "is this module itself", "map a module that runs before it"}
	}
	if aggregator := c.scope.states[ordinal].hiddenBy; aggregator > 0 {
		id := c.modules[aggregator-1].ID
		return explanation{
			CodeAggregatedReference,
			fmt.Sprintf("lies between the aggregator %d and its source", id),
			fmt.Sprintf("map what module %d gives, and put the value into its mapper", id),
		}
	}
	mine, theirs := c.places[at.ordinal].lineage(), c.places[ordinal].lineage()
	for i, their := range theirs {
		if i < len(mine) && mine[i].Owner == their.Owner && mine[i].Within == their.Within && mine[i].Number == their.Number {
			continue
		}
		owner := their.Owner.ID
		beside := i < len(mine) && mine[i].Owner == their.Owner
		switch {
		case their.Within == WithinTool:
			return explanation{CodeToolReference, fmt.Sprintf("is a tool of the agent %d", owner), "map what the agent gives"}
		case their.Within == WithinErrorRoute:
			return explanation{CodeErrorRouteReference, fmt.Sprintf("runs only when module %d fails", owner), "map a module of the flow itself"}
		case their.Within == WithinRoute && (beside || ordinal < at.ordinal):
			return explanation{CodeOtherRoute, fmt.Sprintf("is on another route of router %d", owner), "set a variable there and get it here"}
		case their.Within == WithinBranch && beside:
			return explanation{CodeOtherRoute, fmt.Sprintf("is in another branch of if-else %d", owner), "only one of them runs for a bundle"}
		case their.Within == WithinBranch && at.before == their.Owner:
			return explanation{CodeOtherRoute, fmt.Sprintf("is in another branch of if-else %d", owner), "each mapping of a merge sees its own branch only"}
		case their.Within == WithinBranch && ordinal < at.ordinal:
			return explanation{CodeOtherRoute, fmt.Sprintf("is in a branch of if-else %d", owner), "map what the merge behind it gives"}
		}
		break
	}
	return explanation{CodeLaterReference, "runs later", "map a module that runs before this one"}
}

// lineage returns the places from the outermost list to the one that the module stands in, without the scenario's own flow.
func (p Place) lineage() []Place {
	var lineage []Place
	for at := &p; at != nil && at.Owner != nil; at = at.Parent {
		lineage = append(lineage, *at)
	}
	slices.Reverse(lineage)
	return lineage
}
