package web

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/ebbkit/ebb/connector"
)

// The types of connections, by the names that Make gives them. The package comment lists their fields.
const (
	APIKey            = "apikeyauth"
	BasicAuth         = "basicauth"
	OAuth2            = "oauth2"
	ClientCertificate = "clientcertauth"
	Authority         = "cacert"
	Proxy             = "proxy"
)

// A credential is what a request carries to be let in.
type credential struct {
	// header and its value, parameter of the query and its value. Either name may be empty.
	header, headerValue string
	query, queryValue   string
}

// apply writes the credential into a request, over what stands there.
func (c *credential) apply(sent *http.Request) {
	if c.header != "" {
		sent.Header.Set(c.header, c.headerValue)
	}
	if c.query != "" {
		sent.URL.RawQuery = setQuery(sent.URL.RawQuery, []pair{{c.query, c.queryValue}})
	}
}

// setQuery puts parameters at the end of a query, in place of those that have their names.
func setQuery(query string, pairs []pair) string {
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		plain, err := url.QueryUnescape(name)
		replaced := part == ""
		for _, p := range pairs {
			replaced = replaced || err == nil && plain == p.Name
		}
		if !replaced {
			kept = append(kept, part)
		}
	}
	if added := encodeQuery(pairs, false); added != "" {
		kept = append(kept, added)
	}
	return strings.Join(kept, "&")
}

// apiKey reads a connection of type APIKey.
func (o *operation) apiKey(c *connector.Connection) error {
	key, err := o.secret(c, "key")
	if err != nil {
		return err
	}
	name := textField(c, "name")
	if prefix := strings.TrimSpace(textField(c, "prefix")); prefix != "" {
		key = prefix + " " + key
	}
	switch placement := textField(c, "placement"); placement {
	case "", "header":
		if name == "" {
			name = "Authorization"
		}
		o.credential = credential{header: http.CanonicalHeaderKey(name), headerValue: key}
		if !isToken(name) || !isFieldValue(key) || name == "Host" {
			return unusable(c, "its name or key cannot stand in a header")
		}
	case "qs", "query":
		if name == "" {
			return unusable(c, "it has no name for the key: set its field name")
		}
		o.credential = credential{query: name, queryValue: key}
	default:
		return unusable(c, "its field placement is neither header nor qs")
	}
	return nil
}

// basicAuth reads a connection of type BasicAuth (RFC 7617).
func (o *operation) basicAuth(c *connector.Connection) error {
	password, err := o.secret(c, "authPass")
	if err != nil {
		return err
	}
	user := textField(c, "authUser")
	if strings.Contains(user, ":") {
		return unusable(c, "its user has a colon")
	}
	pair := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	o.credential = credential{header: "Authorization", headerValue: "Basic " + pair}
	return nil
}

// clientCertificate reads a connection of type ClientCertificate.
func (o *operation) clientCertificate(c *connector.Connection) error {
	if _, err := o.secret(c, "key"); err != nil {
		return err
	}
	o.client.Certificate, o.client.Key = []byte(textField(c, "cert")), c.Secrets["key"]
	if len(o.client.Certificate) == 0 {
		return unusable(c, "it has no certificate: set its field cert")
	}
	if authority := textField(c, "ca"); authority != "" {
		o.client.Authorities = []byte(authority)
	}
	return nil
}

// authority reads a connection of type Authority.
func (o *operation) authority(c *connector.Connection) error {
	if o.client.Authorities = []byte(textField(c, "ca")); len(o.client.Authorities) == 0 {
		return unusable(c, "it has no certificate of an authority: set its field ca")
	}
	return nil
}

// proxy reads a connection of type Proxy.
func (o *operation) proxy(c *connector.Connection) error {
	host, port, scheme := textField(c, "host"), textField(c, "port"), textField(c, "scheme")
	if host == "" || port == "" {
		return unusable(c, "it has no host and port")
	}
	if scheme == "" {
		scheme = "http"
	}
	if strings.Contains(host, ":") {
		host = "[" + strings.Trim(host, "[]") + "]"
	}
	o.client.Proxy, o.client.ProxyUser = scheme+"://"+host+":"+port, textField(c, "authUser")
	if password, ok := c.Secrets["authPass"]; ok {
		if _, err := o.secret(c, "authPass"); err != nil {
			return err
		}
		o.client.ProxyPassword = password
	}
	return nil
}

// textField is a field of a connection as text.
func textField(c *connector.Connection, name string) string {
	switch value := c.Fields.Get(name).(type) {
	case string:
		return value
	case []byte:
		return string(value)
	case int64:
		return strconv.FormatInt(value, 10)
	}
	return ""
}

// unusable says that a person must mend a connection.
func unusable(c *connector.Connection, why string) error {
	return connector.Errorf(connector.AccountValidationError, "connection %q cannot be used: %s", c.Name, why)
}
