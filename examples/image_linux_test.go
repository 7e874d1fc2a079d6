package examples_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Once engine, store and key file are closed, no key that the keeper has seen, and none of its own, is left in the memory of
// the process, the keys of runs that have ended and those that were rotated away included.
//
// What may be left are keys that follow from those: what seals records lives in the key schedules of ciphers of package
// crypto/aes, which cannot be cleared, until their memory is used again. They are counted.
func TestMemoryHoldsNoKeyAfterClose(t *testing.T) {
	t.Parallel()
	w := watch(t)
	for stage := w.next(); stage != "closed"; stage = w.next() {
		if stage == "turned" {
			keys, _ := w.inMemory(w.keys(nil), true)
			require.NotEmpty(t, keys, "a scan of an engine at work finds them")
		}
		w.goOn()
	}
	n := w.keys(nil)
	w.derived(n)
	keys, followed := w.inMemory(n, false)
	require.Empty(t, keys)
	t.Logf("no copy of %d keys; %d of keys that follow from them", len(w.seen)+len(w.roots), followed)
	w.goOn()
	require.Empty(t, w.next())
}

// inMemory looks for needles in the memory of the shop, for one of them or for all. It tells where keys are, and how many there
// are that only follow from others.
func (w *watcher) inMemory(n *needles, one bool) (keys []string, followed int) {
	for _, m := range image(w.t, w.child.Process.Pid) {
		for part, err := range m.parts {
			require.NoError(w.t, err)
			for _, f := range n.in(part.bytes) {
				if f.needle == sealing || f.needle == authenticating {
					followed++
					continue
				}
				from, to := max(0, f.at-64), min(len(part.bytes), f.at+f.size+64)
				keys = append(keys, fmt.Sprintf("%s: %v, address %#x: %x", m.name, f, part.address+uint64(f.at), part.bytes[from:to]))
			}
			if one && len(keys) > 0 {
				return keys, followed
			}
		}
	}
	return keys, followed
}

// A mapping is a part of the memory of a process that it may write. Its parts are those that are there.
type mapping struct {
	name  string
	parts func(yield func(part, error) bool)
}

type part struct {
	address uint64
	bytes   []byte
}

// image lists the memory of a process. A system that does not let a process look into its own children is told.
func image(t *testing.T, pid int) (list []mapping) {
	t.Helper()
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	require.NoError(t, err)
	defer maps.Close()
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if errors.Is(err, fs.ErrPermission) && os.Getenv("CI") != "true" {
		t.Skip("this system does not let a process look into its children:", err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { _ = memory.Close() })
	present, err := os.Open(fmt.Sprintf("/proc/%d/pagemap", pid))
	require.NoError(t, err)
	t.Cleanup(func() { _ = present.Close() })
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		var from, to uint64
		_, err := fmt.Sscanf(fields[0], "%x-%x", &from, &to)
		require.NoError(t, err)
		name := strings.Join(fields[5:], " ")
		if !strings.HasPrefix(fields[1], "rw") || strings.HasPrefix(name, "[v") {
			continue
		}
		list = append(list, mapping{lines.Text(), func(yield func(part, error) bool) {
			const page, most = 4096, 16 << 20 / 4096
			flags := make([]byte, 8*(1<<16))
			start, end := uint64(0), uint64(0)
			give := func() bool {
				if start == end {
					return true
				}
				b := make([]byte, end-start)
				_, err := memory.ReadAt(b, int64(start))
				return yield(part{start, b}, err)
			}
			for at := from; at < to; {
				size := min((to-at)/page, uint64(len(flags)/8))
				if _, err := present.ReadAt(flags[:8*size], int64(at/page*8)); err != nil && err != io.EOF {
					yield(part{}, err)
					return
				}
				for i := range size {
					if binary.LittleEndian.Uint64(flags[8*i:])>>62 == 0 { // neither in memory nor swapped out
						continue
					}
					if here := at + i*page; here != end || end-start >= most*page {
						if !give() {
							return
						}
						start, end = here, here
					}
					end += page
				}
				at += size * page
			}
			give()
		}})
	}
	require.NoError(t, lines.Err())
	return list
}
