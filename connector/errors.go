package connector

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"
)

// An ErrorType is what the engine decides by when a module fails, and what an error route sees as error.type. The names
// are Make's (https://help.make.com, "Types of errors"; the class names are those of its module prototype).
type ErrorType string

// The types of errors. A module returns the first nine; the others are the engine's own, and those of what it hands to
// modules: conversions, the HTTP client.
const (
	// RuntimeError is any failure that has no better name. It is the type of every error that carries none.
	RuntimeError ErrorType = "RuntimeError"
	// DataError says that the service or the module does not accept the data.
	DataError ErrorType = "DataError"
	// DuplicateDataError says that what was to be created exists.
	DuplicateDataError ErrorType = "DuplicateDataError"
	// IncompleteDataError says that a trigger's item is not ready yet: try again After some time.
	IncompleteDataError ErrorType = "IncompleteDataError"
	// RateLimitError says that the service wants to be asked less often: try again After some time.
	RateLimitError ErrorType = "RateLimitError"
	// ConnectionError says that the service cannot be reached or does not work.
	ConnectionError ErrorType = "ConnectionError"
	// OutOfSpaceError says that the service has no room left.
	OutOfSpaceError ErrorType = "OutOfSpaceError"
	// InvalidConfigurationError says that the scenario must be changed by a person before it can work.
	InvalidConfigurationError ErrorType = "InvalidConfigurationError"
	// InvalidAccessTokenError says that the account of the connection is not let in any more.
	InvalidAccessTokenError ErrorType = "InvalidAccessTokenError"

	// BundleValidationError says that a bundle lacks a required field, or has one that cannot be converted.
	BundleValidationError ErrorType = "BundleValidationError"
	// AccountValidationError says that a connection could not be opened before the run began.
	AccountValidationError ErrorType = "AccountValidationError"
	// ModuleTimeoutError says that one operation took longer than the limit.
	ModuleTimeoutError ErrorType = "ModuleTimeoutError"
	// ScenarioTimeoutError says that the run took longer than the limit.
	ScenarioTimeoutError ErrorType = "ScenarioTimeoutError"
	// MaxResultsExceededError says that a module gave more bundles than the limit.
	MaxResultsExceededError ErrorType = "MaxResultsExceededError"
	// MaxFileSizeExceededError says that a file or a bundle is larger than the limit.
	MaxFileSizeExceededError ErrorType = "MaxFileSizeExceededError"
	// OperationsLimitExceededError says that the run did more operations than the limit.
	OperationsLimitExceededError ErrorType = "OperationsLimitExceededError"
	// DataSizeLimitExceededError says that the run moved more data than the limit.
	DataSizeLimitExceededError ErrorType = "DataSizeLimitExceededError"
	// ExecutionInterruptedError says that the run was stopped from outside.
	ExecutionInterruptedError ErrorType = "ExecutionInterruptedError"
	// InconsistencyError says that a commit or a rollback failed halfway.
	InconsistencyError ErrorType = "InconsistencyError"
	// UnexpectedError says that the module itself is broken: it panicked.
	UnexpectedError ErrorType = "UnexpectedError"
)

// An Error is a failure with a type that the engine reacts to. Make one with [Errorf].
//
// Its message may be shown to the people who own the scenario and is sealed where it is stored; it still must not hold
// secrets of the connection.
type Error struct {
	// Type decides what happens next.
	Type ErrorType
	// Message says what went wrong, in a sentence.
	Message string
	// After is how long to wait before trying again: RateLimitError and IncompleteDataError. Zero: the engine's
	// default.
	After time.Duration
	// Detail is what an error route may map beside the message, such as the status and body of an HTTP response. May be
	// empty.
	Detail Bundle
	// Err is the cause, if there is one.
	Err error
}

// Errorf makes an Error. The format is that of fmt.Errorf; what %w wraps becomes the cause.
func Errorf(kind ErrorType, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Type: kind, Message: err.Error(), Err: errors.Unwrap(err)}
}

// Error returns the message.
func (e *Error) Error() string {
	if e.Message == "" {
		return string(e.Type)
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// TypeOf says which type an error has: that of the first [*Error] in its chain; ModuleTimeoutError for a deadline that
// passed; ConnectionError for a failure of the network; RuntimeError for all others. Nil has the empty type.
func TypeOf(err error) ErrorType {
	if err == nil {
		return ""
	}
	var typed *Error
	if errors.As(err, &typed) && typed.Type != "" {
		return typed.Type
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return ModuleTimeoutError
	}
	var network net.Error
	if errors.As(err, &network) {
		return ConnectionError
	}
	return RuntimeError
}

// AsError returns what the engine stores and shows of an error: its type by [TypeOf], its message, and what the first
// [*Error] in its chain says besides. The message leaves out what net/http writes into its errors, the URL with its
// query, because that is where services expect keys. Nil gives nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	shown := &Error{Type: TypeOf(err), Message: err.Error(), Err: err}
	var typed *Error
	if errors.As(err, &typed) {
		shown.After, shown.Detail = typed.After, typed.Detail
	}
	var request *url.Error
	if errors.As(err, &request) {
		if typed != nil && errors.As(request.Err, &typed) {
			shown.Message = typed.Error()
			return shown
		}
		for inner := request; errors.As(inner.Err, &inner); {
			request = inner
		}
		shown.Message = request.Op + ": " + request.Err.Error()
		if target, err := url.Parse(request.URL); err == nil && target.Hostname() != "" {
			shown.Message = fmt.Sprintf("%s to host %q: %v", request.Op, target.Hostname(), request.Err)
		}
	}
	return shown
}
