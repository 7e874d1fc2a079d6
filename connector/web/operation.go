package web

import (
	"context"
	"net/http"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto/secret"
)

// An operation is one call of a module: what its requests are let in by, and the way that they take.
type operation struct {
	call       *connector.Call
	config     Config
	client     connector.ClientConfig
	cookies    bool
	credential credential
	token      *token
	// hidden are secrets that services may send back.
	hidden secret.Mask
}

// open reads the connections of a call.
func open(call *connector.Call, config Config, needs []connector.Need) (*operation, error) {
	o := &operation{call: call, config: config}
	readers := map[string]func(*connector.Connection) error{
		APIKey: o.apiKey, BasicAuth: o.basicAuth, OAuth2: o.oauth,
		ClientCertificate: o.clientCertificate, Authority: o.authority, Proxy: o.proxy,
	}
	for _, need := range needs {
		c := call.Connections[need.Param]
		if c == nil {
			return nil, connector.Errorf(connector.InvalidConfigurationError,
				"parameter %s: the module needs a connection of type %q", need.Param, need.Type)
		}
		if err := readers[need.Type](c); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// secret takes a secret out of a connection. One that is missing or empty makes the connection unusable.
func (o *operation) secret(c *connector.Connection, name string) (string, error) {
	text, err := c.Secrets[name].Reveal()
	if err != nil {
		return "", connector.Errorf(connector.AccountValidationError, "connection %q: secret %s: %w", c.Name, name, err)
	}
	if text == "" {
		return "", unusable(c, "it has no secret "+name)
	}
	o.hide(text)
	return text, nil
}

// hide keeps a secret out of errors.
func (o *operation) hide(text string) { o.hidden.Add(secret.NewString(text)) }

// conceal takes the secrets of the connections out of an error: services send back what they refuse.
func (o *operation) conceal(err error) error {
	if err == nil || o.hidden.Empty() {
		return err
	}
	return connector.MaskError(&o.hidden, err)
}

// send sends a request and reads the response. An access token that has expired, or that the service does not accept any
// more, is renewed once.
func (o *operation) send(ctx context.Context, r *request) (*response, error) {
	fresh := false
	if o.token != nil && o.token.expired(o.call.Now) {
		if err := o.renew(ctx); err != nil {
			return nil, err
		}
		fresh = true
	}
	received, err := o.exchange(ctx, r)
	switch {
	case err != nil || received.status != http.StatusUnauthorized || received.abroad:
		return received, err
	case o.token == nil || fresh || !o.token.renewable():
		return received, nil
	}
	if err := o.renew(ctx); err != nil {
		return nil, err
	}
	return o.exchange(ctx, r)
}
