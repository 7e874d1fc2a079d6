package expr

import (
	"math"
	"strconv"
	"strings"

	"github.com/ebbkit/ebb/connector"
)

func generalFunctions() []Function {
	value := func(name string) Parameter { return Parameter{Name: name, Type: connector.TypeAny} }
	return []Function{
		{
			Name: "if", Family: "general", Result: connector.TypeAny,
			Parameters: []Parameter{
				{Name: "condition", Type: connector.TypeAny, sums: true}, value("value1"), {Name: "value2", Type: connector.TypeAny, Optional: true},
			},
			lazy: func(args []node, _ int) node {
				return &conditional{args[0], args[1], argumentOr(args, 2)}
			},
		},
		{
			Name: "ifempty", Family: "general", Result: connector.TypeAny,
			Parameters: []Parameter{value("value1"), value("value2")},
			lazy:       func(args []node, _ int) node { return &fallback{args[0], args[1]} },
		},
		{
			Name: "switch", Family: "general", Result: connector.TypeAny,
			Parameters: []Parameter{
				value("expression"), value("value1"), value("result1"), {Name: "more", Type: connector.TypeAny, Optional: true, Repeat: true},
			},
			lazy: func(args []node, column int) node {
				n := &choice{subject: args[0], otherwise: constant{nil}, column: column}
				for args = args[1:]; len(args) > 1; args = args[2:] {
					n.cases, n.results = append(n.cases, args[0]), append(n.results, args[1])
				}
				if len(args) == 1 {
					n.otherwise = args[0]
				}
				return n
			},
		},
		{
			Name: "get", Family: "general", Result: connector.TypeAny,
			Parameters: []Parameter{{Name: "object or array", Type: connector.TypeAny, array: true}, {Name: "path", Type: connector.TypeAny, sums: true}},
			Call:       get,
		},
		{
			Name: "pick", Family: "general", Result: connector.TypeCollection,
			Parameters: []Parameter{{Name: "collection", Type: connector.TypeCollection}, {Name: "key1", Type: connector.TypeAny, array: true}, {Name: "key2", Type: connector.TypeAny, Optional: true, Repeat: true, array: true}},
			Call:       func(c *Call) (any, error) { return chooseFields(c, true) },
		},
		{
			Name: "omit", Family: "general", Result: connector.TypeCollection,
			Parameters: []Parameter{{Name: "collection", Type: connector.TypeCollection}, {Name: "key1", Type: connector.TypeAny, array: true}, {Name: "key2", Type: connector.TypeAny, Optional: true, Repeat: true, array: true}},
			Call:       func(c *Call) (any, error) { return chooseFields(c, false) },
		},
		{
			Name: "equal", Family: "general", Result: connector.TypeBoolean,
			Parameters: []Parameter{value("a"), value("b")},
			Call:       func(c *Call) (any, error) { return equal(c.Args[0], c.Args[1]) },
		},
	}
}

func argumentOr(args []node, i int) node {
	if i < len(args) {
		return args[i]
	}
	return constant{nil}
}

func get(c *Call) (any, error) {
	v := c.Args[0]
	switch p := c.Args[1].(type) {
	case nil, Special:
		return nil, nil
	case int64:
		if items, ok := v.([]any); ok {
			return itemAt(items, p), nil
		}
		return walk(v, strconv.FormatInt(p, 10)), nil
	case float64:
		items, ok := v.([]any)
		if !ok || p != math.Trunc(p) {
			return nil, nil
		}
		return itemAt(items, int64(max(min(p, 1<<53), -1<<53))), nil
	case string:
		return walk(v, p), nil
	}
	return nil, invalid("argument 2 (path): expected text or number, got %s", kindOf(c.Args[1]))
}

// itemAt counts from 1, or from the end when n is negative.
func itemAt(items []any, n int64) any {
	if n < 0 {
		n += int64(len(items)) + 1
	}
	if n < 1 || n > int64(len(items)) {
		return nil
	}
	return items[n-1]
}

// walk follows a dotted path of fields and indexes. A field whose own name has dots wins over the path through it, and
// indexes may stand in brackets.
func walk(v any, path string) any {
	for path != "" {
		if object, ok := v.(connector.Bundle); ok {
			if field, ok := object.Lookup(path); ok {
				return field
			}
		}
		var segment string
		var index bool
		if segment, path, index = cutSegment(path); segment == "" && index {
			segment = "1" // [] is the first item
		}
		switch value := v.(type) {
		case connector.Bundle:
			if index {
				return nil
			}
			v, _ = value.Lookup(segment)
		case []any:
			n, err := strconv.ParseInt(trimSpace(segment), 10, 64)
			if err != nil {
				return nil
			}
			v = itemAt(value, n)
		default:
			return nil
		}
	}
	return v
}

// cutSegment takes the first segment off a path: a name up to a dot or bracket, a name in backquotes, or an index in
// brackets.
func cutSegment(path string) (segment, rest string, index bool) {
	switch path[0] {
	case '[':
		if end := strings.IndexByte(path, ']'); end > 0 {
			return path[1:end], strings.TrimPrefix(path[end+1:], "."), true
		}
	case '`':
		if end := strings.IndexByte(path[1:], '`'); end >= 0 {
			return path[1 : end+1], strings.TrimPrefix(path[end+2:], "."), false
		}
	}
	end := strings.IndexAny(path[1:], ".[") + 1
	if path[0] == '.' {
		return "", path[1:], false
	}
	if end == 0 {
		return path, "", false
	}
	return path[:end], strings.TrimPrefix(path[end:], "."), false
}

// chooseFields keeps, or leaves out, the fields that the arguments behind the first name.
func chooseFields(c *Call, keep bool) (any, error) {
	object := c.Args[0].(connector.Bundle) //nolint:forcetypeassert // its parameter is required and a collection
	chosen := map[string]bool{}
	for _, arg := range c.Args[1:] {
		keys, ok := arg.([]any)
		if !ok {
			keys = []any{arg}
		}
		for _, key := range keys {
			name, err := c.textOf(key)
			if err != nil {
				return nil, err
			}
			chosen[name] = true
		}
	}
	var names []string
	var values []any
	for name, value := range object.All() {
		if chosen[name] == keep {
			names, values = append(names, name), append(values, value)
		}
	}
	return connector.BundleOf(names, values), nil
}
