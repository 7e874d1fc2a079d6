package connectortest

import (
	"testing"

	"github.com/ebbkit/ebb/connector"
)

// Module returns the module of this name, the first one if there are several versions. It fails the test when there is
// none.
func Module(t testing.TB, c connector.Connector, name string) connector.Module {
	t.Helper()
	for _, module := range c.Modules() {
		if module.Info().Name == name {
			return module
		}
	}
	t.Fatalf("connector %s has no module %s", c.Name(), name)
	return nil
}

// Bundle reads a bundle from a JSON text. It fails the test when that is none.
func Bundle(t testing.TB, text string) connector.Bundle {
	t.Helper()
	var b connector.Bundle
	if err := b.UnmarshalJSON([]byte(text)); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return b
}
