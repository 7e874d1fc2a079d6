package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto/secret"
)

// maskOf is a mask that knows secrets.
func maskOf(secrets ...string) *secret.Mask {
	var m secret.Mask
	for _, s := range secrets {
		m.Add(secret.NewString(s))
	}
	return &m
}

// escaped writes every byte of a text as an escape.
func escaped(format, text string) string {
	var out strings.Builder
	for _, b := range []byte(text) {
		fmt.Fprintf(&out, format, b)
	}
	return out.String()
}

// derivations give a text in the forms that services, encoders and formatters give it.
var derivations = map[string]func(string) string{
	"raw":             func(s string) string { return s },
	"bearer":          func(s string) string { return "Bearer " + s },
	"hex":             func(s string) string { return hex.EncodeToString([]byte(s)) },
	"HEX":             func(s string) string { return fmt.Sprintf("%X", s) },
	"spaced hex":      func(s string) string { return fmt.Sprintf("% x", s) },
	"decimal":         func(s string) string { return fmt.Sprint([]byte(s)) },
	"go bytes":        func(s string) string { return fmt.Sprintf("%#v", []byte(s)) },
	"json array":      func(s string) string { return strings.ReplaceAll(fmt.Sprint([]byte(s)), " ", ",") },
	"query":           url.QueryEscape,
	"path":            url.PathEscape,
	"percent, lower":  func(s string) string { return strings.ToLower(escaped("%%%02x", s)) },
	"percent, twice":  func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
	"json":            func(s string) string { b, _ := json.Marshal(s); return string(b) },
	"json, ASCII":     strconv.QuoteToASCII,
	"json, slashes":   func(s string) string { b, _ := json.Marshal(s); return strings.ReplaceAll(string(b), "/", `\/`) },
	"json in json":    func(s string) string { b, _ := json.Marshal(s); b, _ = json.Marshal(string(b)); return string(b) },
	"json in a query": func(s string) string { b, _ := json.Marshal(s); return url.QueryEscape(string(b)) },
	"go quoted":       strconv.Quote,
	"bytes, quoted":   func(s string) string { return escaped(`\x%02x`, s) },
	"octal":           func(s string) string { return escaped(`\%03o`, s) },
	"html":            html.EscapeString,
	"html of json":    func(s string) string { b, _ := json.Marshal(s); return html.EscapeString(string(b)) },
	"html, decimal": func(s string) string {
		var o strings.Builder
		for _, r := range s {
			fmt.Fprintf(&o, "&#%d;", r)
		}
		return o.String()
	},
	"html, hex": func(s string) string {
		var o strings.Builder
		for _, r := range s {
			fmt.Fprintf(&o, "&#x%X;", r)
		}
		return o.String()
	},
	"xml":              func(s string) string { var b bytes.Buffer; _ = xml.EscapeText(&b, []byte(s)); return b.String() },
	"base64":           func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64, raw":      func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) },
	"base64 for URLs":  func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
	"base64 in query":  func(s string) string { return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(s))) },
	"base64 in json":   func(s string) string { b, _ := json.Marshal(map[string][]byte{"k": []byte(s)}); return string(b) },
	"basic, user of 0": func(s string) string { return basic("", s) },
	"basic, user of 1": func(s string) string { return basic("u", s) },
	"basic, user of 2": func(s string) string { return basic("ab", s) },
	"basic, user of 3": func(s string) string { return basic("ada", s) },
	"basic, RFC 6749":  func(s string) string { return basic("client", url.QueryEscape(s)) },
	"json in base64": func(s string) string {
		b, _ := json.Marshal(map[string]string{"key": s, "z": ""})
		return base64.RawURLEncoding.EncodeToString(b)
	},
}

func basic(user, password string) string {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	return r.Header.Get("Authorization")
}

// secretsOfAllSorts are those that people have.
var secretsOfAllSorts = []string{
	needle, "hunter2", "xoxb-2147483647-abc", "a%41b%2Fc", `back\slash\n`, "Zm9v+YmFy/YmF6", "ünïcödé-пароль-密码", "p a s s", "😀 emoji 😀", "&amp;<b>",
	"4711471147114711", "abcd", strings.Repeat("long-", 200), "tab\tand\u00a0end", "'single'\"double\"`back`", "$2y$10$abcdefghijklmnop",
}

func TestSecretIsMaskedInEveryForm(t *testing.T) {
	t.Parallel()
	for _, s := range secretsOfAllSorts {
		m := maskOf(s)
		for name, derive := range derivations {
			form := derive(s)
			for _, text := range []string{form, "x=" + form, form + ".", "GET https://x.example/?key=" + form + "&a=b: 401", "<p>" + form + "</p>"} {
				masked := m.Text(text)
				require.Contains(t, masked, secret.Masked, "%s of %q in %q", name, s, text)
				require.NotContains(t, masked, form, "%s of %q", name, s)
				require.Equal(t, masked, string(m.Bytes([]byte(text))))
				require.Equal(t, masked, m.Text(masked), "%s of %q", name, s)
			}
		}
	}
}

