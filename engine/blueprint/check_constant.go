package blueprint

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A ValueType knows which constants a field takes. What mappings give is not known before the run and not asked for.
type ValueType interface {
	// Refuses says why the field cannot take the value ("is none of get, post", "expected number, received text"), or "" when it can.
	// The value is nil, bool, string, [json.Number], or an *Object or []any, of whose content Within is asked.
	Refuses(value any) string
	// Within returns the type of a field of a collection, or of the elements of an array when the name is "", and nil when anything
	// may be there.
	Within(name string) ValueType
}

// checkConstants looks at what stands in parameters and mapper without a mapping. What the catalog says is an error, what only the file's
// own declarations say a warning, because they may be older than the modes that were chosen.
func (c *checker) checkConstants(at *site) {
	c.checkObject(at, "parameters", at.Parameters, at.info.Parameters, at.ParameterFields())
	c.checkObject(at, "mapper", at.Mapper, at.info.Mapper, at.fields)
}

func (c *checker) checkObject(at *site, path string, values *Object, known ValueType, declared Fields) {
	for name, value := range values.All() {
		if known != nil {
			if field := known.Within(name); field != nil {
				c.checkConstantOf(at, joinPath(path, name), value, field, SeverityError)
				continue
			}
		}
		if field, ok := declared.Get(name); ok {
			c.checkConstantOf(at, joinPath(path, name), value, field, SeverityWarning)
		}
	}
}

func (c *checker) checkConstantOf(at *site, path string, value any, field ValueType, severity Severity) {
	if text, ok := value.(string); ok && strings.Contains(text, "{{") {
		return
	}
	if reason := field.Refuses(value); reason != "" {
		c.report(at, Problem{Field: path, Severity: severity, Code: CodeBadValue, Message: "this constant does not fit: " + reason})
		return
	}
	switch v := value.(type) {
	case *Object:
		for name, element := range v.All() {
			if inner := field.Within(name); inner != nil {
				c.checkConstantOf(at, joinPath(path, name), element, inner, severity)
			}
		}
	case []any:
		if inner := field.Within(""); inner != nil {
			for i, element := range v {
				c.checkConstantOf(at, joinIndex(path, i), element, inner, severity)
			}
		}
	}
}

var _ ValueType = Field{}

// Refuses implements [ValueType] as far as the export declares it: numbers, choices and lengths.
func (f Field) Refuses(value any) string {
	if isEmpty(value) {
		return ""
	}
	switch f.Base() {
	case "number", "integer", "uinteger", "port":
		return f.refusesNumber(value)
	case "text":
		if text, ok := value.(string); ok {
			return f.refusesSize(float64(utf8.RuneCountInString(text)), "has fewer characters", "has more characters")
		}
	case "array":
		if list, ok := value.([]any); ok {
			return f.refusesSize(float64(len(list)), "has fewer items", "has more items")
		}
	case "collection":
		switch value.(type) {
		case *Object, []any: // PHP writes an empty collection as a list
		default:
			return "expected a collection, received " + typeName(value)
		}
	case "select":
		return f.refusesChoice(value)
	}
	return ""
}

func (f Field) refusesNumber(value any) string {
	var text string
	switch v := value.(type) {
	case json.Number:
		text = string(v)
	case string:
		text = strings.TrimSpace(v)
	default:
		return "expected a number, received " + typeName(value)
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || !isNumber(strings.TrimPrefix(text, "+")) {
		return "expected a number, received another text"
	}
	return f.refusesSize(number, "is less", "is more")
}

func (f Field) refusesSize(size float64, small, large string) string {
	switch {
	case f.Min != nil && size < *f.Min:
		return fmt.Sprintf("%s than %v", small, *f.Min)
	case f.Max != nil && size > *f.Max:
		return fmt.Sprintf("%s than %v", large, *f.Max)
	}
	return ""
}

func (f Field) refusesChoice(value any) string {
	var choice string
	switch v := value.(type) {
	case string:
		choice = v
	case json.Number:
		choice = string(v)
	case bool:
		choice = strconv.FormatBool(v)
	default:
		return ""
	}
	choices := make([]string, 0, len(f.Enum))
	for _, one := range f.Enum {
		choices = append(choices, fmt.Sprint(one))
	}
	if len(choices) == 0 || slices.Contains(choices, choice) {
		return ""
	}
	return "is none of " + strings.Join(choices, ", ")
}

// Within implements [ValueType].
func (f Field) Within(name string) ValueType {
	switch {
	case name != "":
		if field, ok := f.Spec.Get(name); ok && f.Base() == "collection" {
			return field
		}
	case f.Item != nil:
		return *f.Item
	case len(f.Spec) > 0 && f.Base() == "array":
		return Field{Type: "collection", Spec: f.Spec}
	}
	return nil
}
