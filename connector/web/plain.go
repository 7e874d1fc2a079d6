package web

import (
	"context"

	"github.com/ebbkit/ebb/connector"
)

// plainIn are the fields of modules that no editor of Make has made: people and programs that write blueprints by hand call
// them http:MakeARequest, or http:MakeRequest of version 1, and give them the fields of ActionSendData with a body.
type plainIn struct {
	sendDataIn

	Body  any    `json:"body" label:"Body"`
	Pairs []pair `json:"queryParameters" label:"Query parameters"`
}

func newPlain(config Config, name string, version int) connector.Module {
	info := connector.Info{
		Name: name, Version: version, Label: "Make a request",
		Description: "Sends an HTTP request and returns the response. A body is sent as it is, collections and arrays as JSON; " +
			"the response is parsed unless parseResponse says otherwise.",
	}
	return action{connector.NewAction(info,
		func(ctx context.Context, call *connector.Call, in plainIn) (sendDataOut, error) {
			o, err := open(call, config, nil)
			if err != nil {
				return sendDataOut{}, err
			}
			defer o.hidden.Destroy()
			if in.Body != nil && in.Body != "" && in.Data == nil && in.BodyType == "" {
				in.Data, in.BodyType = in.Body, "raw"
				if in.ContentType == "" {
					in.ContentType = contentTypeOf(in.Body)
				}
			}
			if len(in.Query) == 0 {
				in.Query = in.Pairs
			}
			if _, given := call.Input.Lookup("parseResponse"); !given {
				in.ParseResponse = true
			}
			out, err := in.send(ctx, o)
			return out, o.conceal(err)
		}), traits{}}
}

// contentTypeOf guesses the type of a body that comes without one.
func contentTypeOf(body any) string {
	switch body := body.(type) {
	case connector.Bundle, []any:
		return jsonType
	case string:
		if value, err := connector.ParseJSON([]byte(body)); err == nil {
			switch value.(type) {
			case connector.Bundle, []any:
				return jsonType
			}
		}
		return "text/plain"
	}
	return ""
}
