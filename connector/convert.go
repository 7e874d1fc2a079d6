package connector

import (
	"encoding"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strconv"
	"time"

	"github.com/ebbkit/ebb/crypto/secret"
)

var (
	// ErrUnsupported says that a Go value or type has no place in a bundle.
	ErrUnsupported = errors.New("connector: unsupported type")
	// ErrDepth says that values stand deeper in each other than MaxDepth; a value that contains itself does.
	ErrDepth = errors.New("connector: values are nested too deep")
)

// Normalize makes a value that a bundle can hold of any other. Values that are of a bundle's types already are returned
// as they are, without a copy.
//
//   - Integers of all sizes become int64; unsigned ones that do not fit become float64.
//   - float32 becomes the float64 that prints the same: 0.1, not 0.10000000149.
//   - A json.Number becomes int64 when it is written as an integer that fits, else float64.
//   - A time.Time loses its location and its monotonic reading: bundles hold instants.
//   - Slices and arrays become []any, of bytes []byte, which may share memory with the slice.
//   - Maps become bundles with sorted names. Keys are texts, integers or encoding.TextMarshalers.
//   - Structs become bundles as encoding/json sees their fields, with the names of `json:"…"`, omitempty and omitzero.
//   - A json.Marshaler becomes what [ParseJSON] makes of its JSON; an encoding.TextMarshaler its text.
//   - Pointers and interfaces become what they point to; nil pointers, maps and slices become nil.
//
// Everything else is refused with [ErrUnsupported]: functions, channels, complex numbers, a secret.Value, which must
// not come into a bundle, and a time.Duration, whose unit nobody could tell from the number. Cycles end with
// [ErrDepth].
func Normalize(value any) (any, error) {
	if canonical(value) {
		return value, nil
	}
	n := normalizer{}
	return n.any(value, 0)
}

// MaxEncodedBytes is how long the JSON or the wire encoding of one value may become: 64 MiB. Values share their parts, so
// that a small one can stand for more text than there is memory.
const MaxEncodedBytes = 64 << 20

// maxNodes is how many elements a value may have that is normalized.
const maxNodes = 1 << 24

// ErrTooLarge says that a value is larger than [MaxEncodedBytes] where it is written out, or has too many elements to be
// normalized.
var ErrTooLarge = errors.New("connector: the value is too large")

// canonical says whether a value is as bundles hold it. Bundles are so by construction; of arrays only the elements are
// looked at. It says no to what is too deep, for the normalizer to refuse.
func canonical(value any) bool {
	nodes := 0
	return canonicalAt(value, 0, &nodes)
}

func canonicalAt(value any, depth int, nodes *int) bool {
	switch value := value.(type) {
	case nil, bool, int64, float64, string, Bundle:
		return true
	case []byte:
		return value != nil
	case time.Time:
		return value == value.Round(0).UTC()
	case []any:
		if *nodes += len(value); value == nil || depth >= MaxDepth || *nodes > maxNodes {
			return false
		}
		for _, element := range value {
			if !canonicalAt(element, depth+1, nodes) {
				return false
			}
		}
		return true
	}
	return false
}

var (
	secretType    = reflect.TypeFor[secret.Value]()
	timeType      = reflect.TypeFor[time.Time]()
	durationType  = reflect.TypeFor[time.Duration]()
	bundleType    = reflect.TypeFor[Bundle]()
	anyType       = reflect.TypeFor[any]()
	numberType    = reflect.TypeFor[json.Number]()
	jsonType      = reflect.TypeFor[json.Marshaler]()
	textType      = reflect.TypeFor[encoding.TextMarshaler]()
	parseTextType = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func fromUint(u uint64) any {
	if u <= math.MaxInt64 {
		return int64(u)
	}
	return float64(u)
}

// fromFloat32 takes the way over the decimal text because that is what a person who wrote 0.1 means, and what a JSON
// round trip gives.
func fromFloat32(f float64) float64 {
	if short, err := strconv.ParseFloat(strconv.FormatFloat(f, 'g', -1, 32), 64); err == nil {
		return short
	}
	return f
}
