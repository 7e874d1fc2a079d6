package connectortest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto/secret"
)

// needles are what all secrets of a connection are in Conform, one after the other. The first needs no escape in any encoding
// but base64, so that every module takes it; the second needs one in all of them.
var needles = []string{needle, `needle 5ecret/+"&=%41<`}

// secrets checks that the secrets of the connections stay inside.
func (p *probe) secrets(t *testing.T) {
	if p.call.Connection == nil && len(p.call.Connections) == 0 {
		return
	}
	for _, needle := range needles {
		var mask secret.Mask
		mask.Add(secret.NewString(needle))
		for _, network := range []struct {
			name   string
			answer roundTripper
			// echoed says that the service itself gives the secret away, so that a bundle may hold it.
			echoed bool
		}{
			{"works", answer{status: 200, body: "{}"}, false},
			{"sends the request back", echo{status: 200}, true},
			{"fails with the request", echo{status: 500}, true},
			{"refuses with the request", echo{status: 401}, true},
			{"sends the request back in its header and status", headerEcho{status: 200}, true},
			{"fails with the request in its header and status", headerEcho{status: 400}, true},
			{"redirects with the request", redirecting{}, true},
			{"breaks", broken{}, false},
		} {
			call := p.working()
			call.Connection = holding(call.Connection, needle)
			connections := call.Connections
			call.Connections = map[string]*connector.Connection{}
			for param, c := range connections {
				call.Connections[param] = holding(c, needle)
			}
			call.HTTP = client(network.answer)
			result := p.run(t.Context(), t, call)
			for sink, text := range result.sinks() {
				if (sink != "a bundle" || !network.echoed) && mask.Text(text) != text {
					p.report("gives away a secret in %s when the service %s", sink, network.name)
				}
			}
		}
	}
}

// holding is a connection all of whose secrets are the needle.
func holding(c *connector.Connection, needle string) *connector.Connection {
	if c == nil {
		return nil
	}
	made := c.Clone()
	for name := range made.Secrets {
		made.Secrets[name] = secret.NewString(needle)
	}
	return made
}

// sinks are all places that a secret may come to, as text.
func (r *Result) sinks() map[string]string {
	sinks := map[string]string{"the cursor": string(r.Cursor)}
	if r.Err != nil {
		shown := connector.AsError(r.Err)
		sinks["an error"] = string(shown.Type) + " " + shown.Message + " " + plain(shown.Detail)
	}
	for _, b := range r.Bundles {
		sinks["a bundle"] += plain(b)
	}
	for _, response := range r.Responses {
		sinks["a response"] += fmt.Sprint(response.Headers) + string(response.Body)
	}
	for _, entry := range r.Logs {
		sinks["a log entry"] += entry.LoggerName + " " + entry.Message + fmt.Sprint(entry.ContextMap())
	}
	return sinks
}

// plain writes a value with its texts and buffers as they are.
func plain(value any) string {
	var text strings.Builder
	switch value := value.(type) {
	case connector.Bundle:
		for name, field := range value.All() {
			text.WriteString(name + ": " + plain(field) + "\n")
		}
	case []any:
		for _, element := range value {
			text.WriteString(plain(element) + "\n")
		}
	case []byte:
		text.Write(value)
	default:
		fmt.Fprint(&text, value)
	}
	return text.String()
}

// quoted is a request as careless services and networks quote it, in one line.
func quoted(r *http.Request) (string, error) {
	text := r.Method + " " + r.URL.String()
	for name, values := range r.Header {
		text += " " + name + "=" + strings.Join(values, ",")
	}
	if user, password, ok := r.BasicAuth(); ok {
		text += " " + user + ":" + password
	}
	if r.Body == nil {
		return text, nil
	}
	body, err := io.ReadAll(r.Body)
	return strings.Join(strings.Fields(text+" "+string(body)), " "), err
}

// headerEcho sends back what it gets in its status and in headers that modules look at.
type headerEcho struct{ status int }

func (e headerEcho) RoundTrip(r *http.Request) (*http.Response, error) {
	text, err := quoted(r)
	if err != nil {
		return nil, err
	}
	answered := response(r, e.status, "{}")
	answered.Status = fmt.Sprint(e.status, " ", text)
	for _, name := range []string{"X-Echo", "Www-Authenticate", "Content-Disposition", "Retry-After", "Link", "Etag"} {
		answered.Header.Set(name, text)
	}
	answered.Header.Set("Set-Cookie", "echo="+url.QueryEscape(text))
	return answered, drain(r)
}

// redirecting sends whoever calls it elsewhere, with what they have said, and fails there.
type redirecting struct{}

func (redirecting) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Response != nil {
		return echo{status: 500}.RoundTrip(r)
	}
	text, err := quoted(r)
	if err != nil {
		return nil, err
	}
	answered := response(r, http.StatusFound, "{}")
	answered.Header.Set("Location", "https://elsewhere.example/login?from="+url.QueryEscape(text))
	return answered, drain(r)
}
