package expr

import (
	"errors"
	"fmt"

	"github.com/ebbkit/ebb/connector/pattern"
)

// A Rule is one condition of a filter. A and B are templates when they are strings; arrays and collections are evaluated
// item by item and field by field, all other values stand for themselves. B is not looked at by the operators exist and
// notexist. An empty Operator is text:equal.
type Rule struct {
	A        any
	Operator string
	B        any
}

// A Filter is a compiled condition: groups of which one must hold, of rules of which all must. It does not change and may
// be used from many goroutines at once.
type Filter struct {
	lang       *Language
	groups     [][]rule
	references []FilterReference
}

type rule struct {
	a, b *Template // b may be nil
	op   Operator
	re   *pattern.Pattern // of a b that is known beforehand
}

// A FilterReference is something that a rule's operand names.
type FilterReference struct {
	Group, Index int    // which group and which rule in it, from 0
	Side         string // a or b
	Reference
}

// A FilterError is one problem of a filter.
type FilterError struct {
	Group, Index int    // which group and which rule in it, from 0
	Side         string // a, b, or o for the operator
	Err          error  // Errors of a template, or what is wrong with the operator
}

// Error says which rule it is and what is wrong.
func (e *FilterError) Error() string {
	return fmt.Sprintf("group %d, rule %d, %s: %v", e.Group+1, e.Index+1, e.Side, e.Err)
}

// Unwrap returns what is wrong.
func (e *FilterError) Unwrap() error { return e.Err }

// A Warning says that a rule was taken as false because an operand could not be converted to the operator's type.
type Warning struct {
	Group, Index int    // which group and which rule in it, from 0
	Side         string // a or b
	Operator     string
	Got          string // the value's type, never the value: null, boolean, number, text, date, buffer, array or collection
	Expected     string // what the operator compares
}

// String says it in a sentence.
func (w Warning) String() string {
	return fmt.Sprintf("group %d, rule %d is false: %s compares a %s, but %s is a %s that is none", w.Group+1, w.Index+1, w.Operator, w.Expected, w.Side, w.Got)
}

// CompileFilter compiles a module's conditions, an OR of ANDs. No conditions, and a group without rules, always hold.
// All problems are reported at once, joined, each a *FilterError.
func (l *Language) CompileFilter(conditions [][]Rule, slots Slots) (*Filter, error) {
	f := &Filter{lang: l}
	var problems []error
	for g, group := range conditions {
		rules := make([]rule, 0, len(group))
		for i, source := range group {
			var r rule
			compile := func(side string, v any) *Template {
				t, err := l.compileValue(v, slots, 0)
				if err != nil {
					problems = append(problems, &FilterError{g, i, side, err})
					return nil
				}
				for _, reference := range t.references {
					f.references = append(f.references, FilterReference{g, i, side, reference})
				}
				return t
			}
			r.a = compile("a", source.A)
			var err error
			if r.op, err = ParseOperator(source.Operator); err != nil {
				problems = append(problems, &FilterError{g, i, "o", err})
			} else if !r.op.unary() {
				if r.b = compile("b", source.B); r.b != nil && r.op.test == testPattern {
					if r.re, err = l.knownPattern(r.b, r.op); err != nil {
						problems = append(problems, &FilterError{g, i, "b", err})
					}
				}
			}
			rules = append(rules, r)
		}
		f.groups = append(f.groups, rules)
	}
	if problems != nil {
		return nil, errors.Join(problems...)
	}
	return f, nil
}

// knownPattern compiles the regular expression of a template that is the same for every bundle.
func (l *Language) knownPattern(t *Template, op Operator) (*pattern.Pattern, error) {
	v, ok := t.Constant()
	if !ok {
		return nil, nil
	}
	text, failure := operandText(v)
	if failure {
		return nil, nil // it is a warning when the rule is looked at
	}
	p, err := pattern.Compile(text, op.flags(), l.patterns.Limit)
	if err != nil {
		return nil, &Error{Column: 1, Message: patternProblem(err)}
	}
	return p, nil
}

// References lists what the filter's templates name. The caller must not change the list.
func (f *Filter) References() []FilterReference { return f.references }

// Match says whether the filter lets a bundle pass. Rules that could not compare are false and listed in the warnings,
// except where an earlier rule has decided. An error is that of a template's evaluation, or of a regular expression that
// took too long.
func (f *Filter) Match(env Env) (bool, []Warning, error) {
	if len(f.groups) == 0 {
		return true, nil, nil
	}
	var warnings []Warning
	for g, group := range f.groups {
		holds := true
		for i := range group {
			r := &group[i]
			a, err := r.a.Eval(env)
			if err != nil {
				return false, warnings, err
			}
			var b any
			if r.b != nil {
				if b, err = r.b.Eval(env); err != nil {
					return false, warnings, err
				}
			}
			var failed failedOperand
			if holds, failed, err = f.lang.compareOperands(r.op, r.re, a, b, env); err != nil {
				return false, warnings, err
			}
			if failed.side != "" {
				warnings = append(warnings, Warning{g, i, failed.side, r.op.name, kindOf(failed.value), failed.expected})
			}
			if !holds {
				break
			}
		}
		if holds {
			return true, warnings, nil
		}
	}
	return false, warnings, nil
}
