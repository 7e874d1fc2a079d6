package flow

import "github.com/ebbkit/ebb/connector"

// search walks the bundles of a pure search one by one, as they are made, so that a million of them need no room.
func (r *run) search(n *node, number int64, input connector.Bundle) error {
	call := &connector.Call{}
	r.prepare(call, n, input)
	var length int64
	if n.lengthMatters {
		few, count, err := r.measure(n, call)
		switch {
		case r.ctx.Err() != nil:
			return r.ctx.Err()
		case err != nil:
			return r.replace(n, number, FailureOf(err))
		case count == int64(len(few)):
			return r.send(n, number, few)
		}
		length = count
		r.prepare(call, n, input)
	}
	r.open(n)
	var index int64
	follow, err := func() (follow, err error) {
		defer recovered(n.name, &err)
		for bundle, err := range n.search.Search(r.ctx, call) {
			if err != nil {
				return nil, err
			}
			if err := r.ctx.Err(); err != nil {
				return err, nil
			}
			if err := r.take(n, number, bundle); err != nil {
				return err, nil
			}
			index++
			if err := r.emit(n, bundle, index, length); err != nil {
				return err, nil
			}
		}
		return nil, nil
	}()
	switch {
	case follow != nil:
		return follow
	case err == nil:
		return r.close(n)
	}
	substitute, err := r.fail(n, number, FailureOf(err))
	switch {
	case err != nil:
		return err
	case substitute != nil:
		if err := r.emit(n, *substitute, index+1, 0); err != nil {
			return err
		}
	case index == 0:
		return nil
	}
	return r.close(n)
}

// maxKept is how many bundles of a search are kept to find out how many there are. When there are more, the search is
// done twice: it is pure, so it gives the same again.
const maxKept = 1024

// measure counts the bundles of a pure search, and returns them when they are few. What the module sets in doing so is
// forgotten.
func (r *run) measure(n *node, call *connector.Call) (few []connector.Bundle, count int64, err error) {
	defer recovered(n.name, &err)
	vars := call.Vars
	call.Vars = &assigning{variables: r.variables}
	for bundle, err := range n.search.Search(r.ctx, call) {
		if err == nil {
			err = r.ctx.Err()
		}
		if err != nil {
			return nil, 0, err
		}
		if count++; count <= maxKept {
			few = append(few, bundle)
		}
	}
	if count <= maxKept {
		for _, a := range call.Vars.(*assigning).set { //nolint:forcetypeassert // it was put there above
			vars.Set(a.Name, a.Value, a.Scope)
		}
	}
	return few, count, nil
}
