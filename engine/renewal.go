package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/store"
)

const (
	// renewalTime is how long a module may take to renew a connection.
	renewalTime = 30 * time.Second
	// renewalLease is for how long other processes leave a connection alone that one is renewing.
	renewalLease = 45 * time.Second
	// renewalPoll is how often they look whether it is done.
	renewalPoll = 200 * time.Millisecond
	// renewalGrace is how long a renewal, and then the write that stores it, may go on when the run that wanted it was told to
	// stop: services take back a refresh token as soon as they have given the next one. Both fit into stopTime.
	renewalGrace = 4 * time.Second
)

// renew implements connector.Call.Renew. In this process one run at a time gets past the lock; among processes the one
// whose lease was stored does. A renewal that has begun goes on for a moment when ctx ends, and is stored. When that fails, the
// runs of this process go on with what was renewed, and it is stored later, see unstored.go. A process that dies before that
// loses what the service gave; where that includes a refresh token, people have to authorise the account again.
func (h *host) renew(ctx context.Context, stale *connector.Connection, renew connector.Renewal) (*connector.Connection, error) {
	unlock, err := h.renewals.lock(ctx, repo.ConnectionID(h.tenant, stale.Name))
	if err != nil {
		return nil, err
	}
	defer unlock()
	for {
		doc, stored, err := h.stored(ctx, h.tenant, stale.Name)
		if err != nil {
			return nil, err
		}
		if !stored.Equal(stale) {
			doc.Clear()
			h.lend(stored)
			return stored, nil
		}
		if left := doc.Renewing.Sub(h.now()); left > 0 {
			doc.Clear()
			destroySecrets(stored)
			if err := pause(ctx, min(left, renewalPoll)); err != nil {
				return nil, err
			}
			continue
		}
		err = h.renewStored(ctx, doc, stored, renew)
		h.lend(stored) // also when it failed: the error may quote what the service gave
		switch {
		case errors.Is(err, store.ErrConflict): // somebody else has begun, or has saved the connection anew
			continue
		case err != nil:
			return nil, err
		}
		return stored, nil
	}
}

// renewStored lets renew change a connection that was just read, under a lease.
func (c *core) renewStored(ctx context.Context, doc *repo.Connection, connection *connector.Connection, renew connector.Renewal) error {
	name := connection.Name
	defer doc.Clear()
	lease := c.now().Add(renewalLease)
	doc.Renewing = lease
	if err := c.repo.Apply(ctx, c.repo.Put(doc)); err != nil {
		return fmt.Errorf("renew connection %q: %w", name, err)
	}
	longer, cancel := outlive(ctx, renewalTime, renewalGrace)
	defer cancel()
	before := connection.Clone()
	stale, err := ownCopy(connection)
	if err != nil {
		return fmt.Errorf("renew connection %q: %w", name, err)
	}
	failed := renew(longer, connection)
	defer destroyReplaced(before, connection)
	kept, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewalGrace)
	defer cancel()
	doc.Renewing = time.Time{}
	if failed == nil {
		failed = put(doc, connection)
	}
	if failed != nil {
		destroySecrets(stale)
		// When the lease cannot be given back, it runs out.
		_ = c.giveBack(kept, doc, lease)
		return failed
	}
	if err := c.keepRenewed(kept, doc, stale, connection); err != nil {
		return fmt.Errorf("renew connection %q: %w", name, err)
	}
	return nil
}

// keepRenewed writes a connection that was renewed. When the store fails, it is kept in memory until the store does not. The
// secrets of stale are cleared in the end.
func (c *core) keepRenewed(ctx context.Context, doc *repo.Connection, stale, connection *connector.Connection) error {
	r := &renewedConnection{id: doc.ID, tenant: doc.Tenant, name: stale.Name, stale: stale, renewed: &connector.Connection{}}
	err := c.repo.Apply(ctx, c.repo.Put(doc))
	if err == nil {
		r.clear()
		return nil
	}
	own, failed := ownCopy(connection)
	if failed != nil {
		r.clear()
		return errors.Join(err, failed)
	}
	r.renewed = own
	if errors.Is(err, store.ErrConflict) { // it was sealed anew, see Rotate, or replaced
		err = c.storeRenewed(ctx, r)
	}
	if err == nil || errors.Is(err, store.ErrConflict) || unwritable(err) {
		r.clear()
		return err
	}
	if !c.unstored.add(r, func() { c.storeLater(r) }) { //nolint:contextcheck // it goes on when the run has ended
		r.clear()
		return err
	}
	c.logger(zap.String("connection", r.id)).Warn("a connection that was renewed could not be stored, trying again", zap.Error(err))
	return nil
}

// giveBack writes a connection that was leased and is as it was. When that conflicts and the lease is as it was, the
// connection was only sealed anew, see Rotate.
func (c *core) giveBack(ctx context.Context, doc *repo.Connection, lease time.Time) error {
	for {
		err := c.repo.Apply(ctx, c.repo.Put(doc))
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
		now := &repo.Connection{Envelope: repo.Envelope{ID: doc.ID, Tenant: doc.Tenant}}
		failed := c.repo.Get(ctx, now)
		now.Clear()
		if failed != nil || !now.Renewing.Equal(lease) || now.Version == doc.Version {
			return err
		}
		doc.Version = now.Version
	}
}

// destroyReplaced clears the secrets of a connection that it does not have any more.
func destroyReplaced(before, now *connector.Connection) {
	for _, old := range before.Secrets {
		stays := false
		for _, value := range now.Secrets {
			stays = stays || value.Equal(old)
		}
		if !stays {
			old.Destroy()
		}
	}
}

// outlive returns a context that ends at the limit, if that is not zero, or as long after ctx as grace says.
func outlive(ctx context.Context, limit, grace time.Duration) (context.Context, func()) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	if limit > 0 {
		longer, cancel = context.WithTimeout(context.WithoutCancel(ctx), limit)
	}
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return longer, func() {
		stop()
		cancel()
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// A locker has a lock for every key. The zero locker is ready.
type locker struct {
	mu sync.Mutex

	held map[string]chan struct{}
}

// lock waits until nobody else has the lock of the key, or until ctx ends.
func (l *locker) lock(ctx context.Context, key string) (unlock func(), err error) {
	for {
		l.mu.Lock()
		released := l.held[key]
		if released == nil {
			if l.held == nil {
				l.held = map[string]chan struct{}{}
			}
			mine := make(chan struct{})
			l.held[key] = mine
			l.mu.Unlock()
			return func() {
				l.mu.Lock()
				defer l.mu.Unlock()
				delete(l.held, key)
				close(mine)
			}, nil
		}
		l.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-released:
		}
	}
}
