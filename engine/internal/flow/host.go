// Package flow walks a blueprint: it decides which module works next, on which bundle, and where its results go.
//
// It is pure. A [Program] knows no store, no clock and no network; for every effect it asks a [Host], and everything else
// follows from the blueprint, the [Start] and what the host answered. So a run can be recorded and taken up again: feed
// the same answers in the same order ([Replay]) and the run is where it was. Make a program with [Compile].
package flow

import (
	"context"
	"time"

	"github.com/ebbkit/ebb/connector"
)

// A Host performs the operations that have an effect. One run asks one thing at a time.
type Host interface {
	// Do performs an operation. How the module itself failed is part of the Result. An error of Do means that nobody
	// knows the result, or that it could not be kept: the run ends at once, without an outcome, and Run returns the error.
	Do(ctx context.Context, op *Operation) (Result, error)
}

// A Cycler is a Host that is told of the end of cycles. It is optional.
type Cycler interface {
	Host
	// EndCycle says that a cycle has come to its end and what it did stays, whatever the next one does: the host commits
	// what can be taken back. A cycle that a failure, a directive or a returning module ends is the run's last one; of
	// it the Outcome tells. A run that is taken up again ends its cycles again. A failure ends the run and rolls nothing
	// back; an error is one of Do.
	EndCycle(ctx context.Context) (*Failure, error)
}

// An Operation is one call of a module that has an effect.
type Operation struct {
	// Number counts the operations with an effect of a run from 1. It is the same when the run is taken up again.
	Number int64
	// Module is the module's id in the blueprint, Name its name ("http:MakeRequest").
	Module int
	Name   string
	// Impl is what does the work.
	Impl connector.Module
	// Params, Input and Erased are what connector.Call has under these names.
	Params, Input connector.Bundle
	Erased        []string
	// MaxBundles is how many bundles the operation may give, MaxBytes what they may hold together. Zero: any number.
	MaxBundles, MaxBytes int64
	// Connection is the type of connection that the module needs. Empty: none.
	Connection string
	// Bundles is what an aggregator is to make one bundle of. Nil for every other module.
	Bundles []connector.Bundle
	// Vars are the variables of the run, Now and Location its time.
	Vars     connector.Variables
	Now      time.Time
	Location *time.Location
}

// A Result is what an operation came to.
type Result struct {
	// Bundles are what the module gave.
	Bundles []connector.Bundle
	// Variables are what the module has set, in order.
	Variables []Assignment
	// Repeatable says that the operation may be done again with the same key, whatever the module says of itself in general.
	Repeatable bool
	// Failure is set when the module failed. Bundles are then of no account.
	Failure *Failure
	// At is when the operation ended; it is the time of the run from here on.
	At time.Time
}

// An Assignment is a variable that a module has set.
type Assignment struct {
	Name  string
	Value any
	Scope connector.VariableScope
}

// A Failure says how a module failed, in the words that an error route can map.
type Failure struct {
	Type    connector.ErrorType
	Message string
	// Detail is what the module adds, such as the answer of the service.
	Detail connector.Bundle
	// After is how long the service wants to be left alone. Zero: it did not say.
	After time.Duration
}

// Error returns the message: a Failure can be returned and wrapped like any error.
func (f *Failure) Error() string { return f.Message }

// An Observer is told what happens in a run, while it happens, by the goroutine that runs it. Bundles are read-only.
type Observer interface {
	// Began says that a module begins its operation of this number. Numbers count all operations from 1, with and without
	// effect.
	Began(number int64, module int, in connector.Bundle)
	// Gave says that the operation of this number, which is one of the module, gave a bundle.
	Gave(number int64, module int, out connector.Bundle)
	// Failed says that the operation failed.
	Failed(number int64, failure *Failure)
	// Replaced says that a Resume directive gave a bundle in place of the operation that failed, which is one of the module.
	Replaced(number int64, module int, out connector.Bundle)
	// Warned says that something in the module's field could not be done as it is written; the run goes on without it.
	Warned(module int, field, message string)
}
