package web

import (
	"context"
	"mime"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ebbkit/ebb/connector"
)

type getFileIn struct {
	HandleErrors bool   `json:"handleErrors" param:"true" label:"Evaluate all states as errors"`
	URL          string `json:"url" label:"URL" type:"url" required:"true"`
	SerializeURL bool   `json:"serializeUrl" label:"Serialize URL"`
	ShareCookies bool   `json:"shareCookies" label:"Share cookies with other HTTP modules"`
}

type getFileOut struct {
	StatusCode    int      `json:"statusCode" label:"Status code"`
	Headers       []header `json:"headers" label:"Headers"`
	CookieHeaders []string `json:"cookieHeaders" label:"Cookie headers"`
	Data          []byte   `json:"data" label:"Data"`
	FileName      string   `json:"fileName" label:"File name"`
	FileSize      int      `json:"fileSize" label:"File size"`
}

const getFileTimeout = 300 // seconds: files are large, and the module has no field for it

func newGetFile(config Config) connector.Module {
	info := connector.Info{
		Name: "ActionGetFile", Label: "Get a file", Description: "Downloads a file from a URL.", ReadOnly: true,
	}
	return connector.NewAction(info,
		func(ctx context.Context, call *connector.Call, in getFileIn) (getFileOut, error) {
			o, err := open(call, config, nil)
			if err != nil {
				return getFileOut{}, err
			}
			o.cookies = in.ShareCookies
			r, err := o.send(ctx, &request{
				method: "get", url: in.URL, encode: in.SerializeURL,
				timeout: getFileTimeout, compressed: true, follow: true,
			})
			if err != nil {
				return getFileOut{}, err
			}
			out := getFileOut{
				StatusCode: r.status, Headers: r.headerLines(), CookieHeaders: r.cookieHeaders(),
				Data: r.body, FileName: r.fileName(), FileSize: len(r.body),
			}
			if in.HandleErrors {
				return out, r.failure(call.Now, out.Data, out.Headers)
			}
			return out, nil
		})
}

// downloadIn are the parameters and the mapper of http:DownloadFile.
type downloadIn struct {
	security

	URL             string `json:"url" label:"URL" type:"url" required:"true"`
	Headers         []pair `json:"headers" label:"Headers"`
	QueryParameters []pair `json:"queryParameters" label:"Query parameters"`
	StopOnHTTPError bool   `json:"stopOnHttpError" label:"Return error if HTTP request fails"`
	Timeout         int    `json:"timeout" label:"Timeout" help:"In seconds." min:"1" max:"300" default:"300"`
	AllowRedirects  bool   `json:"allowRedirects" label:"Allow redirects" default:"true"`
	ShareCookies    bool   `json:"shareCookies" label:"Share cookies with other HTTP modules"`
}

type downloadOut struct {
	Data       []byte           `json:"data" label:"Data"`
	FileName   string           `json:"fileName" label:"File name"`
	FileSize   int              `json:"fileSize" label:"File size"`
	Headers    connector.Bundle `json:"headers" label:"Headers"`
	StatusCode int              `json:"statusCode" label:"Status code"`
}

func newDownload(config Config) connector.Module {
	info := connector.Info{
		Name: "DownloadFile", Version: 4, Label: "Download a file", Description: "Downloads a file from a URL.", ReadOnly: true,
	}
	return action{connector.NewAction(info,
		func(ctx context.Context, call *connector.Call, in downloadIn) (downloadOut, error) {
			o, err := in.open(call, config)
			if err != nil {
				return downloadOut{}, err
			}
			defer o.hidden.Destroy()
			o.cookies = in.ShareCookies
			r, err := o.send(ctx, &request{
				method: "get", url: in.URL, query: in.QueryParameters, headers: in.Headers,
				timeout: in.Timeout, compressed: true, follow: in.AllowRedirects,
			})
			if err != nil {
				return downloadOut{}, o.conceal(err)
			}
			out := downloadOut{
				Data: r.body, FileName: r.fileName(), FileSize: len(r.body), Headers: r.headerBundle(), StatusCode: r.status,
			}
			if in.StopOnHTTPError {
				return out, o.conceal(r.failure(call.Now, out.Data, out.Headers))
			}
			return out, nil
		}), securityTraits()}
}

// fileName is what the server calls the file (RFC 6266), else the end of the path that it came from, else "file". It
// has no directories and no control characters: it may end up in a file system.
func (r *response) fileName() string {
	var name string
	if _, params, err := mime.ParseMediaType(r.header.Get("Content-Disposition")); err == nil {
		name = baseName(params["filename"])
	}
	if name == "" {
		name = baseName(r.url.Path)
	}
	if name == "" {
		return "file"
	}
	return name
}

func baseName(text string) string {
	if !utf8.ValidString(text) {
		return ""
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ReplaceAll(text, `\`, "/"))
	switch base := path.Base(text); base {
	case ".", "..", "/":
		return ""
	default:
		return base
	}
}
