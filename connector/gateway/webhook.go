package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/ebbkit/ebb/connector"
)

// Limits of a request to a hook, beside the size of its body, which the engine limits. What exceeds one is a DataError.
const (
	// MaxFields is how many fields a query string or a form may have.
	MaxFields = 1000
	// MaxParts is how many parts a multipart form may have.
	MaxParts = 1000
	// MaxBundles is how many elements the array may have that a JSON body is: each becomes a run.
	MaxBundles = 10_000
	// MaxAddedFields is how many fields of the query string and the headers may be added to the bundles of one request in
	// all. Without it ten thousand small elements with a thousand parameters would fill the memory.
	MaxAddedFields = 100_000
)

// Fields that the webhook adds. A caller cannot send them: they are dropped from the query string and the body.
const (
	headersField = "__IMTHEADERS__"
	methodField  = "__IMTMETHOD__"
)

// keyHeader carries the key that opens a hook. It is a secret of the hook and no data, so scenarios do not see it.
const keyHeader = "X-Make-Apikey"

// valueField holds what has no name.
const valueField = "value"

type hookParams struct {
	Hook       any   `json:"hook" label:"Webhook"`
	MaxResults int64 `json:"maxResults" label:"Maximum number of results" type:"uinteger"`
	Headers    bool  `json:"headers" label:"Get request headers"`
	Method     bool  `json:"method" label:"Get request HTTP method"`
	Stringify  bool  `json:"stringify" label:"JSON pass-through"`
	Structure  any   `json:"udt" label:"Data structure" type:"udt"`
}

// customWebhook makes bundles of a request. What the query string and the body have as fields become the fields of one
// bundle: those of the body in their order, then those of the query string, which win where both have a name
// (https://apps.make.com/gateway). A name that stands more than once gives an array in the order of the request. Names
// are taken as they are, brackets included.
//
// The body is read by its content type:
//
//   - application/json and others that end in +json: an object gives its fields, an array a bundle and so a run per
//     element, everything else the field "value".
//   - application/x-www-form-urlencoded: a text per field.
//   - multipart/form-data: a text per field and a collection {name, mime, data} per file. Where files have one name in
//     common, the first one's collection has the field "files" with all of them.
//   - Everything else, and a body without a type, gives the field "value": a text, or a buffer when it is not valid
//     UTF-8 or of a binary type. An empty body gives nothing.
//
// The parameter "stringify" (JSON pass-through) puts a JSON body into "value" as it came. "headers" adds the headers of
// the request as an array of {name, value} in the field "__IMTHEADERS__", names in lower case and sorted, without the
// key of the hook (x-make-apikey) but with all else that the caller sent, such as Authorization; "method" adds the
// method in "__IMTMETHOD__". A caller cannot forge these two fields.
//
// Texts are UTF-8 unless the content type names another charset that [connector.DecodeText] knows. JSON or a form in a
// charset that it does not know is refused; other bodies and the parts of a form are then texts if they are UTF-8, else
// buffers.
//
// The parameter "udt" names the data structure that every bundle is checked against and converted by, before headers and
// method are added: a bundle that does not fit is a BundleValidationError which names the fields. It does not go with
// "stringify".
//
// A body or a query string that cannot be read is a DataError.
func customWebhook() connector.Receiver {
	return connector.NewReceiver(connector.Info{
		Name:        "CustomWebHook",
		Version:     1,
		Label:       "Custom webhook",
		Description: "Starts a run for each request to a hook.",
	}, receive)
}

func receive(
	ctx context.Context, call *connector.Call, params hookParams, request *http.Request,
) ([]connector.Bundle, error) {
	structure, err := structureOf(ctx, call, params)
	if err != nil {
		return nil, err
	}
	query, err := parseForm(request.URL.RawQuery, textIn(""))
	if err != nil {
		return nil, connector.Errorf(connector.DataError, "query string: %w", err)
	}
	bundles, err := readBody(request, params.Stringify)
	if err != nil {
		return nil, err
	}
	added := query.Len()
	var headers []any
	if params.Headers {
		headers = headersOf(request)
		added += len(headers)
	}
	if added*len(bundles) > MaxAddedFields {
		return nil, connector.Errorf(connector.DataError, "too many elements for as many parameters and headers")
	}
	for i := range bundles {
		// A body's bundle is nobody else's yet, so it can be changed in place.
		b := &bundles[i]
		for name, value := range query.All() {
			b.Set(name, value)
		}
		b.Delete(headersField)
		b.Delete(methodField)
	}
	if structure != nil {
		if bundles, err = fitting(structure, bundles, call.Location); err != nil {
			return nil, err
		}
	}
	for i := range bundles {
		if params.Headers {
			bundles[i].Set(headersField, headers)
		}
		if params.Method {
			bundles[i].Set(methodField, request.Method)
		}
	}
	return bundles, nil
}

