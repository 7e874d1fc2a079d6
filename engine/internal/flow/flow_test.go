package flow_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/builtin"
	"github.com/ebbkit/ebb/connector/util"
	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/engine/internal/expr"
	"github.com/ebbkit/ebb/engine/internal/flow"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// began is when every run of these tests begins.
var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// modules are those of the generic connectors that have no effect, and an app whose modules have one.
func modules(t testing.TB) func(*blueprint.Module) connector.Module {
	t.Helper()
	type list struct {
		Of    string `json:"of"`
		Count int    `json:"count"`
	}
	found := map[string]connector.Module{}
	for _, c := range []connector.Connector{builtin.New(), util.New()} {
		for _, m := range c.Modules() {
			found[c.Name()+":"+m.Info().Name] = m
		}
	}
	found["app:Hook"] = hook{}
	type none struct{}
	count := func(_ context.Context, _ *connector.Call, _ none, bundles iter.Seq2[connector.Bundle, error]) (connector.Bundle, error) {
		n := 0
		for _, err := range bundles {
			if err != nil {
				return connector.Bundle{}, err
			}
			n++
		}
		return connector.NewBundle("count", n), nil
	}
	found["app:Count"] = connector.NewAggregator(connector.Info{Name: "Count", Pure: true}, count)
	found["app:Store"] = connector.NewAggregator(connector.Info{Name: "Store"}, count)
	found["app:Poll"] = poll{}
	found["app:Half"] = connector.NewSearch(connector.Info{Name: "Half", Pure: true}, func(_ context.Context, _ *connector.Call, in list) iter.Seq2[connector.Bundle, error] {
		return func(yield func(connector.Bundle, error) bool) {
			for i := range in.Count {
				if !yield(connector.NewBundle("v", strconv.Itoa(i+1)), nil) {
					return
				}
			}
			yield(connector.Bundle{}, connector.Errorf(connector.DataError, "only half of it"))
		}
	})
	found["app:Return"] = connector.NewAction(connector.Info{Name: "Return", Pure: true, Returns: true},
		func(_ context.Context, _ *connector.Call, in connector.Bundle) (connector.Bundle, error) {
			return in, nil
		})
	found["app:Act"] = connector.NewAction(connector.Info{Name: "Act"}, func(_ context.Context, _ *connector.Call, in connector.Bundle) (connector.Bundle, error) {
		if reason, ok := in.Get("fail").(string); ok && reason != "" {
			return connector.Bundle{}, &connector.Error{Type: connector.DataError, Message: reason, Detail: connector.NewBundle("code", 7)}
		}
		return in, nil
	})
	found["app:List"] = connector.NewSearch(connector.Info{Name: "List"}, func(_ context.Context, _ *connector.Call, in list) iter.Seq2[connector.Bundle, error] {
		return func(yield func(connector.Bundle, error) bool) {
			for i := range in.Count {
				if !yield(connector.NewBundle("item", fmt.Sprintf("%s%d", in.Of, i+1)), nil) {
					return
				}
			}
		}
	})
	return func(m *blueprint.Module) connector.Module { return found[m.Name] }
}

// hook is a trigger whose bundles the tests give.
type hook struct{ connector.Receiver }

func (hook) Info() connector.Info { return connector.Info{Name: "Hook"} }

// poll is a trigger that gives what the tests' host says.
type poll struct{}

func (poll) Info() connector.Info { return connector.Info{Name: "Poll"} }

func (poll) Poll(context.Context, *connector.Call) (iter.Seq2[connector.Bundle, error], func() []byte) {
	return func(func(connector.Bundle, error) bool) {}, func() []byte { return nil }
}

// live does operations for real. Each takes a minute.
type live struct {
	now  time.Time
	done []string
}

func (l *live) Do(ctx context.Context, op *flow.Operation) (flow.Result, error) {
	l.now = l.now.Add(time.Minute)
	l.done = append(l.done, fmt.Sprintf("%d:%d", op.Number, op.Module))
	bundles, err := flow.Invoke(ctx, op, &connector.Call{Params: op.Params, Input: op.Input, Now: op.Now, Location: op.Location, Vars: op.Vars})
	result := flow.Result{Bundles: bundles, At: l.now}
	if err != nil {
		result.Failure = flow.FailureOf(err)
	}
	return result, nil
}

// trace writes down what happens as lines of text.
type trace struct{ lines []string }

func (t *trace) line(format string, args ...any) {
	t.lines = append(t.lines, fmt.Sprintf(format, args...))
}

