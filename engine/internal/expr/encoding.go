package expr

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"github.com/ebbkit/ebb/connector"
)

func encodingFunctions() []Function {
	one := []Parameter{{Name: "text", Type: connector.TypeText}}
	return []Function{
		{
			Name: "toBinary", Family: "text", Result: connector.TypeBuffer,
			Parameters: []Parameter{{Name: "value", Type: connector.TypeAny}, {Name: "encoding", Type: connector.TypeText, Optional: true}},
			Call:       toBinary,
		},
		{
			Name: "base64", Family: "text", Result: connector.TypeText,
			Parameters: []Parameter{{Name: "text or buffer", Type: connector.TypeAny}},
			Call: func(c *Call) (any, error) {
				b, err := c.bytesOf(c.Args[0])
				if err != nil {
					return nil, err
				}
				if err := c.checkText(base64.StdEncoding.EncodedLen(len(b))); err != nil {
					return nil, err
				}
				return base64.StdEncoding.EncodeToString(b), nil
			},
		},
		changing("encodeURL", encodeURL),
		{
			Name: "decodeURL", Family: "text", Result: connector.TypeText, Parameters: one,
			Call: decodeURL,
		},
		changing("escapeHTML", strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace),
		changing("escapeMarkdown", escapeMarkdown),
		changing("stripHTML", stripHTML),
	}
}

// bytesOf gives a buffer, or the text of any other value.
func (c *Call) bytesOf(v any) ([]byte, error) {
	if b, ok := v.([]byte); ok {
		return b, nil
	}
	s, err := c.textOf(v)
	return []byte(s), err
}

func toBinary(c *Call) (any, error) {
	encoding := c.text(1)
	if b, ok := c.Args[0].([]byte); ok && encoding == "" {
		return b, nil
	}
	b, err := c.bytesOf(c.Args[0])
	if err != nil {
		return nil, err
	}
	return decodeBytes(b, encoding)
}

// decodeBytes reads text in an encoding. Errors are about the text's content, or the encoding's name.
func decodeBytes(text []byte, encoding string) ([]byte, error) {
	switch encoding {
	case "", "utf8", "utf-8", "text":
		return text, nil
	case "hex":
		b := make([]byte, hex.DecodedLen(len(text)))
		if _, err := hex.Decode(b, text); err != nil {
			return nil, badData("the text is not hexadecimal")
		}
		return b, nil
	case "base64":
		b, ok := decodeBase64(text)
		if !ok {
			return nil, badData("the text is not base64")
		}
		return b, nil
	case "latin1", "binary", "ascii":
		b := make([]byte, 0, len(text))
		for _, r := range string(text) {
			if r > 0xFF {
				return nil, badData("the text has characters that are not in latin1")
			}
			b = append(b, byte(r)) //nolint:gosec // at most 0xFF
		}
		return b, nil
	}
	return nil, invalid("the encoding must be utf8, hex, base64 or latin1")
}

// decodeBase64 accepts both alphabets, with and without padding, and line breaks.
func decodeBase64(text []byte) ([]byte, bool) {
	clean := make([]byte, 0, len(text))
	for _, c := range text {
		switch c {
		case '-':
			c = '+'
		case '_':
			c = '/'
		case '=', '\r', '\n', ' ', '\t':
			continue
		}
		clean = append(clean, c)
	}
	b := make([]byte, base64.RawStdEncoding.DecodedLen(len(clean)))
	n, err := base64.RawStdEncoding.Decode(b, clean)
	return b[:n], err == nil
}

// encodeBytes writes bytes as text in an encoding.
func encodeBytes(b []byte, encoding string) (string, error) {
	switch encoding {
	case "hex":
		return hex.EncodeToString(b), nil
	case "base64":
		return base64.StdEncoding.EncodeToString(b), nil
	case "latin1", "binary":
		var text strings.Builder
		for _, c := range b {
			text.WriteRune(rune(c))
		}
		return text.String(), nil
	case "", "utf8", "utf-8":
		if !utf8.Valid(b) {
			return "", badData("a buffer that is not UTF-8 text cannot be converted to text")
		}
		return string(b), nil
	}
	return "", invalid("the encoding must be utf8, hex, base64 or latin1")
}

func toString(c *Call) (any, error) {
	encoding := c.text(1)
	if encoding == "" {
		return c.textOf(c.Args[0])
	}
	b, err := c.bytesOf(c.Args[0])
	if err != nil {
		return nil, err
	}
	if err := c.checkText(2 * len(b)); err != nil {
		return nil, err
	}
	return encodeBytes(b, encoding)
}

// encodeURL leaves what encodeURIComponent leaves (ECMA-262, 19.2.6.4).
func encodeURL(s string) string {
	const upper = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || isDigit(c) || strings.IndexByte("-_.!~*'()", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(upper[c>>4])
			b.WriteByte(upper[c&15])
		}
	}
	return b.String()
}

func decodeURL(c *Call) (any, error) {
	s := c.text(0)
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		var one [1]byte
		if i+2 >= len(s) {
			return nil, badData("a percent sign is not followed by two hexadecimal digits")
		}
		if _, err := hex.Decode(one[:], []byte(s[i+1:i+3])); err != nil {
			return nil, badData("a percent sign is not followed by two hexadecimal digits")
		}
		b = append(b, one[0])
		i += 2
	}
	if !utf8.Valid(b) {
		return nil, badData("the decoded text is not UTF-8")
	}
	return string(b), nil
}

func escapeMarkdown(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.IndexByte("\\`*_{}[]()<>#+-.!|~", s[i]) < 0 {
			b.WriteByte(s[i])
			continue
		}
		b.Write(append(appendPadded([]byte("&#"), int(s[i]), 2), ';'))
	}
	return b.String()
}

// stripHTML drops tags as a browser would find them: a < that no letter, /, ! or ? follows is text.
func stripHTML(s string) string {
	var b strings.Builder
	for s != "" {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			break
		}
		b.WriteString(s[:i])
		s = s[i:]
		if strings.HasPrefix(s, "<!--") {
			if end := strings.Index(s[4:], "-->"); end >= 0 {
				s = s[4+end+3:]
				continue
			}
			return b.String()
		}
		if len(s) < 2 || s[1] != '/' && s[1] != '!' && s[1] != '?' && (s[1]|0x20 < 'a' || s[1]|0x20 > 'z') {
			b.WriteByte('<')
			s = s[1:]
			continue
		}
		end := tagEnd(s)
		name := tagName(s[1:end])
		s = s[end:]
		switch name {
		case "br":
			b.WriteByte('\n')
		case "script", "style":
			s = behindElement(s, name)
		}
	}
	b.WriteString(s)
	return b.String()
}

// tagEnd gives the offset behind the tag that s begins with; a > inside an attribute's quotes does not end it.
func tagEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch c := s[i]; c {
		case '>':
			return i + 1
		case '"', '\'':
			if s[i-1] == '=' {
				if n := strings.IndexByte(s[i+1:], c); n >= 0 {
					i += n + 1
				}
			}
		}
	}
	return len(s)
}

func tagName(s string) string {
	end := 0
	for end < len(s) && s[end]|0x20 >= 'a' && s[end]|0x20 <= 'z' {
		end++
	}
	return strings.ToLower(s[:end])
}

// behindElement skips an element's content up to and with its closing tag.
func behindElement(s, name string) string {
	for {
		i := strings.Index(s, "</")
		if i < 0 {
			return ""
		}
		s = s[i:]
		if tagName(s[2:]) == name {
			return s[tagEnd(s):]
		}
		s = s[2:]
	}
}
