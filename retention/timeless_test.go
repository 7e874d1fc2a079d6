package retention_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/retention"
)

// Keys and what leads to people end otherwise than by time: every policy has them, and none can give them a period.
func TestKeysAndPeopleHaveNoPeriodInAnyPolicy(t *testing.T) {
	t.Parallel()
	own := retention.Policy{Rules: map[retention.Category]retention.Rule{
		"mine": {Active: retention.Period{Days: 1}, SkipPassive: true, Role: retention.Controller, Purpose: "p", Basis: "b"},
	}}
	for _, c := range []retention.Category{retention.Key, retention.Subject} {
		for _, p := range []retention.Policy{{}, retention.Default(), own} {
			rule, ok := p.Rule(c)
			require.True(t, ok, c)
			require.Equal(t, retention.Processor, rule.Role)
			_, limited := p.Until(c, time.Now())
			require.False(t, limited, c)
		}
		rule, _ := own.Rule(c)
		for _, period := range []retention.Rule{
			{Active: retention.Period{Days: 1}}, {Passive: retention.Period{Days: 1}}, {SkipPassive: true},
		} {
			wrong := retention.Default()
			period.Role, period.Purpose, period.Basis = rule.Role, rule.Purpose, rule.Basis
			wrong.Rules[c] = period
			err := wrong.Validate()
			require.ErrorIs(t, err, retention.ErrPolicy, c)
			require.ErrorContains(t, err, "not by time")
		}
		stated := retention.Default()
		stated.Rules[c] = rule
		require.NoError(t, stated.Validate(), c)
	}
}
