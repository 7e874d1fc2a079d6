package transport_test

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/transport"
)

// denied has the first and last addresses of special blocks, and the ways to write an internal IPv4 address in IPv6.
var denied = []string{
	"0.0.0.0", "0.1.2.3", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.100.100.200",
	"100.127.255.255", "127.0.0.0", "127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.169.254", "169.254.255.255",
	"172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.192", "192.0.0.255", "192.0.2.0", "192.0.2.255", "192.31.196.1",
	"192.52.193.1", "192.88.99.1", "192.168.0.0", "192.168.255.255", "192.175.48.1", "198.18.0.0", "198.19.255.255",
	"198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.0", "255.255.255.255", "168.63.129.16",
	"::", "::1", "::2", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:127.0.0.1",
	"64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::1.1.1.1", "64:ff9b:1::a00:1", "100::", "100:0:0:1::1", "200::1",
	"1fff:ffff::1", "2001::1", "2001:0:7f00:1::", "2001:2::1", "2001:10::1", "2001:20::1", "2001:1ff:ffff::1",
	"2001:db8::1", "2002::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2620:4f:8000::1", "3fff::1", "3fff:fff:ffff::1",
	"4000::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fdff::1", "fe80::1", "fe80::1%eth0", "febf::1", "fec0::1",
	"feff::1", "ff00::1", "ff02::1", "ffff::1",
}

var allowed = []string{
	"1.0.0.0", "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
	"128.0.0.1", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0",
	"192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2000::1", "2001:200::1",
	"2001:4860:4860::8888", "2003::1", "2606:4700:4700::1111", "2a00:1450::1", "3ffe::1", "::ffff:8.8.8.8",
}

func TestSpecialAddressesAreDenied(t *testing.T) {
	t.Parallel()
	var policy transport.Policy
	for _, text := range denied {
		require.False(t, policy.Allowed(netip.MustParseAddr(text)), text)
	}
	for _, text := range allowed {
		require.True(t, policy.Allowed(netip.MustParseAddr(text)), text)
	}
	require.False(t, policy.Allowed(netip.Addr{}))
}

func TestHostsMayAllowAndDenyAddresses(t *testing.T) {
	t.Parallel()
	policy := transport.Policy{
		Allow: append(transport.Loopback(), netip.MustParsePrefix("10.1.0.0/16")),
		Deny:  []netip.Prefix{netip.MustParsePrefix("10.1.2.3/32"), netip.MustParsePrefix("8.0.0.0/8")},
	}
	for text, want := range map[string]bool{
		"127.0.0.1": true, "::1": true, "::ffff:127.0.0.1": true, "10.1.0.1": true, "::ffff:10.1.0.1": true,
		"10.1.2.3": false, "::ffff:10.1.2.3": false, "10.2.0.1": false, "8.8.8.8": false, "1.1.1.1": true,
		"64:ff9b::7f00:1": false, "2002:7f00:1::": false,
	} {
		require.Equal(t, want, policy.Allowed(netip.MustParseAddr(text)), text)
	}
}

func TestSharedVectors(t *testing.T) {
	t.Parallel()
	var vectors struct {
		Deny, Allow []string
		URLs        []string `json:"urls_that_must_fail"`
	}
	text, err := os.ReadFile(shared(t, "vectors/own/ssrf_addresses.json"))
	if err != nil {
		require.Empty(t, os.Getenv("CI"), "the vectors are missing: %v", err)
		t.Skip("the vectors are not here")
	}
	require.NoError(t, json.Unmarshal(text, &vectors))
	require.NotEmpty(t, vectors.Deny)
	require.NotEmpty(t, vectors.Allow)
	require.NotEmpty(t, vectors.URLs)
	var policy transport.Policy
	for _, text := range vectors.Deny {
		require.False(t, policy.Allowed(netip.MustParseAddr(text)), text)
	}
	for _, text := range vectors.Allow {
		require.True(t, policy.Allowed(netip.MustParseAddr(text)), text)
	}
	// Some resolvers understand odd notations of addresses, some do not: neither may help.
	internal := [][]string{{"127.0.0.1"}}
	for _, answers := range []map[string][][]string{
		{},
		{
			"2130706433": internal, "0177.0.0.1": internal, "127.0.0.1.nip.io": internal,
			"metadata.google.internal": {{"169.254.169.254"}},
		},
	} {
		guard := transport.New(transport.Policy{Resolver: resolver(t, answers)})
		for _, target := range vectors.URLs {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
			require.NoError(t, err)
			response, err := guard.Client().Do(request)
			if err == nil {
				require.NoError(t, response.Body.Close())
			}
			require.Error(t, err, target)
			require.Contains(t, []connector.ErrorType{connector.DataError, connector.ConnectionError},
				connector.TypeOf(err), target)
		}
		guard.Close()
	}
}

// shared finds a file in the folder that may stand beside the repository.
func shared(t *testing.T, path string) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil || dir == filepath.Dir(dir) {
			return filepath.Join(dir, "..", "shared", path)
		}
		dir = filepath.Dir(dir)
	}
}
