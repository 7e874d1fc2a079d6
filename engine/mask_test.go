package engine_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/transport"
	"github.com/ebbkit/ebb/crypto/secret"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/store/memory"
)

// careless is a secret that differs in every one of its forms.
const careless = `n33dle "Näh&Nadel" <im/Heu+Haufen>?`

// carelessForms are the secret as services and encoders write it.
func carelessForms() map[string]string {
	quoted, _ := json.Marshal(careless)
	return map[string]string{
		"raw": careless, "query": url.QueryEscape(careless), "path": url.PathEscape(careless), "json": string(quoted[1 : len(quoted)-1]),
		"quoted": strings.Trim(fmt.Sprintf("%q", careless), `"`), "hex": hex.EncodeToString([]byte(careless)),
		"base64": base64.StdEncoding.EncodeToString([]byte(careless)), "pair": base64.StdEncoding.EncodeToString([]byte("user:" + careless)),
	}
}

// requireNoSecret fails when a text has a secret in any form that a mask knows.
func requireNoSecret(t *testing.T, text string, secrets ...string) {
	t.Helper()
	var mask secret.Mask
	for _, s := range secrets {
		mask.Add(secret.NewString(s))
	}
	require.Equal(t, mask.Text(text), text)
}

// allTold is all that an execution tells, as text.
func allTold(t *testing.T, x *engine.Execution) string {
	t.Helper()
	var out strings.Builder
	fmt.Fprintf(&out, "%+v %+v %+v\n", x.Status, x.Failure, x.Warnings)
	if x.Failure != nil {
		fmt.Fprintf(&out, "%s %s\n", x.Failure.Type, x.Failure.Message)
	}
	for _, step := range x.Trace {
		for _, b := range append([]connector.Bundle{step.In}, step.Out...) {
			text, err := b.MarshalJSON()
			require.NoError(t, err)
			fmt.Fprintf(&out, "%s\n", text)
			dump(&out, b)
		}
		if step.Error != nil {
			fmt.Fprintf(&out, "%s %s\n", step.Error.Type, step.Error.Message)
		}
	}
	return out.String()
}

// dump writes the texts and buffers of a value as they are.
func dump(out *strings.Builder, value any) {
	switch value := value.(type) {
	case connector.Bundle:
		for name, field := range value.All() {
			out.WriteString(name + "=")
			dump(out, field)
		}
	case []any:
		for _, element := range value {
			dump(out, element)
		}
	case []byte:
		out.Write(value)
	default:
		fmt.Fprint(out, value)
	}
	out.WriteString("\n")
}

func TestModuleThatTellsItsSecretsTellsThemNobodyOutsideTheRun(t *testing.T) {
	t.Parallel()
	for form, leak := range carelessForms() {
		for _, fails := range []bool{false, true} {
			core, logs := observer.New(zapcore.DebugLevel)
			app := lock{func(_ context.Context, call *connector.Call) error {
				require.Equal(t, careless, reveal(t, call.Connections["keychain"]))
				log := call.Log.With(zap.String("with", leak), zap.String(leak, "key")).Named(leak)
				log.Debug("token "+leak, zap.ByteString("bytes", []byte(leak)), zap.Error(errors.New(leak)), zap.Any("any", map[string]any{"k": []string{leak}}),
					zap.Reflect("struct", struct{ inner string }{leak}), zap.Strings("list", []string{leak}), zap.Binary("binary", []byte(leak)),
					zap.Stringer("stringer", &url.URL{Opaque: leak}), zap.Dict("dict", zap.String("k", leak)))
				if !fails {
					return nil
				}
				return fmt.Errorf("outer %s: %w", leak, &connector.Error{
					Type: connector.ErrorType("Custom " + leak), Message: "inner " + leak,
					Detail: connector.NewBundle(leak, "name", "headers", []any{connector.NewBundle("name", "authorization", "value", leak)}, "body", []byte(leak)),
				})
			}}
			e := start(t, engine.Config{Connectors: []connector.Connector{app}, Logger: zap.New(core)})
			require.NoError(t, e.SaveConnection(t.Context(), key("a", "key", careless)))
			mapper, err := json.Marshal(map[string]any{"name " + leak: "x", "text": "a " + leak + " b", "list": []any{leak, map[string]string{"k": leak}}})
			require.NoError(t, err)
			bp := parse(t, fmt.Sprintf(`{"name":"Turn","flow":[{"id":1,"module":"lock:Turn","version":1,"parameters":{"keychain":"a"},"mapper":%s,
			  "onerror":[{"id":2,"module":"util:SetVariable2","version":1,"mapper":{"name":"seen","value":"{{1.error.message}} {{1.error.type}} {{toString(1.error)}}","scope":"roundtrip"}}]}]}`, mapper))
			scenario, err := e.Deploy(t.Context(), bp, engine.DeployOptions{})
			require.NoError(t, err)
			x, err := e.Run(t.Context(), scenario.ID, connector.Bundle{})
			require.NoError(t, err)
			kept, err := e.Execution(t.Context(), x.ID)
			require.NoError(t, err)
			for _, told := range []*engine.Execution{x, kept} {
				text := allTold(t, told)
				requireNoSecret(t, text, careless)
				require.Contains(t, text, secret.Masked, form)
				if fails {
					require.Len(t, told.Trace, 2, "its error route")
					require.Contains(t, told.Trace[0].Error.Message, "***", form)
				}
			}
			for line, err := range e.Activity(t.Context(), "", engine.Query{}) {
				require.NoError(t, err)
				requireNoSecret(t, allTold(t, line), careless)
			}
			logged := false
			for _, entry := range logs.All() {
				logged = logged || strings.HasPrefix(entry.Message, "token ") && strings.Contains(entry.Message, secret.Masked)
				requireNoSecret(t, fmt.Sprintf("%+v %+v", entry.Entry, entry.ContextMap()), careless)
			}
			require.True(t, logged, form)
		}
	}
}

