package gateway

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"

	"github.com/ebbkit/ebb/connector"
)

var (
	errEscape = errors.New("a %-escape is malformed")
	errFields = fmt.Errorf("has more than %d fields", MaxFields)
	errText   = errors.New("is not valid text in its charset")
)

// parseForm reads a query string or a form (application/x-www-form-urlencoded) and keeps the order of its fields. Pairs
// without a name are dropped. Unlike a browser it refuses malformed escapes and what is no text in its charset: a guess
// would change data.
func parseForm(text string, decode decode) (connector.Bundle, error) {
	var form fields
	count := 0
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		if count++; count > MaxFields {
			return connector.Bundle{}, errFields
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, err := unescape(rawName, decode)
		if err != nil {
			return connector.Bundle{}, err
		}
		value, err := unescape(rawValue, decode)
		if err != nil {
			return connector.Bundle{}, err
		}
		if name != "" {
			form.add(name, value)
		}
	}
	return form.bundle(), nil
}

func unescape(raw string, decode decode) (string, error) {
	octets, err := url.QueryUnescape(raw)
	if err != nil {
		// The error of package url quotes the text.
		return "", errEscape
	}
	text, ok := decode([]byte(octets))
	if !ok {
		return "", errText
	}
	return string(text), nil
}

// fields collects the fields of a form, whose names may stand more than once.
type fields struct {
	names  []string // in their order
	values map[string][]any
}

// add puts one more value behind the others of its name.
func (f *fields) add(name string, value any) {
	if f.values == nil {
		f.values = map[string][]any{}
	}
	if _, ok := f.values[name]; !ok {
		f.names = append(f.names, name)
	}
	f.values[name] = append(f.values[name], value)
}

// bundle makes the bundle of a form.
func (f *fields) bundle() connector.Bundle {
	var form connector.Bundle
	for _, name := range f.names {
		values := f.values[name]
		first, isFile := values[0].(connector.Bundle)
		switch {
		case len(values) == 1:
			form.Set(name, values[0])
		case isFile && !slices.ContainsFunc(values, isText):
			first = first.Clone()
			first.Set("files", values)
			form.Set(name, first)
		default:
			form.Set(name, values)
		}
	}
	return form
}

// isText says whether a value of a form is no file.
func isText(value any) bool {
	_, isFile := value.(connector.Bundle)
	return !isFile
}

// readMultipart reads a multipart form (RFC 7578) into memory.
func readMultipart(body io.Reader, boundary string) (connector.Bundle, error) {
	buffered := bufio.NewReader(body)
	if _, err := buffered.Peek(1); errors.Is(err, io.EOF) {
		return connector.Bundle{}, nil
	}
	if boundary == "" {
		return connector.Bundle{}, connector.Errorf(connector.DataError, "multipart form: the content type has no boundary")
	}
	var form fields
	reader := multipart.NewReader(buffered, boundary)
	for count := 0; ; count++ {
		part, err := reader.NextPart()
		if err == io.EOF { //nolint:errorlint // io.EOF that is wrapped says that the form was cut off
			return form.bundle(), nil
		}
		if err != nil {
			return connector.Bundle{}, unreadable(err, "multipart form: is malformed")
		}
		if count == MaxParts {
			return connector.Bundle{}, connector.Errorf(connector.DataError, "multipart form: has more than %d parts", MaxParts)
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return connector.Bundle{}, unreadable(err, "multipart form: ends too early")
		}
		if name := part.FormName(); name != "" {
			form.add(validText(name), partValue(part, content))
		}
	}
}

// partValue is the value of one part: a file when it says what the file is called, else a text in the part's own charset
// (RFC 7578, section 4.5), or a buffer of what is none.
func partValue(part *multipart.Part, content []byte) any {
	if name := part.FileName(); name != "" {
		kind := part.Header.Get("Content-Type")
		if kind == "" {
			kind = "application/octet-stream"
		}
		return connector.NewBundle("name", validText(name), "mime", validText(kind), "data", content)
	}
	_, params, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
	if err != nil {
		params = nil
	}
	return textOrBuffer(content, textIn(params["charset"]))
}

// validText replaces what is not UTF-8.
func validText(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
