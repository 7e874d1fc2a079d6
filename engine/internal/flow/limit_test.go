package flow_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/flow"
)

func TestRunEndsWhenItHasDoneAllOfItsOperations(t *testing.T) {
	t.Parallel()
	start := flow.Start{Bundles: []connector.Bundle{{}}, MaxOperations: 3}
	p := perform(t, `{"id":1,"module":"app:Hook","version":1,"mapper":{}},`+
		chain(list(2, "x", 5), failing(3, "{{if(2.item = \"x1\"; \"handled\"; )}}", ignore)), start)
	require.Equal(t, connector.OperationsLimitExceededError, p.Failed.Type)
	require.Equal(t, int64(3), p.Operations)
	require.True(t, p.RolledBack)
}

func TestBundleThatHoldsTooMuchEndsTheRun(t *testing.T) {
	t.Parallel()
	limited := flow.Start{Bundles: []connector.Bundle{connector.NewBundle("text", strings.Repeat("x", 600))}, MaxBundleBytes: 1000}
	hook := `{"id":1,"module":"app:Hook","version":1,"mapper":{}},`
	twice := `{"id":2,"module":"util:SetVariable2","version":1,"mapper":{"name":"x","value":"{{1.text}}{{1.text}}"},"onerror":[` + ignore + `]}`
	p := perform(t, hook+chain(twice, act(3, "never", "")), limited)
	require.Equal(t, connector.DataSizeLimitExceededError, p.Failed.Type)
	require.Equal(t, 2, p.Failed.Module, "no error route handles it")
	require.Empty(t, p.acts)

	for name, modules := range map[string]string{
		"what came in": `{"id":2,"module":"builtin:BasicFeeder","version":1,"mapper":{"array":"{{split(\"a,b\"; \",\")}}"}}`,
	} {
		start := limited
		start.MaxBundleBytes = 500
		p := perform(t, hook+modules, start)
		require.Equal(t, 1, p.Failed.Module, name)
	}
	effect := perform(t, hook+act(2, "{{1.text}}{{1.text}}", ""), limited)
	require.Equal(t, 2, effect.Failed.Module, "the bundle of an effect")

	gathered := perform(t, hook+chain(list(2, "x", 3), array(3, 2, "{{1.text}}", "")), limited)
	require.Equal(t, 3, gathered.Failed.Module, "the bundle of an aggregator")

	unlimited := perform(t, hook+twice, flow.Start{Bundles: limited.Bundles})
	require.Nil(t, unlimited.Failed)
}

func TestAggregatorThatKeepsItsBundlesKeepsNoMoreThanABundleMayHold(t *testing.T) {
	t.Parallel()
	// An aggregator with an effect works on all of its bundles at once.
	p := perform(t, `{"id":1,"module":"app:Hook","version":1,"mapper":{}},`+
		chain(list(2, "x", 100), `{"id":3,"module":"app:Store","version":1,"parameters":{"feeder":2},"mapper":{"v":"{{2.item}}`+strings.Repeat(" and more", 100)+`"}}`),
		flow.Start{Bundles: []connector.Bundle{{}}, MaxBundleBytes: 50_000})
	require.Equal(t, connector.DataSizeLimitExceededError, p.Failed.Type)
	require.Equal(t, 3, p.Failed.Module)
}

func TestEffectThatGivesTooManyBundlesFails(t *testing.T) {
	t.Parallel()
	p := perform(t, `{"id":1,"module":"app:Hook","version":1,"mapper":{}},`+list(2, "x", 11),
		flow.Start{Bundles: []connector.Bundle{{}}, MaxBundles: 10})
	require.Equal(t, connector.MaxResultsExceededError, p.Failed.Type)
}

func TestVariablesHoldNoMoreThanABundleMay(t *testing.T) {
	t.Parallel()
	hook, limited := `{"id":1,"module":"app:Hook","version":1,"mapper":{}},`, flow.Start{Bundles: []connector.Bundle{{}}, MaxBundleBytes: 1000}
	long := strings.Repeat("x", 300)
	for name, value := range map[string]string{
		"a text": `"` + long + `"`, "a collection": `{"a":"` + long + `"}`, "an array": `["` + long + `"]`,
	} {
		set := func(variable string) string {
			return `{"id":3,"module":"util:SetVariable2","version":1,"mapper":{"name":"` + variable + `","value":` + value + `}}`
		}
		p := perform(t, hook+chain(list(2, "x", 10), set("{{2.item}}")), limited)
		require.NotNil(t, p.Failed, name)
		require.Equal(t, connector.DataSizeLimitExceededError, p.Failed.Type)
		require.Equal(t, 3, p.Failed.Module)
		p = perform(t, hook+chain(list(2, "x", 10), set("same")), limited)
		require.Nil(t, p.Failed, name)
	}
}

func TestKeysOfGroupsHoldNoMoreThanABundleMay(t *testing.T) {
	t.Parallel()
	p := perform(t, `{"id":1,"module":"app:Hook","version":1,"mapper":{}},`+chain(list(2, "x", 10),
		`{"id":3,"module":"util:TextAggregator","version":1,"parameters":{"feeder":2},"flags":{"groupBy":"`+strings.Repeat("x", 300)+`{{2.item}}"},"mapper":{"value":"a"}}`),
		flow.Start{Bundles: []connector.Bundle{{}}, MaxBundleBytes: 1000})
	require.NotNil(t, p.Failed)
	require.Equal(t, connector.DataSizeLimitExceededError, p.Failed.Type)
	require.Equal(t, 3, p.Failed.Module)
}

