package vaulttest_test

import (
	"context"
	"iter"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/vaulttest"
)

type (
	progress = iter.Seq2[crypto.Progress, error]
	asking   = func(context.Context, [16]byte) (bool, error)
	tenants  = func(context.Context, string) (bool, error)
)

// tower is a hierarchy that can be made to do something else.
type tower struct {
	*crypto.Hierarchy
	keeper crypto.Keeper

	rotate      func(h *crypto.Hierarchy, ctx context.Context, after string) progress
	retire      func(h *crypto.Hierarchy, ctx context.Context, used asking) progress
	reinstate   func(h *crypto.Hierarchy, ctx context.Context) progress
	trim        func(h *crypto.Hierarchy, ctx context.Context, used asking) progress
	settle      func(h *crypto.Hierarchy) time.Duration
	epoch       func(h *crypto.Hierarchy, ctx context.Context) (crypto.Epoch, error)
	turn        func(h *tower, ctx context.Context, now bool) progress
	blinds      func(h *crypto.Hierarchy, ctx context.Context, at crypto.Scope, value []byte) ([][]byte, error)
	rotateIndex func(h *crypto.Hierarchy, ctx context.Context, field string) progress
	adoptIndex  func(h *crypto.Hierarchy, ctx context.Context, field string) progress
	trimIndex   func(h *crypto.Hierarchy, ctx context.Context, field string, used tenants) progress

	keyTime time.Duration
	under   func(crypto.Keeper) crypto.Keeper
}

func newTower() *tower {
	return &tower{
		rotate:      (*crypto.Hierarchy).Rotate,
		retire:      (*crypto.Hierarchy).Retire,
		reinstate:   (*crypto.Hierarchy).Reinstate,
		trim:        (*crypto.Hierarchy).Trim,
		settle:      (*crypto.Hierarchy).SettleTime,
		epoch:       (*crypto.Hierarchy).Epoch,
		turn:        func(h *tower, ctx context.Context, now bool) progress { return h.Hierarchy.Turn(ctx, now) },
		blinds:      (*crypto.Hierarchy).Blinds,
		rotateIndex: (*crypto.Hierarchy).RotateIndex,
		adoptIndex:  (*crypto.Hierarchy).AdoptIndex,
		trimIndex:   (*crypto.Hierarchy).TrimIndex,
		keyTime:     3 * time.Millisecond,
		under:       func(k crypto.Keeper) crypto.Keeper { return k },
	}
}

func (w *tower) Rotate(ctx context.Context, after string) progress {
	return w.rotate(w.Hierarchy, ctx, after)
}
func (w *tower) Retire(ctx context.Context, used asking) progress {
	return w.retire(w.Hierarchy, ctx, used)
}
func (w *tower) Reinstate(ctx context.Context) progress { return w.reinstate(w.Hierarchy, ctx) }
func (w *tower) Trim(ctx context.Context, used asking) progress {
	return w.trim(w.Hierarchy, ctx, used)
}
func (w *tower) SettleTime() time.Duration { return w.settle(w.Hierarchy) }
func (w *tower) Epoch(ctx context.Context) (crypto.Epoch, error) {
	return w.epoch(w.Hierarchy, ctx)
}
func (w *tower) Turn(ctx context.Context, now bool) progress { return w.turn(w, ctx, now) }
func (w *tower) Blinds(ctx context.Context, at crypto.Scope, value []byte) ([][]byte, error) {
	return w.blinds(w.Hierarchy, ctx, at, value)
}
func (w *tower) RotateIndex(ctx context.Context, field string) progress {
	return w.rotateIndex(w.Hierarchy, ctx, field)
}
func (w *tower) AdoptIndex(ctx context.Context, field string) progress {
	return w.adoptIndex(w.Hierarchy, ctx, field)
}
func (w *tower) TrimIndex(ctx context.Context, field string, used tenants) progress {
	return w.trimIndex(w.Hierarchy, ctx, field, used)
}

// opener opens towers that are changed.
func opener(change func(*tower)) vaulttest.Opener {
	return func(t *testing.T) (crypto.Vault, func(*testing.T) crypto.Vault) {
		keeper, keys := crypto.NewKeyring(), crypto.NewKeyStore()
		again := func(t *testing.T) crypto.Vault {
			w := newTower()
			w.keeper = keeper
			change(w)
			var err error
			w.Hierarchy, err = crypto.NewHierarchy(t.Context(), crypto.HierarchyConfig{Keeper: w.under(keeper), Keys: keys, KeyTime: w.keyTime})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, w.Close()) })
			return w
		}
		return again(t), again
	}
}

func keeperOf(v crypto.Vault) crypto.Keeper { return v.(*tower).keeper }

func TestHierarchyKeepsTheRotatorContract(t *testing.T) {
	t.Parallel()
	vaulttest.Rotator(t, opener(func(*tower) {}))
}