func TestNothingButTheSecretIsMasked(t *testing.T) {
	t.Parallel()
	for _, s := range secretsOfAllSorts {
		m := maskOf(s)
		require.Equal(t, "GET /?key=***&a=b: 401", m.Text("GET /?key="+s+"&a=b: 401"), "%q", s)
		require.Equal(t, "GET /?key=***&a=b: 401", m.Text("GET /?key="+url.QueryEscape(s)+"&a=b: 401"), "%q", s)
		quoted, _ := json.Marshal(s)
		require.Equal(t, `{"key":"***","b":"\u00e4"}`, m.Text(`{"key":`+string(quoted)+`,"b":"\u00e4"}`), "%q", s)
		for _, text := range []string{
			"", "abc", "nothing of the sort", "100 % \\ & &amp; %zz \\u12 \\", `{"a":[1,2.5,true,null],"b":"\u00e4\n"}`, strings.Repeat("%25", 50), "\xff\xfe\x00 binary",
		} {
			require.Equal(t, text, m.Text(text), "%q", s)
			b := []byte(text)
			require.Equal(t, b, m.Bytes(b))
		}
	}
	m := maskOf("abcdef", "defghi", "xyz1")
	require.Equal(t, "1***2***3", m.Text("1abcdefghi2abcdefxyz13"), "what overlaps or touches is masked as one")
	require.Equal(t, "******"[:3], m.Text("abcdefabcdef"))
	require.Equal(t, "Basic ***", maskOf("user:hunter2").Text(basic("user", "hunter2")))
	require.Equal(t, "Basic dXNlcj***", maskOf("hunter2").Text(basic("user", "hunter2")), "the character that holds bits of both is masked")
}

func TestShortSecretIsNotMaskedAndWhiteSpaceDoesNotCount(t *testing.T) {
	t.Parallel()
	m := maskOf("", "a", "abc", " ab\n ", "    \n")
	require.True(t, m.Empty())
	require.Equal(t, "abc ab", m.Text("abc ab"))
	m.Add(secret.NewString("  token\r\n"))
	require.False(t, m.Empty())
	require.Equal(t, "Bearer ***", m.Text("Bearer token"))
}

func TestLinesOfAKeyAreMaskedByThemselves(t *testing.T) {
	t.Parallel()
	lines := []string{"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7", "VJTUt9Us8cKjMzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6dVMvDu", "ictGeurT8jNbvJZHtCSuYEvuNMoSfm76oqFvAp8Gy0iz5sxj"}
	pem := "-----BEGIN PRIVATE KEY-----\n" + strings.Join(lines, "\n") + "\n-----END PRIVATE KEY-----\n"
	m := maskOf(pem)
	for _, text := range []string{pem, strings.ReplaceAll(pem, "\n", "\r\n"), strings.ReplaceAll(pem, "\n", " "), strings.Join(lines, ""), base64.StdEncoding.EncodeToString([]byte(pem)), url.QueryEscape(pem)} {
		masked := m.Text("key: " + text)
		require.Contains(t, masked, "***")
		for _, line := range lines {
			require.NotContains(t, masked, line)
			require.NotContains(t, masked, url.QueryEscape(line))
		}
	}
	require.Equal(t, "-----BEGIN CERTIFICATE-----", m.Text("-----BEGIN CERTIFICATE-----"), "not what certificates have, too")
}

func TestPieceOfASecretAtItsBeginningIsMasked(t *testing.T) {
	t.Parallel()
	const token = "sk_live_51H8xQ2eZvKYlo2C0aBcDeFgHiJkLmNoP"
	m := maskOf(token)
	require.Equal(t, "invalid token ***…", m.Text("invalid token "+token[:20]+"…"))
	require.Equal(t, "cut ***", m.Text("cut "+token[:16]))
	require.Equal(t, "cut "+token[:15], m.Text("cut "+token[:15]), "others may begin in the same way")
	require.Equal(t, "cut ***", m.Text("cut "+hex.EncodeToString([]byte(token))[:20]))
}

func TestSecretWithoutEndIsMaskedToTheEnd(t *testing.T) {
	t.Parallel()
	var long strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&long, "%d;", i*i)
	}
	m := maskOf(long.String())
	require.Greater(t, long.Len(), 100<<10)
	require.Equal(t, "key: ***", m.Text("key: "+long.String()+" and more"))
	require.Equal(t, "key: ***", m.Text("key: "+base64.StdEncoding.EncodeToString([]byte(long.String()))))
	require.Equal(t, "1;4;9", m.Text("1;4;9"))
}

