package connector

import "context"

// MaxStateBytes is how large the state of a module may be, in the encoding of AppendBundle.
const MaxStateBytes = 64 << 10

// A State is what one module of a scenario keeps from run to run, such as a counter. It is the module's own: no other module
// sees it, and it lives as long as the scenario.
type State interface {
	// Update reads the state, lets change decide and writes what it returns, as one step: when another run wrote meanwhile,
	// in this process or in another, change is called again. A state that was never written is an empty bundle. What
	// change returns has at most MaxStateBytes, else Update is a DataError; an error of change is returned as it is, and
	// nothing is written.
	Update(ctx context.Context, change func(state Bundle) (Bundle, error)) error
}
