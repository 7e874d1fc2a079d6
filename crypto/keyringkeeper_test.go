package crypto_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/secret"
	"github.com/ebbkit/ebb/crypto/vaulttest"
)

func TestKeyringKeepsTheKeeperContract(t *testing.T) {
	t.Parallel()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		vaulttest.Keeper(t, func(t *testing.T) crypto.Keeper { return closeLater(t, crypto.NewKeyring(), nil) })
	})
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		vaulttest.Keeper(t, func(t *testing.T) crypto.Keeper {
			r, err := crypto.CreateKeyring(filepath.Join(t.TempDir(), "keys"))
			return closeLater(t, r, err)
		})
	})
}

func TestKeepersWorkInEveryFIPSMode(t *testing.T) {
	t.Parallel()
	inEveryFIPSMode(t, "TestKeyringKeepsTheKeeperContract", "TestFixedKeysUnwrap", "TestProcessesThatShareAFileSeeEachOthersEpochs", "TestKeeperOfTheExampleKeepsTheContract")
}

var wrapScope = []byte("keys of acme, version 1")

// epochs makes epochs with a key wrapped under each; wrapped[1] is of the first.
func epochs(t *testing.T, r *crypto.Keyring, n int) (wrapped [][]byte) {
	t.Helper()
	wrapped = [][]byte{nil}
	for range n {
		e, err := r.NewEpoch(t.Context())
		require.NoError(t, err)
		b, err := r.Wrap(t.Context(), e.Number, []byte{byte(e.Number)}, wrapScope)
		require.NoError(t, err)
		wrapped = append(wrapped, b)
	}
	return wrapped
}

func TestEpochsOutliveTheProcess(t *testing.T) {
	t.Parallel()
	for _, passphrase := range []string{"", "correct horse"} {
		path := filepath.Join(t.TempDir(), "keys")
		create, open := crypto.CreateKeyring, crypto.OpenKeyring
		if passphrase != "" {
			create = func(path string) (*crypto.Keyring, error) {
				return crypto.CreatePassphraseKeyring(path, secret.NewString(passphrase))
			}
			open = func(path string) (*crypto.Keyring, error) {
				return crypto.OpenPassphraseKeyring(path, secret.NewString(passphrase))
			}
		}
		before := time.Now().Truncate(time.Second)
		r, err := create(path)
		closeLater(t, r, err)
		sealed, err := r.Seal(t.Context(), at, []byte("text"))
		require.NoError(t, err)
		wrapped := epochs(t, r, 4)
		gone := time.Now()
		irrevocable, err := r.DestroyEpoch(t.Context(), 2)
		require.NoError(t, err)
		require.False(t, irrevocable.Before(gone), "rounded up")
		require.True(t, irrevocable.Before(gone.Add(time.Minute)), "a file has no delay of its own")
		require.NoError(t, r.AddKey(t.Context()))
		want, err := r.Epochs(t.Context())
		require.NoError(t, err)

		r, err = open(path)
		again := closeLater(t, r, err)
		got, err := again.Epochs(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Len(t, got, 4)
		for _, e := range got {
			require.False(t, e.Created.Before(before) || e.Created.After(time.Now()))
		}
		for number := uint32(1); number <= 4; number++ {
			key, err := again.Unwrap(t.Context(), number, wrapped[number], wrapScope)
			if number == 2 {
				require.ErrorIs(t, err, crypto.ErrEpochDestroyed)
				continue
			}
			require.NoError(t, err)
			require.Equal(t, []byte{byte(number)}, key)
		}
		at2, err := again.DestroyEpoch(t.Context(), 2)
		require.NoError(t, err)
		require.Equal(t, irrevocable, at2)
		_, err = again.Open(t.Context(), at, sealed)
		require.NoError(t, err)
		e, err := again.NewEpoch(t.Context())
		require.NoError(t, err)
		require.Equal(t, uint32(5), e.Number)
	}
}

// keysIn finds the keys in a key file.
func keysIn(t *testing.T, path string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	keys := map[string]string{}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if strings.HasPrefix(line, "epoch ") || strings.HasPrefix(line, "key ") {
			keys[strings.Join(fields[:len(fields)-3], " ")] = fields[len(fields)-1]
		}
	}
	return keys
}

