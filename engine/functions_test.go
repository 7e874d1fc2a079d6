package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
)

// The host's own functions stand in mappings like those of the language.
func ExampleConfig_functions() {
	e := must(engine.New(engine.Config{Functions: map[string]any{
		"initials": func(name string) string {
			letters := ""
			for word := range strings.FieldsSeq(name) {
				letters += word[:1]
			}
			return letters
		},
		"net": func(gross, rate float64) (float64, error) {
			if rate < 0 {
				return 0, errors.New("a rate is not negative")
			}
			return gross / (1 + rate), nil
		},
	}}))
	defer e.Close()
	bp := must(blueprint.Parse([]byte(`{"name": "Invoice", "flow": [
	  {"id": 1, "module": "util:BasicTrigger", "version": 1, "parameters": {"values": [{"spec": [
	    {"name": "customer", "value": "Ada Lovelace"}, {"name": "total", "value": "121"}]}]}},
	  {"id": 2, "module": "util:ComposeTransformer", "version": 1, "mapper": {"value": "{{initials(1.customer)}}: {{net(1.total; 0.21)}}"}}]}`)))
	x := must(e.Try(context.Background(), bp, engine.TryOptions{Input: []connector.Bundle{connector.NewBundle("customer", "Ada Lovelace", "total", "121")}}))
	fmt.Println(x.Trace[1].Out[0].Get("value"))
	// Output: AL: 100
}

func composing(value string) string {
	return fmt.Sprintf(`{"name": "Compose", "flow": [
	  {"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 1}},
	  {"id": 2, "module": "util:ComposeTransformer", "version": 1, "mapper": {"value": %q}}]}`, value)
}

func TestFailureOfAFunctionIsTheModulesAndNamesIt(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{Functions: map[string]any{
		"boom":   func() string { panic("s3cr3t") },
		"broken": func() (string, error) { return "", errors.New("no luck") },
		"twice": func() (string, error) {
			return "", &connector.Error{Type: connector.DuplicateDataError, Message: "there already"}
		},
		"count": func(list []string) int { return len(list) },
	}})
	for call, want := range map[string]struct{ kind, text string }{
		"boom()": {"RuntimeError", "boom: the custom function panicked"}, "broken()": {"RuntimeError", "broken: no luck"},
		"twice()": {"DuplicateDataError", "twice: "}, "count(`1`)": {"BundleValidationError", "count: "},
	} {
		x, err := e.Try(t.Context(), parse(t, composing("{{"+call+"}}")), engine.TryOptions{Input: []connector.Bundle{connector.NewBundle("a", 1)}})
		require.NoError(t, err)
		require.Equal(t, engine.StatusError, x.Status)
		require.NotNil(t, x.Failure)
		require.EqualValues(t, want.kind, x.Failure.Type, call)
		require.Contains(t, x.Failure.Message, want.text)
		require.NotContains(t, x.Failure.Message, "s3cr3t")
	}
}

func TestWrongFunctionsAreRefusedAtOnceWithTheirNames(t *testing.T) {
	t.Parallel()
	_, err := engine.New(engine.Config{Functions: map[string]any{
		"lower": func(s string) string { return s }, "bad name": func() int { return 0 }, "now": func() int { return 0 },
		"nothing": func() {}, "number": 5, "channel": func(chan int) int { return 0 }, "fine": func() int { return 0 },
	}})
	require.ErrorIs(t, err, engine.ErrInvalid)
	for _, part := range []string{
		"Config.Functions", `"lower"`, `"bad name"`, `"now"`, `"nothing": it must return a value`, `"number": it is a int, not a function`,
		`"channel": its parameter 1 has the type chan int`,
	} {
		require.ErrorContains(t, err, part)
	}
	require.NotContains(t, err.Error(), "fine")
}

func TestFunctionsAreSuggestedAndTheirArgumentsCounted(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{Functions: map[string]any{"shippingCost": func(weight float64, express bool) float64 { return weight }}})
	problems, _ := e.Check(parse(t, composing("{{shipingCost(1.weight; true)}} {{shippingCost(1; 2; 3)}} {{shippingCost(1)}}")))
	require.Len(t, problems, 3)
	require.Contains(t, problems[0].Message, "did you mean shippingCost?")
	require.Contains(t, problems[1].Message, "too many arguments for shippingCost(number; boolean)")
	require.Contains(t, problems[2].Message, "too few arguments for shippingCost(number; boolean)")
}

// A function that asks for a context gets that of the run, so it ends when the run does.
func TestFunctionEndsWithItsRun(t *testing.T) {
	t.Parallel()
	type key struct{}
	e := start(t, engine.Config{Functions: map[string]any{
		"whose": func(ctx context.Context, suffix string) (string, error) {
			name, _ := ctx.Value(key{}).(string)
			return name + suffix, ctx.Err()
		},
	}})
	ctx := context.WithValue(t.Context(), key{}, "acme")
	x, err := e.Try(ctx, parse(t, composing("{{whose(1.a)}}")), engine.TryOptions{Input: []connector.Bundle{connector.NewBundle("a", "!")}})
	require.NoError(t, err)
	require.Nil(t, x.Failure)
	require.Equal(t, "acme!", x.Trace[1].Out[0].Get("value"))
}
