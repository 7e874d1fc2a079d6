package blueprint

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// checkBlueprint looks at what is not in a module.
func (c *checker) checkBlueprint() {
	bp := c.bp
	if bp.Name == "" {
		if value, ok := bp.source.Get("name"); ok && value != nil && value != "" {
			c.reportTop("name", SeverityWarning, CodeWrongType, "the name is a text, this is "+typeName(value))
		} else {
			c.reportTop("name", SeverityWarning, CodeNoName, "the blueprint has no name; give it one")
		}
	}
	value, has := bp.source.Get("flow")
	if _, isList := value.([]any); has && !isList && len(bp.Flow) == 0 {
		c.reportTop("flow", SeverityError, CodeWrongType, "the flow is a list of modules, this is "+typeName(value))
	} else if len(bp.Flow) == 0 {
		c.reportTop("flow", SeverityError, CodeEmptyFlow, "the flow has no module; add one")
	}
	for _, field := range [...]struct {
		name  string
		typed *Object
	}{{"metadata", bp.Metadata}, {"scheduling", bp.Scheduling}, {"interface", bp.Interface}, {"io", bp.IO}} {
		value, _ := bp.source.Get(field.name)
		if want := wantObject(value, field.typed == nil); want != "" {
			c.reportTop(field.name, SeverityWarning, CodeWrongType,
				fmt.Sprintf("%s is %s, this is %s, which is ignored", field.name, want, typeName(value)))
		}
	}
	c.checkSettings()
	c.checkOddities(nil, "", bp.source, "flow")
}

func (c *checker) checkSettings() {
	scenario := c.bp.Metadata.object("scenario")
	var read Settings
	for _, number := range read.numbers() {
		if value, _ := scenario.Get(number.name); value != nil {
			if n, ok := readInt(value); !ok || n < 1 {
				c.reportTop(joinPath("metadata.scenario", number.name), SeverityWarning, CodeBadSetting,
					"the setting is a whole number from 1 on, so its default counts")
			}
		}
	}
	for _, toggle := range read.toggles() {
		if value, _ := scenario.Get(toggle.name); value != nil {
			if _, ok := readBool(value); !ok {
				c.reportTop(joinPath("metadata.scenario", toggle.name), SeverityWarning, CodeBadSetting,
					"the setting is true or false, this is "+typeName(value)+", so its default counts")
			}
		}
	}
	if c.settings.Confidential && c.settings.DLQ {
		c.reportTop("metadata.scenario.dlq", SeverityWarning, CodeConfidentialDLQ,
			"a confidential scenario stores no incomplete executions; switch one of the two off")
	}
}

// checkValues looks at the JSON types of a module's fields. Id, name and version have their own checks.
func (c *checker) checkValues(at *site) {
	for name, value := range at.source.All() {
		var want string
		severity := SeverityError
		switch name {
		case "parameters":
			want = wantObject(value, at.Parameters == nil)
		case "mapper":
			want = wantObject(value, at.Mapper == nil)
		case "filter":
			want = wantObject(value, at.Filter == nil)
		case "flags":
			want = wantObject(value, at.Flags == Flags{})
		case "metadata":
			want, severity = wantObject(value, at.Metadata == nil), SeverityWarning
		case "routes":
			want = wantList(value, at.Routes == nil)
		case "branches":
			want = wantList(value, at.Branches == nil)
		case "onerror":
			want = wantList(value, at.OnError == nil)
		case "filters":
			want = wantList(value, at.Filters == nil)
		case "outputs":
			if !emptyObject(value) {
				want = wantList(value, at.Outputs == nil)
			}
		}
		if want != "" {
			c.report(at, Problem{
				Field: joinPath("", name), Severity: severity, Code: CodeWrongType,
				Message: fmt.Sprintf("%s is %s, this is %s, which is ignored", name, want, typeName(value)),
			})
		}
	}
	c.checkFlags(at)
	c.checkOddities(at, "", at.source, "routes", "branches", "onerror")
	for i := range at.Routes {
		c.checkOddities(at, joinIndex("routes", i), at.Routes[i].source, "flow")
	}
	for i := range at.Branches {
		c.checkOddities(at, joinIndex("branches", i), at.Branches[i].source, "flow")
	}
}

