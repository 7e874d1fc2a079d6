package flow

import (
	"context"
	"fmt"
	"iter"

	"github.com/ebbkit/ebb/connector"
)

// Invoke calls a module as its kind demands and returns all of its bundles. It is what a [Host] does an operation with
// when the module is at hand. A panic of the module is returned as an error of type UnexpectedError, without the value
// that it panicked with: that may hold data.
//
// A trigger is polled and its cursor left alone; a receiver, which has no request here, gives nothing.
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
		return collect(module.Search(ctx, call))
	case connector.Trigger:
		items, _ := module.Poll(ctx, call)
		return collect(items)
	case connector.Receiver:
		return nil, nil
	case connector.Aggregator:
		bundle, err := module.Aggregate(ctx, call, func(yield func(connector.Bundle, error) bool) {
			for _, bundle := range op.Bundles {
				if !yield(bundle, nil) {
					return
				}
			}
		})
		if err != nil {
			return nil, err
		}
		return []connector.Bundle{bundle}, nil
	}
	return nil, connector.Errorf(connector.InvalidConfigurationError, "module %s is of no kind that can be run", op.Name)
}

func collect(items iter.Seq2[connector.Bundle, error]) ([]connector.Bundle, error) {
	var bundles []connector.Bundle
	for bundle, err := range items {
		if err != nil {
			return nil, err
		}
		bundles = append(bundles, bundle)
	}
	return bundles, nil
}

// do is Action.Do with panics caught.
func do(ctx context.Context, name string, module connector.Action, call *connector.Call) (bundle connector.Bundle, err error) {
	defer recovered(name, &err)
	return module.Do(ctx, call)
}

// aggregate is Aggregator.Aggregate with panics caught.
func aggregate(ctx context.Context, module connector.Aggregator, call *connector.Call, bundles iter.Seq2[connector.Bundle, error]) (bundle connector.Bundle, err error) {
	defer recovered(module.Info().Name, &err)
	return module.Aggregate(ctx, call, bundles)
}

func recovered(name string, err *error) {
	if value := recover(); value != nil {
		*err = connector.Errorf(connector.UnexpectedError, "module %s panicked with a value of type %T", name, value)
	}
}

// FailureOf turns the error of a module into what the run knows of it.
func FailureOf(err error) *Failure {
	shown := connector.AsError(err)
	return &Failure{Type: shown.Type, Message: shown.Error(), Detail: shown.Detail, After: shown.After}
}

func failuref(kind connector.ErrorType, format string, args ...any) *Failure {
	return &Failure{Type: kind, Message: fmt.Sprintf(format, args...)}
}
