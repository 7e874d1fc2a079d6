package connector_test

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
)

func TestTextIsReadInItsCharset(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		charset, octets, want string
		err                   error
	}{
		{"", "é", "é", nil},
		{"", "\xe9", "", connector.ErrNotText},
		{"UTF-8", "\ufeffé", "\ufeffé", nil},
		{" us-ascii ", "a", "a", nil},
		{"ISO-8859-1", "\xe9\x80", "é€", nil},
		{"windows-1252", "\x93\xfc\x94", "“ü”", nil},
		{"windows-1252", "a\x81", "", connector.ErrNotText},
		{"cp1250", "\xe8", "č", nil},
		{"Windows-1251", "\xcf\xf0", "Пр", nil},
		{"iso-8859-2", "\xb9", "š", nil},
		{"iso-8859-15", "\xa4", "€", nil},
		{"utf-16", "\xff\xfea\x00", "a", nil},
		{"utf-16", "\xfe\xff\x00a", "a", nil},
		{"utf-16", "\x00a", "a", nil},
		{"utf-16le", "=\xd8\x00\xde", "😀", nil},
		{"utf-16be", "\xd8=\xde\x00", "😀", nil},
		{"utf-16be", "\xd8=", "", connector.ErrNotText},
		{"utf-16be", "\xd8=\x00a", "", connector.ErrNotText},
		{"utf-16be", "a", "", connector.ErrNotText},
		{"koi8-r", "a", "", connector.ErrCharset},
	} {
		text, err := connector.DecodeText([]byte(c.octets), c.charset)
		require.ErrorIs(t, err, c.err, "%q in %q", c.octets, c.charset)
		require.Equal(t, c.want, string(text), "%q in %q", c.octets, c.charset)
	}
}

func FuzzDecodeText(f *testing.F) {
	for _, charset := range []string{"", "utf-16", "utf-16le", "windows-1252", "iso-8859-2", "x"} {
		f.Add([]byte("\xff\xfea\x00=\xd8\x00\xde\x81"), charset)
	}
	f.Fuzz(func(t *testing.T, octets []byte, charset string) {
		text, err := connector.DecodeText(octets, charset)
		if err == nil {
			require.True(t, utf8.Valid(text))
		}
	})
}
