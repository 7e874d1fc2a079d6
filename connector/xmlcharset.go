package connector

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// decodeXML makes UTF-8 of a document by its byte order mark or its declaration (XML 1.0, section 4.3.3 and appendix F).
// Decoded says that it is UTF-8 already.
func decodeXML(document []byte, decoded bool) ([]byte, error) {
	marked := bytes.TrimPrefix(document, []byte("\xef\xbb\xbf"))
	if decoded || len(marked) < len(document) {
		return marked, nil
	}
	for _, wide := range []struct {
		prefix string
		order  binary.ByteOrder
	}{
		{"\xff\xfe", binary.LittleEndian}, {"\xfe\xff", binary.BigEndian}, {"<\x00", binary.LittleEndian}, {"\x00<", binary.BigEndian},
	} {
		if bytes.HasPrefix(document, []byte(wide.prefix)) {
			return decodeUTF16(document, wide.order)
		}
	}
	switch charset := declaredCharset(document); charset {
	case "", "utf-8", "utf8", "us-ascii", "ascii",
		"utf-16", "utf16": // it is not, or its declaration could not have been read: somebody has decoded it
		return document, nil
	default:
		upper := []rune(charsets[charset])
		if len(upper) == 0 {
			return nil, fmt.Errorf("%w: line 1: the declared encoding is not known", ErrXML)
		}
		return decodeBytes(document, upper), nil
	}
}

// declaredCharset returns what the XML declaration says of the encoding, in lower case.
func declaredCharset(document []byte) string {
	const longest = 256
	head := document[:min(len(document), longest)]
	if !bytes.HasPrefix(head, []byte("<?xml")) {
		return ""
	}
	declaration, _, _ := strings.Cut(string(head), "?>")
	_, rest, found := strings.Cut(declaration, "encoding")
	rest = strings.TrimLeft(rest, " \t\r\n")
	if !found || !strings.HasPrefix(rest, "=") {
		return ""
	}
	rest = strings.TrimLeft(rest[1:], " \t\r\n")
	if rest == "" || rest[0] != '"' && rest[0] != '\'' {
		return ""
	}
	charset, _, _ := strings.Cut(rest[1:], rest[:1])
	return strings.ToLower(charset)
}

func decodeUTF16(document []byte, order binary.ByteOrder) ([]byte, error) {
	if len(document)%2 != 0 {
		return nil, fmt.Errorf("%w: line 1: half a character of UTF-16 at the end", ErrXML)
	}
	out := make([]byte, 0, len(document))
	for i := 0; i < len(document); i += 2 {
		r := rune(order.Uint16(document[i:]))
		if utf16.IsSurrogate(r) && i+4 <= len(document) {
			if pair := utf16.DecodeRune(r, rune(order.Uint16(document[i+2:]))); pair != utf8.RuneError {
				r, i = pair, i+2
			}
		}
		if r != 0xfeff || i > 0 {
			out = utf8.AppendRune(out, r)
		}
	}
	return out, nil
}

// decodeBytes reads an encoding of one byte a character, of which the lower half is ASCII.
func decodeBytes(document []byte, upper []rune) []byte {
	out := make([]byte, 0, len(document)+len(document)/8)
	for _, c := range document {
		if c < utf8.RuneSelf {
			out = append(out, c)
			continue
		}
		out = utf8.AppendRune(out, upper[c-utf8.RuneSelf])
	}
	return out
}

// charsets holds the upper half of the encodings that documents declare, by their names (IANA, Character Sets).
var charsets = map[string]string{
	"windows-1250": windows1250, "cp1250": windows1250,
	"windows-1251": windows1251, "cp1251": windows1251,
	"windows-1252": windows1252, "cp1252": windows1252,
	"iso-8859-1": windows1252, "iso8859-1": windows1252, "latin1": windows1252,
	"iso-8859-2": c1 + latin2, "iso8859-2": c1 + latin2, "latin2": c1 + latin2,
	"iso-8859-15": c1 + latin9, "iso8859-15": c1 + latin9, "latin-9": c1 + latin9,
}

const (
	windows1250 = "€\ufffd‚\ufffd„…†‡\ufffd‰Š‹ŚŤŽŹ\ufffd‘’“”•–—\ufffd™š›śťžź" +
		"\u00a0ˇ˘Ł¤Ą¦§¨©Ş«¬\u00ad®Ż°±˛ł´µ¶·¸ąş»Ľ˝ľżŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙"
	windows1251 = "ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\ufffd™љ›њќћџ" +
		"\u00a0ЎўЈ¤Ґ¦§Ё©Є«¬\u00ad®Ї°±Ііґµ¶·ё№є»јЅѕїАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя"
	windows1252 = "€\ufffd‚ƒ„…†‡ˆ‰Š‹Œ\ufffdŽ\ufffd\ufffd‘’“”•–—˜™š›œ\ufffdžŸ" +
		"\u00a0¡¢£¤¥¦§¨©ª«¬\u00ad®¯°±²³´µ¶·¸¹º»¼½¾¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ"
	c1 = "\u0080\u0081\u0082\u0083\u0084\u0085\u0086\u0087\u0088\u0089\u008a\u008b\u008c\u008d\u008e\u008f" +
		"\u0090\u0091\u0092\u0093\u0094\u0095\u0096\u0097\u0098\u0099\u009a\u009b\u009c\u009d\u009e\u009f"
	latin2 = "\u00a0Ą˘Ł¤ĽŚ§¨ŠŞŤŹ\u00adŽŻ°ą˛ł´ľśˇ¸šşťź˝žżŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙"
	latin9 = "\u00a0¡¢£€¥Š§š©ª«¬\u00ad®¯°±²³Žµ¶·ž¹º»ŒœŸ¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ"
)
