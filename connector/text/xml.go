package text

import (
	"context"
	"errors"
	"strings"

	"github.com/ebbkit/ebb/connector"
)

type parseXMLInput struct {
	XML any `json:"xml" label:"XML" required:"true"`
	// Older blueprints do not have it: they get numbers.
	PreserveNumbersAsText bool `json:"preserveNumbersAsText" label:"Preserve numbers as text" param:"true"`
	Type                  any  `json:"type" label:"Data structure" param:"true"`
}

// parseXML reads a document, as a text or as a buffer of one. Of a buffer the declared encoding counts; a text has been
// decoded. Its bundle has one field, the root element. What is no well-formed XML is a DataError that names the line, and
// never what stands there; a document that is too large is a MaxFileSizeExceededError.
//
// The parameter "type" names a data structure; it tells the editor which fields to expect and does not change the
// result.
func parseXML() connector.Action {
	return connector.NewAction(connector.Info{
		Name:        "ParseXML",
		Version:     1,
		Label:       "Parse XML",
		Description: "Reads an XML document.",
		Pure:        true,
	}, func(_ context.Context, _ *connector.Call, in parseXMLInput) (connector.Bundle, error) {
		options := connector.XMLOptions{NumbersAsText: in.PreserveNumbersAsText}
		if in.XML == "" {
			return connector.Bundle{}, connector.Errorf(connector.BundleValidationError, "field xml: is required")
		}
		document, ok := in.XML.([]byte)
		if !ok {
			text, err := connector.AppendText(nil, in.XML)
			if err != nil {
				return connector.Bundle{}, connector.Errorf(connector.BundleValidationError, "field xml: %w", err)
			}
			document, options.Decoded = text, true
		}
		root, err := connector.ParseXML(document, options)
		return root, xmlFailure(err)
	})
}

// createXML writes a document: a declaration and the element that the one field of the mapper is, see connector.AppendXML.
// The parameter "type" names a data structure. The fields are taken as they were mapped, whatever it says.
func createXML(name string) connector.Action {
	return connector.NewAction(connector.Info{
		Name:        name,
		Version:     1,
		Label:       "Create XML",
		Description: "Writes fields as an XML document.",
		Pure:        true,
		Params:      structureParam(),
		Output:      []connector.Field{{Name: "xml", Type: connector.TypeText, Label: "XML"}},
	}, func(_ context.Context, call *connector.Call, _ struct{}) (connector.Bundle, error) {
		document, err := connector.AppendXML([]byte(`<?xml version="1.0" encoding="UTF-8"?>`+"\n"), call.Input)
		if err != nil {
			return connector.Bundle{}, xmlFailure(err)
		}
		return connector.NewBundle("xml", string(document)), nil
	})
}

// xmlFailure is an error of the conversion as a module returns it.
func xmlFailure(err error) error {
	if err == nil {
		return nil
	}
	kind := connector.DataError
	if errors.Is(err, connector.ErrTooLarge) {
		kind = connector.MaxFileSizeExceededError
	}
	return &connector.Error{Type: kind, Message: strings.ReplaceAll(err.Error(), "connector: ", ""), Err: err}
}
