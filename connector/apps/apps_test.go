package apps_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector/apps"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
)

func TestAllStandBesideTheGenericOnes(t *testing.T) {
	t.Parallel()
	e, err := engine.New(engine.Config{Connectors: apps.All()})
	require.NoError(t, err)
	defer func() { require.NoError(t, e.Close()) }()
	bp, err := blueprint.Parse([]byte(`{"name": "All", "flow": [
	  {"id": 1, "module": "json:ParseJSON", "version": 1, "mapper": {"json": "{}"}},
	  {"id": 2, "module": "rss:ActionReadArticles", "version": 4, "parameters": {"include": []}, "mapper": {"url": "https://example.com/", "username": "", "password": "", "filterDateFrom": "", "filterDateTo": "", "maxResults": "10", "gzip": true}},
	  {"id": 3, "module": "markdown:Compile", "version": 2, "mapper": {"data": "{{2.title}}", "gfm": true, "sanitize": false}},
	  {"id": 4, "module": "markdown:Decompile", "version": 2, "mapper": {"data": "{{3.data}}", "gfm": true}},
	  {"id": 5, "module": "regexp:HTMLToText", "version": 1, "mapper": {"html": "{{3.data}}", "newline": "lf", "uppercaseHeadings": true}},
	  {"id": 6, "module": "regexp:GetElements", "version": 1, "parameters": {"continueWhenNoRes": true}, "mapper": {"text": "{{3.data}}"}},
	  {"id": 7, "module": "xml:XPathQuery", "version": 1, "mapper": {"xml": "<a/>", "xpath": "//a"}},
	  {"id": 8, "module": "image:ExtractMetadata", "version": 2, "mapper": {"data": "x"}}]}`))
	require.NoError(t, err)
	problems, unknown := e.Check(bp)
	require.Empty(t, problems)
	require.Empty(t, unknown)
}

func Example() {
	e, err := engine.New(engine.Config{Connectors: apps.All()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer e.Close()
	bp, err := blueprint.Parse([]byte(`{"name": "Page", "flow": [
	  {"id": 1, "module": "markdown:Compile", "version": 2, "mapper": {"data": "# High tide\nat *06:12*", "gfm": true, "sanitize": true}},
	  {"id": 2, "module": "regexp:HTMLToText", "version": 1, "mapper": {"html": "{{1.data}}", "newline": "lf", "uppercaseHeadings": true}}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	x, err := e.Try(context.Background(), bp, engine.TryOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(x.Trace[1].Out[0].Get("text"))
	// Output:
	// HIGH TIDE
	//
	// at 06:12
}
