package web

import (
	"context"

	"github.com/ebbkit/ebb/connector"
)

// makeRequestIn are the parameters and the mapper of http:MakeRequest. What can only be refused is of type any:
// whatever stands there is a problem of its own kind, and not one of types.
type makeRequestIn struct {
	AuthenticationType string `json:"authenticationType" param:"true" label:"Authentication type" default:"noAuth"`
	TLSType            any    `json:"tlsType" param:"true" label:"TLS type"`
	ProxyKeychain      any    `json:"proxyKeychain" param:"true" label:"Proxy"`

	URL             string  `json:"url" label:"URL" type:"url" required:"true"`
	Method          string  `json:"method" label:"Method" default:"get"`
	Headers         []pair  `json:"headers" label:"Headers"`
	QueryParameters []pair  `json:"queryParameters" label:"Query parameters"`
	ContentType     string  `json:"contentType" label:"Body content type" enum:"json,multipart,urlEncoded,custom"`
	InputMethod     string  `json:"inputMethod" label:"Body input method" enum:"dataStructure,jsonString"`
	JSONString      string  `json:"jsonStringBodyContent" label:"Body content"`
	DataStructure   any     `json:"dataStructureBodyContent" label:"Body content"`
	URLEncoded      []entry `json:"urlEncodedBodyContent" label:"Body content"`
	Multipart       []entry `json:"multipartBodyContent" label:"Body content"`
	Raw             any     `json:"rawBodyContent" label:"Body content"`
	RawType         string  `json:"contentTypeValue" label:"Content type value"`

	ParseResponse            bool   `json:"parseResponse" label:"Parse response"`
	StopOnHTTPError          bool   `json:"stopOnHttpError" label:"Return error if HTTP request fails"`
	Timeout                  int    `json:"timeout" label:"Timeout" help:"In seconds." min:"1" max:"300" default:"40"`
	AllowRedirects           bool   `json:"allowRedirects" label:"Allow redirects" default:"true"`
	ShareCookies             bool   `json:"shareCookies" label:"Share cookies with other HTTP modules"`
	RequestCompressedContent bool   `json:"requestCompressedContent" label:"Request compressed content" default:"true"`
	PaginationType           string `json:"paginationType" label:"Pagination type"`
}

type makeRequestOut struct {
	Data       any              `json:"data" label:"Data"`
	Headers    connector.Bundle `json:"headers" label:"Headers"`
	StatusCode int              `json:"statusCode" label:"Status code"`
}

func newMakeRequest(config Config) connector.Module {
	info := connector.Info{
		Name: "MakeRequest", Version: 4, Label: "Make a request",
		Description: "Sends an HTTP request and returns the response.",
	}
	return reading{connector.NewAction(info,
		func(ctx context.Context, call *connector.Call, in makeRequestIn) (makeRequestOut, error) {
			if err := refuse(
				option{in.AuthenticationType != "noAuth" && in.AuthenticationType != "", "authenticationType", whyAuth},
				option{given(in.TLSType), "tlsType", whyClientCert},
				option{given(in.ProxyKeychain), "proxyKeychain", whyProxy},
				option{in.ShareCookies, "shareCookies", whyCookies},
				option{in.PaginationType != "", "paginationType", whyPagination},
			); err != nil {
				return makeRequestOut{}, err
			}
			content, err := in.body()
			if err != nil {
				return makeRequestOut{}, err
			}
			r, err := exchange(ctx, call, config, request{
				method: in.Method, url: in.URL, query: in.QueryParameters, headers: in.Headers, body: content,
				timeout: in.Timeout, compressed: in.RequestCompressedContent,
				follow: in.AllowRedirects, followWrites: in.AllowRedirects,
			})
			if err != nil {
				return makeRequestOut{}, err
			}
			data, err := r.data(in.ParseResponse)
			if err != nil {
				return makeRequestOut{}, err
			}
			out := makeRequestOut{Data: data, Headers: r.headerBundle(), StatusCode: r.status}
			if in.StopOnHTTPError {
				return out, r.failure(call.Now, data, out.Headers)
			}
			return out, nil
		})}
}

// given says whether an optional value of any type was filled in.
func given(value any) bool { return value != nil && value != "" }

// body makes the body of the request by its contentType.
func (in *makeRequestIn) body() (content, error) {
	switch in.ContentType {
	case "json":
		if in.InputMethod == "dataStructure" {
			return rawBody(in.DataStructure, jsonType)
		}
		return rawBody(in.JSONString, jsonType)
	case "urlEncoded":
		return formBody(in.URLEncoded), nil
	case "multipart":
		return multipartBody(in.Multipart)
	case "custom":
		return rawBody(in.Raw, in.RawType)
	}
	return content{}, nil
}
