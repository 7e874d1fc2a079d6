package engine

import (
	"cmp"
	"context"
	"errors"

	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/store"
)

// revokeHooks gives all hooks new addresses. It comes after the new versions of keys, so that no old key opens them.
func (r *rotation) revokeHooks(ctx context.Context) error {
	for hook, err := range r.repo.Hooks(ctx) {
		switch {
		case err == nil:
			err = r.revoke(ctx, hook)
		case repo.Unopenable(err):
			err = r.complain(repo.Broken{Kind: repo.HookKind, ID: hook.ID, Tenant: hook.Tenant, Err: err})
		}
		if err != nil {
			return err
		}
		r.progress.Done++
		if err := r.report(nil); err != nil {
			return err
		}
	}
	return nil
}

// revoke gives a hook a new address, once in a rotation: what says so is when the rotation was asked for.
func (r *rotation) revoke(ctx context.Context, hook *repo.Hook) error {
	for hook != nil && !hook.Revoked.Equal(r.state.Created) {
		token, err := r.newToken()
		if err != nil {
			return err
		}
		old := *hook
		hook.Envelope.ID, hook.Version = repo.HookID(token), 0
		hook.Token, hook.Salt, hook.Revoked = token, cmp.Or(hook.Salt, hook.Token), r.state.Created
		err = r.repo.Apply(ctx, r.repo.Put(hook), r.repo.Delete(&old))
		r.hooks.forget(old.ID)
		if err == nil {
			r.progress.Changed++
			return nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
		if hook, err = r.repo.HookOf(ctx, old.Tenant, old.Parent); err != nil {
			return err
		}
	}
	return nil
}
