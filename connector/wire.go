package connector

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// The wire format keeps every value exactly as it is, where JSON cannot: int64 and float64, texts and buffers, instants
// to the nanosecond, NaN. It is what bundles are stored as, so what it says must be readable for ever; testdata/wire
// holds encodings that every later version must decode.
//
// An encoding is one byte of version, 1, and one value. A value is one byte of tag and what the tag demands:
//
//	0x00  null
//	0x01  false
//	0x02  true
//	0x03  int64     varint (zigzag, as encoding/binary writes it)
//	0x04  float64   8 bytes, IEEE 754, little endian
//	0x05  text      uvarint length, bytes
//	0x06  buffer    uvarint length, bytes
//	0x07  date      varint seconds since 1970 UTC, uvarint nanoseconds below 1e9
//	0x08  array     uvarint count, values
//	0x09  bundle    uvarint count; for each field uvarint length and bytes of the name, then the value
//	0x0A  bundle    with the names of the last bundle before it in the same array: values only
//
// Names in a bundle differ from each other. Lengths and counts are written in as few bytes as they need.
const wireVersion = 1

const (
	wireNull = iota
	wireFalse
	wireTrue
	wireInt
	wireFloat
	wireText
	wireBuffer
	wireDate
	wireArray
	wireBundle
	wireSameNames
)

// ErrWire says that bytes are not what [AppendValue] wrote: they are damaged, cut short or of a newer version.
var ErrWire = errors.New("connector: invalid wire data")

// AppendBundle appends the encoding of a bundle to dst. The only error is [ErrDepth], and [ErrUnsupported] where
// somebody has put a foreign value into an array of the bundle.
func AppendBundle(dst []byte, b Bundle) ([]byte, error) {
	return appendWireBundle(append(dst, wireVersion), b, 0, len(dst)+MaxEncodedBytes)
}

// AppendValue appends the encoding of a value to dst. A value that a bundle cannot hold is normalized first; errors are
// those of [Normalize].
func AppendValue(dst []byte, value any) ([]byte, error) {
	return appendWire(append(dst, wireVersion), value, 0, len(dst)+MaxEncodedBytes)
}

// DecodeBundle reads what AppendBundle wrote at the beginning of src and returns what lies behind it. The bundle shares
// no memory with src. It is safe with any input: whatever is wrong is an error that wraps [ErrWire], and memory is at
// most some forty times the input.
func DecodeBundle(src []byte) (b Bundle, rest []byte, err error) {
	value, rest, err := DecodeValue(src)
	if err != nil {
		return Bundle{}, nil, err
	}
	b, ok := value.(Bundle)
	if !ok {
		return Bundle{}, nil, fmt.Errorf("%w: a %s in place of a bundle", ErrWire, typeName(value))
	}
	return b, rest, nil
}

// DecodeValue reads what AppendValue or AppendBundle wrote, as DecodeBundle does.
func DecodeValue(src []byte) (value any, rest []byte, err error) {
	if len(src) == 0 {
		return nil, nil, fmt.Errorf("%w: empty", ErrWire)
	}
	if src[0] != wireVersion {
		return nil, nil, fmt.Errorf("%w: unknown version %d", ErrWire, src[0])
	}
	d := wireDecoder{src: src, at: 1, budget: len(src)}
	if len(src) <= shareUpTo {
		d.shared = string(src)
	}
	if value, err = d.value(0, nil); err != nil {
		return nil, nil, err
	}
	return value, src[d.at:], nil
}

func appendWire(dst []byte, value any, depth, limit int) ([]byte, error) {
	if depth > MaxDepth {
		return dst, ErrDepth
	}
	if len(dst) > limit {
		return dst, ErrTooLarge
	}
	switch value := value.(type) {
	case nil:
		return append(dst, wireNull), nil
	case bool:
		if value {
			return append(dst, wireTrue), nil
		}
		return append(dst, wireFalse), nil
	case int64:
		return binary.AppendVarint(append(dst, wireInt), value), nil
	case float64:
		return binary.LittleEndian.AppendUint64(append(dst, wireFloat), math.Float64bits(value)), nil
	case string:
		dst = binary.AppendUvarint(append(dst, wireText), uint64(len(value)))
		return append(dst, value...), nil
	case []byte:
		dst = binary.AppendUvarint(append(dst, wireBuffer), uint64(len(value)))
		return append(dst, value...), nil
	case time.Time:
		dst = binary.AppendVarint(append(dst, wireDate), value.Unix())
		return binary.AppendUvarint(dst, uint64(value.Nanosecond())), nil
	case []any:
		return appendWireArray(dst, value, depth, limit)
	case Bundle:
		return appendWireBundle(dst, value, depth, limit)
	}
	normal, err := Normalize(value)
	if err != nil {
		return dst, err
	}
	return appendWire(dst, normal, depth, limit)
}

