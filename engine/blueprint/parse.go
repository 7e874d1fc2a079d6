package blueprint

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Errors of Parse and Marshal.
var (
	ErrSyntax         = errors.New("blueprint: not valid JSON")           // comes as a *SyntaxError
	ErrTooLarge       = errors.New("blueprint: too large")                // more bytes than Limits.MaxBytes
	ErrTooDeep        = errors.New("blueprint: nested too deep")          // more levels than Limits.MaxDepth
	ErrTooManyModules = errors.New("blueprint: too many modules")         // more than Limits.MaxModules
	ErrNotBlueprint   = errors.New("blueprint: not a scenario blueprint") // JSON without a flow
	ErrNotObject      = errors.New("blueprint: not a JSON object")        // for Object.UnmarshalJSON
	ErrValue          = errors.New("blueprint: value cannot be written")  // a value that was set has no JSON form
)

// The default limits. The largest blueprints in the wild have about 200 modules, 1.4 MB and 32 levels.
const (
	DefaultMaxBytes   = 16 << 20
	DefaultMaxDepth   = 1000
	DefaultMaxModules = 10_000
)

// Limits bound what Parse takes. The zero Limits are the defaults.
type Limits struct {
	MaxBytes   int64 // size of the file in bytes; 0 is DefaultMaxBytes
	MaxDepth   int   // levels of objects and lists in the JSON (a router in a route takes four); 0 is DefaultMaxDepth
	MaxModules int   // modules of the whole tree, routes, branches and error routes included; 0 is DefaultMaxModules
}

// A SyntaxError tells where a file is not JSON. errors.Is(err, ErrSyntax) finds it.
type SyntaxError struct {
	Line    int    // counted from 1
	Column  int    // in characters, counted from 1
	Inside  string // the field that holds the blueprint as a text, when it is in there that Line and Column count; else ""
	Message string // what was expected and what was found; never more than one character of the file
}

// Error tells line, column and what was expected.
func (e *SyntaxError) Error() string {
	where := fmt.Sprintf("line %d, column %d", e.Line, e.Column)
	if e.Inside != "" {
		where = fmt.Sprintf("in the text of %q, %s", e.Inside, where)
	}
	return fmt.Sprintf("%v: %s: %s", ErrSyntax, where, e.Message)
}

// Unwrap returns ErrSyntax.
func (e *SyntaxError) Unwrap() error { return ErrSyntax }

// Parse reads a blueprint within the default [Limits]. It takes the editor's export, a byte order mark in front of it, the API's
// answers around it ({"code", "response": {"blueprint", …}}, {"blueprint": …}), a blueprint that is encoded as a text, and what
// copying modules puts on the clipboard ({"subflows": [{"flow"}, …]}; the first is the flow, the others lie beside it as orphans). What
// stood around the blueprint is in Envelope.
func Parse(data []byte) (*Blueprint, error) {
	return Limits{}.Parse(data)
}

// Parse is the function Parse with limits of your own.
func (l Limits) Parse(data []byte) (*Blueprint, error) {
	r, err := l.reader(data)
	if err != nil {
		return nil, err
	}
	value, err := r.document()
	if err != nil {
		return nil, err
	}
	u := unwrapper{maxDepth: r.maxDepth}
	source, err := u.unwrap(value, "file", 0)
	if err != nil {
		return nil, err
	}
	d := decoder{maxModules: l.MaxModules}
	if d.maxModules == 0 {
		d.maxModules = DefaultMaxModules
	}
	bp := d.blueprint(source)
	if d.modules > d.maxModules {
		return nil, fmt.Errorf("%w: more than %d", ErrTooManyModules, d.maxModules)
	}
	bp.Envelope = u.envelope
	return bp, nil
}

