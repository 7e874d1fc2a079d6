package blueprint

// Marshal writes the blueprint as compact JSON in Make's form, without what stood around it when it was read. Every value that was
// not changed is written as it was read: fields that this package does not know, the order of fields, the exact text of numbers.
func Marshal(bp *Blueprint) ([]byte, error) {
	return bp.appendJSON(nil)
}

// MarshalJSON is [Marshal], for encoding/json.
func (b Blueprint) MarshalJSON() ([]byte, error) {
	return b.appendJSON(nil)
}

// UnmarshalJSON is [Parse], for encoding/json.
func (b *Blueprint) UnmarshalJSON(data []byte) error {
	bp, err := Parse(data)
	if err != nil {
		return err
	}
	*b = *bp
	return nil
}

// The orders in which Make writes the fields; they count for fields that were not there when the value was read.
var (
	blueprintFields = []string{"name", "description", "flow", "metadata", "scheduling", "interface", "io"}
	moduleFields    = []string{
		"id", "module", "version", "parameters", "filter", "flags", "mapper", "metadata", "routes", "branches", "outputs", "filters", "onerror",
	}
	flagFields      = []string{"groupBy", "stopIfEmpty"}
	filterFields    = []string{"name", "conditions"}
	conditionFields = []string{"a", "o", "b"}
	routeFields     = []string{"flow", "disabled"}
	branchFields    = []string{"type", "label", "conditions", "merge", "disabled", "flow"}
	outputFields    = []string{"name", "mappings"}
)

func (b *Blueprint) appendJSON(dst []byte) ([]byte, error) {
	return appendMembers(dst, b.source, blueprintFields, func(name string, raw any, has bool) (any, bool) {
		switch name {
		case "name":
			return keepText(raw, has, b.Name, b.source == nil)
		case "description":
			return keepText(raw, has, b.Description, false)
		case "flow":
			return keepList(raw, has, flow(b.Flow), len(b.Flow), b.source == nil)
		case "metadata":
			return keepObject(raw, has, b.Metadata, b.source == nil)
		case "scheduling":
			return keepObject(raw, has, b.Scheduling, false)
		case "interface":
			return keepObject(raw, has, b.Interface, false)
		case "io":
			return keepObject(raw, has, b.IO, false)
		default:
			return raw, true
		}
	})
}

// flow is a list of modules that can be a value of appendValue.
type flow []Module

func (f flow) appendJSON(dst []byte) ([]byte, error) {
	return appendList(dst, f, func(dst []byte, m Module) ([]byte, error) { return m.appendJSON(dst) })
}

func (m *Module) appendJSON(dst []byte) ([]byte, error) {
	if m.unread() {
		return appendValue(dst, *m.odd)
	}
	made := m.source == nil
	return appendMembers(dst, m.source, moduleFields, func(name string, raw any, has bool) (any, bool) {
		switch name {
		case "id":
			return keepInt(raw, has, m.ID, made)
		case "module":
			return keepText(raw, has, m.Name, made)
		case "version":
			return keepInt(raw, has, m.Version, made)
		case "parameters":
			return keepObject(raw, has, m.Parameters, made && m.Kind() != KindDirective)
		case "mapper":
			if made && m.Mapper == nil {
				return nil, m.Kind() != KindDirective // Make writes null for modules that have nothing to map
			}
			return keepObject(raw, has, m.Mapper, false)
		case "metadata":
			return keepObject(raw, has, m.Metadata, made)
		case "filter":
			return keepFilter(raw, has, m.Filter)
		case "flags":
			return m.Flags.keep(raw, has)
		case "routes":
			return keepList(raw, has, list[Route](m.Routes), len(m.Routes), false)
		case "branches":
			return keepList(raw, has, list[Branch](m.Branches), len(m.Branches), false)
		case "outputs":
			return keepList(raw, has, list[Output](m.Outputs), len(m.Outputs), false)
		case "filters":
			return keepList(raw, has, list[*Filter](m.Filters), len(m.Filters), false)
		case "onerror":
			return keepList(raw, has, flow(m.OnError), len(m.OnError), false)
		default:
			return raw, true
		}
	})
}

// The unread functions report whether what was read is not an object, and nobody filled the typed fields since.

func (m *Module) unread() bool { return m.odd != nil && m.ID == 0 && m.Name == "" }
func (f *Filter) unread() bool { return f.odd != nil && f.Name == "" && f.Conditions == nil }
func (r *Route) unread() bool  { return r.odd != nil && r.Flow == nil && !r.Disabled }
func (b *Branch) unread() bool { return b.odd != nil && b.Flow == nil && b.Type == "" }
func (o *Output) unread() bool { return o.odd != nil && o.Name == "" && o.Mappings == nil }

func (f Flags) keep(raw any, has bool) (any, bool) {
	source, _ := raw.(*Object)
	if source == nil && f == (Flags{}) {
		return raw, has
	}
	return flags{f, source}, true
}

// flags are Flags with the object that they were read from.
type flags struct {
	Flags

	source *Object
}

