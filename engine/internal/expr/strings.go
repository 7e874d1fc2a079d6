package expr

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ebbkit/ebb/connector"

	"github.com/ebbkit/ebb/connector/pattern"
)

func textFunctions() []Function {
	text := Parameter{Name: "text", Type: connector.TypeText}
	return []Function{
		changing("lower", toLower),
		changing("upper", toUpper),
		changing("capitalize", capitalize),
		changing("startcase", startCase),
		changing("trim", trimSpace),
		{
			Name: "length", Family: "text", Result: connector.TypeNumber,
			Parameters: []Parameter{{Name: "text, buffer or array", Type: connector.TypeAny, array: true}},
			Call:       length,
		},
		{
			Name: "ascii", Family: "text", Result: connector.TypeText,
			Parameters: []Parameter{text, {Name: "remove diacritics", Type: connector.TypeBoolean, Optional: true}},
			Call: func(c *Call) (any, error) {
				remove, _ := argument(c, 1).(bool)
				return ascii(c.text(0), remove), nil
			},
		},
		{
			Name: "substring", Family: "text", Result: connector.TypeText,
			Parameters: []Parameter{text, {Name: "start", Type: connector.TypeNumber}, {Name: "end", Type: connector.TypeNumber, Optional: true}},
			Call:       substring,
		},
		{
			Name: "indexOf", Family: "text", Result: connector.TypeNumber,
			Parameters: []Parameter{text, {Name: "value", Type: connector.TypeText}, {Name: "start", Type: connector.TypeNumber, Optional: true}},
			Call:       indexOf,
		},
		{
			Name: "split", Family: "text", Result: connector.TypeArray,
			Parameters: []Parameter{text, {Name: "separator", Type: connector.TypeText}},
			Call:       split,
		},
		{
			Name: "replace", Family: "text", Result: connector.TypeText,
			Parameters: []Parameter{text, {Name: "search", Type: connector.TypeText}, {Name: "replacement", Type: connector.TypeText}},
			check:      checkReplace,
			Call:       replace,
		},
		{
			Name: "replaceEmojiCharacters", Family: "text", Result: connector.TypeText,
			Parameters: []Parameter{text, {Name: "replacement", Type: connector.TypeText, Optional: true}},
			Call:       replaceEmoji,
		},
		{
			Name: "toString", Family: "text", Result: connector.TypeText,
			Parameters: []Parameter{{Name: "value", Type: connector.TypeAny}, {Name: "encoding", Type: connector.TypeText, Optional: true}},
			Call:       toString,
		},
		{
			Name: "contains", Family: "text", Result: connector.TypeBoolean,
			Parameters: []Parameter{{Name: "text or array", Type: connector.TypeAny, array: true}, {Name: "value", Type: connector.TypeAny}},
			Call:       contains,
		},
	}
}

// argument gives the i-th argument, nil when it is not there.
func argument(c *Call, i int) any {
	if i < len(c.Args) {
		return c.Args[i]
	}
	return nil
}

// toUpper and toLower change case as JavaScript does, where one letter may become two.
func toUpper(s string) string {
	if isASCII(s) {
		return strings.ToUpper(s)
	}
	upper := strings.ToUpper(s)
	if strings.ContainsAny(upper, "ßŉﬀﬁﬂﬃﬄﬅﬆǰև") {
		upper = strings.NewReplacer("ß", "SS", "ŉ", "ʼN", "ﬀ", "FF", "ﬁ", "FI", "ﬂ", "FL", "ﬃ", "FFI", "ﬄ", "FFL", "ﬅ", "ST", "ﬆ", "ST",
			"ǰ", "J̌", "և", "ԵՒ").Replace(upper)
	}
	return upper
}

func toLower(s string) string {
	if isASCII(s) || !strings.ContainsAny(s, "Σİ") {
		return strings.ToLower(s)
	}
	var b strings.Builder
	word := false // a letter stands before, combining marks aside
	for i, r := range s {
		switch {
		case r == 'İ':
			b.WriteString("i\u0307")
		case r == 'Σ' && word && !letterFollows(s[i+len("Σ"):]):
			b.WriteRune('ς') // Unicode's Final_Sigma
		default:
			b.WriteRune(unicode.ToLower(r))
		}
		if !unicode.Is(unicode.Mn, r) {
			word = unicode.IsLetter(r)
		}
	}
	return b.String()
}

