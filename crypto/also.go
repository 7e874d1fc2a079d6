package crypto

// also returns err, which is the other error, too, for errors.Is. The text is that of err: what the other one would add is
// said already.
func also(err, other error) error { return &twofold{err, other} }

type twofold struct {
	error
	other error
}

// Unwrap returns both errors.
func (e *twofold) Unwrap() []error { return []error{e.error, e.other} }
