package expr

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The base letters of U+00C0 to U+024F and of U+1E00 to U+1EFF by canonical decomposition, ? where there is none. The
// standard library does not decompose.
const (
	latinBases = "AAAAAA?CEEEEIIII?NOOOOO??UUUUY??aaaaaa?ceeeeiiii?nooooo??uuuuy?yAaAaAaCcCcCcCcDd??EeEeEeEeEeGgGgGgGgHh??" +
		"IiIiIiIiI???JjKk?LlLlLl????NnNnNn???OoOoOo??RrRrRrSsSsSsSsTtTt??UuUuUuUuUuUuWwYyYZzZzZz?????????????????????????????????" +
		"Oo?????????????Uu????????????????????????????AaIiOoUuUuUuUuUu?AaAa????GgKkOoOo??j???Gg??NnAa????AaAaEeEeIiIiOoOoRrRrUuUuSsTt??Hh??????" +
		"AaEeOoOoOoOoYy????????????????????????????"
	latinAdditionalBases = "AaBbBbBbCcDdDdDdDdDdEeEeEeEeEeFfGgHhHhHhHhHhIiIiKkKkKkLlLlLlLlMmMmMmNnNnNnNnOoOoOoOoPpPpRrRrRrRrSsSsSsSsSs" +
		"TtTtTtTtUuUuUuUuUuVvVvWwWwWwWwWwXxXxYyZzZzZzhtwy??????AaAaAaAaAaAaAaAaAaAaAaAaEeEeEeEeEeEeEeEeIiIiOoOoOoOoOoOoOoOoOoOoOoOo" +
		"UuUuUuUuUuUuUuYyYyYyYy??????"
)

// otherBases are letters that people write without diacritics though Unicode does not decompose them.
var otherBases = map[rune]string{
	'Æ': "AE", 'æ': "ae", 'Ð': "D", 'ð': "d", 'Ø': "O", 'ø': "o", 'Þ': "Th", 'þ': "th", 'ß': "ss", 'Đ': "D", 'đ': "d", 'Ħ': "H", 'ħ': "h",
	'ı': "i", 'Ĳ': "IJ", 'ĳ': "ij", 'ĸ': "k", 'Ŀ': "L", 'ŀ': "l", 'Ł': "L", 'ł': "l", 'Ŋ': "N", 'ŋ': "n", 'ŉ': "'n", 'Œ': "OE", 'œ': "oe",
	'Ŧ': "T", 'ŧ': "t", 'ſ': "s", 'ẞ': "SS",
}

// ascii drops what is not ASCII, after taking diacritics off Latin letters if it is told so.
func ascii(s string, removeDiacritics bool) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r < utf8.RuneSelf:
			b.WriteRune(r)
		case !removeDiacritics:
		case otherBases[r] != "":
			b.WriteString(otherBases[r])
		default:
			base := byte('?')
			if r >= 0xC0 && r < 0x250 {
				base = latinBases[r-0xC0]
			} else if r >= 0x1E00 && r < 0x1F00 {
				base = latinAdditionalBases[r-0x1E00]
			}
			if base != '?' {
				b.WriteByte(base)
			}
		}
	}
	return b.String()
}

type runeRange struct{ first, last rune }

// emojiPresentation are the characters that are shown as an emoji unless told otherwise (Unicode 16, Emoji_Presentation),
// below the blocks that hold nothing but pictures.
var emojiPresentation = []runeRange{
	{0x231a, 0x231b}, {0x23e9, 0x23ec}, {0x23f0, 0x23f0}, {0x23f3, 0x23f3}, {0x25fd, 0x25fe}, {0x2614, 0x2615}, {0x2648, 0x2653},
	{0x267f, 0x267f}, {0x2693, 0x2693}, {0x26a1, 0x26a1}, {0x26aa, 0x26ab}, {0x26bd, 0x26be}, {0x26c4, 0x26c5}, {0x26ce, 0x26ce},
	{0x26d4, 0x26d4}, {0x26ea, 0x26ea}, {0x26f2, 0x26f3}, {0x26f5, 0x26f5}, {0x26fa, 0x26fa}, {0x26fd, 0x26fd}, {0x2705, 0x2705},
	{0x270a, 0x270b}, {0x2728, 0x2728}, {0x274c, 0x274c}, {0x274e, 0x274e}, {0x2753, 0x2755}, {0x2757, 0x2757}, {0x2795, 0x2797},
	{0x27b0, 0x27b0}, {0x27bf, 0x27bf}, {0x2b1b, 0x2b1c}, {0x2b50, 0x2b50}, {0x2b55, 0x2b55}, {0x1f004, 0x1f004}, {0x1f0cf, 0x1f0cf},
	{0x1f18e, 0x1f18e}, {0x1f191, 0x1f19a}, {0x1f201, 0x1f201}, {0x1f21a, 0x1f21a}, {0x1f22f, 0x1f22f}, {0x1f232, 0x1f236},
	{0x1f238, 0x1f23a}, {0x1f250, 0x1f251},
}

