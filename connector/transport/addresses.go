package transport

import "net/netip"

// special are the addresses that are never a public server on the internet: the blocks of the IANA special-purpose
// address registries (https://www.iana.org/assignments/iana-ipv4-special-registry and .../iana-ipv6-special-registry,
// RFC 6890 and RFC 8190), multicast (RFC 5771, RFC 4291), and prefixes that carry an IPv4 address inside, through which
// a gateway could be made to reach an internal one. Blocks that the registries call globally reachable are anycast or
// protocol services that no scenario has business with; they are refused with the rest.
var special = prefixes(
	// IPv4
	"0.0.0.0/8",        // "this network", RFC 791
	"10.0.0.0/8",       // private, RFC 1918
	"100.64.0.0/10",    // shared by carriers, RFC 6598; metadata of one cloud at 100.100.100.200
	"127.0.0.0/8",      // loopback, RFC 1122
	"169.254.0.0/16",   // link local, RFC 3927; metadata of most clouds
	"172.16.0.0/12",    // private, RFC 1918
	"192.0.0.0/24",     // protocol assignments, RFC 6890
	"192.0.2.0/24",     // documentation, RFC 5737
	"192.31.196.0/24",  // AS112, RFC 7535
	"192.52.193.0/24",  // AMT, RFC 7450
	"192.88.99.0/24",   // 6to4 relay anycast, RFC 7526
	"192.168.0.0/16",   // private, RFC 1918
	"192.175.48.0/24",  // AS112, RFC 7534
	"198.18.0.0/15",    // benchmarks, RFC 2544
	"198.51.100.0/24",  // documentation, RFC 5737
	"203.0.113.0/24",   // documentation, RFC 5737
	"224.0.0.0/4",      // multicast, RFC 5771
	"240.0.0.0/4",      // reserved, RFC 1112; includes the broadcast address, RFC 919
	"168.63.129.16/32", // in no registry: the host agent of one cloud, reachable from inside its machines only
	// IPv6. All that lies outside 2000::/3 is refused by rule, see public. That covers ::/128, ::1/128, IPv4-compatible
	// ::/96, IPv4-mapped ::ffff:0:0/96 (looked at as IPv4 first), NAT64 64:ff9b::/96 and 64:ff9b:1::/48 (RFC 6052, RFC
	// 8215), discard-only 100::/64 (RFC 6666), the dummy prefix 100:0:0:1::/64 (RFC 9780), SRv6 5f00::/16 (RFC 9602),
	// unique local fc00::/7 (RFC 4193), link local fe80::/10, site local fec0::/10 (RFC 3879) and multicast ff00::/8
	// (RFC 4291).
	"2001::/23",         // protocol assignments, RFC 2928: Teredo 2001::/32, benchmarks, AMT, AS112, ORCHID, DRIP
	"2001:db8::/32",     // documentation, RFC 3849
	"2002::/16",         // 6to4, RFC 3056: carries an IPv4 address
	"2620:4f:8000::/48", // AS112, RFC 7534
	"3fff::/20",         // documentation, RFC 9637
)

// globalUnicast is all that IANA has given out of IPv6 for use on the internet (RFC 4291, section 2.4).
var globalUnicast = netip.MustParsePrefix("2000::/3")

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}

// public says whether an address belongs to the public internet.
func public(address netip.Addr) bool {
	if address.Is6() && !globalUnicast.Contains(address) {
		return false
	}
	return !contained(special, address)
}

func contained(list []netip.Prefix, address netip.Addr) bool {
	for _, prefix := range list {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

// Loopback returns the addresses of the machine itself, 127.0.0.0/8 and ::1, for [Policy.Allow].
func Loopback() []netip.Prefix { return prefixes("127.0.0.0/8", "::1/128") }
