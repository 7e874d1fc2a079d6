package connector

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"strconv"

	"github.com/ebbkit/ebb/crypto/secret"
)

// A decoder fills Go values of one type from the values of bundles. It is compiled once and used by many goroutines.
type decoder struct {
	root decode
	// members are set for a struct: the outermost bundle is two, of which one lies over the other.
	members []member
	kind    decoderKind
}

type decoderKind int

const (
	ofOther decoderKind = iota
	ofStruct
	ofBundle
)

// decode converts a value that is not blank and sets dst. What is wrong goes into c.
type decode func(c *coercion, dst reflect.Value, value any)

// compileDecoder compiles a decoder; t must be a type that fieldsOf describes.
func compileDecoder(t reflect.Type) (*decoder, error) {
	compiler := decoders{}
	d := &decoder{}
	root, err := compiler.of(t)
	if err != nil {
		return nil, err
	}
	d.root = *root
	switch {
	case t == bundleType:
		d.kind = ofBundle
	case t.Kind() == reflect.Struct:
		d.kind = ofStruct
		if d.members, err = compiler.members(t); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// into fills dst from params with input laid over them.
func (d *decoder) into(c *coercion, dst reflect.Value, params, input Bundle) {
	switch d.kind {
	case ofStruct:
		for i := range d.members {
			m := &d.members[i]
			value, ok := input.at(i, m.field.Name)
			if !ok {
				value, _ = params.Lookup(m.field.Name)
			}
			m.set(c, dst, value)
		}
	case ofBundle:
		dst.Set(reflect.ValueOf(overlay(params, input)))
	default:
		d.root(c, dst, overlay(params, input))
	}
}

// A source says at which place among the values of a mapper that of a member stands; -1 is for one that is known.
type source struct {
	member *member
	at     int
	known  any
}

// bind finds the sources of a struct's members and fills in dst those members that are known. It cannot for what is no
// struct, for names of which one stands twice, and where what is known is wrong.
func (d *decoder) bind(dst reflect.Value, params Bundle, names []string, known []Known) ([]source, bool) {
	if d.kind != ofStruct {
		return nil, false
	}
	places := make(map[string]int, len(names))
	for i, name := range names {
		places[name] = i
	}
	if len(places) < len(names) {
		return nil, false
	}
	var sources []source
	c := coercion{}
	for i := range d.members {
		m := &d.members[i]
		at, mapped := places[m.field.Name]
		value, fixed := params.Get(m.field.Name), !mapped
		if mapped && at < len(known) && known[at].Is {
			value, fixed = known[at].Value, true
		}
		switch {
		case !fixed:
			sources = append(sources, source{member: m, at: at})
		case m.direct != indirect || value == nil && m.field.Default == nil:
			m.set(&c, dst, value)
		default: // it may depend on the zone, and the function may change it: each call makes its own
			sources = append(sources, source{m, -1, value})
		}
	}
	return sources, c.problems == nil
}

// overlay returns a bundle with the fields of both; those of input win.
func overlay(params, input Bundle) Bundle {
	switch {
	case params.Len() == 0:
		return input
	case input.Len() == 0:
		return params
	}
	both := params.Clone()
	for name, value := range input.All() {
		both.put(name, value)
	}
	return both
}

// decoders remembers what was compiled, so that a type may contain itself.
type decoders map[reflect.Type]*decode

func (ds decoders) of(t reflect.Type) (*decode, error) {
	if d := ds[t]; d != nil {
		return d, nil
	}
	d := new(decode)
	ds[t] = d
	compiled, err := ds.compile(t)
	*d = compiled
	return d, err
}

func (ds decoders) compile(t reflect.Type) (decode, error) {
	switch t {
	case timeType:
		return func(c *coercion, dst reflect.Value, value any) {
			date, ok := toDate(value, c.zone)
			if !ok {
				c.mismatch(TypeDate, value)
				return
			}
			dst.Set(reflect.ValueOf(date))
		}, nil
	case bundleType:
		return func(c *coercion, dst reflect.Value, value any) {
			if _, ok := value.(Bundle); !ok {
				c.mismatch(TypeCollection, value)
				return
			}
			dst.Set(reflect.ValueOf(value))
		}, nil
	case secretType:
		return decodeSecret, nil
	case numberType:
		return func(c *coercion, dst reflect.Value, value any) {
			number, ok := toNumber(value)
			if !ok {
				c.mismatch(TypeNumber, value)
				return
			}
			text, _ := toText(number)
			dst.SetString(text)
		}, nil
	case durationType:
		return nil, fmt.Errorf("%w: %s", ErrUnsupported, t)
	}
	if t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(parseTextType) {
		return decodeText, nil
	}
	switch t.Kind() {
	case reflect.Interface:
		if t.NumMethod() > 0 {
			break
		}
		return func(_ *coercion, dst reflect.Value, value any) { dst.Set(reflect.ValueOf(value)) }, nil
	case reflect.Pointer:
		return ds.pointer(t)
	case reflect.Bool:
		return func(_ *coercion, dst reflect.Value, value any) { dst.SetBool(toBoolean(value)) }, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return decodeInt, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return decodeUint, nil
	case reflect.Float32, reflect.Float64:
		return func(c *coercion, dst reflect.Value, value any) {
			number, ok := toFloat(value)
			if !ok || dst.OverflowFloat(number) {
				c.mismatch(TypeNumber, value)
				return
			}
			dst.SetFloat(number)
		}, nil
	case reflect.String:
		return func(c *coercion, dst reflect.Value, value any) {
			text, ok := toText(value)
			if !ok {
				c.mismatch(TypeText, value)
				return
			}
			dst.SetString(text)
		}, nil
	case reflect.Slice, reflect.Array:
		return ds.list(t)
	case reflect.Map:
		return ds.mapping(t)
	case reflect.Struct:
		return ds.structure(t)
	}
	return nil, fmt.Errorf("%w: %s", ErrUnsupported, t)
}

func decodeInt(c *coercion, dst reflect.Value, value any) {
	n, ok := toInteger(value)
	if !ok {
		c.mismatch(TypeInteger, value)
		return
	}
	if dst.OverflowInt(n) {
		c.problem("does not fit into " + strconv.Itoa(dst.Type().Bits()) + " bits")
		return
	}
	dst.SetInt(n)
}

func decodeUint(c *coercion, dst reflect.Value, value any) {
	n, ok := toInteger(value)
	u := uint64(max(n, 0))
	if !ok {
		// What is beyond int64 came as a float.
		f, isFloat := toFloat(value)
		if ok = isFloat && f >= 1<<63 && f < 1<<64 && f == math.Trunc(f); ok {
			n, u = 0, uint64(f)
		}
	}
	if !ok || n < 0 {
		c.mismatch(TypeUInteger, value)
		return
	}
	if dst.OverflowUint(u) {
		c.problem("does not fit into " + strconv.Itoa(dst.Type().Bits()) + " bits")
		return
	}
	dst.SetUint(u)
}

func decodeSecret(c *coercion, dst reflect.Value, value any) {
	text, ok := toText(value)
	if !ok {
		c.mismatch(TypePassword, value)
		return
	}
	held := secret.NewString(text)
	dst.Set(reflect.ValueOf(held))
}

func decodeText(c *coercion, dst reflect.Value, value any) {
	text, ok := toText(value)
	if !ok {
		c.mismatch(TypeText, value)
		return
	}
	if text == "" {
		return // what has a form of its own is not given where there is no text
	}
	// The error is not shown: it would quote the value.
	if dst.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)) != nil {
		c.problem("is no " + dst.Type().String())
	}
}

