package transit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// answer is what the server's answers have in common.
type answer struct {
	Data   json.RawMessage `json:"data"`
	Errors []string        `json:"errors"`
}

// request sends one request and decodes the data of its answer. The answer to a request that the engine found wrong, which
// has the status 400, is a *StatusError like any that is no success.
func (k *Keeper) request(ctx context.Context, op, method, path string, body, data any) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("transit: %s: %w", op, err)
	}
	limited, cancel := context.WithTimeout(ctx, k.config.Timeout)
	defer cancel()
	err := k.exchange(limited, op, method, path, body, data)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("transit: %s: %w", op, ctx.Err())
	}
	return err
}

func (k *Keeper) exchange(ctx context.Context, op, method, path string, body, data any) error {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return &failure{op, "the request cannot be encoded", err}
		}
		// Not cleared afterwards: the transport may still read it after an early answer.
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, k.base+path, content)
	if err != nil {
		return &failure{op, "the address cannot be used", err}
	}
	if err := k.head(ctx, request); err != nil {
		return &failure{op, "there is no token", err}
	}
	response, err := k.client.Do(request)
	if err != nil {
		return &failure{op, reason(err), err}
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, k.config.MaxResponseBytes+1))
	defer clear(text)
	if err != nil {
		return &failure{op, reason(err), err}
	}
	if int64(len(text)) > k.config.MaxResponseBytes {
		return &failure{op, fmt.Sprintf("the answer has more than %d bytes", k.config.MaxResponseBytes), nil}
	}
	var a answer
	decodeErr := json.Unmarshal(text, &a)
	defer clear(a.Data)
	switch status := response.StatusCode; {
	case status == http.StatusBadRequest && (decodeErr != nil || len(a.Errors) == 0):
		return &failure{op, "the answer is not one of the engine", nil} // but of something before it
	case status == http.StatusNoContent:
		return nil
	case status != http.StatusOK:
		return &StatusError{Op: op, Status: status, After: retryAfter(response.Header.Get("Retry-After"), k.config.Now())}
	case decodeErr != nil, data != nil && json.Unmarshal(a.Data, data) != nil:
		return &failure{op, "the answer is not understood", nil}
	}
	return nil
}

// head sets the headers.
func (k *Keeper) head(ctx context.Context, request *http.Request) error {
	request.Header.Set("X-Vault-Request", "true") // which agents may insist on
	if request.Body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if k.config.Namespace != "" {
		request.Header.Set("X-Vault-Namespace", k.config.Namespace)
	}
	if k.config.Token == nil {
		return nil
	}
	token, err := k.config.Token(ctx)
	if err != nil {
		return err
	}
	text, err := token.Reveal()
	if err != nil {
		return err
	}
	request.Header.Set("X-Vault-Token", text)
	return nil
}
