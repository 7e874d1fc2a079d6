package web

import (
	"strings"

	"github.com/ebbkit/ebb/connector"
)

var _ connector.Repeatable = reading{}

// reading is a module that may be done again when its request only reads.
type reading struct{ connector.Action }

// Repeatable says whether the method of the request is safe (RFC 9110, section 9.2.1). PUT and DELETE are idempotent by
// the standard, but a service may have changed between two of them, and a second DELETE fails.
func (reading) Repeatable(call *connector.Call) bool {
	given, ok := call.Input.Lookup("method")
	if !ok {
		given = call.Params.Get("method")
	}
	if given == nil {
		return true // the default is GET
	}
	switch method, ok := given.(string); strings.ToLower(method) {
	case "", "get", "head", "options":
		return ok
	}
	return false
}
