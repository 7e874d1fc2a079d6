package connector_test

import (
	"context"
	"fmt"

	"github.com/ebbkit/ebb/connector"
)

// Greeter is a whole connector: a name, a module, typed input and output.
type Greeter struct{}

type person struct {
	Name string `json:"name" label:"Name" required:"true" personal:"name"`
	Age  int    `json:"age" min:"0" max:"150"`
}

type greeting struct {
	Text  string `json:"text"`
	Adult bool   `json:"adult"`
}

func (Greeter) Name() string { return "greeter" }

func (Greeter) Modules() []connector.Module {
	return []connector.Module{
		connector.NewAction(connector.Info{Name: "Greet", Label: "Greet a person", Pure: true},
			func(_ context.Context, _ *connector.Call, in person) (greeting, error) {
				return greeting{Text: "Hello, " + in.Name + "!", Adult: in.Age >= 18}, nil
			}),
	}
}

func Example() {
	greet := Greeter{}.Modules()[0].(connector.Action)
	for _, input := range []connector.Bundle{
		connector.NewBundle("name", "Ada", "age", "36"),
		connector.NewBundle("age", "very old"),
	} {
		out, err := greet.Do(context.Background(), &connector.Call{Input: input})
		if err != nil {
			fmt.Printf("%s: %v\n", connector.TypeOf(err), err)
			continue
		}
		text, _ := out.MarshalJSON()
		fmt.Printf("%s\n", text)
	}
	// Output:
	// {"text":"Hello, Ada!","adult":true}
	// BundleValidationError: field name: is required; field age: expected integer, received text
}

func ExampleBundle() {
	b := connector.NewBundle("name", "Ada", "age", 36)
	b.Set("languages", []string{"English", "French"})
	b.Set("name", "Ada Lovelace") // stays in its place
	for name, value := range b.All() {
		fmt.Println(name, "=", value)
	}
	// Output:
	// name = Ada Lovelace
	// age = 36
	// languages = [English French]
}

func ExampleParseJSON() {
	value, err := connector.ParseJSON([]byte(`{"zebra": 1, "ant": 2.50, "moose": [true, null]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	text, _ := connector.AppendJSON(nil, value)
	fmt.Printf("%s\n", text)
	// Output:
	// {"zebra":1,"ant":2.5,"moose":[true,null]}
}
