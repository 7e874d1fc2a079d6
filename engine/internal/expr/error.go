package expr

import (
	"errors"
	"fmt"
	"strings"
)

// Errors of this package.
var (
	// ErrLimit is wrapped by every RuntimeError that says that a limit of Options was reached.
	ErrLimit = errors.New("expr: limit reached")

	// ErrFunction is returned by New for a custom function that is not complete or whose name is taken.
	ErrFunction = errors.New("expr: bad function")
)

// Names of the error types that a RuntimeError carries; they are Make's.
const (
	// BundleValidationError says that a value is not of the type that was declared.
	BundleValidationError = "BundleValidationError"

	// DataError says that a value has the right type but content that cannot be used.
	DataError = "DataError"

	// RuntimeErrorType says that evaluation could not go on: a limit, or a custom function that failed.
	RuntimeErrorType = "RuntimeError"
)

// An Error is one problem of a template, found when it was compiled.
type Error struct {
	Column   int    // where in the template, 1 for its first character (not byte)
	Expected string // what should stand there, such as `")" or ";"`; empty where nothing else would do
	Message  string // what is wrong
}

// Error says where, what and what was expected.
func (e *Error) Error() string {
	if e.Expected == "" {
		return fmt.Sprintf("column %d: %s", e.Column, e.Message)
	}
	return fmt.Sprintf("column %d: %s, expected %s", e.Column, e.Message, e.Expected)
}

// Errors are all problems of one template, in the order of their columns; at most 20 are kept. Compile returns them, so
// errors.As with an *Errors or an *Error finds them.
type Errors []*Error

// Error joins the problems with "; ".
func (e Errors) Error() string {
	parts := make([]string, len(e))
	for i, problem := range e {
		parts[i] = problem.Error()
	}
	return strings.Join(parts, "; ")
}

// Unwrap returns the problems one by one.
func (e Errors) Unwrap() []error {
	list := make([]error, len(e))
	for i, problem := range e {
		list[i] = problem
	}
	return list
}

// A RuntimeError is why an evaluation failed. It names types, functions and positions, but never a value.
type RuntimeError struct {
	Type     string // BundleValidationError, DataError or RuntimeError
	Message  string
	Function string // the function that failed; empty outside functions
	Column   int    // where in the template, 1 for its first character; 0 where there is no template
	Err      error  // the cause; ErrLimit, or what a custom function returned; may be nil
}

// Error gives the message with the function's name and the column before it.
func (e *RuntimeError) Error() string {
	var b strings.Builder
	if e.Column > 0 {
		fmt.Fprintf(&b, "column %d: ", e.Column)
	}
	if e.Function != "" {
		b.WriteString(e.Function)
		b.WriteString(": ")
	}
	b.WriteString(e.Message)
	return b.String()
}

// Unwrap returns the cause.
func (e *RuntimeError) Unwrap() error { return e.Err }

func invalid(format string, args ...any) *RuntimeError {
	return &RuntimeError{Type: BundleValidationError, Message: fmt.Sprintf(format, args...)}
}

func badData(format string, args ...any) *RuntimeError {
	return &RuntimeError{Type: DataError, Message: fmt.Sprintf(format, args...)}
}

func overLimit(format string, args ...any) *RuntimeError {
	return &RuntimeError{Type: RuntimeErrorType, Message: fmt.Sprintf(format, args...), Err: ErrLimit}
}

func errTextLimit() *RuntimeError {
	return overLimit("a text would be longer than the limit for texts")
}

func errDepth() *RuntimeError {
	return overLimit("a value is nested deeper than %d levels", maxValueDepth)
}

// at gives a RuntimeError the place where it happened unless it has one already.
func at(err error, function string, column int) error {
	failure, ok := err.(*RuntimeError) //nolint:errorlint // a wrapped one has its place already
	if !ok {
		return err
	}
	if failure.Function == "" && failure.Column == 0 {
		failure.Function = function
	}
	if failure.Column == 0 {
		failure.Column = column
	}
	return failure
}
