package rss

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto/secret"
)

type watchIn struct {
	URL      string       `json:"url" label:"URL" type:"url" required:"true"`
	Max      int          `json:"maxResults" label:"Maximum number of returned items" min:"0" help:"0 or empty: all"`
	User     string       `json:"username" label:"User name"`
	Password secret.Value `json:"password" label:"Password"`
	Include  []string     `json:"include" label:"Process RSS fields" help:"Vocabularies whose fields the editor offers. All fields are given whether or not theirs is named here."`
	Gzip     bool         `json:"gzip" label:"Request compressed content" default:"true"`
}

// newWatch makes TriggerNewArticle, which gives the articles that it has not given before, oldest first.
//
// Articles are told apart by what the feed gives them for an identity, not by their dates, because feeds give many articles the
// same date, or none, or one that changes. The first poll gives the newest articles up to the limit and takes the older ones as
// seen; every further poll gives what has come since, up to the limit, and leaves the rest for the next one.
func newWatch(config Config) connector.Module {
	info := connector.Info{
		Name: "TriggerNewArticle", Version: 4, Label: "Watch RSS feed items",
		Description: "Starts when a feed has a new article.",
	}
	return connector.NewTrigger(info,
		func(ctx context.Context, call *connector.Call, in watchIn) (iter.Seq2[article, error], func() []byte) {
			w := &watch{in: in, config: config, given: call.Cursor}
			return func(yield func(article, error) bool) {
				if err := w.open(ctx, call); err != nil {
					yield(article{}, err)
					return
				}
				for _, a := range w.fresh {
					if ctx.Err() != nil {
						yield(article{}, ctx.Err())
						return
					}
					w.cursor.add(digest(a.id))
					w.yielded++
					if !yield(a, nil) {
						return
					}
				}
			}, w.next
		})
}

// A watch is one poll.
type watch struct {
	in     watchIn
	config Config
	given  []byte // the cursor of the last poll

	opened  bool
	cursor  *cursor
	feed    *document
	fresh   []article // to be yielded, oldest first
	left    int       // how many articles are new and wait for the next poll
	yielded int
	current []string // the digests of all articles in the feed
}

// open fetches the feed and finds out what is new in it.
func (w *watch) open(ctx context.Context, call *connector.Call) error {
	c, err := parseCursor(w.given)
	if err != nil {
		return err
	}
	r := request{url: w.in.URL, user: w.in.User, password: w.in.Password, gzip: w.in.Gzip}
	if c.Feed == digest(w.in.URL) {
		r.etag, r.modified = c.ETag, c.Modified
	}
	if w.feed, err = fetch(ctx, call, w.config, r); err != nil {
		return err
	}
	w.cursor, w.opened = c, true
	if w.feed.unchanged {
		return nil
	}
	articles, err := parse(ctx, w.feed, w.config.MaxArticles)
	if err != nil {
		w.opened = false
		return err
	}
	articles = oldestFirst(articles, call.Now)
	found := map[string]bool{}
	for _, a := range articles {
		id := digest(a.id)
		if found[id] {
			continue
		}
		found[id] = true
		w.current = append(w.current, id)
		if !c.has(id) {
			w.fresh = append(w.fresh, a)
		}
	}
	if w.in.Max > 0 && len(w.fresh) > w.in.Max {
		if w.given == nil {
			for _, a := range w.fresh[:len(w.fresh)-w.in.Max] {
				c.add(digest(a.id))
			}
			w.fresh = w.fresh[len(w.fresh)-w.in.Max:]
		} else {
			w.left = len(w.fresh) - w.in.Max
			w.fresh = w.fresh[:w.in.Max]
		}
	}
	return nil
}

// next is the cursor behind the articles that were yielded. A poll that failed does not move it.
func (w *watch) next() []byte {
	if !w.opened {
		return w.given
	}
	if w.feed.unchanged {
		return w.given
	}
	w.cursor.keep(w.current)
	w.cursor.Feed, w.cursor.ETag, w.cursor.Modified = "", "", ""
	if w.left == 0 && w.yielded == len(w.fresh) {
		// Only when nothing is left may the server say next time that nothing has changed.
		w.cursor.Feed, w.cursor.ETag, w.cursor.Modified = digest(w.in.URL), w.feed.etag, w.feed.modified
	}
	return w.cursor.encode()
}

// oldestFirst sorts articles by their dates. An article without one goes where its neighbour in the feed is; feeds list the
// newest first, and what has no date at all is taken in the reverse order of the feed.
func oldestFirst(articles []article, now time.Time) []article {
	type dated struct {
		article
		at time.Time
	}
	sorted := make([]dated, len(articles))
	at := now
	for i, a := range articles {
		if date := a.date(); !date.IsZero() {
			at = date
		}
		sorted[len(articles)-1-i] = dated{a, at}
	}
	slices.SortStableFunc(sorted, func(a, b dated) int { return cmp.Compare(a.at.UnixNano(), b.at.UnixNano()) })
	for i := range sorted {
		articles[i] = sorted[i].article
	}
	return articles
}
