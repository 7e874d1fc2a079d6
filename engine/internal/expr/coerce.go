package expr

import (
	"errors"
	"time"

	"github.com/ebbkit/ebb/connector"
)

// coerce converts a value to a declared type by the rules that fields of modules have. Null, ignore and erase are refused:
// what they stand for is the caller's to say. Text and buffers are at most limit bytes long.
func coerce(v any, to connector.FieldType, loc *time.Location, limit int) (any, error) {
	switch v := v.(type) {
	case nil, Special:
		return nil, mismatch(v, to)
	case []any:
		if to == connector.TypeText {
			// An array may have any number of references to one large text.
			text, err := appendText(nil, v, limit)
			if err != nil {
				return nil, err
			}
			return string(text), nil
		}
	case []byte:
		if to == connector.TypeText && len(v) > limit {
			return nil, errTextLimit()
		}
	}
	converted, err := connector.Coerce(v, to, loc)
	if err != nil {
		return nil, refused(err)
	}
	return converted, nil
}

// refused puts a conversion's error in this package's terms.
func refused(err error) *RuntimeError {
	var typed *connector.Error
	if errors.As(err, &typed) {
		return &RuntimeError{Type: string(typed.Type), Message: typed.Message}
	}
	return errDepth()
}

func coerceNumber(v any) (any, error) {
	switch v.(type) {
	case int64, float64: // what filters compare as a rule
		return v, nil
	}
	return coerce(v, connector.TypeNumber, nil, defaultMaxTextBytes)
}

func mismatch(v any, to connector.FieldType) *RuntimeError {
	return invalid("expected %s, received %s", string(to), kindOf(v))
}
