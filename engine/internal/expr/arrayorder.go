package expr

import (
	"slices"
	"strings"
	"time"
)

func sortItems(c *Call) (any, error) {
	direction, key := c.text(1), c.text(2)
	ignoreCase := false
	switch direction {
	case "", "asc", "desc":
	case "asc ci", "desc ci":
		ignoreCase = true
	default:
		if key != "" {
			return nil, invalid("argument 2 (order): expected asc, desc, asc ci or desc ci")
		}
		direction, key = "asc", direction
	}
	type entry struct{ item, by any }
	entries := make([]entry, 0, len(c.array(0)))
	for _, item := range c.array(0) {
		by := item
		if key != "" {
			by = walk(item, key)
		}
		if s, ok := by.(string); ok && ignoreCase {
			by = toLower(s)
		}
		entries = append(entries, entry{item, by})
	}
	descending := strings.HasPrefix(direction, "desc")
	slices.SortStableFunc(entries, func(a, b entry) int {
		result := sortOrder(a.by, b.by)
		if descending && !isNull(a.by) && !isNull(b.by) {
			return -result
		}
		return result
	})
	items := make([]any, len(entries))
	for i := range entries {
		items[i] = entries[i].item
	}
	return items, nil
}

// sortOrder is a total order of all values: by kind, then by value. NaN comes first among numbers.
func sortOrder(a, b any) int {
	if x, y := sortRank(a), sortRank(b); x != y {
		return order(int64(x), int64(y))
	}
	switch a := a.(type) {
	case bool:
		if a == b.(bool) { //nolint:forcetypeassert // one rank, one type
			return 0
		}
		if a {
			return 1
		}
		return -1
	case int64, float64:
		if result := compareNumbers(a, b); result != 2 {
			return result
		}
		x, y := toFloat(a), toFloat(b)
		switch {
		case x != x && y != y:
			return 0
		case x != x:
			return -1
		}
		return 1
	case time.Time:
		return order(a.UnixMilli(), b.(time.Time).UnixMilli()) //nolint:forcetypeassert // one rank, one type
	case string:
		return compareUTF16(a, b.(string)) //nolint:forcetypeassert // one rank, one type
	}
	return 0
}

func sortRank(v any) int {
	switch v.(type) {
	case bool:
		return 0
	case int64, float64:
		return 1
	case time.Time:
		return 2
	case string:
		return 3
	case nil, Special:
		return 5
	}
	return 4
}
