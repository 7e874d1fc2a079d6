package web

import (
	"context"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto/secret"
)

// sendDataIn are the parameters and the mapper of http:ActionSendData.
type sendDataIn struct {
	HandleErrors bool `json:"handleErrors" param:"true" label:"Evaluate all states as errors"`
	// The next one chooses between two decompressors of Make that give the same.
	UseNewZLibDeCompress bool `json:"useNewZLibDeCompress" param:"true"`

	URL           string  `json:"url" label:"URL" type:"url" required:"true"`
	SerializeURL  bool    `json:"serializeUrl" label:"Serialize URL"`
	Method        string  `json:"method" label:"Method" default:"get"`
	Headers       []pair  `json:"headers" label:"Headers"`
	Query         []pair  `json:"qs" label:"Query String"`
	BodyType      string  `json:"bodyType" label:"Body type" enum:"raw,x_www_form_urlencoded,multipart_form_data"`
	ContentType   string  `json:"contentType" label:"Content type"`
	Data          any     `json:"data" label:"Request content"`
	FormFields    []entry `json:"formFields" label:"Fields"`
	FormDataField []entry `json:"formDataFields" label:"Fields"`
	ParseResponse bool    `json:"parseResponse" label:"Parse response"`

	AuthUser           string       `json:"authUser" label:"User name"`
	AuthPass           secret.Value `json:"authPass" label:"Password"`
	Timeout            int          `json:"timeout" label:"Timeout" help:"In seconds." min:"1" max:"300" default:"40"`
	ShareCookies       bool         `json:"shareCookies" label:"Share cookies with other HTTP modules"`
	CA                 string       `json:"ca" label:"Self-signed certificate"`
	RejectUnauthorized bool         `json:"rejectUnauthorized" label:"Reject unverified certificates" default:"true"`
	FollowRedirect     bool         `json:"followRedirect" label:"Follow redirect" default:"true"`
	FollowAllRedirects bool         `json:"followAllRedirects" label:"Follow all redirect"`
	UseQuerystring     bool         `json:"useQuerystring" label:"Repeat query string keys"`
	Gzip               bool         `json:"gzip" label:"Request compressed content" default:"true"`
	UseMTLS            bool         `json:"useMtls" label:"Use Mutual TLS"`
}

type sendDataOut struct {
	StatusCode    int      `json:"statusCode" label:"Status code"`
	Headers       []header `json:"headers" label:"Headers"`
	CookieHeaders []string `json:"cookieHeaders" label:"Cookie headers"`
	Data          any      `json:"data" label:"Data"`
	FileSize      int      `json:"fileSize" label:"File size"`
}

// A header is one line of the header of a response.
type header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func newSendData(config Config) connector.Module {
	info := connector.Info{
		Name: "ActionSendData", Version: 3, Label: "Make a request",
		Description: "Sends an HTTP request and returns the response.",
	}
	return reading{connector.NewAction(info,
		func(ctx context.Context, call *connector.Call, in sendDataIn) (sendDataOut, error) {
			if err := refuse(
				option{in.ShareCookies, "shareCookies", whyCookies},
				option{in.CA != "", "ca", whyCertificate},
				option{!in.RejectUnauthorized, "rejectUnauthorized", whyCertificate},
				option{in.UseMTLS, "useMtls", whyClientCert},
			); err != nil {
				return sendDataOut{}, err
			}
			content, err := in.body()
			if err != nil {
				return sendDataOut{}, err
			}
			r, err := exchange(ctx, call, config, request{
				method: in.Method, url: in.URL, encode: in.SerializeURL,
				query: in.Query, arrays: !in.UseQuerystring, headers: in.Headers, body: content,
				user: in.AuthUser, password: in.AuthPass,
				timeout: in.Timeout, compressed: in.Gzip,
				follow: in.FollowRedirect || in.FollowAllRedirects, followWrites: in.FollowAllRedirects,
			})
			if err != nil {
				return sendDataOut{}, err
			}
			data, err := r.data(in.ParseResponse)
			if err != nil {
				return sendDataOut{}, err
			}
			out := sendDataOut{
				StatusCode: r.status, Headers: r.headerLines(), CookieHeaders: r.header.Values("Set-Cookie"),
				Data: data, FileSize: len(r.body),
			}
			if in.HandleErrors {
				return out, r.failure(call.Now, data, out.Headers)
			}
			return out, nil
		})}
}

// body makes the body of the request by its bodyType.
func (in *sendDataIn) body() (content, error) {
	switch in.BodyType {
	case "raw":
		kind := in.ContentType
		if kind == "custom" {
			kind = "" // the scenario gives a header
		}
		return rawBody(in.Data, kind)
	case "x_www_form_urlencoded":
		return formBody(in.FormFields), nil
	case "multipart_form_data":
		entries := in.FormDataField
		if len(entries) == 0 {
			entries = in.FormFields
		}
		return multipartBody(entries)
	}
	return content{}, nil
}
