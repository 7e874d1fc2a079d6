package connectortest_test

import (
	"testing"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
)

func TestStateConforms(t *testing.T) {
	t.Parallel()
	connectortest.ConformState(t, func(*testing.T) connector.State { return &connectortest.State{} })
}
