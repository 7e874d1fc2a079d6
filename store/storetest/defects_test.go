package storetest_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

// defects are stores that break one clause of the contract each, by what they do.
var defects = map[string]defect{
	"applies one by one": {"ApplyIsAllOrNothing", func(good *memory.Store, h *hooked) {
		h.apply = func(ctx context.Context, changes ...store.Change) error {
			for _, c := range changes {
				if err := good.Apply(ctx, c); err != nil {
					return err
				}
			}
			return nil
		}
	}},
	"drops the last change": {"ApplyOfManyKinds", func(good *memory.Store, h *hooked) {
		h.apply = func(ctx context.Context, changes ...store.Change) error {
			return good.Apply(ctx, changes[:max(0, len(changes)-1)]...)
		}
	}},
	"overwrites other versions": {"WriteNeedsTheStoredVersion", applies(func(good *memory.Store, _ string, r *store.Record) {
		r.Version = stored(good, r.Key).Version
	})},
	"creates over what is there": {"PutOfZeroVersionOnlyCreates", applies(func(good *memory.Store, _ string, r *store.Record) {
		if s := stored(good, r.Key); r.Version == 0 {
			r.Version, r.Tenant = s.Version, s.Tenant
		}
	})},
	"forgets whose record it is": {"WriteNeedsTheStoredTenant", applies(func(good *memory.Store, _ string, r *store.Record) {
		if s := stored(good, r.Key); s.Version > 0 {
			r.Tenant = s.Tenant
		}
	})},
	"checks nothing": {"CheckOfZeroVersionDemandsAbsence", applies(func(good *memory.Store, name string, r *store.Record) {
		if name == "check" {
			r.Version, r.Tenant = stored(good, r.Key).Version, stored(good, r.Key).Tenant
		}
	})},
	"keeps microseconds": {"PutKeepsEveryField", applies(func(_ *memory.Store, _ string, r *store.Record) {
		r.Created = r.Created.Truncate(time.Microsecond)
	})},
	"sorts subjects": {"PutKeepsEveryField", applies(func(_ *memory.Store, _ string, r *store.Record) { slices.Sort(r.Subjects) })},
	"ends texts at NUL": {"PutKeepsOddTexts", applies(func(_ *memory.Store, _ string, r *store.Record) {
		r.State, _, _ = strings.Cut(r.State, "\x00")
	})},
	"trims parents": {"PutKeepsOddTexts", applies(func(_ *memory.Store, _ string, r *store.Record) {
		r.Parent = strings.TrimSpace(r.Parent)
	})},
	"cuts bodies at a megabyte": {"PutKeepsBodiesUpTo16MiB", applies(func(_ *memory.Store, _ string, r *store.Record) {
		r.Body = r.Body[:min(len(r.Body), 1<<20)]
	})},
	"ignores the passive instant": {"PutKeepsEveryField", applies(func(_ *memory.Store, _ string, r *store.Record) {
		r.Passive = time.Time{}
	})},
	"touches the body": {"TouchKeepsTheBody", func(good *memory.Store, h *hooked) {
		h.apply = func(ctx context.Context, changes ...store.Change) error {
			if err := store.Validate(changes); err != nil {
				return err
			}
			for i, c := range changes {
				if c.Touch != nil {
					changes[i] = store.Change{Put: c.Touch}
				}
			}
			return good.Apply(ctx, changes...)
		}
	}},
	"sets versions when it fails": {"ApplySetsVersionsOnlyOnSuccess", func(good *memory.Store, h *hooked) {
		h.apply = func(ctx context.Context, changes ...store.Change) error {
			err := good.Apply(ctx, changes...)
			if err != nil && len(changes) > 0 && changes[0].Put != nil {
				changes[0].Put.Version++
			}
			return err
		}
	}},
	"lets versions go on after a deletion": {"DeleteIsForGood", applies(func(good *memory.Store, name string, r *store.Record) {
		if name == "delete" {
			// It writes a grave instead.
			grave := stored(good, r.Key)
			grave.Created = grave.Created.Add(1)
			_ = good.Apply(context.Background(), store.Change{Put: &grave})
			*r = grave
			r.Version--
		}
	})},
	"hands out its own memory": {"RecordsBelongToTheirHolder", func(good *memory.Store, h *hooked) {
		bodies := map[store.Key][]byte{}
		h.get = func(ctx context.Context, key store.Key) (store.Record, error) {
			r, err := good.Get(ctx, key)
			if b, ok := bodies[key]; ok {
				r.Body = b
			}
			bodies[key] = r.Body
			return r, err
		}
	}},
	"shows local time": {"InstantsLoseOnlyTheirLocation", shows(func(r *store.Record) {
		r.Created = r.Created.In(time.FixedZone("here", 3600))
	})},
	"hides passive records from Get": {"PassiveRecordIsStillFetchedByKey", func(good *memory.Store, h *hooked) {
		h.get = func(ctx context.Context, key store.Key) (store.Record, error) {
			r, err := good.Get(ctx, key)
			if !r.Passive.IsZero() {
				return store.Record{}, store.ErrNotFound
			}
			return r, err
		}
	}},
	"takes any key": {"BadKeyIsRefused", func(good *memory.Store, h *hooked) {
		h.get = func(ctx context.Context, key store.Key) (store.Record, error) {
			if key.Validate() != nil {
				return store.Record{}, store.ErrNotFound
			}
			return good.Get(ctx, key)
		}
	}},
	"takes any subjects": {"BadRecordIsRefused", func(good *memory.Store, h *hooked) {
		h.apply = func(ctx context.Context, changes ...store.Change) error {
			return good.Apply(ctx, changed(changes, func(_ string, r *store.Record) {
				slices.Sort(r.Subjects)
				r.Subjects = slices.Compact(r.Subjects)
			})...)
		}
	}},
	"takes a key twice": {"BadChangeIsRefused", func(good *memory.Store, h *hooked) {
		h.apply = func(ctx context.Context, changes ...store.Change) error {
			err := good.Apply(ctx, changes...)
			if err != nil && strings.Contains(err.Error(), "twice") && !strings.Contains(err.Error(), "subjects") {
				return nil
			}
			return err
		}
	}},
	"writes before it refuses": {"RefusedCallWritesNothing", func(good *memory.Store, h *hooked) {
		h.apply = func(ctx context.Context, changes ...store.Change) error {
			if err := store.Validate(changes); err != nil && len(changes) > 1 {
				_ = good.Apply(ctx, changes[0])
				return err
			}
			return good.Apply(ctx, changes...)
		}
	}},
	"tells values in errors": {"RefusalShowsNoFieldValues", func(good *memory.Store, h *hooked) {
		h.apply = func(ctx context.Context, changes ...store.Change) error {
			err := good.Apply(ctx, changes...)
			if err != nil && changes[0].Put != nil {
				err = errors.Join(err, errors.New(changes[0].Put.Tenant))
			}
			return err
		}
	}},
	"mixes tenants":          {"FindNeverMixesTenants", asks(func(q *store.Query) { q.Tenant, q.AllTenants = "", true })},
	"shows passive records":  {"FindHidesPassiveRecords", asks(func(q *store.Query) { q.Visibility = store.Everything })},
	"ignores categories":     {"FindMatchesEachField", asks(func(q *store.Query) { q.Category = "" })},
	"ignores subjects":       {"FindMatchesEachField", asks(func(q *store.Query) { q.Subject = "" })},
	"ignores states":         {"FindMatchesWhatMatchesSays", asks(func(q *store.Query) { q.State = "" })},
	"ignores the direction":  {"FindIsInOrderOfIDs", asks(func(q *store.Query) { q.Reverse = false })},
	"ignores where to start": {"FindStartsAfter", asks(func(q *store.Query) { q.After = "" })},
	"yields one too many":    {"FindEndsAtLimit", asks(func(q *store.Query) { q.Limit += min(q.Limit, 1) })},
	"reads bodies always":    {"FindOfKeysOnly", asks(func(q *store.Query) { q.KeysOnly = false })},
	"counts the bound itself": {"FindBoundsAreExclusive", asks(func(q *store.Query) {
		if !q.CreatedBefore.IsZero() {
			q.CreatedBefore = q.CreatedBefore.Add(1)
		}
	})},
	"yields by age": {"FindIsInOrderOfIDs", func(good *memory.Store, h *hooked) {
		h.find = func(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
			return func(yield func(store.Record, error) bool) {
				var all []store.Record
				for r, err := range good.Find(ctx, q) {
					if err != nil {
						yield(r, err)
						return
					}
					all = append(all, r)
				}
				slices.SortStableFunc(all, func(a, b store.Record) int { return strings.Compare(a.ID[20:], b.ID[20:]) })
				for _, r := range all {
					if !yield(r, nil) {
						return
					}
				}
			}
		}
	}},
	"pages by number": {"LoopMayDeleteWhatItSees", func(good *memory.Store, h *hooked) {
		// The classic: skip what was seen, by count. What is deleted meanwhile shifts the pages.
		h.find = func(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
			return func(yield func(store.Record, error) bool) {
				for seen := 0; ; {
					n, at := 0, 0
					for r, err := range good.Find(ctx, q) {
						if at++; at <= seen {
							continue
						}
						if !yield(r, err) || err != nil {
							return
						}
						if n++; n == 100 {
							break
						}
					}
					if n == 0 {
						return
					}
					seen += n
				}
			}
		}
	}},
	"goes on after its error": {"ContextEndsALoop", func(good *memory.Store, h *hooked) {
		h.find = func(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
			return good.Find(context.WithoutCancel(ctx), q)
		}
	}},
	"searches once": {"FindSearchesAnewEachTime", func(good *memory.Store, h *hooked) {
		h.find = func(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
			next, _ := iter.Pull2(good.Find(ctx, q))
			return func(yield func(store.Record, error) bool) {
				for r, err, ok := next(); ok; r, err, ok = next() {
					if !yield(r, err) {
						return
					}
				}
			}
		}
	}},
	"claims what is not yet due": {"ClaimTakesWhatIsDueAndActive", func(good *memory.Store, h *hooked) {
		h.claim = func(ctx context.Context, kind store.Kind, now, until time.Time, limit int) ([]store.Record, error) {
			if store.ValidateClaim(kind, now, until, limit) == nil {
				now = now.Add(1)
				until = until.Add(1)
			}
			return good.Claim(ctx, kind, now, until, limit)
		}
	}},
	"claims the latest first": {"ClaimTakesEarliestFirst", func(good *memory.Store, h *hooked) {
		h.claim = func(ctx context.Context, kind store.Kind, now, until time.Time, limit int) ([]store.Record, error) {
			leased, err := good.Claim(ctx, kind, now, until, limit)
			slices.Reverse(leased)
			return leased, err
		}
	}},
	"leases without a new version": {"LateHolderIsFenced", func(good *memory.Store, h *hooked) {
		h.claim = func(ctx context.Context, kind store.Kind, now, until time.Time, limit int) ([]store.Record, error) {
			leased, err := good.Claim(ctx, kind, now, until, limit)
			for i := range leased {
				// Delete and create: the version is 1 again.
				r := leased[i]
				_ = good.Apply(ctx, store.Change{Delete: &r})
				r.Version = 0
				_ = good.Apply(ctx, store.Change{Put: &r})
				leased[i].Version = 1
			}
			return leased, err
		}
	}},
	"leases for ever": {"LeaseRunsOut", func(good *memory.Store, h *hooked) {
		h.claim = func(ctx context.Context, kind store.Kind, now, until time.Time, limit int) ([]store.Record, error) {
			return good.Claim(ctx, kind, now, until.AddDate(1, 0, 0), limit)
		}
	}},
	"claims what it found": {"ClaimsNeverShareALease", func(good *memory.Store, h *hooked) {
		h.claim = func(ctx context.Context, kind store.Kind, now, until time.Time, limit int) ([]store.Record, error) {
			var leased []store.Record
			for r, err := range good.Find(ctx, store.Query{Kind: kind, AllTenants: true}) {
				if err != nil {
					return nil, err
				}
				if len(leased) < limit && !r.Due.IsZero() && !r.Due.After(now) {
					r.Due = until
					_ = good.Apply(ctx, store.Change{Put: &r})
					leased = append(leased, r)
				}
			}
			return leased, nil
		}
	}},
	"looks first and writes later": {"CountersLoseNoUpdate", applies(func(good *memory.Store, _ string, r *store.Record) {
		if s := stored(good, r.Key); s.Version == r.Version {
			<-time.After(50 * time.Microsecond)
			r.Version = stored(good, r.Key).Version
		}
	})},
	"fails all that share a commit": {"ConflictingCallsFailOneByOne", func(good *memory.Store, h *hooked) {
		// What fails takes the next call with it.
		down := make(chan struct{}, 1)
		h.apply = func(ctx context.Context, changes ...store.Change) error {
			select {
			case <-down:
				return store.ErrConflict
			default:
			}
			err := good.Apply(ctx, changes...)
			if err != nil {
				select {
				case down <- struct{}{}:
				default:
				}
			}
			return err
		}
	}},
	"ignores contexts": {"EndedContextStopsEveryMethod", func(good *memory.Store, h *hooked) {
		h.apply = func(ctx context.Context, changes ...store.Change) error {
			return good.Apply(context.WithoutCancel(ctx), changes...)
		}
	}},
	"writes half when the context ends": {"ApplyOfAnEndingContextIsWhole", func(good *memory.Store, h *hooked) {
		h.apply = func(ctx context.Context, changes ...store.Change) error {
			for _, c := range changes {
				if err := good.Apply(ctx, c); err != nil {
					return err
				}
				<-time.After(200 * time.Microsecond)
			}
			return nil
		}
	}},
	"never closes":          {"ClosedStoreRefusesEveryMethod", func(_ *memory.Store, h *hooked) { h.close = func() error { return nil } }},
	"fails to close again":  {"CloseTwiceDoesNothing", closesOnce},
	"does not close a loop": {"CloseInALoopEndsIt", func(_ *memory.Store, h *hooked) { h.close = func() error { return nil } }},
	"forgets emptied kinds": {"KindsAreListed", func(good *memory.Store, h *hooked) {
		h.kinds = func(ctx context.Context) ([]store.Kind, error) {
			kinds, err := good.Kinds(ctx)
			return slices.DeleteFunc(kinds, func(kind store.Kind) bool {
				for range good.Find(ctx, store.Query{Kind: kind, AllTenants: true, Visibility: store.Everything}) {
					return false
				}
				return true
			}), err
		}
	}},
	"forgets a record now and then": {"RandomCallsAgreeWithTheModel", func(good *memory.Store, h *hooked) {
		n := 0
		h.find = func(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
			return func(yield func(store.Record, error) bool) {
				for r, err := range good.Find(ctx, q) {
					if n++; n%200 == 0 && err == nil {
						continue
					}
					if !yield(r, err) {
						return
					}
				}
			}
		}
	}},
}

func closesOnce(good *memory.Store, h *hooked) {
	closed := make(chan struct{}, 1)
	h.close = func() error {
		select {
		case closed <- struct{}{}:
			return good.Close()
		default:
			return errors.New("closed already")
		}
	}
}
