package engine_test

import (
	"context"
	"iter"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
	"github.com/ebbkit/ebb/store/storetest"
)

// cuts calls do with a store that fails at its n-th call, and all later ones, or whose n-th answer is lost, for every n, until
// nothing fails any more. check is called behind each.
func cuts(t *testing.T, do func(t *testing.T, s *safe, e *engine.Engine) error, check func(t *testing.T, s *safe, err error)) {
	t.Helper()
	for name, template := range map[string]*storetest.Faulty{
		"the store is gone": {Lasting: true}, "an answer is lost": {Late: true}, "a call fails": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n, failed := int64(1), true; failed; n++ {
				synctest.Test(t, func(t *testing.T) {
					s := newSafe(t)
					scenario := deployShop(t, s.engine(t))
					order(t, s.engine(t), scenario, http.StatusOK, "bob@example.com")
					tick(t, s.engine(t))
					faulty := &storetest.Faulty{Store: s.records, Call: n, Late: template.Late, Lasting: template.Lasting}
					err := do(t, s, start(t, engine.Config{Store: faulty, Vault: s.vault(t, faulty), Connectors: []connector.Connector{bank{}}}))
					failed = faulty.Failed()
					check(t, s, err)
					opensAll(t, s)
				})
				require.Less(t, n, int64(200))
				if !failed {
					require.Greater(t, n, int64(5), "the calls that can fail")
				}
			}
		})
	}
}

// opensAll requires that whatever is not under the keys of somebody who was erased can be read, and that whoever is named by
// something that can be read is known.
func opensAll(t *testing.T, s *safe) {
	t.Helper()
	e := s.engine(t)
	known := map[string]bool{}
	for _, line := range find(t, s.records, "identifier") {
		known[line.Parent] = true
	}
	for x, err := range e.Executions(t.Context(), "Shop", engine.Query{}) {
		require.NoError(t, err)
		rec, err := s.records.Get(t.Context(), store.Key{Kind: "execution", ID: x.ID})
		require.NoError(t, err)
		if len(rec.Subjects) == 1 {
			require.Equal(t, !known[rec.Subjects[0]], x.Erased)
		}
	}
	nowhere(t, s.records, "ada@example.com", "bob@example.com", "private")
}

func TestCrashWhileSomebodyIsMadeKnownLosesNobody(t *testing.T) {
	t.Parallel()
	cuts(t, func(t *testing.T, _ *safe, e *engine.Engine) error {
		status, _ := postTo(t, e, "Shop", `{"customer":{"email":"ada@example.com"}}`)
		if status != http.StatusOK {
			require.Contains(t, []int{0, http.StatusServiceUnavailable}, status)
		}
		return nil
	}, func(t *testing.T, s *safe, _ error) {
		before := len(find(t, s.records, "delivery"))
		e := s.engine(t)
		scenario, err := e.Scenario(t.Context(), "Shop")
		require.NoError(t, err)
		order(t, e, scenario, http.StatusOK, "ada@example.com")
		tick(t, e)
		require.Len(t, find(t, s.records, "identifier"), 2, "one line for each")
		require.Len(t, recordsOf(t, e, "ada@example.com")["delivery"], before)
		require.Len(t, recordsOf(t, e, "bob@example.com")["delivery"], 1)
	})
}

// postTo posts to the hook of a scenario. 0: the hook cannot be found now.
func postTo(t *testing.T, e *engine.Engine, scenario, body string) (int, string) {
	t.Helper()
	s, err := e.Scenario(t.Context(), scenario)
	if err != nil {
		return 0, ""
	}
	return post(t, e, s.Hook, "application/json", body)
}

// eraseAda has somebody erased, of whom there is an execution.
func eraseAda(t *testing.T, s *safe, e *engine.Engine) error {
	t.Helper()
	scenario, err := s.engine(t).Scenario(t.Context(), "Shop")
	require.NoError(t, err)
	order(t, s.engine(t), scenario, http.StatusOK, "ada@example.com")
	tick(t, s.engine(t))
	_, err = e.ShredSubject(t.Context(), "ada@example.com")
	return err
}