func TestDestroyedKeyIsNotInTheFolderAnyMore(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "keys")
	r, err := crypto.CreateKeyring(path)
	closeLater(t, r, err)
	epochs(t, r, 3)
	keys := keysIn(t, path)
	require.Len(t, keys, 4)
	// The old file, as whoever reads the medium finds it: by a name of its own, and by one that was open.
	linked := filepath.Join(t.TempDir(), "linked")
	require.NoError(t, os.Link(path, linked))
	size, err := os.Stat(path)
	require.NoError(t, err)

	_, err = r.DestroyEpoch(t.Context(), 2)
	require.NoError(t, err)
	require.Equal(t, []string{"keys"}, names(t, folder))
	left := keysIn(t, path)
	require.NotContains(t, left, "epoch 2")
	require.Equal(t, keys["epoch 1"], left["epoch 1"])
	require.Equal(t, keys["epoch 3"], left["epoch 3"])
	require.Equal(t, keys["key"], left["key"])
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, string(text), keys["epoch 2"])
	if runtime.GOOS != "windows" {
		old, err := os.ReadFile(linked)
		require.NoError(t, err)
		require.Len(t, old, int(size.Size()))
		for _, key := range keys {
			raw, err := base64.StdEncoding.DecodeString(key)
			require.NoError(t, err)
			require.NotContains(t, string(old), key)
			require.NotContains(t, string(old), string(raw))
		}
	}
}

// What only adds leaves the file that was there as it is: a copy that is a hard link is a copy.
func TestOnlyDestroyingOverwritesTheOldFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	r, err := crypto.CreateKeyring(path)
	closeLater(t, r, err)
	for _, change := range []func(context.Context) error{
		r.AddKey, func(ctx context.Context) error { _, err := r.NewEpoch(ctx); return err },
	} {
		linked := filepath.Join(t.TempDir(), "linked")
		require.NoError(t, os.Link(path, linked))
		require.NoError(t, change(t.Context()))
		opened, err := crypto.OpenKeyring(linked)
		closeLater(t, opened, err)
	}
}

func TestFileWithoutEpochsIsOfTheFirstVersion(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	r, err := crypto.CreateKeyring(path)
	closeLater(t, r, err)
	first, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(first), "\nebb keys 1\n")
	require.NotContains(t, string(first), "epoch")
	epochs(t, r, 2)
	_, err = r.DestroyEpoch(t.Context(), 1)
	require.NoError(t, err)
	second, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(second), "brings its key back")
	lines := strings.Split(strings.TrimSuffix(string(second), "\n"), "\n")
	require.Equal(t, "ebb keys 2", lines[3])
	require.Regexp(t, `^destroyed 1 \S+Z \S+Z$`, lines[6])
	require.Regexp(t, `^epoch 2 [0-9a-f]{32} \S+Z \S{44}$`, lines[7])
	require.Len(t, lines, 9)
}

func TestProcessesThatShareAFileSeeEachOthersEpochs(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	r, err := crypto.CreateKeyring(path)
	one := closeLater(t, r, err)
	r, err = crypto.OpenKeyring(path)
	two := closeLater(t, r, err)
	for round := range 3 {
		for _, pair := range [][2]*crypto.Keyring{{one, two}, {two, one}} {
			e, err := pair[0].NewEpoch(t.Context())
			require.NoError(t, err)
			wrapped, err := pair[1].Wrap(t.Context(), e.Number, []byte("key"), wrapScope)
			require.NoError(t, err, "round %d", round)
			_, err = pair[0].Unwrap(t.Context(), e.Number, wrapped, wrapScope)
			require.NoError(t, err)
			_, err = pair[1].Unwrap(t.Context(), e.Number, wrapped, wrapScope)
			require.NoError(t, err)

			// The very next call of the other knows.
			irrevocable, err := pair[0].DestroyEpoch(t.Context(), e.Number)
			require.NoError(t, err)
			_, err = pair[1].Unwrap(t.Context(), e.Number, wrapped, wrapScope)
			require.ErrorIs(t, err, crypto.ErrEpochDestroyed)
			_, err = pair[1].Wrap(t.Context(), e.Number, []byte("key"), wrapScope)
			require.ErrorIs(t, err, crypto.ErrEpochDestroyed)
			again, err := pair[1].DestroyEpoch(t.Context(), e.Number)
			require.NoError(t, err)
			require.Equal(t, irrevocable, again)
		}
	}
	// A key that was added by one, too, is not lost by what the other does with epochs.
	require.NoError(t, one.AddKey(t.Context()))
	sealed, err := one.Seal(t.Context(), at, []byte("text"))
	require.NoError(t, err)
	_, err = two.NewEpoch(t.Context())
	require.NoError(t, err)
	r, err = crypto.OpenKeyring(path)
	_, err = closeLater(t, r, err).Open(t.Context(), at, sealed)
	require.NoError(t, err)
}

