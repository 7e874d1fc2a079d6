package flow_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/flow"
)

// Pure modules: a repeater that gives a bundle and a variable that takes it.
func BenchmarkPureModule(b *testing.B) {
	program := compile(b, []byte(`{"name":"b","flow":[
	  {"id":1,"module":"builtin:BasicRepeater","version":1,"mapper":{"start":"1","repeats":"10000","step":"1"}},
	  {"id":2,"module":"util:SetVariable2","version":1,"mapper":{"name":"x","scope":"roundtrip","value":"{{1.i}}"}}]}`))
	b.ReportAllocs()
	for b.Loop() {
		outcome, err := program.Run(b.Context(), nil, flow.Start{Ask: true, Now: began})
		require.NoError(b, err)
		require.Nil(b, outcome.Failed)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/20000, "ns/module")
}

// A million bundles through iterator, variable, filter and aggregator. Run it with GOMAXPROCS=1: "one core" is the promise.
func BenchmarkMillionBundles(b *testing.B) {
	program := compile(b, []byte(`{"name":"b","flow":[
	  {"id":1,"module":"app:Hook","version":1,"mapper":{}},
	  {"id":2,"module":"builtin:BasicFeeder","version":1,"mapper":{"array":"{{1.items}}"}},
	  {"id":3,"module":"util:SetVariable2","version":1,"mapper":{"name":"x","scope":"roundtrip","value":"{{2.value * 2}}"}},
	  {"id":4,"module":"util:TextAggregator","version":1,"parameters":{"feeder":2,"rowSeparator":""},"mapper":{"value":"."},
	   "filter":{"name":"f","conditions":[[{"a":"{{3.x}}","o":"number:greater","b":"10"}]]}}]}`))
	const count = 1_000_000
	items := make([]any, count)
	for i := range items {
		items[i] = int64(i)
	}
	in := []connector.Bundle{connector.NewBundle("items", items)}
	b.ReportAllocs()
	for b.Loop() {
		outcome, err := program.Run(b.Context(), nil, flow.Start{Bundles: in, Now: began})
		require.NoError(b, err)
		require.Nil(b, outcome.Failed)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/count, "ns/bundle")
}

// Compiling a large blueprint, from its text on.
func BenchmarkCompileLarge(b *testing.B) {
	var text strings.Builder
	text.WriteString(`{"name":"b","flow":[{"id":1,"module":"app:Hook","version":1,"mapper":{}}`)
	for id := 2; id <= 195; id++ {
		text.WriteString(strings.NewReplacer("ID", strconv.Itoa(id), "BEFORE", strconv.Itoa(id-1)).Replace(
			`,{"id":ID,"module":"util:SetVariable2","version":1,"mapper":{"name":"x","scope":"roundtrip","value":"{{if(BEFORE.a > 5; upper(BEFORE.b); formatDate(now; \"YYYY-MM-DD\"))}} and {{BEFORE.c}}"},
			"filter":{"name":"f","conditions":[[{"a":"{{BEFORE.d}}","o":"text:contain","b":"x"}]]}}`))
	}
	text.WriteString(`]}`)
	data := []byte(text.String())
	b.ReportAllocs()
	for b.Loop() {
		compile(b, data)
	}
}