func TestErasureThatIsCutOffIsCompletedByTheNextCall(t *testing.T) {
	t.Parallel()
	cuts(t, eraseAda, func(t *testing.T, s *safe, failed error) {
		e := s.engine(t)
		scenario, err := e.Scenario(t.Context(), "Shop")
		require.NoError(t, err)
		marked := len(find(t, s.records, "erased")) == 1
		if failed == nil {
			require.True(t, marked)
		}
		want := http.StatusOK
		if marked { // from the first write on nothing is taken
			want = http.StatusUnprocessableEntity
		}
		order(t, e, scenario, want, "ada@example.com")
		order(t, e, scenario, want, "bob@example.com", "ada@example.com")
		receipt, err := e.ShredSubject(t.Context(), "ada@example.com")
		require.NoError(t, err)
		again, err := s.engine(t).ShredSubject(t.Context(), "ada@example.com")
		require.NoError(t, err)
		require.Equal(t, receipt, again)
		order(t, e, scenario, http.StatusUnprocessableEntity, "ada@example.com")
		require.Len(t, find(t, s.records, "identifier"), 1, "nothing leads to her")
		require.Len(t, find(t, s.records, "erased"), 1)
		tick(t, e)
		require.Equal(t, 1, erasedAmong(t, e, len(executions(t, e, scenario.ID))))
	})
}

// erasedAmong counts the executions of the shop that are about somebody who was erased.
func erasedAmong(t *testing.T, e *engine.Engine, all int) (erased int) {
	t.Helper()
	list := executions(t, e, "Shop")
	require.Len(t, list, all)
	for _, x := range list {
		if x.Erased {
			erased++
		}
	}
	return erased
}

func TestReturnThatIsCutOffIsCompletedByTheNextCall(t *testing.T) {
	t.Parallel()
	cuts(t, func(t *testing.T, s *safe, e *engine.Engine) error {
		scenario, err := s.engine(t).Scenario(t.Context(), "Shop")
		require.NoError(t, err)
		order(t, s.engine(t), scenario, http.StatusOK, "ada@example.com")
		tick(t, s.engine(t))
		// Only the first write of her erasure has happened: what lets her return does the rest first.
		dying := &storetest.Faulty{Store: s.records, Call: 2, Writes: true, Lasting: true}
		_, err = start(t, engine.Config{Store: dying, Vault: s.vault(t, dying)}).ShredSubject(t.Context(), "ada@example.com")
		require.Error(t, err)
		return e.AllowSubject(t.Context(), "ada@example.com", "she asked")
	}, func(t *testing.T, s *safe, failed error) {
		e := s.engine(t)
		require.NoError(t, e.AllowSubject(t.Context(), "ada@example.com", "she asked"))
		require.Len(t, find(t, s.records, "identifier"), 1)
		scenario, err := e.Scenario(t.Context(), "Shop")
		require.NoError(t, err)
		order(t, e, scenario, http.StatusOK, "ada@example.com")
		tick(t, e)
		require.Equal(t, 1, erasedAmong(t, e, 3))
	})
}

// watched is a store that tells before and after some of its calls.
type watched struct {
	*memory.Store
	apply    func(changes []store.Change)
	searched func(q store.Query)
}

func (s *watched) Apply(ctx context.Context, changes ...store.Change) error {
	if s.apply != nil {
		s.apply(changes)
	}
	return s.Store.Apply(ctx, changes...)
}

func (s *watched) Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		for rec, err := range s.Store.Find(ctx, q) {
			if !yield(rec, err) {
				return
			}
		}
		if s.searched != nil {
			s.searched(q)
		}
	}
}

const day = 24 * time.Hour

