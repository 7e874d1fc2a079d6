package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ebbkit/ebb/store"
)

// A crashWriter writes in steps, one call each, so that its records say how many it has done.
type crashWriter interface {
	// at returns after which step the store is, 0 before the first.
	at(t *testing.T, s store.Store, g int) (int, error)
	// next does one step.
	next(t *testing.T, s store.Store, g, step int) error
	// expect returns the records that are there after a step.
	expect(g, step int) map[store.Key]store.Record
}

// crashWriters write side by side, the g-th under its own parent.
var crashWriters = []crashWriter{applier{}, applier{}, applier{}, applier{}, applier{}, applier{}, claimer{}, claimer{}}

func parentOf(g int) string { return fmt.Sprint("writer ", g) }

// An applier's steps are calls of Apply of up to six changes over two kinds: a counter, a new pair, the touch and the
// check of the pair before, and the end of an old pair.
type applier struct{}

// window is how many pairs are there at a time.
const window = 5

func (applier) record(g, n int, kind store.Kind) *store.Record {
	r := record(kind, id(g<<32|n<<1))
	r.Parent = parentOf(g)
	r.Category = fmt.Sprint("c", n%4)
	r.Subjects = []string{fmt.Sprint("s", n%5)}
	size := 20
	if kind == "b" {
		size = []int{10, 3000, 40_000, 0}[n%4]
	}
	r.Body = bytes.Repeat([]byte{byte(n)}, size)
	return r
}

func (applier) counter(g int) *store.Record {
	r := record("a", id(g<<32|1))
	r.Parent = parentOf(g)
	return r
}

func (a applier) at(t *testing.T, s store.Store, g int) (int, error) {
	r, err := s.Get(t.Context(), a.counter(g).Key)
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	return int(r.Version), err
}

func (a applier) next(t *testing.T, s store.Store, g, n int) error {
	counter := a.counter(g)
	counter.Version = int64(n - 1)
	counter.State = fmt.Sprint(n)
	changes := []store.Change{put(a.record(g, n, "a")), put(counter), put(a.record(g, n, "b"))}
	if n > 1 {
		touched, seen := a.record(g, n-1, "a"), a.record(g, n-1, "b")
		touched.Version, touched.State, touched.Body = 1, "touched", nil
		seen.Version = 1
		changes = append(changes, touch(touched), check(seen))
	}
	if n > window {
		oldA, oldB := a.record(g, n-window, "a"), a.record(g, n-window, "b")
		oldA.Version, oldB.Version = 2, 1
		changes = append(changes, erase(oldA), erase(oldB))
	}
	return s.Apply(t.Context(), changes...)
}

func (a applier) expect(g, step int) map[store.Key]store.Record {
	want := map[store.Key]store.Record{}
	if step == 0 {
		return want
	}
	counter := a.counter(g)
	counter.Version, counter.State = int64(step), fmt.Sprint(step)
	want[counter.Key] = *counter
	for n := max(1, step-window+1); n <= step; n++ {
		first, second := a.record(g, n, "a"), a.record(g, n, "b")
		first.Version, second.Version = 1, 1
		if n < step {
			first.Version, first.State = 2, "touched"
		}
		want[first.Key], want[second.Key] = *first, *second
	}
	return want
}

// A claimer's first step makes three records, and each one after it claims the one whose turn it is.
type claimer struct{}

const leases = 3

func (c claimer) record(g, n int) *store.Record {
	r := record(c.kind(g), id(g<<32|n))
	r.Parent = parentOf(g)
	r.Due = epoch.Add(time.Duration(n))
	return r
}

// kind is the writer's own, so that the claimers do not take each other's turn.
func (claimer) kind(g int) store.Kind { return store.Kind(fmt.Sprintf("lease_%d", g)) }

func (c claimer) at(t *testing.T, s store.Store, g int) (int, error) {
	step := 0
	for n := range leases {
		r, err := s.Get(t.Context(), c.record(g, n).Key)
		if errors.Is(err, store.ErrNotFound) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		step += int(r.Version) - 1
	}
	return step + 1, nil
}

func (c claimer) next(t *testing.T, s store.Store, g, step int) error {
	if step == 1 {
		var changes []store.Change
		for n := range leases {
			changes = append(changes, put(c.record(g, n)))
		}
		return s.Apply(t.Context(), changes...)
	}
	now := epoch.Add(time.Duration(step) * time.Second)
	leased, err := s.Claim(t.Context(), c.kind(g), now, now.Add(1), 1)
	if err == nil && len(leased) != 1 {
		err = fmt.Errorf("claimed %d records at step %d", len(leased), step)
	}
	return err
}

func (c claimer) expect(g, step int) map[store.Key]store.Record {
	want := map[store.Key]store.Record{}
	if step == 0 {
		return want
	}
	for n := range leases {
		r := c.record(g, n)
		r.Version = 1
		for turn := 2 + n; turn <= step; turn += leases {
			r.Version++
			r.Due = epoch.Add(time.Duration(turn)*time.Second + 1)
		}
		want[r.Key] = *r
	}
	return want
}
