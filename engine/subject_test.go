package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

// ordering is a scenario that a hook starts and whose second module gives back what it is given.
const ordering = `{
  "name": "Shop",
  "flow": [
    {"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 7}, "mapper": {}},
    {"id": 2, "module": "bank:Do", "version": 1, "mapper": {"buyer": "{{1.customer.email}}", "seller": "{{1.seller}}"}}
  ]
}`

var shopOptions = engine.DeployOptions{Activate: true, Subjects: []string{"1.customer.email", "1.friends[].email", "2.seller"}}

// deployShop deploys the shop.
func deployShop(t testing.TB, e *engine.Engine) *engine.Scenario {
	t.Helper()
	scenario, err := e.Deploy(t.Context(), parse(t, ordering), shopOptions)
	require.NoError(t, err)
	return scenario
}

// order lets somebody order something, and requires the status of the answer.
func order(t testing.TB, e *engine.Engine, s *engine.Scenario, want int, people ...string) {
	t.Helper()
	var customer string
	var friends []string
	for i, email := range people {
		if email = fmt.Sprintf(`{"email":%q}`, email); i == 0 {
			customer = `"customer":` + email + ","
			continue
		}
		friends = append(friends, email)
	}
	status, body := post(t, e, s.Hook, "application/json", fmt.Sprintf(`{%s"friends":[%s],"note":"private"}`, customer, strings.Join(friends, ",")))
	require.Equal(t, want, status, body)
	for _, person := range people {
		require.NotContains(t, body, strings.TrimSpace(person))
	}
}

func tick(t testing.TB, e *engine.Engine) {
	t.Helper()
	_, err := e.Tick(t.Context())
	require.NoError(t, err)
}

// of returns the records that name somebody, by kind.
func recordsOf(t testing.TB, e *engine.Engine, identifier string) map[string][]engine.SubjectRecord {
	t.Helper()
	found := map[string][]engine.SubjectRecord{}
	for rec, err := range e.SubjectRecords(t.Context(), identifier) {
		require.NoError(t, err)
		found[rec.Kind] = append(found[rec.Kind], rec)
	}
	return found
}

// wholeStore returns all records of a store but its keys.
func wholeStore(t testing.TB, s store.Store) []store.Record {
	t.Helper()
	kinds, err := s.(store.Lister).Kinds(t.Context())
	require.NoError(t, err)
	var all []store.Record
	for _, kind := range kinds {
		for rec, err := range s.Find(t.Context(), store.Query{Kind: kind, AllTenants: true, Visibility: store.Everything}) {
			require.NoError(t, err)
			all = append(all, rec)
		}
	}
	return all
}

// nowhere requires that a text stands in no field of any record.
func nowhere(t testing.TB, s store.Store, needles ...string) {
	t.Helper()
	for _, rec := range wholeStore(t, s) {
		text := bytes.ToLower(fmt.Appendf(nil, "%q %s", rec.Subjects, strings.Join([]string{rec.ID, rec.Tenant, rec.Parent, rec.Category, rec.State}, " ")))
		for _, needle := range needles {
			require.NotContains(t, string(text), needle, rec.Kind)
			require.False(t, bytes.Contains(bytes.ToLower(rec.Body), []byte(needle)), "%s in a body of kind %s", needle, rec.Kind)
		}
	}
}

func shopEngine(t testing.TB, s store.Store) *engine.Engine {
	t.Helper()
	return start(t, engine.Config{Store: s, Connectors: []connector.Connector{bank{}}})
}