// later is an engine over the store of a safe whose clock is ahead.
func later(t testing.TB, s *safe, records store.Store, ahead time.Duration) *engine.Engine {
	t.Helper()
	return start(t, engine.Config{
		Store: records, Vault: s.vault(t, s.records), Connectors: []connector.Connector{bank{}},
		Now: func() time.Time { return time.Now().Add(ahead) },
	})
}

func TestNobodyIsRememberedForLongerThanTheirRecords(t *testing.T) {
	t.Parallel()
	s := newSafe(t)
	e := s.engine(t)
	scenario := deployShop(t, e)
	order(t, e, scenario, http.StatusOK, "ada@example.com")
	order(t, e, scenario, http.StatusOK, "bob@example.com", "cy@example.com")
	tick(t, e)
	people := func() int { return len(find(t, s.records, "identifier")) }
	keys := len(find(t, s.records, "key"))
	for _, ahead := range []time.Duration{29 * day, 31 * day, 100 * day, 200 * day} {
		e := later(t, s, s.records, ahead)
		_, err := e.Sweep(t.Context())
		require.NoError(t, err)
		tick(t, e)
		require.Equal(t, 3, people(), "records name them, also when they have left active use: %v", ahead)
		if ahead > 60*day {
			require.Len(t, recordsOf(t, e, "ada@example.com")["execution"], 1)
			require.False(t, recordsOf(t, e, "ada@example.com")["execution"][0].Passive.IsZero())
		}
	}
	e = later(t, s, s.records, 230*day)
	order(t, e, scenario, http.StatusOK, "cy@example.com")
	e = later(t, s, s.records, 260*day)
	_, err := e.Sweep(t.Context())
	require.NoError(t, err)
	tick(t, e)
	require.Equal(t, 1, people(), "only he was named lately")
	require.Len(t, find(t, s.records, "key"), keys-2, "nothing is left of the others' keys")
	nowhere(t, s.records, "ada@example.com", "bob@example.com", "private")
	order(t, e, scenario, http.StatusOK, "ada@example.com")
	require.Equal(t, 2, people())
	require.Len(t, recordsOf(t, e, "ada@example.com")["delivery"], 1)
}

// Somebody is named again in the moment in which nothing has named them for long: they are kept, or are somebody new, and what
// names them is never without them.
func TestPersonWhoIsNamedWhileForgottenIsKeptOrNew(t *testing.T) {
	t.Parallel()
	checked := func(t *testing.T, s *safe, e *engine.Engine) {
		t.Helper()
		lines, deliveries := find(t, s.records, "identifier"), find(t, s.records, "delivery")
		require.Len(t, lines, 1)
		require.Len(t, deliveries, 1)
		require.Equal(t, []string{lines[0].Parent}, deliveries[0].Subjects)
		tick(t, e)
		list := executions(t, e, "Shop")
		require.Len(t, list, 1)
		require.Len(t, list[0].Trace, 2)
		require.False(t, list[0].Erased)
	}
	forgotten := func(t *testing.T) (*safe, *engine.Scenario) { // one line that no record needs
		t.Helper()
		s := newSafe(t)
		e := s.engine(t)
		scenario := deployShop(t, e)
		order(t, e, scenario, http.StatusOK, "ada@example.com")
		rec := find(t, s.records, "delivery")[0]
		require.NoError(t, s.records.Apply(t.Context(), store.Change{Delete: &rec}))
		return s, scenario
	}
	t.Run("between the search and the removal", func(t *testing.T) {
		t.Parallel()
		s, scenario := forgotten(t)
		e := later(t, s, s.records, 31*day)
		var once sync.Once
		pruning := later(t, s, &watched{Store: s.records.(*memory.Store), searched: func(q store.Query) {
			if q.Subject != "" && q.Kind == "scenario" { // the last kind that is searched
				once.Do(func() { order(t, e, scenario, http.StatusOK, "ada@example.com") })
			}
		}}, 31*day)
		before := find(t, s.records, "identifier")[0].Parent
		tick(t, pruning)
		require.Equal(t, before, find(t, s.records, "identifier")[0].Parent, "kept")
		checked(t, s, e)
	})
	t.Run("between the look at the line and the write", func(t *testing.T) {
		t.Parallel()
		s, scenario := forgotten(t)
		var once sync.Once
		e := later(t, s, &watched{Store: s.records.(*memory.Store), apply: func(changes []store.Change) {
			for _, c := range changes {
				if c.Put != nil && c.Put.Kind == "delivery" {
					once.Do(func() { tick(t, later(t, s, s.records, 62*day)) })
				}
			}
		}}, 31*day)
		before := find(t, s.records, "identifier")[0].Parent
		order(t, e, scenario, http.StatusOK, "ada@example.com")
		require.NotEqual(t, before, find(t, s.records, "identifier")[0].Parent, "somebody new")
		checked(t, s, e)
	})
}

