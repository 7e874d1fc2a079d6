package repo

import (
	"context"
	"iter"

	"github.com/ebbkit/ebb/store"
)

// HookKind is the kind of hooks.
const HookKind = hookKind

// Hooks yields the hooks of all tenants. The loop may go on behind the error of a single one, which then has its ID alone.
func (r *Repo) Hooks(ctx context.Context) iter.Seq2[*Hook, error] {
	return typed[*Hook](r.find(ctx, store.Query{Kind: hookKind, AllTenants: true}, func() Document { return new(Hook) }))
}
