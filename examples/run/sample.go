package main

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/blueprint"
)

// samples makes up what modules give that are not to be asked: those that are unknown, and those that would go out to the network,
// wait, or find a data store empty. It follows what the file declares of their output and what the mappings of later modules want of it: types from
// functions and fields, dates for dates, JSON for what is parsed as JSON. A hook gets one such bundle as input.
func samples(bp *blueprint.Blueprint, unknown []string) (input []connector.Bundle, stubs map[int]connector.Module) {
	s := sampler{bp: bp, given: map[int]*shape{}, variables: map[string]*shape{}}
	for _, m := range bp.All() {
		s.given[m.ID] = &shape{}
	}
	for _, m := range bp.All() {
		for _, field := range m.OutputFields() {
			if field.Name != "" {
				s.given[m.ID].field(field.Name).declare(field)
			}
		}
	}
	for _, m := range bp.All() {
		s.module(m)
	}
	stubs = map[int]connector.Module{}
	for place, m := range bp.All() {
		bundle := (&maker{room: maxValues}).object(s.given[m.ID], 0)
		switch {
		case slices.Contains(unknown, m.Name) || reachesOut(m):
			stub := sampled{bundle, s.times(m)}
			stubs[m.ID] = stub
			if m.Kind() == blueprint.KindAggregator {
				stubs[m.ID] = sampledAggregator{stub}
			}
		case place.First() && m.Kind() == blueprint.KindTrigger && m.Name != "util:BasicTrigger":
			input = []connector.Bundle{bundle}
		}
	}
	return input, stubs
}

// reachesOut says whether a generic module goes out to the network, waits, or reads what is in nobody's data store yet.
func reachesOut(m *blueprint.Module) bool {
	return slices.Contains([]string{"http", "rss", "email"}, m.App()) ||
		slices.Contains([]string{"util:FunctionSleep", "datastore:GetRecord", "datastore:SearchRecord"}, m.Name)
}

type sampler struct {
	bp        *blueprint.Blueprint
	given     map[int]*shape
	variables map[string]*shape
}

// module learns from what a module maps.
func (s *sampler) module(m *blueprint.Module) {
	if m.Filter != nil {
		s.conditions(m.Filter.Conditions)
	}
	for i := range m.Branches {
		s.conditions(m.Branches[i].Conditions)
	}
	s.text(m.Flags.GroupBy, nil)
	for _, output := range m.Outputs {
		for _, mapping := range output.Mappings {
			s.value(mapping, s.given[m.ID].field(output.Name), blueprint.Field{})
		}
	}
	var into func(name string) *shape // the shape that a field of the mapper becomes part of
	switch m.Name {
	case "util:SetVariable2", "util:SetVariable":
		name, _ := m.Mapper.Get("name")
		text, _ := name.(string)
		into = becomes("value", s.variable(m, text))
	case "util:SetVariables":
		s.setVariables(m)
		return
	case "util:GetVariable2", "util:GetVariable":
		if name, _ := m.Mapper.Get("name"); name != nil {
			text, _ := name.(string)
			s.variable(m, text)
		}
	case "util:GetVariables":
		names, _ := m.Mapper.Get("variables")
		list, _ := names.([]any)
		for _, name := range list {
			if text, ok := name.(string); ok {
				s.variable(m, text)
			}
		}
	case "util:ComposeTransformer":
		into = becomes("value", s.given[m.ID].field("value"))
	case blueprint.Iterator:
		whole := &shape{kind: "array", item: s.given[m.ID]}
		if value := s.given[m.ID].fields["value"]; value != nil && len(s.given[m.ID].names) == 1 {
			whole.item = value
		}
		into = becomes("array", whole)
	case "builtin:BasicAggregator":
		into = func(name string) *shape { return s.given[m.ID].field("array").element().field(name) }
	case "regexp:Parser", "regexp:AdvancedParser":
		pattern := m.Mapper
		if _, mapped := pattern.Get("pattern"); !mapped {
			pattern = m.Parameters
		}
		value, _ := pattern.Get("pattern")
		expression, _ := value.(string)
		if text, ok := matching(expression); ok && expression != "" && !strings.Contains(expression, "{{") {
			into = becomes("text", &shape{text: text})
		}
	case "json:ParseJSON":
		into = becomes("json", &shape{json: s.given[m.ID]})
	}
	declared := m.MapperFields()
	for name, value := range m.Mapper.All() {
		var target *shape
		if into != nil {
			target = into(name)
		}
		field, _ := declared.Get(name)
		s.value(value, target, field)
	}
}

