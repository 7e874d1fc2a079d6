package connectortest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/ebbkit/ebb/connector"
)

var _ connector.State = (*State)(nil)

// A State is the state of a module in memory. The zero State is empty and ready to use, by many goroutines.
type State struct {
	mu      sync.Mutex
	data    []byte
	version int64
}

// Update lets change decide and writes what it returns. When somebody else wrote meanwhile, change is called again.
func (s *State) Update(ctx context.Context, change func(connector.Bundle) (connector.Bundle, error)) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.mu.Lock()
		before, version := s.data, s.version
		s.mu.Unlock()
		var state connector.Bundle
		var err error
		if before != nil {
			if state, _, err = connector.DecodeBundle(before); err != nil {
				return err
			}
		}
		if state, err = change(state); err != nil {
			return err
		}
		after, err := connector.AppendBundle(nil, state)
		if err != nil {
			return err
		}
		if len(after) > connector.MaxStateBytes {
			return connector.Errorf(connector.DataError, "the state of a module has at most %d bytes", connector.MaxStateBytes)
		}
		if s.write(after, version) {
			return nil
		}
	}
}

// write puts a state in place if the one before still has the version.
func (s *State) write(data []byte, version int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.version != version {
		return false
	}
	s.data, s.version = data, version+1
	return true
}

// ConformState is the conformance suite of states of modules: every clause of [connector.State]. Open returns a new state that
// was never written, for each part of it.
func ConformState(t *testing.T, open func(t *testing.T) connector.State) {
	t.Helper()
	for name, check := range map[string]func(t *testing.T, s connector.State){
		"a state comes back as it went in": stateComesBack,
		"no update is lost":                noUpdateIsLost,
		"an error writes nothing":          errorWritesNothing,
		"a state has a limit":              stateHasALimit,
		"states are copies":                statesAreCopies,
	} {
		t.Run(name, func(t *testing.T) { check(t, open(t)) })
	}
}

func setState(t *testing.T, s connector.State, state connector.Bundle) {
	t.Helper()
	if err := s.Update(t.Context(), func(connector.Bundle) (connector.Bundle, error) { return state, nil }); err != nil {
		t.Fatalf("a state cannot be written: %v", err)
	}
}

func mustBeState(t *testing.T, s connector.State, want connector.Bundle) {
	t.Helper()
	var got connector.Bundle
	err := s.Update(t.Context(), func(state connector.Bundle) (connector.Bundle, error) {
		got = state
		return state, nil
	})
	if err != nil || !connector.Equal(got, want) {
		t.Fatalf("the state is %v (%v) and not what was written", got, err)
	}
}

func stateComesBack(t *testing.T, s connector.State) {
	mustBeState(t, s, connector.Bundle{})
	want := connector.NewBundle("i", 7, "ä", "😀\x00", "octets", []byte{0xff}, "list", []any{nil, 1.5, connector.NewBundle("z", 1, "a", 2)})
	setState(t, s, want)
	mustBeState(t, s, want)
	setState(t, s, connector.Bundle{})
	mustBeState(t, s, connector.Bundle{})
}

func noUpdateIsLost(t *testing.T, s connector.State) {
	const workers, each = 8, 25
	var work sync.WaitGroup
	failures := make(chan error, workers)
	for range workers {
		work.Go(func() {
			for range each {
				if err := s.Update(t.Context(), increment); err != nil {
					failures <- err
					return
				}
			}
		})
	}
	work.Wait()
	close(failures)
	for err := range failures {
		t.Fatalf("an update fails: %v", err)
	}
	mustBeState(t, s, connector.NewBundle("i", workers*each))
}

func increment(state connector.Bundle) (connector.Bundle, error) {
	count, _ := state.Get("i").(int64)
	return connector.NewBundle("i", count+1), nil
}

func errorWritesNothing(t *testing.T, s connector.State) {
	want := connector.NewBundle("i", 1)
	setState(t, s, want)
	refusal := errors.New("refused")
	err := s.Update(t.Context(), func(connector.Bundle) (connector.Bundle, error) { return connector.NewBundle("i", 2), refusal })
	if !errors.Is(err, refusal) {
		t.Fatalf("the error of change comes back as %v", err)
	}
	mustBeState(t, s, want)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Update(ctx, increment); !errors.Is(err, context.Canceled) {
		t.Fatalf("an ended context gives %v", err)
	}
	mustBeState(t, s, want)
}

func stateHasALimit(t *testing.T, s connector.State) {
	fits := connector.NewBundle("text", strings.Repeat("x", connector.MaxStateBytes-100))
	setState(t, s, fits)
	err := s.Update(t.Context(), func(connector.Bundle) (connector.Bundle, error) {
		return connector.NewBundle("text", strings.Repeat("x", connector.MaxStateBytes)), nil
	})
	if connector.TypeOf(err) != connector.DataError {
		t.Fatalf("a state that is too large gives %v and no DataError", err)
	}
	mustBeState(t, s, fits)
}

func statesAreCopies(t *testing.T, s connector.State) {
	own := connector.NewBundle("list", []any{int64(1)}, "i", 1)
	setState(t, s, own)
	own.Set("i", 2)
	own.Get("list").([]any)[0] = int64(2)
	err := s.Update(t.Context(), func(state connector.Bundle) (connector.Bundle, error) {
		if !connector.Equal(state, connector.NewBundle("list", []any{int64(1)}, "i", 1)) {
			return state, fmt.Errorf("it changed with the bundle that went in: %v", state)
		}
		kept := state.Clone()
		state.Set("i", 3)
		state.Get("list").([]any)[0] = int64(3)
		return kept, errors.New("kept")
	})
	if err == nil || err.Error() != "kept" {
		t.Fatalf("the state is not a copy: %v", err)
	}
	mustBeState(t, s, connector.NewBundle("list", []any{int64(1)}, "i", 1))
}
