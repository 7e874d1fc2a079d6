// Package transit keeps root keys in the transit secrets engine of HashiCorp Vault or OpenBao.
//
// A [Keeper] asks the engine to encrypt and decrypt other keys with a key that never leaves the server. Each version of that
// key is an epoch: NewEpoch rotates the key, DestroyEpoch trims its oldest version. Of the API it uses what both servers
// have had for years, over net/http alone.
//
// # Setting up
//
// Make the key once, of a type that is an AEAD with 256 bits, and not exportable:
//
//	vault secrets enable transit
//	vault write transit/keys/ebb type=aes256-gcm96
//
// and give the token no more than this. In particular no "create" for encrypt, with which the engine makes a key that does
// not exist, such as one whose name is misspelled:
//
//	path "transit/encrypt/ebb"     { capabilities = ["update"] }
//	path "transit/decrypt/ebb"     { capabilities = ["update"] }
//	path "transit/keys/ebb"        { capabilities = ["read"] }
//	path "transit/keys/ebb/rotate" { capabilities = ["update"] }
//	path "transit/keys/ebb/config" { capabilities = ["update"] }
//	path "transit/keys/ebb/trim"   { capabilities = ["update"] }
//
// Leave auto_rotate_period at 0: whoever uses the keeper rotates. Let nothing else use the key: trimming takes it away.
//
// Start with [New].
package transit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/secret"
)

// A Config says where the key is. Address and Key are needed.
type Config struct {
	// Address is the server's, such as "https://vault.example.org:8200". With http:// it must be this machine, or Plain be
	// true.
	Address string
	// Token gives the token for one request. It is called for each, by many goroutines, so a token that is renewed or
	// replaced is used at once; keep it at hand. Default: no token is sent, for an agent on this machine that adds its own.
	Token func(ctx context.Context) (secret.Value, error)
	// Namespace is the namespace that the engine is in. Default: none.
	Namespace string
	// Mount is the path that the engine is mounted at. Default: "transit".
	Mount string
	// Key is the name of the key.
	Key string

	// HTTP makes the requests. Redirects are not followed, whatever it says: they would take the token along. Default: a
	// client of its own, without a proxy.
	HTTP *http.Client
	// Timeout is how long one request may take. Default: 10 seconds.
	Timeout time.Duration
	// MaxResponseBytes is the longest answer that is read. Default: 256 KiB.
	MaxResponseBytes int64
	// Plain lets keys and tokens go over the network unencrypted, to an Address with http://. Default: false.
	Plain bool

	// DestroyDelay is for how long a version that was trimmed can be had back from backups of the server's storage.
	// DestroyEpoch adds it to its answer; give crypto.HierarchyConfig the same. Default: none.
	DestroyDelay time.Duration
	// Now is the time. Default: time.Now.
	Now func() time.Time
}

// A Keeper is a crypto.Keeper whose epochs are the versions of a key in a transit secrets engine. Many goroutines may use
// it. Every call makes one request or a few, and retries none.
type Keeper struct {
	config Config
	client http.Client
	base   string // of all paths
	usable atomic.Bool

	mu        sync.Mutex // held while versions are made or destroyed
	destroyed map[uint32]time.Time

	highest atomic.Uint32 // version that was ever seen
}

var _ crypto.Keeper = (*Keeper)(nil)

// StaticToken returns a function for Config.Token that always gives the same one.
func StaticToken(token secret.Value) func(context.Context) (secret.Value, error) {
	return func(context.Context) (secret.Value, error) { return token, nil }
}

// The engine takes names that begin and end with a letter, a digit or an underscore. Mounts have several such parts.
var (
	keyName   = regexp.MustCompile(`^\w([\w.-]*\w)?$`)
	mountName = regexp.MustCompile(`^\w([\w.-]*\w)?(/\w([\w.-]*\w)?)*$`)
)

// New returns a keeper. It makes no request: what is wrong with the key is said by the first call that needs it.
func New(config Config) (*Keeper, error) {
	var problems []error
	address, err := url.Parse(config.Address)
	switch {
	case err != nil: // whose text may have what stands before the @
		problems = append(problems, errors.New("transit: Address is no URL"))
	case address.Scheme != "https" && address.Scheme != "http" || address.Host == "":
		problems = append(problems, errors.New("transit: Address is not of the form https://host:port"))
	case address.User != nil || address.RawQuery != "" || address.Fragment != "":
		problems = append(problems, errors.New("transit: Address has more than a scheme, a host and a path"))
	case address.Scheme == "http" && !config.Plain && !loopback(address.Hostname()):
		problems = append(problems, errors.New("transit: Address is http:// on another machine, where keys and tokens would go over the network unencrypted: use https://, or set Plain"))
	}
	if config.Mount == "" {
		config.Mount = "transit"
	}
	config.Mount = strings.Trim(config.Mount, "/")
	if !mountName.MatchString(config.Mount) {
		problems = append(problems, fmt.Errorf("transit: Mount %q is no path", config.Mount))
	}
	if !keyName.MatchString(config.Key) {
		problems = append(problems, fmt.Errorf("transit: Key %q is no name of a key", config.Key))
	}
	if config.Timeout < 0 || config.MaxResponseBytes < 0 || config.DestroyDelay < 0 {
		problems = append(problems, errors.New("transit: a limit is negative"))
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	if config.Timeout == 0 {
		config.Timeout = 10 * time.Second
	}
	if config.MaxResponseBytes == 0 {
		config.MaxResponseBytes = 256 << 10
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	k := &Keeper{
		config:    config,
		base:      strings.TrimSuffix(config.Address, "/") + "/v1/" + config.Mount,
		destroyed: map[uint32]time.Time{},
	}
	if config.HTTP != nil {
		k.client = *config.HTTP
	} else {
		k.client.Transport = &http.Transport{
			ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 16, IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 10 * time.Second,
		}
	}
	k.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return k, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
