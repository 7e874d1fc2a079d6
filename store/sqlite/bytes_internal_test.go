package sqlite

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzIdentIsItsText(f *testing.F) {
	for _, seed := range []string{
		"", "01900000-0000-7000-8000-000000000001", "01900000-0000-7000-8000-00000000000A", "01900000x0000-7000-8000-000000000001",
		"ffffffff-ffff-ffff-ffff-ffffffffffff", "0190000000007000800000000000000000000001",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if u, ok := canonicalIdent(text); ok {
			require.Equal(t, text, u.String())
			require.Equal(t, u, parse(text))
		} else {
			require.NotEqual(t, text, u.String())
		}
	})
}

// leaf is a page with two cells, a free block between them, and rubbish in its gap.
func leaf() []byte {
	page := make([]byte, 512)
	copy(page, []byte{13, 0x01, 0x90, 0, 2, 0x01, 0x80, 0, 0x01, 0x80, 0x01, 0xc0})
	copy(page[12:0x180], bytes.Repeat([]byte("rubbish "), 46))
	copy(page[0x180:], "first cell......")
	copy(page[0x190:], "\x00\x00\x00\x30rubbish, too")
	copy(page[0x1c0:], "second cell")
	return page
}

func TestScrubbingKeepsCells(t *testing.T) {
	t.Parallel()
	page := leaf()
	require.True(t, scrub(page))
	require.NotContains(t, string(page), "rubbish")
	require.Contains(t, string(page), "first cell......\x00\x00\x00\x30")
	require.Contains(t, string(page), "second cell")
	require.Equal(t, leaf()[:12], page[:12])
	require.False(t, scrub(page))
}

func FuzzScrubbingChangesNothingButUnusedBytes(f *testing.F) {
	f.Add(leaf())
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{10}, 64))
	f.Add(append([]byte{5, 0, 0, 0, 1, 0, 30, 0, 0, 0, 0, 9, 0, 30}, make([]byte, 50)...))
	f.Fuzz(func(t *testing.T, page []byte) {
		before := bytes.Clone(page)
		dirty := scrub(page)
		require.Len(t, page, len(before))
		require.Equal(t, dirty, !bytes.Equal(before, page))
		header := min(12, len(page))
		if len(page) > 0 && (page[0] == 10 || page[0] == 13) {
			header = min(8, len(page))
		}
		require.Equal(t, before[:header], page[:header])
		for i := range page {
			require.True(t, page[i] == before[i] || page[i] == 0)
		}
		require.False(t, scrub(page), "a second time finds more")
	})
}
