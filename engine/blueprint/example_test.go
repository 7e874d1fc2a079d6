package blueprint_test

import (
	"fmt"

	"github.com/ebbkit/ebb/engine/blueprint"
)

const exported = `{
	"name": "Orders to the CRM",
	"flow": [
		{"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 4711}, "mapper": {}},
		{"id": 3, "module": "http:ActionSendData", "version": 3, "parameters": {"handleErrors": true},
			"filter": {"name": "paid", "conditions": [[{"a": "{{1.status}}", "o": "text:equal", "b": "paid"}]]},
			"mapper": {"url": "https://crm.example/orders", "method": "post", "data": "{{1.order}}", "timeout": 30.0},
			"onerror": [{"id": 4, "module": "builtin:Ignore", "version": 1}]}
	],
	"metadata": {"version": 1, "scenario": {"sequential": true}, "zone": "eu2.make.com"}
}`

func ExampleParse() {
	bp, err := blueprint.Parse([]byte(exported))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(bp.Name, "- one run at a time:", bp.Settings().Sequential)
	for place, m := range bp.All() {
		fmt.Println(m.ID, m.Title(), "at", place.Path())
	}
	// Output:
	// Orders to the CRM - one run at a time: true
	// 1 gateway:CustomWebHook at flow[0]
	// 3 http:ActionSendData at flow[1]
	// 4 builtin:Ignore at flow[1].onerror[0]
}

func ExampleParse_syntax() {
	_, err := blueprint.Parse([]byte("{\"name\": \"Orders\"\n \"flow\": []}"))
	fmt.Println(err)
	// Output: blueprint: not valid JSON: line 2, column 2: expected a comma or } after a value, found '"'
}

func ExampleCheck() {
	bp, err := blueprint.Parse([]byte(`{"name": "Lines", "flow": [
		{"id": 1, "module": "gateway:CustomWebHook", "version": 1},
		{"id": 2, "module": "builtin:BasicAggregator", "version": 1, "parameters": {"feeder": 7}, "mapper": {}},
		{"id": 2, "module": "http: send", "version": 3, "mapper": {}}
	]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	problems := blueprint.Check(bp, blueprint.CheckOptions{})
	for _, p := range problems {
		fmt.Println(p.Severity, p.Module, p.Field, p.Code)
	}
	fmt.Println("can run:", blueprint.OK(problems))
	// Output:
	// error 2 parameters.feeder feeder-not-upstream
	// error 2 id duplicate-id
	// warning 2 module bad-module-name
	// can run: false
}

func ExampleMarshal() {
	bp, err := blueprint.Parse([]byte(exported))
	if err != nil {
		fmt.Println(err)
		return
	}
	m, _ := bp.Module(3)
	m.Mapper.Set("method", "put")
	m.Filter = nil
	settings := bp.Settings()
	settings.DLQ = true
	bp.SetSettings(settings)

	out, err := blueprint.Marshal(&blueprint.Blueprint{Name: bp.Name, Flow: bp.Flow[1:], Metadata: bp.Metadata})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(out))
	// Output: {"name":"Orders to the CRM","flow":[{"id":3,"module":"http:ActionSendData","version":3,"parameters":{"handleErrors":true},"mapper":{"url":"https://crm.example/orders","method":"put","data":"{{1.order}}","timeout":30.0},"onerror":[{"id":4,"module":"builtin:Ignore","version":1}]}],"metadata":{"version":1,"scenario":{"sequential":true,"dlq":true},"zone":"eu2.make.com"}}
}
