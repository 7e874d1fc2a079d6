package gateway

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

var errCharset = errors.New("the charset is not supported: send UTF-8")

// decode makes UTF-8 of octets in some charset. False: they are no text in it.
type decode func(octets []byte) ([]byte, bool)

// textIn returns the decoder of a charset, or nil for one that is not known. No name means UTF-8.
func textIn(charset string) decode {
	switch strings.ToLower(strings.TrimSpace(charset)) {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		return utf8Text
	case "iso-8859-1", "iso8859-1", "latin1", "windows-1252", "cp1252":
		return windows1252
	case "utf-16":
		return utf16Marked
	case "utf-16le":
		return func(octets []byte) ([]byte, bool) { return utf16Text(octets, binary.LittleEndian) }
	case "utf-16be":
		return func(octets []byte) ([]byte, bool) { return utf16Text(octets, binary.BigEndian) }
	}
	return nil
}

func utf8Text(octets []byte) ([]byte, bool) { return octets, utf8.Valid(octets) }

// highWindows1252 are the characters 0x80 to 0x9F of windows-1252, in which it differs from ISO 8859-1. What is not
// assigned is a control character, as browsers have it (https://encoding.spec.whatwg.org/#windows-1252).
const highWindows1252 = "\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f" +
	"\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178"

// windows1252 also reads ISO 8859-1, as browsers do: those who announce it hardly ever mean its control characters.
func windows1252(octets []byte) ([]byte, bool) {
	high := []rune(highWindows1252)
	text := make([]byte, 0, len(octets)+len(octets)/8)
	for _, c := range octets {
		switch {
		case c < utf8.RuneSelf:
			text = append(text, c)
		case c < 0xa0:
			text = utf8.AppendRune(text, high[c-0x80])
		default:
			text = utf8.AppendRune(text, rune(c))
		}
	}
	return text, true
}

// utf16Marked goes by the byte order mark; without one it is big-endian (RFC 2781, section 4.3).
func utf16Marked(octets []byte) ([]byte, bool) {
	if bytes.HasPrefix(octets, []byte{0xff, 0xfe}) {
		return utf16Text(octets[2:], binary.LittleEndian)
	}
	return utf16Text(bytes.TrimPrefix(octets, []byte{0xfe, 0xff}), binary.BigEndian)
}

func utf16Text(octets []byte, order binary.ByteOrder) ([]byte, bool) {
	if len(octets)%2 != 0 {
		return nil, false
	}
	text := make([]byte, 0, len(octets))
	for i := 0; i < len(octets); i += 2 {
		r := rune(order.Uint16(octets[i:]))
		if utf16.IsSurrogate(r) {
			if i += 2; i >= len(octets) {
				return nil, false
			}
			if r = utf16.DecodeRune(r, rune(order.Uint16(octets[i:]))); r == utf8.RuneError {
				return nil, false
			}
		}
		text = utf8.AppendRune(text, r)
	}
	return text, true
}

// textOrBuffer is the text that octets are, or a buffer of what is none.
func textOrBuffer(octets []byte, text decode) any {
	if text == nil {
		text = utf8Text
	}
	if decoded, ok := text(octets); ok {
		return string(decoded)
	}
	return octets
}
