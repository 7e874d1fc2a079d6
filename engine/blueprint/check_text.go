package blueprint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// checkTexts looks at everything in a module that is evaluated, each with what a mapping there may refer to.
func (c *checker) checkTexts(at *site) {
	c.checkFilter(at, "filter", at.Filter)
	c.checkTemplate(at, "flags.groupBy", at.Flags.GroupBy)
	c.checkKeyword(at, "flags.groupBy", at.Flags.GroupBy)
	c.checkMapped(at, "mapper", at.Mapper)
	c.checkMapperFilters(at)
	c.checkParameters(at)
	for i := range at.Branches {
		c.checkConditions(at, joinIndex("branches", i)+".conditions", at.Branches[i].source, at.Branches[i].Conditions)
	}
	c.checkJoined(at)
}

// checkJoined looks at what a merge maps of each branch, as a module at the end of that branch would see it.
func (c *checker) checkJoined(at *site) {
	var merging []int
	if at.before != nil && at.before.Name == IfElse {
		merging = at.before.merging()
	}
	for n := range max(c.countMappings(at), len(at.Filters)) {
		start := c.scope.mark()
		if n < len(merging) {
			c.enterBranch(at, merging[n])
		}
		for i, output := range at.Outputs {
			if n < len(output.Mappings) {
				c.checkMapped(at, fmt.Sprintf("outputs[%d].mappings[%d]", i, n), output.Mappings[n])
			}
		}
		if n < len(at.Filters) {
			c.checkFilter(at, joinIndex("filters", n), at.Filters[n])
		}
		c.scope.rollback(start)
	}
}

func (c *checker) countMappings(at *site) int {
	n := 0
	for _, output := range at.Outputs {
		n = max(n, len(output.Mappings))
	}
	return n
}

// enterBranch goes past the modules of a branch of the if-else before the module.
func (c *checker) enterBranch(at *site, branch int) {
	for ordinal := c.ordinalOf(at.before, at.ordinal) + 1; ordinal < at.ordinal; ordinal++ {
		if place := c.places[ordinal]; place.Within == WithinBranch && place.Owner == at.before && place.Number == branch {
			c.advance(c.modules[ordinal], ordinal)
		}
	}
}

// ordinalOf finds a module that comes before the ordinal.
func (c *checker) ordinalOf(m *Module, before int) int {
	for before--; before > 0 && c.modules[before] != m; before-- {
	}
	return before
}

// checkFilter looks at operators and templates of a filter's conditions.
func (c *checker) checkFilter(at *site, path string, filter *Filter) {
	if filter != nil {
		c.checkConditions(at, joinPath(path, "conditions"), filter.source, filter.Conditions)
	}
}

// checkConditions takes the object that the conditions were read from too, to see whether they could be read.
func (c *checker) checkConditions(at *site, path string, source *Object, conditions [][]Condition) {
	if value, _ := source.Get("conditions"); conditions == nil {
		if _, ok := readConditions(value); !ok {
			c.error(at, path, CodeBadCondition,
				`conditions are a list of groups, each a list of {"a", "o", "b"}: [[{"a": "{{1.x}}", "o": "text:equal", "b": "y"}]]`)
		}
		return
	}
	for i, group := range conditions {
		for j := range group {
			c.checkCondition(at, joinIndex(joinIndex(path, i), j), &group[j])
		}
	}
}

func (c *checker) checkCondition(at *site, path string, condition *Condition) {
	if _, has := condition.source.Get("a"); !has && condition.A == nil && condition.source != nil {
		c.error(at, path, CodeBadCondition, `a condition is {"a", "o", "b"}; this one has no "a"`)
		return
	}
	c.checkOperator(at, path+".o", condition.O, SeverityError)
	c.checkOperand(at, path+".b", condition.O, condition.B)
	c.checkMapped(at, path+".a", condition.A)
	c.checkMapped(at, path+".b", condition.B)
	c.checkKeyword(at, path+".a", condition.A)
	c.checkKeyword(at, path+".b", condition.B)
}

func (c *checker) checkOperator(at *site, path, operator string, severity Severity) {
	if c.opts.Language == nil || operator == "" {
		return
	}
	ok, suggestion := c.opts.Language.Operator(operator)
	if ok {
		return
	}
	message := "there is no such operator"
	if suggestion != "" {
		message += fmt.Sprintf("; did you mean %q?", suggestion)
	}
	c.report(at, Problem{Field: path, Severity: severity, Code: CodeUnknownOperator, Message: message})
}

// checkOperand looks at a constant that conditions compare with.
func (c *checker) checkOperand(at *site, path, operator string, b any) {
	if c.opts.Language == nil {
		return
	}
	switch v := b.(type) {
	case string:
		if strings.Contains(v, "{{") {
			return
		}
	case *Object, []any:
		return
	}
	expected := c.opts.Language.Operand(operator, b)
	switch {
	case expected == "":
	case b == nil || b == "":
		c.warn(at, path, CodeBadOperand, fmt.Sprintf("%s compares with a %s, here is nothing, so the condition never holds; fill it", operator, expected))
	default:
		c.warn(at, path, CodeBadOperand, fmt.Sprintf("%s compares with a %s, this is none, so the condition never holds", operator, expected))
	}
}

