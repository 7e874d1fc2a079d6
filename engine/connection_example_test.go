package engine_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/transport"
	"github.com/ebbkit/ebb/crypto/secret"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
)

// Blueprints name connections and keychains by the numbers that they have in Make. The host saves each under a name of its
// own, with the fields that package web lists for its type, and says at deployment which number stands for which name.
func ExampleEngine_SaveConnection() {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "the key has %d characters", len(r.Header.Get("X-Api-Key")))
	}))
	defer service.Close()
	ctx := context.Background()
	e := must(engine.New(engine.Config{Network: transport.Policy{Allow: transport.Loopback()}}))
	defer e.Close()

	err := e.SaveConnection(ctx, connector.Connection{
		Name: "weather", Type: "apikeyauth",
		Fields:  connector.NewBundle("placement", "header", "name", "X-Api-Key"),
		Secrets: map[string]secret.Value{"key": secret.NewString("correct horse")},
	})
	fmt.Println("saved:", err == nil)

	bp := must(blueprint.Parse([]byte(`{"name": "Weather", "flow": [
	  {"id": 1, "module": "http:MakeRequest", "version": 4,
	   "parameters": {"authenticationType": "apiKey", "apiKeyKeychain": 72749},
	   "mapper": {"url": "` + service.URL + `", "method": "get"}}]}`)))
	scenario := must(e.Deploy(ctx, bp, engine.DeployOptions{Connections: map[string]string{"72749": "weather"}}))
	x := must(e.Run(ctx, scenario.ID, connector.Bundle{}))
	fmt.Println(x.Trace[0].Out[0].Get("data"))
	for connection, err := range e.Connections(ctx) {
		fmt.Println(connection.Name, connection.Type, len(connection.Fingerprints["key"]), err)
	}
	// Output:
	// saved: true
	// the key has 13 characters
	// weather apikeyauth 16 <nil>
}

// The host lets people authorise an account in its own pages (RFC 6749, section 4.1) and saves what the token endpoint gave.
// From then on the engine renews the access token, once for all runs, and stores it. No trace shows it, even when the service
// sends it back.
func ExampleEngine_SaveConnection_oauth2() {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			fmt.Println("renewed by", r.FormValue("grant_type"))
			_, _ = io.WriteString(w, `{"access_token": "fresh", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "next"}`)
			return
		}
		fmt.Println("called with", r.Header.Get("Authorization"))
		_, _ = io.WriteString(w, "you are "+r.Header.Get("Authorization"))
	}))
	defer service.Close()
	ctx := context.Background()
	e := must(engine.New(engine.Config{Network: transport.Policy{Allow: transport.Loopback()}}))
	defer e.Close()

	_ = e.SaveConnection(ctx, connector.Connection{
		Name: "mail of Ada", Type: "oauth2",
		Fields: connector.NewBundle(
			"tokenUri", service.URL+"/token", "clientId", "ebb", "flowType", "authorizationCode",
			"expires", time.Now().Add(-time.Minute)),
		Secrets: map[string]secret.Value{
			"clientSecret": secret.NewString("of the client"),
			"accessToken":  secret.NewString("of the first hour"),
			"refreshToken": secret.NewString("for the next"),
		},
	})
	bp := must(blueprint.Parse([]byte(`{"name": "Mail", "flow": [
	  {"id": 1, "module": "http:ActionSendDataOAuth", "version": 3, "parameters": {"account": 33477, "handleErrors": true},
	   "mapper": {"url": "` + service.URL + `/mails", "method": "get"}}]}`)))
	scenario := must(e.Deploy(ctx, bp, engine.DeployOptions{Connections: map[string]string{"33477": "mail of Ada"}}))
	for range 2 {
		x := must(e.Run(ctx, scenario.ID, connector.Bundle{}))
		fmt.Println(x.Trace[0].Out[0].Get("data"))
	}
	// Output:
	// renewed by refresh_token
	// called with Bearer fresh
	// you are Bearer ***
	// called with Bearer fresh
	// you are Bearer ***
}

// With client credentials (RFC 6749, section 4.4) there is no token to begin with. A client certificate, its key and a proxy
// are connections like any other; one module may need several.
func ExampleEngine_SaveConnection_several() {
	ctx := context.Background()
	e := must(engine.New(engine.Config{}))
	defer e.Close()
	for _, connection := range []connector.Connection{
		{
			Name: "machine", Type: "oauth2",
			Fields: connector.NewBundle("flowType", "clientCredentials", "tokenUri", "https://id.example/token", "clientId", "ebb",
				"scope", []any{"read", "write"}, "tokenParams", connector.NewBundle("audience", "https://api.example")),
			Secrets: map[string]secret.Value{"clientSecret": secret.NewString("…")},
		},
		{
			Name: "certificate", Type: "clientcertauth", Fields: connector.NewBundle("cert", "-----BEGIN CERTIFICATE-----…"),
			Secrets: map[string]secret.Value{"key": secret.NewString("-----BEGIN PRIVATE KEY-----…")},
		},
		{
			Name: "way out", Type: "proxy", Fields: connector.NewBundle("host", "proxy.example", "port", 3128, "authUser", "ebb"),
			Secrets: map[string]secret.Value{"authPass": secret.NewString("…")},
		},
	} {
		if err := e.SaveConnection(ctx, connection); err != nil {
			fmt.Println(err)
		}
	}
	bp := must(blueprint.Parse([]byte(`{"name": "Bank", "flow": [
	  {"id": 1, "module": "http:MakeRequest", "version": 4,
	   "parameters": {"authenticationType": "oAuth", "oAuthAccount": 1, "tlsType": "mTls", "tlsKeychain": 2, "proxyKeychain": 3},
	   "mapper": {"url": "https://bank.example/accounts", "method": "get"}}]}`)))
	_, err := e.Deploy(ctx, bp, engine.DeployOptions{Connections: map[string]string{"1": "machine", "2": "certificate"}})
	fmt.Println(err)
	_, err = e.Deploy(ctx, bp, engine.DeployOptions{Connections: map[string]string{"1": "machine", "2": "certificate", "3": "way out"}})
	fmt.Println(err)
	// Output:
	// deploy "Bank": the blueprint cannot be run: module 1: parameters: there is no connection "3": save it with Engine.SaveConnection (no-connection)
	// <nil>
}
