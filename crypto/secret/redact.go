package secret

import (
	"bytes"
	"database/sql/driver"
	"encoding"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"go.uber.org/zap/zapcore"
)

// Texts that people read get the placeholder. Encodings whose purpose is to be read back by a program get an error,
// because a placeholder that is stored in place of a secret is a loss that nobody notices.
var (
	_ fmt.Formatter            = Value{}
	_ fmt.Stringer             = Value{}
	_ fmt.GoStringer           = Value{}
	_ json.Marshaler           = Value{}
	_ encoding.TextMarshaler   = Value{}
	_ encoding.TextUnmarshaler = (*Value)(nil)
	_ slog.LogValuer           = Value{}
	_ zapcore.ObjectMarshaler  = Value{}
	_ encoding.BinaryMarshaler = Value{}
	_ gob.GobEncoder           = Value{}
	_ driver.Valuer            = Value{}
)

// Format writes "[secret]" for every verb, flag and width.
func (Value) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, Redacted) }

// String returns "[secret]".
func (Value) String() string { return Redacted }

// GoString returns "[secret]".
func (Value) GoString() string { return Redacted }

// MarshalJSON returns the JSON string "[secret]": JSON is what loggers and templates write. A secret that is to be
// stored is sealed first, inside Use.
func (Value) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }

// MarshalText returns "[secret]".
func (Value) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// UnmarshalText makes v a secret with a copy of text, so that a configuration or a connection is decoded straight into
// fields of type Value. It returns ErrRedacted for "[secret]", and leaves v as it was.
func (v *Value) UnmarshalText(text []byte) error {
	if bytes.Equal(text, []byte(Redacted)) {
		return ErrRedacted
	}
	*v = New(text)
	return nil
}

// LogValue returns the text "[secret]".
func (Value) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalLogObject adds the one field value: "[secret]".
func (Value) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("value", Redacted)
	return nil
}

// MarshalBinary returns ErrEncode.
func (Value) MarshalBinary() ([]byte, error) { return nil, ErrEncode }

// GobEncode returns ErrEncode.
func (Value) GobEncode() ([]byte, error) { return nil, ErrEncode }

// Value returns ErrEncode: database/sql must not write a secret unsealed.
func (Value) Value() (driver.Value, error) { return nil, ErrEncode }