// A reader that has opened the old file finds it overwritten, and must not take that for damage.
func TestFileIsReadWellWhileEpochsAreDestroyed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	r, err := crypto.CreateKeyring(path)
	closeLater(t, r, err)
	stop := make(chan struct{})
	errs := make([]error, 4)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				opened, err := crypto.OpenKeyring(path)
				if err != nil {
					errs[i] = err
					return
				}
				_ = opened.Close()
			}
		})
	}
	for range 60 {
		e, err := r.NewEpoch(t.Context())
		require.NoError(t, err)
		_, err = r.DestroyEpoch(t.Context(), e.Number)
		require.NoError(t, err)
	}
	close(stop)
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
}

func TestKeeperRefusesAFileThatItCannotTrust(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "keys")
	r, err := crypto.CreateKeyring(path)
	closeLater(t, r, err)
	sealed, err := r.Seal(t.Context(), at, []byte("text"))
	require.NoError(t, err)
	wrapped := epochs(t, r, 1)
	oneEpoch, err := os.ReadFile(path)
	require.NoError(t, err)
	wrapped = append(wrapped, epochs(t, r, 2)[1:]...)
	withAll, err := os.ReadFile(path)
	require.NoError(t, err)
	_, err = r.DestroyEpoch(t.Context(), 1)
	require.NoError(t, err)
	newest, err := os.ReadFile(path)
	require.NoError(t, err)
	o, err := crypto.CreateKeyring(filepath.Join(folder, "other"))
	other := closeLater(t, o, err)
	epochs(t, other, 3)
	foreign, err := os.ReadFile(filepath.Join(folder, "other"))
	require.NoError(t, err)

	refused := func(name string, causes ...error) {
		t.Helper()
		_, err := r.Wrap(t.Context(), 3, []byte("key"), wrapScope)
		look := func(err error) {
			t.Helper()
			require.ErrorIs(t, err, crypto.ErrKeeper, name)
			require.True(t, isAny(err, causes...), "%s: %v", name, err)
		}
		look(err)
		_, err = r.Unwrap(t.Context(), 3, wrapped[3], wrapScope)
		look(err)
		_, err = r.Epochs(t.Context())
		look(err)
		before := names(t, folder)
		_, err = r.NewEpoch(t.Context())
		look(err)
		_, err = r.DestroyEpoch(t.Context(), 3)
		look(err)
		require.Equal(t, before, names(t, folder), "nothing is left behind")
		// What was sealed opens all the same, with the keys in memory.
		_, err = r.Open(t.Context(), at, sealed)
		require.NoError(t, err, name)
	}
	for name, text := range map[string][]byte{
		"an older copy, with the destroyed epoch": withAll, "a copy from before the epochs": oneEpoch, "another keyring's": foreign,
		"half of it": newest[:len(newest)/2], "nothing": {}, "an edited one": bytes.Replace(newest, []byte("epoch 2 "), []byte("epoch 4 "), 1),
	} {
		require.NoError(t, os.WriteFile(path, text, 0o600))
		refused(name, crypto.ErrKeyFile)
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.True(t, bytes.Equal(text, got), "%s: it was changed", name)
	}
	require.NoError(t, os.Remove(path))
	refused("missing", fs.ErrNotExist)
	require.NoError(t, os.WriteFile(path, newest, 0o600))
	if runtime.GOOS != "windows" {
		require.NoError(t, os.Chmod(path, 0o644))
		require.NoError(t, os.Chtimes(path, time.Now(), time.Now().Add(time.Hour)))
		refused("exposed", crypto.ErrExposed)
		require.NoError(t, os.Chmod(path, 0o600))
	}

	// Put back, all is well.
	key, err := r.Unwrap(t.Context(), 3, wrapped[3], wrapScope)
	require.NoError(t, err)
	require.Equal(t, []byte{3}, key[:1])
	require.NoError(t, os.WriteFile(path+".lock", nil, 0o600))
	_, err = r.NewEpoch(t.Context())
	require.ErrorIs(t, err, crypto.ErrKeeper)
	require.ErrorIs(t, err, crypto.ErrLocked)
	_, err = r.DestroyEpoch(t.Context(), 2)
	require.ErrorIs(t, err, crypto.ErrLocked)
	_, err = r.Unwrap(t.Context(), 2, wrapped[2], wrapScope)
	require.NoError(t, err, "nothing has changed")
	require.NoError(t, os.Remove(path+".lock"))
	_, err = r.DestroyEpoch(t.Context(), 2)
	require.NoError(t, err)
}

