package examples_test

import (
	"bufio"
	"bytes"
	"crypto/hkdf"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A watcher has started a shop and knows all its keys.
type watcher struct {
	t   *testing.T
	dir string
	// seen are the keys that the shop's keeper has seen, roots those that its key file has had. Those of held are in it now.
	seen  map[string]bool
	roots map[string]string // name by key
	held  map[string]bool
	// tokens are those of hooks.
	tokens []string

	child *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
}

func watch(t *testing.T, env ...string) *watcher {
	t.Helper()
	w := &watcher{t: t, dir: t.TempDir(), seen: map[string]bool{}, roots: map[string]string{}}
	program, err := os.Executable()
	require.NoError(t, err)
	temporary := filepath.Join(w.dir, "temporary")
	require.NoError(t, os.Mkdir(temporary, 0o700))
	w.child = exec.CommandContext(t.Context(), program)
	w.child.Env = append(append(os.Environ(), shopFolder+"="+w.dir, "TMPDIR="+temporary, "TEMP="+temporary, "TMP="+temporary), env...)
	w.child.Stderr = os.Stderr
	w.in, err = w.child.StdinPipe()
	require.NoError(t, err)
	out, err := w.child.StdoutPipe()
	require.NoError(t, err)
	w.out = bufio.NewReader(out)
	require.NoError(t, w.child.Start())
	t.Cleanup(func() {
		_ = w.in.Close()
		_ = w.child.Wait()
	})
	return w
}

// next waits until the shop has reached its next stage. Empty: it has ended.
func (w *watcher) next() string {
	for {
		kind, err := w.out.ReadByte()
		if err == io.EOF {
			require.NoError(w.t, w.child.Wait())
			return ""
		}
		require.NoError(w.t, err)
		switch kind {
		case shopKey:
			key := make([]byte, 32)
			_, err := io.ReadFull(w.out, key)
			require.NoError(w.t, err)
			w.seen[string(key)] = true
		case shopToken:
			token, err := w.out.ReadString('\n')
			require.NoError(w.t, err)
			require.Greater(w.t, len(token), 16)
			w.tokens = append(w.tokens, strings.TrimSpace(token))
		case shopStage:
			name, err := w.out.ReadString('\n')
			require.NoError(w.t, err)
			w.readKeyFile()
			return strings.TrimSpace(name)
		default:
			require.Fail(w.t, "message", "%q", kind)
		}
	}
}

// goOn lets the shop go on.
func (w *watcher) goOn() {
	_, err := w.in.Write([]byte{'\n'})
	require.NoError(w.t, err)
}

// readKeyFile learns the keys that are in the key file now, and those under which the keeper wraps, which follow from them.
func (w *watcher) readKeyFile() {
	text, err := os.ReadFile(filepath.Join(w.dir, "ebb.key"))
	require.NoError(w.t, err)
	w.held = map[string]bool{}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		switch fields[0] {
		case "index", "key", "epoch":
		default:
			continue
		}
		key, err := base64.StdEncoding.DecodeString(fields[len(fields)-1])
		require.NoError(w.t, err)
		require.Len(w.t, key, 32)
		w.roots[string(key)], w.held[string(key)] = strings.Join(fields[:2], " ")+" of the key file", true
		if fields[0] == "epoch" {
			number, err := strconv.ParseUint(fields[1], 10, 32)
			require.NoError(w.t, err)
			wraps, err := hkdf.Expand(sha512.New, key, string(binary.BigEndian.AppendUint32([]byte("ebb wrap 1"), uint32(number))), 32)
			require.NoError(w.t, err)
			w.roots[string(wraps)] = "what wraps in epoch " + fields[1]
		}
	}
}

// The names of needles that are keys which follow from others.
const (
	sealing        = "what seals records"
	authenticating = "what authenticates stored keys"
)

// derived adds the keys that follow from those that the keeper has seen and from the salts in the database.
func (w *watcher) derived(n *needles) {
	var files []byte
	for _, name := range []string{"ebb.db", "ebb.db-wal"} {
		content, err := os.ReadFile(filepath.Join(w.dir, name))
		if err == nil {
			files = append(files, content...)
		}
	}
	expand := func(key, info string) []byte {
		b, err := hkdf.Expand(sha512.New, []byte(key), info, 32)
		require.NoError(w.t, err)
		return b
	}
	for key := range w.seen {
		n.key(authenticating, expand(key, "ebb ring mac 1"))
		header := append([]byte{1}, expand(key, "ebb ring key id 1")[:16]...)
		for rest := files; ; {
			_, after, found := bytes.Cut(rest, header)
			if !found || len(after) < 24 {
				break
			}
			rest = after
			scope := string(append([]byte{1}, make([]byte, 24)...)) // of what belongs to the tenant without a name
			n.key(sealing, expand(key, "ebb envelope 1"+string(after[:24])+"\x00\x00\x00\x00\x00\x00\x00\x19"+scope))
		}
	}
}

// keys are needles of all keys but those that are left out.
func (w *watcher) keys(but map[string]bool) *needles {
	n := new(needles)
	for key := range w.seen {
		n.key(fmt.Sprintf("a key with the first byte %02x", key[0]), []byte(key))
	}
	for key, name := range w.roots {
		if !but[key] {
			n.key(name, []byte(key))
		}
	}
	return n
}

// said adds what the shop is told by people, and what they must know.
func (w *watcher) said(n *needles) *needles {
	n.text("the body of an order", shopBody)
	n.text("the body of a whisper", shopWhisper)
	n.text("the password of a connection", shopPassword)
	n.text("the key of an entry", shopEntry)
	for _, token := range w.tokens {
		n.text("the token of a hook", token)
	}
	return n
}

// No key is in a file or in what was logged but the root keys in the key file, and no root key that was destroyed; and nothing
// of what people said is readable anywhere. That holds while the engine works and afterwards, for the database, its log and
// index, temporary files and everything else that lies there.
func TestFilesAndLogsHoldNeitherKeysNorWhatWasSaid(t *testing.T) {
	t.Parallel()
	w := watch(t)
	stages := 0
	for stage := w.next(); stage != ""; stage = w.next() {
		stages++
		scanned := map[string]int64{}
		err := filepath.WalkDir(w.dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			var held map[string]bool
			if entry.Name() == "ebb.key" {
				held = w.held
			}
			require.Empty(t, w.said(w.keys(held)).in(content), "%s: %s", stage, entry.Name())
			scanned[entry.Name()] = int64(len(content))
			return nil
		})
		require.NoError(t, err)
		require.Positive(t, scanned["ebb.key"], stage)
		if stage == "closed" {
			require.Positive(t, scanned["ebb.db"])
			require.Positive(t, scanned["log"])
		} else {
			require.Positive(t, scanned["ebb.db-wal"], stage)
		}
		t.Logf("%s: %d keys seen, %d roots ever and %d now, files %v", stage, len(w.seen), len(w.roots), len(w.held), scanned)
		w.goOn()
	}
	require.Equal(t, 6, stages)
	require.Len(t, w.held, 3, "index, key and the newest epoch")
	require.Greater(t, len(w.seen), 8, "keys of the tenant, of its index and of every whisper, in several versions")
	require.Len(t, w.tokens, 8, "of two hooks, four times")
	require.Greater(t, len(w.roots), len(w.held)+2, "an epoch was destroyed")
	for key := range w.seen {
		require.NotEmpty(t, w.keys(nil).in([]byte("x"+key)), "the scan finds what it looks for")
	}
}
