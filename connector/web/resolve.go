package web

import (
	"context"

	"github.com/ebbkit/ebb/connector"
)

type resolveIn struct {
	URL          string `json:"url" label:"URL" type:"url" required:"true"`
	SerializeURL bool   `json:"serializeUrl" label:"Serialize URL"`
	Method       string `json:"method" label:"Method" default:"get"`
	Headers      []pair `json:"headers" label:"Headers"`
	Query        []pair `json:"qs" label:"Query String"`
	Timeout      int    `json:"timeout" label:"Timeout" help:"In seconds." min:"1" max:"300" default:"40"`
	ShareCookies bool   `json:"shareCookies" label:"Share cookies with other HTTP modules"`
}

type resolveOut struct {
	URL        string   `json:"url" label:"URL"`
	StatusCode int      `json:"statusCode" label:"Status code"`
	Headers    []header `json:"headers" label:"Headers"`
}

// newResolve makes the module that follows the redirects of an address and says where they end.
func newResolve(config Config) connector.Module {
	info := connector.Info{
		Name: "ActionResolveTargetURL", Label: "Resolve a target URL",
		Description: "Follows the redirects of a URL and returns the URL at their end.",
	}
	return action{connector.NewAction(info,
		func(ctx context.Context, call *connector.Call, in resolveIn) (resolveOut, error) {
			o, err := open(call, config, nil)
			if err != nil {
				return resolveOut{}, err
			}
			o.cookies = in.ShareCookies
			r, err := o.send(ctx, &request{
				method: in.Method, url: in.URL, encode: in.SerializeURL, query: in.Query, headers: in.Headers,
				timeout: in.Timeout, follow: true, followWrites: true, headOnly: true,
			})
			if err != nil {
				return resolveOut{}, err
			}
			return resolveOut{URL: r.url.String(), StatusCode: r.status, Headers: r.headerLines()}, nil
		}), traits{}}
}