// A key file may list a thousand destroyed epochs; the older ones stay destroyed.
func TestKeyringForgetsOldEpochsAndNotThatTheyAreDestroyed(t *testing.T) {
	t.Parallel()
	r := closeLater(t, crypto.NewKeyring(), nil)
	wrapped := epochs(t, r, 1)
	_, err := r.NewEpoch(t.Context()) // stays
	require.NoError(t, err)
	_, err = r.DestroyEpoch(t.Context(), 1)
	require.NoError(t, err)
	for range 1100 {
		e, err := r.NewEpoch(t.Context())
		require.NoError(t, err)
		_, err = r.DestroyEpoch(t.Context(), e.Number)
		require.NoError(t, err)
	}
	all, err := r.Epochs(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1001)
	require.Equal(t, uint32(2), all[0].Number)
	require.Equal(t, uint32(103), all[1].Number)
	require.Equal(t, uint32(1102), all[1000].Number)
	_, err = r.Unwrap(t.Context(), 1, wrapped[1], wrapScope)
	require.ErrorIs(t, err, crypto.ErrEpochDestroyed)
	before := time.Now()
	at, err := r.DestroyEpoch(t.Context(), 1)
	require.NoError(t, err)
	require.False(t, at.Before(before))
	e, err := r.NewEpoch(t.Context())
	require.NoError(t, err)
	require.Equal(t, uint32(1103), e.Number)
}

func TestWrappedKeyOpensNothingElse(t *testing.T) {
	t.Parallel()
	r := closeLater(t, crypto.NewKeyring(), nil)
	wrapped := epochs(t, r, 1)[1]
	require.Len(t, wrapped, 1+crypto.Overhead)
	_, err := r.Open(t.Context(), crypto.Scope{Record: string(wrapScope)}, wrapped)
	require.ErrorIs(t, err, crypto.ErrNoKey, "it is no envelope of the vault")
	sealed, err := r.Seal(t.Context(), crypto.Scope{Record: string(wrapScope)}, []byte("text"))
	require.NoError(t, err)
	_, err = r.Unwrap(t.Context(), 1, sealed, wrapScope)
	require.ErrorIs(t, err, crypto.ErrScope, "nor an envelope of the vault a wrapped key")
	newer := bytes.Clone(wrapped)
	newer[0]++
	_, err = r.Unwrap(t.Context(), 1, newer, wrapScope)
	require.ErrorIs(t, err, crypto.ErrMalformed)
	require.ErrorIs(t, err, crypto.ErrNewer)
}

