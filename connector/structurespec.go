package connector

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// ParseStructure reads a data structure as Make's API writes it: an object {name, strict, spec}, one around it as
// {"dataStructure": …}, or the list of fields alone. A field is {name, type, label, help, required, multiline, default,
// validate: {min, max, enum}, options, spec}; of a collection spec is the list of its fields, of an array it is the list
// of fields of the collections in it, or one field that describes its elements. What else stands there is for editors and
// left out.
//
// A text that is no JSON is an error of [ParseJSON]. Everything else that is wrong is one error that wraps
// [ErrStructure] and has all problems, each with its place.
//
// The key "personal" is this package's own: Field.Personal, which Make does not know.
func ParseStructure(text []byte) (Structure, error) {
	value, err := ParseJSON(text)
	if err != nil {
		return Structure{}, err
	}
	p := specParser{}
	s := p.structure(value)
	if err := structureError(p.problems); err != nil {
		return Structure{}, err
	}
	return s, s.Check()
}

// UnmarshalJSON reads what [ParseStructure] reads.
func (s *Structure) UnmarshalJSON(text []byte) error {
	parsed, err := ParseStructure(text)
	if err == nil {
		*s = parsed
	}
	return err
}

// MarshalJSON writes the structure as Make's API does: {"name": …, "strict": …, "spec": […]}. A default that is a buffer
// must be UTF-8. [ParseStructure] reads back what it writes.
func (s Structure) MarshalJSON() ([]byte, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	var problems []string
	spec := writeFields("spec", s.Fields, &problems)
	if err := structureError(problems); err != nil {
		return nil, err
	}
	return AppendJSON(nil, NewBundle("name", s.Name, "strict", s.Strict, "spec", spec))
}

// specParser reads structures and collects what is wrong with them.
type specParser struct{ problems []string }

func (p *specParser) problem(at, text string) {
	if len(p.problems) < maxProblems {
		p.problems = append(p.problems, at+": "+text)
	}
}

// expected reports a value of another type than the key asks for.
func (p *specParser) expected(at, what string, value any) {
	p.problem(at, "expected "+what+", received "+typeName(value))
}

func (p *specParser) structure(value any) Structure {
	if list, ok := value.([]any); ok {
		return Structure{Fields: p.fields("spec", list)}
	}
	object, ok := value.(Bundle)
	if inner, wrapped := object.Get("dataStructure").(Bundle); wrapped {
		object = inner
	}
	if _, has := object.Lookup("spec"); !ok || !has {
		p.problem("structure", "expected an object with a spec, or a list of fields")
		return Structure{}
	}
	s := Structure{Name: p.text("structure", object, "name"), Strict: p.flag("structure", object, "strict")}
	switch spec := object.Get("spec").(type) {
	case nil:
	case []any:
		s.Fields = p.fields("spec", spec)
	default:
		p.expected("spec", "a list of fields", spec)
	}
	return s
}

func (p *specParser) text(at string, object Bundle, key string) string {
	switch value := object.Get(key).(type) {
	case nil:
	case string:
		return value
	default:
		p.expected(at+"."+key, "text", value)
	}
	return ""
}

func (p *specParser) flag(at string, object Bundle, key string) bool {
	switch value := object.Get(key).(type) {
	case nil:
	case bool:
		return value
	default:
		p.expected(at+"."+key, "true or false", value)
	}
	return false
}

func (p *specParser) fields(at string, list []any) []Field {
	if len(list) == 0 {
		return nil
	}
	fields := make([]Field, 0, len(list))
	for i, element := range list {
		here := at + "[" + strconv.Itoa(i) + "]"
		object, ok := element.(Bundle)
		if !ok {
			p.expected(here, "a field", element)
			continue
		}
		f := p.field(here, object)
		f.Name = p.text(here, object, "name")
		if f.Name == "" {
			p.problem(here, "the field has no name: give it one")
		}
		fields = append(fields, f)
	}
	return fields
}

// field reads a field but for its name.
func (p *specParser) field(at string, object Bundle) Field {
	f := Field{
		Type:      FieldType(p.text(at, object, "type")),
		Label:     p.text(at, object, "label"),
		Help:      p.text(at, object, "help"),
		Personal:  p.text(at, object, "personal"),
		Required:  p.flag(at, object, "required"),
		Multiline: p.flag(at, object, "multiline"),
	}
	if f.Type == "" {
		p.problem(at, "the field has no type: take one of "+typeList())
		return f
	}
	if !knownType(f.Type) {
		p.problem(at, "the type "+strconv.Quote(shownName(string(f.Type)))+" does not exist: take one of "+typeList())
		return f
	}
	p.inside(at, object.Get("spec"), &f)
	p.validation(at+".validate", object.Get("validate"), &f)
	p.options(at+".options", object.Get("options"), &f)
	p.defaults(at+".default", object.Get("default"), &f)
	return f
}

