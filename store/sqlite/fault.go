package sqlite

import (
	"context"
	"errors"
	"fmt"

	driver "zombiezen.com/go/sqlite"

	"github.com/ebbkit/ebb/store"
)

// explain turns an error of the driver into one of package store, where there is one for it. The context is the call's:
// when it has ended, that is why the driver was interrupted.
func explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	for _, known := range []error{store.ErrCorrupt, store.ErrNewer, store.ErrFull, store.ErrLocked, store.ErrClosed} {
		if errors.Is(err, known) {
			return err
		}
	}
	var corrupt corruption
	if errors.As(err, &corrupt) {
		return fmt.Errorf("%w: %w", store.ErrCorrupt, err)
	}
	switch primary(err) {
	case driver.ResultFull:
		return fmt.Errorf("%w: %w", store.ErrFull, err)
	case driver.ResultCorrupt, driver.ResultNotADB:
		return fmt.Errorf("%w: %w", store.ErrCorrupt, err)
	case driver.ResultBusy, driver.ResultLocked:
		return fmt.Errorf("%w: %w", store.ErrLocked, err)
	case driver.ResultInterrupt:
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return err
}

// primary is the driver's result code without what makes it more exact; ResultError when the error is none of the
// driver's.
func primary(err error) driver.ResultCode { return driver.ErrCode(err).ToPrimary() }
