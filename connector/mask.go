package connector

import (
	"errors"
	"strconv"

	"github.com/ebbkit/ebb/crypto/secret"
)

// MaskError returns what [AsError] returns, without the secrets that mask knows: not in the type, the message, nor the detail.
// Its cause is that of the first [*Error] in the chain, or err, and matches with errors.Is. Nil gives nil.
//
// The engine does this with what modules return. A connector needs it for secrets that the engine does not know: such as it
// makes of others, or gets as input.
func MaskError(mask *secret.Mask, err error) *Error {
	shown := AsError(err)
	if shown == nil || mask.Empty() {
		return shown
	}
	var typed *Error
	if errors.As(err, &typed) {
		err = typed.Err
	}
	shown.Err = mask.Error(err)
	shown.Type, shown.Message = shown.Type.Mask(mask), mask.Text(shown.Error())
	shown.Detail, _ = shown.Detail.Mask(mask)
	return shown
}

// Mask returns the type without secrets. The types of this package stay as they are, also when a secret is a word in one of
// them: they hold none, and the engine decides by them.
func (t ErrorType) Mask(mask *secret.Mask) ErrorType {
	switch t {
	case RuntimeError, DataError, DuplicateDataError, IncompleteDataError, RateLimitError, ConnectionError, OutOfSpaceError,
		InvalidConfigurationError, InvalidAccessTokenError, BundleValidationError, AccountValidationError, ModuleTimeoutError,
		ScenarioTimeoutError, MaxResultsExceededError, MaxFileSizeExceededError, OperationsLimitExceededError,
		DataSizeLimitExceededError, ExecutionInterruptedError, InconsistencyError, UnexpectedError:
		return t
	}
	return ErrorType(mask.Text(string(t)))
}

// Mask returns the bundle without secrets in its names, texts, buffers and numbers, however deep they are, and whether it
// had any. One that has none is returned itself; else it shares with b what has none.
func (b Bundle) Mask(mask *secret.Mask) (masked Bundle, found bool) {
	if mask.Empty() {
		return b, false
	}
	at := 0
	for name, value := range b.All() {
		shownName := mask.Text(name)
		shown, differs := maskedValue(mask, value)
		if (differs || shownName != name) && !found {
			found, masked = true, firstFields(b, at)
		}
		if found {
			masked.Set(shownName, shown)
		}
		at++
	}
	if !found {
		return b, false
	}
	return masked, true
}

// firstFields copies the first n fields of a bundle.
func firstFields(b Bundle, n int) (first Bundle) {
	for name, value := range b.All() {
		if n--; n < 0 {
			break
		}
		first.Set(name, value)
	}
	return first
}

func maskedValue(mask *secret.Mask, value any) (any, bool) {
	switch value := value.(type) {
	case string:
		masked := mask.Text(value)
		return masked, masked != value
	case []byte:
		masked := mask.Bytes(value)
		return masked, len(masked) != len(value) // what is put in place of a secret is shorter than any
	case int64: // a secret of digits may come back as a number
		return maskedNumber(mask, value, strconv.FormatInt(value, 10))
	case float64:
		return maskedNumber(mask, value, strconv.FormatFloat(value, 'f', -1, 64))
	case []any:
		return maskedList(mask, value)
	case Bundle:
		return value.Mask(mask)
	}
	return value, false
}

func maskedNumber(mask *secret.Mask, value any, text string) (any, bool) {
	if masked := mask.Text(text); masked != text {
		return masked, true
	}
	return value, false
}

func maskedList(mask *secret.Mask, list []any) ([]any, bool) {
	var copied []any
	for i, element := range list {
		masked, differs := maskedValue(mask, element)
		if differs && copied == nil {
			copied = append(make([]any, 0, len(list)), list...)
		}
		if differs {
			copied[i] = masked
		}
	}
	if copied == nil {
		return list, false
	}
	return copied, true
}
