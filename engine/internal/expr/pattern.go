package expr

import (
	"strings"
	"sync"
	"time"

	"github.com/dlclark/regexp2/v2"
)

// maxPatterns is how many regular expressions a Language keeps that were not known when a template was compiled.
const maxPatterns = 256

// maxBacktracking is how many numbers the stack of one match may hold: 32 MiB. JavaScript programs rely on patterns such
// as [\s\S]*? over long texts, for which the library's own default is too small.
const maxBacktracking = 4 << 20

// A pattern is a compiled ECMAScript regular expression.
type pattern struct {
	re     *regexp2.Regexp
	global bool
}

// newPattern compiles a regular expression with JavaScript's flags. The problem it returns names no part of the source.
func (l *Language) newPattern(source, flags string) (*pattern, string) {
	p := &pattern{}
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
			return nil, "a regular expression has only the flags g, i, m, s and u"
		}
	}
	re, err := regexp2.Compile(source, options, regexp2.OptionMaxBacktrackingStackSize(maxBacktracking))
	if err != nil || !isECMAScript(source, options&regexp2.Unicode != 0) {
		return nil, "the regular expression is not valid"
	}
	re.MatchTimeout = l.matchTime
	p.re = re
	return p, ""
}

// A patternCache keeps the patterns that come from values. When it is full it is emptied, which costs a recompilation
// but needs no bookkeeping on the way of a hit.
type patternCache struct {
	mu    sync.RWMutex
	known map[string]*pattern
}

// pattern gives the compiled form of a source with flags.
func (l *Language) pattern(source, flags string) (*pattern, *RuntimeError) {
	key := flags + "/" + source
	c := &l.patterns
	c.mu.RLock()
	p := c.known[key]
	c.mu.RUnlock()
	if p != nil {
		return p, nil
	}
	p, problem := l.newPattern(source, flags)
	if problem != "" {
		return nil, invalid("%s", problem)
	}
	if len(key) > 4<<10 {
		return p, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= maxPatterns {
		c.known = make(map[string]*pattern, maxPatterns)
	}
	c.known[key] = p
	return p, nil
}

// errMatch says that a match went over a limit. The library's own error repeats the text.
func errMatch() *RuntimeError {
	return overLimit("the regular expression took too long")
}

// match says whether the pattern matches anywhere in a text.
func (p *pattern) match(text string) (bool, error) {
	found, err := p.re.MatchString(text)
	if err != nil {
		return false, errMatch()
	}
	return found, nil
}

// splitPattern takes /source/flags apart. Text that does not look like that, such as /home/ann, is no pattern.
func splitPattern(text string) (source, flags string, ok bool) {
	if len(text) < 3 || text[0] != '/' {
		return "", "", false
	}
	end := strings.LastIndexByte(text, '/')
	if end < 2 {
		return "", "", false
	}
	flags = text[end+1:]
	for i, flag := range flags {
		if !strings.ContainsRune("gimsu", flag) || strings.ContainsRune(flags[:i], flag) {
			return "", "", false
		}
	}
	return text[1:end], flags, true
}

// namesGroups says whether the pattern has a group with a name.
func (p *pattern) namesGroups() bool {
	for _, name := range p.re.GetGroupNames() {
		if name != "" && strings.Trim(name, "0123456789") != "" {
			return true
		}
	}
	return false
}

// replace replaces the pattern's first match, or all with the flag g. It needs the limits of the language.
func (p *pattern) replace(l *Language, text, replacement string) (string, error) {
	template := parseReplacement(replacement, len(p.re.GetGroupNumbers())-1)
	runes := []rune(text)
	var b strings.Builder
	var failure error
	last := 0
	started := time.Now()
	err := p.re.FindRunesMatches(runes, 0, func(m regexp2.MatchView) bool {
		from, length, _ := m.GroupRange(0)
		writeRunes(&b, runes[last:from])
		for _, piece := range template {
			if piece.group < 0 {
				b.WriteString(piece.text)
			} else if at, n, ok := m.GroupRange(piece.group); ok {
				writeRunes(&b, runes[at:at+n])
			}
		}
		last = from + length
		if b.Len() > l.maxText {
			failure = errTextLimit()
		} else if time.Since(started) > l.matchTime {
			failure = errMatch()
		}
		return p.global && failure == nil
	})
	if err != nil {
		return "", errMatch()
	}
	if failure != nil {
		return "", failure
	}
	writeRunes(&b, runes[last:])
	return b.String(), nil
}

func writeRunes(b *strings.Builder, runes []rune) {
	for _, r := range runes {
		b.WriteRune(r)
	}
}

// A replacementPiece is literal text, or what a group matched when group is not negative.
type replacementPiece struct {
	text  string
	group int
}

// parseReplacement reads $$, $& and $1 to $99 as JavaScript does (ECMA-262, GetSubstitution): a number for which the
// pattern has no group stands for itself, and $10 is group 1 and a zero when there are fewer than ten groups.
func parseReplacement(replacement string, groups int) []replacementPiece {
	var pieces []replacementPiece
	for {
		i := strings.IndexByte(replacement, '$')
		if i < 0 || i+1 == len(replacement) {
			return append(pieces, replacementPiece{replacement, -1})
		}
		pieces = append(pieces, replacementPiece{replacement[:i], -1})
		rest := replacement[i+1:]
		switch c := rest[0]; {
		case c == '$':
			pieces = append(pieces, replacementPiece{"$", -1})
			replacement = rest[1:]
			continue
		case c == '&':
			pieces = append(pieces, replacementPiece{"", 0})
			replacement = rest[1:]
			continue
		case isDigit(c):
			group, length := int(c-'0'), 1
			if len(rest) > 1 && isDigit(rest[1]) {
				if two := group*10 + int(rest[1]-'0'); two >= 1 && two <= groups {
					group, length = two, 2
				}
			}
			if group >= 1 && group <= groups {
				pieces = append(pieces, replacementPiece{"", group})
				replacement = rest[length:]
				continue
			}
		}
		pieces = append(pieces, replacementPiece{"$", -1})
		replacement = rest
	}
}
