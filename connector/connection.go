package connector

import (
	"context"
	"net/http"

	"github.com/ebbkit/ebb/crypto/secret"
)

// A Connection is an account at a service, unsealed for one call: when the module returns, the engine destroys its secrets.
type Connection struct {
	// Name is what people call it.
	Name string
	// Type is the type that Info.Connection or Need.Type asked for.
	Type string
	// Fields hold everything of the account that is no secret: host, user, scopes.
	Fields Bundle
	// Secrets hold what must never be seen, by field name: password, token, key.
	Secrets map[string]secret.Value
}

// Equal says whether two connections have the same type, fields and secrets, under whatever name. Its time does not
// depend on how much of two secrets is the same.
func (c *Connection) Equal(other *Connection) bool {
	if c.Type != other.Type || len(c.Secrets) != len(other.Secrets) || !Equal(c.Fields, other.Fields) {
		return false
	}
	same := true
	for name, value := range c.Secrets {
		theirs, ok := other.Secrets[name]
		same = ok && value.Equal(theirs) && same
	}
	return same
}

// Clone returns a connection that can be changed without c: fields and secrets are set in it and nowhere else.
func (c *Connection) Clone() *Connection {
	clone := *c
	clone.Fields = c.Fields.Clone()
	clone.Secrets = make(map[string]secret.Value, len(c.Secrets))
	for name, value := range c.Secrets {
		clone.Secrets[name] = value
	}
	return &clone
}

// Connected is a Module that acts with other connections than the one of Info.Connection: with several, or with such that
// depend on its parameters. It is optional; the engine finds it by type assertion.
type Connected interface {
	Module
	// Connections lists what the module needs with these parameters, which are those of Call.Params. It returns the same
	// every time for the same parameters, and no Param twice.
	Connections(params Bundle) []Need
}

// A Need is a connection that a module acts with.
type Need struct {
	// Param is the design-time parameter that names the connection, and its key in Call.Connections.
	Param string
	// Type is the type that the connection must have.
	Type string
}

// A Renewal changes a connection whose credentials do not work any more. It is called by one run at a time, whatever
// number of runs and processes use the connection; when it returns an error, nothing is stored.
type Renewal func(ctx context.Context, connection *Connection) error

// A ClientConfig says how an HTTP client differs from Call.HTTP. The zero ClientConfig is Call.HTTP. All of them keep the
// host's address rules and limits.
type ClientConfig struct {
	// Certificate proves who we are to servers that ask for it: certificates in PEM, our own first. Key is its private key
	// in PEM, unencrypted. Neither is shown to another host than the one that a request was made for. Default: none.
	Certificate []byte
	Key         secret.Value
	// Authorities are what certificates of servers are checked against, in PEM. Default: what the host trusts.
	Authorities []byte
	// Unverified leaves certificates of servers unchecked. The host may refuse that. Default: they are checked.
	Unverified bool
	// Proxy is an HTTP proxy that requests go through, as a URL with scheme http or https, a host and a port. Default: none.
	Proxy string
	// ProxyUser and ProxyPassword are for the proxy (RFC 7617). Default: none are sent.
	ProxyUser     string
	ProxyPassword secret.Value
}

// A Client gives the HTTP client of a ClientConfig. What it cannot honour is an error of type InvalidConfigurationError or
// InvalidAccessTokenError that says why. Its clients have no cookie jar.
type Client func(config ClientConfig) (*http.Client, error)
