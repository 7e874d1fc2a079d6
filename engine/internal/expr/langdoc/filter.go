package main

import (
	"slices"
	"strings"

	"github.com/ebbkit/ebb/engine/internal/expr"
)

// filters shows every operator of conditions.
func (p *page) filters() {
	p.text("## Conditions", "A filter's `conditions` are groups of rules: it lets a bundle pass when in one group all rules hold. A rule is `{\"a\": …, \"o\": operator, \"b\": …}`, where a and b are templates, or arrays and collections of "+
		"them. No conditions, and a group without rules, always hold. Without an operator it is `text:equal`.",
		"Both sides are converted to what the operator compares. When that fails the rule is false, negated or not, and the run records a warning that names types and no value. For `text:` null is empty text. "+
			"Case counts unless the operator ends in `:ci`.")
	rows := [][]string{{"Operator", "Holds when", "a", "b", "Result"}}
	for _, family := range []string{"", "text", "number", "date", "time", "semver", "boolean", "array"} {
		for _, name := range expr.Operators() {
			prefix, test, ok := strings.Cut(name, ":")
			if !ok {
				prefix, test = "", name
			}
			if prefix == family {
				rows = append(rows, p.condition(name, family, test))
			}
		}
	}
	p.table(rows)
}

// A comparison is what the operators of one family compare in the page's examples.
type comparison struct{ a, b, subject string }

var comparisons = map[string]comparison{
	"":        {"{{1.nothing}}", "", "a"},
	"text":    {"{{1.name}}", "", "the text a"},
	"number":  {"{{1.price}}", "9.5", "the number a"},
	"date":    {"{{1.created}}", "2026-02-01", "the instant a"},
	"time":    {"{{1.created}}", "11:30", "the time of day a"},
	"semver":  {"1.10.0", "1.9", "the version a"},
	"boolean": {"{{1.paid}}", "true", "a"},
	"array":   {"{{1.tags}}", "3", "the number of items of a"},
}

// verbs say what a test asks; b of the tests that search is that of the example.
var verbs = []struct{ test, verb, b string }{
	{"equal", "is b", "Ada Lovelace"}, {"contain", "has b in it", "Love"}, {"startwith", "begins with b", "Ada"}, {"endwith", "ends with b", "lace"},
	{"pattern", "is matched by the regular expression b somewhere", `^A\w+ `},
	{"greaterorequal", "is greater than b or the same", ""}, {"lessorequal", "is less than b or the same", ""}, {"greater", "is greater than b", ""}, {"less", "is less than b", ""},
	{"exist", "is there: not null; empty text is there", ""},
}

func (p *page) condition(name, family, test string) []string {
	c := comparisons[family]
	test, fold := strings.CutSuffix(test, ":ci")
	base, negated := strings.CutPrefix(test, "not")
	i := slices.IndexFunc(verbs, func(v struct{ test, verb, b string }) bool { return v.test == base })
	if i < 0 || c.a == "" {
		p.fail("the operator %s has no words", name)
		return nil
	}
	if family == "text" {
		c.b = verbs[i].b
	}
	if family == "array" && base == "contain" {
		c.b, c.subject = "paid", "the array a"
	}
	words := c.subject + " " + verbs[i].verb
	if fold {
		words += ", whatever the case"
		c.b = strings.ToLower(c.b)
		if family == "array" {
			c.b = strings.ToUpper(c.b)
		}
	}
	if negated {
		words = "not: " + words
	}
	filter, err := p.language.CompileFilter([][]expr.Rule{{{A: c.a, Operator: name, B: c.b}}}, nil)
	if err != nil {
		p.fail("%s: %w", name, err)
		return nil
	}
	holds, warnings, err := filter.Match(p.run)
	if err != nil || len(warnings) > 0 {
		p.fail("%s: %w %v", name, err, warnings)
	}
	b := ""
	if c.b != "" {
		b = code(c.b)
	}
	return []string{code(name), words, code(c.a), b, shown(holds)}
}