func TestErasedPersonIsGoneAndOthersAreNot(t *testing.T) {
	t.Parallel()
	records := memory.New()
	e := shopEngine(t, records)
	s := deployShop(t, e)
	require.Equal(t, shopOptions.Subjects, s.Subjects)
	order(t, e, s, http.StatusOK, "Ada@Example.com ")
	order(t, e, s, http.StatusOK, "bob@example.com")
	order(t, e, s, http.StatusOK, "ada@example.com", "bob@example.com")
	tick(t, e)
	his := recordsOf(t, e, "bob@example.com")
	hers := recordsOf(t, e, "ADA@example.com")
	require.Len(t, hers["delivery"], 2)
	require.Len(t, hers["execution"], 2)
	require.Equal(t, hers["delivery"][0].ID, his["delivery"][0].ID, "the newest first")
	require.False(t, hers["delivery"][0].Alone)
	require.True(t, hers["delivery"][1].Alone)
	require.Equal(t, "execution_detail", hers["execution"][0].Category)
	require.Equal(t, s.ID, hers["execution"][0].Parent)
	nowhere(t, records, "ada@example.com", "bob@example.com", "private")

	receipt, err := e.ShredSubject(t.Context(), "ada@example.com")
	require.NoError(t, err)
	require.True(t, receipt.Irrevocable.After(receipt.Destroyed))
	again, err := e.ShredSubject(t.Context(), " ADA@example.com")
	require.NoError(t, err)
	require.Equal(t, receipt, again)
	nowhere(t, records, "ada@example.com", "bob@example.com", "private")
	require.Len(t, find(t, records, "identifier"), 1, "nothing leads to her any more")

	list := executions(t, e, s.ID)
	require.Len(t, list, 3)
	alone := list[2]
	require.True(t, alone.Erased)
	require.Empty(t, alone.Trace)
	require.Equal(t, engine.StatusSuccess, alone.Status)
	require.EqualValues(t, 2, alone.Operations)
	require.EqualValues(t, 1, alone.Deployment)
	require.False(t, alone.Ended.IsZero())
	require.Equal(t, s.ID, alone.Scenario)
	for _, x := range list[:2] {
		require.False(t, x.Erased)
		require.Len(t, x.Trace, 2)
	}
	one, err := e.Execution(t.Context(), alone.ID)
	require.NoError(t, err)
	require.Equal(t, alone, one)
	require.Len(t, recordsOf(t, e, "ada@example.com")["execution"], 2, "what is left is still listed")
	require.Equal(t, his, recordsOf(t, e, "bob@example.com"))

	keys := find(t, records, "key")
	order(t, e, s, http.StatusUnprocessableEntity, "ada@example.com")
	order(t, e, s, http.StatusUnprocessableEntity, "bob@example.com", "ada@EXAMPLE.com")
	require.Equal(t, keys, find(t, records, "key"), "what comes late makes no key")
	order(t, e, s, http.StatusOK, "bob@example.com")
	_, err = e.Run(t.Context(), s.ID, connector.NewBundle("customer", connector.NewBundle("email", "ada@example.com")))
	require.ErrorIs(t, err, engine.ErrErased)
	require.NotContains(t, err.Error(), "ada")
	require.Len(t, find(t, records, "delivery"), 4)
}

func find(t testing.TB, s store.Store, kind store.Kind) []store.Record {
	t.Helper()
	var all []store.Record
	for rec, err := range s.Find(t.Context(), store.Query{Kind: kind, AllTenants: true, Visibility: store.Everything}) {
		require.NoError(t, err)
		all = append(all, rec)
	}
	return all
}

func TestErasedPersonComesBackAsSomebodyElse(t *testing.T) {
	t.Parallel()
	records := memory.New()
	e := shopEngine(t, records)
	s := deployShop(t, e)
	order(t, e, s, http.StatusOK, "ada@example.com")
	tick(t, e)
	before := find(t, records, "delivery")[0].Subjects
	require.ErrorIs(t, e.AllowSubject(t.Context(), "ada@example.com", "she asked"), engine.ErrNotFound, "nobody has erased her")
	_, err := e.ShredSubject(t.Context(), "ada@example.com")
	require.NoError(t, err)
	require.ErrorIs(t, e.AllowSubject(t.Context(), "ada@example.com", ""), engine.ErrInvalid)
	order(t, e, s, http.StatusUnprocessableEntity, "ada@example.com")
	require.NoError(t, e.AllowSubject(t.Context(), "ada@example.com", "she asked"))
	require.NoError(t, e.AllowSubject(t.Context(), "ada@example.com", "twice"))
	nowhere(t, records, "she asked", "ada@example.com")
	_, err = e.ShredSubject(t.Context(), "ada@example.com")
	require.ErrorIs(t, err, engine.ErrNotFound, "nothing names her yet")

	order(t, e, s, http.StatusOK, "ada@example.com")
	tick(t, e)
	deliveries := find(t, records, "delivery")
	require.Len(t, deliveries, 2)
	require.Equal(t, before, deliveries[0].Subjects)
	require.NotEqual(t, before, deliveries[1].Subjects)
	list := executions(t, e, s.ID)
	require.Equal(t, []bool{false, true}, []bool{list[0].Erased, list[1].Erased})
	require.Len(t, recordsOf(t, e, "ada@example.com")["execution"], 2, "of both her lives")
	_, err = e.ShredSubject(t.Context(), "ada@example.com")
	require.NoError(t, err)
	list = executions(t, e, s.ID)
	require.Equal(t, []bool{true, true}, []bool{list[0].Erased, list[1].Erased})
	order(t, e, s, http.StatusUnprocessableEntity, "ada@example.com")
}

