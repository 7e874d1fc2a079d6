package expr

import "time"

// Compare applies an operator to two values that are not templates. compared is false, and so is holds, when one of them
// could not be converted to what the operator compares. A nil location is UTC. An error is that of a regular expression
// that took too long.
func (l *Language) Compare(o Operator, a, b any, location *time.Location) (holds, compared bool, err error) {
	holds, failed, err := l.compareOperands(o, nil, a, b, zoned{location: location})
	return holds, failed.side == "", err
}

// zoned is an Env of which only the time zone is known.
type zoned struct {
	emptyEnv

	location *time.Location
}

func (z zoned) Location() *time.Location { return z.location }
