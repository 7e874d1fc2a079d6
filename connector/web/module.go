package web

import (
	"context"
	"iter"
	"strings"

	"github.com/ebbkit/ebb/connector"
)

var (
	_ connector.Repeatable = action{}
	_ connector.Connected  = action{}
	_ connector.Repeatable = search{}
	_ connector.Connected  = search{}
)

// An action is a module that gives one bundle, and a search one that gives any number.
type (
	action struct {
		connector.Action
		traits
	}
	search struct {
		pages connector.Search // not embedded: the field would hide the method of its name
		traits
	}
)

// Info describes the module.
func (a action) Info() connector.Info { return a.traits.info(a.Action.Info()) }

// Info describes the module.
func (s search) Info() connector.Info { return s.traits.info(s.pages.Info()) }

// Search sends the request and yields what comes back.
func (s search) Search(ctx context.Context, call *connector.Call) iter.Seq2[connector.Bundle, error] {
	return s.pages.Search(ctx, call)
}

// traits are what the modules of the connector have in common beside what they do.
type traits struct {
	// credentials are the parameters that name connections, for people.
	credentials []connector.Field
	// needs says which connections the module needs with these parameters.
	needs func(params connector.Bundle) []connector.Need
}

func (t traits) info(info connector.Info) connector.Info {
	info.Params = append(info.Params[:len(info.Params):len(info.Params)], t.credentials...)
	return info
}

// Connections implements connector.Connected.
func (t traits) Connections(params connector.Bundle) []connector.Need {
	if t.needs == nil {
		return nil
	}
	return t.needs(params)
}

// Repeatable says whether the method of the request is safe (RFC 9110, section 9.2.1). PUT and DELETE are idempotent by
// the standard, but a service may have changed between two of them, and a second DELETE fails.
func (traits) Repeatable(call *connector.Call) bool {
	given, ok := call.Input.Lookup("method")
	if !ok {
		given = call.Params.Get("method")
	}
	if given == nil {
		return true // the default is GET
	}
	switch method, ok := given.(string); strings.ToLower(method) {
	case "", "get", "head", "options":
		return ok
	}
	return false
}

// filled says whether an optional parameter names something.
func filled(params connector.Bundle, name string) bool {
	value := params.Get(name)
	return value != nil && value != ""
}

// firstFilled is the first of the parameters that names something, and the first of all when none does.
func firstFilled(params connector.Bundle, names ...string) string {
	for _, name := range names {
		if filled(params, name) {
			return name
		}
	}
	return names[0]
}
