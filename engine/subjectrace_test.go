package engine_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

// Somebody is named for the first time by two, and erased by one of them, before the other has written anything: the other does not
// make the person known again.
func TestPersonWhoIsErasedWhileMadeKnownStaysErased(t *testing.T) {
	t.Parallel()
	s := newSafe(t)
	other := s.engine(t)
	scenario := deployShop(t, other)
	var once sync.Once
	e := start(t, engine.Config{Vault: s.vault(t, s.records), Connectors: []connector.Connector{bank{}}, Store: &watched{
		Store: s.records.(*memory.Store), apply: func(changes []store.Change) {
			for _, c := range changes {
				if c.Put != nil && c.Put.Kind == "identifier" {
					once.Do(func() {
						order(t, other, scenario, http.StatusOK, "ada@example.com")
						_, err := other.ShredSubject(t.Context(), "ada@example.com")
						require.NoError(t, err)
					})
				}
			}
		},
	}})
	order(t, e, scenario, http.StatusUnprocessableEntity, "ada@example.com")
	require.Empty(t, find(t, s.records, "identifier"))
	require.Len(t, find(t, s.records, "delivery"), 1)
}

// Many write about a person while many erase the person: when the first call has returned, nothing more is written, by nobody, in
// no process; all calls have the same receipt; and what is about others is whole.
func TestNothingIsWrittenAboutAPersonWhoWasErased(t *testing.T) {
	t.Parallel()
	records := memory.New()
	vault, err := crypto.NewHierarchy(t.Context(), crypto.HierarchyConfig{Keeper: crypto.NewKeyring(), Keys: engine.KeyStore(records)})
	require.NoError(t, err)
	engines := make([]*engine.Engine, 3)
	for i := range engines {
		engines[i] = start(t, engine.Config{Store: records, Vault: vault, Connectors: []connector.Connector{bank{}}, MaxHookRequests: 1 << 20})
	}
	scenario := deployShop(t, engines[0])
	entries := make([]connector.DataStore, len(engines))
	for i, e := range engines {
		entries[i] = members(t, e)
	}
	order(t, engines[0], scenario, http.StatusOK, "ada@example.com")
	subject := find(t, records, "delivery")[0].Subjects[0]
	naming := func() (count int) {
		for _, rec := range wholeStore(t, records) {
			for _, named := range rec.Subjects {
				if named == subject {
					count++
				}
			}
		}
		return count
	}
	var writers, erasers sync.WaitGroup
	stop := make(chan struct{})
	for i, e := range engines {
		for w := range 2 {
			writers.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					default:
					}
					status, body := post(t, e, scenario.Hook, "application/json",
						[]string{`{"customer":{"email":"ada@example.com"}}`, `{"customer":{"email":"bob@example.com"},"friends":[{"email":"Ada@example.com"}]}`}[w])
					if status != http.StatusOK && status != http.StatusUnprocessableEntity {
						t.Errorf("%d %s", status, body)
						return
					}
					err := write(t, entries[i], fmt.Sprint("entry-", w, "-", n%5), connector.NewBundle("friends", []any{"ada@example.com"}))
					if err != nil && connector.TypeOf(err) != connector.DataError {
						t.Errorf("%v", err)
						return
					}
				}
			})
		}
	}
	receipts := make([]crypto.Receipt, 6)
	for i := range receipts {
		erasers.Go(func() {
			var err error
			if receipts[i], err = engines[i%3].ShredSubject(t.Context(), "ada@example.com"); err != nil {
				t.Errorf("%v", err)
			}
		})
	}
	erasers.Wait()
	left := naming()
	for range 50 {
		order(t, engines[1], scenario, http.StatusUnprocessableEntity, "bob@example.com", "ada@example.com")
	}
	close(stop)
	writers.Wait()
	require.Equal(t, left, naming())
	for _, receipt := range receipts {
		require.Equal(t, receipts[0].Ring, receipt.Ring)
		require.Equal(t, receipts[0].Destroyed, receipt.Destroyed)
	}
	for _, line := range find(t, records, "identifier") {
		require.NotEqual(t, subject, line.Parent)
	}
	order(t, engines[2], scenario, http.StatusOK, "bob@example.com")
	tick(t, engines[2])
	require.Equal(t, left, naming(), "runs of what was waiting leave nothing about her")
}
