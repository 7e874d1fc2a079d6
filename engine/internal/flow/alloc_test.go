//go:build !race

// The race detector lets pools drop what they hold, so what is counted here is counted without it.

package flow_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/flow"
)

// Each further module in a row costs a piece of memory for its bundle, one for a new value, and at most two besides.
func TestPureModuleNeedsLittleMemoryBeyondItsValue(t *testing.T) { // not parallel: it counts what the process allocates
	for name, test := range map[string]struct {
		module string
		needs  float64
	}{
		"a variable that is set to what is there": {`{"id":%d,"module":"util:SetVariable2","version":1,"mapper":{"name":"x","value":"{{1.v}}"}}`, 1},
		"a variable that is set to a new number":  {`{"id":%d,"module":"util:SetVariable2","version":1,"mapper":{"name":"x","value":"{{1.v * 1000}}"}}`, 2},
		"a variable that is read":                 {`{"id":%d,"module":"util:GetVariable2","version":1,"mapper":{"name":"x{{1.v}}"}}`, 2},
		"a text that is composed":                 {`{"id":%d,"module":"util:ComposeTransformer","version":1,"mapper":{"value":"number {{1.v}}"}}`, 3},
		"a module with the same input every time": {`{"id":%d,"module":"util:ComposeTransformer","version":1,"mapper":{"value":"text"}}`, 3},
		"a filter that nothing passes": {`{"id":%d,"module":"util:ComposeTransformer","version":1,"mapper":{"value":"text"}` +
			`,"filter":{"name":"f","conditions":[[{"a":"{{1.v}}","o":"number:greater","b":"9"}]]}}`, 0},
	} {
		allocations := func(modules int) float64 {
			text := `{"id":1,"module":"app:Hook","version":1,"mapper":{}}`
			if name == "a filter that nothing passes" {
				routes := []string{}
				for i := range modules {
					routes = append(routes, fmt.Sprintf(test.module, i+10))
				}
				text += "," + router(2, "", routes...)
			} else {
				for i := range modules {
					text += "," + fmt.Sprintf(test.module, i+2)
				}
			}
			program := compileWith(t, text, nil)
			start := flow.Start{Bundles: []connector.Bundle{connector.NewBundle("v", 7)}, Now: began}
			return testing.AllocsPerRun(100, func() {
				_, err := program.Run(t.Context(), nil, start)
				require.NoError(t, err)
			})
		}
		few, many := allocations(10), allocations(110)
		require.LessOrEqual(t, (many-few)/100, test.needs+2, name)
		t.Logf("%s: %.2f pieces of memory, of which it needs %.0f", name, (many-few)/100, test.needs)
	}
}
