package transport

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
)

// Jar returns an empty cookie jar (RFC 6265) that keeps to Policy.PublicSuffixes. Many goroutines may use it.
func (g *Guard) Jar() http.CookieJar {
	if list := g.policy.PublicSuffixes; list != nil {
		return newJar(list)
	}
	return own{newJar(itself{})}
}

func newJar(list cookiejar.PublicSuffixList) *cookiejar.Jar {
	jar, _ := cookiejar.New(&cookiejar.Options{PublicSuffixList: list}) // the error is always nil
	return jar
}

// itself says of every domain that strangers have names under it.
type itself struct{}

func (itself) PublicSuffix(domain string) string { return domain }
func (itself) String() string                    { return "every domain" }

// own is a jar in which cookies belong to the very host that has set them. One that names a domain around its host is kept
// for the host, where a jar that knows public suffixes would keep it for the domain.
type own struct{ jar *cookiejar.Jar }

func (o own) Cookies(u *url.URL) []*http.Cookie { return o.jar.Cookies(u) }

func (o own) SetCookies(u *url.URL, cookies []*http.Cookie) {
	kept := make([]*http.Cookie, len(cookies))
	for i, cookie := range cookies {
		kept[i] = cookie
		domain := strings.ToLower(strings.TrimPrefix(cookie.Domain, "."))
		if domain != "" && (strings.EqualFold(u.Hostname(), domain) || strings.HasSuffix(strings.ToLower(u.Hostname()), "."+domain)) {
			mine := *cookie //nolint:gosec // it came from a server, with the attributes that the server wants
			mine.Domain = ""
			kept[i] = &mine
		}
	}
	o.jar.SetCookies(u, kept)
}
