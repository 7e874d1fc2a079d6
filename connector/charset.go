package connector

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

var (
	// ErrCharset says that a charset is not known.
	ErrCharset = errors.New("connector: unknown charset")
	// ErrNotText says that octets are no text in their charset.
	ErrNotText = errors.New("connector: not text in its charset")
)

// DecodeText makes UTF-8 of text in the charset of a content type, by one of its common names (IANA, Character Sets) in any
// case: UTF-8 (also when there is no name), US-ASCII, UTF-16 (by its byte order mark, else big-endian, RFC 2781), UTF-16LE
// and UTF-16BE, windows-1250 to 1252, ISO-8859-1 (read as windows-1252, as browsers do), -2 and -15. A byte order mark of
// UTF-8 stays. Text that is UTF-8 already comes back as it is, without a copy.
//
// Another charset is [ErrCharset]; octets that have no meaning in theirs are [ErrNotText].
func DecodeText(octets []byte, charset string) ([]byte, error) {
	charset = strings.ToLower(strings.TrimSpace(charset))
	switch charset {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		if !utf8.Valid(octets) {
			return nil, ErrNotText
		}
		return octets, nil
	case "utf-16", "utf16":
		if bytes.HasPrefix(octets, []byte{0xff, 0xfe}) {
			return strictUTF16(octets[2:], binary.LittleEndian)
		}
		return strictUTF16(bytes.TrimPrefix(octets, []byte{0xfe, 0xff}), binary.BigEndian)
	case "utf-16le":
		return strictUTF16(octets, binary.LittleEndian)
	case "utf-16be":
		return strictUTF16(octets, binary.BigEndian)
	}
	upper := []rune(charsets[charset])
	if len(upper) == 0 {
		return nil, ErrCharset
	}
	text := decodeBytes(octets, upper)
	if bytes.ContainsRune(text, utf8.RuneError) { // stands for what is not assigned
		return nil, ErrNotText
	}
	return text, nil
}

func strictUTF16(octets []byte, order binary.ByteOrder) ([]byte, error) {
	if len(octets)%2 != 0 {
		return nil, ErrNotText
	}
	text := make([]byte, 0, len(octets))
	for i := 0; i < len(octets); i += 2 {
		r := rune(order.Uint16(octets[i:]))
		if utf16.IsSurrogate(r) {
			if i += 2; i >= len(octets) {
				return nil, ErrNotText
			}
			if r = utf16.DecodeRune(r, rune(order.Uint16(octets[i:]))); r == utf8.RuneError {
				return nil, ErrNotText
			}
		}
		text = utf8.AppendRune(text, r)
	}
	return text, nil
}
