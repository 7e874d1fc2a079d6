package connectortest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ebbkit/ebb/connector"
)

// ConformDataStore is the conformance suite of data stores: every clause of [connector.DataStore]. Open returns a new,
// empty store for each part of it.
func ConformDataStore(t *testing.T, open func(t *testing.T) connector.DataStore) {
	t.Helper()
	for name, check := range map[string]func(t *testing.T, s connector.DataStore){
		"entries come back as they went in": entriesComeBack,
		"absent entries":                    absentEntries,
		"change is one step":                changeIsOneStep,
		"no change is lost":                 noChangeIsLost,
		"bundles are copies":                bundlesAreCopies,
		"all entries":                       allEntries,
		"limits":                            limits,
		"ended contexts":                    endedContexts,
	} {
		t.Run(name, func(t *testing.T) { check(t, open(t)) })
	}
}

// ConformStructure is the conformance suite of data stores whose entries have a data structure, beside
// [ConformDataStore]. Open returns a new, empty store whose entries have the structure.
func ConformStructure(t *testing.T, open func(t *testing.T, structure connector.Structure) connector.DataStore) {
	t.Helper()
	structure := connector.Structure{Name: "person", Strict: true, Fields: []connector.Field{
		{Name: "name", Type: connector.TypeText, Required: true},
		{Name: "born", Type: connector.TypeDate},
		{Name: "country", Type: connector.TypeText, Default: "SE"},
		{Name: "phones", Type: connector.TypeArray, Fields: []connector.Field{{Type: connector.TypeCollection, Fields: []connector.Field{
			{Name: "number", Type: connector.TypeText, Required: true},
		}}}},
	}}
	t.Run("entries have the structure", func(t *testing.T) {
		s := open(t, structure)
		put(t, s, "k", connector.NewBundle("born", "2000-01-02", "name", 7, "phones", connector.NewBundle("number", 1)))
		mustHold(t, s, "k", connector.NewBundle("name", "7", "born", time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC), "country", "SE",
			"phones", []any{connector.NewBundle("number", "1")}))
	})
	t.Run("what does not fit is not written", func(t *testing.T) {
		s := open(t, structure)
		good := connector.NewBundle("name", "Ada", "country", "UK")
		put(t, s, "k", good)
		for _, key := range []string{"k", "new"} {
			err := s.Change(t.Context(), key, func(connector.Bundle, bool) (connector.Bundle, error) {
				return connector.NewBundle("born", "needle", "needle2", "needle", "phones", []any{connector.Bundle{}}), nil
			})
			if connector.TypeOf(err) != connector.BundleValidationError {
				t.Fatalf("an entry that does not fit gives %v and no BundleValidationError", err)
			}
			for _, field := range []string{"name", "born", "needle2", "phones[1].number"} {
				if !strings.Contains(err.Error(), "field "+field+":") {
					t.Errorf("the error does not name the field %s: %v", field, err)
				}
			}
			if strings.Count(err.Error(), "needle") > 1 {
				t.Errorf("the error shows a value: %v", err)
			}
		}
		mustHold(t, s, "k", good)
		mustCount(t, s, 1)
	})
}

// put makes an entry hold data.
func put(t *testing.T, s connector.DataStore, key string, data connector.Bundle) {
	t.Helper()
	err := s.Change(t.Context(), key, func(connector.Bundle, bool) (connector.Bundle, error) { return data, nil })
	if err != nil {
		t.Fatalf("Change: %v", err)
	}
}

// mustHold checks what an entry holds.
func mustHold(t *testing.T, s connector.DataStore, key string, want connector.Bundle) {
	t.Helper()
	data, ok, err := s.Get(t.Context(), key)
	if err != nil || !ok || !connector.Equal(want, data) {
		t.Errorf("Get of %.20q: %t, %v, or other data than was put", key, ok, err)
	}
}

func mustCount(t *testing.T, s connector.DataStore, want int64) {
	t.Helper()
	if count, err := s.Count(t.Context()); err != nil || count != want {
		t.Errorf("Count: %d, %v, expected %d", count, err, want)
	}
}