func TestNobodyUnknownIsErased(t *testing.T) {
	t.Parallel()
	e := shopEngine(t, memory.New())
	deployShop(t, e)
	_, err := e.ShredSubject(t.Context(), "ada@example.com")
	require.ErrorIs(t, err, engine.ErrNotFound)
	require.NotContains(t, err.Error(), "ada")
	_, err = e.ShredSubject(t.Context(), " ")
	require.ErrorIs(t, err, engine.ErrInvalid)
	for identifier, want := range map[string]error{"ada@example.com": engine.ErrNotFound, " ": engine.ErrInvalid} {
		asked := 0
		for _, err := range e.SubjectRecords(t.Context(), identifier) {
			asked++
			require.ErrorIs(t, err, want)
			require.NotContains(t, err.Error(), "ada")
		}
		require.Equal(t, 1, asked)
	}
	simple := start(t, engine.Config{Vault: crypto.NewKeyring(), Connectors: []connector.Connector{bank{}}})
	s := deployShop(t, simple)
	order(t, simple, s, http.StatusOK, "ada@example.com")
	require.Len(t, recordsOf(t, simple, "ada@example.com")["delivery"], 1, "people are known without keys of their own")
	_, err = simple.ShredSubject(t.Context(), "ada@example.com")
	require.ErrorIs(t, err, engine.ErrNoShredder)
}

// Tokens, subjects and keys of the same person are others in every tenant, and erasing the person in one is nothing to the other.
func TestTenantsDoNotShareAPerson(t *testing.T) {
	t.Parallel()
	records := memory.New()
	e := shopEngine(t, records)
	for _, tenant := range []string{"acme", "globex"} {
		s := deployShop(t, e.For(tenant))
		order(t, e.For(tenant), s, http.StatusOK, "ada@example.com")
	}
	tick(t, e)
	lines := find(t, records, "identifier")
	require.Len(t, lines, 2)
	require.NotEqual(t, lines[0].ID, lines[1].ID)
	require.NotEqual(t, lines[0].Parent, lines[1].Parent)
	subjects := map[string]string{}
	for _, rec := range wholeStore(t, records) {
		for _, subject := range rec.Subjects {
			if tenant, known := subjects[subject]; known {
				require.Equal(t, tenant, rec.Tenant)
			}
			subjects[subject] = rec.Tenant
		}
	}
	require.Len(t, subjects, 2)
	_, err := e.For("acme").ShredSubject(t.Context(), "ada@example.com")
	require.NoError(t, err)
	_, err = e.ShredSubject(t.Context(), "ada@example.com")
	require.ErrorIs(t, err, engine.ErrNotFound)
	require.True(t, executions(t, e.For("acme"), "Shop")[0].Erased)
	require.False(t, executions(t, e.For("globex"), "Shop")[0].Erased)
}

func TestExecutionOfAPersonWhomALaterModuleNamesIsFound(t *testing.T) {
	t.Parallel()
	records := memory.New()
	e := shopEngine(t, records)
	s := deployShop(t, e)
	sell := func(want int) {
		status, _ := post(t, e, s.Hook, "application/json", `{"customer":{"email":"ada@example.com"},"seller":4711}`)
		require.Equal(t, want, status)
		tick(t, e)
	}
	sell(http.StatusOK)
	found := recordsOf(t, e, "4711")
	require.Len(t, found["execution"], 1)
	require.False(t, found["execution"][0].Alone)
	require.Empty(t, found["delivery"], "nobody has declared that a delivery names sellers")
	_, err := e.ShredSubject(t.Context(), "4711")
	require.NoError(t, err)

	sell(http.StatusOK)
	list := executions(t, e, s.ID)
	require.Len(t, list, 2)
	require.Empty(t, list[0].Trace, "the trace names somebody who was erased")
	require.True(t, list[0].Truncated)
	require.Len(t, list[0].Warnings, 1)
	require.Contains(t, list[0].Warnings[0].Message, "erased")
	require.Len(t, list[1].Trace, 2)
	require.Len(t, recordsOf(t, e, "4711")["execution"], 1)
	require.Len(t, recordsOf(t, e, "ada@example.com")["delivery"], 2)
}

