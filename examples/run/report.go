package main

import (
	"strings"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
)

// report is what is printed of an execution.
func report(x *engine.Execution, bp *blueprint.Blueprint) connector.Bundle {
	trace := make([]any, len(x.Trace))
	for i, step := range x.Trace {
		out := make([]any, len(step.Out))
		for j, bundle := range step.Out {
			out[j] = bundle
		}
		var failure any
		if step.Error != nil {
			failure = connector.NewBundle("type", string(step.Error.Type), "message", step.Error.Message)
		}
		trace[i] = connector.NewBundle("module", step.Module, "in", step.In, "out", out, "error", failure)
	}
	var failure any
	if x.Failure != nil {
		failure = connector.NewBundle("module", x.Failure.Module, "type", string(x.Failure.Type), "message", x.Failure.Message)
	}
	return connector.NewBundle(
		"status", string(x.Status),
		"error", failure,
		"operations", x.Operations,
		"trace", trace,
		"responses", responses(x, bp),
	)
}

// responses are the answers of the scenario. One that begins with a hook and answers nothing shows what its caller gets then.
func responses(x *engine.Execution, bp *blueprint.Blueprint) []any {
	answers := x.Responses
	if len(answers) == 0 && len(bp.Flow) > 0 && bp.Flow[0].Name == "gateway:CustomWebHook" {
		answers = []connector.Response{{Status: 200, Body: []byte("Accepted")}}
	}
	all := make([]any, len(answers))
	for i, answer := range answers {
		headers := connector.Bundle{}
		for _, h := range answer.Headers {
			if before, ok := headers.Lookup(h.Name); ok {
				headers.Set(h.Name, strings.Join([]string{before.(string), h.Value}, ", "))
				continue
			}
			headers.Set(h.Name, h.Value)
		}
		all[i] = connector.NewBundle("status", answer.Status, "headers", headers, "body", string(answer.Body))
	}
	return all
}