func TestBundlesOfOneEffectHoldNoMoreTogetherThanOneMay(t *testing.T) {
	t.Parallel()
	p := perform(t, `{"id":1,"module":"app:Hook","version":1,"mapper":{}},`+list(2, strings.Repeat("x", 300), 10),
		flow.Start{Bundles: []connector.Bundle{{}}, MaxBundleBytes: 1000})
	require.NotNil(t, p.Failed)
	require.Equal(t, connector.DataSizeLimitExceededError, p.Failed.Type)
	require.Equal(t, 2, p.Failed.Module)
}

// heap is how many bytes are in use after a collection.
func heap() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc) //nolint:gosec // no heap is that large
}

// A gauge is a pure module that looks at the heap now and then.
type gauge struct {
	count, most int64
	every       int64
}

func (*gauge) Info() connector.Info { return connector.Info{Name: "Gauge", Pure: true} }

func (g *gauge) Do(_ context.Context, call *connector.Call) (connector.Bundle, error) {
	if g.count++; g.count%g.every == 0 {
		g.most = max(g.most, heap())
	}
	return call.Input, nil
}

func TestMillionBundlesNeedNoRoom(t *testing.T) { // not parallel: it looks at the heap of the whole process
	g := &gauge{every: 250_000}
	program := compileWith(t, `{"id":1,"module":"app:Hook","version":1,"mapper":{}},
	  {"id":2,"module":"builtin:BasicRepeater","version":1,"mapper":{"start":1,"repeats":1000,"step":1}},
	  {"id":3,"module":"builtin:BasicFeeder","version":1,"mapper":{"array":"{{1.items}}"}},
	  {"id":4,"module":"util:SetVariable2","version":1,"mapper":{"name":"x","value":"{{3.value}} {{2.i}}"}},
	  {"id":5,"module":"app:Gauge","version":1,"mapper":{"x":"{{4.x}}"}},
	  {"id":6,"module":"app:Count","version":1,"parameters":{"feeder":2},"mapper":{"x":"{{5.x}}"},
	   "filter":{"name":"f","conditions":[[{"a":"{{5.x}}","o":"exist"}]]}}`, map[string]connector.Module{"app:Gauge": g})
	items := make([]any, 1000)
	for i := range items {
		items[i] = fmt.Sprintf("item %d", i)
	}
	start := flow.Start{Bundles: []connector.Bundle{connector.NewBundle("items", items)}, Now: began, MaxBundleBytes: 64 << 20}
	before := heap()
	outcome, err := program.Run(t.Context(), nil, start)
	require.NoError(t, err)
	require.Nil(t, outcome.Failed)
	require.Equal(t, int64(1_000_000), g.count)
	require.Less(t, g.most-before, int64(4<<20), "a million bundles would be more than 50 MiB")
}

func TestIteratorSharesTheElementsOfItsArray(t *testing.T) { // not parallel: it looks at the heap of the whole process
	g := &gauge{every: 100}
	program := compileWith(t, `{"id":1,"module":"app:Hook","version":1,"mapper":{}},
	  {"id":2,"module":"builtin:BasicFeeder","version":1,"mapper":{"array":"{{1.items}}"}},
	  {"id":3,"module":"app:Gauge","version":1,"mapper":{"x":"{{2.text}}","y":"{{2.list}}"}},
	  {"id":4,"module":"builtin:BasicAggregator","version":1,"parameters":{"feeder":2},"mapper":{"z":"{{3.x}}","l":"{{3.y}}"}}`,
		map[string]connector.Module{"app:Gauge": g})
	items := make([]any, 100)
	for i := range items {
		items[i] = connector.NewBundle("text", strings.Repeat("x", 1<<20), "list", make([]any, 1000))
	}
	in := []connector.Bundle{connector.NewBundle("items", items)}
	before := heap()
	outcome, err := program.Run(t.Context(), nil, flow.Start{Bundles: in, Now: began})
	require.NoError(t, err)
	require.Nil(t, outcome.Failed)
	require.Less(t, g.most-before, int64(4<<20), "the elements are 100 MiB")
	runtime.KeepAlive(in)
}

func TestLargeBufferStaysOneCopy(t *testing.T) { // not parallel: it looks at the heap of the whole process
	g := &gauge{every: 1}
	program := compileWith(t, `{"id":1,"module":"app:Hook","version":1,"mapper":{}},
	  {"id":2,"module":"util:SetVariable2","version":1,"mapper":{"name":"file","value":"{{1.data}}"}},
	  {"id":3,"module":"util:GetVariable2","version":1,"mapper":{"name":"file"}},
	  {"id":4,"module":"app:Act","version":1,"mapper":{"data":"{{3.file}}","name":"x"}},
	  {"id":5,"module":"app:Gauge","version":1,"mapper":{"data":"{{4.data}}","again":"{{1.data}}"}},
	  {"id":6,"module":"builtin:BasicAggregator","version":1,"parameters":{"feeder":5},"mapper":{"data":"{{5.data}}"}},
	  {"id":7,"module":"app:Gauge","version":1,"mapper":{"all":"{{6.array}}"}}`, map[string]connector.Module{"app:Gauge": g})
	buffer := make([]byte, 64<<20)
	in := []connector.Bundle{connector.NewBundle("data", buffer)}
	before := heap()
	outcome, err := program.Run(t.Context(), &live{now: began}, flow.Start{Bundles: in, Now: began, MaxBundleBytes: 256 << 20})
	require.NoError(t, err)
	require.Nil(t, outcome.Failed)
	require.Equal(t, int64(2), g.count)
	require.Less(t, g.most-before, int64(4<<20), "a copy would be 64 MiB")
	runtime.KeepAlive(in)
}
