package engine_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

var confidentialDoing = strings.Replace(doing, `"flow"`, `"metadata": {"scenario": {"confidential": true}}, "flow"`, 1)

// records returns all records of a kind, of whatever tenant and visibility.
func records(t *testing.T, s store.Store, kind store.Kind) []store.Record {
	t.Helper()
	var all []store.Record
	for rec, err := range s.Find(t.Context(), store.Query{Kind: kind, AllTenants: true, Visibility: store.Everything}) {
		require.NoError(t, err)
		all = append(all, rec)
	}
	return all
}

func TestKeysMustNotOutliveWhatIsPromised(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	shorter := retention.Default()
	shorter.Irrevocable = retention.Period{Months: 1}
	for name, c := range map[string]struct {
		config engine.Config
		want   error
	}{
		"the default":                 {engine.Config{}, nil},
		"a long epoch":                {engine.Config{Keys: crypto.HierarchyConfig{Epoch: 31 * day}}, crypto.ErrWindow},
		"a slow keeper":               {engine.Config{Keys: crypto.HierarchyConfig{DestroyDelay: 50 * day}}, crypto.ErrWindow},
		"a shorter promise":           {engine.Config{Policy: shorter}, crypto.ErrWindow},
		"a shorter promise kept":      {engine.Config{Policy: shorter, Keys: crypto.HierarchyConfig{Epoch: 7 * day, DestroyDelay: 20 * day}}, nil},
		"more than is promised":       {engine.Config{Keys: crypto.HierarchyConfig{Irrevocable: 61 * day}}, engine.ErrInvalid},
		"a keeper and a vault":        {engine.Config{Keys: crypto.HierarchyConfig{Keeper: crypto.NewKeyring()}, Vault: crypto.NewKeyring()}, engine.ErrInvalid},
		"a store that outlives it":    {engine.Config{Store: lasting{memory.New()}}, engine.ErrNoVault},
		"that store, with a keeper":   {engine.Config{Store: lasting{memory.New()}, Keys: crypto.HierarchyConfig{Keeper: crypto.NewKeyring()}}, nil},
		"a keeper that is not usable": {engine.Config{Keys: crypto.HierarchyConfig{Keeper: down{}}}, crypto.ErrKeeper},
	} {
		e, err := engine.New(c.config)
		require.ErrorIs(t, err, c.want, name)
		if err == nil {
			require.NoError(t, e.Close())
		}
	}
}

// lasting is a store that the engine takes for one that outlives it.
type lasting struct{ store.Store }

// down is a keeper that is out of order.
type down struct{ crypto.Keeper }

func (down) Epochs(context.Context) ([]crypto.Epoch, error) { return nil, crypto.ErrKeeper }

// Epochs turn while the engine serves: two weeks later the old root key is destroyed, and everything still opens.
func TestServeTurnsEpochs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keeper := crypto.NewKeyring()
		e := start(t, engine.Config{Keys: crypto.HierarchyConfig{Keeper: keeper}, Poll: time.Hour})
		scenario, err := e.Deploy(t.Context(), parse(t, greeting), engine.DeployOptions{Activate: true})
		require.NoError(t, err)
		serve(t, e)
		status, _ := post(t, e, scenario.Hook, "application/json", `{"name":"Ada"}`)
		require.Equal(t, http.StatusCreated, status)
		epochs := func() (destroyed, all int) {
			list, err := keeper.Epochs(t.Context())
			require.NoError(t, err)
			for _, epoch := range list {
				if !epoch.Destroyed.IsZero() {
					destroyed++
				}
			}
			return destroyed, len(list)
		}
		time.Sleep(13 * 24 * time.Hour)
		synctest.Wait()
		destroyed, all := epochs()
		require.Equal(t, []int{0, 1}, []int{destroyed, all})
		time.Sleep(2 * 24 * time.Hour)
		synctest.Wait()
		destroyed, all = epochs()
		require.Equal(t, []int{1, 2}, []int{destroyed, all})
		require.Len(t, executions(t, e, scenario.ID), 1)
		status, body := post(t, e, scenario.Hook, "application/json", `{"name":"Bob"}`)
		require.Equal(t, http.StatusCreated, status)
		require.Equal(t, "Hello Bob", body)
	})
}

// A program that is only started now and then turns epochs, too.
func TestTickTurnsEpochs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keeper, s := crypto.NewKeyring(), memory.New()
		config := engine.Config{Store: s, Keys: crypto.HierarchyConfig{Keeper: keeper}}
		e := start(t, config)
		scenario, err := e.Deploy(t.Context(), parse(t, greeting), engine.DeployOptions{Activate: true})
		require.NoError(t, err)
		time.Sleep(15 * 24 * time.Hour)
		for range 2 {
			later := start(t, config)
			_, err = later.Tick(t.Context())
			require.NoError(t, err)
			time.Sleep(13 * time.Hour)
		}
		epochs, err := keeper.Epochs(t.Context())
		require.NoError(t, err)
		require.Len(t, epochs, 2)
		require.False(t, epochs[0].Destroyed.IsZero())
		_, err = start(t, config).Scenario(t.Context(), scenario.ID)
		require.NoError(t, err)
	})
}

