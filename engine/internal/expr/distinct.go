package expr

// maxMarked is how much of the items distinct looks at: a gigabyte. Items share their parts, so that few of them in memory may
// stand for more than anybody could look at.
const maxMarked = 1 << 30

// distinct tells items apart by their marks, so that it needs one pass.
func distinct(c *Call) (any, error) {
	key := c.text(1)
	seen := make(map[string]bool, len(c.array(0)))
	items := []any{}
	var mark []byte
	marked := 0
	for _, item := range c.array(0) {
		v := item
		if key != "" {
			v = walk(item, key)
		}
		var err error
		if mark, err = appendMark(mark[:0], v, c.lang.maxText); err != nil {
			return nil, err
		}
		if marked += len(mark); marked > maxMarked {
			return nil, overLimit("the items are longer than %d bytes", maxMarked)
		}
		if !seen[string(mark)] {
			seen[string(mark)] = true
			items = append(items, item)
		}
	}
	return items, nil
}

// appendMark writes a value so that equal values, and only they, are written alike: its kind and its text, or its JSON
// where it is an array or a collection, whose fields' order counts then. Only the latter two can fail.
func appendMark(dst []byte, v any, limit int) ([]byte, error) {
	dst = append(dst, kindOf(v)...)
	switch v := v.(type) {
	case string:
		return append(append(dst, ' '), v...), nil
	case []byte:
		return append(append(dst, ' '), v...), nil
	}
	return appendJSON(dst, v, limit, 0)
}
