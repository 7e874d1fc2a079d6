package text_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
)

func TestParseXMLGivesTheRoot(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		params connector.Bundle
		xml    any
		want   string
	}{
		"a document":                {connector.NewBundle("type", 17), `<a id="1"><b>1</b><b>x</b></a>`, `{"a":{"_attributes":{"id":"1"},"b":[1,"x"]}}`},
		"numbers":                   {connector.Bundle{}, `<a>1.50</a>`, `{"a":1.5}`},
		"numbers as text":           {connector.NewBundle("preserveNumbersAsText", true), `<a>1.50</a>`, `{"a":"1.50"}`},
		"numbers as text, as text":  {connector.NewBundle("preserveNumbersAsText", "true"), `<a>1.50</a>`, `{"a":"1.50"}`},
		"unicode":                   {connector.Bundle{}, `<ä>😀</ä>`, `{"ä":"😀"}`},
		"a text was decoded before": {connector.Bundle{}, `<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>`, `{"a":"é"}`},
		"a buffer by declaration":   {connector.Bundle{}, []byte("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xe9</a>"), `{"a":"é"}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := connectortest.Run(t, module(t, "ParseXML"), connectortest.Call{
				Params: test.params, Input: connector.NewBundle("xml", test.xml),
			})
			require.NoError(t, result.Err)
			require.Equal(t, test.want, line(t, result.Bundles))
		})
	}
}

func TestParseXMLRefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		xml  any
		want connector.ErrorType
	}{
		"nothing":             {nil, connector.BundleValidationError},
		"an empty text":       {"", connector.BundleValidationError},
		"a collection":        {connector.NewBundle("needle", 1), connector.BundleValidationError},
		"a sentence":          {"needle", connector.DataError},
		"an external entity":  {`<!DOCTYPE a [<!ENTITY needle SYSTEM "file:///etc/passwd">]><a>&needle;</a>`, connector.DataError},
		"nested too deep":     {strings.Repeat("<needle>", 1000), connector.DataError},
		"an unknown encoding": {[]byte(`<?xml version="1.0" encoding="needle"?><a/>`), connector.DataError},
		"too large":           {bytes.Repeat([]byte{' '}, connector.MaxEncodedBytes+1), connector.MaxFileSizeExceededError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := connectortest.Run(t, module(t, "ParseXML"), connectortest.Call{Input: connector.NewBundle("xml", test.xml)})
			require.Equal(t, test.want, connector.TypeOf(result.Err))
			require.NotContains(t, result.Err.Error(), "needle")
			require.NotContains(t, result.Err.Error(), "connector:")
		})
	}
}

func TestCreateXMLIsTheInverse(t *testing.T) {
	t.Parallel()
	for _, document := range []string{
		`<a>x</a>`, `<a/>`, `<a id="1">x</a>`, `<s:a xmlns:s="urn:x"><s:b>1</s:b><s:b>2</s:b><c>ü😀&amp;</c></s:a>`,
	} {
		parsed := connectortest.Run(t, module(t, "ParseXML"), connectortest.Call{Input: connector.NewBundle("xml", document)})
		require.NoError(t, parsed.Err)
		for _, name := range []string{"CreateXML", "TransformToXML"} {
			created := connectortest.Run(t, module(t, name), connectortest.Call{Params: connector.NewBundle("type", 1), Input: parsed.Bundles[0]})
			require.NoError(t, created.Err)
			require.Equal(t, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+document, created.Bundles[0].Get("xml"))
		}
	}
}

func TestCreateXMLRefusesWhatXMLCannotSay(t *testing.T) {
	t.Parallel()
	for name, input := range map[string]connector.Bundle{
		"no root": {}, "two roots": connector.NewBundle("a", "x", "b", "y"), "a bad name": connector.NewBundle("a b", "x"),
		"octets": connector.NewBundle("a", []byte{0xff}),
	} {
		result := connectortest.Run(t, module(t, "CreateXML"), connectortest.Call{Input: input})
		require.Equal(t, connector.DataError, connector.TypeOf(result.Err), name)
		require.ErrorIs(t, result.Err, connector.ErrXML)
	}
}
