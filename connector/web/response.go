package web

import (
	"bytes"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ebbkit/ebb/connector"
)

// headerLines lists the header as ActionSendData gives it: names in lower case, sorted, one element per line.
func (r *response) headerLines() []header {
	lines := []header{}
	for _, name := range slices.Sorted(maps.Keys(r.header)) {
		for _, value := range r.header[name] {
			lines = append(lines, header{strings.ToLower(name), value})
		}
	}
	return lines
}

// cookieHeaders lists the cookies that were set, each as its line stands in the header. It is empty, and not null, without any.
func (r *response) cookieHeaders() []string {
	return append([]string{}, r.header.Values("Set-Cookie")...)
}

// headerBundle gives the header as MakeRequest does: a collection by names in lower case, where set-cookie is an array
// and lines of all other names are joined (RFC 9110, section 5.3).
func (r *response) headerBundle() connector.Bundle {
	var b connector.Bundle
	for _, name := range slices.Sorted(maps.Keys(r.header)) {
		if name == "Set-Cookie" {
			b.Set("set-cookie", r.header[name])
			continue
		}
		b.Set(strings.ToLower(name), strings.Join(r.header[name], ", "))
	}
	return b
}

// data is the body as a value. When it is to be parsed, a body of a JSON or XML type must be that, and one that has no type
// or a text type may be JSON. What is text by its type or, without one, by its bytes is a text, everything else a buffer.
func (r *response) data(parse bool) (any, error) {
	kind, params, err := mime.ParseMediaType(r.header.Get("Content-Type"))
	if err != nil {
		kind, params = "", nil
	}
	if len(r.body) == 0 {
		return "", nil
	}
	isJSON := kind == jsonType || kind == "text/json" || strings.HasSuffix(kind, "+json")
	isXML := kind == "application/xml" || kind == "text/xml" || strings.HasSuffix(kind, "+xml")
	isText := kind == "" || strings.HasPrefix(kind, "text/")
	text, notText := connector.DecodeText(r.body, params["charset"])
	switch {
	case parse && isXML:
		document, options := r.body, connector.XMLOptions{}
		if params["charset"] != "" && notText == nil { // it wins over what the document says of itself (RFC 7303, section 3)
			document, options.Decoded = text, true
		}
		value, err := connector.ParseXML(document, options)
		if err != nil {
			return nil, r.malformed("XML", err)
		}
		return value, nil
	case parse && (isJSON || isText):
		document := r.body
		if notText == nil {
			document = bytes.TrimPrefix(text, []byte("\ufeff")) // some send one, though none should (RFC 8259, section 8.1)
		}
		value, err := connector.ParseJSON(document)
		switch {
		case isJSON && err != nil:
			return nil, r.malformed("JSON", err)
		case isJSON:
			return value, nil
		case err == nil:
			switch value.(type) {
			case connector.Bundle, []any:
				return value, nil
			}
		}
	}
	if notText == nil && (isText || isJSON || isXML || isTextual(kind)) {
		return string(text), nil
	}
	return r.body, nil
}

func (r *response) malformed(what string, err error) error {
	return &connector.Error{
		Type: connector.DataError, Message: "the response is not valid " + what, Err: err,
		Detail: connector.NewBundle("statusCode", r.status, "headers", r.headerLines()),
	}
}

// isTextual says of types outside text/ that they are made of characters.
func isTextual(kind string) bool {
	switch kind {
	case "application/javascript", "application/x-www-form-urlencoded", "application/x-ndjson",
		"application/yaml", "application/x-yaml", "application/graphql", "application/csv":
		return true
	}
	return strings.HasSuffix(kind, "+yaml")
}

// failure makes an error of a status that is neither 2xx nor 3xx, and nil of one that is.
func (r *response) failure(now time.Time, data, headers any) error {
	if r.status < 400 {
		return nil
	}
	message := "host " + strconv.Quote(r.url.Hostname()) + " answered " + strconv.Itoa(r.status)
	if text := http.StatusText(r.status); text != "" {
		message += " " + text
	}
	return &connector.Error{
		Type: errorType(r.status), Message: message, After: retryAfter(r.header, now),
		Detail: connector.NewBundle("statusCode", r.status, "headers", headers, "data", data),
	}
}

// errorType gives the type of error that belongs to a status, by the associations of Make's documentation
// (https://help.make.com/types-of-errors).
func errorType(status int) connector.ErrorType {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return connector.InvalidAccessTokenError
	case http.StatusTooManyRequests:
		return connector.RateLimitError
	case http.StatusRequestTimeout, http.StatusTooEarly:
		return connector.ConnectionError
	case http.StatusInsufficientStorage:
		return connector.OutOfSpaceError
	}
	if status >= 500 {
		return connector.ConnectionError
	}
	return connector.DataError
}

// retryAfter reads Retry-After: seconds or a date (RFC 9110, section 10.2.3). Zero when there is none.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(text); err == nil {
		return max(0, date.Sub(now))
	}
	return 0
}
