package engine

import (
	"bytes"
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/store"
)

// tokenBytes is how much randomness a token holds: 160 bits.
const tokenBytes = 20

// deployHook makes, keeps or removes the hook of a scenario.
func (e *Engine) deployHook(ctx context.Context, scenario string, receives bool, options HookOptions) (*repo.Hook, []repo.Change, error) {
	hook, err := e.repo.HookOf(ctx, e.tenant, scenario)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case !receives && hook == nil:
		return nil, nil, nil
	case !receives:
		return nil, []repo.Change{e.repo.Delete(hook)}, nil
	case hook == nil:
		token, err := e.newToken()
		if err != nil {
			return nil, nil, err
		}
		hook = &repo.Hook{
			Envelope: repo.Envelope{ID: repo.HookID(token), Tenant: e.tenant, Parent: scenario, Created: e.now()},
			Token:    token,
		}
	}
	if err := options.apply(hook); err != nil {
		return nil, nil, err
	}
	return hook, []repo.Change{e.repo.Put(hook)}, nil
}

// newToken makes the last part of a hook's address.
func (c *core) newToken() (string, error) {
	random := make([]byte, tokenBytes)
	if _, err := io.ReadFull(c.cfg.Random, random); err != nil {
		return "", fmt.Errorf("make a hook: %w", err)
	}
	return strings.ToLower(base32.StdEncoding.EncodeToString(random)), nil
}

// Hooks returns the handler of all hooks. The last part of a request's path is the hook's token; what stands before it is
// the host's affair. Mount it without anything that sets cookies.
//
// A request is answered with what the scenario responds, or with 200 Accepted when it responds nothing in time. What is
// wrong with a request is answered with 400 (its message says what), 401 (no key of the hook), 403 (from an address that is
// not allowed), 404 (no such hook), 405 (method), 408 (too slow), 410 (paused, or the keys of its tenant were destroyed), 413
// (too long), 422 (it names a person who was erased, see DeployOptions.Subjects) or 429 (too many); 500 means that the scenario
// failed before it responded, and 503 that nothing can be accepted now.
func (e *Engine) Hooks() http.Handler { return http.HandlerFunc(e.receive) }

func (c *core) receive(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	response, err := c.accept(w, r)
	if err != nil {
		c.refuse(w, r, err)
		return
	}
	write(w, response)
}

// A refusal is a request that was not accepted.
type refusal struct {
	status  int
	message string
	after   time.Duration
	header  [2]string // name and value of a header that goes with it
}

func (r *refusal) Error() string { return r.message }

func refuse(status int, message string) error { return &refusal{status: status, message: message} }

func (c *core) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var known *refusal
	switch {
	case errors.As(err, &known):
	case errors.Is(err, crypto.ErrShredded): // which was meant, and asking again is of no use
		known = &refusal{status: http.StatusGone, message: "The scenario is not active."}
	default:
		if r.Context().Err() == nil { // else the caller has gone, and nothing is wrong
			c.cfg.Logger.Error("a delivery could not be accepted", zap.Error(err))
		}
		known = &refusal{status: http.StatusServiceUnavailable, message: "The delivery could not be stored. Send it again later.", after: 10 * time.Second}
	}
	if known.after > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(int(known.after.Seconds())))
	}
	if known.header[0] != "" {
		w.Header().Set(known.header[0], known.header[1])
	}
	if known.message == "" {
		w.WriteHeader(known.status)
		return
	}
	http.Error(w, known.message, known.status)
}

var accepted = connector.Response{Status: http.StatusOK, Body: []byte("Accepted")}

// accept takes a request: it makes bundles of it, writes them down, and waits for the answer if there will be one.
func (c *core) accept(w http.ResponseWriter, r *http.Request) (connector.Response, error) {
	ctx := r.Context()
	if c.open() != nil {
		return connector.Response{}, &refusal{status: http.StatusServiceUnavailable, message: "Closing down.", after: 10 * time.Second}
	}
	token := path.Base(r.URL.Path)
	hook, err := c.hooks.get(ctx, repo.HookID(token), never, func(ctx context.Context) (*repo.Hook, error) {
		return c.repo.HookByToken(ctx, token)
	})
	if errors.Is(err, store.ErrNotFound) {
		return connector.Response{}, refuse(http.StatusNotFound, "There is no such hook.")
	}
	if err != nil {
		return connector.Response{}, err
	}
	if err := c.admit(hook, r); err != nil {
		return connector.Response{}, err
	}
	if !c.rates.allow(hook.ID, c.cfg.MaxHookRequests) {
		return connector.Response{}, &refusal{status: http.StatusTooManyRequests, message: "Too many requests.", after: rateWindow}
	}
	s, err := c.load(ctx, hook.Tenant, hook.Parent)
	if errors.Is(err, ErrNotFound) {
		return connector.Response{}, refuse(http.StatusNotFound, "There is no such hook.")
	}
	if err != nil {
		return connector.Response{}, err
	}
	receiver, ok := s.program.First().(connector.Receiver)
	if !ok || !s.active() {
		return connector.Response{}, refuse(http.StatusGone, "The scenario is not active.")
	}
	body, err := c.body(w, r)
	if err != nil {
		return connector.Response{}, err
	}
	bundles, err := c.bundles(ctx, s, hook, receiver, r, body)
	if err != nil {
		return connector.Response{}, err
	}
	return c.enqueue(ctx, s, hook, bundles)
}

