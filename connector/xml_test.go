package connector_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
)

func jsonOf(t testing.TB, value any) string {
	t.Helper()
	text, err := connector.AppendJSON(nil, value)
	require.NoError(t, err)
	return string(text)
}

func TestXMLIsReadInTheShapeOfMake(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ document, want string }{
		"a text":                         {`<a>x</a>`, `{"a":"x"}`},
		"an empty element":               {`<a/>`, `{"a":""}`},
		"children are arrays":            {`<a><b>1</b><c>x</c><b>2</b></a>`, `{"a":{"b":[1,2],"c":["x"]}}`},
		"attributes":                     {`<a id="1" b:c="x &amp; y"/>`, `{"a":{"_attributes":{"id":"1","b:c":"x & y"}}}`},
		"attributes and text":            {`<a id="1">x</a>`, `{"a":{"_attributes":{"id":"1"},"_value":"x"}}`},
		"attributes, text and children":  {`<a id="1">x<b/>y</a>`, `{"a":{"_attributes":{"id":"1"},"b":[""],"_value":"xy"}}`},
		"prefixes stay":                  {`<s:a xmlns:s="urn:x" xmlns="urn:y"><s:b/></s:a>`, `{"s:a":{"_attributes":{"xmlns:s":"urn:x","xmlns":"urn:y"},"s:b":[""]}}`},
		"layout is left out":             {"<a>\n  <b>\n    <c>x</c>\n  </b>\n  <d> </d>\n</a>\n", `{"a":{"b":[{"c":["x"]}],"d":[""]}}`},
		"blanks in a text stay":          {"<a> x\n y </a>", `{"a":" x\n y "}`},
		"blanks that are meant":          {`<a><b><![CDATA[ ]]></b><c>&#10;</c></a>`, `{"a":{"b":[" "],"c":["\n"]}}`},
		"CDATA":                          {`<a>x<![CDATA[<b>&amp;</b>]]>y</a>`, `{"a":"x<b>&amp;</b>y"}`},
		"empty CDATA":                    {`<a><![CDATA[]]></a>`, `{"a":""}`},
		"comments and instructions":      {`<?xml version="1.0"?><!-- x --><?y z?><a><!-- x -->1<?y z?>2</a><!-- x -->`, `{"a":12}`},
		"a document type is skipped":     {`<!DOCTYPE a [<!ELEMENT a ANY>]><a>x</a>`, `{"a":"x"}`},
		"entities and characters":        {`<a>&lt;&gt;&amp;&quot;&apos;&#228;&#x1F600;</a>`, `{"a":"<>&\"'ä😀"}`},
		"unicode":                        {`<größe>ünï😀</größe>`, `{"größe":"ünï😀"}`},
		"a byte order mark":              {"\ufeff<a>x</a>", `{"a":"x"}`},
		"an element named _value":        {`<a><_value>x</_value></a>`, `{"a":{"_value":["x"]}}`},
		"numbers":                        {`<a><n>1</n><n>-2.50</n><n>0.5</n><n>9007199254740993</n><n>0</n></a>`, `{"a":{"n":[1,-2.5,0.5,9007199254740993,0]}}`},
		"what only looks like a number":  {`<a><n>007</n><n>+1</n><n>1e5</n><n>0x10</n><n>1,5</n><n> 1</n><n>-0</n><n>.5</n><n>5.</n><n>12345678901234567890</n><n>0.1234567890123456</n><n>Infinity</n><n>-</n></a>`, `{"a":{"n":["007","+1","1e5","0x10","1,5"," 1","-0",".5","5.","12345678901234567890","0.1234567890123456","Infinity","-"]}}`},
		"numbers of attributes are text": {`<a n="1"/>`, `{"a":{"_attributes":{"n":"1"}}}`},
		"deep":                           {strings.Repeat("<a>", 256) + strings.Repeat("</a>", 256), `{"a":` + strings.Repeat(`{"a":[`, 255) + `""` + strings.Repeat(`]}`, 255) + `}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := connector.ParseXML([]byte(test.document), connector.XMLOptions{})
			require.NoError(t, err)
			require.Equal(t, test.want, jsonOf(t, b))
		})
	}
}

func TestNumbersInXMLMayStayText(t *testing.T) {
	t.Parallel()
	b, err := connector.ParseXML([]byte(`<a><n>1</n><n>2.50</n></a>`), connector.XMLOptions{NumbersAsText: true})
	require.NoError(t, err)
	require.Equal(t, `{"a":{"n":["1","2.50"]}}`, jsonOf(t, b))
}

func TestXMLThatIsNotWellFormedIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ document, message string }{
		"nothing":                {``, "line 1"},
		"blanks":                 {"\n\n", "line 3"},
		"a sentence":             {`needle`, "text outside"},
		"cut off":                {"<a>\n<needle>", "line 2"},
		"crossed":                {`<a><needle></a></needle>`, "line 1"},
		"an end without a start": {`<a/></needle>`, "not open"},
		"two roots":              {`<a/><needle/>`, "second root"},
		"text behind the root":   {`<a/>needle`, "text outside"},
		"CDATA behind the root":  {`<a/><![CDATA[ ]]>`, "text outside"},
		"an attribute twice":     {`<a needle="1" needle="2"/>`, "twice"},
		"no quotes":              {`<a b=needle/>`, "not well-formed"},
		"an unknown entity":      {`<a>&needle;</a>`, "not well-formed"},
		"a declared entity":      {`<!DOCTYPE a [<!ENTITY needle "x">]><a>&needle;</a>`, "not well-formed"},
		"an external entity":     {`<!DOCTYPE a [<!ENTITY needle SYSTEM "file:///etc/passwd">]><a>&needle;</a>`, "not well-formed"},
		"a late document type":   {`<a/><!DOCTYPE needle>`, "declaration"},
		"an unknown encoding":    {`<?xml version="1.0" encoding="needle"?><a/>`, "encoding"},
		"bytes of another one":   {"<a>needle\xff</a>", "not well-formed"},
		"half a UTF-16":          {"\xff\xfe<", "UTF-16"},
		"_value beside text":     {`<a>x<_value>y</_value></a>`, "_value"},
		"_attributes twice":      {`<a x="1"><_attributes/></a>`, "_attributes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := connector.ParseXML([]byte(test.document), connector.XMLOptions{})
			require.ErrorIs(t, err, connector.ErrXML)
			require.ErrorContains(t, err, test.message)
			require.NotContains(t, err.Error(), "needle")
		})
	}
}

func TestXMLHasLimits(t *testing.T) {
	t.Parallel()
	_, err := connector.ParseXML([]byte(strings.Repeat("<a>", 257)+strings.Repeat("</a>", 257)), connector.XMLOptions{})
	require.ErrorIs(t, err, connector.ErrDepth)
	require.ErrorIs(t, err, connector.ErrXML)
	_, err = connector.ParseXML(make([]byte, connector.MaxEncodedBytes+1), connector.XMLOptions{})
	require.ErrorIs(t, err, connector.ErrTooLarge)
	// A billion laughs: entities are not expanded, so there is nothing to laugh about.
	_, err = connector.ParseXML([]byte(`<!DOCTYPE a [<!ENTITY b "lol"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><a>&c;</a>`), connector.XMLOptions{})
	require.ErrorIs(t, err, connector.ErrXML)

	deep := connector.NewBundle("a", "")
	for range 256 {
		deep = connector.NewBundle("a", deep)
	}
	_, err = connector.AppendXML(nil, deep)
	require.ErrorIs(t, err, connector.ErrDepth)
	megabyte := strings.Repeat("x", 1<<20)
	many := make([]any, 65)
	for i := range many {
		many[i] = megabyte
	}
	_, err = connector.AppendXML(nil, connector.NewBundle("a", connector.NewBundle("b", many)))
	require.ErrorIs(t, err, connector.ErrTooLarge)
}

func TestXMLIsDecodedByItsDeclaration(t *testing.T) {
	t.Parallel()
	utf16Of := func(text string, little bool) string {
		var out []byte
		for _, u := range utf16.Encode([]rune(text)) {
			if little {
				out = append(out, byte(u), byte(u>>8))
			} else {
				out = append(out, byte(u>>8), byte(u))
			}
		}
		return string(out)
	}
	tests := map[string]struct {
		document string
		decoded  bool
		want     string
	}{
		"UTF-8":                          {document: `<?xml version="1.0" encoding="UTF-8"?><a>é</a>`, want: "é"},
		"Latin 1":                        {document: "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xe9\x80</a>", want: "é€"},
		"single quotes and blanks":       {document: "<?xml version='1.0' encoding = 'iso-8859-1' ?><a>\xe9</a>", want: "é"},
		"Windows-1250":                   {document: "<?xml version=\"1.0\" encoding=\"windows-1250\"?><a>\xf8\x8a</a>", want: "řŠ"},
		"Windows-1251":                   {document: "<?xml version=\"1.0\" encoding=\"windows-1251\"?><a>\xcf</a>", want: "П"},
		"ISO-8859-2":                     {document: "<?xml version=\"1.0\" encoding=\"ISO-8859-2\"?><a>\xf8</a>", want: "ř"},
		"ISO-8859-15":                    {document: "<?xml version=\"1.0\" encoding=\"ISO-8859-15\"?><a>\xa4</a>", want: "€"},
		"UTF-16 with a mark":             {document: utf16Of("\ufeff<?xml version=\"1.0\" encoding=\"UTF-16\"?><a>é😀</a>", true), want: "é😀"},
		"UTF-16 big-endian with a mark":  {document: utf16Of("\ufeff<a>é😀</a>", false), want: "é😀"},
		"UTF-16 without a mark":          {document: utf16Of("<a>é</a>", true), want: "é"},
		"UTF-16 that was decoded before": {document: `<?xml version="1.0" encoding="utf-16"?><a>é</a>`, want: "é"},
		"decoded already":                {document: `<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>`, decoded: true, want: "é"},
		"the mark counts":                {document: "\ufeff<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>é</a>", want: "é"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := connector.ParseXML([]byte(test.document), connector.XMLOptions{Decoded: test.decoded})
			require.NoError(t, err)
			require.Equal(t, test.want, b.Get("a"))
		})
	}
}

func TestXMLIsWrittenFromItsShape(t *testing.T) {
	t.Parallel()
	attributes := connector.NewBundle("id", 7, "none", nil, "quoted", "a\"<&\n\t\r")
	tests := map[string]struct {
		root any
		want string
	}{
		"a text":              {"x", `<a>x</a>`},
		"an empty text":       {"", `<a/>`},
		"a number":            {12.50, `<a>12.5</a>`},
		"a boolean":           {true, `<a>true</a>`},
		"a date":              {time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), `<a>2026-01-02T03:04:05.000Z</a>`},
		"a buffer of text":    {[]byte("ü"), `<a>ü</a>`},
		"markup in a text":    {"a<b>&]]>\"'", `<a>a&lt;b&gt;&amp;]]&gt;"'</a>`},
		"blanks":              {" \n", "<a>&#32;\n</a>"},
		"a carriage return":   {"a\rb", `<a>a&#13;b</a>`},
		"no XML character":    {"a\x00\xffb", "<a>a\ufffd\ufffdb</a>"},
		"children":            {connector.NewBundle("b", []any{"1", nil, "2"}, "c", "x", "d", nil, "e", []any{}), `<a><b>1</b><b>2</b><c>x</c></a>`},
		"attributes and text": {connector.NewBundle("_value", "x", "_attributes", attributes), "<a id=\"7\" quoted=\"a&quot;&lt;&amp;&#10;&#9;&#13;\">x</a>"},
		"attributes only":     {connector.NewBundle("_attributes", connector.NewBundle("id", 7)), `<a id="7"/>`},
		"a prefix":            {connector.NewBundle("s:b", "x"), `<a><s:b>x</s:b></a>`},
		"one of an array":     {[]any{nil, "x"}, `<a>x</a>`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := connector.AppendXML([]byte("-"), connector.NewBundle("a", test.root))
			require.NoError(t, err)
			require.Equal(t, "-"+test.want, string(text))
		})
	}
}