func appendWireArray(dst []byte, list []any, depth, limit int) ([]byte, error) {
	if list == nil {
		return append(dst, wireNull), nil
	}
	dst = binary.AppendUvarint(append(dst, wireArray), uint64(len(list)))
	var names Bundle
	var err error
	for _, element := range list {
		b, ok := element.(Bundle)
		switch {
		case !ok:
			dst, err = appendWire(dst, element, depth+1, limit)
		case sameNames(b, names):
			dst = append(dst, wireSameNames)
			for i := range b.o.fields {
				if dst, err = appendWire(dst, b.o.fields[i].value, depth+2, limit); err != nil {
					return dst, err
				}
			}
		default:
			names = b
			dst, err = appendWireBundle(dst, b, depth+1, limit)
		}
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func appendWireBundle(dst []byte, b Bundle, depth, limit int) ([]byte, error) {
	if depth > MaxDepth {
		return dst, ErrDepth
	}
	dst = binary.AppendUvarint(append(dst, wireBundle), uint64(b.Len()))
	var err error
	for i := range b.Len() {
		f := &b.o.fields[i]
		dst = binary.AppendUvarint(dst, uint64(len(f.name)))
		dst = append(dst, f.name...)
		if dst, err = appendWire(dst, f.value, depth+1, limit); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func sameNames(b, c Bundle) bool {
	if b.Len() == 0 || b.Len() != c.Len() {
		return false
	}
	for i := range b.o.fields {
		if b.o.fields[i].name != c.o.fields[i].name {
			return false
		}
	}
	return true
}

type wireDecoder struct {
	src    []byte
	at     int
	shared string // src, when texts may point into it
	// budget is how many elements and fields src has room for. Each takes a byte at least, and so no lie about a count
	// can allocate more than the length of src allows.
	budget int
}

func (d *wireDecoder) broken(what string) error {
	return fmt.Errorf("%w: %s at byte %d", ErrWire, what, d.at)
}

// value reads a value. names is the bundle that wireSameNames refers to, nil where there is none.
func (d *wireDecoder) value(depth int, names *object) (any, error) {
	if depth > MaxDepth {
		return nil, fmt.Errorf("%w: %w", ErrWire, ErrDepth)
	}
	if d.at >= len(d.src) {
		return nil, d.broken("cut short")
	}
	tag := d.src[d.at]
	d.at++
	switch tag {
	case wireNull:
		return nil, nil
	case wireFalse:
		return false, nil
	case wireTrue:
		return true, nil
	case wireInt:
		return unboxed(d.varint())
	case wireFloat:
		if len(d.src)-d.at < 8 {
			return nil, d.broken("cut short")
		}
		bits := binary.LittleEndian.Uint64(d.src[d.at:])
		d.at += 8
		return math.Float64frombits(bits), nil
	case wireText:
		return unboxed(d.text())
	case wireBuffer:
		length, err := d.length()
		if err != nil {
			return nil, err
		}
		d.at += length
		return append(make([]byte, 0, length), d.src[d.at-length:d.at]...), nil
	case wireDate:
		return d.date()
	case wireArray:
		return d.array(depth)
	case wireBundle:
		return d.bundle(depth)
	case wireSameNames:
		if names != nil {
			return d.sameNames(depth, names)
		}
	}
	return nil, d.broken("unknown tag")
}

func unboxed[T any](value T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return value, nil
}

func (d *wireDecoder) varint() (int64, error) {
	n, size := binary.Varint(d.src[d.at:])
	if size <= 0 || size > 1 && d.src[d.at+size-1] == 0 {
		return 0, d.broken("bad number")
	}
	d.at += size
	return n, nil
}

func (d *wireDecoder) uvarint() (uint64, error) {
	n, size := binary.Uvarint(d.src[d.at:])
	if size <= 0 || size > 1 && d.src[d.at+size-1] == 0 {
		return 0, d.broken("bad length")
	}
	d.at += size
	return n, nil
}

// length reads the length of bytes that follow and makes sure that they do.
func (d *wireDecoder) length() (int, error) {
	n, err := d.uvarint()
	if err == nil && n > uint64(len(d.src)-d.at) {
		err = d.broken("cut short")
	}
	return int(n), err
}

// count reads the number of elements that follow.
func (d *wireDecoder) count() (int, error) {
	n, err := d.uvarint()
	if err == nil && n > uint64(d.budget) {
		err = d.broken("more elements than bytes")
	}
	if err != nil {
		return 0, err
	}
	d.budget -= int(n)
	return int(n), nil
}

func (d *wireDecoder) text() (string, error) {
	length, err := d.length()
	if err != nil {
		return "", err
	}
	from := d.at
	d.at += length
	if d.shared != "" {
		return d.shared[from:d.at], nil
	}
	return string(d.src[from:d.at]), nil
}

func (d *wireDecoder) date() (any, error) {
	seconds, err := d.varint()
	if err != nil {
		return nil, err
	}
	nanoseconds, err := d.uvarint()
	if err != nil {
		return nil, err
	}
	if nanoseconds >= 1e9 {
		return nil, d.broken("bad date")
	}
	return time.Unix(seconds, int64(nanoseconds)).UTC(), nil
}

func (d *wireDecoder) array(depth int) (any, error) {
	count, err := d.count()
	if err != nil {
		return nil, err
	}
	list := make([]any, count)
	var names *object
	for i := range list {
		if list[i], err = d.value(depth+1, names); err != nil {
			return nil, err
		}
		if b, ok := list[i].(Bundle); ok {
			names = b.o
		}
	}
	return list, nil
}

func (d *wireDecoder) bundle(depth int) (any, error) {
	count, err := d.count()
	if err != nil || count == 0 {
		return Bundle{}, err
	}
	b := makeBundle(count)
	for range count {
		name, err := d.text()
		if err != nil {
			return nil, err
		}
		value, err := d.value(depth+1, nil)
		if err != nil {
			return nil, err
		}
		if b.o.find(name) >= 0 {
			return nil, d.broken("a name stands twice")
		}
		b.o.append(name, value)
	}
	return b, nil
}

func (d *wireDecoder) sameNames(depth int, names *object) (any, error) {
	if len(names.fields) > d.budget {
		return nil, d.broken("more elements than bytes")
	}
	d.budget -= len(names.fields)
	o := &object{fields: make([]field, len(names.fields))}
	for i := range o.fields {
		value, err := d.value(depth+1, nil)
		if err != nil {
			return nil, err
		}
		o.fields[i] = field{names.fields[i].name, value}
	}
	o.reindex()
	return Bundle{o: o}, nil
}
