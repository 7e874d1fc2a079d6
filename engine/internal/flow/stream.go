package flow

import (
	"context"
	"iter"

	"github.com/ebbkit/ebb/connector"
)

// A stream is an aggregator at work: Aggregate wants to pull its bundles, the run pushes them. It runs as a coroutine
// (iter.Pull) that hands control back whenever it wants more bundles.
type stream struct {
	resume func() (struct{}, bool)
	stop   func()

	// waiting are bundles that the aggregator gets when it is resumed next: a switch costs as much as the work on a small
	// bundle does.
	waiting []connector.Bundle
	ended   bool
	out     connector.Bundle
	result  error
}

const (
	// maxWaiting is how many bundles wait, each with maxWaitingBytes of text and buffers and nothing nested at most, so that
	// what waits is next to nothing.
	maxWaiting      = 64
	maxWaitingBytes = 1 << 10
)

func newStream(ctx context.Context, name string, module connector.Aggregator, call *connector.Call) *stream {
	s := &stream{}
	s.resume, s.stop = iter.Pull(func(yield func(struct{}) bool) {
		bundles := func(take func(connector.Bundle, error) bool) {
			for yield(struct{}{}) && len(s.waiting) > 0 {
				for _, bundle := range s.waiting {
					if !take(bundle, nil) {
						return
					}
				}
			}
		}
		s.out, s.result = aggregate(ctx, name, module, call, bundles)
	})
	s.step() // up to where it wants the first bundle
	return s
}

func (s *stream) step() {
	if _, ok := s.resume(); !ok {
		s.ended = true
	}
	clear(s.waiting)
	s.waiting = s.waiting[:0]
}

// push gives the aggregator one more bundle. One that has returned already gets none.
func (s *stream) push(bundle connector.Bundle) {
	if s.ended {
		return
	}
	if s.waiting = append(s.waiting, bundle); len(s.waiting) == maxWaiting || !small(bundle) {
		s.step()
	}
}

// small says that a bundle takes little room.
func small(bundle connector.Bundle) bool {
	room := maxWaitingBytes
	for _, value := range bundle.All() {
		switch value := value.(type) {
		case string:
			room -= len(value)
		case []byte:
			room -= len(value)
		case []any, connector.Bundle:
			return false
		}
		if room -= 16; room < 0 {
			return false
		}
	}
	return true
}

// finish tells the aggregator that there are no more bundles and returns what it made.
func (s *stream) finish() (connector.Bundle, error) {
	if len(s.waiting) > 0 {
		s.step()
	}
	for !s.ended {
		s.step()
	}
	return s.out, s.result
}

func (s *stream) discard() {
	s.waiting = nil
	s.stop()
}