func TestWhatXMLCannotSayIsRefused(t *testing.T) {
	t.Parallel()
	for name, root := range map[string]connector.Bundle{
		"no root":            {},
		"a root that is nil": connector.NewBundle("a", nil),
		"two roots":          connector.NewBundle("a", "x", "b", "y"),
		"a root twice":       connector.NewBundle("a", []any{"x", "y"}),
		"a name with blanks": connector.NewBundle("a b", "x"),
		"an empty name":      connector.NewBundle("", "x"),
		"a number as a name": connector.NewBundle("1", "x"),
		"two colons":         connector.NewBundle("a:b:c", "x"),
		"markup in a name":   connector.NewBundle("a", connector.NewBundle("b><c", "x")),
		"a bad attribute":    connector.NewBundle("a", connector.NewBundle("_attributes", connector.NewBundle("b=", "x"))),
		"binary":             connector.NewBundle("a", []byte{0xff}),
		"a nested attribute": connector.NewBundle("a", connector.NewBundle("_attributes", connector.NewBundle("b", connector.NewBundle()))),
		"a nested value":     connector.NewBundle("a", connector.NewBundle("_value", connector.NewBundle("b", "x"))),
	} {
		_, err := connector.AppendXML(nil, root)
		require.ErrorIs(t, err, connector.ErrXML, name)
	}
}