func entriesComeBack(t *testing.T, s connector.DataStore) {
	data := connector.NewBundle(
		"z", int64(1<<60), "a", 1.0, "text", "h\u00e9\x00", "buffer", []byte{0, 255}, "none", nil, "yes", true,
		"when", time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
		"nested", connector.NewBundle("list", []any{int64(1), "x", connector.Bundle{}}))
	for _, key := range []string{"k", "K", "\x00", "h\u00e9/\u65e5\u672c ?#", strings.Repeat("k", 1024)} {
		put(t, s, key, data)
		mustHold(t, s, key, data)
	}
	put(t, s, "k", connector.Bundle{})
	mustHold(t, s, "k", connector.Bundle{})
	mustCount(t, s, 5)
	large := connector.NewBundle("text", strings.Repeat("x", 10<<20))
	put(t, s, "large", large)
	mustHold(t, s, "large", large)
}

func absentEntries(t *testing.T, s connector.DataStore) {
	mustCount(t, s, 0)
	if data, ok, err := s.Get(t.Context(), "absent"); err != nil || ok || data.Len() > 0 {
		t.Errorf("Get of an absent entry: %t, %v", ok, err)
	}
	if ok, err := s.Delete(t.Context(), "absent"); err != nil || ok {
		t.Errorf("Delete of an absent entry: %t, %v", ok, err)
	}
	if count, err := s.DeleteAll(t.Context()); err != nil || count != 0 {
		t.Errorf("DeleteAll of nothing: %d, %v", count, err)
	}
	put(t, s, "k", connector.NewBundle("a", 1))
	if ok, err := s.Delete(t.Context(), "k"); err != nil || !ok {
		t.Errorf("Delete: %t, %v", ok, err)
	}
	if _, ok, err := s.Get(t.Context(), "k"); err != nil || ok {
		t.Errorf("Get of a deleted entry: %t, %v", ok, err)
	}
	mustCount(t, s, 0)
}

func changeIsOneStep(t *testing.T, s connector.DataStore) {
	refused := errors.New("refused")
	for _, exists := range []bool{false, true} {
		err := s.Change(t.Context(), "k", func(data connector.Bundle, ok bool) (connector.Bundle, error) {
			if ok != exists || exists && data.Get("n") != int64(1) {
				t.Errorf("change is told %t and given other data than there is", ok)
			}
			return connector.NewBundle("n", 2), refused
		})
		if !errors.Is(err, refused) {
			t.Errorf("the error of change comes back as %v", err)
		}
		if _, ok, _ := s.Get(t.Context(), "k"); ok != exists {
			t.Error("a change that was refused has been written")
		}
		put(t, s, "k", connector.NewBundle("n", 1))
	}
	mustHold(t, s, "k", connector.NewBundle("n", 1))

	// While change decides, somebody else writes.
	calls := 0
	err := s.Change(t.Context(), "k", func(data connector.Bundle, _ bool) (connector.Bundle, error) {
		if calls++; calls == 1 {
			put(t, s, "k", connector.NewBundle("n", 10))
		}
		n, _ := data.Get("n").(int64)
		return connector.NewBundle("n", n+1), nil
	})
	if err != nil || calls != 2 {
		t.Errorf("a change that met another was called %d times, %v", calls, err)
	}
	mustHold(t, s, "k", connector.NewBundle("n", 11))
}

func noChangeIsLost(t *testing.T, s connector.DataStore) {
	const writers, changes = 8, 20
	var work sync.WaitGroup
	for range writers {
		work.Go(func() {
			for range changes {
				err := s.Change(t.Context(), "counter", func(data connector.Bundle, _ bool) (connector.Bundle, error) {
					n, _ := data.Get("n").(int64)
					return connector.NewBundle("n", n+1), nil
				})
				if err != nil {
					t.Errorf("Change: %v", err)
				}
			}
		})
	}
	work.Wait()
	mustHold(t, s, "counter", connector.NewBundle("n", writers*changes))
}

