package blueprint

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// decoder makes the typed view of a blueprint. What it cannot read stays in source or odd; Check looks there.
type decoder struct {
	modules    int
	maxModules int
}

func (d *decoder) blueprint(source *Object) *Blueprint {
	flow, _ := source.Get("flow")
	return &Blueprint{
		Name:        source.text("name"),
		Description: source.text("description"),
		Flow:        d.flow(flow),
		Metadata:    source.object("metadata"),
		Scheduling:  source.object("scheduling"),
		Interface:   source.object("interface"),
		IO:          source.object("io"),
		source:      source,
	}
}

func (d *decoder) flow(value any) []Module {
	list, _ := value.([]any)
	d.modules += len(list)
	if len(list) == 0 || d.modules > d.maxModules {
		return nil
	}
	flow := make([]Module, len(list))
	for i, element := range list {
		d.module(&flow[i], element)
	}
	return flow
}

func (d *decoder) module(m *Module, value any) {
	source, ok := value.(*Object)
	if !ok {
		m.odd = &value
		return
	}
	m.source = source
	for name, value := range source.All() {
		switch name {
		case "id":
			m.ID, _ = readInt(value)
		case "module":
			m.Name, _ = value.(string)
		case "version":
			m.Version, _ = readInt(value)
		case "parameters":
			m.Parameters, _ = value.(*Object)
		case "mapper":
			m.Mapper, _ = value.(*Object)
		case "metadata":
			m.Metadata, _ = value.(*Object)
		case "filter":
			if _, ok := value.(*Object); ok {
				m.Filter = readFilter(value)
			}
		case "flags":
			flags, _ := value.(*Object)
			m.Flags.GroupBy = flags.text("groupBy")
			stop, _ := flags.Get("stopIfEmpty")
			m.Flags.StopIfEmpty, _ = readBool(stop)
		case "routes":
			m.Routes = readList(value, d.route)
		case "branches":
			m.Branches = readList(value, d.branch)
		case "outputs":
			m.Outputs = readList(value, readOutput)
		case "filters":
			m.Filters = readList(value, readFilter)
		case "onerror":
			m.OnError = d.flow(value)
		}
	}
}

func (d *decoder) route(value any) Route {
	source, ok := value.(*Object)
	if !ok {
		return Route{odd: &value}
	}
	flow, _ := source.Get("flow")
	disabled, _ := source.Get("disabled")
	r := Route{Flow: d.flow(flow), source: source}
	r.Disabled, _ = readBool(disabled)
	return r
}

func (d *decoder) branch(value any) Branch {
	source, ok := value.(*Object)
	if !ok {
		return Branch{odd: &value}
	}
	flow, _ := source.Get("flow")
	conditions, _ := source.Get("conditions")
	merge, _ := source.Get("merge")
	disabled, _ := source.Get("disabled")
	b := Branch{Type: source.text("type"), Label: source.text("label"), Flow: d.flow(flow), source: source}
	b.Conditions, _ = readConditions(conditions)
	b.Merge, _ = readBool(merge)
	b.Disabled, _ = readBool(disabled)
	return b
}

func readOutput(value any) Output {
	source, ok := value.(*Object)
	if !ok {
		return Output{odd: &value}
	}
	return Output{Name: source.text("name"), Mappings: source.list("mappings"), source: source}
}

// readFilter returns nil for null, and a filter that only carries what it could not read for anything that is not an object.
func readFilter(value any) *Filter {
	if value == nil {
		return nil
	}
	source, ok := value.(*Object)
	if !ok {
		return &Filter{odd: &value}
	}
	conditions, _ := source.Get("conditions")
	f := &Filter{Name: source.text("name"), source: source}
	f.Conditions, _ = readConditions(conditions)
	return f
}

// readConditions reads a list of groups of conditions. It reads all of it or nothing, because a filter with one condition less lets
// through what it should not.
func readConditions(value any) ([][]Condition, bool) {
	groups, ok := value.([]any)
	if !ok {
		object, isObject := value.(*Object)
		return nil, value == nil || isObject && object.Len() == 0
	}
	read := make([][]Condition, len(groups))
	for i, group := range groups {
		list, ok := group.([]any)
		if !ok {
			return nil, false
		}
		read[i] = make([]Condition, len(list))
		for j, element := range list {
			source, ok := element.(*Object)
			if !ok {
				return nil, false
			}
			a, _ := source.Get("a")
			b, _ := source.Get("b")
			if o, _ := source.Get("o"); o != nil {
				if _, ok := o.(string); !ok {
					return nil, false
				}
			}
			read[i][j] = Condition{A: a, O: source.text("o"), B: b, source: source}
		}
	}
	return read, true
}

func readList[T any](value any, read func(any) T) []T {
	list, _ := value.([]any)
	if len(list) == 0 {
		return nil
	}
	out := make([]T, len(list))
	for i, element := range list {
		out[i] = read(element)
	}
	return out
}

// readInt reads a whole number: 7, 7.0 or 7e0, or the text of one, as hand-written files have it.
func readInt(value any) (int, bool) {
	var text string
	switch v := value.(type) {
	case json.Number:
		text = string(v)
	case string:
		text = strings.TrimSpace(v)
		if !isNumber(text) {
			return 0, false
		}
	case int:
		return v, true
	case float64:
		return wholeNumber(v)
	default:
		return 0, false
	}
	if n, err := strconv.Atoi(text); err == nil {
		return n, true
	}
	if !strings.ContainsAny(text, ".eE") {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, false
	}
	return wholeNumber(f)
}

func wholeNumber(f float64) (int, bool) {
	// 2^53: beyond it a float is no longer sure which whole number it stands for.
	if f != math.Trunc(f) || math.Abs(f) > 1<<53 || float64(int(f)) != f {
		return 0, false
	}
	return int(f), true
}

// readBool reads true and false, and their texts as hand-written files have them.
func readBool(value any) (b, ok bool) {
	switch value {
	case true, "true":
		return true, true
	case false, "false":
		return false, true
	default:
		return false, false
	}
}

// typeName tells a person what kind of JSON value this is.
func typeName(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case string:
		return "a text"
	case json.Number, int, float64:
		return "a number"
	case []any:
		return "a list"
	default:
		return "an object"
	}
}
