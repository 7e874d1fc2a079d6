package engine_test

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
)

// must keeps examples short; a program handles its errors.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

const welcome = `{"name": "Welcome", "flow": [
  {"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 1}},
  {"id": 2, "module": "gateway:WebhookRespond", "version": 1, "mapper": {"status": "200", "body": "Welcome, {{capitalize(1.name)}}!"}}
]}`

// A scenario answers the hook that it is deployed with.
func Example() {
	e := must(engine.New(engine.Config{}))
	defer e.Close()
	bp := must(blueprint.Parse([]byte(welcome)))
	scenario := must(e.Deploy(context.Background(), bp, engine.DeployOptions{Activate: true}))
	go e.Serve(context.Background())

	server := httptest.NewServer(http.StripPrefix("/hooks", e.Hooks()))
	defer server.Close()
	answer := must(http.Get(server.URL + "/hooks" + scenario.Hook.Path() + "?name=ada"))
	defer answer.Body.Close()
	body := make([]byte, 100)
	n, _ := answer.Body.Read(body)
	fmt.Println(answer.StatusCode, string(body[:n]))
	// Output: 200 Welcome, Ada!
}

// Everything that is wrong with a blueprint is told at once, before anything is deployed.
func ExampleEngine_Check() {
	e := must(engine.New(engine.Config{}))
	defer e.Close()
	bp := must(blueprint.Parse([]byte(`{"name": "Wrong", "flow": [
	  {"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 1}},
	  {"id": 2, "module": "util:SetVariabl2", "version": 1, "mapper": {"name": "x", "value": "{{uper(1.name)}}"}},
	  {"id": 3, "module": "slack:CreateMessage", "version": 4, "mapper": {}}]}`)))
	problems, unknown := e.Check(bp)
	for _, problem := range problems {
		fmt.Println(problem.Error())
	}
	fmt.Println("no connector for:", unknown)
	// Output:
	// module 2: module: the connector of app "util" has no such module; did you mean "util:SetVariable2"? (unknown-module)
	// module 2: mapper.value, column 3: unknown function "uper"; did you mean upper? (unknown-function)
	// no connector for: [slack:CreateMessage]
}

// Run runs a scenario once, now, and keeps the execution with its trace.
func ExampleEngine_Run() {
	e := must(engine.New(engine.Config{}))
	defer e.Close()
	bp := must(blueprint.Parse([]byte(welcome)))
	scenario := must(e.Deploy(context.Background(), bp, engine.DeployOptions{}))
	x := must(e.Run(context.Background(), scenario.ID, connector.NewBundle("name", "grace")))
	fmt.Println(x.Status, x.Operations)
	for _, step := range x.Trace {
		fmt.Println(step.Module, string(must(step.In.MarshalJSON())))
	}
	// Output:
	// success 2
	// 1 {}
	// 2 {"status":200,"body":"Welcome, Grace!"}
}

// Try runs a blueprint without deploying it. Modules that should not really work, or that this program has no connector
// for, are replaced by their ids.
func ExampleEngine_Try() {
	e := must(engine.New(engine.Config{}))
	defer e.Close()
	bp := must(blueprint.Parse([]byte(`{"name": "Chat", "flow": [
	  {"id": 1, "module": "slack:WatchMessages", "version": 4, "mapper": {}},
	  {"id": 2, "module": "slack:CreateMessage", "version": 4, "mapper": {"text": "{{1.user}} said {{length(1.text)}} letters"}}]}`)))
	echo := connector.NewAction(connector.Info{Name: "Echo"},
		func(_ context.Context, _ *connector.Call, in connector.Bundle) (connector.Bundle, error) {
			return in, nil
		})
	x := must(e.Try(context.Background(), bp, engine.TryOptions{
		Input: []connector.Bundle{connector.NewBundle("user", "Ada", "text", "Hello")},
		Stubs: map[int]connector.Module{1: echo, 2: echo},
	}))
	fmt.Println(x.Trace[1].Out[0].Get("text"))
	// Output: Ada said 5 letters
}

// Tick does what is due and waits for it: the way to run scenarios in tests, and in programs that are started by cron.
func ExampleEngine_Tick() {
	now := time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)
	e := must(engine.New(engine.Config{Now: func() time.Time { return now }}))
	defer e.Close()
	bp := must(blueprint.Parse([]byte(strings.Replace(welcome, "gateway:WebhookRespond", "util:ComposeTransformer", 1))))
	scenario := must(e.Deploy(context.Background(), bp, engine.DeployOptions{Activate: true}))
	request := httptest.NewRequest(http.MethodPost, scenario.Hook.Path(), strings.NewReader(`{"name":"ada"}`))
	request.Header.Set("Content-Type", "application/json")
	e.Hooks().ServeHTTP(httptest.NewRecorder(), request) // accepted, and written down
	fmt.Println("runs:", must(e.Tick(context.Background())))
	fmt.Println("kept:", count(e.Executions(context.Background(), scenario.ID, engine.Query{})))

	now = now.AddDate(0, 0, 60) // their time is over, swept or not
	fmt.Println("kept 60 days later:", count(e.Executions(context.Background(), scenario.ID, engine.Query{})))
	report := must(e.Sweep(context.Background()))
	fmt.Println("passive now:", report.Total().Passivated)
	// Output:
	// runs: 1
	// kept: 1
	// kept 60 days later: 0
	// passive now: 3
}

func count(executions iter.Seq2[*engine.Execution, error]) (n int) {
	for _, err := range executions {
		if err == nil {
			n++
		}
	}
	return n
}

// A data store is the host's as well as the scenarios'.
func ExampleEngine_DataStore() {
	ctx := context.Background()
	e := must(engine.New(engine.Config{}))
	defer e.Close()
	people := must(e.DataStore(ctx, "people"))
	err := people.Change(ctx, "ada", func(before connector.Bundle, exists bool) (connector.Bundle, error) {
		return connector.NewBundle("born", 1815), nil
	})
	fmt.Println(err)
	for entry, err := range people.All(ctx) {
		fmt.Println(entry.Key, entry.Data.Get("born"), err)
	}
	// Output:
	// <nil>
	// ada 1815 <nil>
}
