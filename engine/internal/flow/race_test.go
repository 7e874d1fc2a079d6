//go:build race

package flow_test

// raced says that the race detector is at work, which lets pools drop what they hold.
const raced = true
