package connectortest

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto/secret"
)

// A Sample says what a module is called with in Conform. A module that has several is checked with each.
type Sample struct {
	// Module is the name of the module, without that of the connector.
	Module string
	// Version is the version of the module. Default: every module of the name.
	Version int
	// Call is what the module gets. Its HTTP and Dial are used where the network is to work, and replaced where it is
	// to fail; its Client is replaced by HTTP. Its Connection is not used: Conform makes one. So it does for Connections
	// that the module needs and the Call does not have; to those that it has, Conform gives secrets of its own.
	Call Call
}

// Conform is the conformance suite of connectors. It checks that a connector is sound ([connector.Check]), gives the
// same modules and descriptions every time, and that each of its modules
//
//   - may be called by many goroutines at once, which shows under -race, and does not panic,
//   - does not change the bundles that it is given, and gives bundles that are what its Output declares,
//   - ends when its context does, whether it waits for the network or for time to pass,
//   - names its connections the same way every time, when it is a [connector.Connected],
//   - gives away no secret of its connections, in any form that [secret.Mask] knows: not in an error or its detail, a log
//     entry, a response or a cursor, even when the service sends the request back in a body, a header, a status or a
//     redirect, or the network quotes it, and not in a bundle,
//   - when it is Pure, gives the same for the same call and touches neither the network nor a data store nor its
//     state nor the caller,
//   - when it is ReadOnly, sends no requests but GET, HEAD and OPTIONS, and keeps no state.
//
// A module without a Sample is called with an input that its descriptions allow. The network then answers every request
// with 200 and {}. Conform uses [testing/synctest], so t must not be inside a bubble.
func Conform(t *testing.T, c connector.Connector, samples ...Sample) {
	t.Helper()
	for _, problem := range conform(t, c, samples) {
		t.Error(problem)
	}
}

// conform returns what is wrong.
func conform(t *testing.T, c connector.Connector, samples []Sample) []string {
	t.Helper()
	if err := connector.Check(c); err != nil {
		return []string{err.Error()}
	}
	problems := stable(c)
	for _, sample := range samples {
		known := false
		for _, module := range c.Modules() {
			known = known || sample.of(module)
		}
		if !known {
			problems = append(problems, "there is no module for the sample "+sample.Module)
		}
	}
	for _, module := range c.Modules() {
		info := module.Info()
		var calls []Call
		for _, sample := range samples {
			if sample.of(module) {
				calls = append(calls, sample.Call)
			}
		}
		if calls == nil {
			calls = []Call{sampleCall(info)}
		}
		for _, call := range calls {
			p := probe{t: t, module: module, info: info, call: call}
			p.call.Connection = connection(info.Connection)
			p.connections()
			p.bubble(p.concurrently)
			p.bubble(p.twice)
			p.bubble(p.readOnly)
			p.cancelled(t)
			p.bubble(p.secrets)
			for _, problem := range p.problems {
				if problem = c.Name() + ":" + info.Name + " " + problem; !slices.Contains(problems, problem) {
					problems = append(problems, problem)
				}
			}
		}
	}
	return problems
}

func (s *Sample) of(module connector.Module) bool {
	info := module.Info()
	return s.Module == info.Name && (s.Version == 0 || s.Version == info.Version)
}

// stable checks that a connector describes itself the same way every time.
func stable(c connector.Connector) []string {
	var problems []string
	name, first := c.Name(), c.Modules()
	again, second := c.Name(), c.Modules()
	if name != again || len(first) != len(second) {
		return []string{name + " changes its name or its modules"}
	}
	for i := range first {
		a, b := first[i].Info(), second[i].Info()
		if !reflect.DeepEqual(a, b) || !reflect.DeepEqual(a, first[i].Info()) {
			problems = append(problems, name+":"+a.Name+" changes its Info")
		}
	}
	return problems
}

// A probe calls one module in different ways.
type probe struct {
	t      *testing.T
	module connector.Module
	info   connector.Info
	call   Call

	mu       sync.Mutex
	problems []string
}

func (p *probe) report(format string, args ...any) {
	problem := fmt.Sprintf(format, args...)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, known := range p.problems {
		if known == problem {
			return
		}
	}
	p.problems = append(p.problems, problem)
}

// bubble lets time pass in no time, where the network is not a real one.
func (p *probe) bubble(check func(t *testing.T)) {
	if p.call.HTTP != nil || p.call.Dial != nil {
		check(p.t)
		return
	}
	synctest.Test(p.t, check)
}