func TestErrorsAreMaskedAndStillMatch(t *testing.T) {
	t.Parallel()
	m := maskOf("hunter2")
	require.NoError(t, m.Error(nil))
	require.Same(t, io.EOF, m.Error(io.EOF))
	inner := &url.Error{Op: "Get", URL: "https://x.example/?key=hunter2", Err: io.ErrUnexpectedEOF}
	masked := m.Error(fmt.Errorf("send: %w", inner))
	require.EqualError(t, masked, `send: Get "https://x.example/?key=***": unexpected EOF`)
	require.ErrorIs(t, masked, io.ErrUnexpectedEOF)
	require.NotErrorIs(t, masked, io.EOF)
	var found *url.Error
	require.NotErrorAs(t, masked, &found, "what is inside would still tell")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		require.NotContains(t, fmt.Sprintf(verb, masked), "hunter2")
	}
	var broken *url.Error
	require.EqualError(t, m.Error(broken), "an error that cannot be read")
	require.Equal(t, error(inner), (&secret.Mask{}).Error(inner))
}

func TestEmptyMaskLeavesEverythingAsItIs(t *testing.T) {
	t.Parallel()
	var none *secret.Mask
	for _, m := range []*secret.Mask{none, {}} {
		require.True(t, m.Empty())
		require.Equal(t, "hunter2", m.Text("hunter2"))
		require.Equal(t, []byte("hunter2"), m.Bytes([]byte("hunter2")))
		m.Destroy()
		require.Equal(t, "hunter2", m.Text("hunter2"))
	}
}

func TestDestroyedMaskMasksEverything(t *testing.T) {
	t.Parallel()
	v := secret.NewString("hunter2")
	m := &secret.Mask{}
	m.Add(v)
	v.Destroy()
	require.Equal(t, "pass ***", m.Text("pass hunter2"), "the mask has a copy of its own")
	m.Destroy()
	m.Destroy()
	m.Add(secret.NewString("another"))
	require.Equal(t, "***", m.Text("pass hunter2"))
	require.Equal(t, []byte("***"), m.Bytes([]byte("pass")))
	require.EqualError(t, m.Error(io.EOF), "***")
	require.ErrorIs(t, m.Error(io.EOF), io.EOF)
	var gone secret.Mask
	gone.Add(v)
	require.True(t, gone.Empty(), "a destroyed secret has nothing to hide")
}

func TestMaskGrows(t *testing.T) {
	t.Parallel()
	m := maskOf("hunter2")
	require.Equal(t, "*** hunter3", m.Text("hunter2 hunter3"))
	m.Add(secret.NewString("hunter3"), secret.NewString("hunter2"))
	require.Equal(t, "*** ***", m.Text("hunter2 hunter3"))
	require.Equal(t, "***", maskOf("x***y").Text("x***y"))
	require.NotContains(t, maskOf("x***y", "hunter2").Text("xhunter2y"), "x***y", "what is left must not come together as a secret")
	require.Equal(t, "***", maskOf("x***y", "hunter2").Text(strings.Repeat("x", 9)+"hunter2"+strings.Repeat("y", 9)), "without end")
}

func TestMaskItselfTellsNothing(t *testing.T) {
	t.Parallel()
	m := maskOf(needle)
	_ = m.Text("build it")
	for _, s := range sinks() {
		require.Empty(t, found(s.send(m)), s.name)
		require.Empty(t, found(s.send(struct{ inner *secret.Mask }{m})), s.name)
	}
}

func TestManyGoroutinesMaskWhileSecretsAreAddedAndDestroyed(t *testing.T) {
	t.Parallel()
	for range 20 {
		m := maskOf("hunter2")
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for j := range 50 {
					if strings.Contains(m.Text("pass hunter2 and so on"), "hunter2") {
						t.Error("not masked")
					}
					m.Add(secret.NewString(fmt.Sprintf("secret-%d-%d", i, j%5)))
				}
				if i == 0 {
					m.Destroy()
				}
			})
		}
		wg.Wait()
		require.Equal(t, "***", m.Text("anything"))
	}
}

func BenchmarkMask(b *testing.B) {
	secrets := []string{
		"hunter2", "xoxb-2147483647-abcdefgh", "sk_live_51H8xQ2eZvKYlo2C0aBcDeFgHiJkLmNoP", "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
		"eyJhbGciOiJIUzI1NiJ9." + strings.Repeat("abcDEF123", 40), "correct horse battery staple", "ünïcödé",
	}
	plain := strings.Repeat("host \"api.example.com\" answered 200 OK, 15 items were read from page 3; ", 15)[:1024]
	texts := map[string]string{
		"nothing in 1 KiB": plain,
		"one in 1 KiB":     plain[:500] + "hunter2" + plain[507:],
		"JSON of 1 KiB":    strings.Repeat(`{"name":"Ada \u00e4 \"Countess\"","url":"https:\/\/example.com\/?a=%20b"},`, 15)[:1024],
		"32 bytes":         plain[:32],
	}
	for name, text := range texts {
		b.Run(name, func(b *testing.B) {
			m := maskOf(secrets...)
			b.ReportAllocs()
			for b.Loop() {
				_ = m.Text(text)
			}
		})
	}
	b.Run("no secrets", func(b *testing.B) {
		var m secret.Mask
		b.ReportAllocs()
		for b.Loop() {
			_ = m.Text(plain)
		}
	})
	b.Run("build", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m := maskOf(secrets...)
			_ = m.Text(plain)
			m.Destroy()
		}
	})
}
