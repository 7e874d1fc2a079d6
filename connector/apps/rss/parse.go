package rss

import (
	"bytes"
	"cmp"
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/mmcdole/gofeed"
	"github.com/mmcdole/gofeed/atom"
	"github.com/mmcdole/gofeed/rss"

	"github.com/ebbkit/ebb/connector"
)

// parse makes articles of a feed, in its order.
func parse(ctx context.Context, d *document, maxArticles int) ([]article, error) {
	text := bytes.TrimSpace(toUTF8(d.body, d.kind))
	var other []connector.Bundle
	switch {
	case bytes.HasPrefix(text, []byte("<")):
		text = clean(text)
		outline, err := outlined(ctx, text, maxArticles)
		if err != nil {
			return nil, err
		}
		other, text = outline.fields, text[outline.root:]
	case !bytes.HasPrefix(text, []byte("{")):
		return nil, connector.Errorf(connector.DataError, "the answer is no feed")
	}
	parser := gofeed.NewParser()
	parser.KeepOriginalFeed = true
	parser.RSSTranslator = &gofeed.DefaultRSSTranslator{DisableContentImageScan: true}
	feed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		// What gofeed says may quote the feed.
		return nil, connector.Errorf(connector.DataError, "the answer is no feed that can be read")
	}
	if len(feed.Items) > maxArticles {
		return nil, tooMany(maxArticles)
	}
	if len(other) != len(feed.Items) {
		other = make([]connector.Bundle, len(feed.Items)) // two readings of a broken feed: better no other fields than wrong ones
	}
	articles := make([]article, len(feed.Items))
	for i, item := range feed.Items {
		articles[i] = articleOf(item, d.url)
		articles[i].Fields = other[i]
	}
	addOriginal(articles, feed.OriginalFeed(), d.url)
	return articles, nil
}

// articleOf makes an article of what feeds of all dialects say.
func articleOf(item *gofeed.Item, base *url.URL) article {
	a := article{
		Title:       item.Title,
		Description: cmp.Or(item.Content, item.Description),
		Summary:     item.Description,
		URL:         resolve(base, item.Link),
		DateCreated: instant(item.PublishedParsed, item.UpdatedParsed),
		DateUpdated: instant(item.UpdatedParsed, item.PublishedParsed),
		Categories:  append([]string{}, item.Categories...),
		Enclosures:  []enclosure{},
		id:          cmp.Or(item.GUID, item.Link, item.Title+"\x00"+item.Description),
	}
	if a.URL == "" && (strings.HasPrefix(item.GUID, "http://") || strings.HasPrefix(item.GUID, "https://")) {
		a.URL = item.GUID // a guid is a permanent link unless it says otherwise (RSS 2.0)
	}
	for _, person := range item.Authors {
		if person != nil && a.Author == "" {
			a.Author = cmp.Or(person.Name, person.Email)
		}
	}
	a.Image = imageOf(item, base)
	for _, e := range item.Enclosures {
		if e == nil {
			continue
		}
		enclosed := enclosure{URL: resolve(base, e.URL), Type: e.Type}
		if n, err := strconv.ParseInt(strings.TrimSpace(e.Length), 10, 64); err == nil && n >= 0 {
			enclosed.Length = &n
		}
		a.Enclosures = append(a.Enclosures, enclosed)
	}
	return a
}

// imageOf is the picture of an article.
func imageOf(item *gofeed.Item, base *url.URL) *reference {
	if item.Image != nil && item.Image.URL != "" {
		return &reference{Title: item.Image.Title, URL: resolve(base, item.Image.URL)}
	}
	for _, thumbnail := range item.Extensions["media"]["thumbnail"] {
		if thumbnail.Attrs["url"] != "" {
			return &reference{URL: resolve(base, thumbnail.Attrs["url"])}
		}
	}
	return nil
}

// addOriginal fills in what only some dialects have.
func addOriginal(articles []article, original any, base *url.URL) {
	switch feed := original.(type) {
	case *rss.Feed:
		for i, item := range feed.Items[:min(len(feed.Items), len(articles))] {
			articles[i].Comments = resolve(base, item.Comments)
			if item.Source != nil {
				articles[i].Source = &reference{Title: item.Source.Title, URL: resolve(base, item.Source.URL)}
			}
		}
	case *atom.Feed:
		for i, entry := range feed.Entries[:min(len(feed.Entries), len(articles))] {
			if entry.Source == nil {
				continue
			}
			articles[i].Source = &reference{Title: entry.Source.Title}
			for _, link := range entry.Source.Links {
				if articles[i].Source.URL == "" || link.Rel == "alternate" {
					articles[i].Source.URL = resolve(base, link.Href)
				}
			}
		}
	}
}

// instant is the first date that there is.
func instant(dates ...*time.Time) time.Time {
	for _, date := range dates {
		if date != nil && !date.IsZero() {
			return date.UTC()
		}
	}
	return time.Time{}
}

// resolve makes a whole address of one that may be relative to the feed. What is no address stays as it is.
func resolve(base *url.URL, address string) string {
	address = strings.TrimSpace(address)
	if address == "" || base == nil {
		return address
	}
	target, err := url.Parse(address)
	if err != nil || target.IsAbs() {
		return address
	}
	return base.ResolveReference(target).String()
}
