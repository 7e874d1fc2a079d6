package connector

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"time"
)

// A Bundle is what modules hand to each other: an object that keeps its fields in order, because JSON that people read
// and sign depends on it. The zero Bundle is empty and ready to use.
//
// Values are nil, bool, int64, float64, string, time.Time (in UTC), []byte, []any and Bundle; [Normalize] makes them of
// anything else. A Bundle refers to its fields, like a map: copies share them. Treat a bundle that you did not make as
// read-only, or Clone it first. Reading from many goroutines at once is safe, writing is not.
type Bundle struct {
	o *object
}

// object is behind a pointer so that a Bundle fits into an interface without an allocation.
type object struct {
	fields []field
	// index finds the fields of large bundles, nil for others. Only what writes makes it, so that reading needs no
	// lock.
	index map[string]int
}

type field struct {
	name  string
	value any
}

// indexFrom is how many fields a bundle has when it gets an index. Below, comparing names one by one is faster than
// hashing them, see BenchmarkLookup; above, it is what keeps an object with a million fields from costing their square.
const indexFrom = 32

// NewBundle returns a bundle of names and values in turn: NewBundle("name", "Ada", "age", 36). Values are set as
// [Bundle.Set] does. It is meant for literals and forgives: a name that is not a text is taken as fmt.Sprint writes it,
// a last name without a value gets nil, and of a name that stands twice the last value wins, in the first one's place.
func NewBundle(namesAndValues ...any) Bundle {
	b := makeBundle((len(namesAndValues) + 1) / 2)
	for i := 0; i < len(namesAndValues); i += 2 {
		name, ok := namesAndValues[i].(string)
		if !ok {
			name = fmt.Sprint(namesAndValues[i])
		}
		var value any
		if i+1 < len(namesAndValues) {
			value = namesAndValues[i+1]
		}
		b.Set(name, value)
	}
	return b
}

// bundleOf makes a bundle of fields that have different names and values in the form of bundles.
func bundleOf(fields []field) Bundle {
	if len(fields) == 0 {
		return Bundle{}
	}
	o := &object{fields: fields}
	o.reindex()
	return Bundle{o: o}
}

// BundleOf returns a bundle of names and the values that belong to them, each of a type that bundles have: nothing is
// converted. Names for which there is no value get nil, values without a name are left out, and of a name that stands
// twice the last value wins, in the first one's place.
func BundleOf(names []string, values []any) Bundle {
	if len(names) == 1 && len(values) == 1 {
		o := &object1{room: [1]field{{names[0], values[0]}}}
		o.fields = o.room[:]
		return Bundle{o: &o.object}
	}
	b := makeBundle(len(names))
	for i, name := range names {
		var value any
		if i < len(values) {
			value = values[i]
		}
		b.put(name, value)
	}
	return b
}

// Objects with room for few fields, which nearly all have: one piece of memory instead of two.
type (
	object1 struct {
		object
		room [1]field
	}
	object2 struct {
		object
		room [2]field
	}
	object3 struct {
		object
		room [3]field
	}
	object4 struct {
		object
		room [4]field
	}
	object6 struct {
		object
		room [6]field
	}
)

// makeBundle returns an empty bundle with room for fields.
func makeBundle(room int) Bundle {
	switch {
	case room == 0:
		return Bundle{}
	case room == 1:
		o := &object1{}
		o.fields = o.room[:0]
		return Bundle{o: &o.object}
	case room == 2:
		o := &object2{}
		o.fields = o.room[:0]
		return Bundle{o: &o.object}
	case room == 3:
		o := &object3{}
		o.fields = o.room[:0]
		return Bundle{o: &o.object}
	case room == 4:
		o := &object4{}
		o.fields = o.room[:0]
		return Bundle{o: &o.object}
	case room <= 6:
		o := &object6{}
		o.fields = o.room[:0]
		return Bundle{o: &o.object}
	}
	return Bundle{o: &object{fields: make([]field, 0, room)}}
}

// Len returns the number of fields.
func (b Bundle) Len() int {
	if b.o == nil {
		return 0
	}
	return len(b.o.fields)
}

// Get returns the value of a field, or nil when there is none.
func (b Bundle) Get(name string) any {
	value, _ := b.Lookup(name)
	return value
}

// Lookup returns the value of a field and whether there is one.
func (b Bundle) Lookup(name string) (any, bool) {
	if b.o == nil {
		return nil, false
	}
	if i := b.o.find(name); i >= 0 {
		return b.o.fields[i].value, true
	}
	return nil, false
}

// LookupNear is Lookup for a field that is probably where it was last time, at the position near. It returns the position
// where it is now.
func (b Bundle) LookupNear(name string, near int) (value any, at int, ok bool) {
	if b.o == nil {
		return nil, near, false
	}
	if near >= 0 && near < len(b.o.fields) && b.o.fields[near].name == name {
		return b.o.fields[near].value, near, true
	}
	if i := b.o.find(name); i >= 0 {
		return b.o.fields[i].value, i, true
	}
	return nil, near, false
}