func TestHierarchyKeepsTheTurnerContract(t *testing.T) {
	t.Parallel()
	vaulttest.Turner(t, opener(func(*tower) {}), keeperOf)
}

func TestHierarchyKeepsTheReblinderContract(t *testing.T) {
	t.Parallel()
	vaulttest.Reblinder(t, opener(func(*tower) {}))
}

// nothing is a loop that does nothing and says that it is through.
func nothing(yield func(crypto.Progress, error) bool) { yield(crypto.Progress{Finished: true}, nil) }

// both is a loop that does one thing silently and then another.
func both(first, second progress) progress {
	return func(yield func(crypto.Progress, error) bool) {
		for _, err := range first {
			if err != nil {
				yield(crypto.Progress{}, err)
				return
			}
		}
		second(yield)
	}
}

func unused(context.Context, [16]byte) (bool, error)     { return false, nil }
func unusedTenant(context.Context, string) (bool, error) { return false, nil }

// immortal is a keeper that says that it destroys epochs.
type immortal struct{ crypto.Keeper }

func (immortal) DestroyEpoch(context.Context, uint32) (time.Time, error) { return time.Now(), nil }

// A broken tower and the clauses of a suite that it must fail.
type brokenTower struct {
	suite  string
	change func(*tower)
	fails  []string
}

