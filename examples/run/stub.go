package main

import (
	"context"
	"fmt"
	"iter"
	"strconv"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/blueprint"
)

// readStubs reads what modules give instead of doing their work.
func readStubs(file string, bp *blueprint.Blueprint) (map[int]connector.Module, error) {
	value, err := readJSON(file)
	if err != nil {
		return nil, err
	}
	object, ok := value.(connector.Bundle)
	if !ok {
		return nil, fmt.Errorf("not an object from module id to a list")
	}
	stubs := map[int]connector.Module{}
	for name, value := range object.All() {
		id, err := strconv.Atoi(name)
		if err != nil {
			return nil, fmt.Errorf("%q is no module id", name)
		}
		list, ok := value.([]any)
		if !ok {
			return nil, fmt.Errorf("module %d: not a list of results", id)
		}
		s := &stub{id: id}
		for i, value := range list {
			result, err := resultOf(value)
			if err != nil {
				return nil, fmt.Errorf("module %d, call %d: %w", id, i, err)
			}
			s.results = append(s.results, result)
		}
		stubs[id] = s
		if m, ok := bp.Module(id); ok && m.Kind() == blueprint.KindAggregator {
			stubs[id] = aggregatorStub{stub: s}
		}
	}
	return stubs, nil
}

// A result is what one call of a stub gives.
type result struct {
	bundles []connector.Bundle
	failure *connector.Error
}

func resultOf(value any) (result, error) {
	if object, ok := value.(connector.Bundle); ok {
		failure, ok := object.Get("error").(connector.Bundle)
		if !ok {
			return result{}, errBundles
		}
		kind, _ := failure.Get("type").(string)
		message, _ := failure.Get("message").(string)
		if kind == "" {
			kind = string(connector.RuntimeError)
		}
		return result{failure: &connector.Error{Type: connector.ErrorType(kind), Message: message}}, nil
	}
	given, err := bundles(value)
	return result{bundles: given}, err
}

// A stub gives its results one after the other. A run calls it from one goroutine.
type stub struct {
	id      int
	results []result
	calls   int
}

// Info implements connector.Module.
func (s *stub) Info() connector.Info { return connector.Info{Name: "Stub"} }

func (s *stub) next() (result, error) {
	if s.calls >= len(s.results) {
		return result{}, connector.Errorf(connector.RuntimeError, "the stub of module %d has no result for call %d", s.id, s.calls+1)
	}
	s.calls++
	r := s.results[s.calls-1]
	if r.failure != nil {
		return result{}, r.failure
	}
	return r, nil
}

// Search implements connector.Search.
func (s *stub) Search(context.Context, *connector.Call) iter.Seq2[connector.Bundle, error] {
	return func(yield func(connector.Bundle, error) bool) {
		r, err := s.next()
		if err != nil {
			yield(connector.Bundle{}, err)
			return
		}
		for _, bundle := range r.bundles {
			if !yield(bundle, nil) {
				return
			}
		}
	}
}

// An aggregatorStub takes the place of an aggregator: it gives one bundle a call, whatever comes in.
type aggregatorStub struct{ stub *stub }

// Info implements connector.Module.
func (a aggregatorStub) Info() connector.Info { return a.stub.Info() }

// Aggregate implements connector.Aggregator.
func (a aggregatorStub) Aggregate(_ context.Context, _ *connector.Call, items iter.Seq2[connector.Bundle, error]) (connector.Bundle, error) {
	for _, err := range items {
		if err != nil {
			return connector.Bundle{}, err
		}
	}
	r, err := a.stub.next()
	if err != nil || len(r.bundles) == 0 {
		return connector.Bundle{}, err
	}
	return r.bundles[0], nil
}