func becomes(field string, target *shape) func(string) *shape {
	return func(name string) *shape {
		if name != field {
			return nil
		}
		return target
	}
}

// variable returns the shape of a variable, which is that of the field by which modules give it.
func (s *sampler) variable(m *blueprint.Module, name string) *shape {
	field := s.given[m.ID].field(name)
	if s.variables[name] == nil {
		s.variables[name] = field
	}
	s.variables[name].join(field)
	return s.variables[name].find()
}

func (s *sampler) setVariables(m *blueprint.Module) {
	value, _ := m.Mapper.Get("variables")
	list, _ := value.([]any)
	for _, element := range list {
		entry, _ := element.(*blueprint.Object)
		name, _ := entry.Get("name")
		text, _ := name.(string)
		value, _ := entry.Get("value")
		s.value(value, s.variable(m, text), blueprint.Field{})
	}
}

// value learns from a mapped value: what it becomes, and what type is declared for it.
func (s *sampler) value(value any, target *shape, field blueprint.Field) {
	switch v := value.(type) {
	case string:
		s.text(v, target, field)
	case *blueprint.Object:
		for name, inner := range v.All() {
			declared, _ := field.Spec.Get(name)
			s.value(inner, nil, declared)
		}
	case []any:
		item := blueprint.Field{Type: "collection", Spec: field.Spec}
		if field.Item != nil {
			item = *field.Item
		}
		for _, inner := range v {
			s.value(inner, nil, item)
		}
	}
}

// text learns from a template.
func (s *sampler) text(text string, target *shape, declared ...blueprint.Field) {
	found := references(text)
	for _, r := range found {
		given := s.given[r.module]
		if given == nil || r.path[0].name == "error" {
			continue
		}
		leaf := given.at(r.path)
		s.used(leaf, r)
		switch {
		case target != nil && (r.alone || len(found) == 1 && (target.json != nil || target.item != nil || target.text != "")):
			leaf.join(target)
		case r.alone && len(declared) > 0:
			s.wanted(leaf, declared[0])
		}
	}
}

// wanted learns from the type of the field that a value is mapped to.
func (s *sampler) wanted(leaf *shape, field blueprint.Field) {
	switch base := field.Base(); base {
	case "number", "integer", "uinteger", "boolean", "date", "time", "array", "collection", "buffer", "url", "email":
		if leaf.kind == "" {
			leaf.is(base)
		}
	case "select":
		if len(field.Enum) > 0 && leaf.text == "" {
			leaf.text, _ = field.Enum[0].(string)
		}
	}
}

// used learns from the calls around a reference, from the innermost outwards.
func (s *sampler) used(leaf *shape, r *reference) {
	if r.arithmetic {
		leaf.is("number")
	}
	for _, u := range slices.Backward(r.uses) {
		switch u.function {
		case "get":
			if leaf = got(leaf, u); leaf == nil {
				return
			}
		case "first", "last":
			leaf = leaf.element()
		case "if":
			if u.argument == 0 {
				return
			}
		case "ifempty":
		default:
			learn(leaf, u)
			return
		}
	}
}

