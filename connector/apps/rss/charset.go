package rss

import (
	"bytes"
	"mime"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

var (
	// declaration is the XML declaration, and declared what it says of the encoding.
	declaration = regexp.MustCompile(`^\s*<\?xml\s[^>]*\?>`)
	declared    = regexp.MustCompile(`\sencoding\s*=\s*["']([A-Za-z0-9._:-]+)["']`)
)

// toUTF8 makes UTF-8 of a feed. What the feed and its server say of the encoding is often wrong, so it counts for less than
// the bytes: what is UTF-8 is taken as that, whatever is declared.
func toUTF8(body []byte, contentType string) []byte {
	switch {
	case bytes.HasPrefix(body, []byte("\xef\xbb\xbf")):
		return bytes.ToValidUTF8(body[3:], []byte("\ufffd"))
	case bytes.HasPrefix(body, []byte("\xff\xfe")), bytes.HasPrefix(body, []byte("<\x00")), bytes.HasPrefix(body, []byte("{\x00")):
		return decode(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), body)
	case bytes.HasPrefix(body, []byte("\xfe\xff")), bytes.HasPrefix(body, []byte("\x00<")), bytes.HasPrefix(body, []byte("\x00{")):
		return decode(unicode.UTF16(unicode.BigEndian, unicode.UseBOM), body)
	}
	var labels []string
	if found := declared.FindSubmatch(declaration.Find(body[:min(len(body), 1024)])); found != nil {
		labels = append(labels, string(found[1]))
	}
	if _, params, err := mime.ParseMediaType(contentType); err == nil {
		labels = append(labels, params["charset"])
	}
	for _, label := range labels {
		if strings.HasPrefix(strings.ToLower(label), "iso-2022-") { // made of ASCII, which is UTF-8 too
			if found, _ := charset.Lookup(label); found != nil && found != encoding.Replacement {
				return decode(found, body)
			}
		}
	}
	if utf8.Valid(body) {
		return body
	}
	if mostlyUTF8(body) {
		return bytes.ToValidUTF8(body, []byte("\ufffd"))
	}
	for _, label := range labels {
		found, name := charset.Lookup(label)
		if found == nil || found == encoding.Replacement || strings.HasPrefix(name, "utf-") {
			continue
		}
		return decode(found, body)
	}
	return decode(charmap.Windows1252, body)
}

// mostlyUTF8 says whether the bytes beyond ASCII make sense as UTF-8 more often than not: a feed that is UTF-8 but for a text
// that was cut in the middle of a character.
func mostlyUTF8(body []byte) bool {
	good, bad := 0, 0
	for i := 0; i < len(body); {
		if body[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRune(body[i:])
		if r == utf8.RuneError && size == 1 {
			bad++
		} else {
			good++
		}
		i += size
	}
	return good > bad
}

// decode replaces what it cannot decode. It never fails.
func decode(from encoding.Encoding, body []byte) []byte {
	text, err := from.NewDecoder().Bytes(body)
	if err != nil {
		text = body
	}
	return bytes.ToValidUTF8(text, []byte("\ufffd"))
}

// clean takes the declaration off a text in UTF-8, so that nobody decodes it again, and the characters that XML does not
// have (XML 1.0, section 2.2) and yet stand in feeds.
func clean(text []byte) []byte {
	text = text[len(declaration.Find(text[:min(len(text), 1024)])):]
	return bytes.Map(func(r rune) rune {
		switch {
		case r == '\t', r == '\n', r == '\r', r >= 0x20 && r < 0xfffe, r >= 0x10000:
			return r
		}
		return -1
	}, text)
}
