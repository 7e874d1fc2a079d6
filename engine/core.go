package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/transport"
	"github.com/ebbkit/ebb/engine/internal/expr"
	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/store"
)

// core is what all views of an engine share.
type core struct {
	cfg      Config
	repo     *repo.Repo
	modules  *catalog
	language *expr.Language
	network  *transport.Guard

	scenarios cache[*deployed]
	hooks     cache[*repo.Hook]
	types     cache[*connector.Structure]
	tables    cache[table]
	rates     rates
	queues    queues
	waiters   waiters
	renewals  locker
	unstored  unstored
	states    locker
	tide      tide
	people    acquaintances
	pruning   chore
	keys      *keys
	unlimited sync.Once
	workers   *workers

	closing context.Context // ends with the engine
	shut    context.CancelFunc

	stamped atomic.Int64 // the last stamp, in nanoseconds since 1970
	latest  atomic.Int64 // the latest instant that leases have gone by, in nanoseconds since 1970
}

func newCore(cfg Config, keys *keys) (*core, error) {
	modules, err := newCatalog(cfg.Connectors)
	if err != nil {
		return nil, err
	}
	functions, wrong := expr.FunctionsOf(cfg.Functions)
	language, err := expr.New(expr.Options{Functions: functions})
	if err := errors.Join(wrong, err); err != nil {
		return nil, fmt.Errorf("%w: Config.Functions: %w", ErrInvalid, err)
	}
	c := &core{
		cfg:      cfg,
		repo:     repo.New(cfg.Store, cfg.Vault, cfg.Policy, cfg.Now),
		modules:  modules,
		language: language,
		network:  transport.New(cfg.Network),
		workers:  newWorkers(cfg.Workers),
		keys:     keys,
	}
	c.closing, c.shut = context.WithCancel(context.Background())
	return c, nil
}

// logger is the host's logger with fields. A logger that drops everything need not know them.
func (c *core) logger(fields ...zap.Field) *zap.Logger {
	if !c.cfg.Logger.Core().Enabled(zap.FatalLevel) {
		return c.cfg.Logger
	}
	return c.cfg.Logger.With(slices.Clone(fields)...) // a copy, so that fields that are dropped cost no memory
}

// now is the time of the host, in UTC.
func (c *core) now() time.Time { return c.cfg.Now().UTC() }

func (c *core) newID() (string, error) { return repo.NewID(c.now(), c.cfg.Random) }

func (c *core) open() error {
	if c.closing.Err() != nil {
		return ErrClosed
	}
	return nil
}

func (c *core) close() error {
	ended := c.workers.close()
	c.shut()
	<-ended
	c.unstored.close()
	return c.keys.close()
}

// clock is the time that leases go by: that of the host, which is not believed when it goes backwards.
func (c *core) clock() time.Time {
	for {
		now, latest := c.now().UnixNano(), c.latest.Load()
		if now <= latest {
			return time.Unix(0, latest).UTC()
		}
		if c.latest.CompareAndSwap(latest, now) {
			return time.Unix(0, now).UTC()
		}
	}
}

// stamp is the time of the host, but later than every stamp before it: what is stamped keeps its order.
func (c *core) stamp() time.Time {
	for {
		now, last := c.now().UnixNano(), c.stamped.Load()
		now = max(now, last+1)
		if c.stamped.CompareAndSwap(last, now) {
			return time.Unix(0, now).UTC()
		}
	}
}

// notFound gives the store's answer in the engine's words. What cannot be an ID is the ID of nothing.
func notFound(err error, what, name string) error {
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrInvalid) {
		return fmt.Errorf("%w: %s %q", ErrNotFound, what, name)
	}
	return fmt.Errorf("%s %q: %w", what, name, err)
}

// cacheTime is for how long an engine goes by what it has read of scenarios and hooks. Its own changes count at once;
// those of other processes after this time.
const cacheTime = time.Second

// A cache remembers what was read last of things that rarely change. The zero cache is ready.
type cache[V any] struct {
	mu      sync.RWMutex
	entries map[string]cached[V]
	// changes counts what was forgotten: what was read before a change must not be remembered after it.
	changes int64
}

type cached[V any] struct {
	value V
	err   error
	read  time.Time
}

// get returns what is remembered, or reads it. An error is remembered when keep says so.
func (c *cache[V]) get(ctx context.Context, key string, keep func(error) bool, read func(context.Context) (V, error)) (V, error) {
	c.mu.RLock()
	entry, ok := c.entries[key]
	changes := c.changes
	c.mu.RUnlock()
	if ok && time.Since(entry.read) < cacheTime {
		return entry.value, entry.err
	}
	began := time.Now()
	value, err := read(ctx)
	if err != nil && !keep(err) {
		return value, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changes == changes {
		if c.entries == nil {
			c.entries = make(map[string]cached[V])
		}
		c.entries[key] = cached[V]{value, err, began}
	}
	return value, err
}

// last returns what was remembered last, however old it is.
func (c *cache[V]) last(key string) (value V, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	entry, ok := c.entries[key]
	return entry.value, ok && entry.err == nil
}

// forget lets the next get read anew.
func (c *cache[V]) forget(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	delete(c.entries, key)
}

// never remembers no error.
func never(error) bool { return false }
