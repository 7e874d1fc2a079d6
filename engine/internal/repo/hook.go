package repo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
)

// A Hook is an address that starts a scenario, its Parent. Its ID is a hash of its token, so the store finds the hook by
// the token of a request without knowing the token; the token itself is sealed, so that people can be shown the address
// again.
type Hook struct {
	Envelope `json:"-"`

	Token string `json:"token"`
	// Module is the id of the blueprint's module that receives.
	Module int `json:"module"`
	// Options is how the receiver reads requests: a bundle as the engine encodes it.
	Options []byte `json:"options,omitempty"`
	// Methods and AllowFrom are the methods that it takes and the addresses that it takes requests from. None: all.
	Methods   []string       `json:"methods,omitempty"`
	AllowFrom []netip.Prefix `json:"allow_from,omitempty"`
	// Keys are the hashes of the keys of which a request must have one, salted with Salt, or with the Token when there is none.
	// None: it needs none.
	Keys [][]byte `json:"keys,omitempty"`
	// ResponseTimeout is how long a caller waits for an answer. Zero: as long as the engine says.
	ResponseTimeout time.Duration `json:"response_timeout,omitempty"`
	// Salt is the first token of a hook that was given another one. Revoked says when the rotation of keys was asked for that
	// did it last.
	Salt    string    `json:"salt,omitempty"`
	Revoked time.Time `json:"revoked,omitzero"`
}

// HookID returns the ID of the hook with this token. Tokens are unique over all tenants.
func HookID(token string) string { return NamedID(string(hookKind), token) }

const hookKind store.Kind = "hook"

func (*Hook) kind() store.Kind             { return hookKind }
func (*Hook) category() retention.Category { return retention.Scenario }
func (h *Hook) encode() ([]byte, error)    { return json.Marshal(h) }
func (h *Hook) decode(body []byte) error   { return json.Unmarshal(body, h) }

// HookOf returns the hook of a scenario, or nil when it has none.
func (r *Repo) HookOf(ctx context.Context, tenant, scenario string) (*Hook, error) {
	q := store.Query{Kind: hookKind, Tenant: tenant, Parent: scenario, Limit: 1}
	for doc, err := range r.find(ctx, q, func() Document { return new(Hook) }) {
		if err != nil {
			return nil, err
		}
		return doc.(*Hook), nil
	}
	return nil, nil
}

// HookByToken returns the hook with this token, whosever it is. store.ErrNotFound when there is none.
func (r *Repo) HookByToken(ctx context.Context, token string) (*Hook, error) {
	got, err := r.store.Get(ctx, store.Key{Kind: hookKind, ID: HookID(token)})
	if err != nil {
		return nil, err
	}
	if !r.policy.Visible(got, r.now()) {
		return nil, fmt.Errorf("%w: hook %s", store.ErrNotFound, got.ID)
	}
	hook := new(Hook)
	return hook, r.open(ctx, &got, hook)
}
