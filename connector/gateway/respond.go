package gateway

import (
	"context"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/ebbkit/ebb/connector"
)

// Limits of an answer, as in Make (https://apps.make.com/gateway). What exceeds one is a BundleValidationError.
const (
	// MaxResponseHeaders is how many headers one answer may have.
	MaxResponseHeaders = 16
	// MaxHeaderName is how many characters the name of a header may have.
	MaxHeaderName = 256
	// MaxHeaderValue is how many characters the value of a header may have.
	MaxHeaderValue = 4096
)

type respondInput struct {
	Status  int             `json:"status" label:"Status" type:"uinteger" required:"true" min:"100" max:"599"`
	Body    any             `json:"body" label:"Body"`
	Headers []respondHeader `json:"headers" label:"Custom headers" max:"16"`
}

type respondHeader struct {
	Key   string `json:"key" label:"Key" required:"true" max:"256"`
	Value string `json:"value" label:"Value" max:"4096"`
}

// webhookRespond answers the caller of the hook that started the run, and gives an empty bundle. Only the first answer
// of a run is sent.
//
// A body that is a text is sent as text/plain, a buffer as application/octet-stream, a collection or an array as its
// JSON with application/json, everything else as its text, unless a header Content-Type says otherwise. Without a body
// there is no Content-Type. Headers that steer the connection itself, such as Content-Length, are left out: the server
// sets them.
func webhookRespond() connector.Action {
	return connector.NewAction(connector.Info{
		Name:        "WebhookRespond",
		Version:     1,
		Label:       "Webhook response",
		Description: "Answers the caller of the webhook.",
		ReadOnly:    true,
	}, func(ctx context.Context, call *connector.Call, in respondInput) (connector.Bundle, error) {
		body, contentType, err := encodeBody(in.Body)
		if err != nil {
			return connector.Bundle{}, err
		}
		response := connector.Response{Status: in.Status, Body: body}
		for i, h := range in.Headers {
			switch {
			case !isToken(h.Key):
				return connector.Bundle{}, connector.Errorf(connector.DataError,
					"field headers[%d].key: is no name of a header", i+1)
			case !isFieldValue(h.Value):
				return connector.Bundle{}, connector.Errorf(connector.DataError,
					"field headers[%d].value: has control characters", i+1)
			}
			if ofConnection(h.Key) {
				continue
			}
			if strings.EqualFold(h.Key, "Content-Type") {
				contentType = ""
			}
			response.Headers = append(response.Headers, connector.Header{Name: h.Key, Value: strings.TrimSpace(h.Value)})
		}
		if contentType != "" {
			response.Headers = append(response.Headers, connector.Header{Name: "Content-Type", Value: contentType})
		}
		return connector.Bundle{}, call.Respond(ctx, response)
	})
}

// encodeBody writes a body and says what it is.
func encodeBody(body any) (octets []byte, contentType string, err error) {
	switch body := body.(type) {
	case nil:
		return nil, "", nil
	case []byte:
		if len(body) == 0 {
			return nil, "", nil
		}
		return body, "application/octet-stream", nil
	case connector.Bundle, []any:
		text, err := connector.AppendJSON(nil, body)
		if err != nil {
			return nil, "", connector.Errorf(connector.DataError, "field body: cannot be written as JSON: %w", err)
		}
		return text, "application/json", nil
	}
	text, ok := body.(string)
	if !ok {
		field := []connector.Field{{Name: "body", Type: connector.TypeText}}
		converted, err := connector.Convert(field, connector.NewBundle("body", body), nil)
		if err != nil {
			return nil, "", err
		}
		text, _ = converted.Get("body").(string)
	}
	if text == "" {
		return nil, "", nil
	}
	return []byte(text), "text/plain; charset=utf-8", nil
}

// isToken says whether a text can name a header (RFC 9110, section 5.6.2).
func isToken(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return name != ""
}

// isFieldValue says whether a text can be the value of a header (RFC 9110, section 5.5): without line breaks, which
// would begin a header that nobody asked for, and without other control characters but tabs.
func isFieldValue(value string) bool {
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return utf8.ValidString(value)
}

// ofConnection says whether a header speaks of the connection and not of the answer (RFC 9110, section 7.6.1).
func ofConnection(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "Connection", "Content-Length", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}
