package engine_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
	"github.com/ebbkit/ebb/store/storetest"
)

// Two processes take deliveries and look for people while the keys of tokens are rotated, again and again: everybody is found at
// every moment, nobody is there twice, no record of theirs is moved, and who was erased stays so.
func TestPeopleAreFoundThroughoutARotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &safe{records: memory.New(), keeper: crypto.NewKeyring()}
		engines := []*engine.Engine{s.process(t, bank{}), s.process(t, bank{})}
		scenario := deployShop(t, engines[0])
		const lasting = 20
		who := func(i int) string { return fmt.Sprintf("person-%d@example.com", i) }
		for i := range lasting {
			order(t, engines[0], scenario, http.StatusOK, who(i))
		}
		order(t, engines[0], scenario, http.StatusOK, "gone@example.com")
		tick(t, engines[0])
		_, err := engines[0].ShredSubject(t.Context(), "gone@example.com")
		require.NoError(t, err)
		// Another one's keys are destroyed, and the process ends before it has removed what leads to him: that holds up nothing.
		order(t, engines[0], scenario, http.StatusOK, "half@example.com")
		tick(t, engines[0])
		dying := &storetest.Faulty{Store: s.records, Call: 3, Writes: true, Lasting: true}
		_, err = start(t, engine.Config{Store: dying, Vault: s.vault(t, dying)}).ShredSubject(t.Context(), "half@example.com")
		require.Error(t, err)
		time.Sleep(2 * time.Second)
		places := func() (ids []string) {
			for _, line := range find(t, s.records, "identifier") {
				ids = append(ids, line.ID)
			}
			return ids
		}
		before := places()
		subjects := map[string]string{}
		for _, rec := range find(t, s.records, "delivery") {
			subjects[rec.ID] = fmt.Sprint(rec.Subjects)
		}

		var busy sync.WaitGroup
		stop := make(chan struct{})
		loop := func(every time.Duration, do func(i int) error) {
			busy.Go(func() { again(t, stop, every, do) })
		}
		var stops []func()
		for p, e := range engines {
			stops = append(stops, serve(t, e))
			loop(100*time.Millisecond, func(i int) error { // known and new people, by the same names in both processes
				named := fmt.Sprintf(`{"customer":{"email":%q},"friends":[{"email":"new-%d@example.com"}]}`, who((i+p)%lasting), i%40)
				if status, body := post(t, e, scenario.Hook, "application/json", named); status != http.StatusOK {
					return fmt.Errorf("%d %s", status, body)
				}
				return nil
			})
			loop(100*time.Millisecond, func(int) error {
				if status, _ := post(t, e, scenario.Hook, "application/json", `{"customer":{"email":"gone@example.com"}}`); status != http.StatusUnprocessableEntity {
					return fmt.Errorf("somebody who was erased is answered %d", status)
				}
				return nil
			})
			loop(10*time.Millisecond, func(i int) error {
				count := 0
				for _, err := range e.SubjectRecords(t.Context(), who(i%lasting)) {
					if err != nil {
						return err
					}
					count++
				}
				if count < 2 {
					return fmt.Errorf("%d records of a person are found", count)
				}
				return nil
			})
		}
		for i := range 3 {
			last, err := rotate(t, engines[i%2].Rotate(t.Context(), engine.RotateOptions{Index: true, Emergency: i == 2}))
			if err != nil { // what is under destroyed keys is all that does not open
				require.ErrorIs(t, err, crypto.ErrShredded)
			}
			require.True(t, last.Finished)
		}
		close(stop)
		busy.Wait()
		time.Sleep(time.Minute)
		for _, stop := range stops {
			stop()
		}
		_, err = engines[1].ShredSubject(t.Context(), "half@example.com")
		require.NoError(t, err)
		lines := find(t, s.records, "identifier")
		known := map[string]int{}
		for _, line := range lines {
			known[line.Parent]++
			require.NotContains(t, before, line.ID, "it stands under a new token")
		}
		require.Len(t, known, len(lines), "nobody is there twice")
		for _, rec := range find(t, s.records, "delivery") {
			if was, old := subjects[rec.ID]; old {
				require.Equal(t, was, fmt.Sprint(rec.Subjects), "records are not touched for the sake of tokens")
			}
		}
		other := s.engine(t)
		for i := range lasting {
			require.GreaterOrEqual(t, len(recordsOf(t, other, who(i))["delivery"]), 2)
		}
		for i := range 40 {
			require.NotEmpty(t, recordsOf(t, other, fmt.Sprintf("new-%d@example.com", i))["delivery"])
		}
		require.Len(t, lines, lasting+40)
		nowhere(t, s.records, "@example.com", "private")
	})
}

// A backup from before somebody was erased is restored, with the rings of today: it does not take the person in again, and the
// erasure can be done once more.
func TestRestoredBackupRefusesThePersonWhoWasErased(t *testing.T) {
	t.Parallel()
	s := newSafe(t)
	e := s.engine(t)
	scenario := deployShop(t, e)
	order(t, e, scenario, http.StatusOK, "ada@example.com")
	tick(t, e)
	order(t, e, scenario, http.StatusOK, "bob@example.com", "ada@example.com") // it waits
	backup := &safe{records: memory.New(), keeper: s.keeper}
	for _, rec := range wholeStore(t, s.records) {
		rec.Version = 0
		require.NoError(t, backup.records.Apply(t.Context(), store.Change{Put: &rec}))
	}
	_, err := e.ShredSubject(t.Context(), "ada@example.com")
	require.NoError(t, err)

	require.NoError(t, crypto.CopyRings(t.Context(), engine.KeyStore(s.records), engine.KeyStore(backup.records)))
	old := backup.engine(t)
	require.Empty(t, find(t, backup.records, "erased"))
	order(t, old, scenario, http.StatusUnprocessableEntity, "ada@example.com")
	tick(t, old)
	list := executions(t, old, scenario.ID)
	require.Len(t, list, 2)
	require.Equal(t, engine.StatusError, list[0].Status, "what waited is not run")
	require.True(t, list[1].Erased)
	_, err = old.ShredSubject(t.Context(), "ada@example.com")
	require.NoError(t, err)
	require.Len(t, find(t, backup.records, "erased"), 1)
	require.Len(t, find(t, backup.records, "identifier"), 1)
	order(t, old, scenario, http.StatusUnprocessableEntity, "ada@example.com")
	order(t, old, scenario, http.StatusOK, "bob@example.com")
}
