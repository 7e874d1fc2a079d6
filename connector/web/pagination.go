package web

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/ebbkit/ebb/connector"
)

// pagination are the fields of the mapper of http:MakeRequest that say how a service gives its pages. Make's exports have
// paginationType; the names of the other fields are our own.
type pagination struct {
	PaginationType string `json:"paginationType" label:"Pagination type" enum:"offsetBased,pageBased,urlBased,tokenBased"`

	OffsetParameter string `json:"offsetParameter" label:"Offset parameter" default:"offset"`
	StartOffset     int    `json:"startOffset" label:"First offset" min:"0"`
	PageParameter   string `json:"pageParameter" label:"Page parameter" default:"page"`
	StartPage       int    `json:"startPage" label:"First page" min:"0" default:"1"`
	LimitParameter  string `json:"limitParameter" label:"Limit parameter" default:"limit"`
	Limit           int    `json:"limit" label:"Items per page" min:"0"`
	ItemsPath       string `json:"itemsPath" label:"Path to the items" help:"Empty: the body when it is an array, else its one array."`
	NextURLPath     string `json:"nextUrlPath" label:"Path to the next URL" help:"Empty: the Link header."`
	TokenParameter  string `json:"tokenParameter" label:"Token parameter" default:"cursor"`
	NextTokenPath   string `json:"nextTokenPath" label:"Path to the next token"`
	MaxPages        int    `json:"maxPages" label:"Maximum number of pages" min:"1" max:"1000" default:"50"`
}

// A pager walks the pages of one operation.
type pager struct {
	*pagination
	pages  int
	at     int // the offset or the number of the page
	last   string
	origin *url.URL // of the first request
}

func (p *pagination) pager() (*pager, error) {
	if p.PaginationType == "tokenBased" && p.NextTokenPath == "" {
		return nil, connector.Errorf(connector.InvalidConfigurationError,
			"field nextTokenPath: say where the response has the token of the next page, such as meta.next_cursor")
	}
	return &pager{pagination: p}, nil
}

// begin prepares the request for the first page.
func (p *pager) begin(r *request) {
	switch p.PaginationType {
	case "offsetBased":
		p.at = p.StartOffset
	case "pageBased":
		p.at = p.StartPage
	default:
		return
	}
	p.turn(r)
}

// turn writes offset or page into the request.
func (p *pager) turn(r *request) {
	name := p.OffsetParameter
	if p.PaginationType == "pageBased" {
		name = p.PageParameter
	}
	r.page = []pair{{name, strconv.Itoa(p.at)}}
	if p.Limit > 0 {
		r.page = append(r.page, pair{p.LimitParameter, strconv.Itoa(p.Limit)})
	}
}

// next prepares the request for the next page. It says whether the page that was received is an empty one behind the last,
// and whether there may be more.
func (p *pager) next(r *request, received *response) (empty, more bool, err error) {
	p.pages++
	if p.PaginationType == "" || received.status >= 400 {
		return false, false, nil
	}
	if p.origin == nil {
		first, err := r.target()
		if err != nil {
			return false, false, err
		}
		if p.origin, err = url.Parse(first); err != nil {
			return false, false, connector.Errorf(connector.DataError, "field url: is no address that a request can be sent to")
		}
	}
	body, _ := connector.ParseJSON(received.body)
	switch p.PaginationType {
	case "urlBased":
		more, err = p.follow(r, received, body)
	case "tokenBased":
		more, err = p.resume(r, body)
	default:
		empty, more, err = p.advance(r, body)
	}
	return empty, more && p.pages < p.MaxPages, err
}

// advance goes on to the next offset or page. The last page is one that is not full, or an empty one.
func (p *pager) advance(r *request, body any) (empty, more bool, err error) {
	items, ok := itemsAt(body, p.ItemsPath)
	switch {
	case !ok:
		return false, false, connector.Errorf(connector.DataError,
			"page %d has no array of items: set the field itemsPath, such as data.items", p.pages)
	case len(items) == 0:
		return p.pages > 1, false, nil
	case p.Limit > 0 && len(items) < p.Limit:
		return false, false, nil
	case p.PaginationType == "pageBased":
		p.at++
	default:
		p.at += len(items)
	}
	p.turn(r)
	return false, true, nil
}