// reader checks what must hold for the text as a whole.
func (l Limits) reader(data []byte) (*reader, error) {
	if l.MaxBytes == 0 {
		l.MaxBytes = DefaultMaxBytes
	}
	if l.MaxDepth == 0 {
		l.MaxDepth = DefaultMaxDepth
	}
	if int64(len(data)) > l.MaxBytes {
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, len(data), l.MaxBytes)
	}
	r := &reader{text: string(bytes.TrimPrefix(data, []byte("\ufeff"))), maxDepth: l.MaxDepth}
	if utf8.ValidString(r.text) {
		return r, nil
	}
	if strings.HasPrefix(r.text, "\xff\xfe") || strings.HasPrefix(r.text, "\xfe\xff") {
		return nil, r.syntax("the file is UTF-16: save it as UTF-8")
	}
	for size := 0; r.pos < len(r.text); r.pos += size {
		var c rune
		if c, size = utf8.DecodeRuneInString(r.text[r.pos:]); c == utf8.RuneError && size == 1 {
			break
		}
	}
	return nil, r.syntax("expected UTF-8, found the byte 0x%02X: save the file as UTF-8", r.text[r.pos])
}

// unwrapper finds the blueprint in what the API, a template or the clipboard put around it.
type unwrapper struct {
	maxDepth int
	envelope *Object
}

// maxWrappers is more than anything wraps: {"response": {"blueprint": "text"}} has three.
const maxWrappers = 6

func (u *unwrapper) unwrap(value any, name string, level int) (*Object, error) {
	if level > maxWrappers {
		return nil, fmt.Errorf("%w: more than %d wrappers around it", ErrNotBlueprint, maxWrappers)
	}
	switch v := value.(type) {
	case string:
		r := reader{text: v, maxDepth: u.maxDepth}
		inner, err := r.document()
		if err != nil {
			if syntax, ok := errors.AsType[*SyntaxError](err); ok {
				syntax.Inside = name
			}
			return nil, err
		}
		return u.unwrap(inner, name, level+1)
	case *Object:
		if _, ok := v.Get("flow"); ok {
			return v, nil
		}
		for _, inner := range [...]string{"response", "blueprint"} {
			if held, ok := v.Get(inner); ok {
				u.keep(v, inner)
				return u.unwrap(held, inner, level+1)
			}
		}
		if subflows := v.list("subflows"); len(subflows) > 0 {
			return fromClipboard(v, subflows)
		}
		return nil, fmt.Errorf("%w: it has no flow", ErrNotBlueprint)
	case []any:
		return nil, fmt.Errorf("%w: it is a list, not an object with a flow", ErrNotBlueprint)
	default:
		return nil, fmt.Errorf("%w: it is %s, not an object with a flow", ErrNotBlueprint, typeName(value))
	}
}

// keep puts what stands around the blueprint into the envelope; what stands nearer to it wins.
func (u *unwrapper) keep(wrapper *Object, inner string) {
	if u.envelope == nil {
		u.envelope = &Object{}
	}
	for name, value := range wrapper.All() {
		if name != inner {
			u.envelope.Set(name, value)
		}
	}
}

// fromClipboard makes a blueprint of copied modules: the first chain is the flow, the other ones are orphans.
func fromClipboard(clipboard *Object, subflows []any) (*Object, error) {
	source := &Object{}
	var orphans []any
	found := false
	for _, subflow := range subflows {
		chain, _ := subflow.(*Object)
		flow, ok := chain.Get("flow")
		if !ok {
			continue
		}
		if found {
			orphans = append(orphans, flow)
			continue
		}
		source.Set("flow", flow)
		found = true
	}
	if !found {
		return nil, fmt.Errorf("%w: none of its subflows has a flow", ErrNotBlueprint)
	}
	for name, value := range clipboard.All() {
		if name != "subflows" {
			source.Set(name, value)
		}
	}
	if len(orphans) == 0 {
		return source, nil
	}
	metadata := source.object("metadata")
	if metadata == nil {
		metadata = &Object{}
		source.Set("metadata", metadata)
	}
	designer := metadata.object("designer")
	if designer == nil {
		designer = &Object{}
		metadata.Set("designer", designer)
	}
	designer.Set("orphans", append(designer.list("orphans"), orphans...))
	return source, nil
}
