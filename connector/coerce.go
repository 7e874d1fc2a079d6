package connector

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Convert makes the bundle that a module with these fields is called with. Values become what the fields declare by
// Make's rules of type coercion (https://help.make.com/type-coercion), an empty value of an optional field becomes
// null, fields that were not given get their defaults, and limits and options are checked. Fields that are not
// described stay as they are; so does the order, with defaults behind it. A nil zone is UTC.
//
//   - To text: booleans, numbers (as JavaScript writes them), dates (ISO 8601, UTC, milliseconds), buffers that are
//     UTF-8, and arrays, whose elements are joined with ", ". A collection is refused.
//   - To a number or integer: text that is one in decimal notation, with or without an exponent. An integer must have no
//     fraction.
//   - To boolean: every number is true, text is false when it is "false" or empty, all else is true.
//   - To a date: text that [ParseDate] understands.
//   - To a time of day, which is text HH:mm:ss with milliseconds where there are any: text H:mm[:ss] or a lone hour, with AM
//     or PM or without; a date, whose time of day in the zone it is, and the text of one.
//   - To a buffer: what can be text, as UTF-8.
//   - To an array: all but arrays becomes an array of one element.
//   - To a collection: nothing else.
//
// The empty text counts as not given, except for fields of text, buffer, boolean and any; a required text must not be
// empty either.
//
// The result shares values with the bundle. The error is one [*Error] of type BundleValidationError that names every
// field that was refused, with the expected and the received type, and never a value.
func Convert(fields []Field, in Bundle, zone *time.Location) (Bundle, error) {
	c := coercion{zone: zone}
	out := c.collection(fields, in)
	return out, c.err()
}

// A coercion converts values and collects what is wrong with them.
type coercion struct {
	zone *time.Location
	// strict refuses fields that are not described, except in collections that may hold anything. ordered puts the fields
	// that are described in front, in the order of their description.
	strict, ordered bool
	path            []step
	problems        []string
}

// reset makes a coercion ready for other values. It keeps the room of its path.
func (c *coercion) reset(zone *time.Location) {
	c.zone = zone
	c.path = c.path[:0]
	if c.problems != nil {
		c.problems = nil
	}
}

// A step leads from a value to one inside it: by name, or by index when there is none.
type step struct {
	name  string
	index int
}

func (c *coercion) push(name string, index int) { c.path = append(c.path, step{name, index}) }
func (c *coercion) pop()                        { c.path = c.path[:len(c.path)-1] }

// deep says that values are nested too deep to go on, and notes it.
func (c *coercion) deep() bool {
	if len(c.path) <= MaxDepth {
		return false
	}
	// Without the path, which would be a page long.
	if !slices.Contains(c.problems, tooDeep) {
		c.problems = append(c.problems, tooDeep)
	}
	return true
}

const tooDeep = "values are nested too deep"

// maxProblems keeps an error about an array of a million wrong elements readable.
const maxProblems = 20

func (c *coercion) problem(text string) {
	if len(c.problems) == maxProblems {
		c.problems = append(c.problems, "and more")
	}
	if len(c.problems) > maxProblems {
		return
	}
	var b strings.Builder
	b.WriteString("field ")
	for i, s := range c.path {
		switch {
		case s.name == "":
			b.WriteString("[" + strconv.Itoa(s.index+1) + "]")
		case i > 0:
			b.WriteString("." + shownName(s.name))
		default:
			b.WriteString(shownName(s.name))
		}
	}
	b.WriteString(": " + text)
	c.problems = append(c.problems, b.String())
}

// maxShownName is how much of a field's name an error shows.
const maxShownName = 100

// shownName makes a name fit for a line of text. Names come from outside, too, so they may be as long as a request.
func shownName(name string) string {
	if len(name) > maxShownName {
		name = strings.ToValidUTF8(name[:maxShownName], "") + "…"
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, name)
}

func (c *coercion) mismatch(expected FieldType, value any) {
	c.problem(mismatch(expected, value).Message)
}

func (c *coercion) err() error {
	if len(c.problems) == 0 {
		return nil
	}
	return &Error{Type: BundleValidationError, Message: strings.Join(c.problems, "; ")}
}

// typeName says what a value is, without saying what it holds.
func typeName(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case int64, float64:
		return "number"
	case string:
		return "text"
	case time.Time:
		return "date"
	case []byte:
		return "buffer"
	case []any:
		return "array"
	case Bundle:
		return "collection"
	}
	return "unknown"
}

func (c *coercion) collection(fields []Field, in Bundle) Bundle {
	out, copied, known := in, false, 0
	for i := range fields {
		f := &fields[i]
		if f.Name == "" {
			continue
		}
		given, ok := in.Lookup(f.Name)
		if ok {
			known++
		}
		c.push(f.Name, 0)
		value := c.field(f, given)
		c.pop()
		if !ok && value == nil || ok && same(value, given) {
			continue
		}
		if !copied {
			out, copied = in.Clone(), true
		}
		out.put(f.Name, value)
	}
	if len(fields) > 0 && known < in.Len() && c.strict {
		c.unknown(fields, in)
	}
	if c.ordered {
		out = arranged(fields, out)
	}
	return out
}

