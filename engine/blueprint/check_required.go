package blueprint

import (
	"fmt"
	"regexp"
	"slices"
)

// checkRequired looks for required fields that were left empty: what the catalog requires is an error, what only the file's own
// declarations require a warning, because the editor declares fields for modes that may have changed since.
func (c *checker) checkRequired(at *site) {
	for _, name := range at.info.Required {
		value, ok := at.Mapper.Get(name)
		holder := "mapper"
		if !ok {
			if v, inParameters := at.Parameters.Get(name); inParameters || at.info.declaresParameter(name) {
				value, holder = v, "parameters"
			}
		}
		if isEmpty(value) {
			c.error(at, joinPath(holder, name), CodeRequiredField, fmt.Sprintf("%s is required and empty; fill it", name))
		}
	}
	c.checkDeclared(at, "mapper", at.Mapper, at.fields, at.info.Required)
	c.checkDeclared(at, "parameters", at.Parameters, at.ParameterFields(), at.info.Required)
}

func (i ModuleInfo) declaresParameter(name string) bool {
	return i.Parameters != nil && i.Parameters.Within(name) != nil
}

func (c *checker) checkDeclared(at *site, path string, values *Object, fields Fields, reported []string) {
	for _, field := range fields {
		if field.Name == "" || slices.Contains(reported, field.Name) {
			continue
		}
		value, _ := values.Get(field.Name)
		if field.mustBeFilled() && isEmpty(value) {
			c.warn(at, joinPath(path, field.Name), CodeRequiredField, fmt.Sprintf("%s is declared as required and is empty; fill it", field.Name))
			continue
		}
		inner := field.Spec
		if field.Item != nil {
			inner = field.Item.Spec
		}
		if len(inner) == 0 {
			continue
		}
		switch v := value.(type) {
		case *Object:
			c.checkDeclared(at, joinPath(path, field.Name), v, inner, nil)
		case []any:
			for i, element := range v {
				if item, ok := element.(*Object); ok {
					c.checkDeclared(at, joinIndex(joinPath(path, field.Name), i), item, inner, nil)
				}
			}
		}
	}
}

// mustBeFilled leaves out what has a default, switches (no value is false), and what belongs to an account and is bound anew after every
// import: connections, webhooks, keys, data stores, data structures, other scenarios.
func (f Field) mustBeFilled() bool {
	if !f.Required || f.Default != nil {
		return false
	}
	switch f.Base() {
	case "hidden", "banner", "boolean", "account", "hook", "keychain", "datastore", "udt", "scenario", "device":
		return false
	default:
		return true
	}
}

// alwaysEmpty is a mapping that says in so many words that there is no value.
var alwaysEmpty = regexp.MustCompile(`^\{\{\s*(?:ignore|erase|null|emptystring|emptyarray)\s*\}\}$`)

func isEmpty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == "" || alwaysEmpty.MatchString(v)
	case []any:
		return len(v) == 0
	default:
		return false
	}
}
