package crypto

// Cheapen lowers the iterations of p, which nothing but a test may do: the race detector makes PBKDF2 take seven times
// as long.
func Cheapen(p *Passwords, iterations uint32) *Passwords {
	p.cost.iterations = iterations
	p.decoy.cost = p.cost
	return p
}
