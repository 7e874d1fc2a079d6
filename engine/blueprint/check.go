package blueprint

import (
	"slices"
	"strconv"
)

// CheckOptions tell Check what it cannot know as a package that stands alone. The zero CheckOptions check the structure.
type CheckOptions struct {
	Language Language // reads templates and operators; nil: they are not looked into
	Catalog  Catalog  // knows modules; nil: names and kinds are not looked into
}

// A Language knows the mapping language.
type Language interface {
	// Template checks a text that may hold mappings, and returns the modules that they refer to.
	Template(text string) ([]Ref, []TextProblem)
	// Operator tells whether there is such an operator of conditions, or else the one that was probably meant, or "".
	Operator(o string) (ok bool, suggestion string)
	// Operand tells what the operator compares with, such as "number", when the constant b can never be made one; else "". The
	// constant is a text without mappings, a number, a boolean, or null when there is none.
	Operand(o string, b any) (expected string)
}

// A Ref is a reference of a mapping to a module.
type Ref struct {
	Module int
	Column int    // where it stands in the text, in characters from 1
	Path   string // what follows the module id; may be empty
}

// A TextProblem is something wrong in a template.
type TextProblem struct {
	Column   int // in characters from 1
	Severity Severity
	Code     string // in kebab case
	Message  string
}

// A Catalog knows the modules of the connectors that are there.
type Catalog interface {
	// Modules returns the names of the app's modules ("app:Module") in any order, and false when there is no connector for the app.
	Modules(app string) (names []string, ok bool)
	// Module returns what is known of a module in a version of its app, and false when there is none.
	Module(name string, version int) (info ModuleInfo, ok bool)
}

// ModuleInfo is what a catalog knows of a module.
type ModuleInfo struct {
	Kind     Kind
	Required []string // fields of the mapper or the parameters that must not be empty

	// Parameters and Mapper tell which constants the module takes. Nil: any.
	Parameters, Mapper ValueType

	// Absent says that the app has the module and the connector does not do its work yet: no problem of the file, see Unknown.
	Absent bool
}

// Check returns everything that is wrong with the blueprint, in document order, the blueprint itself first. It is nil when nothing is.
// See the Code constants for what it looks at. A module of an app without a connector is no problem, see [Unknown].
func Check(bp *Blueprint, opts CheckOptions) []Problem {
	c := &checker{
		bp: bp, opts: opts, settings: bp.Settings(), byID: map[int]int{}, beside: map[int]string{},
		tools: map[*Module][]Tool{}, variables: map[string]bool{},
	}
	c.collect(bp.Flow, Place{})
	c.scope.states = make([]state, len(c.modules))
	c.collectOrphans()
	c.checkBlueprint()
	c.checkFlow(bp.Flow)
	return c.problems
}

