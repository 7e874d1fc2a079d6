package connectortest_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/builtin"
	"github.com/ebbkit/ebb/connector/connectortest"
	"github.com/ebbkit/ebb/connector/datastore"
	"github.com/ebbkit/ebb/connector/gateway"
	"github.com/ebbkit/ebb/connector/text"
	"github.com/ebbkit/ebb/connector/util"
	"github.com/ebbkit/ebb/connector/web"
)

type listed struct {
	name    string
	modules []connector.Module
}

func (l listed) Name() string                { return l.name }
func (l listed) Modules() []connector.Module { return l.modules }

type in struct {
	Name   string    `json:"name" required:"true" min:"10"`
	Count  int       `json:"count" required:"true" min:"3"`
	URL    string    `json:"url" required:"true" type:"url"`
	Tags   []string  `json:"tags" required:"true" min:"2"`
	When   time.Time `json:"when" required:"true"`
	Kind   string    `json:"kind" required:"true" enum:"a,b"`
	Hour   string    `json:"hour" required:"true" type:"time"`
	Short  string    `json:"short" required:"true" max:"3"`
	Nested struct {
		Flag bool `json:"flag" required:"true"`
	} `json:"nested" required:"true"`
}

// action makes a connector of one action.
func action[In, Out any](
	info connector.Info, do func(ctx context.Context, call *connector.Call, in In) (Out, error),
) connector.Connector {
	info.Name = "Do"
	return listed{"sample", []connector.Module{connector.NewAction(info, do)}}
}