// counting is a store that counts the looks at what leads to people.
type counting struct {
	*memory.Store
	looks atomic.Int64
}

func (s *counting) Get(ctx context.Context, key store.Key) (store.Record, error) {
	if key.Kind == "identifier" || key.Kind == "erased" {
		s.looks.Add(1)
	}
	return s.Store.Get(ctx, key)
}

func (s *counting) Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	if q.Kind == "identifier" || q.Kind == "erased" {
		s.looks.Add(1)
	}
	return s.Store.Find(ctx, q)
}

func TestKnownPersonCostsNoLookAtTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &counting{Store: memory.New()}
		e := start(t, engine.Config{Store: s, Vault: crypto.NewKeyring(), Connectors: []connector.Connector{bank{}}})
		scenario := deployShop(t, e)
		order(t, e, scenario, http.StatusOK)
		tick(t, e)
		require.Zero(t, s.looks.Load(), "who names nobody pays nothing")
		order(t, e, scenario, http.StatusOK, "ada@example.com")
		first := s.looks.Load()
		require.Positive(t, first)
		for range 5 {
			order(t, e, scenario, http.StatusOK, "ada@example.com")
		}
		require.Equal(t, first, s.looks.Load())
		time.Sleep(2 * time.Second)
		order(t, e, scenario, http.StatusOK, "ada@example.com")
		require.Equal(t, first+1, s.looks.Load(), "from time to time somebody looks")
	})
}

// The keys of a person were lost, as with a backup of long ago: once erased and allowed, the person is somebody new.
func TestPersonWhoseKeysAreLostCanBeMadeNew(t *testing.T) {
	t.Parallel()
	s := newSafe(t)
	e := s.engine(t)
	scenario := deployShop(t, e)
	order(t, e, scenario, http.StatusOK, "ada@example.com")
	tick(t, e)
	line := find(t, s.records, "identifier")[0]
	elsewhere := (&safe{records: memory.New(), keeper: s.keeper}).vault(t, memory.New())
	receipt, err := elsewhere.Shred(t.Context(), crypto.Scope{Tenant: line.Tenant, Subject: line.Parent})
	require.NoError(t, err)
	for _, key := range find(t, s.records, "key") {
		if key.ID == receipt.Ring {
			require.NoError(t, s.records.Apply(t.Context(), store.Change{Delete: &key}))
		}
	}

	e = s.engine(t)
	order(t, e, scenario, http.StatusServiceUnavailable, "ada@example.com")
	_, err = e.ShredSubject(t.Context(), "ada@example.com")
	require.NoError(t, err)
	require.Empty(t, find(t, s.records, "identifier"))
	order(t, e, scenario, http.StatusUnprocessableEntity, "ada@example.com")
	require.NoError(t, e.AllowSubject(t.Context(), "ada@example.com", "the keys were lost"))
	e = s.engine(t)
	order(t, e, scenario, http.StatusOK, "ada@example.com")
	require.Len(t, find(t, s.records, "identifier"), 1)
}
