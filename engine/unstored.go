package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/secret"
	"github.com/ebbkit/ebb/store"
)

// A service that replaces refresh tokens has taken the old one back when it gives the next. So what was renewed and could not
// be stored is kept in memory, where the runs of this process find it, and written as soon as the store answers.

// unstored are the connections that were renewed and not stored yet, by their IDs. The zero unstored is ready.
type unstored struct {
	mu sync.Mutex

	closed  bool // nothing is added any more
	entries map[string]*renewedConnection
	writing sync.WaitGroup
}

// A renewedConnection is a connection that was renewed, and what it was before. Both have secrets of their own.
type renewedConnection struct {
	id, tenant, name string

	mu             sync.Mutex // guards the secrets, which are cleared when nobody needs them any more
	over           bool
	stale, renewed *connector.Connection
}

// add lets an entry be written by write, in a goroutine of its own. It returns false when the engine has closed.
func (u *unstored) add(r *renewedConnection, write func()) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return false
	}
	if u.entries == nil {
		u.entries = map[string]*renewedConnection{}
	}
	if older := u.entries[r.id]; older != nil {
		older.clear()
	}
	u.entries[r.id] = r
	u.writing.Go(write)
	return true
}

func (u *unstored) get(id string) *renewedConnection {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.entries[id]
}

// remove forgets an entry that was stored, or that is of no account any more.
func (u *unstored) remove(r *renewedConnection) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.entries[r.id] == r {
		delete(u.entries, r.id)
	}
	r.clear()
}

// drop forgets what was renewed of a connection that somebody has replaced or deleted.
func (u *unstored) drop(id string) {
	if r := u.get(id); r != nil {
		u.remove(r)
	}
}

// close lets nothing be added any more, and waits until what is there was written or given up.
func (u *unstored) close() {
	u.mu.Lock()
	u.closed = true
	u.mu.Unlock()
	u.writing.Wait()
}

// ownCopy copies a connection together with its secrets.
func ownCopy(c *connector.Connection) (*connector.Connection, error) {
	own := c.Clone()
	for field, value := range c.Secrets {
		own.Secrets[field] = secret.Value{}
		if err := value.Use(func(plain []byte) { own.Secrets[field] = secret.New(plain) }); err != nil {
			destroySecrets(own)
			return nil, fmt.Errorf("secret %q: %w", field, err)
		}
	}
	return own, nil
}

// clear clears the secrets.
func (r *renewedConnection) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	destroySecrets(r.stale)
	destroySecrets(r.renewed)
}

// instead returns a copy of what was renewed when stored is what it was made of, else nil. over says that it was stored
// meanwhile, or dropped.
func (r *renewedConnection) instead(stored *connector.Connection) (renewed *connector.Connection, over bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over || !stored.Equal(r.stale) {
		return nil, r.over
	}
	renewed, err := ownCopy(r.renewed)
	if err != nil {
		return nil, false
	}
	return renewed, false
}

// is says whether stored is what was renewed.
func (r *renewedConnection) is(stored *connector.Connection) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.over && stored.Equal(r.renewed)
}

// storeRenewed writes what was renewed in place of what it was made of, in whatever version and under whoever's lease that is:
// nobody else can have got anything with it. store.ErrConflict says that there is something else now, or nothing.
func (c *core) storeRenewed(ctx context.Context, r *renewedConnection) error {
	for {
		doc, stored, err := c.read(ctx, r.tenant, r.name)
		if errors.Is(err, store.ErrNotFound) {
			return store.ErrConflict
		}
		if err != nil {
			return err
		}
		renewed, _ := r.instead(stored)
		done := r.is(stored)
		destroySecrets(stored)
		if renewed == nil {
			doc.Clear()
			if done { // the answer to an earlier write was lost
				return nil
			}
			return store.ErrConflict
		}
		doc.Renewing = time.Time{}
		if err = put(doc, renewed); err == nil {
			err = c.repo.Apply(ctx, c.repo.Put(doc))
		}
		doc.Clear()
		destroySecrets(renewed)
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

const (
	unstoredPause    = 100 * time.Millisecond
	maxUnstoredPause = 2 * time.Second
)

// storeLater writes what was renewed as soon as that is possible: until the engine closes, and for renewalGrace after that.
func (c *core) storeLater(r *renewedConnection) {
	defer c.unstored.remove(r)
	ctx, cancel := outlive(c.closing, 0, renewalGrace)
	defer cancel()
	log, closing := c.logger(zap.String("connection", r.id)), c.closing
	for wait := unstoredPause; ; wait = min(2*wait, maxUnstoredPause) {
		_ = pause(closing, wait)
		if closing.Err() != nil { // there is not much time left
			closing, wait = ctx, unstoredPause
		}
		err := c.storeRenewedWithin(ctx, r)
		switch {
		case err == nil:
			log.Info("a connection that was renewed is stored now")
			return
		case errors.Is(err, store.ErrConflict):
			log.Info("a connection that was renewed was replaced before it could be stored")
			return
		case ctx.Err() != nil, unwritable(err):
			log.Error("a connection that was renewed could not be stored; the account may have to be authorized again", zap.Error(err))
			return
		}
	}
}

// storeRenewedWithin is one attempt, which takes a bounded time.
func (c *core) storeRenewedWithin(ctx context.Context, r *renewedConnection) error {
	ctx, cancel := context.WithTimeout(ctx, renewalGrace)
	defer cancel()
	return c.storeRenewed(ctx, r)
}

// unwritable says that a write is of no use later either.
func unwritable(err error) bool {
	return permanent(err) || errors.Is(err, store.ErrClosed) || errors.Is(err, crypto.ErrShredded)
}
