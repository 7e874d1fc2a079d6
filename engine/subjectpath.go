package engine

import (
	"errors"
	"fmt"

	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/engine/internal/expr"
	"github.com/ebbkit/ebb/engine/internal/repo"
)

// A SubjectError says that one of the paths at which people are named cannot be used. It wraps ErrInvalid.
type SubjectError struct {
	// Field is the field of the options and Index the place in it, from 0.
	Field string
	Index int
	// Path is what stands there.
	Path string
	// Err says what is wrong with it and what to do.
	Err error
}

// Error names the field, the place, the path and the cure.
func (e *SubjectError) Error() string {
	return fmt.Sprintf("%s[%d] %q: %v", e.Field, e.Index, e.Path, e.Err)
}

// Unwrap returns ErrInvalid and the reason.
func (e *SubjectError) Unwrap() []error { return []error{ErrInvalid, e.Err} }

// subjectPaths are the paths at which people are named in what modules give, by module.
type subjectPaths map[int][]*expr.Locator

// parseSubjects reads paths, with modules in front or without, and reports all that is wrong with them.
func parseSubjects(field string, paths []string, rooted bool, wrong func(*expr.Locator) error) ([]*expr.Locator, error) {
	var problems []error
	locators := make([]*expr.Locator, 0, len(paths))
	for i, path := range paths {
		l, err := expr.ParseLocator(path, rooted)
		if err == nil && wrong != nil {
			err = wrong(l)
		}
		if err != nil {
			problems = append(problems, &SubjectError{Field: field, Index: i, Path: path, Err: err})
			continue
		}
		locators = append(locators, l)
	}
	return locators, errors.Join(problems...)
}

// subjectPathsOf reads the paths of a scenario. Each begins with one of the modules of its blueprint.
func subjectPathsOf(bp *blueprint.Blueprint, paths []string) (subjectPaths, error) {
	if len(paths) == 0 {
		return nil, nil
	}
	modules := map[int]bool{}
	for _, m := range bp.All() {
		modules[m.ID] = true
	}
	locators, err := parseSubjects("DeployOptions.Subjects", paths, true, func(l *expr.Locator) error {
		if !modules[l.Module()] {
			return fmt.Errorf("the blueprint has no module %d: name one of its modules", l.Module())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	all := subjectPaths{}
	for _, l := range locators {
		all[l.Module()] = append(all[l.Module()], l)
	}
	return all, nil
}

// checkSubjects says what is wrong with the paths that a scenario is to be deployed with.
func (e *Engine) checkSubjects(bp *blueprint.Blueprint, paths []string) error {
	if _, err := subjectPathsOf(bp, paths); err != nil {
		return err
	}
	if len(paths) > 0 && !e.repo.Blinds() {
		return fmt.Errorf("%w: DeployOptions.Subjects: %w", ErrInvalid, repo.ErrNoBlinder)
	}
	return nil
}
