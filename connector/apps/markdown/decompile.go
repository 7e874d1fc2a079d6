package markdown

import (
	"context"

	"github.com/JohannesKaufmann/html-to-markdown/v2/converter"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/base"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/commonmark"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/strikethrough"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/table"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/apps/internal/page"
)

type decompileIn struct {
	Data string `json:"data" label:"HTML"`
	GFM  bool   `json:"gfm" label:"GitHub Flavored Markdown" help:"Tables and strikethrough"`
}

// newDecompile makes Decompile, which turns HTML into Markdown.
func newDecompile(config Config) connector.Module {
	info := connector.Info{
		Name: "Decompile", Version: 2, Label: "HTML to Markdown", Description: "Turns HTML into Markdown.", Pure: true,
	}
	return connector.NewAction(info, func(ctx context.Context, _ *connector.Call, in decompileIn) (out, error) {
		root, err := page.Parse(ctx, "data", in.Data, config.MaxBytes)
		if err != nil {
			return out{}, err
		}
		if err := tame(root); err != nil {
			return out{}, err
		}
		plugins := []converter.Plugin{base.NewBasePlugin(), commonmark.NewCommonmarkPlugin()}
		if in.GFM {
			plugins = append(plugins, strikethrough.NewStrikethroughPlugin(), table.NewTablePlugin())
		}
		text, err := converter.NewConverter(converter.WithPlugins(plugins...)).ConvertNode(root, converter.WithContext(ctx))
		switch {
		case ctx.Err() != nil:
			return out{}, ctx.Err()
		case err != nil:
			return out{}, connector.Errorf(connector.DataError, "field data: cannot be turned into Markdown")
		}
		return out{string(text)}, nil
	})
}