// got follows the path of a get.
func got(leaf *shape, u use) *shape {
	if u.argument != 0 || u.literals[1] == "" {
		return nil
	}
	for name := range strings.SplitSeq(u.literals[1], ".") {
		if n, err := strconv.Atoi(name); err == nil && n > 0 && len(leaf.find().names) == 0 {
			leaf = leaf.nth(n)
		} else {
			leaf = leaf.field(name)
		}
	}
	return leaf
}

// learn takes what a function wants of its first argument.
func learn(leaf *shape, u use) {
	switch f := u.function; {
	case u.argument != 0:
	case f == "parseDate":
		leaf.find().text = dated(u.literals[1])
	case f == "formatDate" || strings.HasPrefix(f, "add") && f != "add" || strings.HasPrefix(f, "set"):
		leaf.is("date")
	case f == "parseNumber":
		leaf.find().text = "7"
	case f == "map":
		if key := u.literals[1]; key != "" {
			for name := range strings.SplitSeq(key, ".") {
				leaf = leaf.element().field(name)
			}
		}
	case slices.Contains([]string{"join", "sort", "slice", "flatten", "distinct", "reverse", "shuffle", "add", "remove", "merge", "deduplicate"}, f):
		leaf.element()
	case slices.Contains([]string{"round", "floor", "ceil", "abs", "sum", "average", "formatNumber"}, f):
		leaf.is("number")
	}
}

// dated writes the sample date in a format of the mapping language.
func dated(format string) string {
	switch format {
	case "X":
		return "1768469400"
	case "x":
		return "1768469400000"
	}
	return strings.NewReplacer(
		"YYYY", "2026", "YY", "26", "MMMM", "January", "MMM", "Jan", "MM", "01", "M", "1", "DD", "15", "D", "15", "HH", "09", "H", "9",
		"hh", "09", "h", "9", "mm", "30", "m", "30", "ss", "00", "s", "0", "SSS", "000", "A", "AM", "a", "am", "ZZ", "+0000", "Z", "+00:00",
		"[", "", "]", "",
	).Replace(format)
}

// conditions learns from the operators of a filter.
func (s *sampler) conditions(groups [][]blueprint.Condition) {
	for _, group := range groups {
		for _, c := range group {
			family, _, _ := strings.Cut(c.O, ":")
			field := blueprint.Field{Type: family}
			if family == "text" || family == "semver" || family == "array" {
				field = blueprint.Field{}
			}
			s.value(c.A, nil, field)
			s.value(c.B, nil, field)
		}
	}
}

// times says how many bundles a module gives, so that what is made of them has as many elements as are asked for.
func (s *sampler) times(m *blueprint.Module) int {
	n := 1
	for _, a := range s.bp.All() {
		if feeder, ok := a.Feeder(); ok && feeder == m.ID {
			n = max(n, s.given[a.ID].field("array").count)
		}
	}
	return n
}

// A sampled module gives the same made-up bundle every time.
type sampled struct {
	bundle connector.Bundle
	times  int
}

// Info implements connector.Module.
func (sampled) Info() connector.Info { return connector.Info{Name: "Sample"} }

// Search implements connector.Search.
func (s sampled) Search(context.Context, *connector.Call) iter.Seq2[connector.Bundle, error] {
	return func(yield func(connector.Bundle, error) bool) {
		for range s.times {
			if !yield(s.bundle, nil) {
				return
			}
		}
	}
}

// A sampledAggregator gives it for all that comes in.
type sampledAggregator struct{ sampled sampled }

// Info implements connector.Module.
func (a sampledAggregator) Info() connector.Info { return a.sampled.Info() }

// Aggregate implements connector.Aggregator.
func (a sampledAggregator) Aggregate(_ context.Context, _ *connector.Call, items iter.Seq2[connector.Bundle, error]) (connector.Bundle, error) {
	for _, err := range items {
		if err != nil {
			return connector.Bundle{}, err
		}
	}
	return a.sampled.bundle, nil
}
