package transport

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ebbkit/ebb/connector"
)

// A tunnel reaches hosts through an HTTP proxy.
type tunnel struct {
	guard *Guard
	// address is host and port of the proxy. secure is set when it speaks TLS.
	address string
	secure  *tls.Config
	// credentials are the value of Proxy-Authorization, or empty.
	credentials string
}

// tunnelOf reads the proxy of a configuration.
func (g *Guard) tunnelOf(config *connector.ClientConfig) (*tunnel, error) {
	proxy, err := url.Parse(config.Proxy)
	if err != nil || proxy.Hostname() == "" || proxy.User != nil || strings.TrimSuffix(proxy.Path, "/") != "" || proxy.RawQuery != "" {
		return nil, connector.Errorf(connector.InvalidConfigurationError, "the proxy is no URL of a scheme, a host and a port")
	}
	t := &tunnel{guard: g}
	port := proxy.Port()
	switch proxy.Scheme {
	case "http":
		if port == "" {
			port = "80"
		}
	case "https":
		t.secure = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: g.policy.RootCAs, ServerName: proxy.Hostname()}
		if port == "" {
			port = "443"
		}
	default:
		return nil, connector.Errorf(connector.InvalidConfigurationError, "only proxies that speak HTTP are supported, with scheme http or https")
	}
	t.address = net.JoinHostPort(proxy.Hostname(), port)
	if config.ProxyUser == "" && config.ProxyPassword.IsZero() {
		return t, nil
	}
	err = config.ProxyPassword.Use(func(password []byte) {
		t.credentials = "Basic " + base64.StdEncoding.EncodeToString(append([]byte(config.ProxyUser+":"), password...))
	})
	if err != nil {
		return nil, connector.Errorf(connector.InvalidConfigurationError, "the password of the proxy: %w", err)
	}
	return t, nil
}

// errRefused says that the proxy would not open a tunnel to one address; another one may do.
var errRefused = errors.New("transport: the proxy cannot reach the address")

// dial opens a connection to a host and port by way of the proxy. The name is resolved and the addresses are checked here;
// the proxy is told an address, so that it has nothing to resolve.
func (t *tunnel) dial(ctx context.Context, _, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, connector.Errorf(connector.DataError, "the address has no host and port")
	}
	ctx, cancel := context.WithTimeout(ctx, 2*t.guard.policy.DialTimeout)
	defer cancel()
	addresses, err := t.guard.addresses(ctx, host)
	if err != nil {
		return nil, failure(ctx, host, err)
	}
	for _, concrete := range addresses {
		conn, err := t.open(ctx, net.JoinHostPort(concrete.String(), port))
		if err == nil {
			return conn, nil
		}
		if !errors.Is(err, errRefused) {
			return nil, err
		}
	}
	return nil, connector.Errorf(connector.ConnectionError, "host %q: the proxy cannot reach it", host)
}

// addresses are those of a host that the policy allows.
func (g *Guard) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	found := []netip.Addr{}
	if literal, err := netip.ParseAddr(host); err == nil {
		found = append(found, literal)
	} else if found, err = g.policy.Resolver.LookupNetIP(ctx, "ip", host); err != nil {
		return nil, err
	}
	var allowed []netip.Addr
	for _, address := range found {
		if g.policy.Allowed(address) {
			allowed = append(allowed, address.WithZone("").Unmap())
		}
	}
	if len(allowed) == 0 {
		return nil, ErrAddress
	}
	return allowed, nil
}

// open asks the proxy for a tunnel to an address.
func (t *tunnel) open(ctx context.Context, target string) (net.Conn, error) {
	conn, err := t.guard.Dial(ctx, "tcp", t.address)
	if err != nil {
		return nil, t.failed(ctx, err)
	}
	opened := false
	defer func() {
		if !opened {
			_ = conn.Close()
		}
	}()
	plain := conn
	stop := context.AfterFunc(ctx, func() { _ = plain.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if t.secure != nil {
		secured := tls.Client(conn, t.secure)
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, t.failed(ctx, err)
		}
		conn = secured
	}
	if err := t.connect(conn, target); err != nil {
		return nil, t.failed(ctx, err)
	}
	if !stop() {
		return nil, t.failed(ctx, ctx.Err())
	}
	opened = true
	return conn, nil
}

// failed names the proxy in an error of the network.
func (t *tunnel) failed(ctx context.Context, err error) error {
	if errors.Is(err, errRefused) {
		return err
	}
	host, _, _ := net.SplitHostPort(t.address)
	err = failure(ctx, host, err)
	var typed *connector.Error
	if errors.As(err, &typed) {
		return &connector.Error{Type: typed.Type, Message: "proxy: " + typed.Message, After: typed.After, Err: typed.Err}
	}
	return err
}

// connect sends CONNECT and reads the answer (RFC 9110, section 9.3.6).
func (t *tunnel) connect(conn net.Conn, target string) error {
	head := "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n"
	if t.credentials != "" {
		head += "Proxy-Authorization: " + t.credentials + "\r\n"
	}
	if _, err := io.WriteString(conn, head+"\r\n"); err != nil {
		return err
	}
	limit := t.guard.policy.MaxHeaderBytes
	reader := bufio.NewReader(io.LimitReader(conn, limit))
	answer, err := http.ReadResponse(reader, &http.Request{Method: http.MethodConnect})
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	switch {
	case answer.StatusCode == http.StatusProxyAuthRequired:
		return connector.Errorf(connector.InvalidAccessTokenError, "it refuses the user and password of the connection")
	case answer.StatusCode == http.StatusTooManyRequests:
		return connector.Errorf(connector.RateLimitError, "it wants to be asked less often")
	case answer.StatusCode == http.StatusForbidden, answer.StatusCode == http.StatusMethodNotAllowed:
		return connector.Errorf(connector.ConnectionError, "it does not open tunnels to this port")
	case answer.StatusCode/100 != 2:
		return errRefused
	case reader.Buffered() > 0: // nobody has spoken to the host yet, so this cannot be its answer
		return connector.Errorf(connector.ConnectionError, "it speaks where only the host may, with status %s", strconv.Itoa(answer.StatusCode))
	}
	return nil
}
