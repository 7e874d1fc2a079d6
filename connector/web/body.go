package web

import (
	"bytes"
	"mime"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"path"
	"strings"

	"github.com/ebbkit/ebb/connector"
)

const jsonType = "application/json"

// A content is the body of a request and its media type. Data is nil when there is no body.
type content struct {
	data []byte
	kind string
}

// An entry is a field of a form. ActionSendData calls its name key, MakeRequest name; the kinds of a field, text and
// file, stand in different fields too.
type entry struct {
	Name          string `json:"name"`
	Key           string `json:"key"`
	Value         string `json:"value"`
	FieldType     string `json:"fieldType" enum:"text,file"`
	MultipartType string `json:"multipartFieldType" enum:"text,file"`
	Data          []byte `json:"data"`
	FileName      string `json:"fileName"`
}

func (e *entry) name() string {
	if e.Name != "" {
		return e.Name
	}
	return e.Key
}

func (e *entry) isFile() bool {
	return e.FieldType == "file" || e.MultipartType == "file" || e.Data != nil || e.FileName != ""
}

// rawBody takes texts and buffers as they are; arrays and collections become JSON.
func rawBody(value any, kind string) (content, error) {
	switch value := value.(type) {
	case nil:
		return content{}, nil
	case string:
		return content{[]byte(value), kind}, nil
	case []byte:
		return content{value, kind}, nil
	case []any, connector.Bundle:
		text, err := connector.AppendJSON(nil, value)
		return content{text, kind}, err
	}
	// The rest becomes text as in every text field.
	text, err := connector.Convert([]connector.Field{{Name: "data", Type: connector.TypeText}},
		connector.NewBundle("data", value), nil)
	if err != nil {
		return content{}, err
	}
	return rawBody(text.Get("data"), kind)
}

// formBody writes application/x-www-form-urlencoded, in the order of the fields.
func formBody(entries []entry) content {
	var out strings.Builder
	for i := range entries {
		if i > 0 {
			out.WriteByte('&')
		}
		out.WriteString(url.QueryEscape(entries[i].name()) + "=" + url.QueryEscape(entries[i].Value))
	}
	return content{[]byte(out.String()), "application/x-www-form-urlencoded"}
}

// multipartBody writes multipart/form-data (RFC 7578).
func multipartBody(entries []entry) (content, error) {
	var out bytes.Buffer
	writer := multipart.NewWriter(&out)
	for i := range entries {
		e := &entries[i]
		head := textproto.MIMEHeader{}
		disposition := `form-data; name="` + quoted(e.name()) + `"`
		data := []byte(e.Value)
		if e.isFile() {
			disposition += `; filename="` + quoted(e.FileName) + `"`
			head.Set("Content-Type", mediaType(e.FileName))
			if e.Data != nil {
				data = e.Data
			}
		}
		head.Set("Content-Disposition", disposition)
		part, err := writer.CreatePart(head)
		if err == nil {
			_, err = part.Write(data)
		}
		if err != nil {
			return content{}, connector.Errorf(connector.DataError, "the form cannot be written: %w", err)
		}
	}
	if err := writer.Close(); err != nil {
		return content{}, connector.Errorf(connector.DataError, "the form cannot be written: %w", err)
	}
	return content{out.Bytes(), writer.FormDataContentType()}, nil
}

// quoted escapes a name for a quoted string as browsers do (WHATWG, "multipart/form-data encoding algorithm").
func quoted(text string) string {
	return strings.NewReplacer("\n", "%0A", "\r", "%0D", `"`, "%22").Replace(text)
}

// mediaType guesses the type of a file from its name.
func mediaType(fileName string) string {
	if kind := mime.TypeByExtension(path.Ext(fileName)); kind != "" {
		return kind
	}
	return "application/octet-stream"
}
