package engine

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto/secret"
	"github.com/ebbkit/ebb/engine/internal/repo"
)

// HookOptions say whom a scenario's hook lets in and how it reads requests, as a webhook's settings do in Make
// (https://apps.make.com/gateway). Every deployment replaces them, but for the keys.
type HookOptions struct {
	// Headers adds the request's headers to the bundle, as __IMTHEADERS__.
	Headers bool
	// Method adds its method, as __IMTMETHOD__.
	Method bool
	// Stringify gives a JSON body as the text that it is, as value. It cannot go with Structure.
	Stringify bool
	// Structure names the data structure that requests are checked against and converted by, as DeployOptions.Structures
	// maps it. What does not fit gets 400 with the names of the fields. Default: none, everything is let in.
	Structure string

	// Methods are the methods that the hook takes; others get 405. GET takes HEAD as well. Default: all but OPTIONS, which
	// is answered with the list of methods and starts nothing, CONNECT and TRACE.
	Methods []string
	// AllowFrom are the addresses that requests may come from; others get 403. Behind a proxy, Config.TrustedProxies must
	// name it. Default: all.
	AllowFrom []netip.Prefix
	// APIKeys are keys of which every request must have one in the header x-make-apikey; others get 401. A key is 1 to 512
	// printable ASCII characters without blanks at its ends. Only hashes are stored, sealed. Default: the hook keeps the
	// keys that it has.
	APIKeys []secret.Value
	// NoAPIKeys takes all keys away from the hook: from then on who knows the address gets in.
	NoAPIKeys bool

	// ResponseTimeout is how long a caller of this hook waits for the scenario's answer. Default: Config.ResponseTimeout.
	ResponseTimeout time.Duration
}

// maxAPIKeyBytes is how long a key may be, as in Make.
const maxAPIKeyBytes = 512