func brokenTowers() map[string]brokenTower {
	type h = crypto.Hierarchy
	deaf := context.WithoutCancel
	return map[string]brokenTower{
		"makes no version": {"rotator", func(w *tower) {
			w.rotate = func(*h, context.Context, string) progress { return nothing }
		}, []string{"NewVersionSeals", "GoesOn"}},
		"retires what is in use": {"rotator", func(w *tower) {
			w.rotate = func(v *h, ctx context.Context, after string) progress {
				return both(v.Rotate(ctx, after), v.Retire(ctx, nil))
			}
		}, []string{"NewVersionSeals", "OldVersionsOpen"}},
		"always begins at the beginning": {"rotator", func(w *tower) {
			w.rotate = func(v *h, ctx context.Context, _ string) progress { return v.Rotate(ctx, "") }
		}, []string{"GoesOn"}},
		"settles too early": {"rotator", func(w *tower) {
			w.keyTime, w.settle = time.Minute, func(*h) time.Duration { return 0 }
		}, []string{"NewVersionSeals"}},
		"takes its time": {"rotator", func(w *tower) { w.keyTime = time.Minute }, []string{"NewVersionSeals", "Canceled"}},
		"retires nothing": {"rotator", func(w *tower) {
			w.retire = func(*h, context.Context, asking) progress { return nothing }
		}, []string{"Retire", "RetireInUse", "RetireUnknown"}},
		"retires without asking": {"rotator", func(w *tower) {
			w.retire = func(v *h, ctx context.Context, _ asking) progress { return v.Retire(ctx, nil) }
		}, []string{"Retire", "RetireInUse", "RetireUnknown"}},
		"reinstates nothing": {"rotator", func(w *tower) {
			w.reinstate = func(*h, context.Context) progress { return nothing }
		}, []string{"Reinstate", "TrimInUse"}},
		"trims nothing": {"rotator", func(w *tower) {
			w.trim = func(*h, context.Context, asking) progress { return nothing }
		}, []string{"Trim", "TrimInUse"}},
		"trims what opens": {"rotator", func(w *tower) {
			w.trim = func(v *h, ctx context.Context, used asking) progress {
				return both(v.Retire(ctx, nil), v.Trim(ctx, used))
			}
		}, []string{"TrimKeepsWhatOpens"}},
		"trims without asking": {"rotator", func(w *tower) {
			w.trim = func(v *h, ctx context.Context, _ asking) progress { return v.Trim(ctx, unused) }
		}, []string{"TrimInUse", "RetireUnknown"}},
		"is deaf": {"rotator", func(w *tower) {
			w.rotate = func(v *h, ctx context.Context, after string) progress { return v.Rotate(deaf(ctx), after) }
		}, []string{"Canceled"}},

		"begins no epoch": {"turner", func(w *tower) {
			w.turn = func(w *tower, ctx context.Context, _ bool) progress { return w.Hierarchy.Turn(ctx, false) }
		}, []string{"Begins", "Left"}},
		"begins an epoch each time": {"turner", func(w *tower) {
			w.turn = func(w *tower, ctx context.Context, _ bool) progress { return w.Hierarchy.Turn(ctx, true) }
		}, []string{"NotDue"}},
		"destroys no epoch": {"turner", func(w *tower) {
			w.under = func(k crypto.Keeper) crypto.Keeper { return immortal{k} }
		}, []string{"Destroys", "Left"}},
		"wraps nothing anew": {"turner", func(w *tower) {
			w.turn = func(w *tower, ctx context.Context, now bool) progress {
				return func(yield func(crypto.Progress, error) bool) {
					e, err := w.keeper.NewEpoch(ctx)
					if err == nil {
						_, err = w.keeper.DestroyEpoch(ctx, e.Number-1)
					}
					yield(crypto.Progress{Finished: err == nil}, err)
				}
			}
		}, []string{"LosesNothing", "NotDue"}},
		"knows an old epoch": {"turner", func(w *tower) {
			var first crypto.Epoch
			w.epoch = func(v *h, ctx context.Context) (crypto.Epoch, error) {
				if first.Number != 0 {
					return first, ctx.Err()
				}
				var err error
				first, err = v.Epoch(ctx)
				return first, err
			}
		}, []string{"Epoch", "Begins"}},
		"turns deaf": {"turner", func(w *tower) {
			w.turn = func(w *tower, ctx context.Context, now bool) progress { return w.Hierarchy.Turn(deaf(ctx), now) }
		}, []string{"Canceled"}},

		"knows one token": {"reblinder", func(w *tower) {
			w.blinds = func(v *h, ctx context.Context, at crypto.Scope, value []byte) ([][]byte, error) {
				token, err := v.Blind(ctx, at, value)
				return [][]byte{token}, err
			}
		}, []string{"KnownBeforeUsed", "Adopt"}},
		"gives the others first": {"reblinder", func(w *tower) {
			w.blinds = func(v *h, ctx context.Context, at crypto.Scope, value []byte) ([][]byte, error) {
				all, err := v.Blinds(ctx, at, value)
				slices.Reverse(all)
				return all, err
			}
		}, []string{"KnownBeforeUsed", "Adopt"}},
		"uses what nobody knows yet": {"reblinder", func(w *tower) {
			w.rotateIndex = func(v *h, ctx context.Context, field string) progress {
				return both(v.RotateIndex(ctx, field), v.AdoptIndex(ctx, field))
			}
		}, []string{"KnownBeforeUsed"}},
		"adopts nothing": {"reblinder", func(w *tower) {
			w.adoptIndex = func(*h, context.Context, string) progress { return nothing }
		}, []string{"Adopt", "Trim"}},
		"forgets the older tokens": {"reblinder", func(w *tower) {
			w.adoptIndex = func(v *h, ctx context.Context, field string) progress {
				return both(v.AdoptIndex(ctx, field), v.TrimIndex(ctx, field, unusedTenant))
			}
		}, []string{"Adopt", "NoThirdVersion", "TrimInUse"}},
		"trims no index": {"reblinder", func(w *tower) {
			w.trimIndex = func(*h, context.Context, string, tenants) progress { return nothing }
		}, []string{"Trim", "TrimInUse", "TrimUnknown"}},
		"trims indexes without asking": {"reblinder", func(w *tower) {
			w.trimIndex = func(v *h, ctx context.Context, field string, _ tenants) progress {
				return v.TrimIndex(ctx, field, unusedTenant)
			}
		}, []string{"TrimInUse", "TrimUnknown"}},
		"takes one field for another": {"reblinder", func(w *tower) {
			w.adoptIndex = func(v *h, ctx context.Context, field string) progress {
				return both(both(v.RotateIndex(ctx, "phone"), v.AdoptIndex(ctx, "phone")), v.AdoptIndex(ctx, field))
			}
		}, []string{"OtherFields"}},
		"indexes deaf": {"reblinder", func(w *tower) {
			w.rotateIndex = func(v *h, ctx context.Context, field string) progress { return v.RotateIndex(deaf(ctx), field) }
		}, []string{"Canceled"}},
		"tokens follow the keys that seal": {"reblinder", func(w *tower) {
			w.rotate = func(v *h, ctx context.Context, after string) progress {
				return both(v.AdoptIndex(ctx, "mail"), v.Rotate(ctx, after))
			}
		}, []string{"OtherKeys"}},
	}
}

// TestBrokenTowerFails runs a suite in a process of its own for each tower, because a suite that fails fails its test.
func TestBrokenTowerFails(t *testing.T) {
	t.Parallel()
	if name := os.Getenv("EBB_TEST_TOWER"); name != "" {
		broken := brokenTowers()[name]
		t.Run("suite", func(t *testing.T) {
			switch open := opener(broken.change); broken.suite {
			case "rotator":
				vaulttest.Rotator(t, open)
			case "turner":
				vaulttest.Turner(t, open, keeperOf)
			default:
				vaulttest.Reblinder(t, open)
			}
		})
		return
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	for name, broken := range brokenTowers() {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestBrokenTowerFails$", "-test.v")
			cmd.Env = append(os.Environ(), "EBB_TEST_TOWER="+name)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit)
			require.NotContains(t, string(out), "panic:")
			for _, clause := range broken.fails {
				require.Contains(t, string(out), "--- FAIL: TestBrokenTowerFails/suite/"+clause+" ")
			}
			if name != "takes its time" { // which none of them waits for
				require.Contains(t, string(out), "--- PASS: TestBrokenTowerFails/suite/", "the suite fails as a whole, not in its clauses")
			}
		})
	}
}
