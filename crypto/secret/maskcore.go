package secret

import (
	"fmt"

	"go.uber.org/zap/zapcore"
)

// Core returns a core that masks what is logged before core hears of it: names and messages, stack traces, and the keys
// and values of fields, also of those that were added with With. Values of other types than texts, bytes, errors and
// fmt.Stringers are looked at as JSON and as fmt prints them; one in which a secret is found becomes a text. Levels,
// sampling and everything else are core's. Many goroutines may use it, if they may use core.
func (m *Mask) Core(core zapcore.Core) zapcore.Core { return &maskingCore{core, m} }

type maskingCore struct {
	zapcore.Core
	mask *Mask
}

// With implements zapcore.Core.
func (c *maskingCore) With(fields []zapcore.Field) zapcore.Core {
	return &maskingCore{c.Core.With(c.mask.fields(fields)), c.mask}
}

// Check implements zapcore.Core. What the core below decides is kept for Write: it may be several cores, of which some want
// the entry.
func (c *maskingCore) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.mask.Empty() {
		return c.Core.Check(entry, checked)
	}
	if below := c.Core.Check(entry, nil); below != nil {
		return checked.AddCore(entry, &maskingEntry{maskingCore{c.Core, c.mask}, below})
	}
	return checked
}

// Write implements zapcore.Core, for those who write without asking.
func (c *maskingCore) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	return c.Core.Write(c.mask.entry(entry), c.mask.fields(fields))
}

// maskingEntry writes one entry to those who want it.
type maskingEntry struct {
	maskingCore
	below *zapcore.CheckedEntry
}

// Write implements zapcore.Core.
func (c *maskingEntry) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	c.below.Entry = c.mask.entry(entry) // by now it has its caller and its stack
	c.below.Write(c.mask.fields(fields)...)
	return nil
}

func (m *Mask) entry(entry zapcore.Entry) zapcore.Entry {
	entry.LoggerName, entry.Message, entry.Stack = m.Text(entry.LoggerName), m.Text(entry.Message), m.Text(entry.Stack)
	return entry
}

// fields returns the fields masked. The slice that it is given belongs to who logs.
func (m *Mask) fields(fields []zapcore.Field) []zapcore.Field {
	if m.Empty() || len(fields) == 0 {
		return fields
	}
	masked := make([]zapcore.Field, len(fields))
	for i := range fields {
		masked[i] = m.field(fields[i])
	}
	return masked
}

func (m *Mask) field(f zapcore.Field) zapcore.Field {
	f.Key = m.Text(f.Key)
	switch f.Type {
	case zapcore.SkipType, zapcore.NamespaceType, zapcore.BoolType, zapcore.DurationType, zapcore.TimeType, zapcore.TimeFullType:
		return f
	case zapcore.StringType:
		f.String = m.Text(f.String)
		return f
	case zapcore.BinaryType, zapcore.ByteStringType:
		if b, ok := f.Interface.([]byte); ok {
			f.Interface = m.Bytes(b)
		}
		return f
	}
	encoded, ok := asJSON(f)
	if !ok { // what it panics with might tell
		return zapcore.Field{Key: f.Key, Type: zapcore.StringType, String: fmt.Sprintf("a %T that cannot be read", f.Interface)}
	}
	for _, text := range []string{asMessage(f), encoded, asPrinted(f)} {
		if masked := m.Text(text); masked != text {
			return zapcore.Field{Key: f.Key, Type: zapcore.StringType, String: masked}
		}
	}
	return f
}

// The ways in which the value of a field may come to be read.

// asMessage is what errors and fmt.Stringers say of themselves.
func asMessage(f zapcore.Field) (text string) {
	defer func() { _ = recover() }()
	switch value := f.Interface.(type) {
	case error:
		return value.Error()
	case fmt.Stringer:
		return value.String()
	}
	return ""
}

// asJSON is the field as zap encodes it.
func asJSON(f zapcore.Field) (text string, ok bool) {
	defer func() { ok = recover() == nil }()
	encoder := zapcore.NewJSONEncoder(zapcore.EncoderConfig{SkipLineEnding: true})
	buffer, err := encoder.EncodeEntry(zapcore.Entry{}, []zapcore.Field{f})
	if err != nil {
		return err.Error(), true
	}
	defer buffer.Free()
	return buffer.String(), true
}

// asPrinted is the value as cores print it that do not encode it.
func asPrinted(f zapcore.Field) (text string) {
	defer func() { _ = recover() }()
	switch f.Type {
	case zapcore.ReflectType, zapcore.ErrorType, zapcore.StringerType, zapcore.ObjectMarshalerType, zapcore.ArrayMarshalerType, zapcore.InlineMarshalerType:
		return fmt.Sprintf("%+v", f.Interface)
	}
	return ""
}
