package flow

import (
	"context"
	"fmt"
)

// A Record is what the host of a run has answered so far, in order. Together with the program and the Start it holds
// everything that the run has seen.
type Record []Entry

// An Entry is one answer.
type Entry struct {
	// Number and Module say which operation was answered.
	Number int64
	Module int
	Result Result
}

// Recording returns a host that passes every operation on to another one and calls keep with the answer before the run
// sees it. An error of keep is an error of Do.
func Recording(host Host, keep func(Entry) error) Host {
	return recording{host, keep}
}

type recording struct {
	host Host
	keep func(Entry) error
}

func (r recording) Do(ctx context.Context, op *Operation) (Result, error) {
	result, err := r.host.Do(ctx, op)
	if err != nil {
		return Result{}, err
	}
	result.Variables = assigned(op)
	return result, r.keep(Entry{Number: op.Number, Module: op.Module, Result: result})
}

// EndCycle passes the end of a cycle on.
func (r recording) EndCycle(ctx context.Context) (*Failure, error) { return endCycle(ctx, r.host) }

func endCycle(ctx context.Context, host Host) (*Failure, error) {
	if cycler, ok := host.(Cycler); ok {
		return cycler.EndCycle(ctx)
	}
	return nil, nil
}

// Replay returns a host that gives the recorded answers first and asks host for the rest. A record that does not belong
// to the run is an error at the first operation that differs.
func Replay(record Record, host Host) Host {
	return &replay{record, host}
}

type replay struct {
	record Record
	host   Host
}

func (r *replay) Do(ctx context.Context, op *Operation) (Result, error) {
	if len(r.record) == 0 {
		return r.host.Do(ctx, op)
	}
	entry := r.record[0]
	if entry.Number != op.Number || entry.Module != op.Module {
		return Result{}, fmt.Errorf("replay: the record has operation %d of module %d where the run does operation %d of module %d",
			entry.Number, entry.Module, op.Number, op.Module)
	}
	r.record = r.record[1:]
	return entry.Result, nil
}

// EndCycle passes the end of a cycle on.
func (r *replay) EndCycle(ctx context.Context) (*Failure, error) { return endCycle(ctx, r.host) }
