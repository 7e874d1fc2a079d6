package connector

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// encoder makes a bundle's value of a Go value of the one type that it was compiled for.
type encoder func(n *normalizer, v reflect.Value, depth int) (any, error)

// encoders remembers what was compiled, so that a type may contain itself.
type encoders map[reflect.Type]*encoder

// A normalizer makes values of Go values. It belongs to one goroutine.
type normalizer struct {
	nodes   int
	dynamic encoders // of the types that interfaces turned out to hold
}

// any normalizes a value whose type is not known before.
func (n *normalizer) any(value any, depth int) (any, error) {
	if depth > MaxDepth {
		return nil, ErrDepth
	}
	if n.nodes++; n.nodes > maxNodes {
		return nil, ErrTooLarge
	}
	switch value := value.(type) {
	case nil, bool, int64, float64, string, Bundle:
		return value, nil
	case int:
		return int64(value), nil
	case int32:
		return int64(value), nil
	case time.Time:
		return value.Round(0).UTC(), nil
	}
	v := reflect.ValueOf(value)
	if n.dynamic == nil {
		n.dynamic = encoders{}
	}
	return (*n.dynamic.of(v.Type()))(n, v, depth)
}

// of compiles an encoder.
func (es encoders) of(t reflect.Type) *encoder {
	if e := es[t]; e != nil {
		return e
	}
	e := new(encoder)
	es[t] = e
	*e = es.compile(t)
	return e
}

func (es encoders) compile(t reflect.Type) encoder {
	switch t {
	case secretType, durationType:
		return refuse(t)
	case timeType:
		return func(_ *normalizer, v reflect.Value, _ int) (any, error) {
			return v.Interface().(time.Time).Round(0).UTC(), nil
		}
	case bundleType:
		return func(_ *normalizer, v reflect.Value, _ int) (any, error) { return v.Interface(), nil }
	case numberType:
		return func(_ *normalizer, v reflect.Value, _ int) (any, error) { return parseNumber(v.String()) }
	}
	if t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface {
		if t.Implements(jsonType) || t.Implements(textType) {
			return marshaled(es.plain(t), false)
		}
		if p := reflect.PointerTo(t); p.Implements(jsonType) || p.Implements(textType) {
			return marshaled(es.plain(t), true)
		}
	}
	return es.plain(t)
}

// plain compiles by the kind of a type alone.
func (es encoders) plain(t reflect.Type) encoder {
	switch t.Kind() {
	case reflect.Bool:
		return func(_ *normalizer, v reflect.Value, _ int) (any, error) { return v.Bool(), nil }
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(_ *normalizer, v reflect.Value, _ int) (any, error) { return v.Int(), nil }
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return func(_ *normalizer, v reflect.Value, _ int) (any, error) { return fromUint(v.Uint()), nil }
	case reflect.Float32:
		return func(_ *normalizer, v reflect.Value, _ int) (any, error) { return fromFloat32(v.Float()), nil }
	case reflect.Float64:
		return func(_ *normalizer, v reflect.Value, _ int) (any, error) { return v.Float(), nil }
	case reflect.String:
		return func(_ *normalizer, v reflect.Value, _ int) (any, error) { return v.String(), nil }
	case reflect.Interface:
		return func(n *normalizer, v reflect.Value, depth int) (any, error) {
			return n.any(v.Interface(), depth)
		}
	case reflect.Pointer:
		return es.pointer(t)
	case reflect.Slice, reflect.Array:
		return es.list(t)
	case reflect.Map:
		return es.mapping(t)
	case reflect.Struct:
		return es.structure(t)
	}
	return refuse(t)
}

func refuse(t reflect.Type) encoder {
	return func(*normalizer, reflect.Value, int) (any, error) {
		return nil, fmt.Errorf("%w: %s", ErrUnsupported, t)
	}
}

// marshaled lets a value speak for itself. One whose methods have a pointer receiver can do so only where it has an
// address, as in encoding/json.
func marshaled(otherwise encoder, byPointer bool) encoder {
	return func(n *normalizer, v reflect.Value, depth int) (any, error) {
		if (v.Kind() == reflect.Map || v.Kind() == reflect.Slice) && v.IsNil() {
			return nil, nil
		}
		if byPointer {
			if !v.CanAddr() {
				return otherwise(n, v, depth)
			}
			v = v.Addr()
		}
		switch m := v.Interface().(type) {
		case json.Marshaler:
			text, err := m.MarshalJSON()
			if err != nil {
				return nil, err
			}
			return ParseJSON(text)
		case encoding.TextMarshaler:
			text, err := m.MarshalText()
			return string(text), err
		}
		return otherwise(n, v, depth)
	}
}

