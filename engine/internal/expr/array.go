package expr

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ebbkit/ebb/connector"
)

func arrayFunctions() []Function {
	array := Parameter{Name: "array", Type: connector.TypeArray}
	one := []Parameter{array}
	values := []Parameter{array, {Name: "value1", Type: connector.TypeAny}, {Name: "value2", Type: connector.TypeAny, Optional: true, Repeat: true}}
	return []Function{
		{
			Name: "add", Family: "array", Result: connector.TypeArray, Parameters: values,
			Call: func(c *Call) (any, error) {
				items := c.array(0)
				return concatenated(c, items, c.Args[1:])
			},
		},
		{
			Name: "remove", Family: "array", Result: connector.TypeArray, Parameters: values,
			Call: remove,
		},
		{
			Name: "merge", Family: "array", Result: connector.TypeArray,
			Parameters: []Parameter{{Name: "array1", Type: connector.TypeArray}, {Name: "array2", Type: connector.TypeArray, Optional: true, Repeat: true}},
			Call: func(c *Call) (any, error) {
				lists := make([][]any, len(c.Args))
				for i := range c.Args {
					lists[i] = c.array(i)
				}
				return concatenated(c, lists...)
			},
		},
		{
			Name: "join", Family: "array", Result: connector.TypeText,
			Parameters: []Parameter{array, {Name: "separator", Type: connector.TypeText, Optional: true}},
			Call:       join,
		},
		{
			Name: "first", Family: "array", Result: connector.TypeAny, Parameters: one,
			Call: func(c *Call) (any, error) { return itemAt(c.array(0), 1), nil },
		},
		{
			Name: "last", Family: "array", Result: connector.TypeAny, Parameters: one,
			Call: func(c *Call) (any, error) { return itemAt(c.array(0), -1), nil },
		},
		{
			Name: "reverse", Family: "array", Result: connector.TypeArray, Parameters: one,
			Call: func(c *Call) (any, error) {
				items := copied(c.array(0))
				slices.Reverse(items)
				return items, nil
			},
		},
		{
			Name: "shuffle", Family: "array", Result: connector.TypeArray, Parameters: one,
			Call: shuffle,
		},
		{
			Name: "slice", Family: "array", Result: connector.TypeArray,
			Parameters: []Parameter{array, {Name: "start", Type: connector.TypeNumber}, {Name: "end", Type: connector.TypeNumber, Optional: true}},
			Call:       slice,
		},
		{
			Name: "flatten", Family: "array", Result: connector.TypeArray,
			Parameters: []Parameter{array, {Name: "depth", Type: connector.TypeNumber, Optional: true}},
			Call:       flatten,
		},
		{
			Name: "keys", Family: "array", Result: connector.TypeArray,
			Parameters: []Parameter{{Name: "collection or array", Type: connector.TypeAny, array: true}},
			Call:       keys,
		},
		{
			Name: "distinct", Family: "array", Result: connector.TypeArray,
			Parameters: []Parameter{array, {Name: "key", Type: connector.TypeText, Optional: true}},
			Call:       distinct,
		},
		{
			Name: "deduplicate", Family: "array", Result: connector.TypeArray, Parameters: one,
			Call: distinct,
		},
		{
			Name: "map", Family: "array", Result: connector.TypeArray,
			Parameters: []Parameter{
				array, {Name: "key", Type: connector.TypeText}, {Name: "key for filtering", Type: connector.TypeText, Optional: true},
				{Name: "values for filtering", Type: connector.TypeAny, Optional: true, array: true},
			},
			Call: mapItems,
		},
		{
			Name: "sort", Family: "array", Result: connector.TypeArray,
			Parameters: []Parameter{array, {Name: "order", Type: connector.TypeText, Optional: true}, {Name: "key", Type: connector.TypeText, Optional: true}},
			Call:       sortItems,
		},
		{
			Name: "toArray", Family: "array", Result: connector.TypeArray,
			Parameters: []Parameter{{Name: "collection or array", Type: connector.TypeAny, array: true}},
			Call:       toArray,
		},
		{
			Name: "toCollection", Family: "array", Result: connector.TypeCollection,
			Parameters: []Parameter{array, {Name: "key", Type: connector.TypeText}, {Name: "value", Type: connector.TypeText}},
			Call:       toCollection,
		},
	}
}

// copied gives an array of its own, which is never nil.
func copied(items []any) []any { return append(make([]any, 0, len(items)), items...) }

func concatenated(c *Call, lists ...[]any) (any, error) {
	n := 0
	for _, list := range lists {
		n += len(list)
	}
	if err := c.checkItems(n); err != nil {
		return nil, err
	}
	items := make([]any, 0, n)
	for _, list := range lists {
		items = append(items, list...)
	}
	return items, nil
}

func remove(c *Call) (any, error) {
	for i, v := range c.Args[1:] {
		switch v.(type) {
		case []any, connector.Bundle, []byte:
			return nil, invalid("argument %d: expected text, number, boolean, date or null, got %s", i+2, kindOf(v))
		}
	}
	unwanted := map[string]bool{}
	var mark []byte
	for _, v := range c.Args[1:] {
		mark, _ = appendMark(mark[:0], v, math.MaxInt)
		unwanted[string(mark)] = true
	}
	items := make([]any, 0, len(c.array(0)))
	for _, item := range c.array(0) {
		switch item.(type) {
		case []any, connector.Bundle, []byte:
		default:
			if mark, _ = appendMark(mark[:0], item, math.MaxInt); unwanted[string(mark)] {
				continue
			}
		}
		items = append(items, item)
	}
	return items, nil
}