// service asks a service with the password of the connection, and does what handle says with the response.
func service(handle func(call *connector.Call, response *http.Response, body string) (connector.Bundle, error)) connector.Connector {
	return action(connector.Info{Connection: "account"},
		func(ctx context.Context, call *connector.Call, _ struct{}) (connector.Bundle, error) {
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://service.example/?q=1", strings.NewReader("{}"))
			if err != nil {
				return connector.Bundle{}, err
			}
			err = call.Connection.Secrets["password"].Use(func(b []byte) {
				request.Header.Set("Authorization", "Bearer "+string(b))
			})
			if err != nil {
				return connector.Bundle{}, err
			}
			response, err := call.HTTP.Do(request)
			if err != nil {
				return connector.Bundle{}, err
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err != nil {
				return connector.Bundle{}, err
			}
			return handle(call, response, string(body))
		})
}

func TestSoundConnectorsConform(t *testing.T) {
	t.Parallel()
	connectortest.Conform(t, action(connector.Info{Pure: true},
		func(_ context.Context, _ *connector.Call, in in) (in2, error) { return in2{in.Name}, nil }))
	connectortest.Conform(t, service(func(_ *connector.Call, r *http.Response, body string) (connector.Bundle, error) {
		if r.StatusCode >= 400 {
			return connector.Bundle{}, connector.Errorf(connector.ConnectionError, "the service answered %d", r.StatusCode)
		}
		return connector.NewBundle("body", body), nil
	}))
	connectortest.Conform(t, action(connector.Info{},
		func(ctx context.Context, _ *connector.Call, _ struct{}) (struct{}, error) {
			timer := time.NewTimer(time.Hour)
			defer timer.Stop()
			select {
			case <-timer.C:
				return struct{}{}, nil
			case <-ctx.Done():
				return struct{}{}, ctx.Err()
			}
		}), connectortest.Sample{Module: "Do", Call: connectortest.Call{Now: time.Now()}})
}

type in2 struct {
	Name string `json:"name"`
}

func TestConformSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	for name, c := range map[string]struct {
		connector connector.Connector
		samples   []connectortest.Sample
		want      string
	}{
		"unsound":        {connector: listed{"Bad Name", nil}, want: "Bad Name"},
		"unknown sample": {connector: listed{"sample", nil}, samples: []connectortest.Sample{{Module: "Other"}}, want: "no module for the sample Other"},
		"changing info":  {connector: &changing{}, want: "changes its Info"},
		"panic": {connector: action(connector.Info{}, func(_ context.Context, _ *connector.Call, _ struct{}) (struct{}, error) {
			panic("oh")
		}), want: "panics: oh"},
		"changes input": {connector: action(connector.Info{}, func(_ context.Context, call *connector.Call, _ struct{}) (struct{}, error) {
			list, _ := call.Input.Get("list").([]any)
			if calls.Add(1) == 1 {
				list[0] = "changed"
			}
			return struct{}{}, nil
		}), samples: []connectortest.Sample{{Module: "Do", Call: connectortest.Call{
			Input: connector.NewBundle("list", []any{"a"}),
		}}}, want: "changes the bundles that it is given"},
		"output of another type": {connector: action(connector.Info{Output: []connector.Field{{Name: "n", Type: connector.TypeNumber}}},
			func(context.Context, *connector.Call, struct{}) (connector.Bundle, error) {
				return connector.NewBundle("n", "12"), nil
			}), want: "declares another type"},
		"output that is not allowed": {connector: action(connector.Info{Output: []connector.Field{{Name: "n", Type: connector.TypeNumber}}},
			func(context.Context, *connector.Call, struct{}) (connector.Bundle, error) {
				return connector.NewBundle("n", "x"), nil
			}), want: "that its Output does not allow"},
		"sleeps on": {connector: action(connector.Info{}, func(context.Context, *connector.Call, struct{}) (struct{}, error) {
			<-time.After(time.Minute)
			return struct{}{}, nil
		}), samples: []connectortest.Sample{{Module: "Do", Call: connectortest.Call{}}}, want: "goes on when its context has ended"},
		"impure": {connector: action(connector.Info{Pure: true}, func(context.Context, *connector.Call, struct{}) (connector.Bundle, error) {
			return connector.NewBundle("n", pureCalls.Add(1)), nil
		}), want: "gives different results"},
		"pure with network": {connector: action(connector.Info{Pure: true}, func(ctx context.Context, call *connector.Call, _ struct{}) (struct{}, error) {
			_, err := call.Dial(ctx, "tcp", "service.example:25")
			return struct{}{}, err
		}), want: "is Pure and uses the network"},
		"pure with store": {connector: action(connector.Info{Pure: true}, func(ctx context.Context, call *connector.Call, _ struct{}) (struct{}, error) {
			_, err := call.Data(ctx, "store")
			return struct{}{}, err
		}), want: "is Pure and uses a data store"},
		"pure with answer": {connector: action(connector.Info{Pure: true}, func(ctx context.Context, call *connector.Call, _ struct{}) (struct{}, error) {
			return struct{}{}, call.Respond(ctx, connector.Response{Status: 200})
		}), want: "is Pure and answers"},
		"read only with a request that changes": {connector: action(connector.Info{ReadOnly: true},
			func(ctx context.Context, call *connector.Call, _ struct{}) (struct{}, error) {
				request, err := http.NewRequestWithContext(ctx, http.MethodDelete, "https://service.example/", nil)
				if err != nil {
					return struct{}{}, err
				}
				response, err := call.HTTP.Do(request)
				if err != nil {
					return struct{}{}, err
				}
				return struct{}{}, response.Body.Close()
			}), want: "is ReadOnly and sends a DELETE"},
		"read only with a state": {connector: action(connector.Info{ReadOnly: true},
			func(ctx context.Context, call *connector.Call, _ struct{}) (struct{}, error) {
				return struct{}{}, call.State.Update(ctx, func(b connector.Bundle) (connector.Bundle, error) { return b, nil })
			}), want: "is ReadOnly and keeps a state"},
		"secret in error": {connector: service(func(_ *connector.Call, r *http.Response, body string) (connector.Bundle, error) {
			if r.StatusCode >= 500 {
				return connector.Bundle{}, errors.New(body)
			}
			return connector.Bundle{}, nil
		}), want: "gives away a secret in an error when the service fails with the request"},
		"secret in detail": {connector: service(func(_ *connector.Call, r *http.Response, body string) (connector.Bundle, error) {
			if r.StatusCode == 401 {
				return connector.Bundle{}, &connector.Error{Type: connector.DataError, Message: "no", Detail: connector.NewBundle("b", body)}
			}
			return connector.Bundle{}, nil
		}), want: "gives away a secret in an error when the service refuses with the request"},
		"secret in log": {connector: service(func(call *connector.Call, r *http.Response, body string) (connector.Bundle, error) {
			call.Log.Debug("answer", zap.String("body", body), zap.Int("status", r.StatusCode))
			return connector.Bundle{}, nil
		}), want: "gives away a secret in a log entry when the service sends the request back"},
		"secret that was encoded": {connector: service(func(_ *connector.Call, r *http.Response, body string) (connector.Bundle, error) {
			if r.StatusCode >= 500 {
				return connector.Bundle{}, errors.New(base64.StdEncoding.EncodeToString([]byte(body)) + url.QueryEscape(body))
			}
			return connector.Bundle{}, nil
		}), want: "gives away a secret in an error when the service fails with the request"},
		"secret in status": {connector: service(func(_ *connector.Call, r *http.Response, _ string) (connector.Bundle, error) {
			if r.StatusCode >= 400 {
				return connector.Bundle{}, errors.New(r.Status)
			}
			return connector.Bundle{}, nil
		}), want: "gives away a secret in an error when the service fails with the request in its header and status"},
		"secret in header": {connector: service(func(_ *connector.Call, r *http.Response, _ string) (connector.Bundle, error) {
			if r.StatusCode == 400 {
				return connector.Bundle{}, &connector.Error{Type: connector.DataError, Message: "no", Detail: connector.NewBundle("h", []byte(r.Header.Get("X-Echo")))}
			}
			return connector.Bundle{}, nil
		}), want: "gives away a secret in an error when the service fails with the request in its header and status"},
		"secret in redirect": {connector: service(func(_ *connector.Call, r *http.Response, _ string) (connector.Bundle, error) {
			if r.StatusCode == 500 && r.Request.Response != nil {
				return connector.Bundle{}, errors.New("redirected to " + r.Request.URL.String())
			}
			return connector.Bundle{}, nil
		}), want: "gives away a secret in an error when the service redirects with the request"},
		"secret in the query": {connector: action(connector.Info{Connection: "account"},
			func(ctx context.Context, call *connector.Call, _ struct{}) (struct{}, error) {
				text, _ := call.Connection.Secrets["token"].Reveal()
				request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://service.example/?key="+url.QueryEscape(text), http.NoBody)
				if err != nil {
					return struct{}{}, err
				}
				response, err := call.HTTP.Do(request)
				if err != nil {
					return struct{}{}, fmt.Errorf("ask: %v", err) //nolint:errorlint // what a careless connector does
				}
				return struct{}{}, response.Body.Close()
			}), want: "gives away a secret in an error when the service breaks"},
		"secret in bundle": {connector: action(connector.Info{Connection: "account"},
			func(_ context.Context, call *connector.Call, _ struct{}) (connector.Bundle, error) {
				token, err := call.Connection.Secrets["token"].Reveal()
				return connector.NewBundle("token", token), err
			}), want: "gives away a secret in a bundle when the service works"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			problems := connectortest.Problems(t, c.connector, c.samples)
			require.Contains(t, fmt.Sprint(problems), c.want)
		})
	}
}

var pureCalls atomic.Int64

// changing describes itself differently every time.
type changing struct{ calls atomic.Int64 }

func (*changing) Name() string                  { return "sample" }
func (c *changing) Modules() []connector.Module { return []connector.Module{c} }
func (c *changing) Info() connector.Info {
	return connector.Info{Name: "Do", Description: fmt.Sprint(c.calls.Add(1))}
}

func (*changing) Search(context.Context, *connector.Call) iter.Seq2[connector.Bundle, error] {
	return func(func(connector.Bundle, error) bool) {}
}

func TestOurConnectorsConform(t *testing.T) {
	t.Parallel()
	for _, c := range append(text.All(), builtin.New(), datastore.New(), gateway.New(), util.New(), web.New(web.Config{})) {
		connectortest.Conform(t, c)
	}
}
