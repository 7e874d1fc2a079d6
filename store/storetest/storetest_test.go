package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
	"github.com/ebbkit/ebb/store/storetest"
)

// defective tells this binary which defect the store of TestDefectiveStore has.
const defective = "EBB_DEFECT"

// A hooked store is a good one but for the methods that a hook replaces.
type hooked struct {
	*memory.Store
	get   func(ctx context.Context, key store.Key) (store.Record, error)
	find  func(ctx context.Context, q store.Query) iter.Seq2[store.Record, error]
	apply func(ctx context.Context, changes ...store.Change) error
	claim func(ctx context.Context, kind store.Kind, now, until time.Time, limit int) ([]store.Record, error)
	kinds func(ctx context.Context) ([]store.Kind, error)
	close func() error
}

func (h *hooked) Get(ctx context.Context, key store.Key) (store.Record, error) {
	return h.get(ctx, key)
}
func (h *hooked) Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	return h.find(ctx, q)
}
func (h *hooked) Apply(ctx context.Context, changes ...store.Change) error {
	return h.apply(ctx, changes...)
}
func (h *hooked) Claim(ctx context.Context, kind store.Kind, now, until time.Time, limit int) ([]store.Record, error) {
	return h.claim(ctx, kind, now, until, limit)
}
func (h *hooked) Kinds(ctx context.Context) ([]store.Kind, error) { return h.kinds(ctx) }
func (h *hooked) Close() error                                    { return h.close() }

// A defect breaks a store, and names the test that has to notice.
type defect struct {
	noticed string
	breaks  func(good *memory.Store, h *hooked)
}

// changed returns copies of the changes with something done to each record.
func changed(changes []store.Change, f func(name string, r *store.Record)) []store.Change {
	out := make([]store.Change, len(changes))
	one := func(name string, r *store.Record) *store.Record {
		if r == nil {
			return nil
		}
		c := *r
		c.Subjects = slices.Clone(r.Subjects)
		f(name, &c)
		return &c
	}
	for i, c := range changes {
		out[i] = store.Change{
			Put: one("put", c.Put), Touch: one("touch", c.Touch), Delete: one("delete", c.Delete), Check: one("check", c.Check),
		}
	}
	return out
}

// applies lets Apply work on changed copies, and hands the versions back.
func applies(f func(good *memory.Store, name string, r *store.Record)) func(*memory.Store, *hooked) {
	return func(good *memory.Store, h *hooked) {
		h.apply = func(ctx context.Context, changes ...store.Change) error {
			if err := store.Validate(changes); err != nil {
				return err
			}
			other := changed(changes, func(name string, r *store.Record) { f(good, name, r) })
			if err := good.Apply(ctx, other...); err != nil {
				return err
			}
			for i, c := range changes {
				if c.Put != nil {
					c.Put.Version = other[i].Put.Version
				} else if c.Touch != nil {
					c.Touch.Version = other[i].Touch.Version
				}
			}
			return nil
		}
	}
}

// asks lets Find answer another query.
func asks(f func(q *store.Query)) func(*memory.Store, *hooked) {
	return func(good *memory.Store, h *hooked) {
		h.find = func(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
			if err := q.Validate(); err == nil {
				f(&q)
			}
			return good.Find(ctx, q)
		}
	}
}

// shows lets whatever is read look otherwise.
func shows(f func(r *store.Record)) func(*memory.Store, *hooked) {
	return func(good *memory.Store, h *hooked) {
		h.get = func(ctx context.Context, key store.Key) (store.Record, error) {
			r, err := good.Get(ctx, key)
			f(&r)
			return r, err
		}
	}
}

// stored returns what the store has under a key.
func stored(s *memory.Store, key store.Key) store.Record {
	r, _ := s.Get(context.Background(), key)
	return r
}

// TestDefectiveStore runs the suite on a store with the defect that the environment names, for TestRunNoticesEveryDefect.
func TestDefectiveStore(t *testing.T) {
	t.Parallel()
	name, ok := os.LookupEnv(defective)
	if !ok {
		return // only a process that was started for a defect has something to show
	}
	storetest.Run(t, func(*testing.T) store.Store {
		good := memory.New()
		h := &hooked{good, good.Get, good.Find, good.Apply, good.Claim, good.Kinds, good.Close}
		if d, ok := defects[name]; ok {
			d.breaks(good, h)
		}
		return h
	})
}

// runDefective runs a test of this binary in another process.
func runDefective(t *testing.T, test, env string) (output string, passed bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run="+test, "-test.count=1", "-test.timeout=2m")
	cmd.Env = append(os.Environ(), env)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return out.String(), err == nil
}

func TestRunNoticesEveryDefect(t *testing.T) {
	t.Parallel()
	for name, d := range defects {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			output, passed := runDefective(t, "^TestDefectiveStore$/^"+d.noticed+"$", defective+"="+name)
			require.False(t, passed, "the suite did not notice that the store %s", name)
			require.Contains(t, output, "--- FAIL: TestDefectiveStore/"+d.noticed)
			require.NotContains(t, output, "panic:")
		})
	}
}

func TestRunPassesOnAGoodStore(t *testing.T) {
	t.Parallel()
	output, passed := runDefective(t, "^TestDefectiveStore$", defective+"=none")
	require.True(t, passed, output)
}

// TestCrashOfForgetfulStore runs Crash on a store that loses everything with its process, for
// TestCrashNoticesWhatIsLost.
func TestCrashOfForgetfulStore(t *testing.T) {
	t.Parallel()
	if _, ok := os.LookupEnv(defective); !ok {
		return // only a process that was started for a defect has something to show
	}
	storetest.Crash(t, func(*testing.T, string) store.Store { return memory.New() }, 6)
}

func TestCrashNoticesWhatIsLost(t *testing.T) {
	t.Parallel()
	output, passed := runDefective(t, "^TestCrashOfForgetfulStore$", defective+"=forgets")
	require.False(t, passed)
	require.Contains(t, output, "reported step")
}
