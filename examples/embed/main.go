// Embed is the smallest program that runs a scenario: it takes one request at a hook, in memory, and answers it.
package main

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
)

// hello is a blueprint as Make exports it.
const hello = `{"name": "Hello", "flow": [
  {"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 1}},
  {"id": 2, "module": "gateway:WebhookRespond", "version": 1, "mapper": {"status": "200", "body": "Hello {{1.name}}!"}}
]}`

func main() {
	e, err := engine.New(engine.Config{}) // in memory; Config.Store and Config.Keys make it last
	check(err)
	defer e.Close()
	bp, err := blueprint.Parse([]byte(hello))
	check(err)
	scenario, err := e.Deploy(context.Background(), bp, engine.DeployOptions{Activate: true})
	check(err)
	go func() { check(e.Serve(context.Background())) }()

	server := httptest.NewServer(e.Hooks()) // any http.Server will do
	defer server.Close()
	answer, err := http.Post(server.URL+scenario.Hook.Path(), "application/json", strings.NewReader(`{"name": "Ada"}`))
	check(err)
	_, err = io.Copy(os.Stdout, answer.Body) // Hello Ada!
	check(err)
	check(answer.Body.Close())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
