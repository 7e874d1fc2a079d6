package engine

import (
	"errors"
	"fmt"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/flow"
)

// A trace keeps what happens in a run as the bytes that will be stored, event by event, so that a long run needs no more
// memory than what is kept of it. Each event is a bundle in connector's wire format:
//
//	{o: operation, m: module, i: bundle}      a module begins
//	{o: operation, b: bundle}                 it gives a bundle
//	{o: operation, e: type, t: message}       it fails
//	{m: module, w: text}                      a warning
//	{x: true}                                 the rest was dropped
type trace struct {
	events    []byte
	limit     int64
	truncated bool
}

func (t *trace) add(event connector.Bundle) {
	if t.truncated {
		return
	}
	events, err := connector.AppendBundle(t.events, event)
	if err == nil && int64(len(events)) <= t.limit {
		t.events = events
		return
	}
	t.truncated = true
	if events, err := connector.AppendBundle(t.events, connector.NewBundle("x", true)); err == nil {
		t.events = events
	}
}

// Began implements flow.Observer.
func (t *trace) Began(number int64, module int, in connector.Bundle) {
	t.add(connector.NewBundle("o", number, "m", int64(module), "i", in))
}

// Gave implements flow.Observer.
func (t *trace) Gave(number int64, out connector.Bundle) {
	t.add(connector.NewBundle("o", number, "b", out))
}

// Failed implements flow.Observer.
func (t *trace) Failed(number int64, failure *flow.Failure) {
	t.add(connector.NewBundle("o", number, "e", string(failure.Type), "t", failure.Message))
}

// Warned implements flow.Observer.
func (t *trace) Warned(module int, field, message string) {
	t.add(connector.NewBundle("m", int64(module), "w", field+": "+message))
}

var errTrace = errors.New("engine: trace cannot be read")

// readTrace turns events back into what an execution tells.
func (x *Execution) readTrace(events []byte) error {
	place := map[int64]int{} // of an operation among the steps
	for len(events) > 0 {
		event, rest, err := connector.DecodeBundle(events)
		if err != nil {
			return fmt.Errorf("%w: %w", errTrace, err)
		}
		events = rest
		operation, _ := event.Get("o").(int64)
		module, _ := event.Get("m").(int64)
		if in, ok := event.Get("i").(connector.Bundle); ok {
			place[operation] = len(x.Trace)
			x.Trace = append(x.Trace, Step{Module: int(module), In: in})
			continue
		}
		if text, ok := event.Get("w").(string); ok {
			x.Warnings = append(x.Warnings, Warning{Module: int(module), Message: text})
			continue
		}
		at, known := place[operation]
		if out, ok := event.Get("b").(connector.Bundle); ok && known {
			x.Trace[at].Out = append(x.Trace[at].Out, out)
			continue
		}
		if kind, ok := event.Get("e").(string); ok && known {
			message, _ := event.Get("t").(string)
			x.Trace[at].Error = &Failure{Module: x.Trace[at].Module, Type: connector.ErrorType(kind), Message: message}
			continue
		}
		x.Truncated = x.Truncated || event.Get("x") == true
	}
	return nil
}
