package gateway_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
	"github.com/ebbkit/ebb/connector/gateway"
)

func respond(t testing.TB, input connector.Bundle) connectortest.Result {
	t.Helper()
	return connectortest.Run(t, module(t, "WebhookRespond"), connectortest.Call{Input: input})
}

// header makes a custom header as blueprints hold it.
func header(key, value any) connector.Bundle { return connector.NewBundle("key", key, "value", value) }

// headers makes headers of names and values in turn.
func headers(namesAndValues ...string) (list []connector.Header) {
	for pair := range slices.Chunk(namesAndValues, 2) {
		list = append(list, connector.Header{Name: pair[0], Value: pair[1]})
	}
	return list
}

func TestRespondAnswersTheCaller(t *testing.T) {
	t.Parallel()
	const contentType, plain = "Content-Type", "text/plain; charset=utf-8"
	tests := map[string]struct {
		input connector.Bundle
		want  connector.Response
	}{
		"as exported": {
			connector.NewBundle("body", "Updated Script. Ü", "status", "200", "headers", []any{}),
			connector.Response{Status: 200, Body: []byte("Updated Script. Ü"), Headers: headers(contentType, plain)},
		},
		"a text that is JSON stays a text": {
			connector.NewBundle("body", `{"result": "created"}`, "status", 201),
			connector.Response{Status: 201, Body: []byte(`{"result": "created"}`), Headers: headers(contentType, plain)},
		},
		"a collection": {
			connector.NewBundle("body", connector.NewBundle("z", 1, "a", []any{"<ü>"}), "status", "200"),
			connector.Response{Status: 200, Body: []byte(`{"z":1,"a":["<ü>"]}`), Headers: headers(contentType, "application/json")},
		},
		"an array": {
			connector.NewBundle("body", []any{}, "status", "200"),
			connector.Response{Status: 200, Body: []byte(`[]`), Headers: headers(contentType, "application/json")},
		},
		"a buffer": {
			connector.NewBundle("body", []byte{0xff, 0}, "status", "200"),
			connector.Response{Status: 200, Body: []byte{0xff, 0}, Headers: headers(contentType, "application/octet-stream")},
		},
		"a number": {
			connector.NewBundle("body", 1.50, "status", "200"),
			connector.Response{Status: 200, Body: []byte("1.5"), Headers: headers(contentType, plain)},
		},
		"false": {
			connector.NewBundle("body", false, "status", "200"),
			connector.Response{Status: 200, Body: []byte("false"), Headers: headers(contentType, plain)},
		},
		"no body":     {connector.NewBundle("status", "204"), connector.Response{Status: 204}},
		"a null body": {connector.NewBundle("status", "204", "body", nil), connector.Response{Status: 204}},
		"empty text":  {connector.NewBundle("status", 599, "body", ""), connector.Response{Status: 599}},
		"a type of its own": {
			connector.NewBundle("status", "200", "body", "<p>", "headers", []any{header("content-type", " text/html ")}),
			connector.Response{Status: 200, Body: []byte("<p>"), Headers: headers("content-type", "text/html")},
		},
		"a redirect, and a name that stands twice": {
			connector.NewBundle("status", "303", "headers", []any{
				header("Location", "https://example.org/ü"), header("Set-Cookie", "a=1"), header("Set-Cookie", "b=2"), header("X-Empty", ""),
				header("X-Number", 7), header("X-Null", nil),
			}),
			connector.Response{Status: 303, Headers: headers("Location", "https://example.org/ü", "Set-Cookie", "a=1", "Set-Cookie", "b=2", "X-Empty", "", "X-Number", "7", "X-Null", "")},
		},
		"what belongs to the connection is left out": {
			connector.NewBundle("status", "200", "body", "x", "headers", []any{
				header("content-length", "99"), header("Transfer-Encoding", "chunked"), header("connection", "close"), header("X-A", "1"),
			}),
			connector.Response{Status: 200, Body: []byte("x"), Headers: headers("X-A", "1", contentType, plain)},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := respond(t, test.input)
			require.NoError(t, result.Err)
			require.Equal(t, "{}", line(t, result.Bundles))
			require.Equal(t, []connector.Response{test.want}, result.Responses)
		})
	}
}

func TestRespondRefusesBadAnswers(t *testing.T) {
	t.Parallel()
	with := func(key, value any) connector.Bundle {
		return connector.NewBundle("status", "200", "headers", []any{header("X-Fine", "1"), header(key, value)})
	}
	many := make([]any, gateway.MaxResponseHeaders+1)
	for i := range many {
		many[i] = header("X-"+strconv.Itoa(i), "1")
	}
	for name, test := range map[string]struct {
		input connector.Bundle
		kind  connector.ErrorType
	}{
		"no status":             {connector.NewBundle("body", "x"), connector.BundleValidationError},
		"empty status":          {connector.NewBundle("status", ""), connector.BundleValidationError},
		"status 99":             {connector.NewBundle("status", "99"), connector.BundleValidationError},
		"status 600":            {connector.NewBundle("status", 600), connector.BundleValidationError},
		"status in words":       {connector.NewBundle("status", "OK"), connector.BundleValidationError},
		"half a status":         {connector.NewBundle("status", 200.5), connector.BundleValidationError},
		"seventeen headers":     {connector.NewBundle("status", "200", "headers", many), connector.BundleValidationError},
		"no name":               {with("", "1"), connector.BundleValidationError},
		"a long name":           {with(strings.Repeat("n", gateway.MaxHeaderName+1), "1"), connector.BundleValidationError},
		"a long value":          {with("X-Long", strings.Repeat("ü", gateway.MaxHeaderValue+1)), connector.BundleValidationError},
		"a value that is none":  {with("X", connector.NewBundle("a", 1)), connector.BundleValidationError},
		"a name with a blank":   {with("X needle", "1"), connector.DataError},
		"a name with a colon":   {with("X:needle", "1"), connector.DataError},
		"a name with an umlaut": {with("Xü", "1"), connector.DataError},
		"a line break":          {with("X", "needle\r\nSet-Cookie: a=1"), connector.DataError},
		"a line feed":           {with("X", "needle\nx"), connector.DataError},
		"a NUL":                 {with("X", "needle\x00"), connector.DataError},
		"a name that breaks":    {with("X\r\nneedle", "1"), connector.DataError},
		"not UTF-8":             {with("X", "needle\xff"), connector.DataError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := respond(t, test.input)
			require.Equal(t, test.kind, connector.TypeOf(result.Err))
			require.Empty(t, result.Responses)
			require.NotContains(t, result.Err.Error(), "needle")
		})
	}
}

func TestRespondTakesAsMuchAsItsLimits(t *testing.T) {
	t.Parallel()
	many := make([]any, gateway.MaxResponseHeaders)
	for i := range many {
		many[i] = header(strings.Repeat("n", gateway.MaxHeaderName), strings.Repeat("ü", gateway.MaxHeaderValue))
	}
	result := respond(t, connector.NewBundle("status", "100", "headers", many))
	require.NoError(t, result.Err)
	require.Len(t, result.Responses[0].Headers, gateway.MaxResponseHeaders)
}

func TestRespondPassesOnErrors(t *testing.T) {
	t.Parallel()
	gone := errors.New("the caller is gone")
	_, err := module(t, "WebhookRespond").(connector.Action).Do(t.Context(), &connector.Call{
		Input:   connector.NewBundle("status", "200"),
		Respond: func(context.Context, connector.Response) error { return gone },
	})
	require.ErrorIs(t, err, gone)
}
