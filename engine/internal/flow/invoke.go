package flow

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/ebbkit/ebb/connector"
)

// Invoke calls a module as its kind demands and returns all of its bundles. It is what a [Host] does an operation with
// when the module is at hand. A panic of the module is returned as an error of type UnexpectedError, without the value
// that it panicked with: that may hold data.
//
// A trigger is polled, and where it goes on is then in call.Cursor; a receiver, which has no request here, gives nothing.
func Invoke(ctx context.Context, op *Operation, call *connector.Call) (bundles []connector.Bundle, err error) {
	defer recovered(op.Name, &err)
	switch module := op.Impl.(type) {
	case connector.Action:
		bundle, err := module.Do(ctx, call)
		if err != nil {
			return nil, err
		}
		return []connector.Bundle{bundle}, nil
	case connector.Search:
		return collect(op, module.Search(ctx, call))
	case connector.Trigger:
		items, next := module.Poll(ctx, call)
		bundles, err := collect(op, items)
		if err == nil && next != nil {
			call.Cursor = next()
		}
		return bundles, err
	case connector.Receiver:
		return nil, nil
	case connector.Aggregator:
		bundle, err := module.Aggregate(ctx, call, each(op.Bundles))
		if err != nil {
			return nil, err
		}
		return []connector.Bundle{bundle}, nil
	}
	return nil, connector.Errorf(connector.InvalidConfigurationError, "module %s is of no kind that can be run", op.Name)
}

func collect(op *Operation, items iter.Seq2[connector.Bundle, error]) ([]connector.Bundle, error) {
	var bundles []connector.Bundle
	var meter connector.Meter
	var held int64
	for bundle, err := range items {
		if err != nil {
			return nil, err
		}
		if op.MaxBundles > 0 && int64(len(bundles)) >= op.MaxBundles {
			return nil, connector.Errorf(connector.MaxResultsExceededError, "module %s gave more than %d bundles", op.Name, op.MaxBundles)
		}
		if op.MaxBytes > 0 {
			if held += meter.Bytes(bundle, op.MaxBytes); held > op.MaxBytes {
				return nil, connector.Errorf(connector.DataSizeLimitExceededError, "module %s gave bundles that hold more than %d bytes together", op.Name, op.MaxBytes)
			}
		}
		bundles = append(bundles, bundle)
	}
	return bundles, nil
}

// each yields bundles that are at hand.
func each(bundles []connector.Bundle) iter.Seq2[connector.Bundle, error] {
	return func(yield func(connector.Bundle, error) bool) {
		for _, bundle := range bundles {
			if !yield(bundle, nil) {
				return
			}
		}
	}
}

// do is Action.Do with panics caught.
func do(ctx context.Context, name string, module connector.Action, call *connector.Call) (bundle connector.Bundle, err error) {
	defer recovered(name, &err)
	return module.Do(ctx, call)
}

// doBound is a bound Action.Do with panics caught.
func doBound(ctx context.Context, n *node, call *connector.Call, values []any) (bundle connector.Bundle, err error) {
	defer recovered(n.name, &err)
	return n.bound(ctx, call, values)
}

// aggregate is Aggregator.Aggregate with panics caught.
func aggregate(ctx context.Context, name string, module connector.Aggregator, call *connector.Call, bundles iter.Seq2[connector.Bundle, error]) (bundle connector.Bundle, err error) {
	defer recovered(name, &err)
	return module.Aggregate(ctx, call, bundles)
}

func recovered(name string, err *error) {
	if value := recover(); value != nil {
		*err = connector.Errorf(connector.UnexpectedError, "module %s panicked with a value of type %T", name, value)
	}
}

// MaxMessageBytes is how much is kept of a failure's message. What modules put into errors, such as the answer of a
// service, has no limit of its own.
const MaxMessageBytes = 64 << 10

// FailureOf turns the error of a module into what the run knows of it. An error whose methods panic, such as a nil pointer
// of a type that has them, is one of type UnexpectedError.
func FailureOf(err error) (failure *Failure) {
	defer func() {
		if value := recover(); value != nil {
			failure = failuref(connector.UnexpectedError, "the module returned an error of type %T that cannot be read", err)
		}
	}()
	shown := connector.AsError(err)
	message := shown.Error()
	if len(message) > MaxMessageBytes {
		message = strings.ToValidUTF8(message[:MaxMessageBytes], "") + "…"
	}
	return &Failure{Type: shown.Type, Message: message, Detail: shown.Detail, After: shown.After}
}

func failuref(kind connector.ErrorType, format string, args ...any) *Failure {
	return &Failure{Type: kind, Message: fmt.Sprintf(format, args...)}
}
