package flow_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/flow"
)

// A stage is a host that notes what the modules app:Act did.
type stage struct {
	live
	acts  []string
	polls [][]connector.Bundle // what app:Poll gives, time after time
	ended []int                // how many acts there were at the end of each cycle
}

func (s *stage) Do(ctx context.Context, op *flow.Operation) (flow.Result, error) {
	result, err := s.live.Do(ctx, op)
	switch op.Name {
	case "app:Act":
		s.acts = append(s.acts, fmt.Sprintf("%d %s", op.Module, text(op.Input)))
	case "app:Poll":
		if len(s.polls) > 0 {
			result.Bundles, s.polls = s.polls[0], s.polls[1:]
		}
	}
	return result, err
}

func (s *stage) EndCycle(context.Context) (*flow.Failure, error) {
	s.ended = append(s.ended, len(s.acts))
	return nil, nil
}

// A play is what came of a run.
type play struct {
	flow.Outcome
	acts  []string
	ended []int
	seen  []string
}

// perform runs modules, written as in a blueprint's flow. It makes sure that the run comes to the same when it is taken up
// again after any of its effects, and without an observer.
func perform(t testing.TB, modules string, start flow.Start, polls ...[]connector.Bundle) play {
	t.Helper()
	program := compile(t, []byte(`{"name":"rule","flow":[`+modules+`]}`))
	start.Now = began
	run := func(s *stage, wrap func(flow.Host) flow.Host, watched bool) play {
		s.now = s.now.Add(began.Sub(time.Time{}))
		seen, start := &trace{}, start
		if watched {
			start.Observer = seen
		}
		outcome, err := program.Run(t.Context(), wrap(s), start)
		require.NoError(t, err)
		return play{outcome, s.acts, s.ended, seen.lines}
	}
	var record flow.Record
	whole := run(&stage{polls: polls}, func(h flow.Host) flow.Host {
		return flow.Recording(h, func(e flow.Entry) error {
			record = append(record, e)
			return nil
		})
	}, true)
	blind := run(&stage{polls: polls}, func(h flow.Host) flow.Host { return h }, false)
	require.Equal(t, whole.acts, blind.acts, "without an observer")
	require.Equal(t, whole.Outcome, blind.Outcome, "without an observer")
	polled := 0
	for cut := range len(record) + 1 {
		if cut > 0 && polls != nil && record[cut-1].Module == 1 {
			polled++
		}
		rest := &stage{polls: polls[min(polled, len(polls)):]}
		rest.now = rest.now.Add(time.Duration(cut) * time.Minute)
		again := run(rest, func(h flow.Host) flow.Host { return flow.Replay(record[:cut:cut], h) }, true)
		require.Equal(t, whole.seen, again.seen, "taken up again after %d effects", cut)
		require.Equal(t, whole.Outcome, again.Outcome, "taken up again after %d effects", cut)
		require.Len(t, again.ended, len(whole.ended))
	}
	return whole
}

// hooked is perform behind a hook that gives one bundle, as module 1.
func hooked(t testing.TB, modules string, namesAndValues ...any) play {
	t.Helper()
	return perform(t, `{"id":1,"module":"app:Hook","version":1,"mapper":{}},`+modules,
		flow.Start{Bundles: []connector.Bundle{connector.NewBundle(namesAndValues...)}})
}

// act is a module that does something with one field, and fails when fail is not empty. more is further JSON of it.
func act(id int, value, more string) string {
	return fmt.Sprintf(`{"id":%d,"module":"app:Act","version":1,"mapper":{"v":%q}%s}`, id, value, more)
}

// failing is a module that fails with the reason that its expression gives, unless that is empty.
func failing(id int, reason, handler string) string {
	return fmt.Sprintf(`{"id":%d,"module":"app:Act","version":1,"mapper":{"fail":%q},"onerror":[%s]}`, id, reason, handler)
}

// list is a module with an effect that gives count bundles, whose items are "of" and a number from 1.
func list(id int, of string, count int) string {
	return fmt.Sprintf(`{"id":%d,"module":"app:List","version":1,"mapper":{"of":%q,"count":%d}}`, id, of, count)
}

// where is a filter with one condition, as further JSON of a module.
func where(a, operator, b string) string {
	return fmt.Sprintf(`,"filter":{"name":"f","conditions":[[{"a":%q,"o":%q,"b":%q}]]}`, a, operator, b)
}

// router sends to routes, written as in a blueprint. more is further JSON of it.
func router(id int, more string, routes ...string) string {
	text := fmt.Sprintf(`{"id":%d,"module":"builtin:BasicRouter","version":1,"mapper":null%s,"routes":[`, id, more)
	for i, route := range routes {
		if i > 0 {
			text += ","
		}
		text += `{"flow":[` + route + `]}`
	}
	return text + `]}`
}

// array aggregates one field of the bundles of a source.
func array(id, source int, value, more string) string {
	return fmt.Sprintf(`{"id":%d,"module":"builtin:BasicAggregator","version":1,"parameters":{"feeder":%d},"mapper":{"v":%q}%s}`, id, source, value, more)
}

// texts joins the texts of the bundles of a source with commas.
func texts(id, source int, value, more string) string {
	return fmt.Sprintf(`{"id":%d,"module":"util:TextAggregator","version":1,`+
		`"parameters":{"feeder":%d,"rowSeparator":"other","otherRowSeparator":","},"mapper":{"value":%q}%s}`, id, source, value, more)
}

const (
	ignore   = `{"id":90,"module":"builtin:Ignore","version":1}`
	commit   = `{"id":91,"module":"builtin:Commit","version":1}`
	rollback = `{"id":92,"module":"builtin:Rollback","version":1}`
)

// resume is a directive that goes on with a substitute.
func resume(v string) string {
	return fmt.Sprintf(`{"id":93,"module":"builtin:Resume","version":1,"mapper":{"v":%q}}`, v)
}

// chain puts modules into a flow.
func chain(modules ...string) string {
	text := ""
	for i, m := range modules {
		if i > 0 {
			text += ","
		}
		text += m
	}
	return text
}