func (ds decoders) pointer(t reflect.Type) (decode, error) {
	element, err := ds.of(t.Elem())
	if err != nil {
		return nil, err
	}
	return func(c *coercion, dst reflect.Value, value any) {
		target := reflect.New(t.Elem())
		(*element)(c, target.Elem(), value)
		dst.Set(target)
	}, nil
}

func (ds decoders) list(t reflect.Type) (decode, error) {
	if t.Elem().Kind() == reflect.Uint8 {
		return ds.octets(t), nil
	}
	element, err := ds.of(t.Elem())
	if err != nil {
		return nil, err
	}
	described, err := (&schema{inside: map[reflect.Type]bool{}}).describe(t.Elem())
	if err != nil {
		return nil, err
	}
	return func(c *coercion, dst reflect.Value, value any) {
		list, ok := value.([]any)
		if !ok {
			list = []any{value}
		}
		if t.Kind() == reflect.Slice {
			dst.Set(reflect.MakeSlice(t, len(list), len(list)))
		} else if len(list) != t.Len() {
			c.problem("is not of length " + strconv.Itoa(t.Len()))
			return
		}
		for i, value := range list {
			if blank(described.Type, value) {
				continue
			}
			c.push("", i)
			if !c.deep() {
				(*element)(c, dst.Index(i), value)
			}
			c.pop()
		}
	}, nil
}

func (ds decoders) octets(t reflect.Type) decode {
	return func(c *coercion, dst reflect.Value, value any) {
		buffer, ok := toBuffer(value)
		if !ok {
			c.mismatch(TypeBuffer, value)
			return
		}
		if t.Kind() == reflect.Slice {
			dst.SetBytes(buffer)
			return
		}
		if len(buffer) != t.Len() {
			c.problem("is not of length " + strconv.Itoa(t.Len()))
			return
		}
		for i, octet := range buffer {
			dst.Index(i).SetUint(uint64(octet))
		}
	}
}

func (ds decoders) mapping(t reflect.Type) (decode, error) {
	if t.Key().Kind() != reflect.String {
		return nil, fmt.Errorf("%w: %s", ErrUnsupported, t)
	}
	element, err := ds.of(t.Elem())
	if err != nil {
		return nil, err
	}
	described, err := (&schema{inside: map[reflect.Type]bool{}}).describe(t.Elem())
	if err != nil {
		return nil, err
	}
	return func(c *coercion, dst reflect.Value, value any) {
		b, ok := value.(Bundle)
		if !ok {
			c.mismatch(TypeCollection, value)
			return
		}
		made := reflect.MakeMapWithSize(t, b.Len())
		for name, value := range b.All() {
			target := reflect.New(t.Elem()).Elem()
			if !blank(described.Type, value) {
				c.push(name, 0)
				if !c.deep() {
					(*element)(c, target, value)
				}
				c.pop()
			}
			made.SetMapIndex(reflect.ValueOf(name).Convert(t.Key()), target)
		}
		dst.Set(made)
	}, nil
}

func (ds decoders) structure(t reflect.Type) (decode, error) {
	members, err := ds.members(t)
	if err != nil {
		return nil, err
	}
	return func(c *coercion, dst reflect.Value, value any) {
		b, ok := value.(Bundle)
		if !ok {
			c.mismatch(TypeCollection, value)
			return
		}
		for i := range members {
			value, _ := b.Lookup(members[i].field.Name)
			members[i].set(c, dst, value)
		}
	}, nil
}
