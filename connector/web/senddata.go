package web

import (
	"context"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto/secret"
)

// sendDataIn are the parameters and the mapper of http:ActionSendData and its variants.
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
	CA                 string       `json:"ca" label:"Self-signed certificate" help:"In PEM."`
	RejectUnauthorized bool         `json:"rejectUnauthorized" label:"Reject unverified certificates" default:"true"`
	FollowRedirect     bool         `json:"followRedirect" label:"Follow redirect" default:"true"`
	FollowAllRedirects bool         `json:"followAllRedirects" label:"Follow all redirect"`
	UseQuerystring     bool         `json:"useQuerystring" label:"Repeat query string keys"`
	Gzip               bool         `json:"gzip" label:"Request compressed content" default:"true"`
	UseMTLS            bool         `json:"useMtls" label:"Use Mutual TLS"`
	ClientCert         string       `json:"clientCert" label:"Client certificate" help:"In PEM."`
	ClientKey          secret.Value `json:"clientKey" label:"Private key of the client certificate" help:"In PEM."`
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

// A variant is a module of version 3 that differs from ActionSendData in what lets its requests in.
type variant struct {
	name, label string
	kind        string // of the connection; empty: none
	params      []string
}

// variants are the modules of version 3 that send requests. Exports of ActionSendDataClientCertAuth name the keychain by
// different parameters.
var variants = []variant{
	{"ActionSendData", "Make a request", "", nil},
	{"ActionSendDataBasicAuth", "Make a Basic Auth request", BasicAuth, []string{"key"}},
	{"ActionSendDataAPIKeyAuth", "Make an API Key Auth request", APIKey, []string{"auth"}},
	{"ActionSendDataOAuth", "Make an OAuth 2.0 request", OAuth2, []string{"account"}},
	{"ActionSendDataClientCertAuth", "Make a Client Certificate Auth request", ClientCertificate, []string{"auth", "key", "cert"}},
}

// traits are what the variant needs beside its mapper.
func (v *variant) traits() traits {
	if v.kind == "" {
		return traits{}
	}
	fields := []connector.Field{}
	for _, param := range v.params {
		fields = append(fields, connector.Field{Name: param, Type: keychain(v.kind), Label: "Credentials"})
	}
	return traits{fields, func(params connector.Bundle) []connector.Need {
		return []connector.Need{{Param: firstFilled(params, v.params...), Type: v.kind}}
	}}
}

// keychain is the type that editors know a parameter for a connection by.
func keychain(kind string) connector.FieldType {
	if kind == OAuth2 {
		return connector.FieldType("account:" + kind)
	}
	return connector.FieldType("keychain:" + kind)
}

func newSendData(config Config, v variant) connector.Module {
	t := v.traits()
	info := connector.Info{
		Name: v.name, Version: 3, Label: v.label,
		Description: "Sends an HTTP request and returns the response.",
	}
	return action{connector.NewAction(info,
		func(ctx context.Context, call *connector.Call, in sendDataIn) (sendDataOut, error) {
			o, err := open(call, config, t.Connections(call.Params))
			if err != nil {
				return sendDataOut{}, err
			}
			defer o.hidden.Destroy()
			out, err := in.send(ctx, o)
			return out, o.conceal(err)
		}), t}
}

// send sends the request.
func (in *sendDataIn) send(ctx context.Context, o *operation) (sendDataOut, error) {
	if err := in.secure(o); err != nil {
		return sendDataOut{}, err
	}
	content, err := in.body()
	if err != nil {
		return sendDataOut{}, err
	}
	o.cookies = in.ShareCookies
	r, err := o.send(ctx, &request{
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
		StatusCode: r.status, Headers: r.headerLines(), CookieHeaders: r.cookieHeaders(),
		Data: data, FileSize: len(r.body),
	}
	if in.HandleErrors {
		return out, r.failure(o.call.Now, data, out.Headers)
	}
	return out, nil
}

// secure lays what the mapper says of certificates over what a connection does.
func (in *sendDataIn) secure(o *operation) error {
	if in.CA != "" {
		o.client.Authorities = []byte(in.CA)
	}
	o.client.Unverified = !in.RejectUnauthorized
	if !in.UseMTLS || len(o.client.Certificate) > 0 {
		return nil
	}
	if in.ClientCert == "" || empty(in.ClientKey) {
		return connector.Errorf(connector.InvalidConfigurationError,
			"field useMtls: a client certificate is asked for and none is given: fill in clientCert and clientKey, or use "+
				"ActionSendDataClientCertAuth with a connection")
	}
	o.client.Certificate, o.client.Key = []byte(in.ClientCert), in.ClientKey
	if key, err := in.ClientKey.Reveal(); err == nil {
		o.hide(key)
	}
	return nil
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
