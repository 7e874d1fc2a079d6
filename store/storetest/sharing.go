package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/store"
)

// sharing holds the tests of many goroutines on one store.
var sharing = map[string]func(*testing.T, store.Store){
	"CountersLoseNoUpdate":           countersLoseNothing,
	"ConflictingCallsFailOneByOne":   conflictsFailOneByOne,
	"OneOfManyCreatesWins":           oneCreateWins,
	"TransfersKeepTheSum":            transfersKeepSum,
	"ReadersSeeWholeRecords":         readersSeeWhole,
	"ReadYourWrites":                 readYourWrites,
	"CompactGoesOnBesideAllElse":     compactBeside,
	"NewKindsFromManyGoroutines":     newKindsTogether,
	"DependentCallsSeeTheirForbears": dependentCalls,
}

func isConflict(err error) bool { return errors.Is(err, store.ErrConflict) }

// together runs f in n goroutines at once and waits for all of them.
func together(t *testing.T, n int, f func(g int) error) {
	t.Helper()
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for g := range n {
		wg.Go(func() {
			<-start
			errs[g] = f(g)
		})
	}
	close(start)
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
}

// change reads a record, lets f change it, and writes it, anew until nobody else did meanwhile.
func change(t *testing.T, s store.Store, key store.Key, f func(*store.Record)) error {
	for {
		r, err := s.Get(t.Context(), key)
		if err != nil {
			return err
		}
		f(&r)
		if err := s.Apply(t.Context(), put(&r)); !isConflict(err) {
			return err
		}
	}
}

func countersLoseNothing(t *testing.T, s store.Store) {
	const goroutines, rounds, counters = 12, 25, 3
	for n := range counters {
		r := record("a", id(n))
		r.Body = []byte{0, 0}
		create(t, s, r)
	}
	together(t, goroutines, func(g int) error {
		for n := range rounds {
			key := store.Key{Kind: "a", ID: id((g + n) % counters)}
			if err := change(t, s, key, func(r *store.Record) {
				sum := int(r.Body[0])<<8 + int(r.Body[1]) + 1
				r.Body = []byte{byte(sum >> 8), byte(sum)}
			}); err != nil {
				return err
			}
		}
		return nil
	})
	total, versions := 0, int64(0)
	for _, r := range find(t, s, store.Query{Kind: "a", Tenant: "acme"}) {
		total += int(r.Body[0])<<8 + int(r.Body[1])
		versions += r.Version
	}
	require.Equal(t, goroutines*rounds, total)
	require.EqualValues(t, goroutines*rounds+counters, versions)
}

// conflictsFailOneByOne lets many calls with a record of their own fight for one that they share, at the beginning and at
// the end of the call. One wins each round, and of all others nothing is left, whatever commit they shared.
func conflictsFailOneByOne(t *testing.T, s store.Store) {
	const goroutines, rounds = 48, 12
	shared := record("shared", id(0))
	create(t, s, shared)
	for round := range rounds {
		winners := make([]bool, goroutines)
		innocent := make([]bool, goroutines)
		together(t, goroutines, func(g int) error {
			own, bystander := record("own", id(round*1000+g)), record("own", id(round*1000+500+g))
			mine := *shared
			mine.State = fmt.Sprint(g)
			changes := []store.Change{put(own), put(&mine)}
			if g%2 == 0 {
				changes[0], changes[1] = changes[1], changes[0]
			}
			err := s.Apply(t.Context(), changes...)
			winners[g] = err == nil
			if err != nil && !isConflict(err) {
				return err
			}
			if err := s.Apply(t.Context(), put(bystander)); err != nil {
				return err
			}
			innocent[g] = true
			return nil
		})
		won := -1
		for g := range goroutines {
			_, err := s.Get(t.Context(), store.Key{Kind: "own", ID: id(round*1000 + g)})
			if winners[g] {
				require.Equal(t, -1, won, "two calls won")
				won = g
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, store.ErrNotFound, "a call that failed left something")
			}
			require.True(t, innocent[g])
			_, err = s.Get(t.Context(), store.Key{Kind: "own", ID: id(round*1000 + 500 + g)})
			require.NoError(t, err)
		}
		require.NotEqual(t, -1, won, "no call won")
		shared.Version++
		shared.State = fmt.Sprint(won)
		holds(t, s, shared)
	}
}

func oneCreateWins(t *testing.T, s store.Store) {
	for round := range 20 {
		wins := make([]bool, 16)
		together(t, len(wins), func(g int) error {
			r := record("a", id(round))
			r.State = fmt.Sprint(g)
			err := s.Apply(t.Context(), put(r))
			if wins[g] = err == nil; wins[g] || isConflict(err) {
				return nil
			}
			return err
		})
		got, err := s.Get(t.Context(), store.Key{Kind: "a", ID: id(round)})
		require.NoError(t, err)
		require.EqualValues(t, 1, got.Version)
		for g, won := range wins {
			require.Equal(t, fmt.Sprint(g) == got.State, won)
		}
	}
}

// transfersKeepSum moves units between records, two at a time.
func transfersKeepSum(t *testing.T, s store.Store) {
	const accounts, each = 6, 100
	for n := range accounts {
		r := record("a", id(n))
		r.Body = []byte{each}
		create(t, s, r)
	}
	together(t, 8, func(g int) error {
		for n := range 30 {
			from, to := (g+n)%accounts, (g*3+n*5+1)%accounts
			if from == to {
				continue
			}
			for {
				a, err := s.Get(t.Context(), store.Key{Kind: "a", ID: id(from)})
				if err != nil {
					return err
				}
				b, err := s.Get(t.Context(), store.Key{Kind: "a", ID: id(to)})
				if err != nil {
					return err
				}
				a.Body[0]--
				b.Body[0]++
				err = s.Apply(t.Context(), put(&a), put(&b))
				if err == nil {
					break
				}
				if !isConflict(err) {
					return err
				}
			}
		}
		return nil
	})
	sum := 0
	for _, r := range find(t, s, store.Query{Kind: "a", Tenant: "acme"}) {
		sum += int(int8(r.Body[0]))
	}
	require.Equal(t, accounts*each, sum)
}