func ExampleParseXML() {
	order, err := connector.ParseXML([]byte(`<order id="17"><line>tea</line><line>milk</line></order>`), connector.XMLOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	text, _ := order.MarshalJSON()
	fmt.Println(string(text))
	// Output: {"order":{"_attributes":{"id":"17"},"line":["tea","milk"]}}
}

func ExampleAppendXML() {
	order := connector.NewBundle("order", connector.NewBundle(
		"_attributes", connector.NewBundle("id", 17), "line", []any{"tea", "milk & honey"},
	))
	document, err := connector.AppendXML(nil, order)
	fmt.Println(string(document), err)
	// Output: <order id="17"><line>tea</line><line>milk &amp; honey</line></order> <nil>
}

// FuzzXML checks that no document can crash the parser, and that what it reads is the same when it is written and read
// again.
func FuzzXML(f *testing.F) {
	for _, seed := range []string{
		`<a/>`, `<a b="c">d</a>`, `<a>1<b>2</b>3</a>`, "<a><b> </b><![CDATA[ ]]>&#13;</a>", `<?xml version="1.0" encoding="windows-1250"?><a>ř</a>`,
		"\xff\xfe<\x00a\x00/\x00>\x00", `<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`, `<x:a xmlns:x="u"><x:b/></x:a>`, `<a><_value/></a>`,
		`<a><n>007</n><n>1.50</n><n>-0</n></a>`, `<a b="&#10;&quot;"/>`, "<a>\r\n</a>", `<a><_attributes>x</_attributes></a>`,
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, document []byte, decoded bool) {
		first, err := connector.ParseXML(document, connector.XMLOptions{NumbersAsText: true, Decoded: decoded})
		if err != nil {
			require.ErrorIs(t, err, connector.ErrXML)
			return
		}
		written, err := connector.AppendXML(nil, first)
		if err != nil { // the library knows more names than XML does
			require.ErrorContains(t, err, "is no name")
			return
		}
		second, err := connector.ParseXML(written, connector.XMLOptions{NumbersAsText: true})
		require.NoError(t, err, "%s", written)
		require.Equal(t, jsonOf(t, first), jsonOf(t, second), "%s", written)
		if numbers, err := connector.ParseXML(document, connector.XMLOptions{Decoded: decoded}); err == nil {
			again, err := connector.AppendXML(nil, numbers)
			require.NoError(t, err)
			require.NotEmpty(t, again)
		}
	})
}

func BenchmarkParseXML(b *testing.B) {
	document := []byte("<rows>" + strings.Repeat(`<row id="17"><name>Ada &amp; Charles</name><amount>12.50</amount></row>`, 1000) + "</rows>")
	b.SetBytes(int64(len(document)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := connector.ParseXML(document, connector.XMLOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendXML(b *testing.B) {
	rows := make([]any, 1000)
	for i := range rows {
		rows[i] = connector.NewBundle("_attributes", connector.NewBundle("id", 17), "name", []any{"Ada & Charles"}, "amount", []any{12.5})
	}
	root := connector.NewBundle("rows", connector.NewBundle("row", rows))
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if dst, err = connector.AppendXML(dst[:0], root); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(dst)))
}
