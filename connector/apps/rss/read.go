package rss

import (
	"context"
	"iter"
	"time"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto/secret"
)

type readIn struct {
	Include  []string     `json:"include" param:"true" label:"Process RSS fields" help:"Vocabularies whose fields the editor offers. All fields are given whether or not theirs is named here."`
	URL      string       `json:"url" label:"URL" type:"url" required:"true"`
	User     string       `json:"username" label:"User name"`
	Password secret.Value `json:"password" label:"Password"`
	From     time.Time    `json:"filterDateFrom" label:"Date from" help:"Articles that are older, or of which the feed gives no date, are left out"`
	To       time.Time    `json:"filterDateTo" label:"Date to" help:"Articles that are newer, or of which the feed gives no date, are left out"`
	Max      int          `json:"maxResults" label:"Maximum number of returned items" min:"0" help:"0 or empty: all"`
	Gzip     bool         `json:"gzip" label:"Request compressed content" default:"true"`
}

// newRead makes ActionReadArticles, which gives a bundle for each article of a feed, in the order of the feed.
func newRead(config Config) connector.Module {
	info := connector.Info{
		Name: "ActionReadArticles", Version: 4, Label: "Retrieve RSS feed items",
		Description: "Gives the articles of a feed.", ReadOnly: true,
	}
	return connector.NewSearch(info,
		func(ctx context.Context, call *connector.Call, in readIn) iter.Seq2[article, error] {
			return func(yield func(article, error) bool) {
				articles, err := in.articles(ctx, call, config)
				if err != nil {
					yield(article{}, err)
					return
				}
				for _, a := range articles {
					if !yield(a, ctx.Err()) || ctx.Err() != nil {
						return
					}
				}
			}
		})
}

func (in *readIn) articles(ctx context.Context, call *connector.Call, config Config) ([]article, error) {
	feed, err := fetch(ctx, call, config, request{url: in.URL, user: in.User, password: in.Password, gzip: in.Gzip})
	if err != nil {
		return nil, err
	}
	articles, err := parse(ctx, feed, config.MaxArticles)
	if err != nil {
		return nil, err
	}
	kept := articles[:0]
	for _, a := range articles {
		if in.passes(a.date()) {
			kept = append(kept, a)
		}
	}
	if in.Max > 0 && len(kept) > in.Max {
		kept = kept[:in.Max]
	}
	return kept, nil
}

// passes says whether the filter lets a date through. Both ends are included.
func (in *readIn) passes(date time.Time) bool {
	if in.From.IsZero() && in.To.IsZero() {
		return true
	}
	return !date.IsZero() && !date.Before(in.From) && (in.To.IsZero() || !date.After(in.To))
}
