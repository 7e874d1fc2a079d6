package pattern

import (
	"errors"
	"strings"

	"github.com/ebbkit/ebb/connector"
)

// Failure returns the error of a module whose field or parameter holds a pattern that could not be used: a RuntimeError when
// it took too long, a MaxFileSizeExceededError when the result was too long, else a DataError. It names the field, and wraps
// err, an error of this package.
func Failure(field string, err error) *connector.Error {
	kind := connector.DataError
	switch {
	case errors.Is(err, ErrTime):
		kind = connector.RuntimeError
	case errors.Is(err, ErrText):
		kind = connector.MaxFileSizeExceededError
	}
	return &connector.Error{Type: kind, Message: field + ": " + strings.TrimPrefix(err.Error(), "pattern: "), Err: err}
}
