// Package pattern gives the regular expressions of scenarios: those of ECMAScript (ECMA-262, section 22.2), in which blueprints
// are written, with look-around, back references and named groups, and with a limit of time.
//
// Compile one with [Compile], or get it from a [Cache], which is what modules and the mapping language do with patterns that
// they are given again and again.
package pattern

import (
	"errors"
	"iter"
	"time"

	"github.com/dlclark/regexp2/v2" // ECMAScript's regular expressions; Go's own have no look-around and no back references
)

// The errors of this package hold nothing of the pattern and nothing of the text: those of the library quote both.
var (
	// ErrSyntax says that a text is no regular expression of ECMAScript.
	ErrSyntax = errors.New("pattern: no regular expression of ECMAScript")
	// ErrFlags says that a flag is not one of g, i, m, s and u.
	ErrFlags = errors.New("pattern: a regular expression has only the flags g, i, m, s and u")
	// ErrLong says that a pattern is longer than MaxBytes.
	ErrLong = errors.New("pattern: the regular expression is too long")
	// ErrTime says that matching took longer than the limit, or more memory than a match may have.
	ErrTime = errors.New("pattern: the regular expression took too long")
	// ErrText says that a text would be longer than its limit.
	ErrText = errors.New("pattern: the text is too long")
)

const (
	// MaxBytes is how long a pattern may be.
	MaxBytes = 64 << 10
	// MaxTime is how long one use of a pattern may take when nobody says so.
	MaxTime = time.Second
)

// maxBacktracking is how many numbers the stack of one match may hold: 32 MiB. JavaScript programs rely on patterns such
// as [\s\S]*? over long texts, for which the library's own default is too small.
const maxBacktracking = 4 << 20

// A Pattern is a compiled regular expression. Many goroutines may use it.
type Pattern struct {
	timed, untimed *regexp2.Regexp

	global bool
	limit  time.Duration
	groups []string
}

// Compile compiles a regular expression with the flags of JavaScript: g (all matches), i (case does not matter), m (^ and $
// match at lines), s (. matches line ends) and u (Unicode). Limit is how long one use may take, zero MaxTime; the clock
// behind it ticks every 100 ms. In a bubble of testing/synctest, where time stands still meanwhile, there is no limit. What
// the library takes beyond ECMAScript is refused, such as (?i), (?>…) and (?#…).
func Compile(source, flags string, limit time.Duration) (*Pattern, error) {
	if len(source) > MaxBytes {
		return nil, ErrLong
	}
	if limit <= 0 {
		limit = MaxTime
	}
	p := &Pattern{limit: limit}
	options := regexp2.RegexOptions(regexp2.ECMAScript)
	for _, flag := range flags {
		switch flag {
		case 'g':
			p.global = true
		case 'i':
			options |= regexp2.IgnoreCase
		case 'm':
			options |= regexp2.Multiline
		case 's':
			options |= regexp2.Singleline
		case 'u':
			options |= regexp2.Unicode
		default:
			return nil, ErrFlags
		}
	}
	re, err := regexp2.Compile(source, options, regexp2.OptionMaxBacktrackingStackSize(maxBacktracking))
	if err != nil || !isECMAScript(source, options&regexp2.Unicode != 0) {
		return nil, ErrSyntax
	}
	untimed := *re
	p.timed, p.untimed = re, &untimed
	p.timed.MatchTimeout, p.untimed.MatchTimeout = limit, regexp2.DefaultMatchTimeout
	p.groups = make([]string, len(re.GetGroupNumbers()))
	for number := range p.groups {
		if name := re.GroupNameFromNumber(number); !allDigits(name) {
			p.groups[number] = name
		}
	}
	return p, nil
}

// matcher returns what to match with at an instant that time.Now has just given. The library's clock is a goroutine of the
// whole process that somebody's match starts. A goroutine that starts in a bubble of testing/synctest belongs to it for ever,
// keeps it from ending and tells everybody its time, so no match in a bubble may start it. Only there do instants come
// without a monotonic reading, which Round strips.
func (p *Pattern) matcher(now time.Time) *regexp2.Regexp {
	if now == now.Round(0) {
		return p.untimed
	}
	return p.timed
}

// Global says whether the pattern has the flag g.
func (p *Pattern) Global() bool { return p.global }

// Groups returns the names of the groups by their numbers, empty for those that have none. Group 0 is the match itself. The
// caller must not change the list.
func (p *Pattern) Groups() []string { return p.groups }

// Named says whether a group has a name.
func (p *Pattern) Named() bool {
	for _, name := range p.groups {
		if name != "" {
			return true
		}
	}
	return false
}

// Match says whether the pattern is found anywhere in a text. The error is ErrTime.
func (p *Pattern) Match(text string) (bool, error) {
	found, err := p.matcher(time.Now()).MatchString(text)
	if err != nil {
		return false, ErrTime
	}
	return found, nil
}

// A Match is one place where a pattern fits. It is valid until the next one is asked for.
type Match struct {
	text []rune
	view regexp2.MatchView
}

// Group returns what a group has matched, and false when it had no part in the match.
func (m Match) Group(number int) (string, bool) {
	at, length, ok := m.view.GroupRange(number)
	return string(m.text[at : at+length]), ok
}

// Empty says whether the match has no length.
func (m Match) Empty() bool {
	_, length, _ := m.view.GroupRange(0)
	return length == 0
}

// Find yields the first match in a text, or with the flag g all of them, from left to right and without overlaps. It ends
// with ErrTime when finding them took longer than the limit; the time that the loop itself takes does not count.
func (p *Pattern) Find(text string) iter.Seq2[Match, error] {
	return func(yield func(Match, error) bool) {
		runes := []rune(text)
		var spent time.Duration
		ended := false
		since := time.Now()
		err := p.matcher(since).FindRunesMatches(runes, 0, func(view regexp2.MatchView) bool {
			if spent += time.Since(since); spent > p.limit {
				return false
			}
			ended = !yield(Match{runes, view}, nil) || !p.global
			since = time.Now()
			return !ended
		})
		if !ended && (err != nil || spent > p.limit) {
			yield(Match{}, ErrTime)
		}
	}
}
