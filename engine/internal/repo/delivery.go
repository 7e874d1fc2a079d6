package repo

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
)

// States of a delivery.
const (
	// DeliveryAccepted waits for a worker.
	DeliveryAccepted = "accepted"
	// DeliveryRunning is leased by a worker.
	DeliveryRunning = "running"
	// DeliveryHeld waits until its scenario is active again, or can be loaded.
	DeliveryHeld = "held"
	// DeliveryDone has been run to its end.
	DeliveryDone = "done"
	// DeliveryFailed has been run, and the run ended in an error.
	DeliveryFailed = "failed"
	// DeliveryOrphaned has lost its scenario.
	DeliveryOrphaned = "orphaned"
	// DeliveryErased has not been run, because it is about a person who was erased.
	DeliveryErased = "erased"
)

// A Delivery is one bundle that came in at a hook. It is written before the caller hears that it was accepted, and
// becomes one execution of its Parent, the scenario; the execution has the delivery's ID.
type Delivery struct {
	Envelope

	// Hook is the ID of the hook.
	Hook string
	// Bundle is what the receiver made of the request, as the engine encodes it.
	Bundle []byte
	// Confidential says that neither the delivery nor what its run does with it is kept when the run has ended. Such a
	// delivery is sealed under a key of its own, see Repo.EndRun.
	Confidential bool
}

const deliveryKind store.Kind = "delivery"

func (*Delivery) kind() store.Kind          { return deliveryKind }
func (d *Delivery) encode() ([]byte, error) { return pack([]byte(d.Hook), d.Bundle), nil }

func (d *Delivery) category() retention.Category {
	if d.Confidential {
		return retention.Confidential
	}
	return retention.GatewayLog
}

// categorize implements categorized.
func (d *Delivery) categorize(c retention.Category) { d.Confidential = c == retention.Confidential }

// decode also reads what confidential deliveries were before they had a category and a key of their own: they had a third
// part, which was empty.
func (d *Delivery) decode(body []byte) error {
	var hook, marked []byte
	err := unpack(body, &hook, &d.Bundle)
	if err != nil {
		err = unpack(body, &hook, &d.Bundle, &marked)
	}
	d.Hook = string(hook)
	return err
}

// EndRun destroys the key of a confidential run whose delivery is gone. A vault that cannot do that has none of its own for
// the run.
func (r *Repo) EndRun(ctx context.Context, tenant, run string) error {
	shredder, ok := r.vault.(crypto.Shredder)
	if !ok {
		return nil
	}
	if _, err := shredder.Shred(ctx, crypto.Scope{Tenant: tenant, Run: run}); err != nil {
		return fmt.Errorf("destroy the key of run %s: %w", run, err)
	}
	return nil
}

// ClaimDeliveries leases up to limit deliveries of all tenants that are due at now. One that cannot be read is passed to
// broken. It also returns how many it claimed with those that are not to be run.
func (r *Repo) ClaimDeliveries(ctx context.Context, now, until time.Time, limit int, broken func(id string, err error)) (claimed []*Delivery, total int, err error) {
	total, err = r.claim(ctx, deliveryKind, now, until, limit, func() Document {
		d := new(Delivery)
		claimed = append(claimed, d)
		return d
	}, func(rec store.Record, err error) {
		claimed = claimed[:len(claimed)-1]
		broken(rec.ID, err)
	})
	return claimed, total, err
}

// erasedState is the state of a record that is under the keys of a person who was erased.
func erasedState(rec store.Record) string {
	if rec.Kind == deliveryKind {
		return DeliveryErased
	}
	return rec.State
}

// Deliveries yields the deliveries to a scenario that are in a state, oldest first. Bodies are left out.
func (r *Repo) Deliveries(ctx context.Context, tenant, scenario, state string) iter.Seq2[*Delivery, error] {
	q := store.Query{Kind: deliveryKind, Tenant: tenant, Parent: scenario, State: state, KeysOnly: true}
	return typed[*Delivery](r.find(ctx, q, func() Document { return new(Delivery) }))
}