// readersSeeWhole writes records whose fields all say the same, while others read them every way.
func readersSeeWhole(t *testing.T, s store.Store) {
	const records = 8
	fill := func(r *store.Record, n int) {
		text := fmt.Sprint(n)
		r.Parent, r.Category, r.State, r.Subjects = text, text, text, []string{"all", text}
		r.Created, r.Due = epoch.Add(1), epoch.Add(1)
		r.Body = []byte(fmt.Sprintf("%0*d", 1+n*997%5000, n))
	}
	whole := func(r store.Record) error {
		if r.Category != r.Parent || r.State != r.Parent || len(r.Subjects) != 2 || r.Subjects[1] != r.Parent {
			return fmt.Errorf("%s is mixed", r.ID)
		}
		n := 0
		fmt.Sscan(r.Parent, &n)
		if r.Body != nil && string(r.Body) != fmt.Sprintf("%0*d", 1+n*997%5000, n) {
			return fmt.Errorf("%s has another body than fields", r.ID)
		}
		return nil
	}
	for n := range records {
		r := record("a", id(n))
		fill(r, n)
		create(t, s, r)
	}
	together(t, 9, func(g int) error {
		for n := range 40 {
			key := store.Key{Kind: "a", ID: id((g + n) % records)}
			switch g % 3 {
			case 0:
				if err := change(t, s, key, func(r *store.Record) { fill(r, g*100+n) }); err != nil {
					return err
				}
			case 1:
				r, err := s.Get(t.Context(), key)
				if err != nil {
					return err
				}
				if err := whole(r); err != nil {
					return err
				}
			default:
				q := store.Query{Kind: "a", Tenant: "acme", Subject: []string{"", "all"}[n%2], KeysOnly: n%5 == 0}
				found := 0
				for r, err := range s.Find(t.Context(), q) {
					if err != nil {
						return err
					}
					if err := whole(r); err != nil {
						return err
					}
					found++
				}
				if found != records {
					return fmt.Errorf("found %d of %d records", found, records)
				}
			}
		}
		return nil
	})
}

func readYourWrites(t *testing.T, s store.Store) {
	together(t, 10, func(g int) error {
		tenant := fmt.Sprint(g)
		for n := range 40 {
			r := record(store.Kind("k"+fmt.Sprint(g%3)), id(g*1000+n))
			r.Tenant, r.Category, r.Due = tenant, tenant+"/"+fmt.Sprint(n%7), epoch
			if err := s.Apply(t.Context(), put(r)); err != nil {
				return err
			}
			got, err := s.Get(t.Context(), r.Key)
			if err != nil {
				return err
			}
			if got.Category != r.Category || got.Version != 1 {
				return fmt.Errorf("%s is not what was just written", r.ID)
			}
			found := 0
			for f, err := range s.Find(t.Context(), store.Query{Kind: r.Kind, Tenant: tenant, Category: r.Category}) {
				if err != nil {
					return err
				}
				if f.ID == r.ID {
					found++
				}
			}
			if found != 1 {
				return fmt.Errorf("%s was just written and found %d times", r.ID, found)
			}
		}
		return nil
	})
}

func compactBeside(t *testing.T, s store.Store) {
	compacter, ok := s.(store.Compacter)
	if !ok {
		return // it is optional
	}
	together(t, 8, func(g int) error {
		for n := range 25 {
			if g == 0 {
				if _, err := compacter.Compact(t.Context()); err != nil {
					return err
				}
				continue
			}
			r := record("a", id(g*100+n))
			r.Body = make([]byte, 10_000)
			if err := s.Apply(t.Context(), put(r)); err != nil {
				return err
			}
			for _, err := range s.Find(t.Context(), store.Query{Kind: "a", Tenant: "acme", KeysOnly: true}) {
				if err != nil {
					return err
				}
			}
			if n%2 == 0 {
				if err := s.Apply(t.Context(), erase(r)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	require.Len(t, find(t, s, store.Query{Kind: "a", Tenant: "acme"}), 7*12)
}

func newKindsTogether(t *testing.T, s store.Store) {
	together(t, 8, func(g int) error {
		for n := range 10 {
			r := record(store.Kind(fmt.Sprintf("kind_%d", n)), id(g))
			r.Subjects, r.Category = []string{"t"}, fmt.Sprintf("c%d", (g+n)%10)
			if err := s.Apply(t.Context(), put(r)); err != nil {
				return err
			}
		}
		return nil
	})
	for n := range 10 {
		require.Len(t, find(t, s, store.Query{Kind: store.Kind(fmt.Sprintf("kind_%d", n)), Tenant: "acme", Subject: "t"}), 8)
	}
}

// dependentCalls lets chains of calls, each of which needs the one before it, run side by side.
func dependentCalls(t *testing.T, s store.Store) {
	together(t, 32, func(g int) error {
		r := record("a", id(g))
		for n := range 10 {
			r.State = fmt.Sprint(n)
			if err := s.Apply(t.Context(), put(r)); err != nil {
				return err
			}
			if r.Version != int64(n+1) {
				return fmt.Errorf("version %d after %d writes", r.Version, n+1)
			}
		}
		return s.Apply(t.Context(), erase(r))
	})
	require.Empty(t, find(t, s, store.Query{Kind: "a", Tenant: "acme"}))
}