// readBody makes bundles of the body of a request: one empty bundle of an empty one.
func readBody(request *http.Request, stringify bool) ([]connector.Bundle, error) {
	mediaType, params, err := mime.ParseMediaType(request.Header.Get("Content-Type"))
	if err != nil {
		// What stands before wrong parameters is still right.
		mediaType, _, _ = strings.Cut(request.Header.Get("Content-Type"), ";")
		mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	}
	var content io.Reader = http.NoBody
	if request.Body != nil {
		content = request.Body
	}
	if mediaType == "multipart/form-data" {
		form, err := readMultipart(content, params["boundary"])
		return []connector.Bundle{form}, err
	}
	body, err := io.ReadAll(content)
	if err != nil {
		return nil, unreadable(err, "the body ends too early")
	}
	text := textIn(params["charset"])
	isJSON := mediaType == "application/json" || mediaType == "text/json" || strings.HasSuffix(mediaType, "+json")
	switch {
	case len(body) == 0:
		return []connector.Bundle{{}}, nil
	case mediaType == "application/x-www-form-urlencoded":
		if text == nil {
			return nil, connector.Errorf(connector.DataError, "form: %w", errCharset)
		}
		form, err := parseForm(string(body), text)
		if err != nil {
			return nil, connector.Errorf(connector.DataError, "form: %w", err)
		}
		return []connector.Bundle{form}, nil
	case isJSON && !stringify:
		return parseJSON(body, text)
	}
	return []connector.Bundle{connector.NewBundle(valueField, plain(mediaType, body, text))}, nil
}

// unreadable is the error of a body that could not be read. What says that it is too long or too slow is kept for the
// engine to answer; all else is the caller's fault, described by the message.
func unreadable(err error, message string) error {
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) || isTimeout(err) {
		return err
	}
	return &connector.Error{Type: connector.DataError, Message: message}
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		errors.As(err, &timeout) && timeout.Timeout()
}

func parseJSON(body []byte, text decode) ([]connector.Bundle, error) {
	if text == nil {
		return nil, connector.Errorf(connector.DataError, "JSON: %w", errCharset)
	}
	if decoded, ok := text(body); ok {
		body = decoded
	}
	// RFC 8259, section 8.1, lets parsers ignore a byte order mark.
	value, err := connector.ParseJSON(bytes.TrimPrefix(body, []byte("\uFEFF")))
	if err != nil {
		message := strings.ReplaceAll(err.Error(), "connector: ", "")
		return nil, &connector.Error{Type: connector.DataError, Message: message, Err: err}
	}
	elements, ok := value.([]any)
	if !ok {
		elements = []any{value}
	}
	if len(elements) > MaxBundles {
		return nil, connector.Errorf(connector.DataError, "the array has more than %d elements", MaxBundles)
	}
	bundles := make([]connector.Bundle, len(elements))
	for i, element := range elements {
		if bundles[i], ok = element.(connector.Bundle); !ok {
			bundles[i] = connector.NewBundle(valueField, element)
		}
	}
	return bundles, nil
}

// plain is a body that has no fields.
func plain(mediaType string, body []byte, text decode) any {
	family, _, _ := strings.Cut(mediaType, "/")
	binary := slices.Contains([]string{"image", "audio", "video", "font"}, family) || slices.Contains([]string{
		"application/octet-stream", "application/pdf", "application/zip", "application/gzip",
	}, mediaType)
	if binary {
		return body
	}
	return textOrBuffer(body, text)
}

// headersOf lists the headers of a request, sorted, because their order is lost when they come here.
func headersOf(request *http.Request) []any {
	list := []any{}
	header := func(name, value string) {
		list = append(list, connector.NewBundle("name", strings.ToLower(name), "value", validText(value)))
	}
	if request.Host != "" {
		header("host", request.Host)
	}
	for name, values := range request.Header {
		if name == keyHeader {
			continue
		}
		for _, value := range values {
			header(name, value)
		}
	}
	slices.SortStableFunc(list, func(a, b any) int {
		return strings.Compare(a.(connector.Bundle).Get("name").(string), b.(connector.Bundle).Get("name").(string))
	})
	return list
}
