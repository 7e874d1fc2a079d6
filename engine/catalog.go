package engine

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/builtin"
	"github.com/ebbkit/ebb/connector/datastore"
	"github.com/ebbkit/ebb/connector/gateway"
	"github.com/ebbkit/ebb/connector/scenario"
	"github.com/ebbkit/ebb/connector/text"
	"github.com/ebbkit/ebb/connector/util"
	"github.com/ebbkit/ebb/connector/web"
)

// generic are the connectors that every engine has.
func generic() []connector.Connector {
	return append(text.All(), builtin.New(), util.New(), gateway.New(), web.New(web.Config{}), datastore.New(), scenario.New())
}

// A catalog finds modules by the names that blueprints use.
type catalog struct {
	apps map[string]bool
	// modules has the versions of each module, lowest first.
	modules map[string][]connector.Module
	names   []string
}

// A CollisionError says that two connectors of Config.Connectors have a module of the same name and version: nobody could tell
// which of them a blueprint means. It is an ErrInvalid.
type CollisionError struct {
	// Module is the name of the module with that of its app: "regexp:HTMLToText".
	Module string
	// Version is the version that both speak. 0: both speak any.
	Version int
}

// Error names the module and the fix.
func (e *CollisionError) Error() string {
	return fmt.Sprintf("%v: Config.Connectors has module %s twice with version %d: leave one of them out", ErrInvalid, e.Module, e.Version)
}

// Unwrap returns ErrInvalid.
func (e *CollisionError) Unwrap() error { return ErrInvalid }

// newCatalog joins the modules of all connectors. Connectors of one name add up. No two of the host's may have a module of
// the same name and version; a generic module that the host has too, in that version or for all of them, gives way.
func newCatalog(connectors []connector.Connector) (*catalog, error) {
	c := &catalog{apps: map[string]bool{}, modules: map[string][]connector.Module{}}
	given := map[identity]bool{}
	var problems []error
	for _, x := range connectors {
		if x == nil {
			problems = append(problems, fmt.Errorf("%w: Config.Connectors holds a nil", ErrInvalid))
			continue
		}
		if err := connector.Check(x); err != nil {
			problems = append(problems, fmt.Errorf("%w: Config.Connectors: %w", ErrInvalid, err))
			continue
		}
		c.apps[x.Name()] = true
		for _, module := range x.Modules() {
			id := identityOf(x, module)
			if given[id] {
				problems = append(problems, &CollisionError{Module: id.name, Version: id.version})
				continue
			}
			given[id] = true
			c.add(id.name, module)
		}
	}
	for _, x := range generic() {
		problems = append(problems, connector.Check(x))
		c.apps[x.Name()] = true
		for _, module := range x.Modules() {
			id := identityOf(x, module)
			if !given[id] && !given[identity{name: id.name}] {
				c.add(id.name, module)
			}
		}
	}
	c.names = make([]string, 0, len(c.modules))
	for name := range c.modules {
		c.names = append(c.names, name)
	}
	slices.Sort(c.names)
	return c, errors.Join(problems...)
}

// identity is what blueprints tell modules apart by.
type identity struct {
	name    string // with that of the app
	version int
}

func identityOf(x connector.Connector, module connector.Module) identity {
	info := module.Info()
	return identity{x.Name() + ":" + info.Name, info.Version}
}

func (c *catalog) add(name string, module connector.Module) {
	versions := append(c.modules[name], module)
	slices.SortStableFunc(versions, func(a, b connector.Module) int { return a.Info().Version - b.Info().Version })
	c.modules[name] = versions
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

// absent are modules of the generic apps that Make has and this module of Go has not; all but the first are in connector/apps. A
// blueprint that uses one is not wrong, but it cannot be run unless the host registers a connector that has the module.
var absent = map[string]bool{
	"gateway:CustomMailHook":     true,
	"regexp:GetElements":         true,
	"regexp:GetElementsFromText": true,
	"regexp:HTMLParser":          true,
	"regexp:HTMLTableParser2":    true,
	"regexp:HTMLToText":          true,
	"xml:XPathQuery":             true,
}
