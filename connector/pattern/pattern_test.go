package pattern_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector/pattern"
)

// The vectors were made with Node.js 20: a pattern, and whether RegExp takes it without and with the flag u.
func TestPatternsThatJavaScriptRefusesAreRefused(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/patterns.json")
	require.NoError(t, err)
	var vectors [][3]any
	require.NoError(t, json.Unmarshal(data, &vectors))
	require.Greater(t, len(vectors), 100)
	for _, v := range vectors {
		for i, flags := range []string{"", "u"} {
			_, err := pattern.Compile(v[0].(string), flags, 0)
			require.Equal(t, v[i+1], err == nil, "%q with the flags %q", v[0], flags)
			if err != nil {
				require.ErrorIs(t, err, pattern.ErrSyntax)
			}
		}
	}
}

func TestWhatIsNoPatternIsRefused(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]error{
		"(": pattern.ErrSyntax, "(?i)a": pattern.ErrSyntax, "(?>a)": pattern.ErrSyntax, "(?#a)": pattern.ErrSyntax,
		strings.Repeat("a", pattern.MaxBytes+1): pattern.ErrLong,
	} {
		_, err := pattern.Compile(source, "", 0)
		require.ErrorIs(t, err, want)
	}
	for _, flags := range []string{"x", "gy", "G", " "} {
		_, err := pattern.Compile("a", flags, 0)
		require.ErrorIs(t, err, pattern.ErrFlags)
	}
}

func TestFlagsAreThoseOfJavaScript(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		source, flags, text string
		want                bool
	}{
		{"ab", "", "xaby", true}, {"AB", "", "ab", false}, {"AB", "i", "ab", true}, {"Ä", "i", "ä", true},
		{"^b", "", "a\nb", false}, {"^b", "m", "a\nb", true}, {"a.b", "", "a\nb", false}, {"a.b", "s", "a\nb", true},
		{`^.$`, "", "é", true}, {`\p{L}`, "u", "é", true}, {`(?<=a)b`, "", "ab", true}, {`(a)\1`, "", "aa", true}, {"", "", "", true},
	} {
		p, err := pattern.Compile(test.source, test.flags, 0)
		require.NoError(t, err)
		found, err := p.Match(test.text)
		require.NoError(t, err)
		require.Equal(t, test.want, found, test)
		require.Equal(t, strings.Contains(test.flags, "g"), p.Global())
	}
}

// found lists matches with their groups, "-" for those that had no part.
func found(t *testing.T, source, flags, text string) []string {
	t.Helper()
	p, err := pattern.Compile(source, flags, 0)
	require.NoError(t, err)
	var out []string
	for match, err := range p.Find(text) {
		require.NoError(t, err)
		var groups []string
		for number := range p.Groups() {
			group, ok := match.Group(number)
			if !ok {
				group = "-"
			}
			groups = append(groups, group)
		}
		out = append(out, strings.Join(groups, "|"))
		require.Equal(t, groups[0] == "", match.Empty())
	}
	return out
}

func TestFindGivesMatchesAndTheirGroups(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"a"}, found(t, "a", "", "banana"))
	require.Equal(t, []string{"a", "a", "a"}, found(t, "a", "g", "banana"))
	require.Nil(t, found(t, "x", "g", "banana"))
	require.Equal(t, []string{"k=v|k|v"}, found(t, `(\w)=(\w)`, "", "k=v"))
	require.Equal(t, []string{"b|-|b"}, found(t, `(a)|(b)`, "", "b"))
	require.Equal(t, []string{"😀é|é"}, found(t, `😀(.)`, "", "x😀éy"))
	require.Equal(t, []string{"", "", ""}, found(t, `x*`, "g", "ab"))
	require.Equal(t, []string{"abc|a|b|c"}, found(t, `(?<n>a)(b)(?<m>c)`, "", "abc"))

	p, err := pattern.Compile(`(?<n>a)(b)(?<m>c)`, "", 0)
	require.NoError(t, err)
	require.Equal(t, []string{"", "n", "", "m"}, p.Groups())
	require.True(t, p.Named())
	p, err = pattern.Compile(`(a)`, "g", 0)
	require.NoError(t, err)
	require.False(t, p.Named())
	for range p.Find("aaa") {
		break
	}
}

func TestReplacementsAreThoseOfJavaScript(t *testing.T) {
	t.Parallel()
	for _, test := range [][5]string{
		{"b", "", "abab", "x", "axab"}, {"b", "g", "abab", "x", "axax"}, {"(a)(b)", "g", "abab", "$2$1", "baba"},
		{"(a)", "", "a", "$$$&$1$2$10$0$x$", "$aa$2a0$0$x$"}, {"b", "", "abc", "[$`|$']", "a[a|c]c"},
		{"(?<n>b)", "", "abc", "<$<n>$<m>$<n>", "a<bb" + "c"}, {"b", "", "abc", "$<n>", "a$<n>c"}, {"(?<n>b)", "", "abc", "$<n", "a$<nc"},
		{"(?<n>a)|(?<n>b)", "g", "ab", "[$<n>]", "[a][b]"}, {"x*", "g", "ab", "-", "-a-b-"}, {"é", "", "aéb", "😀", "a😀b"},
		{"(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)", "", "abcdefghijk", "$11$10$1", "kja"}, {"a", "", "", "x", ""}, {"", "", "", "x", "x"},
	} {
		p, err := pattern.Compile(test[0], test[1], 0)
		require.NoError(t, err)
		got, err := p.Replace(test[2], test[3], 1000)
		require.NoError(t, err)
		require.Equal(t, test[4], got, test)
	}
	expanded, err := pattern.Expand("$$$&$1$`$'x", "found", 1000)
	require.NoError(t, err)
	require.Equal(t, "$found$1$`$'x", expanded)
}

