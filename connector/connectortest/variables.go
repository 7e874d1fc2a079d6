package connectortest

import (
	"maps"
	"sync"

	"github.com/ebbkit/ebb/connector"
)

var _ connector.Variables = (*Variables)(nil)

// Variables are variables in memory. The zero Variables are empty and ready to use, by many goroutines.
type Variables struct {
	mu     sync.Mutex
	values map[string]variable
}

type variable struct {
	value any
	scope connector.VariableScope
}

// Get returns nil and false for a variable that was not set.
func (v *Variables) Get(name string) (any, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	held, ok := v.values[name]
	return held.value, ok
}

// Set sets a variable. The value is converted as connector.Normalize does; what it refuses becomes nil.
func (v *Variables) Set(name string, value any, scope connector.VariableScope) {
	normal, _ := connector.Normalize(value)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.values == nil {
		v.values = map[string]variable{}
	}
	v.values[name] = variable{normal, scope}
}

// Scope returns the scope that a variable was set with, empty when it was not set.
func (v *Variables) Scope(name string) connector.VariableScope {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.values[name].scope
}

// EndCycle forgets the variables of the cycle, as the engine does between two cycles of a run.
func (v *Variables) EndCycle() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for name, held := range v.values {
		if held.scope != connector.Execution {
			delete(v.values, name)
		}
	}
}

// clone copies the variables; of nil it makes new ones.
func (v *Variables) clone() *Variables {
	if v == nil {
		return &Variables{}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return &Variables{values: maps.Clone(v.values)}
}
