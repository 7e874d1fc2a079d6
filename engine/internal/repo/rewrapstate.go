package repo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
)

// A Rotation is a rotation of keys that is under way: what was asked for, and how far it has come. There is at most one in a
// store. It has no secrets, and is not sealed: it is needed when keys are not.
type Rotation struct {
	// Version is 0 when there is none.
	Version int64 `json:"-"`
	// Created is when it was asked for.
	Created time.Time `json:"-"`
	// Phase is the one that it is in.
	Phase string `json:"-"`

	// Emergency, Index and Hooks are what was asked for.
	Emergency bool `json:"emergency,omitempty"`
	Index     bool `json:"index,omitempty"`
	Hooks     bool `json:"hooks,omitempty"`
	// Epoch is the newest epoch of the keeper when it was asked for, Marked says that it was looked up.
	Epoch  uint32 `json:"epoch,omitempty"`
	Marked bool   `json:"marked,omitempty"`
	// Kind and After say what of the phase is done: the kinds before Kind, and of that one the IDs up to After.
	Kind  store.Kind `json:"kind,omitempty"`
	After string     `json:"after,omitempty"`
}

const rotationKind store.Kind = "rotation"

var (
	rotationKey = store.Key{Kind: rotationKind, ID: NamedID(string(rotationKind))}
	movesKey    = store.Key{Kind: rotationKind, ID: NamedID(string(rotationKind), string(entryKind))}
)

// Rotation returns the rotation that is under way, or one of Version 0.
func (r *Repo) Rotation(ctx context.Context) (*Rotation, error) {
	rec, err := r.store.Get(ctx, rotationKey)
	if errors.Is(err, store.ErrNotFound) {
		return &Rotation{}, nil
	}
	if err != nil {
		return nil, err
	}
	rotation := &Rotation{Version: rec.Version, Created: rec.Created, Phase: rec.State}
	if err := json.Unmarshal(rec.Body, rotation); err != nil {
		return nil, fmt.Errorf("read the rotation under way: %w", err)
	}
	return rotation, nil
}

// SaveRotation writes a rotation in place of the version that was read. store.ErrConflict: somebody else carries it on.
func (r *Repo) SaveRotation(ctx context.Context, rotation *Rotation) error {
	body, err := json.Marshal(rotation)
	if err != nil {
		return err
	}
	rec := rotationRecord(rotationKey, rotation.Version, rotation.Created)
	rec.State, rec.Body = rotation.Phase, body
	if err := r.store.Apply(ctx, store.Change{Put: rec}); err != nil {
		return err
	}
	rotation.Version = rec.Version
	return nil
}

// EndRotation removes the rotation that was read. store.ErrConflict: somebody else carries it on.
func (r *Repo) EndRotation(ctx context.Context, rotation *Rotation) error {
	err := r.store.Apply(ctx, store.Change{Delete: rotationRecord(rotationKey, rotation.Version, rotation.Created)})
	if err == nil {
		rotation.Version = 0
	}
	return err
}

// rotationRecord is what the store keeps. It is of the category of keys, which no policy lets go by time.
func rotationRecord(key store.Key, version int64, created time.Time) *store.Record {
	return &store.Record{Key: key, Category: string(retention.Key), Created: created, Version: version}
}

// moves returns how often records were moved to other IDs, see Move, and when that was first. The record stays for
// ever, so that two looks at it tell whether anything was moved in between.
func (r *Repo) moves(ctx context.Context) (int64, time.Time, error) {
	rec, err := r.store.Get(ctx, movesKey)
	if errors.Is(err, store.ErrNotFound) {
		return 0, time.Time{}, nil
	}
	return rec.Version, rec.Created, err
}