// blanks are the keywords that leave a field out and clear it.
var blanks = regexp.MustCompile(`\{\{\s*(ignore|erase)\s*\}\}`)

// checkKeyword looks for the keywords ignore and erase where there is no field that they could leave out or clear.
func (c *checker) checkKeyword(at *site, path string, value any) {
	text, ok := value.(string)
	if !ok || c.opts.Language == nil {
		return
	}
	if found := blanks.FindStringSubmatchIndex(text); found != nil {
		c.report(at, Problem{
			Field: path, Column: utf8.RuneCountInString(text[:found[2]]) + 1, Severity: SeverityWarning, Code: CodeStrayKeyword,
			Message: text[found[2]:found[3]] + " means something only as the whole value of a field of the mapper; here it is empty",
		})
	}
}

// checkMixed looks for the same keywords inside of text.
func (c *checker) checkMixed(at *site, path, text string) {
	if found := blanks.FindStringIndex(text); found != nil && text != text[found[0]:found[1]] {
		c.checkKeyword(at, path, text)
	}
}

// checkMapperFilters looks at the operators of conditions that are a value of the mapper, as in a search of a data store.
func (c *checker) checkMapperFilters(at *site) {
	for name, value := range at.Mapper.All() {
		field, _ := at.fields.Get(name)
		if field.Base() != "filter" && (name != "filter" || at.App() != "datastore") {
			continue
		}
		conditions, _ := readConditions(value)
		for i, group := range conditions {
			for j := range group {
				path := joinIndex(joinIndex(joinPath("mapper", name), i), j)
				c.checkOperator(at, path+".o", group[j].O, SeverityWarning)
			}
		}
	}
}

// checkMapped looks at all texts in a mapped value.
func (c *checker) checkMapped(at *site, path string, value any) {
	if c.opts.Language == nil {
		return
	}
	switch v := value.(type) {
	case string:
		c.checkTemplate(at, path, v)
		if strings.HasPrefix(path, "mapper") {
			c.checkMixed(at, path, v)
		}
	case []any:
		for i, element := range v {
			if mayHoldTemplate(element) {
				c.checkMapped(at, joinIndex(path, i), element)
			}
		}
	case *Object:
		for name, element := range v.All() {
			if mayHoldTemplate(element) {
				c.checkMapped(at, joinPath(path, name), element)
			}
		}
	}
}

// mayHoldTemplate spares the paths of values that have nothing to look at.
func mayHoldTemplate(value any) bool {
	switch v := value.(type) {
	case string:
		return strings.Contains(v, "{{")
	case []any:
		return len(v) > 0
	case *Object:
		return v.Len() > 0
	default:
		return false
	}
}

// checkTemplate looks at one text: what the language says, and where its references lead. A module is reported once per text.
func (c *checker) checkTemplate(at *site, path, text string) {
	if c.opts.Language == nil || !strings.Contains(text, "{{") {
		return
	}
	refs, problems := c.opts.Language.Template(text)
	for _, p := range problems {
		c.report(at, Problem{Field: path, Column: p.Column, Severity: p.Severity, Code: p.Code, Message: p.Message})
	}
	seen := make(map[int]bool, len(refs))
	for _, ref := range refs {
		if !seen[ref.Module] {
			seen[ref.Module] = true
			c.checkReference(at, path, ref)
		}
	}
}

// checkParameters looks for mappings in parameters, which are constants.
func (c *checker) checkParameters(at *site) {
	if c.opts.Language != nil {
		c.checkConstant(at, "parameters", at.Parameters)
	}
}

func (c *checker) checkConstant(at *site, path string, value any) {
	switch v := value.(type) {
	case string:
		if !strings.Contains(v, "{{") {
			return
		}
		// Braces alone prove nothing, a pattern may hold them. A reference to a module does.
		refs, _ := c.opts.Language.Template(v)
		if slices.ContainsFunc(refs, func(ref Ref) bool { _, ok := c.byID[ref.Module]; return ok }) {
			c.report(at, Problem{
				Field: path, Column: refs[0].Column, Severity: SeverityWarning, Code: CodeTemplateInParameters,
				Message: "parameters are constants, so this mapping is not evaluated; move the field into the mapper",
			})
		}
	case []any:
		for i, element := range v {
			if mayHoldTemplate(element) {
				c.checkConstant(at, joinIndex(path, i), element)
			}
		}
	case *Object:
		for name, element := range v.All() {
			if mayHoldTemplate(element) {
				c.checkConstant(at, joinPath(path, name), element)
			}
		}
	}
}
