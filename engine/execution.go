package engine

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/store"
)

// A Status says how an execution ended.
type Status string

// The statuses of executions. Running is none of them: an execution is recorded when it has ended, and until then its
// delivery says that it was accepted.
const (
	// StatusSuccess says that the run came to its end.
	StatusSuccess Status = "success"
	// StatusWarning says that it came to its end, but left something for people to look at.
	StatusWarning Status = "warning"
	// StatusError says that a failure ended it.
	StatusError Status = "error"
)

// An Execution is one run of a scenario that has ended.
type Execution struct {
	// ID is the ID of the delivery that the run was for, or one of its own when there was none.
	ID string
	// Scenario is the ID of the scenario. Empty for a blueprint that was only tried.
	Scenario string
	// Deployment says which deployment of the scenario ran, counted from 1.
	Deployment int64
	Status     Status
	Started    time.Time
	Ended      time.Time
	// Operations counts what modules did.
	Operations int64
	// Failure is what ended the run. Nil unless Status is StatusError.
	Failure *Failure
	// Trace is what each module took and gave, in order. Nil for a confidential scenario, and in [Engine.Activity].
	Trace []Step
	// Truncated says that the trace was longer than Config.MaxTraceBytes and ends early.
	Truncated bool
	// Output is what the scenario has returned: the fields of the "Return output" module that was reached. Kept with the
	// Trace, and gone with it.
	Output connector.Bundle
	// Warnings came up on the way; they do not change the Status.
	Warnings []Warning
	// Erased says that the execution was about one person, who was erased: its data cannot be read any more. Trace, Output,
	// Warnings and the failure's message are gone; what the log of executions has is there as long as that is kept. False in
	// [Engine.Activity].
	Erased bool
	// Responses are the answers to the hook's caller, of which the first was sent. Only [Engine.Try] fills them in.
	Responses []connector.Response

	// repeatable says that the run had no effect that must not be had twice.
	repeatable bool
}

// A Failure says what ended a run.
type Failure struct {
	// Module is the id of the module that failed. 0: the run itself.
	Module int
	Type   connector.ErrorType
	// Message is for people who may see the scenario's data. It is empty in [Engine.Activity].
	Message string
}

// A Step is one operation of a module.
type Step struct {
	// Module is the module's id in the blueprint.
	Module int
	// In is what its mapper gave, Out the bundles that it gave in turn.
	In  connector.Bundle
	Out []connector.Bundle
	// Error is set when it failed.
	Error *Failure
}

// A Warning says what in a module's fields could not be done as it is written, such as a comparison of values that cannot be
// compared. The run went on without it.
type Warning struct {
	// Module is the module's id in the blueprint.
	Module int
	// Message names the field and the types, never a value.
	Message string
}

// Query says which executions are wanted. The zero Query wants all.
type Query struct {
	// Status is the status that they must have. Empty: any.
	Status Status
	// After is the ID of the last one that was read; the search goes on behind it. Empty: at the newest.
	After string
	// Limit is how many. 0: all.
	Limit int
}

// Executions yields the executions of a scenario, named by its name or its ID, with their traces, newest first, for as long as
// they are kept: 60 days by default. One that cannot be read is yielded with its ID and its error; the loop may go on behind it.
// One about a person who was erased is no error, see Execution.Erased. A scenario that there is not has none, which is no error.
func (e *Engine) Executions(ctx context.Context, scenario string, q Query) iter.Seq2[*Execution, error] {
	return func(yield func(*Execution, error) bool) {
		for doc, err := range e.repo.Executions(ctx, e.tenant, e.idOf(scenario), q.page()) {
			x, err := e.executionOf(ctx, doc, err)
			if !yield(x, err) {
				return
			}
		}
	}
}

// Execution returns one execution with its trace. ErrNotFound when there is none, or none any more.
func (e *Engine) Execution(ctx context.Context, id string) (*Execution, error) {
	doc := &repo.Execution{Envelope: repo.Envelope{ID: id, Tenant: e.tenant}}
	err := e.repo.Get(ctx, doc)
	if err != nil && !errors.Is(err, ErrErased) {
		return nil, notFound(err, "execution", id)
	}
	return e.executionOf(ctx, doc, err)
}

// Activity yields the log of the executions of a scenario, named by its name or its ID, newest first, for as long as it is kept:
// 30 days by default. It has no traces, no messages, and nothing about people: Execution.Erased is false in it. An empty scenario
// stands for all of the tenant's.
func (e *Engine) Activity(ctx context.Context, scenario string, q Query) iter.Seq2[*Execution, error] {
	if scenario != "" {
		scenario = e.idOf(scenario)
	}
	return func(yield func(*Execution, error) bool) {
		for doc, err := range e.repo.Activities(ctx, e.tenant, scenario, q.page()) {
			if !yield(summarized(&doc.Envelope, &doc.Summary), err) {
				return
			}
		}
	}
}

func (q Query) page() repo.Page {
	return repo.Page{State: string(q.Status), After: q.After, Limit: q.Limit}
}

func (e *Engine) executionOf(ctx context.Context, doc *repo.Execution, err error) (*Execution, error) {
	switch {
	case errors.Is(err, ErrErased):
		return e.erasedExecution(ctx, &doc.Envelope)
	case err != nil:
		return summarized(&doc.Envelope, &doc.Summary), err
	}
	x := summarized(&doc.Envelope, &doc.Summary)
	return x, x.readTrace(doc.Trace)
}

// erasedExecution is what is left of an execution about a person who was erased: what the store sees, and what stands in the
// log, which names nobody.
func (e *Engine) erasedExecution(ctx context.Context, left *repo.Envelope) (*Execution, error) {
	log := &repo.Activity{Envelope: repo.Envelope{ID: left.ID, Tenant: left.Tenant}}
	if err := e.repo.Get(ctx, log); err != nil && !errors.Is(err, store.ErrNotFound) {
		return summarized(left, &repo.Summary{}), err
	}
	x := summarized(left, &log.Summary)
	x.Erased = true
	return x, nil
}

func summarized(e *repo.Envelope, s *repo.Summary) *Execution {
	x := &Execution{
		ID:         e.ID,
		Scenario:   e.Parent,
		Deployment: s.Deployment,
		Status:     Status(e.State),
		Started:    e.Created,
		Ended:      s.Ended,
		Operations: s.Operations,
	}
	if s.Type != "" {
		x.Failure = &Failure{Module: s.Module, Type: connector.ErrorType(s.Type), Message: s.Message}
	}
	return x
}

// documents turns an execution into what is kept of it: the detail, unless the scenario is confidential, and the line in
// the log.
func (x *Execution) documents(tenant string, trace []byte, confidential bool) (*repo.Execution, *repo.Activity) {
	envelope := repo.Envelope{ID: x.ID, Tenant: tenant, Parent: x.Scenario, State: string(x.Status), Created: x.Started}
	summary := repo.Summary{Ended: x.Ended, Operations: x.Operations, Deployment: x.Deployment}
	if x.Failure != nil {
		summary.Module, summary.Type = x.Failure.Module, string(x.Failure.Type)
	}
	activity := &repo.Activity{Envelope: envelope, Summary: summary}
	if confidential {
		return nil, activity
	}
	if x.Failure != nil {
		summary.Message = x.Failure.Message
	}
	return &repo.Execution{Envelope: envelope, Summary: summary, Trace: trace}, activity
}