func bundlesAreCopies(t *testing.T, s connector.DataStore) {
	want := connector.NewBundle("a", 1, "list", []any{int64(1)})
	mine := connector.NewBundle("a", 1, "list", []any{int64(1)})
	put(t, s, "k", mine)
	mine.Set("a", 2)
	mine.Get("list").([]any)[0] = "changed"
	mustHold(t, s, "k", want)
	data, _, _ := s.Get(t.Context(), "k")
	data.Set("b", 3)
	for entry := range s.All(t.Context()) {
		entry.Data.Set("c", 4)
	}
	mustHold(t, s, "k", want)
}

func allEntries(t *testing.T, s connector.DataStore) {
	const count = 50
	for i := range count {
		put(t, s, fmt.Sprintf("key %d", i*7%count), connector.NewBundle("n", i))
	}
	keys := func() string {
		var list []string
		for entry, err := range s.All(t.Context()) {
			if err != nil {
				t.Fatalf("All: %v", err)
			}
			list = append(list, entry.Key)
		}
		return strings.Join(list, ",")
	}
	first := keys()
	if strings.Count(first, ",") != count-1 || first != keys() {
		t.Error("All does not yield every entry once, in an order that stays")
	}
	seen := 0
	for entry, err := range s.All(t.Context()) {
		if err != nil {
			t.Fatalf("All: %v", err)
		}
		if seen++; seen == 3 {
			break
		}
		if _, err := s.Delete(t.Context(), entry.Key); err != nil {
			t.Errorf("Delete inside the loop: %v", err)
		}
		put(t, s, "added "+entry.Key, entry.Data)
		mustCount(t, s, count)
	}
	if n, err := s.DeleteAll(t.Context()); err != nil || n != count {
		t.Errorf("DeleteAll: %d, %v", n, err)
	}
	for range s.All(t.Context()) {
		t.Error("All yields entries of an empty store")
	}
}

func limits(t *testing.T, s connector.DataStore) {
	for _, key := range []string{"", strings.Repeat("k", 1025)} {
		if _, _, err := s.Get(t.Context(), key); connector.TypeOf(err) != connector.DataError {
			t.Errorf("Get of a key of %d bytes gives %v and no DataError", len(key), err)
		}
		if _, err := s.Delete(t.Context(), key); connector.TypeOf(err) != connector.DataError {
			t.Errorf("Delete of a key of %d bytes gives %v and no DataError", len(key), err)
		}
		err := s.Change(t.Context(), key, func(connector.Bundle, bool) (connector.Bundle, error) {
			return connector.Bundle{}, nil
		})
		if connector.TypeOf(err) != connector.DataError {
			t.Errorf("Change of a key of %d bytes gives %v and no DataError", len(key), err)
		}
	}
	err := s.Change(t.Context(), "k", func(connector.Bundle, bool) (connector.Bundle, error) {
		return connector.NewBundle("text", strings.Repeat("x", 16<<20)), nil
	})
	if connector.TypeOf(err) != connector.MaxFileSizeExceededError {
		t.Errorf("Change of 16 MiB gives %v and no MaxFileSizeExceededError", err)
	}
	mustCount(t, s, 0)
}

func endedContexts(t *testing.T, s connector.DataStore) {
	put(t, s, "k", connector.NewBundle("a", 1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, get := s.Get(ctx, "k")
	_, remove := s.Delete(ctx, "k")
	_, removeAll := s.DeleteAll(ctx)
	_, count := s.Count(ctx)
	change := s.Change(ctx, "k", func(connector.Bundle, bool) (connector.Bundle, error) {
		return connector.Bundle{}, nil
	})
	var all error
	for _, err := range s.All(ctx) {
		all = err
	}
	for name, err := range map[string]error{
		"Get": get, "Delete": remove, "DeleteAll": removeAll, "Count": count, "Change": change, "All": all,
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s gives %v when its context has ended", name, err)
		}
	}
	mustHold(t, s, "k", connector.NewBundle("a", 1))
}