// picture are blocks whose characters are all pictures (parts of Extended_Pictographic).
var picture = []runeRange{
	{0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f7e0, 0x1f7f0}, {0x1f90c, 0x1f93a}, {0x1f93c, 0x1f945}, {0x1f947, 0x1f9ff}, {0x1fa70, 0x1faff},
}

func inRanges(r rune, ranges []runeRange) bool {
	_, found := slices.BinarySearchFunc(ranges, r, func(x runeRange, r rune) int {
		switch {
		case x.last < r:
			return -1
		case x.first > r:
			return 1
		}
		return 0
	})
	return found
}

const (
	textStyle, emojiStyle = 0xFE0E, 0xFE0F // variation selectors
	joiner                = 0x200D
	keycap                = 0x20E3
)

// isSymbol are the characters that the emoji style can make an emoji of, and others that it never follows.
func isSymbol(r rune) bool { return unicode.In(r, unicode.So, unicode.Po, unicode.Sm) }

func isFlagLetter(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }
func isSkinTone(r rune) bool   { return r >= 0x1F3FB && r <= 0x1F3FF }

// emojiLength gives the length of the emoji sequence that a text begins with, 0 when it begins with none (UTS #51: flags,
// keycaps, and pictures with style, skin tone, tags and joined pictures).
func emojiLength(s string) int {
	r, size := utf8.DecodeRuneInString(s)
	next, nextSize := utf8.DecodeRuneInString(s[size:])
	if isFlagLetter(r) {
		if isFlagLetter(next) {
			return size + nextSize
		}
		return 0
	}
	if isDigitRune(r) || r == '#' || r == '*' {
		end := size
		if next == emojiStyle {
			end += nextSize
			next, nextSize = utf8.DecodeRuneInString(s[end:])
		}
		if next == keycap {
			return end + nextSize
		}
		return 0
	}
	if r < 0xA9 || next == textStyle || !inRanges(r, emojiPresentation) && !inRanges(r, picture) && !(next == emojiStyle && isSymbol(r)) {
		return 0
	}
	end := size
	for {
		next, nextSize = utf8.DecodeRuneInString(s[end:])
		switch {
		case next == emojiStyle, next == keycap, isSkinTone(next), next >= 0xE0020 && next <= 0xE007F:
			end += nextSize
		case next == joiner:
			n := emojiLengthJoined(s[end+nextSize:])
			if n == 0 {
				return end
			}
			end += nextSize + n
		default:
			return end
		}
	}
}

// emojiLengthJoined is the length of the picture behind a joiner, which need not be an emoji by itself.
func emojiLengthJoined(s string) int {
	r, size := utf8.DecodeRuneInString(s)
	if inRanges(r, emojiPresentation) || inRanges(r, picture) || unicode.Is(unicode.So, r) {
		return size
	}
	return 0
}

func isDigitRune(r rune) bool { return r >= '0' && r <= '9' }

func replaceEmoji(c *Call) (any, error) {
	s, replacement := c.text(0), c.text(1)
	var b strings.Builder
	for i := 0; i < len(s); {
		if n := emojiLength(s[i:]); n > 0 {
			b.WriteString(replacement)
			i += n
		} else {
			_, size := utf8.DecodeRuneInString(s[i:])
			b.WriteString(s[i : i+size])
			i += size
		}
		if err := c.checkText(b.Len()); err != nil {
			return nil, err
		}
	}
	return b.String(), nil
}
