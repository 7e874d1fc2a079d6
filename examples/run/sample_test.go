package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
)

func TestSampleMakesUpWhatTheBlueprintNeeds(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-sample", "-now", "2026-03-01T23:30:00Z", "testdata/sample.json"}, &out, &out))
	var pretty bytes.Buffer
	require.NoError(t, json.Indent(&pretty, out.Bytes(), "", "  "))
	golden := filepath.Join("testdata", "sample.golden")
	if *update {
		require.NoError(t, os.WriteFile(golden, pretty.Bytes(), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))), pretty.String())
}

func TestInputAndStubsComeBeforeSamples(t *testing.T) {
	t.Parallel()
	e, err := engine.New(engine.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	bp, err := read("testdata/sample.json")
	require.NoError(t, err)
	mine := &stub{id: 2}
	options := engine.TryOptions{Input: []connector.Bundle{}, Stubs: map[int]connector.Module{2: mine}}
	fillIn(e, bp, &options)
	require.Empty(t, options.Input)
	require.Same(t, mine, options.Stubs[2])
	require.Contains(t, options.Stubs, 5)
	require.NotContains(t, options.Stubs, 3, "what is known and does nothing outside runs for real")
}

func TestReferencesAreFound(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]reference{
		"plain 1.a":        nil,
		"{{1.a}}":          {{module: 1, path: []step{{name: "a"}}, alone: true}},
		"x{{1.a}}":         {{module: 1, path: []step{{name: "a"}}}},
		"{{1.a}}x":         {{module: 1, path: []step{{name: "a"}}}},
		"{{ 12.`a b`.c }}": {{module: 12, path: []step{{name: "a b"}, {name: "c"}}, alone: true}},
		"{{1.a[].b[3]}}":   {{module: 1, path: []step{{name: "a"}, {index: 1}, {name: "b"}, {index: 3}}, alone: true}},
		`{{if(1.a = "2.b"; 3; 4.c)}}`: {
			{module: 1, path: []step{{name: "a"}}, uses: []use{{"if", 0, map[int]string{0: "2.b", 1: "3"}}}},
			{module: 4, path: []step{{name: "c"}}, uses: []use{{"if", 2, map[int]string{0: "2.b", 1: "3"}}}},
		},
		`{{round(get(1.a; 2) * 2)}}`: {
			{module: 1, path: []step{{name: "a"}}, uses: []use{{"round", 0, map[int]string{0: "2"}}, {"get", 0, map[int]string{1: "2"}}}},
		},
		"{{1.a - 2.b}}": {
			{module: 1, path: []step{{name: "a"}}, arithmetic: true}, {module: 2, path: []step{{name: "b"}}, arithmetic: true},
		},
		"{{2.5}} {{1}} {{now}} {{\"": nil,
		"{{1.a":                      {{module: 1, path: []step{{name: "a"}}, alone: true}},
		"{{1.`a":                     {{module: 1, path: []step{{name: "a"}}, alone: true}},
		"{{1.a[":                     {{module: 1, path: []step{{name: "a"}}}},
	} {
		found := references(text)
		require.Len(t, found, len(want), text)
		for i := range want {
			if want[i].uses == nil {
				found[i].uses = nil
			}
			require.Equal(t, want[i], *found[i], text)
		}
	}
}

func TestTextsAreMadeForPatterns(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		`===([^=]+)===\s*([\s\S]*?)(?=\n===|$)`: "===a===",
		`^\d{3}-(?<name>[A-Z]+)$`:               "777-A",
		`(?<!x)(a|b)(?!(c|d))e`:                 "ae",
		`[(?=]x`:                                "(x",
		``:                                      "",
	} {
		text, ok := matching(pattern)
		require.True(t, ok, pattern)
		require.Equal(t, want, text, pattern)
	}
	for _, pattern := range []string{`(`, `a**`, `(a)\1`, `(((a{900}){900}){900})`} {
		_, ok := matching(pattern)
		require.False(t, ok, pattern)
	}
}

// Reading references ends for every text, and so does making up values.
func FuzzSamples(f *testing.F) {
	for _, seed := range []string{"{{1.a}}", "{{get(2.a[3].b; \"x.1\")}}", "{{map(1.a; \"b.c\")}} {{", "{{`", "{{1.a[", "{{)(;\"\"\"", "{{first(2.value)}}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		mapper := &blueprint.Object{}
		mapper.Set("value", text)
		mapper.Set("array", text)
		mapper.Set("json", text)
		mapper.Set("name", text)
		mapper.Set("pattern", text)
		bp := &blueprint.Blueprint{Flow: []blueprint.Module{{ID: 1, Name: "a:B", Mapper: mapper}}}
		for i, name := range []string{blueprint.Iterator, "json:ParseJSON", "util:SetVariable2", "util:GetVariable2", "util:ComposeTransformer", "regexp:AdvancedParser"} {
			bp.Flow = append(bp.Flow, blueprint.Module{ID: i + 2, Name: name, Mapper: mapper})
		}
		_, stubs := samples(bp, []string{"a:B"})
		require.Len(t, stubs, 1)
	})
}