// What waits for a confidential run is sealed under a key of its own, which ends with the run.
func TestConfidentialRunHasAKeyOfItsOwn(t *testing.T) {
	t.Parallel()
	s := memory.New()
	e := start(t, engine.Config{Store: s, Connectors: []connector.Connector{bank{pay: func(context.Context, *connector.Call) error { return nil }}}})
	scenario, err := e.Deploy(t.Context(), parse(t, confidentialDoing), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	before := len(records(t, s, "key"))
	for _, name := range []string{"Ada", "Bob"} {
		status, _ := post(t, e, scenario.Hook, "application/json", `{"name":"`+name+`"}`)
		require.Equal(t, http.StatusOK, status)
	}
	require.Len(t, records(t, s, "key"), before+2)
	deliveries := records(t, s, "delivery")
	require.Len(t, deliveries, 2)
	for _, d := range deliveries {
		require.Equal(t, string(retention.Confidential), d.Category)
	}
	runs, err := e.Tick(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, runs)
	require.Empty(t, records(t, s, "delivery"))
	require.Len(t, records(t, s, "key"), before)

	// Whoever kept a copy of the delivery cannot open it with what the store has now.
	restored := deliveries[0]
	restored.Version = 0
	require.NoError(t, s.Apply(t.Context(), store.Change{Put: &restored}))
	require.Len(t, records(t, s, "delivery"), 1)
	runs, err = e.Tick(t.Context())
	require.NoError(t, err)
	require.Zero(t, runs)
}

// A crash between the end of a confidential run and that of its key leaves a key that seals nothing. It goes with the
// records of its category.
func TestKeyThatOutlivedItsRunIsSwept(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := &keepsKeys{Store: memory.New()}
	e := start(t, engine.Config{
		Store: s, Keys: crypto.HierarchyConfig{Keeper: crypto.NewKeyring()}, Now: func() time.Time { return now },
		Connectors: []connector.Connector{bank{pay: func(context.Context, *connector.Call) error { return nil }}},
	})
	scenario, err := e.Deploy(t.Context(), parse(t, confidentialDoing), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	before := len(records(t, s, "key"))
	status, _ := post(t, e, scenario.Hook, "application/json", `{"name":"Ada"}`)
	require.Equal(t, http.StatusOK, status)
	_, err = e.Tick(t.Context())
	require.NoError(t, err)
	require.Empty(t, records(t, s, "delivery"))
	require.Len(t, records(t, s, "key"), before+1)
	now = now.AddDate(0, 0, 30)
	s.open = true
	_, err = e.Sweep(t.Context())
	require.NoError(t, err)
	require.Len(t, records(t, s, "key"), before)
}

// keepsKeys is a store that deletes no keys until it is told to.
type keepsKeys struct {
	store.Store
	open bool
}

func (k *keepsKeys) Kinds(ctx context.Context) ([]store.Kind, error) {
	return k.Store.(store.Lister).Kinds(ctx)
}

func (k *keepsKeys) Apply(ctx context.Context, changes ...store.Change) error {
	for _, c := range changes {
		if c.Delete != nil && c.Delete.Kind == "key" && !k.open {
			return errors.New("disk on fire")
		}
	}
	return k.Store.Apply(ctx, changes...)
}

// A confidential delivery that is never run does not lie in passive storage.
func TestConfidentialDeliveryIsNeverPassive(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := memory.New()
	e := start(t, engine.Config{Store: s, Now: func() time.Time { return now }, Connectors: []connector.Connector{bank{}}})
	scenario, err := e.Deploy(t.Context(), parse(t, confidentialDoing), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	before := len(records(t, s, "key"))
	status, _ := post(t, e, scenario.Hook, "application/json", `{"name":"Ada"}`)
	require.Equal(t, http.StatusOK, status)
	require.Len(t, records(t, s, "delivery"), 1)
	now = now.AddDate(0, 0, 30)
	_, err = e.Sweep(t.Context())
	require.NoError(t, err)
	require.Empty(t, records(t, s, "delivery"))
	require.Len(t, records(t, s, "key"), before)
}

// The keys that an engine keeps leave memory with it.
func TestNothingOpensBehindAClosedEngine(t *testing.T) {
	t.Parallel()
	e, err := engine.New(engine.Config{})
	require.NoError(t, err)
	scenario, err := e.Deploy(t.Context(), parse(t, greeting), engine.DeployOptions{})
	require.NoError(t, err)
	x, err := e.Run(t.Context(), scenario.ID, connector.NewBundle("name", "Ada"))
	require.NoError(t, err)
	require.NoError(t, e.Close())
	_, err = e.Execution(t.Context(), x.ID)
	require.ErrorIs(t, err, crypto.ErrClosed)
	require.NoError(t, e.Close())
}
