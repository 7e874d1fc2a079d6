package engine

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/builtin"
	"github.com/ebbkit/ebb/connector/datastore"
	"github.com/ebbkit/ebb/connector/gateway"
	"github.com/ebbkit/ebb/connector/text"
	"github.com/ebbkit/ebb/connector/util"
	"github.com/ebbkit/ebb/connector/web"
)

// generic are the connectors that every engine has.
func generic() []connector.Connector {
	return []connector.Connector{builtin.New(), util.New(), gateway.New(), web.New(web.Config{}), text.JSON(), datastore.New()}
}

// A catalog finds modules by the names that blueprints use.
type catalog struct {
	apps map[string]bool
	// modules has the versions of each module, lowest first.
	modules map[string][]connector.Module
	names   []string
}

func newCatalog(connectors []connector.Connector) (*catalog, error) {
	c := &catalog{apps: map[string]bool{}, modules: map[string][]connector.Module{}}
	own := map[string]bool{}
	var problems []error
	for _, x := range connectors {
		if x == nil {
			problems = append(problems, fmt.Errorf("%w: Config.Connectors holds a nil", ErrInvalid))
			continue
		}
		if own[x.Name()] {
			problems = append(problems, fmt.Errorf("%w: Config.Connectors holds two connectors of the name %q", ErrInvalid, x.Name()))
		}
		own[x.Name()] = true
		problems = append(problems, c.add(x))
	}
	for _, x := range generic() {
		if !own[x.Name()] {
			problems = append(problems, c.add(x))
		}
	}
	c.names = make([]string, 0, len(c.modules))
	for name := range c.modules {
		c.names = append(c.names, name)
	}
	slices.Sort(c.names)
	return c, errors.Join(problems...)
}

// add takes a connector in, unless it is not sound.
func (c *catalog) add(x connector.Connector) error {
	if err := connector.Check(x); err != nil {
		return fmt.Errorf("%w: Config.Connectors: %w", ErrInvalid, err)
	}
	c.apps[x.Name()] = true
	for _, module := range x.Modules() {
		name := x.Name() + ":" + module.Info().Name
		versions := append(c.modules[name], module)
		slices.SortStableFunc(versions, func(a, b connector.Module) int { return a.Info().Version - b.Info().Version })
		c.modules[name] = versions
	}
	return nil
}

// find returns the module of a name that speaks a version: that version's own, else one that speaks any, else the newest.
// exact is false in the last case.
func (c *catalog) find(name string, version int) (module connector.Module, exact, ok bool) {
	versions := c.modules[name]
	if len(versions) == 0 {
		return nil, false, false
	}
	for _, module := range versions {
		if module.Info().Version == version {
			return module, true, true
		}
	}
	if versions[0].Info().Version == 0 {
		return versions[0], true, true
	}
	return versions[len(versions)-1], false, true
}

// absent are modules of the generic apps that Make has and this version does not. A blueprint that uses one is not wrong, but
// it cannot be run unless the host registers a connector that has the module.
var absent = map[string]bool{
	"gateway:CustomMailHook":        true,
	"http:ActionSendDataAPIKeyAuth": true,
	"http:ActionSendDataBasicAuth":  true,
	"http:ActionSendDataOAuth":      true,
	"json:AggregateToJSON":          true,
	"util:AggregateAggregator":      true,
	"util:BasicTrigger":             true,
	"util:FunctionAggregator2":      true,
	"util:FunctionIncrement":        true,
	"util:GetVariable":              true,
	"util:NumericalAggregator":      true,
	"util:TableAggregator":          true,
	"util:SetVariable":              true,
}