// What cannot be kept track of is refused at the door, and kept out of traces.
func TestPeopleWhoCannotBeKeptTrackOfAreRefused(t *testing.T) {
	t.Parallel()
	records := memory.New()
	e := shopEngine(t, records)
	s := deployShop(t, e)
	long := strings.Repeat("a", engine.MaxIdentifierBytes+1)
	order(t, e, s, http.StatusBadRequest, long)
	_, err := e.Run(t.Context(), s.ID, connector.NewBundle("customer", connector.NewBundle("email", long)))
	require.ErrorIs(t, err, engine.ErrInvalid)
	_, err = e.ShredSubject(t.Context(), long)
	require.ErrorIs(t, err, engine.ErrInvalid)
	order(t, e, s, http.StatusOK, long[1:])
	crowd := make([]string, engine.MaxSubjects+1)
	for i := range crowd {
		crowd[i] = fmt.Sprint("person-", i)
	}
	order(t, e, s, http.StatusBadRequest, crowd...)
	require.Len(t, find(t, records, "delivery"), 1)
	require.Len(t, find(t, records, "identifier"), 1, "nobody is known by a request that was refused")
	order(t, e, s, http.StatusOK, crowd[1:]...)
	status, _ := post(t, e, s.Hook, "application/json", fmt.Sprintf(`{"customer":{"email":"ada@example.com"},"seller":%q}`, long))
	require.Equal(t, http.StatusOK, status)
	tick(t, e)
	list := executions(t, e, s.ID)
	require.Len(t, list, 3)
	require.Empty(t, list[0].Trace)
	require.Contains(t, list[0].Warnings[0].Message, "longer texts")
	require.Len(t, recordsOf(t, e, "person-77")["execution"], 1)
	require.Len(t, recordsOf(t, e, "ada@example.com")["delivery"], 1)
}

func TestConfidentialScenarioLeavesNobodyInTheDirectoryAndRefusesTheErased(t *testing.T) {
	t.Parallel()
	records := memory.New()
	e := shopEngine(t, records)
	s := deployShop(t, e)
	order(t, e, s, http.StatusOK, "ada@example.com")
	tick(t, e)
	_, err := e.ShredSubject(t.Context(), "ada@example.com")
	require.NoError(t, err)
	bp := parse(t, strings.Replace(ordering, `"name": "Shop",`, `"name": "Hush", "metadata": {"scenario": {"confidential": true}},`, 1))
	hush, err := e.Deploy(t.Context(), bp, shopOptions)
	require.NoError(t, err)
	order(t, e, hush, http.StatusUnprocessableEntity, "ada@example.com")
	order(t, e, hush, http.StatusOK, "bob@example.com")
	order(t, e, hush, http.StatusOK, "cy@example.com")
	require.Empty(t, find(t, records, "identifier"))
	for _, rec := range find(t, records, "delivery")[1:] {
		require.Empty(t, rec.Subjects)
	}
	// One of them is erased while his delivery waits: by another scenario he is known.
	order(t, e, s, http.StatusOK, "bob@example.com")
	_, err = e.ShredSubject(t.Context(), "bob@example.com")
	require.NoError(t, err)
	tick(t, e)
	var ended []engine.Status
	for x, err := range e.Activity(t.Context(), hush.ID, engine.Query{}) {
		require.NoError(t, err)
		ended = append(ended, x.Status)
	}
	require.ElementsMatch(t, []engine.Status{engine.StatusSuccess, engine.StatusError}, ended)
}

