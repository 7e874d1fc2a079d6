package crypto

import "context"

// An attempt is what one goroutine does for all who want the same at the same time: to read a ring, or to unwrap a key of it.
type attempt struct {
	done chan struct{}
	ring *ring
	err  error
	// common says that the outcome is everybody's: it was not cut off by the context, or by a panic, of who did it.
	common bool
	// void says that the keys of the owner were destroyed, or let begin anew, since the ring was read. Guarded by Hierarchy.mu.
	void bool
}

// An attemptKey says what is attempted: to read the ring of an owner, or to unwrap the key of this id in a ring.
type attemptKey struct {
	owner owner
	ring  *ring
	id    keyID
}

// together does something once for all who want it at the same time. Those who wait share the outcome, so that a keeper that
// does not answer is waited for once and not by one after another; but an end of the context of who did it is nobody else's,
// and neither is a failure that own says is to be tried again. joined says that somebody else did it, who may have begun
// before the call.
func (h *Hierarchy) together(
	ctx context.Context, key attemptKey, own func(error) bool, do func(*attempt) (*ring, error),
) (r *ring, joined bool, err error) {
	for {
		h.mu.Lock()
		a := h.attempts[key]
		if a == nil {
			a = &attempt{done: make(chan struct{})}
			h.attempts[key] = a
			h.mu.Unlock()
			h.lead(ctx, key, a, do)
			return a.ring, false, a.err
		}
		h.mu.Unlock()
		select {
		case <-a.done:
		case <-ctx.Done():
			return nil, true, ctx.Err()
		}
		if a.common && (a.err == nil || !own(a.err)) {
			return a.ring, true, a.err
		}
	}
}

// lead makes an attempt. Those who wait go on when the keeper or the key store panics, too.
func (h *Hierarchy) lead(ctx context.Context, key attemptKey, a *attempt, do func(*attempt) (*ring, error)) {
	defer func() {
		h.mu.Lock()
		delete(h.attempts, key)
		a.common = a.common && !a.void // who has joined since then is not to have it
		h.mu.Unlock()
		close(a.done)
	}()
	a.ring, a.err = do(a)
	a.common = a.err == nil || ctx.Err() == nil
}
