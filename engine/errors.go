package engine

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/engine/internal/repo"
)

var (
	// ErrNoVault says that Config has a store that may outlive the process but neither Keys.Keeper nor Vault: what is sealed
	// with a key that nobody keeps could never be read again. Open a key ring with crypto.EnsureKeyring.
	ErrNoVault = errors.New("engine: a store that lasts needs keys that last: set Config.Keys.Keeper, see crypto.EnsureKeyring")
	// ErrNotFound says that there is no such scenario, execution, connection, data store or data structure.
	ErrNotFound = errors.New("engine: not found")
	// ErrPaused says that a scenario is not active.
	ErrPaused = errors.New("engine: scenario is paused")
	// ErrServing says that Serve is at work already.
	ErrServing = errors.New("engine: already serving")
	// ErrStuck says how many runs went on although they were told to stop: a module does not listen to its context. Their
	// deliveries start over when their leases are over.
	ErrStuck = errors.New("engine: runs that do not stop")
	// ErrClosed says that the engine was closed.
	ErrClosed = errors.New("engine: closed")
	// ErrErased says that something names a person whose keys were destroyed, see Engine.ShredSubject, and is not taken; or, together
	// with crypto.ErrShredded, that it is under these keys. Its text does not say who.
	ErrErased = repo.ErrErased
	// ErrNoShredder says that the vault cannot destroy the keys of one person. What Config.Keys makes can.
	ErrNoShredder = errors.New("engine: the vault is no crypto.Shredder: set Config.Keys")
	// ErrInvalid says that an argument cannot be used: the message names it and the fix.
	ErrInvalid = errors.New("engine: invalid")
)

// A CheckError says that a blueprint cannot be run, and everything that is wrong with it.
type CheckError struct {
	// Problems are all problems of the blueprint, warnings too.
	Problems []blueprint.Problem
}

// Error lists the problems of severity error, one a line.
func (e *CheckError) Error() string {
	var lines []string
	for _, problem := range e.Problems {
		if problem.Severity == blueprint.SeverityError {
			lines = append(lines, problem.Error())
		}
	}
	return fmt.Sprintf("the blueprint cannot be run: %s", strings.Join(lines, "\n"))
}
