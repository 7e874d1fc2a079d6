package gateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
)

// order is what the hooks of these tests check requests against.
var order = connector.Structure{Name: "order", Strict: true, Fields: []connector.Field{
	{Name: "id", Type: connector.TypeInteger, Required: true},
	{Name: "when", Type: connector.TypeDate},
	{Name: "currency", Type: connector.TypeText, Default: "EUR"},
	{Name: "file", Type: connector.TypeCollection, Fields: []connector.Field{
		{Name: "name", Type: connector.TypeText, Required: true},
		{Name: "mime", Type: connector.TypeText},
		{Name: "data", Type: connector.TypeBuffer, Required: true},
	}},
}}

func checked(t testing.TB, params connector.Bundle, request *http.Request) connectortest.Result {
	t.Helper()
	return connectortest.Run(t, module(t, "CustomWebHook"), connectortest.Call{
		Params: params, Request: request, Structures: map[string]connector.Structure{"order": order, "12": order},
	})
}

func TestWebhookConvertsToItsStructure(t *testing.T) {
	t.Parallel()
	const form, json = "application/x-www-form-urlencoded", "application/json"
	for name, c := range map[string]struct {
		named   any
		request *http.Request
		want    string
	}{
		"JSON":         {"order", post("/", json, `{"currency":"SEK","id":"7"}`), `{"id":7,"currency":"SEK"}`},
		"by number":    {12, post("/", json, `{"id":"7"}`), `{"id":7,"currency":"EUR"}`},
		"form":         {"order", post("/", form, "when=2026-01-02&id=7"), `{"id":7,"when":"2026-01-02T00:00:00.000Z","currency":"EUR"}`},
		"query":        {"order", post("/?id=7", "", ""), `{"id":7,"currency":"EUR"}`},
		"both":         {"order", post("/?id=8", json, `{"id":7}`), `{"id":8,"currency":"EUR"}`},
		"each element": {"order", post("/", json, `[{"id":1},{"id":2.0}]`), `{"id":1,"currency":"EUR"} {"id":2,"currency":"EUR"}`},
		"a file": {"order", multipartOf(t, part{name: "file", file: "a.txt", content: "x"}, part{name: "id", content: "7"}),
			`{"id":7,"currency":"EUR","file":{"name":"a.txt","mime":"application/octet-stream","data":"x"}}`},
	} {
		result := checked(t, connector.NewBundle("udt", c.named), c.request)
		require.NoError(t, result.Err, name)
		require.Equal(t, c.want, line(t, result.Bundles), name)
	}
}

func TestWebhookAddsHeadersToWhatFits(t *testing.T) {
	t.Parallel()
	params := connector.NewBundle("udt", "order", "headers", true, "method", true)
	result := checked(t, params, post("/", "application/json", `{"id":1,"__IMTMETHOD__":"forged"}`))
	require.NoError(t, result.Err)
	require.Equal(t, http.MethodPost, result.Bundles[0].Get("__IMTMETHOD__"))
	require.NotEmpty(t, result.Bundles[0].Get("__IMTHEADERS__"))
}

func TestWebhookNamesTheFieldsThatDoNotFit(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"id":"needle","extra":"needle"}`: "field id: expected integer, received text; field extra: is not part of the data structure: leave it out",
		`{"file":"needle"}`:                "field id: is required; field file: expected collection, received text",
		`"needle"`:                         "field id: is required; field value: is not part of the data structure: leave it out",
		`[{"id":1},{"id":"needle"},{}]`:    "element 2: field id: expected integer, received text; element 3: field id: is required",
		`[{},{},{},{},{},{}]`:              "the elements behind it were not looked at",
		`[{},{},{},{},{}]`:                 "element 5: field id: is required",
	} {
		result := checked(t, connector.NewBundle("udt", "order"), post("/", "application/json", body))
		require.Equal(t, connector.BundleValidationError, connector.TypeOf(result.Err), body)
		require.ErrorContains(t, result.Err, want, body)
		require.NotContains(t, result.Err.Error(), "needle", body)
		require.Empty(t, result.Bundles, "all or none")
	}
}

func TestWebhookLetsNothingInWithoutTheStructureThatItNeeds(t *testing.T) {
	t.Parallel()
	for name, params := range map[string]connector.Bundle{
		"a name that is not there":   connector.NewBundle("udt", "other"),
		"a number that is not there": connector.NewBundle("udt", 99),
		"text instead of fields":     connector.NewBundle("udt", "order", "stringify", true),
		"no name at all":             connector.NewBundle("udt", true),
	} {
		result := checked(t, params, post("/", "application/json", `{"id":1}`))
		require.Equal(t, connector.InvalidConfigurationError, connector.TypeOf(result.Err), name)
		require.Empty(t, result.Bundles, name)
	}
	result := checked(t, connector.NewBundle("udt", ""), post("/", "application/json", `{"any":1}`))
	require.NoError(t, result.Err)
}

func TestWebhooksShareAStructure(t *testing.T) {
	t.Parallel()
	var work sync.WaitGroup
	for i := range 8 {
		work.Go(func() {
			for j := range 50 {
				result := checked(t, connector.NewBundle("udt", "order", "method", true), post("/", "application/json", fmt.Sprintf(`{"id":%d}`, i*100+j)))
				if result.Err != nil || result.Bundles[0].Get("id") != int64(i*100+j) {
					t.Errorf("request %d of %d: %v", j, i, result.Err)
				}
			}
		})
	}
	work.Wait()
}

func TestWebhookSurvivesHostileForms(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("x", 4<<20)
	for name, request := range map[string]*http.Request{
		"a huge part":          multipartOf(t, part{name: "a", content: huge}),
		"a huge name":          multipartOf(t, part{name: strings.Repeat("n", 1<<20), content: "x"}),
		"a huge file name":     multipartOf(t, part{name: "a", file: strings.Repeat("n", 1<<20), content: "x"}),
		"a boundary in itself": post("/", `multipart/form-data; boundary="--"`, "------\r\n\r\n------\r\n"),
		"a part in a part":     post("/", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=a\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\nz\r\n--y--\r\n\r\n--x--\r\n"),
		"headers without end":  post("/", "multipart/form-data; boundary=x", "--x\r\n"+strings.Repeat("A: b\r\n", 20_000)+"\r\n\r\n--x--\r\n"),
		"one long header":      post("/", "multipart/form-data; boundary=x", "--x\r\nA: "+huge+"\r\n\r\n--x--\r\n"),
		"a path as a name":     multipartOf(t, part{name: "a", file: "../../etc/passwd", content: "x"}),
		"no disposition":       post("/", "multipart/form-data; boundary=x", "--x\r\n\r\nneedle\r\n--x--\r\n"),
		"quoted-printable":     post("/", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=zz\r\n--x--\r\n"),
	} {
		result := receive(t, exported, request)
		if result.Err != nil {
			require.Equal(t, connector.DataError, connector.TypeOf(result.Err), name)
			require.Less(t, len(result.Err.Error()), 200, name)
			continue
		}
		require.Len(t, result.Bundles, 1, name)
		if file, ok := result.Bundles[0].Get("a").(connector.Bundle); ok {
			require.NotContains(t, file.Get("name"), "/", name)
		}
	}
}