func text(b connector.Bundle) string {
	text, err := b.MarshalJSON()
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (t *trace) Began(number int64, module int, in connector.Bundle) {
	t.line("%d. module %d <- %s", number, module, text(in))
}
func (t *trace) Gave(number int64, _ int, out connector.Bundle) {
	t.line("%d. -> %s", number, text(out))
}
func (t *trace) Failed(number int64, f *flow.Failure) {
	t.line("%d. failed: %s: %s", number, f.Type, f.Message)
}
func (*trace) Replaced(int64, int, connector.Bundle) {} // the directive's own operation is not told, what follows is
func (t *trace) Warned(module int, field, message string) {
	t.line("module %d: %s: %s", module, field, message)
}

func language(t testing.TB) *expr.Language {
	t.Helper()
	l, err := expr.New(expr.Options{})
	require.NoError(t, err)
	return l
}

func compile(t testing.TB, data []byte) *flow.Program {
	t.Helper()
	bp, err := blueprint.Parse(data)
	require.NoError(t, err)
	program, problems := flow.Compile(bp, language(t), modules(t))
	require.Empty(t, problems)
	return program
}

// compileWith compiles modules, written as in a blueprint's flow, of which some are the test's own.
func compileWith(t testing.TB, flowText string, own map[string]connector.Module) *flow.Program {
	t.Helper()
	bp, err := blueprint.Parse([]byte(`{"name":"t","flow":[` + flowText + `]}`))
	require.NoError(t, err)
	known := modules(t)
	program, problems := flow.Compile(bp, language(t), func(m *blueprint.Module) connector.Module {
		if mine := own[m.Name]; mine != nil {
			return mine
		}
		return known(m)
	})
	require.Empty(t, problems)
	return program
}

// items are what the hook gives in every run of the files in testdata.
func items() []connector.Bundle {
	item := func(name string, size int, more ...any) any {
		return connector.NewBundle(append([]any{"name", name, "size", size}, more...)...)
	}
	return []connector.Bundle{connector.NewBundle("who", "Grace", "items", []any{
		item("anna", 1, "ignore", "no anna"),
		item("bert", 2, "resume", "no bert"),
		item("carl", 5),
		item("dora", 1, "commit", "no dora"),
		item("emil", 5),
	})}
}

// walk runs a program and returns what happened.
func walk(t testing.TB, program *flow.Program, host flow.Host, start flow.Start) string {
	t.Helper()
	seen := &trace{}
	start.Now, start.Observer = began, seen
	outcome, err := program.Run(context.Background(), host, start)
	require.NoError(t, err)
	end := "success"
	if outcome.Failed != nil {
		end = fmt.Sprintf("%v: %s", outcome.Failed, outcome.Failed.Message)
	}
	return strings.Join(append(seen.lines, fmt.Sprintf("%s after %d operations", end, outcome.Operations)), "\n") + "\n"
}

func files(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, found)
	return found
}

func TestBlueprintsRunAsTheyAreDrawn(t *testing.T) {
	t.Parallel()
	for _, file := range files(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			got := walk(t, compile(t, data), &live{now: began}, flow.Start{Bundles: items()})
			golden := strings.TrimSuffix(file, ".json") + ".golden"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))), got)
		})
	}
}

// A run that is taken up again after any of its effects does what it would have done, and no effect twice.
func TestResumedRunIsTheSameRun(t *testing.T) {
	t.Parallel()
	for _, file := range files(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			program := compile(t, data)
			var record flow.Record
			whole := &live{now: began}
			want := walk(t, program, flow.Recording(whole, func(e flow.Entry) error {
				record = append(record, e)
				return nil
			}), flow.Start{Bundles: items()})
			for cut := range len(record) + 1 {
				rest := &live{now: began.Add(time.Duration(cut) * time.Minute)}
				got := walk(t, program, flow.Replay(record[:cut:cut], rest), flow.Start{Bundles: items()})
				require.Equal(t, want, got, "taken up again after %d effects", cut)
				require.Equal(t, whole.done[cut:], append([]string{}, rest.done...), "effects after %d", cut)
			}
		})
	}
}

func TestRecordOfAnotherRunIsRefused(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/filter.json")
	require.NoError(t, err)
	record := flow.Record{{Number: 1, Module: 99}}
	_, err = compile(t, data).Run(t.Context(), flow.Replay(record, &live{now: began}), flow.Start{Bundles: items(), Now: began})
	require.ErrorContains(t, err, "operation 1 of module 99")
}
