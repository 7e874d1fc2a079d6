package blueprint

import (
	"iter"
	"slices"
)

// An Object is a JSON object that keeps its fields in order. The zero Object is empty and ready; a nil *Object reads as an empty one.
// Values are nil, bool, string, [json.Number], []any and *Object; Set takes any other value that encoding/json can write. Many
// goroutines may read an Object at once.
type Object struct {
	members []member
	// index finds names in large objects; it is there as soon as there are more than indexFrom members, so that reading never writes.
	index map[string]int
}

type member struct {
	name     string
	value    any
	repeated bool // the name stood more than once in the text that this was read from, and nobody set it since
}

// indexFrom is the size from which a map is faster than looking at each member, and below which it is not worth its memory.
const indexFrom = 16

// Len returns the number of fields.
func (o *Object) Len() int {
	if o == nil {
		return 0
	}
	return len(o.members)
}

// Get returns the value of the field, and whether there is such a field.
func (o *Object) Get(name string) (any, bool) {
	if i := o.find(name); i >= 0 {
		return o.members[i].value, true
	}
	return nil, false
}

// Set gives the field a value: in its place if it is there, else as the last field.
func (o *Object) Set(name string, value any) {
	if i := o.find(name); i >= 0 {
		o.members[i] = member{name: name, value: value}
		return
	}
	o.members = append(o.members, member{name: name, value: value})
	o.indexLast()
}

// Delete removes the field and reports whether it was there.
func (o *Object) Delete(name string) bool {
	i := o.find(name)
	if i < 0 {
		return false
	}
	o.members = slices.Delete(o.members, i, i+1)
	if o.index != nil {
		o.reindex()
	}
	return true
}

// All returns the fields in order.
func (o *Object) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		if o == nil {
			return
		}
		for _, m := range o.members {
			if !yield(m.name, m.value) {
				return
			}
		}
	}
}

// MarshalJSON writes the fields in order and numbers with their exact text. A nil *Object is null.
func (o *Object) MarshalJSON() ([]byte, error) {
	return appendValue(nil, o)
}

// UnmarshalJSON reads a JSON object, within the default [Limits]. Null leaves the Object as it is.
func (o *Object) UnmarshalJSON(data []byte) error {
	r, err := Limits{}.reader(data)
	if err != nil {
		return err
	}
	value, err := r.document()
	if err != nil {
		return err
	}
	switch read := value.(type) {
	case nil:
		return nil
	case *Object:
		*o = *read
		return nil
	default:
		return ErrNotObject
	}
}

func (o *Object) find(name string) int {
	if o == nil {
		return -1
	}
	if o.index != nil {
		if i, ok := o.index[name]; ok {
			return i
		}
		return -1
	}
	for i := range o.members {
		if o.members[i].name == name {
			return i
		}
	}
	return -1
}

// indexLast keeps the index when a member was appended.
func (o *Object) indexLast() {
	switch {
	case o.index != nil:
		o.index[o.members[len(o.members)-1].name] = len(o.members) - 1
	case len(o.members) > indexFrom:
		o.reindex()
	}
}

func (o *Object) reindex() {
	o.index = make(map[string]int, len(o.members))
	for i := range o.members {
		o.index[o.members[i].name] = i
	}
}

// object returns the field when it is an object, else nil.
func (o *Object) object(name string) *Object {
	value, _ := o.Get(name)
	child, _ := value.(*Object)
	return child
}

// list returns the field when it is a list, else nil.
func (o *Object) list(name string) []any {
	value, _ := o.Get(name)
	child, _ := value.([]any)
	return child
}

// text returns the field when it is a text, else "".
func (o *Object) text(name string) string {
	value, _ := o.Get(name)
	child, _ := value.(string)
	return child
}