// at is Lookup for a field that is probably the i-th.
func (b Bundle) at(i int, name string) (any, bool) {
	if b.o != nil && i < len(b.o.fields) && b.o.fields[i].name == name {
		return b.o.fields[i].value, true
	}
	return b.Lookup(name)
}

// find returns the position of a field, or -1.
func (o *object) find(name string) int {
	if o.index != nil {
		if i, ok := o.index[name]; ok {
			return i
		}
		return -1
	}
	for i := range o.fields {
		if o.fields[i].name == name {
			return i
		}
	}
	return -1
}

// All yields the fields in order. The loop must not change the bundle.
func (b Bundle) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		if b.o == nil {
			return
		}
		for i := range b.o.fields {
			if !yield(b.o.fields[i].name, b.o.fields[i].value) {
				return
			}
		}
	}
}

// Set gives a field a value: in its place if there is one of that name, else behind the last. The value is converted as
// [Normalize] does; what Normalize refuses becomes nil, so call Normalize yourself where the type of a value is not
// known. Copies of a bundle that has had fields share the change.
func (b *Bundle) Set(name string, value any) {
	if !canonical(value) {
		value, _ = Normalize(value)
	}
	b.put(name, value)
}

// put is Set for a value that needs no conversion.
func (b *Bundle) put(name string, value any) {
	if b.o == nil {
		*b = makeBundle(4)
	}
	if i := b.o.find(name); i >= 0 {
		b.o.fields[i].value = value
		return
	}
	b.o.append(name, value)
}

// append adds a field whose name is new.
func (o *object) append(name string, value any) {
	o.fields = append(o.fields, field{name, value})
	switch {
	case o.index != nil:
		o.index[name] = len(o.fields) - 1
	case len(o.fields) >= indexFrom:
		o.reindex()
	}
}

func (o *object) reindex() {
	o.index = nil
	if len(o.fields) < indexFrom {
		return
	}
	o.index = make(map[string]int, len(o.fields)+len(o.fields)/2)
	for i := range o.fields {
		o.index[o.fields[i].name] = i
	}
}

// Delete removes a field and says whether there was one. The others keep their order.
func (b *Bundle) Delete(name string) bool {
	if b.o == nil {
		return false
	}
	i := b.o.find(name)
	if i < 0 {
		return false
	}
	b.o.fields = slices.Delete(b.o.fields, i, i+1)
	b.o.reindex()
	return true
}

// Clone returns a bundle with fields of its own; nested values are shared.
func (b Bundle) Clone() Bundle {
	if b.Len() == 0 {
		return Bundle{}
	}
	return b.cloned(0)
}

// cloned is Clone for a bundle that has fields, with room for more.
func (b Bundle) cloned(more int) Bundle {
	c := makeBundle(len(b.o.fields) + more)
	c.o.fields = append(c.o.fields, b.o.fields...)
	c.o.reindex()
	return c
}

// MaxDepth is how deep arrays and bundles may stand in each other. Whatever walks over values refuses to go deeper,
// with [ErrDepth] or, where there is no error to return, by treating what lies deeper as nil.
const MaxDepth = 1000

// Equal says whether two values are the same: of the same type, with the same fields in the same order. NaN is equal to
// itself, and 1 (int64) is not 1.0 (float64). Values of types that no bundle holds are equal to nothing, and so are
// values deeper than [MaxDepth].
func Equal(a, b any) bool { return equal(a, b, 0) }

func equal(a, b any, depth int) bool {
	if depth > MaxDepth {
		return false
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case bool:
		b, ok := b.(bool)
		return ok && a == b
	case int64:
		b, ok := b.(int64)
		return ok && a == b
	case float64:
		b, ok := b.(float64)
		return ok && (a == b || math.IsNaN(a) && math.IsNaN(b))
	case string:
		b, ok := b.(string)
		return ok && a == b
	case []byte:
		b, ok := b.([]byte)
		return ok && slices.Equal(a, b)
	case time.Time:
		b, ok := b.(time.Time)
		return ok && a.Equal(b)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, func(x, y any) bool { return equal(x, y, depth+1) })
	case Bundle:
		b, ok := b.(Bundle)
		return ok && a.equal(b, depth)
	}
	return false
}

func (b Bundle) equal(c Bundle, depth int) bool {
	if b.Len() != c.Len() {
		return false
	}
	if b.Len() == 0 || b.o == c.o {
		return true
	}
	for i := range b.o.fields {
		if b.o.fields[i].name != c.o.fields[i].name || !equal(b.o.fields[i].value, c.o.fields[i].value, depth+1) {
			return false
		}
	}
	return true
}
