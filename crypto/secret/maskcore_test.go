package secret_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ebbkit/ebb/crypto/secret"
)

// masked is a logger through a mask, and what arrives behind it.
func masked(m *secret.Mask, options ...zap.Option) (*zap.Logger, *observer.ObservedLogs) {
	core, logs := observer.New(zapcore.DebugLevel)
	return zap.New(m.Core(core), options...), logs
}

// arrived is all that an entry shows, in the ways in which cores show it.
func arrived(t *testing.T, entry observer.LoggedEntry) string {
	t.Helper()
	encoded, err := zapcore.NewJSONEncoder(zap.NewDevelopmentEncoderConfig()).EncodeEntry(entry.Entry, entry.Context)
	require.NoError(t, err)
	return fmt.Sprintf("%+v %+v %#v %s", entry.Entry, entry.ContextMap(), entry.ContextMap(), encoded)
}

// wicked panics with a secret when it is asked for a text.
type wicked struct{}

func (wicked) String() string { panic("pass " + needle) }

// fields are all ways in which a text becomes a field.
func fields(text string) []zap.Field {
	err := errors.New(text)
	type inner struct{ secret string }
	return []zap.Field{
		zap.String("k", text), zap.Stringp("k", &text), zap.Strings("k", []string{text}), zap.ByteString("k", []byte(text)), zap.Binary("k", []byte(text)),
		zap.ByteStrings("k", [][]byte{[]byte(text)}), zap.Error(err), zap.NamedError("k", fmt.Errorf("outer: %w", err)), zap.Errors("k", []error{err}),
		zap.Error(errors.Join(err, err)), zap.Stringer("k", &url.URL{Path: text}), zap.Any("k", map[string]any{text: text}), zap.Any("k", []any{text}),
		zap.Reflect("k", struct{ Text string }{text}), zap.Reflect("k", inner{text}), zap.Any("k", &inner{text}), zap.Any("k", []byte(text)),
		zap.Dict("k", zap.String("k", text)), zap.Object("k", zapcore.ObjectMarshalerFunc(func(e zapcore.ObjectEncoder) error { e.AddString(text, text); return nil })),
		zap.Inline(zapcore.ObjectMarshalerFunc(func(e zapcore.ObjectEncoder) error { e.AddString("inline", text); return nil })),
		zap.Object("k", zapcore.ObjectMarshalerFunc(func(zapcore.ObjectEncoder) error { return err })),
		zap.Array("k", zapcore.ArrayMarshalerFunc(func(e zapcore.ArrayEncoder) error { e.AppendString(text); return nil })), zap.String(text, "key"), zap.Namespace(text),
	}
}

func TestNoFieldBringsASecretIntoALog(t *testing.T) {
	t.Parallel()
	for name, derive := range derivations {
		text := "in " + derive(needle) + "."
		for i, field := range append(fields(text), zap.Stringer("k", wicked{}), zap.Stringer("k", (*url.URL)(nil)), zap.Skip()) {
			m := maskOf(needle)
			log, logs := masked(m, zap.AddCaller(), zap.AddStacktrace(zapcore.DebugLevel))
			log.Info(text, field)
			log.With(field).Named(text).Info("with")
			log.Sugar().Infow("sugar", "k", text)
			log.WithLazy(field).Error("lazy")
			require.Len(t, logs.All(), 4)
			for _, entry := range logs.All() {
				shown := arrived(t, entry)
				require.Equal(t, m.Text(shown), shown, "%s of field %d", name, i)
				require.Empty(t, found([]byte(shown)), "%s of field %d", name, i)
			}
			require.Contains(t, logs.All()[0].Message, secret.Masked)
			require.NotEmpty(t, logs.All()[0].Stack)
			require.True(t, logs.All()[0].Caller.Defined)
		}
	}
}

func TestFieldsWithoutSecretsArriveAsTheyAre(t *testing.T) {
	t.Parallel()
	plain, want := observer.New(zapcore.DebugLevel)
	log, got := masked(maskOf(needle))
	all := append(fields("nothing"), zap.Int("n", 1), zap.Bool("b", true), zap.Duration("d", time.Second), zap.Time("t", time.Unix(1, 0)), zap.Float64("f", 0.5))
	for _, field := range all {
		log.With(field).Warn("m", field)
		zap.New(plain).With(field).Warn("m", field)
	}
	require.Len(t, got.All(), len(all))
	for i, entry := range got.All() {
		require.Equal(t, fmt.Sprint(want.All()[i].ContextMap()), fmt.Sprint(entry.ContextMap()), "field %d", i)
	}
	number, logs := masked(maskOf("471147114711"))
	number.Info("pin", zap.Int64("n", 471147114711), zap.Int("m", 4711))
	require.Equal(t, map[string]any{"n": `{"n":***}`, "m": int64(4711)}, logs.All()[0].ContextMap())
}

func TestMaskingCoreKeepsLevelsAndSampling(t *testing.T) {
	t.Parallel()
	for _, m := range []*secret.Mask{maskOf("hunter2"), {}} {
		loud, all := observer.New(zapcore.DebugLevel)
		quiet, errs := observer.New(zapcore.ErrorLevel)
		log := zap.New(m.Core(zapcore.NewTee(loud, quiet)))
		log.Debug("a")
		log.Error("b")
		require.Equal(t, 2, all.Len())
		require.Equal(t, 1, errs.Len(), "each core gets what it wants")
		require.Equal(t, "b", errs.All()[0].Message)
		require.Equal(t, zapcore.DebugLevel, log.Level())

		few, sampled := observer.New(zapcore.DebugLevel)
		log = zap.New(m.Core(zapcore.NewSamplerWithOptions(few, time.Hour, 2, 0)))
		for range 10 {
			log.Info("the same")
		}
		require.Equal(t, 2, sampled.Len())

		none := zap.New(m.Core(zapcore.NewNopCore()))
		require.Nil(t, none.Check(zapcore.ErrorLevel, "x"))
	}
	var out bytes.Buffer
	core := maskOf("hunter2").Core(zapcore.NewCore(zapcore.NewJSONEncoder(zapcore.EncoderConfig{MessageKey: "m"}), zapcore.AddSync(&out), zapcore.DebugLevel))
	require.NoError(t, core.Write(zapcore.Entry{Message: "pass hunter2"}, []zap.Field{zap.String("k", "hunter2")}))
	require.NoError(t, core.Sync())
	require.JSONEq(t, `{"m":"pass ***","k":"***"}`, out.String())
}

func TestSecretThatIsAddedLaterIsMaskedFromThenOn(t *testing.T) {
	t.Parallel()
	m := &secret.Mask{}
	log, logs := masked(m)
	log.Info("hunter2")
	m.Add(secret.NewString("hunter2"))
	log.Info("hunter2")
	m.Destroy()
	log.Info("hunter2", zap.String("k", "anything"))
	require.Equal(t, "hunter2", logs.All()[0].Message)
	require.Equal(t, "***", logs.All()[1].Message)
	require.Equal(t, map[string]any{"***": "***"}, logs.All()[2].ContextMap(), "who logs after the end tells nothing")
}
