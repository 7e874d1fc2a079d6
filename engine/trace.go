package engine

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto/secret"
	"github.com/ebbkit/ebb/engine/internal/flow"
)

// A trace keeps what happens in a run as the bytes that will be stored, event by event, so that a long run needs no more
// memory than what is kept of it. An event is a letter and what belongs to it: numbers as unsigned varints, texts with
// their length in front, bundles in connector's wire format.
//
//	i operation module bundle    a module begins
//	b operation bundle           it gives a bundle
//	e operation type message     it fails
//	w module text                a warning
//	r bundle                     the run returns
//	x                            the rest was dropped
type trace struct {
	events    []byte
	limit     int64
	mask      *secret.Mask // what is kept passes it
	hidden    passwords
	truncated bool
}

var _ flow.Observer = (*trace)(nil)

// keep ends an event: it stays when it fits, and else it is the last one.
func (t *trace) keep(events []byte, err error) {
	if err == nil && int64(len(events)) <= t.limit {
		t.events = events
		return
	}
	t.truncated = true
	t.events = append(t.events, 'x')
}

// keepBundle ends an event with a bundle. One that has no room is not looked at any further.
func (t *trace) keepBundle(begun []byte, b connector.Bundle) {
	events, err := connector.AppendBundle(begun, b)
	if err == nil && int64(len(events)) <= t.limit {
		if masked, differs := b.Mask(t.mask); differs {
			events, err = connector.AppendBundle(begun, masked)
		}
	}
	t.keep(events, err)
}

// Began implements flow.Observer.
func (t *trace) Began(number int64, module int, in connector.Bundle) {
	if !t.truncated {
		t.hidden.learn(t.mask, module, in)
		t.keepBundle(appendNumbers(append(t.events, 'i'), number, int64(module)), in)
	}
}

// Gave implements flow.Observer.
func (t *trace) Gave(number int64, _ int, out connector.Bundle) {
	if !t.truncated {
		t.keepBundle(appendNumbers(append(t.events, 'b'), number), out)
	}
}

// Failed implements flow.Observer.
func (t *trace) Failed(number int64, failure *flow.Failure) {
	if !t.truncated {
		t.keep(appendTexts(appendNumbers(append(t.events, 'e'), number), string(failure.Type.Mask(t.mask)), t.mask.Text(failure.Message)), nil)
	}
}

// Replaced implements flow.Observer. What stands in for a bundle shows where it is used.
func (*trace) Replaced(int64, int, connector.Bundle) {}

// Warned implements flow.Observer.
func (t *trace) Warned(module int, field, message string) {
	if !t.truncated {
		t.keep(appendTexts(appendNumbers(append(t.events, 'w'), int64(module)), t.mask.Text(field+": "+message)), nil)
	}
}

// returned notes what the run has returned, if anything.
func (t *trace) returned(out connector.Bundle) {
	if !t.truncated && out.Len() > 0 {
		t.keepBundle(append(t.events, 'r'), out)
	}
}

func appendNumbers(dst []byte, numbers ...int64) []byte {
	for _, n := range numbers {
		dst = binary.AppendUvarint(dst, uint64(n))
	}
	return dst
}

func appendTexts(dst []byte, texts ...string) []byte {
	for _, text := range texts {
		dst = append(binary.AppendUvarint(dst, uint64(len(text))), text...)
	}
	return dst
}

// truncatedTrace is a trace of which everything was dropped.
var truncatedTrace = []byte{'x'}

var errTrace = errors.New("engine: trace cannot be read")

// readTrace turns events back into what an execution tells.
func (x *Execution) readTrace(events []byte) error {
	place := map[int64]int{} // of an operation among the steps
	r := &eventReader{rest: events}
	for len(r.rest) > 0 && r.err == nil {
		kind := r.rest[0]
		r.rest = r.rest[1:]
		switch kind {
		case 'i':
			operation, step := r.number(), Step{Module: int(r.number())}
			step.In = r.bundle()
			place[operation] = len(x.Trace)
			x.Trace = append(x.Trace, step)
		case 'b':
			if at, ok := place[r.number()]; ok {
				x.Trace[at].Out = append(x.Trace[at].Out, r.bundle())
				continue
			}
			r.fail()
		case 'e':
			if at, ok := place[r.number()]; ok {
				x.Trace[at].Error = &Failure{Module: x.Trace[at].Module, Type: connector.ErrorType(r.text()), Message: r.text()}
				continue
			}
			r.fail()
		case 'w':
			x.Warnings = append(x.Warnings, Warning{Module: int(r.number()), Message: r.text()})
		case 'r':
			x.Output = r.bundle()
		case 'x':
			x.Truncated = true
		default:
			r.fail()
		}
	}
	return r.err
}

// An eventReader reads what belongs to events. After the first error it gives zero values.
type eventReader struct {
	rest []byte
	err  error
}

func (r *eventReader) fail() {
	if r.err == nil {
		r.err = errTrace
	}
	r.rest = nil
}

func (r *eventReader) number() int64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 || n > math.MaxInt64 {
		r.fail()
		return 0
	}
	r.rest = r.rest[size:]
	return int64(n)
}

func (r *eventReader) text() string {
	size := r.number()
	if size > int64(len(r.rest)) {
		r.fail()
		return ""
	}
	text := string(r.rest[:size])
	r.rest = r.rest[size:]
	return text
}

func (r *eventReader) bundle() connector.Bundle {
	b, rest, err := connector.DecodeBundle(r.rest)
	if err != nil {
		r.fail()
		return connector.Bundle{}
	}
	r.rest = rest
	return b
}
