package retention_test

import (
	"context"
	"fmt"
	"time"

	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

// A host sees its policy at work: the same store as of 31 days, 61 days and eight months later.
func ExampleKeeper_Sweep() {
	ctx, records := context.Background(), memory.New()
	start := time.Date(2026, 7, 2, 12, 0, 0, 0, time.UTC)
	for i, category := range []retention.Category{retention.GatewayLog, retention.ExecutionDetail, retention.DatastoreRecord} {
		id := fmt.Sprintf("0199c0de-0000-7000-8000-00000000000%d", i)
		rec := store.Record{Key: store.Key{Kind: "record", ID: id}, Category: string(category), Created: start}
		if err := records.Apply(ctx, store.Change{Put: &rec}); err != nil {
			fmt.Println(err)
			return
		}
	}
	for _, later := range []retention.Period{{Days: 31}, {Days: 61}, {Months: 8}} {
		now := later.Add(start)
		report, err := retention.Keeper{Store: records, Now: func() time.Time { return now }}.Sweep(ctx)
		fmt.Printf("%v later: %v\n%v\n\n", later, err, report)
	}
	// Output:
	// 31 days later: <nil>
	// sweep as of 2026-08-02T12:00:00Z
	// category          passivated  deleted  left active  left passive
	// datastore_record           0        0            1             0
	// execution_detail           0        0            1             0
	// gateway_log                1        0            0             1
	// total                      1        0            2             1
	// next due 2026-08-31T12:00:00Z
	//
	// 61 days later: <nil>
	// sweep as of 2026-09-01T12:00:00Z
	// category          passivated  deleted  left active  left passive
	// datastore_record           0        0            1             0
	// execution_detail           1        0            0             1
	// gateway_log                0        0            0             1
	// total                      1        0            1             2
	// next due 2027-02-01T12:00:00Z
	//
	// 8 months later: <nil>
	// sweep as of 2027-03-02T12:00:00Z
	// category          passivated  deleted  left active  left passive
	// datastore_record           0        0            1             0
	// execution_detail           0        1            0             0
	// gateway_log                0        1            0             0
	// total                      0        2            1             0
}

// A host keeps incomplete runs for ninety days and deletes notifications at once when their time is over.
func ExamplePolicy() {
	policy := retention.Default()
	incomplete := policy.Rules[retention.Incomplete]
	incomplete.Active = retention.Period{Days: 90}
	policy.Rules[retention.Incomplete] = incomplete

	notification := policy.Rules[retention.Notification]
	notification.Passive = retention.Period{}
	policy.Rules[retention.Notification] = notification
	fmt.Println(policy.Validate())

	notification.SkipPassive = true
	policy.Rules[retention.Notification] = notification
	fmt.Println(policy.Validate())

	until, _ := policy.Until(retention.Incomplete, time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC))
	fmt.Println(until)
	// Output:
	// retention: invalid policy: category "notification": Passive is zero although Active is 7 days: name a period, or set SkipPassive to delete at once
	// <nil>
	// 2026-05-01 12:00:00 +0000 UTC
}

// One calendar month from the end of January is the end of February.
func ExamplePeriod_Add() {
	month, err := retention.ParsePeriod("1 month")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(month.Add(time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)).Format(time.DateOnly))
	// Output: 2026-02-28
}
