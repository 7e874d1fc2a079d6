// Package web is the connector "http": it sends HTTP requests, as Make's HTTP app does (https://apps.make.com/http).
//
// It has ActionSendData of version 3, MakeRequest of version 4 and ActionGetFile. Where requests may go, and how many
// redirects they follow, is for the host to say: the client of the call decides. An option that the modules cannot
// honour, such as a client certificate, is refused with InvalidConfigurationError and never silently left out.
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
	return &Connector{modules: []connector.Module{newSendData(config), newMakeRequest(config), newGetFile(config)}}
}

// Name returns "http".
func (*Connector) Name() string { return "http" }

// Modules returns ActionSendData, MakeRequest and ActionGetFile.
func (c *Connector) Modules() []connector.Module { return c.modules }

// A pair is a name and its value, as headers and parameters of a query have them.
type pair struct {
	Name  string `json:"name" label:"Name" required:"true"`
	Value string `json:"value" label:"Value"`
}

// unsupported refuses an option that would otherwise be left out silently.
func unsupported(field, why string) error {
	return connector.Errorf(connector.InvalidConfigurationError, "field %s: %s", field, why)
}

// refuse returns the first refusal that holds.
func refuse(options ...option) error {
	for _, o := range options {
		if o.given {
			return unsupported(o.field, o.why)
		}
	}
	return nil
}

// An option is one that cannot be honoured when it is given.
type option struct {
	given bool
	field string
	why   string
}

const (
	whyCookies     = "cookies are not shared between modules"
	whyCertificate = "certificates are always checked against the authorities of the host"
	whyClientCert  = "client certificates are not supported"
	whyAuth        = "only noAuth is supported: put the credentials into a header"
	whyProxy       = "proxies are not supported"
	whyPagination  = "pagination is not supported: repeat the request in the scenario"
)
