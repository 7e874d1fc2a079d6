package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/store"
)

var (
	// ErrRotating says that another call of Rotate, here or in another process, has taken over the rotation of this one.
	ErrRotating = errors.New("engine: somebody else carries on the rotation of keys")
	// ErrNoRotator says that the vault cannot do what was asked of Rotate. What Config.Keys makes can.
	ErrNoRotator = errors.New("engine: the vault cannot do that")
)

// RotateOptions say what is rotated. The zero value gives all keys that seal records a new version.
type RotateOptions struct {
	// Emergency is for keys that somebody may know who should not: the keeper begins a new epoch first, Index is set, and in
	// the end the keys of all older epochs are destroyed in the keeper, which loses whatever a copy of the stored keys holds.
	// Backups from before do not open with this keeper any more, so make one at once. It needs a vault that is a crypto.Rotator
	// and a crypto.Turner, or returns ErrNoRotator.
	Emergency bool
	// Index also rotates the keys by which entries of data stores and people are found, and moves all entries and identifiers to
	// the IDs that follow from the new ones. The tokens by which erased people are recognized stay: what they were made of is
	// gone. It needs a vault that is a crypto.Reblinder, or returns ErrNoRotator.
	Index bool
	// RevokeHooks gives every hook a new address, and the old ones answer 404: at once in this process, after a second in
	// others. Scenario shows the new ones; API keys stay.
	RevokeHooks bool
	// Own brings what the host has sealed itself, with Engine.Vault, to the new versions: with Vault.Rewrap and
	// Streamer.RewrapStream, whose results it stores. It is called when every process seals under the new versions, and the old
	// ones are taken away when it has returned nil; an error ends the loop and leaves them. A rotation that was cut off calls
	// it again, so give it with every call. Default: none, and what the host has sealed is lost with the old versions.
	Own func(ctx context.Context) error
}

// A RotatePhase is a part of a rotation.
type RotatePhase string

// The phases of a rotation, in the order in which they come. Those that were not asked for, or that the vault does not have,
// are left out.
const (
	// PhaseEpoch begins a new epoch of the keeper, and counts owners whose keys are wrapped anew.
	PhaseEpoch RotatePhase = "epoch"
	// PhaseKeys makes new versions, and counts owners of keys: tenants, people, confidential runs.
	PhaseKeys RotatePhase = "keys"
	// PhaseHooks gives hooks new addresses, and counts hooks.
	PhaseHooks RotatePhase = "hooks"
	// PhaseRewrap brings records to the new versions, and counts records.
	PhaseRewrap RotatePhase = "rewrap"
	// PhaseSettle waits until no process works with what was before.
	PhaseSettle RotatePhase = "settle"
	// PhaseIndex moves entries of data stores and identifiers of people, and counts them. It begins with a wait of its own.
	PhaseIndex RotatePhase = "index"
	// PhaseOwn calls RotateOptions.Own.
	PhaseOwn RotatePhase = "own"
	// PhaseVerify opens every record once more and brings what others have sealed meanwhile to the new versions.
	PhaseVerify RotatePhase = "verify"
	// PhaseRetire stops old versions from opening anything, and counts owners.
	PhaseRetire RotatePhase = "retire"
	// PhaseTrim takes the old versions away, and counts owners.
	PhaseTrim RotatePhase = "trim"
	// PhaseDestroy destroys the keys of older epochs in the keeper.
	PhaseDestroy RotatePhase = "destroy"
	// PhaseCheck is that of CheckKeys, and counts records.
	PhaseCheck RotatePhase = "check"
)

// RotateProgress says how far a rotation has come.
type RotateProgress struct {
	// Phase is the one under way.
	Phase RotatePhase
	// Kind is the kind of the records that the phase is at. Empty: it has none.
	Kind string
	// Done counts what the phase has dealt with, and Changed what of it was written anew. A phase that is taken up again
	// begins where it was.
	Done, Changed int64
	// Total is how much there was to do when the phase began. Zero: it is not known.
	Total int64
	// Failed counts the records that do not open, but for those of which Rotate says nothing because their keys were destroyed.
	Failed int64
	// Shredded counts the records whose keys were destroyed: all that the last pass over all records has met.
	Shredded int64
	// Rate is how many the phase deals with in a second.
	Rate float64
	// Until is what the phase waits for. Zero: it does not wait.
	Until time.Time
	// Finished says that this is the last one and that there is nothing left to do.
	Finished bool
}

// Left is how much of the phase is left, as far as that is known.
func (p RotateProgress) Left() int64 { return max(0, p.Total-p.Done) }

// A RecordError says that a record does not open. It wraps the reason: crypto.ErrShredded when its keys were destroyed,
// crypto.ErrKeyTooOld when they were retired, crypto.ErrNoKey when they are not there, crypto.ErrScope when it was sealed
// elsewhere or changed, crypto.ErrMalformed when it is no envelope, crypto.ErrNewer when a newer version wrote it,
// store.ErrCorrupt when the store cannot read it; and store.ErrConflict for an entry of a data store whose key has another
// entry, or for what leads to a person whom something else leads to.
type RecordError struct {
	// Kind, ID and Tenant are those of the record. A record that the store cannot read may have lost ID and Tenant.
	Kind, ID, Tenant string
	// Err is the reason.
	Err error
}

