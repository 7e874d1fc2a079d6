package transport_test

import (
	"fmt"
	"net/netip"

	"github.com/ebbkit/ebb/connector/transport"
)

func ExamplePolicy_Allowed() {
	strict := transport.Policy{}
	local := transport.Policy{Allow: transport.Loopback()}
	for _, text := range []string{"1.1.1.1", "127.0.0.1", "169.254.169.254", "64:ff9b::7f00:1"} {
		address := netip.MustParseAddr(text)
		fmt.Println(text, strict.Allowed(address), local.Allowed(address))
	}
	// Output:
	// 1.1.1.1 true true
	// 127.0.0.1 false true
	// 169.254.169.254 false false
	// 64:ff9b::7f00:1 false false
}
