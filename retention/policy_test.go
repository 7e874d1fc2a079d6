package retention_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
)

func TestDefaultHoldsExactlyThePromisedPeriods(t *testing.T) {
	t.Parallel()
	policy := retention.Default()
	require.NoError(t, policy.Validate())
	require.Equal(t, retention.Period{Months: 1}, policy.Removal)
	require.Equal(t, retention.Period{Days: 60}, policy.Irrevocable)

	type promise struct {
		days int
		role retention.Role
	}
	promises := map[retention.Category]promise{
		"gateway_log":      {30, retention.Processor},
		"incomplete":       {30, retention.Processor},
		"notification":     {7, retention.Processor},
		"activity":         {30, retention.Processor},
		"execution_detail": {60, retention.Processor},
		"datastore_record": {0, retention.Processor},
		"connection":       {0, retention.Processor},
		"scenario":         {0, retention.Processor},
		"account":          {0, retention.Controller},
		"access":           {30, retention.Controller},
	}
	require.Len(t, policy.Rules, len(promises))
	for c, want := range promises {
		rule, ok := policy.Rules[c]
		require.True(t, ok, c)
		require.Equal(t, retention.Period{Days: want.days}, rule.Active, c)
		require.Equal(t, retention.Period{Months: 6}, rule.Passive, c)
		require.False(t, rule.SkipPassive, c)
		require.Equal(t, want.role, rule.Role, c)
		require.NotEmpty(t, rule.Purpose, c)
		require.NotEmpty(t, rule.Basis, c)

		implied, ok := retention.Policy{}.Rule(c)
		require.True(t, ok, c)
		require.Equal(t, rule, implied, c)
	}
}

func TestZeroFieldsOfAPolicyMeanTheDefault(t *testing.T) {
	t.Parallel()
	require.Equal(t, retention.Default(), retention.Policy{}.Resolve())
	require.NoError(t, retention.Policy{}.Validate())

	partly := retention.Policy{Irrevocable: retention.Period{Days: 45}}.Resolve()
	require.Equal(t, retention.Period{Days: 45}, partly.Irrevocable)
	require.Equal(t, retention.Default().Rules, partly.Rules)

	none := retention.Policy{Rules: map[retention.Category]retention.Rule{}}.Resolve()
	require.Empty(t, none.Rules, "no rules at all are a choice")
}

func TestDefaultMayBeChangedWithoutChangingTheNextOne(t *testing.T) {
	t.Parallel()
	mine := retention.Default()
	mine.Rules[retention.Activity] = retention.Rule{}
	require.Equal(t, retention.Period{Days: 30}, retention.Default().Rules[retention.Activity].Active)
}

func TestRecordsAreVisibleUntilTheInstantTheirActiveTimeEnds(t *testing.T) {
	t.Parallel()
	created := at(t, "2026-01-31T10:00:00.000000007Z")
	policy := retention.Default()
	policy.Rules["monthly"] = retention.Rule{Active: retention.Period{Months: 1}, Passive: retention.Period{Months: 6}}
	for c := range policy.Rules {
		rec := store.Record{Category: string(c), Created: created}
		until, limited := policy.Until(c, created)
		if !limited {
			require.True(t, policy.Visible(rec, created.AddDate(200, 0, 0)), c)
			continue
		}
		require.True(t, policy.Visible(rec, until.Add(-1)), c)
		require.False(t, policy.Visible(rec, until), c)
		require.True(t, policy.Visible(rec, created.Add(-time.Hour)), "a clock that jumped back hides nothing")
		rec.Passive = until
		require.False(t, policy.Visible(rec, created), c)
	}
	until, _ := policy.Until("monthly", created)
	require.Equal(t, at(t, "2026-02-28T10:00:00.000000007Z"), until)
	until, _ = retention.Policy{}.Until(retention.Notification, created)
	require.Equal(t, created.Add(7*24*time.Hour), until)
}

func TestPassiveRecordsAreHiddenWhateverTheirCategory(t *testing.T) {
	t.Parallel()
	now := at(t, "2026-06-01T00:00:00Z")
	for _, c := range []string{"datastore_record", "nobody_knows", ""} {
		require.True(t, retention.Policy{}.Visible(store.Record{Category: c}, now), c)
		require.False(t, retention.Policy{}.Visible(store.Record{Category: c, Passive: now.AddDate(1, 0, 0)}, now), c)
	}
}

