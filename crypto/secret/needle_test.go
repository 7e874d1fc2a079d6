package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"log"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	texttemplate "text/template"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ebbkit/ebb/crypto/secret"
)

// needle differs in every one of its forms: it holds quotes, a space, markup, bytes that are not ASCII.
const needle = `S3cr3t "Näh&Nadel" <im/Heu+Haufen>`

// found names the forms of the needle that text contains.
func found(text []byte) []string {
	n := []byte(needle)
	quoted := fmt.Sprintf("%q", n)
	ascii := fmt.Sprintf("%+q", n)
	inJSON, _ := json.Marshal(needle)
	var inXML, decimal, goBytes bytes.Buffer
	_ = xml.EscapeText(&inXML, n)
	for i, b := range n {
		if i > 0 {
			decimal.WriteByte(' ')
			goBytes.WriteString(", ")
		}
		fmt.Fprintf(&decimal, "%d", b)
		fmt.Fprintf(&goBytes, "0x%x", b)
	}
	forms := map[string]string{
		"raw":          needle,
		"hex":          hex.EncodeToString(n),
		"HEX":          strings.ToUpper(hex.EncodeToString(n)),
		"spaced hex":   fmt.Sprintf("% x", n),
		"quoted":       quoted[1 : len(quoted)-1],
		"ascii quoted": ascii[1 : len(ascii)-1],
		"json":         string(inJSON[1 : len(inJSON)-1]),
		"xml":          inXML.String(),
		"html":         htmltemplate.HTMLEscapeString(needle),
		"query":        url.QueryEscape(needle),
		"path":         url.PathEscape(needle),
		"decimal":      decimal.String(),
		"decimal,":     strings.ReplaceAll(decimal.String(), " ", ","),
		"decimal, ":    strings.ReplaceAll(decimal.String(), " ", ", "),
		"go bytes":     goBytes.String(),
		"octal":        strings.Trim(fmt.Sprintf("%o", n), "[]"),
		"binary":       strings.Trim(fmt.Sprintf("%b", n), "[]"),
		"runes":        strings.Trim(fmt.Sprintf("%U", n), "[]"),
		"chars":        strings.Trim(fmt.Sprintf("%c", n), "[]"),
		"quoted chars": strings.Trim(fmt.Sprintf("%q", []rune(needle)), "[]"),
	}
	for offset := range 3 {
		// The base64 of a text that has the needle somewhere inside depends on the offset modulo three; what lies at the
		// edges depends on the neighbours and is left out.
		padded := append(make([]byte, offset), n...)
		for name, enc := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
			s := enc.EncodeToString(padded)
			forms[fmt.Sprintf("%s+%d", name, offset)] = s[(offset*8+5)/6 : len(padded)*8/6]
		}
	}
	var names []string
	for name, form := range forms {
		if bytes.Contains(text, []byte(form)) {
			names = append(names, name)
		}
	}
	return names
}

// A sink is one way in which a value leaves a program as text. It gives all that was written, errors included.
type sink struct {
	name string
	send func(v any) []byte
}

