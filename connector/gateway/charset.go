package gateway

import (
	"errors"

	"github.com/ebbkit/ebb/connector"
)

var errCharset = errors.New("the charset is not supported: send UTF-8")

// decode makes UTF-8 of octets in some charset. False: they are no text in it.
type decode func(octets []byte) ([]byte, bool)

// textIn returns the decoder of a charset, or nil for one that is not known. No name means UTF-8.
func textIn(charset string) decode {
	if _, err := connector.DecodeText(nil, charset); err != nil {
		return nil
	}
	return func(octets []byte) ([]byte, bool) {
		text, err := connector.DecodeText(octets, charset)
		return text, err == nil
	}
}

// textOrBuffer is the text that octets are, or a buffer of what is none. In a charset that is not known, text is UTF-8.
func textOrBuffer(octets []byte, text decode) any {
	if text == nil {
		text = textIn("")
	}
	if decoded, ok := text(octets); ok {
		return string(decoded)
	}
	return octets
}
