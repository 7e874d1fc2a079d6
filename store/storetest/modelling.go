package storetest

import (
	"bytes"
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/store"
)

// modelling holds the test that compares a store with a model: a map, walked from end to end for every question.
var modelling = map[string]func(*testing.T, store.Store){
	"NewRandomCallsAgreeWithTheModel": func(t *testing.T, s store.Store) { agreesWithModel(t, s, rand.Uint64()) },
	"RandomCallsAgreeWithTheModel":    func(t *testing.T, s store.Store) { agreesWithModel(t, s, 20260228) },
}

// A model is what the contract says, without any thought of speed.
type model map[store.Key]store.Record

func (m model) fits(r *store.Record) bool {
	stored, ok := m[r.Key]
	if !ok {
		return r.Version == 0
	}
	return stored.Version == r.Version && stored.Tenant == r.Tenant
}

// apply returns whether the changes go through, and does them if so.
func (m model) apply(changes []store.Change) bool {
	for _, c := range changes {
		for _, r := range []*store.Record{c.Put, c.Touch, c.Delete, c.Check} {
			if r != nil && !m.fits(r) {
				return false
			}
		}
	}
	for _, c := range changes {
		switch {
		case c.Put != nil:
			r := normal(*c.Put)
			r.Version++
			r.Body = bytes.Clone(r.Body)
			m[r.Key] = r
		case c.Touch != nil:
			r := normal(*c.Touch)
			r.Version++
			r.Body = m[r.Key].Body
			m[r.Key] = r
		case c.Delete != nil:
			delete(m, c.Delete.Key)
		}
	}
	return true
}

func (m model) find(q store.Query) []store.Record {
	found := []store.Record{}
	for _, r := range m {
		switch {
		case r.Kind != q.Kind,
			!q.AllTenants && r.Tenant != q.Tenant,
			q.Parent != "" && r.Parent != q.Parent,
			q.Category != "" && r.Category != q.Category,
			q.State != "" && r.State != q.State,
			q.Subject != "" && !slices.Contains(r.Subjects, q.Subject),
			!q.CreatedBefore.IsZero() && !r.Created.Before(q.CreatedBefore),
			!q.PassiveBefore.IsZero() && (r.Passive.IsZero() || !r.Passive.Before(q.PassiveBefore)),
			q.Visibility == store.Active && !r.Passive.IsZero(),
			q.Visibility == store.Passive && r.Passive.IsZero(),
			q.After != "" && !q.Reverse && r.ID <= q.After,
			q.After != "" && q.Reverse && r.ID >= q.After:
			continue
		}
		if q.KeysOnly {
			r.Body = nil
		}
		found = append(found, r)
	}
	slices.SortFunc(found, func(a, b store.Record) int {
		if q.Reverse {
			a, b = b, a
		}
		return cmp.Compare(a.ID, b.ID)
	})
	if q.Limit > 0 && len(found) > q.Limit {
		found = found[:q.Limit]
	}
	return found
}

// due returns what may be claimed, earliest first.
func (m model) due(kind store.Kind, now time.Time) []store.Record {
	var due []store.Record
	for _, r := range m {
		if r.Kind == kind && r.Passive.IsZero() && !r.Due.IsZero() && !r.Due.After(now) {
			due = append(due, r)
		}
	}
	slices.SortFunc(due, func(a, b store.Record) int { return a.Due.Compare(b.Due) })
	return due
}

// A dice makes random records, changes and queries from few values each, so that they meet.
type dice struct{ *rand.Rand }

func (d dice) text(of ...string) string { return of[d.IntN(len(of))] }

func (d dice) key() store.Key {
	return store.Key{Kind: store.Kind(d.text("a", "b")), ID: scattered(d.IntN(40))}
}

func (d dice) at() time.Time {
	if d.IntN(3) == 0 {
		return time.Time{}
	}
	return epoch.Add(time.Duration(d.IntN(60)-30) * time.Second)
}

func (d dice) fill(r *store.Record) {
	r.Parent = d.text("", "p", "q", "01900000-0000-7000-8000-000000000001")
	r.Category = d.text("", "c", "d\x00")
	r.State = d.text("", "s", "é")
	r.Subjects = nil
	for _, s := range []string{"x", "y", "z"} {
		if d.IntN(4) == 0 {
			r.Subjects = append(r.Subjects, s)
		}
	}
	d.Shuffle(len(r.Subjects), func(i, j int) { r.Subjects[i], r.Subjects[j] = r.Subjects[j], r.Subjects[i] })
	r.Created = epoch.Add(time.Duration(d.IntN(60)) * time.Second)
	r.Due = d.at()
	if r.Passive = d.at(); d.IntN(3) > 0 {
		r.Passive = time.Time{}
	}
	r.Body = bytes.Repeat([]byte{byte(d.Uint32())}, []int{0, 1, 300, 3000, 10_000}[d.IntN(5)])
}

