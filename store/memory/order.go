package memory

import "slices"

// maxChunk is the most items in one chunk of an order. Moving half of it costs about as much as finding the place.
const maxChunk = 256

// An item is one place in an order: the record's entry under an instant (zero where only IDs order) and its ID.
type item struct {
	at int64
	id string
	*entry
}

func (a item) compare(b item) int {
	switch {
	case a.at != b.at:
		if a.at < b.at {
			return -1
		}
		return 1
	case a.id < b.id:
		return -1
	case a.id > b.id:
		return 1
	}
	return 0
}

// An order keeps items sorted by instant and ID: a sorted list, cut into chunks so that neither finding nor inserting
// touches much of it. The zero order is empty. No chunk is ever empty.
type order struct {
	chunks [][]item
}

// chunk returns the index of the last chunk whose first item is not above it, or 0.
func (o *order) chunk(it item) int {
	lo, hi := 0, len(o.chunks)
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if o.chunks[mid][0].compare(it) <= 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return max(lo-1, 0)
}

// insert adds an item that is not there yet.
func (o *order) insert(it item) {
	if len(o.chunks) == 0 {
		o.chunks = [][]item{{it}}
		return
	}
	c := o.chunk(it)
	at, _ := slices.BinarySearchFunc(o.chunks[c], it, item.compare)
	o.chunks[c] = slices.Insert(o.chunks[c], at, it)
	if n := len(o.chunks[c]); n > maxChunk {
		// IDs mostly rise: a split at the end of the list leaves the left chunk full.
		cut := n / 2
		if c == len(o.chunks)-1 && at == n-1 {
			cut = n - 1
		}
		right := append(make([]item, 0, maxChunk/2), o.chunks[c][cut:]...)
		clear(o.chunks[c][cut:])
		o.chunks[c] = o.chunks[c][:cut]
		o.chunks = slices.Insert(o.chunks, c+1, right)
	}
}

// remove takes an item out, if it is there.
func (o *order) remove(it item) {
	if len(o.chunks) == 0 {
		return
	}
	c := o.chunk(it)
	at, ok := slices.BinarySearchFunc(o.chunks[c], it, item.compare)
	if !ok {
		return
	}
	o.chunks[c] = slices.Delete(o.chunks[c], at, at+1)
	switch n := len(o.chunks[c]); {
	case n == 0:
		o.chunks = slices.Delete(o.chunks, c, c+1)
	case c > 0 && n+len(o.chunks[c-1]) < maxChunk/2:
		o.merge(c - 1)
	case c+1 < len(o.chunks) && n+len(o.chunks[c+1]) < maxChunk/2:
		o.merge(c)
	}
}

// merge appends chunk c+1 to chunk c.
func (o *order) merge(c int) {
	o.chunks[c] = append(o.chunks[c], o.chunks[c+1]...)
	o.chunks = slices.Delete(o.chunks, c+1, c+2)
}

func (o *order) empty() bool { return len(o.chunks) == 0 }

// ascend calls see with the items above it, lowest first, until see returns false.
func (o *order) ascend(above item, see func(item) bool) {
	if len(o.chunks) == 0 {
		return
	}
	c := o.chunk(above)
	at, ok := slices.BinarySearchFunc(o.chunks[c], above, item.compare)
	if ok {
		at++
	}
	for ; c < len(o.chunks); c, at = c+1, 0 {
		for _, it := range o.chunks[c][at:] {
			if !see(it) {
				return
			}
		}
	}
}

// descend calls see with the items below it, highest first, until see returns false.
func (o *order) descend(below item, see func(item) bool) {
	if len(o.chunks) == 0 {
		return
	}
	c := o.chunk(below)
	at, _ := slices.BinarySearchFunc(o.chunks[c], below, item.compare)
	for {
		for _, it := range slices.Backward(o.chunks[c][:at]) {
			if !see(it) {
				return
			}
		}
		if c--; c < 0 {
			return
		}
		at = len(o.chunks[c])
	}
}