func TestPasswordThatAScenarioHandsOverIsMasked(t *testing.T) {
	t.Parallel()
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		w.Header().Set("X-Echo", r.Header.Get("Authorization"))
		_ = json.NewEncoder(w).Encode(map[string]string{"user": user, "let in": strconv.FormatBool(password == careless), "password": password})
	}))
	defer service.Close()
	e := start(t, engine.Config{Network: transport.Policy{Allow: transport.Loopback()}})
	mapper, err := json.Marshal(map[string]any{"url": service.URL, "method": "get", "authUser": "ada", "authPass": careless, "parseResponse": true})
	require.NoError(t, err)
	bp := parse(t, fmt.Sprintf(`{"name":"Ask","flow":[{"id":1,"module":"http:ActionSendData","version":3,"parameters":{"handleErrors":true},"mapper":%s}]}`, mapper))
	x, err := e.Try(t.Context(), bp, engine.TryOptions{})
	require.NoError(t, err)
	require.Nil(t, x.Failure)
	data, _ := x.Trace[0].Out[0].Get("data").(connector.Bundle)
	require.Equal(t, "true", data.Get("let in"))
	require.Equal(t, "***", data.Get("password"))
	require.Equal(t, "***", x.Trace[0].In.Get("authPass"))
	requireNoSecret(t, allTold(t, x), careless)
}

// teller is an app whose module gives its secret away in what it gives.
type teller struct{}

func (teller) Name() string { return "teller" }

func (teller) Modules() []connector.Module {
	return []connector.Module{connector.NewAction(connector.Info{Name: "Tell", Connection: "key"},
		func(_ context.Context, call *connector.Call, in connector.Bundle) (connector.Bundle, error) {
			text, err := call.Connection.Secrets["key"].Reveal()
			return connector.NewBundle("given", in.Get("given"), "key", text), err
		})}
}

const (
	tellingCallee = `{"name":"Callee","flow":[
	  {"id":1,"module":"teller:Tell","version":1,"parameters":{"connection":"inner"},"mapper":{"given":"{{var.input.given}}"}},
	  {"id":2,"module":"scenario-service:ReturnData","version":2,"mapper":{"answer":"{{1.given}} and {{1.key}}"}}],
	  "interface":{"input":[{"name":"given","type":"text"}],"output":[{"name":"answer","type":"text"}]}}`
	tellingCaller = `{"name":"Caller","flow":[
	  {"id":1,"module":"teller:Tell","version":1,"parameters":{"connection":"outer"},"mapper":{}},
	  {"id":2,"module":"scenario-service:CallSubscenario","version":2,"parameters":{"scenario":"Callee","shouldWaitForExecutionEnd":true},"mapper":{"data":{"given":"{{1.key}}"}}},
	  {"id":3,"module":"scenario-service:ReturnData","version":2,"mapper":{"answer":"{{2.answer}}"}}]}`
)

func TestRunsThatWaitForEachOtherShareTheirSecrets(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{Connectors: []connector.Connector{teller{}}})
	require.NoError(t, e.SaveConnection(t.Context(), key("inner", "key", "n33dle of the callee")))
	require.NoError(t, e.SaveConnection(t.Context(), key("outer", "key", "n33dle of the caller")))
	callee, err := e.Deploy(t.Context(), parse(t, tellingCallee), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	caller, err := e.Deploy(t.Context(), parse(t, tellingCaller), engine.DeployOptions{})
	require.NoError(t, err)
	x, err := e.Run(t.Context(), caller.ID, connector.Bundle{})
	require.NoError(t, err)
	require.Nil(t, x.Failure)
	require.Equal(t, "n33dle of the caller and n33dle of the callee", x.Output.Get("answer"), "what a scenario answers is its own affair")
	for _, scenario := range []*engine.Scenario{caller, callee} {
		for _, kept := range executions(t, e, scenario.ID) {
			require.Equal(t, "*** and ***", kept.Output.Get("answer"), scenario.Name)
			text := allTold(t, kept)
			require.Contains(t, text, "*** and ***")
			requireNoSecret(t, text, "n33dle of the caller", "n33dle of the callee")
		}
	}
}

