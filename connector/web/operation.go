package web

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

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
	hidden []string
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

// hide keeps a secret out of errors. What is shorter than 4 bytes would turn up in too many other words.
func (o *operation) hide(text string) {
	if len(text) >= 4 && !slices.Contains(o.hidden, text) {
		o.hidden = append(o.hidden, text)
	}
}

// forms are the secrets in the forms that a service may send them back in, the longest first: one may be a part of another.
func (o *operation) forms() []string {
	var forms []string
	for _, text := range o.hidden {
		quoted, _ := json.Marshal(text)
		var component strings.Builder
		writeComponent(&component, text)
		forms = append(forms, text, component.String(), url.QueryEscape(text), url.PathEscape(text),
			strings.Trim(string(quoted), `"`), base64.StdEncoding.EncodeToString([]byte(text)))
	}
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	return forms
}

// conceal takes the secrets of the connections out of an error: services send back what they refuse.
func (o *operation) conceal(err error) error {
	var typed *connector.Error
	if len(o.hidden) == 0 || !errors.As(err, &typed) {
		return err
	}
	shown := *connector.AsError(err)
	shown.Err = typed.Err // not the error itself, whose detail has everything
	forms := o.forms()
	shown.Message = redact(shown.Message, forms).(string)
	shown.Detail = redact(shown.Detail, forms).(connector.Bundle)
	return &shown
}

// redact copies a value without the secrets in its texts and buffers.
func redact(value any, forms []string) any {
	switch value := value.(type) {
	case string:
		for _, form := range forms {
			value = strings.ReplaceAll(value, form, secret.Redacted)
		}
		return value
	case []byte:
		return []byte(redact(string(value), forms).(string))
	case []any:
		list := make([]any, len(value))
		for i, element := range value {
			list[i] = redact(element, forms)
		}
		return list
	case connector.Bundle:
		var b connector.Bundle
		for name, field := range value.All() {
			b.Set(redact(name, forms).(string), redact(field, forms))
		}
		return b
	}
	return value
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
