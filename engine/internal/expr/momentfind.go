package expr

import (
	"strings"
	"unicode/utf8"
)

// findToken finds the first place in a text that a token matches.
func findToken(text, token string) (from, to int, ok bool) {
	switch token {
	case "MMM", "MMMM", "dd", "ddd", "dddd":
		return findWord(text)
	case "a", "A":
		return findHalf(text)
	case "Z", "ZZ":
		return findOffset(text)
	case "z", "zz":
		from, to, ok = findWord(text)
		return from, to, ok && from == len(text)-len(trimLeftSpace(text))
	case "X":
		return findDigits(text, 1, 1<<30, true, true)
	case "x", "Y":
		return findDigits(text, 1, 1<<30, true, false)
	case "YYYYY", "YYYYYY", "ggggg", "GGGGG":
		return findDigits(text, 1, 6, true, false)
	case "YYYY", "gggg", "GGGG":
		return findDigits(text, 1, 4, false, false)
	case "Q":
		return findDigits(text, 1, 1, false, false)
	case "DDD", "S", "SS", "SSS":
		return findDigits(text, 1, 3, false, false)
	case "DDDD":
		return findDigits(text, 3, 3, false, false)
	case "Hmm", "hmm":
		return findDigits(text, 3, 4, false, false)
	case "Hmmss", "hmmss":
		return findDigits(text, 5, 6, false, false)
	case "y", "yy", "yyy", "yyyy":
		return findDigits(text, 1, 1<<30, false, false)
	case "Do":
		from, to, ok = findDigits(text, 1, 2, false, false)
		if ok && len(text) >= to+2 && isOrdinalSuffix(text[to:to+2]) {
			to += 2
		}
		return from, to, ok
	case "DDDo", "Mo", "Qo", "do", "wo", "Wo", "N", "NN", "NNN", "NNNN", "NNNNN":
		return 0, 0, false // can be written but not read
	}
	if token[0] == 'S' {
		return findDigits(text, 1, 1<<30, false, false)
	}
	return findDigits(text, 1, 2, false, false)
}

func isOrdinalSuffix(s string) bool {
	switch strings.ToLower(s) {
	case "st", "nd", "rd", "th":
		return true
	}
	return false
}

// findDigits finds a run of low to high digits, with a sign before it or up to three decimals behind it where allowed.
func findDigits(text string, low, high int, signed, decimals bool) (from, to int, ok bool) {
	for from = 0; from < len(text); from++ {
		start := from
		if signed && (text[from] == '+' || text[from] == '-') {
			start++
		}
		to = start
		for to < len(text) && to-start < high && isDigit(text[to]) {
			to++
		}
		if to-start < low {
			continue
		}
		if decimals && to+1 < len(text) && text[to] == '.' && isDigit(text[to+1]) {
			for end := min(to+4, len(text)); to+1 < end && isDigit(text[to+1]); {
				to++
			}
			to++
		}
		return from, to, true
	}
	return 0, 0, false
}

// findWord finds letters, the way moment does: an apostrophe and whatever is not ASCII count, and so do digits before.
func findWord(text string) (from, to int, ok bool) {
	letter := func(i int) bool {
		c := text[i]
		return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '\'' || c >= utf8.RuneSelf
	}
	for from < len(text) && !letter(from) {
		from++
	}
	if from == len(text) {
		return 0, 0, false
	}
	for to = from; to < len(text) && letter(to); to++ {
	}
	for from > 0 && isDigit(text[from-1]) {
		from--
	}
	return from, to, true
}

// findHalf finds a, am, a.m. and the same of pm.
func findHalf(text string) (from, to int, ok bool) {
	from = strings.IndexAny(text, "aApP")
	if from < 0 {
		return 0, 0, false
	}
	to = from + 1
	if to < len(text) && text[to] == '.' {
		to++
	}
	if to < len(text) && text[to]|0x20 == 'm' {
		to++
		if to < len(text) && text[to] == '.' {
			to++
		}
	}
	return from, to, true
}

// findOffset finds Z, ±HH:mm, ±HHmm or ±HH.
func findOffset(text string) (from, to int, ok bool) {
	two := func(i int) bool { return i+1 < len(text) && isDigit(text[i]) && isDigit(text[i+1]) }
	for from = range len(text) {
		switch c := text[from]; {
		case c == 'Z' || c == 'z':
			return from, from + 1, true
		case (c == '+' || c == '-') && two(from+1):
			to = from + 3
			if two(to) {
				return from, to + 2, true
			}
			if to < len(text) && text[to] == ':' && two(to+1) {
				return from, to + 3, true
			}
			return from, to, true
		}
	}
	return 0, 0, false
}

func trimLeftSpace(s string) string { return strings.TrimLeftFunc(s, isSpace) }