func (c *checker) checkFlags(at *site) {
	flags := at.source.object("flags")
	if value, _ := flags.Get("groupBy"); value != nil && at.Flags.GroupBy == "" {
		if _, isText := value.(string); !isText {
			c.error(at, "flags.groupBy", CodeWrongType, "groupBy is a text, this is "+typeName(value))
		}
	}
	if value, _ := flags.Get("stopIfEmpty"); value != nil && !at.Flags.StopIfEmpty {
		if _, ok := readBool(value); !ok {
			c.error(at, "flags.stopIfEmpty", CodeWrongType, "stopIfEmpty is true or false, this is "+typeName(value))
		}
	}
}

// wantObject and wantList return what the value should be, or "" when it is that, is empty, or was replaced.

func wantObject(value any, unread bool) string {
	if _, isObject := value.(*Object); unread && !isObject && !emptyObject(value) {
		return "an object"
	}
	return ""
}

func wantList(value any, unread bool) string {
	if _, isList := value.([]any); unread && !isList && value != nil {
		return "a list"
	}
	return ""
}

// emptyObject tells what counts as an empty object: null, {} and the [] that PHP makes of it.
func emptyObject(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case []any:
		return len(v) == 0
	case *Object:
		return v.Len() == 0
	default:
		return false
	}
}

// checkOddities looks, through all values of an object but those to skip, for names that stand twice and for broken texts. at is nil
// for the blueprint itself.
func (c *checker) checkOddities(at *site, path string, object *Object, skip ...string) {
	if object == nil {
		return
	}
	for _, m := range object.members {
		if m.repeated {
			c.odd(at, joinPath(path, m.name), 0, CodeDuplicateKey, "the name stands more than once in this object and the last one counts; delete the others")
		}
		if isOdd(m.value) && !slices.Contains(skip, m.name) {
			c.checkOddValue(at, joinPath(path, m.name), m.value)
		}
	}
}

func (c *checker) checkOddValue(at *site, path string, value any) {
	switch v := value.(type) {
	case string:
		if !utf8.ValidString(v) {
			c.odd(at, path, brokenAt(v), CodeBrokenText, "the text holds half of a surrogate pair, which no text can carry; delete or retype the character")
		}
	case *Object:
		c.checkOddities(at, path, v)
	case []any:
		for i, element := range v {
			if isOdd(element) {
				c.checkOddValue(at, joinIndex(path, i), element)
			}
		}
	}
}

// isOdd reports whether there is anything for checkOddValue to find. Nearly always there is not, and then no path need be put together.
func isOdd(value any) bool {
	switch v := value.(type) {
	case string:
		return !utf8.ValidString(v)
	case *Object:
		return v != nil && slices.ContainsFunc(v.members, func(m member) bool { return m.repeated || isOdd(m.value) })
	case []any:
		return slices.ContainsFunc(v, isOdd)
	}
	return false
}

func (c *checker) odd(at *site, field string, column int, code, message string) {
	severity := SeverityError
	if field == "metadata" || strings.HasPrefix(field, "metadata.") || strings.HasPrefix(field, "metadata[") {
		severity = SeverityWarning
	}
	p := Problem{Field: field, Column: column, Severity: severity, Code: code, Message: message}
	if at == nil {
		c.problems = append(c.problems, p)
		return
	}
	c.report(at, p)
}

// brokenAt returns the column of the first character that is not UTF-8.
func brokenAt(text string) int {
	column := 1
	for i, r := range text {
		if _, size := utf8.DecodeRuneInString(text[i:]); r == utf8.RuneError && size == 1 {
			break
		}
		column++
	}
	return column
}