func sinks() []sink {
	all := []sink{
		{"json", func(v any) []byte { return marshaled(json.Marshal(v)) }},
		{"json indent", func(v any) []byte { return marshaled(json.MarshalIndent(v, "", " ")) }},
		{"xml", func(v any) []byte { return marshaled(xml.Marshal(v)) }},
		{"gob", func(v any) []byte {
			var out bytes.Buffer
			err := gob.NewEncoder(&out).Encode(v)
			return fmt.Append(out.Bytes(), err)
		}},
		{"log", func(v any) []byte {
			var out bytes.Buffer
			log.New(&out, "", 0).Print(v)
			return out.Bytes()
		}},
		{"slog text", func(v any) []byte {
			var out bytes.Buffer
			slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v, slog.Group("g", "v", v))
			return out.Bytes()
		}},
		{"slog json", func(v any) []byte {
			var out bytes.Buffer
			slog.New(slog.NewJSONHandler(&out, nil)).With("w", v).Info("m", "v", v)
			return out.Bytes()
		}},
		{"text/template", func(v any) []byte {
			var out bytes.Buffer
			err := texttemplate.Must(texttemplate.New("").Parse(`{{.}} {{printf "%s %x %v" . . .}} {{. | urlquery}} {{. | js}}`)).Execute(&out, v)
			return fmt.Append(out.Bytes(), err)
		}},
		{"html/template", func(v any) []byte {
			var out bytes.Buffer
			err := htmltemplate.Must(htmltemplate.New("").Parse(
				`<a href="/?q={{.}}" title="{{.}}" onclick="f({{.}})">{{.}}</a><script>var x = {{.}}</script>`)).Execute(&out, v)
			return fmt.Append(out.Bytes(), err)
		}},
		{"wrapped error", func(v any) []byte {
			err := fmt.Errorf("dial with %v: %w", v, os.ErrPermission)
			err = fmt.Errorf("run %+v: %w", v, errors.Join(err, fmt.Errorf("%#v", v)))
			return fmt.Appendf(nil, "%v %+v %#v %s", err, err, err, err)
		}},
	}
	for _, verb := range []string{
		"%v", "%+v", "%#v", "%s", "%+s", "%q", "%+q", "%#q", "%x", "%X", "% x", "%#x", "%d", "%b", "%o", "%O", "%c", "%U", "%e", "%g", "%f", "%t", "%p",
		"%T", "%w", "%z", "%60v", "%-40s", "%.99s",
	} {
		all = append(all, sink{"fmt " + verb, func(v any) []byte { return fmt.Appendf(nil, verb, v) }})
	}
	for name, field := range map[string]func(v any) zap.Field{
		"any":     func(v any) zap.Field { return zap.Any("v", v) },
		"reflect": func(v any) zap.Field { return zap.Reflect("v", v) },
		"stringer": func(v any) zap.Field {
			if s, ok := v.(fmt.Stringer); ok {
				return zap.Stringer("v", s)
			}
			return zap.String("v", fmt.Sprint(v))
		},
		"object": func(v any) zap.Field {
			if o, ok := v.(zapcore.ObjectMarshaler); ok {
				return zap.Object("v", o)
			}
			return zap.Any("v", v)
		},
		"inline": func(v any) zap.Field {
			if o, ok := v.(zapcore.ObjectMarshaler); ok {
				return zap.Inline(o)
			}
			return zap.Any("v", v)
		},
		"error": func(v any) zap.Field { return zap.Error(fmt.Errorf("with %v", v)) },
	} {
		all = append(all,
			sink{"zap observer " + name, func(v any) []byte {
				core, logs := observer.New(zapcore.DebugLevel)
				zap.New(core).Info("m", field(v))
				var out []byte
				for _, entry := range logs.All() {
					// A host's core may print or encode what it was handed, or its context map, in ways of its own.
					out = fmt.Appendf(out, "%v %+v %#v", entry, entry.ContextMap(), entry.ContextMap())
					out = append(out, marshaled(json.Marshal(entry.ContextMap()))...)
				}
				return out
			}},
			sink{"zap json " + name, func(v any) []byte {
				var out bytes.Buffer
				zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(&out), zapcore.DebugLevel)).Info("m", field(v))
				return out.Bytes()
			}},
			sink{"zap console " + name, func(v any) []byte {
				var out bytes.Buffer
				zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(zap.NewDevelopmentEncoderConfig()), zapcore.AddSync(&out), zapcore.DebugLevel)).Info("m", field(v))
				return out.Bytes()
			}},
		)
	}
	return all
}

// marshaled gives what an encoder wrote and what it complained about.
func marshaled(b []byte, err error) []byte { return fmt.Append(b, err) }

