//go:build !goexperiment.runtimesecret

package secret

// shielded calls f. Built with GOEXPERIMENT=runtimesecret it leaves less behind, see shield_runtimesecret.go.
func shielded(f func()) { f() }
