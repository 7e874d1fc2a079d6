package storetest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/store"
)

const (
	// crashDir tells a test binary that it is the process that gets killed, and where its store is.
	crashDir = "EBB_CRASH_DIR"
	// crashRounds is how many rounds to do, whatever the test says.
	crashRounds = "EBB_CRASH_ROUNDS"
	// crashWait ends a process that nobody kills.
	crashWait = time.Minute
)

// Crash kills a process that writes, at a random instant, so many rounds long, and looks at what is there: all that was
// acknowledged, at most the one call more that each writer had under way, and of every call all or nothing. The
// environment variable EBB_CRASH_ROUNDS overrides the number of rounds. The rounds follow each other on one folder.
//
// The process is the test binary itself, which runs the calling test again: so the test has to call Crash with the same
// arguments each time, and do nothing of note before. The open function opens the store in a folder, as for Reopen.
func Crash(t *testing.T, open func(t *testing.T, dir string) store.Store, rounds int) {
	t.Helper()
	if dir := os.Getenv(crashDir); dir != "" {
		writeUntilKilled(t, open(t, dir))
		return
	}
	if text := os.Getenv(crashRounds); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(t, err, crashRounds)
		rounds = n
	}
	c := &crash{t: t, dir: t.TempDir(), steps: make([]int, len(crashWriters)), starting: 300 * time.Millisecond}
	for round := range rounds {
		c.round()
		// Some crashes are left to the next process to find, so that recovering gets interrupted, too.
		if round == rounds-1 || rand.IntN(3) > 0 {
			s := open(t, c.dir)
			c.verify(s)
			require.NoError(t, s.Close())
		}
	}
	t.Logf("%d rounds, %d steps", rounds, c.total())
}

// A crash is one folder and what is known about it.
type crash struct {
	t   *testing.T
	dir string

	mu sync.Mutex
	// steps are the last steps that each writer reported as done.
	steps []int

	// starting is about how long a process takes before it writes.
	starting time.Duration
}

func (c *crash) total() (sum int) {
	for _, n := range c.steps {
		sum += n
	}
	return sum
}

// round starts a process, kills it, and notes what it reported.
func (c *crash) round() {
	names := strings.Split(c.t.Name(), "/")
	for i, name := range names {
		names[i] = "^" + regexp.QuoteMeta(name) + "$"
	}
	cmd := exec.Command(os.Args[0], "-test.run="+strings.Join(names, "/"), "-test.count=1", "-test.timeout="+(2*crashWait).String())
	cmd.Env = append(os.Environ(), crashDir+"="+c.dir)
	var errors bytes.Buffer
	cmd.Stderr = &errors
	// When this process dies, its end of the pipe closes, and the other one ends, too.
	_, err := cmd.StdinPipe()
	require.NoError(c.t, err)
	reports, err := cmd.StdoutPipe()
	require.NoError(c.t, err)
	begun := time.Now()
	require.NoError(c.t, cmd.Start())

	ready, ended := make(chan struct{}), make(chan struct{})
	var rest []string
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(reports); lines.Scan(); {
			var writer, step int
			switch line := lines.Text(); {
			case line == "ready":
				close(ready)
			case strings.HasPrefix(line, "step "):
				if _, err := fmt.Sscanf(line, "step %d %d", &writer, &step); err == nil {
					c.mu.Lock()
					c.steps[writer] = step
					c.mu.Unlock()
				}
			default:
				rest = append(rest, line)
			}
		}
	}()
	kill := time.NewTimer(rand.N(c.starting * 2))
	if rand.IntN(4) > 0 {
		kill.Reset(crashWait)
		select {
		case <-ready:
			c.starting = time.Since(begun)
			kill.Reset(rand.N(120 * time.Millisecond))
		case <-ended:
		}
	}
	select {
	case <-kill.C:
	case <-ended:
		_ = cmd.Wait()
		require.Fail(c.t, "the process ended before it was killed", "%s\n%s", strings.Join(rest, "\n"), errors.String())
	}
	require.NoError(c.t, cmd.Process.Kill())
	// All that it reported is still in the pipe.
	<-ended
	_ = cmd.Wait()
}

// verify demands that every writer's records are exactly those after its last reported step or the one after it.
func (c *crash) verify(s store.Store) {
	for g, w := range crashWriters {
		step, err := w.at(c.t, s, g)
		require.NoError(c.t, err)
		require.Contains(c.t, []int{c.steps[g], c.steps[g] + 1}, step, "writer %d reported step %d", g, c.steps[g])
		c.steps[g] = step
		want := w.expect(g, step)
		for _, kind := range []store.Kind{"a", "b", claimer{}.kind(g)} {
			q := store.Query{Kind: kind, AllTenants: true, Parent: parentOf(g), Visibility: store.Everything}
			for got, err := range s.Find(c.t.Context(), q) {
				require.NoError(c.t, err, "writer %d after step %d", g, step)
				r, ok := want[got.Key]
				require.True(c.t, ok, "writer %d after step %d: %s %s is there", g, step, got.Kind, got.ID)
				same(c.t, r, got)
				delete(want, got.Key)
			}
		}
		require.Empty(c.t, want, "writer %d after step %d: not there", g, step)
	}
}

// writeUntilKilled lets all writers go on from where they are, and reports each step when it is done.
func writeUntilKilled(t *testing.T, s store.Store) {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	var mu sync.Mutex
	report := func(line string) {
		mu.Lock()
		defer mu.Unlock()

		fmt.Fprintln(os.Stdout, line)
	}
	failed := make(chan error)
	for g, w := range crashWriters {
		go func() {
			step, err := w.at(t, s, g)
			for ; err == nil; step++ {
				// The first report is of what was found.
				report(fmt.Sprintf("step %d %d", g, step))
				err = w.next(t, s, g, step+1)
			}
			failed <- fmt.Errorf("writer %d: %w", g, err)
		}()
	}
	if compacter, ok := s.(store.Compacter); ok {
		go func() {
			for {
				if _, err := compacter.Compact(t.Context()); err != nil {
					failed <- err
				}
				<-time.After(5 * time.Millisecond)
			}
		}()
	}
	report("ready")
	select {
	case err := <-failed:
		require.NoError(t, err)
	case <-time.After(crashWait):
		require.Fail(t, "nobody killed this process")
	}
}