// carriers puts a secret where secrets sit in real programs.
func carriers(v secret.Value) map[string]any {
	type exported struct{ Secret secret.Value }
	type unexported struct{ secret secret.Value }
	type pointer struct{ secret *secret.Value }
	type embedded struct{ secret.Value }
	type nested struct {
		Name  string
		inner unexported
		list  []unexported
		any   any
	}
	return map[string]any{
		"plain":               v,
		"pointer":             &v,
		"pointer to pointer":  func() any { p := &v; return &p }(),
		"exported field":      exported{v},
		"exported by pointer": &exported{v},
		"unexported field":    unexported{v},
		"unexported pointer":  &pointer{&v},
		"embedded":            embedded{v},
		"nested":              nested{"n", unexported{v}, []unexported{{v}}, &unexported{v}},
		"slice":               []secret.Value{v, v},
		"slice of any":        []any{v, &v, unexported{v}},
		"array":               [2]secret.Value{v, v},
		"map":                 map[string]secret.Value{"k": v},
		"map of any":          map[string]any{"k": v, "n": unexported{v}},
		"map of structs":      map[string]unexported{"k": {v}},
		"interface in struct": struct{ X any }{v},
		"channel of it":       make(chan secret.Value, 1),
		"function":            v.Use,
	}
}

func TestNoFormatterLoggerOrEncoderPrintsASecret(t *testing.T) {
	t.Parallel()
	v := secret.NewString(needle)
	for _, s := range sinks() {
		for name, carrier := range carriers(v) {
			require.Empty(t, found(s.send(carrier)), "%s of %s", s.name, name)
		}
	}
}

// TestTheNeedleIsFoundWhereItLeaks keeps the matrix honest: the very same sinks show an unprotected secret.
func TestTheNeedleIsFoundWhereItLeaks(t *testing.T) {
	t.Parallel()
	type text struct{ Secret string } // named, because encoding/xml takes no other
	type bytes struct{ Secret []byte }
	blind := map[string]bool{"fmt %p": true, "fmt %T": true} // these print no contents of anything
	for _, s := range sinks() {
		if blind[s.name] {
			continue
		}
		leaks := append(found(s.send(text{needle})), found(s.send(bytes{[]byte(needle)}))...)
		leaks = append(leaks, found(s.send([]byte(needle)))...)
		require.NotEmpty(t, leaks, s.name)
	}
	for offset := range 3 {
		inside := []byte(strings.Repeat("x", offset) + needle + "yz")
		require.Contains(t, found([]byte(base64.StdEncoding.EncodeToString(inside))), fmt.Sprintf("base64+%d", offset))
		require.Contains(t, found([]byte(base64.URLEncoding.EncodeToString(inside))), fmt.Sprintf("base64url+%d", offset))
	}
	for form, leak := range map[string]string{
		"query": url.QueryEscape("a=" + needle), "path": url.PathEscape("/" + needle), "HEX": fmt.Sprintf("%X", needle), "go bytes": fmt.Sprintf("%#v", []byte(needle)),
	} {
		require.Contains(t, found([]byte(leak)), form)
	}
}

// redacting is the type that everybody writes first. It is here because it leaks.
type redacting struct{ b []byte }

func (redacting) String() string               { return secret.Redacted }
func (redacting) MarshalJSON() ([]byte, error) { return []byte(`"[secret]"`), nil }

func TestAMethodAloneWouldNotHide(t *testing.T) {
	t.Parallel()
	type conn struct{ password redacting }
	require.NotEmpty(t, found(fmt.Appendf(nil, "%v", conn{redacting{[]byte(needle)}})))
}

func TestPanicPrintsNoSecret(t *testing.T) {
	t.Parallel()
	v := secret.NewString(needle)
	values := map[string]any{
		"control": needle, // must leak, or this test sees nothing
		"error":   fmt.Errorf("call with %v: %w", v, os.ErrInvalid),
	}
	for name, carrier := range carriers(v) {
		values[name] = carrier
	}
	if name := os.Getenv("EBB_TEST_PANIC"); name != "" {
		panic(values[name])
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	for name := range values {
		cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestPanicPrintsNoSecret$")
		cmd.Env = append(os.Environ(), "EBB_TEST_PANIC="+name, "GOTRACEBACK=all")
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, name)
		require.Contains(t, string(out), "panic: ", name)
		if name == "control" {
			require.NotEmpty(t, found(out))
			continue
		}
		require.Empty(t, found(out), name)
	}
}
