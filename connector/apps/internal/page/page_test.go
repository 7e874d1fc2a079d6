package page_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/apps/internal/page"
)

func TestPagesThatAreTooMuchAreRefused(t *testing.T) {
	t.Parallel()
	var fonts strings.Builder
	for i := range 300 {
		fmt.Fprintf(&fonts, "<font color=%d>", i)
	}
	var attributes strings.Builder
	for i := range 500_001 {
		fmt.Fprintf(&attributes, " %x", i)
	}
	for name, c := range map[string]struct{ text, part string }{
		"long":             {strings.Repeat(" ", 5_000_001), "longer than"},
		"many elements":    {strings.Repeat("<br>", 500_001), "too many elements"},
		"many attributes":  {"<p" + attributes.String() + ">", "too many elements"},
		"deep":             {strings.Repeat("<div>", 600), "nested too deep"},
		"formatting again": {"<div>" + fonts.String() + "</div>" + strings.Repeat("<p>x", 100_000), "too many elements"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := page.Parse(t.Context(), "html", c.text, 5_000_000)
			require.Equal(t, connector.DataError, connector.TypeOf(err))
			require.ErrorContains(t, err, "field html: "+map[bool]string{true: "is ", false: "has "}[name == "long" || name == "deep"])
			require.ErrorContains(t, err, c.part)
		})
	}
}

func TestPagesOfEverydayAreParsed(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "text", "<p>a<p>b", "<b><i>crossed</b></i>", strings.Repeat("<p><b>bold</b> and <a href=x>link</a>", 20_000),
		strings.Repeat("<table><tr><td>", 50), "<script>while(1){}</script><style>a{}</style>",
	} {
		root, err := page.Parse(t.Context(), "html", text, 5_000_000)
		require.NoError(t, err)
		require.Equal(t, html.DocumentNode, root.Type)
	}
}

func TestParsingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := page.Parse(ctx, "html", "<p>", 100)
	require.ErrorIs(t, err, context.Canceled)
}
