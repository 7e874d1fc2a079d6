package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

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
	rates     rates
	queues    queues
	waiters   waiters
	tide      tide
	workers   *workers

	closing context.Context // ends with the engine
	shut    context.CancelFunc
	serving sync.WaitGroup
}

func newCore(cfg Config) (*core, error) {
	modules, err := newCatalog(cfg.Connectors)
	if err != nil {
		return nil, err
	}
	language, err := expr.New(expr.Options{
		NewObject: func(names []string, values []any) any { return connector.BundleOf(names, values) },
	})
	if err != nil {
		return nil, err
	}
	c := &core{
		cfg:      cfg,
		repo:     repo.New(cfg.Store, cfg.Vault, cfg.Policy, cfg.Now),
		modules:  modules,
		language: language,
		network:  transport.New(cfg.Network),
		workers:  newWorkers(cfg.Workers),
	}
	c.closing, c.shut = context.WithCancel(context.Background())
	return c, nil
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
	c.shut()
	c.serving.Wait()
	<-c.workers.done()
	return nil
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
}

type cached[V any] struct {
	value V
	read  time.Time
}

// get returns what is remembered, or reads it. Errors are not remembered.
func (c *cache[V]) get(ctx context.Context, key string, read func(context.Context) (V, error)) (V, error) {
	c.mu.RLock()
	entry, ok := c.entries[key]
	c.mu.RUnlock()
	if ok && time.Since(entry.read) < cacheTime {
		return entry.value, nil
	}
	entry.read = time.Now()
	var err error
	if entry.value, err = read(ctx); err != nil {
		c.forget(key)
		return entry.value, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil {
		c.entries = make(map[string]cached[V])
	}
	c.entries[key] = entry
	return entry.value, nil
}

// last returns what is remembered, however old it is.
func (c *cache[V]) last(key string) (V, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	entry, ok := c.entries[key]
	return entry.value, ok
}

func (c *cache[V]) forget(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, key)
}
