package util

import (
	"errors"
	"sync"
	"time"

	"github.com/dlclark/regexp2/v2" // ECMAScript's regular expressions, in which scenarios are written; Go's lack look-around
)

// Limits of regular expressions. What exceeds one is a DataError.
const (
	// MaxMatchTime is how long one pattern is tried.
	MaxMatchTime = time.Second
	// MaxPatternBytes is how long one pattern may be.
	MaxPatternBytes = 64 << 10
)

// The errors of regexp2 are not passed on: they quote the pattern and the text.
var (
	errPattern       = errors.New("is no ECMAScript regular expression")
	errPatternLength = errors.New("is too long for a regular expression")
	errPatternTime   = errors.New("took too long to match")
)

// maxPatterns is how many compiled patterns are kept. A table has a handful that stay the same; patterns that are
// mapped from data would pile up without a limit.
const maxPatterns = 256

// patterns keeps compiled patterns, because compiling takes far longer than matching. Many goroutines may use it.
type patterns struct {
	mu       sync.Mutex
	compiled map[string]*regexp2.Regexp
}

// found says whether a regular expression matches somewhere in a text.
func (p *patterns) found(pattern, text string) (bool, error) {
	compiled, err := p.compile(pattern)
	if err != nil {
		return false, err
	}
	ok, err := compiled.MatchString(text)
	if err != nil {
		return false, errPatternTime
	}
	return ok, nil
}

func (p *patterns) compile(pattern string) (*regexp2.Regexp, error) {
	if len(pattern) > MaxPatternBytes {
		return nil, errPatternLength
	}
	p.mu.Lock()
	compiled := p.compiled[pattern]
	p.mu.Unlock()
	if compiled != nil {
		return compiled, nil
	}
	compiled, err := regexp2.Compile(pattern, regexp2.ECMAScript)
	if err != nil {
		return nil, errPattern
	}
	compiled.MatchTimeout = MaxMatchTime
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.compiled == nil || len(p.compiled) >= maxPatterns {
		p.compiled = map[string]*regexp2.Regexp{}
	}
	p.compiled[pattern] = compiled
	return compiled, nil
}
