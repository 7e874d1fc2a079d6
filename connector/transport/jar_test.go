package transport_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector/transport"
)

// listed is a list of public suffixes that knows a few.
type listed []string

func (l listed) PublicSuffix(domain string) string {
	labels := strings.Split(domain, ".")
	for i := range labels {
		if suffix := strings.Join(labels[i:], "."); slices.Contains(l, suffix) {
			return suffix
		}
	}
	return labels[len(labels)-1]
}

func (listed) String() string { return "a few" }

// sent sets cookies at one address and returns the names of those that another gets.
func sent(t *testing.T, jar http.CookieJar, from, to string, cookies ...*http.Cookie) []string {
	t.Helper()
	at, err := url.Parse(from)
	require.NoError(t, err)
	there, err := url.Parse(to)
	require.NoError(t, err)
	jar.SetCookies(at, cookies)
	names := []string{}
	for _, cookie := range jar.Cookies(there) {
		names = append(names, cookie.Name)
	}
	return names
}

func TestCookiesGoBackToTheHostThatSetThem(t *testing.T) {
	t.Parallel()
	list := listed{"co.uk", "host.example"}
	for name, c := range map[string]struct {
		list         cookiejar.PublicSuffixList
		from, to     string
		domain, path string
		kept         bool
	}{
		"same host":                          {nil, "https://api.shop.example/", "https://api.shop.example/x", "", "", true},
		"same host in other letters":         {nil, "https://API.shop.example/", "https://api.SHOP.example/x", "", "", true},
		"other port":                         {nil, "https://api.shop.example/", "https://api.shop.example:8443/x", "", "", true},
		"other host":                         {nil, "https://a.example/", "https://b.example/", "", "", false},
		"below":                              {nil, "https://shop.example/", "https://api.shop.example/", "", "", false},
		"domain around, same host":           {nil, "https://api.shop.example/", "https://api.shop.example/", "shop.example", "", true},
		"domain around, other host":          {nil, "https://api.shop.example/", "https://www.shop.example/", "shop.example", "", false},
		"domain of somebody else":            {nil, "https://evil.example/", "https://bank.example/", "bank.example", "", false},
		"domain of somebody else, same host": {nil, "https://evil.example/", "https://evil.example/", "bank.example", "", false},
		"public suffix":                      {nil, "https://evil.co.uk/", "https://bank.co.uk/", "co.uk", "", false},
		"end of a name":                      {nil, "https://evilshop.example/", "https://shop.example/", "shop.example", "", false},
		"address":                            {nil, "http://127.0.0.1:1/", "http://127.0.0.1:2/", "", "", true},
		"path":                               {nil, "https://a.example/", "https://a.example/other", "", "/only", false},

		"listed: same host":                 {list, "https://api.shop.example/", "https://api.shop.example/", "", "", true},
		"listed: domain around":             {list, "https://api.shop.example/", "https://www.shop.example/", "shop.example", "", true},
		"listed: domain around, with a dot": {list, "https://api.shop.example/", "https://www.shop.example/", ".shop.example", "", true},
		"listed: public suffix":             {list, "https://evil.co.uk/", "https://bank.co.uk/", "co.uk", "", false},
		"listed: hosting":                   {list, "https://evil.host.example/", "https://bank.host.example/", "host.example", "", false},
		"listed: domain of somebody else":   {list, "https://evil.example/", "https://bank.example/", "bank.example", "", false},
	} {
		g := transport.New(transport.Policy{PublicSuffixes: c.list})
		t.Cleanup(g.Close)
		names := sent(t, g.Jar(), c.from, c.to, &http.Cookie{Name: "session", Value: "1", Domain: c.domain, Path: c.path})
		require.Equal(t, c.kept, len(names) == 1, name)
	}
}

func TestJarsAreNotShared(t *testing.T) {
	t.Parallel()
	g := transport.New(transport.Policy{})
	t.Cleanup(g.Close)
	cookie := &http.Cookie{Name: "session", Value: "1", Secure: true}
	require.Len(t, sent(t, g.Jar(), "https://a.example/", "https://a.example/", cookie), 1)
	require.Empty(t, sent(t, g.Jar(), "https://a.example/", "https://a.example/"))
	require.Empty(t, sent(t, g.Jar(), "https://a.example/", "http://a.example/", cookie), "not without TLS")
}
