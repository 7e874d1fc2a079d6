package expr

import (
	"errors"
	"strings"

	"github.com/ebbkit/ebb/connector/pattern"
)

// patternProblem is what is said of a regular expression that cannot be used. It names no part of it.
func patternProblem(err error) string {
	switch {
	case errors.Is(err, pattern.ErrFlags):
		return "a regular expression has only the flags g, i, m, s and u"
	case errors.Is(err, pattern.ErrLong):
		return "the regular expression is too long"
	}
	return "the regular expression is not valid"
}

// pattern gives the compiled form of a source with flags.
func (l *Language) pattern(source, flags string) (*pattern.Pattern, *RuntimeError) {
	p, err := l.patterns.Compile(source, flags)
	if err != nil {
		return nil, invalid("%s", patternProblem(err))
	}
	return p, nil
}

// matches says whether a pattern matches anywhere in a text.
func matches(p *pattern.Pattern, text string) (bool, error) {
	found, err := p.Match(text)
	if err != nil {
		return false, errMatch()
	}
	return found, nil
}

// errMatch says that a match went over a limit.
func errMatch() *RuntimeError {
	return overLimit("the regular expression took too long")
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

// replacePattern replaces the first match of a pattern, or all with the flag g.
func (l *Language) replacePattern(p *pattern.Pattern, text, replacement string) (string, error) {
	out, err := p.Replace(text, replacement, l.maxText)
	switch {
	case errors.Is(err, pattern.ErrText):
		return "", errTextLimit()
	case err != nil:
		return "", errMatch()
	}
	return out, nil
}