func (d dice) change(m model) store.Change {
	r := store.Record{Key: d.key()}
	stored, ok := m[r.Key]
	if ok {
		r = stored
		r.Body = bytes.Clone(r.Body)
		r.Subjects = slices.Clone(r.Subjects)
	} else {
		r.Tenant = d.text("", "t", "u")
	}
	kind := d.IntN(7)
	if !ok || kind > 2 || d.IntN(2) == 0 {
		d.fill(&r)
	}
	// Now and then the writer is mistaken.
	switch d.IntN(25) {
	case 0:
		r.Version = max(0, r.Version-1)
	case 1:
		r.Version++
	case 2:
		r.Tenant += "x"
	}
	switch {
	case kind == 0 && r.Version > 0:
		return erase(&r)
	case kind == 1:
		return check(&r)
	case kind <= 3 && r.Version > 0:
		return touch(&r)
	}
	return put(&r)
}

func (d dice) query() store.Query {
	q := store.Query{
		Kind:       store.Kind(d.text("a", "b")),
		Tenant:     d.text("", "t", "u"),
		Parent:     d.text("", "", "", "p", "q", "01900000-0000-7000-8000-000000000001"),
		Category:   d.text("", "", "c", "d\x00"),
		State:      d.text("", "", "", "s", "é"),
		Subject:    d.text("", "", "", "x", "y"),
		Visibility: store.Visibility(d.IntN(3)),
		Reverse:    d.IntN(2) == 0,
		KeysOnly:   d.IntN(3) == 0,
	}
	if d.IntN(2) == 0 {
		q.Tenant, q.AllTenants = "", true
	}
	if d.IntN(2) == 0 {
		q.CreatedBefore = epoch.Add(time.Duration(d.IntN(60)) * time.Second)
	}
	if q.Visibility != store.Active && d.IntN(2) == 0 {
		q.PassiveBefore = d.at()
	}
	if d.IntN(4) == 0 {
		q.After = d.key().ID
	}
	if d.IntN(3) == 0 {
		q.Limit = 1 + d.IntN(12)
	}
	return q
}

func agreesWithModel(t *testing.T, s store.Store, seed uint64) {
	t.Logf("seed %d", seed)
	d := dice{rand.New(rand.NewPCG(seed, 7))}
	m := model{}
	for step := range 1500 {
		switch d.IntN(10) {
		default:
			var changes []store.Change
			keys := map[store.Key]bool{}
			for range 1 + d.IntN(4) {
				c := d.change(m)
				for _, r := range []*store.Record{c.Put, c.Touch, c.Delete, c.Check} {
					if r != nil && !keys[r.Key] {
						keys[r.Key] = true
						changes = append(changes, c)
					}
				}
			}
			goesThrough := m.apply(changes)
			err := s.Apply(t.Context(), changes...)
			if goesThrough {
				require.NoError(t, err, "step %d", step)
			} else {
				require.ErrorIs(t, err, store.ErrConflict, "step %d", step)
			}
			for _, c := range changes {
				for _, r := range []*store.Record{c.Put, c.Touch} {
					if r != nil && goesThrough {
						require.Equal(t, m[r.Key].Version, r.Version, "step %d", step)
					}
				}
			}
		case 0:
			key := d.key()
			got, err := s.Get(t.Context(), key)
			if want, ok := m[key]; ok {
				require.NoError(t, err, "step %d", step)
				same(t, want, got)
			} else {
				require.ErrorIs(t, err, store.ErrNotFound, "step %d", step)
			}
		case 1, 2:
			q := d.query()
			want, got := m.find(q), find(t, s, q)
			require.Equal(t, idsOf(want), idsOf(got), "step %d: %+v", step, q)
			for i := range want {
				same(t, want[i], got[i])
			}
		case 3:
			claimLikeModel(t, s, m, d)
		case 4:
			if c, ok := s.(store.Compacter); ok && d.IntN(10) == 0 {
				_, err := c.Compact(t.Context())
				require.NoError(t, err)
			}
		}
	}
	for _, kind := range []store.Kind{"a", "b"} {
		q := store.Query{Kind: kind, AllTenants: true, Visibility: store.Everything}
		want, got := m.find(q), find(t, s, q)
		require.Equal(t, idsOf(want), idsOf(got))
		for i := range want {
			same(t, want[i], got[i])
		}
	}
}

// claimLikeModel claims, demands that the lease is one the contract allows (records of the same Due may come in any
// order), and does the same to the model.
func claimLikeModel(t *testing.T, s store.Store, m model, d dice) {
	kind := store.Kind(d.text("a", "b"))
	now := epoch.Add(time.Duration(d.IntN(60)-30) * time.Second)
	until := now.Add(time.Duration(1+d.IntN(30)) * time.Second)
	limit := 1 + d.IntN(5)
	due := m.due(kind, now)
	leased, err := s.Claim(t.Context(), kind, now, until, limit)
	require.NoError(t, err)
	require.Len(t, leased, min(limit, len(due)))
	for i, got := range leased {
		want := m[got.Key]
		require.True(t, want.Due.Equal(due[i].Due), "not the earliest first")
		want.Due, want.Version = until, want.Version+1
		same(t, want, got)
		m[got.Key] = normal(want)
	}
}
