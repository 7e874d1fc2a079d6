//go:build race

package crypto

// RaceEnabled says whether the race detector is at work.
const RaceEnabled = true