// body reads the body of a request within the limits.
func (c *core) body(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	control := http.NewResponseController(w)
	limited := control.SetReadDeadline(time.Now().Add(c.cfg.BodyTimeout)) == nil
	if !limited {
		c.unlimited.Do(func() {
			c.cfg.Logger.Warn("Config.BodyTimeout has no effect: what wraps the http.ResponseWriter lacks an Unwrap method")
		})
	}
	var buffer bytes.Buffer
	if r.ContentLength > 0 { // what is announced need not come: make no more room for it than it costs to announce it
		buffer.Grow(int(min(r.ContentLength, c.cfg.MaxBodyBytes, 64<<10)) + bytes.MinRead)
	}
	_, err := buffer.ReadFrom(http.MaxBytesReader(w, r.Body, c.cfg.MaxBodyBytes))
	body := buffer.Bytes()
	var tooLong *http.MaxBytesError
	switch {
	case err == nil:
		if limited {
			return body, control.SetReadDeadline(time.Time{})
		}
		return body, nil
	case errors.As(err, &tooLong):
		return nil, refuse(http.StatusRequestEntityTooLarge, fmt.Sprintf("The body is longer than %d bytes.", tooLong.Limit))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, refuse(http.StatusRequestTimeout, "The request took too long to come in.")
	}
	return nil, refuse(http.StatusBadRequest, "The body could not be read.")
}

// bundles lets the receiver read the request.
func (c *core) bundles(ctx context.Context, s *deployed, hook *repo.Hook, receiver connector.Receiver, r *http.Request, body []byte) (bundles []connector.Bundle, err error) {
	options, _, err := connector.DecodeBundle(hook.Options)
	if err != nil {
		return nil, err
	}
	params := s.program.Params()
	if options.Len() > 0 {
		params = overlay(params, options)
	}
	request := new(http.Request)
	*request = *r
	request.Body = io.NopCloser(bytes.NewReader(body))
	request.ContentLength = int64(len(body))
	call := &connector.Call{
		Params:   params,
		Now:      c.now(),
		Location: s.location,
		Log:      c.logger(zap.String("scenario", s.doc.ID)),
		HTTP:     c.network.Client(),
		Dial:     c.network.Dial,
		Attempt:  1,

		Structure: c.structuresOf(s.doc).find,
	}
	defer func() {
		if value := recover(); value != nil {
			c.cfg.Logger.Error("a receiver panicked", zap.String("scenario", s.doc.ID), zap.String("type", fmt.Sprintf("%T", value)))
			err = refuse(http.StatusInternalServerError, "The request could not be read.")
		}
	}()
	bundles, err = receiver.Receive(ctx, call, request)
	if err == nil {
		return bundles, nil
	}
	switch kind := connector.TypeOf(err); kind {
	case connector.DataError, connector.BundleValidationError, connector.MaxFileSizeExceededError:
		return nil, refuse(http.StatusBadRequest, err.Error())
	default:
		c.cfg.Logger.Error("a receiver failed", zap.String("scenario", s.doc.ID), zap.String("type", string(kind)))
		return nil, refuse(http.StatusInternalServerError, "The request could not be read.")
	}
}

func overlay(below, above connector.Bundle) connector.Bundle {
	both := below.Clone()
	for name, value := range above.All() {
		both.Set(name, value)
	}
	return both
}

// write sends a response to the caller. What the scenario says of the content is taken as it says it, but a page never
// runs with the rights of the host's own pages.
func write(w http.ResponseWriter, response connector.Response) {
	header := w.Header()
	for _, h := range response.Headers {
		switch http.CanonicalHeaderKey(h.Name) {
		case "Content-Length", "Transfer-Encoding", "Connection":
			// the server's own business
		case "Content-Type", "Cache-Control", "Content-Security-Policy":
			header.Set(h.Name, h.Value)
		default:
			header.Add(h.Name, h.Value)
		}
	}
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", plainText)
	}
	if !inert(header.Get("Content-Type")) && header.Get("Content-Security-Policy") == "" {
		header.Set("Content-Security-Policy", "sandbox")
	}
	status := response.Status
	switch {
	case status < http.StatusOK: // an informational response ends nothing, so it cannot be the answer
		status = http.StatusOK
	case status > 599:
		status = http.StatusInternalServerError
	}
	w.WriteHeader(status)
	_, _ = w.Write(response.Body) // a caller who has gone needs no answer
}

// inert says that a browser does nothing with content of this type but show it or save it.
func inert(contentType string) bool {
	switch contentType {
	case plainText, "application/json", "application/json; charset=utf-8":
		return true
	}
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil || strings.HasSuffix(kind, "+xml") {
		return false
	}
	switch kind {
	case "text/plain", "text/csv", "application/json", "application/octet-stream", "application/pdf", "application/zip":
		return true
	}
	major, _, _ := strings.Cut(kind, "/")
	return major == "image" || major == "audio" || major == "video"
}

const plainText = "text/plain; charset=utf-8"