// connections gives a connected module what it says that it needs.
func (p *probe) connections() {
	connected, ok := p.module.(connector.Connected)
	if !ok {
		return
	}
	params := p.call.Params
	if converted, err := connector.Convert(p.info.Params, params, nil); err == nil {
		params = converted
	}
	needs, given := connected.Connections(params), p.call.Connections
	if again := connected.Connections(params); !slices.Equal(needs, again) {
		p.report("changes the connections that it needs")
	}
	p.call.Connections = map[string]*connector.Connection{}
	for _, need := range needs {
		switch {
		case need.Param == "" || need.Type == "":
			p.report("needs a connection without a parameter or a type")
		case p.call.Connections[need.Param] != nil:
			p.report("needs two connections by the parameter %s", need.Param)
		}
		made := connection(need.Type)
		if own := given[need.Param]; own != nil {
			made = own.Clone()
			for name := range made.Secrets {
				made.Secrets[name] = secret.NewString(needle)
			}
		}
		p.call.Connections[need.Param] = made
	}
}

// run calls the module and turns a panic into a problem.
func (p *probe) run(ctx context.Context, t *testing.T, call Call) (result Result) {
	defer func() {
		if v := recover(); v != nil {
			p.report("panics: %v", v)
			result.Err = connector.Errorf(connector.UnexpectedError, "panic")
		}
	}()
	return RunContext(ctx, t, p.module, call)
}

// working is the call with a network that works.
func (p *probe) working() Call {
	call := p.call
	call.Client = nil
	if call.HTTP == nil {
		call.HTTP = client(answer{status: 200, body: "{}"})
	}
	if call.Dial == nil {
		call.Dial = noDial
	}
	if call.Vars == nil {
		call.Vars = &Variables{}
	}
	call.Request = request(p.call.Request)
	return call
}

// concurrently calls the module from many goroutines, with what all of them share.
func (p *probe) concurrently(t *testing.T) {
	call := p.working()
	before := fingerprint(call)
	var calls sync.WaitGroup
	for range 8 {
		mine := call
		mine.Request = request(call.Request)
		calls.Go(func() { p.declared(p.run(t.Context(), t, mine)) })
	}
	calls.Wait()
	if !bytes.Equal(before, fingerprint(call)) {
		p.report("changes the bundles that it is given")
	}
}

// declared checks that bundles are what the module declares.
func (p *probe) declared(result Result) {
	for _, b := range result.Bundles {
		converted, err := connector.Convert(p.info.Output, b, nil)
		if err != nil {
			p.report("gives a bundle that its Output does not allow: %v", err)
			continue
		}
		for name, value := range b.All() {
			if after := converted.Get(name); after != nil && !connector.Equal(value, after) {
				p.report("gives %s as %T and declares another type", name, value)
			}
		}
	}
}

// fingerprint encodes the bundles that a module gets.
func fingerprint(call Call) []byte {
	var out []byte
	for _, b := range append([]connector.Bundle{call.Params, call.Input}, call.Bundles...) {
		out, _ = connector.AppendBundle(out, b)
	}
	return out
}

// twice checks what Pure promises.
func (p *probe) twice(t *testing.T) {
	if !p.info.Pure {
		return
	}
	var results [2]Result
	for i := range results {
		call := p.working()
		effects := &effects{}
		call.HTTP, call.Dial = client(effects), effects.dial
		call.Vars = p.call.Vars.clone()
		results[i] = p.run(t.Context(), t, call)
		if effects.happened() {
			p.report("is Pure and uses the network")
		}
		if len(results[i].Responses) > 0 {
			p.report("is Pure and answers the caller")
		}
		if results[i].usedData {
			p.report("is Pure and uses a data store")
		}
		if results[i].usedState {
			p.report("is Pure and keeps a state")
		}
	}
	a, b := results[0], results[1]
	same := len(a.Bundles) == len(b.Bundles) && fmt.Sprint(a.Err) == fmt.Sprint(b.Err)
	for i := 0; same && i < len(a.Bundles); i++ {
		same = connector.Equal(a.Bundles[i], b.Bundles[i])
	}
	if !same {
		p.report("is Pure and gives different results for the same call")
	}
}

// readOnly checks what ReadOnly promises, as far as it can be seen from here.
func (p *probe) readOnly(t *testing.T) {
	if !p.info.ReadOnly {
		return
	}
	call := p.working()
	effects := &effects{}
	call.HTTP, call.Dial = client(effects), noDial
	if p.run(t.Context(), t, call).usedState {
		p.report("is ReadOnly and keeps a state")
	}
	if method := effects.changing.Load(); method != nil {
		p.report("is ReadOnly and sends a %s", *method)
	}
}

// cancelled checks that the module ends with its context.
func (p *probe) cancelled(t *testing.T) {
	call := p.working()
	call.HTTP, call.Dial = client(silent{}), silentDial
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			p.run(ctx, t, call)
		}()
		synctest.Wait() // it has ended, or it waits
		cancel()
		synctest.Wait()
		select {
		case <-ended:
		default:
			p.report("goes on when its context has ended")
			<-time.After(365 * 24 * time.Hour) // lets a sleeper go, so that the bubble can end
		}
	})
}