// unreadable is an error that panics with a secret when it is read.
type unreadable struct{ text string }

func (u unreadable) Error() string  { panic("cannot say " + u.text) }
func (u unreadable) String() string { panic("cannot say " + u.text) }

func TestPanicOfAModuleTellsNoSecret(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(call *connector.Call, text string) error{
		"text":       func(_ *connector.Call, text string) error { panic("key " + text) },
		"error":      func(_ *connector.Call, text string) error { panic(errors.New(text)) },
		"unreadable": func(_ *connector.Call, text string) error { return unreadable{text} },
		"in what it logs": func(call *connector.Call, text string) error {
			call.Log.Info("x", zap.Error(unreadable{text}), zap.Stringer("k", unreadable{text}))
			panic(unreadable{text})
		},
		"inside Use": func(call *connector.Call, text string) error {
			return call.Connections["keychain"].Secrets["key"].Use(func([]byte) { panic(text) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			core, logs := observer.New(zapcore.DebugLevel)
			e := start(t, engine.Config{Logger: zap.New(core), Connectors: []connector.Connector{lock{func(_ context.Context, call *connector.Call) error {
				return do(call, reveal(t, call.Connections["keychain"]))
			}}}})
			require.NoError(t, e.SaveConnection(t.Context(), key("a", "key", careless)))
			scenario, err := e.Deploy(t.Context(), parse(t, turn), engine.DeployOptions{})
			require.NoError(t, err)
			x, err := e.Run(t.Context(), scenario.ID, connector.Bundle{})
			require.NoError(t, err)
			require.NotNil(t, x.Failure)
			require.Equal(t, connector.UnexpectedError, x.Failure.Type)
			requireNoSecret(t, allTold(t, x), careless)
			for _, entry := range logs.All() {
				requireNoSecret(t, fmt.Sprintf("%+v %+v", entry.Entry, entry.ContextMap()), careless)
			}
		})
	}
}

func TestSecretsOfACallAreClearedWhenTheModuleReturns(t *testing.T) {
	t.Parallel()
	core, logs := observer.New(zapcore.DebugLevel)
	var lent, before []secret.Value
	var late *zap.Logger
	e := start(t, engine.Config{Logger: zap.New(core), Connectors: []connector.Connector{lock{func(ctx context.Context, call *connector.Call) error {
		late = call.Log
		stale := call.Connections["keychain"]
		lent = append(lent, stale.Secrets["key"])
		fresh, err := call.Renew(ctx, stale, func(_ context.Context, c *connector.Connection) error {
			before = append(before, c.Secrets["key"])
			c.Secrets["key"] = secret.NewString("renewed n33dle")
			return nil
		})
		if err != nil {
			return err
		}
		lent = append(lent, fresh.Secrets["key"])
		require.Equal(t, "renewed n33dle", reveal(t, fresh))
		require.ErrorIs(t, before[0].Use(func([]byte) {}), secret.ErrDestroyed, "what was replaced")
		call.Log.Info("old " + careless + " new renewed n33dle")
		return errors.New("no luck with renewed n33dle")
	}}}})
	require.NoError(t, e.SaveConnection(t.Context(), key("a", "key", careless)))
	scenario, err := e.Deploy(t.Context(), parse(t, turn), engine.DeployOptions{})
	require.NoError(t, err)
	x, err := e.Run(t.Context(), scenario.ID, connector.Bundle{})
	require.NoError(t, err)
	require.Equal(t, "no luck with ***", x.Failure.Message)
	require.Len(t, lent, 2)
	for _, value := range lent {
		require.ErrorIs(t, value.Use(func([]byte) {}), secret.ErrDestroyed)
	}
	require.Len(t, logs.FilterMessage("old *** new ***").All(), 1)
	late.Info("after the run " + careless)
	require.Len(t, logs.FilterMessage("***").All(), 1, "what is said after the end of the run")
}

func TestFailedRenewalTellsNoSecret(t *testing.T) {
	t.Parallel()
	records := memory.New()
	e := start(t, engine.Config{Store: records, Vault: plainVault{}, Connectors: []connector.Connector{lock{func(ctx context.Context, call *connector.Call) error {
		_, err := call.Renew(ctx, call.Connections["keychain"], func(_ context.Context, c *connector.Connection) error {
			c.Secrets["key"] = secret.NewString("half n33dle")
			return errors.New("the service gave half n33dle for " + careless)
		})
		return err
	}}}})
	require.NoError(t, e.SaveConnection(t.Context(), key("a", "key", careless)))
	scenario, err := e.Deploy(t.Context(), parse(t, turn), engine.DeployOptions{})
	require.NoError(t, err)
	x, err := e.Run(t.Context(), scenario.ID, connector.Bundle{})
	require.NoError(t, err)
	require.Equal(t, "the service gave *** for ***", x.Failure.Message)
}