func TestQueuedDeliveryOfAnErasedPersonIsNotRun(t *testing.T) {
	t.Parallel()
	records := memory.New()
	var done effects
	e := start(t, engine.Config{Store: records, Connectors: []connector.Connector{bank{pay: func(context.Context, *connector.Call) error {
		done.Add(1)
		return nil
	}}}})
	s := deployShop(t, e)
	order(t, e, s, http.StatusOK, "ada@example.com")
	order(t, e, s, http.StatusOK, "bob@example.com", "ada@example.com")
	order(t, e, s, http.StatusOK, "bob@example.com")
	keys := len(find(t, records, "key"))
	_, err := e.ShredSubject(t.Context(), "ada@example.com")
	require.NoError(t, err)
	tick(t, e)
	tick(t, e)
	require.EqualValues(t, 1, done.Load(), "only that which is about Bob alone")
	require.Len(t, find(t, records, "key"), keys, "nobody has made a key")
	states := map[string]int{}
	for _, rec := range find(t, records, "delivery") {
		require.True(t, rec.Due.IsZero())
		states[rec.State]++
	}
	require.Equal(t, map[string]int{"erased": 1, "failed": 1, "done": 1}, states)
	list := executions(t, e, s.ID)
	require.Len(t, list, 2)
	require.Equal(t, engine.StatusSuccess, list[0].Status)
	require.Equal(t, connector.DataError, list[1].Failure.Type)
	require.Empty(t, list[1].Failure.Message)
	require.NoError(t, e.AllowSubject(t.Context(), "ada@example.com", "she asked"))
	tick(t, e)
	require.EqualValues(t, 1, done.Load(), "what was given up stays so")
}

// However many name somebody new at once, it is one person.
func TestPersonWhomManyNameAtOnceIsOne(t *testing.T) {
	t.Parallel()
	records := memory.New()
	vault, err := crypto.NewHierarchy(t.Context(), crypto.HierarchyConfig{Keeper: crypto.NewKeyring(), Keys: engine.KeyStore(records)})
	require.NoError(t, err)
	engines := make([]*engine.Engine, 3)
	for i := range engines {
		engines[i] = start(t, engine.Config{Store: records, Vault: vault, Connectors: []connector.Connector{bank{}}})
	}
	s := deployShop(t, engines[0])
	var all sync.WaitGroup
	for i := range 30 {
		all.Go(func() {
			status, body := post(t, engines[i%3], s.Hook, "application/json", `{"customer":{"email":"ada@example.com"},"friends":[{"email":"bob@example.com"}]}`)
			if status != http.StatusOK {
				t.Errorf("%d %s", status, body)
			}
		})
	}
	all.Wait()
	require.Len(t, find(t, records, "identifier"), 2)
	subjects := find(t, records, "delivery")[0].Subjects
	for _, rec := range find(t, records, "delivery") {
		require.Equal(t, subjects, rec.Subjects)
	}
	require.Len(t, find(t, records, "delivery"), 30)
}

// With a tenant, its people go: nothing is left that opens, and nobody else is concerned.
func TestPeopleGoWithTheirTenant(t *testing.T) {
	t.Parallel()
	s := newSafe(t)
	e := s.engine(t)
	for _, tenant := range []string{"", "acme"} {
		scenario := deployShop(t, e.For(tenant))
		order(t, e.For(tenant), scenario, http.StatusOK, "ada@example.com")
		order(t, e.For(tenant), scenario, http.StatusOK, "ada@example.com", "bob@example.com")
	}
	tick(t, e)
	receipt, err := e.ShredTenant(t.Context())
	require.NoError(t, err)
	again, err := e.ShredTenant(t.Context())
	require.NoError(t, err)
	require.Equal(t, receipt, again)
	other := s.engine(t) // which remembers no keys
	for _, rec := range append(find(t, s.records, "execution"), find(t, s.records, "delivery")...) {
		at := crypto.Scope{Tenant: rec.Tenant, Category: rec.Category, Record: string(rec.Kind) + "/" + rec.ID, Field: "body"}
		if len(rec.Subjects) == 1 {
			at.Subject = rec.Subjects[0]
		}
		_, err := other.Vault().Open(t.Context(), at, rec.Body)
		if rec.Tenant == "" {
			require.ErrorIs(t, err, crypto.ErrShredded)
		} else {
			require.NoError(t, err)
		}
	}
	require.Len(t, executions(t, other.For("acme"), "Shop"), 2)
	simple := start(t, engine.Config{Vault: crypto.NewKeyring()})
	_, err = simple.ShredTenant(t.Context())
	require.ErrorIs(t, err, engine.ErrNoShredder)
}