func (es encoders) pointer(t reflect.Type) encoder {
	element := es.of(t.Elem())
	return func(n *normalizer, v reflect.Value, depth int) (any, error) {
		if v.IsNil() {
			return nil, nil
		}
		if depth > MaxDepth {
			return nil, ErrDepth
		}
		return (*element)(n, v.Elem(), depth+1)
	}
}

func (es encoders) list(t reflect.Type) encoder {
	if t.Elem().Kind() == reflect.Uint8 {
		return octets
	}
	element := es.of(t.Elem())
	return func(n *normalizer, v reflect.Value, depth int) (any, error) {
		if v.Kind() == reflect.Slice && v.IsNil() {
			return nil, nil
		}
		if depth > MaxDepth {
			return nil, ErrDepth
		}
		list := make([]any, v.Len())
		for i := range list {
			value, err := (*element)(n, v.Index(i), depth+1)
			if err != nil {
				return nil, fmt.Errorf("[%d]: %w", i+1, err)
			}
			list[i] = value
		}
		return list, nil
	}
}

func octets(_ *normalizer, v reflect.Value, _ int) (any, error) {
	if v.Kind() == reflect.Slice {
		if v.IsNil() {
			return nil, nil
		}
		return v.Bytes(), nil
	}
	buffer := make([]byte, v.Len())
	for i := range buffer {
		buffer[i] = byte(v.Index(i).Uint())
	}
	return buffer, nil
}

func (es encoders) mapping(t reflect.Type) encoder {
	if !isMapKey(t.Key()) {
		return refuse(t)
	}
	element := es.of(t.Elem())
	return func(n *normalizer, v reflect.Value, depth int) (any, error) {
		if v.IsNil() {
			return nil, nil
		}
		if depth > MaxDepth {
			return nil, ErrDepth
		}
		fields := make([]field, 0, v.Len())
		for entries := v.MapRange(); entries.Next(); {
			name, err := mapKey(entries.Key())
			if err != nil {
				return nil, err
			}
			value, err := (*element)(n, entries.Value(), depth+1)
			if err != nil {
				return nil, err // without the name, which may be a person's
			}
			fields = append(fields, field{name, value})
		}
		slices.SortFunc(fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
		// Keys that are not texts may have one text in common.
		fields = slices.CompactFunc(fields, func(a, b field) bool { return a.name == b.name })
		return bundleOf(fields), nil
	}
}

func isMapKey(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return true
	}
	return t.Implements(textType)
}

func mapKey(key reflect.Value) (string, error) {
	switch {
	case key.Kind() == reflect.String:
		return key.String(), nil
	case key.Type().Implements(textType):
		if key.Kind() == reflect.Pointer && key.IsNil() {
			return "", nil
		}
		text, err := key.Interface().(encoding.TextMarshaler).MarshalText()
		return string(text), err
	case key.CanInt():
		return strconv.FormatInt(key.Int(), 10), nil
	}
	return strconv.FormatUint(key.Uint(), 10), nil
}

func (es encoders) structure(t reflect.Type) encoder {
	fields, err := structFields(t)
	if err != nil {
		return func(*normalizer, reflect.Value, int) (any, error) { return nil, err }
	}
	members := make([]*encoder, len(fields))
	for i := range fields {
		members[i] = es.of(fields[i].typ)
	}
	return func(n *normalizer, v reflect.Value, depth int) (any, error) {
		if depth > MaxDepth {
			return nil, ErrDepth
		}
		made := makeBundle(len(fields))
		for i := range fields {
			f := &fields[i]
			member, ok := f.in(v)
			if !ok || f.omits(member) {
				continue
			}
			value, err := (*members[i])(n, member, depth+1)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.name, err)
			}
			made.o.fields = append(made.o.fields, field{f.name, value})
		}
		if made.o == nil || len(made.o.fields) == 0 {
			return Bundle{}, nil
		}
		made.o.reindex()
		return made, nil
	}
}