func TestKeyringRefusesKeysAndScopesOfWrongSizes(t *testing.T) {
	t.Parallel()
	r := closeLater(t, crypto.NewKeyring(), nil)
	wrapped := epochs(t, r, 1)[1]
	for _, size := range []int{0, crypto.MaxWrapBytes + 1} {
		_, err := r.Wrap(t.Context(), 1, make([]byte, size), wrapScope)
		require.ErrorIs(t, err, crypto.ErrTooLarge)
	}
	for _, size := range []int{0, crypto.MaxWrapScopeBytes + 1} {
		_, err := r.Wrap(t.Context(), 1, []byte("key"), make([]byte, size))
		require.ErrorIs(t, err, crypto.ErrScope)
		_, err = r.Unwrap(t.Context(), 1, wrapped, make([]byte, size))
		require.ErrorIs(t, err, crypto.ErrScope)
	}
}

func TestClosedKeyringIsNoKeeper(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	inFile, err := crypto.CreateKeyring(path)
	require.NoError(t, err)
	for name, r := range map[string]*crypto.Keyring{"memory": crypto.NewKeyring(), "file": inFile, "zero": {}} {
		if name != "zero" {
			epochs(t, r, 1)
		}
		require.NoError(t, r.Close())
		_, err := r.Wrap(t.Context(), 1, []byte("key"), wrapScope)
		require.ErrorIs(t, err, crypto.ErrClosed, name)
		_, err = r.Unwrap(t.Context(), 1, []byte("key"), wrapScope)
		require.ErrorIs(t, err, crypto.ErrClosed, name)
		_, err = r.NewEpoch(t.Context())
		require.ErrorIs(t, err, crypto.ErrClosed, name)
		_, err = r.DestroyEpoch(t.Context(), 1)
		require.ErrorIs(t, err, crypto.ErrClosed, name)
		_, err = r.Epochs(t.Context())
		require.ErrorIs(t, err, crypto.ErrClosed, name)
	}
}

func TestCloseDuringKeepingEndsEveryCallWellOrClosed(t *testing.T) {
	t.Parallel()
	for range 20 {
		r := crypto.NewKeyring()
		wrapped := epochs(t, r, 1)[1]
		var wg sync.WaitGroup
		for id := range 8 {
			wg.Go(func() {
				for n := range 200 {
					scope := fmt.Appendf(nil, "%d %d", id, n)
					b, err := r.Wrap(context.Background(), 1, []byte("key"), scope)
					if err == nil {
						_, err = r.Unwrap(context.Background(), 1, b, scope)
					}
					if err == nil {
						_, err = r.Unwrap(context.Background(), 1, wrapped, wrapScope)
					}
					if err == nil {
						continue
					}
					if !isAny(err, crypto.ErrClosed) {
						t.Error(err)
					}
					return
				}
			})
		}
		require.NoError(t, r.Close())
		wg.Wait()
	}
}