// follow goes on to the URL that the response gives, in its body or in its Link header (RFC 8288). It must be of the same
// scheme, host and port as the first: the request carries credentials.
func (p *pager) follow(r *request, received *response, body any) (more bool, err error) {
	text, _ := valueAt(body, p.NextURLPath).(string)
	if p.NextURLPath == "" {
		text = nextLink(received.header.Values("Link"))
	}
	if text == "" {
		return false, nil
	}
	next, err := received.url.Parse(text)
	if err != nil {
		return false, connector.Errorf(connector.DataError, "page %d gives an address of the next that is none", p.pages)
	}
	if !sameOrigin(p.origin, next) {
		return false, connector.Errorf(connector.DataError,
			"page %d gives an address of the next that has another scheme, host or port than the first", p.pages)
	}
	// What the first request's fields say of URL and query is in the address already.
	r.url, r.encode, r.query = next.String(), false, nil
	return true, p.moved(r.url)
}

// resume goes on with the token that the response gives.
func (p *pager) resume(r *request, body any) (more bool, err error) {
	var text string
	switch value := valueAt(body, p.NextTokenPath).(type) {
	case string:
		text = value
	case int64:
		text = strconv.FormatInt(value, 10)
	}
	if text == "" {
		return false, nil
	}
	r.page = []pair{{p.TokenParameter, text}}
	return true, p.moved(text)
}

// moved fails when a page leads to itself.
func (p *pager) moved(to string) error {
	if p.last == to {
		return connector.Errorf(connector.DataError, "page %d leads to itself", p.pages)
	}
	p.last = to
	return nil
}

// valueAt finds a value by its path: names with dots between them, and numbers from 1 for elements of arrays.
func valueAt(value any, path string) any {
	switch value := value.(type) {
	case connector.Bundle:
		if found, ok := value.Lookup(path); ok {
			return found
		}
		name, rest, nested := strings.Cut(path, ".")
		if nested {
			return valueAt(value.Get(name), rest)
		}
	case []any:
		name, rest, nested := strings.Cut(path, ".")
		if n, err := strconv.Atoi(name); err == nil && n >= 1 && n <= len(value) {
			if !nested {
				return value[n-1]
			}
			return valueAt(value[n-1], rest)
		}
	}
	return nil
}

// itemsAt finds the items of a page.
func itemsAt(body any, path string) (items []any, ok bool) {
	if path != "" {
		items, ok = valueAt(body, path).([]any)
		return items, ok
	}
	switch body := body.(type) {
	case []any:
		return body, true
	case connector.Bundle:
		found := 0
		for _, value := range body.All() {
			if list, is := value.([]any); is {
				items = list
				found++
			}
		}
		return items, found == 1
	}
	return nil, false
}

// nextLink is the target of the link of relation next.
func nextLink(lines []string) string {
	for _, line := range lines {
		for line != "" {
			_, after, found := strings.Cut(line, "<")
			target, rest, closed := strings.Cut(after, ">")
			if !found || !closed {
				break
			}
			params := rest
			if next := strings.Index(rest, "<"); next >= 0 { // the next link begins behind a comma
				params = rest[:next]
			}
			for param := range strings.SplitSeq(strings.TrimRight(params, ", \t"), ";") {
				name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
				if !strings.EqualFold(strings.TrimSpace(name), "rel") {
					continue
				}
				for relation := range strings.FieldsSeq(strings.Trim(strings.TrimSpace(value), `"`)) {
					if strings.EqualFold(relation, "next") {
						return target
					}
				}
			}
			line = rest[len(params):]
		}
	}
	return ""
}