func join(c *Call) (any, error) {
	separator := ","
	if len(c.Args) > 1 {
		separator = c.text(1)
	}
	limit := c.lang.maxText
	var text []byte
	var err error
	for i, item := range c.array(0) {
		if i > 0 {
			text = append(text, separator...)
		}
		switch item.(type) {
		case []any, connector.Bundle:
			text, err = appendJSON(text, item, limit, 0)
		default:
			text, err = appendItem(text, item, limit)
		}
		if err != nil {
			return nil, err
		}
	}
	return string(text), c.checkText(len(text))
}

func shuffle(c *Call) (any, error) {
	items := copied(c.array(0))
	for i := len(items) - 1; i > 0; i-- {
		j := min(int(c.env.Random()*float64(i+1)), i)
		items[i], items[max(j, 0)] = items[max(j, 0)], items[i]
	}
	return items, nil
}

func slice(c *Call) (any, error) {
	items := c.array(0)
	bound := func(i int) int {
		if i < 0 {
			i += len(items)
		}
		return min(max(i, 0), len(items))
	}
	from, to := bound(c.whole(1, 0)), bound(c.whole(2, len(items)))
	if from >= to {
		return []any{}, nil
	}
	return items[from:to:to], nil
}

func flatten(c *Call) (any, error) {
	f := flattening{call: c, items: []any{}}
	err := f.add(c.array(0), min(c.whole(1, 1), maxValueDepth+1))
	return f.items, err
}

// A flattening counts what it has looked at, because any number of arrays may have no items.
type flattening struct {
	call  *Call
	items []any
	seen  int
}

func (f *flattening) add(items []any, depth int) error {
	f.seen++
	if err := f.call.checkItems(max(f.seen, len(f.items)) + len(items)); err != nil {
		return err
	}
	for _, item := range items {
		if inner, ok := item.([]any); ok && depth > 0 {
			if err := f.add(inner, depth-1); err != nil {
				return err
			}
			continue
		}
		f.items = append(f.items, item)
	}
	return nil
}

func keys(c *Call) (any, error) {
	names := []any{}
	switch v := c.Args[0].(type) {
	case nil, Special:
	case connector.Bundle:
		for name := range v.All() {
			names = append(names, name)
		}
	case []any:
		for i := range v {
			names = append(names, strconv.Itoa(i))
		}
	default:
		return nil, invalid("argument 1 (collection or array): got %s", kindOf(v))
	}
	return names, nil
}

func mapItems(c *Call) (any, error) {
	key, filterKey := c.text(1), c.text(2)
	var wanted map[string]bool
	if filterKey != "" {
		var err error
		if wanted, err = filterValues(c); err != nil {
			return nil, err
		}
	}
	items := []any{}
	for _, item := range c.array(0) {
		if wanted != nil {
			v := walk(item, filterKey)
			if isNull(v) {
				continue
			}
			text, err := c.textOf(v)
			if err != nil {
				return nil, err
			}
			if !wanted[text] {
				continue
			}
		}
		if v := walk(item, key); v != nil {
			items = append(items, v)
		}
	}
	return items, nil
}

// filterValues gives the texts that map lets pass.
func filterValues(c *Call) (map[string]bool, error) {
	wanted := map[string]bool{}
	list, ok := argument(c, 3).([]any)
	if !ok {
		text, err := c.textOf(argument(c, 3))
		if err != nil {
			return nil, err
		}
		// The whole text is a value too, for one that has a comma of its own.
		wanted[text] = true
		for part := range strings.SplitSeq(text, ",") {
			wanted[part] = true
			wanted[trimSpace(part)] = true
		}
	}
	for _, v := range list {
		text, err := c.textOf(v)
		if err != nil {
			return nil, err
		}
		wanted[text] = true
	}
	return wanted, nil
}

func toArray(c *Call) (any, error) {
	items := []any{}
	pair := func(key string, value any) any {
		return connector.BundleOf([]string{"key", "value"}, []any{key, value})
	}
	switch v := c.Args[0].(type) {
	case nil, Special:
	case connector.Bundle:
		for name, value := range v.All() {
			items = append(items, pair(name, value))
		}
	case []any:
		for i, value := range v {
			items = append(items, pair(strconv.Itoa(i), value))
		}
	default:
		return nil, mismatch(v, connector.TypeCollection)
	}
	return items, nil
}

func toCollection(c *Call) (any, error) {
	var names []string
	var values []any
	places := map[string]int{}
	for _, item := range c.array(0) {
		if _, ok := item.(connector.Bundle); !ok {
			return nil, invalid("argument 1 (array): expected an array of collections, found %s", kindOf(item))
		}
		name, err := c.textOf(walk(item, c.text(1)))
		if err != nil {
			return nil, err
		}
		value := walk(item, c.text(2))
		if place, ok := places[name]; ok {
			values[place] = value
			continue
		}
		places[name] = len(names)
		names, values = append(names, name), append(values, value)
	}
	return connector.BundleOf(names, values), nil
}