// Neither a bubble nor a program around it may notice the other: a clock that starts in a bubble keeps it from ending, and one
// that has started outside never reaches its end at a bubble's time. The test is not parallel, so that it comes before all
// others and no clock runs yet.
func TestBubblesEndAlthoughPatternsWereUsedInThem(t *testing.T) {
	p, err := pattern.Compile("a+", "g", 0)
	require.NoError(t, err)
	use := func(t *testing.T) {
		found, err := p.Match("banana")
		require.NoError(t, err)
		require.True(t, found)
		for match, err := range p.Find("banana") {
			require.NoError(t, err)
			require.False(t, match.Empty())
		}
		text, err := p.Replace("banana", "o", 10)
		require.NoError(t, err)
		require.Equal(t, "bonono", text)
	}
	synctest.Test(t, use)
	use(t)
	synctest.Test(t, func(t *testing.T) {
		use(t)
		time.Sleep(time.Hour)
		use(t)
	})
	runaway, err := pattern.Compile(`^(a+)+$`, "", 10*time.Millisecond)
	require.NoError(t, err)
	_, err = runaway.Match(strings.Repeat("a", 40) + "b")
	require.ErrorIs(t, err, pattern.ErrTime)
}

func TestResultsHaveALimit(t *testing.T) {
	t.Parallel()
	p, err := pattern.Compile("a", "g", 0)
	require.NoError(t, err)
	_, err = p.Replace("aaaa", "0123456789", 39)
	require.ErrorIs(t, err, pattern.ErrText)
	_, err = p.Replace("aaaab", "0123456789", 40)
	require.ErrorIs(t, err, pattern.ErrText)
	_, err = p.Replace("aaaa", "0123456789", 40)
	require.NoError(t, err)
	_, err = p.Replace(strings.Repeat("a", 1000), "$`$'", 10_000)
	require.ErrorIs(t, err, pattern.ErrText)
	_, err = pattern.Expand(strings.Repeat("$&", 10), "0123456789", 99)
	require.ErrorIs(t, err, pattern.ErrText)
}

func TestMatchingHasALimitOfTime(t *testing.T) {
	t.Parallel()
	const source = "(x+x+)+y"
	text := strings.Repeat("x", 40)
	p, err := pattern.Compile(source, "g", 50*time.Millisecond)
	require.NoError(t, err)
	started := time.Now()
	_, err = p.Match(text)
	require.ErrorIs(t, err, pattern.ErrTime)
	_, err = p.Replace(text, "", 1000)
	require.ErrorIs(t, err, pattern.ErrTime)
	var last error
	for _, err := range p.Find(text) {
		last = err
	}
	require.ErrorIs(t, last, pattern.ErrTime)
	require.Less(t, time.Since(started), 20*time.Second)
	for _, e := range []error{pattern.ErrTime, pattern.ErrSyntax, pattern.ErrText} {
		require.NotContains(t, e.Error(), "xx")
	}
}

func TestCacheCompilesOnce(t *testing.T) {
	t.Parallel()
	c := pattern.Cache{}
	first, err := c.Compile("a", "g")
	require.NoError(t, err)
	second, err := c.Compile("a", "g")
	require.NoError(t, err)
	require.Same(t, first, second)
	other, err := c.Compile("a", "")
	require.NoError(t, err)
	require.False(t, other.Global())
	_, err = c.Compile("(", "")
	require.ErrorIs(t, err, pattern.ErrSyntax)
	for i := range 1000 { // it does not grow without end
		_, err := c.Compile(strings.Repeat("a", i%500), "")
		require.NoError(t, err)
	}
	long := strings.Repeat("a", 5000)
	first, err = c.Compile(long, "")
	require.NoError(t, err)
	second, err = c.Compile(long, "")
	require.NoError(t, err)
	require.NotSame(t, first, second)
}

// FuzzReplace checks that no pattern and no replacement can crash the package, and that finding and replacing see the same
// matches.
func FuzzReplace(f *testing.F) {
	for _, seed := range [][3]string{{"a", "banana", "$&$&"}, {"(?<n>a)", "a", "$<n>"}, {"x*", "é😀", "-"}, {"(?=a)|b", "ab", "$`$'"}, {"(", "", "$"}} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, source, text, replacement string) {
		p, err := pattern.Compile(source, "g", 50*time.Millisecond)
		if err != nil {
			return
		}
		_, _ = p.Replace(text, replacement, 1<<16)
		var matches []string
		for match, err := range p.Find(text) {
			if err != nil {
				return
			}
			whole, ok := match.Group(0)
			require.True(t, ok)
			matches = append(matches, whole)
		}
		same, err := p.Replace(text, "$&", 1<<20)
		if err != nil {
			return
		}
		require.Equal(t, string([]rune(text)), same)
		if ok, err := p.Match(text); err == nil {
			require.Equal(t, len(matches) > 0, ok)
		}
	})
}

func BenchmarkFind(b *testing.B) {
	p, err := pattern.Compile(`(\w+)@(\w+)\.com`, "g", 0)
	require.NoError(b, err)
	text := strings.Repeat("write to ada@example.com today, ", 100)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for range p.Find(text) {
			n++
		}
		require.Equal(b, 100, n)
	}
}
