package flow

import (
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"time"

	"github.com/google/uuid" // RFC 9562 text form of what the run's own randomness draws
	"go.uber.org/zap"

	"github.com/ebbkit/ebb/connector"
)

// silent is the log of pure modules: they have nothing to tell.
var silent = zap.NewNop()

// What an expression may see of a run. It is the run itself, so that evaluating needs no allocation.

// Module returns the bundle that a module gave, by slot.
func (r *run) Module(slot int) (any, bool) {
	bundle := r.bundles[slot]
	return bundle, bundle != nil
}

// Var returns a root beside the modules.
func (r *run) Var(root string) (any, bool) {
	if r.start.Variables == nil {
		return nil, false
	}
	return r.start.Variables(root)
}

// Now returns the time of the run.
func (r *run) Now() time.Time { return r.now }

// Random draws from 0 up to but not including 1.
func (r *run) Random() float64 { return r.chance().Float64() }

func (r *run) chance() *rand.Rand {
	if r.random == nil {
		r.random = rand.New(rand.NewChaCha8(r.start.Seed))
	}
	return r.random
}

// UUID draws a UUID of version 4.
func (r *run) UUID() string {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], r.chance().Uint64())
	binary.BigEndian.PutUint64(id[8:], r.chance().Uint64())
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}

// Context is what functions of the host are called with: that of the run.
func (r *run) Context() context.Context { return r.ctx }

// Location returns the scenario's time zone.
func (r *run) Location() *time.Location { return r.start.Location }

// The fields by which an expression can ask for a bundle's place among those of its operation (Make's "Bundle order
// position" and "Total number of bundles").
const (
	indexField  = "__IMTINDEX__"
	lengthField = "__IMTLENGTH__"
)

// numbered is a bundle with its place among length ones; length 0 stands for a number that is not known.
func numbered(bundle connector.Bundle, index, length int64) connector.Bundle {
	bundle = bundle.Clone()
	bundle.Set(indexField, index)
	if length > 0 {
		bundle.Set(lengthField, length)
	}
	return bundle
}

// identity is a text that differs for values that differ, in type or in content.
func identity(key any) (string, error) {
	switch k := key.(type) {
	case nil:
		return "", nil
	case float64:
		if k == math.Trunc(k) && math.Abs(k) < 1<<53 {
			key = int64(k) // as equal as the language says they are
		}
	}
	text, err := connector.AppendValue(nil, key)
	return string(text), err
}

// variables are the variables of a run.
type variables struct {
	known map[string]variable
	// bytes is what they hold together, as the meter counts. Without a limit nobody counts.
	bytes, limit int64
	meter        *connector.Meter
}

type variable struct {
	value any
	scope connector.VariableScope
	bytes int64
}

// Get returns a variable's value.
func (v *variables) Get(name string) (any, bool) {
	got, ok := v.known[name]
	return got.value, ok
}

// Set sets a variable.
func (v *variables) Set(name string, value any, scope connector.VariableScope) {
	set := variable{value: value, scope: scope}
	if v.limit > 0 {
		set.bytes = v.size(name, value)
		v.bytes += set.bytes - v.known[name].bytes
	}
	v.known[name] = set
}

// size is what a variable holds.
func (v *variables) size(name string, value any) int64 {
	size := int64(len(name))
	switch value := value.(type) {
	case string:
		return size + int64(len(value))
	case []byte:
		return size + int64(len(value))
	case connector.Bundle:
		return size + v.meter.Bytes(value, v.limit)
	case []any:
		return v.meter.Bytes(connector.BundleOf([]string{name}, []any{value}), v.limit)
	}
	return size + 8
}

// assigning are the variables as a module with an effect sees them: what it sets is its own until its operation has ended,
// and then part of what the host answered, so that a run that is taken up again has it, too.
type assigning struct {
	*variables
	set []Assignment
}

// Get returns what the module itself has set last, or what was there.
func (a *assigning) Get(name string) (any, bool) {
	for i := len(a.set) - 1; i >= 0; i-- {
		if a.set[i].Name == name {
			return a.set[i].Value, true
		}
	}
	return a.variables.Get(name)
}

// Set notes an assignment.
func (a *assigning) Set(name string, value any, scope connector.VariableScope) {
	a.set = append(a.set, Assignment{name, value, scope})
}

// assigned returns what the module of an operation has set.
func assigned(op *Operation) []Assignment {
	if a, ok := op.Vars.(*assigning); ok {
		return a.set
	}
	return nil
}

// endRoundtrip forgets the variables that live for one cycle.
func (v *variables) endRoundtrip() {
	for name, variable := range v.known {
		if variable.scope != connector.Execution {
			v.bytes -= variable.bytes
			delete(v.known, name)
		}
	}
}

func (r *run) began(number int64, n *node, in connector.Bundle) {
	if o := r.start.Observer; o != nil {
		o.Began(number, n.id, n.mapped(in))
	}
}
