package connector

import (
	"errors"
	"fmt"
	"math"
	"regexp"
)

// ErrModule says that a connector or a module breaks a rule of this package.
var ErrModule = errors.New("connector: bad module")

var (
	// connectorName is what may stand before the colon in a blueprint, the names of custom apps ("app#slug") included.
	connectorName = regexp.MustCompile(`^[a-z][a-z0-9-]*(#[a-z0-9-]+)?$`)
	moduleName    = regexp.MustCompile(`^[A-Za-z0-9]+$`)
)

// Check says everything that is wrong with a connector, at once: names that no blueprint can hold, two modules of one
// name and version, and all that [CheckModule] finds. It returns nil when the connector is sound; engine.New calls it.
func Check(c Connector) error {
	var problems []error
	if !connectorName.MatchString(c.Name()) {
		problems = append(problems, fmt.Errorf("%w: the connector's name %q is not of the form %s",
			ErrModule, c.Name(), connectorName))
	}
	type identity struct {
		name    string
		version int
	}
	seen := map[identity]bool{}
	for _, module := range c.Modules() {
		if module == nil {
			problems = append(problems, fmt.Errorf("%w: a module of %s is nil", ErrModule, c.Name()))
			continue
		}
		info := module.Info()
		if id := (identity{info.Name, info.Version}); seen[id] {
			problems = append(problems, fmt.Errorf("%w: %s:%s stands twice with version %d",
				ErrModule, c.Name(), info.Name, info.Version))
		} else {
			seen[id] = true
		}
		if err := CheckModule(module); err != nil {
			problems = append(problems, fmt.Errorf("%s:%s: %w", c.Name(), info.Name, err))
		}
	}
	return errors.Join(problems...)
}

// CheckModule says everything that is wrong with a module, at once: a name that no blueprint can hold, no kind or more
// than one, an [Info.Problem], fields that make no sense.
func CheckModule(module Module) error {
	info := module.Info()
	var problems []error
	report := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("%w: "+format, append([]any{ErrModule}, args...)...))
	}
	if !moduleName.MatchString(info.Name) {
		report("the name %q is not of the form %s", info.Name, moduleName)
	}
	if info.Version < 0 {
		report("the version %d is negative", info.Version)
	}
	if n := kinds(module); n != 1 {
		report("it is of %d kinds and must be of one", n)
	}
	if info.Pure && (info.Connection != "" || is[Connected](module)) {
		report("it is pure and yet has a connection")
	}
	if info.Returns && !is[Action](module) {
		report("it ends runs and is no action")
	}
	if info.Direct && !is[Binder](module) {
		report("it says that it is direct and cannot be bound")
	}
	if info.Problem != nil {
		problems = append(problems, info.Problem)
	}
	for _, part := range []struct {
		name   string
		fields []Field
	}{{"params", info.Params}, {"input", info.Input}, {"output", info.Output}} {
		for _, problem := range checkFields(part.name, part.fields, 0) {
			report("%s", problem)
		}
	}
	return errors.Join(problems...)
}

// kinds counts the kinds that a module is of.
func kinds(module Module) int {
	n := 0
	for _, is := range []bool{
		is[Trigger](module), is[Receiver](module), is[Action](module), is[Search](module), is[Aggregator](module),
	} {
		if is {
			n++
		}
	}
	return n
}

func is[T Module](module Module) bool {
	_, ok := module.(T)
	return ok
}

func checkFields(path string, fields []Field, depth int) []string {
	var problems []string
	seen := map[string]bool{}
	for i := range fields {
		f := &fields[i]
		at := path + "." + f.Name
		switch {
		case f.Name == "":
			problems = append(problems, path+": a field has no name")
		case seen[f.Name]:
			problems = append(problems, at+" stands twice")
		}
		seen[f.Name] = true
		problems = append(problems, f.check(at, depth)...)
	}
	return problems
}

// check says what is wrong with a field beyond its name.
func (f *Field) check(at string, depth int) []string {
	if depth > MaxDepth {
		return []string{at + ": fields are nested too deep"}
	}
	var problems []string
	report := func(problem string) { problems = append(problems, at+": "+problem) }
	if len(f.Options) > 0 && f.Type.base() != TypeText {
		report("options are for texts")
	}
	if (f.Min != nil || f.Max != nil) && !f.Type.measurable() {
		report("a limit on " + string(f.Type))
	}
	if f.Min != nil && f.Max != nil && !(*f.Min <= *f.Max) || f.Min != nil && math.IsNaN(*f.Min) ||
		f.Max != nil && math.IsNaN(*f.Max) {
		report("no value can keep the limits")
	}
	if f.Default != nil {
		if !canonical(f.Default) {
			report("the default is of a type that no bundle holds")
		} else if c := (coercion{}); !Equal(c.field(f, f.Default), f.Default) {
			report("the default is no value of the field")
		}
	}
	switch f.Type {
	case TypeCollection:
		problems = append(problems, checkFields(at, f.Fields, depth+1)...)
	case TypeArray:
		switch {
		case len(f.Fields) > 1 || len(f.Fields) == 1 && f.Fields[0].Name != "":
			report("an array has one field without a name for its elements, or none")
		case len(f.Fields) == 1:
			problems = append(problems, f.Fields[0].check(at+"[]", depth+1)...)
		}
	default:
		if len(f.Fields) > 0 {
			report("fields are for collections and arrays")
		}
	}
	return problems
}
