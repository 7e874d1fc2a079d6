package transport

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"net/http"
	"sync"
	"time"

	"github.com/ebbkit/ebb/connector"
)

// maxOthers is for how many configurations connections are kept open for reuse.
const maxOthers = 64

// others are the clients of configurations that differ from the Guard's own, so that connections are used again. Clients
// of different certificates, keys, authorities or proxies never share a connection.
type others struct {
	mu      sync.Mutex
	entries map[fingerprint]*other
	uses    int64
}

type other struct {
	client       *http.Client
	home, abroad *http.Transport
	// certificate is the client certificate, or nil.
	certificate *x509.Certificate
	used        int64
}

func (o *other) close() {
	o.home.CloseIdleConnections()
	o.abroad.CloseIdleConnections()
}

// get returns what is there already, or makes it. The one that was not used for longest makes room.
func (o *others) get(key fingerprint, build func() (*other, error)) (*http.Client, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.uses++
	if found := o.entries[key]; found != nil {
		found.used = o.uses
		return found.client, valid(found.certificate)
	}
	built, err := build()
	if err == nil {
		err = valid(built.certificate)
	}
	if err != nil {
		return nil, err
	}
	if len(o.entries) >= maxOthers {
		var oldest fingerprint
		least := o.uses
		for key, entry := range o.entries {
			if entry.used < least {
				oldest, least = key, entry.used
			}
		}
		o.entries[oldest].close()
		delete(o.entries, oldest)
	}
	if o.entries == nil {
		o.entries = map[fingerprint]*other{}
	}
	built.used = o.uses
	o.entries[key] = built
	return built.client, nil
}

func (o *others) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, entry := range o.entries {
		entry.close()
	}
}

// ClientFor returns the HTTP client of a configuration. It keeps all that [Guard.Client] promises, also where requests go
// through a proxy; the proxy itself must be at an address that the policy allows. Requests of both schemes go through a
// tunnel that the proxy opens (CONNECT, RFC 9110, section 9.3.6). A client certificate is shown to the scheme, host and port
// that a request was made for, and to no other that a redirect leads to.
//
// What cannot be used is an InvalidConfigurationError, a certificate that has expired an InvalidAccessTokenError.
func (g *Guard) ClientFor(config connector.ClientConfig) (*http.Client, error) {
	key, plain, err := fingerprintOf(&config)
	if err != nil {
		return nil, err
	}
	if plain {
		return g.client, nil
	}
	if config.Unverified && !g.policy.AllowUnverified {
		return nil, connector.Errorf(connector.InvalidConfigurationError,
			"this program does not let scenarios leave certificates unchecked: it would have to set Policy.AllowUnverified")
	}
	return g.others.get(key, func() (*other, error) { return g.other(&config) })
}

func (g *Guard) other(config *connector.ClientConfig) (*other, error) {
	secure, err := g.secure(config)
	if err != nil {
		return nil, err
	}
	dial := g.Dial
	if config.Proxy != "" {
		t, err := g.tunnelOf(config)
		if err != nil {
			return nil, err
		}
		dial = t.dial
	}
	o := &other{home: g.transport(dial, secure)}
	o.abroad = o.home
	if len(secure.Certificates) > 0 {
		o.certificate = secure.Certificates[0].Leaf
		anonymous := secure.Clone()
		anonymous.Certificates = nil
		o.abroad = g.transport(dial, anonymous)
	}
	o.client = g.clientOf(&guarded{guard: g, home: o.home, abroad: o.abroad})
	return o, nil
}

// valid says why a client certificate cannot be used now: servers would only say that they do not like it.
func valid(certificate *x509.Certificate) error {
	now := time.Now()
	switch {
	case certificate == nil:
	case now.After(certificate.NotAfter):
		return connector.Errorf(connector.InvalidAccessTokenError, "the client certificate has expired: it was valid until %s",
			certificate.NotAfter.UTC().Format(time.RFC3339))
	case now.Before(certificate.NotBefore):
		return connector.Errorf(connector.InvalidAccessTokenError, "the client certificate is not valid yet: it will be from %s on",
			certificate.NotBefore.UTC().Format(time.RFC3339))
	}
	return nil
}

// secure makes the TLS configuration.
func (g *Guard) secure(config *connector.ClientConfig) (*tls.Config, error) {
	secure := &tls.Config{
		MinVersion: tls.VersionTLS12, RootCAs: g.policy.RootCAs,
		InsecureSkipVerify: config.Unverified, //nolint:gosec // the host has allowed it by Policy.AllowUnverified
	}
	if len(config.Authorities) > 0 {
		secure.RootCAs = x509.NewCertPool()
		if !secure.RootCAs.AppendCertsFromPEM(config.Authorities) {
			return nil, connector.Errorf(connector.InvalidConfigurationError, "the certificate of the authority is no certificate in PEM")
		}
	}
	if len(config.Certificate) == 0 && config.Key.IsZero() {
		return secure, nil
	}
	var certificate tls.Certificate
	var err error
	if hidden := config.Key.Use(func(key []byte) { certificate, err = tls.X509KeyPair(config.Certificate, key) }); hidden != nil {
		return nil, connector.Errorf(connector.InvalidConfigurationError, "the key of the client certificate: %w", hidden)
	}
	if err != nil { // it says nothing of use, and pieces of what it has read
		return nil, connector.Errorf(connector.InvalidConfigurationError,
			"the client certificate and its key are no pair in PEM without a passphrase")
	}
	secure.Certificates = []tls.Certificate{certificate}
	return secure, nil
}

// A fingerprint tells configurations apart.
type fingerprint [sha256.Size]byte

// fingerprintOf says besides whether the configuration is the zero one.
func fingerprintOf(config *connector.ClientConfig) (key fingerprint, plain bool, err error) {
	hash := sha256.New()
	plain = !config.Unverified
	write := func(part []byte) {
		plain = plain && len(part) == 0
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		hash.Write(size[:])
		hash.Write(part)
	}
	write(config.Certificate)
	write(config.Authorities)
	write([]byte(config.Proxy))
	write([]byte(config.ProxyUser))
	for _, hidden := range []interface{ Use(func([]byte)) error }{config.Key, config.ProxyPassword} {
		if err := hidden.Use(write); err != nil {
			return key, false, connector.Errorf(connector.InvalidConfigurationError, "a secret of the connection: %w", err)
		}
	}
	if config.Unverified {
		hash.Write([]byte{1})
	}
	hash.Sum(key[:0])
	return key, plain, nil
}
