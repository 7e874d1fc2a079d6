package web

import (
	"context"
	"iter"
	"strings"

	"github.com/ebbkit/ebb/connector"
)

// security are the parameters of the modules of version 4 that say how requests are let in and which way they take. The
// parameters that name connections are in securityTraits.
type security struct {
	AuthenticationType string `json:"authenticationType" param:"true" label:"Authentication type" default:"noAuth"`
	TLSType            string `json:"tlsType" param:"true" label:"Transport layer security (TLS)"`
}

// The parameters that name connections, in modules of version 4. That of a certificate has different names: it is the
// one that is filled in and ends in "Keychain".
var (
	oAuthParams = []string{"oAuthAccount", "account", "__IMTCONN__"}
	tlsParam    = "tlsKeychain"
)

func securityTraits() traits {
	t := traits{needs: securityNeeds}
	for _, field := range []struct{ name, kind, label string }{
		{"apiKeyKeychain", APIKey, "API key"}, {"basicAuthKeychain", BasicAuth, "Credentials"}, {oAuthParams[0], OAuth2, "Connection"},
		{tlsParam, ClientCertificate, "Certificate"}, {"proxyKeychain", Proxy, "Proxy"},
	} {
		t.credentials = append(t.credentials, connector.Field{Name: field.name, Type: keychain(field.kind), Label: field.label})
	}
	return t
}

func securityNeeds(params connector.Bundle) []connector.Need {
	var needs []connector.Need
	switch params.Get("authenticationType") {
	case "apiKey":
		needs = append(needs, connector.Need{Param: "apiKeyKeychain", Type: APIKey})
	case "basicAuth":
		needs = append(needs, connector.Need{Param: "basicAuthKeychain", Type: BasicAuth})
	case "oAuth":
		needs = append(needs, connector.Need{Param: firstFilled(params, oAuthParams...), Type: OAuth2})
	}
	switch params.Get("tlsType") {
	case "mTls":
		needs = append(needs, connector.Need{Param: certificateParam(params), Type: ClientCertificate})
	case "tls":
		needs = append(needs, connector.Need{Param: certificateParam(params), Type: Authority})
	}
	if filled(params, "proxyKeychain") {
		needs = append(needs, connector.Need{Param: "proxyKeychain", Type: Proxy})
	}
	return needs
}

func certificateParam(params connector.Bundle) string {
	for name := range params.All() {
		switch name {
		case "apiKeyKeychain", "basicAuthKeychain", "proxyKeychain":
			continue
		}
		if strings.HasSuffix(name, "Keychain") && filled(params, name) {
			return name
		}
	}
	return tlsParam
}

// open reads the connections of a module of version 4.
func (s *security) open(call *connector.Call, config Config) (*operation, error) {
	switch s.AuthenticationType {
	case "", "noAuth", "apiKey", "basicAuth", "oAuth":
	default:
		return nil, connector.Errorf(connector.InvalidConfigurationError,
			"parameter authenticationType: it is none of noAuth, apiKey, basicAuth and oAuth")
	}
	switch s.TLSType {
	case "", "mTls", "tls":
	default:
		return nil, connector.Errorf(connector.InvalidConfigurationError, "parameter tlsType: it is neither mTls nor tls")
	}
	return open(call, config, securityNeeds(call.Params))
}

// makeRequestIn are the parameters and the mapper of http:MakeRequest.
type makeRequestIn struct {
	security

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

	ParseResponse            bool `json:"parseResponse" label:"Parse response"`
	StopOnHTTPError          bool `json:"stopOnHttpError" label:"Return error if HTTP request fails"`
	Timeout                  int  `json:"timeout" label:"Timeout" help:"In seconds." min:"1" max:"300" default:"40"`
	AllowRedirects           bool `json:"allowRedirects" label:"Allow redirects" default:"true"`
	ShareCookies             bool `json:"shareCookies" label:"Share cookies with other HTTP modules"`
	RequestCompressedContent bool `json:"requestCompressedContent" label:"Request compressed content" default:"true"`

	pagination
}

type makeRequestOut struct {
	Data       any              `json:"data" label:"Data"`
	Headers    connector.Bundle `json:"headers" label:"Headers"`
	StatusCode int              `json:"statusCode" label:"Status code"`
}

func newMakeRequest(config Config) connector.Module {
	info := connector.Info{
		Name: "MakeRequest", Version: 4, Label: "Make a request",
		Description: "Sends an HTTP request and returns the response; with pagination, one bundle per page.",
	}
	return search{connector.NewSearch(info,
		func(ctx context.Context, call *connector.Call, in makeRequestIn) iter.Seq2[makeRequestOut, error] {
			return func(yield func(makeRequestOut, error) bool) {
				o, err := in.open(call, config)
				if err == nil {
					defer o.hidden.Destroy()
					err = in.pages(ctx, o, func(out makeRequestOut) bool { return yield(out, nil) })
				}
				if err != nil {
					if o != nil {
						err = o.conceal(err)
					}
					yield(makeRequestOut{}, err)
				}
			}
		}), securityTraits()}
}

// pages sends the request once, or for every page, and yields what comes back.
func (in *makeRequestIn) pages(ctx context.Context, o *operation, yield func(makeRequestOut) bool) error {
	content, err := in.body()
	if err != nil {
		return err
	}
	p, err := in.pager()
	if err != nil {
		return err
	}
	o.cookies = in.ShareCookies
	r := &request{
		method: in.Method, url: in.URL, query: in.QueryParameters, headers: in.Headers, body: content,
		timeout: in.Timeout, compressed: in.RequestCompressedContent,
		follow: in.AllowRedirects, followWrites: in.AllowRedirects,
	}
	p.begin(r)
	for {
		received, err := o.send(ctx, r)
		if err != nil {
			return err
		}
		data, err := received.data(in.ParseResponse)
		if err != nil {
			return err
		}
		out := makeRequestOut{Data: data, Headers: received.headerBundle(), StatusCode: received.status}
		if in.StopOnHTTPError {
			if err := received.failure(o.call.Now, data, out.Headers); err != nil {
				return err
			}
		}
		empty, more, err := p.next(r, received)
		if err != nil {
			return err
		}
		if empty || !yield(out) || !more {
			return nil
		}
	}
}

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
