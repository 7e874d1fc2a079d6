package rss

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto/secret"
)

// A request says which feed to fetch.
type request struct {
	url      string
	user     string
	password secret.Value
	gzip     bool
	// etag and modified are what the server said last time. Empty: nothing.
	etag, modified string
}

// A document is a feed as it came.
type document struct {
	url            *url.URL // where it came from, behind all redirects
	kind           string   // Content-Type
	body           []byte
	etag, modified string
	unchanged      bool // since the last time: there is no body
}

// fetch gets a feed.
func fetch(ctx context.Context, call *connector.Call, config Config, r request) (*document, error) {
	ctx, cancel := context.WithTimeout(ctx, config.Timeout)
	defer cancel()
	sent, err := r.build(ctx, config)
	if err != nil {
		return nil, err
	}
	received, err := call.HTTP.Do(sent)
	if err != nil {
		return nil, connector.AsError(err)
	}
	defer func() { _ = received.Body.Close() }()
	from := received.Request.URL
	d := &document{
		url: from, kind: received.Header.Get("Content-Type"),
		etag: mark(received.Header.Get("Etag")), modified: mark(received.Header.Get("Last-Modified")),
	}
	if received.StatusCode == http.StatusNotModified && (r.etag != "" || r.modified != "") {
		d.unchanged = true
		return d, nil
	}
	if received.StatusCode < 200 || received.StatusCode > 299 {
		return nil, refusal(from.Hostname(), received, call.Now)
	}
	d.body, err = read(received.Body, config.MaxBytes)
	switch {
	case errors.Is(err, errTooLong):
		return nil, connector.Errorf(connector.MaxFileSizeExceededError, "host %q: the feed is longer than %d bytes",
			from.Hostname(), config.MaxBytes)
	case errors.Is(err, errGzip):
		return nil, connector.Errorf(connector.DataError, "host %q: the feed is not compressed as it should be", from.Hostname())
	case err != nil:
		return nil, connector.AsError(err)
	}
	return d, nil
}

// mark is what a server wants to be told next time, unless it is longer than anybody needs: it is kept in a cursor.
func mark(text string) string {
	if len(text) > 512 {
		return ""
	}
	return text
}

// build makes the request of net/http.
func (r *request) build(ctx context.Context, config Config) (*http.Request, error) {
	text := strings.TrimSpace(r.url)
	if rest, ok := strings.CutPrefix(text, "feed:"); ok { // what feed readers register themselves for
		if text = rest; strings.HasPrefix(rest, "//") {
			text = "http:" + rest
		}
	}
	target, err := url.Parse(text)
	if err != nil || target.Host == "" {
		// err would quote the URL.
		return nil, connector.Errorf(connector.DataError, "field url: is no address of a feed")
	}
	if target.Scheme != "http" && target.Scheme != "https" {
		return nil, connector.Errorf(connector.DataError, "field url: only http and https are supported")
	}
	sent, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), http.NoBody)
	if err != nil {
		return nil, connector.Errorf(connector.DataError, "field url: is no address of a feed")
	}
	sent.Header.Set("User-Agent", config.UserAgent)
	sent.Header.Set("Accept", "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, */*;q=0.8")
	if !r.gzip {
		// Without the header the transport asks for gzip itself, and takes it off again.
		sent.Header.Set("Accept-Encoding", "identity")
	}
	if r.user != "" || !r.password.IsZero() {
		password, err := r.password.Reveal()
		if err != nil {
			return nil, connector.Errorf(connector.InvalidConfigurationError, "field password: %w", err)
		}
		sent.SetBasicAuth(r.user, password)
	}
	if r.etag != "" {
		sent.Header.Set("If-None-Match", r.etag)
	}
	if r.modified != "" {
		sent.Header.Set("If-Modified-Since", r.modified)
	}
	return sent, nil
}

var (
	errTooLong = errors.New("rss: the feed is too long")
	errGzip    = errors.New("rss: the feed is not compressed as it should be")
)

// read reads a body to its end. One that is still compressed, because the server does so without being asked or because the
// feed is a .gz file, is decompressed; the limit is on what comes out.
func read(from io.Reader, limit int64) ([]byte, error) {
	buffered := bufio.NewReader(from)
	magic, err := buffered.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	var body io.Reader = buffered
	if string(magic) == "\x1f\x8b" {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, corrupt(err)
		}
		body = unzipped
	}
	text, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil && body != io.Reader(buffered) {
		err = corrupt(err)
	}
	if err == nil && int64(len(text)) > limit {
		err = errTooLong
	}
	return text, err
}

// corrupt is what an error of decompression means: that the network failed, which has a type, or that the data are broken.
func corrupt(err error) error {
	if connector.TypeOf(err) == connector.RuntimeError {
		return errGzip
	}
	return err
}

// refusal makes an error of a status that is no success, with the type that Make's documentation associates with it
// (https://help.make.com/types-of-errors).
func refusal(host string, response *http.Response, now time.Time) error {
	status := response.StatusCode
	err := connector.Errorf(connector.DataError, "host %q answered %d %s", host, status, http.StatusText(status))
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		err.Type = connector.InvalidAccessTokenError
	case status == http.StatusTooManyRequests:
		err.Type = connector.RateLimitError
	case status == http.StatusRequestTimeout || status == http.StatusTooEarly || status >= 500:
		err.Type = connector.ConnectionError
	}
	wait := response.Header.Get("Retry-After")
	if seconds, parseErr := strconv.ParseUint(wait, 10, 31); parseErr == nil {
		err.After = time.Duration(seconds) * time.Second
	} else if date, parseErr := http.ParseTime(wait); parseErr == nil {
		err.After = max(0, date.Sub(now))
	}
	err.Detail = connector.NewBundle("statusCode", status)
	return err
}