// Error names kind and ID, not what the record says.
func (e *RecordError) Error() string {
	return fmt.Sprintf("%s %s: %v", e.Kind, e.ID, e.Err)
}

// Unwrap returns the reason.
func (e *RecordError) Unwrap() error { return e.Err }

// Rotate gives the keys of all tenants new versions, brings everything that is stored to them, and takes the old ones away. It
// yields its progress as it goes, after every few hundred records. Nothing else has to stop meanwhile, in this process or in
// others: whatever can be read before can be read at every moment.
//
// This process seals under the new versions at once, others do so after HierarchyConfig.KeyTime at the latest, or as soon as
// they meet something that is under a new version. So Rotate waits for crypto.Rotator.SettleTime, twice KeyTime, before it takes
// an old version away, and once more when IDs of entries change. A process that stands still for longer than that between
// sealing something and storing it stores what does not open any more.
//
// It can be stopped anywhere: by leaving the loop, by ctx, by an error that ends the loop, by a crash. Nothing is lost then:
// everything opens, some of it under old versions, and the next call carries on. What was asked for the first time is done to
// its end, and what is asked for now beyond that makes it begin anew. A call takes over from one that is under way, which ends
// with ErrRotating. What is under way is a record of the store, which holds no secrets.
//
// A record that does not open is reported with a *RecordError, and the loop goes on: nothing of it is touched. The version that
// it is under is in use, so it stays, and so do all older versions of the same owner: that is reported with
// crypto.ErrKeyInUse, too. Delete such a record, with Config.Store by its Kind and ID, or bring back what it needs, and rotate
// again. One whose keys were destroyed holds up nothing and is not reported but counted, see RotateProgress.Shredded; CheckKeys
// lists them. A record that the store cannot read may be under any key, so as long as there is one, all old versions stay. Every
// other error ends the loop.
//
// What the host has sealed itself with Engine.Vault is no record that Rotate knows: RotateOptions.Own brings it to the new
// versions, or it is lost with the old ones.
//
// How much of it there is depends on the vault. A crypto.Hierarchy, which Config.Keys makes, has all of it. A crypto.Keyring
// gets a new key, and the old ones stay in its file. Of any other vault that is no crypto.Rotator, Rotate expects that it has a
// new key already.
func (e *Engine) Rotate(ctx context.Context, options RotateOptions) iter.Seq2[RotateProgress, error] {
	return e.rotating(ctx, func(ctx context.Context, r *rotation) error { return r.run(ctx, options) })
}

// CheckKeys opens every record of all tenants and reports those that do not open, each with a *RecordError that tells why. It
// changes nothing, and goes on behind such a record. Any other error ends the loop. The last progress is Finished, with Done,
// Failed and Shredded of all: Failed counts those whose keys were destroyed on purpose, too, so something is wrong when it is more
// than Shredded. What the host has sealed itself and keeps elsewhere than in Config.Store is not looked at.
func (e *Engine) CheckKeys(ctx context.Context) iter.Seq2[RotateProgress, error] {
	return e.rotating(ctx, func(ctx context.Context, r *rotation) error {
		r.enter(PhaseCheck)
		return r.records(ctx, "", "", r.repo.Verify, nil)
	})
}

// rotating runs a loop whose body gets progress.
func (e *Engine) rotating(ctx context.Context, run func(context.Context, *rotation) error) iter.Seq2[RotateProgress, error] {
	return func(yield func(RotateProgress, error) bool) {
		if err := e.open(); err != nil {
			yield(RotateProgress{}, err)
			return
		}
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		defer context.AfterFunc(e.closing, func() { cancel(ErrClosed) })() //nolint:contextcheck // the engine may be closed before ctx ends
		r := &rotation{core: e.core, yield: yield, began: time.Now(), reported: map[store.Key]struct{}{}}
		switch err := run(ctx, r); {
		case errors.Is(err, errLeft):
		case err != nil:
			if e.open() != nil {
				err = ErrClosed
			}
			yield(r.progress, err)
		default:
			r.progress.Finished = true
			yield(r.progress, nil)
		}
	}
}

// errLeft says that the loop over the progress was left.
var errLeft = errors.New("the loop was left")

// A rotation is one call of Rotate or CheckKeys.
type rotation struct {
	*core
	yield    func(RotateProgress, error) bool
	state    *repo.Rotation
	saved    time.Time // when state was written last
	progress RotateProgress
	began    time.Time // when this call began
	since    time.Time // when the phase began
	versions time.Time // when this call has made versions; zero if it has not

	own       func(context.Context) error // RotateOptions.Own
	rotator   crypto.Rotator              // nil: the vault is none
	turner    crypto.Turner               // nil: the vault is none
	reblinder crypto.Reblinder            // nil: the vault is none

	// kinds are those of the records to look at, totals how many there are of each.
	kinds  []store.Kind
	totals map[store.Kind]int64
	// reported are the records that were reported as broken. used are the keys that some of them are under, unreadable is how
	// many may be under any, and stuck has the tenants with records of a kind that cannot be moved.
	reported   map[store.Key]struct{}
	used       map[[16]byte]struct{}
	unreadable int64
	stuck      map[store.Kind]map[string]struct{}
}

