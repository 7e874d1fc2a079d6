package engine

import (
	"context"
	"fmt"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/retention"
)

// ShredTenant destroys the keys of the tenant, and those of all people whom its records name. Nothing that the tenant has stored
// can be read from then on, see Vault: here at once, in other processes after crypto.HierarchyConfig.KeyTime. A process that has
// not heard of it by then may make people known whose keys stay: call it again after that time where others serve the same store.
//
// The records themselves stay until their time is over, or for good where they have none; Config.Store deletes them, by their
// Tenant. The tenant takes nothing new until crypto.Shredder.AllowNewLifecycle. To come back under the names of its scenarios, data
// stores and connections it needs their old records deleted, too: the example does both.
//
// The receipt has the instant from which on no backup gives anything back. ErrNoShredder when the vault cannot do it. After any
// other error call it again; a tenant whose keys are destroyed already is no error.
func (e *Engine) ShredTenant(ctx context.Context) (crypto.Receipt, error) {
	if err := e.open(); err != nil {
		return crypto.Receipt{}, err
	}
	shredder, ok := e.cfg.Vault.(crypto.Shredder)
	if !ok {
		return crypto.Receipt{}, fmt.Errorf("shred a tenant: %w", ErrNoShredder)
	}
	// The tenant's own keys go first: without them nothing new is taken, and nobody else is made known.
	receipt, err := shredder.Shred(ctx, crypto.Scope{Tenant: e.tenant, Category: string(retention.Scenario)})
	if err != nil {
		return crypto.Receipt{}, fmt.Errorf("shred a tenant: %w", err)
	}
	subjects, err := e.repo.Subjects(ctx, e.tenant)
	if err != nil {
		return crypto.Receipt{}, fmt.Errorf("shred a tenant: %w", err)
	}
	for _, subject := range subjects {
		person, err := shredder.Shred(ctx, crypto.Scope{Tenant: e.tenant, Subject: subject})
		if err != nil {
			return crypto.Receipt{}, fmt.Errorf("shred a tenant: subject %s: %w", subject, err)
		}
		if person.Irrevocable.After(receipt.Irrevocable) {
			receipt.Irrevocable = person.Irrevocable
		}
	}
	return receipt, nil
}