// TestKilledWhileEpochsTurnLosesNoEpoch kills processes that make and destroy epochs. Whatever they have announced must be
// true of the file that is left.
func TestKilledWhileEpochsTurnLosesNoEpoch(t *testing.T) {
	t.Parallel()
	if path := os.Getenv("EBB_TEST_EPOCHS"); path != "" {
		r, err := crypto.OpenKeyring(path)
		closeLater(t, r, err)
		for {
			e, err := r.NewEpoch(t.Context())
			require.NoError(t, err)
			fmt.Printf("made %d\n", e.Number)
			if e.Number > 3 {
				_, err = r.DestroyEpoch(t.Context(), e.Number-3)
				require.NoError(t, err)
				fmt.Printf("destroyed %d\n", e.Number-3)
			}
		}
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	folder := t.TempDir()
	path := filepath.Join(folder, "keys")
	r, err := crypto.CreateKeyring(path)
	closeLater(t, r, err)
	last := uint32(0)
	gone := map[uint32]bool{}
	for round := range 15 {
		cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestKilledWhileEpochsTurnLosesNoEpoch$")
		cmd.Env = append(os.Environ(), "EBB_TEST_EPOCHS="+path)
		killer := &lineCounter{limit: 2 + round, kill: func() { _ = cmd.Process.Kill() }}
		cmd.Stdout = killer
		require.Error(t, cmd.Run())
		for line := range strings.Lines(killer.text.String()) {
			var number uint32
			if n, _ := fmt.Sscanf(line, "made %d\n", &number); n == 1 && strings.HasSuffix(line, "\n") {
				last = max(last, number)
			}
			if n, _ := fmt.Sscanf(line, "destroyed %d\n", &number); n == 1 && strings.HasSuffix(line, "\n") {
				gone[number] = true
			}
		}
		opened, err := crypto.OpenKeyring(path)
		require.NoError(t, err)
		all, err := opened.Epochs(t.Context())
		require.NoError(t, err)
		require.GreaterOrEqual(t, all[len(all)-1].Number, last)
		for _, e := range all {
			if e.Number > 3 && e.Number+3 > last {
				require.True(t, e.Destroyed.IsZero(), "epoch %d is lost", e.Number)
			}
			if gone[e.Number] {
				require.False(t, e.Destroyed.IsZero(), "epoch %d is back", e.Number)
			}
		}
		require.NoError(t, opened.Close())
		for _, name := range names(t, folder) {
			if name != "keys" {
				require.NoError(t, os.Remove(filepath.Join(folder, name)))
			}
		}
		_, err = r.Epochs(t.Context()) // who has lived on agrees
		require.NoError(t, err)
	}
	require.Greater(t, last, uint32(15))
	require.NotEmpty(t, gone)
}

// lineCounter calls kill at a line.
type lineCounter struct {
	limit int
	kill  func()
	text  bytes.Buffer
}

func (c *lineCounter) Write(b []byte) (int, error) {
	c.text.Write(b)
	if bytes.Count(c.text.Bytes(), []byte("\n")) >= c.limit {
		c.kill()
	}
	return len(b), nil
}

func FuzzUnwrap(f *testing.F) {
	r := crypto.NewKeyring()
	f.Cleanup(func() { _ = r.Close() })
	var wrapped [3][]byte
	for i := range wrapped {
		e, err := r.NewEpoch(context.Background())
		require.NoError(f, err)
		wrapped[i], err = r.Wrap(context.Background(), e.Number, []byte{byte(i)}, wrapScope)
		require.NoError(f, err)
		f.Add(wrapped[i], wrapScope, e.Number)
	}
	_, err := r.DestroyEpoch(context.Background(), 1)
	require.NoError(f, err)
	f.Add([]byte(nil), []byte(nil), uint32(0))
	f.Add([]byte("vault:v2:AAAA"), []byte("x"), uint32(9))
	f.Fuzz(func(t *testing.T, b, scope []byte, epoch uint32) {
		got, err := r.Unwrap(t.Context(), epoch, b, scope)
		if err == nil {
			require.True(t, epoch == 2 || epoch == 3)
			require.Equal(t, wrapped[epoch-1], b)
			require.Equal(t, wrapScope, scope)
			require.Equal(t, []byte{byte(epoch - 1)}, got)
			return
		}
		require.Empty(t, got)
		require.True(t, isAny(err, crypto.ErrScope, crypto.ErrMalformed, crypto.ErrNoEpoch, crypto.ErrEpochDestroyed), err)
	})
}

func BenchmarkKeyringAsKeeper(b *testing.B) {
	inFile, err := crypto.CreateKeyring(filepath.Join(b.TempDir(), "keys"))
	require.NoError(b, err)
	for name, r := range map[string]*crypto.Keyring{"memory": crypto.NewKeyring(), "file": inFile} {
		defer func() { _ = r.Close() }()
		_, err := r.NewEpoch(b.Context())
		require.NoError(b, err)
		key := make([]byte, 32)
		wrapped, err := r.Wrap(b.Context(), 1, key, wrapScope)
		require.NoError(b, err)
		b.Run("wrap/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Wrap(b.Context(), 1, key, wrapScope); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("unwrap/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Unwrap(b.Context(), 1, wrapped, wrapScope); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("turn/file", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e, err := inFile.NewEpoch(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			if _, err := inFile.DestroyEpoch(b.Context(), e.Number); err != nil {
				b.Fatal(err)
			}
		}
	})
}
