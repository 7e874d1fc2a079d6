package blueprint_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine/blueprint"
)

// large writes a blueprint as large as the largest in the wild: 195 modules in nested routes, each with the declarations that the editor
// exports, 1.4 MB.
func large() []byte {
	expect := func(module int) string {
		fields := make([]string, 0, 60)
		for i := range 60 {
			fields = append(fields, fmt.Sprintf(`{"name":"field%d_%d","type":"text","label":"Field number %d","required":%t,"validate":{"max":1000},"spec":[]}`, module, i, i, i == 0))
		}
		return strings.Join(fields, ",")
	}
	id := 1
	module := func(before int, filter bool) string {
		id++
		mapper := fmt.Sprintf(`"field%d_0":"{{1.name}} and {{%d.data}}","url":"https://api.example/{{1.id}}","headers":[{"name":"a","value":"{{1.token}}"},{"name":"b","value":"c"}]`, id, before)
		condition := ""
		if filter {
			condition = `"filter":{"name":"f","conditions":[[{"a":"{{1.kind}}","o":"text:equal:ci","b":"x"},{"a":"{{1.n}}","o":"number:greater","b":"3"}]]},`
		}
		return fmt.Sprintf(`{"id":%d,"module":"slack:CreateMessage","version":4,"parameters":{"__IMTCONN__":37140},%s"mapper":{%s},"metadata":{"designer":{"x":300,"y":0},"restore":{"expect":{"a":{"mode":"chose"}}},"expect":[%s]}}`,
			id, condition, mapper, expect(id))
	}
	var routes []string
	for range 8 {
		var flow []string
		for i := range 23 {
			before := id
			if i == 0 {
				before = 1
			}
			flow = append(flow, module(before, i%4 == 0))
		}
		id++
		flow = append(flow, fmt.Sprintf(`{"id":%d,"module":"builtin:BasicRouter","version":1,"mapper":null,"routes":[{"flow":[]}]}`, id))
		routes = append(routes, `{"flow":[`+strings.Join(flow, ",")+`]}`)
	}
	id++
	return []byte(`{"name":"large","flow":[{"id":1,"module":"gateway:CustomWebHook","version":1,"parameters":{"hook":1},"mapper":{}},` + set(900, "{{1.name}}") + `,` +
		fmt.Sprintf(`{"id":%d,"module":"builtin:BasicRouter","version":1,"mapper":null,"routes":[`, id) + strings.Join(routes, ",") + `]}],"metadata":{"version":1}}`)
}

func TestTheLargeBlueprintIsWhatItSays(t *testing.T) {
	t.Parallel()
	data := large()
	bp := parse(t, string(data))
	n := 0
	for range bp.All() {
		n++
	}
	require.Equal(t, 195, n)
	require.Greater(t, len(data), 1_200_000)
	require.Empty(t, blueprint.Check(bp, whole))
}

func BenchmarkParse(b *testing.B) {
	data := large()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := blueprint.Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	bp := parse(b, string(large()))
	b.ReportAllocs()
	for b.Loop() {
		blueprint.Check(bp, whole)
	}
}

func BenchmarkMarshal(b *testing.B) {
	bp := parse(b, string(large()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := blueprint.Marshal(bp); err != nil {
			b.Fatal(err)
		}
	}
}

// TestHostileFilesTakeNoLongerThanTheirSize uses files that would take minutes if any step were quadratic in what they hold.
func TestHostileFilesTakeNoLongerThanTheirSize(t *testing.T) {
	t.Parallel()
	repeat := func(n int, element func(i int) string) string {
		var out strings.Builder
		for i := range n {
			if i > 0 {
				out.WriteByte(',')
			}
			out.WriteString(element(i))
		}
		return out.String()
	}
	deep := func(n int) string {
		return strings.Repeat(`{"id":1,"module":"builtin:BasicRouter","version":1,"routes":[{"flow":[`, n) +
			repeat(5000, func(i int) string { return fmt.Sprintf(`{"id":%d,"mapper":{"a":"{{2.x}}{{%d.x}}"}}`, i+10, i+11) }) + strings.Repeat(`]}]}`, n)
	}
	for name, text := range map[string]string{
		"one name again and again": `{"flow":[{"id":1,"mapper":{` + repeat(300_000, func(int) string { return `"a":1` }) + `}}]}`,
		"very many names":          `{"flow":[{"id":1,"mapper":{` + repeat(300_000, func(i int) string { return fmt.Sprintf(`"a%d":1`, i) }) + `}}]}`,
		"aggregators": `{"flow":[{"id":1},` + repeat(9000, func(i int) string {
			return fmt.Sprintf(`{"id":%d,"module":"builtin:BasicAggregator","version":1,"parameters":{"feeder":%d}}`, i+2, i+1)
		}) + `]}`,
		"aggregators of the first": `{"flow":[{"id":1},` + repeat(9000, func(i int) string {
			return fmt.Sprintf(`{"id":%d,"module":"builtin:BasicAggregator","version":1,"parameters":{"feeder":1}}`, i+2)
		}) + `]}`,
		"one id for all":     `{"flow":[` + repeat(10_000, func(int) string { return `{"id":1,"module":"a:B","version":1}` }) + `]}`,
		"references":         `{"flow":[{"id":1,"mapper":{"a":"{{` + strings.Repeat("9.a+", 300_000) + `}}"}}]}`,
		"deep references":    `{"flow":[` + deep(200) + `]}`,
		"a name a mile long": `{"flow":[{"id":1,"module":"http:` + strings.Repeat("ActionSendData", 50_000) + `"}]}`,
		"merges": `{"flow":[{"id":1,"module":"builtin:BasicIfElse","version":1,"branches":[` +
			repeat(3000, func(i int) string {
				return fmt.Sprintf(`{"type":"condition","merge":true,"flow":[{"id":%d}]}`, i+3)
			}) + `]},{"id":2,"module":"builtin:BasicMerge","version":1,"outputs":[{"name":"a","mappings":[` + repeat(3000, func(int) string { return `"{{3.a}}"` }) + `]}]}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			bp := parse(t, text)
			require.NotEmpty(t, blueprint.Check(bp, whole))
			marshal(t, bp)
			require.Less(t, time.Since(start), time.Minute)
		})
	}
}