// unknown reports the fields of a bundle that are not described.
func (c *coercion) unknown(fields []Field, in Bundle) {
	for name := range in.All() {
		if len(c.problems) > maxProblems {
			return
		}
		if !slices.ContainsFunc(fields, func(f Field) bool { return f.Name == name }) {
			c.push(name, 0)
			c.problem("is not part of the data structure: leave it out")
			c.pop()
		}
	}
}

// arranged returns a bundle with the fields that are described in front, in the order of their description.
func arranged(fields []Field, b Bundle) Bundle {
	at, inOrder := -1, true
	described := 0
	for i := range fields {
		if b.o == nil {
			break
		}
		if found := b.o.find(fields[i].Name); found >= 0 {
			inOrder = inOrder && found == at+1
			at = found
			described++
		}
	}
	if inOrder {
		return b
	}
	sorted := makeBundle(b.Len())
	for i := range fields {
		if value, ok := b.Lookup(fields[i].Name); ok {
			sorted.put(fields[i].Name, value)
		}
	}
	if described < b.Len() {
		for name, value := range b.All() {
			if _, ok := sorted.Lookup(name); !ok {
				sorted.put(name, value)
			}
		}
	}
	return sorted
}

// same says of values that came out of a conversion and went into it that nothing changed. It may say no too often.
func same(a, b any) bool {
	switch a := a.(type) {
	case []byte:
		b, ok := b.([]byte)
		return ok && len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
	case []any:
		b, ok := b.([]any)
		return ok && len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
	}
	switch b.(type) {
	case []byte, []any:
		return false
	}
	return a == b
}

// field converts a value for a field: default, type, limits. It returns nil when there is no value, or a wrong one.
func (c *coercion) field(f *Field, value any) any {
	if c.deep() {
		return nil
	}
	if blank(f.Type, value) {
		if f.Default != nil {
			return f.Default
		}
		if f.Required {
			c.problem("is required")
		}
		return nil
	}
	if f.Required && value == "" && f.Type.base() == TypeText {
		c.problem("is required")
		return nil
	}
	converted, ok := c.convert(f, value)
	if !ok || !c.allowed(f, converted) {
		return nil
	}
	return converted
}

// blank says whether a value stands for "not given".
func blank(t FieldType, value any) bool {
	if value == nil {
		return true
	}
	if text, ok := value.(string); !ok || text != "" {
		return false
	}
	switch t {
	case TypeSelect:
		return true
	}
	switch t.base() {
	case TypeText, TypeAny, TypeBuffer, TypeBoolean:
		return false
	}
	return true
}

// fits says whether a value is of the type already.
func fits(base FieldType, value any) bool {
	switch value := value.(type) {
	case string:
		return base == TypeText
	case int64:
		return base == TypeNumber || base == TypeInteger || base == TypeUInteger && value >= 0
	case float64:
		return base == TypeNumber
	case bool:
		return base == TypeBoolean
	case time.Time:
		return base == TypeDate
	case []byte:
		return base == TypeBuffer
	}
	return false
}

// convert converts by type alone.
func (c *coercion) convert(f *Field, value any) (any, bool) {
	switch f.Type.base() {
	case TypeArray:
		return c.array(f, value), true
	case TypeCollection:
		if b, ok := value.(Bundle); ok {
			return c.collection(f.Fields, b), true
		}
	}
	converted, err := Coerce(value, f.Type, c.zone)
	if err != nil {
		c.mismatch(f.Type, value)
		return nil, false
	}
	return converted, true
}

func (c *coercion) array(f *Field, value any) any {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	if len(f.Fields) == 0 {
		return list
	}
	out, copied := list, !ok
	for i, element := range list {
		c.push("", i)
		converted := c.field(&f.Fields[0], element)
		c.pop()
		if same(converted, element) {
			continue
		}
		if !copied {
			out, copied = append([]any(nil), list...), true
		}
		out[i] = converted
	}
	return out
}

// allowed checks limits and options.
func (c *coercion) allowed(f *Field, value any) bool {
	if len(f.Options) > 0 {
		if text, _ := value.(string); !slices.Contains(f.Options, text) {
			c.problem("is none of " + strings.Join(f.Options, ", "))
			return false
		}
	}
	if f.Min == nil && f.Max == nil {
		return true
	}
	var size float64
	what := "is"
	switch value := value.(type) {
	case int64:
		size = float64(value)
	case float64:
		size = value
	case string:
		size, what = float64(utf8.RuneCountInString(value)), "its length is"
	case []byte:
		size, what = float64(len(value)), "its length is"
	case []any:
		size, what = float64(len(value)), "its length is"
	default:
		return true
	}
	switch {
	case f.Min != nil && !(size >= *f.Min):
		c.problem(what + " less than " + formatNumber(*f.Min))
	case f.Max != nil && !(size <= *f.Max):
		c.problem(what + " more than " + formatNumber(*f.Max))
	default:
		return true
	}
	return false
}
