package expr

import (
	"time"

	"github.com/ebbkit/ebb/connector"
)

// maxCompared is how many items and fields one comparison may look at. Values share their parts, so that a small one can
// stand for more items than anybody could look at.
const maxCompared = 1 << 22

// equal is the strict equality of the = operator: one type, one value. Dates are equal when they are the same
// millisecond, arrays and objects when their contents are, whatever the order of an object's fields.
func equal(a, b any) (bool, error) {
	var c equation
	return c.equal(a, b)
}

// An equation counts what it has looked at, so that many values can be compared under one limit.
type equation struct {
	seen, depth int
}

func (c *equation) equal(a, b any) (bool, error) {
	switch a := a.(type) {
	case nil, Special:
		return isNull(b), nil
	case bool:
		b, ok := b.(bool)
		return ok && a == b, nil
	case int64, float64:
		switch b.(type) {
		case int64, float64:
			return compareNumbers(a, b) == 0, nil
		}
		return false, nil
	case string:
		b, ok := b.(string)
		return ok && a == b, nil
	case time.Time:
		b, ok := b.(time.Time)
		return ok && a.UnixMilli() == b.UnixMilli(), nil
	case []byte:
		b, ok := b.([]byte)
		return ok && string(a) == string(b), nil
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false, nil
		}
		return c.inside(len(a), func() (bool, error) { return c.items(a, b) })
	case connector.Bundle:
		b, ok := b.(connector.Bundle)
		if !ok || a.Len() != b.Len() {
			return false, nil
		}
		return c.inside(a.Len(), func() (bool, error) { return c.fields(a, b) })
	}
	return false, nil
}

// inside compares what two values of one length hold.
func (c *equation) inside(length int, compare func() (bool, error)) (bool, error) {
	if c.seen += length; c.seen > maxCompared {
		return false, overLimit("the values that are compared have more than %d items", maxCompared)
	}
	if c.depth == maxValueDepth {
		return false, errDepth()
	}
	c.depth++
	same, err := compare()
	c.depth--
	return same, err
}

func (c *equation) items(a, b []any) (bool, error) {
	for i := range a {
		if same, err := c.equal(a[i], b[i]); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

// fields pays no regard to the order of fields.
func (c *equation) fields(a, b connector.Bundle) (bool, error) {
	for name, value := range a.All() {
		other, ok := b.Lookup(name)
		if !ok {
			return false, nil
		}
		if same, err := c.equal(value, other); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}
