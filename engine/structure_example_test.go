package engine_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto/secret"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
)

// A hook can ask for a key and check what it is sent against a data structure.
func ExampleHookOptions() {
	ctx := context.Background()
	e := must(engine.New(engine.Config{}))
	defer e.Close()
	type person struct {
		Name string `json:"name" required:"true"`
		Age  int    `json:"age"`
	}
	fmt.Println(e.SaveStructure(ctx, must(connector.StructureOf[person]("person"))))
	scenario := must(e.Deploy(ctx, must(blueprint.Parse([]byte(silentHook))), engine.DeployOptions{Activate: true, Hook: engine.HookOptions{
		Methods:   []string{http.MethodPost},
		APIKeys:   []secret.Value{secret.NewString("a long and secret key")},
		Structure: "person",
	}}))

	send := func(key, body string) {
		request := httptest.NewRequest(http.MethodPost, scenario.Hook.Path(), strings.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("x-make-apikey", key)
		answer := httptest.NewRecorder()
		e.Hooks().ServeHTTP(answer, request)
		fmt.Println(answer.Code, strings.TrimSpace(answer.Body.String()))
	}
	send("a guess", `{"name":"Ada"}`)
	send("a long and secret key", `{"age":"old"}`)
	send("a long and secret key", `{"name":"Ada","age":"36"}`)
	// Output:
	// <nil>
	// 401 The header x-make-apikey has no key of this hook.
	// 400 field name: is required; field age: expected integer, received text
	// 200 Accepted
}

// The entries of a data store can have a data structure, here one that Make has exported.
func ExampleEngine_SaveDataStore() {
	ctx := context.Background()
	e := must(engine.New(engine.Config{}))
	defer e.Close()
	structure := must(connector.ParseStructure([]byte(`{"name": "order", "strict": true, "spec": [
		{"name": "total", "type": "number", "required": true},
		{"name": "currency", "type": "text", "default": "EUR"}
	]}`)))
	fmt.Println(e.SaveStructure(ctx, structure), e.SaveDataStore(ctx, "orders", engine.DataStoreOptions{Structure: "order"}))
	orders := must(e.DataStore(ctx, "orders"))
	write := func(fields ...any) error {
		return orders.Change(ctx, "1", func(connector.Bundle, bool) (connector.Bundle, error) {
			return connector.NewBundle(fields...), nil
		})
	}
	fmt.Println(write("sum", 9.5))
	fmt.Println(write("total", "9.5"))
	order, _, err := orders.Get(ctx, "1")
	fmt.Println(order.Get("total"), order.Get("currency"), err)
	// Output:
	// <nil> <nil>
	// field total: is required; field sum: is not part of the data structure: leave it out
	// <nil>
	// 9.5 EUR <nil>
}