// Unknown returns the names of the modules in the blueprint whose app has no connector or whose work the connector does not do yet,
// sorted, each once. Modules in disabled routes are among them, placeholders are not.
func Unknown(bp *Blueprint, catalog Catalog) []string {
	var names []string
	for _, m := range bp.All() {
		if m.Name == "" || m.Name == Placeholder {
			continue
		}
		_, ok := catalog.Modules(m.App())
		if info, _ := catalog.Module(m.Name, m.Version); !ok || info.Absent {
			names = append(names, m.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// checker is one run of Check. Modules go by their ordinal, their position in document order, because ids may be missing or double.
type checker struct {
	bp       *Blueprint
	opts     CheckOptions
	settings Settings
	problems []Problem

	modules []*Module
	places  []Place
	byID    map[int]int    // id -> ordinal of the first module that has it
	beside  map[int]string // ids of modules that are not part of the flow -> where they are
	tools   map[*Module][]Tool
	scope   scope
	next    int // ordinal of the module that checkFlow comes to next

	variables   map[string]bool // names of variables that a module sets
	anyVariable bool            // a module sets one whose name only the run knows
}

// site is the module that is being checked.
type site struct {
	*Module

	ordinal int
	place   Place
	kind    Kind
	info    ModuleInfo
	before  *Module // the module before it in the same list
	after   *Module
	fields  Fields // the declared fields of its mapper

	explained map[int]explanation // by ordinal, why a mapping here cannot refer to that module
}

func (c *checker) checkFlow(flow []Module) {
	start := c.scope.mark()
	for i := range flow {
		at := &site{Module: &flow[i], ordinal: c.next, place: c.places[c.next], kind: flow[i].Kind(), fields: flow[i].MapperFields()}
		if i > 0 {
			at.before = &flow[i-1]
		}
		if i+1 < len(flow) {
			at.after = &flow[i+1]
		}
		c.next++
		c.checkModule(at)
		inside := c.scope.mark()
		c.scope.push(at.ordinal)
		for list := range c.lists(at.Module, at.place) {
			c.checkFlow(list)
		}
		c.scope.rollback(inside)
		c.advance(at.Module, at.ordinal)
	}
	c.scope.rollback(start)
}

func (c *checker) checkModule(at *site) {
	if at.unread() {
		c.error(at, "", CodeWrongType, "a module is an object with id, module, version, parameters and mapper, this is "+typeName(*at.odd)+": delete it")
		return
	}
	c.checkValues(at)
	c.checkID(at)
	c.checkName(at)
	c.checkPosition(at)
	c.checkRoutes(at)
	c.checkBranches(at)
	c.checkMerge(at)
	c.checkAggregator(at)
	c.checkTexts(at)
	c.checkVariables(at)
	c.checkRequired(at)
	c.checkConstants(at)
}

// error reports a problem of the module with which the blueprint cannot run.
func (c *checker) error(at *site, field, code, message string) {
	c.report(at, Problem{Field: field, Code: code, Message: message})
}

// warn reports a problem of the module with which the blueprint runs.
func (c *checker) warn(at *site, field, code, message string) {
	c.report(at, Problem{Field: field, Severity: SeverityWarning, Code: code, Message: message})
}

func (c *checker) report(at *site, p Problem) {
	p.Module = at.ID
	if at.ID <= 0 {
		p.Module = 0
		path := at.place.Path()
		switch {
		case p.Field == "":
			p.Field = path
		case p.Field[0] == '[':
			p.Field = path + p.Field
		default:
			p.Field = path + "." + p.Field
		}
	}
	if p.Code != CodeDuplicateID && (at.place.Disabled() || at.place.Tool()) {
		p.Severity = SeverityWarning
	}
	c.problems = append(c.problems, p)
}

// reportTop reports a problem of the blueprint itself.
func (c *checker) reportTop(field string, severity Severity, code, message string) {
	c.problems = append(c.problems, Problem{Field: field, Severity: severity, Code: code, Message: message})
}

// collectBeside notes the modules that stand in fields of a module which this package does not know.
func (c *checker) collectBeside(m *Module) {
	for name, value := range m.source.All() {
		if name != "tools" && !slices.Contains(moduleFields, name) {
			c.collectIDs(value, name)
		}
	}
}

// collectOrphans notes the modules that lie beside the flow in the editor.
func (c *checker) collectOrphans() {
	c.collectIDs(c.bp.Metadata.object("designer").list("orphans"), orphan)
}

const orphan = "orphans"

func (c *checker) collectIDs(value any, where string) {
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			c.collectIDs(element, where)
		}
	case *Object:
		id, _ := v.Get("id")
		if n, ok := readInt(id); ok && v.text("module") != "" {
			c.beside[n] = where
		}
		for name, child := range v.All() {
			if name != "parameters" && name != "mapper" && name != "metadata" {
				c.collectIDs(child, where)
			}
		}
	}
}

// joinPath appends a field to a path: .name, or ["any other name"].
func joinPath(path, name string) string {
	plain := name != ""
	for i := range len(name) {
		c := name[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == '$'
		if !letter && (i == 0 || c < '0' || c > '9') {
			plain = false
			break
		}
	}
	switch {
	case !plain:
		return path + "[" + string(appendString(nil, name)) + "]"
	case path == "":
		return name
	default:
		return path + "." + name
	}
}

// joinIndex appends an index to a path.
func joinIndex(path string, i int) string {
	return path + "[" + strconv.Itoa(i) + "]"
}