func letterFollows(rest string) bool {
	for _, r := range rest {
		if !unicode.Is(unicode.Mn, r) {
			return unicode.IsLetter(r)
		}
	}
	return false
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func capitalize(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' && s[0] < utf8.RuneSelf {
		return s
	}
	_, size := utf8.DecodeRuneInString(s)
	return toUpper(s[:size]) + s[size:]
}

// startCase treats what lies between white space as words.
func startCase(s string) string {
	var b strings.Builder
	begins := true
	for _, r := range toLower(s) {
		if begins {
			b.WriteString(toUpper(string(r)))
		} else {
			b.WriteRune(r)
		}
		begins = isSpace(r)
	}
	return b.String()
}

func length(c *Call) (any, error) {
	switch v := c.Args[0].(type) {
	case nil, Special:
		return int64(0), nil
	case string:
		return int64(lengthUTF16(v)), nil
	case []byte:
		return int64(len(v)), nil
	case []any:
		return int64(len(v)), nil
	case connector.Bundle:
		return int64(v.Len()), nil
	}
	text, err := c.textOf(c.Args[0])
	return int64(lengthUTF16(text)), err
}

// substring is JavaScript's: bounds are put into the text, and swapped when they are the wrong way round.
func substring(c *Call) (any, error) {
	s := c.text(0)
	from := max(c.whole(1, 0), 0)
	to := max(c.whole(2, len(s)), 0)
	from, to = min(from, to), max(from, to)
	return sliceUTF16(s, from, to), nil
}

func indexOf(c *Call) (any, error) {
	s, value := c.text(0), c.text(1)
	start, split := offsetUTF16(s, max(c.whole(2, 0), 0))
	if split {
		_, size := utf8.DecodeRuneInString(s[start:])
		start += size
	}
	i := strings.Index(s[start:], value)
	if i < 0 {
		return int64(-1), nil
	}
	return int64(lengthUTF16(s[:start+i])), nil
}

func split(c *Call) (any, error) {
	s, separator := c.text(0), c.text(1)
	if s == "" {
		return []any{}, nil
	}
	n := strings.Count(s, separator) + 1
	if separator == "" {
		n = utf8.RuneCountInString(s)
	}
	if err := c.checkItems(n); err != nil {
		return nil, err
	}
	items := make([]any, 0, n)
	for part := range strings.SplitSeq(s, separator) {
		items = append(items, part)
	}
	return items, nil
}

// checkReplace looks at a regular expression that is known when the template is compiled.
func checkReplace(args []node) (int, string) {
	known, ok := args[1].(constant)
	if !ok {
		return 0, ""
	}
	search, _ := known.value.(string)
	source, flags, ok := splitPattern(search)
	if !ok {
		return 0, ""
	}
	switch p, err := pattern.Compile(source, flags, 0); {
	case err != nil:
		return 1, patternProblem(err)
	case p.Named():
		return 1, namedGroups
	}
	return 1, ""
}

const namedGroups = "a replacement's regular expression cannot have named groups"

func replace(c *Call) (any, error) {
	text, search, replacement := c.text(0), c.text(1), c.text(2)
	if search == "" {
		return text, nil
	}
	l := c.lang
	if source, flags, ok := splitPattern(search); ok {
		p, failure := l.pattern(source, flags)
		if failure != nil {
			return nil, failure
		}
		if p.Named() {
			return nil, invalid(namedGroups)
		}
		return l.replacePattern(p, text, replacement)
	}
	replacement, err := pattern.Expand(replacement, search, l.maxText)
	if err != nil {
		return nil, errTextLimit()
	}
	n := strings.Count(text, search)
	if err := c.checkText(len(text) + n*max(len(replacement)-len(search), 0)); err != nil {
		return nil, err
	}
	return strings.ReplaceAll(text, search, replacement), nil
}

func contains(c *Call) (any, error) {
	if items, ok := c.Args[0].([]any); ok {
		var all equation
		for _, item := range items {
			if same, err := all.equal(item, c.Args[1]); err != nil || same {
				return same, err
			}
		}
		return false, nil
	}
	for i, v := range c.Args {
		if object, ok := v.(connector.Bundle); ok {
			return nil, invalid("argument %d: expected text, got %s", i+1, kindOf(object))
		}
	}
	text, err := c.textOf(c.Args[0])
	if err != nil {
		return nil, err
	}
	value, err := c.textOf(c.Args[1])
	return strings.Contains(text, value), err
}
