package engine

import (
	"crypto/subtle"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/ebbkit/ebb/engine/internal/repo"
)

// keyHeader carries a key of the hook, as in Make.
const keyHeader = "X-Make-Apikey"

// admit says whether a hook lets a request in: by where it comes from, by its method, and by its key. What is refused here
// does not count against the requests that the hook takes, so that strangers cannot use them up.
func (c *core) admit(hook *repo.Hook, r *http.Request) error {
	if len(hook.AllowFrom) > 0 {
		client, ok := clientAddress(r, c.cfg.TrustedProxies)
		if !ok || !contains(hook.AllowFrom, client) {
			return refuse(http.StatusForbidden, "Requests from this address are not allowed.")
		}
	}
	if err := admitMethod(hook, r.Method); err != nil {
		return err
	}
	if len(hook.Keys) > 0 && !keyFits(hook, r.Header.Get(keyHeader)) {
		return &refusal{
			status: http.StatusUnauthorized, message: "The header x-make-apikey has no key of this hook.",
			// RFC 9110, section 15.5.2, asks for a challenge.
			header: [2]string{"WWW-Authenticate", `ApiKey realm="hook"`},
		}
	}
	return nil
}

func admitMethod(hook *repo.Hook, method string) error {
	listed := slices.Contains(hook.Methods, method) || method == http.MethodHead && slices.Contains(hook.Methods, http.MethodGet)
	if listed {
		return nil
	}
	allow := [2]string{"Allow", strings.Join(methodsOf(hook), ", ")}
	switch {
	case method == http.MethodOptions:
		return &refusal{status: http.StatusNoContent, header: allow}
	case len(hook.Methods) == 0 && method != http.MethodTrace && method != http.MethodConnect:
		return nil
	}
	return &refusal{status: http.StatusMethodNotAllowed, message: "This method is not allowed.", header: allow}
}

// keyFits takes the same time whether a key is right, nearly right or wrong.
func keyFits(hook *repo.Hook, key string) bool {
	if len(key) > maxAPIKeyBytes {
		return false
	}
	hash, fits := keyHash(hook, []byte(key)), 0
	for _, known := range hook.Keys {
		fits |= subtle.ConstantTimeCompare(hash, known)
	}
	return fits == 1
}

func contains(prefixes []netip.Prefix, address netip.Addr) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return unmapped(p).Contains(address) })
}

// clientAddress is the address that a request comes from. A proxy that is trusted says for whom it speaks in
// X-Forwarded-For, to whose end each one adds the address that it was called from; so the list is believed from its end up
// to the first address that is no trusted proxy, and what stands before it could be anybody's invention. There is no
// address when a trusted proxy names something that is none.
func clientAddress(r *http.Request, trusted []netip.Prefix) (netip.Addr, bool) {
	address, ok := parseAddress(r.RemoteAddr)
	if !ok || !contains(trusted, address) {
		return address, ok
	}
	lines := r.Header.Values("X-Forwarded-For")
	for i := len(lines) - 1; i >= 0; i-- {
		for rest, more := lines[i], true; more; {
			var last string
			if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
				rest, last = rest[:comma], rest[comma+1:]
			} else {
				rest, last, more = "", rest, false
			}
			if address, ok = parseAddress(strings.TrimSpace(last)); !ok || !contains(trusted, address) {
				return address, ok
			}
		}
	}
	return address, true // a proxy that calls for itself
}

// parseAddress reads an address with or without a port.
func parseAddress(text string) (netip.Addr, bool) {
	address, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		withPort, err := netip.ParseAddrPort(text)
		if err != nil {
			return netip.Addr{}, false
		}
		address = withPort.Addr()
	}
	return address.Unmap().WithZone(""), true
}
