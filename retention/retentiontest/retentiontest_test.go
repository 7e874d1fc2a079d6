package retentiontest_test

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/retention/retentiontest"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

func TestDefaultPolicyIsKept(t *testing.T) {
	t.Parallel()
	retentiontest.Run(t, memory.New(), retention.Policy{})
}

func TestOwnPolicyIsKept(t *testing.T) {
	t.Parallel()
	rule := func(active, passive retention.Period, skip bool) retention.Rule {
		return retention.Rule{
			Active: active, Passive: passive, SkipPassive: skip, Role: retention.Joint, Purpose: "test", Basis: "test",
		}
	}
	retentiontest.Run(t, memory.New(), retention.Policy{Rules: map[retention.Category]retention.Rule{
		"months":   rule(retention.Period{Months: 1}, retention.Period{Months: 1}, false),
		"instant":  rule(retention.Period{Time: 1}, retention.Period{Time: 1}, false),
		"skip":     rule(retention.Period{Months: 13, Days: 1, Time: time.Second}, retention.Period{}, true),
		"for_good": rule(retention.Period{}, retention.Period{}, false),
	}})
}

func TestOtherRecordsAreLeftAlone(t *testing.T) {
	t.Parallel()
	records := memory.New()
	rec := store.Record{
		Key: store.Key{Kind: "delivery", ID: uuid.NewString()}, Category: string(retention.GatewayLog),
		Created: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	require.NoError(t, records.Apply(t.Context(), store.Change{Put: &rec}))
	t.Run("run", func(t *testing.T) { retentiontest.Run(t, records, retention.Policy{}) })

	got, err := records.Get(t.Context(), rec.Key)
	require.NoError(t, err)
	require.Equal(t, rec, got)
	for rec, err := range records.Find(t.Context(), store.Query{Kind: retentiontest.Kind, AllTenants: true, Visibility: store.Everything}) {
		require.NoError(t, err)
		require.Fail(t, "Run leaves a record behind", rec.ID)
	}
}

// A broken store does something wrong with what a sweep writes.
type broken struct {
	*memory.Store

	how string
}

func (s broken) Apply(ctx context.Context, changes ...store.Change) error {
	for i, c := range changes {
		switch {
		case c.Touch != nil && s.how == "shows passive records":
			c.Touch.Passive = time.Time{}
		case c.Touch != nil && s.how == "keeps leases":
			c.Touch.Due = c.Touch.Created
		case c.Touch != nil && s.how == "cuts instants":
			c.Touch.Passive = c.Touch.Passive.Truncate(time.Second)
		case c.Touch != nil && s.how == "loses bodies":
			changes[i] = store.Change{Put: c.Touch}
		case c.Delete != nil && s.how == "keeps what is deleted":
			changes[i] = store.Change{Check: c.Delete}
		}
	}
	return s.Store.Apply(ctx, changes...)
}

// A test kit that cannot fail proves nothing: each broken store must fail in a process of its own.
func TestBrokenStoresFail(t *testing.T) {
	t.Parallel()
	if how := os.Getenv("RETENTIONTEST_BROKEN"); how != "" {
		retentiontest.Run(t, broken{memory.New(), how}, retention.Policy{})
		return
	}
	for how, complaint := range map[string]string{
		"shows passive records": "is in normal reads",
		"keeps leases":          "is not passive as it should be",
		"cuts instants":         "is not passive as it should be",
		"loses bodies":          "is not passive as it should be",
		"keeps what is deleted": "is not gone",
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			self := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBrokenStoresFail$")
			self.Env = append(os.Environ(), "RETENTIONTEST_BROKEN="+how)
			out, err := self.CombinedOutput()
			require.Error(t, err, "it passed")
			require.Contains(t, string(out), complaint)
			require.NotContains(t, string(out), "panic:")
		})
	}
}