// validate reports all that cannot be used, at once.
func (o HookOptions) validate() error {
	var problems []error
	report := func(field, text string) {
		problems = append(problems, fmt.Errorf("%w: DeployOptions.Hook.%s %s", ErrInvalid, field, text))
	}
	if o.Stringify && o.Structure != "" {
		report("Structure", "cannot go with Stringify, which reads no fields: set one of the two")
	}
	for i, method := range o.Methods {
		if method == "" || strings.Trim(strings.ToUpper(method), "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" {
			report(fmt.Sprintf("Methods[%d]", i), "is no HTTP method: take one such as POST")
		}
	}
	for i, prefix := range o.AllowFrom {
		if !prefix.IsValid() {
			report(fmt.Sprintf("AllowFrom[%d]", i), "is the zero prefix: parse one with netip.ParsePrefix")
		}
	}
	for i, key := range o.APIKeys {
		usable := false
		if err := key.Use(func(plain []byte) { usable = usableKey(plain) }); err != nil || !usable {
			report(fmt.Sprintf("APIKeys[%d]", i),
				fmt.Sprintf("cannot stand in a header: a key is 1 to %d printable ASCII characters without blanks at its ends", maxAPIKeyBytes))
		}
	}
	if o.NoAPIKeys && len(o.APIKeys) > 0 {
		report("NoAPIKeys", "cannot go with APIKeys: set one of the two")
	}
	if o.ResponseTimeout < 0 {
		report("ResponseTimeout", "is negative: leave it zero for its default")
	}
	return errors.Join(problems...)
}

func usableKey(key []byte) bool {
	if len(key) == 0 || len(key) > maxAPIKeyBytes || key[0] == ' ' || key[len(key)-1] == ' ' {
		return false
	}
	return !slices.ContainsFunc(key, func(c byte) bool { return c < ' ' || c > '~' })
}

// checkHook says why the options of a deployment cannot be used.
func (e *Engine) checkHook(ctx context.Context, options DeployOptions) error {
	if err := options.Hook.validate(); err != nil {
		return err
	}
	if options.Hook.Structure == "" {
		return nil
	}
	name := mapped(options.Hook.Structure, options.Structures)
	if _, err := e.structure(ctx, e.tenant, name); err != nil {
		return fmt.Errorf("DeployOptions.Hook.Structure: %w", err)
	}
	return nil
}

// apply writes options into a hook.
func (o HookOptions) apply(hook *repo.Hook) (err error) {
	hook.Options, err = connector.AppendBundle(nil, connector.NewBundle(
		"headers", o.Headers, "method", o.Method, "stringify", o.Stringify, "udt", o.Structure))
	if err != nil {
		return err
	}
	hook.Methods, hook.AllowFrom, hook.ResponseTimeout = nil, nil, o.ResponseTimeout
	for _, method := range o.Methods {
		hook.Methods = append(hook.Methods, strings.ToUpper(method))
	}
	for _, prefix := range o.AllowFrom {
		hook.AllowFrom = append(hook.AllowFrom, prefix.Masked())
	}
	if o.NoAPIKeys {
		hook.Keys = nil
	}
	if len(o.APIKeys) == 0 {
		return nil
	}
	hook.Keys = make([][]byte, len(o.APIKeys))
	for i, key := range o.APIKeys {
		if err := key.Use(func(plain []byte) { hook.Keys[i] = keyHash(hook, plain) }); err != nil {
			return fmt.Errorf("DeployOptions.Hook.APIKeys[%d]: %w", i, err)
		}
	}
	return nil
}

// keyHash is what is stored of a key. The hook's first token makes it useless for every other hook, and for tables of hashes.
func keyHash(hook *repo.Hook, key []byte) []byte {
	h := sha256.New()
	h.Write([]byte(cmp.Or(hook.Salt, hook.Token)))
	h.Write([]byte{0})
	h.Write(key)
	return h.Sum(nil)
}

// unmapped is a prefix of IPv4 addresses in their own form, where it is written as one of IPv6.
func unmapped(prefix netip.Prefix) netip.Prefix {
	if prefix.Addr().Is4In6() && prefix.Bits() >= 96 {
		return netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	return prefix
}

// A Hook is the address that starts a scenario.
type Hook struct {
	// Token is the last part of the address. Who knows it can start the scenario, so it is a secret like a password. It
	// stays the same when the scenario is deployed again, until Rotate revokes it.
	Token string
	// Options are those of the last deployment, without the keys.
	Options HookOptions
	// APIKeys is how many keys the hook has. Zero: it asks for none.
	APIKeys int
}

// Path is the hook's address below the place where [Engine.Hooks] is mounted: "/" and the token.
func (h *Hook) Path() string { return "/" + h.Token }

// hookOf shows a hook.
func hookOf(doc *repo.Hook) (*Hook, error) {
	options, _, err := connector.DecodeBundle(doc.Options)
	if err != nil {
		return nil, err
	}
	hook := &Hook{Token: doc.Token, APIKeys: len(doc.Keys)}
	hook.Options.Headers, _ = options.Get("headers").(bool)
	hook.Options.Method, _ = options.Get("method").(bool)
	hook.Options.Stringify, _ = options.Get("stringify").(bool)
	hook.Options.Structure, _ = options.Get("udt").(string)
	hook.Options.Methods, hook.Options.ResponseTimeout = slices.Clone(doc.Methods), doc.ResponseTimeout
	hook.Options.AllowFrom = slices.Clone(doc.AllowFrom)
	return hook, nil
}

// methodsOf are the methods that a hook takes, as the header Allow lists them.
func methodsOf(hook *repo.Hook) []string {
	if len(hook.Methods) == 0 {
		return []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}
	}
	methods := slices.Clone(hook.Methods)
	if slices.Contains(methods, http.MethodGet) && !slices.Contains(methods, http.MethodHead) {
		methods = append(methods, http.MethodHead)
	}
	if !slices.Contains(methods, http.MethodOptions) {
		methods = append(methods, http.MethodOptions)
	}
	return methods
}
