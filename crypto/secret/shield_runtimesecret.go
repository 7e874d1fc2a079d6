//go:build goexperiment.runtimesecret

package secret

import "runtime/secret"

// shielded calls f so that the stack and the registers that it used are erased when it returns, and memory that it
// allocated when the garbage collector frees it. That works on linux/amd64 and linux/arm64; elsewhere it only calls f.
func shielded(f func()) { secret.Do(f) }
