package blueprint

// A Blueprint is the definition of a scenario. Make one with [Parse], or in code; the zero Blueprint has no module.
type Blueprint struct {
	Name        string
	Description string
	Flow        []Module // the scenario's own chain; routes, branches and error routes hang on its modules
	Metadata    *Object  // scenario settings (see Settings), editor state, notes; nil when the file has none
	Scheduling  *Object  // the blueprint's own "scheduling"; Schedule also looks into the envelope
	Interface   *Object  // the blueprint's own "interface" {input, output}; see Inputs and Outputs
	IO          *Object  // the older form of interface, {input_spec, output_spec}

	// Envelope holds what stood around the blueprint in an API answer (code, scheduling, created, …), without the blueprint; nil when
	// nothing did. Marshal writes the blueprint alone.
	Envelope *Object

	source *Object
}

// A Module is one block of a scenario.
type Module struct {
	ID         int     // label that mappings refer to; positive and unique in the whole tree
	Name       string  // "app:Module", such as "http:ActionSendData"; custom apps are "app#slug:Module"
	Version    int     // major version of the app; 0 is a preview
	Parameters *Object // constants chosen at design time (connections, modes); never mapped. nil when there are none
	Mapper     *Object // values of the run; every text in it may be a template. nil when null or missing
	Filter     *Filter // what a bundle must pass to reach this module; nil when there is none
	Flags      Flags
	Routes     []Route   // of a router
	Branches   []Branch  // of an if-else
	Outputs    []Output  // of a merge
	Filters    []*Filter // of a merge: one for each merging branch, in the order of the branches; nil lets all pass
	OnError    []Module  // the error route
	Metadata   *Object   // editor state and declared fields; see Title, MapperFields, ParameterFields and OutputFields

	source *Object
	odd    *any // what stood in place of the module when that is not an object
}

// Flags are the settings of an aggregator.
type Flags struct {
	GroupBy     string // template; one output bundle per distinct value of it
	StopIfEmpty bool   // gives no bundle when none came in
}

// A Filter lets a bundle through when one of its groups of conditions holds; a group holds when all its conditions do. A filter without
// conditions is a label and lets everything through.
type Filter struct {
	Name       string
	Conditions [][]Condition

	source *Object
	odd    *any
}

// A Condition compares A with B. Both are templates when they are text; "exist" and "notexist" have no B.
type Condition struct {
	A any
	O string // operator such as "text:equal"; "" is text:equal
	B any

	source *Object
}

// A Route is one way out of a router. Which one is the fallback stands in the router, see [Module.Fallback].
type Route struct {
	Flow     []Module
	Disabled bool // the route is skipped

	source *Object
	odd    *any
}

// A Branch is one way through an if-else; the first that matches is taken.
type Branch struct {
	Type       string // "condition" or "else"
	Label      string
	Conditions [][]Condition // as in a Filter
	Merge      bool          // goes on behind the merge that follows the if-else
	Disabled   bool
	Flow       []Module

	source *Object
	odd    *any
}

// An Output is one field that a merge gives: for each merging branch, in the order of the branches, the template of its value.
type Output struct {
	Name     string
	Mappings []any

	source *Object
	odd    *any
}

// Title returns the name that the user gave the module in the editor, or else the module's name.
func (m *Module) Title() string {
	if title := m.Metadata.object("designer").text("name"); title != "" {
		return title
	}
	return m.Name
}

// App returns the part of the name before the colon: the app that the module belongs to.
func (m *Module) App() string {
	return appOf(m.Name)
}

// Fallback returns the index of the route that a router takes for bundles that no other route took: parameters.else, counted from 0.
// It is false when there is none; an index beyond the routes is none, as in Make.
func (m *Module) Fallback() (route int, ok bool) {
	value, _ := m.Parameters.Get("else")
	route, ok = readInt(value)
	if !ok || route < 0 || route >= len(m.Routes) {
		return 0, false
	}
	return route, true
}

// Feeder returns the id of the module whose bundles an aggregator collects: parameters.feeder.
func (m *Module) Feeder() (id int, ok bool) {
	value, _ := m.Parameters.Get("feeder")
	return readInt(value)
}

// Module returns the first module with this id, in document order.
func (b *Blueprint) Module(id int) (*Module, bool) {
	for _, m := range b.All() {
		if m.ID == id {
			return m, true
		}
	}
	return nil, false
}

// Schedule returns when the scenario runs, in Make's form {type, interval, …}: the blueprint's own scheduling or else the envelope's,
// where it may be encoded as a text. It is nil when neither tells.
func (b *Blueprint) Schedule() *Object {
	if b.Scheduling != nil {
		return b.Scheduling
	}
	value, _ := b.Envelope.Get("scheduling")
	if text, ok := value.(string); ok {
		r := reader{text: text, maxDepth: DefaultMaxDepth}
		value, _ = r.document()
	}
	schedule, _ := value.(*Object)
	return schedule
}

// Inputs returns the fields that a caller of the scenario may give, readable in mappings as var.input.
func (b *Blueprint) Inputs() Fields {
	return b.fields("input")
}

// Outputs returns the fields that the scenario returns to its caller.
func (b *Blueprint) Outputs() Fields {
	return b.fields("output")
}

func (b *Blueprint) fields(direction string) Fields {
	for _, place := range [...]struct {
		holder *Object
		name   string
	}{
		{b.Interface, direction},
		{b.IO, direction + "_spec"},
		{b.Envelope.object("interface"), direction},
		{b.Envelope.object("io"), direction + "_spec"},
		{b.Envelope.object("metadata"), direction + "_spec"},
	} {
		if list := place.holder.list(place.name); list != nil {
			return readFields(list)
		}
	}
	return nil
}
