package web

import (
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ebbkit/ebb/connector"
)

// target makes the URL, with the parameters of the query behind those that it has already.
func (r *request) target() (string, error) {
	malformed := connector.Errorf(connector.DataError, "field url: is no address that a request can be sent to")
	text := strings.TrimSpace(r.url)
	if !utf8.ValidString(text) {
		return "", malformed
	}
	target, err := url.Parse(escape(text, r.encode))
	if err != nil || target.Host == "" {
		return "", malformed // err would quote the URL
	}
	if target.Scheme != "http" && target.Scheme != "https" {
		return "", connector.Errorf(connector.DataError, "field url: only http and https are supported")
	}
	if query := encodeQuery(r.query, r.arrays); query != "" {
		if target.RawQuery != "" {
			query = target.RawQuery + "&" + query
		}
		target.RawQuery = query
	}
	if len(r.page) > 0 {
		target.RawQuery = setQuery(target.RawQuery, r.page)
	}
	return target.String(), nil
}

// escape writes what no URL may hold in percent encoding, and with all every percent sign too, as JavaScript's
// encodeURI.
func escape(text string, all bool) string {
	var out strings.Builder
	for i := range len(text) {
		c := text[i]
		switch {
		case c <= ' ' || c >= 0x7f, strings.IndexByte("\"<>\\^`{|}", c) >= 0, c == '%' && all:
			writePercent(&out, c)
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

func writePercent(out *strings.Builder, c byte) {
	const digits = "0123456789ABCDEF"
	out.WriteByte('%')
	out.WriteByte(digits[c>>4])
	out.WriteByte(digits[c&15])
}

// encodeQuery writes a query. With arrays, a name that stands more than once gets an index: a[0]=1&a[1]=2.
func encodeQuery(pairs []pair, arrays bool) string {
	count, next := map[string]int{}, map[string]int{}
	for _, p := range pairs {
		count[p.Name]++
	}
	var out strings.Builder
	for i, p := range pairs {
		if i > 0 {
			out.WriteByte('&')
		}
		name := p.Name
		if arrays && count[name] > 1 {
			next[name]++
			name += "[" + strconv.Itoa(next[p.Name]-1) + "]"
		}
		writeComponent(&out, name)
		out.WriteByte('=')
		writeComponent(&out, p.Value)
	}
	return out.String()
}

// writeComponent escapes all but the unreserved characters of RFC 3986. url.QueryEscape would write a blank as a plus,
// which only forms understand.
func writeComponent(out *strings.Builder, text string) {
	for i := range len(text) {
		c := text[i]
		switch {
		case c >= '0' && c <= '9', c|0x20 >= 'a' && c|0x20 <= 'z', c == '-', c == '.', c == '_', c == '~':
			out.WriteByte(c)
		default:
			writePercent(out, c)
		}
	}
}
