package xpath_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/apps/xpath"
	"github.com/ebbkit/ebb/connector/connectortest"
)

const shop = `<?xml version="1.0" encoding="iso-8859-1"?>
<shop xmlns:p="https://example.com/price"><!-- closed on Sundays -->
  <book id="1" lang="de"><title>Käse</title><p:price>10</p:price></book>
  <book id="2"><title><![CDATA[<Brot> & mehr]]></title><p:price>2.5</p:price></book>
  <pen id="3"/>
</shop>`

func query(t testing.TB, config xpath.Config, document, text string) connectortest.Result {
	t.Helper()
	return connectortest.Run(t, xpath.New(config).Modules()[0],
		connectortest.Call{Input: connector.NewBundle("xml", document, "xpath", text)})
}

func all(t testing.TB, result connectortest.Result) string {
	t.Helper()
	require.NoError(t, result.Err)
	list := make([]any, len(result.Bundles))
	for i, b := range result.Bundles {
		list[i] = b
	}
	text, err := connector.AppendJSON(nil, list)
	require.NoError(t, err)
	return string(text)
}

func TestConnectorConforms(t *testing.T) {
	t.Parallel()
	connectortest.Conform(t, xpath.New(xpath.Config{}), connectortest.Sample{Module: "XPathQuery", Call: connectortest.Call{
		Input: connector.NewBundle("xml", shop, "xpath", "//book"),
	}})
	connectortest.Conform(t, xpath.New(xpath.Config{}))
}

func TestQueryGivesABundlePerNode(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"/shop/book/title":                     `[{"name":"title","value":"Käse","xml":"<title>Käse</title>"},{"name":"title","value":"<Brot> & mehr","xml":"<title><![CDATA[<Brot> & mehr]]></title>"}]`,
		"//book[@id=2]/p:price":                `[{"name":"p:price","value":"2.5","xml":"<p:price>2.5</p:price>"}]`,
		"//@id":                                `[{"name":"id","value":"1"},{"name":"id","value":"2"},{"name":"id","value":"3"}]`,
		"//pen":                                `[{"name":"pen","value":"","attributes":{"id":"3"},"xml":"<pen id=\"3\"></pen>"}]`,
		"//book[1]/title/text()":               `[{"value":"Käse"}]`,
		"//book[2]/title/text()":               `[{"value":"<Brot> & mehr"}]`,
		"string-length(/)":                     `[{"value":32}]`,
		"//comment()":                          `[{"value":" closed on Sundays "}]`,
		"//book[p:price > 5]/@*":               `[{"name":"id","value":"1"},{"name":"lang","value":"de"}]`,
		"//nothing":                            `[]`,
		"count(//book)":                        `[{"value":2}]`,
		"sum(//p:price)":                       `[{"value":12.5}]`,
		"1 div 0":                              `[{"value":"Infinity"}]`,
		"string(//book[2]/@id)":                `[{"value":"2"}]`,
		"boolean(//pen)":                       `[{"value":true}]`,
		"'replace('":                           `[{"value":"replace("}]`,
		"//book[last()]/@id | //book[1]/@id":   `[{"name":"id","value":"2"},{"name":"id","value":"1"}]`,
		"//title[contains(., 'Brot')]/..//@id": `[{"name":"id","value":"2"}]`,
		"//book[1]/following-sibling::*/@id":   `[{"name":"id","value":"2"},{"name":"id","value":"3"}]`,
	} {
		require.Equal(t, want, all(t, query(t, xpath.Config{}, shop, text)), text)
	}
	byOtherName := connectortest.Run(t, xpath.New(xpath.Config{}).Modules()[0],
		connectortest.Call{Input: connector.NewBundle("xml", shop, "query", "count(//pen)")})
	require.Equal(t, `[{"value":1}]`, all(t, byOtherName))
}

func TestWhatIsNoQueryIsADataErrorThatQuotesNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"hidden-words(", "//[", "//a[", "hidden:words::b", "'hidden-words", "starts-with(1, 2)", "matches('a', '(hidden-words')", "sum('x')",
		strings.Repeat("(", 5000), "//a[" + strings.Repeat("x", 20_000) + "]", "replace('a','a','hidden-words')", "string-join (//a, 'b')",
	} {
		result := query(t, xpath.Config{}, "<a><b/></a>", text)
		require.Equal(t, connector.DataError, connector.TypeOf(result.Err), text)
		require.NotContains(t, result.Err.Error(), "hidden")
	}
	result := query(t, xpath.Config{}, "<a/>", "")
	require.Equal(t, connector.BundleValidationError, connector.TypeOf(result.Err))
}

