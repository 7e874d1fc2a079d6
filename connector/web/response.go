package web

import (
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

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

// data is the body as a value. When it is to be parsed, a body of a JSON type must be JSON, and one that has no type or
// a text type may be; a body of an XML type is XML when there is a parser for it. What is text by its type or, without one, by its bytes is a text, everything else
// a buffer.
func (r *response) data(parse bool, xml func([]byte) (any, error)) (any, error) {
	kind, params, err := mime.ParseMediaType(r.header.Get("Content-Type"))
	if err != nil {
		kind, params = "", nil
	}
	if len(r.body) == 0 {
		return "", nil
	}
	isJSON := kind == jsonType || kind == "text/json" || strings.HasSuffix(kind, "+json")
	if isXML := kind == "application/xml" || kind == "text/xml" || strings.HasSuffix(kind, "+xml"); parse && isXML && xml != nil {
		value, err := xml(r.body)
		if err != nil {
			return nil, r.malformed("XML", err)
		}
		return value, nil
	}
	isText := kind == "" || strings.HasPrefix(kind, "text/")
	if parse && (isJSON || isText) {
		value, err := connector.ParseJSON(r.body)
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
	if isText || isJSON || isTextual(kind) {
		if text, ok := decodeText(r.body, params["charset"]); ok {
			return text, nil
		}
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
	case "application/xml", "application/javascript", "application/x-www-form-urlencoded", "application/x-ndjson",
		"application/yaml", "application/x-yaml", "application/graphql", "application/csv":
		return true
	}
	return strings.HasSuffix(kind, "+xml") || strings.HasSuffix(kind, "+yaml")
}

// decodeText makes a text of UTF-8, or of the two older encodings that are a part of Unicode.
func decodeText(body []byte, charset string) (string, bool) {
	switch strings.ToLower(charset) {
	case "iso-8859-1", "latin1":
		runes := make([]rune, len(body))
		for i, c := range body {
			runes[i] = rune(c)
		}
		return string(runes), true
	case "", "utf-8", "utf8", "us-ascii":
		return string(body), utf8.Valid(body)
	}
	return "", false
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
