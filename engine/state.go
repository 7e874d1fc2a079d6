package engine

import (
	"context"
	"errors"
	"sync"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/store"
)

// state is what a module keeps from run to run. A run that is only tried keeps it as long as it lasts.
func (h *host) state(module int) connector.State {
	if h.scenario != "" {
		return &moduleState{core: h.core, tenant: h.tenant, scenario: h.scenario, module: module}
	}
	s := h.tried[module]
	if s == nil {
		if h.tried == nil {
			h.tried = map[int]*triedState{}
		}
		s = &triedState{}
		h.tried[module] = s
	}
	return s
}

// moduleState is the state of one module of a scenario, in the store.
type moduleState struct {
	*core
	tenant, scenario string
	module           int
}

var _ connector.State = (*moduleState)(nil)

// Update implements connector.State. Runs of this process go one after the other; what other processes write meanwhile shows
// as a conflict.
func (s *moduleState) Update(ctx context.Context, change func(connector.Bundle) (connector.Bundle, error)) error {
	doc := repo.NewState(s.tenant, s.scenario, s.module)
	unlock, err := s.states.lock(ctx, doc.ID)
	if err != nil {
		return err
	}
	defer unlock()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		*doc = *repo.NewState(s.tenant, s.scenario, s.module)
		err := s.repo.Get(ctx, doc)
		switch {
		case errors.Is(err, store.ErrNotFound):
			doc.Created = s.now()
		case err != nil:
			return err
		}
		if doc.Data, err = changed(doc.Data, change); err != nil {
			return err
		}
		if err := s.repo.Apply(ctx, s.repo.Put(doc)); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

// triedState is the state of a module in a run that is only tried.
type triedState struct {
	mu   sync.Mutex
	data []byte
}

var _ connector.State = (*triedState)(nil)

// Update implements connector.State.
func (s *triedState) Update(ctx context.Context, change func(connector.Bundle) (connector.Bundle, error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	data, err := changed(s.data, change)
	if err == nil {
		s.data = data
	}
	return err
}

// changed lets change decide about an encoded state, nil for one that was never written.
func changed(data []byte, change func(connector.Bundle) (connector.Bundle, error)) ([]byte, error) {
	var state connector.Bundle
	var err error
	if data != nil {
		if state, _, err = connector.DecodeBundle(data); err != nil {
			return nil, err
		}
	}
	if state, err = change(state); err != nil {
		return nil, err
	}
	if data, err = connector.AppendBundle(nil, state); err != nil {
		return nil, err
	}
	if len(data) > connector.MaxStateBytes {
		return nil, connector.Errorf(connector.DataError,
			"the state of a module has at most %d bytes, this one %d", connector.MaxStateBytes, len(data))
	}
	return data, nil
}
