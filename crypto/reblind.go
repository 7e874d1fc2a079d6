package crypto

import (
	"context"
	"fmt"
	"iter"
)

// A Reblinder is a Blinder whose index keys, one for each field of a tenant, have versions. It is optional; the engine finds
// it by type assertion. Tokens of another version are other tokens, so whoever looks values up by them has to go on finding
// what was stored under the older ones. A whole rotation of a field's keys is
//
//	RotateIndex, wait for SettleTime, AdoptIndex, wait for SettleTime, move everything to its new token, TrimIndex
//
// and at every moment of it Blinds gives every process the tokens that any other process may have stored something under.
type Reblinder interface {
	Blinder
	// Blinds returns the tokens of value under all versions of the index key: first the one that Blind returns, under which
	// new things are stored, then the others. Outside of a rotation there is only one.
	Blinds(ctx context.Context, at Scope, value []byte) ([][]byte, error)
	// RotateIndex gives the index keys of a field, those of every tenant, a new version. Blind does not use it yet. A key
	// that has two versions already gets no third.
	RotateIndex(ctx context.Context, field string) iter.Seq2[Progress, error]
	// AdoptIndex lets Blind use the newest versions of the index keys of a field. Call it no sooner than SettleTime after
	// RotateIndex: a process that does not know the new version must not miss what is stored under it.
	AdoptIndex(ctx context.Context, field string) iter.Seq2[Progress, error]
	// TrimIndex takes away the versions of the index keys of a field that Blind does not use any more. What is still stored
	// under their tokens is found by nobody afterwards, so it asks used about each tenant that has such versions and leaves
	// it alone, with ErrKeyInUse, when the answer is true.
	TrimIndex(ctx context.Context, field string, used func(ctx context.Context, tenant string) (bool, error)) iter.Seq2[Progress, error]
}

var _ Reblinder = (*Hierarchy)(nil)

// A ring of index keys uses its numbers in a way of its own: the version minDecrypt makes the tokens, newer ones are only
// looked up yet, older ones are only looked up still.

// Blind does what Blinder says, under an index key of the scope's tenant and field.
func (h *Hierarchy) Blind(ctx context.Context, at Scope, value []byte) ([]byte, error) {
	tokens, err := h.blinds(ctx, &at, value, 1)
	if err != nil {
		return nil, err
	}
	return tokens[0], nil
}

// Blinds does what Reblinder says.
func (h *Hierarchy) Blinds(ctx context.Context, at Scope, value []byte) ([][]byte, error) {
	return h.blinds(ctx, &at, value, maxVersions)
}

// blinds returns up to limit tokens of a value.
func (h *Hierarchy) blinds(ctx context.Context, at *Scope, value []byte, limit int) ([][]byte, error) {
	if err := at.check(); err != nil {
		return nil, err
	}
	for {
		r, err := h.ring(ctx, indexOwner(at.Tenant, at.Field), true)
		if err != nil {
			return nil, err
		}
		tokens, err := h.tokens(ctx, r, at, value, limit)
		if !h.lost(r, err) {
			return tokens, err
		}
	}
}

func indexOwner(tenant, field string) owner { return owner{ownerIndex, tenant, field} }

// tokens returns up to limit tokens of a value under the keys of a ring.
func (h *Hierarchy) tokens(ctx context.Context, r *ring, at *Scope, value []byte, limit int) ([][]byte, error) {
	tokens := make([][]byte, 1, 2)
	for i := len(r.versions) - 1; i >= 0; i-- {
		v := &r.versions[i]
		if used := v.number == r.minDecrypt; !used && len(tokens) == limit {
			continue
		}
		key, err := h.unwrapped(ctx, r, v)
		if err != nil {
			return nil, err
		}
		token, err := blind(key.key, at, value)
		switch {
		case err != nil:
			return nil, err
		case v.number == r.minDecrypt:
			tokens[0] = token
		default:
			tokens = append(tokens, token)
		}
	}
	if tokens[0] == nil {
		return nil, also(fmt.Errorf("%w: ring %s has no version %d", ErrRing, r.name(), r.minDecrypt), ErrMalformed)
	}
	return tokens, nil
}

// RotateIndex does what Reblinder says. It may be stopped at any point and called again.
func (h *Hierarchy) RotateIndex(ctx context.Context, field string) iter.Seq2[Progress, error] {
	return h.each(ctx, "", indexOf(field), func(r *ring) (bool, error) {
		if len(r.versions) > 1 {
			return false, nil
		}
		return true, h.addVersion(ctx, r)
	})
}

// AdoptIndex does what Reblinder says. It may be stopped at any point and called again.
func (h *Hierarchy) AdoptIndex(ctx context.Context, field string) iter.Seq2[Progress, error] {
	return h.each(ctx, "", indexOf(field), func(r *ring) (bool, error) {
		changed := r.minDecrypt != r.latest
		r.minDecrypt = r.latest
		return changed, nil
	})
}

// TrimIndex does what Reblinder says. It may be stopped at any point and called again.
func (h *Hierarchy) TrimIndex(ctx context.Context, field string, used func(ctx context.Context, tenant string) (bool, error)) iter.Seq2[Progress, error] {
	return h.each(ctx, "", indexOf(field), func(r *ring) (bool, error) {
		count := 0
		for r.versions[count].number < r.minDecrypt {
			count++
		}
		if count == 0 {
			return false, nil
		}
		inUse, err := used(ctx, r.owner.tenant)
		if err != nil {
			return false, err
		}
		if inUse {
			return false, fmt.Errorf("%w: version %d of ring %s", ErrKeyInUse, r.versions[0].number, r.name())
		}
		h.trim(r, count)
		return true, nil
	})
}

// indexOf selects the rings of a field's index keys. Tokens are made under an owner that is known in full, so the ID tells.
func indexOf(field string) func(StoredRing) bool {
	return func(stored StoredRing) bool { return stored.ID == indexOwner(stored.Tenant, field).ringID() }
}
