// Package transport is how connectors reach the network: an HTTP client and a dialer that go nowhere but where the
// host's policy lets them.
//
// A scenario sends requests to addresses that people outside have typed or mapped. Without a guard each of them is a
// door into the network that the program runs in. A [Guard] looks at the concrete address after the name was resolved,
// and at every one that is tried: a name that resolves to something else the second time, a redirect, an IPv6 address
// with an IPv4 address inside, they all meet the same check. It uses no proxy of the environment. A proxy that a connection
// names ([Guard.ClientFor]) is asked for the address that was checked and never for the name, which it would resolve once
// more, on the other side of the check.
//
// Make one with [New]; its Client, ClientFor, Jar and Dial are what a connector.Call hands to modules.
package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"syscall"
	"time"

	"github.com/ebbkit/ebb/connector"
)

// A Policy says where connectors may go and how much of it they may take. The zero Policy lets them reach the public
// internet and nothing else.
type Policy struct {
	// Allow lists addresses that may be reached although they are special, such as [Loopback] or the network of the
	// service that a program exists for. Default: none.
	Allow []netip.Prefix
	// Deny lists addresses that may not be reached although they are public. It wins over Allow. Default: none.
	Deny []netip.Prefix
	// Resolver finds the addresses of names. Its own questions to name servers are not guarded. Default:
	// net.DefaultResolver.
	Resolver *net.Resolver
	// RootCAs are the authorities that certificates are checked against. Default: the system's.
	RootCAs *x509.CertPool
	// AllowUnverified lets scenarios talk to servers whose certificates nobody vouches for, when they ask for it. Whoever
	// is in between can then read and change everything. Default: they may not.
	AllowUnverified bool
	// PublicSuffixes tells domains that belong to one party from domains under which strangers have names, such as
	// publicsuffix.List of golang.org/x/net. Default: none, and then the host that has set a cookie is the only one that
	// gets it back, whatever domain the cookie names.
	PublicSuffixes cookiejar.PublicSuffixList

	// MaxRedirects is how many redirects of one request are followed. Default: 10.
	MaxRedirects int
	// MaxResponseBytes limits the body of a response, after decompression. A longer one fails with
	// MaxFileSizeExceededError. Default: 100 MiB.
	MaxResponseBytes int64
	// MaxHeaderBytes limits the header of a response. Default: 1 MiB.
	MaxHeaderBytes int64
	// DialTimeout is how long a connection and its TLS handshake may take, each. Default: 10 seconds.
	DialTimeout time.Duration
	// Timeout is how long a request may take in all, redirects and the body of the response included. Default: 300
	// seconds. The deadline of the context shortens it.
	Timeout time.Duration
}

// ErrAddress says that the policy does not allow the address.
var ErrAddress = errors.New("transport: address not allowed")

// ErrRedirect says that a redirect was not followed: too many of them, or to something that is not HTTP.
var ErrRedirect = errors.New("transport: redirect not followed")

// Allowed says whether the policy lets connections to an address through. IPv4-mapped IPv6 addresses count as the IPv4
// address in them.
func (p Policy) Allowed(address netip.Addr) bool {
	address = address.WithZone("").Unmap()
	switch {
	case !address.IsValid() || contained(p.Deny, address):
		return false
	case contained(p.Allow, address):
		return true
	}
	return public(address)
}

// A Guard makes connections under a Policy. Many goroutines may use it.
type Guard struct {
	policy Policy
	dialer net.Dialer
	base   *http.Transport
	client *http.Client
	others others
}

// New makes a Guard. It keeps connections open for reuse: Close it when it is not needed any more.
func New(policy Policy) *Guard {
	setDefault(&policy.Resolver, net.DefaultResolver)
	setDefault(&policy.MaxRedirects, 10)
	setDefault(&policy.MaxResponseBytes, 100<<20)
	setDefault(&policy.MaxHeaderBytes, 1<<20)
	setDefault(&policy.DialTimeout, 10*time.Second)
	setDefault(&policy.Timeout, 300*time.Second)
	g := &Guard{policy: policy}
	g.dialer = net.Dialer{
		Timeout:        policy.DialTimeout,
		Resolver:       policy.Resolver,
		ControlContext: g.control,
	}
	g.base = g.transport(g.Dial, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: policy.RootCAs})
	g.client = g.clientOf(&guarded{guard: g, home: g.base, abroad: g.base})
	return g
}

func (g *Guard) transport(dial func(ctx context.Context, network, address string) (net.Conn, error), secure *tls.Config) *http.Transport {
	return &http.Transport{
		Proxy:                  nil, // never: see the package comment
		DialContext:            dial,
		TLSClientConfig:        secure,
		TLSHandshakeTimeout:    g.policy.DialTimeout,
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: g.policy.MaxHeaderBytes,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        90 * time.Second,
		ExpectContinueTimeout:  time.Second,
	}
}

func (g *Guard) clientOf(transport http.RoundTripper) *http.Client {
	return &http.Client{Transport: transport, CheckRedirect: g.checkRedirect, Timeout: g.policy.Timeout}
}

func setDefault[T comparable](at *T, value T) {
	var zero T
	if *at == zero {
		*at = value
	}
}

// Client returns the HTTP client. It has no cookie jar. What a caller changes in a copy of it, CheckRedirect or Timeout
// or Jar, loosens neither the check of addresses nor the limits of size and redirects, and credentials still do not
// follow a redirect to another host.
//
// Behind the *url.Error that http.Client puts around every error stands a [*connector.Error]: DataError for an address
// or a redirect that the policy refuses, ModuleTimeoutError when time ran out, MaxFileSizeExceededError for a body that
// is too long, ConnectionError for everything else between us and the server. Its message names the host, but no path,
// query or credential. A cancelled context gives context.Canceled.
func (g *Guard) Client() *http.Client { return g.client }

// Dial opens a TCP or UDP connection to a host and port. Errors are those of the client.
func (g *Guard) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, connector.Errorf(connector.DataError, "the address has no host and port")
	}
	switch network {
	case "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6":
	default:
		return nil, connector.Errorf(connector.DataError, "%w: network %q", ErrAddress, network)
	}
	conn, err := g.dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, failure(ctx, host, err)
	}
	return conn, nil
}

// control is called with every address that is tried, after resolution and before anything is sent.
func (g *Guard) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	concrete, err := netip.ParseAddrPort(address)
	if err != nil || !g.policy.Allowed(concrete.Addr()) {
		return ErrAddress
	}
	return nil
}

// Close closes the connections that are idle. Those in use are closed when their responses are.
func (g *Guard) Close() {
	g.base.CloseIdleConnections()
	g.others.close()
}
