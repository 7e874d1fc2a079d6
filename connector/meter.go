package connector

import (
	"reflect"
	"weak"
)

// A Meter tells how many bytes bundles hold: texts, buffers and the names of fields have their lengths, everything else
// counts as 8 bytes, and a value that stands in several places counts in each of them. It remembers large arrays and
// collections without keeping them alive, so that a bundle which only refers to one is measured at once. The values must
// not change between measurements. The zero Meter is ready; it belongs to one goroutine.
type Meter struct {
	known []measured // made when there is something to remember; a hash table without chains
	left  int64
	nodes int
}

// measured is a value that was walked before.
type measured struct {
	at     uintptr
	length int
	bytes  int64
	array  weak.Pointer[any]
	object weak.Pointer[object]
}

const (
	meterSlots = 64
	// rememberFrom is how many values an array or collection must hold, with all in it, to be remembered.
	rememberFrom = 64
	// rememberDepth is how deep a value may stand to be remembered. What a mapper refers to stands near the top.
	rememberDepth = 3
)

// Bytes returns how many bytes a bundle holds; more than limit, without having counted all, when it holds more than that.
func (m *Meter) Bytes(b Bundle, limit int64) int64 {
	m.left, m.nodes = limit, 0
	m.bundle(b, 0)
	return limit - m.left
}

func (m *Meter) value(value any, depth int) {
	m.nodes++
	switch value := value.(type) {
	case string:
		m.left -= int64(len(value))
	case []byte:
		m.left -= int64(len(value))
	case []any:
		m.array(value, depth)
	case Bundle:
		m.bundle(value, depth)
	default:
		m.left -= 8
	}
}

func (m *Meter) array(list []any, depth int) {
	m.left -= 8
	if len(list) == 0 || depth > MaxDepth {
		return
	}
	first := &list[0]
	var slot *measured
	if depth <= rememberDepth {
		slot = m.slot(reflect.ValueOf(first).Pointer())
		if slot != nil && slot.length == len(list) && slot.array.Value() == first {
			m.left -= slot.bytes
			return
		}
	}
	before, nodes := m.left, m.nodes
	for _, element := range list {
		if m.left < 0 {
			return
		}
		m.value(element, depth+1)
	}
	if depth <= rememberDepth && m.nodes-nodes >= rememberFrom && m.left >= 0 {
		m.remember(reflect.ValueOf(first).Pointer(), measured{length: len(list), bytes: before - m.left, array: weak.Make(first)})
	}
}

func (m *Meter) bundle(b Bundle, depth int) {
	m.left -= 8
	if b.o == nil || depth > MaxDepth {
		return
	}
	// One with few fields at the top is walked sooner than found.
	look := depth <= rememberDepth && (depth > 0 || len(b.o.fields) >= rememberFrom)
	if look {
		slot := m.slot(reflect.ValueOf(b.o).Pointer())
		if slot != nil && slot.length == len(b.o.fields) && slot.object.Value() == b.o {
			m.left -= slot.bytes
			return
		}
	}
	before, nodes := m.left, m.nodes
	for i := range b.o.fields {
		if m.left < 0 {
			return
		}
		m.left -= int64(len(b.o.fields[i].name))
		m.value(b.o.fields[i].value, depth+1)
	}
	if look && m.nodes-nodes >= rememberFrom && m.left >= 0 {
		m.remember(reflect.ValueOf(b.o).Pointer(), measured{length: len(b.o.fields), bytes: before - m.left, object: weak.Make(b.o)})
	}
}

// slot returns what is remembered of an address, or nil. Another value may have come to stand there since.
func (m *Meter) slot(at uintptr) *measured {
	if m.known == nil {
		return nil
	}
	if slot := &m.known[place(at)]; slot.at == at {
		return slot
	}
	return nil
}

func (m *Meter) remember(at uintptr, value measured) {
	if m.known == nil {
		m.known = make([]measured, meterSlots)
	}
	value.at = at
	m.known[place(at)] = value
}

// place spreads addresses, whose last bits are alike, over the slots.
func place(at uintptr) int { return int(uint64(at) * 0x9E3779B97F4A7C15 >> 58) }
