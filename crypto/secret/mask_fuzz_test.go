package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ebbkit/ebb/crypto/secret"
)

// plainForms are the forms of a secret that have no escapes, made without a Mask.
func plainForms(s string) []string {
	s = strings.TrimSpace(s)
	forms := []string{s, hex.EncodeToString([]byte(s)), strings.ToUpper(hex.EncodeToString([]byte(s)))}
	for offset := range 3 {
		padded := base64.RawStdEncoding.EncodeToString(append(make([]byte, offset), s...))
		forms = append(forms, padded[(8*offset+5)/6:8*(offset+len(s))/6])
	}
	return forms
}

// FuzzMask checks that a secret is found in whatever it stands, in every form, and that what has none stays as it is.
func FuzzMask(f *testing.F) {
	for _, s := range secretsOfAllSorts {
		f.Add(s, "GET /?key=", "&a=b: 401")
	}
	f.Add("hunter2", `{"a":"\u00e4%`, `1&am`)
	f.Add("a***b", "a***", "***b")
	f.Add("%2541%41", "%25", "41")
	f.Add(`\\\\`, `\`, `\`)
	f.Fuzz(func(t *testing.T, s, before, after string) {
		if len(s) > 1<<10 || len(before)+len(after) > 1<<12 {
			return // long inputs only take long
		}
		m := maskOf(s)
		if len(strings.TrimSpace(s)) < secret.MinMaskedBytes {
			if !m.Empty() || m.Text(before+s) != before+s {
				t.Fatalf("%q is too short to be masked", s)
			}
			return
		}
		for _, form := range append(plainForms(s), basic("ada", strings.TrimSpace(s))) {
			text := before + form + after
			masked := m.Text(text)
			if masked == text {
				t.Fatalf("%q is not found in %q as %q", s, text, form)
			}
			for _, left := range plainForms(s) {
				if strings.Contains(masked, left) {
					t.Fatalf("%q leaves %q of %q", masked, left, s)
				}
			}
			if again := m.Text(masked); again != masked {
				t.Fatalf("%q becomes %q", masked, again)
			}
			if string(m.Bytes([]byte(text))) != masked {
				t.Fatalf("bytes of %q are masked in another way", text)
			}
		}
		// Escapes that stand alone, so that nothing in front of them changes their meaning. Of a secret that looks like escapes
		// itself too little may be left when they are undone.
		if utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' }) && !strings.ContainsAny(s, `%\&`) {
			for _, form := range []string{url.QueryEscape(s), url.PathEscape(s), strconv.Quote(s), strconv.QuoteToASCII(s), html.EscapeString(s)} {
				if m.Text(form) == form {
					t.Fatalf("%q is not found as %q", s, form)
				}
			}
		}
		// Nothing is taken out that does not begin as one of the forms do: all of them begin with bytes that are left out here.
		starts := []byte(`%\&`)
		for _, form := range plainForms(s) {
			starts = append(starts, form[0])
		}
		starts = append(starts, strconv.Itoa(int(strings.TrimSpace(s)[0]))[0], '0', s[0])
		clean := bytes.Map(func(r rune) rune {
			if r == utf8.RuneError || r == ' ' || r == '+' || r == '-' || r == '_' || r == '/' || slices.Contains(starts, byte(r)) {
				return -1
			}
			return r
		}, []byte(before+after))
		if len(escapesOf(s)) == 0 && string(m.Bytes(clean)) != string(clean) {
			t.Fatalf("%q is not in %q, which becomes %q", s, clean, m.Bytes(clean))
		}
	})
}

// escapesOf are the bytes of a text that make other forms of it than the plain ones.
func escapesOf(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, s)
}
