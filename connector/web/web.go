// Package web is the connector "http": it sends HTTP requests, as Make's HTTP app does (https://apps.make.com/http).
//
// Of version 3 it has ActionSendData, its variants for Basic Auth, API keys, OAuth 2.0 and client certificates, ActionGetFile
// and ActionResolveTargetURL; of version 4 MakeRequest, with pagination, and DownloadFile. Besides it takes MakeARequest and
// MakeRequest of version 1, which blueprints that were written by hand use. Where requests may go, and how many redirects
// they follow, is for the host to say: the client of the call decides.
//
// # Connections
//
// Credentials are in connections, which the parameters of modules name. Fields are texts unless something else is said; what
// stands in brackets may be left out. Secrets never follow a redirect to another scheme, host or port, and are taken out of
// what services send back as errors.
//
//	apikeyauth      fields: name (of header or parameter) [placement: header or qs] [prefix: stands before the key, with a blank]
//	                secrets: key
//	basicauth       fields: authUser; secrets: authPass
//	oauth2          fields: tokenUri, clientId [flowType: authorizationCode or clientCredentials] [scope: text or array]
//	                [scopeSeparator] [clientAuthentication: header or body] [tokenParams: collection of more parameters]
//	                [tokenPlacement: header, qs or both] [headerTokenName: Bearer] [tokenName: access_token] [expires: date]
//	                secrets: [clientSecret] [accessToken] [refreshToken]
//	clientcertauth  fields: cert (PEM, our own first) [ca: PEM]; secrets: key (PEM without a passphrase)
//	cacert          fields: ca (PEM)
//	proxy           fields: host, port [scheme: http or https] [authUser]; secrets: [authPass]
//
// An access token is renewed when it is about to expire or the service answers 401, once for all runs that use the
// connection, and stored. With authorizationCode people authorise the account in the host's own pages, and the host saves
// accessToken, refreshToken and expires; with clientCredentials there is nothing to save beforehand.
//
// Make one with [New].
package web

import (
	"github.com/ebbkit/ebb/connector"
)

// Config sets the limits of the connector. The zero Config works.
type Config struct {
	// MaxResponseBytes limits the body of a response, after decompression. A longer one is a MaxFileSizeExceededError.
	// The client of the call may have a lower limit of its own. Default: 10 MiB.
	MaxResponseBytes int64
	// UserAgent is sent where the scenario gives no such header. Default: "ebb".
	UserAgent string
}

var _ connector.Connector = (*Connector)(nil)

// A Connector is the connector "http". Many goroutines may use it.
type Connector struct {
	modules []connector.Module
}

// New makes the connector.
func New(config Config) *Connector {
	if config.MaxResponseBytes == 0 {
		config.MaxResponseBytes = 10 << 20
	}
	if config.UserAgent == "" {
		config.UserAgent = "ebb"
	}
	c := &Connector{}
	for _, v := range variants {
		c.modules = append(c.modules, newSendData(config, v))
	}
	c.modules = append(c.modules, newMakeRequest(config), newDownload(config), newGetFile(config), newResolve(config),
		newPlain(config, "MakeARequest", 0), newPlain(config, "MakeRequest", 1))
	return c
}

// Name returns "http".
func (*Connector) Name() string { return "http" }

// Modules returns the modules that the package comment lists.
func (c *Connector) Modules() []connector.Module { return c.modules }

// A pair is a name and its value, as headers and parameters of a query have them.
type pair struct {
	Name  string `json:"name" label:"Name" required:"true"`
	Value string `json:"value" label:"Value"`
}