func (f flags) appendJSON(dst []byte) ([]byte, error) {
	return appendMembers(dst, f.source, flagFields, func(name string, raw any, has bool) (any, bool) {
		switch name {
		case "groupBy":
			return keepText(raw, has, f.GroupBy, false)
		case "stopIfEmpty":
			return keepBool(raw, has, f.StopIfEmpty)
		default:
			return raw, true
		}
	})
}

func (f *Filter) appendJSON(dst []byte) ([]byte, error) {
	if f == nil {
		return appendValue(dst, nil)
	}
	if f.unread() {
		return appendValue(dst, *f.odd)
	}
	return appendMembers(dst, f.source, filterFields, func(name string, raw any, has bool) (any, bool) {
		switch name {
		case "name":
			return keepText(raw, has, f.Name, false)
		case "conditions":
			return keepConditions(raw, has, f.Conditions, f.source == nil)
		default:
			return raw, true
		}
	})
}

func (c Condition) appendJSON(dst []byte) ([]byte, error) {
	return appendMembers(dst, c.source, conditionFields, func(name string, raw any, has bool) (any, bool) {
		switch name {
		case "a":
			return c.A, c.A != nil || has && raw == nil
		case "o":
			return keepText(raw, has, c.O, c.source == nil)
		case "b":
			return c.B, c.B != nil || has && raw == nil
		default:
			return raw, true
		}
	})
}

func (r Route) appendJSON(dst []byte) ([]byte, error) {
	if r.unread() {
		return appendValue(dst, *r.odd)
	}
	return appendMembers(dst, r.source, routeFields, func(name string, raw any, has bool) (any, bool) {
		switch name {
		case "flow":
			return keepList(raw, has, flow(r.Flow), len(r.Flow), r.source == nil)
		case "disabled":
			return keepBool(raw, has, r.Disabled)
		default:
			return raw, true
		}
	})
}

func (b Branch) appendJSON(dst []byte) ([]byte, error) {
	if b.unread() {
		return appendValue(dst, *b.odd)
	}
	return appendMembers(dst, b.source, branchFields, func(name string, raw any, has bool) (any, bool) {
		switch name {
		case "type":
			return keepText(raw, has, b.Type, b.source == nil)
		case "label":
			return keepText(raw, has, b.Label, false)
		case "conditions":
			return keepConditions(raw, has, b.Conditions, false)
		case "merge":
			return keepBool(raw, has, b.Merge)
		case "disabled":
			return keepBool(raw, has, b.Disabled)
		case "flow":
			return keepList(raw, has, flow(b.Flow), len(b.Flow), b.source == nil)
		default:
			return raw, true
		}
	})
}

func (o Output) appendJSON(dst []byte) ([]byte, error) {
	if o.unread() {
		return appendValue(dst, *o.odd)
	}
	return appendMembers(dst, o.source, outputFields, func(name string, raw any, has bool) (any, bool) {
		switch name {
		case "name":
			return keepText(raw, has, o.Name, o.source == nil)
		case "mappings":
			if _, isList := raw.([]any); has && !isList && o.Mappings == nil {
				return raw, true
			}
			return o.Mappings, has || o.Mappings != nil
		default:
			return raw, true
		}
	})
}

// list is a list of typed values that can be a value of appendValue.
type list[T appender] []T

func (l list[T]) appendJSON(dst []byte) ([]byte, error) {
	return appendList(dst, l, func(dst []byte, element T) ([]byte, error) { return element.appendJSON(dst) })
}

// The keep functions return what to write for a typed field: what was read, if that still means the same or never could be read.

func keepText(raw any, has bool, typed string, always bool) (any, bool) {
	if _, isText := raw.(string); has && !isText && typed == "" {
		return raw, true
	}
	return typed, has || always || typed != ""
}

func keepInt(raw any, has bool, typed int, always bool) (any, bool) {
	if read, ok := readInt(raw); has && read == typed && (ok || typed == 0) {
		return raw, true
	}
	return typed, has || always || typed != 0
}

func keepBool(raw any, has, typed bool) (any, bool) {
	if read, _ := readBool(raw); has && read == typed {
		return raw, true
	}
	return typed, has || typed
}

// keepObject leaves out an object that was taken away.
func keepObject(raw any, has bool, typed *Object, always bool) (any, bool) {
	if typed != nil {
		return typed, true
	}
	if _, wasObject := raw.(*Object); has && !wasObject {
		return raw, true
	}
	return &Object{}, always
}

func keepList(raw any, has bool, typed appender, length int, always bool) (any, bool) {
	if _, isList := raw.([]any); has && !isList && length == 0 {
		return raw, true
	}
	return typed, has || always || length > 0
}

func keepFilter(raw any, has bool, typed *Filter) (any, bool) {
	if typed != nil {
		return typed, true
	}
	_, wasObject := raw.(*Object)
	return raw, has && !wasObject
}

func keepConditions(raw any, has bool, typed [][]Condition, always bool) (any, bool) {
	_, isList := raw.([]any)
	if _, ok := readConditions(raw); has && typed == nil && (!ok || !isList) {
		return raw, true
	}
	groups := make(list[list[Condition]], len(typed))
	for i, group := range typed {
		groups[i] = group
	}
	return groups, has || always || typed != nil
}
