// Package retention lets go of records on time.
//
// A [Policy] has a [Rule] for each category of records: how long they are in active use, how long they are passive
// after that, and in what role, for what purpose and on what legal ground they are kept at all. Default() holds the
// periods that the engine promises; every one can be changed.
//
// Two things make a policy true. Whoever reads records asks [Policy.Visible], so an expired record is out of sight at
// the very instant, whether or not anybody tidied up. And a [Keeper] sweeps: it takes expired records from active to
// passive, and from passive to gone, without opening a body.
//
// # Prove your own policy
//
// With testing/synctest time passes at once, and with the memory store nothing is needed around it. This is a whole
// test:
//
//	func TestDeliveriesAreGoneAfterThirtyDaysAndSixMonths(t *testing.T) {
//		t.Parallel()
//		synctest.Test(t, func(t *testing.T) {
//			records, policy := memory.New(), retention.Default()
//			rec := store.Record{Key: store.Key{Kind: "delivery", ID: uuid.NewString()}, Category: "gateway_log", Created: time.Now()}
//			require.NoError(t, records.Apply(t.Context(), store.Change{Put: &rec}))
//			until, _ := policy.Until(retention.GatewayLog, rec.Created)
//			gone, _ := policy.Gone(retention.GatewayLog, until)
//
//			time.Sleep(30*24*time.Hour - 1)
//			require.True(t, policy.Visible(rec, time.Now()))
//			time.Sleep(time.Nanosecond)
//			require.False(t, policy.Visible(rec, time.Now())) // nobody swept yet
//
//			time.Sleep(time.Until(gone))
//			_, err := retention.Keeper{Store: records, Policy: policy}.Sweep(t.Context())
//			require.NoError(t, err)
//			_, err = records.Get(t.Context(), rec.Key)
//			require.ErrorIs(t, err, store.ErrNotFound)
//		})
//	}
//
// The package retentiontest does the same for every category of a policy, on any store, in one line.
//
// Start with [Default], change what you must, check it with [Policy.Validate], and call [Keeper.Sweep] as often as you
// want deletions to follow their instants: once an hour is plenty.
package retention
