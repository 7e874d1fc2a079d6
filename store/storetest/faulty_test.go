package storetest_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
	"github.com/ebbkit/ebb/store/storetest"
)

var (
	noon    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	errDead = errors.New("the disk is dead")
)

func task() *store.Record {
	return &store.Record{
		Key: store.Key{Kind: "task", ID: "01900000-0000-7000-8000-000000000001"}, Created: noon, Due: noon,
	}
}

func TestFaultyStoreWithoutAFaultIsAGoodStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) store.Store {
		f := &storetest.Faulty{Store: memory.New()}
		// Without Compact, for which memory has nothing to do.
		return struct {
			store.Store
			store.Lister
			store.Counter
		}{f, f, f}
	})
}

func TestFaultyFailsTheNthCallOnce(t *testing.T) {
	t.Parallel()
	f := &storetest.Faulty{Store: memory.New(), Call: 2, Err: errDead}
	r := task()
	require.NoError(t, f.Apply(t.Context(), store.Change{Put: r}))
	require.False(t, f.Failed())
	require.ErrorIs(t, f.Apply(t.Context(), store.Change{Put: r}), errDead)
	require.True(t, f.Failed())
	require.EqualValues(t, 1, r.Version)
	got, err := f.Get(t.Context(), r.Key)
	require.NoError(t, err)
	require.EqualValues(t, 1, got.Version)
	require.EqualValues(t, 3, f.Calls())
}

func TestFaultyFailsLateAfterTheEffect(t *testing.T) {
	t.Parallel()
	f := &storetest.Faulty{Store: memory.New(), Call: 1, Late: true, Err: errDead}
	r := task()
	require.ErrorIs(t, f.Apply(t.Context(), store.Change{Put: r}), errDead)
	require.Zero(t, r.Version)
	got, err := f.Get(t.Context(), r.Key)
	require.NoError(t, err)
	require.EqualValues(t, 1, got.Version)
	require.ErrorIs(t, f.Apply(t.Context(), store.Change{Put: r}), store.ErrConflict)

	f = &storetest.Faulty{Store: f.Store, Call: 1, Late: true}
	leased, err := f.Claim(t.Context(), "task", noon, noon.Add(time.Minute), 1)
	require.Error(t, err)
	require.Empty(t, leased)
	leased, err = f.Claim(t.Context(), "task", noon, noon.Add(time.Minute), 1)
	require.NoError(t, err)
	require.Empty(t, leased, "the lost lease was given twice")
}

func TestFaultyLateFindYieldsAllBeforeItsError(t *testing.T) {
	t.Parallel()
	good := memory.New()
	require.NoError(t, good.Apply(t.Context(), store.Change{Put: task()}))
	for _, late := range []bool{false, true} {
		f := &storetest.Faulty{Store: good, Call: 1, Late: late, Err: errDead}
		seen := 0
		var last error
		for _, err := range f.Find(t.Context(), store.Query{Kind: "task"}) {
			if last = err; err == nil {
				seen++
			}
		}
		require.ErrorIs(t, last, errDead)
		require.Equal(t, map[bool]int{false: 0, true: 1}[late], seen)
	}
}

func TestFaultyLastingFailsForEver(t *testing.T) {
	t.Parallel()
	f := &storetest.Faulty{Store: memory.New(), Call: 2, Lasting: true, Writes: true, Err: errDead}
	r := task()
	require.NoError(t, f.Apply(t.Context(), store.Change{Put: r}))
	for range 3 {
		require.ErrorIs(t, f.Apply(t.Context(), store.Change{Put: r}), errDead)
		_, err := f.Claim(t.Context(), "task", noon, noon.Add(1), 1)
		require.ErrorIs(t, err, errDead)
		// Reads do not count.
		_, err = f.Get(t.Context(), r.Key)
		require.NoError(t, err)
		kinds, err := f.Kinds(t.Context())
		require.NoError(t, err)
		require.Equal(t, []store.Kind{"task"}, kinds)
	}
	require.NoError(t, f.Close())
}

// A program that is right whichever call fails, and whenever: the way Faulty is meant to be used.
func TestFaultyFindsEveryPlaceToFail(t *testing.T) {
	t.Parallel()
	for _, late := range []bool{false, true} {
		call := int64(1)
		for ; ; call++ {
			good := memory.New()
			require.NoError(t, good.Apply(t.Context(), store.Change{Put: task()}))
			f := &storetest.Faulty{Store: good, Call: call, Late: late}
			// It claims the task and finishes it; after an error it waits for the lease to run out and starts over.
			for now := noon; ; now = now.Add(time.Minute) {
				leased, err := f.Claim(t.Context(), "task", now, now.Add(time.Minute), 1)
				if err == nil && len(leased) == 0 {
					break
				}
				if err == nil {
					leased[0].Due, leased[0].State = time.Time{}, "done"
					_ = f.Apply(t.Context(), store.Change{Touch: &leased[0]})
				}
			}
			got, err := good.Get(t.Context(), task().Key)
			require.NoError(t, err)
			require.Equal(t, "done", got.State)
			if !f.Failed() {
				break
			}
		}
		require.EqualValues(t, 4, call)
	}
}
