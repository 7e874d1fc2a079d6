package connector

import "context"

// A Binder is an [Action] that can be called without an input bundle, with the values of a mapper as they come. It is
// optional; the engine finds it by type assertion. Those of [NewAction] are when Info.Direct is set, Info.Input is not,
// and In is a struct.
type Binder interface {
	Action
	// Bind returns a function that does what Do does for a module with these parameters, converted as Info.Params demands,
	// and for inputs with these names, of which some values may be known beforehand, by place. Each call gets a value for
	// each name, not yet converted: the function does so, as [Convert] would, looks at no value that is known, and keeps no
	// hold of the slice. Call.Input is empty. Nil: it cannot be bound. Many goroutines may call the function.
	Bind(params Bundle, names []string, known []Known) func(ctx context.Context, call *Call, values []any) (Bundle, error)
}

// Known is a value that is the same for every call, if it Is.
type Known struct {
	Is    bool
	Value any
}