// inside reads what a collection or an array holds.
func (p *specParser) inside(at string, spec any, f *Field) {
	if spec == nil || f.Type != TypeCollection && f.Type != TypeArray {
		return
	}
	at += ".spec"
	switch spec := spec.(type) {
	case []any:
		f.Fields = p.fields(at, spec)
		if f.Type == TypeArray && len(spec) > 0 {
			f.Fields = []Field{{Type: TypeCollection, Fields: f.Fields}}
		}
	case Bundle:
		if f.Type != TypeArray {
			p.expected(at, "a list of fields", spec)
			return
		}
		if spec.Len() > 0 {
			f.Fields = []Field{p.field(at, spec)}
		}
	default:
		p.expected(at, "a list of fields", spec)
	}
}

func (p *specParser) validation(at string, value any, f *Field) {
	if value == nil || value == false { // false is how Make writes that there is none
		return
	}
	rules, ok := value.(Bundle)
	if !ok {
		p.expected(at, "an object", value)
		return
	}
	f.Min = p.bound(at, rules, "min", "minItems")
	f.Max = p.bound(at, rules, "max", "maxItems")
	if enum := rules.Get("enum"); enum != nil {
		p.options(at+".enum", enum, f)
	}
	if rules.Get("pattern") != nil {
		p.problem(at+".pattern", "patterns are not supported: leave it out, and check the text in the scenario")
	}
}

func (p *specParser) bound(at string, rules Bundle, keys ...string) *float64 {
	for _, key := range keys {
		value := rules.Get(key)
		if value == nil {
			continue
		}
		number, ok := toFloat(value)
		if !ok || math.IsInf(number, 0) {
			p.expected(at+"."+key, "number", value)
			return nil
		}
		return &number
	}
	return nil
}

// options reads the only values that are allowed: a list of them, or of objects with a value each.
func (p *specParser) options(at string, value any, f *Field) {
	if value == nil {
		return
	}
	list, ok := value.([]any)
	if !ok {
		p.expected(at, "a list", value)
		return
	}
	for i, element := range list {
		if option, is := element.(Bundle); is {
			element = option.Get("value")
		}
		text, ok := toText(element)
		if !ok {
			p.expected(at+"["+strconv.Itoa(i)+"]", "text", element)
			continue
		}
		f.Options = append(f.Options, text)
	}
}

func (p *specParser) defaults(at string, value any, f *Field) {
	if blank(f.Type, value) || value == "" {
		return
	}
	c := coercion{}
	if f.Default = c.field(f, value); len(c.problems) > 0 {
		p.problem(at, "is no value of the field: mend it or leave it out")
	}
}

// writeFields is the inverse of fields.
func writeFields(at string, fields []Field, problems *[]string) []any {
	list := make([]any, len(fields))
	for i := range fields {
		list[i] = writeField(at+"."+fields[i].Name, &fields[i], problems)
	}
	return list
}

func writeField(at string, f *Field, problems *[]string) Bundle {
	var b Bundle
	if f.Name != "" {
		b.put("name", f.Name)
	}
	kind := f.Type
	if kind == "" {
		kind = TypeAny
	}
	b.put("type", string(kind))
	for _, text := range []struct{ key, value string }{{"label", f.Label}, {"help", f.Help}, {"personal", f.Personal}} {
		if text.value != "" {
			b.put(text.key, text.value)
		}
	}
	for _, flag := range []struct {
		key   string
		value bool
	}{{"required", f.Required}, {"multiline", f.Multiline}} {
		if flag.value {
			b.put(flag.key, true)
		}
	}
	if buffer, ok := f.Default.([]byte); ok && !utf8.Valid(buffer) {
		*problems = append(*problems, at+": the default is a buffer that is no text, which the JSON of a structure cannot hold")
	}
	if f.Default != nil {
		b.put("default", f.Default)
	}
	if validate := f.rules(); validate.Len() > 0 {
		b.put("validate", validate)
	}
	switch {
	case f.Type == TypeArray && len(f.Fields) == 1 && plainCollection(&f.Fields[0]):
		b.put("spec", writeFields(at, f.Fields[0].Fields, problems))
	case f.Type == TypeArray && len(f.Fields) == 1:
		b.put("spec", writeField(at, &f.Fields[0], problems))
	case f.Type == TypeCollection:
		b.put("spec", writeFields(at, f.Fields, problems))
	}
	return b
}

// rules are the limits and options of a field.
func (f *Field) rules() Bundle {
	var rules Bundle
	if f.Min != nil {
		rules.Set("min", *f.Min)
	}
	if f.Max != nil {
		rules.Set("max", *f.Max)
	}
	if len(f.Options) > 0 {
		rules.Set("enum", f.Options)
	}
	return rules
}

// plainCollection says that the elements of an array are collections of which there is nothing to say but their fields.
func plainCollection(f *Field) bool {
	return f.Type == TypeCollection && len(f.Fields) > 0 && f.Label == "" && f.Help == "" && f.Personal == "" && !f.Required &&
		!f.Multiline && f.Default == nil
}