// A keyAdder is a vault that can be given a new key, as crypto.Keyring can.
type keyAdder interface {
	AddKey(ctx context.Context) error
}

// A phase is a part of a rotation and what it does.
type phase struct {
	name RotatePhase
	do   func(context.Context) error
	// skip says that there is nothing to do.
	skip bool
}

// run does a rotation, or what is left of one.
func (r *rotation) run(ctx context.Context, options RotateOptions) error {
	r.own = options.Own
	r.rotator, _ = r.cfg.Vault.(crypto.Rotator)
	r.turner, _ = r.cfg.Vault.(crypto.Turner)
	r.reblinder, _ = r.cfg.Vault.(crypto.Reblinder)
	if options.Emergency {
		options.Index = options.Index || r.reblinder != nil
		if r.rotator == nil || r.turner == nil {
			return fmt.Errorf("%w: an emergency needs keys with versions and epochs: set Config.Keys", ErrNoRotator)
		}
	}
	if options.Index && (r.rotator == nil || r.reblinder == nil) {
		return fmt.Errorf("%w: it has index keys without versions: set Config.Keys", ErrNoRotator)
	}
	if err := r.resume(ctx, options); err != nil {
		return err
	}
	versioned := r.rotator != nil
	phases := []phase{
		{PhaseEpoch, r.beginEpoch, !r.state.Emergency},
		{PhaseKeys, r.makeVersions, false},
		{PhaseHooks, r.revokeHooks, !r.state.Hooks},
		{PhaseRewrap, r.rewrap, false},
		{PhaseSettle, r.settleVersions, !versioned},
		{PhaseIndex, r.moveAll, !r.state.Index},
		{PhaseOwn, options.Own, options.Own == nil || versioned}, // else verify does it, also when it begins anew
		{PhaseVerify, r.verify, !versioned},
		{PhaseDestroy, r.destroyEpochs, !r.state.Emergency},
	}
	from := slices.IndexFunc(phases, func(p phase) bool { return string(p.name) == r.state.Phase })
	if from < 0 {
		return fmt.Errorf("%w: the rotation under way is in a phase %q that this version does not know", ErrNoRotator, r.state.Phase)
	}
	for i, p := range phases[from:] {
		if p.skip {
			continue
		}
		if i > 0 {
			r.state.Phase, r.state.Kind, r.state.After = string(p.name), "", ""
			if err := r.save(ctx); err != nil {
				return err
			}
		}
		r.enter(p.name)
		if err := p.do(ctx); err != nil {
			return err
		}
	}
	return r.taken(r.repo.EndRotation(ctx, r.state))
}

// resume finds the rotation that is under way, or begins one, and makes it that of this call.
func (r *rotation) resume(ctx context.Context, options RotateOptions) error {
	state, err := r.repo.Rotation(ctx)
	if err != nil {
		return err
	}
	r.state = state
	more := options.Emergency && !state.Emergency || options.Index && !state.Index || options.RevokeHooks && !state.Hooks
	if state.Version == 0 || more {
		*state = repo.Rotation{
			Version: state.Version, Created: r.now(), Phase: string(PhaseEpoch),
			Emergency: options.Emergency || state.Emergency, Index: options.Index || state.Index, Hooks: options.RevokeHooks || state.Hooks,
		}
	}
	return r.save(ctx)
}

// save writes how far the rotation has come. ErrRotating: another call has it now.
func (r *rotation) save(ctx context.Context) error {
	r.saved = time.Now()
	return r.taken(r.repo.SaveRotation(ctx, r.state))
}

func (r *rotation) taken(err error) error {
	if errors.Is(err, store.ErrConflict) {
		return ErrRotating
	}
	return err
}

// enter begins a phase.
func (r *rotation) enter(phase RotatePhase) {
	r.since = time.Now()
	r.progress = RotateProgress{Phase: phase, Failed: r.progress.Failed, Shredded: r.progress.Shredded}
}

// report yields the progress, with an error that does not end the loop.
func (r *rotation) report(err error) error {
	if spent := time.Since(r.since).Seconds(); spent > 0 {
		r.progress.Rate = float64(r.progress.Done) / spent
	}
	if !r.yield(r.progress, err) {
		return errLeft
	}
	return nil
}

// wait waits until an instant, and says so.
func (r *rotation) wait(ctx context.Context, left time.Duration) error {
	if left <= 0 {
		return nil
	}
	r.progress.Until = r.now().Add(left)
	if err := r.report(nil); err != nil {
		return err
	}
	err := pause(ctx, left)
	r.progress.Until = time.Time{}
	return err
}