func TestRecordsAreGoneWhenTheirPassiveTimeEnds(t *testing.T) {
	t.Parallel()
	policy := retention.Policy{Rules: map[retention.Category]retention.Rule{
		"months":  {Active: retention.Period{Days: 1}, Passive: retention.Period{Months: 6}},
		"at_once": {Active: retention.Period{Days: 1}, SkipPassive: true},
		"never":   {},
	}}
	passive := at(t, "2026-08-31T12:00:00+02:00")
	for c, want := range map[retention.Category]string{"months": "2027-02-28T10:00:00Z", "at_once": "2026-08-31T10:00:00Z"} {
		gone, ok := policy.Gone(c, passive)
		require.True(t, ok, c)
		require.Equal(t, at(t, want), gone, c)
	}
	for _, c := range []retention.Category{"never", "unknown"} {
		gone, ok := policy.Gone(c, passive)
		require.False(t, ok, c)
		require.Zero(t, gone, c)
		until, ok := policy.Until(c, passive)
		require.False(t, ok, c)
		require.Zero(t, until, c)
	}
}

func sound(r retention.Rule) retention.Rule {
	r.Role, r.Purpose, r.Basis = retention.Processor, "test", "test"
	return r
}

func TestValidateNamesEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	policy := retention.Policy{
		Removal:     retention.Period{Days: -1},
		Irrevocable: retention.Period{Months: 12_001},
		Rules: map[retention.Category]retention.Rule{
			"bare":     {},
			"negative": sound(retention.Rule{Active: retention.Period{Time: -time.Hour}, Passive: retention.Period{Months: -1}}),
			"both":     sound(retention.Rule{Active: retention.Period{Days: 1}, Passive: retention.Period{Days: 2}, SkipPassive: true}),
			"neither":  sound(retention.Rule{Active: retention.Period{Days: 1}}),
			"role":     {Role: "owner", Purpose: "x", Basis: " "},
			"":         sound(retention.Rule{}),
			"fine":     sound(retention.Rule{Active: retention.Period{Days: 1}, SkipPassive: true}),
			"forever":  sound(retention.Rule{}),
		},
	}
	err := policy.Validate()
	require.ErrorIs(t, err, retention.ErrPolicy)
	require.EqualError(t, err, `retention: invalid policy: Removal is negative (-1 day): name a period that is not
retention: invalid policy: Irrevocable is 12001 months: name at most a thousand years, or leave it out
retention: invalid policy: category "": the name is empty: give it one
retention: invalid policy: category "bare": Role is missing: set controller, processor or joint
retention: invalid policy: category "bare": Purpose is missing: say what the data is for
retention: invalid policy: category "bare": Basis is missing: say on what legal ground it is processed
retention: invalid policy: category "both": SkipPassive is set although Passive is 2 days: drop one of them
retention: invalid policy: category "negative": Active is negative (-1h0m0s): name a period that is not
retention: invalid policy: category "negative": Passive is negative (-1 month): name a period that is not
retention: invalid policy: category "neither": Passive is zero although Active is 1 day: name a period, or set SkipPassive to delete at once
retention: invalid policy: category "role": Role is "owner": set controller, processor or joint
retention: invalid policy: category "role": Basis is missing: say on what legal ground it is processed`)
}

func TestRemovalMayNotBeLongerThanIrrevocable(t *testing.T) {
	t.Parallel()
	days := func(n int) retention.Period { return retention.Period{Days: n} }
	months := func(n int) retention.Period { return retention.Period{Months: n} }
	for name, c := range map[string]struct {
		removal, irrevocable retention.Period
		sound                bool
	}{
		"a month and 60 days":       {months(1), days(60), true},
		"the same months":           {months(2), months(2), true},
		"two months may be 62 days": {months(2), days(61), false},
		"two months fit into 62":    {months(2), days(62), true},
		"28 days and a month":       {days(28), months(1), true},
		"29 days and a month":       {days(29), months(1), false},
		"a leap year fits not":      {months(12), days(365), false},
		"a nanosecond too long":     {retention.Period{Days: 60, Time: 1}, days(60), false},
		"24 hours are a day":        {retention.Period{Time: 24 * time.Hour}, days(1), true},
	} {
		err := retention.Policy{Removal: c.removal, Irrevocable: c.irrevocable}.Validate()
		if c.sound {
			require.NoError(t, err, name)
		} else {
			require.ErrorIs(t, err, retention.ErrPolicy, name)
			require.ErrorContains(t, err, "shorten it, or lengthen Irrevocable", name)
		}
	}
}

func BenchmarkVisible(b *testing.B) {
	rec := store.Record{Category: "activity", Created: time.Date(2026, 8, 31, 10, 0, 0, 0, time.UTC)}
	now := rec.Created.AddDate(0, 0, 20)
	for name, policy := range map[string]retention.Policy{"zero": {}, "own": retention.Default()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !policy.Visible(rec, now) {
					b.Fatal("hidden")
				}
			}
		})
	}
}