func TestWhatIsNoDocumentIsADataErrorThatQuotesNothing(t *testing.T) {
	t.Parallel()
	for name, document := range map[string]string{
		"text": "hidden-words", "cut": "<a><hidden-words>", "crossed": "<a><b></a></hidden-words></b>", "page": "<p>hidden-words<br>",
		"entity": "<a>&hiddenwords;</a>", "two declarations": "<?xml version='1.1'?><hidden-words/>", "comment": "<!-- hidden-words -->",
	} {
		result := query(t, xpath.Config{}, document, "//b")
		require.Equal(t, connector.DataError, connector.TypeOf(result.Err), name)
		require.NotContains(t, result.Err.Error(), "hidden", name)
	}
}

func TestDocumentsThatAreTooMuchAreRefused(t *testing.T) {
	t.Parallel()
	for part, document := range map[string]string{
		"longer than 100000 bytes": "<a>" + strings.Repeat(" ", 100_000) + "</a>",
		"nested deeper":            strings.Repeat("<a>", 20_000),
		"no XML":                   `<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;"><!ENTITY d SYSTEM "file:///etc/passwd">]><a>&c;&d;</a>`,
	} {
		result := query(t, xpath.Config{MaxBytes: 100_000}, document, "//a")
		require.Equal(t, connector.DataError, connector.TypeOf(result.Err), part)
		require.ErrorContains(t, result.Err, part)
	}
	result := query(t, xpath.Config{}, "<a>"+strings.Repeat("<a/>", 500_000)+"</a>", "//a")
	require.ErrorContains(t, result.Err, "more than 500000 elements")
}

func TestQueryEndsAtItsSteps(t *testing.T) {
	t.Parallel()
	document := "<a>" + strings.Repeat("<b>x</b>", 5000) + "</a>"
	for _, text := range []string{
		"count(//b[count(//b[count(//b) > 0]) > 0])", "//b[count(preceding-sibling::b) >= 0][count(following-sibling::b) >= 0]",
		"concat(" + strings.Repeat("string(/),", 1000) + "'')", "//b | //b | //b | //b",
	} {
		result := query(t, xpath.Config{MaxSteps: 100_000}, document, text)
		require.Equal(t, connector.DataError, connector.TypeOf(result.Err), text[:20])
		require.ErrorContains(t, result.Err, "steps", text[:20])
	}
}

func TestQueryEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	result := connectortest.RunContext(ctx, t, xpath.New(xpath.Config{MaxSteps: 1 << 62}).Modules()[0], connectortest.Call{Input: connector.NewBundle(
		"xml", "<a>"+strings.Repeat("<b/>", 20_000)+"</a>", "xpath", "//b[count(//b[count(//b) > 0]) > 0]",
	)})
	require.ErrorIs(t, result.Err, context.DeadlineExceeded)
}

func FuzzQuery(f *testing.F) {
	f.Add(shop, "//book[@id=2]/p:price | //@id")
	f.Add("<a/>", "count(/a) + string-length('x') div 2")
	f.Add("<a b='c'>d<e/></a>", "//*[name()='e']/../@b")
	f.Fuzz(func(t *testing.T, document, text string) {
		result := query(t, xpath.Config{MaxBytes: 10_000, MaxSteps: 100_000}, document, text)
		if result.Err == nil {
			return
		}
		kind := connector.TypeOf(result.Err)
		require.Contains(t, []connector.ErrorType{connector.DataError, connector.BundleValidationError}, kind, result.Err)
	})
}

func BenchmarkQuery(b *testing.B) {
	document := "<a>" + strings.Repeat("<b c='d'>x</b>", 1000) + "</a>"
	b.ReportAllocs()
	for b.Loop() {
		require.Len(b, query(b, xpath.Config{}, document, "//b[@c='d']").Bundles, 1000)
	}
}

func Example() {
	ask := xpath.New(xpath.Config{}).Modules()[0].(connector.Search)
	call := &connector.Call{Input: connector.NewBundle("xml", `<tides><tide at="06:12">high</tide><tide at="12:25">low</tide></tides>`, "xpath", "/tides/tide")}
	for found, err := range ask.Search(context.Background(), call) {
		fmt.Println(found.Get("value"), found.Get("attributes").(connector.Bundle).Get("at"), err)
	}
	// Output:
	// high 06:12 <nil>
	// low 12:25 <nil>
}
